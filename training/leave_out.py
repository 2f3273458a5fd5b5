"""Leave one set out: what a recipe makes of a corpus that it has never seen, beside what a user would pick instead.

documents of all other sets --outcomes--> scores of the set left out, whole --paired bootstrap--> a row, CSV, picture
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from matplotlib.figure import Figure
from sklearn.metrics import roc_auc_score, roc_curve

from training import bogofilter, columns, fast_text, sources
from training.baselines import BAG, NB, baselines
from training.datasets import SETS
from training.documents import Document
from training.errors import RecipeError
from training.outcome import OURS, Hold, Outcome, outcomes, settled
from training.picture import save
from training.recipe import Recipe
from training.rows import Row
from training.score import Floats, Labels
from training.splits import RULES, Splits
from training.splits import leave_out as without

PAIRED: Final = "enron_spam"
"""Of this set a pair of mailboxes is left out too, with the other pair among what is learnt from."""
RATE: Final = 0.005
"""The false-positive rate at which recalls are compared, where there are `NEGATIVES` to tell it from."""
NEGATIVES: Final = 2000
DRAWS: Final = 1000
SHORT: Final = {
    OURS: "ours",
    BAG: "bag of words",
    NB: "NB-weighted",
    fast_text.NAME: "fastText",
    bogofilter.NAME: "bogofilter",
}
"""Who is compared, as the columns name them. PySS3 is left out: it goes through each text sentence by sentence, and so
takes very long where a set is scored whole."""
COLUMNS: Final = (
    {"left out": "{}", "documents": "{:,}", "negatives": "{:,}"}
    | {f"AUC {name}": "{:.4f}" for name in SHORT.values()}
    | {"ours less bag": "{:+.4f}", "95 % from": "{:+.4f}", "to": "{:+.4f}"}
    | {f"recall {name}": "{:.2%}" for name in SHORT.values()}
    | {"CPU seconds": "{:,.1f}"}
)


def leave_out(recipe: Recipe, data_dir: Path, folder: Path, device: torch.device, minutes: float = 0) -> Iterator[Row]:
    """A row for each set of the recipe, and for Enron's pair, where ours and the bag of words have scored it; of a
    learner that has not, or is not installed, it tells nothing.

    Recalls are at a false-positive rate of 0.5 %, which is chosen on the set itself, for all of them.
    """
    recipe = settled(recipe)
    if len(recipe.sets) < 2:
        raise RecipeError(f"sets = {list(recipe.sets)}, wanted two or more public ones: one is left out, others teach")
    data = sources.summaries(recipe, data_dir)
    learners = {name: learn for name, learn in baselines(recipe.labels).items() if name in SHORT}
    made = outcomes(holds(recipe, data_dir), learners, data, folder, device, minutes)
    for _, of in groupby(made, attrgetter("hold")):
        if {OURS, BAG} <= (found := {outcome.learner: outcome for outcome in of}).keys():
            yield row(list(found.values()))


def holds(recipe: Recipe, data_dir: Path) -> list[Hold]:
    """One per set of the recipe, which is learnt without it, and one for the pair of mailboxes that is a test."""
    documents = sources.documents(recipe, data_dir)
    cells = {name: ({d.group for d in documents if d.set == name}, _less(recipe, name)) for name in recipe.sets}
    if PAIRED in recipe.sets:
        parts = sorted(RULES[PAIRED].test_parts)
        cells["+".join(parts)] = ({f"{PAIRED}/{part}" for part in parts}, recipe)
    return [Hold(name, by, partial(_splits, by, documents, name, of, data_dir)) for name, (of, by) in cells.items()]


def _less(recipe: Recipe, name: str) -> Recipe:
    """The recipe without one of its sets, wherever that is named; without a teacher, where it has nothing to tell."""
    sets, calibrated, few = (
        tuple(of for of in field if of != name) for field in (recipe.sets, recipe.calibrated_on, recipe.few_writers)
    )
    repeat = {of: times for of, times in recipe.repeat.items() if of != name}
    teacher = recipe.teacher if any(SETS[of].unlabelled for of in sets) else ()
    return replace(recipe, sets=sets, calibrated_on=calibrated, few_writers=few, repeat=repeat, teacher=teacher)


def _splits(recipe: Recipe, documents: Sequence[Document], name: str, groups: set[str], data_dir: Path) -> Splits:
    return sources.complete(recipe, without(documents, name, groups), data_dir)


def row(found: Sequence[Outcome]) -> Row:
    """What the learners' scores of one test say, ours first."""
    name = found[0].hold
    scores = {SHORT[of.learner]: of.tests[name] for of in found}
    labels = found[0].tests[name].labels
    positive = {of: known.last[:, -1] for of, known in scores.items()}
    areas = {of: float(roc_auc_score(labels, p)) for of, p in positive.items()}
    low, high = difference(labels, positive[SHORT[OURS]], positive[SHORT[BAG]])
    negatives = int(np.count_nonzero(labels == 0))
    told: Row = {"left out": name, "documents": len(labels), "negatives": negatives}
    told |= {f"AUC {of}": area for of, area in areas.items()}
    told |= {"ours less bag": areas[SHORT[OURS]] - areas[SHORT[BAG]], "95 % from": low, "to": high}
    if negatives >= NEGATIVES:
        told |= {f"recall {of}": recall(labels, p) for of, p in positive.items()}
    return told | {"CPU seconds": sum(of.seconds for of in found)}


def recall(labels: Labels, positive: Floats) -> float:
    """The highest recall at a false-positive rate of at most `RATE`."""
    rates, recalls, _ = roc_curve(labels, positive, drop_intermediate=False)
    return float(recalls[rates <= RATE].max())


def difference(labels: Labels, ours: Floats, theirs: Floats) -> tuple[float, float]:
    """The 95 % interval of the difference of the two ROC AUC, by a bootstrap over documents, the same for both."""
    chance = np.random.default_rng(1)
    found: list[Any] = []
    while len(found) < DRAWS:
        drawn = chance.integers(0, len(labels), len(labels))
        if 0 < labels[drawn].sum() < len(drawn):
            one, other = (roc_auc_score(labels[drawn], of[drawn]) for of in (ours, theirs))
            found.append(one - other)
    low, high = np.quantile(found, (0.025, 0.975))
    return float(low), float(high)


def lines(rows: Sequence[Row]) -> Iterator[str]:
    few = f"{RATE:.1%} false positives where there are {NEGATIVES:,} negatives"
    yield f"ROC AUC on what none of them has seen; 95 % of a paired bootstrap; recall at {few}"
    shown = {name: form for name, form in COLUMNS.items() if any(name in row for row in rows)}
    yield from columns.lines(shown or COLUMNS, rows)


def write(rows: Sequence[Row], folder: Path) -> None:
    """All rows as leave-out.csv, and their areas as a picture."""
    columns.write(folder / "leave-out.csv", COLUMNS, rows)
    figure = Figure(figsize=(8, 0.4 * len(rows) + 1.2), layout="constrained")
    axes = figure.subplots()
    for name, marker in zip(SHORT.values(), "osD^v", strict=True):
        told = [(row[f"AUC {name}"], place) for place, row in enumerate(rows) if f"AUC {name}" in row]
        if told:
            axes.plot(*zip(*told, strict=True), marker, label=name, alpha=0.8)
    axes.set(yticks=range(len(rows)), yticklabels=[row["left out"] for row in rows])
    axes.set(xlabel="ROC AUC on what was left out")
    axes.margins(y=0.2)
    axes.grid(alpha=0.3)
    axes.invert_yaxis()
    axes.legend(fontsize=8)
    save(figure, folder / "leave-out.png")
