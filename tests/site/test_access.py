"""Every page of the built site, all its explorers there: on two screens, without a mouse and without sight."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.access import COLOURS, PLACES, findings, walk
from tests.site.conftest import scroll_through
from tests.site.test_pages import every_page

LAPTOP, PHONE = (1366, 768), (360, 740)


def serious(page: Page, rules: list[str] | None = None, without: str = "") -> list[str]:
    """Findings that the theme alone does not answer for: its switches of the drawers lie in no region, say."""
    return [one for one in findings(page, rules, without) if one.startswith(("serious", "critical"))]


@every_page
def test_a_page_read_to_its_end(served: str, open_page: Any, name: str) -> None:
    """Nothing jumps, nothing overflows, axe finds nothing serious, and Tab reaches everything."""
    laptop, phone = (open_page(f"{served}/{name}", *size) for size in (LAPTOP, PHONE))
    scroll_through(laptop, phone)
    for opened, (width, _) in ((laptop, LAPTOP), (phone, PHONE)):
        assert opened.page.evaluate("() => shifts") <= 0.05
        assert opened.page.evaluate("() => document.documentElement.scrollWidth") <= width
    assert serious(phone.page, PLACES) == []
    page = laptop.page
    page.evaluate("scrollTo(0, 0)")
    walk(page)
    assert serious(page) == []


@pytest.mark.parametrize("name", ["index.html", "03_the_anchors.html", "glossary.html"])
def test_a_page_in_the_dark(served: str, open_page: Any, name: str) -> None:
    """One page of each kind: all words have their colours from one style sheet. The views are seen in tests/browser."""
    page = open_page(f"{served}/{name}").page
    page.emulate_media(color_scheme="dark")
    assert serious(page, COLOURS, without=".rpnviz") == []


def test_the_sections_open_by_keys(served: str, open_page: Any) -> None:
    page = open_page(f"{served}/02_the_3x3_window.html").page
    drawer, switch = page.locator(".toc-drawer"), page.get_by_role("checkbox", name="table of contents")
    expect(drawer).to_be_hidden()
    page.keyboard.press("Tab")
    while not switch.evaluate("box => box === document.activeElement"):
        assert page.evaluate("document.activeElement !== document.body"), "Tab does not come to the switch"
        page.keyboard.press("Tab")
    expect(page.locator(".toc-content-icon")).to_have_css("outline-style", "solid")
    page.keyboard.press("Space")
    expect(drawer.get_by_role("link").nth(2)).to_be_visible()
