"""Scores on their way while the text is on its way: Server-Sent Events, or JSON lines.

    receive --chunks--> text --Segmenter--> sentences --turns--> commit --> events, one write per turn --> send
            `-- gone --> the work is cancelled

An event that a client sees is in Redis already. What is ready together is written together. A race that
is lost before the first event starts over with the sentences read so far; after it, the client is told.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any, Final

from starlette.types import Message, Receive, Scope, Send

from models.errors import UndertoneError
from models.sentences import Segmenter, Sentence, Utf8Reader
from service.conversation import Unstored
from service.errors import Conflict, ShuttingDown, body
from service.scoring import Tally
from service.serving import AT_ONCE, RACES, Serving
from service.store import LostRace
from service.wire import Done, StreamedSentence

logger = logging.getLogger(__name__)

SSE: Final = "text/event-stream"
NDJSON: Final = "application/x-ndjson"
OPENING: Final = {SSE: b": undertone\nretry: 2000\n\n", NDJSON: b""}
END: Final = {"type": "http.response.body", "body": b"", "more_body": False}
WAITING: Final = 4
"""Chunks of a body that are read ahead of the scoring."""


@dataclass
class Stream:
    """One request to /v1/stream, checked and ready to run: an ASGI application.

    `text` is the whole text, or None where the body is still to come; events up to the id `after`
    have been seen by the client and are not sent again.
    """

    serving: Serving
    held: Unstored
    tally: Tally
    text: str | None
    media: str
    after: int
    _begun: bool = field(default=False, init=False)
    """True once an event is out, or a state is stored: from then on a lost race is the client's to mend."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers; returns when the answer is complete or the client has gone, and leaves no task."""
        chunks: asyncio.Queue[bytes | None] = asyncio.Queue(WAITING)
        work = asyncio.create_task(self._work(chunks, scope, send))
        watch = asyncio.create_task(_watch(receive, chunks, wanted=self.text is None))
        out_of_time = False
        try:
            await asyncio.wait({work, watch}, return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            out_of_time = True  # only the server does that, when it ends and this stream has had its grace
        finally:
            work.cancel()
            watch.cancel()
            await asyncio.gather(work, watch, return_exceptions=True)
        if out_of_time:
            await self._fail(
                ShuttingDown("the service ends: send the same again, with the same step and Last-Event-ID"), scope, send
            )

    async def _work(self, chunks: asyncio.Queue[bytes | None], scope: Scope, send: Send) -> None:
        head = {"content-type": f"{self.media}; charset=utf-8", "cache-control": "no-store", "x-accel-buffering": "no"}
        raw = [(name.encode(), value.encode()) for name, value in head.items()]
        await send({"type": "http.response.start", "status": 200, "headers": raw})
        await send(_chunk(OPENING[self.media]))
        failure: UndertoneError | None = None
        try:
            async with aclosing(self._events(chunks)) as events:
                async for written in events:
                    await send(_chunk(written))
        except LostRace as lost:
            failure = self.held.broken_off(lost)
        except UndertoneError as error:
            failure = error
        except Exception:
            logger.exception("a stream failed")
            failure = UndertoneError("something broke here, not in your text: try again")
        if failure is not None:
            await self._fail(failure, scope, send)
        else:
            await send(END)

    async def _fail(self, failure: UndertoneError, scope: Scope, send: Send) -> None:
        scope.setdefault("state", {})["error"] = failure.code
        await send(_chunk(self._frame("error", None, body(failure))))
        await send(END)

    async def _events(self, chunks: asyncio.Queue[bytes | None]) -> AsyncGenerator[bytes]:
        """What is written to the client, one piece per turn."""
        read: list[Sequence[Sentence]] = []
        async with aclosing(self._sentences(chunks)) as groups:
            for _ in range(RACES):
                try:
                    async with aclosing(self._scored(self._from_the_first(read, groups))) as pieces:
                        async for piece in pieces:
                            yield piece
                    break
                except LostRace as lost:
                    if self._begun:
                        raise
                    self.held = self.held.again(lost)
                    self.tally = Tally(self.held.model, self.tally.threshold, self.held.start, self.tally.mail)
            else:
                raise Conflict(
                    f"other requests wrote this session first, {RACES} times in a row: nothing was stored, send this "
                    "one again",
                    field="session_id",
                )
        self.serving.metrics.finished(self.held.model)
        done = Done(**self.tally.verdict(), session=await self.held.session(), reason="end")
        yield self._frame("done", None, done.model_dump(exclude={"session"} if done.session is None else None))

    async def _scored(self, groups: AsyncGenerator[Sequence[Sentence]]) -> AsyncGenerator[bytes]:
        """The events of one turn after the other, less those that the client has seen."""
        async with aclosing(self._recognised(groups)) as recognised:
            async for group, new in recognised:
                async with aclosing(self.serving.turns(self.held, self.tally, group)) as turns:
                    async for turn, advance in turns:
                        events = self.tally.stream(turn, advance)
                        if new:
                            await self.held.commit(self.tally.now, [sentence.text for sentence in turn])
                        self._begun = True
                        yield b"".join(self._sentence(said) for said in events if said.index >= self.after)
        if not self.tally.started:
            async for turn, advance in self.serving.turns(self.held, self.tally, ()):
                self.tally.add(turn, advance)

    async def _recognised(
        self, groups: AsyncGenerator[Sequence[Sentence]]
    ) -> AsyncGenerator[tuple[Sequence[Sentence], bool]]:
        """Groups of sentences, and whether they are new; those that come again wait until all of them are there."""
        again: list[Sentence] = []
        async with aclosing(groups):
            async for group in groups:
                missing = self.held.repeated - len(again)
                if missing:
                    again += group[:missing]
                    if len(again) == self.held.repeated:
                        self.held.recognise([sentence.text for sentence in again], resumed=self.after > 0)
                        yield again, False
                if len(group) > missing:
                    yield group[missing:], True
        if len(again) < self.held.repeated:
            self.held.recognise([sentence.text for sentence in again], resumed=self.after > 0)

    async def _from_the_first(
        self, read: list[Sequence[Sentence]], groups: AsyncGenerator[Sequence[Sentence]]
    ) -> AsyncGenerator[Sequence[Sentence]]:
        """What was read before, then the rest, which is kept in `read` as long as it may be wanted once more."""
        for group in tuple(read):
            yield group
        async for group in groups:
            if self._begun:
                read.clear()
            else:
                read.append(group)
            yield group

    async def _sentences(self, chunks: asyncio.Queue[bytes | None]) -> AsyncGenerator[Sequence[Sentence]]:
        """Sentences as they become certain, those that become so together in one group."""
        segmenter = Segmenter(self.held.model.language)
        read = 0
        async with aclosing(self._texts(chunks)) as texts:
            async for text in texts:
                read += len(text)
                self.serving.check_length(read)
                for start in range(0, len(text), AT_ONCE):
                    if start:
                        await asyncio.sleep(0)  # others are served between the pieces
                    if sentences := segmenter.feed(text[start : start + AT_ONCE]):
                        yield sentences
        if sentences := segmenter.flush():
            yield sentences

    async def _texts(self, chunks: asyncio.Queue[bytes | None]) -> AsyncGenerator[str]:
        """The text, or as much of the body as has come."""
        if self.text is not None:
            yield self.text
            return
        reader = Utf8Reader()
        while (data := await chunks.get()) is not None:
            yield reader.feed(data)
        yield reader.feed(b"", ended=True)

    def _sentence(self, said: StreamedSentence) -> bytes:
        return self._frame("sentence", said.index + 1, said.model_dump())

    def _frame(self, event: str, id_: int | None, data: dict[str, Any]) -> bytes:
        if self.media == NDJSON:
            head = {"event": event} if id_ is None else {"event": event, "id": id_}
            return json.dumps(head | data, separators=(",", ":")).encode() + b"\n"
        head_line = "" if id_ is None else f"id: {id_}\n"
        return f"{head_line}event: {event}\ndata: {json.dumps(data, separators=(',', ':'))}\n\n".encode()


async def _watch(receive: Receive, chunks: asyncio.Queue[bytes | None], *, wanted: bool) -> None:
    """Puts the body's chunks into the queue, which is bounded; returns when the client has gone."""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        if wanted:
            if data := message.get("body", b""):
                await chunks.put(data)
            if not message.get("more_body", False):
                await chunks.put(None)
                wanted = False


def _chunk(data: bytes) -> Message:
    return {"type": "http.response.body", "body": data, "more_body": True}
