"""The still picture of a pyramid: the best anchor of each level on the object, and how well each fits."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from torch import Tensor

from rpnviz.figures.palette import PALETTE
from rpnviz.figures.primitives import Still, draw_box, draw_names, new_still, show_picture


def pyramid_figure(
    image: npt.NDArray[np.uint8],
    names: Sequence[str],
    fits: Sequence[float],
    boxes: Tensor,
    gt_boxes: Tensor,
    sentence: str,
) -> Still:
    """Draw the best anchor of each level on the picture, and its IoU as a bar.

    Args:
        image (uint8 [H, W, 3]): the picture.
        names (list[str], L entries): of the levels.
        fits (list[float], L entries): the best IoU of each; empty if no object is picked.
        boxes (Tensor[L, 4]): the anchors that reach it, px of the picture; likewise.
        gt_boxes (Tensor[M, 4]): the objects.
        sentence: the title.
    """
    figure = new_still(11.5, 5.2, sentence)
    left, right = figure.add_axes((0.06, 0.14, 0.24, 0.74)), figure.add_axes((0.34, 0.03, 0.65, 0.89))
    bars = left.barh(names, [*fits] or [0.0] * len(names), color=PALETTE["anchor"], edgecolor=PALETTE["casing"])
    left.bar_label(bars, fmt="{:.2f}")
    left.set(xlim=(0, 1.15), xlabel="best IoU of an anchor with the object")
    left.invert_yaxis()
    left.spines[["top", "right"]].set_visible(False)
    show_picture(right, image)
    for box in gt_boxes:
        draw_box(right, box, "ground_truth")
    for box in boxes:
        draw_box(right, box, "anchor")
    draw_names(right, boxes, names[: len(boxes)], "anchor")
    return figure
