"""What the explorers of notebooks 02 and 03 share: a picture, a grid on it, and the window's cell."""

from __future__ import annotations

from typing import Any

import traitlets as t
from torch import Tensor

from rpnviz.explorers.common.base import RpnvizWidget
from rpnviz.explorers.common.own_picture import ShowsOnePicture
from rpnviz.explorers.common.payload import picture_file
from rpnviz.explorers.common.rules import Rule, obeys_rules, whole
from rpnviz.explorers.common.taken import check_picture
from rpnviz.grid import Grid
from rpnviz.pictures import Picture

NUM_ANCHORS = 9


class MapAndPicture(ShowsOnePicture, RpnvizWidget):
    """An explorer with the map and its sliders at the left and the picture at the right; see map_and_picture.js."""

    presented = "col"
    sheets = ("common/map_and_picture.css",)
    image = t.Bytes(read_only=True, help="the picture, WebP").tag(sync=True)
    place = t.Dict(read_only=True, help="how the feature map lies on the picture").tag(sync=True)
    row = t.Int(0, help="row of the cell under the window's centre").tag(sync=True)
    col = t.Int(0, help="column of the cell under the window's centre").tag(sync=True)
    selected = t.Int(-1, help="the anchor that stands out; -1 for none").tag(sync=True)

    def __init__(self, picture: Picture, grid: Grid, **traits: Any) -> None:
        """Show ``picture`` with ``grid`` laid over it."""
        self._opened_on = grid
        super().__init__()
        self.show_picture(check_picture(picture, grid))
        self.start_answering()
        rows, cols = grid.feature_size
        with self.hold_trait_notifications():  # together: which cells there are hangs on another trait, the grid's name
            for name, value in {"row": rows // 2, "col": cols // 2, **traits}.items():
                setattr(self, name, value)

    def answer(self) -> dict[str, Any]:
        """The picture shown, and how the map lies on it; the window stays on the map."""
        rows, cols = self.grid.feature_size
        within = self.brings(row=min(self.row, rows - 1), col=min(self.col, cols - 1))
        return {"place": place(self.base_grid), "image": picture_file(self.picture), **within}

    @property
    def base_grid(self) -> Grid:
        """The grid that the explorer was made with; on a picture of the reader's own the preset of its name."""
        return self.laid(self._opened_on)

    @property
    def grid(self) -> Grid:
        """How the feature map lies on the picture."""
        return self.base_grid

    def rules(self) -> dict[str, Rule]:
        """Say what a saved page may set."""
        rows, cols = self.grid.feature_size
        return {"row": whole(0, rows - 1), "col": whole(0, cols - 1), "selected": whole(-1, NUM_ANCHORS - 1)}

    _check = obeys_rules("row", "col", "selected")


def place(grid: Grid) -> dict[str, Any]:
    """Say to the page, in picture pixels, how the grid lies: sizes, stride, half sides of window and field."""
    boxes = {"window": grid.footprint(0, 0), "receptive_field": grid.receptive_field(0, 0)}
    halves = {name: [(box[2] - box[0]) / 2, (box[3] - box[1]) / 2] for name, box in boxes.items()}
    return {
        "name": grid.name,
        "image_size": list(grid.image_size),
        "input_size": list(grid.input_size),
        "ceil_mode": grid.ceil_mode,
        "feature_size": list(grid.feature_size),
        "stride": list(grid.stride),
        "half": halves,
    }


def shapes(cells: Tensor) -> list[dict[str, Any]]:
    """Describe the anchors of a cell to the page: name and box round (0, 0) of each."""
    return [{"name": size_name(box), "box": box} for box in cells.tolist()]


def size_name(box: list[float]) -> str:
    """Name an anchor by its sides: "182×90"."""
    return f"{box[2] - box[0]:.0f}×{box[3] - box[1]:.0f}"
