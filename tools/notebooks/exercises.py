"""Make the exercise cells of the lessons from the solution notebooks, so that a stub cannot drift from its solution.

    python -m tools.notebooks.exercises            write them
    python -m tools.notebooks.exercises --check    write nothing; say which lessons are not as they should be

notebooks/solutions/NN_solutions.ipynb holds for each exercise `my_x` three cells, told by their ids: `my_x-task` (the
task in words), `my_x` (the function; its solution stands between two markers) and `my_x-check`. The lesson NN gets
the same three, the function with `...` in place of the solution, and a fourth, `my_x-solution`: the solution behind a
click. They stand where the lesson has a cell of one of these ids. Outputs of cells that do not change are kept.

Exit status: 0 when the lessons are as they should be (now), 1 when --check found one that is not, 2 when one cannot be
made.
"""

from __future__ import annotations

import argparse
import ast
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbformat import NotebookNode, v4

from tools.notebooks.run import NOTEBOOKS

SOLUTIONS = NOTEBOOKS / "solutions"
TAG = "exercise"
MARKED = re.compile(r"^ *# BEGIN SOLUTION\n(.*?)^ *# END SOLUTION(?:\n|\Z)", re.DOTALL | re.MULTILINE)
BEHIND_A_CLICK = "<details><summary>Solution</summary>\n\n```python\n{source}\n```\n\n</details>"


@dataclass(frozen=True)
class Exercise:
    """One exercise of a solution notebook: its name, and the sources of its cells."""

    name: str
    task: str
    source: str
    check: str

    @property
    def stub(self) -> str:
        """The function as the learner finds it: signature, docstring, and `...`."""
        return MARKED.sub("    ...\n", self.source).rstrip()

    @property
    def solution(self) -> str:
        """The whole function, without its markers and docstring."""
        source = MARKED.sub(r"\1", self.source).rstrip()
        lines, body = source.splitlines(), _function(source).body
        docstring = body[0]
        return "\n".join(lines[: docstring.lineno - 1] + lines[docstring.end_lineno :])

    def cells(self, old: dict[str, NotebookNode]) -> list[NotebookNode]:
        """The cells of the lesson; a code cell whose source stays keeps its output and all else."""
        made = [
            _new("markdown", f"{self.name}-task", self.task),
            _new("code", self.name, self.stub, TAG),
            _new("code", f"{self.name}-check", self.check),
            _new("markdown", f"{self.name}-solution", BEHIND_A_CLICK.format(source=self.solution)),
        ]
        before = [old.get(cell.id) for cell in made]
        return [
            was if was and (was.source, was.cell_type) == (now.source, now.cell_type) else now
            for was, now in zip(before, made, strict=True)
        ]


def exercises_of(notebook: NotebookNode) -> Iterator[Exercise]:
    """Read the exercises of a solution notebook, in their order.

    Raises:
        ValueError: if a cell is missing, a function has no docstring or not just one marked solution.
    """
    sources = {cell.id: cell.source for cell in notebook.cells}
    for cell in notebook.cells:
        if TAG not in cell.metadata.get("tags", []):
            continue
        missing = [name for name in (f"{cell.id}-task", f"{cell.id}-check") if name not in sources]
        if missing:
            raise ValueError(f"{cell.id}: has no cell {' and no cell '.join(missing)}")
        if len(MARKED.findall(cell.source)) != 1 or "SOLUTION" in MARKED.sub("", cell.source):
            raise ValueError(f"{cell.id}: needs one # BEGIN SOLUTION and one # END SOLUTION, each on its line")
        function = _function(cell.source)
        if function.name != cell.id or ast.get_docstring(function) is None:
            raise ValueError(f"{cell.id}: the cell must define {cell.id}, with a docstring")
        yield Exercise(cell.id, sources[f"{cell.id}-task"], cell.source, sources[f"{cell.id}-check"])


def with_exercises(lesson: NotebookNode, solutions: NotebookNode) -> NotebookNode:
    """Put the exercise cells into the lesson, in place of those it has.

    Raises:
        ValueError: as `exercises_of`; if the lesson has no place for an exercise.
    """
    for exercise in exercises_of(solutions):
        ids = [f"{exercise.name}{part}" for part in ("-task", "", "-check", "-solution")]
        old = {cell.id: cell for cell in lesson.cells if cell.id in ids}
        if not old:
            raise ValueError(f"no place for {exercise.name}: put a cell with the id {exercise.name} where it belongs")
        place = next(i for i, cell in enumerate(lesson.cells) if cell.id in ids)
        lesson.cells = [cell for cell in lesson.cells if cell.id not in ids]
        lesson.cells[place:place] = exercise.cells(old)
    return lesson


def lesson_of(solutions: Path) -> Path:
    """The lesson that a solution notebook belongs to: the one with its number."""
    (lesson,) = solutions.parent.parent.glob(f"{solutions.name[:2]}_*.ipynb")
    return lesson


def written(folder: Path) -> dict[Path, str]:
    """Return each lesson of the solution notebooks in a folder, as it should be.

    Raises:
        ValueError: as `with_exercises`; names the notebook.
    """
    files = {}
    for path in sorted(folder.glob("[0-9][0-9]_*.ipynb")):
        lesson = lesson_of(path)
        solutions, notebook = (nbformat.read(p, as_version=4) for p in (path, lesson))
        try:
            text = nbformat.writes(with_exercises(notebook, solutions))
        except ValueError as error:
            raise ValueError(f"{path.name} into {lesson.name}: {error}") from error
        files[lesson] = text + "\n"
    return files


def _function(source: str) -> ast.FunctionDef:
    functions = [node for node in ast.parse(source).body if isinstance(node, ast.FunctionDef)]
    if len(functions) != 1:
        raise ValueError(
            f"an exercise cell must define one function; this one defines {len(functions)}: {source[:60]!r}"
        )
    return functions[0]


def _new(kind: str, name: str, source: str, *tags: str) -> NotebookNode:
    make = v4.new_code_cell if kind == "code" else v4.new_markdown_cell
    metadata = {"tags": list(tags)} if tags else {}
    cell: NotebookNode = make(source, id=name, metadata=metadata)  # type: ignore[no-untyped-call]
    return cell


def main(arguments: list[str] | None = None, folder: Path = SOLUTIONS) -> int:
    """Run the command line; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing")
    options = parser.parse_args(arguments)
    try:
        stale = {path: text for path, text in written(folder).items() if path.read_text("utf-8") != text}
    except ValueError as error:
        parser.error(str(error))
    for path, text in stale.items():
        print(f"{path.name}: {'not as its solutions say' if options.check else 'written'}")
        if not options.check:
            path.write_text(text, encoding="utf-8")
    return int(options.check and bool(stale))


if __name__ == "__main__":
    sys.exit(main())
