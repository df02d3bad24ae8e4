"""The linked explorer of results that were computed elsewhere: by the learner's own functions, in notebook 12."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, ClassVar

import torch
import traitlets as t

from rpnviz.anchors import cell_anchors, grid_anchors
from rpnviz.explorers.common.own_picture import OWN_PICTURE
from rpnviz.explorers.common.proposal_settings import PROPOSAL_SETTINGS
from rpnviz.explorers.common.rules import Rule, one_of
from rpnviz.explorers.common.thresholds import LABEL_RULES
from rpnviz.explorers.linked.explorer import LinkedExplorer
from rpnviz.explorers.linked.scene import Answers, Scene, cells_of, pack_handed, pack_minibatch
from rpnviz.pictures import Picture

HANDED = (
    *OWN_PICTURE,
    "objects",
    *LABEL_RULES,
    *PROPOSAL_SETTINGS,
    "batch_size_per_image",
    "positive_fraction",
    "patch",
)
NOT_DRAWN = (
    "These anchors are not the same nine at every cell, so the explorer cannot draw them; it draws the package's"
)


class PrecomputedExplorer(LinkedExplorer):
    """The linked explorer of one scene that is handed over; another picture or grid cannot be asked for."""

    asks: ClassVar[tuple[str, ...]] = (*LinkedExplorer.asks, "seed")
    unmoved = HANDED
    networks = ()
    needs_python = "What you wrote runs in Python"
    handed = t.List(t.Unicode(), ["picture", "grid", *HANDED], read_only=True).tag(sync=True)
    extra_minibatch = t.Dict(read_only=True, help="the last seed that its scene has not").tag(sync=True)

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

    def _ask(self, picture: Picture, grid: str) -> Answers:
        nothing = self._handed.features.new_zeros(0)  # a network's answers are not among what was handed over
        return Answers(self._handed.picture, self._handed.grid, self._handed.features, nothing, nothing)

    def _packed(self, answers: Answers) -> dict[str, Any]:
        return pack_handed(self._handed)

    @property
    def results(self) -> Scene:
        """What was handed over."""
        return self._handed

    def prepare_tour(self) -> None:
        """Refuse: the tour shows what lies between the window and the scores, which was not handed over."""
        raise ValueError("these results were handed over, and the tour shows what only their network knows")

    def on_demand(self) -> dict[str, Any]:
        """No network is asked about these results."""
        return {}

    def answer(self) -> dict[str, Any]:
        """Send the channel and the seed that the page lacks."""
        which = {"seed": self.seed, "picture": self.picture, "grid": self.grid}
        if str(self.seed) in self.scene["minibatches"] or self.extra_minibatch.get("seed") == self.seed:
            return super().answer()
        return {**super().answer(), "extra_minibatch": {**which, **pack_minibatch(self._handed, self.seed)}}

    def rules(self) -> dict[str, Rule]:
        """Say what a saved page may set."""
        return {**super().rules(), "seed": one_of([*map(int, self.scene.get("minibatches", ())), self.seed])}

    @t.validate(*HANDED)
    def _handed_over(self, proposal: Any) -> Any:
        name, value = proposal["trait"].name, proposal["value"]
        if self.scene and value != getattr(self, name):
            raise t.TraitError(f"{name}: these results were handed over, and are not worked out again")
        return value

    @t.validate("picture", "grid")
    def _one_only(self, proposal: Any) -> str:
        name, value = proposal["trait"].name, str(proposal["value"])
        only = self._handed.picture.name if name == "picture" else self._handed.grid.name
        if value != only:
            raise t.TraitError(f"{name}: got {value!r}, takes {only!r}, for which these results were handed over")
        return value
