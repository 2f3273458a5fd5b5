"""Two engines, the same numbers: NumPy and torch agree on every family that both have, and a state may change over."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models import shipped
from models.artefact import Artefact, load
from models.eager import TorchEngine
from models.engine import AT_ONCE, ArrayEngine, together
from models.predictor import Advance, Predictor
from tests.models.test_predictor import advanced, assert_same, documents, floats
from tests.models.tiny import SIZES, WORDS, artefact, family_of, toy

IN_NUMPY: Final = {"rnn", "lstm", "gru", "conv1d", "pooled"}
IN_TORCH: Final = {"conv1d-residual"}
SHIPPED: Final = shipped.names()
HAM: Final = "Hello Anna, thank you for your order. It isn't here yet, is it? See you at 10:30!"
SPAM: Final = "FREE entry!!! Txt WIN to 80082 now. U have won a £1000 prize, don't wait… Click http://x.example/y"


def both(of: Artefact) -> tuple[Predictor, Predictor]:
    """A predictor on each engine."""
    in_numpy, in_torch = Predictor(of), Predictor(of)
    assert isinstance(in_numpy.engine, ArrayEngine)
    in_torch.engine = TorchEngine(of.classifier, "cpu")
    return in_numpy, in_torch


def in_numpy(name: str) -> bool:
    return family_of(name) in IN_NUMPY and name not in IN_TORCH


PAIRS: Final = {name: both(artefact(name)) for name in SIZES if in_numpy(name)}


def assert_equal(got: Sequence[Advance], wanted: Sequence[Advance]) -> None:
    for one, other in zip(got, wanted, strict=True):
        assert_same([one.prior, *one.steps], [other.prior, *other.steps])
        assert one.state[:4] == other.state[:4]
        np.testing.assert_allclose(floats(one.state[4:]), floats(other.state[4:]), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", SIZES)
def test_a_family_runs_where_it_is_known(name: str) -> None:
    engine = Predictor(artefact(name)).engine
    assert type(engine) is (ArrayEngine if in_numpy(name) else TorchEngine)
    assert isinstance(Predictor(toy()).engine, TorchEngine)


@given(st.sampled_from(sorted(PAIRS)), documents, documents)
def test_the_engines_agree_and_a_state_goes_on_in_the_other(
    name: str, first: list[list[str]], second: list[list[str]]
) -> None:
    array, torch = PAIRS[name]
    before: list[tuple[bytes | None, list[str]]] = [(None, text) for text in first]
    began = advanced(array, before), advanced(torch, before)
    assert_equal(*began)
    for start, on in ((began[0], torch), (began[1], array)):
        items = [(advance.state, text) for advance, text in zip(start, second, strict=False)]
        assert_equal(advanced(on, items), advanced(torch, items))


@pytest.mark.parametrize("name", SHIPPED)
def test_the_engines_agree_on_what_is_shipped(name: str) -> None:
    array, torch = both(load(shipped.folder(name)))
    words = array.artefact.vocabulary.words
    rare = [" ".join(words[i : i + 17]) for i in range(0, len(words), 1009)]
    texts = [[HAM, SPAM] * 10, rare, [], ["", *rare[:3]], ["?!"], [SPAM]]
    whole = advanced(array, [(None, text) for text in texts])
    assert_equal(whole, advanced(torch, [(None, text) for text in texts]))
    for text, at_once in zip(texts, whole, strict=True):
        state = None
        for sentence in text:
            (advance,) = advanced(array, [(state, [sentence])])
            state = advance.state
        assert state is None or state[:4] == at_once.state[:4]
        if state is not None:
            np.testing.assert_allclose(floats(state[4:]), floats(at_once.state[4:]), rtol=1e-5, atol=1e-5)


@settings(max_examples=20, deadline=None)
@given(st.lists(st.lists(st.text(max_size=60), max_size=5), min_size=1, max_size=5))
def test_the_engines_agree_on_any_text(texts: list[list[str]]) -> None:
    for name in ("gru-wide", "conv1d-wide"):
        array, torch = PAIRS[name]
        items: list[tuple[bytes | None, list[str]]] = [(None, text) for text in texts]
        assert_equal(advanced(array, items), advanced(torch, items))


SERVES = """
import sys
from pathlib import Path
from models.artefact import load
from models.predictor import Predictor
for folder in map(Path, sys.argv[1:]):
    (advance,) = Predictor(load(folder)).advance([(None, ["Free money!", "The cat sat."])])
    assert len(advance.steps) == 2
print(sorted(name for name in sys.modules if name.split(".")[0] in ("torch", "scipy", "sklearn")))
"""


def imported(*folders: Path) -> str:
    arguments = [sys.executable, "-c", SERVES, *map(str, folders)]
    return subprocess.run(arguments, check=True, capture_output=True, text=True, cwd=Path(__file__).parents[2]).stdout


def test_what_is_shipped_is_served_without_torch() -> None:
    assert imported(*(shipped.folder(name) for name in SHIPPED)) == "[]\n"


def test_torch_is_imported_for_a_family_that_numpy_does_not_have(tmp_path: Path) -> None:
    artefact("bow").save(tmp_path)
    assert "'torch'" in imported(tmp_path)


def test_rows_come_step_by_step() -> None:
    """The engine sees the sentences of the longest text first at every step, and gives all states on the way."""
    predictor = PAIRS["gru"][0]
    vocabulary = predictor.artefact.vocabulary
    texts = [[WORDS[0], WORDS[1], WORDS[2]], [WORDS[3]]]
    ids = [vocabulary.ids(sentence) for sentence in (WORDS[0], WORDS[3], WORDS[1], WORDS[2])]
    states = np.repeat(predictor.engine.initial[None], 2, axis=0)
    run = predictor.engine.run(states, ids, [2, 1, 1])
    assert len(run.states) == len(run.features) == len(run.logits) == 2 + 4
    long, short = advanced(predictor, [(None, text) for text in texts])
    assert run.states[5].tobytes() == long.state[4:]
    assert run.states[3].tobytes() == short.state[4:]


def test_no_more_sentences_are_encoded_together_than_fit_the_cache() -> None:
    """But for a step, which is not divided."""
    widths = [AT_ONCE + 40, AT_ONCE - 5, *[3] * 9, *[1] * (2 * AT_ONCE)]
    parts, steps = zip(*together(widths), strict=True)
    assert [width for some in steps for width in some] == widths
    assert [i for part in parts for i in range(part.start, part.stop)] == list(range(sum(widths)))
    asked = [part.stop - part.start for part in parts]
    assert asked == [sum(some) for some in steps]
    assert asked[0] == AT_ONCE + 40
    assert all(AT_ONCE / 2 < n <= AT_ONCE for n in asked[1:-1])
