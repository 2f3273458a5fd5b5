"""What the table of `make faults` calls lost is counted in steps."""

from __future__ import annotations

import math

from tests.faults.callers import acknowledged
from tests.faults.history import Answer, Operation


def test_what_was_acknowledged_is_counted_in_steps() -> None:
    scored = Operation(("a", "b"), None, 0, 1, Answer("scored", 2, 0.5, created=True))
    replayed = Operation(("a", "b"), 0, 2, 3, Answer("replayed", 2, 0.5))
    unanswered = Operation(("c",), None, 4, math.inf)
    more = Operation(("d",), 2, 5, 6, Answer("scored", 3, 0.5))
    assert acknowledged([scored, replayed, unanswered, more]) == 3
    assert acknowledged([Operation((), None, 0, 1, Answer("held", 1, 0.5))]) == 1
