"""Notebook 03's explorer: the anchors of a cell, every centre, where a shape fits; scales and ratios of one's own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import traitlets as t
from torch import Tensor

from rpnviz.anchors import ASPECT_RATIOS, SCALES, cell_anchors, ctpn_cell_anchors, grid_anchors, inside_picture
from rpnviz.explorers.common.anchor_shapes import MOST_ANCHORS, HasShapes, own_cells
from rpnviz.explorers.common.map_and_picture import MapAndPicture, shapes
from rpnviz.explorers.common.own_picture import GRIDS
from rpnviz.explorers.common.rules import Rule, obeys_rules, one_of, whole
from rpnviz.figures.anchors import anchors_on_picture, centres_figure, room_figure
from rpnviz.figures.primitives import Still
from rpnviz.grid import Grid
from rpnviz.pictures import Picture

PRESETS = ("paper", "ctpn", "own")
MODES = ("cell", "centres", "boxes")


class AnchorsExplorer(HasShapes, MapAndPicture):
    """Show anchors to scale: the paper's, CTPN's, or of scales and ratios of one's own."""

    view = "anchors/view.js"
    mode = t.Enum(MODES, "cell", help="this cell's anchors, every centre, or where the selected shape fits").tag(
        sync=True
    )
    grid_name = t.Unicode("paper", help="paper, floor or ceil, or that which was given").tag(sync=True)
    preset = t.Enum(PRESETS, "paper", help="whose anchors").tag(sync=True)

    def __init__(self, picture: Picture, grid: Grid, **traits: Any) -> None:
        """Show the paper's nine anchors of ``grid`` on ``picture``; ``traits`` say where to start, e.g. row=20."""
        super().__init__(picture, grid, **{"grid_name": grid.name, **traits})

    @property
    def grid(self) -> Grid:
        """How the feature map lies on the picture."""
        own = self.base_grid
        is_other = self.grid_name != own.name and self.grid_name in GRIDS  # a name that is none is about to be refused
        return Grid.named(self.grid_name, own.image_size) if is_other else own

    @property
    def cells(self) -> Tensor:
        """The anchors of a cell, Tensor[A, 4] round (0, 0)."""
        return chosen_cells(self.preset, self.scales, self.aspect_ratios)

    @property
    def anchors(self) -> list[dict[str, Any]]:
        """Name and box round (0, 0) of each anchor of a cell."""
        return shapes(self.cells)

    @property
    def inside(self) -> Tensor:
        """BoolTensor[h·w, A]: which anchors lie inside the picture."""
        cells = self.cells
        return inside_picture(grid_anchors(self.grid, cells), self.grid.image_size).reshape(-1, len(cells))

    @property
    def counts(self) -> list[int]:
        """How many anchors of each shape lie inside."""
        counts: list[int] = self.inside.sum(dim=0).tolist()
        return counts

    def use(
        self,
        preset: str = "paper",
        scales: Sequence[float] = SCALES,
        aspect_ratios: Sequence[float] = ASPECT_RATIOS,
        grid: str | None = None,
    ) -> None:
        """Show other anchors.

        Args:
            preset: "paper", "ctpn" or "own"; only "own" reads the next two.
            scales: √area of the anchors, px; 4 to 2,000.
            aspect_ratios: height / width; 0.05 to 20.
            grid: "paper", "floor" or "ceil"; None keeps it.

        Raises:
            ValueError: if an argument is out of range or there would be more than 24 anchors a cell.
        """
        chosen_cells(preset, scales, aspect_ratios)  # all that can fail comes first
        name = Grid.named(grid, self.grid.image_size).name if grid else self.grid_name
        own = (
            {"scales": [*map(float, scales)], "aspect_ratios": [*map(float, aspect_ratios)]} if preset == "own" else {}
        )
        with self.hold_trait_notifications():
            for trait, value in {"preset": preset, "grid_name": name, **own}.items():
                setattr(self, trait, value)

    @t.observe("preset", "grid_name", "scales", "aspect_ratios")
    def _stay_inside(self, _: Any) -> None:
        """Keep the window on the map, and the anchor that stands out among those there are."""
        if not hasattr(self, "_opened_on"):
            return
        rows, cols = self.grid.feature_size
        self.row, self.col = min(self.row, rows - 1), min(self.col, cols - 1)
        self.selected = min(self.selected, len(self.cells) - 1)

    def rules(self) -> dict[str, Rule]:
        """Say what the traits take."""
        own = self.base_grid
        return {
            **super().rules(),
            "selected": whole(-1, len(self.cells) - 1),
            "grid_name": one_of([own.name, *GRIDS]),
            **self.shape_rules(),
        }

    def moves(self) -> dict[str, Rule]:
        """Say what a saved page may set: cells and anchors of all that can be chosen there."""
        own = self.base_grid
        grids = [own, *(Grid.named(name, own.image_size) for name in GRIDS)]
        rows, cols = (max(sides) for sides in zip(*(grid.feature_size for grid in grids), strict=True))
        wider = {"row": whole(0, rows - 1), "col": whole(0, cols - 1), "selected": whole(-1, MOST_ANCHORS - 1)}
        return {**super().moves(), **wider}

    _check_name = obeys_rules("grid_name")

    def here(self) -> Tensor:
        """The anchors of the window's cell, Tensor[A, 4] in picture px."""
        x, y = self.grid.centre(self.row, self.col)
        return self.cells + torch.tensor([x, y, x, y])

    def figure(self) -> Still:
        """Draw the explorer as it stands."""
        image, names = self.picture.image, [anchor["name"] for anchor in self.anchors]
        if self.mode == "cell":
            return anchors_on_picture(image, self.here(), names, self.describe())
        a = max(self.selected, 0)
        boxes = grid_anchors(self.grid, self.cells[a : a + 1])
        if self.mode == "centres":
            return centres_figure(image, boxes, self.inside[:, a], self.describe())
        return room_figure(image, boxes, self.inside[:, a], self.grid.feature_size[1], self.describe())

    def describe(self) -> str:
        """Say in a sentence what the explorer shows."""
        rows, cols = self.grid.feature_size
        inside = self.inside
        total = f"{int(inside.sum()):,} of {inside.numel():,} anchors lie inside"
        if self.mode == "cell":
            return f"Row {self.row}, column {self.col} of {rows}×{cols} cells: {len(self.cells)} anchors. {total}."
        a = max(self.selected, 0)
        return (
            f"{self.anchors[a]['name']} at {rows}×{cols} centres: {int(inside[:, a].sum()):,} inside. In all, {total}."
        )


def chosen_cells(preset: str, scales: Sequence[float], aspect_ratios: Sequence[float]) -> Tensor:
    """Return the anchors of a cell; raises ValueError as `AnchorsExplorer.use` says."""
    if preset not in PRESETS:
        raise ValueError(f"preset: got {preset!r}, takes one of {', '.join(PRESETS)}")
    if preset == "ctpn":
        return ctpn_cell_anchors()
    return cell_anchors() if preset == "paper" else own_cells(scales, aspect_ratios)
