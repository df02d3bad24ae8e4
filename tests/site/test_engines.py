"""The pages of the built site in other browsers: their explorers come alive and move, and nothing goes wrong.

Each page over http in one of the browsers, by turns, and the first one in all: what draws is tested in all of them by
tests/browser/test_engines.py, explorer by explorer.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.moving import live, move
from tests.site.test_pages import PAGES
from tools.browser.engines import chosen
from tools.browser.page import Engine, Page

PLACES = "() => document.querySelectorAll('.rpnviz-mount').length"
STILLS = """() => [...document.querySelectorAll(".rpnviz-mount:has(.rpnviz) .rpnviz-still")].filter((still) =>
  still.checkVisibility()).length"""
FOREIGN = """() => performance.getEntriesByType("resource").map(({ name }) => name).filter((name) =>
  !["file:", "data:", "blob:"].includes(new URL(name).protocol) && new URL(name).host !== location.host)"""


@pytest.fixture
def engine(engines: Callable[[str], Engine], browser_name: str) -> Engine:
    """In place of each of them in turn."""
    return engines(browser_name)


CHOSEN = chosen()
OVER_HTTP = [
    (browser, "http", name)
    for i, name in enumerate(PAGES)
    for k, browser in enumerate(CHOSEN)
    if i == 0 or i % len(CHOSEN) == k
]
FROM_DISK = [(browser, "file", name) for browser in CHOSEN for name in (PAGES[0], PAGES[3], PAGES[-1])]


@pytest.mark.parametrize(("browser_name", "way", "name"), OVER_HTTP + FROM_DISK)
def test_every_explorer_moves_by_keys(
    site: Path, served: str, new_page: Callable[[], Page], way: str, name: str
) -> None:
    page = new_page()
    page.open(f"{served if way == 'http' else site.as_uri()}/{name}")
    assert page.evaluate("() => document.querySelector('article h1').checkVisibility()")
    places = page.evaluate(PLACES)
    assert places
    for i in range(places):
        live(page, ".rpnviz-mount", i)
        assert move(page)
    assert page.evaluate(STILLS) == 0
    assert page.evaluate(FOREIGN) == []


@pytest.mark.parametrize("browser_name", CHOSEN)
def test_search_works_from_the_disk(site: Path, new_page: Callable[[], Page]) -> None:
    page = new_page()
    page.open(f"{site.as_uri()}/search.html?q=receptive")
    page.wait_for("() => document.querySelector('#search-results li')?.checkVisibility()")
