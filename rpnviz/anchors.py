"""Anchors: k reference boxes round the centre of every cell, the same k everywhere.

Shapes: A anchors of one cell (nine in the paper), h × w cells, N = h · w · A anchors in all.
Order: cell anchors are ratio-major, a = ratio_index · number_of_scales + scale_index; all anchors lie row by row,
number (row · w + col) · A + a. The network's output channels have the same order.
"""

from __future__ import annotations

from collections.abc import Sequence
from reprlib import repr as shorten
from typing import Any

import torch
from torch import Tensor

from rpnviz._inputs import FURTHEST, MOST_ANCHORS, check_count, take_numbers, take_size
from rpnviz.boxes import check_boxes
from rpnviz.grid import Grid

SCALES = (128, 256, 512)  # side of the square of the same area, px of the picture
ASPECT_RATIOS = (0.5, 1.0, 2.0)  # height / width


def cell_anchors(scales: Sequence[float] = SCALES, aspect_ratios: Sequence[float] = ASPECT_RATIOS) -> Tensor:
    """The anchors of one cell, round the origin.

    Args:
        scales: √area of the anchors, px of the picture.
        aspect_ratios: height / width.

    Returns:
        Tensor[A, 4]: float32 xyxy, px, symmetric about (0, 0), half sides rounded to whole pixels.

    Raises:
        ValueError: if a list is empty or holds anything but numbers above 0 and up to 2²⁴, or a side rounds to 0 px.

    Source: Ren et al. 2015, section 3.3: 3 scales × 3 ratios, "not carefully chosen for a particular dataset".
    Differs: no; torchvision's AnchorGenerator rounds in the same way (hence 182 × 90 rather than 181.02 × 90.51).
        py-faster-rcnn rounds in inclusive pixels (184 × 96), detectron2 is scale-major and does not round.
    """
    scale, ratio = _above_zero(scales, "scales"), _above_zero(aspect_ratios, "aspect_ratios")
    check_count(len(scale) * len(ratio), MOST_ANCHORS, "scales and aspect_ratios make … anchors a cell")
    # 1. A ratio r = h / w at area s²: h = s·√r, w = s / √r.
    heights = (ratio.sqrt()[:, None] * scale[None, :]).flatten()  # [A], ratio-major
    widths = ((1 / ratio.sqrt())[:, None] * scale[None, :]).flatten()  # [A]
    # 2. Half of it to either side of the origin, rounded.
    cells = (torch.stack([-widths, -heights, widths, heights], dim=1) / 2).round()
    if (cells[:, 2:] == 0).any():
        raise ValueError(f"scales {list(scales)} with aspect_ratios {list(aspect_ratios)} round to a box without area")
    return cells


def _above_zero(values: Any, argument: str) -> Tensor:
    """One or more numbers above 0, as float32."""
    try:
        taken = take_numbers(values, argument, "S").detach().float()
    except ValueError:
        taken = torch.zeros(0)
    if len(taken) == 0 or not (0 < taken.amin() <= taken.amax() <= FURTHEST):
        takes = f"one or more finite numbers above 0 and at most {FURTHEST:,}"
        raise ValueError(f"{argument} must be {takes}; got {shorten(values)}")
    return taken


def ctpn_cell_anchors() -> Tensor:
    """The ten anchors of CTPN, the text detector: width 16, heights from 11 to 273. Not Faster R-CNN's.

    Returns:
        Tensor[10, 4]: float32 xyxy, px, round the origin; each height is the one before divided by 0.7.

    Source: Tian et al. 2016 (arXiv 1609.03605), section 3.1.
    Differs: common code rounds on the way and ends at 283.
    """
    heights = (11 / 0.7 ** torch.arange(10, dtype=torch.float64)).float()
    half_widths = torch.full_like(heights, 8)
    return torch.stack([-half_widths, -heights / 2, half_widths, heights / 2], dim=1)


def grid_anchors(grid: Grid, cells: Tensor) -> Tensor:
    """Put the cell anchors on the centre of every cell.

    Args:
        grid: h × w cells on the picture.
        cells (Tensor[A, 4]): from `cell_anchors`; its device is kept.

    Returns:
        Tensor[h·w·A, 4]: xyxy, px; row (row · w + col) · A + a. Many reach beyond the picture.

    Raises:
        ValueError: if `cells` is not a list of boxes, or there would be more than 4,194,304 anchors.

    Source: Ren et al. 2015, section 3.1.1: "an anchor is centered at the sliding window in question".
    Differs: torchvision centres on the cell's corner; ours minus (8, 8) equals torchvision's on the 37 × 62 grid.
    """
    cells = check_boxes(cells, "cells")
    h, w = grid.feature_size
    check_count(h * w * len(cells), MOST_ANCHORS, "grid and cells make … anchors")
    stride_y, stride_x = grid.stride
    # 1. The centre of every cell.
    y = (torch.arange(h, dtype=cells.dtype, device=cells.device) + 0.5) * stride_y  # [h]
    x = (torch.arange(w, dtype=cells.dtype, device=cells.device) + 0.5) * stride_x  # [w]
    y, x = torch.meshgrid(y, x, indexing="ij")  # [h, w] each
    # 2. The same A boxes shifted there.
    shifts = torch.stack([x, y, x, y], dim=-1)  # [h, w, 4]
    return (shifts[:, :, None, :] + cells).reshape(-1, 4)  # [h, w, A, 4] -> [N, 4]


def inside_picture(anchors: Tensor, image_size: tuple[int, int]) -> Tensor:
    """Which anchors lie wholly inside the picture; touching the border is inside.

    Args:
        anchors (Tensor[N, 4]): xyxy, px.
        image_size: (H, W), px.

    Returns:
        BoolTensor[N].

    Raises:
        ValueError: if `anchors` is not a list of boxes, or image_size is no size.

    Source: Ren et al. 2015, section 3.3: cross-boundary anchors are left out of training.
    Differs: py-faster-rcnn asks x2 < W in inclusive pixels, which is the same edge.
    """
    anchors = check_boxes(anchors, "anchors")
    height, width = take_size(image_size, "image_size")
    return (anchors[:, 0] >= 0) & (anchors[:, 1] >= 0) & (anchors[:, 2] <= width) & (anchors[:, 3] <= height)
