"""Anchors on a picture: those of one cell to scale, one shape at every cell."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from matplotlib.collections import PolyCollection
from matplotlib.lines import Line2D
from torch import Tensor

from rpnviz._inputs import take_whole
from rpnviz.boxes import check_boxes
from rpnviz.figures.palette import PALETTE, anchor_look
from rpnviz.figures.primitives import Still, draw_box, legend, line_of, new_still, show_picture


def anchors_on_picture(
    image: npt.NDArray[np.uint8],
    anchors: Tensor,
    names: Sequence[str],
    num_scales: int,
    sentence: str,
    receptive_field: Sequence[float] | None = None,
) -> Still:
    """Draw the anchors of one cell to scale: colour by scale, dash by ratio.

    Args:
        image (uint8 [H, W, 3]): the picture.
        anchors (Tensor[A, 4]): xyxy in picture pixels, ratio-major.
        names (list[str], A entries): words for the legend, e.g. "182×90".
        num_scales: how many scales there are; anchor a has scale a modulo this.
        sentence: the title.
        receptive_field: xyxy, drawn too if given.

    Raises:
        ValueError: if anchors are no boxes, or num_scales is below 1.
    """
    anchors, num_scales = check_boxes(anchors, "anchors"), take_whole(num_scales, "num_scales")
    figure = new_still(8, 5.9, sentence)
    ax = figure.add_axes((0.01, 0.14, 0.98, 0.79))
    show_picture(ax, image, margin=0.2)
    handles = []
    for a, box in enumerate(anchors.tolist()):
        style, colour = anchor_look(a, num_scales)
        draw_box(ax, box, style, colour)
        handles.append(Line2D([], [], **line_of(style, colour)))  # type: ignore[arg-type]
    figure.legend(handles, names, loc="upper left", bbox_to_anchor=(0.01, 0.13), ncols=5, fontsize=8, frameon=False)
    if receptive_field is not None:
        draw_box(ax, receptive_field, "receptive_field")
        legend(figure, [("receptive_field", "receptive field")], 1, (0.68, 0.108))
    return figure


def field_figure(image: npt.NDArray[np.uint8], boxes: Tensor, inside: Tensor, dots: bool, sentence: str) -> Still:
    """Draw the anchors of one shape at every cell.

    Args:
        image (uint8 [H, W, 3]): the picture.
        boxes (Tensor[N, 4]): xyxy in picture pixels.
        inside (BoolTensor[N]): which lie inside the picture.
        dots: draw their centres, not their sides.
        sentence: the title.
    """
    figure = new_still(8, 5.9, sentence)
    ax = figure.add_axes((0.01, 0.08, 0.98, 0.85))
    show_picture(ax, image, margin=0.2)
    for key, chosen in (("crosses_border", boxes[~inside]), ("positive", boxes[inside])):
        if dots:
            x, y = ((chosen[:, :2] + chosen[:, 2:]) / 2).T
            ax.scatter(x, y, s=5, color=PALETTE[key], edgecolors=PALETTE["casing"], linewidths=0.4)
        else:
            x1, y1, x2, y2 = chosen.numpy().T
            corners = np.stack(
                [np.stack([x1, y1], 1), np.stack([x2, y1], 1), np.stack([x2, y2], 1), np.stack([x1, y2], 1)], 1
            )
            ax.add_collection(
                PolyCollection(list(corners), facecolors="none", edgecolors=PALETTE[key], alpha=0.35, lw=0.6),
                autolim=False,
            )
    legend(figure, [("positive", "inside the picture"), ("crosses_border", "crosses its border")], 2, (0.01, 0.06))
    return figure
