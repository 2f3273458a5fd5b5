"""Fits the linear path beside a trained classifier: what every word and pair adds to the log-odds, whenever it comes.

examples --grams--> counts [N, V] --(times log-count ratios)--> logistic regression --share--> Wide.table [V, 2]

A running sum streams, so the path learns from counts: a word that comes twice counts twice, first and last alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import torch
from scipy.sparse import csr_matrix  # type: ignore[import-untyped]
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from models.contract import Tokens
from models.encoders import grams
from models.vocabulary import UNKNOWN
from models.wide import Wide
from training.baselines import log_count_ratios
from training.corpus import Example, batch
from training.loop import forward

STRENGTHS: Final = (0.02, 0.1, 0.5)
"""Inverse strengths of the regularisation that are tried."""
SHARES: Final = (0.0, 0.25, 0.5, 0.75, 1.0)
"""Shares of the linear path in the sum that are tried, beside the whole of the inner one."""


def fit(model: Wide, train: Sequence[Example], validation: Sequence[Example]) -> dict[str, float]:
    """Sets `model.table` to what gives the best ROC AUC at the end of the validation documents, and says what
    that was. Two classes only. The inner classifier is left as it is."""
    model.eval()
    counts, unseen = matrix(model, train), matrix(model, validation)
    labels, wanted = (np.array([e.targets[-1] for e in side]) for side in (train, validation))
    ratios = log_count_ratios(counts.sign(), labels)
    inner = ends(model, validation)
    best: tuple[float, float, float] = (-1.0, 0.0, 0.0)
    weights = np.zeros(counts.shape[1])
    for strength in STRENGTHS:
        linear = LogisticRegression(C=strength, solver="liblinear", random_state=0)
        linear.fit(counts.multiply(ratios).tocsr(), labels)
        found = linear.coef_[0] * ratios
        for share in SHARES:
            area = float(roc_auc_score(wanted, inner + share * (unseen @ found)))
            if area > best[0]:
                best, weights = (area, strength, share), share * found
    # Half to either class: the difference of the two logits is what counts.
    table = torch.from_numpy(np.stack([-weights / 2, weights / 2], axis=1)).float()
    model.table.weight.data.copy_(table)
    return {"validation_roc_auc": best[0], "strength": best[1], "share": best[2]}


def matrix(model: Wide, data: Sequence[Example]) -> Any:
    """How often each row of the table stands in each document, `[N, V]`, sparse; unknown words not at all."""
    columns, rows = [], []
    for row, e in enumerate(data):
        tokens = Tokens(torch.from_numpy(e.ids.astype(np.int64)), torch.from_numpy(e.lengths.astype(np.int64)))
        ids = grams(tokens, model.words, model.pairs)[0].numpy()
        columns.append(ids[ids != UNKNOWN])
        rows.append(np.full(len(columns[-1]), row))
    places = (np.concatenate(rows), np.concatenate(columns))
    shape = (len(data), model.table.num_embeddings)
    return csr_matrix((np.ones(len(places[0])), places), shape=shape)


@torch.inference_mode()
def ends(model: Wide, data: Sequence[Example]) -> np.ndarray:
    """The difference of the two logits after each document's last sentence, `[N]`."""
    order = np.argsort([len(e.lengths) for e in data], kind="stable")
    odds = np.zeros(len(data))
    for start in range(0, len(data), 128):
        rows = order[start : start + 128]
        logits = forward(model, batch([data[i] for i in rows]))
        last = torch.tensor([len(data[i].lengths) - 1 for i in rows])
        final = logits[torch.arange(len(rows)), last]
        odds[rows] = (final[:, 1] - final[:, 0]).numpy()
    return odds
