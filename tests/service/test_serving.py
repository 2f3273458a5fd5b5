"""Predictions: every field and its arithmetic, and a batch that is nothing but its items."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.errors import UndertoneError
from models.predictor import Advance
from models.sentences import split
from service.errors import BatchTooLarge, EmptyText, InvalidRequest, Overloaded, TextTooLong, Timeout, UnknownTask
from service.serving import AT_ONCE, TURN, Serving
from service.wire import BatchIn, BatchOut, ErrorOut, PredictIn, Prediction
from tests.models.tiny import WORDS
from tests.service.live import TEXT, Bench, examples, gathered

TOLERANCE: Final = 1e-5
sentence = st.lists(st.sampled_from([*WORDS, "unheard", "Dr.", "3.5"]), max_size=8).map(
    lambda words: " ".join(words) + ". "
)
texts = (
    st.lists(sentence | st.text(max_size=10), min_size=1, max_size=12).map("".join).filter(lambda t: bool(t.strip()))
)


def asked(text: str = TEXT, task: str = "spam", **more: Any) -> PredictIn:
    return PredictIn(text=text, task=task, **more)


def predicted(bench: Bench, request: PredictIn, **changes: Any) -> Prediction:
    return bench.run(lambda serving: serving.predict("public", request), **changes)


def log_odds(p: float) -> float:
    return math.log(p / (1 - p))


@pytest.mark.parametrize("task", ["spam", "sentiment"])
@pytest.mark.parametrize("family", ["gru", "conv1d"])
def test_the_fields_of_a_prediction(bench: Bench, task: str, family: str) -> None:
    prediction = predicted(bench, asked(task=task, model=f"{task}-{family}"))
    model = bench.catalogue.resolve(task, f"{task}-{family}")
    assert (prediction.task, prediction.threshold, prediction.session) == (task, 0.5, None)
    assert (prediction.model.name, prediction.model.digest) == (model.name, model.digest)
    assert prediction.warnings == []
    assert list(prediction.probabilities) == list(model.labels)
    assert sum(prediction.probabilities.values()) == pytest.approx(1)
    assert prediction.probabilities[model.labels[1]] == prediction.probability == prediction.sentences[-1].probability
    assert prediction.label == model.labels[prediction.probability >= 0.5]
    assert [said.index for said in prediction.sentences] == [0, 1, 2, 3, 4]
    labels = [said.probability >= 0.5 for said in prediction.sentences]
    assert prediction.decided_at == next(i for i in range(5) if len(set(labels[i:])) == 1)


@given(texts)
@examples(30)
def test_prior_and_deltas_add_up_and_offsets_cut_the_text(bench: Bench, text: str) -> None:
    prediction = predicted(bench, asked(text))
    odds = prediction.prior
    for said in prediction.sentences:
        odds += said.delta
        assert log_odds(said.probability) == pytest.approx(odds, abs=1e-6)
    cuts = [text[said.offset : said.offset + said.length] for said in prediction.sentences]
    assert cuts == [whole.text for whole in split(text)] != []


def test_the_threshold_decides(bench: Bench) -> None:
    probability = predicted(bench, asked()).probability
    above = math.nextafter(probability, 1)
    labels = [predicted(bench, asked(threshold=threshold)).label for threshold in (probability, above)]
    assert labels == ["spam", "ham"]
    prediction = predicted(bench, asked(threshold="fpr:0.01"))
    assert (prediction.threshold, prediction.label) == (0.75, "spam" if probability >= 0.75 else "ham")
    with pytest.raises(InvalidRequest, match="fpr"):
        predicted(bench, asked(threshold="fpr:0.5"))


@pytest.mark.parametrize(
    ("text", "warnings"),
    [
        ("...", ["no_words"]),
        ("\x00", ["no_words"]),
        ("\u200b\x01\x02", ["no_words"]),
        ("free", ["very_short"]),
        ("zzz", ["very_short", "mostly_unknown_words"]),
        ("zzz yyy xxx the", ["mostly_unknown_words"]),
        ("the cat sat zzz", []),
    ],
)
def test_warnings_and_texts_without_words(bench: Bench, text: str, warnings: list[str]) -> None:
    prediction = predicted(bench, asked(text))
    assert prediction.warnings == warnings
    assert len(prediction.sentences) == 1


def test_control_characters_are_dropped(bench: Bench) -> None:
    plain, disguised = (predicted(bench, asked(text)) for text in ("free money", "fr\x00ee\x07 mon\x1bey"))
    assert disguised.probability == pytest.approx(plain.probability, abs=TOLERANCE)
    assert disguised.warnings == plain.warnings == ["very_short"]


def test_a_long_text_is_scored_in_turns_and_outside_the_loop_as_a_short_one_is(bench: Bench) -> None:
    text = "The cat sat on the film. You won free money! " * 500
    assert len(text) > AT_ONCE

    async def use(serving: Serving) -> tuple[Prediction, float]:
        whole = await serving.predict("public", asked(text))
        state = None
        last = 0.5
        for one in split(text):
            (advance,) = bench.catalogue.resolve("spam").predictor.advance([(state, [one.text])])
            assert not isinstance(advance, Exception)
            state, last = advance.state, advance.steps[-1].probabilities[-1]
        return whole, last

    whole, last = bench.run(use)
    assert len(whole.sentences) == 1000
    assert whole.probability == pytest.approx(last, abs=TOLERANCE)


def test_a_long_text_takes_turns_and_does_not_stall_a_short_one(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    batcher = bench.catalogue.resolve("spam").batcher
    engine, turns, order = batcher._engine, [], []

    def told(items: Sequence[tuple[bytes | None, Sequence[str]]]) -> list[Advance | UndertoneError]:
        turns.append([len(sentences) for _, sentences in items])
        return engine(items)

    async def ask(serving: Serving, sentences: int) -> None:
        await serving.predict("public", asked("The cat sat on it. " * sentences))
        order.append(sentences)

    async def use(serving: Serving) -> None:
        await asyncio.gather(ask(serving, 10 * TURN + 2), ask(serving, 1))

    monkeypatch.setattr(batcher, "_engine", told)
    bench.run(use)
    assert turns == [[TURN, 1], *[[TURN]] * 9, [2]]
    assert order == [1, 10 * TURN + 2]


@pytest.mark.parametrize("text", ["", " ", "\n\t \u3000\u2028"])
def test_a_blank_text_is_refused(bench: Bench, text: str) -> None:
    with pytest.raises(EmptyText):
        predicted(bench, asked(text))


def test_a_text_of_the_limit_is_scored_and_one_more_is_not(bench: Bench) -> None:
    assert predicted(bench, asked("🙂" * 20), max_text=20).sentences[0].length == 20
    with pytest.raises(TextTooLong, match="UNDERTONE_MAX_TEXT") as refused:
        predicted(bench, asked("🙂" * 21), max_text=20)
    assert (refused.value.limit, refused.value.value, refused.value.field) == (20, 21, "text")


async def results(serving: Serving, batch: Sequence[object]) -> list[Prediction | ErrorOut]:
    said: Any = await serving.answers(BatchIn(texts=[*batch], task="spam"))
    return BatchOut(results=said).results


@given(st.lists(texts, min_size=1, max_size=8))
@examples(15)
def test_a_batch_equals_its_items_one_by_one(bench: Bench, batch: list[str]) -> None:
    async def use(serving: Serving) -> None:
        for got, text in zip(await results(serving, batch), batch, strict=True):
            assert isinstance(got, Prediction)
            alone = await serving.predict("public", asked(text))
            assert got.model_dump(exclude={"sentences", "probability", "probabilities", "prior"}) == alone.model_dump(
                exclude={"sentences", "probability", "probabilities", "prior"}
            )
            assert got.probability == pytest.approx(alone.probability, abs=TOLERANCE)
            for a, b in zip(got.sentences, alone.sentences, strict=True):
                assert a.probability == pytest.approx(b.probability, abs=TOLERANCE)

    bench.run(use)


def test_a_bad_item_never_fails_its_neighbours(bench: Bench) -> None:
    batch: list[object] = [
        "free money",
        "",
        7,
        None,
        ["free"],
        "x" * 101,
        "the cat",
        {"text": "a"},
        " \n",
        "...",
        "\ud83d",
    ]
    wanted = ["", "empty_text", *["invalid_request"] * 3, "text_too_long", "", "invalid_request", "empty_text", ""]
    wanted.append("invalid_json")

    async def use(serving: Serving) -> None:
        found = await results(serving, batch)
        assert [r.error.code if isinstance(r, ErrorOut) else "" for r in found] == wanted
        fields = {i: r.error.field for i, r in enumerate(found) if isinstance(r, ErrorOut)}
        assert fields == {i: f"texts.{i}" for i in (1, 2, 3, 4, 5, 7, 8, 10)}
        alone = await serving.predict("public", asked("the cat"))
        assert isinstance(found[6], Prediction)
        assert found[6].probability == pytest.approx(alone.probability, abs=TOLERANCE)

    bench.run(use, max_text=100)


def test_a_batch_as_a_whole_is_refused_for_its_size_its_task_and_its_threshold(bench: Bench) -> None:
    async def use(serving: Serving) -> None:
        with pytest.raises(BatchTooLarge, match="UNDERTONE_MAX_BATCH") as refused:
            await serving.answers(BatchIn(texts=["a"] * 4, task="spam"))
        assert (refused.value.limit, refused.value.value, refused.value.field) == (3, 4, "texts")
        with pytest.raises(UnknownTask):
            await serving.answers(BatchIn(texts=["a"], task="weather"))
        with pytest.raises(InvalidRequest):
            await serving.answers(BatchIn(texts=["a"], task="spam", threshold="fpr:0.5"))

    bench.run(use, max_batch=3)


def test_what_finds_no_place_in_the_queue_is_refused_item_by_item(bench: Bench) -> None:
    models = bench.load(queue=3)

    async def use(serving: Serving) -> None:
        found = await results(serving, ["free money"] * 10)
        codes = [r.error.code if isinstance(r, ErrorOut) else "" for r in found]
        assert codes == [""] * 3 + [Overloaded.code] * 7
        assert isinstance(await serving.predict("public", asked()), Prediction)

    try:
        bench.run(use, models=models)
    finally:
        models.close()


def test_many_requests_at_once_give_what_each_gives_alone(bench: Bench) -> None:
    several = ["free money now! " * n + "The cat sat." for n in range(1, 40)]

    async def use(serving: Serving) -> None:
        alone = [(await serving.predict("public", asked(text))).probability for text in several]
        together = await asyncio.gather(*(serving.predict("public", asked(text)) for text in several))
        assert [p.probability for p in together] == pytest.approx(alone, abs=TOLERANCE)

    bench.run(use)


def test_a_request_that_is_given_up_leaves_nothing_behind(bench: Bench) -> None:
    async def use(serving: Serving) -> None:
        work = asyncio.create_task(serving.predict("public", asked("The cat sat. " * 5000)))
        await asyncio.sleep(0)
        work.cancel()
        (result,) = await gathered(work)
        assert isinstance(result, asyncio.CancelledError)
        assert (await serving.predict("public", asked())).label in ("ham", "spam")

    bench.run(use)
    assert Timeout.status == 504
