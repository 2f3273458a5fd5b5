"""How an element of HTML looks, as far as it takes to tell whether its text can be read.

    style sheet, style attribute --tinycss2--> declarations --upon the look around it--> Look --> seen or not

Only what mail programs support is followed: selectors of a tag, a class, an id, or a tag with one of these, and
colours and sizes by themselves. A rule that applies on some screens only (@media) is not.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

import tinycss2
from tinycss2.color4 import Color, parse_color

RGB = tuple[float, float, float]
Declared = dict[str, tuple[str, bool]]
"""Property -> its value in lower case, and whether it is `!important`."""

SMALLEST: Final = 4.0
"""Height of letters in px under which nobody reads them."""
OUTSIDE: Final = -100.0
"""An indent, in whatever unit, that puts a text beside the page."""
FAINT: Final = 0.1
"""Opacity, and difference between a letter's red, green and blue (0 to 1) and its ground's, that nobody sees."""
PROPERTIES: Final = frozenset(
    ("background", "background-color", "color", "display", "font", "font-size", "max-height", "opacity", "overflow")
) | {"text-indent", "visibility"}
_SELECTOR: Final = re.compile(r"[\w-]*(?:[.#][\w-]+)?")
_LENGTH: Final = re.compile(r"(-?\d*\.?\d+)(px|pt|r?em|%|)(?![\w.])")
_PX: Final = {"px": 1.0, "": 1.0, "pt": 4 / 3, "rem": 16.0}
_READABLE: Final = ("xx-small", "x-small", "small", "medium", "large", "x-large", "xx-large", "initial")
_COLOURS: Final = ("rgb", "rgba", "hsl", "hsla", "hwb", "lab", "lch", "oklab", "oklch", "color")
_HEX: Final = re.compile(r"[0-9a-fA-F]{6}|[0-9a-fA-F]{3}")


class Styles:
    """The style sheets of one document, and what it declares in its elements; `count` is told what is parsed."""

    def __init__(self, count: Callable[[str], None]) -> None:
        self._count = count
        self._rules: dict[str, Declared] = {}
        self._inline: dict[str, Declared] = {}
        self.looks: dict[object, Look] = {}
        """What came of a look and declarations: a mail has many elements that look alike."""

    def add(self, sheet: str) -> None:
        self._count(sheet)
        for rule in tinycss2.parse_stylesheet(sheet, skip_comments=True, skip_whitespace=True):
            if rule.type == "qualified-rule":
                found = _declared(rule.content)
                for selector in tinycss2.serialize(rule.prelude).split(","):
                    if _SELECTOR.fullmatch(key := selector.strip()):
                        _merge(self._rules.setdefault(key, {}), found)

    def of(self, tag: str, attributes: Mapping[str, str]) -> dict[str, str]:
        """What holds for an element, the more special above the more general."""
        style = attributes.get("style", "")
        if not style and not self._rules:
            return {}
        marks = [f".{name}" for name in attributes.get("class", "").split()]
        marks += [f"#{attributes['id']}"] if "id" in attributes else []
        found: Declared = {}
        for key in (tag, *marks, *(f"{tag}{mark}" for mark in marks)):
            _merge(found, self._rules.get(key, {}))
        if style:
            if style not in self._inline:
                self._count(style)
                self._inline[style] = _declared(style)
            _merge(found, self._inline[style])
        return {name: value for name, (value, _) in found.items()}


def _declared(css: object) -> Declared:
    found: Declared = {}
    for node in tinycss2.parse_blocks_contents(css, skip_comments=True, skip_whitespace=True):
        if node.type == "declaration" and node.lower_name in PROPERTIES:
            value = tinycss2.serialize(node.value).strip().lower()
            _merge(found, {node.lower_name: (value, node.important)})
    return found


def _merge(found: Declared, more: Declared) -> None:
    for name, (value, important) in more.items():
        if important or not found.get(name, ("", False))[1]:
            found[name] = value, important


class Look(NamedTuple):
    """`gone`: nothing inside comes back. `size` is in px; `ink` and `ground` are None where they are not known."""

    gone: bool = False
    invisible: bool = False
    size: float = 16.0
    ink: RGB | None = (0, 0, 0)
    ground: RGB | None = (1, 1, 1)

    @property
    def seen(self) -> bool:
        if self.gone or self.invisible or self.size < SMALLEST:
            return False
        if self.ink is None or self.ground is None:
            return True
        (r, g, b), (red, green, blue) = self.ink, self.ground
        return max(abs(r - red), abs(g - green), abs(b - blue)) >= FAINT

    def inside(self, tag: str, attributes: Mapping[str, str], styles: Styles) -> Look:
        """The look of an element that stands in one of this look."""
        said = {**_presentation(tag, attributes), **styles.of(tag, attributes)}
        if not said:
            return self
        key = (self, *said.items())
        if key not in styles.looks:
            styles.looks[key] = self._with(said)
        return styles.looks[key]

    def _with(self, said: Mapping[str, str]) -> Look:
        ink, clear = _over(self.ink, said.get("color", ""))
        return Look(
            self.gone or clear or _gone(said),
            said["visibility"] in ("hidden", "collapse") if "visibility" in said else self.invisible,
            _size(said, self.size),
            ink,
            _ground(self.ground, said),
        )


def _presentation(tag: str, attributes: Mapping[str, str]) -> dict[str, str]:
    """The attributes that are older than style sheets, as declarations; these come before any other."""
    said: dict[str, str] = {}
    if "hidden" in attributes:
        said["display"] = "none"
    if tag == "a" and "href" in attributes:
        said["color"] = "#0000ee"
    if tag == "font" and "size" in attributes:
        said["font-size"] = "small"
    if colour := attributes.get("text" if tag == "body" else "color", ""):
        said["color"] = _legacy(colour)
    if colour := attributes.get("bgcolor", ""):
        said["background-color"] = _legacy(colour)
    if "background" in attributes:
        said["background"] = "url()"
    return said


def _legacy(colour: str) -> str:
    return f"#{colour}" if _HEX.fullmatch(colour) else colour


def _gone(said: Mapping[str, str]) -> bool:
    opacity, indent, height = (_LENGTH.match(said.get(p, "")) for p in ("opacity", "text-indent", "max-height"))
    return (
        said.get("display") == "none"
        or (opacity is not None and float(opacity[1]) < FAINT)
        or (indent is not None and float(indent[1]) <= OUTSIDE)
        or (height is not None and float(height[1]) < SMALLEST and said.get("overflow") == "hidden")
    )


def _size(said: Mapping[str, str], around: float) -> float:
    value = said.get("font-size", "")
    found = _LENGTH.match(value) or _LENGTH.search("" if value else said.get("font", ""))
    if not found:
        return 16.0 if value in _READABLE else around
    number, unit = float(found[1]), found[2]
    return number * (_PX[unit] if unit in _PX else around * (0.01 if unit == "%" else 1))


def _over(colour: RGB | None, said: object) -> tuple[RGB | None, bool]:
    """A colour laid over another, and whether it is clear as glass."""
    over = parse_color(said) if said else None
    if not isinstance(over, Color):  # also `currentcolor`
        return colour, False
    if over.alpha < FAINT:
        return colour, True
    try:
        red, green, blue = over.to("srgb").coordinates
        return (float(red), float(green), float(blue)), False
    except (NotImplementedError, TypeError, ValueError):  # a colour space without a way to red, green and blue
        return None, False


def _ground(ground: RGB | None, said: Mapping[str, str]) -> RGB | None:
    ground, _ = _over(ground, said.get("background-color", ""))
    for token in tinycss2.parse_component_value_list(said["background"]) if "background" in said else ():
        if token.type == "url" or (token.type == "function" and token.lower_name not in _COLOURS):
            return None  # a picture
        ground, _ = _over(ground, token)
    return ground
