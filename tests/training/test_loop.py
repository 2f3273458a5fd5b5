"""The loop: a cut training goes on as if it had not been cut, and the best epoch is what is left."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.optim.optimizer import register_optimizer_step_post_hook
from torch.utils._python_dispatch import TorchDispatchMode

from models.conv1d import Conv1D
from models.families import FAMILIES, build
from models.recurrent import GRU, LSTM, Recurrent, RecurrentState, SimpleRNN
from training import checkpoint, loop
from training.checkpoint import Progress
from training.corpus import Example, batch, example
from training.errors import RecipeError
from training.loss import sequence_loss
from training.recipe import Recipe

RECIPE = Recipe("sentiment", "gru", ("aclimdb",), epochs=4, patience=9, batch=4, rate=0.01)
DATA = [example([[1 + i % 2, 3 + i % 5], [8]], i % 2) for i in range(24)]


def model() -> GRU:
    torch.manual_seed(1)
    return GRU(words=9, classes=2, embedding=4, hidden=5, word_dropout=0.1, dropout=0.2, recurrent_dropout=0.2)


def fit(recipe: Recipe, folder: Path, **options: Any) -> tuple[GRU, list[dict[str, float]]]:
    classifier = model()
    curve = loop.fit(classifier, DATA, DATA[:8], recipe, device=torch.device("cpu"), folder=folder, **options)
    costs = ("cpu_seconds", "wall_seconds", "peak_mb")
    return classifier, [{name: value for name, value in entry.items() if name not in costs} for entry in curve]


@pytest.mark.parametrize("average", [0.0, 0.9])
def test_a_resumed_training_equals_an_uninterrupted_one(
    average: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = replace(RECIPE, average=average)
    whole, curve = fit(recipe, tmp_path / "whole")
    real, started = loop._epoch, []

    def cut_in_the_third(*arguments: Any) -> float:
        started.append(arguments[4])
        if len(started) == 3:
            raise KeyboardInterrupt
        return real(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(loop, "_epoch", cut_in_the_third)
        with pytest.raises(KeyboardInterrupt):
            fit(recipe, tmp_path / "cut")
    resumed, again = fit(recipe, tmp_path / "cut", resume=True)
    assert again == curve
    for name, tensor in whole.state_dict().items():
        torch.testing.assert_close(resumed.state_dict()[name], tensor, rtol=0, atol=0)


def test_what_is_learnt_is_the_running_mean_of_the_weights(tmp_path: Path) -> None:
    """Of those after each update, and it is what validation sees."""
    recipe = replace(RECIPE, epochs=1, warmup=0.5, average=0.7)
    after: list[list[torch.Tensor]] = []
    seen = register_optimizer_step_post_hook(
        lambda optimiser, *_: after.append([p.detach().clone() for p in optimiser.param_groups[0]["params"]])
    )
    try:
        averaged, (entry,) = fit(recipe, tmp_path)
    finally:
        seen.remove()
    mean = after[0]
    for weights in after[1:]:
        mean = [0.7 * before + 0.3 * now for before, now in zip(mean, weights, strict=True)]
    assert len(after) == len(DATA) / recipe.batch
    torch.testing.assert_close([p.detach() for p in averaged.parameters()], mean)
    _, (live,) = fit(replace(recipe, average=0.0), tmp_path)
    assert entry["train_loss"] == live["train_loss"]
    assert entry["validation_loss"] != live["validation_loss"]
    assert entry["validation_loss"] == loop.evaluate(averaged, DATA[:8], recipe, torch.device("cpu"))["validation_loss"]


@pytest.mark.parametrize("clip", [0.01, 1e9])
def test_no_update_sees_a_gradient_longer_than_it_may_be(
    clip: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Adam hides what a gradient's length was, so it is measured where Adam takes it."""
    real, lengths = torch.optim.AdamW.step, list[float]()

    def measured(optimiser: torch.optim.AdamW, *arguments: Any) -> Any:
        taken = [p.grad for group in optimiser.param_groups for p in group["params"] if p.grad is not None]
        lengths.append(torch.stack([gradient.norm() for gradient in taken]).norm().item())
        return real(optimiser, *arguments)

    monkeypatch.setattr(torch.optim.AdamW, "step", measured)
    fit(replace(RECIPE, epochs=1, clip=clip), tmp_path)
    assert len(lengths) == 6
    assert all(length == pytest.approx(0.01, rel=1e-3) if clip == 0.01 else length > 0.02 for length in lengths)


def test_the_loss_falls_and_the_task_is_learnt(tmp_path: Path) -> None:
    _, curve = fit(replace(RECIPE, epochs=12, rate=0.05), tmp_path)
    assert curve[-1]["train_loss"] < curve[0]["train_loss"] / 2
    assert max(entry["validation_accuracy"] for entry in curve) == 1.0


def test_training_stops_when_validation_does_not_rise(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    accuracies = iter([0.6, 0.9, 0.8, 0.7, 0.95])

    def measured(*_: Any) -> dict[str, float]:
        running = next(accuracies)
        return {"validation_loss": 1.0, "validation_accuracy": 1.0, "validation_running_accuracy": running}

    monkeypatch.setattr(loop, "evaluate", measured)
    _, curve = fit(replace(RECIPE, epochs=5, patience=1), tmp_path)
    assert [entry["validation_running_accuracy"] for entry in curve] == [0.6, 0.9, 0.8, 0.7]


def test_the_best_epoch_is_kept() -> None:
    progress = Progress({"w": torch.zeros(1)})
    for epoch, running in enumerate([0.5, 0.8, 0.7]):
        progress = progress.after({"validation_running_accuracy": running}, {"w": torch.full((1,), float(epoch))})
    assert progress.best["w"].item() == 1
    assert progress.since_best == 1


def test_the_rate_rises_then_falls_to_nothing() -> None:
    recipe = replace(RECIPE, rate=1.0, warmup=0.5, epochs=4)
    assert [round(loop.rate(recipe, e), 3) for e in (0.25, 0.5, 2.25, 4)] == [0.5, 1.0, 0.5, 0.0]


def test_a_checkpoint_of_another_recipe_or_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="nothing to resume"):
        fit(RECIPE, tmp_path, resume=True)
    fit(replace(RECIPE, epochs=1), tmp_path)
    with pytest.raises(RecipeError, match="differ in epochs, batch"):
        fit(replace(RECIPE, epochs=2, batch=8), tmp_path, resume=True)


def test_a_checkpoint_of_another_version_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fit(replace(RECIPE, epochs=1), tmp_path)
    monkeypatch.setattr(checkpoint, "_FORM", "3")
    assert not checkpoint.fits(tmp_path, replace(RECIPE, epochs=1))
    with pytest.raises(RecipeError, match="written by another version of this code: train without --resume"):
        fit(replace(RECIPE, epochs=1), tmp_path, resume=True)


def test_a_checkpoint_holds_no_pickle(tmp_path: Path) -> None:
    fit(replace(RECIPE, epochs=1), tmp_path)
    content = (tmp_path / checkpoint.FILE).read_bytes()
    assert int.from_bytes(content[:8], "little") < len(content)
    assert content[8:9] == b"{"


@pytest.mark.parametrize(("mixed", "wanted"), [("cpu", torch.bfloat16), ("cuda", torch.float32)])
def test_only_training_on_the_named_device_is_in_mixed_precision(
    mixed: str, wanted: torch.dtype, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[torch.dtype] = []
    classifier = Conv1D(words=9, classes=2, embedding=4, filters=3)
    classifier.get_submodule("encoder.convolutions.0").register_forward_hook(lambda _, __, out: seen.append(out.dtype))
    monkeypatch.setattr(loop, "_MIXED", mixed)
    for training in (True, False):
        logits = loop.forward(classifier.train(training), batch(DATA[:4]))
        assert logits.dtype == torch.float32
    assert seen == [wanted, torch.float32]


class Products(TorchDispatchMode):
    """Counts matrix products by the type of their first factor."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.seen: Counter[torch.dtype] = Counter()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func.overloadpacket in (torch.ops.aten.mm, torch.ops.aten.addmm, torch.ops.aten.bmm):
            self.seen[args[-1].dtype] += 1
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize(
    ("family", "sizes"),
    [
        (SimpleRNN, {}),
        (LSTM, {"layers": 2, "layer_norm": 1}),
        (GRU, {}),
        (GRU, {"layers": 2, "connection": "highway", "layer_norm": 1}),
    ],
)
def test_a_recurrence_multiplies_with_16_bits_and_remembers_with_32(
    family: type[Recurrent], sizes: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop, "_MIXED", "cpu")
    classifier = family(words=9, classes=2, embedding=4, hidden=5, dropout=0.1, recurrent_dropout=0.1, **sizes)
    states: list[torch.dtype] = []
    real = classifier.update

    def watched(*arguments: Any) -> RecurrentState:
        after = real(*arguments)
        states.append(after.memory.dtype)
        return after

    monkeypatch.setattr(classifier, "update", watched)
    chosen = batch(DATA[:4])
    with Products() as products:
        logits = loop.forward(classifier.train(), chosen)
    # Two steps of two products in each layer, one for the readout, and those of the connections.
    assert products.seen.keys() == {torch.bfloat16}
    assert products.seen[torch.bfloat16] >= 2 * 2 * sizes.get("layers", 1) + 1
    assert states == [torch.float32] * 2
    assert logits.dtype == torch.float32
    sequence_loss(logits, chosen.targets).backward()
    assert all(p.grad is not None and p.grad.dtype == torch.float32 for p in classifier.parameters())
    with Products() as products:
        loop.forward(classifier.eval(), chosen)
    assert products.seen.keys() == {torch.float32}


@pytest.mark.parametrize("family", [f for f in FAMILIES if f != "forest"])
def test_every_family_trains_in_mixed_precision(family: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "_MIXED", "cpu")
    torch.manual_seed(1)
    classifier = build(family, words=9, classes=2, sizes={"wide": True}).train()
    chosen = batch(DATA[:4])
    mixed = loop.forward(classifier, chosen)
    monkeypatch.setattr(loop, "_MIXED", "cuda")
    torch.testing.assert_close(mixed, loop.forward(classifier, chosen), rtol=0.02, atol=0.02)
    assert mixed.dtype == torch.float32
    sequence_loss(mixed, chosen.targets).backward()


@pytest.mark.cuda
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_it_learns_on_cuda(tmp_path: Path) -> None:
    classifier = model()
    recipe = replace(RECIPE, epochs=12, rate=0.05)
    curve = loop.fit(classifier, DATA, DATA[:8], recipe, device=torch.device("cuda"), folder=tmp_path)
    assert max(entry["validation_accuracy"] for entry in curve) == 1.0


@pytest.mark.parametrize("over_steps", ["sum", "mean"])
def test_evaluation_leaves_the_weights_alone(over_steps: str) -> None:
    classifier, data = model(), list[Example](DATA)
    before = checkpoint.weights(classifier)
    figures = loop.evaluate(classifier, data, replace(RECIPE, loss=over_steps), torch.device("cpu"))
    assert set(figures) == {"validation_loss", "validation_accuracy", "validation_running_accuracy"}
    assert all(torch.equal(before[name], tensor) for name, tensor in classifier.state_dict().items())


def test_no_epoch_begins_that_would_end_too_late(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter(range(0, 10_000, 20))  # each look at the clock is 20 seconds later: an epoch takes 20
    monkeypatch.setattr("time.process_time", lambda: next(clock))
    # Not the minute itself: a child of this process that ends in the midst of it adds what it took.
    for minutes, epochs in ((1.1, 3), (0.9, 2)):
        _, curve = fit(replace(RECIPE, minutes=minutes), tmp_path)
        assert len(curve) == epochs
