"""What a person sees while typing is what the API says of the same text."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
from playwright.sync_api import expect

from models import shipped
from models.artefact import REPORT
from tests.e2e.console.screen import PHISH, Screen, chance, signed
from tests.e2e.server import ROOT, Service

pytestmark = pytest.mark.tools
MAIL: Final = ROOT / "tests" / "phishing.eml"
EMOJI: Final = "You won 👨‍👩‍👧 a prize! 𝔽𝕣𝕖𝕖 money 🎉🎉 for you. Bye – see you on Monday."


WATCH: Final = """() => { window.seen = []; const colours = document.getElementById("colours");
    new MutationObserver(() => window.seen.push([...colours.querySelectorAll(".said")].map(one =>
        [one.textContent, one.classList.contains("open"), document.getElementById("label").textContent])))
    .observe(colours, {childList: true, subtree: true}) }"""
"""Notes the coloured sentences, and whether each is open, whenever they change."""


def test_sentences_take_their_colour_while_one_types(screen: Screen) -> None:
    screen.page.evaluate(WATCH)
    pieces = ["Hi Anna,", " thank you", " for your", " order. Your", " account is", " suspended! Click", " here now."]
    for piece in pieces:
        screen["text"].press_sequentially(piece, delay=15)
        last = re.compile(re.escape(piece.split()[-1]) + "$")
        expect(screen.page.locator("#colours .said").last).to_have_text(last)  # however long the service takes
    text = "".join(pieces)
    screen.finished().agrees(screen.predicted(text), text)
    seen: list[list[tuple[str, bool, str]]] = screen.page.evaluate("() => window.seen")
    first = "Hi Anna, thank you for your order."
    assert any(len(said) == 1 and said[0][1] and len(said[0][0]) < len(first) for said in seen if said)  # half of it
    assert any(said[0][0] == first and not said[0][1] and said[-1][1] for said in seen if said)  # and then whole
    assert any("so far" in label for said in seen for *_, label in said)


def test_a_text_that_is_changed_in_its_middle_is_read_anew(screen: Screen) -> None:
    screen.write(PHISH)
    expect(screen.page.locator(".step")).to_have_count(6)
    area = screen["text"]
    for _ in range(4):
        area.press("ArrowUp")
    area.press("Home")
    area.press_sequentially("Dear 🎉 friend! ", delay=5)
    expect(screen.page.locator("#colours .said").first).to_be_visible()  # what was known stands until it is read again
    area.press("Control+End")
    for _ in range(7):
        area.press("Backspace")
    area.press_sequentially(" gift! Bye.", delay=5)
    text = area.input_value()
    assert "🎉 friend" in text
    assert text.endswith("free gift! Bye.")
    screen.finished().agrees(screen.predicted(text), text)


def test_offsets_are_code_points(screen: Screen) -> None:
    screen.write(EMOJI)
    screen.finished().agrees(screen.predicted(EMOJI), EMOJI)
    assert len(screen.rows()) == 3


def test_the_curve_has_the_threshold_and_the_moment_of_decision(screen: Screen) -> None:
    screen.write(PHISH)
    screen.finished()
    said = screen.predicted(PHISH)
    image = screen["curve"].get_by_role("img")
    label = image.get_attribute("aria-label") or ""
    assert f"Decided at sentence {said['decided_at'] + 1}." in label
    assert chance(said["probability"]) in label
    assert screen["curve"].get_by_text("threshold 0.50").count()
    assert screen["curve"].get_by_text(f"decided at {said['decided_at'] + 1}").count() == 1
    assert screen["curve"].locator(".mark").count() == len(said["sentences"])
    assert screen["curve"].locator(".mark.above").count() == sum(s["probability"] >= 0.5 for s in said["sentences"])
    screen["threshold"].select_option("0.01")
    screen.finished()
    strict = screen.predicted(PHISH, threshold="fpr:0.01")
    assert screen["curve"].get_by_text(f"threshold {strict['threshold']:.2f}").count()
    screen.agrees(strict, PHISH)


def test_pointing_at_a_sentence_shows_what_it_changed(screen: Screen) -> None:
    screen.write(PHISH)
    screen.finished()
    said = screen.predicted(PHISH)["sentences"]
    screen.page.locator("#colours .said").nth(2).hover(force=True)  # the text lies over its colours
    detail = screen["detail"]
    expect(detail).to_contain_text("Sentence 3 of 6")
    expect(detail).to_contain_text(signed(said[2]["delta"]))
    expect(detail).to_contain_text(chance(said[1]["probability"]))
    expect(screen.page.locator(".said.chosen")).to_have_count(1)
    screen.page.locator(".step[aria-selected=true]").focus()
    screen.page.keyboard.press("ArrowDown")
    expect(detail).to_contain_text("Sentence 4 of 6")
    screen.page.keyboard.press("End")
    expect(detail).to_contain_text("Sentence 6 of 6")
    expect(screen.page.locator(".step:focus")).to_have_attribute("aria-posinset", "6")


def cells(screen: Screen, selector: str) -> list[int]:
    """-1, 0 or 1 for each cell of a strip: bluer, neither, more orange."""
    script = """canvas => { const {data} = canvas.getContext("2d").getImageData(0, 0, canvas.width, 1);
        return Array.from({length: canvas.width}, (_, n) => data[4 * n] - data[4 * n + 2]) }"""
    none: int = screen.page.evaluate(
        "() => { const h = getComputedStyle(document.documentElement).getPropertyValue('--none').trim();"
        "return parseInt(h.slice(1, 3), 16) - parseInt(h.slice(5, 7), 16) }"
    )
    found: list[int] = screen.page.locator(selector).evaluate(script)
    return [(value > none) - (value < none) for value in found]


def test_the_state_is_a_strip_of_cells(screen: Screen) -> None:
    screen.write(PHISH)
    screen.finished()
    body = {"text": PHISH, "task": "spam"}
    answer = httpx.post(
        f"{screen.service.url}/v1/stream", json=body, headers={"accept": "application/x-ndjson"}, timeout=60
    )
    states = [event["state"] for event in map(json.loads, answer.text.splitlines()) if event["event"] == "sentence"]
    screen.page.locator(".step").nth(4).click()
    expect(screen["detail"]).to_contain_text("Sentence 5 of 6")  # drawn in the next frame
    before, after = states[3], states[4]
    strips = {".step:nth-child(5) canvas": after, "#detail .state:nth-of-type(1) canvas": before}
    strips["#detail .state:nth-of-type(2) canvas"] = after
    strips["#detail .state:nth-of-type(3) canvas"] = [b - a for a, b in zip(before, after, strict=True)]
    for selector, values in strips.items():
        drawn = cells(screen, selector)
        assert len(drawn) == len(values) == 96
        for cell, value in zip(drawn, values, strict=True):
            if abs(value) > 0.05:  # below, the colour is that of nothing
                assert cell == (1 if value > 0 else -1), selector


def test_another_task_and_another_model(screen: Screen) -> None:
    text = "A wonderful film. Then it falls apart! What a waste of time."
    screen.write(text)
    screen.page.get_by_role("radio", name="sentiment").check()
    screen.finished().agrees(screen.predicted(text, "sentiment"), text)
    screen["model"].select_option(label="sentiment-conv1d")
    said = screen.predicted(text, "sentiment", model="sentiment-conv1d")
    expect(screen["probability"]).to_have_text(chance(said["probability"]))
    screen.finished().agrees(said, text)
    screen.button("Card").click()
    card = screen.page.get_by_role("dialog")
    expect(card).to_contain_text(said["model"]["digest"])
    accuracy = json.loads((shipped.folder("sentiment-conv1d") / REPORT).read_text("utf-8"))["test"]["aclimdb"][
        "accuracy"
    ]
    for words in (f"{accuracy:.2%}", "Figures", "Thresholds", "Limits"):
        expect(card).to_contain_text(words)
    assert card.locator("table").count() > 3


def drop(screen: Screen, name: str, data: bytes, media: str) -> None:
    """A file from the desktop, let go over the page."""
    script = """([name, bytes, type]) => { const held = new DataTransfer();
        held.items.add(new File([Uint8Array.from(bytes)], name, {type}));
        for (const kind of ["dragover", "drop"]) document.body.dispatchEvent(
            new DragEvent(kind, {dataTransfer: held, bubbles: true, cancelable: true})) }"""
    screen.page.evaluate(script, [name, list(data), media])


def mailed(service: Service) -> dict[str, Any]:
    answer = httpx.post(
        f"{service.url}/v1/predict?task=spam",
        content=MAIL.read_bytes(),
        headers={"content-type": "message/rfc822"},
        timeout=60,
    )
    said: dict[str, Any] = answer.json()
    return said


def test_a_mail_is_dropped_or_picked(screen: Screen) -> None:
    said = mailed(screen.service)
    drop(screen, "phishing.eml", MAIL.read_bytes(), "message/rfc822")
    expect(screen["mail"]).to_contain_text(f"{said['mail']['hidden']} hidden characters")
    expect(screen["mail"]).to_contain_text("leads elsewhere than it says")
    assert screen["mail"].locator("a").count() == 0  # nobody gets there from here
    expect(screen["probability"]).to_have_text(chance(said["probability"]))
    shown = screen["text"].input_value()
    assert [row["delta"] for row in screen.rows()] == [signed(s["delta"]) for s in said["sentences"]]
    assert [piece for piece, _ in screen.coloured()] == [s["text"] for s in said["sentences"]]
    assert all(shown[s["offset"] :].startswith(s["text"]) for s in said["sentences"])
    screen.button("Edit its text").click()
    screen["text"].press("Control+End")
    screen["text"].press_sequentially(" Thanks.")
    screen.finished()
    assert screen.rows()[-1]["words"] == "Thanks."
    screen.button("Clear").click()
    screen["file"].set_input_files({"name": "note.txt", "mimeType": "text/plain", "buffer": PHISH.encode()})
    screen.finished().agrees(screen.predicted(PHISH), PHISH)


@pytest.mark.parametrize(
    "text",
    [
        "It's \"free\"! $(touch x) `id` \\n \\ & ; | < > !! %s\nNext.\tTab. 👨‍👩‍👧 é \u202e\u200b\u2028 \x1b[31m end'",
        "It's a long one. " * 7000,
    ],
    ids=["hostile", "long"],
)
def test_copied_as_curl_it_is_the_same_question(screen: Screen, text: str, tmp_path: Path) -> None:
    screen["threshold"].select_option("0.01")
    screen.write(text)
    command = screen.copied()
    assert re.fullmatch(r"[\n\x20-\x7e]*", command)  # a terminal is told nothing but letters
    script = tmp_path / "command.sh"
    script.write_text(command)
    done = subprocess.run(["bash", script], cwd=tmp_path, capture_output=True, text=True, check=True)
    sent = screen["text"].input_value()
    got = json.loads(done.stdout)
    assert got == screen.predicted(sent, threshold="fpr:0.01")
    assert list(tmp_path.iterdir()) == [script]


def test_a_mail_copied_as_curl(screen: Screen) -> None:
    screen["file"].set_input_files(MAIL)
    screen.finished()
    command = screen.copied()
    done = subprocess.run(["bash", "-c", command], cwd=MAIL.parent, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == mailed(screen.service)
