"""The page that stands beside the weights, for people.

report.json --card--> CARD.md: figures, earliness, calibration, thresholds, data, limits, how to make it again
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

_NOTES: Final = {
    "aclimdb": "Large Movie Review Dataset v1.0: Maas et al., ACL-HLT 2011; the publisher states no licence",
    "sms_spam_collection": "SMS Spam Collection v.1: Almeida et al., DocEng 2011; CC BY 4.0 by UCI",
    "spamassassin": "Apache SpamAssassin public mail corpus; copyright of each message stays with its sender",
    "enron_spam": "Enron-Spam, preprocessed: Metsis et al., CEAS 2006; the publisher states no licence",
    "sst2": "Stanford Sentiment Treebank, phrases of train as in GLUE and whole sentences: Socher et al., EMNLP 2013; "
    "the publisher states no licence",
    "rt_polarity": "Sentence polarity dataset v1.0: Pang and Lee, ACL 2005; the publisher states no licence",
    "amazon_reviews": "Multi-Domain Sentiment Dataset, books and electronics: Blitzer et al., ACL 2007; the publisher "
    "states no licence",
    "youtube_spam": "YouTube Spam Collection v.1, three videos: Alberto et al., ICMLA 2015; CC BY 4.0 by UCI",
}
_LIMITS: Final = {
    "spam": "English only. E-mail of 1999 to 2005, British and Singaporean SMS of before 2012, comments on three "
    "videos of 2013 to 2015: newer tricks, other languages and other services are not in the data. Headers, links' "
    "targets and attachments are not read.",
    "sentiment": "English film reviews, mostly of several sentences, with clear verdicts (no 5 or 6 of 10 stars). "
    "Short messages, other products and irony are not in the data, and there is no neutral class.",
}


def card(report: dict[str, Any]) -> str:
    """The page, from the report alone: no number in it comes from anywhere else."""
    sections = [
        f"# {report['task']}-{report['family']}\n\n{_summary(report)}",
        "## Figures\n\n"
        "After the last sentence of each document, which is read whole. The tests were scored once, by this version\n"
        "as it is here; training/LOG.md tells of earlier ones. Bag of words and the NB-weighted model (Wang and\n"
        "Manning 2012) learnt from the same documents; they read a whole text at once.",
        _figures_table(report),
        "## While it is read\n\n"
        "Accuracy after the first sentences (of a shorter document: after its last), and after a share of them.",
        _earliness_table(report),
        "Expected calibration error, 15 bins of equal mass, over the documents that have so many sentences (how many).",
        _calibration_table(report),
        *_thresholds(report),
        "## Data\n\n" + "\n".join(f"- **{name}**: {_NOTES.get(name, 'no note')}." for name in _sources(report)),
        _table("file", ("rows", "sha256"), ((n, (f"{e['rows']:,}", e["sha256"])) for n, e in report["data"].items())),
        _table("split", ("documents", "positive"), ((n, _counts(e)) for n, e in report["splits"].items())),
        "No text (its letters and digits) stands in two of training, validation and tests. " + _bound(report["recipe"]),
        "## Limits\n\n" + _limits(report),
        "## Again\n\n" + _again(report),
    ]
    return "\n\n".join(section if isinstance(section, str) else "\n".join(section) for section in sections) + "\n"


def _sources(report: dict[str, Any]) -> list[str]:
    return list(report["recipe"]["sets"]) or [report["recipe"]["file"]]


def _limits(report: dict[str, Any]) -> str:
    """What is known of the public sets; of a file of one's own that is nothing, whatever its task is called."""
    known = _LIMITS if report["recipe"]["sets"] else {}
    return known.get(report["task"], "What was not in the data is not known.")


def _summary(report: dict[str, Any]) -> str:
    sizes = report["sizes"]
    return (
        f"Scores {report['task']} ({' or '.join(report['labels'])}) while a text is read: a calibrated probability of\n"
        f"*{report['labels'][-1]}* after every sentence. {sizes['parameters']:,} parameters, {sizes['words']:,} words, "
        f"{sizes['state_bytes']:,} bytes of state,\n{sizes['bytes']:,} bytes on disk. Digest `{report['digest']}`."
    )


def _bound(recipe: dict[str, Any]) -> str:
    most = recipe["most_sentences"]
    if not most:
        return "Every sentence was learnt from."
    return (
        f"Of a document with more than {most} sentences\nthe first and the last {most // 2} were learnt from; "
        "validation and tests read all of them."
    )


def _counts(entry: dict[str, Any]) -> tuple[str, str]:
    return f"{entry['documents']:,}", f"{entry['positives']:,}"


def _again(report: dict[str, Any]) -> str:
    name = f"{report['task']}-{report['family']}"
    epochs = len(report["learning_curve"])
    recipe = f"training/recipes/{name}.toml --data-dir DIR" if report["recipe"]["sets"] else "RECIPE.toml"
    return (
        f"    python -m training train {recipe}\n\n"
        f"Seed {report['seed']}; the best of {epochs} epochs by the running accuracy on validation. Made with "
        + ", ".join(f"{package} {number}" for package, number in report["versions"].items())
        + ".\n\n![Learning curve](learning_curve.png)"
    )


def _figures_table(report: dict[str, Any]) -> list[str]:
    lines = [
        "| scored on | by | documents | accuracy | ROC AUC | log loss | false positives | recall |",
        "|---|---|---:|---:|---:|---:|---:|---:|",
    ]
    for name, entry in _scored(report):
        rows = {"**this model**": entry} | {
            by: tests[name] for by, tests in report["baselines"].items() if name in tests
        }
        for by, row in rows.items():
            cells = [_percent(row["accuracy"]), _number(row["roc_auc"]), _number(row["log_loss"])]
            cells += [_percent(row.get("false_positive_rate")), _percent(row.get("recall"))]
            lines.append(f"| {name} | {by} | {entry['documents']:,} | {' | '.join(cells)} |")
    return lines


def _earliness_table(report: dict[str, Any]) -> list[str]:
    first = report["validation"]["earliness"]
    heads = [f"{n}" for n in first["sentences"]] + list(first["share"])
    return _table(
        "sentences read",
        heads,
        (
            (name, [_percent(v) for v in (*e["earliness"]["sentences"].values(), *e["earliness"]["share"].values())])
            for name, e in _scored(report)
        ),
    )


def _calibration_table(report: dict[str, Any]) -> list[str]:
    heads = list(report["validation"]["calibration_error"])
    rows = []
    for name, entry in _scored(report):
        errors = entry["calibration_error"]
        rows.append(
            (name, [f"{errors[h]['error']:.3f} ({errors[h]['documents']:,})" if h in errors else "" for h in heads])
        )
    return _table("sentences read", heads, rows)


def _thresholds(report: dict[str, Any]) -> list[str | list[str]]:
    """A section, where there are two classes."""
    head = (
        "## Thresholds\n\n"
        "For at most so many false positives on validation; and what they come to (false positive rate / recall)."
    )
    return [head, _thresholds_table(report)] if report["validation"]["thresholds"] else []


def _thresholds_table(report: dict[str, Any]) -> list[str]:
    thresholds = report["validation"]["thresholds"]
    heads = [f"{float(rate):.1%}: {entry['threshold']:.4f}" for rate, entry in thresholds.items()]
    rows = []
    for name, entry in _scored(report):
        cells = entry["thresholds"].values()
        rows.append((name, [f"{_percent(c['false_positive_rate'])} / {_percent(c['recall'])}" for c in cells]))
    return _table("rate: threshold", heads, rows)


def _scored(report: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    return [*report["test"].items(), ("validation", report["validation"])]


def _table(corner: str, heads: Sequence[str], rows: Iterable[tuple[str, Sequence[str]]]) -> list[str]:
    lines = [f"| {corner} | {' | '.join(heads)} |", f"|---|{'---:|' * len(heads)}"]
    return lines + [f"| {name} | {' | '.join(cells)} |" for name, cells in rows]


def _percent(value: float | None) -> str:
    return "" if value is None else f"{value:.2%}"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"
