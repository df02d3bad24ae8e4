"""The overview with real keys, in JupyterLab and as a saved page: the window moves, stations follow, links lead on."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from rpnviz.figures.stations import NOTEBOOKS, STATIONS
from tests.browser.conftest import PIXELS, View
from tools.browser.lab import Notebook

CELL = """from rpnviz.backbone import Backbone
from rpnviz.explorers import OverviewExplorer
from rpnviz.grid import Grid
from rpnviz.pictures import Picture
from rpnviz.rpn import RPNHead

picture, grid = Picture.load("street-03"), Grid.paper()
features = Backbone.load("mini").features(picture, grid).detach()
explorer = OverviewExplorer(picture, grid, features, RPNHead.load("mini"), row=20, col=30)
explorer"""
STRIP = "from rpnviz.figures.stations import here\n\nhere('04')"
MIDDLE = re.compile(r"(19|20) (29|30)")  # the middle of the map is a corner of four cells
FOLLOW = ("picture", "map", "window", "vector", "outputs", "anchors", "labels", "decode", "clip", "top")


@pytest.fixture
def overview(open_and_run: Callable[..., Notebook]) -> View:
    """The overview in a notebook, over the middle of the map, with the strip above it."""
    view = View(open_and_run("overview", STRIP, CELL), kind="overview")
    view.root.scroll_into_view_if_needed()
    view.put(20, 30)
    return view


def looks(view: View) -> dict[str, int]:
    return {one.name: int(view.part(f"at-{one.name}").locator("canvas").evaluate(PIXELS)) for one in STATIONS}


@pytest.mark.parametrize(
    ("key", "cell"), [("ArrowLeft", (20, 29)), ("Shift+ArrowDown", (25, 30)), ("PageUp", (0, 30)), ("End", (20, 59))]
)
def test_keys_move_the_window_and_its_stations_follow(overview: View, key: str, cell: tuple[int, int]) -> None:
    before = looks(overview)
    overview.part("map").press(key)
    overview.is_at(*cell)
    overview.python_has(row=cell[0], col=cell[1])
    after = looks(overview)
    moved = {name for name in after if after[name] != before[name]}
    assert moved <= set(FOLLOW) and {"picture", "map", "anchors", "decode"} <= moved
    expect(overview.root.locator(".rpnviz-shown")).to_contain_text(f"Row {cell[0]}, column {cell[1]}:")


def test_a_station_says_what_it_does_and_leads_to_its_notebook(overview: View) -> None:
    for station in STATIONS:
        link = overview.part(f"at-{station.name}").get_by_role("link")
        link.focus()
        expect(overview.part("what")).to_have_text(f"{station.what} (Notebook {station.notebook})")
        expect(link).to_have_attribute("href", f"{NOTEBOOKS[station.notebook]}.ipynb")


def test_one_lesson_stands_out(overview: View) -> None:
    overview.set(current="04")
    expect(overview.part("grey")).to_have_count(len(STATIONS) - 1)
    expect(overview.part("at-labels")).not_to_have_class("rpnviz-grey")
    overview.set(current="")
    expect(overview.part("grey")).to_have_count(0)


def test_the_strip_is_seen_in_a_notebook_and_links(overview: View) -> None:
    strip = overview.notebook.page.locator(".rpnviz-here")
    expect(strip.locator("a")).to_have_count(len(STATIONS))
    at = strip.locator("[aria-current=step]")
    expect(at).to_have_text("labels")
    assert at.evaluate("e => getComputedStyle(e).borderTopWidth") == "2px"
    assert "04_iou_and_labels.ipynb" in (at.get_attribute("href") or "")


def test_a_pointer_drags_the_window_of_a_saved_page(show: Callable[..., Page]) -> None:
    page = show("overview")
    box = page.locator(".rpnviz-map").bounding_box()
    assert box
    middle = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.move(*middle)
    page.mouse.down()
    root = page.locator(".rpnviz-overview")
    expect(root).to_have_attribute("data-cell", MIDDLE)
    page.mouse.move(middle[0] + 30, middle[1])
    page.mouse.up()
    expect(root).not_to_have_attribute("data-cell", MIDDLE)
    row, col = map(int, (root.get_attribute("data-cell") or "").split())
    assert 18 <= row <= 21 and col > 35


def test_all_stations_are_on_a_laptops_screen(show: Callable[..., Page]) -> None:
    bottom = show("overview").locator(".rpnviz-status").evaluate("e => e.getBoundingClientRect().bottom")
    assert bottom < 620  # what JupyterLab leaves of 768
