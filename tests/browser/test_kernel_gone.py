"""Python goes away under a view in JupyterLab: a broken line, a sleep, a restart, a death; and two tabs on one kernel."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from dataclasses import replace

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser.conftest import SCRATCH, View, put_into
from tests.browser.line import Line
from tests.browser.test_training_views import LIVE
from tools.browser.lab import Lab, Notebook, new_page, open_notebook

GONE = "Python was restarted: run all cells again."
CUT = "No connection to Python: trying again …"
SILENT = "No answer yet."
# What a browser says of a line that is cut, and a kernel of messages that come while it starts.
NOISE = ("net::ERR_", "WebSocket connection")
# The view's patience, 20 s, is over at once; or as long as ever.
SHORT = "() => { window.late = setTimeout; window.setTimeout = (then, ms) => late(then, ms === 20000 ? 0 : ms); }"
LONG = "() => { window.setTimeout = late; }"
SLOTS = """() => {
  const { kernel } = jupyterapp.shell.currentWidget.sessionContext.session;
  window.slots = 0;
  for (const name of ["statusChanged", "connectionStatusChanged", "iopubMessage", "disposed"]) {
    const signal = kernel[name];
    const { connect, disconnect } = signal;
    signal.connect = (...given) => { slots += 1; return connect.apply(signal, given); };
    signal.disconnect = (...given) => { slots -= 1; return disconnect.apply(signal, given); };
  }
}"""
SENT = """() => {
  const { kernel } = jupyterapp.shell.currentWidget.sessionContext.session;
  window.sent = [];
  kernel.anyMessage.connect((_, { msg, direction }) => {
    if (direction === "send" && msg.channel === "shell") sent.push(msg.header.msg_type);
  });
}"""
CELLS = """(view) => {
  window.cells = [];
  new MutationObserver(() => cells.push(view.dataset.cell.split(" ").map(Number))).observe(view, { attributes: true });
}"""


@pytest.fixture(scope="module")
def line(lab: Lab) -> Iterator[Line]:
    line = Line(lab)
    yield line
    line.close()


@pytest.fixture(scope="module")
def opened(browser: Browser, lab: Lab, line: Line) -> Iterator[tuple[Notebook, Lab, str]]:
    """The linked explorer and a training that stands still, in a notebook at the far end of the line."""
    far, name = replace(lab, url=line.url), put_into(lab, "away", SCRATCH, LIVE)
    notebook = open_notebook(new_page(browser), far, name)
    notebook.page.evaluate(SLOTS)
    notebook.run_all()
    yield notebook, far, name
    notebook.close()


@pytest.fixture
def linked(opened: tuple[Notebook, Lab, str]) -> Iterator[View]:
    """The linked explorer over the middle of the map, with its Python; what goes wrong in the page fails the test."""
    view = View(opened[0])
    if note(view).inner_text():
        view.notebook.run_all()
    expect(note(view)).to_have_text("")
    view.put(20, 30)
    yield view
    assert [line for line in view.notebook.troubles if not any(noise in line for noise in NOISE)] == []


def note(view: View) -> Locator:
    return view.part("note")


def pictures(view: View) -> Locator:
    return view.root.locator("select.rpnviz-pictures, .rpnviz-pictures select").first


def restart(page: Page, command: str) -> None:
    """As the menu does it, which asks back."""
    page.evaluate("command => void jupyterapp.commands.execute(command)", command)
    page.locator(".jp-Dialog .jp-mod-accept").click()


def test_what_a_broken_line_has_lost_is_told_again(linked: View, line: Line) -> None:
    linked.part("map").focus()
    line.lose()
    linked.press("ArrowDown", "ArrowRight")  # the first is lost, the second waits for its answer
    line.cut()
    expect(note(linked)).to_have_text(CUT)
    linked.press("ArrowDown")
    linked.is_at(22, 31)
    line.mend()
    expect(note(linked)).to_have_text("")
    linked.python_has(row=22, col=31)
    linked.is_at(22, 31)
    linked.press("ArrowLeft")
    linked.python_has(row=22, col=30)


def test_a_question_that_a_broken_line_has_lost_is_asked_again(linked: View, line: Line) -> None:
    line.lose()
    pictures(linked).select_option("street-05")
    line.cut()
    expect(note(linked)).to_have_text(CUT)
    line.mend()
    linked.notebook.wait_for("explorer.answered['picture']", "street-05")
    expect(note(linked)).to_have_text("")
    expect(linked.root).to_have_attribute("aria-busy", "false")


def test_a_sleep_is_waited_for(linked: View) -> None:
    """Server and kernel stand still, as in a laptop that is closed; nothing is lost, and the note goes by itself."""
    pids = linked.notebook.ask("os.getpid(), os.getppid()", "import os")
    linked.notebook.page.evaluate(SHORT)
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        pictures(linked).select_option("street-04")
        expect(note(linked)).to_contain_text(SILENT)
        linked.part("map").focus()
        linked.press("ArrowDown")
        linked.is_at(21, 30)
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)
        linked.notebook.page.evaluate(LONG)
    expect(note(linked)).to_have_text("")
    linked.python_has(picture="street-04", row=21)


@pytest.fixture
def second(opened: tuple[Notebook, Lab, str], linked: View) -> Iterator[View]:
    """The same notebook in a second tab, once the first has saved it."""
    notebook, far, name = opened
    notebook.page.evaluate("() => jupyterapp.commands.execute('docmanager:save')")
    other = View(open_notebook(notebook.page.context.new_page(), far, name))
    other.is_at(20, 30)
    yield other
    assert other.notebook.troubles == []
    other.notebook.page.close()


def test_two_tabs_move_together_and_hear_of_a_restart(linked: View, second: View) -> None:
    for active, other, key, cell in ((linked, second, "ArrowRight", (20, 31)), (second, linked, "ArrowUp", (19, 31))):
        active.part("map").press(key)
        other.is_at(*cell)

    linked.root.evaluate(CELLS)
    second.notebook.page.evaluate(SENT)
    box = linked.part("map").bounding_box()
    assert box
    mouse = linked.notebook.page.mouse
    mouse.move(box["x"] + 0.1 * box["width"], box["y"] + box["height"] / 2)
    mouse.down()
    mouse.move(box["x"] + 0.9 * box["width"], box["y"] + box["height"] / 2, steps=40)
    mouse.up()
    row, col = map(int, (linked.root.get_attribute("data-cell") or "").split())
    linked.python_has(row=row, col=col)
    second.is_at(row, col)
    cols = [col for _, col in linked.notebook.page.evaluate("() => cells")]
    assert cols == sorted(cols)  # nothing pulled it back
    assert second.notebook.page.evaluate("() => sent") == []  # it only listens

    restart(linked.notebook.page, "kernelmenu:restart")
    for view in (linked, second):
        expect(note(view)).to_have_text(GONE)
        view.part("map").press("Home")
        view.is_at(row, 0)


def test_a_restart_leaves_the_view_as_it_was(linked: View) -> None:
    seed = linked.root.get_by_label("seed")
    seed.fill("12")
    restart(linked.notebook.page, "kernelmenu:restart")
    expect(note(linked)).to_have_text(GONE)
    expect(linked.root).to_have_attribute("aria-busy", "false")
    expect(seed).to_have_value("12")
    linked.part("map").press("ArrowRight")
    linked.is_at(20, 31)


def test_restart_and_run_all_leaves_nothing_of_the_old_views(linked: View) -> None:
    page = linked.notebook.page
    slots = page.evaluate("() => slots")
    page.locator("button.rpnviz-start").click()
    linked.notebook.wait_for("live.running", True)
    before = linked.root.element_handle()
    restart(page, "notebook:restart-run-all")
    page.wait_for_function("view => !view.isConnected", arg=before)
    expect(page.locator("button.rpnviz-start")).to_have_text("Start")
    expect(note(linked)).to_have_text("")
    expect(page.locator(".rpnviz")).to_have_count(2)
    linked.part("map").press("Home")
    linked.python_has(col=0, picture="street-03")
    assert linked.notebook.ask("live.running, live.step") == (False, 0)
    assert page.evaluate("() => slots") == slots


def test_a_kernel_that_is_killed_is_missed_at_once(linked: View) -> None:
    """Without the long wait: JupyterLab tells that it starts another."""
    pid = linked.notebook.ask("os.getpid()", "import os")
    os.kill(pid, signal.SIGSTOP)  # so that it does not answer first
    pictures(linked).select_option("street-05")
    expect(note(linked)).to_contain_text("street-05")
    os.kill(pid, signal.SIGKILL)
    expect(note(linked)).to_have_text(GONE)
    expect(linked.root).to_have_attribute("aria-busy", "false")
    linked.notebook.page.locator(".jp-Dialog .jp-mod-accept").click()  # JupyterLab's own note
    linked.part("map").press("ArrowRight")
    linked.is_at(20, 31)
    linked.notebook.run_all()
    expect(note(linked)).to_have_text("")
    linked.part("map").press("Home")
    linked.python_has(col=0)
