"""What happens, in the words of those it happens to, as numbers.

    a request, a batch, a finished text --Metrics, Meter--> Ledger --> exposition

Every labelled counter is there from the start, at 0 (of requests: what outcomes.py foresees): one that first appears
at 1 hides its first increase from rate().
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Final, Literal

from prometheus_client import CollectorRegistry

from service import outcomes
from service.metrics.exposition import Health, constants, exposition, forget_the_dead
from service.metrics.families import Families
from service.metrics.ledger import Ledger
from service.phases import PHASES

if TYPE_CHECKING:
    from models.predictor import Step
    from service.catalogue import Model

Transport = Literal["http", "websocket"]
TRANSPORTS: Final[tuple[Transport, ...]] = ("http", "websocket")
Kind = Literal["request", "http", "websocket"]
"""Of what is being answered: a request, or a stream over one of the transports."""
Operation = Literal["read", "write", "delete", "scan", "probe"]
OPERATIONS: Final[tuple[Operation, ...]] = ("read", "write", "delete", "scan", "probe")
STORE_FAULTS: Final = ("timeout", "credentials", "read_only", "out_of_memory", "connection", "other")
"""What can be wrong with Redis; service/store.py knows what each one is."""
EVENTS: Final = ("created", "resumed", "replayed", "conflict", "model_changed", "not_found", "unreadable", "deleted")
ENDS: Final = {
    "conflict": "conflict",
    "wrong_step": "conflict",
    "model_changed": "model_changed",
    "session_not_found": "not_found",
    "state_unreadable": "unreadable",
}
"""What an error's code says of the session."""
LIMITS: Final = {
    "body_too_large": "body",
    "text_too_long": "text",
    "batch_too_large": "batch",
    "frame_too_large": "frame",
    "mail_too_large": "mail",
    "too_many_tokens": "words",
    "idle": "idle",
    "timeout": "timeout",
}
"""The bound that an error's code tells of."""


class Metrics:
    """The metrics of one process; `routes` are all templates that the label `route` can have."""

    def __init__(self, routes: Sequence[str]) -> None:
        forget_the_dead()
        self._registry = CollectorRegistry()
        self._ledger = Ledger()
        self.families = to = Families(self._registry, self._ledger)
        self._constants = constants(())
        self._meters: dict[Model, Meter] = {}
        self._now: dict[Kind, int] = {"request": 0, "http": 0, "websocket": 0}
        self.phases = {phase: to.phase_seconds[phase] for phase in PHASES}
        self._start_at_zero(routes)
        self._ledger.level(to.requests_in_flight, partial(self._now.__getitem__, "request"))
        for transport in TRANSPORTS:
            self._ledger.level(to.streams_open.labels(transport), partial(self._now.__getitem__, transport))
        to.worker_starts[()].add()

    def _start_at_zero(self, routes: Sequence[str]) -> None:
        to = self.families
        to.request_seconds.start(routes)
        to.requests.start(outcomes.requests())
        to.errors.start(outcomes.errors())
        to.first_event_seconds.start(TRANSPORTS)
        to.redis_seconds.start(OPERATIONS)
        to.limits.start(LIMITS.values())
        to.store_failures.start(STORE_FAULTS)
        for table in (to.rate_limited, to.queue_rejected, to.worker_starts):
            table.start([()])

    def serve(self, models: Sequence[Model], pool: Callable[[], Sequence[int]]) -> None:
        """These models are served from now on; `pool` gives the store's connections, used and idle."""
        to, ledger = self.families, self._ledger
        self._constants = constants(models)
        self._meters = {model: Meter(model, to) for model in models}
        tasks = {model.task for model in models}
        to.sessions.start((task, event) for task in tasks for event in EVENTS)
        for table in (to.session_idle_seconds, to.session_steps, to.state_bytes):
            table.start(tasks)
        ledger.level(to.queue_sentences, lambda: sum(model.batcher.waiting for model in models))
        ledger.level(to.redis_connections.labels("used"), lambda: pool()[0])
        ledger.level(to.redis_connections.labels("idle"), lambda: pool()[1])

    def of(self, model: Model) -> Meter:
        return self._meters[model]

    def came(self, kind: Kind | None) -> None:
        """A request begins; None: one that is not counted as in flight."""
        if kind is not None:
            self._now[kind] += 1
            self._ledger.touch()

    def went(self, kind: Kind | None) -> None:
        if kind is not None:
            self._now[kind] -= 1
            self._ledger.touch()

    def answered(self, route: str, method: str, status: str, seconds: float | None) -> None:
        """`seconds` is None of a stream."""
        self.families.requests[route, method, status].add()
        if seconds is not None:
            self.families.request_seconds[route].add(seconds)
        self._ledger.touch()

    def failed(self, route: str, code: str) -> None:
        """A request was answered with an error."""
        self.families.errors[route, code].add()
        self.refused(code)

    def refused(self, code: str) -> None:
        """A request, or an item of a batch, ended in an error."""
        if code in LIMITS:
            self.families.limits[LIMITS[code]].add()
        elif code == "rate_limited":
            self.families.rate_limited[()].add()
        elif code == "overloaded":
            self.families.queue_rejected[()].add()

    def first_event(self, transport: Transport, seconds: float) -> None:
        self.families.first_event_seconds[transport].add(seconds)

    def session_ended(self, task: str, event: str | None, code: str | None) -> None:
        """A request with a session was answered, with an error of that `code` if it was one."""
        if ended := ENDS.get(code or "", event):
            self.session(task, ended)

    def session(self, task: str, event: str, times: int = 1) -> None:
        self.families.sessions[task, event].add(times)
        self._ledger.touch()

    def went_on(self, task: str, steps: int, idle: float | None) -> None:
        """A session holds so many sentences after a request, before which it was `idle` (None: it is new)."""
        self.families.session_steps[task].add(steps)
        if idle is not None:
            self.families.session_idle_seconds[task].add(idle)

    def stored(self, task: str, size: int) -> None:
        self.families.state_bytes[task].add(size)

    def asked_redis(self, operation: Operation, seconds: float) -> None:
        """Redis answered."""
        self.families.redis_seconds[operation].add(seconds)
        self._ledger.touch()

    def store_failed(self, reason: str) -> None:
        self.families.store_failures[reason].add()
        self._ledger.touch()

    def store_given_up(self, given_up: bool) -> None:
        self.families.store_circuit_open.set(given_up)

    def write(self) -> None:
        """In the event loop, before `exposition`."""
        self._ledger.write()

    def exposition(self, health: Health | None) -> bytes:
        """The text format; may run in a thread."""
        return exposition(self._registry, self._constants, health)


class Meter:
    """What is counted of one model."""

    def __init__(self, model: Model, to: Families) -> None:
        labels = (model.task, model.name, model.digest)
        self._sentences = to.sentences[labels]
        self._documents = to.documents[labels]
        self._batch_sentences = to.batch_sentences[labels]
        self._step_seconds = to.step_seconds[labels]
        self._words = to.words[labels]
        self._unknown_words = to.unknown_words[labels]
        self._sentence_words = to.sentence_words[labels]
        self._document_sentences = to.document_sentences[labels]
        self._probability = to.probability[labels]
        self._decided_at = to.decided_at[labels]
        self._labels = [to.labels[(*labels, label)] for label in model.labels]
        self._certainty = to.certainty[labels]

    def batch(self, sentences: int, seconds: float) -> None:
        """So many sentences went through the model together."""
        self._batch_sentences.add(sentences)
        self._step_seconds.add(seconds)

    def scored(self, steps: Sequence[Step]) -> None:
        words = [step.words for step in steps]
        self._sentences.add(len(words))
        self._words.add(sum(words))
        self._unknown_words.add(sum(step.unknown for step in steps))
        self._sentence_words.add_all(words)

    def finished(self, last: Step, label: int, sentences: int, decided_at: int | None) -> None:
        """A text was scored to its end, after `sentences` of its own."""
        self._documents.add()
        self._document_sentences.add(sentences)
        self._probability.add(last.probabilities[-1])
        self._certainty.add(max(last.probabilities))
        self._labels[label].add()
        if decided_at is not None:
            self._decided_at.add(decided_at)
