"""What is to be scored: a text or a mail, in JSON, or as pieces of bytes that can be sent once more.

    str, bytes, file, iterator --pump: a thread--> queue of one --Source.pieces--> connection
    async iterator             --pump: a task--'        `-- kept, for the connection that comes after a broken one

An iterator can be read once, so what was taken from it is kept, up to KEPT bytes; a text longer than
that cannot be sent again, and a connection that breaks then is an error.
"""

from __future__ import annotations

import asyncio
import threading
from base64 import b64encode
from collections.abc import AsyncGenerator, AsyncIterable, Callable, Iterable, Iterator
from concurrent.futures import CancelledError
from contextlib import suppress
from typing import IO, Any, Final, cast

PIECE: Final = 65_536
"""Code points or bytes of a piece, where the text does not come in pieces."""
KEPT: Final = 8 * 2**20
PLAIN: Final = "text/plain; charset=utf-8"
RAW: Final = "message/rfc822"

Piece = str | bytes
Text = Piece | IO[str] | IO[bytes] | Iterable[Piece] | AsyncIterable[Piece]


def in_json(text: str | None, email: bytes | None) -> dict[str, str]:
    """The field of a JSON body that is scored; raises TypeError unless it is exactly one of the two."""
    if email is not None and text is None:
        return {"email": b64encode(email).decode()}
    if text is not None and email is None:
        return {"text": text}
    raise _neither_or_both()


def as_body(text: Text | None, email: bytes | None) -> tuple[Text, str]:
    """What is scored as a body of its own, and its content type; raises as `in_json`."""
    if email is not None and text is None:
        return email, RAW
    if text is not None and email is None:
        return text, PLAIN
    raise _neither_or_both()


def _neither_or_both() -> TypeError:
    return TypeError("give exactly one of text and email; email is a raw message, as bytes")


class Source:
    """One text or mail; make it in the loop that reads it."""

    def __init__(self, text: Text) -> None:
        self._kept: list[bytes] = []
        self._size = 0
        self._ended = False
        self._queue: asyncio.Queue[bytes | BaseException | None] = asyncio.Queue(1)
        self._loop = asyncio.get_running_loop()
        self._closed = False
        self._task: asyncio.Task[None] | None = None
        if isinstance(text, AsyncIterable):
            self._task = self._loop.create_task(self._take(text))
        else:
            # A daemon: a read that waits for somebody to type must not keep the program from ending.
            threading.Thread(target=self._pull, args=(_cut(text),), daemon=True, name="undertone-source").start()

    @property
    def again(self) -> bool:
        """Whether it can still be sent from its first byte."""
        return self._size <= KEPT

    async def pieces(self) -> AsyncGenerator[bytes]:
        """The whole text from its first byte; one reader at a time. Raises what the iterator raised."""
        for kept in list(self._kept):
            yield kept
        while not self._ended:
            piece = await self._queue.get()
            if not isinstance(piece, bytes):
                self._ended = True
                if piece is not None:
                    raise piece
                return
            self._size += len(piece)
            if self.again:
                self._kept.append(piece)
            else:
                self._kept.clear()
            yield piece

    def close(self) -> None:
        """Takes no more; a read that is under way ends by itself."""
        self._closed = True
        if self._task is not None:
            self._task.cancel()
        while not self._queue.empty():
            self._queue.get_nowait()

    async def _take(self, text: AsyncIterable[Piece]) -> None:
        try:
            async for piece in text:
                await self._queue.put(_bytes(piece))
            await self._queue.put(None)
        except Exception as error:
            await self._queue.put(error)

    def _pull(self, pieces: Iterator[Piece]) -> None:
        try:
            for piece in pieces:
                if not self._hand(_bytes(piece)):
                    return
            self._hand(None)
        except Exception as error:
            self._hand(error)

    def _hand(self, piece: bytes | BaseException | None) -> bool:
        """From the thread into the loop, waiting until the one before is taken; False: nobody wants it."""
        putting = self._queue.put(piece)
        try:
            asyncio.run_coroutine_threadsafe(putting, self._loop).result()
        except (RuntimeError, CancelledError):  # the loop is closed, or is being closed
            putting.close()
            return False
        return not self._closed


def _cut(text: Text) -> Iterator[Piece]:
    if isinstance(text, str | bytes):
        return (text[start : start + PIECE] for start in range(0, len(text), PIECE))
    # What a file has now, not what would fill the piece: somebody may be typing.
    for name in ("read1", "readline"):
        if read := cast(Callable[[int], Piece] | None, getattr(text, name, None)):
            return _until_empty(read)
    return iter(cast(Iterable[Any], text))


def _until_empty(read: Callable[[int], Piece]) -> Iterator[Piece]:
    with suppress(EOFError):
        while piece := read(PIECE):
            yield piece


def _bytes(piece: Any) -> bytes:
    if isinstance(piece, str):
        return piece.encode()
    if isinstance(piece, bytes):
        return piece
    raise TypeError(f"a piece of text is {type(piece).__name__}, wanted is str or bytes")
