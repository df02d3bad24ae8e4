"""The linked explorer: a 3×3 window on the feature map, and on the picture beside it all that belongs to its cell."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import traitlets as t
from torch import Tensor

from rpnviz.anchors import ASPECT_RATIOS, SCALES
from rpnviz.backbone import OUT_CHANNELS
from rpnviz.explorers.common.base import RpnvizWidget
from rpnviz.explorers.common.payload import LABELS
from rpnviz.explorers.common.recorded import Recorded
from rpnviz.explorers.common.rules import Rule, obeys_rules, one_of, some_of, whole
from rpnviz.explorers.common.taken import check_picture
from rpnviz.explorers.common.words import beside_thresholds
from rpnviz.explorers.linked.figure import LinkedState, linked_figure
from rpnviz.explorers.linked.scene import Scene, check_scene, pack, pack_minibatch, run_scene, to_bytes
from rpnviz.figures.primitives import Still
from rpnviz.grid import Grid
from rpnviz.pictures import Picture
from rpnviz.rpn import RPNHead

LAYERS = ("anchors", "receptive_field", "ground_truth", "labels", "minibatch", "predictions", "proposals")
GRIDS = ("paper", "floor", "ceil")
MAX_SEED = 9999
RECORDED_SEEDS = 100
MAX_TOP_N = 300
NUM_ANCHORS = len(SCALES) * len(ASPECT_RATIOS)


class LinkedExplorer(RpnvizWidget):
    """The linked explorer; every control is a trait, in step with all its views.

    Attributes:
        row, col (int): the cell under the window's centre.
        selected (int): which of the nine anchors stands out, -1 for none.
        layers (tuple[str, ...]): what is drawn, of LAYERS.
        map (str): "mean", "channel 0" … "channel 511", or "objectness 0" … "objectness 8" (of that anchor).
        seed (int): of the sampled minibatch.
        top_n (int): how many proposals are drawn.
        grid (str): "paper", "floor" or "ceil".
        picture (str): name of the picture.
    """

    asks = ("picture", "grid", "map", "seed")
    presented = "col"
    view = "linked/view.js"
    needs_python = "Pictures of your own go through the network in Python"

    picture = t.Unicode().tag(sync=True)
    grid = t.Enum(GRIDS, "paper").tag(sync=True)
    row = t.Int(0).tag(sync=True)
    col = t.Int(0).tag(sync=True)
    selected = t.Int(-1, min=-1, max=NUM_ANCHORS - 1).tag(sync=True)
    layers = t.Tuple(("anchors", "receptive_field", "ground_truth", "labels")).tag(sync=True)
    map = t.Unicode("mean").tag(sync=True)
    seed = t.Int(0, min=0, max=MAX_SEED).tag(sync=True)
    top_n = t.Int(50, min=1, max=MAX_TOP_N).tag(sync=True)
    pictures = t.List(t.Unicode(), read_only=True, help="names to choose from").tag(sync=True)
    scene = t.Dict(read_only=True, help="see scene.pack").tag(sync=True)
    extra_channel = t.Dict(read_only=True, help="the last channel shown that its scene has not").tag(sync=True)
    extra_minibatch = t.Dict(read_only=True, help="likewise of a seed").tag(sync=True)

    def __init__(
        self,
        picture: Picture,
        features_of: Callable[[Picture, Grid], Tensor],
        head: RPNHead,
        grid: str = "paper",
    ) -> None:
        """Run the picture through every station and put the window on an object; `features_of` is the backbone."""
        self._features_of, self._head = features_of, head
        self._open(picture, grid)

    def _open(self, picture: Picture, grid: str) -> None:
        self._own_picture = check_picture(picture)
        self._scene = self._run(picture, grid)
        packed = pack(self._scene)
        row, col = self._opening_cell(packed["best_anchors"])
        shown = f"channel {self._scene.varied_channels()[0]}"
        super().__init__(picture=picture.name, grid=grid, row=row, col=col, map=shown)
        self.set_trait("scene", packed)
        self.set_trait("pictures", list(dict.fromkeys([picture.name, *Picture.bundled()])))
        self.start_answering()

    def _run(self, picture: Picture, grid: str) -> Scene:
        laid = Grid.named(grid, picture.image_size)
        check_scene(picture, laid)  # before the backbone spends seconds on it
        return run_scene(picture, laid, self._features_of(picture, laid), self._head)

    @property
    def results(self) -> Scene:
        """What every station says of the picture shown."""
        return self._scene

    @property
    def channel(self) -> int | None:
        """The channel of the feature map that is shown, None if something else is; set it to show a channel."""
        return int(self.map.removeprefix("channel ")) if self.map.startswith("channel ") else None

    @channel.setter
    def channel(self, number: int) -> None:
        self.map = f"channel {number}"

    def _opening_cell(self, best_anchors: list[int]) -> tuple[int, int]:
        """Start where an anchor fits an object best, else in the middle."""
        height, width = self._scene.grid.feature_size
        found = [anchor for anchor in best_anchors if anchor >= 0]
        if not found:
            return height // 2, width // 2
        best = max(found, key=lambda anchor: float(self._scene.found.iou[anchor]))
        return divmod(best // NUM_ANCHORS, width)

    # ---- what may be set -----------------------------------------------------------------------------------------

    _check_cell = obeys_rules("row", "col")

    @t.validate("layers")
    def _check_layers(self, proposal: dict[str, Any]) -> tuple[str, ...]:
        unknown = [layer for layer in proposal["value"] if layer not in LAYERS]
        if unknown:
            raise t.TraitError(f"layers: got {unknown[0]!r}, takes any of {', '.join(LAYERS)}")
        return tuple(layer for layer in LAYERS if layer in proposal["value"])

    @t.validate("map")
    def _check_map(self, proposal: dict[str, Any]) -> str:
        value: str = proposal["value"]
        kind, _, number = value.partition(" ")
        count = {"channel": OUT_CHANNELS, "objectness": NUM_ANCHORS}.get(kind, 0)
        if value != "mean" and not (number.isdecimal() and int(number) < count):
            takes = f"mean, channel 0 … channel {OUT_CHANNELS - 1}, objectness 0 … objectness {NUM_ANCHORS - 1}"
            raise t.TraitError(f"map: got {value!r}, takes {takes}")
        return value if value == "mean" else f"{kind} {int(number)}"

    @t.validate("picture")
    def _check_picture(self, proposal: dict[str, Any]) -> str:
        value: str = proposal["value"]
        if value != self._own_picture.name and value not in Picture.bundled():
            raise t.TraitError(f"picture: got {value!r}, takes one of {', '.join(self.pictures)}")
        return value

    # ---- what needs the kernel -----------------------------------------------------------------------------------

    def answer(self) -> dict[str, Any]:
        """Run another picture or grid through every station, and send the channel and the seed that its scene lacks."""
        scene, found = self._scene, dict[str, Any]()
        if (self.picture, self.grid) != (scene.picture.name, scene.grid.name):
            own = self.picture == self._own_picture.name
            scene = self._run(self._own_picture if own else Picture.load(self.picture), self.grid)
            row, col = scene.grid.cell_at(*self._scene.grid.centre(self.row, self.col))  # over the same place
            found = {"scene": pack(scene), "row": row, "col": col}
        packed = found.get("scene", self.scene)
        found |= self._extra_channel(scene, packed) | self._extra_minibatch(scene, packed)
        self._scene = scene
        return found

    def _extra_channel(self, scene: Scene, packed: dict[str, Any]) -> dict[str, Any]:
        """The channel shown, if the page has it neither with the scene nor since it asked last."""
        which = {"channel": self.channel, **_which(scene)}
        if self.channel is None or str(self.channel) in packed["channels"] or _holds(self.extra_channel, which):
            return {}
        return {"extra_channel": {**which, "values": scene.channel(self.channel).tobytes()}}

    def _extra_minibatch(self, scene: Scene, packed: dict[str, Any]) -> dict[str, Any]:
        """Likewise what the seed draws."""
        which = {"seed": self.seed, **_which(scene)}
        if str(self.seed) in packed["minibatches"] or _holds(self.extra_minibatch, which):
            return {}
        return {"extra_minibatch": {**which, **pack_minibatch(scene, self.seed)}}

    # ---- for readers without a kernel ----------------------------------------------------------------------------

    def recorded(self) -> list[Recorded]:
        """Record all pictures on all grids with some seeds, and every channel of what is shown."""
        seeds = [seed for seed in range(RECORDED_SEEDS) if str(seed) not in self.scene["minibatches"]]
        channels = [f"channel {i}" for i in range(OUT_CHANNELS) if str(i) not in self.scene["channels"]]
        scenes = Recorded({"picture": Picture.bundled(), "grid": list(GRIDS)}, {"seed": seeds})
        return [scenes, Recorded({"picture": [self.picture], "grid": [self.grid]}, {"map": channels})]

    def rules(self) -> dict[str, Rule]:
        """Say what a saved page may set."""
        scene = self.scene  # empty until the first answer
        objectness = [f"objectness {a}" for a in range(NUM_ANCHORS)]
        channels = [f"channel {number}" for number in scene.get("channels", ())]
        height, width = self._scene.grid.feature_size
        return {
            "picture": one_of([self.picture]),
            "grid": one_of([self.grid]),
            "row": whole(0, height - 1),
            "col": whole(0, width - 1),
            "layers": some_of(LAYERS),
            "map": one_of(["mean", *objectness, *channels, self.map]),
            "seed": one_of([*map(int, scene.get("minibatches", ())), self.seed]),
        }

    def figure(self) -> Still:
        """Draw the explorer as it stands."""
        return linked_figure(self.state())

    def state(self) -> LinkedState:
        """Gather what is shown now, for linked_figure."""
        scene, here = self._scene, self._scene.here(self.row, self.col)
        stages = scene.stages
        return LinkedState(
            image=scene.picture.image,
            grid=scene.grid,
            row=self.row,
            col=self.col,
            feature_map=self._feature_map(),
            map_name="mean of 512 channels" if self.map == "mean" else self.map,
            anchors=scene.anchors[here],
            labels=[LABELS[kind] for kind in scene.kinds[here].tolist()],
            iou=scene.found.iou[here],
            gt_boxes=scene.picture.gt_boxes,
            class_names=scene.picture.class_names,
            decoded=stages.all_boxes[here] if "predictions" in self.layers else None,
            proposals=stages.proposals[: self.top_n] if "proposals" in self.layers else None,
        )

    def _feature_map(self) -> npt.NDArray[np.uint8]:
        kind, _, number = self.map.partition(" ")
        if kind == "objectness":
            height, width = self._scene.grid.feature_size
            return to_bytes(self._scene.stages.all_scores.view(height, width, NUM_ANCHORS)[..., int(number)])
        return self._scene.channel(int(number)) if number else self._scene.mean()

    def describe(self) -> str:
        """Say in a sentence what is shown."""
        scene, here = self._scene, self._scene.here(self.row, self.col).tolist()
        height, width = scene.grid.feature_size
        kinds = scene.kinds.tolist()
        anchors = "; ".join(
            f"{SCALES[a % len(SCALES)]} px, ratio {ASPECT_RATIOS[a // len(SCALES)]:g}: "
            f"best IoU {beside_thresholds(float(scene.found.iou[i]))}, {LABELS[kinds[i]].replace('_', ' ')}, "
            f"score {float(scene.stages.all_scores[i]):.2f}, {scene.stages.fate(i)}"
            for a, i in enumerate(here)
        )
        place = f"the 3×3 window at row {self.row}, column {self.col} of the {height}×{width} feature map"
        by = f" by {scene.by}" if scene.by else ""
        return f"Linked explorer of {scene.picture.name}{by}, {place}, and its nine anchors: {anchors}."


def _which(scene: Scene) -> dict[str, str]:
    """Of which scene a channel or a minibatch is: a late one must not be taken for another's."""
    return {"picture": scene.picture.name, "grid": scene.grid.name}


def _holds(extra: dict[str, Any], which: dict[str, Any]) -> bool:
    return all(extra.get(name) == value for name, value in which.items())
