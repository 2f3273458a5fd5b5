"""The root of every error that a caller may see, and the ones that the models raise.

UndertoneError            500   the root: code, message, and what was limited, got and wanted
├── ArtefactError         500   an artefact on disk that must not be loaded
├── InvalidState          409   a state that does not fit the model that is asked to go on with it
├── InvalidEncoding       400   bytes that are not UTF-8
├── InvalidRequest        400   what is asked for and cannot be, such as a threshold of three labels
├── TooManyTokens         413   a text longer than a flattened embedding has weights for
└── MailTooLarge          413   a mail with more of something than is read: bytes, parts, containers, …
(service/errors.py adds the ones that only a service can have)
"""

from __future__ import annotations

from typing import ClassVar


class UndertoneError(Exception):
    """Says what went wrong, what was got, what was wanted, and the way out.

    `field` names the part of the input at fault; `limit` and `value` are the bound that was hit and
    the value that hit it.
    """

    code: ClassVar[str] = "internal"
    status: ClassVar[int] = 500

    def __init__(
        self,
        message: str,
        *,
        field: str | None = None,
        limit: float | None = None,
        value: float | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.field = field
        self.limit = limit
        self.value = value


class ArtefactError(UndertoneError):
    code = "artefact_invalid"


class InvalidState(UndertoneError):
    code = "state_unreadable"
    status = 409


class InvalidEncoding(UndertoneError):
    code = "invalid_encoding"
    status = 400


class InvalidRequest(UndertoneError):
    code = "invalid_request"
    status = 400


class TooManyTokens(UndertoneError):
    code = "too_many_tokens"
    status = 413

    @classmethod
    def of(cls, more: int, room: int, model: str) -> TooManyTokens:
        return cls(
            f"the text goes on for {more:,} words, {model} has room for {room:,} more by its max_tokens: "
            "send less, or ask a model without such a limit",
            limit=room,
            value=more,
        )


class MailTooLarge(UndertoneError):
    code = "mail_too_large"
    status = 413

    @classmethod
    def of(cls, what: str, value: int, limit: int) -> MailTooLarge:
        return cls(
            f"the mail has {value:,} {what} or more, the limit is {limit:,}: send its text as `text`",
            field="email",
            limit=limit,
            value=value,
        )
