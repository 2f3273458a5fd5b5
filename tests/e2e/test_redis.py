"""The session store on Redis itself, as Debian ships it: away in every way, over TLS, as an ACL user."""

from __future__ import annotations

import base64
import hashlib
import secrets
import statistics
import subprocess
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, suppress
from functools import partial
from pathlib import Path
from typing import Final

import pytest
import redis

from tests.e2e.redis_server import AT_ONCE, RedisServer
from tests.e2e.server import Client, Service, Turns, counted, free_port, in_turns
from tests.waiting import eventually, within

pytestmark = pytest.mark.tools
TEXT: Final = "Hello Anna, thank you for your order."
TIMEOUT: Final = 0.25
"""UNDERTONE_REDIS_TIMEOUT as it is by default."""
SLACK: Final = 0.25
"""Seconds for all else that a request does, on a machine that does other things, too."""
PAUSED: Final = 10.0
"""Seconds of a pause: longer than a test is at it, on a machine that takes its time."""
PAUSE: Final = 0.025
"""Seconds between two requests of one caller."""
FAULTS: Final = {
    "dead": "connection",
    "stopped": "timeout",
    "paused": "timeout",
    "full": "out_of_memory",
    "read_only": "read_only",
    "another_password": "credentials",
}
"""Methods of RedisServer, and what the metric calls them."""


def environment(url: str, **more: str) -> dict[str, str]:
    key = base64.b64encode(secrets.token_bytes(32)).decode()
    said = {"REDIS_URL": url, "UNDERTONE_STATE_KEY": key, "UNDERTONE_WORKERS": "2", "UNDERTONE_MODELS": "spam-gru"}
    # Longer than by default where Redis is slow only because this machine is.
    return said | {"UNDERTONE_REDIS_TIMEOUT": "10"} | more


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    running = RedisServer(tmp_path_factory.mktemp("redis"), **AT_ONCE)
    yield running
    running.stop()


@pytest.fixture(scope="module")
def patient(server: RedisServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service whose answers do not hang on how soon Redis gives its own."""
    with Service(tmp_path_factory.mktemp("patient"), environment(server.url)) as running:
        yield running


@pytest.fixture(scope="module")
def on_redis(server: RedisServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service that waits for Redis as long as it does by default."""
    said = environment(server.url, UNDERTONE_REDIS_TIMEOUT=str(TIMEOUT))
    with Service(tmp_path_factory.mktemp("service"), said) as running:
        yield running


def away(server: RedisServer, fault: str) -> AbstractContextManager[None]:
    """Redis with that fault, while the context lasts."""
    return server.paused(PAUSED) if fault == "paused" else getattr(server, fault)()


def served_again(service: Service) -> None:
    """Until every worker serves sessions: each has a circuit of its own, and they heal by themselves."""
    with in_turns(service) as turns:
        for client in turns.clients.values():
            asked = {"text": TEXT, "task": "spam", "session_id": f"probe-{service.port}"}  # each has a key of its own
            eventually(partial(answered, client, asked), "sessions are back")


def answered(client: Client, asked: dict[str, str]) -> bool:
    return client.post("/v1/predict", json=asked).status_code == 200


@pytest.mark.parametrize("fault", FAULTS)
def test_redis_away_is_503_in_time_then_costs_nothing_and_heals(
    server: RedisServer, on_redis: Service, fault: str
) -> None:
    within(TIMEOUT + SLACK, partial(away_and_back, server, on_redis, fault))


def away_and_back(server: RedisServer, on_redis: Service, fault: str) -> list[float]:
    """Seconds of each request that was refused meanwhile; all else is asserted."""
    session = secrets.token_hex(8)
    served_again(on_redis)
    with in_turns(on_redis) as turns:

        def goes_on(step: int) -> bool:
            """Asked again with its step, where Redis was too slow for this service on a busy machine."""
            asked = {"text": TEXT, "task": "spam", "session_id": session, "step": step}
            answer = turns("POST", "/v1/predict", json=asked)
            return answer.status_code == 200 and answer.json()["session"]["step"] == step + 1

        eventually(partial(goes_on, 0), "the session is begun")
        before = counted(turns("GET", "/metrics").text, "undertone_store_failures_total", reason=FAULTS[fault])
        with away(server, fault):
            seconds = []
            asked = {"text": TEXT, "task": "spam", "session_id": session, "step": 1}
            for _ in range(20):
                began = time.monotonic()
                answer = turns("POST", "/v1/predict", json=asked)
                seconds.append(time.monotonic() - began)
                assert (answer.status_code, answer.json()["error"]["code"]) == (503, "store_unavailable")
                assert int(answer.headers["retry-after"]) >= 1
            # Both circuits are open by now: at neither worker does anybody wait any more.
            for worker in (seconds[-6::2], seconds[-5::2]):
                assert min(worker) < TIMEOUT / 2
            for _ in range(2):
                assert turns.predict(text=TEXT)["probability"] > 0
                said = turns("GET", "/v1/status").json()
                assert (said["status"], said["sessions"]) == ("degraded", "unavailable")
                assert turns("GET", "/readyz").status_code == 200
            eventually(lambda: circuits(turns) == 2, "both workers say so")
            metrics = turns("GET", "/metrics").text
            assert counted(metrics, "undertone_store_failures_total", reason=FAULTS[fault]) > before
        eventually(partial(goes_on, 1), "the session goes on")
        eventually(lambda: circuits(turns) == 0, "both workers say that it is back")
        assert turns("GET", "/v1/status").json() == {"status": "ok", "sessions": "ok", "why": []}
    return seconds


def circuits(turns: Turns) -> float:
    """How many are open; each worker writes a tenth of a second later what it counts."""
    return counted(turns("GET", "/metrics").text, "undertone_store_circuit_open")


@pytest.mark.parametrize("fault", FAULTS)
def test_a_redis_that_is_away_leaves_stateless_requests_as_fast_as_they_were(
    server: RedisServer, on_redis: Service, fault: str
) -> None:
    def slower() -> Iterator[float]:
        served_again(on_redis)
        there = beside_sessions(on_redis, 200)
        with away(server, fault):
            yield beside_sessions(on_redis, 503) - 2 * there

    within(0.005, slower)


def beside_sessions(on_redis: Service, status: int) -> float:
    """Seconds within which 95 % of requests without a session are answered, while both workers are asked for sessions.

    They count from when each was due: one that a worker keeps waiting holds up those after it, too. Most requests for
    sessions have that status: some may be refused because the machine is busy.
    """
    done = threading.Event()

    def ask(turns: Turns) -> int:
        asked = {"text": TEXT, "task": "spam", "session_id": secrets.token_hex(8)}
        answers = []
        while not done.wait(PAUSE):
            answers.append(turns("POST", "/v1/predict", json=asked).status_code)
        return statistics.mode(answers)

    seconds = []
    with ExitStack() as stack:
        turns, *others = [stack.enter_context(in_turns(on_redis)) for _ in range(3)]
        pool = stack.enter_context(ThreadPoolExecutor())
        stack.callback(done.set)
        sessions = [pool.submit(ask, other) for other in others]
        began = time.monotonic()
        for number in range(80):
            due = began + number * PAUSE
            time.sleep(max(0, due - time.monotonic()))
            turns.predict(text=TEXT)
            seconds.append(time.monotonic() - due)
        done.set()
        assert [one.result() for one in sessions] == [status] * len(others)
    return statistics.quantiles(seconds, n=20)[-1]


def test_a_redis_that_came_back_empty_is_404_and_never_a_fresh_start(server: RedisServer, patient: Service) -> None:
    session = secrets.token_hex(8)
    served_again(patient)
    with in_turns(patient) as turns:
        turns.predict(text=TEXT, session_id=session, step=0)
        server.client.flushall()
        with server.dead():
            pass
    served_again(patient)
    with in_turns(patient) as turns:
        gone = turns.predict(404, text=TEXT, session_id=session, step=1)
        assert gone["code"] == "session_not_found"
        assert "expired or evicted: resend from the start" in gone["message"]
        assert turns.stream(TEXT, session_id=session, step=1)[0]["error"]["code"] == "session_not_found"
        assert turns.predict(text=TEXT, session_id=session)["session"]["created"] is True


def test_a_session_that_was_evicted_is_404(server: RedisServer, patient: Service) -> None:
    served_again(patient)
    sessions = [secrets.token_hex(8) for _ in range(60)]
    with in_turns(patient) as turns:
        for session in sessions:
            turns.predict(text=TEXT, session_id=session, step=0)
        names = {session: f"undertone:public:spam:{session}" for session in sessions}
        # In small steps from above what is used: buffers count, too, and in a large one all sessions are evicted.
        limit = server.client.info("memory")["used_memory"] + 100_000
        with server.configured("maxmemory-policy", "volatile-lru"), server.configured("maxmemory", str(limit)):
            while server.client.exists(*names.values()) == len(sessions):
                limit -= 1000
                server.client.config_set("maxmemory", str(limit))
                with suppress(redis.OutOfMemoryError):
                    server.client.set("more", b"x")
        left = {session for session, name in names.items() if server.client.exists(name)}
        assert 0 < len(left) < len(sessions)
        for session in sessions:
            status = 200 if session in left else 404
            turns.predict(status, text=TEXT, session_id=session, step=1)


@pytest.fixture
def over_tls(tmp_path: Path) -> Iterator[tuple[RedisServer, str]]:
    """A server that speaks only TLS outside, with an ACL user who may do what the README says, and no more."""
    certify = "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=127.0.0.1 -keyout key.pem -out cert.pem"
    subprocess.run(
        [*certify.split(), "-addext", "subjectAltName=IP:127.0.0.1"],
        cwd=tmp_path,
        check=True,
        capture_output=True,
    )
    certificate, key = str(tmp_path / "cert.pem"), str(tmp_path / "key.pem")
    port = free_port()
    options = {"tls_cert_file": certificate, "tls_key_file": key, "tls_ca_cert_file": certificate}
    running = RedisServer(tmp_path, tls_port=str(port), tls_auth_clients="no", **options)
    running.ask("ACL", "SETUSER", "undertone", *acl("undertone"), ">secret")
    yield running, f"rediss://undertone:secret@127.0.0.1:{port}/0?ssl_ca_certs={certificate}"
    running.stop()


def acl(user: str) -> list[str]:
    """The rules that SECURITY.md gives."""
    text = (Path(__file__).parent.parent.parent / "SECURITY.md").read_text("utf-8")
    (line,) = (line for line in text.splitlines() if line.startswith(f"ACL SETUSER {user} "))
    return [word for word in line.split()[3:] if not word.startswith(">")]


def test_tls_and_an_acl_user(over_tls: tuple[RedisServer, str], tmp_path: Path) -> None:
    server, url = over_tls
    key = "a key"
    keys = f"anna:{hashlib.sha256(key.encode()).hexdigest()}"
    said = environment(url, UNDERTONE_API_KEYS=keys)
    with Service(tmp_path, said) as service, in_turns(service) as turns:
        header = {"authorization": f"Bearer {key}"}
        for step in range(4):
            asked = {"text": TEXT, "task": "spam", "session_id": "s", "step": step}
            answer = turns("POST", "/v1/predict", json=asked, headers=header)
            assert (answer.status_code, answer.json()["session"]["step"]) == (200, step + 1)
        assert turns("GET", "/v1/status").json()["status"] == "ok"
        assert turns("GET", "/v1/sessions/s?task=spam", headers=header).json()["step"] == 4
        assert server.client.keys("undertone:anna:*") == [b"undertone:anna:spam:s"]
        assert turns("DELETE", "/v1/sessions", headers=header).status_code == 204
        assert server.client.keys("undertone:anna:*") == []
        with redis.Redis(port=server.port, username="undertone", password="secret") as client:

            def told() -> bool:
                """A scrape waits for Redis, but not for long: it may have to be asked again."""
                metrics = turns("GET", "/metrics", headers=header).text
                return counted(metrics, "undertone_redis_up") == 1 and "\nundertone_redis_memory_bytes " in metrics

            eventually(told, "Redis is up, and says what it holds")
            for forbidden in (client.flushall, client.config_get, client.keys, client.acl_list):
                with pytest.raises(redis.exceptions.NoPermissionError):
                    forbidden()
            with pytest.raises(redis.exceptions.NoPermissionError):
                client.get("another's")
        assert "secret" not in service.log.read_text()


def test_a_redis_server_of_the_tests_has_a_password(server: RedisServer) -> None:
    with pytest.raises(redis.AuthenticationError), redis.Redis(port=server.port) as client:
        client.ping()
