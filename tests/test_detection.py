"""The second head: torchvision's losses and its last steps as oracle, a hand-made head, and the bundled one."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torchvision.models.detection.roi_heads import RoIHeads, fastrcnn_loss

from rpnviz.anchors import cell_anchors, grid_anchors
from rpnviz.backbone import Backbone
from rpnviz.boxes import box_iou
from rpnviz.detection import BOX_WEIGHTS, CLASSES, RoIHead, detect, recorded_precision, roi_losses
from rpnviz.grid import Grid
from rpnviz.pictures import Picture
from rpnviz.proposals import propose
from rpnviz.roi import align_one_box, to_cells
from rpnviz.rpn import RPNHead, flatten_head

GRID = Grid.paper()
FEATURES = torch.zeros(1, 512, 40, 60)


def random_answer(count: int, seed: int) -> tuple[Tensor, Tensor, Tensor]:
    """Proposals, class logits and box regressions."""
    generator = torch.Generator().manual_seed(seed)
    corners = torch.rand(count, 2, generator=generator) * torch.tensor([800.0, 400])
    proposals = torch.cat([corners, corners + 20 + 180 * torch.rand(count, 2, generator=generator)], dim=1)
    logits = 3 * torch.randn(count, len(CLASSES), generator=generator)
    return proposals, logits, torch.randn(count, len(CLASSES), 4, generator=generator)


class Fixed(RoIHead):
    """Answers what it was given."""

    def __init__(self, logits: Tensor, deltas: Tensor) -> None:
        super().__init__()
        self.answer = logits, deltas

    def forward(self, features: Tensor, proposals: Tensor, grid: Grid) -> tuple[Tensor, Tensor]:
        return self.answer


def said(*scores: dict[str, float]) -> Tensor:
    """Logits whose softmax gives these scores; what is left goes to the background."""
    rows = torch.full((len(scores), len(CLASSES)), 1e-9)
    for row, of in zip(rows, scores, strict=True):
        for name, score in of.items():
            row[CLASSES.index(name)] = score
        row[0] = max(1 - row[1:].sum().item(), 1e-9)
    return rows.log()


def still(count: int) -> Tensor:
    return torch.zeros(count, len(CLASSES), 4)


# --- losses ----------------------------------------------------------------------------------------------------------


@given(st.integers(0, 10_000), st.integers(1, 40))
@settings(max_examples=30, deadline=None)
def test_losses_are_torchvisions(seed: int, count: int) -> None:
    _, logits, deltas = random_answer(count, seed)
    generator = torch.Generator().manual_seed(seed + 1)
    labels = torch.randint(0, len(CLASSES), (count,), generator=generator)
    targets = 0.3 * torch.randn(count, 4, generator=generator)
    ours = roi_losses(logits, deltas, labels, targets)
    theirs = fastrcnn_loss(logits, deltas.flatten(1), [labels], [targets * torch.tensor(BOX_WEIGHTS)])
    assert torch.allclose(torch.stack(ours), torch.stack(theirs), rtol=1e-5, atol=1e-6)


def test_background_has_no_box_to_move_to() -> None:
    _, logits, deltas = random_answer(3, 0)
    labels = torch.tensor([0, 2, 0])
    targets = torch.zeros(3, 4)
    before = roi_losses(logits, deltas, labels, targets)[1]
    changed = deltas + 5
    changed[1, 2] = deltas[1, 2]  # the dog's box of the only dog
    assert roi_losses(logits, changed, labels, targets)[1] == before
    assert roi_losses(logits, deltas, torch.zeros(3).long(), targets)[1] == 0


def test_nothing_sampled_no_loss() -> None:
    _, logits, deltas = random_answer(0, 0)
    losses = roi_losses(logits, deltas, torch.zeros(0).long(), torch.zeros(0, 4))
    assert [float(loss) for loss in losses] == [0, 0]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"class_logits": torch.zeros(3)}, r"class_logits must be Tensor\[K, C\]; got float32 \[3\]"),
        ({"box_regression": torch.zeros(3, 28)}, r"box_regression must be Tensor\[3, 7, 4\]; got float32 \[3, 28\]"),
        ({"labels": torch.zeros(2).long()}, r"labels must be Tensor\[3\]; got int64 \[2\]"),
        ({"regression_targets": torch.zeros(3, 1)}, r"regression_targets must be Tensor\[3, 4\]; got float32 \[3, 1\]"),
        ({"labels": torch.tensor([0, 7, 1])}, "labels must be whole numbers, 0 to 6; got 7"),
        ({"labels": torch.tensor([0, -100, 1])}, "labels must be whole numbers, 0 to 6; got -100"),
        ({"labels": torch.tensor([0, 0.5, 1])}, "labels must be whole numbers, 0 to 6; got 0.5"),
    ],
)
def test_losses_of_what_does_not_fit_are_refused(change: dict[str, Tensor], message: str) -> None:
    _, logits, deltas = random_answer(3, 0)
    good = {"class_logits": logits, "box_regression": deltas, "labels": torch.ones(3).long()}
    with pytest.raises(ValueError, match=message):
        roi_losses(**{**good, "regression_targets": torch.zeros(3, 4), **change})


# --- detections ------------------------------------------------------------------------------------------------------


@given(st.integers(0, 10_000), st.sampled_from([0.0, 0.05, 0.3]), st.sampled_from([0.3, 0.5, 1.0]))
@settings(max_examples=30, deadline=None)
def test_detections_are_torchvisions(seed: int, score_thresh: float, nms_thresh: float) -> None:
    proposals, logits, deltas = random_answer(40, seed)
    found = detect(FEATURES, proposals, Fixed(logits, deltas), GRID, score_thresh, nms_thresh, 50)
    theirs: Any = RoIHeads(None, None, None, 0.5, 0.5, 512, 0.25, BOX_WEIGHTS, score_thresh, nms_thresh, 50)
    boxes, scores, labels = theirs.postprocess_detections(logits, deltas.flatten(1), [proposals], [(600, 1000)])
    assert torch.allclose(found.scores, scores[0])
    assert torch.equal(found.labels, labels[0])
    assert torch.allclose(found.boxes, boxes[0], atol=1e-3)
    assert (found.scores.diff() <= 0).all() and (found.labels > 0).all()


A, NEAR_A, FAR = [100.0, 100, 200, 300], [105.0, 100, 205, 300], [500.0, 100, 600, 300]  # IoU of the first two: 0.905


def test_the_last_nms_is_for_each_class_by_itself() -> None:
    proposals = torch.tensor([A, NEAR_A, FAR])
    logits = said({"person": 0.9}, {"person": 0.8}, {"person": 0.7})
    found = detect(FEATURES, proposals, Fixed(logits, still(3)), GRID)
    assert found.proposal_inds.tolist() == [0, 2]
    logits = said({"person": 0.9}, {"car": 0.8}, {"person": 0.7})
    found = detect(FEATURES, proposals, Fixed(logits, still(3)), GRID)
    assert found.proposal_inds.tolist() == [0, 1, 2] and found.names == ["person", "car", "person"]
    assert found.boxes.tolist() == proposals.tolist()
    assert found.scores.tolist() == pytest.approx([0.9, 0.8, 0.7])


def test_one_proposal_can_be_two_things() -> None:
    found = detect(FEATURES, torch.tensor([A]), Fixed(said({"person": 0.5, "dog": 0.4}), still(1)), GRID)
    assert found.names == ["person", "dog"] and found.proposal_inds.tolist() == [0, 0]


def test_background_is_dropped_here_and_so_is_what_scores_too_low() -> None:
    head = Fixed(said({}, {"car": 0.2}, {"bus": 0.6}), still(3))
    proposals = torch.tensor([A, NEAR_A, FAR])
    assert detect(FEATURES, proposals, head, GRID).names == ["bus", "car"]
    assert detect(FEATURES, proposals, head, GRID, score_thresh=0.5).names == ["bus"]
    assert detect(FEATURES, proposals, head, GRID, max_detections=1).names == ["bus"]
    assert detect(FEATURES, proposals, head, GRID, score_thresh=0.7).names == []


def test_a_score_at_the_threshold_is_not_above_it() -> None:
    logits = torch.tensor([[0.0, 0, *[-1e9] * 5]])  # background and person: one half each
    head = Fixed(logits, still(1))
    assert detect(FEATURES, torch.tensor([A]), head, GRID, score_thresh=0.49).names == ["person"]
    assert detect(FEATURES, torch.tensor([A]), head, GRID, score_thresh=0.5).names == []


def test_without_proposals_nothing_is_found() -> None:
    assert detect(FEATURES, torch.zeros(0, 4), RoIHead(), GRID, score_thresh=0.0).boxes.shape == (0, 4)


def test_proposals_may_be_float64_and_no_gradient_leads_back() -> None:
    found = detect(FEATURES, torch.tensor([A, FAR]).double(), RoIHead(), GRID, score_thresh=0.0)
    assert len(found.boxes) == 12 and not found.scores.requires_grad


def test_each_class_moves_the_box_its_own_way_and_the_border_cuts_it() -> None:
    deltas = still(1)
    deltas[0, CLASSES.index("dog"), 0] = 5.0  # dx = 5 / 10: half the width to the right
    deltas[0, CLASSES.index("car"), 1] = -20.0  # dy = -2: two heights up, beyond the border
    found = detect(FEATURES, torch.tensor([A]), Fixed(said({"dog": 0.5, "car": 0.4}), deltas), GRID)
    assert found.boxes.tolist() == [[150, 100, 250, 300], [100, 0, 200, 0]]


@pytest.mark.parametrize(
    ("argument", "value"), [("score_thresh", -0.1), ("score_thresh", 1.1), ("nms_thresh", 2.0), ("max_detections", 0)]
)
def test_settings_out_of_range_are_named(argument: str, value: Any) -> None:
    with pytest.raises(ValueError, match=f"{argument} must .*; got {value}"):
        detect(FEATURES, torch.tensor([A]), RoIHead(), GRID, **{argument: value})


# --- the head --------------------------------------------------------------------------------------------------------


def test_each_box_is_answered_by_itself_and_in_order() -> None:
    torch.manual_seed(0)
    head, features = RoIHead().eval(), torch.rand(1, 512, 40, 60)
    proposals, *_ = random_answer(5, 1)
    logits, deltas = head(features, proposals, GRID)
    assert logits.shape == (5, 7) and deltas.shape == (5, 7, 4)
    for i in range(5):
        alone = head(features, proposals[i : i + 1], GRID)
        assert torch.allclose(logits[i], alone[0][0], atol=1e-5) and torch.allclose(deltas[i], alone[1][0], atol=1e-5)


def test_bins_are_those_of_align_one_box() -> None:
    torch.manual_seed(0)
    head, features = RoIHead().eval(), torch.rand(1, 512, 40, 60)
    proposals = torch.tensor([A])
    narrow = head.conv(features).relu()[0]
    vector = head.fc(align_one_box(narrow, to_cells(proposals, GRID)[0]).output.flatten()).relu()  # 7 × 7, 2 points
    assert torch.allclose(head(features, proposals, GRID)[0][0], head.cls_score(vector), atol=1e-5)


def test_a_box_looks_at_its_own_cells_of_the_map() -> None:
    """On the paper's grid a cell is 16.67 px wide and 15 px high: two strides, not one scale."""
    torch.manual_seed(0)
    head, empty = RoIHead().eval(), torch.zeros(1, 512, 40, 60)
    lit = empty.clone()
    lit[0, :, 20, 30] = 100.0  # x 500 … 516.7, y 300 … 315
    at, beside = torch.tensor([[500.0, 300, 516.7, 315]]), torch.tensor([[534.0, 330, 600, 420]])
    assert not torch.allclose(head(lit, at, GRID)[0], head(empty, at, GRID)[0])
    assert torch.equal(head(lit, beside, GRID)[0], head(empty, beside, GRID)[0])


def test_the_head_refuses_other_features_and_boxes() -> None:
    for bad in (FEATURES[:, :256], FEATURES.expand(2, -1, -1, -1), FEATURES[..., 1:], FEATURES[0]):
        with pytest.raises(ValueError, match=r"features must be Tensor\[1, 512, 40, 60\]; got float32"):
            RoIHead()(bad, torch.tensor([A]), GRID)
    with pytest.raises(ValueError, match="features must be finite"):
        RoIHead()(FEATURES / 0, torch.tensor([A]), GRID)
    with pytest.raises(ValueError, match=r"proposals must be Tensor\[N, 4\]"):
        RoIHead()(FEATURES, torch.zeros(3), GRID)
    with pytest.raises(ValueError, match=r"name must be a bundled head \(mini\); got 'vgg16'"):
        RoIHead.load("vgg16")


def test_the_bundled_head_is_ready_to_use() -> None:
    assert not RoIHead.load("mini").training


@pytest.mark.parametrize("name", ["street-03", "street-12"])
def test_the_bundled_heads_find_and_name_every_object_of_a_bundled_picture(name: str) -> None:
    picture = Picture.load(name)
    features = Backbone.load("mini").features(picture, GRID)
    with torch.no_grad():
        objectness, pred_bbox_deltas = flatten_head(*RPNHead.load("mini")(features))
    stages = propose(objectness, pred_bbox_deltas, grid_anchors(GRID, cell_anchors()), GRID.image_size)
    found = detect(features, stages.proposals, RoIHead.load("mini"), GRID, score_thresh=0.5)
    iou = box_iou(picture.gt_boxes, found.boxes)
    for i, class_name in enumerate(picture.class_names):
        same = torch.tensor([other == class_name for other in found.names])
        assert same.any() and iou[i][same].max() >= 0.5, class_name


def test_the_recorded_precision_is_of_all_classes() -> None:
    data, precision = recorded_precision()
    assert data["scenes held out"] > 0
    assert {f"AP@0.5 {name}" for name in CLASSES[1:]} <= set(precision) and all(
        0 < value <= 1 for value in precision.values()
    )
