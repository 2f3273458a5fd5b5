"""Documents as other people might have laid them out: another stretch, other sentence ends, every epoch anew.

Example --stretch--> some of its sentences --ends--> the same words in fewer or more sentences

A publisher's layout, the place of a subject, where a text begins and how long its sentences are say where a document
is from, and so, in the training sets, what it is. They do not in other people's mail.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from training.corpus import Example

JOINED: Final = 0.2
"""The share of a varied document's sentence ends that are taken away."""
CUT: Final = 0.1
"""The share of its sentences that are cut in two, at a word of chance."""


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
    return Example(e.ids[starts[first] : starts[last]], e.lengths[first:last], e.targets[first:last])


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
    return Example(e.ids, lengths, targets)
