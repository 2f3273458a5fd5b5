"""What the console shows when something is wrong: a key, a limit, a service that is gone and comes back."""

from __future__ import annotations

import hashlib
import json
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import httpx
import pytest
from playwright.sync_api import Page, WebSocketRoute, expect

from tests.e2e.console.screen import PHISH, Screen
from tests.e2e.server import Service

pytestmark = pytest.mark.tools
PLAIN: Final = "3f1c9a7d"
BASE64: Final = "q83vASNFZ4k/+w=="
"""As `head -c 32 /dev/urandom | base64` makes them: no subprotocol of a WebSocket can hold it."""
RATE_LIMITED: Final = {"code": "rate_limited", "message": "more than 2 requests a second came from this caller"}
OVERLOADED: Final = {"code": "overloaded", "message": "1,024 pieces of text wait already"}


def keyed(environment: dict[str, str]) -> dict[str, str]:
    digests = {name: hashlib.sha256(key.encode()).hexdigest() for name, key in (("a", PLAIN), ("b", BASE64))}
    return environment | {"UNDERTONE_API_KEYS": ",".join(f"{name}:{digest}" for name, digest in digests.items())}


@pytest.fixture(scope="module")
def locked(external: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with Service(tmp_path_factory.mktemp("locked"), keyed(external)) as running:
        yield running


def unlock(screen: Screen, key: str, *, keep: bool = False) -> None:
    """In the dialog that opens by itself once a call was refused: who would open it meanwhile finds it in the way."""
    dialog = screen.page.get_by_role("dialog", name="API key")
    expect(dialog).to_be_visible()
    dialog.get_by_label("Key", exact=True).fill(key)
    dialog.get_by_label("Keep it until").set_checked(keep)
    dialog.get_by_role("button", name="Use it").click()


def stored(page: Page) -> str:
    said: str = page.evaluate("() => JSON.stringify([{...sessionStorage}, {...localStorage}, document.cookie])")
    return said


def test_a_key_is_asked_for_and_kept_only_where_that_is_wished(opened: Callable[..., Screen], locked: Service) -> None:
    screen = opened(locked)
    dialog = screen.page.get_by_role("dialog", name="API key")
    expect(dialog).to_contain_text("this service wants an API key and got no key")
    unlock(screen, "wrong")
    expect(dialog).to_contain_text("got a key that is not known")  # in the words of the service
    expect(screen["line-word"]).to_have_text("Key wanted")
    unlock(screen, PLAIN)
    screen.connected().write(PHISH)
    screen.finished()
    assert len(screen.rows()) == 6
    assert PLAIN not in stored(screen.page)
    screen.page.reload()
    expect(dialog).to_be_visible()
    unlock(screen, BASE64, keep=True)  # which no WebSocket can carry: the text goes by POST
    screen.connected().write("You won a prize! Click now")
    screen.finished()
    assert BASE64 in stored(screen.page)
    screen.page.reload()
    screen.connected()
    screen.button("API key").click()
    screen.button("Forget it").click()
    expect(screen["line-word"]).to_have_text("Key wanted")
    expect(dialog).to_be_hidden()
    assert BASE64 not in stored(screen.page)
    screen.page.get_by_role("tab", name="Operations").click()
    expect(screen["operations-note"]).to_contain_text("unauthorized: this service wants an API key")


def test_a_command_never_holds_the_key(opened: Callable[..., Screen], locked: Service) -> None:
    screen = opened(locked)
    unlock(screen, PLAIN)
    screen.connected().write("You won!")
    command = screen.copied()
    assert PLAIN not in command
    assert '"Authorization: Bearer $UNDERTONE_KEY"' in command


def test_a_service_that_dies_and_comes_back(
    opened: Callable[..., Screen], locked: Service, external: dict[str, str], tmp_path: Path
) -> None:
    screen = opened(locked)
    unlock(screen, PLAIN)
    screen.connected().write("Hi Anna, thank you for your order. ")
    expect(screen.page.locator(".step")).to_have_count(1)
    locked.stop(signal.SIGKILL)
    expect(screen["line-word"]).to_have_text("Connection lost")
    expect(screen["line-left"]).to_contain_text("again in")
    screen["text"].press("Control+End")
    screen["text"].press_sequentially("Click here now to claim your free prize.")
    assert len(screen.rows()) == 1  # what was known is still there
    screen.button("Try now").click()
    expect(screen["line-word"]).to_have_text("Connection lost")
    with Service(tmp_path, keyed(external), port=locked.port) as again:
        while screen["line-word"].text_content() != "Connected":  # a try of before may just have failed
            screen.later(20)  # more than the longest pause between two tries
        screen.connected().finished()
        key = {"authorization": f"Bearer {PLAIN}"}
        body = {"text": screen["text"].input_value(), "task": "spam"}
        said = httpx.post(f"{again.url}/v1/predict", json=body, headers=key, timeout=60).json()
        screen.agrees(said, body["text"])
        expect(screen["alert"]).to_be_hidden()


def test_who_is_asked_to_wait_waits_as_long(screen: Screen) -> None:
    """The fault is made here: what the service says is known from its own tests."""

    def refuse(socket: WebSocketRoute) -> None:
        socket.send(json.dumps({"event": "error", "error": OVERLOADED}))
        socket.close(code=4503, reason="overloaded")

    screen.page.route_web_socket("**/v1/stream*", refuse)
    screen.write(PHISH)
    expect(screen["alert"]).to_contain_text(OVERLOADED["message"])
    expect(screen["line-word"]).to_have_text("Asked to wait")
    expect(screen["line-left"]).to_contain_text("again in")


def test_a_mail_that_is_refused_for_now_is_sent_again(screen: Screen) -> None:
    times: list[int] = []

    def refuse_once(route: object) -> None:
        times.append(1)
        if len(times) > 1:
            route.continue_()  # type: ignore[attr-defined]
        else:
            route.fulfill(status=429, json={"error": RATE_LIMITED}, headers={"retry-after": "1"})  # type: ignore[attr-defined]

    screen.page.route("**/v1/stream*", refuse_once)
    screen["file"].set_input_files(
        {"name": "a.eml", "mimeType": "", "buffer": b"Subject: You won\n\nClick here now!\n"}
    )
    expect(screen["alert"]).to_contain_text(RATE_LIMITED["message"])
    screen.finished()
    assert len(times) == 2


def test_what_is_too_much_is_refused_with_the_limit(screen: Screen) -> None:
    screen["file"].set_input_files({"name": "big.eml", "mimeType": "", "buffer": b"Subject: x\n\n" + b"x" * 8_400_000})
    expect(screen["alert"]).to_contain_text("UNDERTONE_MAX_BODY")  # in the words of the service
    screen.button("Clear").click()
    expect(screen["alert"]).to_be_hidden()
    screen.paste("a " * 100_001)
    expect(screen["alert"]).to_contain_text("has 200,002 characters, and this page takes 200,000")
    expect(screen["label"]).to_have_text("Nothing read yet")
    screen.write("You won!")
    expect(screen["alert"]).to_be_hidden()
    screen.finished()
