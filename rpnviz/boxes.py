"""Boxes as [x1, y1, x2, y2]: area, IoU, clipping, and the four numbers (dx, dy, dw, dh) that the network regresses.

Shapes: N, M numbers of boxes. Boxes have continuous edges (no "+ 1"), in pixels of the picture. They may be given in
any number type; results are float32, or float64 if an argument is, and gradients flow through all functions here.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
import torchvision.ops
from torch import Tensor
from torchvision.tv_tensors import BoundingBoxes

from rpnviz._inputs import FURTHEST, MOST_PAIRS, check_count, take_numbers, take_size

FORMATS = ("XYXY", "XYWH", "CXCYWH")  # of torchvision's BoundingBoxes
BBOX_XFORM_CLIP = math.log(1000 / 16)  # the largest dw, dh that is believed: a side grows at most 62.5-fold


def check_boxes(boxes: Tensor, argument: str) -> Tensor:
    """Take a list of boxes, in any number type; refuse what is none.

    Args:
        boxes (Tensor[N, 4]): xyxy; also an array or nested lists, `[]` for none. Torchvision's BoundingBoxes say
            themselves how they are written, and are converted.
        argument: what the caller calls them.

    Returns:
        Tensor[N, 4]: float32 or float64; gradients are kept.

    Raises:
        ValueError: if they are not [N, 4] finite numbers with x1 ≤ x2 and y1 ≤ y2, or lie further off than 2²⁴ px.
    """
    if isinstance(boxes, (list, tuple)) and not boxes:
        return torch.zeros(0, 4)
    written = boxes.format.value if isinstance(boxes, BoundingBoxes) else "XYXY"
    if written not in FORMATS:
        raise ValueError(f"{argument} must be written as one of {', '.join(FORMATS)}; got {written}")
    boxes = take_numbers(boxes, argument, "N, 4")
    if written != "XYXY":
        boxes = torchvision.ops.box_convert(boxes, written.lower(), "xyxy")
    if len(boxes):
        sides = (boxes[:, 2:] - boxes[:, :2]).detach()
        low, high = boxes.detach().aminmax()
        if sides.amin() < 0 or low < -FURTHEST or high > FURTHEST:
            i = int(((sides < 0) | (boxes.abs().amax(dim=1, keepdim=True) > FURTHEST)).any(dim=1).nonzero()[0])
            takes = f"have x1 ≤ x2 and y1 ≤ y2, within ±{FURTHEST:,} px"
            raise ValueError(f"{argument}[{i}] must {takes}; got {boxes[i].tolist()}")
    return boxes


def box_area(boxes: Tensor) -> Tensor:
    """Area of each box.

    Args:
        boxes (Tensor[N, 4]): xyxy, px.

    Returns:
        Tensor[N]: px².

    Raises:
        ValueError: if boxes is not a list of boxes.
    """
    area: Tensor = torchvision.ops.box_area(check_boxes(boxes, "boxes"))
    return area


def box_iou(boxes1: Tensor, boxes2: Tensor) -> Tensor:
    """Intersection over union of every pair.

    Args:
        boxes1 (Tensor[N, 4]): xyxy, px.
        boxes2 (Tensor[M, 4]): xyxy, px.

    Returns:
        Tensor[N, M]: in [0, 1]; 0 where the union is empty.

    Raises:
        ValueError: if an argument is not a list of boxes, or there are more than 33,554,432 pairs.

    Source: Ren et al. 2015, section 3.1.2.
    Differs: torchvision.ops.box_iou gives NaN for two boxes without area; here it is 0.
    """
    boxes1, boxes2 = check_boxes(boxes1, "boxes1"), check_boxes(boxes2, "boxes2")
    check_count(len(boxes1) * len(boxes2), MOST_PAIRS, "boxes1 and boxes2 make … pairs")
    return pairwise_iou(boxes1, boxes2)


def pairwise_iou(boxes1: Tensor, boxes2: Tensor) -> Tensor:
    """The arithmetic of `box_iou`, for a caller that has checked its boxes.

    Args:
        boxes1 (Tensor[N, 4]): xyxy, px.
        boxes2 (Tensor[M, 4]): xyxy, px.

    Returns:
        Tensor[N, M]: in [0, 1]; 0 where the union is empty.
    """
    left1, top1, right1, bottom1 = _edges(boxes1)[:, :, None]  # [N, 1] each
    left2, top2, right2, bottom2 = _edges(boxes2)[:, None, :]  # [1, M] each
    # 1. How much the two share. In place from here on: a table of all pairs is large.
    widths = torch.minimum(right1, right2).sub_(torch.maximum(left1, left2)).clamp_(min=0)  # [N, M]
    heights = torch.minimum(bottom1, bottom2).sub_(torch.maximum(top1, top2)).clamp_(min=0)  # [N, M]
    intersection = widths.mul_(heights)
    # 2. How much they cover together: what they share counts once.
    areas1, areas2 = (right1 - left1) * (bottom1 - top1), (right2 - left2) * (bottom2 - top2)
    union = (areas1 + areas2).sub_(intersection)  # [N, M]
    # 3. The one over the other; 0 / 0 is two boxes without area.
    return intersection.div_(union).nan_to_num_(nan=0.0)


def pair_iou(box1: Tensor, box2: Tensor) -> float:
    """Intersection over union of one pair.

    Args:
        box1 (Tensor[4]): xyxy, px.
        box2 (Tensor[4]): xyxy, px.

    Returns:
        In [0, 1]; 0 where the union is empty.

    Raises:
        ValueError: if an argument is not a box.
    """
    pair = [take_numbers(box, argument, "4")[None] for box, argument in ((box1, "box1"), (box2, "box2"))]
    return float(box_iou(*pair))


def clip(boxes: Tensor, image_size: tuple[int, int]) -> Tensor:
    """Cut boxes off at the picture's border.

    Args:
        boxes (Tensor[N, 4]): xyxy, px.
        image_size: (H, W), px.

    Returns:
        Tensor[N, 4]: a copy inside [0, W] × [0, H]; a box that lay outside has no area left.

    Raises:
        ValueError: if boxes is not a list of boxes, or image_size is no size.
    """
    boxes = check_boxes(boxes, "boxes")
    height, width = take_size(image_size, "image_size")
    return boxes.clamp(min=0).minimum(boxes.new_tensor([width, height, width, height]))


def encode(gt_boxes: Tensor, anchors: Tensor) -> Tensor:
    """The deltas that would move each anchor onto its gt box.

    tx = (gx − ax) / aw,  ty = (gy − ay) / ah,  tw = ln(gw / aw),  th = ln(gh / ah);  x, y are centres.

    Args:
        gt_boxes (Tensor[N, 4]): xyxy, px; one for each anchor.
        anchors (Tensor[N, 4]): xyxy, px.

    Returns:
        Tensor[N, 4]: (dx, dy, dw, dh), without units.

    Raises:
        ValueError: if the shapes differ or a box has no area (its logarithm would be −∞).

    Source: Ren et al. 2015, equation 2.
    Differs: no; torchvision's BoxCoder with weights (1, 1, 1, 1).
    """
    gt_boxes, anchors = check_boxes(gt_boxes, "gt_boxes"), check_boxes(anchors, "anchors")
    if gt_boxes.shape != anchors.shape:
        raise ValueError(f"gt_boxes and anchors must pair up; got {list(gt_boxes.shape)} and {list(anchors.shape)}")
    for boxes, argument in ((gt_boxes, "gt_boxes"), (anchors, "anchors")):
        if (boxes[:, 2:] <= boxes[:, :2]).any():
            raise ValueError(f"{argument} must have x1 < x2 and y1 < y2 to be encoded; one box has no area")
    gt_centre, gt_size = _centre_and_size(gt_boxes)
    centre, size = _centre_and_size(anchors)
    return torch.cat([(gt_centre - centre) / size, _rounded(torch.log, gt_size / size)], dim=1)


def decode(deltas: Tensor, anchors: Tensor) -> Tensor:
    """Move each anchor by its deltas: the inverse of `encode`.

    Args:
        deltas (Tensor[N, 4]): (dx, dy, dw, dh), without units; dw and dh are cut off above at ln(1000 / 16).
        anchors (Tensor[N, 4]): xyxy, px.

    Returns:
        Tensor[N, 4]: xyxy, px; may reach beyond the picture, up to 2²⁴ px.

    Raises:
        ValueError: if the shapes differ, anchors are no boxes, or deltas are not finite.

    Source: Ren et al. 2015, equation 2, solved for the box. The cut-off is py-faster-rcnn's successors': it keeps
        the exponential finite when a fresh network guesses wildly.
    Differs: no, up to 2²⁴ px; torchvision's BoxCoder with weights (1, 1, 1, 1).
    """
    anchors = check_boxes(anchors, "anchors")
    deltas = take_numbers(deltas, "deltas", f"{len(anchors)}, 4")
    x1, y1, x2, y2 = anchors.unbind(dim=1)  # [N] each
    dx, dy, dw, dh = deltas.unbind(dim=1)
    # 1. The centre moves by a share of the anchor's sides.
    width, height = x2 - x1, y2 - y1
    x, y = x1 + width / 2 + dx * width, y1 + height / 2 + dy * height
    # 2. The sides grow by a factor.
    half_width = width * _rounded(torch.exp, dw.clamp(max=BBOX_XFORM_CLIP)) / 2
    half_height = height * _rounded(torch.exp, dh.clamp(max=BBOX_XFORM_CLIP)) / 2
    moved = torch.stack([x - half_width, y - half_height, x + half_width, y + half_height], dim=1)
    return moved.clamp(-FURTHEST, FURTHEST)  # a fresh network's dx may even be worth infinity


def _rounded(function: Callable[[Tensor], Tensor], values: Tensor) -> Tensor:
    """A logarithm or exponential by way of float64: in float32 its last bit depends on the processor."""
    return function(values.double()).to(values.dtype)


def _edges(boxes: Tensor) -> Tensor:
    """x1, y1, x2, y2 of all boxes, Tensor[4, N]: each edge in one piece of memory, which is quicker to work with."""
    return torch.stack(boxes.unbind(dim=1))


def _centre_and_size(boxes: Tensor) -> tuple[Tensor, Tensor]:
    """Centres (x, y) and sizes (w, h), each Tensor[N, 2]."""
    size = boxes[:, 2:] - boxes[:, :2]
    return boxes[:, :2] + size / 2, size
