"""The encoders against the plain form of each: a loop over sentences, one at a time."""

from __future__ import annotations

import itertools

import torch
from hypothesis import given
from hypothesis import strategies as st

from models.contract import Tokens
from models.convolutions import sums
from models.encoders import PooledEncoder, hashed_pairs
from models.vocabulary import Vocabulary

VOCABULARY = 9
sentences = st.lists(st.lists(st.integers(0, VOCABULARY), max_size=12), max_size=6)


def pooled(pairs: int = 0, word_dropout: float = 0.0) -> PooledEncoder:
    torch.manual_seed(0)
    return PooledEncoder(VOCABULARY, pairs, 4, word_dropout).eval()


@given(sentences, st.sampled_from([0, 20]))
def test_pooled_is_the_mean_of_words_and_pairs(batch: list[list[int]], pairs: int) -> None:
    encoder = pooled(pairs)
    x = encoder(Tokens.of(batch))
    assert x.shape == (len(batch), 4)
    table = encoder.embedding.weight
    for row, ids in zip(x, batch, strict=True):
        numbers = list(ids)
        if pairs:
            hashes = [(a * 1_000_003 + b * 31) % pairs for a, b in itertools.pairwise(ids)]
            numbers += [1 + VOCABULARY + h for h in hashes]
        wanted = torch.stack([table[i] for i in numbers]).mean(0) if numbers else torch.zeros(4)
        torch.testing.assert_close(row, wanted, atol=1e-6, rtol=0)


def test_hashed_pairs_are_those_that_trained_models_know() -> None:
    pairs, places = hashed_pairs(Tokens.of([[1, 2, 1], [], [3], [2, 1]]), 1000)
    assert pairs.tolist() == [65, 37, 37]  # 1·1,000,003 + 2·31 and 2·1,000,003 + 1·31, modulo 1,000
    assert places.tolist() == [0, 0, 3]


def test_pairs_never_cross_from_one_sentence_to_the_next() -> None:
    encoder = pooled(pairs=1000)
    apart = encoder(Tokens.of([[1, 2], [3, 4]]))
    assert torch.equal(apart[:1], encoder(Tokens.of([[1, 2]])))
    assert torch.equal(apart[1:], encoder(Tokens.of([[3, 4]])))


def test_a_count_vector_times_the_table_is_the_sum_of_the_embeddings() -> None:
    vocabulary = Vocabulary(["the", "cat", "sat", "on", "hat", "dog", "ate", "and", "mat"])
    texts = ["The cat sat on the hat", "The dog ate the cat and the hat"]
    encoder = pooled()
    counts = torch.from_numpy(vocabulary.texts_to_matrix(texts, "count"))
    tokens = Tokens.of([vocabulary.ids(text) for text in texts])
    embedded = sums(encoder.embedding(tokens.ids), tokens.sentence, 2)
    torch.testing.assert_close(counts @ encoder.embedding.weight[1:], embedded)
    torch.testing.assert_close(encoder(tokens), embedded / tokens.lengths[:, None])


def test_word_dropout_makes_words_unknown_in_training_only() -> None:
    encoder = pooled(word_dropout=0.5)
    ids = [1 + i % VOCABULARY for i in range(2000)]
    tokens = Tokens.of([[i] for i in ids])
    table = encoder.embedding.weight
    assert torch.equal(encoder(tokens), table[ids])
    rows = encoder.train()(tokens)
    unknown = (rows == table[0]).all(1)
    assert 0.45 < unknown.float().mean() < 0.55
    assert torch.equal(rows[~unknown], table[tokens.ids[~unknown]])
