"""Boxes on a picture."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from torch import Tensor

from rpnviz.boxes import check_boxes
from rpnviz.figures.palette import IN_WORDS
from rpnviz.figures.primitives import Still, draw_box, legend, new_still, show_objects, show_picture

ROOM = 12  # px beyond a box that overhangs further


def boxes_on_picture(
    image: npt.NDArray[np.uint8],
    boxes: Tensor,
    styles: Sequence[str],
    sentence: str,
    gt_boxes: Tensor | None = None,
    class_names: Sequence[str] = (),
) -> Still:
    """Draw boxes on a picture, also beyond its border: the view reaches as far as they do.

    Args:
        image (uint8 [H, W, 3]): the picture.
        boxes (Tensor[N, 4]): xyxy in picture pixels.
        styles (list[str], N entries): key of LINE_STYLES of each box.
        sentence: the title, and the text for those who do not see the figure.
        gt_boxes (Tensor[M, 4], optional): objects, drawn under the boxes.
        class_names (list[str], M entries): their names.

    Raises:
        ValueError: if boxes or gt_boxes are none.
    """
    boxes = check_boxes(boxes, "boxes")
    figure = new_still(8, 5.5, sentence)
    ax = figure.add_axes((0.01, 0.09, 0.98, 0.84))
    show_picture(ax, image)
    if gt_boxes is not None:
        show_objects(ax, check_boxes(gt_boxes, "gt_boxes"), class_names)
    for box, style in zip(boxes.tolist(), styles, strict=True):
        draw_box(ax, box, style)
        (left, right), (bottom, top) = ax.get_xlim(), ax.get_ylim()
        ax.set_xlim(min(left, box[0] - ROOM), max(right, box[2] + ROOM))
        ax.set_ylim(max(bottom, box[3] + ROOM), min(top, box[1] - ROOM))
    used = sorted(set(styles)) + (["ground_truth"] if gt_boxes is not None else [])
    legend(figure, [(style, IN_WORDS[style]) for style in used], 6, (0.01, 0.07))
    return figure
