"""Sessions over two real workers: any worker goes on with any session, and two writers lose nothing."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import itertools
import os
import secrets
import signal
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import redis

from models.sentences import split
from service.envelope import Envelope
from service.serving import RACES
from tests.e2e.server import Client, Service, client_per_worker, counted, in_turns, native
from tests.service.live import Upload
from tests.service.test_store import Between
from tests.waiting import READY_SECONDS, eventually, soon

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
    until = time.monotonic() + READY_SECONDS
    while (answer := client.post("/v1/predict", json={"task": "spam", **fields})).status_code == 409:
        assert answer.json()["error"]["code"] == "conflict"
        assert time.monotonic() < until, "others always write first"
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


def test_a_mail_that_was_wrapped_by_hand_may_be_cut_after_any_sentence(service: Service) -> None:
    mail = textwrap.fill(MAIL, 70)
    with in_turns(service) as turns:
        whole = turns.predict(text=mail)
        numbers = [(s["length"], pytest.approx(s["probability"], abs=1e-5)) for s in whole["sentences"]]
        for said in whole["sentences"][:-1]:
            session, end = secrets.token_hex(8), said["offset"] + said["length"]
            first = turns.predict(text=mail[:end], session_id=session, step=0)
            second = turns.predict(text=mail[end:], session_id=session, step=first["session"]["step"])
            parts = first["sentences"] + second["sentences"]
            assert [(s["length"], s["probability"]) for s in parts] == numbers


def test_two_concurrent_writers_on_two_workers_lose_nothing(service: Service) -> None:
    session, each = secrets.token_hex(8), 40
    steps: dict[int, list[int]] = {}
    ready = threading.Barrier(2, timeout=60)

    def write(pid: int, client: Client) -> None:
        assert client.worker() == pid
        steps[pid] = []
        for _ in range(each):
            ready.wait()  # at the same time, every time: neither gets ahead of the other
            steps[pid].append(insist(client, text="You have won a prize.", session_id=session))

    with client_per_worker(service) as clients:
        threads = [threading.Thread(target=write, args=item) for item in clients.items()]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        # Every step was given out once; both writers got theirs in order, and one of every two.
        owners = {step: pid for pid, own in steps.items() for step in own}
        assert sorted(itertools.chain(*steps.values())) == list(range(1, 2 * each + 1))
        assert all(own == sorted(own) for own in steps.values())
        assert all({owners[step], owners[step + 1]} == clients.keys() for step in range(1, 2 * each, 2))
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


def test_a_session_goes_on_after_a_restart_of_the_service(
    service: Service, external: dict[str, str], tmp_path: Path
) -> None:
    session = secrets.token_hex(8)
    sentences = split(MAIL)
    cut = sentences[2].offset + sentences[2].length
    environment = {**external, "UNDERTONE_WORKERS": "2", "UNDERTONE_MODELS": "spam-gru"}
    with Service(tmp_path, environment) as first, in_turns(first) as turns:
        whole = turns.predict(text=MAIL)
        before = turns.predict(text=MAIL[:cut], session_id=session, step=0)
    assert before["session"]["step"] == 3
    with in_turns(service) as turns:  # of which no process has ever seen it
        turns("GET", f"/v1/sessions/{session}?task=spam")
        after = turns.predict(text=MAIL[cut:], session_id=session, step=3)
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
    soon(lambda: len(service.workers() - {victim}) == 2, "another worker has been started")
    with client_per_worker(service) as clients:
        assert victim not in clients


def test_a_session_over_http(service: Service) -> None:
    session = secrets.token_hex(8)
    path = f"/v1/sessions/{session}"
    asked: dict[str, Any] = {"text": MAIL, "session_id": session}
    with in_turns(service) as turns:
        assert turns("GET", path, params={"task": "spam"}).status_code == 404
        first = turns.predict(**asked)["session"]
        steps = len(split(MAIL))
        assert (first["step"], first["created"], first["replayed"]) == (steps, True, False)
        state = turns("GET", path, params={"task": "spam"}).json()
        assert list(state) == ["id", "task", "step", "label", "probability", "decided_at", "model", "expires_at"]
        assert state["step"] == steps
        wrong = turns.predict(409, **asked, step=3)
        assert (wrong["code"], wrong["expected_step"]) == ("wrong_step", steps)
        assert turns.predict(409, **asked, model="spam-conv1d")["code"] == "model_changed"
        assert turns.predict(**asked, step=0)["session"]["replayed"]
        for _ in range(2):
            deleted = turns("DELETE", path)
            assert (deleted.status_code, deleted.content) == (204, b"")
        assert turns.predict(404, **asked, step=steps)["code"] == "session_not_found"


@contextmanager
def uploading(service: Service, pid: int, query: str, **headers: str) -> Iterator[Upload]:
    """A stream at that worker, whose text is still to come."""
    path = f"/v1/stream?task=spam&{query}"
    until = time.monotonic() + READY_SECONDS  # one that has to wait for a core takes no connection meanwhile
    while time.monotonic() < until:
        with Upload(service.port, path, **headers) as upload:
            upload.until(lambda upload: upload.status != 0)
            if service.worker_at(upload.port) == pid:
                service.answered(pid, path)
                yield upload
                return
    raise AssertionError(f"worker {pid} took no connection")


def test_what_an_event_says_is_in_redis_already(service: Service) -> None:
    session = secrets.token_hex(8)
    with in_turns(service) as turns:
        first, _ = turns.clients
        with uploading(service, first, f"session_id={session}") as upload:
            for k in range(1, 8):
                upload.send(f"The cat sat on film number {k}. ")
                if k > 1:
                    upload.sentences(k - 1)
                    state = turns("GET", f"/v1/sessions/{session}?task=spam").json()
                    latest = upload.events[-1]
                    assert state["step"] == latest.id == k - 1
                    assert state["probability"] == pytest.approx(latest.data["probability"], abs=1e-6)


def test_a_stream_that_broke_off_goes_on_at_another_worker(service: Service) -> None:
    session, sentences = secrets.token_hex(8), split(MAIL)
    query = {"session_id": session, "step": 0}
    with in_turns(service) as turns:
        whole = turns.predict(text=MAIL)
        with uploading(service, next(iter(turns.clients)), f"session_id={session}&step=0") as upload:
            upload.send(MAIL[: sentences[3].offset + 20])
            seen = upload.sentences(2).events[-1].id
            assert seen in (2, 3)  # what is ready together is written together
            eventually(lambda: service.streams() == 1, "the stream is open")
        eventually(lambda: service.streams() == 0, "the broken stream has ended")
        *events, done = turns.stream(MAIL, last=seen, **query)
        assert [event["id"] for event in events] == list(range(seen + 1, len(sentences) + 1))
        assert done["probability"] == pytest.approx(whole["probability"], abs=1e-5)
        assert (done["session"]["step"], done["session"]["created"]) == (len(sentences), False)
        # Once more from the other worker: nothing is new, nothing is counted twice.
        (again,) = turns.stream(MAIL, last=len(sentences), **query)
        assert (again["session"]["replayed"], again["session"]["step"]) == (True, len(sentences))
        assert again["probability"] == pytest.approx(whole["probability"], abs=1e-5)
        (refused,) = turns.stream(MAIL.replace("Anna", "Bert"), last=2, **query)
        assert (refused["error"]["code"], refused["error"]["expected_step"]) == ("conflict", len(sentences))
        (refused,) = turns.stream(MAIL, last=2, session_id=session)
        assert (refused["error"]["code"], refused["error"]["field"]) == ("invalid_request", "step")
        assert turns("GET", f"/v1/sessions/{session}?task=spam").json()["step"] == len(sentences)


def test_a_resumed_stream_of_another_text_is_refused_with_a_status_where_the_text_is_known(service: Service) -> None:
    asked = {"text": MAIL, "task": "spam", "session_id": secrets.token_hex(8), "step": 0}
    with in_turns(service) as turns:
        assert turns("POST", "/v1/stream", json=asked).status_code == 200
        other = asked | {"text": "Something else. " * 9}
        refused = turns("POST", "/v1/stream", json=other, headers={"last-event-id": "1"})
        assert (refused.status_code, refused.json()["error"]["code"]) == (409, "conflict")
        refused = turns("POST", "/v1/stream", json=other)
        assert (refused.status_code, refused.json()["error"]["code"]) == (409, "wrong_step")


def test_of_two_streams_the_one_that_has_said_nothing_starts_over(service: Service) -> None:
    session = secrets.token_hex(8)
    with client_per_worker(service) as clients:
        a, b = clients
        query = f"session_id={session}"
        with uploading(service, a, query) as one, uploading(service, b, query) as two:
            one.send("The cat sat on it. You won free money.")
            one.sentences(1)
            # It began at nothing, too, and finds a sentence there: it follows on.
            two.send("Click, click, click. You won free money.")
            two.end()
            assert [event.id for event in two.whole().events] == [2, 3, None]
            one.end()
            *_, error = one.whole().events
            assert (error.data["error"]["code"], error.data["error"]["expected_step"]) == ("conflict", 3)
        assert clients[b].get(f"/v1/sessions/{session}?task=spam").json()["step"] == 3
        whole = predict(clients[a], text="The cat sat on it. Click, click, click. You won free money.")
        held = clients[a].get(f"/v1/sessions/{session}?task=spam").json()
        assert held["probability"] == pytest.approx(whole["probability"], abs=1e-5)


def test_fifty_writers_at_once_leave_fifty_steps(service: Service) -> None:
    session, writers = secrets.token_hex(8), 50
    steps: list[int] = []
    ready = threading.Barrier(writers)

    def write(client: Client) -> None:
        ready.wait()
        steps.append(predict(client, text="You have won a prize.", session_id=session)["session"]["step"])

    with ExitStack() as stack:
        held = [stack.enter_context(client_per_worker(service)) for _ in range(writers // 2)]
        threads = [threading.Thread(target=write, args=(client,)) for both in held for client in both.values()]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sorted(steps) == list(range(1, writers + 1))


def test_the_checklist_of_sequence_servers(service: Service, keys: redis.Redis) -> None:
    """No start, no end, the same id twice, sent after a timeout, cancelled, an error in the middle."""
    session = secrets.token_hex(8)
    key = f"undertone:public:spam:{session}"
    with in_turns(service) as turns:
        for _ in range(2):
            assert turns.predict(404, text="Hello there.", session_id=session, step=1)["code"] == "session_not_found"
        assert turns.predict(text="Hello there.", session_id=session, step=0)["session"]["created"] is True
        assert 0 < keys.ttl(key) <= 86_400  # nobody has to end it
        assert turns.predict(text="Hello there.", session_id=session, step=0)["session"]["replayed"] is True
        assert turns.predict(409, text="Something else.", session_id=session, step=0)["expected_step"] == 1
        stored = keys.get(key)
        for bad in ({"text": ""}, {"text": "x", "threshold": 7}, {"text": "x", "model": "none"}):
            turns.predict(400, session_id=session, **bad)
        turns.predict(413, text="x" * 1_000_001, session_id=session)
        assert keys.get(key) == stored
        query = f"session_id={session}&step=1"
        with uploading(service, turns.next(f"/v1/stream?{query}"), query) as cancelled:
            cancelled.send("This was never fini")
            eventually(lambda: service.streams() == 1, "the stream is open")
        eventually(lambda: service.streams() == 0, "the cancelled stream has ended")
        assert keys.get(key) == stored
        assert turns.predict(text="It goes on.", session_id=session, step=1)["session"]["step"] == 2
        keys.pexpire(key, 1)
        time.sleep(0.01)
        gone = turns.predict(404, text="Is it there?", session_id=session, step=2)
        assert "expired or evicted: resend from the start" in gone["message"]
        assert turns.predict(text="Is it there?", session_id=session)["session"]["created"] is True


def test_at_the_edge_of_its_life_a_session_goes_on_or_is_gone(service: Service, keys: redis.Redis) -> None:
    """It ends before, between or after what the request reads and writes: 200 at the step it names, or 404."""
    codes: set[int] = set()
    with in_turns(service) as turns:
        for milliseconds in (*range(12), 60_000):
            session = secrets.token_hex(8)
            turns.predict(text="Hello there.", session_id=session, step=0)
            keys.pexpire(f"undertone:public:spam:{session}", milliseconds)
            asked = {"text": "Is it there?", "task": "spam", "session_id": session, "step": 1}
            answer = turns("POST", "/v1/predict", json=asked)
            codes.add(answer.status_code)
            if answer.status_code == 200:
                assert answer.json()["session"]["step"] == 2
                assert answer.json()["session"]["created"] is False
                assert keys.pttl(f"undertone:public:spam:{session}") > 80_000_000
            else:
                assert answer.json()["error"]["code"] == "session_not_found"
    assert codes == {200, 404}


def test_a_flipped_bit_in_any_byte_is_409_and_never_a_number(service: Service, keys: redis.Redis) -> None:
    session = secrets.token_hex(8)
    key = f"undertone:public:spam:{session}"
    with in_turns(service) as turns:
        turns.predict(text=MAIL, session_id=session, step=0)
        stored = keys.get(key)
        assert isinstance(stored, bytes)
        for at in range(len(stored)):
            keys.set(key, stored[:at] + bytes([stored[at] ^ 1 << at % 8]) + stored[at + 1 :])
            assert turns.predict(409, text="Hello.", session_id=session)["code"] == "state_unreadable"
        for other in (b"", stored[:-1], stored + b"\0", b"undertone"):
            keys.set(key, other)
            assert turns.predict(409, text="Hello.", session_id=session)["code"] == "state_unreadable"
        moved = secrets.token_hex(8)
        keys.set(f"undertone:public:spam:{moved}", stored)
        assert turns.predict(409, text="Hello.", session_id=moved)["code"] == "state_unreadable"
        keys.set(key, stored)
        assert turns.predict(text="Hello.", session_id=session)["session"]["step"] == len(split(MAIL)) + 1


def test_what_is_stored_holds_no_word_of_the_text(
    service: Service, external: dict[str, str], keys: redis.Redis
) -> None:
    """Not even for who has the state key."""
    session = secrets.token_hex(8)
    key = f"undertone:public:spam:{session}"
    envelope = Envelope([base64.b64decode(external["UNDERTONE_STATE_KEY"])])
    with in_turns(service) as turns:
        for _ in range(4):
            turns.predict(text=MAIL, session_id=session)
            stored = keys.get(key)
            assert isinstance(stored, bytes)
            for value in (stored, envelope.open(key, stored)):
                assert not any(word.encode() in value for word in MAIL.split() if len(word) > 3)


@pytest.mark.parametrize(("task", "model"), [("spam", "spam-gru"), ("sentiment", "sentiment-gru")])
def test_a_session_takes_2_kb_at_sentence_1_and_at_sentence_10_000(
    service: Service, keys: redis.Redis, task: str, model: str
) -> None:
    session = secrets.token_hex(64)  # as long as an id may be
    key = f"undertone:public:{task}:{session}"
    sentence = "You have won a prize. "
    with in_turns(service) as turns:
        # From the second request on both states are there, the latest and the one before the last request.
        sizes, lengths = [], []
        for texts in (1, 1, 9_997, 1):
            asked: dict[str, Any] = {"text": sentence * texts, "task": task, "model": model, "session_id": session}
            answer = turns.predict(**asked)
            sizes.append(keys.memory_usage(key) or 0)
            lengths.append(keys.strlen(key))
        assert answer["session"]["step"] == 10_000
    first, second, long, last = lengths
    assert first < second == long == last
    # What Redis spends on it hangs on its allocator too, which gives now and then a block 16 bytes larger than asked.
    assert all(0 < size <= 2048 for size in sizes), sizes
    assert max(sizes[1:]) - min(sizes[1:]) <= 16, sizes


def test_callers_never_meet_and_one_can_have_everything_forgotten(
    external: dict[str, str], keys: redis.Redis, tmp_path: Path
) -> None:
    # Of one caller's name the other's is the beginning: whoever is forgotten by that alone is forgotten with it.
    secret = {"anna": "anna's key", "anna2": "another's key"}
    said = ",".join(f"{name}:{hashlib.sha256(key.encode()).hexdigest()}" for name, key in secret.items())
    environment = {**external, "UNDERTONE_WORKERS": "2", "UNDERTONE_API_KEYS": said}
    anna, other = ({"authorization": f"Bearer {key}"} for key in secret.values())
    name = "zanzibarquux"
    with Service(tmp_path, environment) as service, in_turns(service) as turns:
        asked = {"text": "Hello there.", "task": "spam", "session_id": name}
        for step in range(3):
            for who in (anna, other) if step == 0 else (anna,):
                answer = turns("POST", "/v1/predict", json=asked | {"step": step}, headers=who).json()
                assert (answer["session"]["step"], answer["session"]["created"]) == (step + 1, step == 0)
        path = f"/v1/sessions/{name}?task=spam"
        assert [turns("GET", path, headers=who).json()["step"] for who in (anna, other)] == [3, 1]
        assert turns("DELETE", path, headers=other).status_code == 204
        assert turns("GET", path, headers=anna).json()["step"] == 3
        for number in range(40):
            for who in (anna, other):
                task = ("spam", "sentiment")[number % 2]
                turns("POST", "/v1/predict", json=asked | {"session_id": f"{number}", "task": task}, headers=who)
        assert turns("DELETE", "/v1/sessions").status_code == 401
        assert turns("GET", "/schema.json").status_code == 401
        one = {"text": "Hello there.", "task": "spam"}
        assert native(service, lambda client: client.predict(one), secret["anna"])["task"] == "spam"
        assert turns("DELETE", "/v1/sessions", headers=anna).status_code == 204
        assert keys.keys("undertone:anna:*") == []
        assert len(keys.keys("undertone:anna2:*")) == 40
        assert turns("GET", path, headers=anna).status_code == 404

        def erased() -> float:
            said = {"route": "/v1/sessions", "method": "DELETE", "status": "204"}
            return counted(turns("GET", "/metrics", headers=anna).text, "undertone_requests_total", **said)

        eventually(lambda: erased() == 1, "the other worker's count is written")
        metrics = turns("GET", "/metrics", headers=anna).text
        private = (name, *secret.values(), external["UNDERTONE_STATE_KEY"])
        assert not any(key in metrics or key in service.log.read_text() for key in private)


def test_models_are_exchanged_while_sessions_drain(service: Service, external: dict[str, str], tmp_path: Path) -> None:
    """Both models, then only the second: its sessions go on, the other's are refused and never scored by it."""
    old, new = secrets.token_hex(8), secrets.token_hex(8)
    texts = [sentence.text for sentence in split(MAIL)]
    with in_turns(service) as turns:
        for step in range(2):
            assert turns.predict(text=texts[step], session_id=old, step=step)["model"]["name"] == "spam-gru"
            answer = turns.predict(text=texts[step], session_id=new, step=step, model="spam-conv1d")
            assert answer["model"]["name"] == "spam-conv1d"
        assert turns.predict(text=texts[2], session_id=new, step=2)["model"]["name"] == "spam-conv1d"
    environment = {**external, "UNDERTONE_WORKERS": "2", "UNDERTONE_MODELS": "spam-conv1d"}
    with Service(tmp_path, environment) as second, in_turns(second) as turns:
        for _ in range(2):
            assert turns.predict(409, text=texts[2], session_id=old, step=2)["code"] == "model_changed"
            assert turns("GET", f"/v1/sessions/{old}?task=spam").json()["error"]["code"] == "model_changed"
        answer = turns.predict(text=texts[3], session_id=new, step=3)
        whole = turns.predict(text=" ".join(texts[:4]))
        assert answer["probability"] == pytest.approx(whole["probability"], abs=1e-5)
        assert turns("DELETE", f"/v1/sessions/{old}").status_code == 204
        assert turns.predict(text=texts[0], session_id=old)["model"]["name"] == "spam-conv1d"
    with in_turns(service) as turns:
        assert turns.predict(text=texts[1], session_id=old, step=1)["model"]["name"] == "spam-conv1d"


def test_a_session_that_expires_in_mid_stream_is_an_error_and_is_not_made_anew(
    service: Service, keys: redis.Redis
) -> None:
    session = secrets.token_hex(8)
    key = f"undertone:public:spam:{session}"
    with in_turns(service) as turns:
        first, _ = turns.clients
        with uploading(service, first, f"session_id={session}") as upload:
            upload.send("The cat sat on film number 1. The cat sat on it ")
            upload.sentences(1)
            assert turns("GET", f"/v1/sessions/{session}?task=spam").json()["step"] == 1
            keys.delete(key)  # as at the end of its life
            upload.send("once more. And there it stays.")
            upload.end()
            sentence, error = upload.whole().events
        assert (sentence.id, error.name, error.data["error"]["code"]) == (1, "error", "session_not_found")
        assert "expired or evicted: resend from the start" in error.data["error"]["message"]
        assert not keys.exists(key)
        for _ in turns.clients:
            assert turns("GET", f"/v1/sessions/{session}?task=spam").status_code == 404


def test_a_request_makes_at_most_two_round_trips_to_redis(service: Service, keys: redis.Redis) -> None:
    """As Redis counts what it was asked; a script's own calls are those that a script makes."""
    session = secrets.token_hex(8)

    def asked() -> dict[str, int]:
        return {name.removeprefix("cmdstat_"): said["calls"] for name, said in keys.info("commandstats").items()}

    with in_turns(service) as turns:
        for _ in turns.clients:
            turns.predict(text=MAIL, session_id=secrets.token_hex(8))  # each worker has a connection
        for step, evals in ((0, 2), (len(split(MAIL)), 2), (len(split(MAIL)), 1), (None, 2)):
            before = asked()
            said = turns.predict(text=MAIL, session_id=session, **({} if step is None else {"step": step}))["session"]
            assert said["replayed"] is (evals == 1)
            made = {name: calls - before.get(name, 0) for name, calls in asked().items()}
            assert made.pop("eval") == evals
            assert {name for name, calls in made.items() if calls} <= {"get", "pttl", "set", "info"}, made


@contextmanager
def overtaking(url: str, folder: Path, first: Callable[[bytes], object]) -> Iterator[str]:
    """Another URL of the same Redis, where `first` is shown each question before Redis is."""
    between = Between(Path(url.removeprefix("unix://")), folder / "between.sock", first=first)
    ready, enough = threading.Event(), threading.Event()

    async def serve() -> None:
        async with between.running():
            ready.set()
            await asyncio.to_thread(enough.wait)

    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    ready.wait()
    try:
        yield f"unix://{between.socket}"
    finally:
        enough.set()
        thread.join()


def test_a_request_that_is_overtaken_every_time_is_409_and_leaves_nothing(
    external: dict[str, str], keys: redis.Redis, tmp_path: Path
) -> None:
    session = secrets.token_hex(8)
    key = f"undertone:public:spam:{session}"
    envelope = Envelope([base64.b64decode(external["UNDERTONE_STATE_KEY"])])
    others: list[bytes] = []
    writes: list[bytes] = []

    def overtake(question: bytes) -> None:
        """Whatever is to be written, another has written before: the same state, anew."""
        if others and b"PX" in question:
            writes.append(question)
            keys.set(key, envelope.seal(key, others[0]))

    with overtaking(external["REDIS_URL"], tmp_path, overtake) as url:
        environment = {**external, "REDIS_URL": url, "UNDERTONE_WORKERS": "2"}
        with Service(tmp_path, environment | {"UNDERTONE_MODELS": "spam-gru"}) as service, in_turns(service) as turns:
            turns.predict(text="Hello there.", session_id=session)
            stored = keys.get(key)
            assert isinstance(stored, bytes)
            others.append(envelope.open(key, stored))
            refused = turns.predict(409, text="Is it there?", session_id=session)
            assert (refused["code"], len(writes)) == ("conflict", RACES)
            (event,) = turns.stream("Is it there?", session_id=session)
            assert (event["error"]["code"], len(writes)) == ("conflict", 2 * RACES)
            others.clear()
            assert turns.predict(text="Is it there?", session_id=session, step=1)["session"]["step"] == 2
