"""The linked explorer of notebook 00, operated with real keys and a real mouse."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from rpnviz.figures.palette import PALETTE
from tests.browser.conftest import View

RED, GREEN, BLUE = bytes.fromhex(PALETTE["window"][1:])
WINDOW = RED, GREEN, BLUE


def test_arrow_keys_on_the_map_move_everything(linked: View) -> None:
    before = linked.looks()
    linked.part("map").focus()
    linked.press("ArrowRight")
    linked.is_at(20, 31)
    for seen_before, seen_now in zip(before, linked.looks(), strict=True):
        assert seen_before != seen_now
    expect(linked.part("col")).to_have_value("31")
    linked.python_has(row=20, col=31)
    linked.press("ArrowLeft")
    linked.is_at(20, 30)
    assert linked.looks() == before


@pytest.mark.parametrize(
    ("key", "cell"),
    [
        ("ArrowUp", (19, 30)),
        ("ArrowDown", (21, 30)),
        ("ArrowLeft", (20, 29)),
        ("Shift+ArrowRight", (20, 35)),
        ("Shift+ArrowUp", (15, 30)),
        ("Home", (20, 0)),
        ("End", (20, 59)),
    ],
)
@pytest.mark.parametrize("panel", ["map", "picture"])
def test_keys_of_both_panels(linked: View, panel: str, key: str, cell: tuple[int, int]) -> None:
    linked.part(panel).focus()
    linked.press(key)
    linked.is_at(*cell)
    linked.python_has(row=cell[0], col=cell[1])
    expect(linked.part(panel)).to_be_focused()  # JupyterLab did not take the key


def test_the_window_stops_at_the_rim(linked: View) -> None:
    linked.put(39, 59)
    linked.part("map").focus()
    linked.press("ArrowRight", "ArrowDown")
    linked.is_at(39, 59)
    linked.press("ArrowLeft")
    linked.is_at(39, 58)


def test_keys_on_the_sliders(linked: View) -> None:
    before = linked.looks()
    linked.part("col").focus()
    linked.press("ArrowRight", "ArrowRight", "ArrowLeft")
    linked.is_at(20, 31)
    linked.part("row").focus()
    linked.press("ArrowDown")
    linked.is_at(21, 31)
    linked.press("ArrowUp", "ArrowUp")
    linked.is_at(19, 31)
    linked.python_has(row=19, col=31)
    assert all(now != then for now, then in zip(linked.looks(), before, strict=True))


def test_dragging_on_the_map(linked: View) -> None:
    linked.put(8, 50)
    to = linked.middle_of("map", WINDOW)
    linked.put(30, 12)
    mouse = linked.notebook.page.mouse
    mouse.move(*linked.middle_of("map", WINDOW))
    mouse.down()
    mouse.move(*to, steps=8)
    linked.is_at(8, 50)  # while the button is still down
    mouse.move(to[0], to[1] + 400)  # out of the map: the drag is not lost
    linked.is_at(39, 50)
    mouse.up()
    mouse.move(*to)
    linked.is_at(39, 50)  # and ends with the button
    linked.python_has(row=39, col=50)


def test_a_click_on_the_picture_moves_the_window_there(linked: View) -> None:
    linked.set(layers=())
    linked.put(33, 9)
    x, y = linked.middle_of("picture", WINDOW)
    linked.put(4, 44)
    linked.notebook.page.mouse.click(x, y)
    linked.is_at(33, 9)
    linked.python_has(row=33, col=9)


def test_a_click_outside_the_picture_goes_to_its_edge(linked: View) -> None:
    box = linked.part("picture").bounding_box()
    assert box
    linked.notebook.page.mouse.click(box["x"] + 3, box["y"] + 3)
    linked.is_at(0, 0)


def test_python_moves_the_view(linked: View) -> None:
    before = linked.looks()
    linked.set(row=5, col=7)
    linked.is_at(5, 7)
    assert all(now != then for now, then in zip(linked.looks(), before, strict=True))
    linked.set(selected=4)
    expect(linked.part("table").locator("tbody tr").nth(4)).to_have_class("rpnviz-hot")
    linked.set(layers=("minibatch",))
    box = linked.part("layers").get_by_role("checkbox", name="minibatch")
    expect(box).to_be_checked()
    expect(linked.part("layers").locator("input:checked")).to_have_count(1)


LAYERS = ("anchors", "receptive_field", "ground_truth", "labels", "minibatch", "predictions", "proposals")


@pytest.mark.parametrize("layer", range(len(LAYERS)), ids=LAYERS)
def test_each_layer_can_be_switched_by_keyboard(linked: View, layer: int) -> None:
    boxes = linked.part("layers").get_by_role("checkbox")
    expect(boxes).to_have_count(len(LAYERS) + 1)  # and that which covers a part
    before, was_on = linked.looks()[:2], boxes.nth(layer).is_checked()
    boxes.nth(layer).focus()
    linked.press("Space")
    expect(boxes.nth(layer)).to_be_checked(checked=not was_on)
    assert linked.looks()[:2] != before
    linked.notebook.wait_for(f"{LAYERS[layer]!r} in explorer.layers", not was_on)
    linked.press("Space")
    expect(boxes.nth(layer)).to_be_checked(checked=was_on)
    assert linked.looks()[:2] == before


def test_a_row_under_the_mouse_makes_its_box_stand_out(linked: View) -> None:
    before = linked.pixels("picture")
    row = linked.part("table").locator("tbody tr").nth(3)
    row.locator("td").first.hover()
    expect(row).to_have_class("rpnviz-hot")
    expect(linked.part("status")).to_contain_text("Anchor of 128 px, h/w 1")
    assert linked.pixels("picture") != before
    linked.part("funnel").first.hover()
    expect(row).not_to_have_class("rpnviz-hot")
    assert linked.pixels("picture") == before


def test_a_focused_row_makes_its_box_stand_out(linked: View) -> None:
    before = linked.pixels("picture")
    rows = linked.part("table").locator("tbody tr")
    rows.nth(0).get_by_role("button").focus()
    linked.press("ArrowDown", "ArrowDown")
    expect(rows.nth(2).get_by_role("button")).to_be_focused()
    expect(rows.nth(2)).to_have_class("rpnviz-hot")
    assert linked.pixels("picture") != before
    linked.press("Enter")
    linked.python_has(selected=2)
    linked.press("Enter")
    linked.python_has(selected=-1)


def test_a_box_under_the_mouse_makes_its_row_stand_out(linked: View) -> None:
    box = linked.part("picture").bounding_box()
    assert box
    y = box["y"] + box["height"] / 2
    linked.notebook.page.mouse.move(box["x"], y)
    seen = set()
    # Through the middle of the window, so that every upright line of the nine is crossed.
    for x in range(0, int(box["width"]), 3):
        linked.notebook.page.mouse.move(box["x"] + x, y)
        rows = linked.part("table").locator("tbody tr")
        seen.add(rows.evaluate_all("rows => rows.findIndex(row => row.classList.contains('rpnviz-hot'))"))
    assert seen >= {-1, 0, 3, 6}, "the three small anchors lie wholly inside the picture here"


def test_the_grid_is_switched_by_keyboard(linked: View) -> None:
    linked.part("grid").get_by_role("radio", name="40×60").focus()
    for grid, anchors, cols in (("floor", "20,646", 62), ("ceil", "21,546", 63), ("paper", "21,600", 60)):
        linked.press("ArrowRight")
        linked.python_has(grid=grid)
        expect(linked.root.locator(".rpnviz-all")).to_have_text(f"{anchors} anchors")
        expect(linked.part("col")).to_have_attribute("max", str(cols - 1))
        expect(linked.root).to_have_attribute("aria-busy", "false")


@pytest.mark.parametrize("seed", [1, 4321], ids=["sent along", "asked for"])
def test_another_seed_draws_another_minibatch(linked: View, seed: int) -> None:
    linked.set(layers=("minibatch",))
    expect(linked.part("layers").locator("input:checked")).to_have_count(1)
    before = linked.pixels("map")
    linked.part("seed").fill(str(seed))
    linked.press("Enter")
    linked.python_has(seed=seed)
    expect(linked.root).to_have_attribute("aria-busy", "false")
    assert linked.pixels("map") != before


def test_a_channel_that_was_not_sent_comes_from_the_kernel(linked: View) -> None:
    before = linked.pixels("map")
    linked.part("channel").fill("301")
    linked.press("Enter")
    linked.python_has(map="channel 301")
    expect(linked.root).to_have_attribute("aria-busy", "false")
    assert linked.pixels("map") != before


def test_another_picture_comes_from_the_kernel(linked: View) -> None:
    before = linked.pixels("picture")
    linked.part("pictures").select_option("street-01")
    linked.python_has(picture="street-01")
    expect(linked.root).to_have_attribute("aria-busy", "false")
    assert linked.pixels("picture") != before
    linked.part("pictures").select_option("street-03")
    linked.python_has(picture="street-03")
    expect(linked.root).to_have_attribute("aria-busy", "false")


def test_jump_to_the_best_anchor_of_an_object(linked: View) -> None:
    names = linked.part("jump").locator("option").all_inner_texts()
    linked.part("jump").select_option(index=1)
    anchor = "(explorer.row * 60 + explorer.col) * 9 + explorer.selected"
    best = f"{anchor} == int(explorer.results.found.best_anchor_per_gt[0])"
    linked.notebook.wait_for(best, True)
    row = linked.part("table").locator(".rpnviz-hot")
    expect(row).to_have_count(1)
    expect(row).to_contain_text(names[1].split()[0])


def test_the_view_moves_while_the_kernel_is_busy(linked: View, tmp_path_factory: pytest.TempPathFactory) -> None:
    stop = tmp_path_factory.mktemp("busy") / "stop"
    code = f"import pathlib\nwhile not pathlib.Path({str(stop)!r}).exists(): sum(range(10_000))"
    page = linked.notebook.page
    kernel = "jupyterapp.shell.currentWidget.sessionContext.session.kernel"
    page.evaluate(f"code => {{ window.busy = {kernel}.requestExecute({{ code }}); }}", code)
    page.wait_for_function(f"() => {kernel}.status === 'busy'")
    before = linked.looks()
    linked.part("map").focus()
    linked.press("ArrowRight", "ArrowDown")
    linked.is_at(21, 31)
    assert all(now != then for now, then in zip(linked.looks(), before, strict=True))
    assert page.evaluate("() => Promise.race([busy.done.then(() => 'done'), 'still running'])") == "still running"
    stop.touch()
    page.evaluate("async () => void await busy.done")
    linked.python_has(row=21, col=31)


def test_nothing_jumps_when_the_window_moves(linked: View) -> None:
    parts = ("map", "picture", "table", "funnel", "status", "layers", "row", "col")

    def boxes() -> list[object]:
        return [linked.part(name).first.bounding_box() for name in parts]

    before = boxes()
    linked.part("map").focus()
    for key in ("Home", "Shift+ArrowDown", "End", "PageUp", "PageDown"):
        linked.press(key)
        assert boxes() == before, key
    for name in ("table", "funnel", "layers", "map"):
        linked.part(name).first.hover()
        assert boxes() == before, name
    for layers in ((), ("anchors", "minibatch", "predictions", "proposals")):
        linked.set(layers=layers)
        expect(linked.part("layers").locator("input:checked")).to_have_count(len(layers))
        assert boxes() == before, layers


def test_all_of_it_fits_on_a_laptop_screen(linked: View) -> None:
    box = linked.root.bounding_box()
    room = linked.notebook.page.locator(".jp-WindowedPanel-outer").first.bounding_box()
    assert box and room
    assert box["height"] <= room["height"]
    assert box["x"] + box["width"] <= room["x"] + room["width"]
    wider = linked.root.evaluate(
        "e => [...e.querySelectorAll('*')].filter(c => c.getBoundingClientRect().right > innerWidth).length"
    )
    assert wider == 0


def test_the_state_is_announced_once(linked: View) -> None:
    live = linked.root.locator(".rpnviz-live[aria-live]")
    linked.part("map").focus()
    linked.press("ArrowRight")
    expect(live).to_contain_text("Row 20, column 31")
    assert live.get_attribute("aria-live") == "polite"


def test_every_control_has_a_name_and_is_reached_by_tab(linked: View) -> None:
    page = linked.notebook.page
    client = page.context.new_cdp_session(page)
    linked.root.evaluate("e => { window.explorerRoot = e; }")
    handle = client.send("Runtime.evaluate", {"expression": "explorerRoot"})["result"]["objectId"]
    nodes = client.send("Accessibility.queryAXTree", {"objectId": handle})["nodes"]
    named = [(node["role"]["value"], node.get("name", {}).get("value", "")) for node in nodes if not node["ignored"]]
    operable = {"application", "button", "checkbox", "combobox", "radio", "slider", "spinbutton", "table"}
    assert [role for role, name in named if role in operable and not name.strip()] == []
    counts = {role: sum(other == role for other, _ in named) for role in operable}
    assert counts["checkbox"] == len(LAYERS) + 1 and counts["radio"] == 5 and counts["button"] == 12, counts
    assert counts["slider"] == 3 and counts["application"] == 2 and counts["combobox"] == 3, counts

    for funnel in ("Training", "Proposals"):
        expect(linked.root.get_by_role("list", name=funnel)).to_be_visible()

    # One stop for each group of radio buttons and for the rows of the table (arrows move inside them).
    stops = """e => [...e.querySelectorAll('input, select, button, canvas, summary')]
      .filter(c => c.tabIndex >= 0 && !c.disabled && c.checkVisibility())"""
    wanted = linked.root.evaluate(f"e => ({stops})(e).filter(c => c.type !== 'radio' || c.checked).length")
    linked.root.evaluate(f"e => ({stops})(e)[0].focus()")
    reached = 0
    while linked.root.evaluate("e => e.contains(document.activeElement)") and reached <= wanted:
        reached += 1
        linked.press("Tab")
    assert reached == wanted


def test_the_dark_theme_is_dark_and_readable(linked: View) -> None:
    contrast = """e => {
      const light = (css) => {
        const c = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
        c.fillStyle = css;
        c.fillRect(0, 0, 1, 1);
        const [r, g, b] = [...c.getImageData(0, 0, 1, 1).data].map((v) => v / 255)
          .map((v) => (v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
      };
      const back = light(getComputedStyle(e).backgroundColor);
      const text = [...e.querySelectorAll("td, th, label, .rpnviz-what")].map((t) => light(getComputedStyle(t).color));
      return [back, ...text.map((t) => (Math.max(t, back) + 0.05) / (Math.min(t, back) + 0.05))];
    }"""
    light_back, *on_light = linked.root.evaluate(contrast)
    before = linked.pixels("map"), linked.root.bounding_box()
    linked.notebook.change_theme("dark")
    dark_back, *on_dark = linked.root.evaluate(contrast)
    assert (linked.pixels("map"), linked.root.bounding_box()) == before  # nothing jumps, and a map keeps its colours
    linked.notebook.change_theme("light")
    assert light_back > 0.8 and dark_back < 0.1
    assert min(on_light) >= 4.5 and min(on_dark) >= 4.5


def test_python_starts_the_tour_and_python_hears_of_its_steps(linked: View) -> None:
    linked.notebook.execute("explorer.hush(); explorer.tour()")
    said = linked.root.locator(".rpnviz-tour-text")
    expect(said).to_contain_text("This is the picture")
    linked.root.get_by_role("button", name="Next ›").click()
    linked.python_has(step=1, layers=())
    linked.root.get_by_role("button", name="leave").click()
    linked.python_has(step=-1, layers=("anchors", "ground_truth"))
