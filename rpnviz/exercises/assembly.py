"""The learner's own functions, put together: each runs beside ours on the same input, and the difference is kept.

    mine = Assembly()                       # reads my_… out of the lesson notebooks in this folder
    iou = mine.my_box_iou(gt_boxes, anchors)
    mine                                    # a table: whose function ran, and whether the results are the same

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

from rpnviz.draw import Still
from rpnviz.exercises.compare import difference, is_index_list
from rpnviz.exercises.differences import figure_of, row_in_words
from rpnviz.exercises.process import EndedError, NoAnswerError, Worker
from rpnviz.exercises.source import gap, parsed
from rpnviz.exercises.submission import Submission, read_notebook
from rpnviz.exercises.tasks import EXERCISES
from rpnviz.exercises.wire import Seed

SECONDS, MEMORY, LOADING = 60.0, 4096, 60.0  # of a call; megabytes that it may add; to load a function
SAMPLER, NMS = "my_sample_minibatch", "my_nms"
COLOURS = {"same": "#0a8f6c", "differs": "#c4451f", "fails": "#c4451f", "missing": "#7a7f8c"}
WORDS = {
    "same": "the same as ours",
    "differs": "differs",
    "fails": "fails: ours stands in",
    "missing": "ours stands in",
}


@dataclass(frozen=True)
class Stage:
    """One function of the learner's on one input.

    Attributes:
        name (str): of the function.
        verdict (str): "same", "differs", "fails" or "missing"; with the last two, ours stands in.
        message (str): what is wrong, one sentence; "" if it is the same.
        arguments, got, wanted: the input, what hers gave (None if nothing) and what ours gives.
    """

    name: str
    verdict: str
    message: str
    arguments: tuple[Any, ...]
    got: Any
    wanted: Any


class Assembly:
    """The learner's functions, by their names; see the head of this module.

    Args:
        folder: where the lesson notebooks lie, as they were saved last.
        seconds: that a call may take before it is stopped.

    Attributes:
        found (dict[str, Submission]): the notebook that holds each function she has written.
        stages (dict[str, Stage]): by name, in the order of the first calls; of several calls the first that differs.
    """

    def __init__(self, folder: str | Path = ".", seconds: float = SECONDS) -> None:
        """Read the notebooks; run nothing yet."""
        self.found = written_functions(Path(folder))
        self.stages: dict[str, Stage] = {}
        self._worker = Worker(seconds, MEMORY)

    def __getattr__(self, name: str) -> Callable[..., Any]:
        """Give the function of an exercise; it takes and returns what the exercise says."""
        if name not in EXERCISES:
            raise AttributeError(f"no exercise is called {name}; there are {', '.join(EXERCISES)}")
        return partial(self._call, name)

    def _call(self, name: str, *arguments: Any) -> Any:
        wanted = EXERCISES[name].reference(*arguments)
        verdict, message, got = self._hers(name, arguments, wanted)
        before = self.stages.get(name)
        if before is None or before.verdict == "same":
            self.stages[name] = Stage(name, verdict, message, arguments, got, wanted)
        return _copy(got if verdict in ("same", "differs") else wanted)  # the notebook may write into it

    def _hers(self, name: str, arguments: tuple[Any, ...], wanted: Any) -> tuple[str, str, Any]:
        """Run her function: verdict, what is wrong, what came out."""
        if name not in self.found:
            return "missing", "Not written yet.", None
        try:
            loaded = self._worker.ask(
                "define", name, None, self.found[name].source(name), len(arguments), seconds=LOADING
            )
            if "raised" in loaded or not loaded["takes"]:
                return "fails", _raised(loaded) or "It takes other arguments.", None
            (answer,) = self._worker.ask("call", [tuple(map(_sendable, arguments))])
        except NoAnswerError:
            return "fails", f"It was stopped after {self._worker.seconds:g} s.", None
        except EndedError:
            return "fails", "It ended the process in which it ran.", None
        if "raised" in answer:
            return "fails", _raised(answer), None
        got = _as_ours(answer["value"], wanted)
        exercise = EXERCISES[name]
        if name == SAMPLER:
            message = _wrong_sample(got, arguments[0], wanted)
        elif name == NMS and _usable(name, got, wanted, arguments) and len(got) != len(wanted):
            message = f"It keeps {len(got):,} of {len(arguments[0]):,} boxes; right is {len(wanted):,}."
        else:
            message = difference(got, wanted, exercise.returns, exercise.tolerance, exercise.indices)
        if not message:
            return "same", "", got
        return ("differs" if _usable(name, got, wanted, arguments) else "fails"), message, got

    @property
    def first_difference(self) -> Stage | None:
        """The first stage at which hers differs or fails; None if there is none."""
        return next((stage for stage in self.stages.values() if stage.verdict in ("differs", "fails")), None)

    def draw_difference(self, image: Any, anchors: Tensor) -> Still:
        """Draw the first difference on the picture: a row in which hers and ours differ.

        Args:
            image (uint8 [H, W, 3]): the picture.
            anchors (Tensor[N, 4]): xyxy, px; of the labels.
        """
        return figure_of(self.first_difference, image, anchors, [self._whose(name) for name in self.stages])

    def _whose(self, name: str) -> str:
        return self.found[name].path.name if name in self.found else ""

    def _rows(self) -> list[tuple[str, str, str, str]]:
        """(function, where from, verdict, words) of each stage; before the first, of each exercise."""
        if not self.stages:
            state = [(name, self._whose(name)) for name in EXERCISES]
            return [
                (n, file or "–", "" if file else "missing", "yours" if file else WORDS["missing"]) for n, file in state
            ]
        rows = []
        for stage in self.stages.values():
            detail = f"{stage.message} {row_in_words(stage)}".strip() if stage.verdict in ("differs", "fails") else ""
            words = f"{WORDS[stage.verdict]}. {detail}".strip() if detail else WORDS[stage.verdict]
            rows.append((stage.name, self._whose(stage.name) or "–", stage.verdict, words))
        return rows

    def __str__(self) -> str:
        """The table as text."""
        return "\n".join(f"{name:20} {file:32} {words}" for name, file, _, words in self._rows())

    def _repr_mimebundle_(self, **_: object) -> dict[str, str]:
        cell = '<td style="text-align: left; vertical-align: top">'
        mark = '<td style="text-align: left; border-left: 4px solid'
        rows = "".join(
            f"<tr>{cell}<code>{name}</code></td>{cell}{escape(file)}</td>"
            f'{mark} {COLOURS.get(verdict, "#4DA3FF")}">{escape(words)}</td></tr>'
            for name, file, verdict, words in self._rows()
        )
        head = "".join(f'<th style="text-align: left">{name}</th>' for name in ("function", "from", "beside ours"))
        table = f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
        return {"text/html": table, "text/plain": str(self)}


def written_functions(folder: Path) -> dict[str, Submission]:
    """For each exercise whose function is written in a notebook of a folder: that notebook; the last one counts."""
    found = {}
    for path in sorted(folder.glob("[0-9][0-9]_*.ipynb")):
        try:
            submission = read_notebook(path)
        except ValueError:  # half saved, say: its functions are missing, and the table says so
            continue
        for name in EXERCISES:
            if submission.defines(name) and not gap(parsed(submission.source(name)), name):
                found[name] = submission
    return found


def _sendable(argument: Any) -> Any:
    return Seed(argument.initial_seed()) if isinstance(argument, torch.Generator) else argument


def _copy(value: Any) -> Any:
    if isinstance(value, tuple):
        return tuple(map(_copy, value))
    return value.clone() if isinstance(value, Tensor) else value


def _raised(answer: dict[str, Any]) -> str:
    raised = answer.get("raised")
    return f"It raises {raised['type']}: {raised['text']}".strip(": ") if raised else ""


def _as_ours(got: Any, wanted: Any) -> Any:
    """A list of indices as a tensor, a list of results as a tuple: what the exercises accept, later stages take."""
    if isinstance(wanted, tuple) and isinstance(got, (list, tuple)) and len(got) == len(wanted):
        return tuple(_as_ours(*pair) for pair in zip(got, wanted, strict=True))
    if isinstance(wanted, Tensor) and not wanted.is_floating_point() and is_index_list(got):
        return torch.tensor([int(one) for one in got], dtype=torch.int64)
    if isinstance(wanted, Tensor) and wanted.ndim == 0 and isinstance(got, (int, float)):
        return torch.tensor(float(got))
    return got


def _wrong_sample(got: Any, labels: Tensor, wanted: tuple[Tensor, Tensor]) -> str:
    """What is wrong with a drawn minibatch, "" if nothing: which anchors are drawn is chance, how many is not."""
    if not isinstance(got, tuple) or len(got) != 2 or not all(_indices(one, len(labels)) for one in got):
        return "It should return two integer tensors of places in labels."
    for drawn, right, label in zip(got, wanted, (1, 0), strict=True):
        if len(drawn) != len(right):
            return f"It draws {len(drawn)} anchors of label {label}; right is {len(right)}."
        if len(drawn.unique()) < len(drawn) or (labels[drawn] != label).any():
            return f"Among those drawn for label {label}, one has another label or is drawn twice."
    return ""


def _indices(value: Any, count: int) -> bool:
    """Whether a value is a flat integer tensor of places in a list of `count`."""
    flat = isinstance(value, Tensor) and value.ndim == 1 and value.dtype in (torch.int64, torch.int32)
    return flat and bool(((value >= 0) & (value < count)).all())


def _usable(name: str, got: Any, wanted: Any, arguments: tuple[Any, ...]) -> bool:
    """Whether a wrong result can go on to the next stage."""
    if name == SAMPLER:
        return isinstance(got, tuple) and len(got) == 2 and all(_indices(one, len(arguments[0])) for one in got)
    if name == NMS:
        return _indices(got, len(arguments[0])) and len(got.unique()) == len(got) > 0
    if isinstance(wanted, tuple):
        return isinstance(got, tuple) and all(_usable("", *pair, ()) for pair in zip(got, wanted, strict=True))
    if not isinstance(wanted, Tensor):
        return isinstance(got, (int, float)) or (isinstance(got, Tensor) and got.numel() == 1)
    if not isinstance(got, Tensor) or got.shape != wanted.shape:
        return False
    return got.is_floating_point() == wanted.is_floating_point() and bool(torch.isfinite(got).all())
