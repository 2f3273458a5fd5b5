"""What is put around documents: drawn anew, in both layouts, and with other names than tells.py puts on."""

from __future__ import annotations

import re
import tomllib
from random import Random

from models.vocabulary import UNKNOWN, Vocabulary, words
from training import tells
from training.pieces import EACH, FILE, SPACED, Pieces, drawn, pieces

TABLE = tomllib.loads(FILE.read_text("utf-8"))
TEXTS = [text for place in Pieces._fields for text in TABLE[place]]
VOCABULARY = Vocabulary(["to", "unsubscribe", "from", "this", "list", "br", "html", "0000", "wrote", "body"])


def test_every_name_is_drawn_and_every_digit() -> None:
    chance = Random(1)
    for text in TEXTS:
        assert not re.search(r"\{\w+\}|#", drawn(text, TABLE["names"], chance))
    assert len({drawn("{first} {last} ##:##", TABLE["names"], chance) for _ in range(50)}) > 40


def test_some_are_laid_out_as_a_publisher_does() -> None:
    chance = Random(2)
    found = [drawn("To: {list}@{host}", TABLE["names"], chance) for _ in range(500)]
    spaced = sum(text == tells.spaced(text) for text in found)
    assert abs(spaced / 500 - SPACED) < 0.07


def test_pieces_are_ids_by_sentence_and_the_same_for_a_seed() -> None:
    found = pieces(VOCABULARY, 3)
    assert found == pieces(VOCABULARY, 3) != pieces(VOCABULARY, 4)
    assert [len(of) for of in found] == [len(TABLE[place]) * EACH for place in Pieces._fields]
    assert all(ids for of in found for piece in of for ids in piece)
    held = {i for of in found for piece in of for ids in piece for i in ids}
    assert held == {UNKNOWN, *range(1, len(VOCABULARY) + 1)}
    assert any(len(piece) > 3 for piece in found.before)


def test_lists_and_people_are_not_those_that_are_tested_with() -> None:
    kinds = ("list", "first", "last", "firm")
    names = {word for kind in kinds for name in TABLE["names"][kind] for word in words(name)}
    put_on = {*words(tells._FORWARDED), *words(tells._SIGNED), *words("ilug irish linux john smith mary jones")}
    assert not names & put_on
    assert not [text for text in TEXTS if re.search(r"(?i)enron|ilug|kaminski", text)]
