"""An event of a stream, and its three forms on the wire.

Event(name, id, data) --SSE--> id: 1         --NDJSON--> {"event":"sentence","id":1,…}\\n
                               event: sentence --WebSocket--> the same line, as a text frame
                               data: {…}
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from pydantic import BaseModel
from pydantic_core import to_json

from models.errors import UndertoneError
from service.errors import body

SSE: Final = "text/event-stream"
NDJSON: Final = "application/x-ndjson"
OPENING: Final = {SSE: b": undertone\nretry: 2000\n\n", NDJSON: b""}
"""What is sent at once, so that the client knows that it is heard."""
HEARTBEAT: Final = {SSE: b":\n\n", NDJSON: b'{"event":"heartbeat"}\n'}
"""What is sent every HEARTBEAT_SECONDS, so that nothing between us and the client thinks that all is over."""
HEARTBEAT_SECONDS: Final = 15.0


class Event(NamedTuple):
    """`data` is a JSON object; `failure` is what an `error` event tells of."""

    name: str
    id: int | None
    data: bytes
    failure: UndertoneError | None = None

    @classmethod
    def of(cls, name: str, id_: int | None, data: BaseModel | dict[str, Any]) -> Event:
        return cls(name, id_, to_json(data))

    @classmethod
    def error(cls, failure: UndertoneError) -> Event:
        return cls("error", None, to_json(body(failure)), failure)

    def block(self) -> bytes:
        """As a Server-Sent Event."""
        head = f"event: {self.name}\n" if self.id is None else f"id: {self.id}\nevent: {self.name}\n"
        return b"%sdata: %s\n\n" % (head.encode(), self.data)

    def line(self) -> bytes:
        """As one JSON object, without the newline; that data is never empty."""
        head = f'"event":"{self.name}",' if self.id is None else f'"event":"{self.name}","id":{self.id},'
        return b"{%s%s" % (head.encode(), self.data[1:])


def written(events: Sequence[Event], media: str) -> bytes:
    """Events that are ready together, for one write."""
    if media == SSE:
        return b"".join(event.block() for event in events)
    return b"".join(event.line() + b"\n" for event in events)
