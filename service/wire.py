"""What goes over the wire: requests are parsed into these models, answers are written from them.

JSON --PredictIn, BatchIn--> scoring --Prediction--> JSON        /docs.json is made from the same models
                                    `-- a dict of StreamedSentence's fields --> event: a test holds it against the model
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from typing import Annotated, Final, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PrivateAttr, WithJsonSchema, model_validator
from pydantic_core import PydanticCustomError

from models.mail import Mail
from service.settings import NAME

PHISH: Final = (
    "Hello Anna, thank you for your order. It left our warehouse this morning. "
    "We could not charge your card, though. Confirm your card number within 24 hours: http://pay-safe.example"
)

MAIL: Final = (
    b"Subject: Your parcel\nContent-Type: text/html\n\n<p>Your parcel waits. Pay the duty: "
    b"<a href='http://pay-safe.example/'>www.post.example</a></p>"
)


def _from_base64(data: object) -> object:
    """Bytes are the message itself: the body of a request."""
    if not isinstance(data, str):
        return data
    try:
        return b64decode(data, validate=True)
    except ValueError as error:
        raise PydanticCustomError(
            "base64", "this is not base64 ({why}), wanted is the whole message in it", {"why": str(error).lower()}
        ) from None


Email = Annotated[
    bytes,
    BeforeValidator(_from_base64),
    WithJsonSchema({"type": "string", "contentEncoding": "base64", "contentMediaType": "message/rfc822"}),
]


def half_character(text: str) -> str | None:
    """The first lone surrogate of a text, which is half of a pair; UTF-8 has none."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        return text[error.start]
    return None


SessionId = Annotated[str, Field(pattern=NAME, description="Yours to choose; makes the conversation go on.")]
TaskName = Annotated[str, Field(description="What is asked: `spam` or `sentiment`.", examples=["spam"])]
Digest = Annotated[
    str, Field(description="sha256 over weights, config and vocabulary.", pattern="^sha256:[0-9a-f]{64}$")
]
Threshold = Annotated[
    Annotated[float, Field(gt=0, lt=1)] | Annotated[str, Field(pattern=r"^fpr:0\.\d+$")],
    Field(description='From which probability on the positive label is given; or `"fpr:0.001"`, the model\'s own.'),
]

StopAt = Annotated[
    float,
    Field(
        gt=0.5,
        lt=1,
        description="The stream ends early, `decided`, once max(probability, 1 - probability) is at least this for two "
        "sentences in a row with the same label.",
    ),
]


class _In(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class _Out(BaseModel):
    model_config = ConfigDict(extra="forbid")


class PredictIn(_In):
    """One text, or one mail, scored sentence by sentence: either `text` or `email`."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"text": PHISH, "task": "spam"}, {"email": b64encode(MAIL).decode(), "task": "spam"}],
            "oneOf": [{"required": ["text"]}, {"required": ["email"]}],
        }
    )

    text: str = Field("", description="At most 1,000,000 code points; not empty, not blank.")
    email: Email | None = Field(None, description="base64 of an RFC 5322 message, as it came.")
    task: TaskName
    model: str | None = Field(None, description="A name or digest of /v1/models; else the task's default.")
    threshold: Threshold | None = None
    session_id: SessionId | None = None
    step: int | None = Field(None, ge=0, description="Sentences that the session holds already, where order matters.")
    _mail: Mail | None = PrivateAttr(None)

    @model_validator(mode="after")
    def _one_of_two(self) -> Self:
        if ("text" in self.model_fields_set) == (self.email is not None):
            both = "both" if self.email is not None else "neither"
            raise PydanticCustomError("text_or_email", "send either text or email, got {both}", {"both": both})
        return self

    @property
    def mail(self) -> Mail | None:
        """What was read from `email`; its text is then in `text`."""
        return self._mail

    def opened(self, mail: Mail) -> Self:
        """This request, with the text of its mail."""
        copy = self.model_copy(update={"text": mail.text})
        copy._mail = mail
        return copy


class StreamIn(PredictIn):
    """A text whose events are wanted as it is read."""

    stop_at: StopAt | None = None


class TextFrame(_In):
    """WebSocket: more of the text; an empty one keeps the connection."""

    text: str = Field(description="Cut anywhere, but for the two halves of a surrogate pair.")


class EndFrame(_In):
    """WebSocket: the text is at its end."""

    end: Literal[True]


class BatchIn(_In):
    """Many texts; `texts` is checked item by item, so that a bad one does not fail its neighbours."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"texts": ["WIN a prize now!", ""], "task": "spam"}]})

    texts: list[object] = Field(min_length=1, description="At most 256 strings, each as `text` of /v1/predict.")
    task: TaskName
    model: str | None = None
    threshold: Threshold | None = None


def _is_none(value: object) -> bool:
    return value is None


class ModelId(_Out):
    name: str = Field(examples=["spam-gru"])
    digest: Digest


class SentenceOut(_Out):
    """A sentence and the running probability after it."""

    index: int = Field(description="From 0 in the session, else in the request.")
    offset: int = Field(description="Where it starts in this request's text (a mail's as it was read), in code points.")
    length: int = Field(description="In code points.")
    text: str | None = Field(None, description="Of a mail only: what it says.", exclude_if=_is_none)
    probability: float = Field(description="Of the positive label, after this sentence.", ge=0, le=1)
    delta: float = Field(description="Calibrated log-odds after it minus before it.")


class StreamedSentence(SentenceOut):
    """The data of a `sentence` event; its id is `index` + 1, the `step` after it."""

    state: list[float] = Field(description="What the readout sees: the GRU's h, or the Conv1D's means.")


class ProvisionalSentence(StreamedSentence):
    """The data of a `provisional` event, which has no id: WebSocket only, what would be said of what is unfinished if
    the text ended here. Nothing of it is stored; a later event of the same `index` takes its place."""

    final: Literal[False] = False


class PartOut(_Out):
    """A part of the mail that was scored."""

    path: str = Field(description="As IMAP counts: `1.2` is the second part of the first.", examples=["1.2"])
    content_type: str = Field(examples=["text/html"])
    charset: str = Field(description="In which it really is, whatever it says.", examples=["utf-8"])


class LinkOut(_Out):
    """A link of the mail."""

    url: str
    text: str = Field(description="What is seen of it; empty for a picture without a name.")
    mismatched: bool = Field(description="True where the text shows a host, and the link leads to another.")


class MailOut(_Out):
    """What was read of a mail: the subject, a newline, and what its reader sees of these parts."""

    parts: list[PartOut] = Field(description="In the order of the text; none: the subject alone was scored.")
    links: list[LinkOut]
    hidden: int = Field(description="Letters, digits and marks that nobody can see, and that were not scored.")


class SessionOut(_Out):
    """The session after this request."""

    id: str
    step: int = Field(description="Sentences that it holds now: the `step` of the next request.")
    created: bool = Field(description="True where there was none before.")
    replayed: bool = Field(description="True where the last request was sent again; nothing was counted twice.")
    expires_at: str = Field(
        description="RFC 3339, UTC; every new sentence moves it.", examples=["2026-11-24T10:00:00Z"]
    )


class Verdict(_Out):
    """What is known at the end of the text."""

    task: TaskName
    label: str
    probability: float = Field(ge=0, le=1, description="Of the positive label, which is the last one of the model.")
    probabilities: dict[str, float]
    prior: float = Field(description="Log-odds before this request's first sentence; prior and deltas add up.")
    threshold: float | None = None
    decided_at: int | None = Field(description="The first sentence after which the label no longer changed.")
    warnings: list[Literal["mostly_unknown_words", "no_words", "not_english", "very_short"]]
    model: ModelId
    session: SessionOut | None = None
    mail: MailOut | None = Field(None, description="Of a mail only.", exclude_if=_is_none)


class Prediction(Verdict):
    sentences: list[SentenceOut]


class Done(Verdict):
    """The data of the `done` event."""

    reason: Literal["end", "decided"] = Field(description="Why the stream ended: the text did, or `stop_at`.")
    read: int = Field(description="Code points of this request's text that count: up to here it is scored.")
    left: int | None = Field(None, description="Code points that were not read, where that is known.")


class ErrorDetail(_Out):
    code: str
    message: str = Field(description="What was got, what was wanted, and the way out.")
    field: str | None = None
    limit: float | None = None
    value: float | None = None
    expected_step: int | None = None


class ErrorOut(_Out):
    error: ErrorDetail


class BatchOut(_Out):
    results: list[Prediction | ErrorOut] = Field(description="In the order of `texts`.")


class ModelOut(_Out):
    """A loaded model."""

    name: str
    task: str
    family: str
    digest: Digest
    labels: list[str]
    default: bool = Field(description="True for the model that answers where none is named.")
    thresholds: dict[str, float] = Field(description="False-positive rate -> probability.")
    intervals: dict[str, tuple[float, float]] = Field(
        description="False-positive rate -> between what rates the truth lies, 95 %, as far as validation data tell."
    )
    test: dict[str, dict[str, int | float]] = Field(description="Figures on test data, by data set.")


class ModelsOut(_Out):
    models: list[ModelOut]


class SessionState(_Out):
    """A session as it is stored."""

    id: str
    task: str
    step: int
    label: str
    probability: float
    decided_at: int
    model: ModelId
    expires_at: str


class StatusOut(_Out):
    status: Literal["ok", "degraded"]
    sessions: Literal["ok", "unavailable"]
    why: list[str] = Field(description="What is degraded, and what that means for callers.")
