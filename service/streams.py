"""Scores on their way while the text is on its way, whatever carries them.

    pieces --Segmenter--> sentences --turns--> commit --> events that are ready together --> duplex.py, sockets.py
       `-- nothing for a while: what is unfinished --> provisional events

An event that a client sees is in Redis already, but for provisional ones, which are nowhere. A race that
is lost before the first event starts over with the sentences read so far; after it, the client is told.
"""

from __future__ import annotations

import copy
import logging
from asyncio import sleep
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from enum import Enum, auto
from time import perf_counter
from typing import TYPE_CHECKING, Final

from models.errors import UndertoneError
from models.sentences import LONGEST, Segmenter, Sentence
from service import phases
from service.conversation import Unstored
from service.errors import Conflict, Overloaded
from service.events import Event
from service.inbox import Pieces
from service.phases import phase
from service.scoring import Decision, Tally
from service.serving import AT_ONCE, RACES, Serving, column
from service.store import LostRace
from service.wire import Done, StreamIn

if TYPE_CHECKING:
    from models.predictor import Advance
    from service.metrics.metrics import Transport

logger = logging.getLogger(__name__)

SHOWN: Final = 2 * LONGEST
"""Code points of unfinished text beyond which nothing provisional is said: its cost has a bound."""


class Kind(Enum):
    """Of a group of sentences: whether it is new, comes again, or may still change."""

    NEW = auto()
    AGAIN = auto()
    UNFINISHED = auto()


Read = tuple[Sequence[Sentence], bool]
"""Sentences, and whether they are finished."""
Group = tuple[Sequence[Sentence], Kind]


class Stream:
    """One request, checked and ready to run, over a `transport`.

    `text` is the whole text, or None where it comes piece by piece; events up to the id `after` have
    been seen by the client and are not sent again.
    """

    def __init__(
        self,
        serving: Serving,
        held: Unstored,
        asked: StreamIn,
        text: str | None,
        after: int,
        transport: Transport = "http",
    ) -> None:
        self.serving = serving
        self._transport = transport
        self.text = text
        self._asked = asked
        self._after = after
        self._begun = False  # an event is out, or a state is stored: from then on a lost race is the client's to mend
        self._place(held)
        # When the text that is read now came; of a whole text: when its request did.
        self._came = request.began if text is not None and (request := phases.current()) else perf_counter()
        self._answered = False
        self._read = 0  # code points
        self._scored = 0  # where the last sentence that was scored ends
        self._length = None if text is None else len(text)

    def _place(self, held: Unstored) -> None:
        self.held = held
        threshold = held.model.threshold(self._asked.threshold)
        self._tally = Tally(held.model, threshold, held.start, self._asked.mail)
        self._decision = Decision(self._tally, self._asked.stop_at)

    async def run(self, pieces: Pieces) -> AsyncGenerator[list[Event]]:
        """Groups of events that are ready together; the last is `done` or `error`, so nothing is raised."""
        failure: UndertoneError
        try:
            async with aclosing(self._events(pieces)) as groups:
                async for events in groups:
                    yield events
                return
        except LostRace as lost:
            failure = self.held.broken_off(lost)
        except UndertoneError as error:
            failure = error
        except Exception:
            logger.exception("a stream failed")
            failure = UndertoneError("something broke here, not in your text: try again")
        yield [Event.error(failure)]

    async def _events(self, pieces: Pieces) -> AsyncGenerator[list[Event]]:
        """A race that is lost before anything was said or stored starts over."""
        read: list[Sequence[Sentence]] = []
        async with aclosing(self._sentences(pieces)) as groups:
            for _ in range(RACES):
                try:
                    async with aclosing(self._said(self._from_the_first(read, groups))) as said:
                        async for events in said:
                            yield events
                    break
                except LostRace as lost:
                    if self._begun:
                        raise
                    self._place(self.held.again(lost))
            else:
                raise Conflict(
                    f"other requests wrote this session first, {RACES} times in a row: nothing was stored, send this "
                    "one again",
                    field="session_id",
                )
        yield [await self._done()]

    async def _said(self, read: AsyncGenerator[Read]) -> AsyncGenerator[list[Event]]:
        async with aclosing(self._recognised(read)) as groups:
            async for sentences, kind in groups:
                if kind is Kind.UNFINISHED:
                    yield await self._provisional(sentences)
                    continue
                async with aclosing(self._turns(sentences, new=kind is Kind.NEW)) as turns:
                    async for turn, advance in turns:
                        events = self._tally.stream(turn, advance)
                        if kind is Kind.NEW:
                            await self.held.commit(self._tally.now, [sentence.text for sentence in turn])
                        self._begun = True
                        self._scored = turn[-1].offset + turn[-1].length
                        with phase("serialise"):
                            said = [
                                Event.of("sentence", e["index"] + 1, e) for e in events if e["index"] >= self._after
                            ]
                        if said and not self._answered:
                            self._answered = True
                            self.serving.metrics.first_event(self._transport, perf_counter() - self._came)
                        yield said
                if self._decision.made:
                    break

    async def _turns(
        self, sentences: Sequence[Sentence], *, new: bool
    ) -> AsyncGenerator[tuple[Sequence[Sentence], Advance]]:
        """Scores sentences, up to the one that decides.

        Those that come again are scored to their end: what the session has read is not unread.
        """
        async with aclosing(self.serving.turns(self.held, self._tally, sentences)) as turns:
            async for turn, advance in turns:
                needed = self._decision.needed(advance.steps, all_of_them=not new)
                if needed < len(turn):
                    # Once more: a turn has only the state at its end, not that after the sentence that decides.
                    async for shorter in self.serving.turns(self.held, self._tally, turn[:needed]):
                        yield shorter
                else:
                    yield turn, advance
                if new and self._decision.made:
                    return

    async def _provisional(self, sentences: Sequence[Sentence]) -> list[Event]:
        """What would be said if the text ended here; nothing where others wait for the model already."""
        twin = copy.copy(self._tally)
        try:
            texts = [sentence.text for sentence in sentences]
            said = twin.stream(sentences, await self.held.model.batcher.advance(twin.now.state or None, texts))
        except Overloaded:
            return []
        return [Event.of("provisional", None, {**sentence, "final": False}) for sentence in said]

    async def _done(self) -> Event:
        if not self._tally.started:
            async for turn, advance in self.serving.turns(self.held, self._tally, ()):
                self._tally.add(turn, advance)
        self.serving.finished(self.held, self._tally)
        decided = self._decision.made
        read = self._scored if decided else self._read
        done = Done(
            **self._tally.verdict(),
            session=self.held.session(),
            reason="decided" if decided else "end",
            read=read,
            left=None if self._length is None else self._length - read,
        )
        without = {name for name in ("session", "left") if getattr(done, name) is None}
        return Event.of("done", None, done.model_dump(exclude=without))

    async def _from_the_first(
        self, read: list[Sequence[Sentence]], groups: AsyncGenerator[Read]
    ) -> AsyncGenerator[Read]:
        """What was read before, then the rest, which is kept in `read` as long as it may be wanted once more."""
        for group in tuple(read):
            yield group, True
        async for group, finished in groups:
            if self._begun:
                read.clear()
            elif finished:
                read.append(group)
            yield group, finished

    async def _recognised(self, read: AsyncGenerator[Read]) -> AsyncGenerator[Group]:
        """Groups of sentences; those that come again wait until all of them are there."""
        again: list[Sentence] = []
        resumed = self._after > 0
        async with aclosing(read):
            async for group, finished in read:
                missing = self.held.repeated - len(again)
                if not finished:
                    if not missing:
                        yield group, Kind.UNFINISHED
                    continue
                if missing:
                    again += group[:missing]
                    if len(again) == self.held.repeated:
                        self.held.recognise([sentence.text for sentence in again], resumed=resumed)
                        yield again, Kind.AGAIN
                if len(group) > missing:
                    yield group[missing:], Kind.NEW
        if len(again) < self.held.repeated:
            self.held.recognise([sentence.text for sentence in again], resumed=resumed)

    async def _sentences(self, pieces: Pieces) -> AsyncGenerator[Read]:
        """Sentences as they become certain, those that become so together in one group; unfinished ones in a pause."""
        segmenter = Segmenter(self.held.model.language, column(self._asked, self.held))
        async with aclosing(pieces):
            async for text in pieces:
                if text is None:
                    if segmenter.kept <= SHOWN and (unfinished := segmenter.peek()):
                        yield unfinished, False
                    continue
                self._read += len(text)
                if self.text is None:
                    self._came = perf_counter()
                    self.serving.check_stream(self._read, segmenter.wordless)
                for start in range(0, len(text), AT_ONCE):
                    if start:
                        await sleep(0)  # others are served between the pieces
                    with phase("segment"):
                        sentences = segmenter.feed(text[start : start + AT_ONCE])
                        if self._read == self._length and start + AT_ONCE >= len(text):
                            sentences += segmenter.flush()  # of a whole text, which so has one group less to score
                    if sentences:
                        yield sentences, True
        self._length = self._read
        if sentences := segmenter.flush():
            yield sentences, True
