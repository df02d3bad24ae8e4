"""The still picture of the stages: who is left on the picture, and how many."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from torch import Tensor

from rpnviz.figures.palette import PALETTE
from rpnviz.figures.primitives import Still, draw_box, draw_thin, new_still, show_picture


def funnel_figure(
    image: npt.NDArray[np.uint8],
    counts: Sequence[tuple[str, int]],
    stage: int,
    boxes: Tensor,
    style: str,
    gt_boxes: Tensor,
    sentence: str,
) -> Still:
    """Draw how many are left after each stage, and the boxes of one of them.

    Args:
        image (uint8 [H, W, 3]): the picture.
        counts (list[(name, count)]): of all stages.
        stage: which of them the boxes belong to.
        boxes (Tensor[N, 4]): the boxes to draw.
        style: key of LINE_STYLES.
        gt_boxes (Tensor[M, 4]): the objects.
        sentence: the title.
    """
    figure = new_still(11.5, 5.2, sentence)
    left, right = figure.add_axes((0.12, 0.1, 0.24, 0.8)), figure.add_axes((0.4, 0.03, 0.59, 0.89))
    names, left_over = zip(*counts, strict=True)
    colours = [PALETTE["proposal"] if i == stage else PALETTE["crosses_border"] for i in range(len(counts))]
    left.bar_label(left.barh(names, left_over, color=colours), fmt="{:,.0f}", padding=3, fontsize=9)
    left.set(xlim=(0, 1.35 * max(left_over)), xticks=[])
    left.invert_yaxis()
    left.spines[["top", "right", "bottom"]].set_visible(False)
    show_picture(right, image)
    for box in gt_boxes:
        draw_box(right, box, "ground_truth")
    draw_thin(right, boxes, style)
    return figure
