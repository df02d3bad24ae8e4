"""From all anchors to the proposals, stage by stage, with the settings of paper and libraries (notebook 08)."""

from __future__ import annotations

from typing import Any

import torch
import traitlets as t
from matplotlib.figure import Figure
from torch import Tensor

from rpnviz._inputs import take_shown
from rpnviz.anchors import cell_anchors, grid_anchors
from rpnviz.explorers.common.base import RpnvizWidget
from rpnviz.explorers.common.objects import HasObjects
from rpnviz.explorers.common.payload import anchor_plan, picture_file
from rpnviz.explorers.common.proposal_settings import HasProposalSettings
from rpnviz.explorers.common.rules import Rule, obeys_rules, whole
from rpnviz.explorers.common.taken import check_picture
from rpnviz.explorers.funnel.figure import funnel_figure
from rpnviz.grid import Grid
from rpnviz.inspect.funnel import STAGES, Stage, stage_by_stage
from rpnviz.pictures import Picture
from rpnviz.proposals import PRESETS, Settings, Stages, propose

COVERED = (0.5, 0.7)  # IoUs at which objects are counted


class FunnelExplorer(HasProposalSettings, HasObjects, RpnvizWidget):
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
    plan = t.Dict(read_only=True, help="sizes, grid, anchors of a cell, stages, presets").tag(sync=True)
    image = t.Bytes(read_only=True, help="the picture as a file").tag(sync=True)
    objectness = t.Bytes(read_only=True, help="float32 [N]: the network's logits").tag(sync=True)
    deltas = t.Bytes(read_only=True, help="float32 [N, 4]: its deltas").tag(sync=True)
    stage = t.Int(0, min=0, max=len(STAGES) - 1, help="the stage shown").tag(sync=True)
    side = t.Enum(("left", "dropped"), "left", help="what is left after it, or what it drops").tag(sync=True)
    shown = t.Int(100, min=1, max=2000, help="so many boxes are drawn, best score first").tag(sync=True)
    selected = t.Int(-1, help="the anchor that is followed; -1 for none").tag(sync=True)

    def __init__(self, picture: Picture, objectness: Tensor, pred_bbox_deltas: Tensor, **traits: Any) -> None:
        """Start with py-faster-rcnn's settings for use."""
        grid, cells = Grid.paper(check_picture(picture).image_size), cell_anchors()
        self.anchors, self._proposed = grid_anchors(grid, cells), dict[tuple[Any, ...], Stages]()
        objectness = take_shown(objectness, "objectness", f"{len(self.anchors)}")
        self._head = objectness, take_shown(pred_bbox_deltas, "pred_bbox_deltas", f"{len(self.anchors)}, 4")
        super().__init__()
        self.open_picture(picture)
        presets = [
            {"name": name, "phase": phase, **self._cut(settings)}
            for name, phases in PRESETS.items()
            for phase, settings in phases.items()
        ]
        own = {"stages": list(STAGES), "presets": presets, "covered": list(COVERED)}
        self.set_trait("plan", {**anchor_plan(picture, grid, cells), **own})
        self.set_trait("image", picture_file(picture))
        for name, values in zip(("objectness", "deltas"), self._head, strict=True):
            self.set_trait(name, values.numpy().astype("<f4").tobytes())
        self.use("py-faster-rcnn", "test")
        for name, value in traits.items():
            setattr(self, name, value)

    def use(self, preset: str, phase: str = "test") -> None:
        """Take the settings of a paper or library, "paper", "py-faster-rcnn", …, for "train" or "test"."""
        if preset not in PRESETS or phase not in PRESETS[preset]:
            known = f"one of {', '.join(PRESETS)}, for train or test"
            raise ValueError(f"preset: got {preset!r}, {phase!r}, takes {known}")
        with self.hold_trait_notifications():
            for name, value in self._cut(PRESETS[preset][phase]).items():
                setattr(self, name, value)

    def _cut(self, settings: Settings) -> dict[str, Any]:
        """No limit means all anchors."""
        number = len(self.anchors)
        top_ns = {name: min(settings[name], number) for name in ("pre_nms_top_n", "post_nms_top_n")}
        return {**settings, **top_ns}

    @property
    def picture(self) -> Picture:
        """The picture with the objects that are drawn in the view."""
        return self.picture_shown

    @property
    def stages(self) -> Stages:
        """What `propose` says with these settings."""
        settings = tuple(self.settings.values())
        if settings not in self._proposed:  # a tenth of a second; only the last is kept
            found = propose(*self._head, self.anchors, self.picture.image_size, **self.settings)
            self._proposed = {settings: found}
        return self._proposed[settings]

    @property
    def rows(self) -> list[Stage]:
        """The stages, one after the other, with what they leave of the objects."""
        return stage_by_stage(self.stages, self.anchors, self.picture.gt_boxes)

    def rules(self) -> dict[str, Rule]:
        """Say what the traits take."""
        return {
            **self.object_rules(),
            **self.proposal_rules(len(self.anchors), self._opened.image_size),
            "selected": whole(-1, len(self.anchors) - 1),
        }

    def figure(self) -> Figure:
        """Draw the counts, and the boxes of the stage."""
        rows = self.rows
        row, before = rows[self.stage], rows[max(self.stage - 1, 0)]
        boxes = row.boxes if self.side == "left" else before.boxes[~torch.isin(before.inds, row.inds)]
        counts = [(stage.name, len(stage.inds)) for stage in rows]
        style = "proposal" if self.side == "left" else "negative"
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
