"""Notebook 12 as a reader meets it: two linked explorers of results that were handed over."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import View
from tools.browser.lab import Notebook


@pytest.fixture
def views(open_and_run: Callable[..., Notebook]) -> tuple[View, View]:
    """The learner's and ours. Nothing is written in this folder: hers are ours."""
    notebook = open_and_run("12")
    return View(notebook, 0), View(notebook, 1)


def test_both_move_together_and_say_the_same(views: tuple[View, View]) -> None:
    hers, ours = views
    hers.root.scroll_into_view_if_needed()
    hers.part("map").focus()
    hers.press("Home", "PageUp")
    hers.is_at(0, 0)
    ours.is_at(0, 0)
    expect(ours.root).to_be_visible()
    assert hers.looks()[:2] == ours.looks()[:2]
    hers.press(*["ArrowRight"] * 3)
    ours.is_at(0, 3)
    ours.root.scroll_into_view_if_needed()
    ours.part("jump").select_option(index=1)
    hers.notebook.wait_for("yours.row == package.row and yours.col == package.col and yours.row > 0", True)
    expect(hers.root.locator("table")).to_contain_text("labelled by our functions")
    expect(ours.root.locator("table")).not_to_contain_text("labelled by")


def test_another_picture_or_grid_cannot_be_asked_for(views: tuple[View, View]) -> None:
    for view in views:
        view.root.scroll_into_view_if_needed()
        expect(view.part("pictures")).to_be_disabled()
        for radio in view.part("grid").get_by_role("radio").all():
            expect(radio).to_be_disabled()
        expect(view.part("seed")).to_be_enabled()
