"""How far an answer may be moved: worked out once, so that no slider jumps while a rule or an object moves.

Order everywhere: logit, dx, dy, dw, dh.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from rpnviz.anchors import inside_picture

# The least range of the sliders. The network's own answers widen it where they lie outside.
LOW, HIGH = (-10.0, -2.0, -2.0, -3.0, -3.0), (10.0, 2.0, 2.0, 5.0, 5.0)
SMALLEST = 1.0  # px: a side of an object


@dataclass(frozen=True)
class Limits:
    """What the sliders span, and what an answer may be: that lies further out where an object asks for it.

    Attributes:
        low, high: of the sliders.
        least, most: of what is set by a hand on the picture, by a step, or in code.
    """

    low: list[float]
    high: list[float]
    least: list[float]
    most: list[float]

    def clamp(self, answer: list[float]) -> list[float]:
        """The answer, no further than it may go."""
        return [min(max(value, low), high) for value, low, high in zip(answer, self.least, self.most, strict=True)]


def find_limits(objectness: Tensor, pred_bbox_deltas: Tensor, anchors: Tensor, image_size: tuple[int, int]) -> Limits:
    """Find what every answer of the network and every target lies within.

    Args:
        objectness (Tensor[N]): the network's logits.
        pred_bbox_deltas (Tensor[N, 4]): its deltas.
        anchors (Tensor[N, 4]): xyxy, px.
        image_size: (H, W) of the picture, within which the objects lie.
    """
    answers = torch.cat([objectness[:, None], pred_bbox_deltas], dim=1)
    inside = inside_picture(anchors, image_size)  # those that are labelled while border crossers are left out
    low, high = _hull(answers[inside], torch.tensor([LOW, HIGH]))
    least, most = _hull(answers, torch.tensor([low, high]), _targets(anchors, image_size))
    return Limits(low, high, least, most)


def _targets(anchors: Tensor, image_size: tuple[int, int]) -> Tensor:
    """Tensor[2, 5]: no target of an object that overlaps its anchor lies beyond these; a logit has none."""
    sides, room = anchors[:, 2:] - anchors[:, :2], torch.tensor(image_size[::-1])  # (w, h)
    smallest, largest = sides.amin(dim=0), sides.amax(dim=0)
    shift = (room / smallest + 1) / 2  # two boxes that touch: half of either side lies between their centres
    none = torch.zeros(1)
    return torch.stack(
        [
            torch.cat([none, -shift, torch.log(SMALLEST / largest)]),
            torch.cat([none, shift, torch.log(room / smallest)]),
        ]
    )


def _hull(*rows: Tensor) -> tuple[list[float], list[float]]:
    """The least and the most of each column, in whole numbers."""
    points = torch.cat(rows)
    lows, highs = points.amin(dim=0).tolist(), points.amax(dim=0).tolist()
    return [float(math.floor(x)) for x in lows], [float(math.ceil(x)) for x in highs]
