"""Scales and ratios of one's own, as traits; the page refuses the same in the same words (anchor_shapes.js)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import traitlets as t
from torch import Tensor

from rpnviz.anchors import ASPECT_RATIOS, SCALES, cell_anchors
from rpnviz.explorers.common.rules import Rule, listed

SCALE_RANGE = (4.0, 2000.0)  # px; what can still be seen on a picture of 600 × 1000
RATIO_RANGE = (0.05, 20.0)
MOST_ANCHORS = 24  # of a cell


class HasShapes(t.HasTraits):
    """The two lists that anchors of a cell are made of."""

    scales: t.List[float] = t.List(t.Float(), [*map(float, SCALES)], help="√area of the anchors, px").tag(sync=True)
    aspect_ratios: t.List[float] = t.List(t.Float(), list(ASPECT_RATIOS), help="height / width of the anchors").tag(
        sync=True
    )

    @t.validate("scales", "aspect_ratios")
    def _check_shapes(self, proposal: Any) -> list[float]:
        name, value = proposal["trait"].name, [float(one) for one in proposal["value"]]
        try:
            own_cells(**{"scales": self.scales, "aspect_ratios": self.aspect_ratios, name: value})
        except ValueError as refused:
            raise t.TraitError(str(refused)) from None
        return value

    @staticmethod
    def shape_rules() -> dict[str, Rule]:
        """Say what the traits take."""
        return {
            "scales": listed(*SCALE_RANGE, MOST_ANCHORS),
            "aspect_ratios": listed(*RATIO_RANGE, MOST_ANCHORS),
        }


def own_cells(scales: Sequence[float], aspect_ratios: Sequence[float]) -> Tensor:
    """Return the anchors of a cell, Tensor[A, 4].

    Raises:
        ValueError: if a number is out of its range, there are none or more than 24 anchors, or one is without area.
    """
    limits = {"scales": (scales, SCALE_RANGE), "aspect_ratios": (aspect_ratios, RATIO_RANGE)}
    for argument, (values, (low, high)) in limits.items():
        takes = f"takes numbers from {low:g} to {high:g}"
        if np.ndim(values) != 1:
            raise ValueError(f"{argument}: got {values!r}, {takes}")
        for value in values:
            if not low <= value <= high:
                raise ValueError(f"{argument}: got {value:g}, {takes}")
    count = len(scales) * len(aspect_ratios)
    if count > MOST_ANCHORS:
        raise ValueError(f"scales × aspect_ratios: got {count}, takes at most {MOST_ANCHORS}")
    return cell_anchors(scales, aspect_ratios)
