"""One Chromium for the tests of this folder, and a page of it for each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

from tests.e2e.server import Service

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from tests.e2e.console.screen import Screen


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    from tests.e2e.console.screen import chromium

    with chromium() as opened:
        yield opened


@pytest.fixture
def opened(browser: Browser) -> Iterator[Callable[..., Screen]]:
    """Opens pages of a service; afterwards none of them may have complained, of the policy for instance."""
    from tests.e2e.console.screen import Screen

    screens: list[Screen] = []

    def open_(service: Service, **options: Any) -> Screen:
        screens.append(Screen(browser, service, **options))
        return screens[-1].open()

    yield open_
    complaints = [complaint for screen in screens for complaint in screen.complaints]
    for screen in screens:
        screen.close()
    assert not complaints


@pytest.fixture
def screen(opened: Callable[..., Screen], service: Service) -> Screen:
    return opened(service).connected()
