"""Who may call: API keys, and without any only this machine.

headers --Access.check--> tenant      401 no or a wrong key, 403 a place that is not allowed, 429 too fast
"""

from __future__ import annotations

import hashlib
import ipaddress
import math
import time
from collections.abc import Callable
from functools import lru_cache
from typing import Final

from starlette.datastructures import Headers
from starlette.types import Scope

from service.errors import Forbidden, RateLimited, Unauthorized
from service.settings import Settings

OPEN_TENANT: Final = "public"
SUBPROTOCOL: Final = "bearer"
"""What a WebSocket offers before its key: scripts of a page can set no header, but subprotocols."""
BURST: Final = 2.0
"""Seconds' worth of requests that a caller may save up."""


class Bucket:
    """A token bucket: `rate` tokens a second flow in, and at most BURST seconds' worth is saved up."""

    def __init__(self, rate: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate = rate
        self._clock = clock
        self._size = max(1.0, rate * BURST)
        self._tokens = self._size
        self._then = clock()

    def wait(self) -> float:
        """Seconds until there is a token."""
        now = self._clock()
        self._tokens = min(self._size, self._tokens + (now - self._then) * self._rate)
        self._then = now
        return max(0.0, (1 - self._tokens) / self._rate)

    def take(self) -> None:
        """Takes a token; one that is not there yet is owed."""
        self._tokens -= 1


class Access:
    """The rules of one process."""

    def __init__(self, settings: Settings, clock: Callable[[], float] = time.monotonic) -> None:
        self._settings = settings
        self._rate = settings.rate / settings.workers
        self._clock = clock
        self._buckets: dict[str, Bucket] = {}

    def check(self, scope: Scope) -> str:
        """The caller's tenant: the name of its key, or the one of all callers where there are no keys."""
        headers = Headers(scope=scope)
        self._origin(headers)
        tenant = self._key(scope, headers) if self._settings.api_keys else self._keyless(scope, headers)
        self._bucket(tenant)
        return tenant

    def _origin(self, headers: Headers) -> None:
        origin = headers.get("origin")
        if origin is None or origin in self._settings.origins:
            return
        host = headers.get("host", "")
        if not host or origin.lower().partition("://")[2] != host.lower():
            raise Forbidden(f"scripts of {origin[:200]} may not call this service: name it in UNDERTONE_ORIGINS")

    def _key(self, scope: Scope, headers: Headers) -> str:
        scheme, _, key = headers.get("authorization", "").partition(" ")
        if not scheme and scope.get("subprotocols", ())[:1] == [SUBPROTOCOL]:
            scheme, *keys = scope["subprotocols"]
            key = "".join(keys[:1])
        # Looking a digest up leaks nothing of the key through time.
        name = self._settings.api_keys.get(hashlib.sha256(key.strip().encode()).hexdigest())
        if scheme.lower() != "bearer" or name is None:
            got = "a key that is not known" if key else "no key"
            raise Unauthorized(
                f"this service wants an API key and got {got}: send `Authorization: Bearer KEY`, or as the "
                f"subprotocols of a WebSocket `{SUBPROTOCOL}, KEY`"
            )
        return name

    def _keyless(self, scope: Scope, headers: Headers) -> str:
        if not self._settings.open:
            client = scope.get("client")
            near = client is not None and _is_loopback(client[0]) and _is_loopback(_host(headers.get("host", "")))
            if not near or "x-forwarded-for" in headers or "forwarded" in headers:
                raise Forbidden(
                    "this service has no API keys, so it serves only callers on its own machine: set "
                    "UNDERTONE_API_KEYS, or UNDERTONE_OPEN=1 where anybody may call"
                )
        return OPEN_TENANT

    def _bucket(self, tenant: str) -> None:
        if not self._rate:
            return
        if tenant not in self._buckets:
            self._buckets[tenant] = Bucket(self._rate, self._clock)
        if wait := self._buckets[tenant].wait():
            raise RateLimited(
                f"more than {self._settings.rate:g} requests a second came from this caller (UNDERTONE_RATE): "
                "wait for Retry-After",
                limit=self._settings.rate,
                retry_after=math.ceil(wait),
            )
        self._buckets[tenant].take()


def _host(header: str) -> str:
    """The host of a Host header, without port and brackets."""
    if header.startswith("["):
        return header[1:].partition("]")[0]
    return header.partition(":")[0]


@lru_cache(1024)
def _is_loopback(host: str) -> bool:
    if host.lower() == "localhost":
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    # A socket for both families shows IPv4 peers as ::ffff:127.0.0.1.
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return (mapped or address).is_loopback
