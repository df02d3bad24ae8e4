"""The notebooks as they are committed: executed, shown without a kernel, and built as the series promises."""

from __future__ import annotations

import ast
import re
import statistics
from functools import cache
from itertools import pairwise
from pathlib import Path

import nbformat
import pytest
from nbformat import NotebookNode

from rpnviz.exercises import EXERCISES
from rpnviz.site import executed
from rpnviz.site.running import WIDGET_VIEW
from tools.docs.address import TAG
from tools.notebooks.run import METADATA, NOTEBOOKS
from tools.site.__main__ import KEPT

PATHS = sorted(NOTEBOOKS.glob("[0-9][0-9]_*.ipynb"))
MACHINE = re.compile(r"(?<![\w.:/])/(?:home|root|tmp|usr|var|opt|work|Users)/|\b[A-Z]:\\|site-packages|0x[0-9a-f]{8,}")
LINK = re.compile(r"\]\(([^)#\s]+)[^)]*\)")
every_notebook = pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem[:2])


@cache
def read(path: Path) -> NotebookNode:
    notebook: NotebookNode = nbformat.read(path, as_version=4)
    return notebook


def code_cells(path: Path) -> list[NotebookNode]:
    return [cell for cell in read(path).cells if cell.cell_type == "code"]


def has(cell: NotebookNode, *kinds: type[ast.AST]) -> bool:
    if TAG in cell.metadata.get("tags", []):
        return False  # the cell that installs the package is not the reader's
    return any(isinstance(node, kinds) for node in ast.walk(ast.parse(cell.source)))


def text_of(output: NotebookNode) -> str:
    return str(output.get("text", "")) + str(output.get("data", {}).get("text/plain", ""))


def test_the_notebooks_are_there() -> None:
    assert [path.stem[:2] for path in PATHS] == [f"{i:02}" for i in range(14)]


@every_notebook
def test_runs_in_a_fresh_kernel_without_a_network(path: Path) -> None:
    executed.run(path, KEPT)  # raises what went wrong; kept, so that the tests of the site need not run it again


@every_notebook
def test_is_committed_executed(path: Path) -> None:
    nbformat.validate(read(path))
    assert [cell.execution_count for cell in code_cells(path)] == list(range(1, len(code_cells(path)) + 1))
    for cell in code_cells(path):
        for output in cell.outputs:
            assert output.output_type != "error"
            assert output.get("name") != "stderr"


@every_notebook
def test_draws_without_pyplot(path: Path) -> None:
    # JupyterLab lets a widget speak in a thread beside the cell; pyplot then shows what the cell has drawn so far.
    assert all("pyplot" not in cell.source and "pylab" not in cell.source for cell in code_cells(path))


@every_notebook
def test_holds_nothing_of_the_run_but_its_outputs(path: Path) -> None:
    assert read(path).metadata == METADATA  # in particular no widget state
    assert all("execution" not in cell.metadata for cell in read(path).cells)
    for cell in code_cells(path):
        for output in cell.outputs:
            assert WIDGET_VIEW not in output.get("data", {})
            assert not MACHINE.search(text_of(output)), text_of(output)


@every_notebook
def test_explorers_and_figures_left_a_picture(path: Path) -> None:
    """A view whose picture is missing would leave its sentence alone, or the name of a widget's class."""
    outputs = [output for cell in code_cells(path) for output in cell.outputs]
    pictures = [output for output in outputs if "image/png" in output.get("data", {})]
    assert pictures
    assert all(len(output.data["text/plain"]) > 10 for output in pictures)
    sentences = {output.data["text/plain"].split()[0] for output in pictures}
    for output in outputs:
        if output.output_type != "stream" and "image/png" not in output.get("data", {}):
            alone = output.data["text/plain"]
            assert alone.split()[0] not in sentences - {"<Figure"}, alone
            assert "Explorer" not in alone and "Figure" not in alone, alone


def test_trainings_left_the_picture_of_their_end() -> None:
    outputs = [output for path in PATHS for cell in code_cells(path) for output in cell.outputs]
    sentences = [text_of(output) for output in outputs if text_of(output).startswith("Live training:")]
    steps = [pair for sentence in sentences for pair in re.findall(r"step (\d+) of (\d+)", sentence)]
    assert len(steps) >= len(sentences) >= 2
    assert all(taken == planned for taken, planned in steps), sentences


@every_notebook
def test_imports_stand_in_one_cell(path: Path) -> None:
    cells = [cell for cell in code_cells(path) if has(cell, ast.Import, ast.ImportFrom)]
    assert len(cells) == 1


@every_notebook
def test_code_cells_are_short_and_hold_no_helpers(path: Path) -> None:
    lengths = [len(cell.source.splitlines()) for cell in code_cells(path)]
    working = [
        cell for cell in code_cells(path) if not has(cell, ast.Import, ast.ImportFrom)
    ]  # names take lines, no thought
    assert max(len(cell.source.splitlines()) for cell in working) <= 20
    assert statistics.median(lengths) <= 5
    for cell in code_cells(path):
        if has(cell, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef):
            assert "exercise" in cell.metadata.get("tags", []), cell.source


@every_notebook
def test_checks_of_untouched_stubs_say_so(path: Path) -> None:
    """A run of all cells, with nothing written, ends without an exception."""
    names = [cell.id for cell in code_cells(path) if "exercise" in cell.metadata.get("tags", [])]
    checks = {cell.id: cell for cell in code_cells(path)}
    for name in names:
        (output,) = checks[f"{name}-check"].outputs
        assert output.data["text/plain"].startswith(f"Not written yet · {name}")
    assert len(names) == sum(exercise.notebook == path.stem[:2] for exercise in EXERCISES.values())


@every_notebook
def test_prose_and_code_take_turns(path: Path) -> None:
    cells = read(path).cells
    assert len([cell for cell in cells if not cell.id.startswith("my_")]) <= 70, "exercises apart"
    assert cells[0].cell_type == "markdown"
    assert re.match(r"# .*\?$", cells[0].source.splitlines()[0]), "the question comes first"
    kinds = [cell.cell_type for cell in cells]
    for three in zip(kinds, kinds[1:], kinds[2:], strict=False):
        assert three != ("code", "code", "code"), "three cells of code without a word"


@every_notebook
def test_links_lead_somewhere_and_the_last_cell_to_the_neighbours(path: Path) -> None:
    prose = [cell.source for cell in read(path).cells if cell.cell_type == "markdown"]
    for target in (target for source in prose for target in LINK.findall(source)):
        assert re.match(r"https://", target) or (path.parent / target).is_file(), target
    last = read(path).cells[-1]
    assert last.cell_type == "markdown"
    neighbours = [other.name for one, other in [*pairwise(PATHS), *pairwise(PATHS[::-1])] if one == path]
    assert set(neighbours) <= set(LINK.findall(last.source))
    assert path == PATHS[0] or PATHS[0].name in LINK.findall(last.source), "the way back to the map"


def test_the_first_notebook_maps_the_series() -> None:
    last = read(PATHS[0]).cells[-1].source
    titles = {path.name: re.sub(r"^# (\d\d · )?", "", read(path).cells[0].source.splitlines()[0]) for path in PATHS}
    assert [name for name in dict.fromkeys(LINK.findall(last)) if name in titles] == [path.name for path in PATHS[1:]]
    assert all(f"| {title} |" in last for title in titles.values())
