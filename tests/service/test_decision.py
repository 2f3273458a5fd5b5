"""`stop_at`: where a stream stops, what it says then, what is stored, and what comes of sending it again."""

from __future__ import annotations

import itertools
import json
from collections.abc import Sequence
from typing import Any, Final

import pytest
import redis
from hypothesis import given
from hypothesis import strategies as st

from service.serving import TURN, Serving
from service.wire import PredictIn
from tests.service.live import TEXT, Bench, Event, Live, Upload, drive, events
from tests.service.test_sockets import typing
from tests.service.test_streams import same, texts, whole

SPAM: Final = "/v1/stream?task=spam"
LONG: Final = "The cat sat on the film. Is the cat good? Click, click, click. You won free money! " * 40
"""160 sentences, which is more than two turns."""


def decided(probabilities: Sequence[float], stop_at: float, threshold: float = 0.5) -> int | None:
    """The sentence that decides, by its index."""
    sure = [max(p, 1 - p) >= stop_at for p in probabilities]
    label = [p >= threshold for p in probabilities]
    found = (i for i in range(1, len(sure)) if sure[i] and sure[i - 1] and label[i] == label[i - 1])
    return next(found, None)


def just_below(probabilities: Sequence[float], index: int) -> float:
    """A bound that `index` and the sentence before it reach in whatever grouping they are scored: float32 rounds."""
    return min(max(p, 1 - p) for p in probabilities[index - 1 : index + 1]) - 1e-5


def probabilities(bench: Bench, text: str) -> list[float]:
    return [sentence["probability"] for sentence in whole(bench, text)["sentences"]]


def streamed(bench: Bench, text: str, stop_at: float, **more: Any) -> list[Event]:
    body = json.dumps({"text": text, "task": "spam", "stop_at": stop_at, **more}).encode()
    return events(bench.run(lambda serving: drive(serving, [body], "/v1/stream", content_type="application/json"))[1])


def reachable(bench: Bench, text: str, after: int = 1) -> tuple[int, float]:
    """A sentence past `after` that some `stop_at` makes the deciding one, and that `stop_at`; not the last one."""
    found = probabilities(bench, text)
    for index in range(after, len(found) - 1):
        stop_at = just_below(found, index)
        if stop_at > 0.5001 and decided(found, stop_at) == index == decided(found, stop_at - 1e-5):
            return index, stop_at
    pytest.fail("no sentence can decide")


@given(texts, st.floats(0.501, 0.65), st.sampled_from([0.3, 0.5, 0.56]), st.data())
def test_it_stops_at_the_sentence_that_decides_whatever_the_cut(
    bench: Bench, text: str, stop_at: float, threshold: float, data: st.DataObject
) -> None:
    if not text.strip():
        return
    raw = text.encode()
    cuts = sorted(data.draw(st.sets(st.integers(0, len(raw)), max_size=8)))
    pieces = [raw[a:b] for a, b in itertools.pairwise([0, *cuts, len(raw)])]
    target = f"{SPAM}&stop_at={stop_at}&threshold={threshold}"
    *sentences, done = events(bench.run(lambda serving: drive(serving, pieces, target))[1])
    alone = whole(bench, text)["sentences"]
    found = [sentence["probability"] for sentence in alone]
    index = decided(found, stop_at, threshold)
    if any(abs(max(p, 1 - p) - stop_at) < 1e-5 for p in found):
        return  # float32 decides in another grouping perhaps otherwise
    if index is None:
        assert (done.data["reason"], done.data["read"], done.data["left"]) == ("end", len(text), 0)
        assert len(sentences) == len(alone)
    else:
        last = alone[index]
        assert (done.data["reason"], done.data["read"]) == ("decided", last["offset"] + last["length"])
        assert len(sentences) == index + 1
        assert done.data["probability"] == pytest.approx(last["probability"], abs=1e-5)


def test_a_decision_within_a_turn_says_what_the_whole_said_and_how_much_is_left(bench: Bench) -> None:
    alone = whole(bench, LONG)["sentences"]
    index, stop_at = reachable(bench, LONG)
    assert 0 < index < TURN - 1
    *sentences, done = streamed(bench, LONG, stop_at)
    for event in sentences:
        del event.data["state"]
    assert all(same(event.data, sentence) for event, sentence in zip(sentences, alone[: index + 1], strict=True))
    read = alone[index]["offset"] + alone[index]["length"]
    assert (done.data["reason"], done.data["read"], done.data["left"]) == ("decided", read, len(LONG) - read)


@pytest.mark.parametrize("turn", range(1, 7))
def test_it_stops_there_wherever_turns_end(bench: Bench, monkeypatch: pytest.MonkeyPatch, turn: int) -> None:
    index, stop_at = reachable(bench, LONG, 2)
    monkeypatch.setattr("service.serving.TURN", turn)
    *sentences, done = streamed(bench, LONG, stop_at)
    assert (len(sentences), done.data["reason"]) == (index + 1, "decided")
    assert done.data["probability"] == sentences[-1].data["probability"]


def test_two_sentences_in_a_row_decide_and_one_does_not(bench: Bench) -> None:
    assert decided([0.9, 0.5, 0.9, 0.1, 0.1], 0.9) == 4
    *_, done = streamed(bench, "You won free money!", 0.5000001)
    assert done.data["reason"] == "end"


def test_text_after_the_decision_is_not_read(live: Live, bench: Bench) -> None:
    index, stop_at = reachable(bench, LONG)
    sentences = whole(bench, LONG)["sentences"]
    model = live.serving.catalogue.resolve("spam")
    scored = live.serving.metrics.families.sentences["spam", model.name, model.digest]
    before = scored.total
    with Upload(live.port, f"{SPAM}&stop_at={stop_at}") as upload:
        for sentence in sentences[: index + 2]:
            upload.send(LONG[sentence["offset"] : sentence["offset"] + sentence["length"]] + " ")
            upload.until(lambda u: u.status == 200)
        done = upload.whole().events[-1]  # the body has not ended
    assert (done.name, done.data["reason"]) == ("done", "decided")
    assert "left" not in done.data  # nobody knows how much would have come
    # A turn of what was ready together is scored once more, up to the sentence that decides.
    assert scored.total - before <= 2 * (index + 2)


def test_it_is_the_same_over_a_websocket(live: Live, bench: Bench) -> None:
    index, stop_at = reachable(bench, LONG)
    with typing(live, f"{SPAM}&stop_at={stop_at}") as typed:
        typed.type(LONG)
        got, code = typed.rest()
    assert (len(got), got[-1].data["reason"], code) == (index + 2, "decided", 1000)
    assert got[-1].data["read"] == streamed(bench, LONG, stop_at)[-1].data["read"]


@pytest.mark.parametrize("stop_at", [0.5, 1, 0, 2, "0.9", True])
def test_what_is_no_such_probability_is_refused(live: Live, stop_at: object) -> None:
    answer = live.post("/v1/stream", {"text": TEXT, "task": "spam", "stop_at": stop_at})
    assert (answer.status_code, answer.json()["error"]["field"]) == (400, "stop_at")
    refused = live.post("/v1/predict", {"text": TEXT, "task": "spam", "stop_at": 0.9})
    assert (refused.status_code, refused.json()["error"]["field"]) == (400, "stop_at")


def test_what_was_decided_is_stored_and_the_next_request_goes_on_from_there(bench: Bench, keys: redis.Redis) -> None:
    index, stop_at = reachable(bench, LONG)
    *_, done = streamed(bench, LONG, stop_at, session_id="s", step=0)
    assert done.data["session"]["step"] == index + 1
    rest = LONG[done.data["read"] :]

    async def use(serving: Serving) -> None:
        held = await serving.session("public", "s", "spam")
        assert held.step == index + 1
        assert held.probability == pytest.approx(done.data["probability"], abs=1e-6)
        after = await serving.predict("public", PredictIn(text=rest, task="spam", session_id="s", step=index + 1))
        alone = await serving.predict("public", PredictIn(text=LONG, task="spam"))
        assert after.probability == pytest.approx(alone.probability, abs=1e-5)

    bench.run(use)


def test_sent_again_it_says_the_same_and_writes_nothing(bench: Bench, keys: redis.Redis) -> None:
    _, stop_at = reachable(bench, LONG)
    *first, done = streamed(bench, LONG, stop_at, session_id="s", step=0)
    stored = keys.dump("undertone:public:spam:s")
    *again, done_again = streamed(bench, LONG, stop_at, session_id="s", step=0)
    assert [event.id for event in again] == [event.id for event in first]
    assert done_again.data["session"]["replayed"]
    assert same(done_again.data | {"session": None}, done.data | {"session": None})
    assert keys.dump("undertone:public:spam:s") == stored


def test_sent_again_without_stop_at_it_goes_on_and_counts_everything_once(bench: Bench, keys: redis.Redis) -> None:
    _, stop_at = reachable(bench, LONG)
    streamed(bench, LONG, stop_at, session_id="s", step=0)
    *sentences, done = streamed(bench, LONG, 0.99999, session_id="s", step=0)
    assert (len(sentences), done.data["session"]["step"], done.data["session"]["replayed"]) == (160, 160, False)
    assert done.data["probability"] == pytest.approx(whole(bench, LONG)["probability"], abs=1e-5)


def test_sent_again_with_a_lower_stop_at_what_the_session_has_read_is_not_unread(
    bench: Bench, keys: redis.Redis
) -> None:
    first, lower = reachable(bench, LONG)
    streamed(bench, LONG[: len(LONG) // 4].rstrip(), 0.99999, session_id="s", step=0)
    stored = keys.dump("undertone:public:spam:s")
    *sentences, done = streamed(bench, LONG[: len(LONG) // 4].rstrip(), lower, session_id="s", step=0)
    assert first + 1 < len(sentences) == done.data["session"]["step"] == 40
    assert keys.dump("undertone:public:spam:s") == stored
