"""Text of any kind, and once more from its first byte."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from client import source
from client.source import Source, Text


async def read(made: Source) -> bytes:
    return b"".join([piece async for piece in made.pieces()])


def twice(text: Text) -> tuple[bytes, bytes]:
    async def main() -> tuple[bytes, bytes]:
        made = Source(text)
        try:
            return await read(made), await read(made)
        finally:
            made.close()

    return asyncio.run(main())


async def later(*pieces: str) -> AsyncIterator[str]:
    for piece in pieces:
        await asyncio.sleep(0)
        yield piece


def test_every_kind_is_read_twice(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("grüße, 你好")
    with (tmp_path / "a").open() as text, (tmp_path / "a").open("rb") as raw:
        kinds: list[Text] = ["grüße, 你好", "grüße, 你好".encode(), ["grü", "ße, 你好".encode()], text, raw]
        for kind in [*kinds, iter(["grüße", ", 你好"]), later("grüße, ", "你好")]:
            assert twice(kind) == ("grüße, 你好".encode(),) * 2


def test_a_reader_that_stopped_in_the_middle_is_followed_by_one_that_begins_at_the_start() -> None:
    async def main() -> bytes:
        made = Source(iter(["a", "b", "c"]))
        first = made.pieces()
        assert [await anext(first), await anext(first)] == [b"a", b"b"]
        await first.aclose()
        return await read(made)

    assert asyncio.run(main()) == b"abc"


def test_what_a_pipe_has_is_passed_on_before_it_ends() -> None:
    async def main() -> bytes:
        out, into = os.pipe()
        with os.fdopen(out, "rb") as reading, os.fdopen(into, "wb", buffering=0) as writing:
            made = Source(reading)
            pieces = made.pieces()
            writing.write(b"typed")
            async with asyncio.timeout(60):
                return await anext(pieces)

    assert asyncio.run(main()) == b"typed"


def test_what_is_longer_than_is_kept_cannot_be_sent_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source, "KEPT", 5)

    async def main() -> list[bool]:
        made = Source(["abc", "de", "f"])
        return [made.again async for _ in made.pieces()]

    assert asyncio.run(main()) == [True, True, False]


def test_an_iterator_is_asked_for_no_more_than_is_wanted() -> None:
    asked: list[int] = []

    def pieces() -> Iterator[str]:
        for n in range(100):
            asked.append(n)
            yield str(n)

    async def main() -> None:
        made = Source(pieces())
        await anext(made.pieces())
        await asyncio.sleep(0.1)
        made.close()
        for thread in set(threading.enumerate()) - there:
            if thread.name == "undertone-source":
                await asyncio.to_thread(thread.join, 60)

    there = set(threading.enumerate())
    asyncio.run(main())
    assert len(asked) <= 4
    assert not [thread for thread in threading.enumerate() if thread.name == "undertone-source" and thread not in there]


@pytest.mark.parametrize("text", [iter([1]), later("a", 1)])  # type: ignore[arg-type]
def test_a_piece_that_is_no_text(text: Text) -> None:
    with pytest.raises(TypeError, match="int, wanted is str or bytes"):
        twice(text)
