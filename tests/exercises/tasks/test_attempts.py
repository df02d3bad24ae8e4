"""Functions as learners write them: what `check` says of each, and that none passes that is wrong.

They run in this process, by the worker's own `Session`: what is tested is the answer, not the process.
"""

from __future__ import annotations

import io
from typing import Any, cast

import pytest
import torch

from rpnviz.exercises import EXERCISES, Worker, search
from rpnviz.exercises.examination import Examination
from rpnviz.exercises.result import Result
from rpnviz.exercises.sandbox import protocol
from rpnviz.exercises.sandbox.worker import Session
from rpnviz.exercises.search import Trial
from tests.exercises.solutions import SOLUTIONS


class SameProcess:
    """Answers as a `Worker` does, without a process; times nothing."""

    seconds, memory, pid = 5.0, 1024, None

    def __init__(self) -> None:
        self.session = Session()

    def start(self) -> None: ...

    def stop(self) -> None: ...

    def ask(self, act: str, *arguments: Any, seconds: float | None = None) -> Any:
        if act == "time":
            return {"value": [1.0, 1.0]}
        if act == "spoiled":
            return False
        answer = self.session.define(*arguments) if act == "define" else self.session.call(*arguments)
        return protocol.read(io.BytesIO(protocol.encode(answer)))


OPS = "import math\nimport torch\nimport torch.nn.functional as F\nfrom torchvision.ops import box_iou, nms\n"


def answer(name: str, source: str, monkeypatch: pytest.MonkeyPatch) -> Result:
    monkeypatch.setattr(Examination, "_png", lambda self, case: b"")
    for limit in ("SECONDS", "SHRINK_SECONDS"):  # on a busy machine the case is to be as small as ever
        monkeypatch.setattr(search, limit, 120.0)
    return Examination(EXERCISES[name], cast(Worker, SameProcess()), OPS + source).examine(None)


def changed(name: str, *pairs: tuple[str, str]) -> str:
    """A solution with some of its text replaced."""
    source = SOLUTIONS[name]
    for old, new in pairs:
        assert old in source, old
        source = source.replace(old, new)
    return source


ONLY_WITHOUT_POSITIVE = """
def my_label_anchors(match_quality_matrix, fg_iou_thresh, bg_iou_thresh):
    iou, nearest = match_quality_matrix.max(dim=0)
    labels = torch.full((match_quality_matrix.shape[1],), -1)
    labels[iou < bg_iou_thresh] = 0
    labels[iou >= fg_iou_thresh] = 1
    for i, row in enumerate(match_quality_matrix):
        if not (nearest[labels == 1] == i).any():
            labels[row == row.max()] = 1
    return labels
"""
GUARDED = """
def my_label_anchors(match_quality_matrix, fg_iou_thresh, bg_iou_thresh):
    iou = match_quality_matrix.amax(dim=0)
    labels = torch.full((match_quality_matrix.shape[1],), -1)
    labels[iou < bg_iou_thresh] = 0
    labels[iou >= fg_iou_thresh] = 1
    best = match_quality_matrix.amax(dim=1, keepdim=True)
    labels[((match_quality_matrix == best) & (best > 0)).any(dim=0)] = 1
    return labels
"""
LOSSES = """
def my_rpn_losses(objectness, pred_bbox_deltas, labels, regression_targets, sampled_pos_inds, sampled_neg_inds):
    sampled = torch.cat([sampled_pos_inds, sampled_neg_inds])
    bce = F.binary_cross_entropy_with_logits(objectness[sampled], labels[sampled].float())
    d = (pred_bbox_deltas - regression_targets)[sampled_pos_inds].abs()
    return bce, {box}
"""
SAMPLE = """
def my_sample_minibatch(labels, batch_size_per_image, positive_fraction, generator):
    pos, neg = (labels == 1).nonzero(){end}, (labels == 0).nonzero(){end}
    num_pos = min(len(pos), int(batch_size_per_image * positive_fraction))
    num_neg = min(len(neg), batch_size_per_image - num_pos)
    return {returned}
"""
SHUFFLED = (
    "pos[torch.randperm(len(pos), generator=generator)[:num_pos]], "
    "neg[torch.randperm(len(neg), generator=generator)[:num_neg]]"
)
SEEDED = SHUFFLED.replace(
    "pos[torch.randperm(len(pos), generator=generator)",
    "pos[torch.randperm(len(pos), generator=torch.manual_seed(generator.initial_seed()))",
)
REPLACED = (
    "pos[torch.randint(max(len(pos), 1), (num_pos,), generator=generator)], "
    "neg[torch.randint(max(len(neg), 1), (num_neg,), generator=generator)]"
)
PAIRWISE = """
def my_box_iou(boxes1, boxes2):
    low, high = torch.maximum(boxes1[:, :2], boxes2[:, :2]), torch.minimum(boxes1[:, 2:], boxes2[:, 2:])
    shared = (high - low).clamp(min=0).prod(dim=1)
    area1, area2 = ((boxes[:, 2:] - boxes[:, :2]).prod(dim=1) for boxes in (boxes1, boxes2))
    return shared / (area1 + area2 - shared)
"""
NMS = """
def my_nms(boxes, scores, nms_thresh):
    {first}
    kept = []
    while len(scores) and scores.max() > {lowest}:
        best = int(scores.argmax())
        kept.append(best)
        scores = torch.where(box_iou(boxes[[best]], boxes)[0] > nms_thresh, {lowest}, scores)
    return kept
"""
INF = "float('-inf')"
IOU_UNION = "(area(a) + area(b) - width * height)"
HALF_SIDES = "[-width / 2, -height / 2, width / 2, height / 2]"
ROUNDED = "[round(-width / 2), round(-height / 2), round(width / 2), round(height / 2)]"
CLAMP = ("exp(min(dw, largest))", "exp(dw)"), ("exp(min(dh, largest))", "exp(dh)")
FOUR = "[min(value, largest) for value in (dx, dy, dw, dh)]"

ATTEMPTS: dict[str, tuple[str, str, str, str]] = {  # what it is: exercise, source, what is said, the usual mistake
    # passed once, though wrong
    "no layer sees nothing": (
        "my_receptive_field",
        changed("my_receptive_field", ("    side, jump", "    if not steps:\n        return 0\n    side, jump")),
        "The side should be 1; your function returns 0.",
        "empty_list",
    ),
    "best only without a positive": (
        "my_label_anchors",
        ONLY_WITHOUT_POSITIVE,
        "1 of the 2 numbers of the labels is wrong.",
        "only_without_positive",
    ),
    "encode with the limit of decode": (
        "my_encode",
        changed("my_encode", ("math.log(gw / aw)", "min(math.log(gw / aw), math.log(1000 / 16))")),
        "numbers of the deltas is wrong.",
        "",
    ),
    "all four deltas clamped": (
        "my_decode",
        changed("my_decode", *CLAMP, ("        aw, ah", f"        dx, dy, dw, dh = {FOUR}\n        aw, ah")),
        "numbers of the boxes are wrong.",
        "all_four_clamped",
    ),
    "shift clamped below": (
        "my_decode",
        changed("my_decode", ("+ dx * aw", "+ max(dx, -largest) * aw")),
        "numbers of the boxes are wrong.",
        "",
    ),
    "no positive, no loss": (
        "my_rpn_losses",
        changed(
            "my_rpn_losses", ("    cross_entropy = 0.0", "    if not pos: return 0.0, 0.0\n    cross_entropy = 0.0")
        ),
        "loss_objectness should be 0.69315; your function returns 0.",
        "",
    ),
    "mean over the positives": (
        "my_rpn_losses",
        LOSSES.format(box="torch.where(d < 1 / 9, 4.5 * d**2, d - 1 / 18).mean() * 4 * len(d) / len(sampled)"),
        "loss_rpn_box_reg is NaN (0 divided by 0?).",
        "",
    ),
    "no box": ("my_nms", NMS.format(first="boxes[0]", lowest=INF), "It raises IndexError", ""),
    "scores above 0": ("my_nms", NMS.format(first="pass", lowest="0.0"), "The kept rows should be [", ""),
    "above the map": (
        "my_roi_align_bin",
        changed(
            "my_roi_align_bin",
            ("-1 <= y <= len(channel) and -1 <= x <= len(channel[0])", "y <= len(channel) and x <= len(channel[0])"),
        ),
        "The result should be 0.5; your function returns 1.",
        "beyond_the_map",
    ),
    "nearly the best is positive": (
        "my_label_anchors",
        GUARDED.replace("match_quality_matrix == best", "match_quality_matrix >= best - 0.1"),
        "of the labels",
        "",
    ),
    "cut off at a picture's edge": (
        "my_decode",
        changed("my_decode", ("return torch.tensor(boxes)", "return torch.tensor(boxes).clamp(max=1000)")),
        "of the boxes",
        "",
    ),
    "everybody's chance": (
        "my_sample_minibatch",
        SAMPLE.format(end=".flatten()", returned=SEEDED),
        "it changes the random state that all of PyTorch shares.",
        "",
    ),
    # the wrong diagnosis, or none
    "right boxes as ints": (
        "my_cell_anchors",
        changed("my_cell_anchors", (HALF_SIDES, ROUNDED), (".round()", "")),
        "The numbers are right, but the anchors have the wrong dtype: int64 instead of float32. Add .float().",
        "",
    ),
    "right boxes in a list": (
        "my_cell_anchors",
        changed("my_cell_anchors", (HALF_SIDES, ROUNDED), ("torch.tensor(boxes).round()", "boxes")),
        "It should return a Tensor; it returns a list of 1. torch.tensor(…) or torch.stack(…) makes one.",
        "",
    ),
    "rounded by int": (
        "my_cell_anchors",
        changed("my_cell_anchors", (HALF_SIDES, ROUNDED.replace("round", "int"))),
        "The anchors have the wrong dtype: int64 instead of float32.",
        "cut_off",
    ),
    "at the origin's corner": (
        "my_cell_anchors",
        changed("my_cell_anchors", (HALF_SIDES, "[0, 0, width, height]")),
        "All 4 numbers of the anchors are wrong.",
        "corner_at_origin",
    ),
    "squared": (
        "my_rpn_losses",
        LOSSES.format(box="(d**2).sum() / len(sampled)"),
        "loss_rpn_box_reg should be 0.0069444; your function returns 0.0015432.",
        "squared_difference",
    ),
    "huber": (
        "my_rpn_losses",
        LOSSES.format(box="torch.where(d < 1 / 9, d**2 / 2, (d - 1 / 18) / 9).sum() / len(sampled)"),
        "loss_rpn_box_reg should be 0.0069444",
        "huber",
    ),
    "10 / 2400": (
        "my_rpn_losses",
        LOSSES.format(box="10 / 2400 * torch.where(d < 1 / 9, 4.5 * d**2, d - 1 / 18).sum()"),
        "loss_rpn_box_reg should be 0.0069444",
        "ten_over_2400",
    ),
    "pair by pair": ("my_box_iou", PAIRWISE, "The IoU has the wrong shape: [1] instead of [1, 1].", "pair_by_pair"),
    "dice": (
        "my_box_iou",
        changed("my_box_iou", (f"width * height / {IOU_UNION}", "2 * width * height / (area(a) + area(b))")),
        "The IoU should be",
        "dice",
    ),
    "box round both": (
        "my_box_iou",
        changed(
            "my_box_iou",
            (IOU_UNION, "((max(a[2], b[2]) - min(a[0], b[0])) * (max(a[3], b[3]) - min(a[1], b[1])))"),
        ),
        "The IoU should be",
        "box_around_both",
    ),
    "abs for clamp": (
        "my_box_iou",
        changed("my_box_iou", ("max(0, ", "abs(")),
        "The IoU should be 0",
        "abs_for_clamp",
    ),
    "ReLU left in": (
        "my_sliding_window",
        changed("my_sliding_window", ("return out", "return out.relu()")),
        "of the map",
        "relu_left_in",
    ),
    "sign of the shift": (
        "my_encode",
        changed(
            "my_encode", ("return torch.tensor(deltas)", "return torch.tensor(deltas) * torch.tensor([-1, -1, 1, 1])")
        ),
        "1 of the 4 numbers of the deltas is wrong.",
        "shift_turned",
    ),
    "percent": (
        "my_recall",
        changed("my_recall", ("found / len(iou)", "100 * found / len(iou)")),
        "The recall should be 0.33333; your function returns 33.333.",
        "percent",
    ),
    "column of places": (
        "my_sample_minibatch",
        SAMPLE.format(end="", returned=SHUFFLED),
        "nonzero() makes a column: add .flatten().",
        "",
    ),
    "mask": (
        "my_sample_minibatch",
        SAMPLE.format(end=".flatten()", returned="labels == 1, labels == 0"),
        "pos_inds is a mask of True and False. Return the places where it is True: mask.nonzero().flatten().",
        "",
    ),
    "mask of kept rows": (
        "my_nms",
        "def my_nms(boxes, scores, nms_thresh):\n    return scores > nms_thresh",
        "The kept rows are a mask of True and False.",
        "",
    ),
    "rim alone is no rounded box": (
        "my_roi_align_bin",
        changed(
            "my_roi_align_bin",
            (
                "-1 <= y <= len(channel) and -1 <= x <= len(channel[0])",
                "-1 < y < len(channel) and -1 < x < len(channel[0])",
            ),
        ),
        "The result should be",
        "",
    ),
}


@pytest.mark.parametrize("what", ATTEMPTS)
def test_what_is_said_of_an_attempt(what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    name, source, says, mistake = ATTEMPTS[what]
    result = answer(name, source, monkeypatch)
    assert (result.verdict, result.mistake) == ("error" if "raises" in says else "not yet", mistake), str(result)
    assert says in result.message


def test_mistake_is_named_where_it_gives_what_came_out_nearly_everywhere() -> None:
    """On three of four inputs that fail, and on half of all; and where it is wrong on the smallest."""
    examination = Examination(EXERCISES["my_recall"], cast(Worker, SameProcess()))
    found, missed = (torch.tensor([[0.75]]), 1), (torch.tensor([[0.25]]), 1)
    percent = Trial(found, [100.0], "The recall should be 1.")
    other = Trial(found, [7.0], "The recall should be 1.")
    right, zero = Trial(found, [1.0], ""), Trial(missed, [0.0], "")
    named = {
        "three of four": examination._recognised(percent, [percent] * 3 + [other] + [zero] * 9),
        "two of three": examination._recognised(percent, [percent] * 2 + [other] + [zero] * 9),
        "half of all": examination._recognised(percent, [percent] + [right] * 2),
        "less": examination._recognised(percent, [percent] + [right] * 5),
        "right there": examination._recognised(Trial(missed, [0.0], "The recall is text."), [percent] * 4),
    }
    assert {what: mistake and mistake.key for what, mistake in named.items()} == {
        "three of four": "percent",
        "two of three": None,
        "half of all": "percent",
        "less": None,
        "right there": None,
    }


def test_object_without_overlap_may_be_guarded_against(monkeypatch: pytest.MonkeyPatch) -> None:
    assert answer("my_label_anchors", GUARDED, monkeypatch).verdict == "pass"
    assert answer("my_label_anchors", SOLUTIONS["my_label_anchors"], monkeypatch).verdict == "pass"


def test_draw_that_is_shown_is_the_one_that_is_spoken_of(monkeypatch: pytest.MonkeyPatch) -> None:
    result = answer("my_sample_minibatch", SAMPLE.format(end=".flatten()", returned=REPLACED), monkeypatch)
    assert result.mistake == "drawn_twice" and result.case is not None
    drawn = result.case.got[1].tolist()
    assert result.message == f"neg_inds holds anchor {drawn[0]} more than once."
    assert len(set(drawn)) < len(drawn)


@pytest.mark.parametrize("name", ["my_receptive_field", "my_sliding_window"])
def test_smallest_case_is_a_usual_one(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = {
        "my_receptive_field": ("return side", "return side + len(steps)"),
        "my_sliding_window": ("return out", "return out + 1"),
    }
    case = answer(name, changed(name, wrong[name]), monkeypatch).case
    assert case is not None
    if name == "my_receptive_field":
        assert case.arguments["steps"] == [(3, 1)]
    else:
        assert all(bool((tensor == 1).all()) for tensor in case.arguments.values())


def test_input_without_a_box_is_drawn() -> None:
    name, source, says, _ = ATTEMPTS["no box"]
    result = Examination(EXERCISES[name], cast(Worker, SameProcess()), OPS + source).examine(None)
    assert says in result.message and result.png
    assert result.case is not None and result.case.arguments["boxes"].shape == (0, 4)
