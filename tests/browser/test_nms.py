"""Notebook 08's explorers, operated in JupyterLab: NMS stepped by key, button, mouse and clock; the stages chosen."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.conftest import PIXELS, uncovered
from tools.browser.lab import Notebook

HAND, CHAIN, TIED, REAL = range(4)  # the NMS explorers in the order of the notebook


@pytest.fixture
def eight(open_and_run: Callable[..., Notebook]) -> Notebook:
    notebook = open_and_run("08")
    notebook.execute(
        "from rpnviz.explorers.nms.explorer import LAYERS\n"
        "for one in (by_hand, chained, tied, stepper):\n"
        "    one.nms_thresh = 0.7 if one in (by_hand, stepper) else 0.5\n"
        "    one.suppressed_too, one.reverse_ties = False, False\n"
        "    one.turn, one.top_n, one.layers, one.speed = 0, len(one.all_boxes), LAYERS, 2\n"
        "    one.pass_over = one is stepper\n"
        "funnel.use('py-faster-rcnn'); funnel.stage, funnel.side, funnel.shown, funnel.selected = 5, 'left', 100, -1"
    )
    return notebook


def view(notebook: Notebook, number: int) -> Locator:
    root = notebook.page.locator(".rpnviz-nms").nth(number)
    root.scroll_into_view_if_needed()
    at(root, 0)
    return root


def at(root: Locator, turn: int) -> None:
    expect(root).to_have_attribute("data-turn", str(turn))


def told(root: Locator, text: str) -> None:
    expect(root.locator(".rpnviz-told")).to_contain_text(text)


def pixels(root: Locator) -> int:
    return int(root.locator("canvas").evaluate(PIXELS))


def test_six_boxes_by_keys_and_buttons(eight: Notebook) -> None:
    root = view(eight, HAND)
    told(root, "Before the first turn: 6 boxes wait")
    before = pixels(root)
    root.locator("canvas").focus()
    eight.page.keyboard.press("ArrowRight")
    at(root, 1)
    told(root, "A (0.95) is still there, so it is kept. It suppresses B (IoU 0.82) and D (IoU 0.74).")
    assert pixels(root) != before
    eight.wait_for("by_hand.turn", 1)
    rows = root.locator("tbody tr")
    expect(rows.nth(1)).to_contain_text("suppressed now")
    expect(rows.nth(5)).to_contain_text("0.54")
    root.get_by_role("button", name="next").click()
    told(root, "B (0.90) was suppressed by A (IoU 0.82). So it suppresses nobody.")
    root.get_by_role("button", name="back").click()
    at(root, 1)
    root.locator("canvas").focus()
    eight.page.keyboard.press("End")
    at(root, 6)
    expect(root.locator(".rpnviz-nms-counted")).to_have_text("4 kept · 2 suppressed · 0 waiting")
    root.get_by_role("button", name="to the start").click()
    at(root, 0)
    assert pixels(root) == before or root.locator("canvas").evaluate("c => c.matches(':focus')")
    rows.nth(3).click()
    at(root, 4)
    root.get_by_role("checkbox", name="pass over suppressed").check()
    root.get_by_role("button", name="back").click()
    at(root, 3)  # C
    root.get_by_role("button", name="back").click()
    at(root, 1)  # B is passed over


def test_threshold_moves_in_the_page_and_agrees_with_torchvision(eight: Notebook) -> None:
    for number, name in ((HAND, "by_hand"), (REAL, "stepper")):
        root = view(eight, number)
        eight.execute(f"{name}.turn = len({name}.rows)")
        thresh = root.get_by_role("slider", name="nms_thresh")
        for keys in (["ArrowLeft"] * 10, ["ArrowLeft"], ["Home"], ["PageUp", "PageUp", "PageUp"]):
            thresh.focus()
            for key in keys:
                eight.page.keyboard.press(key)
            value = float(thresh.input_value())
            eight.wait_for(f"{name}.worked_out['nms_thresh'] == {name}.nms_thresh == {value}", True)
            oracle = f"torchvision.ops.nms({name}.all_boxes, {name}.all_scores, torch.tensor({value}).item()).tolist()"
            assert eight.ask(f"{name}.worked_out['kept'] == {oracle} == {name}.kept.tolist()")
            kept = len(eight.ask(f"{name}.worked_out['kept']"))
            expect(root.locator(".rpnviz-nms-counted")).to_contain_text(f"{kept} kept · ")


def test_the_table_stays_where_the_reader_scrolled_it_until_it_is_another_boxs_turn(eight: Notebook) -> None:
    root = view(eight, REAL)
    rows = root.locator(".rpnviz-boxes")
    rows.evaluate("(e) => { e.scrollTop = 200; }")
    root.get_by_role("slider", name="nms_thresh").focus()
    eight.page.keyboard.press("Home")
    eight.wait_for("stepper.worked_out['nms_thresh'] == stepper.nms_thresh < 0.2", True)
    assert rows.evaluate("(e) => e.scrollTop") == 200
    root.get_by_role("button", name="next").click()
    at(root, 1)
    assert rows.evaluate("(e) => e.scrollTop") == 0


def test_a_suppressed_box_suppresses_nobody_unless_told(eight: Notebook) -> None:
    root = view(eight, CHAIN)
    root.locator("canvas").focus()
    for _ in range(2):
        eight.page.keyboard.press("ArrowRight")
    told(root, "So it suppresses nobody, not even C (IoU 0.60).")
    expect(root.locator(".rpnviz-nms-counted")).to_have_text("1 kept · 1 suppressed · 1 waiting")
    root.get_by_role("checkbox", name="suppressed boxes suppress too").check()
    told(root, "And here it suppresses C (IoU 0.60): this is not NMS.")
    root.locator("canvas").focus()
    eight.page.keyboard.press("End")
    told(root, "C (0.70) was suppressed by B (IoU 0.60). Nobody is left for it to suppress.")
    expect(root.locator(".rpnviz-nms-counted")).to_have_text("1 kept · 2 suppressed · 0 waiting")
    eight.wait_for("chained.kept.tolist()", [0])


def test_ties_the_other_way_round(eight: Notebook) -> None:
    root = view(eight, TIED)
    rows = root.locator("tbody tr th")
    expect(rows).to_have_text(["A", "B"])
    root.get_by_role("checkbox", name="ties the other way round").check()
    expect(rows).to_have_text(["B", "A"])
    eight.wait_for("tied.worked_out['kept']", [1])
    assert view(eight, HAND).get_by_role("checkbox", name="ties the other way round").count() == 0


def test_play_pause_and_less_motion(eight: Notebook) -> None:
    root = view(eight, REAL)
    eight.execute("stepper.speed, stepper.turn = 20, 1")
    told(root, "Turn 1: box 1 (")
    eight.execute("stepper.turn = 0")
    at(root, 0)
    expect(root.get_by_role("slider", name="speed")).to_have_value("20")
    root.get_by_role("button", name="play").click()
    eight.wait_for("stepper.turn > 20", True)
    root.locator("canvas").focus()
    eight.page.keyboard.press("Space")
    expect(root.get_by_role("button", name="play")).to_be_visible()
    assert eight.ask("stepper.turn < 300")
    eight.page.emulate_media(reduced_motion="reduce")
    ticks = """() => {
      const old = setTimeout;
      window.waits = [];
      window.setTimeout = (f, ms) => (waits.push(ms), old(f, ms));
    }"""
    eight.page.evaluate(ticks)
    root.get_by_role("button", name="play").click()
    eight.page.wait_for_function("() => waits.includes(1000)")
    assert not eight.page.evaluate("() => waits.includes(50)")
    root.get_by_role("button", name="pause").click()
    eight.page.emulate_media(reduced_motion="no-preference")
    root.get_by_role("button", name="play").click()
    eight.page.wait_for_function("() => waits.includes(50)")
    root.get_by_role("button", name="back").click()  # a hand on the controls stops it
    expect(root.get_by_role("button", name="play")).to_be_visible()


def test_it_plays_to_the_end_and_stops(eight: Notebook) -> None:
    root = view(eight, HAND)
    eight.execute("by_hand.speed = 20")
    root.get_by_role("button", name="play").click()
    at(root, 6)
    expect(root.get_by_role("button", name="play")).to_be_visible()
    root.get_by_role("button", name="play").click()  # from the start again
    at(root, 6)


def test_fewer_boxes_and_layers(eight: Notebook) -> None:
    root = view(eight, REAL)
    boxes = root.get_by_role("slider", name="top_n")
    boxes.focus()
    eight.page.keyboard.press("Home")
    expect(root.locator(".rpnviz-nms-counted")).to_have_text("0 kept · 0 suppressed · 1 waiting")
    eight.page.keyboard.press("End")
    before = pixels(root)
    root.get_by_role("checkbox", name="waiting").uncheck()
    eight.wait_for("'waiting' in stepper.layers", False)
    assert pixels(root) != before


def test_a_saved_page_steps_without_a_kernel(
    eight: Notebook, open_file: Callable[[Path], Notebook], tmp_path: Path
) -> None:
    eight.execute(f"by_hand.to_html({str(tmp_path / 'nms.html')!r}); funnel.to_html({str(tmp_path / 'funnel.html')!r})")
    root = view(open_file(tmp_path / "nms.html"), 0)
    root.get_by_role("button", name="next").click()
    at(root, 1)
    root.get_by_role("slider", name="nms_thresh").fill("0.8")
    told(root, "It suppresses B (IoU 0.82).")
    funnel = uncovered(open_file(tmp_path / "funnel.html").page.locator(".rpnviz-stage-by-stage"))
    funnel.get_by_role("radio", name="proposals").check()
    expect(funnel).to_have_attribute("data-stage", "6")
    left = funnel.locator("tbody tr").nth(6).locator("b")
    expect(left).to_have_text("300")
    funnel.get_by_role("combobox", name="whose settings").select_option(label="torchvision, test")
    code = "from rpnviz.proposals import propose"
    wanted = "len(propose(*funnel._head, funnel.anchors, (600, 1000), **PRESETS['torchvision']['test']).proposals)"
    expect(left).to_have_text(f"{eight.ask(wanted, code):,}")


# --- stage by stage --------------------------------------------------------------------------------------------------


def funnel_of(notebook: Notebook) -> Locator:
    root = uncovered(notebook.page.locator(".rpnviz-stage-by-stage"))
    root.scroll_into_view_if_needed()
    expect(root).to_have_attribute("data-stage", "5")
    return root


def test_stages_are_chosen_by_keys_and_by_mouse(eight: Notebook) -> None:
    root = funnel_of(eight)
    expect(root.locator("tbody td b")).to_have_text(
        [f"{n:,}" for n in eight.ask("[len(row.inds) for row in funnel.rows]")]
    )
    before = pixels(root)
    root.get_by_role("radio", name="after NMS").focus()
    eight.page.keyboard.press("ArrowDown")
    expect(root).to_have_attribute("data-stage", "6")
    eight.wait_for("funnel.stage", 6)
    expect(root.locator(".rpnviz-funnel-why")).to_contain_text("not among the best 300")
    root.get_by_role("radio", name="dropped here").check()
    eight.wait_for("funnel.side", "dropped")
    assert pixels(root) != before  # what is left looks the same: the best 100 are left at both stages
    root.locator("tbody tr", has_text="decoded").click()
    expect(root).to_have_attribute("data-stage", "1")
    dropped = root.get_by_role("radio", name="dropped here")
    expect(dropped).to_be_disabled()
    eight.wait_for("funnel.side", "left")
    what = root.locator(".rpnviz-what")
    root.locator("label", has_text="dropped here").hover()
    expect(what).to_have_text("This stage drops nobody.")
    root.locator("tbody tr", has_text="top-N").click()
    expect(dropped).to_be_enabled()
    root.locator("label", has_text="dropped here").hover()
    expect(what).to_have_text("Draw what is left after the stage, or what it drops.")


def test_a_box_is_followed_through_the_stages(eight: Notebook) -> None:
    root = funnel_of(eight)
    about = root.locator(".rpnviz-followed")
    root.locator("canvas").focus()
    for _ in range(3):
        eight.page.keyboard.press("ArrowRight")
    eight.wait_for("funnel.selected == int(funnel.rows[5].inds[2])", True)
    expect(about).to_contain_text(eight.ask("funnel.stages.fate(funnel.selected)"))
    eight.execute("funnel.selected = int(funnel.stages.suppressed_by.argmax())")
    expect(about).to_contain_text(eight.ask("funnel.stages.fate(funnel.selected)"))
    expect(about).to_contain_text("suppressed by rank")
    root.locator("canvas").focus()
    eight.page.keyboard.press("Escape")
    expect(about).to_contain_text("Point at a box")


def test_settings_of_others_and_ones_own(eight: Notebook) -> None:
    root = funnel_of(eight)
    whose = root.get_by_role("combobox", name="whose settings")
    expect(whose.locator("option:checked")).to_have_text("py-faster-rcnn, test")
    whose.select_option(label="torchvision, test")
    eight.wait_for("funnel.settings == PRESETS['torchvision']['test']", True)
    last = root.locator("tbody tr").nth(6)
    expect(last.locator("b")).to_have_text(f"{eight.ask('len(funnel.stages.proposals)'):,}")
    root.get_by_role("spinbutton", name="post_nms_top_n").fill("20")
    eight.page.keyboard.press("Enter")
    expect(last.locator("b")).to_have_text("20")
    expect(whose.locator("option:checked")).to_have_text("your own")
    root.get_by_role("spinbutton", name="pre_nms_top_n").fill("0")  # refused by the field itself
    eight.page.keyboard.press("Enter")
    assert eight.ask("funnel.pre_nms_top_n") == 1000
    size = root.get_by_role("spinbutton", name="min_size")
    size.fill("")
    eight.page.keyboard.press("Enter")
    expect(size).to_have_value("0.001")
    assert eight.ask("funnel.min_size") == 0.001
    eight.execute("funnel.pre_nms_top_n = 21_600")
    most = root.get_by_role("spinbutton", name="pre_nms_top_n")
    expect(most).to_have_value("21600")
    assert most.evaluate("field => field.scrollWidth <= field.clientWidth")  # all five digits are seen
    eight.execute("funnel.use('py-faster-rcnn')")
    expect(last.locator("b")).to_have_text("300")
