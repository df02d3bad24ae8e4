"""All anchors of a picture by label; thresholds and both switches can be moved (notebook 04)."""

from __future__ import annotations

from typing import Any

import traitlets as t
from matplotlib.figure import Figure

from rpnviz.anchors import cell_anchors, grid_anchors
from rpnviz.explorers.common.anchor_map_figure import labels_figure
from rpnviz.explorers.common.base import RpnvizWidget
from rpnviz.explorers.common.payload import anchor_plan, count_codes, label_codes, picture_file
from rpnviz.explorers.common.rules import Rule, obeys_rules, whole
from rpnviz.explorers.common.taken import AnyPicture, take_picture
from rpnviz.explorers.common.thresholds import HasThresholds
from rpnviz.figures.primitives import draw_box
from rpnviz.grid import Grid
from rpnviz.targets import AnchorLabels, label_anchors

SETTINGS = ("bg_iou_thresh", "fg_iou_thresh", "allow_low_quality_matches", "drop_cross_boundary")


class LabelsExplorer(HasThresholds, RpnvizWidget):
    """The labels of all anchors: as a map, on the picture, and counted object by object.

    Args:
        picture: name of a bundled picture, a `Picture`, or an array, which is fitted into 600×1000.
        grid: "paper", "floor" or "ceil".
    """

    asks = unmoved = SETTINGS
    needs_python = "Other thresholds and rules are computed by Python"
    presented = "selected"
    view = "labels/view.js"
    sheets = ("common/labels.css",)
    plan = t.Dict(read_only=True, help="sizes, objects and the anchors of a cell").tag(sync=True)
    image = t.Bytes(read_only=True, help="the picture as a file").tag(sync=True)
    iou = t.Bytes(read_only=True, help="float32 [N]: best IoU of each anchor").tag(sync=True)
    best_gt = t.Bytes(read_only=True, help="int16 [N]: with which object, -1 none").tag(sync=True)
    allow_low_quality_matches = t.Bool(True, help="the best anchors of each object are positive").tag(sync=True)
    drop_cross_boundary = t.Bool(True, help="anchors beyond the picture are left out").tag(sync=True)
    selected = t.Int(0, help="the anchor shown: its row among the N").tag(sync=True)
    codes = t.Bytes(read_only=True, help="uint8 [N]: see payload.label_codes").tag(sync=True)
    counts = t.Dict(read_only=True, help="anchors with each label").tag(sync=True)
    object_rows: t.List[dict[str, Any]] = t.List(read_only=True, help="a table row for each object").tag(sync=True)

    def __init__(self, picture: AnyPicture = "street-03", grid: str = "paper") -> None:
        """Label all anchors with the paper's settings."""
        self.picture = take_picture(picture)
        self.grid = Grid.named(grid, self.picture.image_size)
        cells = cell_anchors()
        self.anchors = grid_anchors(self.grid, cells)
        super().__init__()
        self.set_trait("plan", anchor_plan(self.picture, self.grid, cells))
        self.set_trait("image", picture_file(self.picture))
        self.start_answering()
        self.set_trait("iou", self.found.iou.numpy().astype("<f4").tobytes())
        self.set_trait("best_gt", self.found.best_gt_idxs.numpy().astype("<i2").tobytes())
        weakest = self.found.iou.where(self.found.low_quality, 2)  # the anchor that asks for an explanation
        self.selected = int(weakest.argmin())

    @property
    def settings(self) -> dict[str, Any]:
        """The arguments of `label_anchors` as they stand."""
        return {name: getattr(self, name) for name in SETTINGS}

    @property
    def found(self) -> AnchorLabels:
        """What `label_anchors` says with these settings."""
        return self._found

    def answer(self) -> dict[str, Any]:
        """Label all anchors with the settings as they stand."""
        found = label_anchors(self.anchors, self.picture.gt_boxes, self.picture.image_size, **self.settings)
        codes, rows = label_codes(found), self._object_rows(found)
        sent = {"codes": codes.numpy().tobytes(), "counts": count_codes(codes), "object_rows": rows}
        self._found = found
        return sent

    def _object_rows(self, found: AnchorLabels) -> list[dict[str, Any]]:
        rows = []
        for m, plan in enumerate(self.plan["objects"]):
            own = found.matched_idxs == m
            rows.append(
                {
                    "name": plan["name"],
                    "best_iou": float(found.best_iou_per_gt[m]),
                    "tied": int(found.num_tied[m]),
                    "by_threshold": int((own & ~found.low_quality).sum()),
                    "by_rule": int((own & found.low_quality).sum()),
                }
            )
        return rows

    def rules(self) -> dict[str, Rule]:
        """Say what a saved page may set."""
        return {"selected": whole(0, len(self.anchors) - 1)}

    def figure(self) -> Figure:
        """Draw the map, and the positive anchors on the picture."""
        figure, _, right = labels_figure(self.picture, self.grid, label_codes(self._found), self.describe())
        for box in self.anchors[self._found.labels == 1]:
            draw_box(right, box, "positive")
        return figure

    def describe(self) -> str:
        """Say how many anchors have each label."""
        parts = [f"{count:,} {name.replace('_', ' ')}" for name, count in self.counts.items()]
        return f"{len(self.anchors):,} anchors: {', '.join(parts)}."

    _check = obeys_rules("selected")
