"""Every page of the built site without a mouse and without sight, all its explorers there."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.access import COLOURS, PLACES, findings, walk
from tests.site.conftest import Opened
from tests.site.test_pages import every_page
from tools.lab import Notebook

LAPTOP = {"width": 1366, "height": 768}
PHONE = {"width": 360, "height": 740}


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A window in which axe-core may be put into pages whose policy would refuse it."""
    context = browser.new_context(bypass_csp=True, viewport=LAPTOP)
    yield context.new_page()
    context.close()


def show(page: Page, url: str) -> None:
    page.goto(url)
    Opened(page, Notebook(page)).scroll_through()
    page.evaluate("scrollTo(0, 0)")


@every_page
def test_axe_finds_nothing(served: str, page: Page, name: str) -> None:
    show(page, f"{served}/{name}")
    assert findings(page) == []
    page.emulate_media(color_scheme="dark")
    assert findings(page, COLOURS) == []
    page.set_viewport_size(PHONE)
    assert findings(page, PLACES) == []


@every_page
def test_tab_reaches_everything_in_order_and_leaves(served: str, page: Page, name: str) -> None:
    show(page, f"{served}/{name}")
    walk(page)
