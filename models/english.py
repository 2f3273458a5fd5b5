"""Whether words read as English, by the commonest of them that other languages do not write alike.

Vocabulary --ids--> the ids of COMMON     words, unknown, common so far --foreign--> whether they are not English

Every language repeats a few dozen words, and English ones are known to every model of English. Three sums tell it,
so it costs the same however much was read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from models.vocabulary import Vocabulary

# Without those that are as common elsewhere: a, in, is, was, me, no, he, so, an, do, on, to, will, im, hi, want, go.
COMMON: Final = (
    "the and of you your this that with from have are not but they their them there these those what which who when "
    "how why if it it's its be by my our out up just only about would could should because some any more very get got "
    "know like one now don't i'm can't you're here into after before much she him his did does good well off please "
    "need make see time today back call think never always were been where then than all other even u ur dont cant "
    "thats didn't won't isn't doesn't i've i'll you'll we're that's yes going let's"
)
FEWEST: Final = 2
"""Unknown words from which on a text may be foreign."""
UNKNOWN: Final = 0.3
"""The share of its words that are then unknown, at least."""
FOR_EACH: Final = 3
"""Unknown words for each common one, at least."""


def ids(vocabulary: Vocabulary) -> frozenset[int] | None:
    """The ids of the common words; None where fewer than half of them are held, which then is no model of English."""
    common = COMMON.split()
    found = [vocabulary.word_index[word] for word in common if word in vocabulary.word_index]
    return frozenset(found) if 2 * len(found) >= len(common) else None


def foreign(words: int, unknown: int, common: int) -> bool:
    """Whether so many words, of which so many are `unknown` to the model and so many `common`, are not English.

    >>> foreign(20, 9, 1), foreign(20, 9, 3), foreign(20, 6, 0), foreign(2, 1, 0)
    (True, False, False, False)
    """
    return unknown >= FEWEST and unknown > UNKNOWN * words and unknown > FOR_EACH * common
