"""The settings of `proposals.propose` as traits."""

from __future__ import annotations

from typing import Any

import traitlets as t

from rpnviz.explorers.common.rules import Rule, number, obeys_rules, whole

PROPOSAL_SETTINGS = ("pre_nms_top_n", "post_nms_top_n", "nms_thresh", "min_size")


class HasProposalSettings(t.HasTraits):
    """py-faster-rcnn's settings for use, to be moved."""

    pre_nms_top_n = t.Int(6000, help="how many go into NMS").tag(sync=True)
    post_nms_top_n = t.Int(300, help="how many proposals come out at most").tag(sync=True)
    nms_thresh = t.Float(0.7, help="a box is suppressed above it").tag(sync=True)
    min_size = t.Float(16.0, help="smallest height and width, px").tag(sync=True)

    @property
    def settings(self) -> dict[str, Any]:
        """The arguments of `propose` as they stand."""
        return {name: getattr(self, name) for name in PROPOSAL_SETTINGS}

    @staticmethod
    def proposal_rules(num_anchors: int, image_size: tuple[int, int]) -> dict[str, Rule]:
        """Say what they take."""
        return {
            "pre_nms_top_n": whole(1, num_anchors),
            "post_nms_top_n": whole(1, num_anchors),
            "nms_thresh": number(0, 1),
            "min_size": number(0, min(image_size)),
        }

    _check_settings = obeys_rules(*PROPOSAL_SETTINGS)
