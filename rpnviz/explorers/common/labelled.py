"""A picture whose anchors are labelled, by objects and rules that can be moved."""

from __future__ import annotations

from typing import Any

import traitlets as t
from torch import Tensor

from rpnviz.anchors import cell_anchors, grid_anchors
from rpnviz.explorers.common.objects import HasObjects
from rpnviz.explorers.common.own_picture import ShowsOnePicture
from rpnviz.explorers.common.payload import anchor_plan, count_codes, label_codes, picture_file
from rpnviz.explorers.common.thresholds import HasLabelRules
from rpnviz.grid import Grid
from rpnviz.targets import AnchorLabels, label_anchors


class HasLabels(ShowsOnePicture, HasLabelRules, HasObjects):
    """What the labels come to as the traits stand; whoever inherits may name another grid."""

    grid_name: str = "paper"

    @property
    def grid(self) -> Grid:
        """How the feature map lies on the picture."""
        return Grid.named(self.grid_name, self.picture_shown.image_size)

    @property
    def anchors(self) -> Tensor:
        """Tensor[N, 4]: xyxy, px."""
        return grid_anchors(self.grid, cell_anchors())

    @property
    def found(self) -> AnchorLabels:
        """What `label_anchors` says of the objects with these settings."""
        return label_anchors(self.anchors, self.picture.gt_boxes, self.grid.image_size, **self.label_rules)

    @property
    def counts(self) -> dict[str, int]:
        """Anchors with each label."""
        return count_codes(label_codes(self.found))


class HasAnchorMap(HasLabels):
    """The labels of all anchors as a map, beside the picture."""

    plan = t.Dict(read_only=True, help="sizes, grid and the anchors of a cell").tag(sync=True)
    image = t.Bytes(read_only=True, help="the picture as a file").tag(sync=True)
    selected = t.Int(0, help="the anchor shown: its row among the N").tag(sync=True)

    def answer(self) -> dict[str, Any]:
        """The picture shown, and how its anchors lie."""
        picture, chosen = self.picture, min(self.selected, len(self.anchors) - 1)
        plan = anchor_plan(picture, self.grid, cell_anchors())
        return {"plan": plan, "image": picture_file(picture), **self.brings(selected=chosen)}
