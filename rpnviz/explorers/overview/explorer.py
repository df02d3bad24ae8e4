"""The whole machine in one view: every station with what it makes of the picture and the window (notebook 00)."""

from __future__ import annotations

from typing import Any

import torch
import traitlets as t
from torch import Tensor

from rpnviz._inputs import take_shown
from rpnviz.explorers.common.base import RpnvizWidget
from rpnviz.explorers.common.rules import Rule, obeys_rules, whole
from rpnviz.explorers.common.taken import check_picture
from rpnviz.explorers.linked.scene import Scene, ask_network
from rpnviz.explorers.overview.figure import OverviewState, overview_figure
from rpnviz.explorers.overview.scene import SEED, SHOWN_NUMBERS, counts_of, losses_of, pack_overview, recorded_losses
from rpnviz.figures.primitives import Still
from rpnviz.figures.stations import COVERS, NOTEBOOKS, PARTS, STATIONS
from rpnviz.grid import Grid
from rpnviz.pictures import Picture
from rpnviz.rpn import RPNHead


class OverviewExplorer(RpnvizWidget):
    """The stations from left to right; the window moves on the map, and every thumbnail follows.

    Attributes:
        row, col (int): the cell under the window's centre.
        current (str): number of the notebook whose stations stand out, "" for all.
    """

    presented = "col"
    view = "overview/view.js"
    sheets = ("overview/view.css",)
    scene = t.Dict(read_only=True, help="see scene.pack_overview").tag(sync=True)
    stations: t.List[dict[str, Any]] = t.List(read_only=True, help="of figures.stations").tag(sync=True)
    parts: t.Dict[str, str] = t.Dict(PARTS, read_only=True, help="what each line of stations is for").tag(sync=True)
    covers: t.Dict[str, Any] = t.Dict(COVERS, read_only=True, help="notebook → its stations").tag(sync=True)
    pages = t.Unicode(".ipynb", read_only=True, help="how the notebooks' files end; '' where there are none").tag(
        sync=True
    )
    row = t.Int(0, help="row of the cell under the window's centre").tag(sync=True)
    col = t.Int(0, help="column of the cell under the window's centre").tag(sync=True)
    current = t.Enum(("", *COVERS), "", help="number of a notebook, '' for all").tag(sync=True)

    def __init__(self, picture: Picture, grid: Grid, features: Tensor, head: RPNHead, **traits: Any) -> None:
        """Show what the stations say of a picture.

        Args:
            picture: what the features were computed from.
            grid: how they lie on the picture.
            features (Tensor[1, 512, h, w]): the feature map.
            head: the RPN's.
            **traits: where to start, e.g. row=20, col=30, current="04"; else where an anchor fits an object best.

        Raises:
            ValueError: if picture or features are not of the grid, or the features not finite.
        """
        check_picture(picture, grid)
        rows, cols = grid.feature_size
        features = take_shown(features, "features", f"1, C, {rows}, {cols}")
        self._answers = ask_network(picture, grid, features, head)
        self._scene = self._answers.work_out(picture, {}, {})
        with torch.no_grad():
            self._vector = head.window_vector(features)[0].float()
        super().__init__()
        self.set_trait("scene", pack_overview(self._scene, self._answers, self._vector))
        files = [{**station._asdict(), "file": NOTEBOOKS[station.notebook]} for station in STATIONS]
        self.set_trait("stations", files)
        opening = dict(zip(("row", "col"), self._scene.opening_cell(), strict=True))
        for name, value in {**opening, **traits}.items():
            setattr(self, name, value)

    @property
    def results(self) -> Scene:
        """What every station says of the picture."""
        return self._scene

    def rules(self) -> dict[str, Rule]:
        """Say what a saved page may set."""
        rows, cols = self._scene.grid.feature_size
        return {"row": whole(0, rows - 1), "col": whole(0, cols - 1)}

    _check = obeys_rules("row", "col")

    def saved_state(self) -> dict[str, Any]:
        """A saved page lies anywhere: its stations lead nowhere."""
        return {**super().saved_state(), "pages": ""}

    def state(self) -> OverviewState:
        """Gather what is shown now, for overview_figure."""
        scene, answers = self._scene, self._answers
        here = scene.here(self.row, self.col)
        positive, negative = scene.minibatch(SEED)
        losses = losses_of(scene, answers)
        return OverviewState(
            image=scene.picture.image,
            gt_boxes=scene.picture.gt_boxes,
            grid=scene.grid,
            row=self.row,
            col=self.col,
            feature_map=scene.maps.mean(),
            vector=self._vector[:: len(self._vector) // SHOWN_NUMBERS or 1, self.row, self.col],
            num_numbers=len(self._vector),
            scores=scene.stages.all_scores[here],
            deltas=answers.deltas[here],
            anchors=scene.anchors[here],
            kinds=scene.kinds[here],
            positive=positive,
            negative=negative,
            losses=(losses.objectness, losses.box),
            curve=recorded_losses(),
            stages=scene.stages,
            here=here,
            counts=counts_of(scene),
        )

    def figure(self) -> Still:
        """Draw the machine as it stands."""
        return overview_figure(self.state(), COVERS[self.current or "00"])

    def describe(self) -> str:
        """Say in a sentence what is shown."""
        return self.state().sentence()
