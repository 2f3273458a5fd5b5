"""The one door: any grouping gives the same numbers, the state goes on, and a bad item fails alone."""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from models.errors import InvalidState
from models.predictor import Advance, Predictor, Step
from tests.models.tiny import CALIBRATION, SIZES, WORDS, artefact, family_of, rnn_step, toy

PREDICTORS = {family: Predictor(artefact(family)) for family in SIZES}
families = st.sampled_from(sorted(SIZES))
documents = st.lists(
    st.lists(st.lists(st.sampled_from([*WORDS, "unheard", "..."]), max_size=8).map(" ".join), max_size=6),
    min_size=1,
    max_size=4,
)


def advanced(predictor: Predictor, items: Sequence[tuple[bytes | None, Sequence[str]]]) -> list[Advance]:
    answers = predictor.advance(items)
    assert len(answers) == len(items)
    assert all(isinstance(answer, Advance) for answer in answers), answers
    return [answer for answer in answers if isinstance(answer, Advance)]


def assert_same(got: Sequence[Step], wanted: Sequence[Step]) -> None:
    """Numbers within 1e-5; for log-odds and features, which are not between 0 and 1, of their size."""
    assert len(got) == len(wanted)
    for a, b in zip(got, wanted, strict=True):
        assert (a.words, a.unknown) == (b.words, b.unknown)
        assert a.probabilities == pytest.approx(b.probabilities, abs=1e-5)
        assert [a.log_odds, a.delta] == pytest.approx([b.log_odds, b.delta], rel=1e-5, abs=1e-5)
        np.testing.assert_allclose(floats(a.features), floats(b.features), rtol=1e-5, atol=1e-5)


def floats(data: bytes) -> np.ndarray:
    return np.frombuffer(data, "<f4")


def one_by_one(predictor: Predictor, text: Sequence[str]) -> tuple[bytes, list[Step]]:
    """Every sentence in a call of its own: the last state, and the steps."""
    (advance,) = advanced(predictor, [(None, [])])
    state, steps = advance.state, []
    for sentence in text:
        (advance,) = advanced(predictor, [(state, [sentence])])
        state = advance.state
        steps += advance.steps
    return state, steps


def grouped(
    predictor: Predictor, texts: list[list[str]], calls: list[list[int]]
) -> tuple[list[bytes | None], list[list[Step]]]:
    """Each call takes so many of the next sentences of each text; -1 leaves the text out of the call."""
    states: list[bytes | None] = [None] * len(texts)
    steps: list[list[Step]] = [[] for _ in texts]
    for sizes in [*calls, [100] * len(texts)]:
        there = [i for i in range(len(texts)) if sizes[i] >= 0]
        items = [(states[i], texts[i][len(steps[i]) : len(steps[i]) + sizes[i]]) for i in there]
        for i, advance in zip(there, advanced(predictor, items), strict=True):
            states[i] = advance.state
            steps[i] += advance.steps
    return states, steps


@given(families, documents, st.lists(st.lists(st.integers(-1, 3), min_size=4, max_size=4), max_size=4))
def test_any_grouping_into_calls_and_batches_gives_the_same(
    family: str, texts: list[list[str]], calls: list[list[int]]
) -> None:
    predictor = PREDICTORS[family]
    states, steps = grouped(predictor, texts, calls)
    for text, state, got in zip(texts, states, steps, strict=True):
        wanted_state, wanted = one_by_one(predictor, text)
        assert state is not None
        assert_same(got, wanted)
        assert state[:4] == wanted_state[:4] == struct.pack("<I", len(text))
        np.testing.assert_allclose(floats(state[4:]), floats(wanted_state[4:]), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("family", SIZES)
def test_a_large_batch_of_items_of_all_lengths_is_one_by_one(family: str) -> None:
    predictor = PREDICTORS[family]
    texts = [[f"{WORDS[(i * j) % len(WORDS)]} cat ! unheard" for j in range((i * 7) % 40)] for i in range(30)]
    for advance, text in zip(advanced(predictor, [(None, text) for text in texts]), texts, strict=True):
        assert_same(advance.steps, one_by_one(predictor, text)[1])


@given(families, st.lists(st.sampled_from([*WORDS, "free money", ""]), max_size=6))
def test_prior_and_deltas_add_up_to_the_log_odds(family: str, text: list[str]) -> None:
    (advance,) = advanced(PREDICTORS[family], [(None, text)])
    running = advance.prior.log_odds
    assert advance.prior.delta == 0
    for step in advance.steps:
        running += step.delta
        assert step.log_odds == pytest.approx(running, abs=1e-9)
        assert sum(step.probabilities) == pytest.approx(1)
        assert step.probabilities[-1] == pytest.approx(1 / (1 + math.exp(-step.log_odds)))


@pytest.mark.parametrize("family", SIZES)
def test_the_prior_is_the_readout_of_the_state_before(family: str) -> None:
    predictor = PREDICTORS[family]
    model = predictor.artefact.classifier
    first, empty = advanced(predictor, [(None, ["free money"]), (None, [])])
    logits = model.readout(model.initial_state(1)).double().numpy()
    calibrated = CALIBRATION.apply(logits, np.array([0]))[0]
    assert first.prior == empty.prior
    assert first.prior.log_odds == pytest.approx(calibrated[1] - calibrated[0])
    assert (first.prior.words, first.prior.unknown) == (0, 0)
    (second,) = advanced(predictor, [(first.state, ["click !"])])
    assert_same([second.prior], [first.steps[-1]._replace(delta=0.0, words=0, unknown=0)])


@pytest.mark.parametrize("family", SIZES)
def test_a_state_has_one_size_for_ever(family: str) -> None:
    predictor = PREDICTORS[family]
    state: bytes | None = None
    for sentences in ([], ["free"], ["the cat"] * 200, [""]):
        (advance,) = advanced(predictor, [(state, sentences)])
        state = advance.state
        assert len(state) == predictor.state_bytes
    assert state is not None
    assert struct.unpack_from("<I", state) == (202,)


@pytest.mark.parametrize("family", SIZES)
def test_a_bad_state_fails_its_own_item_only(family: str) -> None:
    predictor = PREDICTORS[family]
    good = (None, ["free money", "click"])
    size = predictor.state_bytes
    answers = predictor.advance([good, (b"short", ["the cat"]), good, (b"", []), (b"x" * (size + 1), ["on"])])
    (alone,) = advanced(predictor, [good])
    for i, length in ((1, 5), (3, 0), (4, size + 1)):
        error = answers[i]
        assert isinstance(error, InvalidState)
        assert (error.code, error.status, error.value) == ("state_unreadable", 409, length)
        assert f"holds {length} bytes, spam-{family_of(family)} has states of {size}:" in str(error)
    for i in (0, 2):
        answer = answers[i]
        assert isinstance(answer, Advance)
        assert_same(answer.steps, alone.steps)
    assert [type(answer) for answer in predictor.advance([(b"bad", ["a"])])] == [InvalidState]


def test_no_items_have_no_answers() -> None:
    assert PREDICTORS["gru"].advance([]) == []


def test_the_numbers_of_the_toy_are_those_of_the_blackboard() -> None:
    (advance,) = advanced(Predictor(toy()), [(None, ["Left?"])])
    (step,) = advance.steps
    assert advance.prior.log_odds == 1.0  # h = (0, 1), and the log-odds are h_1 - h_0
    assert floats(step.features).round(2).tolist() == pytest.approx([-0.76, 0.91])
    assert step.log_odds == pytest.approx(0.905148 + 0.761594, abs=1e-5)
    assert step.delta == pytest.approx(step.log_odds - 1)
    assert step.probabilities == pytest.approx((0.158859, 0.841141), abs=1e-5)  # 1 / (1 + e^1.666742)
    assert (step.words, step.unknown) == (2, 1)  # the question mark is a word that the toy does not know
    assert advance.state == struct.pack("<I", 1) + step.features


@given(
    st.lists(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), max_size=6), min_size=1, max_size=4),
    st.lists(st.lists(st.integers(-1, 3), min_size=4, max_size=4), max_size=3),
)
def test_the_toy_is_its_oracle_in_any_grouping(texts: list[list[tuple[int, int]]], calls: list[list[int]]) -> None:
    sentences = [[" ".join(["left"] * x[0] + ["right"] * x[1]) for x in text] for text in texts]
    _, steps = grouped(Predictor(toy()), sentences, calls)
    for text, got in zip(texts, steps, strict=True):
        h: tuple[float, ...] = (0, 1)
        for x, step in zip(text, got, strict=True):
            before, h = h, rnn_step(h, x)
            assert floats(step.features).tolist() == pytest.approx(h, abs=1e-5)
            assert step.log_odds == pytest.approx(h[1] - h[0], abs=1e-5)
            assert step.delta == pytest.approx(h[1] - h[0] - before[1] + before[0], abs=1e-5)
            assert (step.words, step.unknown) == (sum(x), 0)


@pytest.mark.parametrize("family", SIZES)
def test_threads_do_not_disturb_each_other(family: str) -> None:
    predictor = PREDICTORS[family]
    texts = [[f"{word} the cat"] * (1 + i) for i, word in enumerate(WORDS)]
    wanted = [advanced(predictor, [(None, text)])[0].steps for text in texts]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda text: advanced(predictor, [(None, text)])[0].steps, texts * 8))
    for got, steps in zip(answers, wanted * 8, strict=True):
        assert_same(got, steps)


@pytest.mark.parametrize("family", SIZES)
def test_the_seconds_of_every_phase_are_told(family: str) -> None:
    (advance,) = advanced(PREDICTORS[family], [(None, ["free"])])
    assert set(advance.seconds) == {"tokenize", "step", "readout"}
    assert all(seconds > 0 for seconds in advance.seconds.values())


@pytest.mark.cuda
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@pytest.mark.parametrize("family", SIZES)
def test_a_gpu_gives_what_a_cpu_gives(family: str) -> None:
    cpu, gpu = PREDICTORS[family], Predictor(artefact(family), "cuda")
    texts = [[f"{WORDS[(i + j) % len(WORDS)]} free !" for j in range(i)] for i in range(20)]
    for one, other in zip(*(advanced(p, [(None, text) for text in texts]) for p in (cpu, gpu)), strict=True):
        assert_same(other.steps, one.steps)
        (on,) = advanced(cpu, [(other.state, ["click"])])  # and a state goes from one to the other
        (wanted,) = advanced(cpu, [(one.state, ["click"])])
        assert_same(on.steps, wanted.steps)
