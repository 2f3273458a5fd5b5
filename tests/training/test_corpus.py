"""Documents as numbers: nothing lost, nothing mixed up, whatever the batches."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from models.recurrent import GRU
from models.vocabulary import Vocabulary
from training.corpus import PROVEN, Example, batch, batches, ends, example, examples, met, sentences, vocabulary
from training.documents import NO_TARGET, Document
from training.loop import forward

IDS = st.lists(st.lists(st.integers(0, 9), max_size=4), min_size=1, max_size=5)
EXAMPLES = st.lists(st.builds(example, IDS, st.sampled_from([0, 1])), min_size=1, max_size=9)


def test_documents_are_cut_as_the_service_cuts_them() -> None:
    documents = [Document("1", "The cat sat. It ate!", 1, "x/y"), Document("2", "Dog", 0, "x/y")]
    cut = sentences(documents)
    assert cut == [["The cat sat.", "It ate!"], ["Dog"]]
    first, second = examples(documents, cut, Vocabulary(["cat", "it", "!"]))
    assert (first.ids.tolist(), first.lengths.tolist(), first.targets.tolist()) == ([0, 1, 0, 2, 0, 3], [3, 3], [1, 1])
    assert (second.ids.tolist(), second.lengths.tolist(), second.targets.tolist()) == ([0], [1], [0])


@given(st.lists(st.integers()), st.integers(0, 9))
def test_the_ends_of_a_long_document_stay(texts: list[int], most: int) -> None:
    kept = list(ends([str(t) for t in texts], most))
    assert len(kept) == (min(len(texts), most) if most else len(texts))
    half = len(kept) // 2
    assert kept[: len(kept) - half] == [str(t) for t in texts][: len(kept) - half]
    assert kept[len(kept) - half :] == [str(t) for t in texts][len(texts) - half :]


@given(EXAMPLES, st.integers(1, 4), st.booleans())
def test_every_document_is_in_one_batch(data: list[Example], size: int, shuffled: bool) -> None:
    generator = np.random.default_rng(5) if shuffled else None
    found = list(batches(data, size, generator))
    assert sum(len(b.targets) for b in found) == len(data)
    assert sum(int((b.targets != NO_TARGET).sum()) for b in found) == sum(len(e.targets) for e in data)
    assert sum(len(b.tokens.ids) for b in found) == sum(len(e.ids) for e in data)


@given(EXAMPLES)
def test_a_batch_scores_each_document_as_if_it_were_alone(data: list[Example]) -> None:
    torch.manual_seed(0)
    classifier = GRU(words=9, classes=2, pairs=7, embedding=4, hidden=5).eval()
    with torch.inference_mode():
        together = forward(classifier, batch(data))
        for row, alone in zip(together, data, strict=True):
            torch.testing.assert_close(row[: len(alone.lengths)], forward(classifier, batch([alone]))[0])


def test_shuffles_differ_by_seed_and_are_the_same_for_the_same_one() -> None:
    data = [example([[i % 10]] * (1 + i % 3), 0) for i in range(40)]
    first, again, other = (
        [b.tokens.ids.tolist() for b in batches(data, 4, np.random.default_rng(s))] for s in (1, 1, 2)
    )
    assert first == again != other


def test_an_epoch_meets_each_document_as_often_as_it_should() -> None:
    data = [
        example([[i]], 0)._replace(often=often) for i, often in enumerate((0.25, 1.0, 2.0, 2.5)) for _ in range(400)
    ]
    found = np.bincount([e.ids[0] for e in met(data, np.random.default_rng(3))], minlength=4) / 400
    assert found[1:3].tolist() == [1, 2]
    assert found[[0, 3]] == pytest.approx([0.25, 2.5], abs=0.08)
    first, other = (met(data[:400], np.random.default_rng(seed)) for seed in (1, 2))
    assert [id(e) for e in first] != [id(e) for e in other]


def test_what_is_believed_comes_with_its_document() -> None:
    documents = [Document("1", "cat", 1, "x/y"), Document("2", "it", 0, "x/y", beliefs=(0.75, 0.25))]
    found = batch(examples(documents, sentences(documents), Vocabulary(["cat", "it"])))
    assert found.beliefs is not None
    assert found.beliefs.tolist() == [[0, 0], [0.75, 0.25]]
    assert batch([example([[1]], 1)]).beliefs is None


def test_a_word_of_one_mailbox_is_not_in_the_vocabulary_unless_spam_proves_it() -> None:
    told = [("a/x", 0, "hello list"), ("a/y", 0, "hello list"), ("b/x", 0, "hello friend"), ("a/x", 1, "rare hello")]
    told += [("b/x", 1, "pills list")] * PROVEN + [("a/x", 0, "daren rare")] * 2
    documents = [Document(str(i), text, label, group) for i, (group, label, text) in enumerate(told)]
    cut = sentences(documents)
    assert vocabulary(documents, cut, 99).words == ["list", "hello", "rare", "pills", "daren", "friend"]
    known = vocabulary(documents, cut, 99, ["a"])
    assert known.words == ["list", "hello", "pills", "friend"]  # one message of spam does not clear what is rare
    assert known.documents == len(documents)
    assert known.document_frequency == [5, 4, 3, 1]
    assert vocabulary(documents, cut, 99, ["b"]).words == ["list", "hello", "rare", "pills", "daren"]
    assert vocabulary(documents, cut, 1, ["a"]).words == ["list"]


def test_a_common_name_of_a_mailbox_is_not_cleared_by_a_few() -> None:
    """`PROVEN` spam of a hundred documents, or one of another set among them, clear nothing; a tenth do."""
    told = [("a/x", 0, "enron gas deal")] * 99 + [("b/x", 0, "enron friend")] + [("a/y", 1, "enron deal")] * PROVEN
    told += [("a/y", 1, "deal")] * 10 + [("b/y", 0, "friend")] * 2 + [("b/x", 0, "gas")] * 8
    documents = [Document(str(i), text, label, group) for i, (group, label, text) in enumerate(told)]
    cut = sentences(documents)
    assert vocabulary(documents, cut, 99).words == ["deal", "gas", "enron", "friend"]
    assert vocabulary(documents, cut, 99, ["a"]).words == ["deal", "gas", "friend"]
