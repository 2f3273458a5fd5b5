"""An artefact's step as ONNX, for engines that are not torch: one sentence each for B sequences, state in and out.

ids [T], lengths [B], state_0 [B, …], … --encode, update, readout--> logits [B, K], next_0 [B, …], …

Tokens come from vocabulary.txt as models/vocabulary.py cuts them; logits are worth what `calibration` in config.toml
says after so many sentences. What the file says is held against torch before it is kept.
"""

from __future__ import annotations

import logging
import warnings
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnxruntime
import torch
from torch import Tensor, nn

from models.artefact import Artefact
from models.contract import Classifier, Tokens, like
from training.errors import ExportError
from training.operators import TABLE

FILE: Final = "step.onnx"
TOLERANCE: Final = 1e-5
_LENGTHS: Final = ((3, 0, 5), (1,), (2, 7, 0, 1, 4), (0, 0), (1, 0))
"""Words per sentence in the batches that are tried, four steps each."""


class Step(nn.Module):
    """`Classifier.step` over plain tensors, which is what a graph has."""

    def __init__(self, classifier: Classifier[Any]) -> None:
        super().__init__()
        self.classifier = classifier
        self.state = classifier.initial_state(1)

    def forward(self, ids: Tensor, lengths: Tensor, *state: Tensor) -> tuple[Tensor, ...]:
        after, logits = self.classifier.step(like(self.state, state), Tokens(ids, lengths))
        return (logits, *after)


def export(artefact: Artefact, folder: Path) -> float:
    """Writes `step.onnx` and gives back the largest difference from torch that was seen, at most 1e-5.

    Raises ExportError for a family that no graph can hold (a flattened embedding, whose sentence vectors are as long
    as the longest sentence of their batch), and where the graph says something else than torch.
    """
    if artefact.family == "flattened":
        raise ExportError(
            "a flattened embedding has sentence vectors as long as the longest sentence of their batch, and a check of "
            "max_tokens that a graph cannot make: export a model of another family"
        )
    step = Step(artefact.classifier.cpu()).eval()
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / FILE
    _write(step, path, artefact)
    worst = difference(step, path, len(artefact.vocabulary))
    if not worst <= TOLERANCE:
        path.unlink()
        raise ExportError(
            f"{artefact.name}: {path} differed from torch by {worst:.1e}, at most {TOLERANCE} is allowed; it was "
            "removed: use other versions of torch and onnxscript, requirements-dev.txt names those that were tried"
        )
    return worst


def difference(step: Step, path: Path, words: int) -> float:
    """The largest difference of any output from torch's, over sequences of sentences of all lengths, each engine
    going on from its own states."""
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    generator = torch.Generator().manual_seed(0)
    worst = 0.0
    for of in _LENGTHS:
        ours = step.classifier.initial_state(len(of))
        theirs = [part.numpy() for part in ours]
        for _ in range(4):
            ids = torch.randint(0, words + 1, (sum(of),), generator=generator)
            lengths = torch.tensor(of)
            with torch.inference_mode():
                logits, *ours = step(ids, lengths, *ours)
            names = [found.name for found in session.get_inputs()]
            inputs = zip(names, [ids.numpy(), lengths.numpy(), *theirs], strict=True)
            said, *theirs = session.run(None, dict(inputs))
            pairs = zip([logits, *ours], [said, *theirs], strict=True)
            worst = max(worst, *(float(np.abs(a.numpy() - b).max(initial=0)) for a, b in pairs))
    return worst


def _write(step: Step, path: Path, artefact: Artefact) -> None:
    state = step.classifier.initial_state(3)
    free = {0: torch.export.Dim.DYNAMIC}
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)  # it tells of vision operators that are not there
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch's exporter uses what torch itself has deprecated
        program = torch.onnx.export(
            step,
            (torch.arange(8) % (1 + len(artefact.vocabulary)), torch.tensor([3, 0, 5]), *state),
            dynamo=True,
            verbose=False,
            dynamic_shapes=(free, free, tuple(free for _ in state)),
            input_names=["ids", "lengths", *(f"state_{i}" for i in range(len(state)))],
            output_names=["logits", *(f"next_{i}" for i in range(len(state)))],
            custom_translation_table=TABLE,
        )
    assert program is not None  # it is, with dynamo  # noqa: S101
    program.model.metadata_props.update({"digest": artefact.digest, "labels": ",".join(artefact.labels)})
    program.save(path)
