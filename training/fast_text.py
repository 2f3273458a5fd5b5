"""fastText (Joulin et al., EACL 2017): the mean of embeddings of words and hashed pairs, and a linear layer.

texts --words, shuffled--> a file of lines --train_supervised, the best of RATES on validation--> Scores
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import fasttext
import numpy as np

from models.vocabulary import words
from training.documents import Document
from training.earliness import accuracy
from training.score import Floats, Scores

NAME: Final = "fastText, uni- and bigrams"
RATES: Final = (0.25, 0.5, 1.0)
"""Learning rates that are tried. The width, 10, is the paper's; its sets are larger, so it has lower rates and half
the epochs."""
_LABEL: Final = "__label__"


def learn(train: Sequence[Document], validation: Sequence[Document]) -> Callable[[Sequence[Document]], Scores]:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "train.txt"
        # Plain stochastic gradient descent, in the order of the file.
        order = np.random.default_rng(0).permutation(len(train))
        path.write_text("".join(f"{_LABEL}{train[i].label} {_line(train[i])}\n" for i in order), "utf-8")
        models = [model for rate in RATES if (model := _train(path, rate))]
    classes = 1 + max(document.label for document in train)
    wanted = np.array([document.label for document in validation])
    best = max(models, key=lambda model: accuracy(wanted, _probabilities(model, validation, classes)))
    return lambda documents: Scores.whole(documents, _probabilities(best, documents, classes))


def _train(path: Path, rate: float) -> Any:
    """None where the rate is too high for such texts."""
    try:
        # One thread: with more, the result is another each time.
        return fasttext.train_supervised(
            str(path), lr=rate, dim=10, epoch=10, wordNgrams=2, bucket=1_000_000, thread=1, seed=1, verbose=0
        )
    except RuntimeError as error:
        if "NaN" in str(error) and rate > min(RATES):
            return None
        raise


def _probabilities(model: Any, documents: Sequence[Document], classes: int) -> Floats:
    """`[N, K]`; fastText gives each text's labels, the most probable first."""
    found = np.full((len(documents), classes), 1e-9)
    labels, values = model.predict([_line(document) for document in documents], k=classes)
    for row, names, of in zip(found, labels, values, strict=True):
        row[[int(name.removeprefix(_LABEL)) for name in names]] = of
    return np.asarray(found / found.sum(axis=1, keepdims=True))


def _line(document: Document) -> str:
    return " ".join(words(document.text))
