"""A picture whose anchors are labelled, by objects and rules that can be moved."""

from __future__ import annotations

from typing import Any

import traitlets as t
from torch import Tensor

from rpnviz.anchors import cell_anchors, grid_anchors
from rpnviz.explorers.common.anchor_shapes import MOST_ANCHORS, HasShapes, own_cells
from rpnviz.explorers.common.objects import HasObjects
from rpnviz.explorers.common.own_picture import ShowsOnePicture
from rpnviz.explorers.common.payload import MAP_STRENGTH, count_codes, grid_plan, label_codes, picture_file
from rpnviz.explorers.common.rules import Rule, obeys_rules, whole
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


class HasAnchorMap(HasLabels, HasShapes):
    """The labels of all anchors as a map, beside the picture; the anchors may be of scales and ratios of one's own."""

    plan = t.Dict(read_only=True, help="sizes and grid").tag(sync=True)
    image = t.Bytes(read_only=True, help="the picture as a file").tag(sync=True)
    selected = t.Int(0, help="the anchor shown: its row among the N").tag(sync=True)

    @property
    def cells(self) -> Tensor:
        """The anchors of a cell, Tensor[A, 4] round (0, 0)."""
        return own_cells(self.scales, self.aspect_ratios)

    @property
    def anchors(self) -> Tensor:
        """Tensor[N, 4]: xyxy, px."""
        return grid_anchors(self.grid, self.cells)

    @property
    def per_cell(self) -> tuple[int, int]:
        """How many ratios and scales the anchors of a cell have."""
        return len(self.aspect_ratios), len(self.scales)

    def answer(self) -> dict[str, Any]:
        """The picture shown, and how the feature map lies on it."""
        picture = self.picture
        plan = {**grid_plan(picture, self.grid), "map_strength": MAP_STRENGTH}
        kept = self.brings(selected=self.selected)["selected"]
        return {"plan": plan, "image": picture_file(picture), "selected": min(kept, len(self.anchors) - 1)}

    @t.observe("scales", "aspect_ratios")
    def _keep_one_selected(self, _: Any) -> None:
        """There may be fewer anchors than before."""
        if self.plan:
            self.selected = min(self.selected, len(self.anchors) - 1)

    def rules(self) -> dict[str, Rule]:
        """Say what the traits take."""
        last = len(self.anchors) - 1
        return {
            **self.object_rules(),
            **self.threshold_rules(),
            **self.shape_rules(),
            "selected": whole(0, last),
        }

    def moves(self) -> dict[str, Rule]:
        """Say what a saved page may set: an anchor of all that can be chosen there."""
        height, width = self.grid.feature_size
        return {**super().moves(), "selected": whole(0, height * width * MOST_ANCHORS - 1)}  # type: ignore[misc]

    _check = obeys_rules("selected")
