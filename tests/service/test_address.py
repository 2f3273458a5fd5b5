"""Where the service may listen: resolved, tried, and refused with a way out."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from service.address import AddressError, listenable

LOOPBACK = "127.0.0.1"


@pytest.fixture(params=["SO_REUSEADDR", "SO_REUSEPORT"])
def listening(request: pytest.FixtureRequest) -> Iterator[socket.socket]:
    """What listens already, with an option under which a bind may succeed all the same."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, getattr(socket, request.param), 1)
        listener.bind((LOOPBACK, 0))
        listener.listen()
        yield listener


@pytest.mark.parametrize("host", [LOOPBACK, "localhost", "0.0.0.0"])  # noqa: S104 - nothing is bound that stays
def test_a_port_that_is_taken_is_refused(listening: socket.socket, host: str) -> None:
    port = listening.getsockname()[1]
    with pytest.raises(AddressError, match=rf"^[\d.]+:{port} is taken: stop what listens there, or .* PORT=…"):
        listenable(host, port)


def test_connections_that_have_just_ended_are_no_hindrance() -> None:
    with socket.create_server((LOOPBACK, 0)) as listener:
        port = listener.getsockname()[1]
        with socket.create_connection((LOOPBACK, port)) as client:
            listener.accept()[0].close()  # first: it is this side that waits
            assert client.recv(1) == b""
    assert listenable(LOOPBACK, port) == LOOPBACK
    assert listenable(LOOPBACK, port) == LOOPBACK  # and trying it took nothing


def test_a_name_becomes_its_address() -> None:
    with socket.create_server((LOOPBACK, 0)) as free:
        port = free.getsockname()[1]
    assert listenable("localhost", port) == LOOPBACK


@pytest.mark.parametrize("port", [-1, 0, 65536, 70000])
def test_a_port_that_is_none(port: int) -> None:
    with pytest.raises(AddressError, match=f"^PORT is {port}, wanted 1 to 65535"):
        listenable(LOOPBACK, port)


@pytest.mark.parametrize(
    ("host", "message"),
    [
        ("none.invalid", "^HOST is 'none.invalid', which has no address"),
        ("a" * 64, "which has no address"),
        ("192.0.2.1", r"^192\.0\.2\.1:3000 cannot be listened on \(.+\): choose another, HOST=…"),
    ],
)
def test_a_host_that_is_none_or_not_this_machine(host: str, message: str) -> None:
    with pytest.raises(AddressError, match=message):
        listenable(host, 3000)
