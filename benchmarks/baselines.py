"""What row 4 is held against: fastText and scikit-learn, which learn from the same documents.

documents --fast_text, tf_idf--> texts -> the probability of the last label of each
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from tempfile import NamedTemporaryFile
from typing import Any, Final

import fasttext
import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from benchmarks.workers import Work
from training.documents import Document

_TOKEN: Final = re.compile(r"[^\W_]+(?:['’][^\W_]+)*|[!?]")


def fast_text(train: Sequence[Document]) -> Work:
    """fastText as its tutorial has it: pairs, lower case, marks apart."""

    def line(text: str) -> str:
        return " ".join(_TOKEN.findall(text.lower()))

    order = np.random.default_rng(0).permutation(len(train))
    with NamedTemporaryFile("w", suffix=".txt") as file:
        file.writelines(f"__label__{train[i].label} {line(train[i].text)}\n" for i in order)
        file.flush()
        model: Any = fasttext.train_supervised(file.name, lr=0.5, wordNgrams=2, thread=1, seed=1, verbose=0)

    def work(texts: Sequence[str]) -> list[float]:
        labels, values = model.predict([line(text) for text in texts])
        return [float(p[0]) if of[0].endswith("1") else 1 - float(p[0]) for of, p in zip(labels, values, strict=True)]

    return work


def tf_idf(train: Sequence[Document]) -> Work:
    """scikit-learn's tf-idf of words and pairs, and logistic regression."""
    model = make_pipeline(
        TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True),
        LogisticRegression(C=10.0, solver="liblinear", random_state=0),
    )
    model.fit([document.text for document in train], [document.label for document in train])
    return lambda texts: np.asarray(model.predict_proba(texts)[:, 1]).tolist()
