"""Notebook 03's explorer, operated with real keys and a real mouse: what the page works out, and what Python hears."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Locator, expect

from rpnviz.grid import Grid
from tests.browser.conftest import PIXELS
from tools.browser.lab import Notebook


class Anchors:
    """The first view of notebook 03: `explorer` in Python."""

    def __init__(self, notebook: Notebook) -> None:
        self.notebook = notebook
        self.root = notebook.page.locator(".rpnviz-anchors").first
        self.root.scroll_into_view_if_needed()

    def part(self, name: str) -> Locator:
        return self.root.locator(f".rpnviz-{name}")

    def rows(self) -> Locator:
        return self.root.locator("tbody tr")

    def picture(self) -> int:
        return int(self.part("picture").evaluate(PIXELS))

    def choose(self, name: str, label: str) -> None:
        self.part(name).locator("label", has_text=label).click()

    def write(self, name: str, text: str) -> None:
        self.part(name).fill(text)
        self.part(name).press("Enter")


@pytest.fixture
def anchors(open_and_run: Callable[..., Notebook]) -> Anchors:
    """The paper's nine on the paper's grid, over the middle of the map."""
    notebook = open_and_run("03")
    notebook.execute("explorer.use(grid='paper'); explorer.mode = 'cell'; explorer.row, explorer.col = 20, 30")
    view = Anchors(notebook)
    expect(view.root).to_have_attribute("data-cell", "20 30")
    expect(view.part("total")).to_contain_text("8,144 of 21,600")
    notebook.page.mouse.move(1, 1)
    return view


@pytest.mark.parametrize(
    ("key", "cell"), [("ArrowRight", (20, 31)), ("ArrowUp", (19, 30)), ("Shift+ArrowLeft", (20, 25))]
)
def test_keys_on_the_map_move_the_anchors(anchors: Anchors, key: str, cell: tuple[int, int]) -> None:
    before = anchors.picture()
    anchors.part("map").press(key)
    expect(anchors.root).to_have_attribute("data-cell", f"{cell[0]} {cell[1]}")
    anchors.notebook.wait_for("(explorer.row, explorer.col)", cell)
    assert anchors.picture() != before
    expect(anchors.part("map")).to_be_focused()


def test_a_press_on_the_picture_brings_the_window_there(anchors: Anchors) -> None:
    box = anchors.part("picture").bounding_box()
    assert box
    centre_x, centre_y = Grid.paper().centre(30, 15)
    x, y = (0.2 + centre_x / 1000) / 1.4, (0.2 + centre_y / 600) / 1.4  # a fifth of the picture is drawn round it
    anchors.notebook.page.mouse.click(box["x"] + x * box["width"], box["y"] + y * box["height"])
    expect(anchors.root).to_have_attribute("data-cell", "30 15")
    anchors.notebook.wait_for("(explorer.row, explorer.col)", (30, 15))


def test_scales_of_ones_own_are_drawn_and_arrive_in_python(anchors: Anchors) -> None:
    before = anchors.picture()
    anchors.write("scales", "32, 64")
    expect(anchors.rows()).to_have_count(6)
    expect(anchors.rows().first).to_contain_text("46×22")
    expect(anchors.part("preset")).to_have_value("own")
    anchors.notebook.wait_for("(explorer.preset, explorer.scales)", ("own", [32.0, 64.0]))
    expect(anchors.part("count")).to_have_text(
        [f"{count:,} of 2,400" for count in anchors.notebook.ask("explorer.counts")]
    )
    assert anchors.picture() != before


def test_a_slip_is_answered_in_words_and_changes_nothing(anchors: Anchors) -> None:
    anchors.write("scales", "abc")
    slip = anchors.part("slip")
    expect(slip).to_have_text("scales: got abc, takes numbers separated by commas")
    expect(anchors.part("scales")).to_have_value("abc")
    anchors.write("scales", "64, 3")
    expect(slip).to_have_text("scales: got 3, takes numbers from 4 to 2000")
    anchors.write("scales", "8, " * 9)
    expect(slip).to_have_text("scales × aspect_ratios: got 27, takes at most 24")
    expect(anchors.rows()).to_have_count(9)
    assert anchors.notebook.ask("(explorer.preset, explorer.error)") == ("paper", "")
    anchors.write("scales", "64")
    expect(anchors.rows()).to_have_count(3)
    expect(slip).to_have_text("")
    anchors.notebook.wait_for("explorer.scales", [64.0])


def test_ctpn_has_ten_rows(anchors: Anchors) -> None:
    anchors.part("preset").select_option("ctpn")
    expect(anchors.rows()).to_have_count(10)
    expect(anchors.rows().last).to_contain_text("16×273")
    for name in ("scales", "aspect_ratios"):  # which these ten are not made of
        expect(anchors.part(name)).to_have_value("")
    own = anchors.notebook.ask("[list(map(int, explorer.scales)), len(explorer.aspect_ratios)]")
    anchors.part("preset").select_option("own")
    expect(anchors.rows()).to_have_count(len(own[0]) * own[1])
    expect(anchors.part("scales")).to_have_value(", ".join(map(str, own[0])))


@pytest.mark.parametrize(("grid", "total"), [("37×62", "8,044 of 20,646"), ("38×63", "8,044 of 21,546")])
def test_another_grid(anchors: Anchors, grid: str, total: str) -> None:
    anchors.choose("grids", grid)
    expect(anchors.part("total")).to_contain_text(total)
    anchors.notebook.wait_for("explorer.grid.feature_size", tuple(int(n) for n in grid.split("×")))
    assert f"{sum(anchors.notebook.ask('explorer.counts')):,}" == total.split()[0]


def test_a_row_under_the_focus_stands_out_and_the_other_modes_draw_it(anchors: Anchors) -> None:
    looks = [anchors.picture()]
    anchors.rows().nth(5).focus()
    expect(anchors.rows().nth(5)).to_have_class("rpnviz-hot")
    anchors.notebook.wait_for("explorer.selected", 5)
    looks.append(anchors.picture())
    for mode, label in (("centres", "every centre"), ("boxes", "where a shape")):
        anchors.choose("mode", label)
        anchors.notebook.wait_for("explorer.mode", mode)
        looks.append(anchors.picture())
    assert len(set(looks)) == 4


def test_a_saved_page_has_other_grids_and_anchors_too(
    anchors: Anchors, open_file: Callable[[Path], Notebook], tmp_path: Path
) -> None:
    anchors.notebook.execute(f"explorer.to_html({str(tmp_path / 'page.html')!r})")
    page = Anchors(open_file(tmp_path / "page.html"))
    page.part("map").press("ArrowRight")
    expect(page.root).to_have_attribute("data-cell", "20 31")
    page.choose("grids", "37×62")
    expect(page.part("total")).to_contain_text("8,044 of 20,646")
    page.part("preset").select_option("ctpn")
    expect(page.rows()).to_have_count(10)
    page.part("aspect_ratios").fill("1")
    page.write("scales", "32 64")
    expect(page.rows()).to_have_count(2)
    page.part("map").press("End")
    page.choose("grids", "40×60")
    expect(page.root).to_have_attribute("data-cell", "20 59")
