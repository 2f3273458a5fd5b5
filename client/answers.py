"""What the service says, as frozen dataclasses.

JSON --of--> Prediction, Sentence, Done, …      fields that are not known here are left out: the API adds fields
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, TypeVar

from client.errors import InvalidAnswer

T = TypeVar("T", bound="_Answer")


@dataclass(frozen=True, kw_only=True)
class _Answer:
    @classmethod
    def of(cls: type[T], data: Mapping[str, Any]) -> T:
        """Reads one; raises InvalidAnswer where a field is missing."""
        try:
            return cls(**{field.name: data[field.name] for field in fields(cls) if field.name in data})
        except (TypeError, KeyError, AttributeError) as error:
            raise InvalidAnswer(
                f"the answer is no {cls.__name__} ({error}): is this the address of Undertone?"
            ) from None


@dataclass(frozen=True, kw_only=True)
class ModelId(_Answer):
    name: str
    digest: str


@dataclass(frozen=True, kw_only=True)
class SessionInfo(_Answer):
    """The session after a request: `step` sentences; `replayed` where the request had come before."""

    id: str
    step: int
    created: bool
    replayed: bool
    expires_at: str


@dataclass(frozen=True, kw_only=True)
class Sentence(_Answer):
    """A sentence, and the running `probability` of the positive label after it.

    `offset` and `length` are code points of the request's text, or of what was read from its mail, and then
    `text` is the sentence; `delta` is log-odds after less before; `state` is what the readout sees (streams
    only); `final` is False for a sentence that is still being written.
    """

    index: int
    offset: int
    length: int
    probability: float
    delta: float
    state: tuple[float, ...] = ()
    text: str | None = None
    final: bool = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "state", tuple(self.state))

    @property
    def id(self) -> int:
        """Sentences that are read after it: the `step` of what follows."""
        return self.index + 1


@dataclass(frozen=True, kw_only=True)
class Part(_Answer):
    """A part of a mail that was scored. `path` counts parts from 1: "1.2" is the second of the first."""

    path: str
    content_type: str
    charset: str


@dataclass(frozen=True, kw_only=True)
class Link(_Answer):
    """`text` is what the reader of the mail sees of it; `mismatched`: it shows another host than `url` leads to."""

    url: str
    text: str
    mismatched: bool


@dataclass(frozen=True, kw_only=True)
class Mail(_Answer):
    """What a mail was found to be. `hidden` is how many characters of it nobody can see; they are not scored."""

    parts: tuple[Part, ...]
    links: tuple[Link, ...]
    hidden: int

    def __post_init__(self) -> None:
        object.__setattr__(self, "parts", tuple(_read(Part, part) for part in self.parts))
        object.__setattr__(self, "links", tuple(_read(Link, link) for link in self.links))


@dataclass(frozen=True, kw_only=True)
class _Verdict(_Answer):
    task: str
    label: str
    probability: float
    probabilities: Mapping[str, float]
    prior: float
    threshold: float | None
    decided_at: int | None
    warnings: tuple[str, ...]
    model: ModelId
    session: SessionInfo | None = None
    mail: Mail | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "warnings", tuple(self.warnings))
        object.__setattr__(self, "mail", _read(Mail, self.mail))
        object.__setattr__(self, "model", _read(ModelId, self.model))
        object.__setattr__(self, "session", _read(SessionInfo, self.session))


@dataclass(frozen=True, kw_only=True)
class Prediction(_Verdict):
    """A text or mail that was read whole. `prior` and the deltas of its sentences add up to the log-odds."""

    sentences: tuple[Sentence, ...]

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "sentences", tuple(_read(Sentence, said) for said in self.sentences))


@dataclass(frozen=True, kw_only=True)
class Done(_Verdict):
    """The end of a stream and its `reason`; `read` and `left` count code points where the service says so."""

    reason: str
    read: int | None = None
    left: int | None = None


Event = Sentence | Done


@dataclass(frozen=True, kw_only=True)
class SessionState(_Answer):
    """A session as it is stored."""

    id: str
    task: str
    step: int
    label: str
    probability: float
    decided_at: int | None
    model: ModelId
    expires_at: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "model", _read(ModelId, self.model))


@dataclass(frozen=True, kw_only=True)
class Model(_Answer):
    """A loaded model; `thresholds` by false-positive rate, `test` figures by data set."""

    name: str
    task: str
    family: str
    digest: str
    labels: tuple[str, ...]
    default: bool
    thresholds: Mapping[str, float]
    test: Mapping[str, Mapping[str, float]]

    def __post_init__(self) -> None:
        object.__setattr__(self, "labels", tuple(self.labels))


@dataclass(frozen=True, kw_only=True)
class Status(_Answer):
    """What is degraded, and `why`."""

    status: str
    sessions: str
    why: tuple[str, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "why", tuple(self.why))


def _read(kind: type[T], data: Any) -> T | None:
    """A part of an answer, which is JSON still unless it was made by hand."""
    return data if data is None or isinstance(data, kind) else kind.of(data)
