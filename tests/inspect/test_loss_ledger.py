"""The ledger by hand, against PyTorch and autograd, and against `rpn_losses` on a whole minibatch."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st

from rpnviz.anchors import cell_anchors, grid_anchors
from rpnviz.backbone import Backbone
from rpnviz.boxes import decode, encode
from rpnviz.grid import Grid
from rpnviz.inspect.loss_ledger import (
    NORMALISATIONS,
    binary_cross_entropy,
    minibatch_losses,
    smooth_l1,
    smooth_l1_slope,
    take_step,
    write_ledger,
)
from rpnviz.pictures import Picture
from rpnviz.rpn import BETA, RPNHead, flatten_head, rpn_losses
from rpnviz.targets import label_anchors, regression_targets, sample_minibatch

numbers = st.floats(-50, 50, allow_nan=False)
betas = st.sampled_from([0.0, 1 / 9, 0.5, 1.0])


def one(logit: float, deltas: list[float], label: int, targets: list[float], beta: float = BETA) -> Any:
    rows: list[list[Any]] = [
        [logit],
        [deltas],
        [label],
        [targets],
    ]
    objectness, pred_bbox_deltas, labels, regression = (torch.tensor(row, dtype=torch.float64) for row in rows)
    return write_ledger(objectness, pred_bbox_deltas, labels, regression, beta)


def test_ledger_by_hand() -> None:
    # anchor (100, 100, 200, 200), gt (110, 120, 210, 260): targets .1, .4, 0, ln 1.4
    anchor, gt_box = torch.tensor([[100.0, 100, 200, 200]]), torch.tensor([[110.0, 120, 210, 260]])
    targets = encode(gt_box, anchor)[0].tolist()
    ledger = one(0.0, [0.0, 0.0, 0.2, 0.0], 1, targets)
    assert float(ledger.bce) == pytest.approx(math.log(2))
    assert float(ledger.bce_slopes) == -0.5  # score 0.5 − label 1
    assert ledger.differences[0].tolist() == pytest.approx([-0.1, -0.4, 0.2, -math.log(1.4)], abs=1e-6)
    assert ledger.smooth_l1[0].tolist() == pytest.approx(
        [
            0.045,  # 9/2 · 0.1²
            0.4 - 1 / 18,
            0.2 - 1 / 18,
            math.log(1.4) - 1 / 18,
        ],
        abs=1e-6,
    )
    assert ledger.on_line[0].tolist() == [False, True, True, True]
    assert ledger.slopes[0].tolist() == pytest.approx([-0.9, -1, 1, -1], abs=1e-5)
    assert float(ledger.box_loss) == pytest.approx(0.045 + 0.6 + math.log(1.4) - 3 / 18, abs=1e-6)


@pytest.mark.parametrize("label", [0, -1])
def test_background_and_left_out_have_no_box_loss(label: int) -> None:
    ledger = one(2.0, [1.0, -1.0, 3.0, 5.0], label, [0.0] * 4)
    assert float(ledger.box_loss) == 0 and not ledger.slopes.any()
    assert float(ledger.bce) == pytest.approx(math.log1p(math.exp(2)) if label == 0 else 0)
    logits, deltas = take_step(ledger, 0.1)
    assert torch.equal(deltas, ledger.deltas)
    assert (logits < ledger.objectness).item() is (label == 0)


@given(st.lists(numbers, min_size=1, max_size=20), st.integers(0, 1))
def test_cross_entropy_is_pytorchs_and_its_slope_autograds(values: list[float], label: int) -> None:
    logits = torch.tensor(values, dtype=torch.float64, requires_grad=True)
    labels = torch.full_like(logits, label)
    wanted = F.binary_cross_entropy_with_logits(logits, labels, reduction="none")
    wanted.sum().backward()
    assert torch.allclose(binary_cross_entropy(logits, labels), wanted, atol=1e-12)
    ledger = write_ledger(logits, torch.zeros(len(values), 4), labels, torch.zeros(len(values), 4))
    assert logits.grad is not None
    assert torch.allclose(ledger.bce_slopes, logits.grad, atol=1e-12)


def test_cross_entropy_does_not_overflow() -> None:
    losses = binary_cross_entropy(torch.tensor([-1000.0, 1000.0]), torch.tensor([1, 0]))
    assert losses.tolist() == [1000.0, 1000.0]


@given(st.lists(numbers, min_size=1, max_size=20), betas)
def test_smooth_l1_is_pytorchs_and_its_slope_autograds(values: list[float], beta: float) -> None:
    differences = torch.tensor(values, dtype=torch.float64, requires_grad=True)
    wanted = F.smooth_l1_loss(differences, torch.zeros_like(differences), beta=beta, reduction="none")
    wanted.sum().backward()
    assert torch.allclose(smooth_l1(differences, beta), wanted, atol=1e-12)
    assert differences.grad is not None
    assert torch.allclose(smooth_l1_slope(differences, beta).detach(), differences.grad, atol=1e-12)
    assert smooth_l1_slope(differences, beta).abs().max() <= 1


def test_plain_l1_can_be_differentiated() -> None:
    differences = torch.tensor([-2.0, 3.0], requires_grad=True)
    smooth_l1(differences, 0).sum().backward()
    assert differences.grad is not None and differences.grad.tolist() == [-1, 1]


def test_where_the_parabola_ends_the_line_begins() -> None:
    assert one(0, [0.4, 0.5, 0.6, -0.5], 1, [0.0] * 4, beta=0.5).on_line[0].tolist() == [False, True, True, True]


def test_a_ledger_is_float64_and_no_gradient_leads_out_of_it() -> None:
    ledger = write_ledger(torch.zeros(1, requires_grad=True), torch.zeros(1, 4), torch.ones(1), torch.zeros(1, 4))
    assert ledger.objectness.dtype == ledger.differences.dtype == torch.float64 and not ledger.bce.requires_grad


@given(st.floats(0.12, 5), st.floats(0.01, 0.1))
def test_steps_are_equal_on_the_line_and_shrink_on_the_parabola(far: float, near: float) -> None:
    """Far away the pull does not depend on the distance; near the target it is proportional to it."""
    steps = [float(one(0, [d, 0, 0, 0], 1, [0.0] * 4).slopes[0, 0]) for d in (far, 2 * far, near, near / 2)]
    assert steps[0] == steps[1] == 1
    assert steps[2] == pytest.approx(near / BETA) and steps[3] == pytest.approx(steps[2] / 2)


@pytest.mark.parametrize(("learning_rate", "lands"), [(0.05, True), (1 / 9, True), (0.2, True), (0.25, False)])
def test_steps_below_two_beta_reach_the_target(learning_rate: float, lands: bool) -> None:
    deltas, targets = torch.tensor([[0.63, -0.4, 0.3, -0.02]]).double(), torch.tensor([[0.0, 0.1, -0.2, 0.3]])
    for _ in range(200):
        deltas = take_step(one(0, deltas[0].tolist(), 1, targets[0].tolist()), learning_rate)[1]
    assert bool((deltas - targets).abs().max() < 1e-6) is lands
    anchor = torch.tensor([[100.0, 100, 200, 200]])
    assert torch.allclose(decode(deltas.float(), anchor), decode(targets, anchor), atol=1e-3) is lands


@pytest.mark.parametrize("name", ["street-02", "street-03"])
def test_sum_over_the_sampled_is_the_tensor_loss_to_six_digits(name: str) -> None:
    """On the trained network's answers: the 256 rows of the ledger, added up, are what `rpn_losses` says."""
    picture, grid = Picture.load(name), Grid.paper()
    anchors = grid_anchors(grid, cell_anchors())
    with torch.no_grad():
        answers = flatten_head(*RPNHead.load("mini")(Backbone.load("mini").features(picture, grid)))
    found = label_anchors(anchors, picture.gt_boxes, picture.image_size)
    pos, neg = sample_minibatch(found.labels, generator=torch.Generator().manual_seed(0))
    targets = regression_targets(anchors, picture.gt_boxes, found.matched_idxs)
    tensors = [answer.clone().requires_grad_() for answer in answers]
    losses = rpn_losses(tensors[0], tensors[1], found.labels, targets, pos, neg)
    inds = torch.cat([pos, neg])
    assert len(inds) == 256 and len(pos) > 10
    rows = answers[0][inds], answers[1][inds], found.labels[inds], targets[inds]
    assert minibatch_losses(*rows) == pytest.approx([loss.item() for loss in losses], rel=1e-6)
    # and the ledger's slopes are its gradients
    (losses[0] + losses[1]).backward()
    ledger = write_ledger(*rows)
    assert tensors[0].grad is not None and tensors[1].grad is not None
    assert torch.allclose(tensors[0].grad[inds], (ledger.bce_slopes / 256).float(), atol=1e-8)
    assert torch.allclose(tensors[1].grad[inds], (ledger.slopes / 256).float(), atol=1e-8)
    assert int((tensors[0].grad != 0).sum()) <= 256


def test_three_ways_to_divide() -> None:
    """Two positives, one negative, one left out; differences of 0.5 in dx."""
    logits, labels = torch.zeros(4), torch.tensor([1, 1, 0, -1])
    deltas, targets = torch.zeros(4, 4), torch.zeros(4, 4)
    deltas[:, 0] = 0.5
    losses = {key: minibatch_losses(logits, deltas, labels, targets, way) for key, way in NORMALISATIONS.items()}
    bce = 3 * math.log(2)
    assert losses["paper"] == pytest.approx((bce / 256, 2 * 0.125 / 240))  # 0.5² / 2; λ / N_reg = 10 / 2400
    assert losses["torchvision"] == pytest.approx((bce / 3, 2 * (0.5 - 1 / 18) / 3))  # the number sampled
    assert losses["detectron2"] == pytest.approx((bce / 256, 2 * 0.5 / 256))  # L1


def test_lambda_is_one_over_240() -> None:
    assert NORMALISATIONS["paper"].factors(256) == pytest.approx((1 / 256, 1 / 240))
    assert NORMALISATIONS["torchvision"].factors(256) == NORMALISATIONS["detectron2"].factors(256) == (1 / 256, 1 / 256)
    assert NORMALISATIONS["torchvision"].factors(100)[1] == 1 / 100 != NORMALISATIONS["detectron2"].factors(100)[1]
    assert NORMALISATIONS["torchvision"].factors(0) == (1, 1)


def test_no_anchors_no_loss() -> None:
    empty = torch.zeros(0), torch.zeros(0, 4), torch.zeros(0), torch.zeros(0, 4)
    assert minibatch_losses(*empty) == (0, 0)


@given(numbers, numbers)
def test_sigmoid_of_the_difference_is_the_two_way_softmax(background: float, object_: float) -> None:
    """9 outputs say what 18 say: value and gradient."""
    pair = torch.tensor([[background, object_]], dtype=torch.float64, requires_grad=True)
    F.cross_entropy(pair, torch.tensor([1])).backward()
    ledger = one(object_ - background, [0.0] * 4, 1, [0.0] * 4)
    assert float(ledger.scores) == pytest.approx(pair.softmax(1)[0, 1].item(), abs=1e-6)
    assert pair.grad is not None
    slope = float(ledger.bce_slopes)
    assert pair.grad[0].tolist() == pytest.approx([-slope, slope], abs=1e-6)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"objectness": torch.zeros(3, 1)}, r"objectness must be Tensor\[K\]; got float32 \[3, 1\]"),
        ({"pred_bbox_deltas": torch.zeros(2, 4)}, r"pred_bbox_deltas must be Tensor\[3, 4\]; got float32 \[2, 4\]"),
        ({"regression_targets": torch.zeros(3, 5)}, r"regression_targets must be Tensor\[3, 4\]; got float32 \[3, 5\]"),
        ({"labels": torch.zeros(2)}, r"labels must be Tensor\[3\]; got float32 \[2\]"),
        ({"labels": torch.tensor([1, 0, 2])}, "labels must be whole numbers, -1 to 1; got 2"),
        ({"labels": torch.tensor([1, 0, 0.5])}, "labels must be whole numbers, -1 to 1; got 0.5"),
        ({"objectness": torch.tensor([0.0, float("nan"), 0])}, r"objectness must be finite; objectness\[1\] is nan"),
        (
            {"pred_bbox_deltas": torch.full((3, 4), float("inf"))},
            r"pred_bbox_deltas must be finite; pred_bbox_deltas\[0, 0\] is inf",
        ),
        ({"beta": -0.1}, "beta must be a finite number of at least 0; got -0.1"),
        ({"beta": float("nan")}, "beta must be a finite number of at least 0; got nan"),
        ({"beta": float("inf")}, "beta must be a finite number of at least 0; got inf"),
    ],
)
def test_bad_input_is_named(change: dict[str, Any], message: str) -> None:
    good: dict[str, Any] = {
        "objectness": torch.zeros(3),
        "pred_bbox_deltas": torch.zeros(3, 4),
        "labels": torch.tensor([1, 0, -1]),
        "regression_targets": torch.zeros(3, 4),
    }
    assert len(write_ledger(**good).bce) == 3
    with pytest.raises(ValueError, match=message):
        write_ledger(**{**good, **change})


@pytest.mark.parametrize("function", [smooth_l1, smooth_l1_slope])
def test_a_bad_beta_is_named_by_each_function(function: Any) -> None:
    with pytest.raises(ValueError, match="beta must be a finite number of at least 0; got -1"):
        function(torch.zeros(2), -1)


def test_cross_entropy_needs_a_label_for_each_logit() -> None:
    with pytest.raises(ValueError, match=r"labels must be Tensor\[2\]; got float32 \[3\]"):
        binary_cross_entropy(torch.zeros(2), torch.zeros(3))
    with pytest.raises(ValueError, match="labels must be whole numbers, -1 to 1; got 2"):
        binary_cross_entropy(torch.zeros(2), torch.tensor([1, 2]))


@pytest.mark.parametrize("learning_rate", [0.0, -1.0, float("nan"), float("inf")])
def test_a_step_goes_somewhere(learning_rate: float) -> None:
    with pytest.raises(ValueError, match="learning_rate must be a finite number above 0"):
        take_step(one(0, [0.0] * 4, 1, [0.0] * 4), learning_rate)
