"""Hosts that cannot be run here, imitated: VS Code's and Colab's frames, a slow line, a shadow root.

docs/front-ends.md says what of them is imitated, and that this is not the same as having tried them.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from io import BytesIO
from typing import Any

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, FilePayload, Frame, Locator, expect

import rpnviz
from rpnviz.explorers.linked.questions import anchors_of_a_cell
from tests.browser.bridge import Host
from tests.browser.test_questions import choices
from tools.browser.lab import PATIENCE, Notebook, listen, new_page

MOST = 10 * 2**20  # letters that a message may have: what tornado takes over a WebSocket, if nobody has raised it
COLAB: dict[str, Any] = {"policy": "", "shadow": False, "look": ""}
# With the policy that VS Code has ready, and the blob: without which no anywidget is shown at all.
VSCODE: dict[str, Any] = {
    "policy": "default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval' blob:; style-src 'unsafe-inline'; "
    "img-src https: http: data:; connect-src https:; child-src https: data:",
    "shadow": False,
    "look": ":root { --vscode-foreground: #cccccc; --vscode-editor-background: #1f1f1f; color-scheme: dark }",
}
SHADOW: dict[str, Any] = {**COLAB, "shadow": True}
HOSTS = {"colab": COLAB, "vscode": VSCODE, "shadow": SHADOW}
NOISE = ("violates the following Content Security Policy",)  # a browser tells; what came of it is asked below


@pytest.fixture
def host() -> Host:
    explorer = rpnviz.explore("street-03").unfold()
    explorer.ask(anchors_of_a_cell)
    return Host.of(explorer)


@pytest.fixture
def show(browser: Browser, host: Host) -> Iterator[Callable[[str], Frame]]:
    """Show the explorer in one of the hosts, over the middle of the map; what goes wrong in it fails the test."""
    notebook = Notebook(new_page(browser))
    listen(notebook.page, notebook)

    def shower(name: str) -> Frame:
        host.explorer.set_state({"row": 20, "col": 30})
        frame = host.show(notebook.page, **HOSTS[name])
        expect(frame.locator(".rpnviz-shown")).not_to_be_empty()
        return frame

    yield shower
    notebook.page.context.close()
    assert [line for line in notebook.troubles if not any(noise in line for noise in NOISE)] == []


def arrives(frame: Frame, ask: Callable[[], Any], value: Any) -> None:
    """Wait until Python has this value."""
    give_up = time.monotonic() + PATIENCE / 1000
    while (found := ask()) != value:
        assert time.monotonic() < give_up, found
        frame.page.evaluate("() => 0")  # lets the next message in


def view_of(frame: Frame) -> Locator:
    return frame.locator(".rpnviz-linked")


@pytest.mark.parametrize("name", HOSTS)
def test_moves_and_python_hears(show: Callable[[str], Frame], host: Host, name: str) -> None:
    frame = show(name)
    view = view_of(frame)
    assert frame.evaluate("() => { try { return localStorage && 'kept'; } catch { return origin; } }") == "null"
    for _ in range(12):  # faster than the line
        view.locator(".rpnviz-map").press("ArrowRight")
    expect(view).to_have_attribute("data-cell", "20 42")
    arrives(frame, lambda: (host.explorer.row, host.explorer.col), (20, 42))
    expect(view).to_have_attribute("data-cell", "20 42")  # no late answer has pulled it back
    choices(view).first.press("Enter")
    expect(choices(view).first.locator(".rpnviz-quiz-verdict")).to_have_text("✓ right")
    arrives(frame, lambda: (host.explorer.row, host.explorer.col), (39, 59))
    host.explorer.row = 7
    frame.evaluate("() => model.poll()")
    expect(view).to_have_attribute("data-cell", "7 59")
    assert max(host.sizes) < MOST


@pytest.mark.parametrize("name", HOSTS)
def test_what_is_being_typed_stays(show: Callable[[str], Frame], name: str) -> None:
    """Python moves the view while somebody types into it."""
    frame = show(name)
    seed = view_of(frame).get_by_label("seed")
    seed.fill("12")
    frame.evaluate("() => { model.set('row', 21); model.save_changes(); }")
    expect(view_of(frame)).to_have_attribute("data-cell", "21 30")
    expect(seed).to_have_value("12")


@pytest.mark.parametrize("name", HOSTS)
def test_takes_a_picture_of_the_readers_own(show: Callable[[str], Frame], host: Host, name: str) -> None:
    file = BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (90, 160, 3), np.uint8)).save(file, "PNG")
    frame = show(name)
    chosen: FilePayload = {"name": "mine.png", "mimeType": "image/png", "buffer": file.getvalue()}
    view_of(frame).locator("input[type=file]").set_input_files(chosen)
    expect(view_of(frame).locator(".rpnviz-status")).to_contain_text("mine.png")
    own = ["name", "file_size"]
    arrives(frame, lambda: [host.explorer.own_picture.get(key) for key in own], ["mine.png", [90, 160]])
    arrives(frame, lambda: host.explorer.answered["own_picture"], host.explorer.own_picture)
    frame.evaluate("() => model.poll()")
    expect(view_of(frame)).to_have_attribute("aria-busy", "false")
    assert view_of(frame).locator(".rpnviz-error").count() == 0
    assert max(host.sizes) < MOST


def test_says_that_python_does_not_answer_and_comes_back(show: Callable[[str], Frame], host: Host) -> None:
    """A kernel that is dead, or busy for long, while a view waits for it."""
    frame = show("colab")
    note = view_of(frame).locator(".rpnviz-note")
    frame.evaluate(
        "() => { const late = setTimeout; window.setTimeout = (then, ms) => late(then, ms > 9000 ? 0 : ms); }"
    )
    host.alive = False
    frame.evaluate("() => { model.set('picture', 'street-04'); model.save_changes(); }")
    expect(note).to_contain_text("After a restart, run all cells again.")
    host.alive = True
    frame.evaluate("() => { model.set('picture', 'street-05'); model.save_changes(); }")  # what was lost stays lost
    expect(note).to_have_text("")
