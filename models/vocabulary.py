"""Words: how a sentence is cut into them, and the fitted index that turns them into numbers.

sentence --normalise--> one spelling of it --words--> words --Vocabulary--> ids, or a count matrix
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import repeat
from typing import AnyStr, Final, Literal

import numpy as np

from models.disguise import pieces, plain, readings

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
# A word with the signs that may stand for a letter in it, and what is left of a short form around whose apostrophe a
# publisher has put blanks; or a mark. No normal text has a ’: it joins letters that stood apart.
_TOKEN: Final = re.compile(
    r"[^\W_]+(?:[@$€£!|'’]+[^\W_]+)*[@$€£]?(?: ' ?(?:s|t|d|m|re|ve|ll)(?![^\W_]))?"
    r"|[@$€£][^\W\d_]+(?:[@$€£!|'’]+[^\W_]+)*|[!?$%£€]"
)
# ASCII text without signs that join takes another way to the same tokens, many sentences at once and in less than half
# of the time: what is of none becomes a blank, and a mark gets blanks around it.
_KEPT: Final = "abcdefghijklmnopqrstuvwxyz0123456789'!?%@$|"
_TO_KEPT: Final = bytes(ord(chr(c).lower()) if chr(c).lower() in _KEPT else 32 for c in range(128)) + b"\x80".ljust(128)
_TO_SHAPES: Final = (
    bytes(97 if chr(c).isalpha() else 48 if chr(c).isdigit() else 32 for c in range(128)) + _TO_KEPT[128:]
)
_DROPPED: Final = bytes(c for c in range(128) if _INVISIBLE.match(chr(c)))
_JOINING: Final = {"@": "@", "$": r"\$", "|": r"\|", "!": "!'*[a-z0-9]", "'": "'(?:[ !]|(?<=[ !]'))"}
_THREE_APART: Final = b" a (?:a a |( {1,2})a\\1 a )"
_PART: Final = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)*|\d+|[!?$%£€]")
# Three letters with the same mark between each and the next, four with a blank.
_APART: Final = re.compile(
    r"(?<![^\W_])[^\W\d_](?:( ?[.*~|/\\+=^·•_-] ?)[^\W\d_](?:\1[^\W\d_]){1,38}|(?: [^\W\d_]){3,39})(?![^\W_])"
)
LONGEST_WORD: Final = 40
"""Code points of a word that are looked at: a longer one is its first 40, so one id all the same."""
LONGEST_NUMBER: Final = 12
"""Digits of a number that are told apart."""


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

    Numbers and letters part, as one publisher has it. A number of three digits or more is as many zeros: which year,
    price or telephone it is says where a text is from, and that it is one says enough. L e t t e r s with a blank or a
    mark between each and the next are one word.

    >>> words("The cat's hat: 50% off!!! It isn ' t 1999 or 4pm. G.r.a.b it")
    ['the', "cat's", 'hat', '50', '%', 'off', '!', '!', '!', 'it', "isn't", '0000', 'or', '4', 'pm', 'grab', 'it']
    """
    return [part for token in _tokens([sentence])[0] for part in _parts(token)]


def _tokens(sentences: Sequence[str]) -> list[list[str]]:
    """The tokens of each sentence."""
    closer = {i for i, sentence in enumerate(sentences) if not sentence.isascii()}
    plain = [sentence if sentence.isascii() else "" for sentence in sentences] if closer else sentences
    raw = b" %b " % " \x80 ".join(plain).encode("latin-1")
    shapes = raw.translate(_TO_SHAPES, _DROPPED)
    text = raw.translate(_TO_KEPT, _DROPPED).decode("latin-1")
    for mark in "?%":
        text = text.replace(mark, f" {mark} ")
    for sign, pattern in _JOINING.items():
        if sign in text:
            closer.update(_numbers(text, "\x80", pattern))
    closer.update(_numbers(shapes, b"\x80", _THREE_APART))
    text = text.replace("!", " ! ")
    parts = enumerate(text.split("\x80") if sentences else [])
    return [_looked_at(sentences[i]) if i in closer else part.split() for i, part in parts]


def _numbers(text: AnyStr, between: AnyStr, pattern: AnyStr) -> Iterator[int]:
    """The numbers of the sentences in which there is a match."""
    number = done = 0
    for match in re.finditer(pattern, text):
        number += text.count(between, done, match.start())
        done = match.start()
        yield number


def _looked_at(sentence: str) -> list[str]:
    """The tokens of one sentence, whatever it is."""
    text = normalise(sentence)
    found = _TOKEN.findall(text)
    if sum(len(token) == 1 for token in found) > 2:
        together = _APART.sub(lambda run: "’".join(filter(str.isalpha, run[0])), text)
        if together != text:
            return _TOKEN.findall(together)
    return found


def _parts(token: str) -> list[str]:
    """The words that a token is taken for as it stands, at least one."""
    if token.isalpha():
        return [token[:LONGEST_WORD]]
    if "’" in token:
        return [token.replace("’", "")]
    found = _PART.findall(token.replace(" ", ""))
    return [_number(part) if part.isdecimal() else part[:LONGEST_WORD] for part in found]


def _number(digits: str) -> str:
    return digits if len(digits) < 3 else "0" * min(len(digits), LONGEST_NUMBER)


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
        """The id of every word of a sentence; `UNKNOWN` for those that are not held, nor what they may stand for.

        What is not held is looked at closer (models/disguise.py), and then together with the word before or after it,
        as one that was cut in two.
        """
        return self.batch([sentence])[0]

    def batch(self, sentences: Sequence[str]) -> list[list[int]]:
        """The `ids` of each sentence, which is faster than one by one."""
        index = self.word_index
        batch: list[list[int]] = []
        for tokens in _tokens(sentences):
            found = list(map(index.get, tokens, repeat(UNKNOWN)))
            batch.append(self._closer(tokens, found) if UNKNOWN in found else found)
        return batch

    def _closer(self, tokens: list[str], found: list[int]) -> list[int]:
        """The ids of tokens of which some are not held as they stand."""
        get = self.word_index.get
        closer: list[int] = []
        done = 0
        at = -1
        for _ in range(found.count(UNKNOWN)):
            at = found.index(UNKNOWN, at + 1)
            if at < done:
                continue
            closer += found[done:at]
            done = at + 1
            token = tokens[at]
            ids = None if plain(token) else self._stands_for(token)
            if ids and ids != [UNKNOWN]:
                closer += ids
            elif done < len(tokens) and (whole := get(token + tokens[done], UNKNOWN)):
                closer.append(whole)
                done += 1
            elif at and found[at - 1] and (whole := get(tokens[at - 1] + token, UNKNOWN)):
                closer[-1] = whole
            else:
                closer.append(UNKNOWN)
        closer += found[done:]
        return closer

    def _stands_for(self, token: str) -> list[int]:
        """The ids of a token that is neither held as it stands nor plain, at least one."""
        index = self.word_index
        if token.isdecimal():
            return [index.get(_number(token), UNKNOWN)]
        parts = [token] if token.isalpha() else _parts(token)
        if "’" in token and parts[0] not in index:
            return [index.get(piece, UNKNOWN) for piece in pieces(parts[0], index) or parts[0]]
        known = [index.get(part, UNKNOWN) for part in parts]
        if known == [UNKNOWN] or len(known) > 1:
            for reading in readings(token[:LONGEST_WORD]):
                if reading in index:
                    return [index[reading]]
        return known

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
