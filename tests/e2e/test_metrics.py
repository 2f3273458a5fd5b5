"""Two real workers of one server: their numbers add up, outlive a worker that is killed, and tell nobody's secrets."""

from __future__ import annotations

import json
import os
import secrets
import signal
import time
from collections.abc import Iterator

import psutil
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.e2e.server import Service, counted, in_turns
from tests.service.live import Upload
from tests.service.receiver import Receiver, attributes
from tests.waiting import READY_SECONDS, eventually, soon

TEXT = "Dear customer, your parcel waits. Pay now!"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver


def test_numbers_outlive_a_killed_worker_and_what_it_said_of_itself_does_not(
    external: dict[str, str], tmp_path_factory: pytest.TempPathFactory, receiver: Receiver
) -> None:
    """The same server sends traces, and its logs are read at the end: to start one takes seconds."""
    needle = f"zanzibar{secrets.token_hex(8)}"
    environment = {**external, "UNDERTONE_WORKERS": "2", "UNDERTONE_TRACES": receiver.url}
    environment["OTEL_BSP_SCHEDULE_DELAY"] = "200"  # milliseconds; spans of a worker that is killed are lost
    named = {f"r{number}" for number in range(6)}

    def traced() -> set[str]:
        return {str(attributes(span)["request.id"]) for span in receiver.spans if "request.id" in attributes(span)}

    before = time.time()
    with Service(tmp_path_factory.mktemp("metrics"), environment) as service:

        def scrape() -> str:
            return service.get("/metrics").text

        def told(wanted: float, name: str, **labels: str) -> None:
            """What is counted is written a moment later, and not all of it at once."""
            eventually(lambda: counted(scrape(), name, **labels) == wanted, f"{name} {labels} is {wanted:g}")

        with in_turns(service) as turns:
            for number in range(6):
                turns.predict(text=TEXT, session_id=needle)
                asked = {"text": needle, "task": "spam"}
                turns("POST", "/v1/predict", json=asked, headers={"x-request-id": f"r{number}"})
        told(12, "undertone_documents_total", task="spam")
        told(12, "undertone_probability_count", model="spam-gru")
        told(1, "undertone_sessions_total", event="created")
        told(5, "undertone_sessions_total", event="resumed")
        told(12, "undertone_phase_seconds_count", phase="model")
        told(12, "undertone_phase_seconds_count", phase="redis")
        told(2, "undertone_worker_starts_total")
        told(1, "undertone_redis_up")  # a scrape does not wait for it for long
        text = scrape()
        began = counted(text, "undertone_start_time_seconds")
        assert before <= began <= time.time()
        assert counted(text, "undertone_build_info") == 1
        assert counted(text, "undertone_model_info") == 4
        references = {
            sample.labels["model"]
            for family in text_string_to_metric_families(text)
            for sample in family.samples
            if sample.name == "undertone_reference_ratio"
        }
        assert references == {"spam-gru", "spam-conv1d", "sentiment-gru", "sentiment-conv1d"}

        eventually(lambda: named <= traced(), "the requests' spans have arrived")
        with Upload(service.port, "/v1/stream?task=spam") as upload:
            upload.send(f"{TEXT} And this is more than sixteen code points.")
            upload.sentences(1)
            told(1, "undertone_streams_open", transport="http")
            doomed = service.worker_at(upload.port)
            assert doomed is not None
            process = psutil.Process(doomed)
            os.kill(doomed, signal.SIGKILL)
            psutil.wait_procs([process], timeout=READY_SECONDS)
            told(0, "undertone_streams_open")  # the dead one's is forgotten
        soon(lambda: counted(scrape(), "undertone_worker_starts_total") == 3, "another worker is counted")
        soon(lambda: len(service.workers()) == 2, "two workers run")
        told(0, "undertone_requests_in_flight")
        text = scrape()
        assert counted(text, "undertone_documents_total", task="spam") == 12
        assert counted(text, "undertone_probability_count", model="spam-gru") == 12
        assert counted(text, "undertone_start_time_seconds") == began, "the server is the same"
        assert needle not in text
        service.stop()
        log = service.log.read_text("utf-8")
    assert needle not in log
    lines = [json.loads(line) for line in log.splitlines()]
    answered = {line["request_id"]: line for line in lines if line.get("logger") == "service.requests"}
    assert named <= answered.keys()
    assert answered["r0"]["phases"].keys() == {"parse", "segment", "queue", "tokenize", "model", "serialise"}
    assert not any(line.get("route") in ("/readyz", "/livez", "/metrics") for line in lines)
    assert needle.encode() not in receiver.raw
