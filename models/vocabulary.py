"""Words: how a sentence is cut into them, and the fitted index that turns them into numbers.

sentence --normalise--> one spelling of it --words--> words --Vocabulary--> ids, or a count matrix
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final, Literal

import numpy as np

Mode = Literal["binary", "count", "freq", "tfidf"]

UNKNOWN: Final = 0
"""The id of every word that the vocabulary does not hold; its words have the ids from 1."""

# Format characters (zero-width spaces and joiners, directional marks, tags), variation selectors, the
# Hangul fillers (letters without ink) and control characters that are not blanks: invisible, and so a
# disguise.
_INVISIBLE: Final = re.compile(
    "[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\xad\u034f\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u115f\u1160"
    "\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb\U000110bd"
    "\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0001\U000e0020-\U000e007f"
    "\U000e0100-\U000e01ef]+"
)
# The Stream-Safe Text Format (Unicode Annex 15, D4) allows 30 combining marks in a row; sorting a
# longer run is quadratic. Every character that is neither ASCII nor of a word counts as one here.
_MARKS: Final = re.compile(r"([^\w\x00-\x7f]{30})[^\w\x00-\x7f]+")
# What NFKC could not compose with its letter: struck-through and stacked letters, and the dot of a lower İ.
_LOOSE: Final = re.compile("[\u0300-\u036f]+")
_WORD: Final = re.compile(r"[^\W_]+(?:['’][^\W_]+)*|[!?$%£€]")
LONGEST_WORD: Final = 40
"""Code points of a word that are looked at: a longer one is its first 40, so one id all the same."""


def normalise(text: str) -> str:
    """One spelling of a text: invisible characters dropped, NFKC, lower case, no loose accents.

    >>> normalise("Ｆ\\u200bＲＥＥ Ca\\u00adsh, ﬁne")
    'free cash, fine'
    """
    if not text.isascii():
        text = _INVISIBLE.sub("", text)
        # Unicode calls these two letters, but NFKC makes marks of them: they must count as marks.
        text = text.replace("\uff9e", "\u3099").replace("\uff9f", "\u309a")
        text = unicodedata.normalize("NFKC", _MARKS.sub(r"\1", text))
        return _LOOSE.sub("", text.lower()).replace("’", "'")
    if not text.isprintable():
        text = _INVISIBLE.sub("", text)
    return text.lower()


def words(sentence: str) -> list[str]:
    """The words of a sentence, and the marks that spam and praise are written with.

    >>> words("The cat's hat: 50% off!!!")
    ['the', "cat's", 'hat', '50', '%', 'off', '!', '!', '!']
    """
    return [word[:LONGEST_WORD] for word in _WORD.findall(normalise(sentence))]


class Vocabulary:
    """The most common words of a training set, the commonest first; ids count from 1.

    >>> vocabulary = Vocabulary.fit(["The cat sat on the mat.", "The dog ate my homework."])
    >>> vocabulary.texts_to_sequences(["The cat ate my mat."])
    [[1, 2, 7, 8, 5]]
    """

    def __init__(
        self, words: Sequence[str], document_frequency: Sequence[int] | None = None, documents: int = 0
    ) -> None:
        self.words = list(words)
        self.word_index = {word: i for i, word in enumerate(self.words, start=1)}
        if len(self.word_index) != len(self.words):
            repeated = Counter(self.words).most_common(1)[0][0]
            raise ValueError(f"a vocabulary holds a word once, this one holds {repeated!r} twice: remove one")
        self.documents = documents
        self.document_frequency = list(document_frequency or [])

    def __len__(self) -> int:
        return len(self.words)

    @classmethod
    def fit(cls, texts: Iterable[str], most: int | None = None) -> Vocabulary:
        """The `most` common words of `texts` (all by default); ties keep the order of appearance."""
        count: Counter[str] = Counter()
        frequency: Counter[str] = Counter()
        documents = 0
        for documents, text in enumerate(texts, start=1):  # noqa: B007 - the last value is the number of texts
            found = words(text)
            count.update(found)
            frequency.update(set(found))
        chosen = [word for word, _ in count.most_common(most)]
        return cls(chosen, [frequency[word] for word in chosen], documents)

    def ids(self, sentence: str) -> list[int]:
        """The id of every word of a sentence; `UNKNOWN` for those that are not held."""
        index = self.word_index
        return [index.get(word, UNKNOWN) for word in words(sentence)]

    def texts_to_sequences(self, texts: Iterable[str]) -> list[list[int]]:
        """The ids of the known words of each text; the others are left out."""
        return [[i for i in self.ids(text) if i != UNKNOWN] for text in texts]

    def texts_to_matrix(self, texts: Sequence[str], mode: Mode = "binary") -> np.ndarray:
        """One row per text, one column per word (no column for unknown ones): `[N, V]` float32.

        binary: 1 where the word occurs; count: c, how often; freq: c / the text's known words;
        tfidf: (1 + ln c) · ln(1 + documents / (1 + documents that hold the word)), 0 where c is 0.
        """
        matrix = np.zeros((len(texts), len(self.words)), dtype=np.float32)
        for row, ids in zip(matrix, self.texts_to_sequences(texts), strict=True):
            np.add.at(row, np.asarray(ids, dtype=np.int64) - 1, 1)
        if mode == "binary":
            return (matrix > 0).astype(np.float32)
        if mode == "freq":
            return matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
        if mode == "tfidf":
            return self._tfidf(matrix)
        return matrix

    def _tfidf(self, counts: np.ndarray) -> np.ndarray:
        tf = np.where(counts > 0, 1 + np.log(np.maximum(counts, 1)), 0)
        return (tf * self.idf()).astype(np.float32)

    def idf(self) -> np.ndarray:
        """ln(1 + documents / (1 + documents that hold the word)) of every word, `[V]` float64."""
        if not self.document_frequency:
            raise ValueError(
                "tfidf needs the document frequencies, which only a fitted vocabulary has: use Vocabulary.fit"
            )
        return np.log1p(self.documents / (1 + np.asarray(self.document_frequency)))
