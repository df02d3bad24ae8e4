"""Two boxes to drag, and their IoU worked out in numbers (notebook 04)."""

from __future__ import annotations

from typing import Any

import torch
import traitlets as t
from matplotlib.figure import Figure

from rpnviz.boxes import pair_iou
from rpnviz.explorers.common.base import RpnvizWidget
from rpnviz.explorers.common.own_picture import OWN_PICTURE, ShowsOnePicture
from rpnviz.explorers.common.payload import anchor_plan, named_objects, picture_file
from rpnviz.explorers.common.rules import Rule, box, number, obeys_rules
from rpnviz.explorers.common.taken import AnyPicture, take_picture
from rpnviz.explorers.common.thresholds import HasThresholds
from rpnviz.explorers.common.words import beside_thresholds
from rpnviz.figures.boxes import boxes_on_picture
from rpnviz.grid import Grid
from rpnviz.targets import label_anchors

SIDE = 256  # of the anchor at first, px; the middle one of the paper's scales
LABEL_NAMES = {1: "positive", 0: "negative", -1: "ignored"}


def _box(help: str) -> Any:
    return t.List(t.Float(), minlen=4, maxlen=4, help=f"{help}; [x1, y1, x2, y2] in pixels of the picture").tag(
        sync=True
    )


class IouExplorer(ShowsOnePicture, HasThresholds, RpnvizWidget):
    """An anchor and an object's box on a picture; drag both and read their IoU.

    Args:
        picture: name of a bundled picture, a `Picture`, or an array, which is fitted into 600×1000.
        gt: index of the object that is compared at first.

    Raises:
        ValueError: if the picture cannot be shown, or has no such object.
    """

    unmoved = (*OWN_PICTURE, "worked_out")
    view = "iou/view.js"
    sheets = ("common/labels.css",)
    plan = t.Dict(read_only=True, help="sizes, objects and the nine shapes").tag(sync=True)
    image = t.Bytes(read_only=True, help="the picture as a file").tag(sync=True)
    anchor = _box("the anchor")
    gt = _box("the object's box")
    worked_out = t.Dict(help="what the page worked out last: intersection, union, iou; empty before").tag(sync=True)

    def __init__(self, picture: AnyPicture = "street-03", gt: int = 0) -> None:
        """Put an anchor of scale 256 on the upper left corner of the object."""
        picture = take_picture(picture)
        count = len(picture.gt_boxes)
        if not count:
            raise ValueError(f"picture: {picture.name} has no objects (gt_boxes), takes one with at least one")
        if not 0 <= gt < count:
            raise ValueError(f"gt: got {gt}, takes an object of {picture.name}, 0 to {count - 1}")
        box = picture.gt_boxes[gt].tolist()
        x, y = round(box[0]), round(box[1])
        anchor = [x - SIDE // 2, y - SIDE // 2, x + SIDE // 2, y + SIDE // 2]
        self.show_picture(picture)
        super().__init__(anchor=anchor, gt=box)
        self.start_answering()

    def answer(self) -> dict[str, Any]:
        """The picture shown, with its objects and the nine shapes."""
        picture = self.picture
        plan = anchor_plan(picture, Grid.paper(picture.image_size))
        shapes = [
            (name, x2 - x1, y2 - y1) for name, (x1, y1, x2, y2) in zip(plan["anchor_names"], plan["cells"], strict=True)
        ]
        plan["shapes"] = [{"name": f"{name}: {w:.0f}×{h:.0f}", "width": w, "height": h} for name, w, h in shapes]
        plan["objects"] = named_objects(picture)
        return {"plan": plan, "image": picture_file(picture)}

    @property
    def iou(self) -> float:
        """IoU of the two boxes as they stand."""
        return pair_iou(torch.tensor(self.anchor), torch.tensor(self.gt))

    @property
    def label(self) -> str:
        """What the two thresholds make of it: positive, negative or ignored."""
        found = label_anchors(
            torch.tensor([self.anchor]),
            torch.tensor([self.gt]),
            self.picture.image_size,
            self.fg_iou_thresh,
            self.bg_iou_thresh,
            allow_low_quality_matches=False,
            drop_cross_boundary=False,
        )
        return LABEL_NAMES[int(found.labels[0])]

    def rules(self) -> dict[str, Rule]:
        """Say what a saved page may set."""
        height, width = self.picture.image_size
        right, below = max(width, SIDE), max(height, SIDE)  # room on each side, beside a small picture too
        around = box([-right, -below, width + right, height + below])
        return {
            "anchor": around,
            "gt": around,
            "bg_iou_thresh": number(0, 1, at_most="fg_iou_thresh"),
        }

    def figure(self) -> Figure:
        """Draw both boxes on the picture."""
        gt, anchor = torch.tensor([self.gt]), torch.tensor([self.anchor])
        return boxes_on_picture(self.picture.image, anchor, [self.label], self.describe(), gt, ["object"])

    def describe(self) -> str:
        """Say how large the boxes are and what their IoU is."""
        sizes = [f"{x2 - x1:.0f}×{y2 - y1:.0f} px" for x1, y1, x2, y2 in (self.anchor, self.gt)]
        iou = beside_thresholds(self.iou, (self.bg_iou_thresh, self.fg_iou_thresh))
        return f"An anchor of {sizes[0]} and an object of {sizes[1]}: IoU {iou}, {self.label}."

    _check = obeys_rules("anchor", "gt")
