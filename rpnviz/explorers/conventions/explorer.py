"""Notebook 11's explorer: the same picture by the conventions of eight projects, and what is not as in the paper."""

from __future__ import annotations

import zlib
from dataclasses import asdict
from typing import Any

import torch
import traitlets as t
from matplotlib.figure import Figure
from torch import Tensor

from rpnviz._inputs import take_shown
from rpnviz.anchors import cell_anchors, grid_anchors, inside_picture
from rpnviz.explorers.common.anchor_map_figure import labels_figure
from rpnviz.explorers.common.base import RpnvizWidget
from rpnviz.explorers.common.payload import LABELS, MAP_STRENGTH, count_codes, grid_plan, named_objects, picture_file
from rpnviz.explorers.common.rules import Rule, obeys_rules, whole
from rpnviz.explorers.common.taken import check_picture
from rpnviz.figures.primitives import draw_box
from rpnviz.grid import Grid
from rpnviz.inspect.convention_differences import SETTINGS, Case, Followed, differences, follow_all, paper_in_words
from rpnviz.inspect.convention_presets import CONVENTIONS, PROJECTS
from rpnviz.inspect.conventions import convention_cells, same_shapes
from rpnviz.pictures import Picture

NAMES = tuple(CONVENTIONS)
MOST_PER_CELL = 10  # CTPN's
SAMPLED = 8  # this bit of an anchor's byte: it is in the minibatch


class ConventionsExplorer(RpnvizWidget):
    """Choose a project: where the anchors stand, their labels, and each setting that is not as in the paper.

    All conventions are worked out once and sent, so that the view moves without Python.

    Args:
        picture: what the network has looked at.
        grid: how its feature map lies on the picture.
        objectness (Tensor[N]): logits, of the paper's nine anchors at each cell.
        pred_bbox_deltas (Tensor[N, 4]): likewise.
        **traits: where to start, e.g. convention="MMDetection", row=12.

    Raises:
        ValueError: if the numbers are not those of the grid.
    """

    presented = "convention"
    view = "conventions/view.js"
    sheets = ("common/labels.css", "conventions/view.css")
    plan = t.Dict(read_only=True, help="sizes, grid, objects, and what each convention comes to").tag(sync=True)
    image = t.Bytes(read_only=True, help="the picture as a file").tag(sync=True)
    labels = t.Bytes(read_only=True, help="deflated uint8: a byte for each anchor, convention by convention").tag(
        sync=True
    )
    convention = t.Enum(NAMES, "torchvision", help="whose").tag(sync=True)
    row = t.Int(0, help="row of the cell whose anchors are drawn").tag(sync=True)
    col = t.Int(0, help="its column").tag(sync=True)
    anchor = t.Int(4, min=0, max=MOST_PER_CELL - 1, help="which of its anchors stands out").tag(sync=True)

    def __init__(
        self, picture: Picture, grid: Grid, objectness: Tensor, pred_bbox_deltas: Tensor, **traits: Any
    ) -> None:
        """Work out all conventions."""
        self.picture, self.grid = check_picture(picture, grid), grid
        number = len(grid_anchors(grid, cell_anchors()))
        said = (
            take_shown(objectness, "objectness", f"{number}"),
            take_shown(pred_bbox_deltas, "pred_bbox_deltas", f"{number}, 4"),
        )
        self.case = Case(grid, picture.gt_boxes, *said)
        self.followed = follow_all(self.case)
        super().__init__()
        codes = {name: self._codes(name) for name in NAMES}
        everywhere = {"objects": named_objects(picture), "map_strength": MAP_STRENGTH}
        self.set_trait(
            "plan",
            {**grid_plan(picture, grid), **everywhere, "conventions": [self._told(name, codes) for name in NAMES]},
        )
        self.set_trait("image", picture_file(picture))
        self.set_trait("labels", zlib.compress(torch.cat(list(codes.values())).numpy().tobytes(), 9))
        rows, cols = grid.feature_size
        for name, value in {"row": rows // 2, "col": cols // 2, **traits}.items():
            setattr(self, name, value)

    _check = obeys_rules("row", "col")

    @property
    def shown(self) -> Followed:
        """What the convention chosen makes of the picture."""
        return self.followed[self.convention]

    @property
    def counts(self) -> dict[str, int]:
        """Anchors with each label."""
        return count_codes(self._codes(self.convention))

    @property
    def relabelled(self) -> int | None:
        """Anchors with another label than the paper gives the same shape at the same cell; None for other shapes."""
        return self._relabelled(self.convention)

    @property
    def settings(self) -> list[dict[str, Any]]:
        """A table row for each setting; `changed` is None where it is the paper's."""
        return self._rows(self.convention)

    def _codes(self, name: str) -> Tensor:
        """uint8 Tensor[N]: label of each anchor, see LABELS, and SAMPLED."""
        followed = self.followed[name]
        codes = torch.full_like(followed.labels, LABELS.index("ignored"), dtype=torch.uint8)
        codes[followed.labels == 0] = LABELS.index("negative")
        codes[followed.labels == 1] = LABELS.index("positive")
        if followed.convention.drop_cross_boundary:
            codes[~inside_picture(followed.anchors, self.grid.image_size)] = LABELS.index("crosses_border")
        codes[torch.cat(followed.sampled)] += SAMPLED
        return codes

    def _told(self, name: str, codes: dict[str, Tensor]) -> dict[str, Any]:
        """What the page is told of a convention."""
        followed, project = self.followed[name], PROJECTS[name]
        cells, per_row = convention_cells(followed.convention), self._per_row(name)
        stride_y, stride_x = self.grid.stride
        off = (followed.convention.offset - 0.5) * torch.tensor([stride_x, stride_y, stride_x, stride_y])
        sides = (cells[:, 2:] - cells[:, :2]).round().int().tolist()
        return {
            "name": name,
            "title": project.title,
            "where": f"{project.repository}, {project.version}",
            "cells": (cells + off).tolist(),
            "scales": per_row,
            "anchor_names": [f"{width}×{height}" for width, height in sides],
            "like": same_shapes(followed.convention),
            "first": sum(len(codes[before]) for before in NAMES[: NAMES.index(name)]),
            "counts": count_codes(codes[name] & ~SAMPLED),
            "sampled": [len(inds) for inds in followed.sampled],
            "proposals": len(followed.stages.proposals),
            "relabelled": self._relabelled(name),
            "rows": self._rows(name),
        }

    def _per_row(self, name: str) -> int:
        """How many squares of the map stand side by side in a cell."""
        return 5 if len(convention_cells(CONVENTIONS[name])) == MOST_PER_CELL else 3

    def _relabelled(self, name: str) -> int | None:
        like = same_shapes(CONVENTIONS[name])
        if not like:
            return None
        paper = self.followed["paper"].labels.reshape(-1, len(like))[:, like]
        return int((self.followed[name].labels != paper.flatten()).sum())

    def _rows(self, name: str) -> list[dict[str, Any]]:
        other = {row.setting: asdict(row) for row in differences(CONVENTIONS[name], self.case)}
        rows = []
        for setting, (what_it_is, _) in SETTINGS.items():
            words = paper_in_words(setting)
            same = {"setting": setting, "name": what_it_is, "paper": words, "here": words}
            rows.append(other.get(setting, {**same, "changed": None, "what": "", "source": ""}))
        return rows

    def rules(self) -> dict[str, Rule]:
        """Say what a saved page may set."""
        rows, cols = self.grid.feature_size
        return {"row": whole(0, rows - 1), "col": whole(0, cols - 1)}

    def figure(self) -> Figure:
        """Draw the map, and the positive anchors on the picture."""
        followed, per_row = self.shown, self._per_row(self.convention)
        per_cell = (len(convention_cells(followed.convention)) // per_row, per_row)
        codes = self._codes(self.convention) & ~SAMPLED
        figure, _, right = labels_figure(self.picture, self.grid, per_cell, codes, self.describe())
        for box in followed.anchors[followed.labels == 1]:
            draw_box(right, box, "positive")
        return figure

    def describe(self) -> str:
        """Say how many anchors have each label, and how many settings are not the paper's."""
        counts = ", ".join(f"{count:,} {name.replace('_', ' ')}" for name, count in self.counts.items())
        others = sum(row["changed"] is not None for row in self.settings)
        return f"{PROJECTS[self.convention].title}: {counts}; {others} settings are not the paper's."
