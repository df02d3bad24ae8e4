"""What decides over labels: two IoU thresholds that cannot cross, and two rules."""

from __future__ import annotations

from typing import Any

import traitlets as t

from rpnviz.explorers.common.finite import Finite
from rpnviz.explorers.common.rules import Rule, number

LABEL_RULES = ("fg_iou_thresh", "bg_iou_thresh", "allow_low_quality_matches", "drop_cross_boundary")


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

    @staticmethod
    def threshold_rules() -> dict[str, Rule]:
        """Say what a saved page may set; the upper one says so itself."""
        return {"bg_iou_thresh": number(0, 1, at_most="fg_iou_thresh")}


class HasLabelRules(HasThresholds):
    """The settings of `targets.label_anchors`."""

    allow_low_quality_matches = t.Bool(True, help="the best anchors of each object are positive").tag(sync=True)
    drop_cross_boundary = t.Bool(True, help="anchors beyond the picture get no label").tag(sync=True)

    @property
    def label_rules(self) -> dict[str, Any]:
        """The settings as they stand."""
        return {name: getattr(self, name) for name in LABEL_RULES}
