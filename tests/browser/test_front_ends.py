"""Notebook 7, Voilà and marimo: the window moves, Python hears of it, a question and a check are answered there too."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import nbformat
import pytest
from nbformat import v4
from playwright.sync_api import Browser, Page, expect

from tests.browser.test_exercise_cells import SOLUTION
from tests.browser.test_questions import choices
from tools.browser.lab import Notebook, free_address, jupyterlab, listen, new_page, open_notebook, serving
from tools.notebooks.run import METADATA

EXPLORER = """import rpnviz
from rpnviz.explorers.linked.questions import anchors_of_a_cell

explorer = rpnviz.explore("street-03").unfold()
explorer.ask(anchors_of_a_cell)
explorer"""
CHECK = f"import torch\nfrom rpnviz.exercises import check\n{SOLUTION}\ncheck(my_box_iou)"
# A page without cells to ask Python in: it shows by itself what Python has.
HEARD = """import ipywidgets

heard = ipywidgets.Label()
explorer.observe(lambda _: heard.set_trait("value", f"Python has {explorer.row} {explorer.col}"), ["row", "col"])
heard"""
HEARD_BY_MARIMO = (
    """import marimo as mo

view = mo.ui.anywidget(explorer)
view""",
    """view.value
mo.md(f"Python has {explorer.row} {explorer.col}")""",
)
# What the front ends themselves complain of, with no notebook of ours in them.
NOISE = {
    "notebook": ("reading 'schema'",),
    "voila": (
        "fontawesome",
        "net::ERR_NAME_NOT_RESOLVED",
        "docregistry",
    ),  # its own page's letters; Notebook 7's extension
    "marimo": (),
}


def written(folder: Path, *cells: str) -> Path:
    """A notebook with these cells."""
    path = folder / "page.ipynb"
    nbformat.write(v4.new_notebook(cells=[v4.new_code_cell(cell) for cell in cells], metadata=METADATA), path)
    return path


def troubles(notebook: Notebook, front_end: str) -> list[str]:
    """What went wrong, but for what always does there."""
    return [line for line in notebook.troubles if not any(noise in line for noise in NOISE[front_end])]


def moves_and_answers(page: Page) -> Iterator[tuple[int, int]]:
    """Move the window by a key, then choose an answer by one; gives the cell where the window must be after each."""
    view = page.locator(".rpnviz-linked").first
    view.scroll_into_view_if_needed()
    row, col = map(int, (view.get_attribute("data-cell") or "").split())
    before = view.locator(".rpnviz-picture").evaluate("canvas => canvas.toDataURL()")
    view.locator(".rpnviz-map").press("ArrowRight")
    expect(view).to_have_attribute("data-cell", f"{row} {col + 1}")
    assert view.locator(".rpnviz-picture").evaluate("canvas => canvas.toDataURL()") != before
    yield row, col + 1
    choices(view).first.press("Enter")
    expect(choices(view).first.locator(".rpnviz-quiz-verdict")).to_have_text("✓ right")
    expect(view).to_have_attribute("data-cell", "39 59")
    yield 39, 59


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    page = new_page(browser)
    yield page
    page.context.close()


def test_notebook_7(page: Page, tmp_path: Path) -> None:
    written(tmp_path, EXPLORER, CHECK)
    start = [sys.executable, "-m", "notebook", f"--ServerApp.root_dir={tmp_path}"]
    with jupyterlab(tmp_path, [*start, "--JupyterNotebookApp.expose_app_in_browser=True"]) as lab:
        notebook = open_notebook(page, replace(lab, pages="notebooks"), "page.ipynb")
        notebook.run_all()
        for row, col in moves_and_answers(page):
            notebook.wait_for("explorer.row, explorer.col", (row, col))
        assert page.locator(".jp-mod-editMode").count() == 0  # the keys were the view's
        expect(page.locator(".jp-OutputArea-output").last).to_contain_text("Right · my_box_iou")
        notebook.collect()
        assert troubles(notebook, "notebook") == []
        page.evaluate("() => jupyterapp.shell.currentWidget.sessionContext.shutdown()")


def test_voila(page: Page, tmp_path: Path) -> None:
    notebook, address = Notebook(page), free_address()
    cells = written(tmp_path, EXPLORER, HEARD, CHECK)
    start = [sys.executable, "-m", "voila", str(cells), "--no-browser"]
    with serving([*start, "--Voila.ip=127.0.0.1", f"--port={address.split(':')[-1]}"], f"{address}/voila/static/"):
        listen(page, notebook)
        page.goto(address)
        for row, col in moves_and_answers(page):
            expect(page.get_by_text("Python has")).to_have_text(f"Python has {row} {col}")
        expect(page.get_by_text("Right · my_box_iou")).to_be_visible()
        assert troubles(notebook, "voila") == []


def test_marimo(page: Page, tmp_path: Path) -> None:
    """A notebook is converted by marimo itself, and run as its page."""
    notebook, address, program = Notebook(page), free_address(), tmp_path / "page.py"
    cells = written(tmp_path, EXPLORER.removesuffix("\nexplorer"), *HEARD_BY_MARIMO, CHECK)
    subprocess.run([sys.executable, "-m", "marimo", "convert", cells, "-o", program], check=True, capture_output=True)
    start = [sys.executable, "-m", "marimo", "run", str(program), "--headless", "--no-token", "--host=127.0.0.1"]
    with serving([*start, f"--port={address.split(':')[-1]}"], f"{address}/health"):
        listen(page, notebook)
        page.goto(address)
        for row, col in moves_and_answers(page):
            expect(page.get_by_text("Python has")).to_have_text(f"Python has {row} {col}")
        expect(page.get_by_text("Right · my_box_iou")).to_be_visible()
        assert troubles(notebook, "marimo") == []
