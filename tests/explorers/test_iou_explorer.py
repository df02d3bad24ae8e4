"""The explorers of notebook 04: what they hold, what they refuse, what is left without a page."""

from __future__ import annotations

import base64
import io
from typing import Any

import numpy as np
import pytest
import torch
import traitlets as t
from PIL import Image
from playwright.sync_api import Browser

from rpnviz import targets
from rpnviz.explorers.common.anchor_map_figure import labels_figure, squares
from rpnviz.explorers.common.payload import count_codes, label_codes, object_names
from rpnviz.explorers.iou.explorer import IouExplorer
from rpnviz.explorers.labels.explorer import LabelsExplorer
from rpnviz.figures.palette import PALETTE
from rpnviz.grid import Grid
from rpnviz.pictures import Picture
from tests.explorers.page_code import as_state, ask_page
from tests.explorers.small_scene import HOSTILE, make_picture, payload


@pytest.fixture
def playground() -> IouExplorer:
    return IouExplorer(make_picture())


@pytest.fixture
def explorer() -> LabelsExplorer:
    return LabelsExplorer(make_picture())


def picture_in(bundle: Any) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(bundle["image/png"])))


@pytest.mark.parametrize(
    ("anchor", "iou", "label"),
    [
        ([300, 200, 560, 460], 1.0, "positive"),  # the same box
        ([430, 200, 690, 460], 1 / 3, "ignored"),  # half shifted
        ([365, 265, 495, 395], 1 / 4, "negative"),  # inside: half of each side
        ([560, 200, 820, 460], 0.0, "negative"),  # touching
    ],
)
def test_playground_says_iou_and_label(playground: IouExplorer, anchor: list[float], iou: float, label: str) -> None:
    playground.gt, playground.anchor = [300, 200, 560, 460], anchor
    assert playground.iou == pytest.approx(iou, abs=1e-6)
    assert playground.label == label
    assert f"IoU {iou:.2f}, {label}" in playground.describe()


def test_thresholds_change_the_playground_label(playground: IouExplorer) -> None:
    playground.gt, playground.anchor = [300, 200, 560, 460], [430, 200, 690, 460]
    playground.fg_iou_thresh = 0.33
    assert playground.label == "positive"
    with playground.hold_trait_notifications():
        playground.bg_iou_thresh, playground.fg_iou_thresh = 0.4, 0.5
    assert playground.label == "negative"


@pytest.mark.parametrize(
    ("trait", "value"),
    [
        ("anchor", [10, 10, 10, 20]),
        ("anchor", [0, 0, float("nan"), 20]),
        ("gt", [10, 30, 20, 20]),
        ("gt", [10, 30, 20]),
        ("bg_iou_thresh", 0.8),
        ("fg_iou_thresh", 0.2),
        ("fg_iou_thresh", 1.5),
    ],
)
def test_playground_refuses(playground: IouExplorer, trait: str, value: Any) -> None:
    before = getattr(playground, trait)
    with pytest.raises(t.TraitError, match=trait):
        setattr(playground, trait, value)
    assert getattr(playground, trait) == before


def test_playground_refuses_an_object_that_is_not_there() -> None:
    with pytest.raises(ValueError, match="gt: got 3, takes an object of mine, 0 to 2"):
        IouExplorer(make_picture(), gt=3)


UNLESS = "unless it is this object's best anchor"


@pytest.mark.parametrize(
    ("iou", "bg", "fg", "label", "why"),
    [
        (0.25, 0.3, 0.7, "negative", f"0.25 < 0.30, {UNLESS}"),
        (0.2999, 0.3, 0.7, "negative", f"0.2999 < 0.30, {UNLESS}"),
        (0.3, 0.3, 0.7, "ignored", f"0.30 is at the threshold, {UNLESS}"),
        (0.3001, 0.3, 0.7, "ignored", f"0.3001 lies between, {UNLESS}"),
        (0.6999, 0.3, 0.7, "ignored", f"0.6999 lies between, {UNLESS}"),
        (0.7, 0.3, 0.7, "positive", "0.70 is at the threshold"),
        (0.7001, 0.3, 0.7, "positive", "0.7001 ≥ 0.70"),
        (0.305, 0.305, 0.305, "positive", "0.305 is at the threshold"),
        (1.0, 0.0, 0.0, "positive", "1.00 ≥ 0.00"),
    ],
)
def test_no_number_is_compared_with_itself(
    browser: Browser, iou: float, bg: float, fg: float, label: str, why: str
) -> None:
    said = ask_page(browser, "iou/view.js", "export const ask = (given) => verdict(...given);", [iou, bg, fg])
    assert said == {"label": label, "why": why}
    found = targets.label_anchors(
        torch.tensor([[0.0, 0, 1000, iou * 1000]]),
        torch.tensor([[0.0, 0, 1000, 1000]]),
        (2000, 2000),
        fg,
        bg,
        allow_low_quality_matches=False,
        drop_cross_boundary=False,
    )
    assert {1: "positive", 0: "negative", -1: "ignored"}[int(found.labels[0])] == label


def test_playground_offers_the_nine_shapes(playground: IouExplorer) -> None:
    shapes = [(shape["width"], shape["height"]) for shape in playground.plan["shapes"]]
    assert len(set(shapes)) == 9 and (128, 128) in shapes and (182, 90) in shapes and (362, 724) in shapes
    assert playground.plan["shapes"][2]["name"] == "scale 512, ratio 0.5: 724×362"


def test_objects_of_a_kind_are_numbered() -> None:
    assert object_names(make_picture()) == ["car", "dog 1", "dog 2"]


def test_labels_are_those_of_label_anchors(explorer: LabelsExplorer) -> None:
    picture = explorer.picture
    for settings in (
        {},
        {"bg_iou_thresh": 0.1},
        {"fg_iou_thresh": 0.9},
        {"allow_low_quality_matches": False},
        {"drop_cross_boundary": False},
    ):
        for name, value in settings.items():
            setattr(explorer, name, value)
        found = targets.label_anchors(explorer.anchors, picture.gt_boxes, picture.image_size, **explorer.label_rules)
        assert torch.equal(explorer.found.labels, found.labels)
        assert explorer.counts["positive"] == int((found.labels == 1).sum())
        assert explorer.counts["crosses_border"] == int(found.crosses_boundary.sum())
        assert sum(explorer.counts.values()) == 21_600


ASK = """
const { revive, standIn } = rpnviz.take("saved/open.js");
export const ask = (states) => states.map((state) => {
  const { labelled, drawn } = readStore({ model: standIn(JSON.parse(state, revive)), redraw: () => {} });
  const { codes, counts } = labelled();
  return { codes: [...codes], counts, rows: drawn().rows, positives: drawn().positives };
});
"""
CHANGED = [  # the car moved, a dog renamed, one gone, one drawn
    {"name": "car", "box": [350.0, 210, 606, 466]},
    {"name": "cat", "box": [0.0, 400, 120, 600]},
    {"name": "dog", "box": [700.0, 20, 790, 201]},
]
MOVED: list[dict[str, Any]] = [
    {},
    {"fg_iou_thresh": 0.5, "bg_iou_thresh": 0.4},
    {"bg_iou_thresh": 0.7},  # as high as the upper one: nothing is ignored
    {"allow_low_quality_matches": False},
    {"drop_cross_boundary": False, "fg_iou_thresh": 0.68},
    {"objects": CHANGED},
    {"objects": CHANGED[1:], "fg_iou_thresh": 0.6, "drop_cross_boundary": False},
    {"objects": []},
    {"scales": [64.0, 128], "aspect_ratios": [1.0]},
    {
        "scales": [33.3, 256, 400, 512],
        "aspect_ratios": [1 / 3, 0.5, 1.0, 2, 7],
        "objects": CHANGED,
        "fg_iou_thresh": 0.6,
    },
]


def test_page_labels_and_counts_as_python(browser: Browser) -> None:
    explorers = [LabelsExplorer(make_picture()) for _ in MOVED]
    for explorer, moved in zip(explorers, MOVED, strict=True):
        explorer.set_state(moved)  # as the page sends it
        assert explorer.error == ""
    states = [as_state(explorer.saved_state()) for explorer in explorers]
    said = ask_page(browser, "labels/view.js", ASK, states)
    for explorer, page in zip(explorers, said, strict=True):
        assert page["codes"] == label_codes(explorer.found).tolist()
        assert page["counts"] == explorer.counts
        assert page["positives"] == (explorer.found.labels == 1).nonzero().flatten().tolist()
        for ours, theirs in zip(page["rows"], explorer.object_rows, strict=True):
            assert ours.pop("bestIou") == pytest.approx(theirs.pop("best_iou"), rel=1e-6)
            assert list(ours.values()) == list(theirs.values())
    assert [len(page["rows"]) for page in said] == [3] * 6 + [2, 0, 3, 3]
    assert [row["name"] for row in said[5]["rows"]] == ["car", "cat", "dog"]
    assert len({str(page["counts"]) for page in said}) == len(MOVED)


BOXES = """
const { revive, standIn } = rpnviz.take("saved/open.js");
export const ask = ([state, rows]) => {
  const { box, count, words } = readStore({ model: standIn(JSON.parse(state, revive)), redraw: () => {} }).geometry();
  return { count, boxes: rows.map(box), words: rows.map(words) };
};
"""


def test_page_knows_the_boxes_of_other_shapes(browser: Browser) -> None:
    explorer = LabelsExplorer(make_picture(), "floor")
    explorer.set_state({"scales": [33.3, 1 / 0.015], "aspect_ratios": [1 / 3, 1, 7]})
    anchors, rows = explorer.anchors, [0, 1, 2, 5, 6, 6 * 62 * 20 + 3, 6 * 62 * 37 - 1]
    said = ask_page(browser, "labels/view.js", BOXES, [as_state(explorer.saved_state()), rows])
    assert said["count"] == len(anchors) == 6 * 37 * 62
    assert said["boxes"] == anchors[rows].tolist()
    assert said["words"][1].endswith(f"scale {1 / 0.015:g}, ratio {1 / 3:g}")
    assert said["words"][5].endswith("scale 66.6667, ratio 1") and said["words"][4].endswith(
        "scale 33.3, ratio 0.333333"
    )


def test_other_shapes_keep_an_anchor_selected(explorer: LabelsExplorer) -> None:
    explorer.selected = 21_599
    explorer.scales = [128.0]
    assert explorer.selected == len(explorer.anchors) - 1 == 7_199
    assert picture_in(explorer._repr_mimebundle_()[0]).width > 900
    with pytest.raises(t.TraitError, match="selected: got 7200, takes 0 to 7199"):
        explorer.selected = 7_200
    explorer.set_state({"scales": [64.0, 128], "selected": 14_399})  # both at once
    assert (explorer.selected, explorer.error) == (14_399, "")
    wrongs: list[dict[str, list[float]]] = [{"scales": [3]}, {"aspect_ratios": []}, {"scales": [8.0] * 25}]
    for wrong in wrongs:
        with pytest.raises(t.TraitError):
            explorer.set_state(wrong)
        assert explorer.error and explorer.scales == [64, 128] and explorer.aspect_ratios == [0.5, 1, 2]


def test_objects_that_were_changed_are_the_pictures(explorer: LabelsExplorer) -> None:
    opened = explorer.picture
    explorer.objects = CHANGED
    assert explorer.picture.gt_boxes.tolist() == [one["box"] for one in CHANGED]
    assert explorer.picture.class_names == ["car", "cat", "dog"] and explorer.picture.image is opened.image
    assert opened.class_names == ["car", "dog", "dog"]  # whoever holds the picture keeps it
    with pytest.raises(t.TraitError, match=r"^objects: got .*, takes up to 200 objects, each a name"):
        explorer.objects = [{"name": "car", "box": [0.0, 0, 1001, 60]}]
    assert explorer.objects == CHANGED


def test_table_shows_who_loses_all_without_the_best_rule(explorer: LabelsExplorer) -> None:
    car, tiny, cut = explorer.object_rows
    assert car["by_threshold"] > 0 and car["best_iou"] > 0.9
    assert tiny["best_iou"] == pytest.approx(900 / 16380, abs=1e-5)  # 30×30 in the smallest anchor, 182×90
    assert tiny["by_threshold"] == 0 and tiny["by_rule"] == tiny["tied"] > 10
    assert cut["name"] == "dog 2" and cut["by_threshold"] + cut["by_rule"] > 0
    positives = sum(row["by_threshold"] + row["by_rule"] for row in explorer.object_rows)
    assert positives == explorer.counts["positive"]
    explorer.allow_low_quality_matches = False
    assert [row["by_rule"] for row in explorer.object_rows] == [0, 0, 0]
    assert explorer.object_rows[1]["by_threshold"] == 0


def test_both_thresholds_may_be_set_at_once(explorer: LabelsExplorer) -> None:
    explorer.set_state({"bg_iou_thresh": 0.8, "fg_iou_thresh": 0.9})  # as the page sends it
    assert (explorer.bg_iou_thresh, explorer.fg_iou_thresh, explorer.error) == (0.8, 0.9, "")


def test_selected_must_be_an_anchor(explorer: LabelsExplorer) -> None:
    explorer.selected = 21_599
    with pytest.raises(t.TraitError, match="selected: got 21600, takes 0 to 21599"):
        explorer.selected = 21_600


def test_no_objects_no_positives() -> None:
    empty = Picture(make_picture().image, torch.zeros(0, 4), [], "empty")
    explorer = LabelsExplorer(empty)
    assert explorer.counts["positive"] == 0 and explorer.object_rows == []
    assert picture_in(explorer._repr_mimebundle_()[0]).width > 900


@pytest.mark.parametrize("widget", [IouExplorer, LabelsExplorer])
def test_something_is_left_without_a_page(widget: type[IouExplorer | LabelsExplorer]) -> None:
    shown = widget(make_picture(names=(HOSTILE, "dog", "dog")))
    bundle = shown._repr_mimebundle_()[0]
    assert picture_in(bundle).width > 700
    assert bundle["text/plain"] == shown.describe()
    page = shown.to_html()
    assert HOSTILE not in page and page.count("</script>") == 2
    assert payload(shown) < 600_000


def test_still_shows_each_anchor_in_the_colour_of_its_label(explorer: LabelsExplorer) -> None:
    codes = label_codes(explorer.found)
    assert count_codes(codes) == explorer.counts
    _, left, _ = labels_figure(explorer.picture, explorer.grid, (3, 3), codes, "sentence")
    image = np.asarray(left.images[0].get_array())
    assert image.shape == (120, 180, 3)
    for i in (codes == 1).nonzero().flatten()[:5].tolist():
        row, col, a = i // 9 // 60, i // 9 % 60, i % 9
        assert [int(v) for v in squares(torch.tensor(i), Grid.paper(), (3, 3))] == [col * 3 + a % 3, row * 3 + a // 3]
        hexed = "#" + "".join(f"{round(255 * v):02X}" for v in image[row * 3 + a // 3, col * 3 + a % 3])
        assert hexed == PALETTE["positive"]
