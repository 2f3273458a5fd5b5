"""A BERT of two layers of 16 numbers, of chance, and its few words: a transformer that learns in a second.

tiny(folder) --> weights, tokenizer.json; package(folder) --> the same in a package of the name that is looked for
"""

from __future__ import annotations

from pathlib import Path

import torch
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace
from tokenizers.processors import BertProcessing
from transformers import BertConfig, BertModel

from training import beliefs, transformer

WORDS = ("[PAD]", "[CLS]", "[SEP]", "[UNK]", "good", "bad", "film", "a", "was", "it")


def tiny(folder: Path) -> Path:
    """Writes it and gives back `folder`."""
    torch.manual_seed(1)
    config = BertConfig(
        vocab_size=len(WORDS),
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=transformer.HEAD + transformer.TAIL + 2,
    )
    BertModel(config, add_pooling_layer=False).save_pretrained(folder)
    tokenizer = Tokenizer(WordLevel({word: i for i, word in enumerate(WORDS)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = Whitespace()
    tokenizer.post_processor = BertProcessing(("[SEP]", 2), ("[CLS]", 1))
    tokenizer.save(str(folder / "tokenizer.json"))
    return folder


def package(folder: Path) -> Path:
    """Writes a package with it, to be found before one that is installed, and gives back `folder`."""
    inside = folder / beliefs.PACKAGE
    (inside / "model").mkdir(parents=True)
    (inside / "__init__.py").touch()
    tiny(inside / "model")
    return folder
