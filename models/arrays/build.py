"""A network from an artefact's weights and sizes, where its family is one that NumPy has here.

family, sizes, weights --build--> Network, or None: torch has it then, or says what is wrong with it
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final

from numpy.typing import NDArray

from models.arrays.inception import KERNELS, Inception
from models.arrays.mean import Mean, Summed
from models.arrays.network import Linear, Network
from models.arrays.recurrent import (
    Cell,
    Connection,
    GRUCell,
    Highway,
    LSTMCell,
    Recurrent,
    SimpleRNNCell,
    plain,
    residual,
)
from models.arrays.tokens import Floats, Tokens, per
from models.arrays.weights import UnfitError, Weights
from models.arrays.wide import Wide

OF_TRAINING: Final = {"dropout", "word_dropout", "recurrent_dropout"}
"""Sizes that say how a model is trained, and nothing of the one that is served."""


def build(
    family: str, *, words: int, classes: int, sizes: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]
) -> Network | None:
    """The network; None where the family, a size or an array is not as it is known here."""
    weights = Weights(arrays)
    try:
        network = _wide(family, weights, words, classes, {k: v for k, v in sizes.items() if k not in OF_TRAINING})
        weights.close()
    except (UnfitError, KeyError, TypeError):
        return None
    return network


def _wide(family: str, weights: Weights, words: int, classes: int, sizes: dict[str, Any]) -> Network:
    make = FAMILIES[family]
    if not sizes.pop("wide", False):
        return make(weights, words, classes, **sizes)
    pairs = sizes.pop("wide_pairs", sizes.get("pairs", 0))
    if family not in READING_PAIRS:
        sizes.pop("pairs", None)
    inner = make(weights.within("inner"), words, classes, **sizes)
    return Wide(inner, weights.take("table.weight", 1 + words + pairs, 1), words)


def conv1d(
    weights: Weights, words: int, classes: int, *, branches: str = "inception", embedding: int = 64, filters: int = 50
) -> Network:
    if branches != "inception":
        raise UnfitError(branches)
    width = len(KERNELS) * filters
    encoder = _inception(weights.within("encoder"), words, embedding, filters)
    return Mean(encoder, width, _linear(weights.within("linear"), classes, width))


def pooled(weights: Weights, words: int, classes: int, *, embedding: int = 30, dense: int = 20) -> Network:
    return Mean(
        Summed(weights.take("encoder.embedding.weight", 1 + words, embedding)),
        embedding,
        _linear(weights.within("linear"), classes, dense),
        _linear(weights.within("dense"), dense, embedding),
    )


def recurrent(
    kind: type[Cell],
    weights: Weights,
    words: int,
    classes: int,
    *,
    encoder: str = "pooled",
    pairs: int = 0,
    embedding: int = 64,
    hidden: int = 128,
    layers: int = 1,
    connection: str = "plain",
    layer_norm: int = 0,
    length: float = 0.0,
) -> Network:
    width = len(KERNELS) * embedding if encoder == "inception" else embedding
    widths = [width] + [hidden] * layers
    return Recurrent(
        ENCODERS[encoder](weights.within("encoder"), words, pairs, embedding),
        [kind(weights.within(f"cells.{i}"), widths[i], hidden, layer_norm=bool(layer_norm)) for i in range(layers)],
        [CONNECTIONS[connection](weights.within(f"connections.{i}"), hidden) for i in range(layers - 1)],
        _linear(weights.within("linear"), classes, hidden),
        length,
    )


def _linear(weights: Weights, outputs: int, inputs: int) -> Linear:
    return Linear(weights.take("weight", outputs, inputs), weights.take("bias", outputs))


def _inception(weights: Weights, words: int, embedding: int, filters: int) -> Inception:
    table = weights.take("embedding.weight", 1 + words, embedding)
    branches = [weights.within(f"convolutions.{i}") for i in range(len(KERNELS))]
    kernels = [of.take("weight", filters, embedding, k) for of, k in zip(branches, KERNELS, strict=True)]
    return Inception(table, kernels, [of.take("bias", filters) for of in branches])


def _bow(weights: Weights, words: int, pairs: int, embedding: int) -> Callable[[Tokens], Floats]:
    table = weights.take("embedding.weight", 1 + words + pairs, embedding)
    return lambda tokens: tokens.grams(words, pairs).sums(table)


def _pooled(weights: Weights, words: int, pairs: int, embedding: int) -> Callable[[Tokens], Floats]:
    summed = _bow(weights, words, pairs, embedding)
    return lambda tokens: per(summed(tokens), tokens.grams(words, pairs).counts)


def _mean_inception(weights: Weights, words: int, pairs: int, embedding: int) -> Callable[[Tokens], Floats]:
    if pairs:
        raise UnfitError("pairs")
    inception = _inception(weights, words, embedding, embedding)
    return lambda tokens: per(inception.sums(tokens), tokens.lengths)


ENCODERS: Final = {"bow": _bow, "pooled": _pooled, "inception": _mean_inception}
CONNECTIONS: Final[dict[str, Callable[[Weights, int], Connection]]] = {
    "plain": lambda *_: plain,
    "residual": lambda *_: residual,
    "highway": Highway,
}
FAMILIES: Final[dict[str, Callable[..., Network]]] = {
    "rnn": partial(recurrent, SimpleRNNCell),
    "lstm": partial(recurrent, LSTMCell),
    "gru": partial(recurrent, GRUCell),
    "conv1d": conv1d,
    "pooled": pooled,
}
READING_PAIRS: Final = {"rnn", "lstm", "gru"}
