"""The linked explorer of results that were computed elsewhere: by the learner's own functions, in notebook 12."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch
import traitlets as t

from rpnviz.anchors import cell_anchors, grid_anchors
from rpnviz.explorers.linked.explorer import LinkedExplorer
from rpnviz.explorers.linked.scene import Scene, cells_of
from rpnviz.pictures import Picture

NOT_DRAWN = (
    "These anchors are not the same nine at every cell, so the explorer cannot draw them; it draws the package's"
)


class PrecomputedExplorer(LinkedExplorer):
    """The linked explorer of one scene that is handed over; another picture or grid cannot be asked for."""

    needs_python = "What you wrote runs in Python"
    handed = t.List(t.Unicode(), ["picture", "grid"], read_only=True).tag(sync=True)

    def __init__(self, scene: Scene) -> None:
        """Show a scene. Anchors that are not the same at every cell are replaced by ours, and the view says so."""
        cells = cells_of(scene)
        drawable = torch.allclose(grid_anchors(scene.grid, cells), scene.anchors.double(), atol=0.05)
        self._handed = scene if drawable else replace(scene, anchors=grid_anchors(scene.grid, cell_anchors()))
        self._open(scene.picture, scene.grid.name)
        self.set_trait("pictures", [scene.picture.name])
        if not drawable:
            self._remark = NOT_DRAWN
            self.set_trait("error", NOT_DRAWN)

    def _run(self, picture: Picture, grid: str) -> Scene:
        return self._handed

    @t.validate("picture", "grid")
    def _one_only(self, proposal: Any) -> str:
        name, value = proposal["trait"].name, str(proposal["value"])
        only = self._handed.picture.name if name == "picture" else self._handed.grid.name
        if value != only:
            raise t.TraitError(f"{name}: got {value!r}, takes {only!r}, for which these results were handed over")
        return value
