"""Cuts a text into sentences while it is still being written.

    text, cut anywhere --Segmenter.feed/flush--> whole sentences

The streaming form is the definition: a whole text is `feed(text)` and `flush()`, so that no chunking
can change what the sentences are. A sentence begins at the first character that is not blank, needs
a letter or a digit, or a sign that Unicode makes letters of (what has none joins the next sentence), and ends at the
first of

    (a) a blank line
    (b) a run of terminators where `sentencex`, shown 64 code points before and 16 after it, sees a
        boundary before the next letter or digit
    (c) a newline that ends a line of fewer than 40 code points
    (d) 1,000 code points after its first letter or digit: at the last blank, else there

A text may begin within a line, at a `column`: then it goes on where the sentence of an earlier text ended. So little
is enough for the two to be cut as one would be: nothing else that stands before a sentence has a say in its end.

`sentencex` knows the abbreviations of some 300 languages, but is quadratic on whole texts; here it
never sees more than 80 code points. Most sentences are so plain that it need not see them (ordinary.py).
"""

from __future__ import annotations

import copy
import re
from typing import Final, NamedTuple

import sentencex

from models import ordinary
from models.ordinary import AFTER as AFTER

BEFORE: Final = 64
"""Code points before the end of a run of terminators that `sentencex` is shown."""
SHORT_LINE: Final = 40
"""A newline ends a sentence when its line holds fewer code points than this."""
LONGEST: Final = 1000
"""Code points from a sentence's first letter or digit after which it is cut."""

# Signs that are no letters but stand for some, which is what they are scored as: ℡, ⓕ, ㌖.
_STANDING_FOR_LETTERS: Final = (
    "\u20a8\u2100-\u2101\u2103\u2105-\u2106\u2109\u2116\u2120-\u2122\u213b\u249c-\u24e9\u2e9f\u2ef3\u2f00-\u2fd5"
    "\u3196-\u319f\u3200-\u321e\u322a-\u3247\u3250\u3260-\u327e\u328a-\u32b0\u32c0-\u33ff\ufdfc\U0001f110-\U0001f12e"
    "\U0001f130-\U0001f14f\U0001f16a-\U0001f16c\U0001f190\U0001f200-\U0001f202\U0001f210-\U0001f23b"
    "\U0001f240-\U0001f248\U0001f250-\U0001f251"
)
_WORD: Final = re.compile(rf"[^\W_]|[{_STANDING_FOR_LETTERS}]")
_VISIBLE: Final = re.compile(r"\S")
# sentencex 1.0.32 panics at a capital letter by itself, a blank of several bytes and a full stop.
_PANIC: Final = re.compile(r"(?<=[A-Z])([\s./]*)[^\S\x00-\x7f](?=\.)")
_WORDLESS: Final = re.compile(rf"\s*((?:[^\w{_STANDING_FOR_LETTERS}]++|_++)*+)")
_BLANK_LINE: Final = re.compile(r"\n[^\S\n]*\n")
# The full stops, exclamation and question marks of the scripts that sentencex ends a sentence at.
_TERMINATORS: Final = (
    ".!?\u2026\u203c-\u203d\u2047-\u2049\u3002\uff01\uff0e\uff1f\uff61\u0589\u061f\u06d4\u0700-\u0702\u07f9\u0964\u0965"
    "\u104a\u104b\u1362\u1367\u1368\u166e\u1803\u1809\u2cf9-\u2cfb\u2cfe\u2cff\ua60e\ua60f\ua6f3\ua6f7"
)
# A newline, or a run of terminators; written so that it begins with one set, which is searched for three times as fast.
_CANDIDATE: Final = re.compile(f"[{_TERMINATORS}\n](?:(?<!\n)[{_TERMINATORS}]+)?")


class Sentence(NamedTuple):
    """A sentence and where it stands: `offset` and `length` in code points of the text as sent; `column` is how many
    of its line have been read at its end, at most SHORT_LINE, and 0 where the line is known to be over."""

    offset: int
    length: int
    text: str
    column: int = 0


class Segmenter:
    """Text in pieces of any size in, whole sentences out, each as soon as its end is certain.

    >>> segmenter = Segmenter()
    >>> segmenter.feed("Hello there, Dr. Smi")
    []
    >>> [s.text for s in segmenter.feed("th. You have won! Call now.")]
    ['Hello there, Dr. Smith.']
    >>> [(s.offset, s.text) for s in segmenter.flush()]
    [(24, 'You have won!'), (38, 'Call now.')]
    """

    def __init__(self, language: str = "en", column: int = 0) -> None:
        self.language = language
        self._buffer = ""
        self._base = 0  # where the buffer's first code point stands in the text
        self._line = -column  # where the current line starts in the text
        self._aside: list[str] = []  # the next sentence's start while it has no letter or digit
        self._ahead = ""  # that of the current sentence, so far as it is no longer in the buffer
        self._start = 0  # the sentence's first visible character in the buffer
        self._first = -1  # its first letter or digit in the buffer; -1: not seen yet
        self._scan = 0  # everything before this index in the buffer is decided

    def feed(self, text: str) -> list[Sentence]:
        """The sentences that `text` makes certain; what is left is kept."""
        return self._advance(text, ended=False)

    def flush(self) -> list[Sentence]:
        """The sentences that are left, the text being at its end."""
        return self._advance("", ended=True)

    @property
    def kept(self) -> int:
        """Code points that are in no sentence yet."""
        return len(self._buffer) + len(self._ahead) + self.wordless

    @property
    def wordless(self) -> int:
        """Code points of a sentence's start in which no letter or digit has come yet: nothing else bounds them."""
        return sum(map(len, self._aside))

    def peek(self) -> list[Sentence]:
        """What `flush` would give now; more text may still follow.

        >>> segmenter = Segmenter()
        >>> segmenter.feed("You have w")
        []
        >>> [s.text for s in segmenter.peek()], [s.text for s in segmenter.feed("on!") + segmenter.flush()]
        (['You have w'], ['You have won!'])
        """
        twin = copy.copy(self)
        twin._aside = list(self._aside)
        return twin.flush()

    def _advance(self, text: str, *, ended: bool) -> list[Sentence]:
        self._buffer += text
        sentences: list[Sentence] = []
        done = 0
        while True:
            if self._first < 0:
                done = self._ordinary(done, sentences, ended)
                if not self._begin(done):
                    break
            end = self._end(ended)
            if end < 0:
                break
            sentences.append(self._cut(end))
            done = end
        if self._first < 0:
            self._set_aside(done)
            done = len(self._buffer)
        # One slice per call, however many sentences there were.
        self._buffer = self._buffer[done:]
        self._base += done
        self._start -= done
        self._first -= done
        self._scan -= done
        if self._first < 0:
            self._first = -1
            if ended and self._aside:
                self._ahead, self._aside = "".join(self._aside), []
                self._start = 0
                sentences.append(self._cut(0))
        return sentences

    def _ordinary(self, done: int, sentences: list[Sentence], ended: bool) -> int:
        """Cuts off sentences as long as each is plain; where it stopped."""
        buffer, base = self._buffer, self._base
        while self.language == "en" and not self._aside:
            limit = done + LONGEST + AFTER
            found = ordinary.ORDINARY.match(buffer, done, limit)
            if not found or len(text := found[1]) >= LONGEST:
                break
            if found[3] is not None:
                certain = ended and limit >= len(buffer)
            else:
                certain = found[2] is not None or ordinary.ends_a_sentence(text[text.rfind(" ") :].rstrip(".!?"))
            if not certain:
                break
            at, end = found.span(1)
            if (newline := buffer.rfind("\n", done, at)) >= 0:
                self._line = base + newline + 1
            over = found[2] is not None or (found[3] is not None and "\n" in buffer[end:])
            sentences.append(Sentence(base + at, end - at, text, 0 if over else self._column(base + end)))
            done = end
        return done

    def _begin(self, done: int) -> bool:
        """Finds where the next sentence starts and its first letter or digit, if that has come."""
        buffer = self._buffer
        found = _WORDLESS.match(buffer, done)
        visible, upto = found.span(1) if found else (done, done)
        newline = buffer.rfind("\n", done, upto)
        if newline >= 0:
            self._line = self._base + newline + 1
        if upto == len(buffer):
            return False
        if self._aside:
            self._ahead, self._aside, visible = "".join(self._aside), [], done
        self._start = visible
        self._first = self._scan = upto
        return True

    def _set_aside(self, done: int) -> None:
        """Keeps a start without letters or digits outside the buffer, which so stays short."""
        rest = self._buffer[done:]
        rest = rest if self._aside else rest.lstrip()
        if rest:
            self._aside.append(rest)
            # Pieces of one size are joined: few are left, and no code point is copied more than log n times.
            while len(self._aside) > 1 and len(self._aside[-2]) <= len(self._aside[-1]):
                last = self._aside.pop()
                self._aside[-1] += last

    def _end(self, ended: bool) -> int:
        """Where the current sentence ends in the buffer; -1: that is not certain yet."""
        buffer, size = self._buffer, len(self._buffer)
        latest = self._first + LONGEST
        while found := _CANDIDATE.search(buffer, self._scan, latest):
            self._scan, end = found.span()
            if buffer[self._scan] == "\n":
                decision = self._newline(self._scan, latest, ended)
            elif end == size < latest:
                decision = -1 if ended else None  # the run of terminators may go on
            else:
                decision = self._run(end, ended)
            if decision is None:
                return -1
            if decision >= 0:
                return decision
            self._scan = end
        if size >= latest:
            blank = max(buffer.rfind(c, self._first, latest) for c in " \t\n\r\u3000")
            return blank if blank > 0 else latest
        self._scan = size
        return size if ended else -1

    def _newline(self, at: int, latest: int, ended: bool) -> int | None:
        """Rules (a) and (c) at a newline: the end; -1: no end; None: not certain yet."""
        line = self._base + at - (self._buffer[at - 1] == "\r") - self._line
        end = line < SHORT_LINE or _BLANK_LINE.match(self._buffer, at, latest)
        if not end and len(self._buffer) < latest and not ended and not _VISIBLE.search(self._buffer, at):
            return None
        self._line = self._base + at + 1
        return at if end else -1

    def _run(self, end: int, ended: bool) -> int | None:
        """Rule (b) at a run of terminators that ends at `end`: as `_newline`."""
        buffer, size = self._buffer, len(self._buffer)
        right = end + AFTER
        if size < right:
            if not ended:
                return None
            right = size
        left = end - BEFORE
        boundary = left if left > self._start else self._start
        shown = buffer[boundary:right]
        if left < boundary and self._ahead:
            ahead = self._ahead[left - boundary :]
            boundary -= len(ahead)
            shown = ahead + shown
        if not shown.isascii():
            shown = _PANIC.sub(r"\1 ", shown)
        following = _WORD.search(buffer, end, right)
        last = following.start() if following else right - 1
        for piece in sentencex.segment(self.language, shown):
            boundary += len(piece)
            if boundary >= end:
                break
        if boundary > last:
            return -1
        visible = _VISIBLE.search(buffer, boundary, right)
        newline = buffer.rfind("\n", end, visible.start() if visible else right)
        if newline >= 0:
            self._line = self._base + newline + 1
        return boundary

    def _cut(self, end: int) -> Sentence:
        """The sentence up to `end`, without outer blanks."""
        text = self._buffer[self._start : end]
        offset = self._base + self._start
        if self._ahead:
            text = self._ahead + text
            offset -= len(self._ahead)
            self._ahead = ""
        text = text.rstrip()
        self._first = -1
        return Sentence(offset, len(text), text, self._column(offset + len(text)))

    def _column(self, end: int) -> int:
        """Of the end of a sentence, which stands there in the text; no newline is known to come before what follows."""
        return min(max(end - self._line, 0), SHORT_LINE)


def split(text: str, language: str = "en", column: int = 0) -> list[Sentence]:
    """The sentences of a whole text, or of what follows one that ended at a `column`.

    >>> [s.text for s in split("Dear Mr. Jones,\\n\\nthe meeting is at 3.30 p.m. tomorrow. Bring tea!")]
    ['Dear Mr. Jones,', 'the meeting is at 3.30 p.m. tomorrow.', 'Bring tea!']
    """
    return Segmenter(language, column)._advance(text, ended=True)
