"""Every page of the built site in each of the browsers: its explorers come alive and move, and nothing goes wrong."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.moving import live, move
from tests.site.test_pages import PAGES
from tools.browser.page import Page

PLACES = "() => document.querySelectorAll('.rpnviz-mount').length"
STILLS = """() => [...document.querySelectorAll(".rpnviz-mount:has(.rpnviz) .rpnviz-still")].filter((still) =>
  still.checkVisibility()).length"""
FOREIGN = """() => performance.getEntriesByType("resource").map(({ name }) => name).filter((name) =>
  !["file:", "data:", "blob:"].includes(new URL(name).protocol) && new URL(name).host !== location.host)"""


@pytest.mark.parametrize(
    ("way", "name"),
    [*(("http", name) for name in PAGES), *(("file", name) for name in (PAGES[0], PAGES[3], PAGES[-1]))],
)
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


def test_search_works_from_the_disk(site: Path, new_page: Callable[[], Page]) -> None:
    page = new_page()
    page.open(f"{site.as_uri()}/search.html?q=receptive")
    page.wait_for("() => document.querySelector('#search-results li')?.checkVisibility()")
