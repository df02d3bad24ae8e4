"""An exercise as a learner meets it in JupyterLab: she fills in the stub, runs it and the check, reads the answer."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from nbformat import NotebookNode, v4
from playwright.sync_api import Browser, Locator, expect

from tools.browser.lab import Lab, Notebook, new_page, open_notebook
from tools.notebooks.exercises import SOLUTIONS
from tools.notebooks.run import METADATA, NOTEBOOKS

NAME = "my_box_iou"
(LESSON,) = NOTEBOOKS.glob("04_*.ipynb")


def cells_of(path: Path) -> dict[str, NotebookNode]:
    return {cell.id: cell for cell in nbformat.read(path, as_version=4).cells}


SOLUTION = cells_of(SOLUTIONS / "04_solutions.ipynb")[NAME].source


class Exercise:
    """The exercise's cells of lesson 04, alone in a notebook."""

    def __init__(self, notebook: Notebook) -> None:
        self.notebook, self.page = notebook, notebook.page

    def cell(self, number: int) -> Locator:
        return self.page.locator(".jp-Notebook .jp-Cell").nth(number)

    @property
    def answer(self) -> Locator:
        return self.cell(3).locator(".jp-OutputArea-output")

    def write(self, source: str) -> None:
        """Replace the stub by typing, run it, run the check; the caller waits for the answer."""
        self.cell(2).locator(".cm-content").click()
        self.page.keyboard.press("Control+a")
        self.page.keyboard.insert_text(source)
        self.page.keyboard.press("Shift+Enter")  # goes on to the check
        self.page.keyboard.press("Shift+Enter")


@pytest.fixture
def exercise(browser: Browser, lab: Lab) -> Iterator[Exercise]:
    lesson = cells_of(LESSON)
    parts = [lesson[f"{NAME}{part}"] for part in ("-task", "", "-check", "-solution")]
    imports = cells_of(SOLUTIONS / "04_solutions.ipynb")["imports"]
    notebook = v4.new_notebook(cells=[imports, *parts], metadata=METADATA)
    nbformat.write(notebook, lab.root / "exercise.ipynb")
    opened = open_notebook(new_page(browser), lab, "exercise.ipynb")
    opened.run_all()
    yield Exercise(opened)
    assert opened.collect() == []
    opened.close()


def test_a_stub_is_filled_in_and_the_check_answers(exercise: Exercise) -> None:
    expect(exercise.answer).to_contain_text("Not written yet")

    exercise.write(SOLUTION.replace(".clamp(min=0).unbind", ".unbind"))
    expect(exercise.answer).to_contain_text("Not yet")
    expect(exercise.answer).to_contain_text("It looks like this:")
    expect(exercise.answer).to_contain_text("Cut both off at 0")
    drawn = exercise.answer.locator("img")
    expect(drawn).to_be_visible()
    assert drawn.evaluate("image => image.complete && image.naturalWidth > 300")
    hint = exercise.answer.get_by_text("A second hint")
    expect(hint).not_to_be_visible()
    exercise.answer.get_by_text("A first hint").click()
    hint.click()
    expect(exercise.answer.get_by_text("boxes1[:, None, :]")).to_be_visible()

    exercise.write(SOLUTION.replace("shared = width * height", "shared = width * hight"))
    expect(exercise.answer).to_contain_text("NameError: name 'hight' is not defined")
    expect(exercise.answer).to_contain_text("shared = width * hight")
    expect(exercise.answer).not_to_contain_text("Traceback")

    exercise.write(SOLUTION)
    expect(exercise.answer).to_contain_text("Right")
    expect(exercise.answer.locator("img")).to_have_count(0)


def test_the_solution_is_one_click_away(exercise: Exercise) -> None:
    solution = exercise.cell(4)
    expect(solution.locator("pre")).not_to_be_visible()
    solution.get_by_text("Solution", exact=True).click()
    expect(solution.locator("pre")).to_be_visible()
    expect(solution.locator("pre")).to_contain_text("bottom_right = torch.minimum(")
    assert "SOLUTION" not in solution.inner_text()
