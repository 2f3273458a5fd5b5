"""The console in a real Chromium, as a person has it.

Service --a page--> Screen: write, read, point     python -m tests.e2e.console.screen docs/console.png --> a picture

The browser is Debian's; Playwright brings none along, and downloads none. It was chosen over Selenium because it waits
for what it looks at, so that no test needs to sleep, and because one package has the driver and all that is emulated
here: themes, phones, clipboards. It costs 165 MB in a development environment and nothing in a serving one.
"""

from __future__ import annotations

import hashlib
import shutil
import struct
import sys
import tempfile
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import httpx
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect, sync_playwright

from service import page
from tests.e2e.server import Service

DESK: Final = {"width": 1280, "height": 960}
PHONE: Final = {"width": 375, "height": 740}
PATIENCE: Final = 60_000
"""Milliseconds after which something that should be seen is not."""
PHISH: Final = (
    "Hi Anna,\n\nThank you for your order. It left our warehouse this morning. Could you let me know if the address is "
    "still right?\n\nYour account will be suspended within 24 hours! Click here now to claim your free prize."
)
MISSING: Final = "not reported by this service"
"""What a tile of Operations says in a number's place."""
NOISE: Final = ("WebSocket connection to", "Failed to load resource")
"""What Chromium itself says of connections that a test has broken."""

END: Final = 12
"""Bytes of a PNG's last chunk."""

expect.set_options(timeout=PATIENCE)


@contextmanager
def chromium() -> Iterator[Browser]:
    """Must be closed before anything else in the thread uses asyncio: Playwright keeps a loop running in it."""
    path = shutil.which("chromium")
    if path is None:
        raise FileNotFoundError("there is no chromium: `make tools` installs it")
    with sync_playwright() as playwright:
        # No sandbox: tests may run as root. No answer of a test comes from anywhere but this machine.
        yield playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-dev-shm-usage"])


class Screen:
    """The page of a service, in a context of its own; what the browser complains of is kept."""

    def __init__(self, browser: Browser, service: Service, **options: Any) -> None:
        self.service = service
        self.context: BrowserContext = browser.new_context(**({"viewport": DESK, "locale": "en-GB"} | options))
        self.context.set_default_timeout(PATIENCE)
        self.context.clock.install()  # it goes on as it does; only `later` moves it
        self.page: Page = self.context.new_page()
        self.complaints: list[str] = []
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("console", lambda said: self._complain(said.type, said.text))

    def _complain(self, kind: str, text: str) -> None:
        if kind in ("error", "warning") and not text.startswith(NOISE):
            self.complaints.append(text)

    def open(self, path: str = "/") -> Screen:
        self.page.goto(self.service.url + path)
        return self

    def __getitem__(self, identity: str) -> Locator:
        return self.page.locator(f"#{identity}")

    def button(self, name: str) -> Locator:
        return self.page.get_by_role("button", name=name, exact=True)

    def write(self, text: str) -> None:
        """All at once, as if it was pasted."""
        self["text"].fill(text)

    def paste(self, text: str) -> None:
        """A long one, which Playwright would quote in its own log."""
        script = "(area, text) => { area.value = text; area.dispatchEvent(new Event('input')) }"
        self["text"].evaluate(script, text)

    def connected(self) -> Screen:
        expect(self["line-word"]).to_have_text("Connected")
        expect(self["model"]).to_be_enabled()
        return self

    def finished(self) -> Screen:
        """Waits until the text has been read to its end, which is after a pause of a person."""
        expect(self["label"]).not_to_have_text("Nothing read yet")
        until = time.monotonic() + PATIENCE / 1000
        while "so far" in (self["label"].text_content() or "") and time.monotonic() < until:
            self.later(1)
        expect(self["label"]).not_to_contain_text("so far")
        return self

    def frozen(self) -> Screen:
        """From here on the page's clock stands still but for `later`; nothing that waits for a frame is drawn."""
        self.context.clock.pause_at(datetime.now() + timedelta(hours=1))  # further than `later` has ever gone
        return self

    def copied(self) -> str:
        """The command that the page copies."""
        self.context.grant_permissions(["clipboard-read", "clipboard-write"])
        self.frozen()  # or the button would say it for two seconds, which may pass between two looks at it
        self.button("Copy as curl").click()
        expect(self["curl"]).to_have_text("Copied")
        command: str = self.page.evaluate("() => navigator.clipboard.readText()")
        return command

    def later(self, seconds: int) -> None:
        """The same page, after so long, without waiting for it."""
        self.context.clock.fast_forward(1000 * seconds)
        self.page.wait_for_timeout(20)

    def tile(self, title: str) -> Locator:
        """One of Operations."""
        return self["cards"].locator("section", has=self.page.get_by_role("heading", name=title, exact=True))

    def rows(self) -> list[dict[str, str]]:
        """What the list says of each sentence."""
        script = """rows => rows.map(row => Object.fromEntries(
            ["t", "words", "p", "delta"].map(name => [name, row.querySelector(`.${name}`).textContent])))"""
        found: list[dict[str, str]] = self.page.locator(".step").evaluate_all(script)
        return found

    def coloured(self) -> list[tuple[str, str]]:
        """Each coloured piece of the text, and its classes."""
        script = "spans => spans.map(span => [span.textContent, span.className])"
        return [(text, look) for text, look in self.page.locator("#colours .said").evaluate_all(script)]

    def close(self) -> None:
        self.context.close()

    def predicted(self, text: str, task: str = "spam", **more: Any) -> dict[str, Any]:
        """What the API says of the same text."""
        answer = httpx.post(f"{self.service.url}/v1/predict", json={"text": text, "task": task, **more}, timeout=60)
        said: dict[str, Any] = answer.json()
        assert answer.status_code == 200, said
        return said

    def agrees(self, said: dict[str, Any], text: str) -> None:
        """Asserts that the list, the colours and the verdict are those of the API's answer about `text`."""
        expect(self["probability"]).to_have_text(chance(said["probability"]))
        assert self["label"].text_content() == said["label"]
        expect(self["sign"]).to_have_text(side(said["probability"], said["threshold"]))
        sentences = said["sentences"]
        wanted = [text[s["offset"] : s["offset"] + s["length"]] for s in sentences]
        assert [(row["p"], row["delta"]) for row in self.rows()] == [
            (f"{side(s['probability'], said['threshold'])} {chance(s['probability'])}", signed(s["delta"]))
            for s in sentences
        ]
        assert [piece for piece, _ in self.coloured()] == wanted
        for (_, look), sentence in zip(self.coloured(), sentences, strict=True):
            level = int(sentence["probability"] * 8 + 0.5)
            where = "above" if sentence["probability"] >= said["threshold"] else "below"
            assert {f"p{level}", where} <= set(look.split())


def side(probability: float, threshold: float) -> str:
    """The sign of it, which needs no colour."""
    return "▲" if probability >= threshold else "▽"


def chance(probability: float) -> str:
    if 0.9995 < probability < 1:
        return "> 0.999"
    if 0 < probability < 0.0005:
        return "< 0.001"
    return f"{probability:.3f}"


def signed(value: float) -> str:
    return f"{'−' if value < 0 else '+'}{abs(value):.2f}"


def picture(browser: Browser, service: Service, path: Path) -> None:
    """The console while it has read a message that turns, marked with what it shows."""
    screen = Screen(browser, service, reduced_motion="reduce").open().connected()
    screen.button("an order that turns into phishing").click()
    screen.finished()
    screen.page.locator(".step").nth(6).hover()
    expect(screen["detail"]).to_contain_text("Sentence 7 of")  # drawn in the next frame
    data = screen.page.screenshot(full_page=True)
    path.write_bytes(data[:-END] + mark(screen) + data[-END:])
    screen.close()


def mark(screen: Screen) -> bytes:
    """A chunk of a PNG that says which page and which model it shows; pixels are of each machine's own fonts."""
    digest = hashlib.sha256()
    for name, part in sorted(page.parts().items()):
        digest.update(f"{name} {len(part.data)}\0".encode() + part.data)
    model = screen.predicted("Hello.")["model"]["digest"]
    body = f"tEXtShows\0page sha256:{digest.hexdigest()}, model {model}".encode("latin-1")
    return struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder, Service(Path(folder)) as running, chromium() as opened:
        picture(opened, running, Path(sys.argv[1]))
