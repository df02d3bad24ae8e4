"""One region proposal network, many conventions: a handful of small settings of the lesson's own functions.

A `Convention` says what a project does; the functions here do it, by way of `anchors`, `targets`, `boxes` and
`proposals`, which stay as they are. Boxes have continuous edges throughout: what a project counts in whole pixels, from
the first to the last, ends one further here.

Shapes: N anchors, M gt boxes, A anchors of a cell. Labels: 1 positive, 0 negative, -1 left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from rpnviz._inputs import take_number, take_numbers, take_size, take_whole_numbers
from rpnviz.anchors import ASPECT_RATIOS, SCALES, cell_anchors, grid_anchors
from rpnviz.boxes import BBOX_XFORM_CLIP, box_iou, check_boxes, decode, encode
from rpnviz.grid import CELL, Grid
from rpnviz.inspect.loss_ledger import Normalisation, minibatch_losses
from rpnviz.proposals import NO_LIMIT, Stages, propose
from rpnviz.targets import IGNORED, NEGATIVE, POSITIVE, label_anchors

Shapes = Literal["3 scales × 3 ratios", "10 heights, 16 px wide"]
Sides = Literal["half sides rounded", "16 px base rounded", "not rounded"]
Ratio = Literal["height / width", "width / height"]
Order = Literal["ratio by ratio", "scale by scale"]
Taker = Literal["the object it overlaps most", "the object it is best for"]
Crowd = Literal["background", "no negatives there"]
First = Literal["dropping small ones", "the best for NMS"]
Clamp = Literal["none", "above", "above and below"]
Divisor = int | Literal["sampled", "positives + 1", "4 × positives"]

CTPN_HEIGHTS = (11, 16, 23, 33, 48, 68, 97, 139, 198, 283)  # px, as its code lists them
CROWD_IOU = 0.001  # an anchor that overlaps a crowd by less does not touch it
Weights = tuple[float, float, float, float]


@dataclass(frozen=True)
class Convention:
    """How a project does it, where projects differ.

    Attributes:
        name: of the project.
        offset: where in its cell an anchor stands, as a share of the stride: 0.5 the middle, 0 the corner.
        shapes: which anchors a cell has; only the paper's read `sides`, `ratio` and `order`.
        sides: how their sides are rounded.
        ratio: what an aspect ratio divides by what.
        order: of the anchors of a cell, and so of the network's outputs.
        drop_cross_boundary: anchors that cross the border get no label.
        least_best_iou: the best anchors of a gt box are positive only from this IoU on.
        taker: which gt box an anchor is to move to that is best for one and overlaps another more.
        crowd: what anchors on a box round a crowd are.
        batch_size_per_image: how many anchors the losses see.
        weights: the deltas are written multiplied by these four.
        clamp: whether dw and dh are cut off at ln(1000 / 16). With "none" they still are at twice that.
        extra_pixel: px by which decoding makes a box wider and higher than encoding meant it.
        vertical_only: dx and dw are not used.
        beta: where smooth L1 turns from a parabola into a line; 0 is plain L1.
        n_cls: what divides the sum of the cross-entropies.
        n_reg: what divides the sum of the box losses; the paper's 240 is N_reg = 2,400 over λ = 10.
        pre_nms_top_n: how many boxes go into NMS, in training and at test time.
        post_nms_top_n: how many proposals come out, likewise.
        min_size: px; the smallest height and width of a proposal.
        first: which comes first, to drop small boxes or to take the best for NMS.
        scores_per_anchor: 2 with a softmax over background and object, or 1 with a sigmoid.
    """

    name: str
    offset: float = 0.5
    shapes: Shapes = "3 scales × 3 ratios"
    sides: Sides = "half sides rounded"
    ratio: Ratio = "height / width"
    order: Order = "ratio by ratio"
    drop_cross_boundary: bool = True
    least_best_iou: float = 0.0
    taker: Taker = "the object it overlaps most"
    crowd: Crowd = "background"
    batch_size_per_image: int = 256
    weights: Weights = (1.0, 1.0, 1.0, 1.0)
    clamp: Clamp = "none"
    extra_pixel: int = 0
    vertical_only: bool = False
    beta: float = 1.0
    n_cls: Divisor = 256
    n_reg: Divisor = 240
    pre_nms_top_n: tuple[int, int] = (NO_LIMIT, NO_LIMIT)
    post_nms_top_n: tuple[int, int] = (2000, 300)
    min_size: float = 0.0
    first: First = "dropping small ones"
    scores_per_anchor: int = 2


# What nobody does otherwise: 0.7 and 0.3, ties included, half of the minibatch, NMS at 0.7.
FG_IOU_THRESH, BG_IOU_THRESH, NMS_THRESH = 0.7, 0.3, 0.7


def convention_cells(
    convention: Convention, scales: Sequence[float] = SCALES, aspect_ratios: Sequence[float] = ASPECT_RATIOS
) -> Tensor:
    """The anchors of a cell, with (0, 0) where a convention puts them.

    Args:
        convention: whose; CTPN has shapes of its own and reads neither of the next two.
        scales: √area of the anchors, px.
        aspect_ratios: in the convention's sense of the word.

    Returns:
        Tensor[A, 4]: float32 xyxy, px.

    Raises:
        ValueError: as `cell_anchors`.
    """
    if convention.shapes == "10 heights, 16 px wide":
        return _ctpn_cells()
    cells = cell_anchors(scales, aspect_ratios)  # and refuses what is no scale or ratio
    sides = take_numbers(scales, "scales", "S").detach().double()
    ratios = take_numbers(aspect_ratios, "aspect_ratios", "R").detach().double()
    if convention.ratio == "width / height":
        ratios = 1 / ratios
        cells = cell_anchors(sides.tolist(), ratios.tolist())
    if convention.sides == "16 px base rounded":
        widths = (CELL / ratios.sqrt()).round()  # of anchors with the area of a cell
        heights = (widths * ratios).round()
        cells = _round_origin(widths[:, None] * sides / CELL, heights[:, None] * sides / CELL)
    elif convention.sides != "half sides rounded":
        cells = _round_origin(sides / ratios.sqrt()[:, None], sides * ratios.sqrt()[:, None])
    if convention.order == "scale by scale":
        cells = cells.reshape(len(ratios), len(sides), 4).transpose(0, 1).reshape(-1, 4)
    return cells


def same_shapes(convention: Convention) -> list[int]:
    """For each anchor of a cell, which of the paper's nine has its scale and its ratio; [] for shapes of its own."""
    if convention.shapes != "3 scales × 3 ratios":
        return []
    ratios, scales = len(ASPECT_RATIOS), len(SCALES)
    nine = torch.arange(ratios * scales).reshape(ratios, scales)
    nine = nine.flip(0) if convention.ratio == "width / height" else nine
    ordered: list[int] = (nine.T if convention.order == "scale by scale" else nine).flatten().tolist()
    return ordered


def convention_anchors(convention: Convention, grid: Grid) -> Tensor:
    """All anchors, where the convention puts them.

    Args:
        convention: whose.
        grid: how the feature map lies on the picture.

    Returns:
        Tensor[h·w·A, 4]: xyxy, px; cell by cell as in `grid_anchors`.
    """
    anchors = grid_anchors(grid, convention_cells(convention))
    stride_y, stride_x = grid.stride
    moved = (convention.offset - 0.5) * torch.tensor([stride_x, stride_y, stride_x, stride_y])
    return anchors + moved


def label_by(
    convention: Convention,
    anchors: Tensor,
    gt_boxes: Tensor,
    image_size: tuple[int, int],
    crowd_boxes: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """Label anchors as a project does.

    Args:
        convention: whose rules.
        anchors (Tensor[N, 4]): xyxy, px.
        gt_boxes (Tensor[M, 4]): xyxy, px; without those round a crowd.
        image_size: (H, W), px.
        crowd_boxes (Tensor[C, 4]): xyxy, px; None: there are none.

    Returns:
        labels (Tensor[N]): int8; 1, 0 or -1.
        matched_idxs (Tensor[N]): int64; the gt box of a positive anchor, -1 for all others.

    Raises:
        ValueError: as `label_anchors`.
    """
    anchors, gt_boxes = check_boxes(anchors, "anchors").detach(), check_boxes(gt_boxes, "gt_boxes").detach()
    crowd_boxes = gt_boxes[:0] if crowd_boxes is None else check_boxes(crowd_boxes, "crowd_boxes").detach()
    rules = {"image_size": take_size(image_size, "image_size"), "drop_cross_boundary": convention.drop_cross_boundary}
    # 1. The thresholds, and the best anchors of each gt box.
    found = label_anchors(anchors, gt_boxes, **rules)  # type: ignore[arg-type]
    labels, matched_idxs = found.labels.clone(), found.matched_idxs.clone()
    # 2. The best anchors of those gt boxes alone that have one good enough.
    if convention.least_best_iou > 0:
        enough = (found.best_iou_per_gt >= convention.least_best_iou).nonzero().flatten()
        plain = label_anchors(anchors, gt_boxes, **rules, allow_low_quality_matches=False)  # type: ignore[arg-type]
        best = label_anchors(anchors, gt_boxes[enough], **rules).best_for_gt_idxs >= 0  # type: ignore[arg-type]
        labels = torch.where(best, POSITIVE, plain.labels).to(torch.int8)
        matched_idxs = torch.where(labels == POSITIVE, found.best_gt_idxs, -1)
    # 3. Who is best for an object may have to move to that one; of several, to the last.
    if convention.taker == "the object it is best for":
        kept = (found.best_iou_per_gt >= convention.least_best_iou).nonzero().flatten().flip(0)
        backwards = label_anchors(anchors, gt_boxes[kept], **rules).best_for_gt_idxs  # type: ignore[arg-type]
        taken = backwards >= 0
        matched_idxs[taken] = kept[backwards[taken]]
    # 4. Nothing is learned from background in a crowd.
    if convention.crowd == "no negatives there" and len(crowd_boxes):
        touches = box_iou(anchors, crowd_boxes).amax(dim=1) >= CROWD_IOU
        labels[touches & (labels == NEGATIVE)] = IGNORED
    return labels, matched_idxs


def encode_by(convention: Convention, gt_boxes: Tensor, anchors: Tensor) -> Tensor:
    """The four numbers that a project would have the network say.

    Args:
        convention: whose.
        gt_boxes (Tensor[N, 4]): xyxy, px.
        anchors (Tensor[N, 4]): xyxy, px.

    Returns:
        Tensor[N, 4].

    Raises:
        ValueError: as `encode`.
    """
    deltas = encode(gt_boxes, anchors)
    return deltas * deltas.new_tensor(convention.weights)


def decode_by(convention: Convention, deltas: Tensor, anchors: Tensor) -> Tensor:
    """Move anchors as a project reads the network's four numbers.

    Args:
        convention: whose.
        deltas (Tensor[N, 4]): what the network says.
        anchors (Tensor[N, 4]): xyxy, px.

    Returns:
        Tensor[N, 4]: xyxy, px.

    Raises:
        ValueError: as `decode`.
    """
    anchors = check_boxes(anchors, "anchors")
    deltas = take_numbers(deltas, "deltas", f"{len(anchors)}, 4").to(anchors.dtype)
    deltas = deltas / deltas.new_tensor(convention.weights)
    if convention.vertical_only:
        deltas = deltas * deltas.new_tensor([0.0, 1, 0, 1])
    if convention.clamp == "above and below":
        deltas = torch.cat([deltas[:, :2], deltas[:, 2:].clamp(min=-BBOX_XFORM_CLIP)], dim=1)
    boxes = decode(deltas, anchors)
    if convention.clamp == "none":  # the lesson's `decode` cuts off: half of the way, and half again
        far = (deltas[:, 2:] > BBOX_XFORM_CLIP).any(dim=1)
        sizes = torch.cat([torch.zeros_like(deltas[far, :2]), deltas[far, 2:] / 2], dim=1)
        halfway = decode(torch.cat([deltas[far, :2], deltas[far, 2:] / 2], dim=1), anchors[far])
        boxes = boxes.index_put((far.nonzero().flatten(),), decode(sizes, halfway))
    return boxes + boxes.new_tensor([0.0, 0, convention.extra_pixel, convention.extra_pixel])


def losses_by(
    convention: Convention, objectness: Tensor, pred_bbox_deltas: Tensor, labels: Tensor, regression_targets: Tensor
) -> tuple[float, float]:
    """The two losses of a minibatch as a project adds them up.

    Args:
        convention: whose.
        objectness (Tensor[K]): logits of the sampled anchors.
        pred_bbox_deltas (Tensor[K, 4]): their deltas, as `decode` takes them; multiplied by the weights here.
        labels (Tensor[K]): their labels, 1 or 0.
        regression_targets (Tensor[K, 4]): their targets, as `encode` gives them; likewise.

    Returns:
        loss_objectness, loss_rpn_box_reg: weighted, so that their sum is the loss.

    Raises:
        ValueError: as `minibatch_losses`.
    """
    deltas = take_numbers(pred_bbox_deltas, "pred_bbox_deltas", "K, 4").detach()
    targets = take_numbers(regression_targets, "regression_targets", "K, 4").detach()
    labels = take_whole_numbers(labels, "labels", f"{len(deltas)}", IGNORED, POSITIVE)
    weights = torch.tensor(convention.weights)
    positives = int((labels == POSITIVE).sum())
    counts = {"sampled": int((labels != IGNORED).sum()), "positives + 1": positives + 1, "4 × positives": 4 * positives}
    n_cls, n_reg = (max(counts[by], 1) if isinstance(by, str) else by for by in (convention.n_cls, convention.n_reg))
    normalisation = Normalisation(convention.beta, n_cls, n_reg, 1.0, convention.name)
    return minibatch_losses(objectness, deltas * weights, labels, targets * weights, normalisation)


def propose_by(
    convention: Convention,
    objectness: Tensor,
    boxes: Tensor,
    image_size: tuple[int, int],
    resized_by: float = 1.0,
    training: bool = False,
) -> Stages:
    """Turn decoded boxes into proposals as a project does.

    Args:
        convention: whose.
        objectness (Tensor[N]): logits.
        boxes (Tensor[N, 4]): xyxy, px; from `decode_by`.
        image_size: (H, W), px.
        resized_by: by what the picture was made larger for the network; min_size is of the picture before.
        training: with the numbers for training.

    Returns:
        Stages: see there. Where the best are taken first, the others have no area from then on, and count as too small.

    Raises:
        ValueError: as `propose`.
    """
    boxes = check_boxes(boxes, "boxes").detach()
    objectness = take_numbers(objectness, "objectness", f"{len(boxes)}").detach()
    min_size = convention.min_size * take_number(resized_by, "resized_by")
    pre_nms_top_n, post_nms_top_n = (
        pair[not training] for pair in (convention.pre_nms_top_n, convention.post_nms_top_n)
    )
    if convention.first == "the best for NMS":
        others = objectness.argsort(descending=True, stable=True)[pre_nms_top_n:]
        boxes = boxes.index_fill(0, others, 0)
    stay = torch.zeros_like(boxes)
    return propose(objectness, stay, boxes, image_size, pre_nms_top_n, post_nms_top_n, NMS_THRESH, min_size)


def _ctpn_cells() -> Tensor:
    """Ten boxes in whole pixels round the middle of the pixels 0 … 15, corners cut towards 0; here round (0, 0)."""
    heights, middle = torch.tensor(CTPN_HEIGHTS, dtype=torch.float64), (CELL - 1) / 2
    halves = torch.stack([torch.full_like(heights, CELL / 2), heights / 2], dim=1)  # (x, y)
    first, last = torch.stack([-halves, halves]).add(middle).trunc()
    return torch.cat([first, last + 1], dim=1).sub(CELL / 2).float()


def _round_origin(widths: Tensor, heights: Tensor) -> Tensor:
    """Boxes of these sides round (0, 0), Tensor[A, 4] float32."""
    halves: Tensor = torch.stack([-widths, -heights, widths, heights], dim=-1) / 2
    return halves.reshape(-1, 4).to(torch.float32)
