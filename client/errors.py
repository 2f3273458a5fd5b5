"""What can go wrong, as exceptions.

ClientError           the root
├── Unreachable       no connection, or one that broke, and trying again did not help
├── InvalidAnswer     an answer, but not one of Undertone: a proxy's page, say
└── Refused           the service says why: code, message, field, limit, value, expected_step
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from time import time
from typing import Any, Final

import httpx

PASSING: Final = {429, 503}
"""Statuses that go away: the service says when to ask again."""
PASSING_CODES: Final = {"rate_limited", "overloaded", "store_unavailable", "conflict"}
"""The same, where an error comes inside a stream; and a race that was lost, which left nothing behind."""


class ClientError(Exception):
    """The root of all that this package raises."""


class Unreachable(ClientError):
    """The connection failed; its `__cause__` is httpx's."""


class InvalidAnswer(ClientError):
    """What came is not an answer of Undertone."""


@dataclass(eq=False)
class Refused(ClientError):
    """An error of the API, with the fields that it has there; `status` is 200 in a stream that had begun."""

    status: int
    code: str
    message: str
    field: str | None = None
    limit: float | None = None
    value: float | None = None
    expected_step: int | None = None
    retry_after: float | None = None

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"

    @property
    def passing(self) -> bool:
        """Whether the same request may succeed a little later, and cannot be counted twice."""
        return self.status in PASSING or self.code in PASSING_CODES

    @classmethod
    def of(cls, status: int, data: Any, headers: Mapping[str, str] | None = None) -> Refused:
        """Reads {"error": {…}}; raises InvalidAnswer for anything else."""
        detail = data.get("error") if isinstance(data, dict) else None
        if not isinstance(detail, dict) or not {"code", "message"} <= detail.keys():
            raise InvalidAnswer(f"status {status}, and no error as Undertone writes them: what stands between?")
        known = {name: detail[name] for name in ("field", "limit", "value", "expected_step") if name in detail}
        return cls(status, detail["code"], detail["message"], **known, retry_after=_seconds(headers or {}))

    @classmethod
    def answered(cls, response: httpx.Response) -> Refused:
        """The error that a response carries; a busy proxy's 429 or 503 is one, too, whatever its body says."""
        try:
            return cls.of(response.status_code, response.json(), response.headers)
        except (ValueError, InvalidAnswer):
            if response.status_code not in PASSING:
                raise InvalidAnswer(
                    f"{response.request.method} {response.request.url} was answered with status {response.status_code} "
                    "and no error as Undertone writes them: is this its address, and what stands between?"
                ) from None
        wait = _seconds(response.headers)
        return cls(response.status_code, "unavailable", "something on the way is busy", retry_after=wait)


def _seconds(headers: Mapping[str, str]) -> float | None:
    """Retry-After, which is a number or a date."""
    given = headers.get("retry-after", "")
    if given.isdecimal():
        return float(given)
    try:
        return max(0.0, parsedate_to_datetime(given).timestamp() - time())
    except (TypeError, ValueError):
        return None
