"""The golden texts give the sentences and words that are written beside them, and may not change under a PIPE."""

from __future__ import annotations

from pathlib import Path

import pytest

from models.artefact import PIPE
from models.sentences import split
from tests.models import golden

MESSAGE = (
    "the text pipe changed, and every model is trained on what it gives: if that is meant, raise PIPE in "
    "models/artefact.py, run `python -m tests.models.golden`, and train the shipped models again"
)


@pytest.mark.parametrize("path", golden.FILES, ids=lambda path: path.stem)
def test_golden_texts_give_their_sentences_and_words(path: Path) -> None:
    held = golden.read(path)
    assert held["pipe"] == PIPE, "run `python -m tests.models.golden`"
    for entry in held["texts"]:
        assert golden.sentences(entry["text"]) == entry["sentences"], MESSAGE


@pytest.mark.parametrize("path", golden.FILES, ids=lambda path: path.stem)
def test_golden_files_are_as_the_command_writes_them(path: Path) -> None:
    assert golden.dumps(golden.rewritten(golden.read(path))) == path.read_text("utf-8")


def test_there_are_golden_texts_of_every_kind() -> None:
    kinds = {"mail", "chat", "reviews", "abbreviations", "cjk", "emoji", "disguised", "crlf", "odd"}
    assert kinds <= {path.stem for path in golden.FILES}
    assert sum(len(split(text)) for text in golden.texts()) > 100


def test_changed_sentences_are_only_written_once_pipe_is_raised() -> None:
    wrong = {"pipe": PIPE, "texts": [{"text": "One. Two.", "sentences": []}]}
    with pytest.raises(ValueError, match="raise PIPE"):
        golden.rewritten(wrong)
    assert len(golden.rewritten({**wrong, "pipe": PIPE - 1})["texts"][0]["sentences"]) == 2
    assert golden.rewritten({"pipe": PIPE, "texts": [{"text": "Hi."}]})["texts"][0]["sentences"][0]["words"] == ["hi"]
