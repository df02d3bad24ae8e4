"""NMS step by step: six boxes by hand, the chain, ties, the threshold itself, and torchvision.ops.nms as oracle."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torchvision.ops
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from rpnviz.boxes import box_iou
from rpnviz.inspect.nms_steps import kept_rows, nms_steps, ranking, states_after

# The six boxes of notebook 08: 100 × 100 px each. Shifted by s they have IoU (100 − s) / (100 + s).
SIX = {
    "A": ([60.0, 80, 160, 180], 0.95),
    "B": ([70.0, 80, 170, 180], 0.90),  # with A 90/110 = 0.82
    "C": ([240.0, 60, 340, 160], 0.85),
    "D": ([60.0, 95, 160, 195], 0.75),  # with A 85/115 = 0.74
    "E": ([240.0, 85, 340, 185], 0.60),  # with C 75/125 = 0.6 exactly
    "F": ([90.0, 80, 190, 180], 0.40),  # with A 70/130 = 0.54, with B 80/120 = 0.67
}
CHAIN = torch.tensor([[0.0, 0, 100, 100], [20, 0, 120, 100], [40, 0, 140, 100]])  # neighbours 80/120, ends 60/140


def six() -> tuple[Tensor, Tensor]:
    return torch.tensor([box for box, _ in SIX.values()]), torch.tensor([score for _, score in SIX.values()])


def names(rows: Tensor) -> str:
    return "".join("ABCDEF"[row] for row in rows.tolist())


@pytest.mark.parametrize(
    ("nms_thresh", "kept", "by"),
    [
        (0.9, "ABCDEF", {}),
        (0.7, "ACEF", {"B": "A", "D": "A"}),
        (0.6, "ACEF", {"B": "A", "D": "A"}),  # E's IoU with C is 0.6: at the threshold both stay
        (0.59, "ACF", {"B": "A", "D": "A", "E": "C"}),
        (0.5, "AC", {"B": "A", "D": "A", "E": "C", "F": "A"}),  # F by A, not by B, which is gone
    ],
)
def test_six_boxes_by_hand(nms_thresh: float, kept: str, by: dict[str, str]) -> None:
    steps = nms_steps(*six(), nms_thresh)
    assert [step.row for step in steps] == [0, 1, 2, 3, 4, 5]
    assert names(kept_rows(steps)) == kept
    assert {"ABCDEF"[s.row]: "ABCDEF"[s.suppressed_by] for s in steps if not s.kept} == by


def test_a_step_says_whom_it_suppresses_and_at_what_iou() -> None:
    steps = nms_steps(*six(), 0.7)
    first, second = steps[0], steps[1]
    assert first.kept and first.iou == 0
    assert names(first.suppresses) == "BD" and first.ious.tolist() == pytest.approx([90 / 110, 85 / 115])
    assert not second.kept and second.suppressed_by == 0 and second.iou == pytest.approx(90 / 110)
    assert len(second.suppresses) == len(second.ious) == 0


@pytest.mark.parametrize(
    ("turns", "states"),
    [
        (0, "waiting waiting waiting waiting waiting waiting"),
        (1, "current falls waiting falls waiting waiting"),  # A's turn
        (2, "kept current waiting suppressed waiting waiting"),  # B's, that A suppressed
        (3, "kept suppressed current suppressed waiting waiting"),
        (6, "kept suppressed kept suppressed kept current"),
    ],
)
def test_how_all_stand_after_so_many_turns(turns: int, states: str) -> None:
    assert states_after(nms_steps(*six(), 0.7), turns) == states.split()


@pytest.mark.parametrize("turns", [-1, 7, 1.5])
def test_there_are_as_many_turns_as_boxes(turns: Any) -> None:
    with pytest.raises(ValueError, match=f"turns must be a whole number from 0 to 6; got {turns}"):
        states_after(nms_steps(*six(), 0.7), turns)


def test_chain_a_suppressed_box_suppresses_nobody() -> None:
    steps = nms_steps(CHAIN, torch.tensor([0.9, 0.8, 0.7]), 0.5)
    assert kept_rows(steps).tolist() == [0, 2]
    assert steps[1].spares.tolist() == [2] and len(steps[1].suppresses) == 0


def test_a_box_between_two_kept_ones_falls_to_the_better() -> None:
    steps = nms_steps(CHAIN, torch.tensor([0.9, 0.7, 0.8]), 0.5)
    assert [(step.row, step.suppressed_by, step.suppresses.tolist()) for step in steps] == [
        (0, -1, [1]),
        (2, -1, []),  # it overlaps box 1 as much, but that is gone
        (1, 0, []),
    ]


def test_the_wrong_belief_loses_the_third_box() -> None:
    steps = nms_steps(CHAIN, torch.tensor([0.9, 0.8, 0.7]), 0.5, suppressed_too=True)
    assert kept_rows(steps).tolist() == [0]
    assert (steps[2].suppressed_by, steps[1].suppresses.tolist(), steps[1].spares.tolist()) == (1, [2], [])


def test_equal_scores_go_by_the_list() -> None:
    boxes, scores = CHAIN[:2], torch.tensor([0.8, 0.8])
    assert kept_rows(nms_steps(boxes, scores, 0.5)).tolist() == [0]
    assert kept_rows(nms_steps(boxes.flip(0), scores, 0.5)).tolist() == [0]  # now it is the other box
    assert torchvision.ops.nms(boxes.flip(0), scores, 0.5).tolist() == [0]


def test_ranking_and_its_ties() -> None:
    scores = torch.tensor([0.5, 0.9, 0.5, 0.1, 0.5])
    assert ranking(scores).tolist() == [1, 0, 2, 4, 3]
    assert ranking(scores, reverse_ties=True).tolist() == [1, 4, 2, 0, 3]
    assert ranking(torch.zeros(0), reverse_ties=True).tolist() == []


@pytest.mark.parametrize("tenths", range(1, 10))
def test_at_the_threshold_both_stay(tenths: int) -> None:
    boxes = torch.tensor([[0.0, 0, 100, 100], [0, 0, 10 * tenths, 100]])
    scores = torch.tensor([2.0, 1.0])
    assert len(kept_rows(nms_steps(boxes, scores, tenths / 10))) == 2
    boxes[1, 2] += 1
    assert len(kept_rows(nms_steps(boxes, scores, tenths / 10))) == 1


BOXES = st.lists(
    st.tuples(st.integers(0, 8), st.integers(0, 8), st.integers(1, 10), st.integers(1, 10), st.integers(0, 5)),
    max_size=40,
)


@given(BOXES, st.integers(0, 20))
def test_kept_are_those_of_torchvision(rows: list[tuple[int, ...]], twentieths: int) -> None:
    # a coarse lattice, six scores: full of equal boxes, equal scores and IoUs exactly at the threshold
    boxes = torch.tensor([[x, y, x + w, y + h] for x, y, w, h, _ in rows]).reshape(-1, 4) * 10.0
    scores = torch.tensor([float(row[4]) for row in rows])
    thresh = boxes.new_tensor(twentieths / 20).item()
    steps = nms_steps(boxes, scores, thresh)
    assert torch.equal(kept_rows(steps), torchvision.ops.nms(boxes, scores, thresh))
    told = {}
    for step in steps:
        told.update(dict.fromkeys(step.suppresses.tolist(), step.row))
        assert step.kept or len(step.suppresses) == 0
        assert torch.equal(step.ious, box_iou(boxes[step.row, None], boxes[step.suppresses])[0])
        assert (step.ious > thresh).all()
    assert told == {step.row: step.suppressed_by for step in steps if not step.kept}


@given(st.integers(0, 2**31), st.floats(0, 1))
def test_kept_are_those_of_torchvision_on_odd_numbers(seed: int, nms_thresh: float) -> None:
    generator = torch.Generator().manual_seed(seed)
    corners = torch.rand(60, 2, 2, generator=generator).sort(dim=1).values * 300
    boxes, scores = corners.reshape(-1, 4), torch.rand(60, generator=generator)
    thresh = boxes.new_tensor(nms_thresh).item()
    assert torch.equal(kept_rows(nms_steps(boxes, scores, nms_thresh)), torchvision.ops.nms(boxes, scores, thresh))


def test_boxes_without_area_and_no_boxes() -> None:
    flat = torch.tensor([[5.0, 5, 5, 9], [5, 5, 5, 9], [0, 0, 9, 9]])
    assert kept_rows(nms_steps(flat, torch.tensor([3.0, 2, 1]), 0.5)).tolist() == [0, 1, 2]
    assert nms_steps(torch.zeros(0, 4), torch.zeros(0)) == []
    assert kept_rows([]).dtype == torch.int64


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"boxes": torch.zeros(3, 5)}, r"boxes must be Tensor\[N, 4\]; got float32 \[3, 5\]"),
        ({"boxes": CHAIN > 0}, "boxes must be plain numbers; got bool"),
        ({"boxes": CHAIN.flip(1)}, r"boxes\[0\] must have x1 ≤ x2"),
        ({"scores": torch.zeros(2)}, r"scores must be Tensor\[3\]; got float32 \[2\]"),
        ({"scores": ["1", "2", "3"]}, "scores must be a tensor, an array or lists of numbers"),
        ({"scores": torch.tensor([1.0, float("nan"), 0])}, "scores must be finite"),
        ({"scores": torch.tensor([1.0, float("inf"), 0])}, "scores must be finite"),
        ({"nms_thresh": 1.1}, "nms_thresh must be .* at most 1; got 1.1"),
        ({"nms_thresh": float("nan")}, "nms_thresh must be .* at most 1; got nan"),
    ],
)
def test_bad_input_is_refused_by_name(changed: dict[str, Any], message: str) -> None:
    good = {"boxes": CHAIN, "scores": torch.tensor([3.0, 2, 1]), "nms_thresh": 0.5}
    with pytest.raises(ValueError, match=message):
        nms_steps(**{**good, **changed})


@pytest.mark.parametrize("reverse_ties", [False, True])
def test_only_a_flat_list_of_numbers_has_a_ranking(reverse_ties: bool) -> None:
    with pytest.raises(ValueError, match=r"scores must be Tensor\[N\]; got float32 \[2, 2\]"):
        ranking(torch.zeros(2, 2), reverse_ties)
    with pytest.raises(ValueError, match="scores must be finite"):
        ranking(torch.tensor([1.0, float("nan")]), reverse_ties)
