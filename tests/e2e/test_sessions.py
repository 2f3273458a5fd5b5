"""Sessions over two real workers: any worker goes on with any session, and two writers lose nothing."""

from __future__ import annotations

import itertools
import os
import secrets
import signal
import threading
from pathlib import Path
from typing import Any

import httpx
import pytest

from models.sentences import split
from tests.e2e.server import Client, Service, client_per_worker

MAIL = (
    "Hello Anna, thank you for your order. It left our warehouse this morning and is on its way. "
    "We could not charge your card, though! Your account is suspended until you confirm it. "
    "Click here now to verify your card number within 24 hours. You have also won a free prize worth $1000!!! "
    "Kind regards, your billing team."
)


def predict(client: httpx.Client, **fields: Any) -> dict[str, Any]:
    answer = client.post("/v1/predict", json={"task": "spam", **fields})
    assert answer.status_code == 200, answer.text
    said: dict[str, Any] = answer.json()
    return said


def insist(client: httpx.Client, **fields: Any) -> int:
    """The step after a request that is sent again, as the error says, where others kept writing first."""
    for _ in range(10):
        answer = client.post("/v1/predict", json={"task": "spam", **fields})
        if answer.status_code != 409:
            break
        assert answer.json()["error"]["code"] == "conflict"
    assert answer.status_code == 200, answer.text
    step: int = answer.json()["session"]["step"]
    return step


def test_a_session_that_alternates_between_workers_equals_the_whole_text(service: Service) -> None:
    session = secrets.token_hex(8)
    texts = [sentence.text for sentence in split(MAIL)]
    with client_per_worker(service) as clients:
        whole = predict(next(iter(clients.values())), text=MAIL)
        pids = [pid for pid, _ in zip(itertools.cycle(clients), texts, strict=False)]
        assert all(a != b for a, b in itertools.pairwise(pids))
        running: list[float] = []
        for step, (pid, text) in enumerate(zip(pids, texts, strict=True)):
            client = clients[pid]
            assert client.worker() == pid
            answer = predict(client, text=text, session_id=session, step=step)
            running.append(answer["probability"])
            assert answer["session"]["step"] == step + 1
            assert answer["session"]["created"] is (step == 0)
    assert running == pytest.approx([s["probability"] for s in whole["sentences"]], abs=1e-5)
    assert answer["decided_at"] == whole["decided_at"]


def test_two_concurrent_writers_on_two_workers_lose_nothing(service: Service) -> None:
    session, each = secrets.token_hex(8), 40
    steps: dict[int, list[int]] = {}
    ready = threading.Barrier(2)

    def write(pid: int, client: Client) -> None:
        assert client.worker() == pid
        ready.wait()
        steps[pid] = [insist(client, text="You have won a prize.", session_id=session) for _ in range(each)]

    with client_per_worker(service) as clients:
        threads = [threading.Thread(target=write, args=item) for item in clients.items()]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(steps) == 2
        # Every step was given out once, and both writers got theirs in order.
        assert sorted(itertools.chain(*steps.values())) == list(range(1, 2 * each + 1))
        assert all(own == sorted(own) for own in steps.values())
        client = next(iter(clients.values()))
        held = client.get(f"/v1/sessions/{session}?task=spam").json()
        once = predict(client, text="You have won a prize. " * 2 * each)
    assert held["step"] == 2 * each
    assert held["probability"] == pytest.approx(once["probability"], abs=1e-5)


def test_the_first_request_of_two_concurrent_ones_creates_the_session_once(service: Service) -> None:
    with client_per_worker(service) as clients:
        for _ in range(10):
            session = secrets.token_hex(8)
            created: list[bool] = []
            ready = threading.Barrier(len(clients))

            def write(
                client: Client, session: str = session, created: list[bool] = created, ready: threading.Barrier = ready
            ) -> None:
                ready.wait()
                created.append(predict(client, text="Hello there.", session_id=session)["session"]["created"])

            threads = [threading.Thread(target=write, args=(client,)) for client in clients.values()]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            assert sorted(created) == [False, True]


def test_a_session_goes_on_after_a_restart_of_the_service(external: dict[str, str], tmp_path: Path) -> None:
    session = secrets.token_hex(8)
    sentences = split(MAIL)
    cut = sentences[2].offset + sentences[2].length
    with Service(tmp_path, external) as first, httpx.Client(base_url=first.url, timeout=60) as client:
        whole = predict(client, text=MAIL)
        before = predict(client, text=MAIL[:cut], session_id=session, step=0)
    assert before["session"]["step"] == 3
    with Service(tmp_path, external) as second, httpx.Client(base_url=second.url, timeout=60) as client:
        after = predict(client, text=MAIL[cut:], session_id=session, step=3)
    assert after["session"]["created"] is False
    assert after["prior"] == pytest.approx(before["prior"] + sum(s["delta"] for s in before["sentences"]), abs=1e-5)
    assert after["probability"] == pytest.approx(whole["probability"], abs=1e-5)


def test_a_worker_that_is_killed_takes_no_session_with_it(service: Service) -> None:
    session = secrets.token_hex(8)
    texts = [sentence.text for sentence in split(MAIL)]
    with client_per_worker(service) as clients:
        victim, other = clients
        predict(clients[victim], text=texts[0], session_id=session, step=0)
        os.kill(victim, signal.SIGKILL)
        answer = predict(clients[other], text=texts[1], session_id=session, step=1)
        assert answer["session"]["step"] == 2
    # The supervisor starts another one; later tests want two.
    for _ in range(600):
        if len(service.workers()) == 2:
            break
        threading.Event().wait(0.05)
    with client_per_worker(service) as clients:
        assert victim not in clients
