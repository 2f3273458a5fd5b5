"""One request's hold on a session: where it starts, whether it was here before, and how it is written.

    Store.load --begin--> Conversation (start) --commit after each turn--> Store.save
                               `-- repeated: --recognise--> nothing is written

A request is placed by its `step`: at the end of what is stored (it goes on), at the start of the last
request (it is that request again: scored from the state before it, compared by hash, not written), or
nowhere (409). Nothing is locked; a write that finds another version there has lost, and starts over.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from models.errors import UndertoneError
from service.catalogue import Catalogue, Model
from service.errors import Conflict, ModelChanged, SessionNotFound, WrongStep
from service.record import Mark, Record, TextHash
from service.store import Name, Store, Stored
from service.wire import SessionOut


class LostRace(UndertoneError):
    """Another request wrote the session first; never leaves this package."""

    status, code = Conflict.status, Conflict.code


class Unstored:
    """A request without a session: it starts at nothing and leaves nothing behind."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self.start = Mark()
        self.repeated = 0
        """Sentences with which this request comes again: they are recognised, and then not committed."""

    def recognise(self, sentences: Sequence[str]) -> None:
        """Holds the `repeated` sentences against what is stored; raises WrongStep where they are not the same."""

    async def commit(self, now: Mark, sentences: Sequence[str]) -> None:
        """Makes the state after `sentences` durable."""

    async def session(self) -> SessionOut | None:
        """What the answer says of the session."""
        return None


class Conversation(Unstored):
    """A request in a session."""

    def __init__(self, store: Store, name: Name, stored: Stored, model: Model, step: int | None) -> None:
        super().__init__(model)
        self._store = store
        self._name = name
        self._version = stored.version
        self._record = stored.record
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
        if step is not None and step != self.start.step:
            raise self._misplaced(step)

    @classmethod
    async def begin(
        cls, store: Store, catalogue: Catalogue, name: Name, model: str | None, step: int | None
    ) -> Conversation:
        """Reads the session; raises SessionNotFound, WrongStep or ModelChanged where it cannot go on."""
        wanted = catalogue.resolve(name.task, model)
        stored = await store.load(name)
        if stored.record is not None:
            loaded = catalogue.find(name.task, stored.record.model)
            if loaded is None or (model is not None and wanted is not loaded):
                raise ModelChanged(
                    f"the session was scored with {loaded.name if loaded else stored.record.model}, "
                    f"{'you name ' + wanted.name if loaded else 'which is no longer loaded'}: its state means "
                    "nothing to another model; leave `model` out, or start a new session from the first sentence",
                    field="model",
                )
            wanted = loaded
        return cls(store, name, stored, wanted, step)

    def recognise(self, sentences: Sequence[str]) -> None:
        self._text.add(sentences)
        if self._record is None or self._text.digest() != self._record.text:
            raise self._misplaced(self.start.step)

    async def commit(self, now: Mark, sentences: Sequence[str]) -> None:
        """Writes the mark after `sentences`; raises LostRace."""
        self._text.add(sentences)
        record = Record(self.model.digest, now, self.start, self._text.digest())
        version = await self._store.save(self._name, record, self._version)
        if version is None:
            raise LostRace(
                "another request wrote this session at the same time: send this one again", field="session_id"
            )
        self._version, self._record, self._now, self._written = version, record, now, True

    def _misplaced(self, step: int) -> UndertoneError:
        if self._record is None:
            return SessionNotFound(
                f"there is no session {self._name.id!r}, though step says that it holds {step:,} sentences: it "
                "expired or was evicted or deleted; resend from the start, with step 0",
                field="session_id",
            )
        return WrongStep(
            f"the session holds {self._now.step:,} sentences, step says {step:,}, and this is not the last request "
            "sent again: send what follows, with the expected step",
            expected_step=self._now.step,
            value=step,
        )

    async def session(self) -> SessionOut:
        alive = self._store.ttl if self._written else await self._store.remaining(self._name)
        return SessionOut(
            id=self._name.id,
            step=self._now.step,
            created=self._new and self._written,
            replayed=self.repeated > 0 and not self._written,
            expires_at=expiry(alive),
        )


def expiry(seconds: float) -> str:
    """RFC 3339 in UTC, so many seconds from now."""
    return (datetime.now(UTC) + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")
