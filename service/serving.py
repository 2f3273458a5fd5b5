"""What one worker holds, and the scoring of whole texts with it.

PredictIn --begin--> Conversation, Tally --sentences, turns of the batcher--> commit --> Prediction
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final, TypeVar
from weakref import WeakValueDictionary

from models import mail
from models.errors import UndertoneError
from models.sentences import Sentence, split
from service.access import Access
from service.catalogue import Catalogue
from service.conversation import Conversation, Unstored
from service.errors import (
    BatchTooLarge,
    Conflict,
    EmptyText,
    InvalidJSON,
    InvalidRequest,
    SessionNotFound,
    TextTooLong,
    body,
)
from service.logs import Journal
from service.metrics import Metrics
from service.phases import phase
from service.scoring import Tally
from service.settings import Settings
from service.store import LostRace, Name, Store
from service.wire import (
    BatchIn,
    ModelId,
    PredictIn,
    Prediction,
    SessionState,
    half_character,
)

if TYPE_CHECKING:
    from models.predictor import Advance
    from service.tracing import Tracing

R = TypeVar("R", bound=PredictIn)
RACES: Final = 16
"""Lost races after which a request gives up."""
TURN: Final = 64
"""Sentences of one request that go into one batch."""
TURN_POINTS: Final = 16_384
"""Code points after which a turn is over: Unicode has one that stands for eighteen letters, so sentences alone bound no
work."""
AT_ONCE: Final = 20_000
"""Code points that are cut into sentences in one turn of the event loop: a few milliseconds of work."""


class Serving:
    """Settings, models, store, access and metrics of one worker."""

    def __init__(self, settings: Settings, catalogue: Catalogue, metrics: Metrics) -> None:
        self.settings = settings
        self.catalogue = catalogue
        self.metrics = metrics
        self.access = Access(settings)
        self.store = Store(settings, metrics)
        self.journal = Journal()
        self.tracing = _tracing(settings.traces) if settings.traces else None
        self._losers: WeakValueDictionary[Name, asyncio.Lock] = WeakValueDictionary()
        metrics.serve(catalogue.models, self.store.connections)
        for model in catalogue.models:
            model.batcher.told = metrics.of(model).batch

    async def close(self) -> None:
        self.catalogue.close()
        await self.store.close()
        self.journal.write()
        if self.tracing is not None:
            await self.tracing.close()

    async def predict(self, tenant: str, request: PredictIn) -> Prediction:
        """As `answer`, and looked at once more."""
        return Prediction(**await self.answer(tenant, request))

    async def answer(self, tenant: str, request: PredictIn) -> dict[str, Any]:
        """Scores one text or mail, in a session if the request names one; says what a Prediction says, as plain values:
        a long text has thousands of sentences, and nobody would be served while a model of each is made."""
        request = await self.opened(request)
        self.check(request)
        held = await self.begin(tenant, request)
        cuts: dict[str, list[Sentence]] = {}
        try:
            return await self._score(held, request, cuts)
        except LostRace as lost:
            return await self._score_again(held, lost, request, cuts)

    async def answers(self, request: BatchIn) -> list[dict[str, Any]]:
        """Scores many texts, each for itself: an `answer` each, or an error."""
        if len(request.texts) > self.settings.max_batch:
            raise BatchTooLarge(
                f"the batch holds {len(request.texts):,} texts, the limit is {self.settings.max_batch:,} "
                "(UNDERTONE_MAX_BATCH): send it in parts",
                field="texts",
                limit=self.settings.max_batch,
                value=len(request.texts),
            )
        model = self.catalogue.resolve(request.task, request.model)
        model.threshold(request.threshold)
        items, begun = [], 0
        async with asyncio.TaskGroup() as group:
            for i, text in enumerate(request.texts):
                items.append(group.create_task(self._item(i, text, request)))
                begun += len(text) if isinstance(text, str) else 0
                if begun >= AT_ONCE:  # all items begin with a cut: in one turn of the loop, nobody else had any
                    await asyncio.sleep(0)
                    begun = 0
        return [item.result() for item in items]

    async def begin(self, tenant: str, request: PredictIn) -> Unstored | Conversation:
        """Finds the model, and the session if there is one to go on with; refuses what could only wait in vain."""
        model = self.catalogue.resolve(request.task, request.model)
        model.batcher.admit()
        if request.session_id is None:
            return Unstored(model)
        name = Name(tenant, model.task, request.session_id)
        return await Conversation.begin(self.store, self.catalogue, name, request.model, request.step)

    async def turns(
        self, held: Unstored, tally: Tally, sentences: Sequence[Sentence]
    ) -> AsyncGenerator[tuple[Sequence[Sentence], Advance]]:
        """Scores sentences from the tally's mark on, in turns; none at all is one turn: the prior."""
        state = tally.now.state or None
        meter = self.metrics.of(held.model)
        for turn in in_turns(sentences):
            advance = await held.model.batcher.advance(state, [sentence.text for sentence in turn])
            state = advance.state
            meter.scored(advance.steps)
            yield turn, advance

    async def session(self, tenant: str, session_id: str, task: str) -> SessionState:
        """What is stored of a session; raises SessionNotFound."""
        name = Name(tenant, self.catalogue.task(task), session_id)
        held = await Conversation.begin(self.store, self.catalogue, name, None, None)
        if not held.start.step:
            raise SessionNotFound(f"there is no session {session_id!r} for task {task!r}", field="session_id")
        tally = Tally(held.model, held.model.threshold(None), held.start)
        async for turn, advance in self.turns(held, tally, ()):
            tally.add(turn, advance)
        verdict = tally.verdict()
        return SessionState(
            id=session_id,
            task=task,
            step=held.start.step,
            label=held.model.labels[held.start.label],
            probability=verdict["probability"],
            decided_at=held.start.decided_at,
            model=ModelId(name=held.model.name, digest=held.model.digest),
            expires_at=held.expires_at,
        )

    async def forget(self, tenant: str, session_id: str, task: str | None) -> None:
        """Deletes a session, for one task, loaded or not, or for all that are loaded; there need not be one."""
        tasks = self.catalogue.tasks if task is None else [task]
        names = [Name(tenant, t, session_id) for t in tasks]
        self.deleted(await self.store.delete(names))

    async def forget_all(self, tenant: str) -> None:
        """Deletes all sessions of a tenant."""
        async for names in self.store.erase(tenant):
            self.deleted(names)

    def deleted(self, names: Sequence[Name]) -> None:
        for name in names:
            if name.task in self.catalogue.tasks:
                self.metrics.session(name.task, "deleted")

    def finished(self, held: Unstored, tally: Tally) -> None:
        """A text is scored to its end."""
        tally.count(self.metrics.of(held.model))
        held.count(self.metrics)

    async def _item(self, index: int, text: object, request: BatchIn) -> dict[str, Any]:
        try:
            if not isinstance(text, str):
                raise InvalidRequest(f"texts[{index}] is not a string: each item is a text", field=f"texts.{index}")
            if half := half_character(text):
                raise InvalidJSON.half(f"texts[{index}]", half)
            one = PredictIn(text=text, task=request.task, model=request.model, threshold=request.threshold)
            return await self.answer("", one)
        except UndertoneError as error:
            error.field = f"texts.{index}"
            self.metrics.refused(error.code)
            return body(error)

    async def opened(self, request: R) -> R:
        """The request with its mail read, if it has one; raises MailTooLarge, after what else is wrong with it."""
        if request.email is None:
            return request
        self.check(request, whole=False)
        with phase("parse"):
            return request.opened(await asyncio.to_thread(mail.read, request.email))

    def check(self, request: PredictIn, *, whole: bool = True) -> None:
        """Raises what is wrong with the request itself; not `whole`: its text is still to come."""
        self.catalogue.resolve(request.task, request.model).threshold(request.threshold)
        if request.step is not None and request.session_id is None:
            raise InvalidRequest("step counts the sentences of a session: name a session_id, too", field="step")
        if whole and not request.text.strip():
            field = "text" if request.email is None else "email"
            raise EmptyText(f"the {field} is empty, or blank: send at least one visible character", field=field)
        self.check_length(len(request.text))

    def check_length(self, length: int) -> None:
        if length > self.settings.max_text:
            raise TextTooLong(
                f"the text holds {length:,} code points, the limit is {self.settings.max_text:,} "
                "(UNDERTONE_MAX_TEXT): send it in parts, as one session",
                field="text",
                limit=self.settings.max_text,
                value=length,
            )

    def check_stream(self, length: int, wordless: int) -> None:
        """Raises TextTooLong where so much of a text has come piece by piece, or so much without a word."""
        if length > self.settings.max_stream:
            raise TextTooLong(
                f"{length:,} code points have come, the limit of a stream is {self.settings.max_stream:,} "
                "(UNDERTONE_MAX_STREAM): send the rest as a new one, which in a session goes on where this one ended",
                field="text",
                limit=self.settings.max_stream,
                value=length,
            )
        if wordless > self.settings.max_text:
            raise TextTooLong(
                f"{wordless:,} code points have come without a letter or a digit, which is one sentence, and the limit "
                f"is {self.settings.max_text:,} (UNDERTONE_MAX_TEXT): send text",
                field="text",
                limit=self.settings.max_text,
                value=wordless,
            )

    async def _score(self, held: Unstored, request: PredictIn, cuts: dict[str, list[Sentence]]) -> dict[str, Any]:
        """Scores and stores; raises LostRace, and then nothing is stored. `cuts`: the text's sentences, by language."""
        language = held.model.language
        if language not in cuts:
            cuts[language] = await cut(request, held)
        sentences = cuts[language]
        tally = Tally(held.model, held.model.threshold(request.threshold), held.start, request.mail)
        texts = [sentence.text for sentence in sentences]
        if held.repeated:
            held.recognise(texts)
        said: list[dict[str, Any]] = []
        async for turn, advance in self.turns(held, tally, sentences):
            with phase("serialise"):
                said += tally.add(turn, advance)
        if not held.repeated:
            await held.commit(tally.now, texts)
        self.finished(held, tally)
        session = held.session()
        return tally.verdict() | ({"session": session} if session else {}) | {"sentences": said}

    async def _score_again(
        self, held: Unstored, lost: LostRace, request: PredictIn, cuts: dict[str, list[Sentence]]
    ) -> dict[str, Any]:
        """After a lost race. Losers of one session in one worker take turns: all at once, each of n would be scored
        up to n times, and some would never win. What keeps the session whole is the store alone."""
        async with self._losers.setdefault(lost.name, asyncio.Lock()):
            for _ in range(RACES - 1):
                held = held.again(lost)
                try:
                    return await self._score(held, request, cuts)
                except LostRace as once_more:
                    lost = once_more
        raise Conflict(
            f"other requests wrote this session first, {RACES} times in a row: nothing was stored, send this one again",
            field="session_id",
        )


def _tracing(collector: str) -> Tracing:
    from service.tracing import Tracing  # libraries that take a while to import, and that nobody else needs

    return Tracing(collector)


def in_turns(sentences: Sequence[Sentence]) -> Iterator[Sequence[Sentence]]:
    """At least one turn, each of at most TURN sentences and, but for its last one, less than TURN_POINTS code points.

    >>> [len(turn) for turn in in_turns([Sentence(0, 1, "a")] * 65 + [Sentence(0, 0, "b" * 9_000)] * 3)]
    [64, 3, 1]
    """
    first = points = 0
    for number, sentence in enumerate(sentences):
        if number - first == TURN or points >= TURN_POINTS:
            yield sentences[first:number]
            first, points = number, 0
        points += len(sentence.text)
    yield sentences[first:]


async def cut(request: PredictIn, held: Unstored) -> list[Sentence]:
    """The sentences of a text; a long one is cut in a thread, so that others are served meanwhile."""
    with phase("segment"):
        asked = request.text, held.model.language, column(request, held)
        if len(request.text) > AT_ONCE:
            return await asyncio.to_thread(split, *asked)
        return split(*asked)


def column(request: PredictIn, held: Unstored) -> int:
    """Where in a line a request begins; a mail does so with a line of its own."""
    return 0 if request.mail else held.column
