"""A detector's pyramid: which level answers for an object, and who is left of each level (notebook 10)."""

from __future__ import annotations

from typing import Any

import torch
import traitlets as t
from torch import Tensor

from rpnviz.boxes import box_iou
from rpnviz.explorers.common.base import RpnvizWidget
from rpnviz.explorers.common.objects import HasObjects
from rpnviz.explorers.common.own_picture import ShowsOnePicture
from rpnviz.explorers.common.payload import hundredths, object_names, picture_file, picture_plan
from rpnviz.explorers.common.rules import MOST_OBJECTS, Rule, obeys_rules, whole
from rpnviz.explorers.common.taken import check_picture
from rpnviz.explorers.pyramid.figure import pyramid_figure
from rpnviz.figures.primitives import Still
from rpnviz.inspect.detector import Detector, OpenedAnchors, OpenedDetector, open_pyramid
from rpnviz.inspect.pyramid import Level, PyramidStages, best_by_level, propose_by_level
from rpnviz.pictures import Picture

REACHED = 0.7  # an anchor with this IoU is positive
COVERED = 0.5  # a proposal with this IoU covers the object


class PyramidExplorer(ShowsOnePicture, HasObjects, RpnvizWidget):
    """Pick an object and see how well the anchors of each level fit it, and what comes out of which level.

    Args:
        picture: what the detector looks at.
        model: a Faster R-CNN of torchvision; or a RetinaNet or an SSD, of which the anchors alone are shown.
        opened: what `open_detector` or `open_anchors` said of them, if that is there already.
        **traits: where to start, e.g. selected=1, pre_nms_top_n=100.

    Raises:
        ValueError: as `open_detector` and `open_anchors`.
    """

    presented = "selected"
    view = "pyramid/view.js"
    sheets = ("pyramid/view.css",)
    needs_python = "Another picture is looked at by Python"
    plan = t.Dict(read_only=True, help="sizes, levels and their lattices, the detector's settings").tag(sync=True)
    image = t.Bytes(read_only=True, help="the picture as a file").tag(sync=True)
    scores = t.Bytes(read_only=True, help="the score of every anchor, see `hundredths`; none of anchors alone").tag(
        sync=True
    )
    top_boxes = t.Bytes(read_only=True, help="float32 [K, 4]: the best of each level, clipped, px of the input").tag(
        sync=True
    )
    top_scores = t.Bytes(read_only=True, help="float32 [K]").tag(sync=True)
    top_levels = t.Bytes(read_only=True, help="uint8 [K]: whose level each is of").tag(sync=True)
    selected = t.Int(0, help="the object that is asked about; -1 for none").tag(sync=True)
    level = t.Int(-1, help="the level whose boxes are drawn; -1 for all").tag(sync=True)
    shown = t.Enum(("anchors", "on it", "proposals"), "anchors", help="which boxes are drawn").tag(sync=True)
    pre_nms_top_n = t.Int(1, help="this many of each level go into NMS").tag(sync=True)
    post_nms_top_n = t.Int(1, help="this many come out of all levels together").tag(sync=True)

    def __init__(
        self,
        picture: Picture,
        model: Detector,
        opened: OpenedDetector | OpenedAnchors | None = None,
        **traits: Any,
    ) -> None:
        """Start with the settings of the detector."""
        self._model, self._made_of = model, opened or open_pyramid(model, check_picture(picture).image)
        super().__init__()
        self.show_picture(check_picture(picture))
        self.start_answering()
        if isinstance(self.opened, OpenedDetector):
            self.pre_nms_top_n, self.post_nms_top_n = model.rpn.pre_nms_top_n(), model.rpn.post_nms_top_n()
        for name, value in traits.items():
            setattr(self, name, value)

    def answer(self) -> dict[str, Any]:
        """The picture shown, and what the detector makes of it."""
        picture = self.picture_shown
        opened = open_pyramid(self._model, picture.image) if self.own_picture else self._made_of
        nothing: dict[str, Any] = {name: b"" for name in ("scores", "top_boxes", "top_scores", "top_levels")}
        said = self._said(opened.stages) if isinstance(opened, OpenedDetector) else nothing
        sent: dict[str, Any] = {
            "plan": {**picture_plan(picture), **self._plan(opened)},
            "image": picture_file(picture),
            **said,
        }
        self.opened, self._proposed = opened, dict[str, PyramidStages]()
        return {**sent, **self.brings(selected=0, level=-1)}

    def _said(self, stages: PyramidStages) -> dict[str, Any]:
        top = stages.top_inds
        return {
            "scores": hundredths(stages.all_scores),
            "top_boxes": stages.all_boxes[top].numpy().astype("<f4").tobytes(),
            "top_scores": stages.all_scores[top].numpy().astype("<f4").tobytes(),
            "top_levels": stages.level_of[top].numpy().astype("u1").tobytes(),
        }

    def _plan(self, opened: OpenedDetector | OpenedAnchors) -> dict[str, Any]:
        levels = opened.levels
        lattices = [_lattice(level, own) for level, own in zip(levels, _split(opened.anchors, levels), strict=True)]
        scored = {"scored": False, "most": [1, 1], "settings": {}}
        if isinstance(opened, OpenedDetector):
            rpn, many = self._model.rpn, len(opened.stages.top_inds)
            fixed = {name: getattr(rpn, name) for name in ("nms_thresh", "min_size", "score_thresh")}
            scored = {"scored": True, "most": [rpn.pre_nms_top_n(), many], "settings": fixed}
        return {
            "input_size": list(opened.input_size),
            "levels": lattices,
            "reached": REACHED,
            "covered": COVERED,
            **scored,
        }

    @property
    def levels(self) -> tuple[Level, ...]:
        """The finest first."""
        return self.opened.levels

    @property
    def stages(self) -> PyramidStages:
        """What `propose_by_level` says with these settings.

        Raises:
            ValueError: if the view shows anchors alone.
        """
        opened, settings = self.opened, (self.pre_nms_top_n, self.post_nms_top_n)
        if not isinstance(opened, OpenedDetector):
            raise ValueError("stages: this view shows anchors alone; only a Faster R-CNN makes proposals of them")
        key = repr(settings)
        if key not in self._proposed:  # only the last is kept
            rpn = self._model.rpn
            fixed = rpn.nms_thresh, rpn.min_size, rpn.score_thresh
            found = propose_by_level(
                opened.objectness, opened.stages.decoded, self.levels, opened.input_size, *settings, *fixed
            )
            self._proposed = {key: found}
        return self._proposed[key]

    @property
    def gt_boxes(self) -> Tensor:
        """Tensor[M, 4]: the objects, px of the network's input."""
        return self.picture.gt_boxes * _scale(self.opened)

    @property
    def best_iou_by_level(self) -> Tensor:
        """Tensor[M, L]: the best IoU of an anchor of each level with each object."""
        return best_by_level(self.opened.anchors, self.gt_boxes, self.levels)

    @property
    def level_rows(self) -> list[dict[str, Any]]:
        """A row of the table for each level, of the object that is picked; without one, no columns of it."""
        rows: list[dict[str, Any]] = [{"name": level.name, "anchors": level.count} for level in self.levels]
        anchors = _split(self.opened.anchors, self.levels)
        for row, own in zip(rows, anchors, strict=True) if self._picked >= 0 else []:
            ious = box_iou(self.gt_boxes[[self._picked]], own)[0]
            row |= {"best_iou": float(ious.max()), "reaching": int((ious >= REACHED).sum())}
        for stage, counts in self.stages.funnel()[1:] if isinstance(self.opened, OpenedDetector) else []:
            for row, count in zip(rows, counts, strict=True):
                row[stage] = count
        return rows

    @property
    def _picked(self) -> int:
        """The object that is asked about, of those that there are; -1 for none."""
        return min(self.selected, len(self.objects) - 1)

    def rules(self) -> dict[str, Rule]:
        """Say what the traits take."""
        most = self.plan["most"]
        return {
            **self.object_rules(),
            "selected": whole(-1, max(MOST_OBJECTS, len(self._made_with.gt_boxes)) - 1),
            "level": whole(-1, len(self.levels) - 1),
            "pre_nms_top_n": whole(1, most[0]),
            "post_nms_top_n": whole(1, most[1]),
        }

    def figure(self) -> Still:
        """Draw the best anchor of each level, and how well it fits."""
        names, boxes = [level.name for level in self.levels], torch.zeros(0, 4)
        fits: list[float] = []
        if self._picked >= 0:
            gt_box, scale = self.gt_boxes[[self._picked]], _scale(self.opened)
            best = [_best_anchor(own, gt_box) for own in _split(self.opened.anchors, self.levels)]
            fits, boxes = [iou for iou, _ in best], torch.stack([anchor for _, anchor in best]) / scale
        return pyramid_figure(self.picture.image, names, fits, boxes, self.picture.gt_boxes, self.describe())

    def describe(self) -> str:
        """Say which level answers for the object, and what comes out of all."""
        sentences = []
        if self._picked >= 0:
            fits = self.best_iou_by_level[self._picked]
            best = int(fits.argmax())
            name, level = object_names(self.picture)[self._picked], self.levels[best].name
            sentences.append(f"{name}: {level} answers, its best anchor has an IoU of {float(fits[best]):.2f}.")
        if isinstance(self.opened, OpenedDetector):
            into, out = len(self.stages.top_inds), len(self.stages.post_nms_inds)
            sentences.append(f"{into:,} boxes of {len(self.levels)} levels go into NMS, {out:,} proposals come out.")
        return " ".join(sentences) or f"{len(self.opened.anchors):,} anchors on {len(self.levels)} levels."

    _check = obeys_rules("selected", "level", "pre_nms_top_n", "post_nms_top_n")


def _scale(opened: OpenedDetector | OpenedAnchors) -> Tensor:
    """Tensor[4]: what boxes in px of the picture are multiplied by, to be in px of the network's input."""
    (height, width), (rows, cols) = opened.image_size, opened.input_size
    return torch.tensor([cols / width, rows / height] * 2)


def _split(anchors: Tensor, levels: tuple[Level, ...]) -> tuple[Tensor, ...]:
    """The anchors of each level."""
    split: tuple[Tensor, ...] = anchors.split([level.count for level in levels])
    return split


def _best_anchor(anchors: Tensor, gt_box: Tensor) -> tuple[float, Tensor]:
    """The best IoU with an object (Tensor[1, 4]), and the anchor that has it; of several, the one nearest to it."""
    ious = box_iou(gt_box, anchors)[0]
    tied = anchors[ious == ious.max()]
    away = ((tied[:, :2] + tied[:, 2:]) - (gt_box[:, :2] + gt_box[:, 2:])).abs().sum(dim=1)
    return float(ious.max()), tied[int(away.argmin())]


def _lattice(level: Level, anchors: Tensor) -> dict[str, Any]:
    """What the page rebuilds every anchor of a level from: those of the first cell, and the way to the next ones."""
    (rows, cols), per_cell = level.feature_size, level.anchors_per_cell
    right = float(anchors[per_cell, 0] - anchors[0, 0]) if cols > 1 else 0.0
    down = float(anchors[cols * per_cell, 1] - anchors[0, 1]) if rows > 1 else 0.0
    return {
        "name": level.name,
        "size": [rows, cols],
        "stride": list(level.stride),
        "step": [down, right],
        "cells": anchors[:per_cell].tolist(),
    }
