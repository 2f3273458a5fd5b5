"""Fits the linear path beside a trained classifier: what every word and pair adds to the log-odds, whenever it comes.

examples --matrix--> counts / √(n + 15) [N, V] --(times a weight per row)--> logistic regression --share--> Wide.table

What a document's words and pairs count is what the path that serves adds up, so it learns from that.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.sparse import csr_matrix  # type: ignore[import-untyped]
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss, roc_auc_score

from models.arrays.wide import FEW, SLOTS
from models.contract import Classifier, Tokens
from models.encoders import hashed_pairs
from models.vocabulary import UNKNOWN
from models.wide import Wide
from training.baselines import log_count_ratios
from training.corpus import Example, batch, classes
from training.loop import forward

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
STRENGTHS: Final = {"ratios": (30.0, 100.0), "idf": (1.0, 5.0)}
"""Inverse strengths of the regularisation that are tried with the weights of a kind."""
PAIRS: Final = 0.5
"""The weight of pairs beside words with `idf`, so that less is laid to them: they are more a corpus's own."""
STEADY: Final = 1.0
"""That of the two weights that mix, so that they stay finite where validation is told apart without a fault."""
LEAST: Final = 0.05
"""The least weight of the inner classifier, in its own standard deviations: it has a say, however little it adds."""


Tried = dict[str, dict[float, Floats]]
"""Per kind and strength what each row of the table adds to the log-odds, `[V]`."""


def linear(model: Wide, train: Sequence[Example], kinds: Sequence[str] = ("ratios",)) -> Tried:
    """The regressions of every kind and strength, from whole documents. Two classes only.

    What a regression learns depends on the weights that its counts come with. `ratios` (log-count ratios, Wang and
    Manning 2012) trust what is rare and one-sided, which is best on texts like those of training; `idf` trusts less,
    which is better on corpora that were never seen. A set of which an epoch meets a part counts for as much here;
    none counts more than once, and what is only believed for as much as the belief leaves no doubt, 2p - 1.
    """
    seen, labels = matrix(model, train), classes(train)
    shares = np.array([min(e.often, 1.0) * (2 * max(e.beliefs, default=1.0) - 1) for e in train])
    tried: Tried = {}
    for kind in kinds:
        by = log_count_ratios(seen.sign(), labels) if kind == "ratios" else idf(seen, 1 + model.words)
        counts = seen.multiply(by).tocsr()
        tried[kind] = {strength: by * _learn(counts, labels, shares, strength) for strength in STRENGTHS[kind]}
    return tried


def fit(model: Wide, tried: Tried, validation: Sequence[Example]) -> dict[str, Any]:
    """Sets `model.table` to what of `tried` gives the lowest log loss at the end of the validation documents, beside
    the inner classifier, which is left as it is; and says what was found.

    How much of it is added is the ratio of the two weights of a logistic regression from (inner log-odds, linear
    log-odds) to the labels of validation. A common scale and a bias are left to the calibration.
    """
    model.eval()
    unseen, wanted = matrix(model, validation), classes(validation)
    inner = ends(model.inner, validation)
    weights, strengths = choose(tried, inner, unseen, wanted)
    share, loss = mix(inner, unseen @ weights, wanted)
    weights = share * weights
    model.table.weight.data.copy_(torch.from_numpy(weights)[:, None])
    area = float(roc_auc_score(wanted, inner + unseen @ weights))
    return {"validation_log_loss": loss, "validation_roc_auc": area, "strength": strengths, "share": share}


def choose(tried: Tried, inner: Floats, unseen: Any, labels: NDArray[np.int64]) -> tuple[Floats, dict[str, float]]:
    """The mean over the kinds of the weights `[V]` whose strength is best beside `inner [N]`; and the strengths."""
    strengths = {
        kind: min(of, key=lambda strength: mix(inner, unseen @ of[strength], labels)[1]) for kind, of in tried.items()
    }
    return np.mean([tried[kind][strength] for kind, strength in strengths.items()], axis=0), strengths


def idf(counts: Any, words: int) -> Floats:
    """ln(N / (1 + documents that hold the row)) of every row of `counts [N, V]`, `PAIRS` times that after the first
    `words` rows: `[V]`."""
    documents = np.asarray(counts.sign().sum(axis=0)).ravel()
    found = np.asarray(np.log(counts.shape[0] / (1 + documents)))
    found[words:] *= PAIRS
    return found


def _learn(counts: Any, labels: NDArray[np.int64], shares: Floats, strength: float) -> Floats:
    found = LogisticRegression(C=strength, solver="liblinear", random_state=0).fit(counts, labels, shares)
    return np.asarray(found.coef_[0])


def mix(inner: Floats, linear: Floats, labels: NDArray[np.int64]) -> tuple[float, float]:
    """What share of `linear [N]` to add to `inner [N]`, and the log loss on `labels [N]` once their sum is scaled."""
    size = np.array([np.std(inner) or 1.0, np.std(linear) or 1.0])
    both = np.stack([inner, linear], axis=1) / size
    regression = LogisticRegression(C=STEADY, random_state=0).fit(both, labels)
    of_inner, of_linear = np.maximum(regression.coef_[0], (LEAST, 0)) / size
    return float(of_linear / of_inner), float(log_loss(labels, regression.predict_proba(both)))


def matrix(model: Wide, data: Sequence[Example]) -> Any:
    """What each row of the table counts in each document: `[N, V]`, sparse."""
    columns, rows, values = [], [], []
    for row, e in enumerate(data):
        found, value = counted(model, e)
        columns.append(found)
        rows.append(np.full(len(found), row))
        values.append(value)
    places = (np.concatenate(rows), np.concatenate(columns))
    return csr_matrix((np.concatenate(values), places), shape=(len(data), model.table.num_embeddings))


def counted(model: Wide, example: Example) -> tuple[Ints, Floats]:
    """The rows `[R]` that count in a document, and how much each, as `Wide` does it."""
    tokens = Tokens(torch.from_numpy(example.ids.astype(np.int64)), torch.from_numpy(example.lengths.astype(np.int64)))
    ids, sentence = tokens.ids.numpy(), tokens.sentence.numpy()
    known = ids != UNKNOWN
    ids, sentence = ids[known], sentence[known]
    first = np.full(SLOTS, len(example.lengths))
    np.minimum.at(first, ids % SLOTS, sentence)
    ids = ids[first[ids % SLOTS] == sentence]
    number = np.bincount(ids % SLOTS, minlength=SLOTS)
    pairs = hashed_pairs(tokens, model.pairs)[0].numpy() + 1 + model.words if model.pairs else np.empty(0, np.int64)
    value = np.concatenate([1 / number[ids % SLOTS], np.ones(len(pairs))])
    return np.concatenate([ids, pairs]), value / np.sqrt(np.count_nonzero(number) + len(pairs) + FEW)


@torch.inference_mode()
def ends(model: Classifier[Any], data: Sequence[Example]) -> Floats:
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
