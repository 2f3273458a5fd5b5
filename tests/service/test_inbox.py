"""What waits to be read: a bounded number of pieces, pauses that are told, silence that is an error."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

import pytest

from service.errors import Idle, InvalidRequest
from service.inbox import WAITING, Inbox, whole
from tests.service.ticking import ticking


def test_pieces_come_in_order_to_their_end() -> None:
    async def main() -> None:
        inbox = Inbox(10)

        async def fill() -> None:
            for piece in ("a", "", "b", "c"):
                await inbox.put(piece)
            await inbox.end()

        filling = asyncio.create_task(fill())
        assert [piece async for piece in inbox.pieces()] == ["a", "b", "c"]
        await filling
        assert [piece async for piece in whole("text")] == ["text"]

    ticking(main())


def test_who_puts_waits_for_who_reads() -> None:
    async def main() -> None:
        inbox = Inbox(10)
        put = 0

        async def fill() -> None:
            nonlocal put
            for _ in range(WAITING + 5):  # one that never waited would fill the memory
                await inbox.put("x")
                put += 1

        filling = asyncio.create_task(fill())
        await asyncio.sleep(0.01)
        assert put == WAITING
        async with aclosing(inbox.pieces()) as pieces:
            await anext(pieces)
            await asyncio.sleep(0.01)
            assert put == WAITING + 1
        filling.cancel()

    ticking(main())


def test_a_failure_comes_after_what_was_good() -> None:
    async def main() -> None:
        inbox = Inbox(10)
        async with aclosing(inbox.pieces()) as pieces:
            await inbox.put("good")
            assert await anext(pieces) == "good"
            await inbox.fail(InvalidRequest("bad"))
            with pytest.raises(InvalidRequest, match="bad"):
                await anext(pieces)

    ticking(main())


def test_silence_is_given_up_and_an_empty_piece_ends_it() -> None:
    async def main() -> None:
        inbox = Inbox(0.5)

        async def keep() -> None:
            for _ in range(4):
                await asyncio.sleep(0.2)
                await inbox.put("")

        keeping = asyncio.create_task(keep())
        clock = asyncio.get_running_loop().time
        began = clock()
        with pytest.raises(Idle, match="UNDERTONE_IDLE") as gave_up:
            await anext(inbox.pieces())
        assert clock() - began >= 1.2
        assert gave_up.value.limit == 0.5
        await keeping

    ticking(main())


def test_a_pause_is_told_once_and_not_too_often() -> None:
    async def main() -> None:
        inbox = Inbox(10, pause=0.5)
        clock = asyncio.get_running_loop().time
        async with aclosing(inbox.pieces()) as pieces:
            await inbox.put("a")
            assert await anext(pieces) == "a"
            began = clock()
            assert await anext(pieces) is None  # at once: nothing was shown before
            assert clock() - began < 0.5
            waiting = asyncio.ensure_future(anext(pieces))
            await asyncio.sleep(0.01)
            assert not waiting.done()
            await inbox.put("b")
            assert await waiting == "b"
            assert await anext(pieces) is None
            assert clock() - began >= 0.5

    ticking(main())
