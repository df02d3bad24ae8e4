"""Boxes as [x1, y1, x2, y2]: area, IoU, clipping, and the four numbers (dx, dy, dw, dh) that the network regresses.

Shapes: N, M numbers of boxes. Boxes are float tensors with continuous edges (no "+ 1"), in pixels of the picture.
"""

from __future__ import annotations

import math

import torch
import torchvision.ops
from torch import Tensor

BBOX_XFORM_CLIP = math.log(1000 / 16)  # the largest dw, dh that is believed: a side grows at most 62.5-fold


def check_boxes(boxes: Tensor, argument: str) -> None:
    """Refuse what is not a list of boxes.

    Raises:
        ValueError: if `boxes` is not a float Tensor[N, 4] of finite numbers with x1 ≤ x2 and y1 ≤ y2.
    """
    if not isinstance(boxes, Tensor) or boxes.ndim != 2 or boxes.shape[1] != 4 or not boxes.is_floating_point():
        got = f"{boxes.dtype} {list(boxes.shape)}" if isinstance(boxes, Tensor) else type(boxes).__name__
        raise ValueError(f"{argument} must be a float Tensor[N, 4] of xyxy boxes; got {got}")
    bad = ~torch.isfinite(boxes).all(dim=1) | (boxes[:, 2:] < boxes[:, :2]).any(dim=1)
    if bad.any():
        i = int(bad.nonzero()[0])
        raise ValueError(f"{argument}[{i}] must be finite with x1 ≤ x2 and y1 ≤ y2; got {boxes[i].tolist()}")


def box_area(boxes: Tensor) -> Tensor:
    """Area of each box.

    Args:
        boxes (Tensor[N, 4]): xyxy, px.

    Returns:
        Tensor[N]: px².
    """
    area: Tensor = torchvision.ops.box_area(boxes)
    return area


def box_iou(boxes1: Tensor, boxes2: Tensor) -> Tensor:
    """Intersection over union of every pair.

    Args:
        boxes1 (Tensor[N, 4]): xyxy, px.
        boxes2 (Tensor[M, 4]): xyxy, px.

    Returns:
        Tensor[N, M]: in [0, 1]; 0 where the union is empty.

    Raises:
        ValueError: if an argument is not a list of boxes.

    Source: Ren et al. 2015, section 3.1.2.
    Differs: torchvision.ops.box_iou gives NaN for two boxes without area; here it is 0.
    """
    check_boxes(boxes1, "boxes1")
    check_boxes(boxes2, "boxes2")
    return torch.nan_to_num(torchvision.ops.box_iou(boxes1, boxes2), nan=0.0)


def clip(boxes: Tensor, image_size: tuple[int, int]) -> Tensor:
    """Cut boxes off at the picture's border.

    Args:
        boxes (Tensor[N, 4]): xyxy, px.
        image_size: (H, W), px.

    Returns:
        Tensor[N, 4]: a copy inside [0, W] × [0, H]; a box that lay outside has no area left.
    """
    clipped: Tensor = torchvision.ops.clip_boxes_to_image(boxes, image_size)
    return clipped


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
    check_boxes(gt_boxes, "gt_boxes")
    check_boxes(anchors, "anchors")
    if gt_boxes.shape != anchors.shape:
        raise ValueError(f"gt_boxes and anchors must pair up; got {list(gt_boxes.shape)} and {list(anchors.shape)}")
    for boxes, argument in ((gt_boxes, "gt_boxes"), (anchors, "anchors")):
        if (boxes[:, 2:] <= boxes[:, :2]).any():
            raise ValueError(f"{argument} must have x1 < x2 and y1 < y2 to be encoded; one box has no area")
    gt_centre, gt_size = _centre_and_size(gt_boxes)
    centre, size = _centre_and_size(anchors)
    return torch.cat([(gt_centre - centre) / size, torch.log(gt_size / size)], dim=1)


def decode(deltas: Tensor, anchors: Tensor) -> Tensor:
    """Move each anchor by its deltas: the inverse of `encode`.

    Args:
        deltas (Tensor[N, 4]): (dx, dy, dw, dh), without units; dw and dh are cut off above at ln(1000 / 16).
        anchors (Tensor[N, 4]): xyxy, px.

    Returns:
        Tensor[N, 4]: xyxy, px; may reach beyond the picture.

    Raises:
        ValueError: if the shapes differ.

    Source: Ren et al. 2015, equation 2, solved for the box. The cut-off is py-faster-rcnn's successors': it keeps
        the exponential finite when a fresh network guesses wildly.
    Differs: no; torchvision's BoxCoder with weights (1, 1, 1, 1).
    """
    if deltas.shape != anchors.shape or anchors.ndim != 2 or anchors.shape[1] != 4:
        raise ValueError(f"deltas and anchors must both be [N, 4]; got {list(deltas.shape)} and {list(anchors.shape)}")
    centre, size = _centre_and_size(anchors)
    new_centre = centre + deltas[:, :2] * size
    new_size = size * torch.exp(deltas[:, 2:].clamp(max=BBOX_XFORM_CLIP))
    return torch.cat([new_centre - new_size / 2, new_centre + new_size / 2], dim=1)


def _centre_and_size(boxes: Tensor) -> tuple[Tensor, Tensor]:
    """Centres (x, y) and sizes (w, h), each Tensor[N, 2]."""
    size = boxes[:, 2:] - boxes[:, :2]
    return boxes[:, :2] + size / 2, size
