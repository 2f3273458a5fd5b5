"""Every family as ONNX says what torch says, step after step, in batches of any size."""

from __future__ import annotations

from pathlib import Path

import onnx
import onnxruntime
import pytest
import torch

from models.artefact import Artefact, load
from models.calibration import Calibration
from models.families import FAMILIES, build
from models.vocabulary import Vocabulary
from training.__main__ import main
from training.errors import ExportError
from training.export import FILE, Step, difference, export

SIZES: dict[str, list[dict[str, object]]] = {
    "rnn": [{"encoder": "bow", "embedding": 6, "hidden": 5}],
    "lstm": [{"layers": 2, "connection": "highway", "layer_norm": 1, "encoder": "inception", "embedding": 4}],
    "gru": [{"wide": True, "pairs": 20, "length": 0.5, "layers": 2, "connection": "residual"}],
    "conv1d": [{"filters": 4}, {"filters": 4, "branches": "residual"}],
    "pooled": [{}],
    "bow": [{"mode": mode} for mode in ("freq", "tfidf")],
    "forest": [{"trees": 5, "depth": 3}],
}
CASES = [(family, sizes) for family, choices in SIZES.items() for sizes in choices]


def artefact(family: str, sizes: dict[str, object]) -> Artefact:
    vocabulary = Vocabulary([f"w{i}" for i in range(30)])
    torch.manual_seed(1)
    classifier = build(family, words=30, classes=2, sizes=sizes).eval().requires_grad_(False)
    for tensor in classifier.state_dict().values():
        if tensor.is_floating_point():
            tensor.uniform_(-0.5, 0.5)  # a fresh wide path or forest would hold zeros
    return Artefact("toy", family, ("no", "yes"), sizes, vocabulary, classifier.weights(), Calibration.identity(2))


def test_every_family_is_tried_or_refused() -> None:
    assert SIZES.keys() | {"flattened"} == FAMILIES.keys()


@pytest.mark.parametrize(
    ("family", "sizes"), CASES, ids=[f"{family}-{number}" for number, (family, _) in enumerate(CASES)]
)
def test_a_graph_says_what_torch_says(family: str, sizes: dict[str, object], tmp_path: Path) -> None:
    made = artefact(family, sizes)
    assert export(made, tmp_path) <= 1e-5
    onnx.checker.check_model(tmp_path / FILE, full_check=True)
    names = [found.name for found in onnxruntime.InferenceSession(tmp_path / FILE).get_inputs()]
    parts = len(made.classifier.initial_state(1))
    assert names == ["ids", "lengths", *(f"state_{i}" for i in range(parts))]


def test_another_model_is_seen_to_differ(tmp_path: Path) -> None:
    export(artefact("pooled", {}), tmp_path)
    other = artefact("pooled", {}).classifier
    other.get_parameter("linear.bias").data += 1e-3
    assert difference(Step(other).eval(), tmp_path / FILE, 30) == pytest.approx(1e-3, rel=0.01)


def test_a_flattened_embedding_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="export a model of another family"):
        export(artefact("flattened", {"max_tokens": 50}), tmp_path)


def test_the_command_writes_beside_the_weights(
    trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["export", str(trained), "--output", str(tmp_path)]) == 0
    assert str(tmp_path / FILE) in capsys.readouterr().out
    model = onnx.load(tmp_path / FILE)
    metadata = {entry.key: entry.value for entry in model.metadata_props}
    assert metadata == {"digest": load(trained).digest, "labels": "negative,positive"}
