"""The two IoU thresholds that two explorers share; they cannot cross."""

from __future__ import annotations

from typing import Any

import traitlets as t

from rpnviz.explorers.common.finite import Finite


class HasThresholds(t.HasTraits):
    """fg_iou_thresh and bg_iou_thresh with 0 ≤ bg ≤ fg ≤ 1; both can be set at once under hold_trait_notifications."""

    fg_iou_thresh = Finite(0.7, min=0, max=1, help="positive at or above").tag(sync=True)
    bg_iou_thresh = Finite(0.3, min=0, max=1, help="negative below").tag(sync=True)

    @t.validate("fg_iou_thresh", "bg_iou_thresh")
    def _check_thresholds(self, proposal: Any) -> float:
        name, value = proposal["trait"].name, proposal["value"]
        low, high = (self.bg_iou_thresh, value) if name == "fg_iou_thresh" else (value, self.fg_iou_thresh)
        if low > high:
            raise t.TraitError(f"{name}: got {value}, takes bg_iou_thresh ≤ fg_iou_thresh, here {low} and {high}")
        return float(value)
