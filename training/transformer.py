"""A small transformer that has read a billion sentences, as a teacher: it errs differently from what counts words.

sentences, then longer texts --word pieces, first and last--> updates --learn--> MiniLM --read--> log-odds [N]
MiniLM: pieces [B, L] --encoder--> [B, L, 384] --mean, dense--> log-odds [B]

MiniLM (Wang et al. 2020) as a sentence encoder (Reimers and Gurevych 2019), its embeddings left as they are. It learns
for an hour or two on one core and serves nobody: what it believes stays in the user's cache (beliefs.py), and its
student is small. Both learning and reading go on where they were cut.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
import safetensors.torch
import torch
from numpy.typing import NDArray
from tokenizers import Tokenizer
from torch import Tensor, nn
from tqdm import tqdm
from transformers import BertModel
from transformers.utils import logging

from training import checkpoint
from training.documents import Document
from training.draft import draft

HEAD, TAIL = 64, 190
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
SAVED: Final = 300.0
"""Seconds after which it is written down how far it is."""

SETTINGS: Final = (3, HEAD, TAIL, SHORT, LEAST, MOST, BATCHES, RATE, WARMUP)
"""What decides what it makes of given texts; the first is raised whenever the code decides otherwise."""

Pieces = list[int]


class Update(NamedTuple):
    """What one step of learning sees: texts of similar length, what they are, and the rate of the encoder."""

    texts: list[Pieces]
    labels: list[int]
    rate: float


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

    def forward(self, texts: Sequence[Pieces]) -> Tensor:
        device = self.dense.weight.device
        ids = nn.utils.rnn.pad_sequence([torch.tensor(text) for text in texts], batch_first=True).to(device)
        ones = [torch.ones(len(text)) for text in texts]
        mask = nn.utils.rnn.pad_sequence(ones, batch_first=True).to(device)  # [B, L], 1 where there is a piece
        with torch.autocast(device.type, torch.bfloat16, enabled=_multiplies_bfloat16(device)):
            found = self.bert(input_ids=ids, attention_mask=mask if (mask == 0).any() else None).last_hidden_state
        mean = (found.float() * mask[..., None]).sum(dim=1) / mask.sum(dim=1, keepdim=True)
        odds: Tensor = self.dense(nn.functional.dropout(mean, 0.1, self.training))
        return odds[:, 0]


def _multiplies_bfloat16(device: torch.device) -> bool:
    """Whether its hardware does: it takes 0.6 of the time then, and elsewhere more than whole floats would."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    capable = torch.cpu.get_capabilities() if device.type == "cpu" else {}
    return any(capable.get(name) for name in ("avx512_bf16", "amx_bf16"))


def tokenizer(weights: Path) -> Tokenizer:
    """That of the encoder, whole: what is too long is cut by `pieces`."""
    found = Tokenizer.from_file(str(weights / "tokenizer.json"))
    found.no_truncation()
    found.no_padding()
    return found


def pieces(of: Tokenizer, documents: Sequence[Document]) -> list[Pieces]:
    """The word pieces of each document; of a long one its first and its last."""
    first, last = of.encode("").ids  # [CLS] and [SEP]
    texts: list[Pieces] = []
    for start in range(0, len(documents), 2000):
        chosen = [document.text for document in documents[start : start + 2000]]
        for found in of.encode_batch(chosen, add_special_tokens=False):
            ids = found.ids if len(found.ids) <= HEAD + TAIL else found.ids[:HEAD] + found.ids[-TAIL:]
            texts.append([first, *ids, last])
    return texts


def stages(train: Sequence[Document]) -> tuple[list[Document], list[Document]]:
    """Documents of the sets with short texts, and those of the others."""
    words: dict[str, list[int]] = {}
    for document in train:
        words.setdefault(document.set, []).append(len(document.text.split()))
    short = {name for name, of in words.items() if np.median(of) < SHORT}
    sentences = [d for d in train if d.set in short and len(d.text.split()) >= LEAST]
    return sentences[:MOST], [d for d in train if d.set not in short]


def updates(of: Tokenizer, train: Sequence[Document]) -> Iterator[Update]:
    """An epoch of each stage, in batches of texts of similar length that come in an order of chance."""
    for documents, size in zip(stages(train), BATCHES, strict=True):
        texts, generator = pieces(of, documents), np.random.default_rng(0)
        order = np.argsort([len(text) for text in texts] * generator.uniform(0.9, 1.1, len(texts)))
        starts = generator.permutation(np.arange(0, len(texts), size))
        for step, start in enumerate(starts):
            rows = order[start : start + size]
            rate = RATE * min(1, (step + 1) / (WARMUP * len(starts))) * (1 - step / len(starts))
            yield Update([texts[i] for i in rows], [documents[i].label for i in rows], rate)


def learn(encoder: Encoder, steps: Sequence[Update], path: Path) -> None:
    """One pass over `steps`, from the one where the file `path` says that it was cut; the encoder is there then."""
    groups = [{"params": list(encoder.bert.encoder.parameters())}, {"params": list(encoder.dense.parameters())}]
    optimiser = torch.optim.AdamW(groups, weight_decay=0.01, fused=True)
    done = 0
    if path.is_file():
        tensors, told = checkpoint.contents(path)
        done = int(told["done"])
        encoder.load_state_dict({name: tensors[name] for name in encoder.state_dict()})
        checkpoint.put_moments(optimiser, tensors)
    encoder.train()
    saved = time.monotonic()
    for step in (bar := tqdm(range(done, len(steps)), "transformer learns", len(steps), initial=done, mininterval=1)):
        torch.manual_seed(step)  # so that what is dropped is the same after a cut
        bar.set_postfix(loss=f"{_update(encoder, optimiser, steps[step]):.3f}", refresh=False)
        if step + 1 == len(steps) or time.monotonic() - saved > SAVED:
            _put(encoder.state_dict() | checkpoint.moments(optimiser), step + 1, path)
            saved = time.monotonic()


def _update(encoder: Encoder, optimiser: torch.optim.Optimizer, update: Update) -> float:
    """The loss of one step."""
    for group, times in zip(optimiser.param_groups, (1, 10), strict=True):
        group["lr"] = update.rate * times
    odds = encoder(update.texts)
    loss = nn.functional.binary_cross_entropy_with_logits(odds, torch.tensor(update.labels).to(odds))
    loss.backward()
    nn.utils.clip_grad_norm_([p for group in optimiser.param_groups for p in group["params"]], 1.0)
    optimiser.step()
    optimiser.zero_grad()
    return loss.item()


@torch.inference_mode()
def read(encoder: Encoder, texts: Sequence[Pieces], path: Path) -> Tensor:
    """The log-odds `[N]` of texts, which stay in the file `path`; from where that says that it was cut."""
    encoder.eval()
    order: NDArray[np.int64] = np.argsort([len(text) for text in texts], kind="stable")
    odds, done = torch.zeros(len(texts)), 0
    if path.is_file():
        tensors, told = checkpoint.contents(path)
        done = int(told["done"])
        odds = tensors["odds"]
    saved = time.monotonic()
    for start in tqdm(range(done, len(order), READ), "transformer reads", mininterval=1):
        rows = order[start : start + READ]
        odds[rows] = encoder([texts[i] for i in rows]).cpu()
        if start + READ >= len(order) or time.monotonic() - saved > SAVED:
            _put({"odds": odds}, start + READ, path)
            saved = time.monotonic()
    return odds


def _put(tensors: dict[str, Tensor], done: int, path: Path) -> None:
    """What there is, and how much is done."""
    with draft(path) as part:
        safetensors.torch.save_file(tensors, part, metadata={"done": str(done)})
