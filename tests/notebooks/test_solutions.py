"""The solution notebooks, and the same exercises in the lessons: solved they pass, untouched they are "not written"."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from nbformat import NotebookNode, v4

from rpnviz.exercises import EXERCISES, check_source
from rpnviz.exercises.notebooks.submission import read_notebook
from rpnviz.site.running import execute, offline_environment
from tools.notebooks.exercises import SOLUTIONS, exercises_of, lesson_of

PATHS = sorted(SOLUTIONS.glob("*.ipynb"))
every_notebook = pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem[:2])
every_exercise = pytest.mark.parametrize("name", EXERCISES)


def read(path: Path) -> NotebookNode:
    notebook: NotebookNode = nbformat.read(path, as_version=4)
    return notebook


def place_of(name: str) -> Path:
    """The solution notebook of an exercise."""
    return SOLUTIONS / f"{EXERCISES[name].notebook}_solutions.ipynb"


def test_every_exercise_has_its_solution_and_its_lesson() -> None:
    found = [(exercise.name, path.name[:2]) for path in PATHS for exercise in exercises_of(read(path))]
    assert found == [(exercise.name, exercise.notebook) for exercise in EXERCISES.values()]
    assert {lesson_of(path).name[:2] for path in PATHS} == {f"{i:02}" for i in (*range(1, 12), 13)}


@every_notebook
def test_holds_its_exercises_and_no_outputs(path: Path) -> None:
    notebook = read(path)
    assert len(notebook.cells) == 3 + 3 * len(list(exercises_of(notebook)))
    assert f"(../{lesson_of(path).name})" in notebook.cells[0].source
    assert all(not cell.outputs and cell.execution_count is None for cell in notebook.cells if "outputs" in cell)


@pytest.fixture(scope="module")
def executed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The verdict of each check by its cell's id: one kernel, which forgets all between two notebooks."""
    joined = v4.new_notebook(metadata=read(PATHS[0]).metadata)
    for path in PATHS:
        joined.cells += [*read(path).cells, v4.new_code_cell("%reset -f")]
    assert execute(joined, tmp_path_factory.mktemp("solutions")) == []
    checks = [cell for cell in joined.cells if cell.id.endswith("-check")]
    return {cell.id: cell.outputs[0].data["text/plain"] for cell in checks}


@every_notebook
def test_runs_to_pass_with_nothing_but_its_own_cells(executed: dict[str, str], path: Path) -> None:
    verdicts = [executed[cell.id] for cell in read(path).cells if cell.id.endswith("-check")]
    assert verdicts and all(said.startswith("Right · ") for said in verdicts), verdicts


@every_exercise
def test_the_solution_behind_the_click_passes_with_what_the_lesson_imports(name: str, tmp_path: Path) -> None:
    lesson = read(lesson_of(place_of(name)))
    cells = {cell.id: cell for cell in lesson.cells}
    shown = cells[f"{name}-solution"].source
    cells[name].source = shown[shown.index("```python\n") + 10 : shown.rindex("\n```")]
    nbformat.write(lesson, tmp_path / "solved.ipynb")
    result = check_source(read_notebook(tmp_path / "solved.ipynb").source(name), name)
    assert result.verdict == "pass", result


@every_exercise
def test_the_stub_is_not_written(name: str) -> None:
    lesson = lesson_of(place_of(name))
    assert check_source(read_notebook(lesson).source(name), name).verdict == "not written"


def test_runs_of_notebooks_leave_the_readers_progress_alone(tmp_path: Path) -> None:
    assert offline_environment(tmp_path)["RPNVIZ_DATA"].startswith(str(tmp_path))
