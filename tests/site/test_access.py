"""Every page of the built site without a mouse and without sight, all its explorers there."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, ViewportSize, expect

from tests.browser.access import COLOURS, PLACES, findings, walk
from tests.site.conftest import Opened
from tests.site.test_pages import every_page
from tools.browser.lab import Notebook

LAPTOP: ViewportSize = {"width": 1366, "height": 768}
PHONE: ViewportSize = {"width": 360, "height": 740}


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A window in which axe-core may be put into pages whose policy would refuse it."""
    context = browser.new_context(bypass_csp=True, viewport=LAPTOP)
    context.set_default_timeout(120_000)  # a busy machine is no failure
    yield context.new_page()
    context.close()


def show(page: Page, url: str) -> None:
    """Open a page and let all its explorers come."""
    page.goto(url)
    opened = Opened(page, Notebook(page))
    for place in opened.places:
        opened.live(place)
    page.evaluate("scrollTo(0, 0)")


def serious(page: Page, rules: list[str] | None = None, without: str = "") -> list[str]:
    """Findings that the theme alone does not answer for: its switches of the drawers lie in no region, say."""
    return [one for one in findings(page, rules, without) if one.startswith(("serious", "critical"))]


@every_page
def test_axe_finds_nothing_serious_and_tab_reaches_everything(served: str, page: Page, name: str) -> None:
    show(page, f"{served}/{name}")
    walk(page)
    assert serious(page) == []
    page.emulate_media(color_scheme="dark")
    assert serious(page, COLOURS, without=".rpnviz") == []  # tests/browser has the explorers in both themes
    page.set_viewport_size(PHONE)
    assert serious(page, PLACES) == []


def test_the_sections_open_by_keys(served: str, page: Page) -> None:
    page.goto(f"{served}/02_the_3x3_window.html")
    drawer, switch = page.locator(".toc-drawer"), page.get_by_role("checkbox", name="table of contents")
    expect(drawer).to_be_hidden()
    page.keyboard.press("Tab")
    while not switch.evaluate("box => box === document.activeElement"):
        assert page.evaluate("document.activeElement !== document.body"), "Tab does not come to the switch"
        page.keyboard.press("Tab")
    expect(page.locator(".toc-content-icon")).to_have_css("outline-style", "solid")
    page.keyboard.press("Space")
    expect(drawer.get_by_role("link").nth(2)).to_be_visible()
