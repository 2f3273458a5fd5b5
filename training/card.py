"""The page that stands beside the weights, for people.

report.json --card--> CARD.md: figures, earliness, calibration, thresholds, data, limits, how to make it again
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from models.artefact import CARD
from training import beyond, bogofilter, command, picture, tables
from training.baselines import STREAMING
from training.datasets import SETS
from training.metrics import ENOUGH
from training.notes import KINDS, LIMITS, MINILM, NOTES
from training.recipe import TRANSFORMER, Recipe, from_dict
from training.splits import REPEATS

EARLINESS, RELIABILITY = "earliness.png", "reliability.png"


def write(report: dict[str, Any], folder: Path) -> None:
    """The page and its pictures, from the report alone: no number in them comes from anywhere else."""
    tests = {name: entry for name, entry in tables.scored(report) if not name.endswith(REPEATS)}
    rows = {name: entry["earliness"] for name, entry in tests.items()}
    rows |= {f"{name}, {by}": entry["earliness"] for by, name, entry in tables.streaming(report) if name in tests}
    picture.earliness(rows, folder / EARLINESS)
    picture.reliability({name: entry["calibration_error"] for name, entry in tests.items()}, folder / RELIABILITY)
    (folder / CARD).write_text(page(report), "utf-8")


def page(report: dict[str, Any]) -> str:
    recipe = from_dict(report["recipe"])
    sections = [
        f"# {report['task']}-{report['family']}\n\n{_summary(report)}",
        "## Figures\n\n"
        "After the last sentence of each document, which is read whole. The weights and what they are calibrated by\n"
        f"come from training and validation{_learnt(recipe)} {_beside(report)}",
        tables.figures(report),
        *tables.not_english(report),
        "## While it is read\n\n"
        "Accuracy after the first sentences (of a shorter document: after its last), and after a share of them; what\n"
        "is missing to 100 % is the error rate.",
        tables.earliness(report),
        f"![Error rate against what was read]({EARLINESS})",
        "Reading may stop as soon as a label's probability leaves a stated error; what does not get there is read to\n"
        "its end. How many documents were decided early, and how many of these wrongly; the sentences read of each,\n"
        "the mean share left unread, the accuracy of all, and the harmonic mean of the last two (Schäfer and Leser\n"
        "2020).",
        tables.stop(report),
        *tables.erde(report),
        "## Is a probability what it says\n\n"
        "Expected calibration error, 15 bins of equal mass, over the documents that have so many sentences (how\n"
        f"many). Where these are fewer than {ENOUGH:,} it is less what chance adds to it, and has a 95 % interval,\n"
        "by a grid bootstrap (Hansen 1999): with few documents a model without a fault has an error, too.",
        tables.calibration(report),
        f"![Reliability diagrams]({RELIABILITY})",
        *tables.thresholds(report),
        *tables.rewritten(report),
        *beyond.sections(report),
        "## Data\n\n" + "\n".join(f"- **{name}**: {note}." for name, note in _sources(recipe).items()),
        tables.table(
            "file", ("rows", "sha256"), ((n, (f"{e['rows']:,}", e["sha256"])) for n, e in report["data"].items())
        ),
        tables.table(
            "split",
            ("documents", *report["labels"]),
            ((name, _counts(of, report["labels"])) for name, of in report["splits"].items()),
        ),
        "No text (its letters and digits) stands in two of training, validation and tests. " + _bound(recipe),
        "## Limits\n\n" + _limits(report, recipe),
        "## Again\n\n" + _again(report, recipe),
    ]
    return "\n\n".join(section if isinstance(section, str) else "\n".join(section) for section in sections) + "\n"


def _beside(report: dict[str, Any]) -> str:
    """What the figures of the others are not."""
    scores = [name for name in (STREAMING, bogofilter.NAME) if report["baselines"].get(name)]
    if not scores:
        return "They read a whole text at once."
    have = "has a score, not a probability, so its" if len(scores) == 1 else "have scores, not probabilities, so their"
    return f"All but {STREAMING} read a whole text at once; {' and '.join(scores)}\n{have} log loss says little."


def _learnt(recipe: Recipe) -> str:
    """What the weights come from beside the documents with labels, and what those of others do."""
    tells = "how often earlier versions met these tests, training/LOG.md tells.\nThe others learnt from"
    if not recipe.teacher:
        return f" alone; {tells} the same documents."
    without = " and ".join(f"{name}/{file}" for name in recipe.sets for file in SETS[name].unlabelled)
    begins = f";\na teacher begins with {', '.join(MINILM)}, see Data" if TRANSFORMER in recipe.teacher else ""
    believed = f", and from what teachers believe of texts without labels ({without}){begins}"
    return f"{believed};\n{tells} training and validation alone."


def _sources(recipe: Recipe) -> dict[str, str]:
    names = [*(recipe.sets or [recipe.file]), *recipe.others]
    return {name: NOTES.get(name, "no note") for name in names} | (MINILM if TRANSFORMER in recipe.teacher else {})


def _limits(report: dict[str, Any], recipe: Recipe) -> str:
    """What is known of the public sets; of a file of one's own that is nothing, whatever its task is called."""
    if not recipe.sets:
        return "What was not in the data is not known."
    kinds = "; ".join(KINDS[name] for name in recipe.sets)
    if recipe.others:
        kinds += f"; and, as {recipe.labels[0]}, from passages of {'; '.join(KINDS[name] for name in recipe.others)}"
    put_on = (
        "the sentences in some twenty of them that are among the pieces of mail put around texts of any label "
        "(training/pieces.toml), and "
    )
    return _refused(report) + (
        f"English, and learnt from {kinds}. Other kinds of text and newer tricks are not in the data; of other "
        f"languages there are {put_on if recipe.dress else 'only '}the few texts that strayed into these sets. "
        f"{LIMITS.get(report['task'], '')}".rstrip()
    )


def _refused(report: dict[str, Any]) -> str:
    found = ", ".join(f"{share:.1%} of {name}" for name, share in report.get("refused", {}).items())
    return f"Texts longer than it has room for are refused and are in no figure here: {found}. " if found else ""


def _summary(report: dict[str, Any]) -> str:
    sizes, labels = report["sizes"], report["labels"]
    of = f"of\n*{labels[-1]}*" if len(labels) == 2 else "of\neach"
    return (
        f"Scores {report['task']} ({' or '.join(labels)}) while a text is read: a calibrated probability {of}"
        f" after every sentence. {sizes['parameters']:,} parameters, {sizes['words']:,} words, "
        f"{sizes['state_bytes']:,} bytes of state,\n{sizes['bytes']:,} bytes on disk. Digest `{report['digest']}`."
    )


def _bound(recipe: Recipe) -> str:
    most = recipe.most_sentences
    if not most:
        return "Every sentence was learnt from."
    return (
        f"Of a document with more than {most} sentences\nthe first and the last {most // 2} were learnt from; "
        "validation and tests read all of them."
    )


def _counts(entry: dict[str, Any], labels: Sequence[str]) -> list[str]:
    return [f"{count:,}" for count in (entry["documents"], *(entry["labels"][label] for label in labels))]


def _again(report: dict[str, Any], recipe: Recipe) -> str:
    wants = (
        "Its transformer wants `pip install -r requirements-models.txt` before, which `make models` does by itself.\n\n"
        if TRANSFORMER in recipe.teacher
        else ""
    )
    taught = "".join(
        f"It was taught by `{folder}` with the digest `{digest}`, which has to be there first.\n\n"
        for folder, digest in report.get("teachers", {}).items()
    )
    fetched = " ".join(name for name in (*recipe.sets, *recipe.others) if SETS[name].home is None)
    data = f"Its data `python -m training data {fetched} --download --data-dir DIR` fetches.\n\n" if fetched else ""
    epochs = len(report["learning_curve"])
    return (
        f"{command.again(recipe)}\n\n{data}{wants}{taught}{_cost(report, recipe)}"
        f"Seed {report['seed']}; the best of {epochs} epochs by the running accuracy on validation. Made with "
        + ", ".join(f"{package} {number}" for package, number in report["versions"].items())
        + f".\n\n![Learning curve](learning_curve.png){_unasked(report)}"
    )


def _unasked(report: dict[str, Any]) -> str:
    names = beyond.unasked(report)
    if not names:
        return ""
    commands = ", ".join(f"`python -m training {name} --card`" for name in names)
    return f"\n\nHow much of a figure is chance, and what becomes of texts of another kind: {commands} put it here."


def _cost(report: dict[str, Any], recipe: Recipe) -> str:
    if not (spent := report.get("spent")):
        return ""
    taught = TRANSFORMER in recipe.teacher
    beside = "; the seconds are without those that the transformer took to learn and to read" if taught else ""
    return (
        f"It took {spent['cpu_seconds']:,.0f} s of processor time, {spent['wall_seconds']:,.0f} s by the clock, "
        f"and at most {spent['peak_mb']:,.0f} MB of memory{beside}.\n\n"
    )
