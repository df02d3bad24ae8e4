"""Notebook 01's explorers, operated with real keys and a real mouse."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from rpnviz.grid import Grid
from tests.browser.conftest import PIXELS
from tools.browser.lab import Notebook

CENTRE = Grid.paper().centre(20, 30)


class One:
    """One of the notebook's views."""

    def __init__(self, notebook: Notebook, kind: str, number: int = 0) -> None:
        self.notebook = notebook
        self.page: Page = notebook.page
        self.root = notebook.page.locator(f".rpnviz-{kind}").nth(number)
        self.root.scroll_into_view_if_needed()

    def part(self, name: str) -> Locator:
        return self.root.locator(f".rpnviz-{name}")

    def pixels(self, name: str) -> int:
        return int(self.part(name).first.evaluate(PIXELS))

    def changes(self, name: str, before: int) -> None:
        """Wait until a canvas shows something else."""
        self.page.wait_for_function(
            f"([canvas, then]) => ({PIXELS})(canvas) !== then", arg=[self.part(name).first.element_handle(), before]
        )

    def unit(self, text: str) -> None:
        expect(self.root).to_have_attribute("data-unit", text)


@pytest.fixture
def walk(open_and_run: Callable[..., Notebook]) -> One:
    """The first view, over the middle of the map, on the first layer."""
    notebook = open_and_run("01")
    notebook.execute(
        f"explorer.layer = 'conv1_1'; explorer.x, explorer.y = {CENTRE}; explorer.channels = explorer.opened"
    )
    view = One(notebook, "walk")
    view.unit("conv1_1 328 488")
    view.page.mouse.move(1, 1)
    return view


def test_the_layer_slider_makes_the_field_grow(walk: One) -> None:
    steps = walk.notebook.ask("[(s.name, s.receptive_field, s.channels) for s in mini]")
    walk.part("layer-choice").focus()
    seen = {walk.pixels("picture")}
    for name, field, channels in steps[1:]:
        walk.page.keyboard.press("ArrowRight")
        expect(walk.part("card-name")).to_have_text(name)
        assert walk.part("card-sum").inner_text().endswith(f"= {field}")
        expect(walk.part("card-shape")).to_contain_text(f"{channels} channels of")
        expect(walk.part("layer-choice")).to_have_attribute("aria-valuetext", name)
        seen.add(walk.pixels("picture"))
    assert len(seen) == len(steps)
    walk.notebook.wait_for("explorer.layer", "RPN 3×3")
    walk.unit("RPN 3×3 20 30")
    hot = walk.root.locator("thead th[aria-current=true]")
    expect(hot).to_have_text("RPN\u00a03×3")


def test_a_column_of_the_table_is_a_layer(walk: One) -> None:
    walk.root.locator("tbody tr").last.locator("td").nth(6).click()
    walk.unit("conv3_1 82 122")
    walk.notebook.wait_for("explorer.layer", "conv3_1")
    table = walk.root.locator("tbody tr").last.locator("td")
    expect(table).to_have_text(walk.notebook.ask("[str(s.receptive_field) for s in mini]"))


@pytest.mark.parametrize(
    ("key", "unit"),
    [
        ("ArrowRight", "conv5_3 20 31"),
        ("ArrowLeft", "conv5_3 20 29"),
        ("ArrowUp", "conv5_3 19 30"),
        ("ArrowDown", "conv5_3 21 30"),
        ("Shift+ArrowDown", "conv5_3 25 30"),
    ],
)
@pytest.mark.parametrize("panel", ["map", "picture"])
def test_arrows_move_the_unit(walk: One, panel: str, key: str, unit: str) -> None:
    walk.notebook.execute("explorer.layer = 'conv5_3'")
    walk.unit("conv5_3 20 30")
    before = [walk.pixels(name) for name in ("map", "picture", "lens")]
    walk.part(panel).press(key)
    walk.unit(unit)
    assert all(
        now != then for now, then in zip([walk.pixels(n) for n in ("map", "picture", "lens")], before, strict=True)
    )
    walk.notebook.wait_for("(explorer.layer, *explorer.unit())", tuple([unit.split()[0], *map(int, unit.split()[1:])]))


def test_the_unit_stops_at_the_border(walk: One) -> None:
    walk.notebook.execute("explorer.layer = 'conv5_3'; explorer.x, explorer.y = 980, 590")
    walk.unit("conv5_3 39 58")
    for key in ("ArrowRight", "ArrowRight", "ArrowDown"):
        walk.part("map").press(key)
    walk.unit("conv5_3 39 59")


def test_the_place_stays_while_the_layers_change(walk: One) -> None:
    for layer in ("RPN 3×3", "pool1", "conv5_1", "conv1_1"):
        walk.notebook.execute(f"explorer.layer = '{layer}'")
    walk.unit("conv1_1 328 488")


@pytest.mark.parametrize("panel", ["map", "picture"])
def test_a_drag_brings_the_unit_there(walk: One, panel: str) -> None:
    walk.notebook.execute("explorer.layer = 'conv5_3'")
    walk.unit("conv5_3 20 30")
    box = walk.part(panel).bounding_box()
    assert box
    margin = 0.0 if panel == "map" else 0.12  # drawn round the picture
    x, y = Grid.paper().centre(10, 45)
    to_x = box["x"] + box["width"] * (margin + x / 1000) / (1 + 2 * margin)
    to_y = box["y"] + box["height"] * (margin + y / 600) / (1 + 2 * margin)
    walk.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    walk.page.mouse.down()
    walk.page.mouse.move(to_x, to_y, steps=5)
    walk.page.mouse.up()
    walk.unit("conv5_3 10 45")
    walk.notebook.wait_for("explorer.unit()", (10, 45))


def test_another_channel_comes_from_python(walk: One) -> None:
    walk.notebook.execute("explorer.layer = 'conv3_3'")
    walk.unit("conv3_3 82 122")
    before = walk.pixels("map")
    walk.part("channel").focus()
    walk.page.keyboard.press("Home")
    walk.page.keyboard.press("ArrowRight")
    expect(walk.root).to_have_attribute("data-shown", "conv3_3 1")
    expect(walk.root).to_have_attribute("aria-busy", "false")
    walk.notebook.wait_for("explorer.channels['conv3_3']", 1)
    walk.changes("map", before)
    walk.notebook.execute("explorer.channels = {'conv3_3': 63}")
    expect(walk.part("channel")).to_have_value("63")
    expect(walk.root).to_have_attribute("data-shown", "conv3_3 63")


def test_a_saved_page_steps_through_the_layers_and_says_what_needs_python(
    walk: One, open_file: Callable[[Path], Notebook], tmp_path: Path
) -> None:
    walk.notebook.execute(f"explorer.to_html({str(tmp_path / 'page.html')!r})")
    page = One(open_file(tmp_path / "page.html"), "walk")
    page.unit("conv1_1 328 488")
    page.part("layer-choice").press("ArrowRight")
    page.unit("conv1_2 328 488")
    page.part("map").press("ArrowRight")
    page.unit("conv1_2 328 489")
    expect(page.part("channel")).to_be_disabled()
    page.root.locator("label", has_text="channel").hover()
    expect(page.part("what")).to_contain_text("Needs a running kernel")


@pytest.fixture
def poolings(open_and_run: Callable[..., Notebook]) -> One:
    notebook = open_and_run("01")
    notebook.execute("poolings.length, poolings.rounding, poolings.poolings = 1000, 'floor', 0")
    view = One(notebook, "poolings")
    expect(view.part("poolings-shown")).to_have_value("0")
    expect(view.part("length")).to_have_value("1000")
    return view


def test_poolings_step_by_keys(poolings: One) -> None:
    seen = {poolings.pixels("columns")}
    expect(poolings.part("verdict")).to_have_text("1000 → ?")  # the guess is not spoilt
    expect(poolings.root.locator("tbody td:nth-child(2)")).to_have_text(["1000", "?", "?", "?", "?"])
    for count in range(1, 5):
        poolings.part("columns").press("ArrowDown")
        expect(poolings.part("poolings-shown")).to_have_value(str(count))
        expect(poolings.root.locator("tr.rpnviz-later")).to_have_count(4 - count)
        seen.add(poolings.pixels("columns"))
    assert len(seen) == 5
    poolings.notebook.wait_for("poolings.poolings", 4)
    expect(poolings.root.locator("tbody td:nth-child(2)")).to_have_text(["1000", "500", "250", "125", "62"])
    expect(poolings.part("verdict")).to_contain_text("1000 / 16 = 62.5. The 8 columns at the end")
    poolings.part("rounding").locator("label", has_text="kept").click()
    expect(poolings.root).to_have_attribute("data-steps", "1000 500 250 125 63")
    expect(poolings.part("verdict")).to_contain_text("hangs 8 px over the end")
    assert poolings.pixels("columns") not in seen
    poolings.notebook.wait_for("poolings.steps()", [1000, 500, 250, 125, 63])


def test_the_length_by_keys_slider_button_and_drag(poolings: One) -> None:
    poolings.notebook.execute("poolings.poolings = 4")
    poolings.part("columns").press("ArrowLeft")
    expect(poolings.root).to_have_attribute("data-steps", "999 499 249 124 62")
    poolings.part("length").press("ArrowRight")
    expect(poolings.root).to_have_attribute("data-steps", "1000 500 250 125 62")
    poolings.root.get_by_role("button", name="960").click()
    expect(poolings.root).to_have_attribute("data-steps", "960 480 240 120 60")
    expect(poolings.part("verdict")).to_contain_text("Divides exactly")
    box = poolings.part("columns").bounding_box()
    assert box
    column = box["width"] / 68  # 52 columns before the last one, and room for 16 after it
    poolings.page.mouse.move(box["x"] + 10 * column, box["y"] + 20)
    poolings.page.mouse.down()
    poolings.page.mouse.move(box["x"] + 26 * column, box["y"] + 20, steps=4)
    poolings.page.mouse.up()
    expect(poolings.root).to_have_attribute("data-steps", "976 488 244 122 61")
    poolings.notebook.wait_for("poolings.length", 976)


@pytest.fixture
def sheets(open_and_run: Callable[..., Notebook]) -> One:
    """The view that ranks by dog, on street-04."""
    notebook = open_and_run("01")
    notebook.execute("fires.picture = 'street-04'; fires.class_name = 'dog'; fires.channel = fires.order()[0]")
    view = One(notebook, "sheets", 1)
    first = notebook.ask("fires.order()[0]")
    expect(view.root).to_have_attribute("data-shown", f"street-04 {first}")
    return view


@pytest.mark.parametrize(("key", "place"), [("ArrowRight", 1), ("ArrowDown", 22), ("End", 511), ("ArrowUp", 0)])
def test_arrows_go_from_tile_to_tile(sheets: One, key: str, place: int) -> None:
    before = sheets.pixels("picture")
    sheets.part("sheet").press(key)
    wanted = sheets.notebook.ask(f"fires.order()[{place}]")
    expect(sheets.root).to_have_attribute("data-shown", f"street-04 {wanted}")
    expect(sheets.part("fires-said")).to_contain_text(f"Channel {wanted}, rank {place + 1}:")
    assert (sheets.pixels("picture") != before) == (place > 0)
    sheets.notebook.wait_for("fires.channel", wanted)


def test_a_press_takes_a_tile_and_the_table_agrees_with_python(sheets: One) -> None:
    box = sheets.part("sheet").bounding_box()
    assert box
    sheets.page.mouse.click(box["x"] + box["width"] * 3.5 / 22, box["y"] + box["height"] * 1.5 / 24)
    wanted = sheets.notebook.ask("fires.order()[25]")
    expect(sheets.root).to_have_attribute("data-shown", f"street-04 {wanted}")
    each = "for r in fires.of_class('dog').values() for side in ('inside', 'outside')"
    numbers = f"[f'{{float(getattr(r, side)[fires.channel]):.2f}}' {each}]"
    sheets.notebook.wait_for("fires.channel", wanted)
    shown = sheets.root.locator("tbody tr td:nth-child(-n+3):not(:first-child)")
    expect(shown).to_have_text(sheets.notebook.ask(numbers))
    expect(sheets.root.locator("tr.rpnviz-hot th")).to_have_text("street-04")


def test_another_class_ranks_anew_and_another_picture_comes_from_python(sheets: One) -> None:
    before = sheets.pixels("sheet")
    height = sheets.root.bounding_box()
    sheets.part("class").locator("label", has_text="car").click()
    first = sheets.notebook.ask("fires.ranked['car'][0][0].item()")
    expect(sheets.root).to_have_attribute("data-shown", f"street-04 {first}")
    assert sheets.pixels("sheet") != before
    sheets.notebook.wait_for("(fires.class_name, fires.channel)", ("car", first))
    sheets.part("pictures").select_option("street-09")
    expect(sheets.root).to_have_attribute("data-shown", f"street-09 {first}")
    expect(sheets.root).to_have_attribute("aria-busy", "false")
    sheets.notebook.wait_for("fires.shown", "street-09")
    sheets.part("class").locator("label", has_text="number").click()
    expect(sheets.part("fires-said")).to_have_text(f"Channel {first}. Choose a class to rank by.")
    expect(sheets.root.locator("tbody tr")).to_have_count(0)
    now = sheets.root.bounding_box()
    assert now and height and now["height"] == height["height"]  # nothing jumps


def test_a_channel_that_is_darker_in_the_dog_is_marked(sheets: One) -> None:
    sheets.notebook.execute("fires.channel = 470")
    expect(sheets.root.locator("tr.rpnviz-none th")).to_have_text(["street-09"])
    expect(sheets.part("fires-said")).to_contain_text("darker there on 1 of 5 pictures")


def test_a_saved_page_browses_but_has_one_picture(
    sheets: One, open_file: Callable[[Path], Notebook], tmp_path: Path
) -> None:
    sheets.notebook.execute(f"fires.to_html({str(tmp_path / 'page.html')!r})")
    second = sheets.notebook.ask("fires.order()[1]")
    page = One(open_file(tmp_path / "page.html"), "sheets")
    page.part("sheet").press("ArrowRight")
    expect(page.root).to_have_attribute("data-shown", f"street-04 {second}")
    expect(page.part("pictures")).to_be_disabled()


@pytest.mark.parametrize("kind", ["walk", "poolings", "sheets"])
def test_it_fits_a_laptop_and_opens_light(open_and_run: Callable[..., Notebook], kind: str) -> None:
    view = One(open_and_run("01"), kind)
    box = view.root.bounding_box()
    assert box and box["height"] <= 627
    names = {"walk": "explorer", "poolings": "poolings", "sheets": "fires"}
    size = f"sum(len(v) if isinstance(v, bytes) else len(repr(v)) for v in {names[kind]}.get_state().values())"
    if kind == "walk":
        size += " + sum(map(len, explorer.maps.values())) - len(repr(explorer.maps))"
    assert view.notebook.ask(size) < 700_000
