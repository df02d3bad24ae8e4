"""A picture whose anchors are labelled, by objects and rules that can be moved."""

from __future__ import annotations

from torch import Tensor

from rpnviz.explorers.common.objects import HasObjects
from rpnviz.explorers.common.payload import count_codes, label_codes
from rpnviz.explorers.common.thresholds import HasLabelRules
from rpnviz.grid import Grid
from rpnviz.pictures import Picture
from rpnviz.targets import AnchorLabels, label_anchors


class HasLabels(HasLabelRules, HasObjects):
    """What the labels come to as the traits stand; whoever inherits gives the grid and its anchors."""

    grid: Grid
    anchors: Tensor

    @property
    def picture(self) -> Picture:
        """The picture with the objects that are drawn in the view."""
        return self.picture_shown

    @property
    def found(self) -> AnchorLabels:
        """What `label_anchors` says of the objects with these settings."""
        return label_anchors(self.anchors, self.picture.gt_boxes, self.grid.image_size, **self.label_rules)

    @property
    def counts(self) -> dict[str, int]:
        """Anchors with each label."""
        return count_codes(label_codes(self.found))
