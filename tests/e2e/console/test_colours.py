"""The console's colours, as those see them who lack a kind of cones, in light and in dark.

theme --as painted--> sRGB --linear--> light --MACHADO--> what is left of it --lab--> differences

Matrices: Machado, Oliveira and Fernandes, A Physiologically-based Model for Simulation of Color Vision Deficiency,
IEEE Transactions on Visualization and Computer Graphics 15 (6), 2009, table 1, severity 1.0. Differences: CIE 1976, of
which 2.3 is the least that is noticed (Mahy, Van Eycken and Oosterlinck, Color Research and Application 19 (2), 1994).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Final, Literal

import pytest
from playwright.sync_api import expect

from tests.e2e.console.screen import PHISH, Screen

pytestmark = pytest.mark.tools
Triple = tuple[float, float, float]
Matrix = tuple[Triple, Triple, Triple]
MACHADO: Final[dict[str, Matrix]] = {
    "all cones": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "protan": ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998)),
    "deutan": ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.011820, 0.042940, 0.968881)),
    "tritan": ((1.255528, -0.076749, -0.178779), (-0.078411, 0.930809, 0.147602), (0.004733, 0.691367, 0.303900)),
}
XYZ: Final[Matrix] = (
    (0.4124564, 0.3575761, 0.1804375), (0.2126729, 0.7151522, 0.0721750), (0.0193339, 0.1191920, 0.9503041),
)  # fmt: skip
"""Of linear sRGB (IEC 61966-2-1)."""
NOTICED: Final = 2.3
APART: Final = 15.0
"""What is told apart at a glance, also where the two do not lie side by side."""
OPPOSITE: Final = 40.0
SCALE: Final = [f"p{n}" for n in range(9)]
OPPOSITES: Final = (("low", "high"), ("low-ink", "high-ink"), ("p0", "p8"))
DISTINCT: Final = (("low", "none"), ("none", "high"), ("p0", "p4"), ("p4", "p8"))
PAINTED: Final = """names => Object.fromEntries(names.map(name => {
    const one = document.body.appendChild(document.createElement("i"));
    if (/^p\\d$/.test(name)) one.className = name; else one.style.background = `var(--${name})`;
    const rgb = getComputedStyle(one).backgroundColor.match(/[\\d.]+/g).map(Number);
    one.remove(); return [name, rgb] }))"""
THEMES: Final[tuple[Literal["light", "dark"], ...]] = ("light", "dark")


def times(matrix: Matrix, vector: Triple) -> Triple:
    x, y, z = (sum(a * b for a, b in zip(row, vector, strict=True)) for row in matrix)
    return x, y, z


def linear(rgb: Sequence[float]) -> Triple:
    """Of what is painted [3], 0 to 255; more than three is a colour that something shines through."""
    r, g, b = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (value / 255 for value in rgb))
    return r, g, b


def lab(light: Triple) -> Triple:
    """CIE L*a*b* of linear sRGB, white being (1, 1, 1)."""
    r, g, b = (min(1.0, max(0.0, value)) for value in light)
    white = times(XYZ, (1, 1, 1))
    shares = (value / full for value, full in zip(times(XYZ, (r, g, b)), white, strict=True))
    x, y, z = (s ** (1 / 3) if s > (6 / 29) ** 3 else s * (29 / 6) ** 2 / 3 + 4 / 29 for s in shares)
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


def test_the_arithmetic_of_colours() -> None:
    """White stays white, sRGB's red is where the books have it, and who lacks cones takes a red for a green."""
    assert lab(linear((255, 0, 0))) == pytest.approx((53.24, 80.09, 67.20), abs=0.05)
    for matrix in MACHADO.values():
        assert times(matrix, (1, 1, 1)) == pytest.approx((1, 1, 1), abs=1e-5)
    red, green = linear((220, 60, 60)), linear((120, 130, 40))
    far = {name: math.dist(lab(times(m, red)), lab(times(m, green))) for name, m in MACHADO.items()}
    assert far["deutan"] < APART < far["all cones"]


def test_light_is_light_and_dark_is_dark(screen: Screen) -> None:
    script = "() => getComputedStyle(document.body).backgroundColor.match(/[\\d.]+/g).map(Number)"
    for theme in THEMES:
        screen.page.emulate_media(color_scheme=theme)
        luminance = times(XYZ, linear(screen.page.evaluate(script)))[1]
        assert luminance < 0.2 if theme == "dark" else luminance > 0.8, (theme, luminance)


def test_everybody_tells_them_apart(screen: Screen) -> None:
    for theme in THEMES:
        screen.page.emulate_media(color_scheme=theme)
        names = sorted({*SCALE, *(name for pair in OPPOSITES + DISTINCT for name in pair)})
        painted: dict[str, list[float]] = screen.page.evaluate(PAINTED, names)
        for eyes, matrix in MACHADO.items():
            seen = {name: lab(times(matrix, linear(rgb))) for name, rgb in painted.items()}
            for pairs, least in ((OPPOSITES, OPPOSITE), (DISTINCT, APART), (tuple(pairwise(SCALE)), NOTICED)):
                near = {pair: far for pair in pairs if (far := math.dist(seen[pair[0]], seen[pair[1]])) < least}
                assert not near, (theme, eyes, least)
            # Along the line between its ends the scale only ever goes on.
            way = [end - start for start, end in zip(seen["p0"], seen["p8"], strict=True)]
            along = [sum(w * value for w, value in zip(way, seen[name], strict=True)) for name in SCALE]
            assert along == sorted(along), (theme, eyes)


def test_sides_differ_in_more_than_their_colours(screen: Screen) -> None:
    screen.write(PHISH)
    screen.finished().agrees(screen.predicted(PHISH), PHISH)  # that has the signs of rows and verdict
    assert {row["p"][0] for row in screen.rows()} == {"▲", "▽"}
    expect(screen["legend-low"]).to_have_text("▽ ham")
    expect(screen["legend-high"]).to_have_text("spam ▲")
    style = "one => getComputedStyle(one).textDecorationStyle"
    lines = {side: screen.page.locator(f".said.{side}").first.evaluate(style) for side in ("above", "below")}
    assert lines == {"above": "solid", "below": "dotted"}
