"""`check` in a real JupyterLab: the counterexample is drawn, hints open one after another, the kernel stays alive."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.conftest import SCRATCH
from tools.browser.lab import Notebook

IOU = """import torch
from rpnviz.exercises import check

def my_box_iou(boxes1, boxes2):
    low = torch.maximum(boxes1[:, None, :2], boxes2[:, :2])
    high = torch.minimum(boxes1[:, None, 2:], boxes2[:, 2:])
    shared = (high - low){clamp}.prod(dim=2)
    area1, area2 = ((boxes[:, 2:] - boxes[:, :2]).prod(dim=1) for boxes in (boxes1, boxes2))
    return shared / (area1[:, None] + area2 - shared)

check(my_box_iou)"""
ENDLESS = """from rpnviz.exercises import check

def my_recall(iou, top_n):
    while True:
        pass

check(my_recall)"""


@pytest.fixture
def notebook(open_and_run: Callable[..., Notebook]) -> Notebook:
    return open_and_run("scratch", SCRATCH)


def answer(notebook: Notebook, code: str) -> Locator:
    """The output of a new cell with this code."""
    notebook.run(code)
    return notebook.page.locator(".jp-OutputArea-output").last


def test_mistake_shows_its_case_and_hints_and_the_right_function_passes(notebook: Notebook) -> None:
    shown = answer(notebook, IOU.format(clamp=""))
    expect(shown).to_contain_text("Not yet · my_box_iou")
    expect(shown).to_contain_text("Cut both off at 0")
    picture = shown.locator("img")
    picture.scroll_into_view_if_needed()
    assert picture.evaluate("image => image.complete && image.naturalWidth") == 920
    assert picture.bounding_box()["width"] <= shown.bounding_box()["width"]  # type: ignore[index]
    assert "right result = [[0]]" in str(picture.get_attribute("alt"))
    second = shown.get_by_text("A second hint")
    expect(second).to_be_hidden()
    first = shown.get_by_text("A first hint")
    first.focus()
    notebook.page.keyboard.press("Enter")
    expect(second).to_be_visible()
    expect(answer(notebook, IOU.format(clamp=".clamp(min=0)"))).to_contain_text("Right · my_box_iou")


def test_endless_function_leaves_the_kernel_alive(notebook: Notebook) -> None:
    pid = notebook.ask("os.getpid()", "import os")
    expect(answer(notebook, ENDLESS)).to_contain_text("did not return within 5 s and was stopped")
    assert notebook.ask("os.getpid()") == pid
