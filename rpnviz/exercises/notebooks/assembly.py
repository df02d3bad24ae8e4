"""The learner's own functions, put together: each runs beside ours on the same input, and the difference is kept.

    mine = Assembly()                       # reads my_… out of the lesson notebooks in this folder
    iou = mine.my_box_iou(gt_boxes, anchors)
    mine.report()                           # a table: which functions ran, and whether the results are the same

Since both get the same input, a wrong result is told where it arises and not again at every later stage. Where a
function is missing, fails, or returns what the next stage cannot take, ours stands in and the table says so.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from html import escape
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from rpnviz.exercises.notebooks.differences import figure_of, row_in_words
from rpnviz.exercises.notebooks.judging import Stage, copy_result, judge
from rpnviz.exercises.notebooks.submission import Submission, read_notebook
from rpnviz.exercises.running import (
    explain_changes,
    explain_end,
    explain_exception,
    explain_silence,
    leave_nothing_running,
    load,
)
from rpnviz.exercises.sandbox import resting
from rpnviz.exercises.sandbox.process import EndedError, NoAnswerError, Worker
from rpnviz.exercises.sandbox.protocol import Seed
from rpnviz.exercises.source import find_gap, parse
from rpnviz.exercises.tasks import EXERCISES
from rpnviz.figures.palette import MARKS, PALETTE
from rpnviz.figures.primitives import Still

# What makes up the network of notebook 12, with one map. A pyramid, notebook 10, is another.
CHAIN = {name: exercise for name, exercise in EXERCISES.items() if exercise.notebook < "10"}
SECONDS, MEMORY = 60.0, 4096  # of a call; megabytes that it may add
COLOURS = {
    "yours": PALETTE["proposal"],
    "same": MARKS["right"],
    "differs": MARKS["fails"],
    "fails": MARKS["fails"],
    "missing": MARKS["nothing"],
}
WORDS = {
    "same": "the same as ours",
    "differs": "differs",
    "fails": "fails: ours stands in",
    "missing": "ours stands in",
}

Row = tuple[str, str, str, str]  # function, notebook it comes from, key of COLOURS, words


@dataclass(frozen=True)
class Table:
    """Which functions ran, and how they fared; a notebook shows it, `str` says it in text.

    Attributes:
        rows: one for each function.
        notes: what is said of the notebooks under them.
    """

    rows: list[Row]
    notes: tuple[str, ...] = ()

    def __str__(self) -> str:
        """One line for each function, then the notes."""
        lines = [f"{name:20} {file:32} {words}" for name, file, _, words in self.rows]
        return "\n".join([*lines, *self.notes])

    def _repr_mimebundle_(self, **_: object) -> dict[str, str]:
        cell, mark = '<td style="text-align: left">', '<td style="text-align: left; border-left: 4px solid'
        rows = "".join(
            f"<tr>{cell}<code>{name}</code></td>{cell}{escape(file)}</td>"
            f'{mark} {COLOURS[verdict]}">{escape(words)}</td></tr>'
            for name, file, verdict, words in self.rows
        )
        head = "".join(f'<th style="text-align: left">{name}</th>' for name in ("function", "from", "beside ours"))
        table = f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
        notes = "".join(f"<div>{escape(note)}</div>" for note in self.notes)
        return {"text/html": table + notes, "text/plain": str(self)}


class Assembly:
    """The learner's functions, by their names; see the head of this module.

    Args:
        folder: where the lesson notebooks lie, as they were saved last.
        seconds: that a call may take before it is stopped.

    Raises:
        ValueError: if there is no such folder.

    Attributes:
        found (dict[str, Submission]): the notebook that holds each function that is written.
        notes (list[str]): what is wrong with the folder, and with notebooks in it.
        stages (dict[str, Stage]): by name, in the order of the first calls; of several calls the first that differs.
    """

    def __init__(self, folder: str | Path = ".", seconds: float = SECONDS) -> None:
        """Read the notebooks; run nothing yet."""
        if not Path(folder).is_dir():
            raise ValueError(
                f"folder must be the one with your lesson notebooks; got {str(folder)!r}, which is not a folder"
            )
        self.found, self.notes = find_functions(Path(folder))
        self.stages: dict[str, Stage] = {}
        self._recent: list[str] = []
        self._worker = Worker(seconds, MEMORY)

    def __getattr__(self, name: str) -> Callable[..., Any]:
        """Give the function of an exercise; it takes and returns what the exercise says."""
        if name not in CHAIN:
            raise AttributeError(f"no exercise is called {name}; there are {', '.join(CHAIN)}")
        return partial(self._call, name)

    def _call(self, name: str, *arguments: Any) -> Any:
        wanted = CHAIN[name].reference(*arguments)
        before = self.stages.get(name)
        self._recent += [name] if name not in self._recent else []
        if before is not None and before.verdict == "fails":  # once is enough: it may have taken a minute
            return wanted
        with resting.using(self._worker):
            verdict, message, got = self._run(name, arguments, wanted)
        if before is None or before.verdict == "same":
            self.stages[name] = Stage(name, verdict, message, arguments, got, wanted)
        return copy_result(got if verdict in ("same", "differs") else wanted)  # the notebook may write into it

    def _run(self, name: str, arguments: tuple[Any, ...], wanted: Any) -> tuple[str, str, Any]:
        """Run the learner's function: verdict, what is wrong, what came out."""
        if name not in self.found:
            return "missing", "Not written yet.", None
        source, left_out = self.found[name].source(name), self.found[name].left_out(name)
        failed = load(CHAIN[name], self._worker, None, source)
        if failed is not None:
            verdict = "missing" if failed.verdict == "not written" else "fails"
            return verdict, _sentence(failed.message, failed.code, left_out), None
        try:
            (answer,) = self._worker.ask("call", [tuple(map(_sendable, arguments))])
            leave_nothing_running(self._worker)
        except NoAnswerError:
            return "fails", explain_silence(self._worker), None
        except EndedError as error:
            return "fails", explain_end(error.code), None
        if "raised" in answer:
            said = explain_exception(answer["raised"], self._worker, source)
            return "fails", _sentence(said["message"], said["code"], left_out), None
        if answer["value"] is Ellipsis:
            return "missing", "It returns ‘...’.", None
        changed = explain_changes(CHAIN[name], [answer])
        return judge(name, arguments, answer["value"], wanted, changed)

    @property
    def first_difference(self) -> Stage | None:
        """The first stage whose result differs or fails; None if there is none."""
        return next((stage for stage in self.stages.values() if stage.verdict in ("differs", "fails")), None)

    def draw_difference(self, image: Any, anchors: Tensor) -> Still:
        """Draw the first difference on the picture: a row in which the two results differ.

        Args:
            image (uint8 [H, W, 3]): the picture.
            anchors (Tensor[N, 4]): xyxy, px; of the labels.
        """
        return figure_of(self.first_difference, image, anchors, [self._whose(name) for name in self.stages])

    @property
    def by(self) -> str:
        """Where the results come from, for the explorer's words."""
        return "your functions" if self.found else "our functions"

    def report(self) -> Table:
        """The table of what was called since the last report."""
        recent, self._recent = self._recent, []
        return Table([self._row(self.stages[name]) for name in recent])

    def _whose(self, name: str) -> str:
        return self.found[name].path.name if name in self.found else ""

    def _row(self, stage: Stage) -> Row:
        words, file = WORDS[stage.verdict], self._whose(stage.name) or "–"
        if stage.verdict in ("differs", "fails"):
            words = f"{words}. {stage.message} {row_in_words(stage)}".strip()
        return stage.name, file, stage.verdict, words

    def _table(self) -> Table:
        """The table of all calls; before the first, of all exercises."""
        if self.stages:
            rows = [self._row(stage) for stage in self.stages.values()]
        else:
            state = [(name, self._whose(name)) for name in CHAIN]
            rows = [(n, f, "yours", "yours") if f else (n, "–", "missing", WORDS["missing"]) for n, f in state]
        return Table(rows, tuple(self.notes))

    def __str__(self) -> str:
        """The table as text."""
        return str(self._table())

    def _repr_mimebundle_(self, **_: object) -> dict[str, str]:
        return self._table()._repr_mimebundle_()


def find_functions(folder: Path) -> tuple[dict[str, Submission], list[str]]:
    """Look for exercise functions in the lesson notebooks of a folder.

    Returns:
        For each function that is written: the notebook, of several the last one. And what is wrong with the folder,
        with notebooks that cannot be read, and with cells that may hold what was not found.
    """
    numbers = sorted({exercise.notebook for exercise in CHAIN.values()})
    paths = [path for path in sorted(folder.glob("[0-9][0-9]_*.ipynb")) if path.name[:2] in numbers]
    if not paths:
        lessons = f"{numbers[0]}_….ipynb to {numbers[-1]}_….ipynb"
        return {}, [f"There is no lesson notebook, {lessons}, in {folder.resolve()}."]
    found, notes = {}, []
    for path in paths:
        try:
            submission = read_notebook(path)
        except ValueError as error:  # half saved, say
            notes.append(f"{error}.")
            continue
        if not all(submission.defines(one.name) for one in CHAIN.values() if one.notebook == path.name[:2]):
            notes += [f"{path.name}: {unread}" for unread in submission.unread]
        for name in CHAIN:
            if submission.defines(name) and not find_gap(parse(submission.source(name)), name):
                found[name] = submission
    return found, notes


def _sendable(argument: Any) -> Any:
    return Seed(argument.initial_seed()) if isinstance(argument, torch.Generator) else argument


def _sentence(message: str, code: str, left_out: str) -> str:
    return " ".join(filter(None, (message, code and f"In: {code}", left_out)))
