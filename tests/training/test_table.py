"""A file of one's own: what is read of it, what is refused and how, and a training from end to end."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from models.artefact import load as load_artefact
from models.calibration import Calibration
from models.predictor import Advance, Predictor
from tests.training import topics
from training import table
from training.__main__ import main
from training.calibrate import apply, fit
from training.corpus import examples, sentences
from training.documents import Document, key, share
from training.errors import DataError
from training.recipe import Recipe, load
from training.score import Scores, score
from training.splits import split
from training.train import train

CPU = torch.device("cpu")


@pytest.mark.parametrize("write", [topics.table, topics.lines])
def test_three_labels_are_learnt_scored_and_told(write: Callable[[Path], Path], tmp_path: Path) -> None:
    path = write(tmp_path)
    assert main(["train", str(topics.recipe(tmp_path, path)), "--output", str(tmp_path / "out")]) == 0
    artefact = load_artefact(tmp_path / "out")
    assert (artefact.name, artefact.labels) == ("topics-gru", ("cooking", "sport", "weather"))
    report = artefact.report
    assert report["test"][path.name]["accuracy"] > 0.8
    assert report["data"][str(path)]["labels"] == {"cooking": 40, "sport": 40, "weather": 40}
    assert sum(side["labels"][report["labels"][-1]] for side in report["splits"].values()) == 40
    assert artefact.thresholds == {}
    for name in report["baselines"]:
        assert report["baselines"][name][path.name]["accuracy"] > 0.8
    card = (tmp_path / "out" / "CARD.md").read_text()
    assert f"| {path.name} | **this model** |" in card
    assert "cooking or sport or weather" in card
    assert "## Thresholds" not in card
    assert "training/recipes/" not in card
    (advance,) = Predictor(artefact).advance([(None, ["The cinema was half full.", "A storm hit the coast."])])
    assert isinstance(advance, Advance)
    assert int(np.argmax(advance.steps[-1].probabilities)) == 2


def test_evaluate_finds_the_file_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = topics.recipe(tmp_path, topics.table(tmp_path))
    train(load(path, ["epochs=1"]), tmp_path, tmp_path / "out", device=CPU, trial=True)
    capsys.readouterr()
    assert main(["evaluate", str(tmp_path / "out")]) == 0
    row = capsys.readouterr().out.splitlines()[2].split()
    assert row[:2] == ["topics-gru", "topics.csv"]


def test_the_split_is_by_the_text_alone(tmp_path: Path) -> None:
    documents = table.read(topics.table(tmp_path), tuple(topics.TOLD))
    first, again = split(documents), split(documents[::-1])
    assert {d.text for d in first.train} == {d.text for d in again.train}
    assert len(first.train) + len(first.validation) + len(first.tests["topics.csv"]) == 120
    assert all(0.2 <= share(key(d.text)) < 0.3 for d in first.validation)


def test_a_target_per_sentence_reaches_the_loss_and_the_calibration(tmp_path: Path) -> None:
    path = tmp_path / "turns.jsonl"
    path.write_text(
        '{"text": "Hello Anna. All is well.", "label": "ham"}\n'
        '{"text": "Hello Anna. You won! Click here.", "label": "spam", "labels": ["ham", -1, "spam"]}\n'
    )
    plain, turning = table.read(path, table.labels(path))
    assert (plain.label, plain.targets, turning.label, turning.targets) == (0, (), 1, (0, -1, 1))
    artefact = load_artefact(Path("models/pretrained/spam-gru"))
    cut = sentences([plain, turning])
    told = examples([plain, turning], cut, artefact.vocabulary)
    assert [e.targets.tolist() for e in told] == [[0, 0], [0, -1, 1]]
    assert examples([turning], cut[1:], artefact.vocabulary, most=2)[0].targets.tolist() == [0, 1]
    scores = score(Predictor(artefact), [plain, turning])
    assert [t.tolist() for t in scores.targets] == [[0, 0], [0, -1, 1]]
    assert scores.reaching(1)[0].tolist() == [0, 0]
    assert len(scores.reaching(2)[0]) == 1


@pytest.mark.parametrize("family", ["bow", "forest"])
def test_what_learns_from_whole_documents_learns_their_label_where_the_last_sentence_has_none(
    family: str, tmp_path: Path
) -> None:
    path = tmp_path / "turns.jsonl"
    rows = [
        {"text": f"{('Hello Anna', 'You won')[i % 2]} {i}. Bye now.", "label": i % 2, "labels": [i % 2, -1]}
        for i in range(80)
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    chosen = Recipe("turns", family, file=str(path), labels=table.labels(path))
    made = train(chosen, tmp_path, tmp_path / "out", device=CPU, trial=True)
    assert made.report["validation"]["accuracy"] >= 0.9


def test_calibration_follows_the_targets_of_the_steps() -> None:
    """Everything says 1/2, every document is spam in the end and ham before: so it must come out."""
    scores = Scores(np.ones(50, np.int64), [np.full((3, 2), 0.5)] * 50, [np.array([0, 1])] * 50)
    found: Calibration = fit(scores)
    calibrated = apply(found, scores)
    assert calibrated.after(1)[0, 1] < 0.2 < 0.8 < calibrated.after(2)[0, 1]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", "text,kind\nhi,ham\n", r"columns \['text', 'kind'\], wanted text and label"),
        ("a.csv", "text,label\nhi,ham\nhello\n", "row 2: label None"),
        ("a.csv", "text,label\nhi,ham\nhello,\n", "row 2: label ''"),
        ("a.csv", 'text,label\n"hi"x,ham\n', "line 1: .*mend the quotes"),
        ("a.csv", "text,label\nhi,ham\n", "has 1 labels"),
        ("a.jsonl", '{"text": "hi", "label": "ham"}\n{"label": "ham"}\n', "row 2: there is no text"),
        ("a.jsonl", "[1]\n", "row 1: there is no text"),
        ("a.jsonl", "{\n", "row 1: not JSON"),
        ("a.jsonl", '{"text": "hi", "label": true}\n', "row 1: label True"),
        ("a.jsonl", '{"text": "hi", "label": 1, "labels": 3}\n', "row 1: label 1, labels 3"),
        ("a.txt", "", "ends in '.txt'"),
        ("a.csv", "text,label\nhi,-1\n", "row 1: label '-1' says that there is none"),
        ("a.jsonl", '{"text": "hi", "label": -1}\n', "row 1: label -1 says that there is none.*leave the row out"),
        ("a.csv", "text,label,labels\nhi,ham,ham\n", "row 1: labels 'ham', wanted a list as JSON writes it"),
        ("a.csv", "text,label,labels\nhi,ham,3\n", "row 1: label 'ham', labels 3"),
        ("a.csv", "text,label\nhi, you,ham\n", "row 1: it has more cells .* the last is 'ham'"),
    ],
)
def test_a_bad_row_is_named(name: str, content: str, message: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(DataError, match=message):
        table.labels(tmp_path / name)


def test_a_csv_file_has_targets_per_sentence_as_json_lists(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(
        'text,label,labels\nHello Anna. You won!,spam,"[""ham"", -1]"\nHello Bob. All is well.,ham,\n'
    )
    turning, plain = table.read(tmp_path / "a.csv", ("ham", "spam"))
    assert (turning.label, turning.targets, plain.label, plain.targets) == (1, (0, -1), 0, ())


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", 'text,label,labels\nHi. Ho.,spam ,"["" ham"", ""-1""]"\nhi,spam,\nho,\tham,\n'),
        (
            "a.jsonl",
            '{"text": "Hi. Ho.", "label": "spam ", "labels": [" ham", "-1"]}\n{"text": "hi", "label": "spam"}\n'
            '{"text": "ho", "label": "\\tham"}\n',
        ),
    ],
)
def test_blanks_around_a_label_make_no_other_class(name: str, content: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_text(content)
    assert table.labels(path) == ("ham", "spam")
    assert [d.label for d in table.read(path, ("ham", "spam"))] == [1, 1, 0]
    assert table.read(path, ("ham", "spam"))[0].targets == (0, -1)
    assert table.summary(path)["labels"] == {"spam": 2, "ham": 1}


def test_a_list_that_does_not_fit_the_sentences_names_the_row_and_both_numbers(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    rows = [{"text": "Hi.", "label": 0}, {"text": "Hello there. And so on.", "label": 1, "labels": [1, 0, 1]}]
    path.write_text("\n".join(map(json.dumps, rows)))
    with pytest.raises(DataError, match="row 2: `labels` has 3 entries, and the text has 2 sentences"):
        table.read(path, ("0", "1"))


def test_a_label_that_the_recipe_does_not_name_is_refused(tmp_path: Path) -> None:
    path = topics.table(tmp_path)
    with pytest.raises(DataError, match=r"topics.csv, row 81: label 'weather', wanted one of cooking, sport"):
        table.read(path, ("cooking", "sport"))


def test_the_order_of_labels_is_the_recipe_s(tmp_path: Path) -> None:
    path = topics.table(tmp_path)
    chosen = Recipe("topics", "gru", file=str(path), labels=("weather", "sport", "cooking"))
    assert table.read(path, chosen.labels)[0] == Document("row 1", topics.texts()[0][0], 2, "topics.csv/all")


def test_a_long_text_and_one_that_was_saved_by_a_spreadsheet_are_read_whole(tmp_path: Path) -> None:
    long = "word " * 40_000
    (tmp_path / "a.csv").write_text(f'\ufefflabel,text\nham,"{long}"\nspam,"a ""quoted"", text"\n', "utf-8")
    first, second = table.read(tmp_path / "a.csv", ("ham", "spam"))
    assert first.text == long
    assert second.text == 'a "quoted", text'
