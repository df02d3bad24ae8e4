"""A part of the picture is covered in JupyterLab, by switch, mouse and keys; Python's network looks again."""

from __future__ import annotations

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.conftest import View


@pytest.fixture
def covered(linked: View) -> Locator:
    """The explorer's patch, laid round the window in the middle of the map."""
    linked.set(patch=[], selected=4)
    switch = linked.root.get_by_role("checkbox", name="cover a part")
    switch.check()
    linked.python_has(patch=[438, 238, 578, 378])
    return linked.root.locator(".rpnviz-cover-layer .rpnviz-movable")


def is_answered(linked: View) -> None:
    """Wait until the nine scores are those of Python's network for the patch as it lies."""
    linked.notebook.wait_for("explorer.covered['patch'] == explorer.patch", True)
    expect(linked.root).to_contain_text("when covered")
    expect(linked.root).not_to_contain_text("→ …")


def test_the_patch_moves_by_keys(linked: View, covered: Locator) -> None:
    covered.focus()
    covered.press("ArrowRight")
    linked.notebook.wait_for("explorer.patch[0] > 438 and explorer.patch[1] == 238", True)
    is_answered(linked)
    before = linked.notebook.ask("explorer.patch")
    covered.press("Shift+ArrowDown")
    linked.notebook.wait_for("explorer.patch[3] > 378", True)
    after = linked.notebook.ask("explorer.patch")
    assert after[:3] == before[:3]
    is_answered(linked)


def test_the_patch_moves_by_mouse_and_goes(linked: View, covered: Locator) -> None:
    covered.scroll_into_view_if_needed()
    box = covered.bounding_box()
    assert box
    mouse = linked.notebook.page.mouse
    mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    mouse.down()
    for step in range(1, 11):
        mouse.move(box["x"] + box["width"] / 2 - 6 * step, box["y"] + box["height"] / 2)
    mouse.up()
    moved = covered.bounding_box()
    assert (
        moved and abs(box["x"] - moved["x"] - 60) < 2
    )  # it stays under the hand, whatever Python has answered by then
    linked.notebook.wait_for("explorer.patch[0] < 400 and explorer.patch[1] == 238", True)
    is_answered(linked)
    linked.root.get_by_role("checkbox", name="cover a part").uncheck()
    linked.python_has(patch=[], covered={})
    expect(covered).to_have_count(0)
    expect(linked.root).not_to_contain_text("when covered")
