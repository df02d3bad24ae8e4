"""Notebook 07's two views in JupyterLab: a training started, stopped and resumed by hand, and a recorded one."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Locator, expect

from rpnviz.explorers.replay.explorer import ReplayExplorer
from rpnviz.train.recording import Replay
from tests.browser.conftest import PIXELS, SCRATCH, View
from tools.browser.lab import Notebook

LAST = 10_000  # so many steps that there is time to press something
# On eight channels of noise: a step takes a moment on every machine. And the linked explorer beside it.
LIVE = f"""import rpnviz, torch
from rpnviz.explorers import LiveExplorer
from rpnviz.grid import Grid
from rpnviz.pictures import Picture

class Noise(torch.nn.Module):
    unused = torch.nn.Parameter(torch.zeros(1))

    def features(self, picture, grid):
        return torch.rand(1, 8, *grid.feature_size)

pictures = [Picture.load("street-01"), Picture.load("street-04")]
features = [torch.rand(2, 8, 40, 60).half() for _ in pictures]
live = LiveExplorer(Noise(), pictures, features, Picture.load("street-03"), steps={LAST})
live"""
REPLAY = "from rpnviz.explorers import ReplayExplorer\n\nreplay = ReplayExplorer('street-07')\nreplay"
RUN = Replay.load("mini")
STEPS = RUN.steps.tolist()
CHANGED = f"([canvas, then]) => ({PIXELS})(canvas) !== then"
# Append a cell and run it without waiting for it; `ended` is the promise of its end.
START_CELL = """source => {
  const { content } = jupyterapp.shell.currentWidget;
  content.model.sharedModel.addCell({ cell_type: "code", source });
  content.activeCellIndex = content.widgets.length - 1;
  content.deselectAll();
  window.ended = jupyterapp.commands.execute("notebook:run-cell");
}"""


@pytest.fixture
def live(open_and_run: Callable[..., Notebook]) -> View:
    """A training that stands still, at whatever step, with nothing beside it."""
    notebook = open_and_run("live-training", LIVE, SCRATCH)
    notebook.execute(
        "live.running = False; live.wait(); live.beside = 'nothing'; live.top_n = 10; live.show_map = True"
    )
    view = View(notebook, kind="live-training")
    view.root.scroll_into_view_if_needed()
    expect(button(view)).to_have_text(re.compile("Start|Resume"))
    return view


def button(view: View) -> Locator:
    return view.root.locator("button.rpnviz-start")


def step(view: View) -> int:
    return int((view.root.get_attribute("data-step") or "").split()[0])


def counted(view: View) -> Locator:
    return view.root.locator(".rpnviz-counted > span").first


def time_left(view: View) -> Locator:
    return view.root.locator(".rpnviz-counted > span").last


def wait_for_more(view: View, since: int) -> None:
    """Wait until the page shows a later step."""
    view.notebook.page.wait_for_function(
        "([root, since]) => Number(root.dataset.step.split(' ')[0]) > since", arg=[view.root.element_handle(), since]
    )


def wait_for_other_pixels(view: View, canvas: Locator, then: int) -> None:
    view.notebook.page.wait_for_function(CHANGED, arg=[canvas.element_handle(), then])


def test_training_is_started_stopped_and_resumed_by_keys(live: View) -> None:
    curve = live.root.locator(".rpnviz-chart").first.locator("g").nth(1)
    button(live).focus()
    since = step(live)
    live.press("Space")
    expect(button(live)).to_have_text("Stop")
    wait_for_more(live, since + 2)
    expect(counted(live)).to_have_text(re.compile(rf"^step \d+ of {LAST}$"))
    expect(time_left(live)).to_have_text(re.compile(r"^about (\d+ )?(an? )?(second|minute|hour)s? left$"))
    expect(curve.locator("path")).to_have_count(3)  # raw, casing, mean
    live.press("Enter")
    expect(button(live)).to_have_text("Resume")
    expect(button(live)).to_be_focused()
    live.notebook.execute("live.wait()")
    stopped_at = live.notebook.ask("live.step")
    expect(live.root).to_have_attribute("data-step", str(stopped_at))
    expect(live.root.get_by_role("progressbar")).to_have_js_property("value", stopped_at)
    expect(counted(live)).to_have_text(f"step {stopped_at} of {LAST}")
    expect(time_left(live)).to_have_text(live.notebook.ask("live.time_left"))
    length = len(curve.locator("path").first.get_attribute("d") or "")
    live.press("Space")
    wait_for_more(live, stopped_at + 2)
    button(live).click()
    expect(button(live)).to_have_text("Resume")
    assert live.notebook.ask("live.running") is False
    assert len(curve.locator("path").first.get_attribute("d") or "") > length, "the plot grows"


def test_linked_explorer_moves_while_it_trains(live: View) -> None:
    linked = View(live.notebook, kind="linked")
    linked.put(20, 30)
    since = step(live)
    live.notebook.execute("live.running = True")
    linked.root.scroll_into_view_if_needed()
    linked.part("map").focus()
    before = linked.looks()
    linked.press("ArrowRight", "ArrowDown")
    linked.is_at(21, 31)
    assert all(now != then for now, then in zip(linked.looks(), before, strict=True))
    linked.python_has(row=21, col=31)  # the kernel answers, too
    wait_for_more(live, since)
    assert live.notebook.ask("live.running") is True
    live.notebook.execute("live.running = False; live.wait()")


def test_stop_is_heard_while_a_cell_waits_and_the_cells_behind_it_go_on(live: View) -> None:
    since = step(live)
    live.notebook.page.evaluate(START_CELL, "live.finish()\nprint('came to', live.step)")
    live.notebook.page.evaluate(START_CELL, "print('behind it', live.step, live.running)")  # as Run All asks for it
    wait_for_more(live, since)
    live.root.get_by_role("radio", name="best 50").click()
    button(live).click()
    shown = live.notebook.page.locator(".jp-OutputArea-output")
    expect(shown.get_by_text(re.compile(r"^came to \d+\s*$"))).to_be_attached()
    came_to = live.notebook.ask("live.step")
    assert since < came_to < LAST
    assert live.notebook.ask("live.top_n") == 50
    expect(shown.get_by_text(f"behind it {came_to} False", exact=True)).to_be_attached()
    button(live).click()  # the view still speaks, and is heard
    wait_for_more(live, came_to)
    button(live).click()
    expect(button(live)).to_have_text("Resume")
    live.notebook.wait_for("live.running", False)


def test_an_interrupted_cell_stops_it_and_it_goes_on_from_there(live: View) -> None:
    since = step(live)
    live.notebook.page.evaluate(START_CELL, "live.finish()")
    wait_for_more(live, since)
    live.notebook.page.evaluate("() => jupyterapp.commands.execute('notebook:interrupt-kernel')")
    expect(button(live)).to_have_text("Resume")
    live.notebook.page.evaluate("() => ended")
    assert live.notebook.ask(f"since < live.step < {LAST}", f"since = {since}") is True
    assert any("KeyboardInterrupt" in line for line in live.notebook.collect())
    live.notebook.page.evaluate(
        "() => { rpnvizComplaints.length = 0; jupyterapp.commands.execute('notebook:delete-cell'); }"
    )
    live.notebook.troubles.clear()


def test_a_variant_is_trained_beside_it(live: View) -> None:
    live.root.get_by_label("train beside it").select_option("one scale only")
    live.notebook.wait_for("[run['name'] for run in live.runs]", ["all rules of ours", "one scale only"])
    titles = live.root.locator("figcaption > span:first-child")
    expect(titles.nth(1)).to_contain_text("one scale only: after step")
    expect(titles.nth(0)).to_contain_text("all rules of ours: after step")
    other = live.notebook.ask("live.runs[1]['step']")
    button(live).click()
    second = "([root, since]) => Number(root.dataset.step.split(' ')[1]) > since"
    live.notebook.page.wait_for_function(second, arg=[live.root.element_handle(), other + 1])
    expect(time_left(live)).to_have_text(re.compile("^about .* left$"))
    expect(live.root.locator(".rpnviz-chart").first.locator("g").nth(1).locator("path")).to_have_count(6)
    button(live).click()
    expect(button(live)).to_have_text("Resume")
    live.notebook.execute("live.wait(); live.beside = 'nothing'")
    expect(titles.nth(0)).to_have_text("before training")


def test_it_promises_nothing_before_it_was_measured(live: View) -> None:
    live.notebook.execute("live.unobserve(live._on_running, 'running')")  # the page alone believes that it runs
    live.notebook.execute("live.set_trait('time_left', ''); live.running = True")
    expect(time_left(live)).to_have_text("timing the first steps")
    live.notebook.execute("live.running = False; live.observe(live._on_running, 'running')")
    expect(time_left(live)).to_have_text("")


def test_map_and_number_of_proposals_are_switched(live: View) -> None:
    canvas = live.root.locator("canvas").nth(1)
    for switch in (live.root.get_by_label("objectness map"), live.root.get_by_role("radio", name="best 50")):
        then = int(canvas.evaluate(PIXELS))
        switch.click()
        wait_for_other_pixels(live, canvas, then)
    live.notebook.wait_for("[live.show_map, live.top_n]", [False, 50])


@pytest.fixture
def replay(open_and_run: Callable[..., Notebook]) -> View:
    view = View(open_and_run("recorded", REPLAY), kind="replay")
    view.root.scroll_into_view_if_needed()
    view.notebook.execute("replay.snapshot = 0; replay.picture = 'street-07'; replay.top_n = 50")
    expect(view.root).to_have_attribute("data-step", "0")
    expect(view.root).to_have_attribute("aria-busy", "false")
    return view


def shows(view: View, snapshot: int) -> None:
    """The page's numbers are those that were recorded."""
    expect(view.root).to_have_attribute("data-step", str(STEPS[snapshot]))
    said = view.root.locator("figure").nth(3).locator("output").all_inner_texts()
    assert [float(text) for text in said] == pytest.approx(RUN.recall[snapshot].tolist(), abs=0.0051)
    expect(view.root.locator(".rpnviz-slider output")).to_have_text(f"{STEPS[snapshot]:,} of {STEPS[-1]:,}")


def looks(view: View) -> list[int]:
    return [int(canvas.evaluate(PIXELS)) for canvas in view.root.locator("canvas").all()]


def test_one_slider_moves_all(replay: View) -> None:
    cursors = replay.root.locator(".rpnviz-cursor")
    shows(replay, 0)
    replay.part("step").focus()
    before, at = looks(replay), [cursor.get_attribute("d") for cursor in cursors.all()]
    replay.press("ArrowRight", "ArrowRight", "ArrowRight")
    shows(replay, 3)
    assert all(now != then for now, then in zip(looks(replay), before, strict=True))
    assert all(cursor.get_attribute("d") != then for cursor, then in zip(cursors.all(), at, strict=True))
    replay.notebook.wait_for("replay.snapshot", 3)
    replay.press("End")
    shows(replay, len(STEPS) - 1)
    covered = replay.notebook.ask("replay._covered[-1, 1].tolist()")
    found = f"{sum(covered)} of {len(covered)} objects found"
    expect(replay.root.locator(".rpnviz-aside").nth(1)).to_have_text(found)
    replay.notebook.execute("replay.go_to(0)")
    shows(replay, 0)
    assert looks(replay) == before


def test_best_10_or_50(replay: View) -> None:
    replay.notebook.execute("replay.snapshot = 5")
    shows(replay, 5)
    left, right = looks(replay)
    replay.root.get_by_role("radio", name="best 10").click()
    wait_for_other_pixels(replay, replay.root.locator("canvas").nth(1), right)
    assert looks(replay)[0] == left
    replay.notebook.wait_for("replay.top_n", 10)


def test_a_press_in_a_chart_goes_to_the_nearest_moment(replay: View) -> None:
    chart = replay.root.locator(".rpnviz-chart").nth(1)
    box = chart.bounding_box()
    assert box
    ticks = chart.locator("text[text-anchor=middle]")
    for tick in ticks.all():
        label, place = int(tick.inner_html().replace(",", "")), tick.bounding_box()
        assert place
        chart.click(position={"x": place["x"] + place["width"] / 2 - box["x"], "y": box["height"] / 2})
        nearest = int(np.abs(np.log1p(STEPS) - np.log1p(label)).argmin())
        shows(replay, nearest)


def test_another_picture_comes_from_the_kernel(replay: View) -> None:
    before = looks(replay)
    replay.root.get_by_role("combobox", name="picture").select_option("street-02")
    for canvas, then in zip(replay.root.locator("canvas").all(), before, strict=True):
        wait_for_other_pixels(replay, canvas, then)
    replay.notebook.wait_for("replay.scene['picture']", "street-02")
    expect(replay.root).to_have_attribute("aria-busy", "false")
    expect(replay.root.locator(".rpnviz-aside").nth(1)).to_contain_text("of 1 objects found")


def test_plays_to_the_end_pauses_and_starts_again(replay: View) -> None:
    play = button(replay)
    replay.notebook.execute(f"replay.snapshot = {len(STEPS) - 4}")
    shows(replay, len(STEPS) - 4)
    play.focus()
    replay.press("Space")
    expect(play).to_have_text("Pause")
    shows(replay, len(STEPS) - 1)
    expect(play).to_have_text("Play")
    replay.press("Space")  # from the end it begins anew
    expect(replay.root).not_to_have_attribute("data-step", str(STEPS[-1]))
    replay.press("Space")
    expect(play).to_have_text("Play")
    at = replay.root.get_attribute("data-step")
    replay.notebook.wait_for("replay.step", int(at or -1))
    assert replay.root.get_attribute("data-step") == at


def test_reduced_motion_goes_one_moment_at_a_press(replay: View) -> None:
    page = replay.notebook.page
    page.emulate_media(reduced_motion="reduce")
    replay.notebook.execute("replay.snapshot = 1")
    shows(replay, 1)
    expect(button(replay)).to_have_text("Next")
    button(replay).click()
    shows(replay, 2)
    page.emulate_media(reduced_motion="no-preference")
    expect(button(replay)).to_have_text("Play")


def test_saved_page_still_moves(open_file: Callable[[Path], Notebook], tmp_path: Path) -> None:
    path = tmp_path / "replay.html"
    ReplayExplorer("street-03").to_html(path)
    view = View(open_file(path), kind="replay")
    before = looks(view)
    view.part("step").focus()
    view.press("End")
    shows(view, len(STEPS) - 1)
    assert all(now != then for now, then in zip(looks(view), before, strict=True))
    expect(view.root.get_by_role("combobox", name="picture")).to_be_disabled()
