"""The linked explorer: a 3×3 window on the feature map, and on the picture beside it all that belongs to its cell."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt
import traitlets as t
from torch import Tensor

from rpnviz.anchors import ASPECT_RATIOS, SCALES
from rpnviz.backbone import OUT_CHANNELS
from rpnviz.explorers.common.base import RpnvizWidget
from rpnviz.explorers.common.finite import Finite
from rpnviz.explorers.common.objects import HasObjects, objects_of
from rpnviz.explorers.common.own_picture import GRIDS, saved_by_name
from rpnviz.explorers.common.page_network import BACKBONE_AND_RPN
from rpnviz.explorers.common.payload import LABELS
from rpnviz.explorers.common.proposal_settings import HasProposalSettings
from rpnviz.explorers.common.recorded import Recorded
from rpnviz.explorers.common.rules import Rule, box, obeys_rules, one_of, some_of, whole
from rpnviz.explorers.common.taken import check_picture
from rpnviz.explorers.common.thresholds import HasLabelRules
from rpnviz.explorers.common.words import beside_thresholds
from rpnviz.explorers.linked.figure import LinkedState, linked_figure
from rpnviz.explorers.linked.scene import Answers, Maps, Scene, ask_network, check_scene, cover, pack, to_bytes, window
from rpnviz.explorers.linked.tour import packed, tour_of
from rpnviz.figures.primitives import Still
from rpnviz.grid import Grid
from rpnviz.pictures import Picture
from rpnviz.rpn import RPNHead

LAYERS = ("anchors", "receptive_field", "ground_truth", "labels", "minibatch", "predictions", "proposals")
OPENING_LAYERS = ("anchors", "receptive_field", "ground_truth", "labels")
MAX_SEED = 9999
MAX_TOP_N = 300
NUM_ANCHORS = len(SCALES) * len(ASPECT_RATIOS)


class LinkedExplorer(HasLabelRules, HasProposalSettings, HasObjects, RpnvizWidget):
    """The linked explorer; every control is a trait, in step with all its views.

    Attributes:
        row, col (int): the cell under the window's centre.
        selected (int): which of the nine anchors stands out, -1 for none.
        layers (tuple[str, ...]): what is drawn, of LAYERS.
        map (str): "mean", "channel 0" … "channel 511", or "objectness 0" … "objectness 8" (of that anchor).
        seed, batch_size_per_image, positive_fraction: of the sampled minibatch.
        top_n (int): how many proposals are drawn.
        grid (str): "paper", "floor" or "ceil".
        picture (str): name of the picture.
        patch: a part of the picture that is covered, [x1, y1, x2, y2], or []; `covered` says what the network makes of
            it then.
        objects: its objects; the rules of labels and the settings of proposals are traits as well.
        quiet (bool): counts, layers, table and settings are folded away.
        alone (bool): of the nine anchors only one is drawn: the selected one, else the one that fits best.
        step (int): of the tour, from 0; -1 while nobody takes it.
    """

    asks: ClassVar[tuple[str, ...]] = ("picture", "own_picture", "grid", "map", "patch")
    presented = "col"
    view = "linked/view.js"
    sheets = ("common/labels.css", "linked/tour.css")
    networks = BACKBONE_AND_RPN

    picture = t.Unicode().tag(sync=True)
    grid = t.Enum(GRIDS, "paper").tag(sync=True)
    row = t.Int(0).tag(sync=True)
    col = t.Int(0).tag(sync=True)
    selected = t.Int(-1, min=-1, max=NUM_ANCHORS - 1).tag(sync=True)
    layers = t.Tuple(OPENING_LAYERS).tag(sync=True)
    map = t.Unicode("mean").tag(sync=True)
    seed = t.Int(0, min=0, max=MAX_SEED).tag(sync=True)
    batch_size_per_image = t.Int(256, min=1, max=512).tag(sync=True)
    positive_fraction = Finite(0.5, min=0, max=1).tag(sync=True)
    patch = t.List(t.Float(), [], help="[x1, y1, x2, y2]: a part that is covered with grey; [] covers none").tag(
        sync=True
    )
    covered = t.Dict(read_only=True, help="patch, and float32 [N]: the logits that the network gives then").tag(
        sync=True
    )
    top_n = t.Int(50, min=1, max=MAX_TOP_N).tag(sync=True)
    quiet = t.Bool(False).tag(sync=True)
    alone = t.Bool(False).tag(sync=True)
    step = t.Int(-1).tag(sync=True)
    guide = t.Dict(read_only=True, help="the tour: see prepare_tour; empty if there is none").tag(sync=True)
    pictures = t.List(t.Unicode(), read_only=True, help="names to choose from").tag(sync=True)
    scene = t.Dict(read_only=True, help="see scene.pack").tag(sync=True)
    extra_channel = t.Dict(read_only=True, help="the last channel shown that its scene has not").tag(sync=True)

    def __init__(
        self,
        picture: Picture,
        features_of: Callable[[Picture, Grid], Tensor],
        head: RPNHead,
        grid: str = "paper",
        features_once: Callable[[Picture, Grid], Tensor] | None = None,
    ) -> None:
        """Run the picture through every station and put the window on an object.

        Args:
            picture: what is shown at first.
            features_of: the backbone; it may keep what it finds.
            head: the RPN's.
            grid: "paper", "floor" or "ceil".
            features_once: the backbone that keeps nothing, for a covered picture, which is not seen again; without it
                `features_of`.
        """
        self._features_of, self._features_once, self._head = features_of, features_once or features_of, head
        self._open(picture, grid)

    def _open(self, picture: Picture, grid: str) -> None:
        self._given, self._worked_out = check_picture(picture), dict[str, Scene]()
        self._known = {picture.name: picture}  # one object a name: whether another is asked for is told by it
        self._answers = self._ask(picture, grid)
        shown = f"channel {Maps(self._answers.features).varied_channels()[0]}"
        super().__init__(picture=picture.name, grid=grid, map=shown)
        self.show_picture(picture)
        self.set_trait("scene", self._packed(self._answers))
        self.row, self.col = self.results.opening_cell()
        self.set_trait("pictures", list(dict.fromkeys([picture.name, *Picture.bundled()])))
        self.start_answering()

    def _ask(self, picture: Picture, grid: str) -> Answers:
        laid = Grid.named(grid, picture.image_size)
        check_scene(picture, laid)  # before the backbone spends seconds on it
        return ask_network(picture, laid, self._features_of(picture, laid), self._head)

    def _packed(self, answers: Answers) -> dict[str, Any]:
        return pack(answers)

    @property
    def results(self) -> Scene:
        """What every station says of the picture shown, with its objects and all settings as they stand."""
        key = repr((self.picture, self.grid, self.objects, self.label_rules, self.settings))
        if key not in self._worked_out:  # a tenth of a second; only the last is kept
            self._worked_out = {key: self._answers.work_out(self.picture_shown, self.label_rules, self.settings)}
        return self._worked_out[key]

    @property
    def minibatch(self) -> tuple[Tensor, Tensor]:
        """(pos_inds, neg_inds): what the seed draws."""
        return self.results.minibatch(self.seed, self.batch_size_per_image, self.positive_fraction)

    @property
    def channel(self) -> int | None:
        """The channel of the feature map that is shown, None if something else is; set it to show a channel."""
        return int(self.map.removeprefix("channel ")) if self.map.startswith("channel ") else None

    @channel.setter
    def channel(self, number: int) -> None:
        self.map = f"channel {number}"

    # ---- what is folded ------------------------------------------------------------------------------------------

    def hush(self) -> Self:
        """Show one anchor and the objects, and fold the rest away; returns the explorer."""
        self.quiet = self.alone = True
        self.selected = self._fitting()
        self.layers = ("anchors", "ground_truth")
        return self

    def unfold(self) -> Self:
        """Show counts, layers, table, and the nine anchors in the colours of their labels; returns the explorer."""
        self.quiet = self.alone = False
        self.selected = -1
        self.layers = OPENING_LAYERS
        return self

    def _fitting(self) -> int:
        """Which of the nine fits an object best."""
        return int(self.results.found.iou[self.results.here(self.row, self.col)].argmax())

    # ---- the tour ------------------------------------------------------------------------------------------------

    def tour(self) -> Self:
        """Show it: start the tour of what is shown now, ten steps from the picture to the proposals.

        Returns:
            LinkedExplorer: itself, so that a notebook shows it if this is the last line of a cell.

        Raises:
            ValueError: if the picture shown has no objects, or was opened in the view.
        """
        if self.step < 0:  # else from its beginning
            self.prepare_tour()
        self.step = 0
        return self

    def prepare_tour(self) -> None:
        """Put the tour of what is shown now, with the window where it stands, above the view.

        Raises:
            ValueError: as `tour`.
        """
        if self.own_picture:
            raise ValueError(f"{self.picture_shown.name}: was opened in the view; explore(picture) gives it a tour")
        if self.selected < 0:
            self.selected = self._fitting()
        now = self._as_set()
        steps = packed(tour_of(self), self.moves(), now)
        vector = self._head.window_vector(window(self._answers.features, self.row, self.col))[0, :, 1, 1]
        self.set_trait("guide", {"asked": now, "steps": steps, "vector": to_bytes(vector.detach()[None]).tobytes()})

    # ---- what may be set -----------------------------------------------------------------------------------------

    _check_place = obeys_rules("row", "col", "patch", "step")

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
        if value != self._given.name and value not in Picture.bundled():
            raise t.TraitError(f"picture: got {value!r}, takes one of {', '.join(self.pictures)}")
        return value

    # ---- what needs the kernel -----------------------------------------------------------------------------------

    def answer(self) -> dict[str, Any]:
        """Ask the network about another picture or grid, and send the channel that the page lacks."""
        answers, found, picture = self._answers, dict[str, Any](), self._chosen()
        if answers.picture is not picture or answers.grid.name != self.grid:
            answers = self._ask(picture, self.grid)
            row, col = answers.grid.cell_at(*self._answers.grid.centre(self.row, self.col))  # over the same place
            found = {"scene": self._packed(answers), "row": row, "col": col}
        if not self.own_picture and picture is not self._made_with:
            found["objects"] = objects_of(picture)
            self._before.pop("objects", None)
        if answers is not self._answers or self.patch != self.covered.get("patch", []):
            found["covered"] = self._cover(answers)
        found |= self._extra_channel(answers, found.get("scene", self.scene))
        self._answers, self._worked_out = answers, {}
        if not self.own_picture:
            self._made_with = picture
        return found

    def _cover(self, answers: Answers) -> dict[str, Any]:
        """Ask the network about the picture with a part of it covered; nothing if none is."""
        if not self.patch:
            return {}
        picture = cover(answers.picture, self.patch)
        logits = ask_network(picture, answers.grid, self._features_once(picture, answers.grid), self._head).objectness
        return {"patch": self.patch, "logits": logits.numpy().astype("<f4").tobytes()}

    def _chosen(self) -> Picture:
        """The picture that is asked for, without the objects that are drawn on it."""
        if self.own_picture:
            return self.opened_picture
        if self.picture not in self._known:
            self._known = {self._given.name: self._given, self.picture: Picture.load(self.picture)}
        return self._known[self.picture]

    def _extra_channel(self, answers: Answers, packed: dict[str, Any]) -> dict[str, Any]:
        """The channel shown, if the page has it neither with the scene nor since it asked last."""
        which = {"channel": self.channel, "picture": packed["picture"], "grid": packed["grid"]}
        has_it = all(self.extra_channel.get(name) == value for name, value in which.items())
        if self.channel is None or str(self.channel) in packed["channels"] or has_it:
            return {}
        return {"extra_channel": {**which, "values": Maps(answers.features).channel(self.channel).tobytes()}}

    # ---- for readers without a kernel ----------------------------------------------------------------------------

    def on_demand(self) -> dict[str, Any]:
        """The pixels of all pictures, for a page that covers a part of one and asks its network."""
        pictures = [self._given, *(Picture.load(name) for name in Picture.bundled() if name != self._given.name)]
        return {"files": {picture.name: picture.file() for picture in pictures}}

    def recorded(self) -> list[Recorded]:
        """Record all pictures on all grids, and every channel of what is shown."""
        channels = [f"channel {i}" for i in range(OUT_CHANNELS) if str(i) not in self.scene["channels"]]
        scenes = Recorded({"picture": Picture.bundled(), "grid": list(GRIDS)})
        return [scenes, Recorded({"picture": [self.picture], "grid": [self.grid]}, {"map": channels})]

    def rules(self) -> dict[str, Rule]:
        """Say what a saved page may set."""
        scene = self.scene  # empty until the first answer
        objectness = [f"objectness {a}" for a in range(NUM_ANCHORS)]
        channels = [f"channel {number}" for number in scene.get("channels", ())]
        grid = self._answers.grid
        (height, width), (height_px, width_px) = grid.feature_size, grid.image_size
        return {
            **self.object_rules(),
            **self.threshold_rules(),
            **self.proposal_rules(height * width * NUM_ANCHORS, grid.image_size),
            "patch": box([0, 0, width_px, height_px], or_none=True),
            "picture": one_of([self.picture_shown.name]),
            "grid": one_of([self.grid]),
            "step": whole(-1, len(self.guide.get("steps", ())) - 1),
            "row": whole(0, height - 1),
            "col": whole(0, width - 1),
            "layers": some_of(LAYERS),
            "map": one_of(["mean", *objectness, *channels, self.map]),
        }

    def saved_state(self) -> dict[str, Any]:
        """One of the reader's own is to the saved page like any other picture; a presenter goes through the tour."""
        state = saved_by_name(super().saved_state(), self.picture_shown.name)
        return {**state, "presented": "step" if self.guide else self.presented}

    def figure(self) -> Still:
        """Draw the explorer as it stands."""
        return linked_figure(self.state())

    def state(self) -> LinkedState:
        """Gather what is shown now, for linked_figure."""
        scene = self.results
        here = scene.here(self.row, self.col)
        if self.alone:
            here = here[[self.selected if self.selected >= 0 else self._fitting()]]
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
        scene = self.results
        if kind == "objectness":
            height, width = scene.grid.feature_size
            return to_bytes(scene.stages.all_scores.view(height, width, NUM_ANCHORS)[..., int(number)])
        return scene.maps.channel(int(number)) if number else scene.maps.mean()

    def describe(self) -> str:
        """Say in a sentence what is shown."""
        scene, thresholds = self.results, (self.bg_iou_thresh, self.fg_iou_thresh)
        here = scene.here(self.row, self.col).tolist()
        height, width = scene.grid.feature_size
        kinds = scene.kinds.tolist()
        anchors = "; ".join(
            f"{SCALES[a % len(SCALES)]} px, ratio {ASPECT_RATIOS[a // len(SCALES)]:g}: "
            f"best IoU {beside_thresholds(float(scene.found.iou[i]), thresholds)}, "
            f"{LABELS[kinds[i]].replace('_', ' ')}, "
            f"score {float(scene.stages.all_scores[i]):.2f}, {scene.stages.fate(i)}"
            for a, i in enumerate(here)
        )
        place = f"the 3×3 window at row {self.row}, column {self.col} of the {height}×{width} feature map"
        by = f" by {scene.by}" if scene.by else ""
        return f"Linked explorer of {scene.picture.name}{by}, {place}, and its nine anchors: {anchors}."
