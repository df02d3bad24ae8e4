"""Python goes away under a view in JupyterLab: a broken line, a sleep, a restart, a death; two tabs on one kernel."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Iterator
from dataclasses import replace

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser.conftest import SCRATCH, View, put_into
from tests.browser.line import Line
from tools.browser.lab import Lab, Notebook, new_page, open_notebook

GONE = "Python was restarted: run all cells again."
CUT = "No connection to Python: trying again …"
SILENT = "No answer yet."
# What a browser says of a line that is cut, and JupyterLab of widgets that a tab has not opened.
NOISE = ("net::ERR_", "WebSocket connection", "Comm not found for comm id")
# The view's patience, 20 s, is over at once; or as long as ever.
SHORT = "() => { window.late = setTimeout; window.setTimeout = (then, ms) => late(then, ms === 20000 ? 0 : ms); }"
LONG = "() => { window.setTimeout = late; }"
# How many of the kernel's signals a view's code (connection.js) listens to.
SLOTS = """() => {
  const { kernel } = jupyterapp.shell.currentWidget.sessionContext.session;
  window.slots = 0;
  const ours = (slot) => String(slot).includes("listener(value)");
  for (const name of ["statusChanged", "connectionStatusChanged", "iopubMessage", "disposed"]) {
    const signal = kernel[name];
    const { connect, disconnect } = signal;
    signal.connect = (slot, ...more) => { slots += ours(slot); return connect.call(signal, slot, ...more); };
    signal.disconnect = (slot, ...more) => { slots -= ours(slot); return disconnect.call(signal, slot, ...more); };
  }
}"""
SENT = """() => {
  const { kernel } = jupyterapp.shell.currentWidget.sessionContext.session;
  window.sent = [];
  kernel.anyMessage.connect((_, { msg, direction }) => {
    if (direction === "send" && msg.channel === "shell") sent.push(msg.header.msg_type);
  });
}"""
MOVE_CELL = """async () => {
  jupyterapp.shell.currentWidget.content.activeCellIndex = 0;
  await jupyterapp.commands.execute("notebook:move-cell-down");
}"""
CELLS = """(view) => {
  window.cells = [];
  new MutationObserver(() => cells.push(view.dataset.cell.split(" ").map(Number))).observe(view, { attributes: true });
}"""


NOTES = """(note) => {
  window.notes = [];
  const every = { childList: true, characterData: true, subtree: true };
  new MutationObserver(() => notes.push(note.textContent)).observe(note, every);
}"""


@pytest.fixture(scope="module")
def line(lab: Lab) -> Iterator[Line]:
    line = Line(lab)
    yield line
    line.close()


@pytest.fixture(scope="module")
def opened(browser: Browser, lab: Lab, line: Line) -> Iterator[tuple[Notebook, Lab, str]]:
    """Two views of the linked explorer in a notebook at the far end of the line."""
    far, name = replace(lab, url=line.url), put_into(lab, "away", SCRATCH, "explorer")
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
    assert troubles(view) == []


def troubles(view: View) -> list[str]:
    """What went wrong in the page, but for what always does; a kernel that starts says what it likes."""
    said = [line for line in view.notebook.troubles if line.startswith(("console", "page error"))]
    return [line for line in said if not any(noise in line for noise in NOISE)]


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


@pytest.fixture(scope="module")
def opened_twice(opened: tuple[Notebook, Lab, str]) -> Iterator[View]:
    """The same notebook in a second tab, once the first has saved it."""
    first, far, name = opened
    first.page.evaluate("() => jupyterapp.commands.execute('docmanager:save')")
    second = View(open_notebook(first.page.context.new_page(), far, name))
    expect(second.root).to_be_visible()
    yield second
    assert troubles(second) == []


@pytest.fixture
def tabs(linked: View, opened_twice: View) -> tuple[View, View]:
    """Both tabs; the first has the linked explorer as the kernel has it."""
    return linked, opened_twice


def test_two_tabs_move_together(tabs: tuple[View, View]) -> None:
    first, second = tabs
    second.is_at(20, 30)
    for active, other, key, cell in ((first, second, "ArrowRight", (20, 31)), (second, first, "ArrowUp", (19, 31))):
        active.part("map").press(key)
        other.is_at(*cell)
    first.root.evaluate(CELLS)
    second.notebook.page.evaluate(SENT)
    drag_across(first)
    row, col = map(int, (first.root.get_attribute("data-cell") or "").split())
    first.python_has(row=row, col=col)
    second.is_at(row, col)
    cols = [col for _, col in first.notebook.page.evaluate("() => cells")]
    assert cols == sorted(cols)  # nothing pulled it back
    assert len(set(cols)) > 4
    assert second.notebook.page.evaluate("() => sent") == []  # it only listens


def drag_across(view: View) -> None:
    """Drag the window over the map from left to right."""
    box = view.part("map").bounding_box()
    assert box
    mouse, y = view.notebook.page.mouse, box["y"] + box["height"] / 2
    mouse.move(box["x"] + 0.1 * box["width"], y)
    mouse.down()
    mouse.move(box["x"] + 0.9 * box["width"], y, steps=20)
    mouse.up()


def test_restart_and_run_all_leaves_nothing_of_the_old_view(tabs: tuple[View, View]) -> None:
    """The tab in which it was not chosen keeps its view, and says that Python is another."""
    first, second = tabs
    page = first.notebook.page
    before = first.root.element_handle()
    assert page.evaluate("() => slots") == 2 * 4
    restart(page, "notebook:restart-run-all")
    expect(note(second)).to_have_text(GONE)
    second.part("map").press("Home")
    expect(second.root).to_have_attribute("data-cell", re.compile(" 0$"))
    page.wait_for_function("view => !view.isConnected", arg=before)
    expect(note(first)).to_have_text("")
    expect(page.locator(".rpnviz")).to_have_count(2)
    first.part("map").press("End")
    first.python_has(col=59)
    assert page.evaluate("() => slots") == 2 * 4


def test_a_kernel_that_is_killed_is_missed_at_once(linked: View) -> None:
    """Without the long wait, since JupyterLab tells that it starts another; and the next view is as ever."""
    pid = linked.notebook.ask("os.getpid()", "import os")
    os.kill(pid, signal.SIGSTOP)  # so that it does not answer first
    pictures(linked).select_option("street-05")
    expect(note(linked)).to_contain_text("street-05")
    note(linked).evaluate(NOTES)
    os.kill(pid, signal.SIGKILL)
    expect(note(linked)).to_have_text(GONE)
    assert linked.notebook.page.evaluate("() => notes") == [GONE]
    expect(linked.root).to_have_attribute("aria-busy", "false")
    linked.notebook.page.locator(".jp-Dialog .jp-mod-accept").click()  # JupyterLab's own note
    linked.part("map").press("ArrowRight")
    linked.is_at(20, 31)
    linked.notebook.run_all()
    expect(note(linked)).to_have_text("")
    linked.part("map").press("Home")
    linked.python_has(col=0)


def test_a_restart_leaves_the_view_as_it_was(linked: View) -> None:
    seed = linked.root.get_by_label("seed")
    seed.fill("12")
    restart(linked.notebook.page, "kernelmenu:restart")
    expect(note(linked)).to_have_text(GONE)
    expect(seed).to_have_value("12")
    linked.part("map").press("ArrowRight")
    linked.is_at(20, 31)
    before = linked.root.element_handle()
    linked.notebook.page.evaluate(MOVE_CELL)  # which shows the cell's output anew
    linked.notebook.page.wait_for_function("view => !view.isConnected", arg=before)
    linked.is_at(20, 31)
    expect(note(linked)).to_have_text(GONE)
    assert linked.notebook.ask("'explorer' in globals()") is False
