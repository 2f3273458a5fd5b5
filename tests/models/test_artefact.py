"""Artefacts on disk: what is saved is what is loaded, the digest is of what decides, and a mixture is refused."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
import safetensors.torch
import torch

from models.artefact import CARD, CONFIG, HALF_FROM, PIPE, REPORT, VOCABULARY, WEIGHTS, digest, load
from models.contract import Tokens
from models.errors import ArtefactError
from tests.models.tiny import CALIBRATION, SIZES, WORDS, artefact, classifier, family_of


@pytest.mark.parametrize("name", SIZES)
def test_what_is_saved_is_what_is_loaded(tmp_path: Path, name: str) -> None:
    made = artefact(name)
    family = family_of(name)
    saved = made.save(tmp_path / "new" / "folder")
    loaded = load(tmp_path / "new" / "folder")
    assert loaded.name == f"spam-{family}"
    assert loaded.digest == saved.digest == digest(tmp_path / "new" / "folder")
    assert re.fullmatch("sha256:[0-9a-f]{64}", loaded.digest)
    assert (loaded.task, loaded.family, loaded.labels) == ("spam", family, ("ham", "spam"))
    assert (loaded.sizes, loaded.thresholds, loaded.language) == (SIZES[name], {"fpr:0.01": 0.75}, "en")
    assert (loaded.calibration, loaded.vocabulary.words) == (CALIBRATION, list(WORDS))
    tokens = Tokens.of([[1, 2, 3], [], [4]])
    assert torch.equal(loaded.classifier.encode(tokens), made.classifier.encode(tokens))
    assert not loaded.classifier.training
    assert not any(p.requires_grad for p in loaded.classifier.parameters())


def test_the_files_are_the_ones_that_the_design_names(tmp_path: Path) -> None:
    dataclasses.replace(artefact("gru"), report={"seed": 1}).save(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {WEIGHTS, CONFIG, VOCABULARY, REPORT}
    assert (tmp_path / VOCABULARY).read_text("utf-8") == "".join(f"{word}\n" for word in WORDS)
    assert f"pipe = {PIPE}\n" in (tmp_path / CONFIG).read_text("utf-8")
    assert load(tmp_path).report == {"seed": 1}


def test_the_digest_is_of_weights_config_and_vocabulary_and_of_nothing_else(tmp_path: Path) -> None:
    first = artefact("gru").save(tmp_path).digest
    for name in (REPORT, CARD):
        (tmp_path / name).write_text('{"accuracy": 1}')
        assert digest(tmp_path) == first
    seen = {first}
    for name in (WEIGHTS, CONFIG, VOCABULARY):
        (tmp_path / name).write_bytes((tmp_path / name).read_bytes() + b"\n")
        assert digest(tmp_path) not in seen
        seen.add(digest(tmp_path))


def test_the_digest_knows_where_one_file_ends(tmp_path: Path) -> None:
    digests = set()
    for config, vocabulary in [(b"ab", b"c"), (b"a", b"bc")]:
        for name, data in [(WEIGHTS, b"w"), (CONFIG, config), (VOCABULARY, vocabulary)]:
            (tmp_path / name).write_bytes(data)
        digests.add(digest(tmp_path))
    assert len(digests) == 2


def test_large_tables_are_16_bit_and_what_was_saved_once_saves_the_same_again(tmp_path: Path) -> None:
    words = [f"w{i}" for i in range(HALF_FROM // 8)]
    made = artefact("gru", words=words)
    saved = made.save(tmp_path / "once")
    stored = safetensors.torch.load_file(tmp_path / "once" / WEIGHTS)
    halves = {name for name, tensor in stored.items() if tensor.dtype == torch.float16}
    assert halves == {"encoder.embedding.weight"}
    table = made.classifier.state_dict()["encoder.embedding.weight"]
    loaded = saved.classifier.state_dict()["encoder.embedding.weight"]
    assert loaded.dtype == torch.float32
    assert torch.equal(loaded, table.half().float())
    assert not torch.equal(loaded, table)
    assert saved.save(tmp_path / "twice").digest == saved.digest


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    for name in (WEIGHTS, CONFIG, VOCABULARY):
        artefact("gru").save(tmp_path)
        (tmp_path / name).unlink()
        with pytest.raises(ArtefactError, match=f"lacks {name}:"):
            load(tmp_path)
    with pytest.raises(ArtefactError, match=f"lacks {WEIGHTS}, {CONFIG}, {VOCABULARY}:"):
        load(tmp_path / "nowhere")


def swap_two_words(folder: Path) -> None:
    words = [WORDS[1], WORDS[0], *WORDS[2:]]
    (folder / VOCABULARY).write_text("".join(f"{word}\n" for word in words))


def add_two_words(folder: Path) -> None:
    with (folder / VOCABULARY).open("a") as file:
        file.write("one\nmore\n")


def other_pipe(folder: Path) -> None:
    replace(folder, f"pipe = {PIPE}", "pipe = 99")


def other_family(folder: Path) -> None:
    replace(folder, 'family = "gru"', 'family = "oracle"')


def other_sizes(folder: Path) -> None:
    replace(folder, "hidden = 6", "hidden = 7")


def a_third_label(folder: Path) -> None:
    replace(folder, '"ham",', '"ham", "eggs",')


def weights_of_another_family(folder: Path) -> None:
    rewrite_weights(folder, lambda _: classifier("conv1d").state_dict())


def an_extra_weight(folder: Path) -> None:
    rewrite_weights(folder, lambda weights: {**weights, "attention.weight": torch.zeros(2)})


def a_lost_weight(folder: Path) -> None:
    rewrite_weights(folder, lambda weights: {name: w for name, w in weights.items() if name != "linear.bias"})


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (swap_two_words, r"trained with the vocabulary of sha256 [0-9a-f]{64}, vocabulary.txt has [0-9a-f]{64}"),
        (add_two_words, r"hold encoder\.embedding\.weight as \[63, 8\], a vocabulary of 14 words .* ask for \[65, 8\]"),
        (other_pipe, r"trained on text pipe 99, this code has pipe 2: train it again"),
        (other_family, r"of family 'oracle', known are rnn, lstm, gru, conv1d, pooled, flattened, bow, forest"),
        (other_sizes, r"hold cells\.0\.weight_ih as \[18, 8\], .* ask for \[21, 8\]"),
        (a_third_label, r"hold linear\.weight as \[2, 6\], .* ask for \[3, 6\]"),
        (weights_of_another_family, r"hold encoder\.embedding\.weight as \[13, 6\], .* ask for \[63, 8\]"),
        (an_extra_weight, r"hold \['attention\.weight'\], which a gru does not have"),
        (a_lost_weight, r"hold linear\.bias as nothing"),
    ],
)
def test_what_does_not_belong_together_is_refused(tmp_path: Path, spoil: Callable[[Path], None], message: str) -> None:
    artefact("gru").save(tmp_path)
    spoil(tmp_path)
    with pytest.raises(ArtefactError, match=message):
        load(tmp_path)


def replace(folder: Path, old: str, new: str) -> None:
    text = (folder / CONFIG).read_text("utf-8")
    assert old in text
    (folder / CONFIG).write_text(text.replace(old, new), "utf-8")


def rewrite_weights(folder: Path, change: Callable[[dict[str, torch.Tensor]], dict[str, torch.Tensor]]) -> None:
    with safetensors.safe_open(folder / WEIGHTS, framework="pt") as file:
        metadata = file.metadata()
    weights = safetensors.torch.load_file(folder / WEIGHTS)
    safetensors.torch.save_file(change(weights), folder / WEIGHTS, metadata=metadata)


def test_labels_and_words_of_any_script_survive(tmp_path: Path) -> None:
    made = dataclasses.replace(artefact("gru", words=["café", "免费", "don't", "!"]), labels=('"ham"\n', "スパム"))
    loaded = made.save(tmp_path)
    assert (loaded.vocabulary.words, loaded.labels) == (["café", "免费", "don't", "!"], ('"ham"\n', "スパム"))


def test_a_report_may_be_read_by_people(tmp_path: Path) -> None:
    dataclasses.replace(artefact("gru"), report={"b": 1, "a": [0.5]}).save(tmp_path)
    assert json.loads((tmp_path / REPORT).read_text("utf-8")) == {"a": [0.5], "b": 1}


@pytest.mark.parametrize(
    ("name", "was", "is_now"),
    [
        (CONFIG, b"pipe = 2", b"pipe = = 2"),
        (CONFIG, b"[calibration]", b"[calibrations]"),
        (CONFIG, b"[sizes]", b"[sizes]\nodd = 1"),
        (WEIGHTS, b"F32", b"F99"),
        (VOCABULARY, WORDS[0].encode(), b"\xff\xfe"),
        (REPORT, b"{", b"["),
    ],
)
def test_a_damaged_file_is_refused(tmp_path: Path, name: str, was: bytes, is_now: bytes) -> None:
    dataclasses.replace(artefact("gru"), report={"seed": 1}).save(tmp_path)
    whole = (tmp_path / name).read_bytes()
    assert was in whole
    (tmp_path / name).write_bytes(whole.replace(was, is_now, 1))
    with pytest.raises(ArtefactError, match=re.escape(str(tmp_path))):
        load(tmp_path)


def test_anybody_on_the_machine_may_read_the_weights(tmp_path: Path) -> None:
    artefact("gru").save(tmp_path)
    assert (tmp_path / WEIGHTS).stat().st_mode & 0o444 == 0o444
