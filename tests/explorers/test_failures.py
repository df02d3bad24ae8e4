"""What fails in Python while a view is moved is shown in its status line and raised, and the view stays as it was."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import traitlets as t

from rpnviz.backbone import WIDTHS, Backbone
from rpnviz.explorers import ChannelsExplorer, LinkedExplorer, PrecomputedExplorer
from rpnviz.explorers.common.base import RpnvizWidget
from rpnviz.explorers.fit.explorer import FitExplorer
from rpnviz.explorers.linked.scene import Scene, run_scene
from rpnviz.explorers.loss.explorer import SETTINGS
from rpnviz.explorers.precomputed.explorer import NOT_DRAWN
from rpnviz.grid import Grid
from rpnviz.rpn import RPNHead
from tests.explorers.every import every_explorer
from tests.explorers.fit_result import make_result
from tests.explorers.small_scene import make_picture

OWN = {
    "own_picture": {"name": "photo.jpg", "file_size": [300, 500], "number": 1},
    "own_pixels": np.zeros((600, 1000, 3), np.uint8).tobytes(),
}
# explorer, what the page sets, what then breaks; one row at least for each place where the work can fail
BROKEN: list[tuple[str, dict[str, Any], str]] = [
    ("linked", {"grid": "floor"}, "linked.explorer.ask_network"),
    ("linked", {"grid": "floor"}, "linked.explorer.pack"),
    ("linked", {"picture": "street-03"}, "linked.explorer.Picture.load"),
    ("linked", {"picture": "street-03", "grid": "ceil"}, "linked.explorer.pack"),
    ("linked", {"map": "channel 511"}, "linked.scene.Maps.channel"),
    ("precomputed", {"map": "channel 511"}, "linked.scene.Maps.channel"),
    ("precomputed", {"seed": 99}, "linked.scene.Scene.minibatch"),
    ("layers", {"wish": {"layer": "conv1_1", "channel": 3}}, "layers.explorer.LayersExplorer._check_channel"),
    ("channels", {"picture": "two"}, "channels.explorer.sheet_file"),
    ("channels", {"picture": "two"}, "channels.explorer.brightness"),
    ("layers", OWN, "layers.explorer.displayed"),
    ("channels", OWN, "channels.explorer.ChannelsExplorer._check_bundled"),
    ("roi", OWN, "roi.explorer.look"),
    ("loss", {"fg_iou_thresh": 0.5, "bg_iou_thresh": 0.4}, "common.labelled.label_anchors"),
    ("loss", {"objects": []}, "loss.anchors.write_ledger"),
    ("loss", {"seed": 5}, "common.sampled.sample_minibatch"),
    ("replay", {"picture": "street-05"}, "replay.explorer.pack_scene"),
    ("linked", {"patch": [0.0, 0.0, 100.0, 100.0]}, "linked.explorer.cover"),
    ("linked", OWN, "linked.explorer.ask_network"),
    ("linked", OWN, "linked.explorer.pack"),
    ("labels", OWN, "common.labelled.grid_plan"),
    ("minibatch", OWN, "common.labelled.picture_file"),
    ("funnel", OWN, "funnel.explorer.look"),
    ("funnel", OWN, "funnel.explorer.picture_file"),
    ("nms", OWN, "nms.explorer.look"),
    ("nms", OWN, "nms.explorer.picture_file"),
    ("detections", OWN, "detections.explorer.look"),
    ("detections", OWN, "detections.explorer.detect"),
    ("detections", OWN, "detections.explorer.picture_file"),
    ("pyramid", OWN, "pyramid.explorer.open_pyramid"),
    ("pyramid", OWN, "pyramid.explorer.picture_file"),
    ("anchors", OWN, "common.map_and_picture.picture_file"),
    ("window", OWN, "common.map_and_picture.picture_file"),
    ("loss", OWN, "loss.explorer.look"),
    ("loss", OWN, "loss.explorer.picture_file"),
    ("loss", OWN, "loss.anchors.write_ledger"),
    ("iou", OWN, "iou.explorer.picture_file"),
    ("poolings", OWN, "poolings.explorer.picture_file"),
    ("replay", {"picture": "street-05"}, "replay.explorer.Picture.load"),
    ("fit", {"pictured": 1}, "fit.explorer.draw_thumbnail"),
    ("convolution", {"output": 3, "tile": 1}, "convolution.explorer.ConvolutionExplorer._part"),
]
# These only set other traits to what they may be, or belong to the training, which tests its own failures.
SETS_ONLY = {("nms", "top_n"), ("live", "beside"), ("live", "running")}
SETS_ONLY |= {(kind, name) for kind in ("labels", "minibatch") for name in ("scales", "aspect_ratios")}
SETS_ONLY |= {("convolution", name) for name in ("row", "col")}
SETS_ONLY |= {("anchors", name) for name in ("preset", "grid_name", "scales", "aspect_ratios")}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], RpnvizWidget]:
    """What makes a new explorer of a name."""
    folder = tmp_path_factory.mktemp("every")
    makers = every_explorer(folder)
    makers["fit"] = lambda: FitExplorer(make_result(), pictures=folder)
    pictures, backbone, grid = {n: make_picture(n) for n in ("one", "two")}, Backbone.load("mini"), Grid.paper()
    features = {n: backbone.features(picture, grid) for n, picture in pictures.items()}
    makers["channels"] = lambda: ChannelsExplorer(pictures, grid, features)
    return lambda name: makers[name]()


def stands(explorer: RpnvizWidget) -> dict[str, Any]:
    """All that the view shows; not the page's own messages, and how many of them were answered."""
    own = {name: explorer.traits()[name] for name in explorer.own_traits()}
    messages = {"error", "wish"} | ({"answered"} if isinstance(own.get("answered"), t.Int) else set())
    return {"sentence": explorer.describe()} | {name: getattr(explorer, name) for name in own if name not in messages}


def fails(*_: Any, **__: Any) -> None:
    raise RuntimeError("<b>no memory</b>")


def listen(explorer: RpnvizWidget, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the page has been told of each trait by now."""
    told: dict[str, Any] = {}

    def hear(message: dict[str, Any], buffers: Any = None) -> None:
        if message["method"] == "update":
            told.update(message["state"])
            told.update({path[0]: bytes(one) for path, one in zip(message["buffer_paths"], buffers, strict=True)})

    monkeypatch.setattr(explorer, "_send", hear)
    return told


@pytest.mark.parametrize(
    ("name", "asked", "broken", "by"),
    [(*row, by) for row in BROKEN for by in ("page", "cell") if by == "page" or row[1] is not OWN],
)
def test_a_failure_is_shown_and_raised_and_the_view_stays(
    made: Callable[[str], RpnvizWidget],
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    asked: dict[str, Any],
    broken: str,
    by: str,
) -> None:
    explorer = made(name)
    before = stands(explorer)
    told = listen(explorer, monkeypatch)

    def ask() -> None:
        if by == "page":
            explorer.set_state(asked)
            return
        with explorer.hold_trait_notifications():
            for trait, value in asked.items():
                setattr(explorer, trait, value)

    with monkeypatch.context() as patch:
        patch.setattr(f"rpnviz.explorers.{broken}", fails)
        with pytest.raises(RuntimeError, match="no memory"):
            ask()
    assert explorer.error.endswith(": RuntimeError: <b>no memory</b>")  # text; the page shows it as such
    assert told["error"] == explorer.error
    assert stands(explorer) == before
    for trait in set(asked) - {"wish"} if by == "page" else ():
        assert told[trait] == before[trait]
    if by == "page":  # and once it does not fail any more
        ask()
        assert explorer.error == ""
        assert explorer.extra_map if "wish" in asked else stands(explorer) != before


def test_every_trait_that_python_follows_is_in_the_list(made: Callable[[str], RpnvizWidget], tmp_path: Path) -> None:
    followed = set()
    for name in every_explorer(tmp_path):
        explorer = made(name)
        for trait in explorer.own_traits():
            heard = explorer._trait_notifiers.get(trait, {}).get("change", [])
            if heard and not explorer.traits()[trait].read_only:
                followed.add((name, trait))
    listed = {(name, trait) for name, asked, _ in BROKEN for trait in asked}
    # The same code hears of all settings of an explorer; precomputed refuses another picture or grid before that.
    same = {("precomputed", name) for name in ("picture", "grid", "own_picture", "patch")}
    same |= {("loss", name) for name in (*SETTINGS, "chosen")}
    assert followed <= listed | SETS_ONLY | same, followed - listed
    assert followed >= SETS_ONLY


@pytest.mark.parametrize(
    "name", ["linked", "labels", "minibatch", "loss", "nms", "funnel", "roi", "detections", "layers"]
)
def test_what_the_page_may_not_set_is_shown_and_taken_back(
    made: Callable[[str], RpnvizWidget], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    explorer = made(name)
    told = listen(explorer, monkeypatch)
    tried = 0
    for trait in explorer.own_traits():
        kind = explorer.traits()[trait]
        if kind.read_only or isinstance(kind, t.Dict):
            continue
        before = getattr(explorer, trait)
        with pytest.raises(t.TraitError):
            explorer.set_state({trait: {"no": "value of its"}})
        assert explorer.error.startswith(f"could not set {trait}: TraitError: ") and trait in explorer.error[20:]
        assert told["error"] == explorer.error
        assert told[trait] == getattr(explorer, trait) == before
        tried += 1
    assert tried >= 3


def test_scene_that_fails_half_way_is_not_shown(
    made: Callable[[str], RpnvizWidget], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The network has answered already when the channel that is shown is drawn."""
    explorer = made("linked")
    assert isinstance(explorer, LinkedExplorer)
    explorer.channel, explorer.row, explorer.col = 511, 39, 59
    before, results = stands(explorer), explorer.results
    with monkeypatch.context() as patch:
        patch.setattr("rpnviz.explorers.linked.scene.Maps.channel", fails)
        with pytest.raises(RuntimeError):
            explorer.grid = "floor"
    assert explorer.error == "could not change what is shown: RuntimeError: <b>no memory</b>"
    assert explorer.results is results
    assert stands(explorer) == before
    explorer.grid = "floor"
    assert (explorer.error, explorer.scene["grid"], explorer.extra_channel["grid"]) == ("", "floor", "floor")


def test_a_sampler_that_fails_ever_after_does_not_go_round_in_circles(monkeypatch: pytest.MonkeyPatch) -> None:
    picture, grid = make_picture(), Grid.floor()
    features = Backbone(WIDTHS["mini"]).eval().features(picture, grid)
    explorer = PrecomputedExplorer(run_scene(picture, grid, features, RPNHead().eval()))
    explorer.seed = 99
    monkeypatch.setattr(Scene, "minibatch", fails)
    with pytest.raises(RuntimeError):
        explorer.seed = 98
    assert explorer.seed == explorer.extra_minibatch["seed"] == 99
    assert explorer.error.startswith("could not change what is shown: RuntimeError")


def test_a_remark_stands_while_no_error_does(made: Callable[[str], RpnvizWidget]) -> None:
    picture, grid = make_picture(), Grid.floor()
    features = Backbone(WIDTHS["mini"]).eval().features(picture, grid)
    scene = run_scene(picture, grid, features, RPNHead().eval())
    scene.anchors[:] = scene.anchors.view(-1, 9, 4).transpose(0, 1).reshape(-1, 4).clone()  # other nine in each cell
    explorer = PrecomputedExplorer(scene)
    explorer.channel = 511
    assert explorer.extra_channel["channel"] == 511 and explorer.error == NOT_DRAWN
