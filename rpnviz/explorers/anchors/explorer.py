"""Notebook 03's explorer: the anchors of a cell, every centre, all boxes of a shape; scales and ratios of one's own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
import traitlets as t
from torch import Tensor

from rpnviz.anchors import ASPECT_RATIOS, SCALES, cell_anchors, ctpn_cell_anchors, grid_anchors, inside_picture
from rpnviz.explorers.common.map_and_picture import MapAndPicture, looks, place
from rpnviz.figures.anchors import anchors_on_picture, field_figure
from rpnviz.figures.primitives import Still
from rpnviz.grid import Grid
from rpnviz.pictures import Picture

PRESETS = ("paper", "ctpn", "own")
MODES = ("cell", "centres", "boxes")
SCALE_RANGE = (4.0, 2000.0)  # px; what can still be seen on a picture of 600 × 1000
RATIO_RANGE = (0.05, 20.0)
MOST_ANCHORS = 24  # rows of the table


class AnchorsExplorer(MapAndPicture):
    """Show anchors to scale. The page asks for others by `wish`; Python computes them and answers."""

    asks = unmoved = ("wish",)
    needs_python = "Other grids, scales and ratios are computed by Python"
    view = "anchors/view.js"
    mode = t.Enum(MODES, "cell", help="this cell's anchors, every centre, or every box of the selected shape").tag(
        sync=True
    )
    wish = t.Dict(help="what the page asks for: grid, preset, scales, aspect_ratios").tag(sync=True)
    choice = t.Dict(read_only=True, help="preset, scales and aspect_ratios as shown").tag(sync=True)
    inside = t.Bytes(read_only=True, help="uint8 [h·w, A]: 1 where the anchor lies inside the picture").tag(sync=True)
    counts: t.List[Any] = t.List(read_only=True, help="how many anchors of each shape lie inside").tag(sync=True)

    def __init__(self, picture: Picture, grid: Grid, **traits: Any) -> None:
        """Show the paper's nine anchors of ``grid`` on ``picture``; ``traits`` say where to start, e.g. row=20."""
        super().__init__(picture, grid, **traits)
        self.use()
        self.start_answering()

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
        cells, num_scales = chosen_cells(preset, scales, aspect_ratios)
        new_grid = self.grid if grid is None else Grid.named(grid, self.grid.image_size)
        rows, cols = new_grid.feature_size
        # All that can fail comes first: the view changes as a whole or not at all.
        inside = inside_picture(grid_anchors(new_grid, cells), new_grid.image_size).reshape(-1, len(cells))
        own = preset == "own"
        numbers = {"scales": scales if own else SCALES, "aspect_ratios": aspect_ratios if own else ASPECT_RATIOS}
        texts = {name: ", ".join(f"{n:g}" for n in values) for name, values in numbers.items()}
        sent = {
            "place": place(new_grid),
            "anchors": looks(cells, num_scales),
            "inside": inside.byte().numpy().tobytes(),
            "counts": inside.sum(dim=0).tolist(),
            "choice": {"preset": preset, **texts},
        }
        with self.hold_sync():
            self.row, self.col = min(self.row, rows - 1), min(self.col, cols - 1)
            self.selected = min(self.selected, len(cells) - 1)  # before there are fewer to select
            self.grid, self.cells, self._num_scales, self._inside = new_grid, cells, num_scales, inside
            for name, value in sent.items():
                self.set_trait(name, value)

    def answer(self) -> dict[str, Any]:
        """Show what the page asked for: the arguments of `use`, numbers as text."""
        wish: dict[str, Any] = dict(self.wish)
        try:
            wish |= {name: parse(wish[name], name) for name in ("scales", "aspect_ratios") if name in wish}
            if wish:
                self.use(**wish)
        except ValueError as refusal:  # a slip of the reader's hand is answered in words; it is no failure of Python's
            self.set_trait("error", str(refusal))
        return {}

    def here(self) -> Tensor:
        """The anchors of the window's cell, Tensor[A, 4] in picture px."""
        x, y = self.grid.centre(self.row, self.col)
        return self.cells + torch.tensor([x, y, x, y])

    def figure(self) -> Still:
        """Draw the explorer as it stands."""
        image, names = self.picture.image, [anchor["name"] for anchor in self.anchors]
        if self.mode == "cell":
            return anchors_on_picture(image, self.here(), names, self._num_scales, self.describe())
        a = max(self.selected, 0)
        boxes = grid_anchors(self.grid, self.cells[a : a + 1])
        return field_figure(image, boxes, self._inside[:, a], self.mode == "centres", self.describe())

    def describe(self) -> str:
        """Say in a sentence what the explorer shows."""
        rows, cols = self.grid.feature_size
        total = f"{int(self._inside.sum()):,} of {self._inside.numel():,} anchors lie inside"
        if self.mode == "cell":
            return f"Row {self.row}, column {self.col} of {rows}×{cols} cells: {len(self.cells)} anchors. {total}."
        a = max(self.selected, 0)
        return f"{self.anchors[a]['name']} at {rows}×{cols} centres: {self.counts[a]:,} inside. In all, {total}."


def chosen_cells(preset: str, scales: Sequence[float], aspect_ratios: Sequence[float]) -> tuple[Tensor, int]:
    """Return the anchors of a cell and how many scales they have; raises ValueError as `AnchorsExplorer.use` says."""
    if preset not in PRESETS:
        raise ValueError(f"preset: got {preset!r}, takes one of {', '.join(PRESETS)}")
    if preset == "ctpn":
        cells = ctpn_cell_anchors()
        return cells, len(cells)
    if preset == "paper":
        return cell_anchors(), len(SCALES)
    limits = {"scales": (scales, SCALE_RANGE), "aspect_ratios": (aspect_ratios, RATIO_RANGE)}
    for argument, (values, (low, high)) in limits.items():
        takes = f"takes numbers from {low:g} to {high:g}"
        if np.ndim(values) != 1:
            raise ValueError(f"{argument}: got {values!r}, {takes}")
        for value in values:
            if not low <= value <= high:
                raise ValueError(f"{argument}: got {value:g}, {takes}")
    if len(scales) * len(aspect_ratios) > MOST_ANCHORS:
        raise ValueError(
            f"scales × aspect_ratios: got {len(scales) * len(aspect_ratios)}, takes at most {MOST_ANCHORS}"
        )
    return cell_anchors(scales, aspect_ratios), len(scales)


def parse(text: str, argument: str) -> list[float]:
    """Read "128, 256, 512"."""
    try:
        return [float(word) for word in text.replace(",", " ").split()]
    except ValueError:
        raise ValueError(f"{argument}: got {text!r}, takes numbers separated by commas") from None
