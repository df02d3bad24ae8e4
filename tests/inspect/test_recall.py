"""Recall by hand: which gt boxes are covered, at which IoU, by how many proposals."""

from __future__ import annotations

import json

import pytest
import torch

from rpnviz._files.data import data_folder
from rpnviz.inspect.recall import (
    IOU_THRESHOLDS,
    average_recall,
    best_ious,
    recall,
    recall_table,
    recorded_ablations,
    recorded_recall,
)
from rpnviz.train.variants import BORDER, INTACT, VARIANTS
from tools.data.ablations import FIGURES

GT_BOXES = torch.tensor([[0.0, 0, 100, 100], [200, 0, 300, 100]])
# IoU with gt 0: 0.5, 0, 0.9; with gt 1: 0, 0.6, 0
PROPOSALS = torch.tensor([[0.0, 0, 100, 50], [200, 0, 300, 60], [0, 0, 100, 90]])
NONE = torch.zeros(0, 4)


def test_best_iou_of_the_first_n() -> None:
    assert best_ious(PROPOSALS, GT_BOXES, 1).tolist() == pytest.approx([0.5, 0.0])
    assert best_ious(PROPOSALS, GT_BOXES, 2).tolist() == pytest.approx([0.5, 0.6])
    assert best_ious(PROPOSALS, GT_BOXES, 3).tolist() == pytest.approx([0.9, 0.6])
    assert best_ious(PROPOSALS, GT_BOXES, 300).tolist() == pytest.approx([0.9, 0.6])  # there are only three
    assert best_ious(NONE, GT_BOXES, 10).tolist() == [0, 0]
    assert best_ious(PROPOSALS, NONE, 10).shape == (0,)


def test_recall_counts_gt_boxes_at_or_above_the_threshold() -> None:
    ious = torch.tensor([0.9, 0.6, 0.5, 0.4999])
    assert recall(ious) == 0.75
    assert recall(ious, 0.6) == 0.5  # float32's 0.6 counts
    assert recall(ious, 0.7) == 0.25
    assert recall(ious, 1.0) == 0.0
    assert recall(torch.tensor([1.0]), 1.0) == 1.0


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("percent", range(50, 100, 5))
def test_at_a_threshold_an_object_is_covered_and_next_below_it_is_not(percent: int, dtype: torch.dtype) -> None:
    (thresh,) = (thresh for thresh in IOU_THRESHOLDS if round(100 * thresh) == percent)
    at = torch.tensor([percent], dtype=dtype) / 100  # as an IoU comes about: rounded once
    assert recall(at, thresh) == 1.0
    assert recall(torch.nextafter(at, at - 1), thresh) == 0.0


def test_average_recall_takes_ten_thresholds() -> None:
    assert pytest.approx([0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95]) == IOU_THRESHOLDS
    # 0.5 … 0.9 are nine of ten for the first; 0.5, 0.55, 0.6 three for the second
    assert average_recall(torch.tensor([0.9, 0.6])) == pytest.approx((9 + 3) / 20)


def test_table_joins_pictures_by_gt_boxes() -> None:
    # three gt boxes in all; the second picture has one, and no proposals
    table = recall_table([(PROPOSALS, GT_BOXES), (NONE, GT_BOXES[:1])], top_ns=(1, 3))
    assert table[1] == pytest.approx({"recall@0.5": 1 / 3, "average_recall": 1 / 30})
    assert table[3] == pytest.approx({"recall@0.5": 2 / 3, "average_recall": (9 + 3 + 0) / 30})


def test_impossible_arguments_are_refused() -> None:
    with pytest.raises(ValueError, match="top_n must be a whole number of at least 1; got 0"):
        best_ious(PROPOSALS, GT_BOXES, 0)
    for wrong in (torch.zeros(0), PROPOSALS > 0, PROPOSALS.flip(1)):
        with pytest.raises(ValueError, match=r"proposals.* must (be|have)"):
            best_ious(wrong, GT_BOXES, 1)
        with pytest.raises(ValueError, match=r"gt_boxes.* must (be|have)"):
            best_ious(NONE, wrong, 1)
    for bad in (torch.tensor(0.5), torch.ones(2, 2), torch.tensor([0.9, float("nan")])):
        with pytest.raises(ValueError, match=r"ious must be (Tensor\[M\]|finite)"):
            recall(bad)
    with pytest.raises(ValueError, match="ious is empty"):
        recall(torch.zeros(0))
    for thresh in (0.0, 1.1, float("nan")):
        with pytest.raises(ValueError, match="iou_thresh must be a number above 0 and at most 1"):
            recall(torch.ones(1), thresh)
    with pytest.raises(ValueError, match="iou_thresholds must be one or more numbers"):
        average_recall(torch.ones(1), ())
    with pytest.raises(ValueError, match="pictures is empty"):
        recall_table([])


def test_the_record_is_that_of_the_bundled_weights() -> None:
    scenes, rows = recorded_recall()
    written = json.loads((data_folder() / "weights" / "recall.json").read_text())
    assert scenes == written["held-out scenes"]
    assert list(rows) == list(written["rows"])
    assert rows["mini, trained"][300] == written["rows"]["mini, trained"]["300"]
    assert all(list(table) == [10, 50, 100, 300, 1000] for table in rows.values())


def test_the_ablations_are_all_there() -> None:
    record = recorded_ablations()
    assert list(record["rows"]) == list(VARIANTS) and len(record["seeds"]) >= 3
    for row in record["rows"].values():
        assert list(row) == list(FIGURES)
        assert all(len(values) == len(record["seeds"]) for values in row.values())
        assert all(0 <= value <= 1 for values in row.values() for value in values)


def test_who_proposes_is_recorded_beside_a_control_of_the_same_run() -> None:
    record = recorded_ablations()
    assert list(record["proposers"]) == [INTACT, BORDER]
    for row in record["proposers"].values():
        assert len(row) == 6 and all(len(values) == len(record["seeds"]) for values in row.values())
    assert {figure: record["proposers"][BORDER][figure] for figure in FIGURES} == record["rows"][BORDER]
