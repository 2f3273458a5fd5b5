"""Sessions through a real Valkey: they go on, they come again, and they are never guessed."""

from __future__ import annotations

import asyncio
import itertools
import json
import time
from base64 import b64encode
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import pytest
import redis
from hypothesis import given
from hypothesis import strategies as st

from models.errors import UndertoneError
from models.sentences import Sentence, split
from service.access import OPEN_TENANT
from service.catalogue import Catalogue
from service.embedded import EmbeddedRedis
from service.errors import (
    Conflict,
    InvalidRequest,
    ModelChanged,
    SessionNotFound,
    StateUnreadable,
    StoreUnavailable,
    WrongStep,
)
from service.serving import RACES, Serving
from service.store import LostRace, Name, Stored
from service.wire import PredictIn, Prediction
from tests.models.cuts import WRITTEN
from tests.models.tiny import WORDS
from tests.service.live import KEY, TEXT, Bench, Live, drive, events, examples, gathered
from tests.service.test_store import Between

ME: Final = OPEN_TENANT
ONE: Final = "The cat sat on the film. You won free money! "
TWO: Final = "Click, click, click. Is the cat good? The end"
REDIS_KEY: Final = "undertone:public:spam:s"
# No lone marks: a sentence without letters joins the next one, but not the next request.
words = st.sampled_from([word for word in WORDS if word.isalpha()])
sentences = st.lists(words, min_size=1, max_size=5).map(lambda words: " ".join(words).capitalize() + ". ")

pytestmark = pytest.mark.usefixtures("keys")


async def ask(serving: Serving, text: str, step: int | None = None, **more: Any) -> Prediction:
    request = PredictIn(text=text, step=step, **({"task": "spam", "session_id": "s"} | more))
    return await serving.predict(ME, request)


def told(prediction: Prediction) -> tuple[int, bool, bool]:
    assert prediction.session is not None
    return prediction.session.step, prediction.session.created, prediction.session.replayed


def test_a_session_goes_on_where_it_was(bench: Bench) -> None:
    async def use(serving: Serving) -> None:
        whole = await serving.predict(ME, PredictIn(text=TEXT, task="spam"))
        first, second = await ask(serving, ONE), await ask(serving, TWO, 2)
        assert (told(first), told(second)) == ((2, True, False), (5, False, False))
        both = [*first.sentences, *second.sentences]
        assert [said.index for said in both] == [0, 1, 2, 3, 4]
        assert [said.probability for said in both] == pytest.approx([s.probability for s in whole.sentences], abs=1e-5)
        assert [said.delta for said in both] == pytest.approx([s.delta for s in whole.sentences], abs=1e-4)
        assert second.prior == pytest.approx(whole.prior + sum(s.delta for s in whole.sentences[:2]), abs=1e-4)
        assert second.decided_at == whole.decided_at
        assert [said.offset for said in second.sentences] == [0, 21, 38]

    bench.run(use)


@given(st.data())
@examples(25)
def test_any_grouping_into_requests_of_either_kind_gives_the_same(bench: Bench, data: st.DataObject) -> None:
    parts = data.draw(st.lists(sentences, min_size=1, max_size=10))
    cuts = sorted(data.draw(st.sets(st.integers(1, len(parts)))))
    groups = ["".join(parts[a:b]) for a, b in itertools.pairwise([0, *cuts, len(parts)])]
    streamed = data.draw(st.lists(st.booleans(), min_size=len(groups), max_size=len(groups)))
    session = str(uuid4())

    async def use(serving: Serving) -> None:
        whole = await serving.predict("public", PredictIn(text="".join(parts), task="sentiment"))
        got: list[tuple[int, float, float]] = []
        for text, as_stream in zip(groups, streamed, strict=True):
            if as_stream:
                target = f"/v1/stream?task=sentiment&session_id={session}&step={len(got)}"
                _, raw = await drive(serving, [text[i : i + 7].encode() for i in range(0, len(text), 7)], target)
                *said, done = events(raw)
                assert done.data["session"]["step"] == len(got) + len(said)
                got += [(e.data["index"], e.data["probability"], e.data["delta"]) for e in said]
            elif text:
                request = PredictIn(text=text, task="sentiment", session_id=session, step=len(got))
                prediction = await serving.predict("public", request)
                got += [(said.index, said.probability, said.delta) for said in prediction.sentences]
        wanted = [(said.index, said.probability, said.delta) for said in whole.sentences]
        assert [index for index, _, _ in got] == [index for index, _, _ in wanted]
        for a, b in zip(got, wanted, strict=True):
            assert a[1:] == pytest.approx(b[1:], abs=1e-5)

    bench.run(use)


@pytest.mark.parametrize("name", ["golden", "wrapped"])
def test_a_text_cut_where_a_sentence_is_reported_to_end_has_the_same_sentences(bench: Bench, name: str) -> None:
    """And so has the second part when it comes again; of either kind, in turn."""

    async def send(serving: Serving, text: str, session: str, step: int, as_stream: bool) -> list[Any]:
        if as_stream:
            target = f"/v1/stream?task=sentiment&session_id={session}&step={step}"
            _, raw = await drive(serving, [text[i : i + 7].encode() for i in range(0, len(text), 7)], target)
            return [(e.data["index"], e.data["length"], e.data["probability"]) for e in events(raw)[:-1]]
        request = PredictIn(text=text, task="sentiment", session_id=session, step=step)
        prediction = await serving.predict("public", request)
        return [(said.index, said.length, said.probability) for said in prediction.sentences]

    async def use(serving: Serving) -> None:
        number = changed = 0
        for text in WRITTEN[name][:20]:
            answer = await serving.predict("public", PredictIn(text=text, task="sentiment"))
            whole = [(said.index, said.length, pytest.approx(said.probability, abs=1e-5)) for said in answer.sentences]
            for said in answer.sentences[:-1]:
                number += 1
                session, end = str(uuid4()), said.offset + said.length
                first = await send(serving, text[:end], session, 0, as_stream=number % 2 == 0)
                second = await send(serving, text[end:], session, len(first), as_stream=number % 3 == 0)
                assert second == await send(serving, text[end:], session, len(first), as_stream=number % 5 == 0)
                changed += first + second != whole
        assert number > 30
        assert changed <= 0.005 * number

    bench.run(use)


def test_a_line_goes_on_only_where_a_step_says_so_and_not_in_a_mail(bench: Bench) -> None:
    long, short = "The cat sat on the film and the money was free.", "Click here\nand the cat is good"
    mail = b"Subject: Click here\n\nand the cat is good"

    async def use(serving: Serving) -> None:
        for text, step, number in (
            (long, 1, 1),
            (long, None, 2),
            (long + "\n", 1, 2),
            (long + "\n\nYes.", 2, 2),
            ("Yes.", 1, 2),
        ):
            session = str(uuid4())
            await ask(serving, text, 0, session_id=session)
            assert len((await ask(serving, short, step, session_id=session)).sentences) == number
        await ask(serving, long, 0, session_id="m")
        request = PredictIn.model_validate(
            {"email": b64encode(mail).decode(), "task": "spam", "session_id": "m", "step": 1}
        )
        assert len((await serving.predict(ME, request)).sentences) == 2

    bench.run(use)


def test_the_last_request_may_come_again_and_nothing_is_written(bench: Bench, keys: redis.Redis) -> None:
    async def use(serving: Serving) -> None:
        for step, text in ((0, ONE), (2, TWO)):
            first = await ask(serving, text, step)
            stored, left = keys.get(REDIS_KEY), keys.pexpire(REDIS_KEY, 60_000)
            again = await ask(serving, text, step)
            assert left
            assert told(again) == (told(first)[0], False, True)
            assert keys.get(REDIS_KEY) == stored
            assert keys.pttl(REDIS_KEY) <= 60_000
            assert again.model_dump(exclude={"session"}) == first.model_dump(exclude={"session"})
            assert again.session is not None
            assert seconds_left(again.session.expires_at) <= 60

    bench.run(use)


@pytest.mark.parametrize(
    ("text", "step"), [(TWO, 1), (TWO, 3), (TWO, 0), (ONE, 6), ("Click.", 2), (TWO + " Good.", 2), (ONE, 2)]
)
def test_what_does_not_fit_is_told_the_expected_step_and_changes_nothing(
    bench: Bench, keys: redis.Redis, text: str, step: int
) -> None:
    async def use(serving: Serving) -> None:
        await ask(serving, ONE, 0)
        await ask(serving, TWO, 2)
        stored = keys.get(REDIS_KEY)
        with pytest.raises(WrongStep) as refused:
            await ask(serving, text, step)
        assert (refused.value.expected_step, refused.value.value) == (5, step)
        assert keys.get(REDIS_KEY) == stored
        assert told(await ask(serving, "Good cat.", 5)) == (6, False, False)

    bench.run(use)


def test_a_step_without_a_session_is_not_found_and_never_a_fresh_start(bench: Bench, keys: redis.Redis) -> None:
    async def use(serving: Serving) -> None:
        with pytest.raises(SessionNotFound, match="step 0"):
            await ask(serving, TWO, 2)
        assert keys.keys() == []
        assert told(await ask(serving, ONE, 0)) == (2, True, False)
        await serving.forget(ME, "s", None)
        with pytest.raises(SessionNotFound):
            await ask(serving, TWO, 2)
        assert told(await ask(serving, TWO)) == (3, True, False)

    bench.run(use)


def test_a_step_is_of_a_session(bench: Bench) -> None:
    async def use(serving: Serving) -> None:
        with pytest.raises(InvalidRequest, match="session_id") as refused:
            await serving.predict(ME, PredictIn(text=ONE, task="spam", step=0))
        assert refused.value.field == "step"

    bench.run(use)


def test_callers_and_tasks_do_not_share_sessions(bench: Bench, keys: redis.Redis) -> None:
    async def use(serving: Serving) -> None:
        await ask(serving, ONE)
        assert told(await ask(serving, ONE, task="sentiment")) == (2, True, False)
        other = await serving.predict("bert", PredictIn(text=ONE, task="spam", session_id="s"))
        assert told(other) == (2, True, False)
        assert sorted(keys.keys()) == [b"undertone:bert:spam:s", b"undertone:public:sentiment:s", REDIS_KEY.encode()]
        await serving.forget(ME, "s", None)
        assert keys.keys() == [b"undertone:bert:spam:s"]

    bench.run(use)


def test_a_session_is_forgotten_for_all_tasks_that_are_loaded_and_for_any_that_is_named(
    live: Live, keys: redis.Redis
) -> None:
    names = [f"undertone:public:{task}:s" for task in ("spam", "sentiment", "weather")]
    for name in names:
        keys.set(name, b"a state")
    assert live.client.delete("/v1/sessions/s").status_code == 204
    assert keys.keys() == [names[-1].encode()]
    assert live.client.delete("/v1/sessions/s?task=weather").status_code == 204
    assert keys.keys() == []


def test_a_session_stays_with_its_model(bench: Bench) -> None:
    conv = bench.catalogue.resolve("spam", "spam-conv1d")

    async def use(serving: Serving) -> None:
        await ask(serving, ONE, model="spam-conv1d")
        assert (await ask(serving, TWO)).model.name == "spam-conv1d"
        assert (await ask(serving, TWO, model=conv.digest)).model.name == "spam-conv1d"
        with pytest.raises(ModelChanged, match="spam-conv1d, you name spam-gru"):
            await ask(serving, TWO, model="spam-gru")
        assert (await serving.session(ME, "s", "spam")).model.digest == conv.digest

    bench.run(use)

    async def without(serving: Serving) -> None:
        for model in (None, "spam-gru"):
            with pytest.raises(ModelChanged, match=conv.digest):
                await ask(serving, TWO, model=model)
        with pytest.raises(ModelChanged):
            await serving.session(ME, "s", "spam")
        await serving.forget(ME, "s", "spam")
        assert told(await ask(serving, TWO)) == (3, True, False)

    bench.run(without, models=Catalogue([m for m in bench.catalogue.models if m is not conv]))


def test_the_thresholds_are_those_of_the_sessions_model(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    conv = bench.catalogue.resolve("spam", "spam-conv1d")
    monkeypatch.setitem(conv.artefact.thresholds, "0.01", 0.875)

    async def use(serving: Serving) -> None:
        await ask(serving, ONE, model="spam-conv1d")
        assert (await ask(serving, ONE, threshold="fpr:0.01")).threshold == 0.875
        _, raw = await drive(serving, [b"A cat."], "/v1/stream?task=spam&session_id=s&threshold=fpr:0.01")
        assert events(raw)[-1].data["threshold"] == 0.875

    bench.run(use)


def test_what_was_changed_or_moved_is_unreadable_until_it_is_deleted(bench: Bench, keys: redis.Redis) -> None:
    async def use(serving: Serving) -> None:
        await ask(serving, ONE)
        sealed = keys.get(REDIS_KEY)
        assert isinstance(sealed, bytes)
        keys.set("undertone:public:spam:moved", sealed)
        keys.set(REDIS_KEY, sealed[:-1] + bytes([sealed[-1] ^ 1]))
        for session in ("s", "moved"):
            with pytest.raises(StateUnreadable):
                await ask(serving, TWO, session_id=session)
            with pytest.raises(StateUnreadable):
                await serving.session(ME, session, "spam")
            await serving.forget(ME, session, None)
            assert told(await ask(serving, TWO, session_id=session)) == (3, True, False)

    bench.run(use)


def test_a_new_state_key_goes_on_with_what_the_old_one_wrote(bench: Bench) -> None:
    new = bytes(32)

    async def first(serving: Serving) -> None:
        await ask(serving, ONE)

    async def second(serving: Serving) -> None:
        assert told(await ask(serving, TWO)) == (5, False, False)

    async def third(serving: Serving) -> None:
        assert told(await ask(serving, "Good cat.", 5)) == (6, False, False)

    bench.run(first)
    bench.run(second, state_keys=(new, KEY))
    bench.run(third, state_keys=(new,))


def test_what_is_stored_is_small_and_of_constant_size_and_holds_no_text(bench: Bench, keys: redis.Redis) -> None:
    async def use(serving: Serving) -> None:
        sizes = set()
        for _ in range(5):
            await ask(serving, ONE * 3)
            value = keys.get(REDIS_KEY)
            assert isinstance(value, bytes)
            for seen in (value, serving.store.envelope.open(REDIS_KEY, value)):
                assert not any(word.encode() in seen for word in ("money", "film", "spam", "public"))
            sizes.add(len(value))
        assert len(sizes) <= 2  # the first has no state before it
        assert max(sizes) < 300

    bench.run(use)


def seconds_left(expires_at: str) -> float:
    return (datetime.fromisoformat(expires_at) - datetime.now(UTC)).total_seconds()


def test_every_request_that_adds_something_moves_the_end(bench: Bench, keys: redis.Redis) -> None:
    async def use(serving: Serving) -> None:
        for _ in range(2):
            prediction = await ask(serving, ONE)
            assert prediction.session is not None
            assert 900 <= seconds_left(prediction.session.expires_at) <= 1000
            assert 900_000 < keys.pttl(REDIS_KEY) <= 1_000_000
            keys.pexpire(REDIS_KEY, 60_000)
        assert seconds_left((await serving.session(ME, "s", "spam")).expires_at) <= 60

    bench.run(use, session_ttl=1000)


def test_a_session_can_be_looked_at(bench: Bench) -> None:
    async def use(serving: Serving) -> None:
        with pytest.raises(SessionNotFound):
            await serving.session(ME, "s", "spam")
        first = await ask(serving, ONE, threshold=0.999)
        seen = await serving.session(ME, "s", "spam")
        assert (seen.id, seen.task, seen.step) == ("s", "spam", 2)
        assert (seen.label, seen.decided_at, seen.model) == (first.label, first.decided_at, first.model)
        assert seen.probability == pytest.approx(first.probability, abs=1e-6)

    bench.run(use)


def test_two_writers_without_a_step_lose_nothing(bench: Bench) -> None:
    async def use(serving: Serving) -> None:
        other = bench.serving()

        async def write(through: Serving) -> list[int]:
            return [told(await ask(through, "The cat sat.", session_id="both"))[0] for _ in range(15)]

        steps = await asyncio.gather(write(serving), write(other))
        assert sorted(itertools.chain(*steps)) == list(range(1, 31))
        whole = await serving.predict(ME, PredictIn(text="The cat sat. " * 30, task="spam"))
        seen = await serving.session(ME, "both", "spam")
        assert seen.step == 30
        assert seen.probability == pytest.approx(whole.probability, abs=1e-5)
        await other.store.close()

    bench.run(use)


def test_of_two_writers_with_the_same_step_one_wins(bench: Bench) -> None:
    async def use(serving: Serving) -> None:
        other = bench.serving()
        step = 0
        for _ in range(10):
            results = await gathered(ask(serving, ONE, step), ask(other, TWO, step))
            (won,) = (result for result in results if isinstance(result, Prediction))
            (lost,) = (result for result in results if isinstance(result, UndertoneError))
            assert isinstance(lost, WrongStep)
            step = told(won)[0]
            assert lost.expected_step == step
            results = await gathered(ask(serving, ONE, step), ask(other, ONE, step))
            assert sorted(told(result)[2] for result in results) == [False, True]
            step += 2
        assert (await serving.session(ME, "s", "spam")).step == step
        await other.store.close()

    bench.run(use)


def test_a_request_asks_redis_twice_and_a_lost_race_once_more(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    async def use(serving: Serving) -> None:
        asked: list[str] = []
        ask_redis = serving.store._ask

        rivals: list[Serving] = []

        async def counted(kind: Any, *question: Any) -> Any:
            asked.append(kind)
            if kind == "write" and rivals:
                await ask(rivals.pop(), TWO)
            return await ask_redis(kind, *question)

        monkeypatch.setattr(serving.store, "_ask", counted)
        await ask(serving, ONE, 0)
        assert asked == ["read", "write"]
        asked.clear()
        assert told(await ask(serving, ONE, 0))[2] is True
        assert asked == ["read"]
        asked.clear()
        await serving.session(ME, "s", "spam")
        assert asked == ["read"]
        asked.clear()
        rival = bench.serving()
        rivals.append(rival)
        assert told(await ask(serving, ONE))[0] == 7
        assert asked == ["read", "write", "write"]
        await rival.store.close()
        asked.clear()
        # Sentences that are ready together are one write: those known before the text ends, and the last one.
        await drive(serving, [TEXT.encode()], "/v1/stream?task=spam&session_id=s")
        assert asked == ["read", "write", "write"]

    bench.run(use)


def test_a_text_is_cut_once_however_often_its_request_loses(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    cuts: list[str] = []

    def counted(text: str, language: str, column: int) -> list[Sentence]:
        cuts.append(text)
        return split(text, language, column)

    async def use(serving: Serving) -> None:
        monkeypatch.setattr("service.serving.split", counted)
        answers = await asyncio.gather(*(ask(serving, ONE) for _ in range(40)))
        assert sorted(told(answer)[0] for answer in answers) == list(range(2, 82, 2))
        assert cuts == [ONE] * 40
        assert not serving._losers, "nothing is kept of who has lost"

    bench.run(use)


def test_who_loses_every_race_is_told_and_nothing_is_stored(
    bench: Bench, keys: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def use(serving: Serving) -> None:
        attempts = itertools.count()

        async def lost(name: Name, *_: object) -> None:
            next(attempts)
            raise LostRace(name, Stored(None, b"", 0.0))

        monkeypatch.setattr(serving.store, "save", lost)
        with pytest.raises(Conflict, match="send this one again"):
            await ask(serving, ONE)
        assert next(attempts) == RACES
        assert keys.keys() == []
        _, raw = await drive(serving, [ONE.encode()], "/v1/stream?task=spam&session_id=s")
        (event,) = events(raw)
        assert (event.name, event.data["error"]["code"]) == ("error", "conflict")

    bench.run(use)


def test_a_request_waits_for_a_slow_redis_once_and_not_for_each_of_its_questions(
    bench: Bench, valkey: EmbeddedRedis, keys: redis.Redis, tmp_path: Path
) -> None:
    timeout = 5.0  # and what a busy machine adds to each answer is less than what is left
    between = Between(valkey.socket, tmp_path / "between.sock")

    async def use(serving: Serving) -> None:
        await ask(serving, ONE, 0)  # and there is a connection
        between.late = 0.6 * timeout
        assert (await serving.session(ME, "s", "spam")).step == 2
        began = time.monotonic()
        with pytest.raises(StoreUnavailable, match="whether this was stored is not known"):
            await ask(serving, TWO, 2)
        assert 0.9 * timeout < time.monotonic() - began < 2 * timeout
        between.late = 0.0
        assert told(await ask(serving, TWO, 2))[0] == 5
        # A stream waits anew for each group of sentences: here for one that is read before the text ends, and the last.
        between.late = 0.35 * timeout
        _, raw = await drive(serving, [TEXT.encode()], "/v1/stream?task=spam&session_id=s")
        assert events(raw)[-1].name == "done"

    async def main() -> None:
        async with between.running() as url:
            serving = bench.serving(redis_url=url, redis_timeout=timeout)
            try:
                await use(serving)
            finally:
                await serving.store.close()

    asyncio.run(main())


def test_without_redis_sessions_are_unavailable_and_all_else_goes_on(bench: Bench, tmp_path: Path) -> None:
    async def use(serving: Serving) -> None:
        for _ in range(3):
            with pytest.raises(StoreUnavailable):
                await ask(serving, ONE)
            assert (await serving.predict(ME, PredictIn(text=ONE, task="spam"))).session is None
        status, raw = await drive(serving, [ONE.encode()], "/v1/stream?task=spam&session_id=s")
        assert (status, json.loads(raw)["error"]["code"]) == (503, "store_unavailable")
        status, raw = await drive(serving, [ONE.encode()], "/v1/stream?task=spam")
        assert (status, events(raw)[-1].name) == (200, "done")
        with pytest.raises(StoreUnavailable):
            await serving.session(ME, "s", "spam")
        with pytest.raises(StoreUnavailable):
            await serving.forget(ME, "s", None)

    bench.run(use, redis_url=f"unix://{tmp_path}/none.sock")
