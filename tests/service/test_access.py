"""Who may call, and from where."""

from __future__ import annotations

import hashlib
from typing import Final

import pytest

from service.access import OPEN_TENANT, Access
from service.errors import Forbidden, RateLimited, Unauthorized, headers
from service.settings import Settings

KEYS: Final = {hashlib.sha256(key).hexdigest(): name for key, name in [(b"k1", "anna"), (b"k2", "bert")]}
KEYED: Final = Settings(api_keys=KEYS)
NEAR: Final = "127.0.0.1"


def check(settings: Settings, peer: str | None = NEAR, access: Access | None = None, **said: str) -> str:
    """The tenant of a request with these headers (underscores for hyphens)."""
    sent = {"host": "localhost:3000"} | {name.replace("_", "-"): value for name, value in said.items()}
    raw = [(name.encode(), value.encode("latin-1")) for name, value in sent.items()]
    client = None if peer is None else (peer, 50_000)
    return (access or Access(settings)).check({"type": "http", "headers": raw, "client": client})


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_a_key_says_who_calls(scheme: str) -> None:
    assert check(KEYED, authorization=f"{scheme} k1") == "anna"
    assert check(KEYED, authorization=f"{scheme}   k2 ") == "bert"
    assert check(KEYED, peer="203.0.113.9", host="undertone.example", authorization=f"{scheme} k1") == "anna"


@pytest.mark.parametrize(
    "said",
    ["", "Bearer", "Bearer ", "Bearer k3", "Basic k1", "k1", "Bearer K1", "Bearer k1 k2", "Bearer \xe9", "Bearer anna"],
)
def test_without_a_right_key_nobody_is_served(said: str) -> None:
    with pytest.raises(Unauthorized, match="Authorization: Bearer KEY") as refused:
        check(KEYED, authorization=said)
    assert "k1" not in refused.value.message
    assert headers(refused.value) == {"www-authenticate": "Bearer"}


def socket(settings: Settings, *subprotocols: str) -> str:
    """The tenant of a WebSocket that offers these."""
    scope = {"type": "websocket", "headers": [(b"host", b"x")], "subprotocols": list(subprotocols), "client": None}
    return Access(settings).check(scope)


def test_a_websocket_brings_its_key_as_a_subprotocol() -> None:
    assert socket(KEYED, "bearer", "k1") == "anna"
    for offered in ([], ["bearer"], ["k1"], ["k1", "bearer"], ["bearer", "k3"], ["bearer", "k3", "k1"]):
        with pytest.raises(Unauthorized, match="bearer, KEY"):
            socket(KEYED, *offered)


def test_a_key_is_wanted_on_this_machine_too_and_where_all_are_served() -> None:
    for settings in (KEYED, Settings(api_keys=KEYS, open=True)):
        with pytest.raises(Unauthorized, match="no key"):
            check(settings)


@pytest.mark.parametrize("peer", ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"])
@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:3000", "127.0.0.1:3000", "[::1]:3000", "[::1]"])
def test_without_keys_this_machine_is_served(peer: str, host: str) -> None:
    assert check(Settings(), peer, host=host) == OPEN_TENANT


@pytest.mark.parametrize("peer", ["10.0.0.1", "203.0.113.9", "::ffff:10.0.0.1", "::2", "testclient", "", None])
def test_without_keys_no_other_machine_is(peer: str | None) -> None:
    with pytest.raises(Forbidden, match="UNDERTONE_API_KEYS"):
        check(Settings(), peer)
    assert check(Settings(open=True), peer, host="undertone.example") == OPEN_TENANT


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example", "10.0.0.1", "", "["]
)
def test_without_keys_a_name_that_only_points_here_is_refused(host: str) -> None:
    """DNS rebinding: the page of evil.example, whose name now points to 127.0.0.1, calls with its own Host."""
    with pytest.raises(Forbidden):
        check(Settings(), host=host)


@pytest.mark.parametrize("header", ["x_forwarded_for", "forwarded"])
def test_without_keys_what_came_through_a_proxy_is_refused(header: str) -> None:
    with pytest.raises(Forbidden):
        check(Settings(), NEAR, None, **{header: "127.0.0.1"})
    assert check(Settings(open=True), NEAR, None, **{header: "127.0.0.1"}) == OPEN_TENANT


@pytest.mark.parametrize(
    "origin",
    ["https://evil.example", "null", "http://localhost:4000", "http://[", "", "http://localhost:3000.evil.example"],
)
@pytest.mark.parametrize("settings", [Settings(), Settings(open=True), KEYED], ids=["near", "open", "keyed"])
def test_scripts_of_other_pages_are_refused(settings: Settings, origin: str) -> None:
    with pytest.raises(Forbidden, match="UNDERTONE_ORIGINS"):
        check(settings, origin=origin, authorization="Bearer k1")


def test_scripts_of_our_own_page_and_of_named_ones_are_not() -> None:
    assert check(Settings(), origin="http://localhost:3000") == OPEN_TENANT
    assert check(Settings(), origin="HTTP://LOCALHOST:3000") == OPEN_TENANT
    named = Settings(origins=frozenset({"https://mail.example"}))
    assert check(named, origin="https://mail.example") == OPEN_TENANT
    with pytest.raises(Forbidden):
        check(named, origin="https://mail.example.evil.example")


def test_no_host_at_all_matches_no_origin() -> None:
    with pytest.raises(Forbidden, match="UNDERTONE_ORIGINS"):
        check(Settings(open=True), host="", origin="null")


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def served(access: Access, settings: Settings, key: str = "k1") -> int:
    """How many requests pass before one is refused."""
    for passed in range(1000):
        try:
            check(settings, access=access, authorization=f"Bearer {key}")
        except RateLimited:
            return passed
    pytest.fail("nothing was refused")


def test_a_caller_gets_its_rate_and_two_seconds_of_it_at_once() -> None:
    settings = Settings(api_keys=KEYS, rate=10)
    clock = Clock()
    access = Access(settings, clock)
    assert served(access, settings) == 20
    assert served(access, settings) == 0
    assert served(access, settings, "k2") == 20
    clock.now += 0.1
    assert served(access, settings) == 1
    clock.now += 3600
    assert served(access, settings) == 20
    total = 0
    for _ in range(100):
        clock.now += 0.05
        total += served(access, settings)
    assert total == 50


def test_the_rate_is_shared_by_the_workers() -> None:
    settings = Settings(api_keys=KEYS, rate=10, workers=5)
    assert served(Access(settings, Clock()), settings) == 4


def test_who_waits_as_long_as_it_is_told_is_served() -> None:
    settings = Settings(api_keys=KEYS, rate=0.25)
    clock = Clock()
    access = Access(settings, clock)
    assert served(access, settings) == 1
    with pytest.raises(RateLimited, match="UNDERTONE_RATE") as refused:
        check(settings, access=access, authorization="Bearer k1")
    assert headers(refused.value) == {"retry-after": "4"}
    clock.now += 3.9
    assert served(access, settings) == 0
    clock.now += 0.1
    assert served(access, settings) == 1


def test_a_wrong_key_costs_the_caller_nothing_and_no_limit_is_no_limit() -> None:
    settings = Settings(api_keys=KEYS, rate=1)
    access = Access(settings, Clock())
    for _ in range(10):
        with pytest.raises(Unauthorized):
            check(settings, access=access, authorization="Bearer k3")
    assert served(access, settings) == 2
    unlimited = Access(KEYED)
    assert all(check(KEYED, access=unlimited, authorization="Bearer k1") == "anna" for _ in range(500))
