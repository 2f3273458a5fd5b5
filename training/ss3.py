"""PySS3 (Burdisso et al. 2019), the incremental classifier that work on early risk compares with.

sentence --confidence of each class--> [K], added up over what was read --shares--> Scores, sentence by sentence
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
from pyss3 import SS3
from tqdm import tqdm

from training.corpus import sentences
from training.documents import Document
from training.score import Floats, Scores

NAME: Final = "PySS3"
NOTHING: Final = 1e-6
"""What a class begins with, so that a share is defined where no word says anything."""


def learn(train: Sequence[Document]) -> Callable[[Sequence[Document]], Scores]:
    """SS3 with the package's own settings; it has no probabilities, so a class's share of the confidence is taken."""
    model = SS3()
    model.train([d.text for d in train], [str(d.label) for d in train], leave_pbar=False)
    columns = [int(name) for name in model.get_categories()]

    def classify(documents: Sequence[Document]) -> Scores:
        cut = zip(documents, sentences(documents), strict=True)
        found = [_running(model, of, columns) for _, of in tqdm(cut, NAME, len(documents), mininterval=1)]
        return Scores(np.array([document.label for document in documents]), found)

    return classify


def _running(model: SS3, of: Sequence[str], columns: Sequence[int]) -> Floats:
    """`[1 + S, K]`: SS3 adds up the confidence vectors of sentences, so a prefix's is the sum of those read."""
    confidence = np.full((1 + len(of), len(columns)), 0.0)
    confidence[0] = NOTHING
    for row, sentence in zip(confidence[1:], of, strict=True):
        row[columns] = model.classify(sentence, sort=False)
    total = confidence.cumsum(axis=0)
    return np.asarray(total / total.sum(axis=1, keepdims=True))
