"""Notebook 12 with all solutions in place, with a mistake planted in them, and with nothing: in a fresh kernel."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import nbformat
import pytest
from nbformat import NotebookNode

from rpnviz.site.running import execute
from tools.notebooks.exercises import SOLUTIONS
from tools.notebooks.run import NOTEBOOKS

(PATH,) = NOTEBOOKS.glob("12_*.ipynb")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where a learner has written everything."""
    for path in SOLUTIONS.glob("*.ipynb"):
        shutil.copy(path, tmp_path)
    return tmp_path


def run(folder: Path) -> list[str]:
    """Run notebook 12 there; return what its outputs say, one text for each."""
    notebook: NotebookNode = nbformat.read(PATH, as_version=4)
    assert execute(notebook, folder) == []
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    return [str(output.get("text") or output.data["text/plain"]) for output in outputs]


def plant(folder: Path, number: str, right: str, wrong: str) -> None:
    path = folder / f"{number}_solutions.ipynb"
    text = path.read_text("utf-8")
    assert text.count(right) == 1
    path.write_text(text.replace(right, wrong), "utf-8")


def test_all_solutions_make_our_rpn(folder: Path) -> None:
    said = run(folder)
    tables = [text for text in said if text.startswith("my_receptive_field")]
    assert tables[-1].count("the same as ours") == 13
    assert "No difference: 13 of the 13 functions that ran are yours." in said
    (end,) = (text for text in said if text.startswith("labels:"))
    assert "labels: 20,646 of 20,646 are the same" in end and "proposals: 300 of 300" in end
    views = [text for text in said if text.startswith("Linked explorer")]
    assert views[0].replace(" by your functions", "") == views[1]


def differing(said: list[str]) -> list[str]:
    """The functions that the last table does not call the same as ours."""
    table = [text for text in said if text.startswith("my_receptive_field")][-1]
    rows = {line.split()[0]: line for line in table.splitlines() if line.startswith("my_")}
    assert len(rows) == 13
    return [name for name, line in rows.items() if "the same as ours" not in line]


def test_planted_mistakes_are_named_where_they_arise(folder: Path) -> None:
    plant(folder, "04", ".clamp(min=0).unbind", ".add(1).clamp(min=0).unbind")
    plant(folder, "08", "iou <= nms_thresh", "iou < 0.5")
    said = run(folder)
    assert differing(said) == ["my_box_iou", "my_nms"]
    assert any(text.startswith("my_box_iou: ") for text in said)  # the first of them is drawn
    (end,) = (text for text in said if text.startswith("labels:"))
    assert "20,646 of 20,646 are the same" not in end and "proposals: 300 of 300" not in end
    (iou,) = (re.search(r"(\d+) of the first 300 are those", text) for text in said if "of the first 300" in text)
    assert iou and iou[1] != "300", "a wrong IoU changes what NMS keeps"


def test_an_early_mistake_spoils_the_labels_alone_and_a_function_that_fails_is_replaced(folder: Path) -> None:
    plant(folder, "03", "(torch.arange(height) + 0.5)", "torch.arange(height)")
    plant(folder, "06", "size = anchors[:, 2:] - anchors[:, :2]", "size = anchors.sides()")
    said = run(folder)
    assert differing(said) == ["my_grid_anchors", "my_decode"]
    assert any(text.startswith("my_grid_anchors: ") for text in said)
    assert any("fails: ours stands in. It raises AttributeError" in text for text in said)
    (end,) = (text for text in said if text.startswith("labels:"))
    assert "20,646 of 20,646 are the same" not in end and "proposals: 300 of 300" in end
    (iou,) = (re.search(r"(\d+) of the first 300 are those", text) for text in said if "of the first 300" in text)
    assert iou and iou[1] == "300"


def test_with_nothing_written_all_is_ours(tmp_path: Path) -> None:
    said = run(tmp_path)
    assert "No difference: 0 of the 13 functions that ran are yours." in said
    assert any("proposals: 300 of 300" in text for text in said)
