"""Documents as other people might have laid them out: another stretch, other sentence ends, every epoch anew.

Example --stretch--> some of its sentences --ends--> the same words in fewer or more sentences
Example --dress--> the same with pieces around it (pieces.py)

A publisher's layout, the place of a subject, where a text begins and how long its sentences are say where a document
is from, and so, in the training sets, what it is. They do not in other people's mail. Nor do a list's footer, a reply's
header or tags of HTML: with the same ones on ham and on spam, nothing is to be learnt from them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from training.corpus import Example
from training.pieces import Piece, Pieces
from training.recipe import Recipe

JOINED: Final = 0.2
"""The share of a varied document's sentence ends that are taken away."""
CUT: Final = 0.1
"""The share of its sentences that are cut in two, at a word of chance."""
PLACES: Final = {"subject": 0.3, "before": 0.5, "after": 0.6, "between": 0.2}
"""How likely a dressed document has a piece in each place."""
SUBJECT: Final = 0.7
"""How likely a piece before the body follows the first sentence, as if that were a subject."""
MARKED: Final = 0.3
"""The share of its sentences that a piece between sentences then stands after."""


Sentence = tuple[NDArray[np.int32], int]
"""Its ids and its target."""


def augmented(
    data: Sequence[Example], recipe: Recipe, pieces: Pieces | None, chance: np.random.Generator
) -> list[Example]:
    """The documents as an epoch meets them, at the rates of the recipe."""
    if recipe.vary:
        data = [vary(e, recipe.vary, chance) for e in data]
    if pieces:
        data = [dress(e, pieces, recipe.dress, chance) for e in data]
    return list(data)


def vary(e: Example, rate: float, chance: np.random.Generator) -> Example:
    """At the `rate` given the document in another layout, else as it is. A sentence that is joined with the next has
    the next one's target, the two halves of one have its own."""
    if chance.random() >= rate:
        return e
    return _ends(_stretch(e, chance), chance)


def _stretch(e: Example, chance: np.random.Generator) -> Example:
    """From a sentence of chance, the earlier the likelier, to another; in one case of two all to the end."""
    sentences = len(e.lengths)
    first = int(sentences * chance.random() ** 2)
    last = sentences if chance.random() < 0.5 else first + 1 + int((sentences - first) * chance.random())
    starts = np.concatenate([[0], np.cumsum(e.lengths)])
    ids = e.ids[starts[first] : starts[last]]
    return e._replace(ids=ids, lengths=e.lengths[first:last], targets=e.targets[first:last])


def _ends(e: Example, chance: np.random.Generator) -> Example:
    ends = np.cumsum(e.lengths)
    stay = chance.random(len(ends)) >= JOINED
    stay[-1] = True
    halved = np.flatnonzero((e.lengths > 1) & (chance.random(len(ends)) < CUT))
    cuts = ends[halved] - chance.integers(1, e.lengths[halved])
    places = np.concatenate([ends[stay], cuts])
    order = np.argsort(places, kind="stable")
    targets = np.concatenate([e.targets[stay], e.targets[halved]])[order]
    lengths = np.diff(places[order], prepend=0).astype(np.int32)
    return e._replace(lengths=lengths, targets=targets)


def dress(e: Example, pieces: Pieces, rate: float, chance: np.random.Generator) -> Example:
    """At the `rate` given a dressy document with pieces around it, whatever its label is. Their sentences have the
    targets of those that they stand beside."""
    if not e.dressy or chance.random() >= rate:
        return e
    put = {place: _drawn(getattr(pieces, place), chance) for place, odds in PLACES.items() if chance.random() < odds}
    body = list(zip(np.split(e.ids, np.cumsum(e.lengths)[:-1]), e.targets.tolist(), strict=True))
    if piece := put.get("between"):
        body = [s for one in body for s in (one, *(_beside(one, piece) if chance.random() < MARKED else ()))]
    (first, target), *rest = body
    if piece := put.get("subject"):
        first = np.concatenate([*piece, first]).astype(np.int32)
    above, below = _beside(body[0], put.get("before", [])), _beside(body[-1], put.get("after", []))
    # A mail has its subject first, another text none.
    head = [(first, target), *above] if chance.random() < SUBJECT else [*above, (first, target)]
    return _joined(e, [*head, *rest, *below])


def _drawn(pieces: list[Piece], chance: np.random.Generator) -> Piece:
    return pieces[int(chance.integers(len(pieces)))]


def _beside(sentence: Sentence, piece: Piece) -> list[Sentence]:
    """The sentences of a piece, with the target of the one given."""
    return [(np.array(ids, dtype=np.int32), sentence[1]) for ids in piece]


def _joined(e: Example, sentences: list[Sentence]) -> Example:
    lengths = np.array([len(ids) for ids, _ in sentences], dtype=np.int32)
    targets = np.array([target for _, target in sentences], dtype=e.targets.dtype)
    return e._replace(ids=np.concatenate([ids for ids, _ in sentences]), lengths=lengths, targets=targets)
