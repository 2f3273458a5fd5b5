"""One request's hold on a session: where it starts, whether it was here before, and how it is written.

    Store.load --begin--> Conversation (start) --commit after each turn--> Store.save
                   ^           |-- repeated: --recognise--> nothing is written
                   `-- again --+-- LostRace: placed anew, on what the other request has written

A request is placed by its `step`: at the end of what is stored (it goes on), at the start of the last
request (it is that request again: scored from the state before it, compared by hash, not written), or
nowhere (409; 404 where nothing is stored). Nothing is locked: a write that finds another version has lost.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import TYPE_CHECKING

from models.errors import UndertoneError
from service import phases
from service.catalogue import Catalogue, Model
from service.errors import Conflict, ModelChanged, SessionNotFound, WrongStep
from service.record import Mark, Record, TextHash
from service.store import LostRace, Name, Patience, Store, Stored
from service.wire import SessionOut

if TYPE_CHECKING:
    from service.metrics import Metrics


class Unstored:
    """A request without a session: it starts at nothing and leaves nothing behind."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self.start = Mark()
        self.column = 0
        """Where in a line the text begins: its short first line is then no line by itself."""
        self.repeated = 0
        """Sentences with which this request comes again: they are recognised, and then not committed."""

    def recognise(self, sentences: Sequence[str], *, resumed: bool = False) -> None:
        """Holds the `repeated` sentences against what is stored; raises WrongStep where they are not the same
        (Conflict if the request says that it was `resumed`)."""

    async def commit(self, now: Mark, sentences: Sequence[str]) -> None:
        """Makes the state after `sentences` durable; raises LostRace."""

    def again(self, lost: LostRace) -> Unstored:
        """The same request, placed anew on what it has lost the race against."""
        raise lost

    def broken_off(self, lost: LostRace) -> UndertoneError:
        """What a caller is told who has seen a part of the answer already, and so cannot begin anew."""
        return lost

    def session(self) -> SessionOut | None:
        """What the answer says of the session."""
        return None

    def count(self, metrics: Metrics) -> None:
        """The request is at its end."""


class Conversation(Unstored):
    """A request in a session: for its name, the `model` it asks for, if it does, and its `step`."""

    def __init__(
        self,
        store: Store,
        catalogue: Catalogue,
        name: Name,
        model: str | None,
        step: int | None,
        patience: Patience,
        stored: Stored,
    ) -> None:
        super().__init__(_fitting(catalogue, name.task, model, stored.record))
        self._request = (store, catalogue, name, model, step)
        self._store = store
        self._patience = patience
        self._name = name
        self._version = stored.version
        self._record = stored.record
        self._until = monotonic() + stored.alive
        self._idle = None if stored.record is None else store.ttl - stored.alive
        self._text = TextHash()
        self._now = self.start
        self._new = stored.record is None
        self._written = False
        if stored.record is not None:
            now, before = stored.record.now, stored.record.before
            again = step is not None and step == before.step != now.step
            self.start = before if again else now
            self.repeated = now.step - before.step if again else 0
            self._now = now
        if step is not None:
            if step != self.start.step:
                raise self._misplaced(step)
            # Without a step nobody has said that this goes on there, and another request may come between.
            self.column = self.start.column

    @classmethod
    async def begin(
        cls, store: Store, catalogue: Catalogue, name: Name, model: str | None, step: int | None
    ) -> Conversation:
        """Reads the session; raises SessionNotFound, WrongStep or ModelChanged where it cannot go on."""
        phases.session(name.task)
        patience = store.patience()
        return cls(store, catalogue, name, model, step, patience, await store.load(name, patience))

    def again(self, lost: LostRace) -> Conversation:
        """Redis has answered, so it is not what is slow: with a new patience."""
        return Conversation(*self._request, self._store.patience(), lost.stored)

    def broken_off(self, lost: LostRace) -> UndertoneError:
        if lost.stored.record is None:
            return _gone(self._name, self._now.step)
        return Conflict(
            "another request wrote this session: what you have seen was stored before; ask for the session's step, and "
            "send what follows as a new request",
            field="session_id",
            expected_step=lost.stored.record.now.step,
        )

    def recognise(self, sentences: Sequence[str], *, resumed: bool = False) -> None:
        self._text = TextHash().add(sentences)
        if self._record is None or self._text.digest() != self._record.text:
            if resumed:
                raise Conflict(
                    "the stream is resumed, but its text is not the one that was stored: send the same body from its "
                    "first byte, or what follows as a new request with the expected step",
                    field="text",
                    expected_step=self._now.step,
                )
            raise self._misplaced(self.start.step)
        phases.session(self._name.task, "replayed")

    async def commit(self, now: Mark, sentences: Sequence[str]) -> None:
        self._text.add(sentences)
        record = Record(self.model.digest, now, self.start, self._text.digest())
        self._version = await self._store.save(self._name, record, self._version, self._patience)
        self._patience = self._store.patience()  # of a stream's next sentences
        self._record, self._now, self._written = record, now, True
        self._until = monotonic() + self._store.ttl
        phases.session(self._name.task, "created" if self._new else "resumed")

    def _misplaced(self, step: int) -> UndertoneError:
        if self._record is None:
            return _gone(self._name, step)
        return WrongStep(
            f"the session holds {self._now.step:,} sentences, step says {step:,}, and this is not the last request "
            "sent again: send what follows, with the expected step",
            expected_step=self._now.step,
            value=step,
        )

    @property
    def expires_at(self) -> str:
        """RFC 3339, UTC."""
        alive = timedelta(seconds=max(0.0, self._until - monotonic()))
        return (datetime.now(UTC) + alive).strftime("%Y-%m-%dT%H:%M:%SZ")

    def count(self, metrics: Metrics) -> None:
        metrics.went_on(self._name.task, self._now.step, self._idle)

    def session(self) -> SessionOut:
        return SessionOut(
            id=self._name.id,
            step=self._now.step,
            created=self._new and self._written,
            replayed=self.repeated > 0 and not self._written,
            expires_at=self.expires_at,
        )


def _fitting(catalogue: Catalogue, task: str, asked: str | None, record: Record | None) -> Model:
    """The model that the session was scored with, else the one asked for; never the one for the other's state."""
    wanted = catalogue.resolve(task, asked)
    if record is None:
        return wanted
    loaded = catalogue.find(task, record.model)
    if loaded is None or (asked is not None and wanted is not loaded):
        raise ModelChanged(
            f"the session was scored with {loaded.name if loaded else record.model}, "
            f"{'you name ' + wanted.name if loaded else 'which is no longer loaded'}: its state means nothing to "
            "another model; leave `model` out, or start a new session from the first sentence",
            field="model",
        )
    return loaded


def _gone(name: Name, step: int) -> SessionNotFound:
    return SessionNotFound(
        f"there is no session {name.id!r} that holds {step:,} sentences, it is expired or evicted: resend from the "
        "start, with step 0",
        field="session_id",
    )
