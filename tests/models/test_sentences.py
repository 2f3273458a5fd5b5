"""The segmenter: any cut gives the same sentences, offsets are true, and hostile text is linear."""

from __future__ import annotations

import itertools
import re
import sys
import time
import unicodedata

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from models import ordinary
from models.errors import InvalidEncoding
from models.sentences import AFTER, LONGEST, Segmenter, Sentence, split
from models.utf8 import Utf8Reader
from tests.models.clock import linear

WORD = re.compile(r"[^\W_]")
PIECES = ["Dr. ", "Hello", " world", ".", "!?", "\n", "\n\n", " \n ", "\r\n", "a" * 45, " ", "...", '"', ") ", "e.g. "]
PIECES += ["3.5", "你好。", "\u200b", "----", "é", "🙂", "x" * 1100, " y" * 600, "- " * 40, "The end. ", "\x00", "… "]
texts = st.lists(st.sampled_from(PIECES) | st.text(max_size=8), max_size=30).map("".join)


def fed(parts: list[str], column: int = 0) -> list[Sentence]:
    segmenter = Segmenter(column=column)
    found = [sentence for part in parts for sentence in segmenter.feed(part)]
    return found + segmenter.flush()


@given(texts, st.data(), st.integers(0, 40))
@example('----- "Stop." He said so to everybody. \n\n', None, 0)
def test_any_cut_of_the_bytes_gives_the_same_sentences(text: str, data: st.DataObject | None, column: int) -> None:
    raw = text.encode()
    cuts = sorted(data.draw(st.sets(st.integers(0, len(raw)), max_size=20))) if data else range(len(raw))
    reader = Utf8Reader()
    edges = [0, *cuts, len(raw)]
    parts = [reader.feed(raw[a:b]) for a, b in itertools.pairwise(edges)] + [reader.feed(b"", ended=True)]
    assert fed(parts, column) == split(text, column=column)
    assert fed(list(text), column) == split(text, column=column)


PLAIN = [
    "the boys",
    " we",
    " went",
    " home",
    " so",
    " in",
    " Mr",
    " Corp",
    " 5",
    " St",
    " no",
    " etc",
    " II",
    " B",
    " ft",
]
PLAIN += [
    ". ",
    "! ",
    "? ",
    ".\n\n",
    " \n\n",
    "... ",
    ".",
    ", ",
    "; ",
    "The",
    "I ",
    "It's ",
    " boys' ",
    " 'tis ",
    " (all",
    ") ",
]
PLAIN += [
    '"',
    " (viii) ",
    " (a) ",
    " b) ",
    "1. ",
    "- ",
    "\n",
    " - ",
    ". Then ",
    ". We left. ",
    ". and ",
    ".and",
    " p.m",
    "@x.com",
]


@given(st.lists(st.sampled_from(PLAIN) | st.text("aB. '()", max_size=3), max_size=40).map("".join) | texts)
@example("Corp I \"\" 'tis; 5. We left.  noIt's")  # what is shown ends with the apostrophe, which so closes a quotation
@example("So we went home... I think so too, all of us.")
@example("We (viii) Went (viii) Home so. Then we left all of it")
@settings(max_examples=1000)
def test_what_is_plain_needs_no_second_look(text: str) -> None:
    """That a plain sentence ends where sentencex, asked about each terminator, says that it does."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ordinary, "ORDINARY", re.compile("(?!)"))
        wanted = split(text)
    assert split(text) == wanted


@given(texts)
def test_offsets_are_true_and_nothing_visible_is_lost(text: str) -> None:
    found = split(text)
    left = list(text)
    for offset, length, sentence, _ in found:
        assert text[offset : offset + length] == sentence == sentence.strip() != ""
        left[offset : offset + length] = " " * length
    assert "".join(left).isspace() or not text
    assert all(a.offset + a.length <= b.offset for a, b in itertools.pairwise(found))


@given(texts, st.integers(0, 40))
def test_a_column_is_how_far_the_line_has_come_unless_it_is_over(text: str, column: int) -> None:
    for s in split(text, column=column):
        before, after = text[: s.offset + s.length], text[s.offset + s.length :]
        begun = len(before) - before.rfind("\n") - 1 if "\n" in before else column + len(before)
        over = "\n" in after[: len(after) - len(after.lstrip())]
        assert s.column in ({0, min(begun, 40)} if over else {min(begun, 40)})
        if over and not after.strip() and len(after) < AFTER:
            assert s.column == 0, "a text that ends with its line"


@given(texts.filter(lambda text: len(text) < LONGEST))  # a sentence cut at the limit may end in a full stop, too
def test_a_sentence_is_out_before_the_17th_code_point_after_its_terminator(text: str) -> None:
    ends = [s.offset + s.length for s in split(text) if s.text[-1] in ".!?"]
    segmenter = Segmenter()
    out: list[Sentence] = []
    for at, character in enumerate(text):
        out += segmenter.feed(character)
        due = [end for end in ends if end + AFTER <= at + 1]
        assert [s.offset + s.length for s in out if s.text[-1] in ".!?"][: len(due)] == due


@given(texts, st.integers(0, 400))
def test_peek_says_what_the_end_would_say_and_changes_nothing(text: str, upto: int) -> None:
    segmenter = Segmenter()
    found = segmenter.feed(text[:upto])
    assert found + segmenter.peek() == split(text[:upto])
    assert found + segmenter.peek() == split(text[:upto])
    found += segmenter.feed(text[upto:])
    assert found + segmenter.flush() == split(text)


@given(texts)
def test_what_is_kept_is_what_is_in_no_sentence_yet(text: str) -> None:
    segmenter = Segmenter()
    for character in text:
        segmenter.feed(character)
        rest = segmenter.peek()
        assert segmenter.kept >= sum(len(sentence.text) for sentence in rest)
        wordless = bool(rest) and not any(c.isalnum() for c in rest[0].text)
        assert (segmenter.wordless > 0) == wordless


def test_what_has_no_word_is_kept_in_few_pieces_however_it_comes() -> None:
    def seconds(n: int) -> float:
        segmenter = Segmenter()
        began = time.process_time()
        for _ in range(n):
            segmenter.feed("-")
        assert segmenter.wordless == segmenter.kept == n
        assert len(segmenter._ahead) < 20
        assert [sentence.length for sentence in segmenter.flush()] == [n]
        return time.process_time() - began

    linear(seconds, 300_000, 8, 0.2)


def test_a_terminator_is_decided_when_16_code_points_after_it_are_known() -> None:
    segmenter = Segmenter()
    assert segmenter.feed("It ends. " + "b" * 14) == []
    assert [s.text for s in segmenter.feed("b")] == ["It ends."]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("", []),
        (" \n\t ", []),
        ("no end", ["no end"]),
        ("One. Two! Three?", ["One.", "Two!", "Three?"]),
        ("Dr. Smith paid $3.50. He left.", ["Dr. Smith paid $3.50.", "He left."]),
        ("hi\nhow are you\nfine", ["hi", "how are you", "fine"]),
        ("This line was wrapped by a client at about\n70", ["This line was wrapped by a client at about\n70"]),
        (
            "This line is 41 code points long, no less\n \n a blank",
            ["This line is 41 code points long, no less", "a blank"],
        ),
        ("*** --- ***\n\nHello", ["*** --- ***\n\nHello"]),
        ("Hello there.\n\n*** --- ***", ["Hello there.", "*** --- ***"]),
        ("?!... ---", ["?!... ---"]),
    ],
)
def test_where_sentences_end(text: str, wanted: list[str]) -> None:
    assert [s.text for s in split(text)] == wanted


@pytest.mark.parametrize("blank", ["\u00a0", "\u2028", "\u3000", " \u00a0", ".\u2009"])
def test_a_capital_and_a_wide_blank_before_a_full_stop_are_legal(blank: str) -> None:
    """sentencex 1.0.32 panics at them."""
    assert [s.text for s in split(f"Take vitamin C{blank}. It helps.")] in (
        [f"Take vitamin C{blank}. It helps."],
        [f"Take vitamin C{blank}.", "It helps."],
    )


def test_a_line_of_39_ends_a_sentence_and_one_of_40_does_not() -> None:
    for newline in ("\n", "\r\n"):
        assert len(split("a" * 39 + newline + "b" * 50)) == 2
        assert len(split("a" * 40 + newline + "b" * 50)) == 1


@pytest.mark.parametrize("blank", ["", " ", "\t"])
def test_a_line_that_began_in_an_earlier_text_is_as_long_as_both_parts_of_it(blank: str) -> None:
    rest = f"{blank}{'b' * (10 - len(blank))}\nthe next line"
    assert [len(split(rest, column=column)) for column in (0, 29, 30, 40)] == [2, 2, 1, 1]
    assert [s.column for s in split("It ends. So does this\none, and then")] == [8, 0, 13]
    for newline in ("\n", "\r\n", " \n"):
        assert len(split(newline + rest, column=40)) == 2
        assert split("This line, which is a long one, is at its end." + newline)[0].column == 0


def test_a_sentence_is_cut_at_the_last_blank_within_the_limit_else_at_the_limit() -> None:
    assert [s.length for s in split("a" * 2500)] == [LONGEST, LONGEST, 500]
    assert [s.length for s in split("a" * 600 + " " + "b" * 900)] == [600, 900]


def test_a_sign_that_unicode_makes_letters_of_is_one() -> None:
    every = (chr(c) for c in range(sys.maxunicode + 1) if not 0xD800 <= c < 0xE000)
    signs = [sign for sign in every if not WORD.search(sign) and WORD.search(unicodedata.normalize("NFKC", sign))]
    assert {"\u2122", "\u24d5", "\u3316"} < set(signs)
    cut = [split(f"{sign}" * (LONGEST + 1)) for sign in signs]
    assert {len(sentences) for sentences in cut} == {2}
    assert len(split("\u00a9" * (LONGEST + 1))) == 1  # and one that it does not is none


MILLION = 1_000_000
HOSTILE = {
    "dots": "." * MILLION,
    "spaced dots": ". " * (MILLION // 2),
    "brackets": "(" * MILLION,
    "quotes": '"' * MILLION,
    "one word": "a" * MILLION,
    "newlines": "\n" * MILLION,
    "letters and newlines": "a\n" * (MILLION // 2),
    "a letter, then dots": "a" + "." * (MILLION - 1),
    "letters and dots": "a." * (MILLION // 2),
    "questions": "a? " * (MILLION // 3),
    "a long line, then blanks": "a" * 50 + "\n" + " " * (MILLION - 51),
    "one line without an end": "we went " * (MILLION // 8),
    "one line of full stops that go on": "we.went " * (MILLION // 8),
    "combining marks": "e" + "\u0301\u0327" * (MILLION // 2),
    "signs that stand for letters": "\u3316 " * (MILLION // 2),
    "only combining marks": "\u0301\u0327" * (MILLION // 2),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_text_is_linear(name: str) -> None:
    text = HOSTILE[name]
    linear(lambda size: timed(text[:size]), len(text), 8, 0.2)


@pytest.mark.parametrize("name", ["dots", "a letter, then dots", "a long line, then blanks", "only combining marks"])
def test_hostile_text_in_small_pieces_is_linear(name: str) -> None:
    def seconds(size: int) -> float:
        text = HOSTILE[name][:size]
        began = time.process_time()
        fed([text[i : i + 3] for i in range(0, len(text), 3)])
        return time.process_time() - began

    linear(seconds, MILLION // 4, 8, 0.2)


def timed(text: str) -> float:
    began = time.process_time()
    split(text)
    return time.process_time() - began


def test_bytes_that_are_not_utf8_are_refused_with_their_place() -> None:
    reader = Utf8Reader()
    reader.feed(b"abc\xc3")
    with pytest.raises(InvalidEncoding, match="near byte"):
        reader.feed(b"\x28")
    with pytest.raises(InvalidEncoding):
        Utf8Reader().feed(b"\xed\xa0\x80", ended=True)
