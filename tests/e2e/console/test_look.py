"""The console for everybody: contrast, names, keyboard, phones, both themes; and hostile texts, which stay texts."""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, expect

from tests.e2e.console.screen import DESK, PHISH, PHONE, Screen, mark, picture
from tests.e2e.server import ROOT, Service

pytestmark = pytest.mark.tools
PICTURE: Final = ROOT / "docs" / "console.png"
MOST: Final = 300_000
"""Bytes of the picture in the README."""
GRAVE: Final = ("serious", "critical")
LOOKS: Final[dict[str, dict[str, Any]]] = {
    "light": {"color_scheme": "light"},
    "dark": {"color_scheme": "dark"},
    "phone": {"viewport": PHONE, "has_touch": True, "is_mobile": True},
}
HOSTILE: Final = (
    "<img src=x onerror=\"document.title='pwned'\"> </textarea><script>document.title='pwned'</script> "
    "\u202egnirts desrever\u202c fr\u200bee mo\u200dney \u0000\u001b[31m {{7*7}} &lt;b&gt; "
    "👨‍👩‍👧 مرحبا بالعالم! You won a prize. " + "a\u0300" * 200 + ". Bye."
)


NAMES: Final = """() => { window.named = one =>
    one.id || (one.matches(".step") ? "step" : one.ariaLabel || one.textContent) }"""
STOPS: Final = """() => [...document.querySelectorAll("a[href], button, input, select, textarea, [tabindex]")]
    .filter(one => one.tabIndex >= 0 && !one.disabled && one.checkVisibility())
    .filter(one => one.type !== "radio" || one.checked).map(named)"""
"""What Tab is to stop at, in order: all that is there, can be used and is not a choice among others."""
FOCUSED: Final = """() => { const one = document.activeElement;
    const seen = one.id === "file" ? one.previousElementSibling : one.type === "radio" ? one.nextElementSibling
        : one.id === "text" ? one.closest(".paper") : one;
    return one === document.body ? null : [named(one), getComputedStyle(seen).outlineStyle] }"""
"""Who has the focus, and how it shows: for a file or a choice on what looks like it, for the text on its sheet."""
HEAD: Final = ["To the text", "tab-read", "key-open", "docs"]
CHOICES: Final = ["task-spam", "model", "card-open", "threshold"]
WRITING: Final = ["text", "file", "curl", "clear"]
EXAMPLES: Final = ["an order that turns into phishing", "a review that changes its mind"]
SEEN: Final = """() => [document.documentElement.scrollWidth, innerWidth,
    parseFloat(getComputedStyle(document.getElementById("text")).fontSize) * visualViewport.scale]"""
"""How wide the page is, how wide it is laid out for, and the size of the text's letters as they are seen."""
NATURAL: Final = """() => { const text = document.getElementById("text"); text.style.height = "0";
    const tall = text.scrollHeight; text.style.height = "";
    return [tall, document.getElementById("colours").getBoundingClientRect().height] }"""
"""How tall the text is, and how tall its colours."""


def audit(screen: Screen) -> None:
    """axe-core, by a context in which the page's policy lets it in."""
    found = Axe().run(screen.page).response["violations"]
    grave = [(rule["id"], node["html"][:200]) for rule in found if rule["impact"] in GRAVE for node in rule["nodes"]]
    assert not grave


@pytest.mark.parametrize("look", LOOKS)
def test_an_audit_finds_nothing_serious(opened: Callable[..., Screen], service: Service, look: str) -> None:
    # A colour on its way to another one is no colour of the page.
    screen = opened(service, bypass_csp=True, reduced_motion="reduce", **LOOKS[look]).connected()
    audit(screen)
    screen["file"].set_input_files(ROOT / "tests" / "phishing.eml")
    screen.finished()
    screen.page.locator(".step").nth(2).click()
    audit(screen)
    screen.button("Card").click()
    expect(screen.page.get_by_role("dialog")).to_contain_text("Limits")
    audit(screen)
    screen.page.keyboard.press("Escape")
    screen.button("API key").click()
    audit(screen)
    screen.page.keyboard.press("Escape")
    screen.page.get_by_role("tab", name="Operations").click()
    expect(screen["cards"].get_by_role("heading", name="Latency")).to_be_visible()
    audit(screen)
    for tab in ("Read", "Operations"):
        screen.page.get_by_role("tab", name=tab).click()
        wide, seen, letters = screen.page.evaluate(SEEN)
        assert screen.page.viewport_size is not None
        assert seen == screen.page.viewport_size["width"], f"{tab} is laid out for another screen, and made smaller"
        assert wide <= seen, f"{tab} has to be scrolled sideways"
        assert letters >= 15


def tabbed(screen: Screen) -> list[str]:
    """What Tab stops at from here to the end of the page, each with a ring around it: what has to be reached, too."""
    screen.page.evaluate(NAMES)
    reached: list[str] = []
    while len(reached) < 40:
        screen.page.keyboard.press("Tab")
        focused = screen.page.evaluate(FOCUSED)
        if focused is None:  # past the last one
            break
        reached.append(focused[0])
        assert focused[1] != "none", f"nobody sees that {focused[0]} has the focus"
    return reached


def test_the_keyboard_reaches_everything(screen: Screen) -> None:
    press = screen.page.keyboard.press
    reached = tabbed(screen)
    assert reached == [*HEAD, *CHOICES, *WRITING, *EXAMPLES]
    assert reached == screen.page.evaluate(STOPS)
    press("Tab")
    expect(screen.page.locator(".skip")).to_be_focused()
    press("Enter")
    expect(screen["text"]).to_be_focused()
    screen.page.keyboard.type(PHISH)
    screen.finished()
    press("End")  # the sentence at the caret is the one that is chosen: also when Tab comes by the text again
    expect(screen.page.locator(".step[aria-selected=true]")).to_have_attribute("aria-posinset", "6")
    assert tabbed(screen) == ["file", "curl", "clear", "step"]
    reached = tabbed(screen)
    assert reached == [*HEAD, *CHOICES, *WRITING, "step"]
    assert reached == screen.page.evaluate(STOPS)


def tab_to(screen: Screen, name: str) -> None:
    screen.page.evaluate(NAMES)
    for _ in range(40):
        screen.page.keyboard.press("Tab")
        if (screen.page.evaluate(FOCUSED) or [None])[0] == name:
            return
    pytest.fail(f"Tab never came to {name}")


def test_the_keyboard_chooses_and_opens(screen: Screen) -> None:
    press = screen.page.keyboard.press
    tab_to(screen, "task-spam")
    press("ArrowRight")
    expect(screen.page.get_by_role("radio", name="sentiment")).to_be_focused()
    expect(screen["model"]).to_contain_text("sentiment-gru")
    tab_to(screen, "model")
    press("ArrowDown")
    expect(screen["model"].locator("option:checked")).to_have_text("sentiment-conv1d")
    tab_to(screen, "card-open")
    press("Enter")
    expect(screen.page.get_by_role("dialog", name="sentiment-conv1d")).to_contain_text("Limits")
    press("Escape")
    expect(screen["card-open"]).to_be_focused()


def test_the_keyboard_reaches_operations(screen: Screen) -> None:
    press = screen.page.keyboard.press
    tab_to(screen, "tab-read")
    press("ArrowRight")
    expect(screen["tab-operations"]).to_be_focused()
    expect(screen["operations"]).to_be_visible()
    expect(screen.page).to_have_url(re.compile("#operations$"))
    expect(screen["cards"].get_by_role("heading", name="Latency")).to_be_visible()
    table = "Table: since the start, sessions"  # it may be too wide, and is scrolled by keys
    tab_to(screen, table)
    screen.later(5)
    expect(screen["operations-note"]).to_contain_text("over the last")  # and all of it was drawn anew
    expect(screen.page.get_by_role("group", name=table)).to_be_focused()
    tab_to(screen, "tab-operations")
    press("Home")
    expect(screen["read"]).to_be_visible()


def test_who_listens_is_told_what_matters_and_not_every_letter(screen: Screen) -> None:
    screen.page.evaluate(
        "() => { window.told = []; const said = document.getElementById('said');"
        "new MutationObserver(() => window.told.push([Date.now(), said.textContent]))"
        ".observe(said, {childList: true}) }"
    )
    screen["text"].press_sequentially(PHISH, delay=3, timeout=200_000)  # two hundred keys
    screen.finished()
    expect(screen["said"]).to_have_text(re.compile("^spam: .* after 6 sentences"))
    told: list[tuple[int, str]] = screen.page.evaluate("() => window.told")
    for (before, one), (at, other) in pairwise(told):
        assert at - before > 2500, "three seconds apart, by the page's clock"
        assert one.partition(":")[0] != other.partition(":")[0], "only a word that is another one"


def test_hostile_text_shows_as_text(screen: Screen) -> None:
    elements = screen.page.locator("img, script, b").count()
    screen.write(HOSTILE)
    screen.finished()
    assert screen.page.title() == "Undertone"
    assert screen.page.locator("img, script, b").count() == elements
    sent = screen["text"].input_value()
    screen.agrees(screen.predicted(sent), sent)
    assert screen["colours"].text_content() == sent  # laid out alike, or colours would lie beside their words
    seen = "".join(row["words"] for row in screen.rows())
    for name in ("U+202E", "U+200B", "U+200D"):
        assert name in seen  # what nobody would see is named
    assert "👨‍👩‍👧" in seen  # and what belongs together stays together
    tall, colours = screen.page.evaluate(NATURAL)
    assert tall == pytest.approx(colours, abs=1)


def test_a_hundred_thousand_characters_stay_usable(screen: Screen) -> None:
    text = ("The cat sat on the mat. You won a free prize!\n\n" * 2200)[:100_000]
    screen.paste(text)
    expect(screen["because"]).to_contain_text("after 4,", timeout=200_000)
    screen["text"].evaluate("area => area.setSelectionRange(area.value.length, area.value.length)")
    screen["text"].press_sequentially("Bye. ")
    assert screen["text"].input_value().endswith("Bye. ")
    drawn = {"#colours > span": 2001, ".step": 60, "#curve svg *": 60}
    for selector, most in drawn.items():
        assert screen.page.locator(selector).count() <= most, selector
    points = screen.page.locator(".run").first.get_attribute("points") or ""
    assert len(points.split()) <= 402
    expect(screen["text-note"]).to_contain_text("are without colour here")
    screen.page.locator("#steps-earlier").click()
    expect(screen["steps-later"]).to_be_visible()


def test_nothing_moves_for_who_asked_for_that(opened: Callable[..., Screen], service: Service) -> None:
    script = "() => getComputedStyle(document.querySelector('.said')).transitionDuration"
    for asked, wanted in (("no-preference", "0.16s"), ("reduce", "0s")):
        screen = opened(service, reduced_motion=asked).connected()
        screen.write("You won!")
        expect(screen.page.locator(".said")).to_have_count(1)
        assert screen.page.evaluate(script) == wanted


def test_the_picture_of_the_readme(browser: Browser, screen: Screen, tmp_path: Path) -> None:
    """`python -m tests.e2e.console.screen docs/console.png` makes it anew."""
    picture(browser, screen.service, tmp_path / "console.png")
    for path in (tmp_path / "console.png", PICTURE):
        data = path.read_bytes()
        assert data.startswith(b"\x89PNG")
        assert 20_000 < len(data) < MOST
        assert int.from_bytes(data[16:20], "big") == DESK["width"]
        marked = mark(screen) in data
        assert marked, f"{path} shows another page or model: python -m tests.e2e.console.screen {path}"
