"""The still picture of the detections."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from torch import Tensor

from rpnviz.figures.palette import PALETTE
from rpnviz.figures.primitives import Still, draw_box, draw_thin, new_still, show_picture

FOREMOST, NAMED = 10, 20  # proposals that stand out among many; so many boxes leave room for their names


def detections_figure(
    image: npt.NDArray[np.uint8], boxes: Tensor, labels: Sequence[int], names: Sequence[str], sentence: str
) -> Still:
    """Draw boxes, with names where there are any.

    Args:
        image (uint8 [H, W, 3]): the picture.
        boxes (Tensor[D, 4]): xyxy in picture pixels, best first.
        labels (list[int], D entries): class of each, from 1 on; 0 is drawn as a proposal, thin after the best ten.
        names (list[str], D entries or none): words at the boxes, left out where they are more than twenty.
        sentence: the title.
    """
    figure = new_still(8, 5.3, sentence)
    ax = figure.add_axes((0.01, 0.02, 0.98, 0.9))
    show_picture(ax, image, margin=0)
    behind = [i for i, label in enumerate(labels) if not label and i >= FOREMOST]
    draw_thin(ax, boxes[behind], "proposal")
    for i, label in enumerate(labels):
        if i not in behind:
            draw_box(ax, boxes[i], "detection" if label else "proposal")
    if len(names) > NAMED:
        return figure
    for box, name in zip(boxes.tolist(), names, strict=False):
        tag = {"facecolor": PALETTE["detection"], "edgecolor": PALETTE["casing"], "linewidth": 0.5, "pad": 1.5}
        x, y = box[0], max(box[1], 20)
        ax.text(x, y, name, fontsize=8, color=PALETTE["casing"], bbox=tag, va="bottom", clip_on=True, parse_math=False)
    return figure
