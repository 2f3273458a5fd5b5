"""Starting and stopping, as the README says it: ready in time, nothing left, no instance disturbs another."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Final

import httpx
import pytest

from tests.e2e.server import (
    ANSWER_SECONDS,
    BENTOML,
    COMMAND,
    ROOT,
    STOP_SECONDS,
    Client,
    Service,
    client_per_worker,
    counted,
    free_port,
    in_turns,
    inherited,
)
from tests.waiting import eventually, settled, soon

MAKE = ("make", "--no-print-directory", "serve", "PORT={port}")
GRACE = 120
READY_SECONDS = 10.0
IMPORTS = 4
"""How many times as long as to import torch and BentoML, at the same time, a start may take where this machine is busy:
first the supervisor does that, and then each worker, which loads models, too."""
TEXT = {"text": "Dear customer, your parcel waits. Pay now!", "task": "spam"}


@pytest.fixture(scope="module")
def taken() -> Iterator[None]:
    """Something else on the usual ports, if they are free at all."""
    sockets: list[socket.socket] = []
    for port in (3000, 6379):
        s = socket.socket()
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            s.bind(("127.0.0.1", port))
            s.listen()
        except OSError:
            s.close()
        else:
            sockets.append(s)
    yield
    for s in sockets:
        s.close()


@pytest.fixture(scope="module")
def started(taken: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Service, float]]:
    """What a stranger gets from `make serve`, and in how many seconds it was to be ready; its grace is longer than
    anybody would wait for nothing."""
    environment = {"UNDERTONE_GRACE": str(GRACE), "UNDERTONE_REDIS_TIMEOUT": "10"}
    for tries in range(1, 6):  # the first may find torch not yet in the page cache
        with Service(tmp_path_factory.mktemp("made"), environment, MAKE) as service:
            in_time = service.seconds_to_ready < READY_SECONDS
            limit = READY_SECONDS if in_time else max(READY_SECONDS, IMPORTS * importing())
            if service.seconds_to_ready < limit or tries == 5:
                yield service, limit
                return


@pytest.fixture(scope="module")
def made(started: tuple[Service, float]) -> Service:
    return started[0]


def importing() -> float:
    """Seconds that the libraries take which every start has to load, now."""
    began = time.monotonic()
    subprocess.run([sys.executable, "-c", "import bentoml, torch"], check=True, capture_output=True)
    return time.monotonic() - began


def test_make_serve_is_ready_in_time_on_ports_that_are_taken(started: tuple[Service, float]) -> None:
    made, limit = started
    assert made.seconds_to_ready < limit
    assert made.post("/v1/predict", json={**TEXT, "session_id": "ready"}).status_code == 200
    assert "valkey-server" in {process.name() for process in made.family()}
    assert "pip install" not in made.log.read_text()  # make says what it does, pip is quiet


def test_two_instances_do_not_disturb_each_other_and_leave_nothing(made: Service, tmp_path: Path) -> None:
    asked = {"text": TEXT["text"], "task": "sentiment", "session_id": "a"}  # which no other test asks it for

    def answered(service: Service) -> float:
        return counted(service.get("/metrics").text, "undertone_documents_total", task="sentiment")

    with Service(tmp_path, {"UNDERTONE_REDIS_TIMEOUT": "10"}, MAKE) as other:
        for _ in range(3):
            assert made.post("/v1/predict", json=asked).status_code == 200
        assert other.post("/v1/predict", json=asked).json()["session"]["created"] is True
        eventually(lambda: (answered(made), answered(other)) == (3, 1), "each has counted its own")
        assert other.stop(signal.SIGINT) == []
    assert answered(made) == 3
    with httpx.Client(base_url=made.url, timeout=60) as kept_alive:  # which is idle, and nothing to wait for
        again = kept_alive.post("/v1/predict", json=asked).json()
        assert again["session"]["step"] == 8
        began = time.monotonic()
        assert made.stop() == []
        assert time.monotonic() - began < GRACE / 2


def test_a_second_one_on_the_same_port_is_refused_and_does_the_first_no_harm(service: Service, tmp_path: Path) -> None:
    before = asked_before(service)
    cache = service.log.parent / "cache"  # where the first has its BENTOML_HOME, too
    second = subprocess.run(
        [part.format(port=service.port) for part in MAKE],
        cwd=ROOT,
        env={**os.environ, "XDG_CACHE_HOME": str(cache)},
        check=False,
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert second.returncode != 0
    told = f"undertone: 127.0.0.1:{service.port} is taken: stop what listens there, or choose another, PORT=…"
    assert told in second.stderr
    assert "Traceback" not in second.stderr
    assert service.post("/v1/predict", json=TEXT).status_code == 200
    eventually(lambda: asked(service) == before + 1, "what was counted before is still there")


def asked(service: Service) -> float:
    return counted(service.get("/metrics").text, "undertone_requests_total", route="/v1/predict")


def asked_before(service: Service) -> float:
    """How often it was asked so far, once for sure, and all that is counted."""
    assert service.post("/v1/predict", json=TEXT).status_code == 200
    eventually(lambda: asked(service) > 0, "it has counted that")
    return settled(lambda: asked(service))


def test_of_two_that_start_at_once_one_serves_and_the_other_says_why_it_does_not(tmp_path: Path) -> None:
    """Both find the port free: it is taken only when BentoML, seconds later, binds."""
    port = free_port()
    environment = {"XDG_CACHE_HOME": str(tmp_path), "UNDERTONE_MODELS": "spam-gru", "UNDERTONE_WORKERS": "2"}
    logs = [tmp_path / name for name in ("one.log", "other.log")]
    both = [begun(port, environment, log) for log in logs]
    try:
        soon(lambda: any(process.poll() is not None for process in both), "one of them has ended")
        ended = [process.poll() for process in both]
        assert sorted(ended, key=str) == [1, None], "the other one runs"
        (sentence,) = logs[ended.index(1)].read_text().splitlines()
        assert sentence.startswith("undertone: another service that runs, begins or ends has ")
        url = f"http://127.0.0.1:{port}"

        def answered() -> bool:
            with suppress(httpx.TransportError):
                return httpx.post(f"{url}/v1/predict", json=TEXT, timeout=ANSWER_SECONDS).status_code == 200
            return False

        def documents() -> float:
            return counted(httpx.get(f"{url}/metrics", timeout=ANSWER_SECONDS).text, "undertone_documents_total")

        soon(answered, "it serves")
        assert all(answered() for _ in range(3))
        eventually(lambda: documents() == 4, "it counts everything")
    finally:
        for process in both:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGTERM)
            process.wait(STOP_SECONDS)


def begun(port: int, environment: dict[str, str], log: Path) -> subprocess.Popen[bytes]:
    """`python -m service`, as a process group; nobody waits until it serves."""
    command = [part.format(port=port) for part in COMMAND]
    with log.open("wb") as output:
        return subprocess.Popen(
            command, cwd=ROOT, env=inherited() | environment, stdout=output, stderr=output, start_new_session=True
        )


def test_one_with_the_folder_of_another_is_refused_before_it_wipes_what_that_has_counted(
    service: Service, tmp_path: Path
) -> None:
    """On a port of its own, so that its being late is no matter of luck."""
    home = service.log.parent / "cache" / "undertone" / f"127.0.0.1-{service.port}"
    before = asked_before(service)
    environment = {"BENTOML_HOME": str(home), "UNDERTONE_MODELS": "spam-gru"}
    refused = f"undertone: another service that runs, begins or ends has {home}: stop it"
    with pytest.raises(RuntimeError, match=refused), Service(tmp_path, environment):
        pass
    assert service.post("/v1/predict", json=TEXT).status_code == 200
    eventually(lambda: asked(service) == before + 1, "what was counted before is still there")


@pytest.mark.parametrize("command", [COMMAND, BENTOML], ids=["python -m service", "bentoml serve"])
def test_what_cannot_be_served_is_refused_with_a_sentence(tmp_path: Path, command: tuple[str, ...]) -> None:
    for environment, wanted in (
        ({"REDIS_URL": "redis://127.0.0.1:1"}, "UNDERTONE_STATE_KEY"),
        ({"UNDERTONE_MODELS": "no/such-model"}, "no/such-model"),
        ({"UNDERTONE_QUEUE": "many"}, "UNDERTONE_QUEUE"),
        ({"UNDERTONE_DEVICE": "cuda:99"}, "UNDERTONE_DEVICE is cuda:99"),
    ):
        with pytest.raises(RuntimeError, match=wanted) as refused:
            Service(tmp_path, environment | {"BENTOML_HOME": str(tmp_path / "bentoml")}, command)
        assert "Traceback" not in str(refused.value)


def test_metrics_are_those_of_both_workers(service: Service) -> None:
    def told(client: Client) -> float:
        return counted(client.get("/metrics").text, "undertone_requests_total", route="/v1/predict", status="200")

    with in_turns(service) as turns:
        clients = turns.clients.values()
        before = settled(lambda: max(map(told, clients)))  # who is asked writes what it has counted
        for count in (1, 2):
            for _ in clients:
                turns.predict(text=TEXT["text"])
            # Whichever worker is asked, the answer is that of all of them, a tenth of a second later.
            for client in clients:
                wanted = before + count * len(clients)
                eventually(lambda client=client, wanted=wanted: told(client) == wanted, "both are counted")  # type: ignore[misc]
        text = client.get("/metrics").text
    assert counted(text, "undertone_sentences_total", task="spam") >= 2 * len(clients)


def test_text_never_reaches_the_log(service: Service) -> None:
    secret = "zanzibarquux"
    for path in ("/v1/predict", "/predict"):
        for body in ({"text": secret, "task": "spam"}, {"text": secret, "task": secret}, {"tex": secret}):
            service.post(path, json={**body, "session_id": secret})
    service.post("/v1/stream?task=spam", content=secret.encode(), headers={"content-type": "text/plain"})
    assert secret not in service.log.read_text()


STALL: Final = 1.0
"""Seconds that nobody may wait behind a long text: many times what a turn of it takes."""


def test_a_million_hostile_code_points_do_not_stall_the_service(service: Service) -> None:
    million = 1_000_000
    hostile = [
        "." * million,
        "(" * million,
        '"' * million,
        "a" * million,
        "\n" * million,
        "e" + "\u0301" * (million - 1),
        "\u3316 " * (million // 2),  # no letter, and six of them when taken apart
        "\ufdfa" * (million // 4),  # one letter, and eighteen
    ]
    codes: list[int] = []
    waits: list[float] = []

    def send(text: str) -> None:
        codes.append(service.post("/v1/predict", json={"text": text, "task": "spam"}).status_code)

    with client_per_worker(service) as clients:
        for text in hostile:
            thread = threading.Thread(target=send, args=(text,))
            thread.start()
            while thread.is_alive():
                for client in clients.values():
                    for one in (partial(client.post, "/v1/predict", json=TEXT), partial(client.get, "/livez")):
                        began = time.perf_counter()
                        assert one().status_code == 200
                        waits.append(time.perf_counter() - began)
            thread.join()
    assert codes == [200, 200, 200, 200, 400, 200, 200, 200]  # a million newlines are blank
    assert max(waits) < STALL, "somebody waited for a whole text, where it should be a turn of it"


def test_the_makefile_lists_its_targets() -> None:
    listed = subprocess.run(
        ["make", "--no-print-directory"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    for target in ("serve", "dev", "test", "tools", "test-all", "lint", "models"):
        assert f"\n{target}" in f"\n{listed}"
