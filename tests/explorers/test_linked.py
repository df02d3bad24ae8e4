"""The linked explorer without a browser: what it sends, what may be set, what the kernel answers."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
import traitlets as t
from matplotlib.figure import Figure
from PIL import Image
from torch import Tensor

import rpnviz
from rpnviz.anchors import cell_anchors, grid_anchors
from rpnviz.backbone import Backbone
from rpnviz.explorers import explore
from rpnviz.explorers.common.payload import LABELS, LOW_QUALITY
from rpnviz.explorers.linked import explorer as linked
from rpnviz.explorers.linked.explorer import LAYERS, LinkedExplorer
from rpnviz.explorers.linked.scene import CHANNELS_AT_OPENING, LARGE, SEEDS_AT_OPENING, pack_handed, to_bytes
from rpnviz.grid import Grid
from rpnviz.pictures import PADDING, Picture
from rpnviz.proposals import propose
from rpnviz.rpn import RPNHead, flatten_head
from rpnviz.targets import label_anchors, sample_minibatch
from tests.explorers.small_scene import HOSTILE, make_picture, payload


def from_page(widget: LinkedExplorer, **changes: Any) -> None:
    """Set traits as the page does, in one message."""
    widget.set_state(changes)


# ---- what is sent --------------------------------------------------------------------------------------------------


def test_the_page_gets_what_the_network_says(untouched: LinkedExplorer) -> None:
    objectness, deltas = (np.frombuffer(untouched.scene[name], "<f4") for name in ("objectness", "deltas"))
    answers = untouched._answers
    assert objectness.tolist() == answers.objectness.tolist()
    assert deltas.tolist() == answers.deltas.flatten().tolist()


@pytest.fixture(scope="module")
def handed(untouched: LinkedExplorer) -> dict[str, Any]:
    """Our own results, packed as those of somebody else are."""
    return pack_handed(untouched.results)


def buffer(scene: dict[str, Any], name: str, kind: str) -> np.ndarray:
    return np.frombuffer(scene[name], kind)


def test_labels_and_ious_are_those_of_the_compute_module(handed: dict[str, Any]) -> None:
    picture, grid = make_picture(), Grid.paper()
    found = label_anchors(grid_anchors(grid, cell_anchors()), picture.gt_boxes, image_size=grid.image_size)
    kinds = buffer(handed, "kinds", "u1")
    names = np.array(LABELS)[kinds & 3]
    assert ((names == "positive") == (found.labels == 1).numpy()).all()
    assert ((names == "negative") == (found.labels == 0).numpy()).all()
    assert ((names == "crosses_border") == found.crosses_boundary.numpy()).all()
    assert ((kinds & LOW_QUALITY > 0) == found.low_quality.numpy()).all()
    assert np.abs(buffer(handed, "iou", "<u2") / 65535 - found.iou.numpy()).max() < 1e-5
    assert (names == "positive").sum() > 2


def test_the_page_can_rebuild_every_anchor(untouched: LinkedExplorer) -> None:
    scene = untouched.scene
    (rows, cols), (stride_y, stride_x) = scene["feature_size"], scene["stride"]
    y, x = np.mgrid[:rows, :cols]
    centres = np.stack([(x + 0.5) * stride_x, (y + 0.5) * stride_y] * 2, axis=-1)
    rebuilt = (centres[:, :, None] + np.array(scene["cell_anchors"])).reshape(-1, 4)
    assert np.abs(rebuilt - untouched.results.anchors.numpy()).max() < 1e-3


def test_scores_boxes_and_fates_are_those_of_propose(untouched: LinkedExplorer, handed: dict[str, Any]) -> None:
    stages = untouched.results.stages
    boxes = buffer(handed, "boxes", "<u2").reshape(-1, 4) * handed["box_step"]
    assert np.abs(boxes - stages.all_boxes.numpy()).max() < 0.02
    assert np.abs(buffer(handed, "scores", "<u2") / 65535 - stages.all_scores.numpy()).max() < 1e-5
    order, suppressor = buffer(handed, "order", "<u2"), buffer(handed, "suppressor", "<i2")
    assert order.tolist() == stages.pre_nms_inds.tolist()
    assert order[suppressor < 0].tolist() == stages.nms_inds.tolist()
    for rank in np.flatnonzero(suppressor >= 0)[:50]:
        assert stages.fate(int(order[rank])).startswith(f"suppressed by rank {suppressor[rank] + 1:,},")
    large = np.flatnonzero(buffer(handed, "kinds", "u1") & LARGE)
    assert large.tolist() == stages.large_inds.tolist()
    assert handed["funnel"] == stages.funnel()


@pytest.mark.parametrize("seed", [0, SEEDS_AT_OPENING - 1])
def test_minibatches_are_those_of_the_sampler(untouched: LinkedExplorer, handed: dict[str, Any], seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    positive, negative = sample_minibatch(untouched.results.found.labels, generator=generator)
    sent = handed["minibatches"][str(seed)]
    assert np.frombuffer(sent["positive"], "<u2").tolist() == positive.tolist()
    assert np.frombuffer(sent["negative"], "<u2").tolist() == negative.tolist()
    assert len(positive) + len(negative) == 256


def test_best_anchor_of_each_object(untouched: LinkedExplorer, handed: dict[str, Any]) -> None:
    found = untouched.results.found
    for i, anchor in enumerate(handed["best_anchors"]):
        assert not found.crosses_boundary[anchor]
        assert found.iou[anchor] >= found.best_iou_per_gt[i] - 1e-6


def test_whose_best_a_weak_positive_is(untouched: LinkedExplorer, handed: dict[str, Any]) -> None:
    best_of = handed["best_of"]
    assert sorted(map(int, best_of)) == untouched.results.found.low_quality.nonzero().flatten().tolist()
    assert set(best_of.values()) <= {0, 1, 2} and 1 in best_of.values()  # the tiny dog has no other positives


@pytest.mark.parametrize("grid", ["paper", "ceil"])
def test_payload_at_opening(grid: str) -> None:
    assert payload(explore("street-03", grid=grid)) <= 600_000  # 432 kB of them objectness and deltas


def test_what_a_step_costs_on_the_wire(untouched: LinkedExplorer) -> None:
    assert "scene" not in untouched.get_state(["row", "col"])


# ---- what may be set -----------------------------------------------------------------------------------------------


def test_opens_on_the_best_fit(untouched: LinkedExplorer) -> None:
    here = untouched.results.here(untouched.row, untouched.col)
    assert untouched.results.found.iou[here].max() >= 0.7


@pytest.mark.parametrize(
    ("trait", "value", "takes"),
    [
        ("row", 40, "0 to 39"),
        ("row", -1, "0 to 39"),
        ("col", 60, "0 to 59"),
        ("selected", 9, "8"),
        ("selected", "car", "int"),
        ("layers", ("anchors", "halo"), "any of anchors"),
        ("map", "channel 512", "channel 511"),
        ("map", "objectness 9", "objectness 8"),
        ("map", "channel -1", "channel 511"),
        ("map", "loss", "mean"),
        ("seed", -1, "0"),
        ("top_n", 0, "1"),
        ("top_n", 301, "300"),
        ("grid", "coarse", "paper"),
        ("picture", "street-99", "street-03"),
    ],
)
def test_bad_values_are_refused_and_change_nothing(
    untouched: LinkedExplorer, trait: str, value: Any, takes: str
) -> None:
    before = {name: getattr(untouched, name) for name in untouched.own_traits() if name != "error"}
    with pytest.raises(t.TraitError, match=rf"{trait}[\s\S]*{takes}|{takes}[\s\S]*{trait}"):
        setattr(untouched, trait, value)
    with pytest.raises(t.TraitError):
        from_page(untouched, **{trait: value})
    assert {name: getattr(untouched, name) for name in before} == before
    assert untouched.error.startswith(f"could not set {trait}: TraitError: ")


def test_layers_keep_one_order(explorer: LinkedExplorer) -> None:
    listed: Any = ["proposals", "anchors", "anchors"]
    explorer.layers = listed
    assert list(explorer.layers) == ["anchors", "proposals"]
    from_page(explorer, layers=list(reversed(LAYERS)))
    assert explorer.layers == LAYERS


def test_channel_is_a_view_of_map(explorer: LinkedExplorer) -> None:
    explorer.map = "mean"
    assert explorer.channel is None
    explorer.channel = 17
    assert [explorer.map, explorer.channel] == ["channel 17", 17]
    with pytest.raises(t.TraitError, match="channel 511"):
        explorer.channel = 512


@pytest.mark.parametrize(
    ("arguments", "choices"),
    [
        ({"picture": "street-99"}, "street-03"),
        ({"backbone": "resnet"}, "mini"),
        ({"grid": "coarse"}, "paper, floor, ceil"),
    ],
)
def test_explore_names_the_choices(arguments: dict[str, str], choices: str) -> None:
    with pytest.raises(ValueError, match=choices):
        explore(**arguments)


def test_explore_takes_a_picture_of_ones_own() -> None:
    explorer = rpnviz.explore(make_picture("my street"))
    assert explorer.picture == "my street" and explorer.pictures[0] == "my street"
    explorer.picture = "street-03"
    explorer.picture = "my street"
    assert [one["name"] for one in explorer.objects] == ["car", "dog", "dog"]


# ---- what needs the kernel -----------------------------------------------------------------------------------------


def test_another_grid_is_computed_and_the_window_stays_over_its_place(explorer: LinkedExplorer) -> None:
    explorer.row, explorer.col = 39, 59
    from_page(explorer, grid="floor")
    assert explorer.scene["grid"] == "floor" and explorer.scene["feature_size"] == (37, 62)
    assert len(explorer.scene["objectness"]) == 4 * 37 * 62 * 9
    assert (explorer.row, explorer.col) == (36, 61)
    with pytest.raises(t.TraitError, match="0 to 36"):
        explorer.row = 37
    explorer.grid = "paper"
    assert (explorer.row, explorer.col) == (38, 59)


def test_another_picture_is_computed(explorer: LinkedExplorer) -> None:
    explorer.picture = "street-01"
    assert explorer.scene["picture"] == "street-01"
    theirs = Picture.load("street-01")
    assert explorer.picture_shown.class_names == theirs.class_names
    assert torch.equal(explorer.picture_shown.gt_boxes, theirs.gt_boxes)


def test_a_channel_is_sent_when_asked_for(explorer: LinkedExplorer) -> None:
    other = next(n for n in range(512) if str(n) not in explorer.scene["channels"])
    from_page(explorer, map=f"channel {other}")
    answer = explorer.extra_channel
    assert (answer["channel"], answer["picture"], answer["grid"]) == (other, "mine", "paper")
    assert answer["values"] == explorer.results.maps.channel(other).tobytes() and len(answer["values"]) == 2400
    explorer.grid = "floor"  # what is shown stays shown, on the new grid
    assert explorer.extra_channel["grid"] == "floor" and len(explorer.extra_channel["values"]) == 37 * 62


def test_channels_sent_at_opening_are_not_sent_again(explorer: LinkedExplorer) -> None:
    assert len(explorer.scene["channels"]) == CHANNELS_AT_OPENING
    explorer.channel = int(next(iter(explorer.scene["channels"])))
    assert explorer.extra_channel == {}


def test_results_follow_objects_and_settings(explorer: LinkedExplorer) -> None:
    car = explorer.objects[0]
    from_page(explorer, objects=[{"name": "van", "box": [100.0, 100, 356, 356]}], fg_iou_thresh=0.5, nms_thresh=0.3)
    grid, anchors = Grid.paper(), explorer.results.anchors
    boxes = torch.tensor([[100.0, 100, 356, 356]])
    found = label_anchors(anchors, boxes, grid.image_size, fg_iou_thresh=0.5)
    assert torch.equal(explorer.results.found.labels, found.labels)
    assert explorer.results.picture.class_names == ["van"]
    answers = explorer._answers
    stages = propose(answers.objectness, answers.deltas, anchors, grid.image_size, nms_thresh=0.3)
    assert torch.equal(explorer.results.stages.nms_inds, stages.nms_inds)
    generator = torch.Generator().manual_seed(5)
    explorer.seed, explorer.batch_size_per_image, explorer.positive_fraction = 5, 64, 0.25
    drawn = sample_minibatch(found.labels, 64, 0.25, generator)
    assert all(torch.equal(ours, theirs) for ours, theirs in zip(explorer.minibatch, drawn, strict=True))
    explorer.objects = [car]
    assert explorer.results.picture.class_names == ["car"]


def test_an_error_in_python_is_shown_and_raised(explorer: LinkedExplorer, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("<b>no memory</b>")

    before = explorer.scene
    monkeypatch.setattr(linked, "ask_network", broken)
    with pytest.raises(RuntimeError, match="no memory"):
        from_page(explorer, grid="ceil")
    assert "<b>no memory</b>" in explorer.error  # text; the page shows it as such
    assert explorer.grid == "paper" and explorer.scene is before
    monkeypatch.undo()
    explorer.grid = "ceil"
    assert explorer.error == "" and explorer.scene["grid"] == "ceil"


# ---- for readers without a kernel ----------------------------------------------------------------------------------


def test_mime_bundle_has_picture_and_sentence(untouched: LinkedExplorer) -> None:
    data, _ = untouched._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in data
    assert data["image/png"].startswith("iVBOR")
    assert re.search(r"row \d+, column \d+ .* nine anchors", data["text/plain"])
    assert data["text/plain"].count("best IoU") == 9


def test_the_picture_follows_the_state(explorer: LinkedExplorer) -> None:
    assert isinstance(explorer.figure(), Figure)
    before = np.asarray(Image.open(io.BytesIO(explorer.to_png())))
    explorer.row += 5
    moved = np.asarray(Image.open(io.BytesIO(explorer.to_png())))
    assert (before != moved).any()
    explorer.layers = LAYERS
    state = explorer.state()
    assert state.decoded is not None and state.proposals is not None and len(state.proposals) == explorer.top_n
    explorer.map = "objectness 4"
    assert explorer.state().feature_map.shape == (40, 60)


def test_page_is_self_contained_and_nothing_in_data_closes_a_script(network: Any) -> None:
    hostile = make_picture(HOSTILE, names=(HOSTILE, "</SCRIPT >", "<!--<script>"))
    page = LinkedExplorer(hostile, *network).to_html()
    assert page.lower().count("</script") == page.lower().count("<script") == 2
    assert HOSTILE not in page and "<!--" not in page
    assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)", page)
    assert "default-src 'none'" in page


def test_page_says_there_is_no_kernel(untouched: LinkedExplorer, tmp_path: Any) -> None:
    page = untouched.to_html(tmp_path / "page.html")
    assert (tmp_path / "page.html").read_text(encoding="utf-8") == page
    assert '"has_kernel":false' in page
    assert untouched.has_kernel


# ---- maps ----------------------------------------------------------------------------------------------------------


def test_maps_use_the_whole_range_within_the_rim() -> None:
    values = torch.zeros(20, 30)
    values[5, 5], values[6, 6], values[0, 0] = 1.0, 0.5, 9.0
    stretched = to_bytes(values, rim=4)
    assert (stretched[5, 5], stretched[6, 6], stretched[0, 0], stretched[9, 9]) == (255, 128, 255, 0)
    assert to_bytes(values)[5, 5] == round(255 / 9)
    assert not to_bytes(torch.full((20, 30), 3.0)).any()


# ---- a part that is covered ----------------------------------------------------------------------------------------


def test_the_network_is_asked_about_the_covered_picture(explorer: LinkedExplorer) -> None:
    picture = Picture.load("street-05")
    shown = explore(picture)
    large = int(shown.results.stages.post_nms_inds[0])  # an anchor that is sure of the bus
    shown.patch = [400, 100, 620, 300]
    image = picture.image.copy()
    image[100:300, 400:620] = PADDING
    hidden = replace(picture, image=image)
    expected = flatten_head(*RPNHead.load("mini")(Backbone.load("mini").features(hidden, Grid.paper())))[0]
    logits = np.frombuffer(shown.covered["logits"], "<f4")
    assert shown.covered["patch"] == [400, 100, 620, 300]
    assert np.abs(logits - expected.detach().numpy()).max() < 1e-4
    assert shown.results.stages.all_scores[large] > 0.9 > 1 / (1 + np.exp(-logits[large]))
    assert (picture.image == Picture.load("street-05").image).all()  # what is shown stays whole
    shown.grid = "floor"  # the patch stays where it is
    assert len(shown.covered["logits"]) == 4 * 37 * 62 * 9
    shown.patch = []
    assert shown.covered == {}


@pytest.mark.parametrize("patch", [[1, 2, 3], [5, 5, 5, 9], [0, 0, 1001, 5], [-1, 0, 5, 5], [float("nan"), 0, 5, 5]])
def test_a_patch_lies_within_the_picture(explorer: LinkedExplorer, patch: list[float]) -> None:
    with pytest.raises(t.TraitError, match="patch: got"):
        explorer.patch = patch
    assert explorer.patch == [] and explorer.covered == {}


def test_features_of_a_covered_picture_are_not_kept() -> None:
    """Each place of the patch is another picture; VGG-16's features of one are five megabytes on the disk."""
    backbone, kept = Backbone.load("mini"), list[Picture]()

    def keeping(picture: Picture, grid: Grid) -> Tensor:
        kept.append(picture)
        return backbone.features(picture, grid)

    shown = LinkedExplorer(Picture.load("street-05"), keeping, RPNHead.load("mini"), features_once=backbone.features)
    shown.patch = [0, 0, 100, 100]
    assert [picture.name for picture in kept] == ["street-05"] and shown.covered["logits"]
