"""The stills of notebook 08: boxes in the middle of NMS, and the boxes of one stage with the counts of all.

Like `draw`, whose lines and colours these are: results in, matplotlib Figure out, nothing computed here.
Shapes: N boxes, M ground-truth boxes, H × W picture; boxes are xyxy in its pixels.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from torch import Tensor

from rpnviz.draw import PALETTE, Still, draw_box, draw_name, legend, new_still, show_objects, show_picture

# State of a box -> (key of LINE_STYLES, words). In this order they are drawn, the last on top.
NMS_LINES = {
    "waiting": ("ignored", "waiting"),
    "suppressed": ("crosses_border", "suppressed"),
    "kept": ("proposal", "kept"),
    "falls": ("negative", "suppressed now"),
    "current": ("window", "its turn"),
}
NAMED = 12  # so many boxes still have room for their names
MARGIN = 0.02
BEHIND = ("waiting", "suppressed")  # thin where they are many


def draw_thin(ax: Axes, boxes: Tensor, style: str) -> None:
    """Draw many boxes (Tensor[N, 4]) with thin lines in the colour of ``style``, without the dark casing."""
    x1, y1, x2, y2 = boxes.numpy().T
    around = np.stack([x1, y1, x2, y1, x2, y2, x1, y2, x1, y1], axis=1).reshape(-1, 5, 2)
    ax.add_collection(LineCollection(list(around), colors=PALETTE[style], linewidths=0.8, alpha=0.6), autolim=False)


def nms_figure(
    image: npt.NDArray[np.uint8],
    boxes: Tensor,
    states: Sequence[str],
    names: Sequence[str],
    objects: tuple[Tensor, list[str]],
    sentence: str,
) -> Still:
    """Draw the boxes as they stand at one moment of NMS.

    Args:
        image (uint8 [H, W, 3]): the picture.
        boxes (Tensor[N, 4]): best score first.
        states (list[str], N entries): key of NMS_LINES of each.
        names (list[str], N entries): written if there are few.
        objects: gt_boxes (Tensor[M, 4]) and their names.
        sentence: the title.
    """
    figure = new_still(8, 5.5, sentence)
    ax = figure.add_axes((0.01, 0.09, 0.98, 0.84))
    show_picture(ax, image, MARGIN)
    show_objects(ax, *objects)
    for state, (style, _) in NMS_LINES.items():
        chosen = [i for i, its_state in enumerate(states) if its_state == state]
        if state in BEHIND and len(boxes) > NAMED:
            draw_thin(ax, boxes[chosen], style)
            continue
        for i in chosen:
            draw_box(ax, boxes[i], style)
            if len(boxes) <= NAMED or state == "current":
                draw_name(ax, float(boxes[i, 0]), float(boxes[i, 1]), names[i])
    used = [line for state, line in NMS_LINES.items() if state in states]
    if len(objects[0]):
        used.append(("ground_truth", "object"))
    legend(figure, used, 6, (0.01, 0.07))
    return figure


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
