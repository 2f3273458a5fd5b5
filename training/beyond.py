"""What more than one training says of an artefact's recipe, for its report and its card.

seeds, leave-out, folds --told--> report["beyond"][command] --sections--> tables of the card
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from training import columns, tables
from training.rows import Row

_TEXTS: Final = {
    "seeds": "How much of a figure is chance: the mean over trainings that differ in their seed alone, the standard\n"
    "deviation of one from another, and the lowest and the highest of them.",
    "leave-out": "What the recipe makes of a set that it has never seen: each is left out of a training once, and "
    "scored\nwhole, beside others that learnt from the same documents. ROC AUC, the 95 % interval of the difference\n"
    "(a paired bootstrap), and the recall at 0.5 % false positives where there are 2,000 negatives to tell.",
    "folds": "Cross-validation: every text is scored by a training that has not seen it, all folds are counted\n"
    "together, and the cut is chosen in each fold on its own validation: the most accurate one, or one for a stated\n"
    "rate of false positives.",
}


def told(report: Mapping[str, Any], name: str, command: str, shown: Mapping[str, str], rows: Sequence[Row]) -> Row:
    """The report with what a command found, in place of what it found before."""
    found = {"command": command, "columns": [list(column) for column in shown.items()], "rows": list(rows)}
    return {**report, "beyond": report.get("beyond", {}) | {name: found}}


def sections(report: Mapping[str, Any]) -> Iterator[str | list[str]]:
    """A head, and of each command that was asked what it is, its table and its line; nothing where none was."""
    found = report.get("beyond", {})
    if known := [name for name in _TEXTS if name in found]:
        yield "## Beyond one training"
        for name in known:
            shown, rows = dict(found[name]["columns"]), found[name]["rows"]
            first, *rest = (column for column in shown if any(column in row for row in rows))
            cells = ((columns.cell(shown, first, row), [columns.cell(shown, c, row) for c in rest]) for row in rows)
            yield _TEXTS[name]
            yield tables.table(first, rest, cells)
            yield f"    {found[name]['command']}"


def unasked(report: Mapping[str, Any]) -> list[str]:
    """The commands that would say more."""
    return [name for name in _TEXTS if name not in report.get("beyond", {})]
