"""A report as the tables of its card, each a list of lines of Markdown.

report.json --figures, not_english, earliness, stop, erde, calibration, thresholds, rewritten--> tables
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from training.baselines import STREAMING
from training.disguises import WORDS
from training.foreign import APART
from training.picture import in_order
from training.rewriting import MOST, Counts, decisive, rows

Section = str | list[str]


def scored(report: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    return [*report["test"].items(), ("validation", report["validation"])]


def streaming(report: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """(baseline, test, figures) of the baseline that has a score after every sentence."""
    tests = report["baselines"].get(STREAMING) or {}
    yield from ((STREAMING, name, entry) for name, entry in tests.items())


def figures(report: dict[str, Any]) -> list[str]:
    lines = [
        "| scored on | by | documents | accuracy | ROC AUC | log loss | false positives | recall |",
        "|---|---|---:|---:|---:|---:|---:|---:|",
    ]
    for name, entry in scored(report):
        rows = {"**this model**": entry}
        rows |= {by: tests and tests[name] for by, tests in report["baselines"].items() if name != "validation"}
        for by, row in rows.items():
            if row is None:
                lines.append(f"| {name} | {by} | | not installed | | | | |")
                continue
            cells = [_percent(row["accuracy"]), _number(row["roc_auc"]), _number(row["log_loss"])]
            cells += [_percent(row.get("false_positive_rate")), _percent(row.get("recall"))]
            lines.append(f"| {name} | {by} | {entry['documents']:,} | {' | '.join(cells)} |")
    return lines


def not_english(report: dict[str, Any]) -> list[Section]:
    """A paragraph and a table, where any test document is not English."""
    found = report.get("not_english")
    if not found:
        return []
    text = (
        "Of these the documents that are not English, by the rule that warns callers (`not_english`): another\n"
        "language, or words that were thrown together."
    )
    heads = ("documents", report["labels"][-1], "accuracy", "log loss", "false positives", "recall")
    rows = []
    for name, entry in found.items():
        cells = [f"{entry['documents']:,}", f"{entry['positives']:,}", _percent(entry["accuracy"])]
        cells += [_number(entry["log_loss"]), _percent(entry.get("false_positive_rate")), _percent(entry.get("recall"))]
        rows.append((name + APART, cells))
    return [text, table("scored on", heads, rows)]


def earliness(report: dict[str, Any]) -> list[str]:
    first = report["validation"]["earliness"]
    heads = [(kind, read) for kind in ("sentences", "share") for read in in_order(first[kind])]
    rows = ((name, [_percent(e[kind][read]) for kind, read in heads]) for name, e in _early(report))
    return table("sentences read", [read for _, read in heads], rows)


def stop(report: dict[str, Any]) -> list[str]:
    lines = [
        "| scored on | stated error | decided early | of these wrong | sentences | unread | accuracy | harmonic mean |",
        "|---|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for name, found in _early(report):
        for error in reversed(in_order(found["stop"])):
            at = found["stop"][error]
            cells = [error, _percent(at["early"]), _percent(at["early_error"]), f"{at['sentences']:.1f}"]
            cells += [_percent(at["unread"]), _percent(at["accuracy"]), f"{at['harmonic_mean']:.3f}"]
            lines.append(f"| {name} | {' | '.join(cells)} |")
    return lines


def erde(report: dict[str, Any]) -> list[Section]:
    """A paragraph and a table, where there are two classes."""
    rows = [(name, found["erde"]) for name, found in _early(report) if "erde" in found]
    if not rows:
        return []
    text = (
        "Early risk detection error over sentences (Losada and Crestani 2016), in percent, for a stated error of\n"
        "5 %: a positive that is found long after the delay costs as much as one that is missed. Lower is better."
    )
    heads = in_order(rows[0][1])
    cells = ((name, [f"{100 * found[delay]:.2f}" for delay in heads]) for name, found in rows)
    return [text, table("delay, sentences", [f"ERDE-{delay}" for delay in heads], cells)]


def calibration(report: dict[str, Any]) -> list[str]:
    heads = in_order({read for _, entry in scored(report) for read in entry["calibration_error"]})
    rows = [(name, [_cell(entry["calibration_error"].get(head)) for head in heads]) for name, entry in scored(report)]
    return table("sentences read", heads, rows)


def thresholds(report: dict[str, Any]) -> list[Section]:
    """A section, where there are two classes."""
    head = (
        "## Thresholds\n\n"
        "For at most so many false positives on validation; and what they come to: false positive rate (between what\n"
        "the truth lies, 95 %, Clopper and Pearson 1934, as far as so many negatives tell) / recall. They were chosen\n"
        "on validation, so what they are worth stands in the rows of the tests."
    )
    return [head, _thresholds_table(report)] if report["validation"]["thresholds"] else []


def rewritten(report: dict[str, Any]) -> list[Section]:
    """Two sections, where documents were rewritten; one where there is mail of none of the sets that have tells."""
    found = report.get("rewritten")
    if not found:
        return []
    of = f"of at most {MOST:,} documents of a label in the tests, at probability {found['threshold']}"
    disguises = (
        "## Disguised\n\n"
        f"What is called spam {of}, as it is, and with {WORDS:.0%}\n"
        "of its words of four letters and more disguised by rules (training/disguises.py); and how many verdicts\n"
        "turn. Of spam that is the recall, of ham the false positives: people write with accents and blanks, too."
    )
    tells = (
        "## Tells\n\n"
        f"The same {of}, for what tells the corpus that a mail\n"
        "is from and not what it is (training/tells.py): put on mail of the other label, or taken off. No verdict\n"
        f"should turn. {_decide(found['tells'])}"
    )
    of_tells: list[Section] = [tells, _rewritten_table(found["tells"])] if any(found["tells"].values()) else []
    return [disguises, _rewritten_table(found["disguises"]), *of_tells]


def table(corner: str, heads: Sequence[str], rows: Iterable[tuple[str, Sequence[str]]]) -> list[str]:
    lines = [f"| {corner} | {' | '.join(heads)} |", f"|---|{'---:|' * len(heads)}"]
    return lines + [f"| {name} | {' | '.join(cells)} |" for name, cells in rows]


def _decide(tells: Counts) -> str:
    found = decisive(tells)
    return "More than one in twenty:\n" + ";\n".join(found) + "." if found else "None turns more than one in twenty."


def _rewritten_table(of: Counts) -> list[str]:
    cells = []
    for rule, label, count in rows(of):
        shares = [_percent(count[when] / count["documents"]) for when in ("before", "after")]
        turned = [f"{count[to]:,}" for to in ("to_spam", "to_ham")]
        cells.append((f"{rule} | {label}", [f"{count['documents']:,}", *shares, *turned]))
    lines = table("rule | label", ["documents", "as it is", "rewritten", "to spam", "to ham"], cells)
    return [lines[0], lines[1].replace("|---|", "|---|---|"), *lines[2:]]


def _thresholds_table(report: dict[str, Any]) -> list[str]:
    thresholds = report["validation"]["thresholds"]
    rates = sorted(thresholds, key=float, reverse=True)
    heads = [f"{float(rate):.1%}: {thresholds[rate]['threshold']:.4f}" for rate in rates]
    rows = []
    for name, entry in scored(report):
        found = [entry["thresholds"][rate] for rate in rates]
        negatives = f"{found[0]['negatives']:,}"
        rows.append((name, [negatives, *(_rate(at) for at in found)]))
    return table("rate: threshold", ["negatives", *heads], rows)


def _rate(at: dict[str, Any]) -> str:
    low, high = at["interval"]
    return f"{_percent(at['false_positive_rate'])} ({low:.2%} to {high:.2%}) / {_percent(at['recall'])}"


def _early(report: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The earliness of each row: this model's on every test and on validation, then PySS3's."""
    yield from ((name, entry["earliness"]) for name, entry in scored(report))
    yield from ((f"{name}, {by}", entry["earliness"]) for by, name, entry in streaming(report))


def _cell(entry: dict[str, Any] | None) -> str:
    if entry is None:
        return ""
    if "interval" not in entry:
        return f"{entry['error']:.3f} ({entry['documents']:,})"
    low, high = entry["interval"]
    return f"{entry['corrected']:.3f} ({low:.3f} to {high:.3f}, {entry['documents']:,})"


def _percent(value: float | None) -> str:
    return "" if value is None else f"{value:.2%}"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"
