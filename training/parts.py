"""Parts of a text that nobody has labelled: a teacher says of each what it says of no whole.

document --cut between sentences--> halves, thirds, …

What a teacher believes of a whole review is no news about its first half, and fifty thousand reviews are soon learnt by
heart. Of its halves a teacher, who reads them by themselves, believes something else.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from models.sentences import split
from training.documents import Document, key


def parts(documents: Sequence[Document], most: int) -> list[Document]:
    """Each document in two parts, …, in `most` parts of whole sentences; never in more than it has of them."""
    return [part for number in range(2, most + 1) for document in documents for part in _cut(document, number)]


def _cut(document: Document, number: int) -> list[Document]:
    starts = [sentence.offset for sentence in split(document.text)]
    if len(starts) < number:
        return []
    ends = [starts[len(starts) * part // number] for part in range(number)] + [len(document.text)]
    cut = [document._replace(text=document.text[start:end]) for start, end in pairwise(ends)]
    return [part for part in cut if key(part.text)]
