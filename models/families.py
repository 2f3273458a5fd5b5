"""The families by name, and a classifier from a name and sizes.

family, words, classes, [sizes] --check, build--> Classifier, with a linear path beside it where `wide` asks for one
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any, Final, Literal, get_args, get_origin, get_type_hints

import torch
from numpy.typing import NDArray

from models.bow import BagOfWords
from models.contract import Classifier
from models.conv1d import Conv1D
from models.flattened import FlattenedEmbedding
from models.forest import RandomForest
from models.pooled import PooledEmbedding
from models.recurrent import GRU, LSTM, SimpleRNN
from models.wide import Wide

FAMILIES: Final[dict[str, type[Classifier[Any]]]] = {
    "rnn": SimpleRNN,
    "lstm": LSTM,
    "gru": GRU,
    "conv1d": Conv1D,
    "pooled": PooledEmbedding,
    "flattened": FlattenedEmbedding,
    "bow": BagOfWords,
    "forest": RandomForest,
}


def build(family: str, *, words: int, classes: int, sizes: Mapping[str, Any]) -> Classifier[Any]:
    """A classifier with fresh weights; raises ValueError where the family has no such sizes.

    `sizes` are the keyword arguments of the family's class, less words and classes. Every family has `wide` too, which
    puts a linear path of words beside it where it is true. Its hashed word pairs are as many as `wide_pairs` says, else
    `pairs` (none without either): a weight is smaller than a vector, so there is room for more of them.
    """
    check(family, sizes)
    own = _own(family)
    inner = FAMILIES[family](
        words=words, classes=classes, **{name: value for name, value in sizes.items() if name in own}
    )
    if not sizes.get("wide"):
        return inner
    pairs = sizes.get("wide_pairs", sizes.get("pairs", 0))
    if classes != 2:
        raise ValueError(f"wide = true is for two classes, these are {classes}: leave it out")
    return Wide(inner, words=words, pairs=pairs)


def restore(
    family: str, *, words: int, classes: int, sizes: Mapping[str, Any], weights: Mapping[str, NDArray[Any]]
) -> Classifier[Any]:
    """A classifier with these weights, in eval mode; raises ValueError where they are not what it asks for."""
    if family not in FAMILIES:
        raise ValueError(f"it is of family {family!r}, known are {', '.join(FAMILIES)}")
    classifier = build(family, words=words, classes=classes, sizes=sizes)
    for name, wanted in classifier.state_dict().items():
        got = weights.get(name)
        if got is None or got.shape != wanted.shape:
            raise ValueError(
                f"the weights hold {name} as {'nothing' if got is None else list(got.shape)}, a vocabulary of "
                f"{words:,} words and the config ask for {list(wanted.shape)}"
            )
    if unknown := weights.keys() - classifier.state_dict().keys():
        raise ValueError(f"the weights hold {sorted(unknown)}, which a {family} does not have")
    classifier.load_state_dict({name: torch.from_numpy(array) for name, array in weights.items()})
    return classifier.eval().requires_grad_(False)


def check(family: str, sizes: Mapping[str, Any]) -> None:
    """Raises ValueError at the first size that the family does not have, or not as this type."""
    types = size_types(family, wide=bool(sizes.get("wide")))
    for name, value in sizes.items():
        if name not in types:
            raise ValueError(f"a {family} has no size {name!r}, it has {', '.join(sorted(types))}")
        wanted = types[name]
        if get_origin(wanted) is Literal:
            good = any(value == choice and type(value) is type(choice) for choice in get_args(wanted))
            asked = f"one of {', '.join(map(repr, get_args(wanted)))}"
        else:
            good = type(value) in ((int, float) if wanted is float else (wanted,))
            asked = f"of type {wanted.__name__}"
        if not good:
            raise ValueError(f"{name} = {value!r}, wanted {asked}")


def size_types(family: str, *, wide: bool) -> dict[str, Any]:
    """The sizes that a family has, and their types; with a wide path every family has `pairs` and `wide_pairs`."""
    return _own(family) | {"wide": bool} | ({"pairs": int, "wide_pairs": int} if wide else {})


def _own(family: str) -> dict[str, Any]:
    names = inspect.signature(FAMILIES[family].__init__).parameters
    hints = get_type_hints(FAMILIES[family].__init__)
    return {name: hints[name] for name in names if name not in ("self", "words", "classes")}
