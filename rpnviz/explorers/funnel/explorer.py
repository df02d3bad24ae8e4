"""From all anchors to the proposals, stage by stage, with the settings of paper and libraries (notebook 08)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
import traitlets as t
from matplotlib.figure import Figure
from torch import Tensor

from rpnviz._inputs import take_shown
from rpnviz.anchors import cell_anchors, grid_anchors
from rpnviz.explorers.common.base import RpnvizWidget
from rpnviz.explorers.common.objects import HasObjects
from rpnviz.explorers.common.own_picture import ShowsOnePicture, look
from rpnviz.explorers.common.page_network import BACKBONE_AND_RPN
from rpnviz.explorers.common.payload import anchor_plan, picture_file
from rpnviz.explorers.common.proposal_settings import HasProposalSettings
from rpnviz.explorers.common.rules import Rule, obeys_rules, whole
from rpnviz.explorers.common.taken import check_picture
from rpnviz.explorers.funnel.figure import funnel_figure
from rpnviz.grid import Grid
from rpnviz.inspect.funnel import STAGES, Stage, stage_by_stage
from rpnviz.pictures import Picture
from rpnviz.proposals import PRESETS, Stages, propose

COVERED = (0.5, 0.7)  # IoUs at which objects are counted


class FunnelExplorer(ShowsOnePicture, HasProposalSettings, HasObjects, RpnvizWidget):
    """Choose a stage and see which boxes are left, or were dropped there; point at one and read why.

    Args:
        picture: what the network has looked at.
        objectness (Tensor[N]): logits, of the nine anchors at each cell of `Grid.paper`.
        pred_bbox_deltas (Tensor[N, 4]): likewise.
        **traits: where to start, e.g. stage=6, nms_thresh=0.5.

    Raises:
        ValueError: as `propose`.
    """

    presented = "stage"
    view = "funnel/view.js"
    sheets = ("funnel/view.css",)
    networks = BACKBONE_AND_RPN
    plan = t.Dict(read_only=True, help="sizes, grid, anchors of a cell, stages, presets").tag(sync=True)
    image = t.Bytes(read_only=True, help="the picture as a file").tag(sync=True)
    objectness = t.Bytes(read_only=True, help="float32 [N]: the network's logits").tag(sync=True)
    deltas = t.Bytes(read_only=True, help="float32 [N, 4]: its deltas").tag(sync=True)
    stage = t.Int(0, min=0, max=len(STAGES) - 1, help="the stage shown").tag(sync=True)
    side = t.Enum(("left", "dropped"), "left", help="what is left after it, or what it drops").tag(sync=True)
    shown = t.Int(100, min=1, max=2000, help="this many boxes are drawn, best score first").tag(sync=True)
    selected = t.Int(-1, help="the anchor that is followed; -1 for none").tag(sync=True)

    def __init__(self, picture: Picture, objectness: Tensor, pred_bbox_deltas: Tensor, **traits: Any) -> None:
        """Start with py-faster-rcnn's settings for use."""
        number = len(grid_anchors(Grid.paper(check_picture(picture).image_size), cell_anchors()))
        objectness = take_shown(objectness, "objectness", f"{number}")
        self._said = objectness, take_shown(pred_bbox_deltas, "pred_bbox_deltas", f"{number}, 4")
        super().__init__()
        self.show_picture(picture)
        self.start_answering()
        self.use("py-faster-rcnn", "test")
        for name, value in traits.items():
            setattr(self, name, value)

    def answer(self) -> dict[str, Any]:
        """The picture shown, and what the network says of it; settings that it has too few anchors for are cut."""
        picture = self.picture_shown
        head = look(picture, self.grid)[1:] if self.own_picture else self._said
        presets = [
            {"name": name, "phase": phase, **self._cut(settings)}
            for name, phases in PRESETS.items()
            for phase, settings in phases.items()
        ]
        own = {"stages": list(STAGES), "presets": presets, "covered": list(COVERED)}
        said = zip(("objectness", "deltas"), head, strict=True)
        sent: dict[str, Any] = {
            "plan": {**anchor_plan(picture, self.grid), **own},
            "image": picture_file(picture),
            **{name: values.numpy().astype("<f4").tobytes() for name, values in said},
        }
        self._head, self._proposed = head, dict[str, Stages]()
        return {**sent, **self.brings(**{"selected": -1, **self._cut(self.settings)})}

    @property
    def grid(self) -> Grid:
        """How the feature map lies on the picture."""
        return Grid.paper(self.picture_shown.image_size)

    @property
    def anchors(self) -> Tensor:
        """Tensor[N, 4]: xyxy, px."""
        return grid_anchors(self.grid, cell_anchors())

    def use(self, preset: str, phase: str = "test") -> None:
        """Take the settings of a paper or library, "paper", "py-faster-rcnn", …, for "train" or "test"."""
        if preset not in PRESETS or phase not in PRESETS[preset]:
            known = f"one of {', '.join(PRESETS)}, for train or test"
            raise ValueError(f"preset: got {preset!r}, {phase!r}, takes {known}")
        with self.hold_trait_notifications():
            for name, value in self._cut(PRESETS[preset][phase]).items():
                setattr(self, name, value)

    def _cut(self, settings: Mapping[str, Any]) -> dict[str, Any]:
        """No limit means all anchors."""
        number = len(self.anchors)
        top_ns = {name: min(settings[name], number) for name in ("pre_nms_top_n", "post_nms_top_n")}
        return {**settings, **top_ns}

    @property
    def stages(self) -> Stages:
        """What `propose` says with these settings."""
        key = repr(self.settings)
        if key not in self._proposed:  # a tenth of a second; only the last is kept
            objectness, deltas = self._head
            found = propose(objectness, deltas, self.anchors, self.picture.image_size, **self.settings)
            self._proposed = {key: found}
        return self._proposed[key]

    @property
    def rows(self) -> list[Stage]:
        """The stages, one after the other, with what they leave of the objects."""
        return stage_by_stage(self.stages, self.anchors, self.picture.gt_boxes)

    def rules(self) -> dict[str, Rule]:
        """Say what the traits take."""
        return {
            **self.object_rules(),
            **self.proposal_rules(len(self.anchors), self.picture_shown.image_size),
            "selected": whole(-1, len(self.anchors) - 1),
        }

    def figure(self) -> Figure:
        """Draw the counts, and the boxes of the stage."""
        rows = self.rows
        row, before = rows[self.stage], rows[max(self.stage - 1, 0)]
        boxes = row.boxes if self.side == "left" else before.boxes[~torch.isin(before.inds, row.inds)]
        counts = [(stage.name, len(stage.inds)) for stage in rows]
        style = "proposal" if self.side == "left" else "dropped"
        gt_boxes = self.picture.gt_boxes
        return funnel_figure(
            self.picture.image, counts, self.stage, boxes[: self.shown], style, gt_boxes, self.describe()
        )

    def describe(self) -> str:
        """Say how many there are at the stage, and how many objects they cover."""
        row, objects = self.rows[self.stage], len(self.objects)
        many = f"{len(row.inds):,} of {len(self.anchors):,} are left"
        return f"{row.name}: {many}; they cover {row.covered(0.5)} of {objects} objects at IoU 0.5."

    _check = obeys_rules("selected")
