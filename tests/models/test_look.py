"""Looks by themselves: what a declaration wins over, and what is not understood."""

from __future__ import annotations

import pytest

from models.look import Look, Styles


def look(style: str = "", sheet: str = "", **attributes: str) -> Look:
    styles = Styles(lambda css: None)
    styles.add(sheet)
    return Look().inside("p", {**attributes, **({"style": style} if style else {})}, styles)


def test_an_element_that_says_nothing_looks_as_what_it_stands_in() -> None:
    around = Look(size=9)
    assert around.inside("p", {"align": "left"}, Styles(lambda css: None)) is around


@pytest.mark.parametrize(
    ("value", "size"),
    [("12px", 12), ("9pt", 12), ("2em", 32), ("50%", 8), ("2rem", 32), ("0", 0), ("x-large", 16), ("calc(1px)", 16)],
)
def test_sizes(value: str, size: float) -> None:
    assert look(f"font-size:{value}").size == pytest.approx(size)


def test_the_more_special_rule_wins_and_the_important_one_above_all() -> None:
    sheet = "p{font-size:1px} .a{font-size:2px} p.a{font-size:3px} #b{font-size:4px} p{font-size:6px !important}"
    assert look(sheet=sheet).size == 6
    plain = sheet.replace(" !important", "")
    assert look(sheet=plain).size == 6
    assert look(sheet=plain, **{"class": "a"}).size == 3
    assert look("font-size:5px", plain, id="b").size == 5


@pytest.mark.parametrize("value", ["color(xyz 0 0 0)", "currentcolor", "nonsense", "#12", "lab(50 40 59)", "inherit"])
def test_colours_that_are_not_understood_hide_nothing(value: str) -> None:
    assert look(f"color:{value}").seen


def test_what_is_clear_lets_its_ground_through() -> None:
    assert look("background:rgba(0,0,0,0)").ground == (1, 1, 1)
    assert not look("color:rgba(0,0,0,.01)").seen
