"""Anchors on a picture: those of one cell to scale, one shape at every cell, and where it fits."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from torch import Tensor

from rpnviz.boxes import check_boxes
from rpnviz.figures.palette import PALETTE
from rpnviz.figures.primitives import Still, draw_box, draw_names, legend, new_still, show_picture


def anchors_on_picture(
    image: npt.NDArray[np.uint8],
    anchors: Tensor,
    names: Sequence[str],
    sentence: str,
    receptive_field: Sequence[float] | None = None,
) -> Still:
    """Draw the anchors of one cell to scale, each with its name.

    Args:
        image (uint8 [H, W, 3]): the picture.
        anchors (Tensor[A, 4]): xyxy in picture pixels.
        names (list[str], A entries): e.g. "182×90".
        sentence: the title.
        receptive_field: xyxy, drawn too if given.

    Raises:
        ValueError: if anchors are no boxes.
    """
    anchors = check_boxes(anchors, "anchors")
    figure = new_still(8, 5.9, sentence)
    ax = figure.add_axes((0.01, 0.08, 0.98, 0.85))
    show_picture(ax, image, margin=0.2)
    for box in anchors.tolist():
        draw_box(ax, box, "anchor")
    lines = [("anchor", "anchor")]
    if receptive_field is not None:
        draw_box(ax, receptive_field, "receptive_field")
        lines.append(("receptive_field", "receptive field"))
    draw_names(ax, anchors, names, "anchor")
    legend(figure, lines, 2, (0.01, 0.06))
    return figure


def centres_figure(image: npt.NDArray[np.uint8], boxes: Tensor, inside: Tensor, sentence: str) -> Still:
    """Draw the centres of the anchors of one shape at every cell.

    Args:
        image (uint8 [H, W, 3]): the picture.
        boxes (Tensor[N, 4]): xyxy in picture pixels.
        inside (BoolTensor[N]): which lie inside the picture.
        sentence: the title.
    """
    figure, ax = _field(image, sentence, "inside the picture")
    for key, chosen in (("crosses_border", boxes[~inside]), ("positive", boxes[inside])):
        x, y = ((chosen[:, :2] + chosen[:, 2:]) / 2).T
        ax.scatter(x, y, s=5, color=PALETTE[key], edgecolors=PALETTE["casing"], linewidths=0.4)
    return figure


def room_figure(image: npt.NDArray[np.uint8], boxes: Tensor, inside: Tensor, columns: int, sentence: str) -> Still:
    """Draw where the centre of one shape may stand, and three of its boxes: the first, the last, and one too far.

    Args:
        image (uint8 [H, W, 3]): the picture.
        boxes (Tensor[N, 4]): the shape at every cell, row by row; xyxy in picture pixels.
        inside (BoolTensor[N]): which lie inside the picture.
        columns: cells in a row.
        sentence: the title.
    """
    figure, ax = _field(image, sentence, "here its centre may stand")
    (height, width), fits = image.shape[:2], inside.nonzero().flatten().tolist()
    wide, high = (boxes[0, 2:] - boxes[0, :2]).tolist()
    if wide <= width and high <= height:
        look = {"facecolor": PALETTE["positive"], "edgecolor": PALETTE["casing"], "alpha": 0.35}
        ax.add_patch(Rectangle((wide / 2, high / 2), width - wide, height - high, **look))  # type: ignore[arg-type]
    for cell, key in _examples(fits, columns, len(boxes)):
        draw_box(ax, boxes[cell], key)
        x, y = ((boxes[cell, :2] + boxes[cell, 2:]) / 2).tolist()
        ax.scatter([x], [y], s=14, color=PALETTE[key], edgecolors=PALETTE["casing"], linewidths=0.6, zorder=3)
    return figure


def _examples(fits: Sequence[int], columns: int, cells: int) -> list[tuple[int, str]]:
    """Cells whose box is drawn, with its style; as `examples` of the page."""
    if not fits:
        return [(cells // columns // 2 * columns + columns // 2, "crosses_border")]
    first, last = fits[0], fits[-1]
    beyond = last + columns + 1
    over = [(beyond, "crosses_border")] if last % columns < columns - 1 and beyond < cells else []
    return [*over, (first, "positive"), (last, "positive")]


def _field(image: npt.NDArray[np.uint8], sentence: str, green: str) -> tuple[Still, Axes]:
    figure = new_still(8, 5.9, sentence)
    ax = figure.add_axes((0.01, 0.08, 0.98, 0.85))
    show_picture(ax, image, margin=0.2)
    legend(figure, [("positive", green), ("crosses_border", "crosses the border")], 2, (0.01, 0.06))
    return figure, ax
