"""Documents as the numbers that a classifier trains on, cut and tokenised once and kept in memory.

documents --split, ids--> Example(ids [T], lengths [S], targets [S]) --batches--> Batch(tokens, places, targets [B, S])
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Final, NamedTuple, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.contract import Tokens
from models.sentences import split
from models.vocabulary import Vocabulary, words
from training.documents import NO_TARGET, Document

T = TypeVar("T")
PROVEN: Final = 3
"""Documents of the highest label that make a word known, in however few sets it stands."""
RARE: Final = 0.1
"""So many they must be for each of the other labels' that have the word: a mailbox of thousands gets some spam that
names its owner."""
OWN: Final = 0.95
"""The share of the documents with a word, of one set, from which on it is that set's own."""


class Example(NamedTuple):
    """A document: the ids of its words end to end, `ids [T]`; how many each sentence has, `lengths [S]`;
    and the class after each sentence, `targets [S]`, or what a teacher believes of it, `beliefs [K]`. An epoch
    meets it so `often`, 1.5 being twice or once, by chance. A `dressy` one may have pieces around it (augment.py)."""

    ids: NDArray[np.int32]
    lengths: NDArray[np.int32]
    targets: NDArray[np.int64]
    beliefs: tuple[float, ...] = ()
    often: float = 1.0
    dressy: bool = False


class Batch(NamedTuple):
    """`tokens` of N sentences; the `places [N]` of their vectors in B·S; `targets [B, S]`, -1 for none; the
    `beliefs [B, K]` of a teacher, zeros where there are none, None where no document has any; and the `share` of a
    whole batch's documents that these B are, where several processes split one."""

    tokens: Tokens
    places: Tensor
    targets: Tensor
    beliefs: Tensor | None = None
    share: float = 1.0

    def to(self, device: torch.device) -> Batch:
        tokens = Tokens(self.tokens.ids.to(device), self.tokens.lengths.to(device))
        beliefs = None if self.beliefs is None else self.beliefs.to(device)
        return Batch(tokens, self.places.to(device), self.targets.to(device), beliefs, self.share)


def sentences(documents: Iterable[Document], language: str = "en") -> list[list[str]]:
    """The sentences of each document, as the service would cut them."""
    return [[sentence.text for sentence in split(document.text, language)] for document in documents]


def vocabulary(
    documents: Sequence[Document], cut: Sequence[Sequence[str]], most: int, few_writers: Collection[str] = ()
) -> Vocabulary:
    """The `most` common words of the documents.

    Without the words by which a mailbox or a list is known, its names and places: what stands, but for documents of
    the highest label, almost only in one set of `few_writers`. A word is cleared by documents of that label, `PROVEN`
    of them and more where it is common: senders of spam share theirs out.
    """
    whole = Vocabulary.fit("\n".join(texts) for texts in cut)
    positive = max(document.label for document in documents)
    sets: dict[str, Counter[str]] = {}
    proven: Counter[str] = Counter()
    for document, texts in zip(documents, cut, strict=True) if few_writers else ():
        for word in {word for text in texts for word in words(text)}:
            if document.label == positive:
                proven[word] += 1
            else:
                sets.setdefault(word, Counter())[document.set] += 1
    told = {word for word, found in sets.items() if _tells(found, proven[word], few_writers)}
    kept = [i for i, word in enumerate(whole.words) if word not in told][:most]
    frequency = [whole.document_frequency[i] for i in kept]
    return Vocabulary([whole.words[i] for i in kept], frequency, whole.documents)


def _tells(found: Counter[str], proven: int, few_writers: Collection[str]) -> bool:
    """Whether a word that stands in so many documents of each set, and `proven` of the highest label, tells a set."""
    (name, most), *_ = found.most_common(1)
    return name in few_writers and most >= OWN * found.total() and proven < max(PROVEN, RARE * most)


def examples(
    documents: Sequence[Document], cut: Sequence[Sequence[str]], vocabulary: Vocabulary, most: int = 0
) -> list[Example]:
    """The documents as numbers. `most` bounds their sentences (0: all): the first and the last stay."""
    return [
        example(
            [vocabulary.ids(sentence) for sentence in ends(texts, most)], document.label, ends(document.targets, most)
        )._replace(beliefs=document.beliefs)
        for document, texts in zip(documents, cut, strict=True)
    ]


def example(ids: Sequence[Sequence[int]], label: int, targets: Sequence[int] = ()) -> Example:
    """One document whose every step has the same target, its `label`, or one each of `targets`."""
    lengths = np.array([len(sentence) for sentence in ids], dtype=np.int32)
    flat = np.array([i for sentence in ids for i in sentence], dtype=np.int32)
    return Example(flat, lengths, np.array(targets or [label] * len(ids), dtype=np.int64))


def classes(data: Sequence[Example]) -> NDArray[np.int64]:
    """The class of each document, `[N]`: its last target."""
    return np.array([e.targets[-1] for e in data])


def ends(sentences: Sequence[T], most: int) -> list[T]:
    """The first and the last `most / 2` of the sentences (or of what there is one of for each), where there are
    more than `most`.

    >>> ends(list("abcdefg"), 4), ends(list("abc"), 4), ends(list("abc"), 0)
    (['a', 'b', 'f', 'g'], ['a', 'b', 'c'], ['a', 'b', 'c'])
    """
    last = most // 2
    if not most or len(sentences) <= most:
        return list(sentences)
    return [*sentences[: most - last], *sentences[len(sentences) - last :]]


def batch(chosen: Sequence[Example]) -> Batch:
    """Examples side by side, padded to the longest."""
    longest = max(len(e.lengths) for e in chosen)
    targets = np.full((len(chosen), longest), NO_TARGET, dtype=np.int64)
    for row, e in zip(targets, chosen, strict=True):
        row[: len(e.targets)] = e.targets
    places = np.concatenate([b * longest + np.arange(len(e.lengths)) for b, e in enumerate(chosen)])
    ids = torch.from_numpy(np.concatenate([e.ids for e in chosen]).astype(np.int64))
    lengths = torch.from_numpy(np.concatenate([e.lengths for e in chosen]).astype(np.int64))
    return Batch(Tokens(ids, lengths), torch.from_numpy(places), torch.from_numpy(targets), _beliefs(chosen))


def _beliefs(chosen: Sequence[Example]) -> Tensor | None:
    classes = max(len(e.beliefs) for e in chosen)
    if not classes:
        return None
    return torch.tensor([e.beliefs or (0.0,) * classes for e in chosen])


def met(data: Sequence[Example], generator: np.random.Generator) -> list[Example]:
    """The examples as often as an epoch meets them."""
    often = np.array([e.often for e in data])
    if (often % 1).any():
        often = np.floor(often + generator.uniform(size=len(data)))
    return [e for e, n in zip(data, often.astype(int), strict=True) for _ in range(n)]


def batches(
    data: Sequence[Example], size: int, generator: np.random.Generator | None = None, *, part: int = 0, parts: int = 1
) -> Iterator[Batch]:
    """The data in batches of documents of similar length; in an order of chance where there is a generator.

    Of every batch only each `parts`-th document from number `part` on, so that the parts are alike in length. A
    part that would be empty is one document without a target, which counts for nothing.
    """
    length = np.array([len(e.lengths) for e in data], dtype=np.float64)
    if generator:
        # A little noise, so that a document does not always meet the same company.
        length *= generator.uniform(0.9, 1.1, len(data))
        length += generator.uniform(0, 1, len(data))
    order = np.argsort(length, kind="stable")
    starts = np.arange(0, len(data), size)
    for start in generator.permutation(starts) if generator else starts:
        whole = order[start : start + size]
        chosen = [data[i] for i in whole[part::parts]] or [_silent(data[whole[0]])]
        yield batch(chosen)._replace(share=len(chosen) / len(whole))


def _silent(e: Example) -> Example:
    return e._replace(targets=np.full_like(e.targets, NO_TARGET))
