"""Promise 1 across two requests: a text cut where a reported sentence ends scores as if it had not been cut.

A request ends its last sentence and keeps no text, so the second one begins without what stood before it. Nearly
always the sentences are the same all the same, and then so are the numbers. What is known to differ is text
that was wrapped by hand: a cut inside a line leaves a short line, at which rule (c) of models/sentences.py ends
a sentence, once.
"""

from __future__ import annotations

import random
import textwrap
from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
import pytest

from models.predictor import Advance, Predictor
from models.sentences import split
from tests.models import golden
from tests.models.tiny import SIZES, WORDS, artefact

OPENERS: Final = (
    "The",
    "Dr. Hsu",
    "At 3 p.m.",
    '"We',
    "(You",
    "It",
    "Mr. J. R. Lang of Acme Inc.",
    "A 3.5% rise:",
    "No. 4",
)
MIDDLES: Final = (*WORDS, "e.g. the", "i.e. a", "p. 12", "vs. us", "www.example.co.uk", "$3.50", "isn't", "U.S.", "42")
ENDS: Final = (
    ".",
    ".",
    ".",
    ".",
    "!",
    "?",
    "...",
    "!!!",
    "?!",
    '."',
    ".)",
    " etc.",
    " at 5 p.m.",
    " 🎉",
    "!! 🎉",
    " :)",
)
GAPS: Final = (" ", " ", " ", " ", "  ", "\n\n", "\r\n\r\n", "\n\n- ", "\n\n* * *\n\n")


def prose(seed: int, sentences: int = 12) -> str:
    """Lines that are as long as their paragraphs, as most mail programs and all browsers send them."""
    some = random.Random(seed)
    text = ""
    for _ in range(sentences):
        middle = " ".join(some.choice(MIDDLES) for _ in range(some.randint(1, 18)))
        text += f"{some.choice(OPENERS)} {middle}{some.choice(ENDS)}{some.choice(GAPS)}"
    return text


def wrapped(seed: int) -> str:
    """The same, wrapped after some 70 code points, as mail was for thirty years."""
    return "\n\n".join(textwrap.fill(paragraph, 70) for paragraph in prose(seed).split("\n\n"))


class Cut(NamedTuple):
    """The sentences of a whole text, and those of its two parts."""

    whole: list[str]
    before: list[str]
    after: list[str]

    @property
    def same(self) -> bool:
        return self.before + self.after == self.whole


def cuts(texts: Sequence[str]) -> list[Cut]:
    found = []
    for text in texts:
        sentences = split(text)
        whole = [s.text for s in sentences]
        for s in sentences:
            before, after = (
                [t.text for t in split(part)] for part in (text[: s.offset + s.length], text[s.offset + s.length :])
            )
            found.append(Cut(whole, before, after))
    return found


@pytest.fixture(scope="module")
def corpus() -> list[Cut]:
    return cuts([*golden.texts(), *map(prose, range(100))])


def test_the_parts_have_the_sentences_of_the_whole(corpus: list[Cut]) -> None:
    assert len(corpus) > 1000
    assert sum(cut.same for cut in corpus) / len(corpus) >= 0.995


@pytest.mark.parametrize("family", SIZES)
def test_and_then_the_same_probabilities(corpus: list[Cut], family: str) -> None:
    """A quarter of the cuts for each family, another one for the next: the sentences are the same for all of them."""
    predictor = Predictor(artefact(family))
    same = [cut for cut in corpus if cut.same][list(SIZES).index(family) % 4 :: 4]
    whole = answers(predictor, [(None, cut.whole) for cut in same])
    first = answers(predictor, [(None, cut.before) for cut in same])
    second = answers(predictor, [(a.state, cut.after) for a, cut in zip(first, same, strict=True)])
    for cut, one, two, three in zip(same, whole, first, second, strict=True):
        wanted = [step.probabilities for step in one.steps]
        got = [step.probabilities for step in two.steps + three.steps]
        assert np.allclose(got, wanted, atol=1e-5, rtol=0), cut


def test_in_hand_wrapped_text_the_line_of_the_cut_may_end_a_sentence_and_nothing_else_changes() -> None:
    changed = [cut for cut in cuts([*map(wrapped, range(20))]) if not cut.same]
    assert changed, "if wrapped text no longer differs, say so at the top of this file"
    for whole, before, after in changed:
        parts = before + after
        at = next(i for i, (a, b) in enumerate(zip(whole, parts, strict=False)) if a != b)
        assert at >= len(before)
        assert whole[at].split() == f"{parts[at]} {parts[at + 1]}".split()
        assert whole[at + 1 :] == parts[at + 2 :]


def answers(predictor: Predictor, items: list[tuple[bytes | None, list[str]]]) -> list[Advance]:
    advances = [answer for answer in predictor.advance(items) if isinstance(answer, Advance)]
    assert len(advances) == len(items)
    return advances
