"""tools/notebooks/exercises.py: stubs made from solutions, in the lessons and nowhere else."""

from __future__ import annotations

import shutil
from pathlib import Path

import nbformat
import pytest
from nbformat import NotebookNode, v4

from tools.notebooks.exercises import SOLUTIONS, exercises_of, lesson_of, main, with_exercises

SOURCE = '''def my_sum(a, b):
    """Add.

    a, b: numbers.
    """
    # BEGIN SOLUTION
    total = a + b
    return total  # BEGIN
    # END SOLUTION'''
DOCSTRING = '"""Add.\n\n    a, b: numbers.\n    """'
STUB = '''def my_sum(a, b):
    """Add.

    a, b: numbers.
    """
    ...'''
SOLUTION = """<details><summary>Solution</summary>

```python
def my_sum(a, b):
    total = a + b
    return total  # BEGIN
```

</details>"""


def solutions(source: str = SOURCE, *left_out: str) -> NotebookNode:
    cells = [
        v4.new_code_cell("import torch", id="imports"),
        v4.new_markdown_cell("Add two numbers.", id="my_sum-task"),
        v4.new_code_cell(source, id="my_sum", metadata={"tags": ["exercise"]}),
        v4.new_code_cell("check(my_sum)", id="my_sum-check"),
    ]
    notebook: NotebookNode = v4.new_notebook(cells=[cell for cell in cells if cell.id not in left_out])
    return notebook


def lesson(*ids: str) -> NotebookNode:
    """A lesson with cells of these ids, each with a trace of its run."""
    cells = [v4.new_code_cell(f"print('{one}')", id=one, execution_count=7, outputs=[said(one)]) for one in ids]
    notebook: NotebookNode = v4.new_notebook(cells=cells)
    return notebook


def said(text: str) -> NotebookNode:
    output: NotebookNode = v4.new_output("stream", text=text)
    return output


def test_the_lesson_gets_task_stub_check_and_solution_at_its_place() -> None:
    made = with_exercises(lesson("before", "my_sum", "after"), solutions())
    assert [cell.id for cell in made.cells] == [
        *("before", "my_sum-task", "my_sum", "my_sum-check", "my_sum-solution", "after")
    ]
    _, task, stub, check, solution, _ = made.cells
    assert (task.source, stub.source, check.source) == ("Add two numbers.", STUB, "check(my_sum)")
    assert solution.source == SOLUTION
    assert stub.metadata == {"tags": ["exercise"]}


def test_outputs_stay_but_for_cells_that_change() -> None:
    made = with_exercises(lesson("before", "my_sum"), solutions())
    assert made.cells[0].outputs == [said("before")]
    stub, check = made.cells[2], made.cells[3]
    assert stub.outputs == [] and stub.execution_count is None
    check.outputs, check.execution_count = [said("not written")], 3
    again = with_exercises(made, solutions(SOURCE.replace("total", "both")))
    assert again.cells[3].outputs == [said("not written")] and again.cells[3].execution_count == 3
    assert "both = a + b" in again.cells[4].source
    changed = with_exercises(again, solutions(SOURCE.replace("Add.", "Add both.")))
    assert '"""Add both.' in changed.cells[2].source


@pytest.mark.parametrize(
    ("notebook", "said"),
    [
        (solutions(SOURCE, "my_sum-task"), "my_sum: has no cell my_sum-task"),
        (solutions(SOURCE, "my_sum-check"), "my_sum: has no cell my_sum-check"),
        (solutions(SOURCE.replace("# END SOLUTION", "")), "needs one # BEGIN SOLUTION and one # END"),
        (solutions(SOURCE.replace("# BEGIN SOLUTION", "# BEGINS")), "needs one # BEGIN SOLUTION"),
        (solutions(SOURCE.replace("my_sum", "my_product")), "must define my_sum, with a docstring"),
        (solutions(SOURCE.replace(DOCSTRING, "pass")), "must define my_sum, with a docstring"),
        (solutions(f"{SOURCE}\n\ndef another():\n    pass"), "must define one function; this one defines 2"),
    ],
)
def test_what_is_no_exercise_is_refused(notebook: NotebookNode, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        list(exercises_of(notebook))


def test_an_exercise_without_a_place_is_refused() -> None:
    with pytest.raises(ValueError, match="no place for my_sum: put a cell with the id my_sum where it belongs"):
        with_exercises(lesson("before"), solutions())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Copies of all lessons and solutions."""
    shutil.copytree(SOLUTIONS.parent, tmp_path / "notebooks")
    return tmp_path / "notebooks" / "solutions"


def test_running_it_changes_nothing_in_the_repository(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    paths = sorted(folder.parent.glob("*.ipynb"))
    before = [path.read_bytes() for path in paths]
    assert main(["--check"], folder) == 0
    assert main([], folder) == 0
    assert [path.read_bytes() for path in paths] == before
    assert capsys.readouterr().out == ""


def test_a_lesson_that_drifted_is_named_and_mended(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = folder / "04_solutions.ipynb"
    before = lesson_of(path).read_bytes()
    solution = path.read_text("utf-8")
    path.write_text(solution.replace("# apart: 0", "# cut off"), "utf-8")
    assert main(["--check"], folder) == 1
    assert lesson_of(path).read_bytes() == before
    assert main([], folder) == 0
    assert "04_iou_and_labels.ipynb: written" in capsys.readouterr().out
    assert "# cut off" in lesson_of(path).read_text("utf-8")
    path.write_text(solution, "utf-8")
    assert main([], folder) == 0
    assert lesson_of(path).read_bytes() == before


def test_a_lesson_that_cannot_be_made_is_an_error(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = folder / "08_solutions.ipynb"
    notebook = nbformat.read(path, as_version=4)
    notebook.cells = [cell for cell in notebook.cells if cell.id != "my_nms-check"]
    nbformat.write(notebook, path)
    with pytest.raises(SystemExit) as status:
        main([], folder)
    assert status.value.code == 2
    assert "08_solutions.ipynb into 08_from_21600_to_300.ipynb: my_nms: has no cell" in capsys.readouterr().err
