"""One function, one answer: the same notebooks through `check` in IPython, through `grade` and through `Assembly`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from rpnviz.exercises import EXERCISES, Assembly, Worker
from rpnviz.exercises.notebooks.grading import grade
from tests.exercises.notebooks.test_submission import notebook

ROOT = Path(__file__).parents[2]
RECALL = """def my_recall(iou, top_n):
    best = iou[:, :top_n].max(dim=1).values
    return (best >= 0.5).float().mean().item()"""
IOU = "def my_box_iou(boxes1, boxes2):\n    return box_iou(boxes1, boxes2)"
NMS = "def my_nms(boxes, scores, nms_thresh):\n    return nms(boxes, scores, nms_thresh)"
SAMPLER = """def my_sample_minibatch(labels, batch_size_per_image, positive_fraction, generator):
    pos, neg = (labels == 1).nonzero().flatten(), (labels == 0).nonzero().flatten()
    num_pos = min(len(pos), int(batch_size_per_image * positive_fraction))
    num_neg = min(len(neg), batch_size_per_image - num_pos)
    pos, neg = (i[torch.randperm(len(i), generator=generator)[:n]] for i, n in ((pos, num_pos), (neg, num_neg)))
    return pos, neg"""
OPS = "import torch\nfrom torchvision.ops import box_iou, nms"

BOXES = torch.tensor([[0.0, 0, 10, 10], [0, 0, 10, 5], [50, 50, 60, 60]])
INPUTS: dict[str, tuple[Any, ...]] = {
    "my_recall": (torch.tensor([[0.6, 0.1], [0.2, 0.7]]), 1),
    "my_box_iou": (BOXES, BOXES),
    "my_nms": (BOXES, torch.tensor([0.9, 0.8, 0.7]), 0.4),
    "my_sample_minibatch": (torch.tensor([0, 0, 0, 1, -1]), 3, 0.5, torch.Generator().manual_seed(0)),
}

Cells = tuple[str, ...]
# What it is: the cells, and the verdict of `check`. The function is the one that the last cell defines.
SUBMISSIONS: dict[str, tuple[Cells, str]] = {
    "plain": ((RECALL,), "pass"),
    "import that may fail": (
        ("try:\n    import torch\nexcept ImportError:\n    pass", RECALL.replace("iou[", "torch.clone(iou)[")),
        "pass",
    ),
    "device": (
        (
            "import torch",
            'device = torch.device("cuda" if torch.cuda.is_available() else "cpu")',
            RECALL.replace("iou[", "iou.to(device)["),
        ),
        "pass",
    ),
    "object of a class": (
        ("class Box:\n    half = 0.5", "bx = Box()", RECALL.replace("0.5", "bx.half")),
        "pass",
    ),
    "filled step by step": (
        ("halves = []", "for i in range(3):\n    halves.append(i / 2)", RECALL.replace("0.5", "halves[1]")),
        "pass",
    ),
    "display": ((RECALL.replace("    return", "    display(best)\n    return"),), "pass"),
    "get_ipython": (
        (RECALL.replace("    return", "    if get_ipython():\n        get_ipython().ask_exit()\n    return"),),
        "pass",
    ),
    "open": ((RECALL.replace("    return", "    open('note.txt', 'w').close()\n    return"),), "pass"),
    "cached helper": (
        (
            "from functools import lru_cache",
            "@lru_cache(maxsize=None)\ndef half(n):\n    return half(n - 1) if n else 0.5",
            RECALL.replace("0.5", "half(3)"),
        ),
        "pass",
    ),
    "magic": (("%%time\n" + RECALL,), "pass"),
    "annotations of the future": (
        ("from math import floor\nfrom __future__ import annotations", RECALL.replace("top_n)", "top_n: Nowhere)")),
        "pass",
    ),
    "bound again below": (("half = 0.5", RECALL.replace("0.5", "half"), "CHECK", "half = 0.9\nx = half"), "pass"),
    "double": ((OPS, IOU + ".double()"), "pass"),
    "floats for indices": ((OPS, NMS + ".float()"), "pass"),
    "small integers": ((OPS, SAMPLER.replace("return pos, neg", "return [pos.to(torch.uint8), neg.tolist()]")), "pass"),
    "in place": (
        (OPS, IOU.replace("return", "iou = box_iou(boxes1, boxes2)\n    boxes1 += 1\n    return iou #")),
        "not yet",
    ),
    "array": ((OPS, IOU + ".numpy()"), "not yet"),
    "one wrong row": ((OPS, NMS + "[1:]"), "not yet"),
    "anchors drawn twice": ((OPS, SAMPLER.replace("return pos, neg", "return pos, neg[[0] * len(neg)]")), "not yet"),
    "no helper": ((OPS, IOU.replace("return box_iou", "return helper")), "error"),
    "line that fails": (("half = 0.5", "half = helper.half", RECALL.replace("0.5", "half")), "error"),
    "exit": ((RECALL.replace("    return", "    exit()\n    return"),), "error"),
    "what cannot travel": (
        ("from threading import Lock", "lock = Lock()", RECALL.replace("    return", "    lock\n    return")),
        "error",
    ),
    "other parameters": ((RECALL.replace("(iou, top_n)", "(iou)"),), "error"),
    "endless": ((RECALL.replace("    return", "    while True:\n        pass\n    return"),), "error"),
    "stub": ((RECALL.replace("best = iou", "best = ..."),), "not written"),
}
UNTIL_IT_FAILS = "half = helper.half"  # this cell raises in the notebook too, which then goes on without it

IN_IPYTHON = """
import json, sys
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

shell = InteractiveShell.instance(config=Config({"HistoryManager": {"enabled": False}}))
answers = []
for cells in json.load(sys.stdin):
    shell.reset()
    done = [shell.run_cell(cell, silent=True).success for cell in cells]
    answer = shell.user_ns["answer"]
    answers.append([done, answer.verdict, answer.message, answer.code, answer.printed()])
json.dump(answers, open(sys.argv[1], "w"))
"""


def name_of(cells: Cells) -> str:
    return next(name for name in INPUTS if any(f"def {name}(" in cell for cell in cells))


def as_typed(cells: Cells) -> list[str]:
    """The cells with the check as the lessons have it, at the end if they do not say where."""
    check = f"from rpnviz.exercises import check\nanswer = check({name_of(cells)})"
    return [check if cell == "CHECK" else cell for cell in (cells if "CHECK" in cells else (*cells, "CHECK"))]


@pytest.fixture(scope="module")
def checked(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Any]]:
    """What `check` says of each submission in one IPython: which cells ran, verdict, message, line, printed."""
    answers = tmp_path_factory.mktemp("ipython") / "answers.json"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])}
    typed = json.dumps([as_typed(cells) for cells, _ in SUBMISSIONS.values()])
    subprocess.run(
        [sys.executable, "-c", IN_IPYTHON, str(answers)],
        input=typed,
        text=True,
        env=environment,
        check=True,
        cwd=answers.parent,
    )
    return dict(zip(SUBMISSIONS, json.loads(answers.read_text("utf-8")), strict=True))


@pytest.fixture(scope="module")
def worker() -> Iterator[Worker]:
    """One process for the functions of all assemblies, as one assembly has one for all its functions."""
    one = Worker(seconds=3, memory=4096)
    yield one
    one.stop()


STAGE = {"pass": ("same",), "not yet": ("differs", "fails"), "error": ("fails",), "not written": ("missing",)}


@pytest.mark.parametrize("what", SUBMISSIONS)
def test_check_grade_and_assembly_agree(
    what: str, checked: dict[str, list[Any]], worker: Worker, tmp_path: Path
) -> None:
    cells, verdict = SUBMISSIONS[what]
    name = name_of(cells)
    ran, checks, message, code, _ = checked[what]
    assert ran == [cell != UNTIL_IT_FAILS for cell in as_typed(cells)]
    path = notebook(tmp_path / f"{EXERCISES[name].notebook}_mine.ipynb", *as_typed(cells))
    ((row,),) = grade([path])
    mine = Assembly(tmp_path)
    mine._worker = worker
    getattr(mine, name)(*INPUTS[name])
    stage = mine.stages[name]
    if what == "line that fails":  # the notebook went on with the value it had; its text says otherwise, and where
        assert (checks, row.verdict, stage.verdict) == ("pass", "error", "fails")
        assert all("helper" in said and "In: half = helper.half" in said for said in (row.message, stage.message))
        return
    assert (checks, row.verdict) == (verdict, verdict), (message, row.message)
    assert stage.verdict in STAGE[verdict], stage.message
    if verdict == "error":
        assert row.message == " ".join(filter(None, [message, code and f"In: {code}"]))
        assert stage.message.replace("within 3 s", "within 5 s") == row.message


def test_display_prints(checked: dict[str, list[Any]]) -> None:
    assert checked["display"][4].startswith("It printed one line:\ntensor([")


def test_right_results_go_on_in_the_type_of_ours(tmp_path: Path) -> None:
    """Float64 would be refused by the next function, floats as indices as well."""
    for what in ("double", "floats for indices", "small integers"):
        cells, _ = SUBMISSIONS[what]
        name = name_of(cells)
        notebook(tmp_path / f"{EXERCISES[name].notebook}_{what.split()[0]}.ipynb", *cells)
    mine = Assembly(tmp_path)
    assert mine.my_box_iou(BOXES, BOXES).dtype == torch.float32
    kept = mine.my_nms(BOXES, torch.tensor([0.9, 0.8, 0.7]), 0.4)
    assert kept.dtype == torch.int64 and kept.tolist() == [0, 2]
    drawn = mine.my_sample_minibatch(*INPUTS["my_sample_minibatch"])
    assert [part.dtype for part in drawn] == [torch.int64, torch.int64]
    assert [stage.verdict for stage in mine.stages.values()] == ["same"] * 3
