"""The flattened embedding: a dense layer over all places at once, streamed, and never a cut."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F

from models.contract import Tokens
from models.errors import TooManyTokens
from models.families import build
from models.flattened import FlattenedEmbedding
from models.predictor import Advance, Predictor
from tests.models.tiny import WORDS, artefact

MOST = 6
SENTENCES = [[1, 2, 3], [], [4, 0], [1]]


def flattened() -> FlattenedEmbedding:
    torch.manual_seed(0)
    return FlattenedEmbedding(words=4, classes=2, max_tokens=MOST, embedding=3, dense=5).eval()


def test_it_is_the_flat_dense_layer_over_the_text_so_far() -> None:
    model = flattened()
    dense = model.weight.reshape(MOST * 3, 5)
    _, logits = model.unroll(model.encode(Tokens.of(SENTENCES)).unsqueeze(0))
    for s in range(len(SENTENCES)):
        ids = [i for sentence in SENTENCES[: s + 1] for i in sentence]
        flat = F.pad(model.embedding(torch.tensor(ids)).flatten(), (0, 3 * (MOST - len(ids))))
        torch.testing.assert_close(logits[0, s], model.linear(F.relu(flat @ dense + model.bias)))


def test_a_state_has_room_for_what_is_left_and_update_refuses_more() -> None:
    model = flattened()
    state = model.initial_state(2)
    assert model.room(state).tolist() == [MOST, MOST]
    state = model.update(state, model.encode(Tokens.of([[1, 2, 3, 4], []])))
    assert model.room(state).tolist() == [2, MOST]
    full = model.update(state, model.encode(Tokens.of([[1, 2], [1]])))
    assert full.read.tolist() == [[MOST], [1]]
    with pytest.raises(TooManyTokens, match="goes on for 1 words, this model has room for 0 more by its max_tokens"):
        model.update(full, model.encode(Tokens.of([[3], [3]])))


@pytest.mark.parametrize("wide", [False, True])
def test_too_many_words_are_an_error_of_their_item_only(wide: bool) -> None:
    sizes = {"max_tokens": MOST, "embedding": 3, "dense": 4, "wide": wide}
    classifier = build("flattened", words=len(WORDS), classes=2, sizes=sizes).eval()
    predictor = Predictor(replace(artefact("flattened"), weights=classifier.weights(), sizes=sizes))
    good = (None, ["free money !", "the cat"])
    first, refused, second = predictor.advance([good, (None, ["free money !", "the cat sat on"]), good])
    assert isinstance(refused, TooManyTokens)
    assert (refused.status, refused.code, refused.limit, refused.value) == (413, "too_many_tokens", MOST, 7)
    assert isinstance(first, Advance)
    assert isinstance(second, Advance)
    assert first.steps == second.steps
    on = predictor.advance([(first.state, ["click"]), (first.state, ["click click"])])
    assert isinstance(on[0], Advance)
    assert isinstance(on[1], TooManyTokens)
    assert "goes on for 2 words, spam-flattened has room for 1 more" in str(on[1])
    assert [type(answer) for answer in predictor.advance([(None, ["the cat " * 9])])] == [TooManyTokens]


def test_every_parameter_is_trained() -> None:
    model = flattened().train()
    _, logits = model.unroll(model.encode(Tokens.of([[1, 2, 3], [0, 4, 4]])).unsqueeze(0))
    logits.square().sum().backward()
    assert [name for name, p in model.named_parameters() if p.grad is None or not p.grad.any()] == []
