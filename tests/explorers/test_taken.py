"""Pictures of every size and kind that an explorer may be handed, and views that have nothing to show."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import rpnviz
from rpnviz.backbone import WIDTHS, Backbone
from rpnviz.detection import RoIHead
from rpnviz.explorers import (
    AnchorsExplorer,
    ChannelsExplorer,
    ConventionsExplorer,
    ConvolutionExplorer,
    DetectionsExplorer,
    FunnelExplorer,
    IouExplorer,
    LabelsExplorer,
    LayersExplorer,
    LinkedExplorer,
    LossExplorer,
    MinibatchExplorer,
    NmsExplorer,
    PoolingsExplorer,
    PyramidExplorer,
    RoIExplorer,
    WindowExplorer,
)
from rpnviz.explorers.common.base import RpnvizWidget
from rpnviz.explorers.common.taken import MAX_SIDE
from rpnviz.explorers.labels.questions import low_iou_positive
from rpnviz.explorers.loss.questions import whose_iou
from rpnviz.explorers.minibatch.questions import always_half
from rpnviz.figures.maps import within_rim
from rpnviz.grid import Grid
from rpnviz.pictures import Picture
from rpnviz.rpn import RPNHead
from tests.explorers.every import every_explorer
from tests.explorers.small_scene import drawn_pyramid, make_picture
from tests.inspect.test_nms_steps import six

ARRAY = np.random.default_rng(0).integers(0, 255, (150, 200, 3), np.uint8)
PAPER = Grid.paper()
FEATURES, ANSWERS = torch.zeros(1, 512, 40, 60), (torch.zeros(21_600), torch.zeros(21_600, 4))
BOXES = torch.tensor([[10.0, 10, 60, 60]])
# Those that compute everything from the picture; the others are handed what was computed, of this very picture.
FROM_PICTURE = {"explore", "iou", "labels", "minibatch"}
OF_PICTURE: dict[str, Callable[[Any], RpnvizWidget]] = {
    "explore": lambda picture: rpnviz.explore(picture),
    "linked": lambda picture: LinkedExplorer(picture, Backbone(WIDTHS["mini"]).features, RPNHead()),
    "window": lambda picture: WindowExplorer(picture, PAPER, FEATURES, RPNHead()),
    "convolution": lambda picture: ConvolutionExplorer(picture, PAPER, FEATURES, RPNHead()),
    "anchors": lambda picture: AnchorsExplorer(picture, PAPER),
    "iou": lambda picture: IouExplorer(picture),
    "labels": lambda picture: LabelsExplorer(picture),
    "minibatch": lambda picture: MinibatchExplorer(picture),
    "layers": lambda picture: LayersExplorer(picture, PAPER, Backbone(WIDTHS["mini"])),
    "poolings": lambda picture: PoolingsExplorer(picture),
    "channels": lambda picture: ChannelsExplorer({"mine": picture}, PAPER, {"mine": FEATURES}),
    "loss": lambda picture: LossExplorer(picture, *ANSWERS),
    "nms": lambda picture: NmsExplorer(picture, *six()),
    "funnel": lambda picture: FunnelExplorer(picture, *ANSWERS),
    "roi": lambda picture: RoIExplorer(picture, PAPER, FEATURES, BOXES),
    "conventions": lambda picture: ConventionsExplorer(picture, PAPER, *ANSWERS),
    "detections": lambda picture: DetectionsExplorer(picture, PAPER, FEATURES, BOXES, RoIHead()),
    "pyramid": lambda picture: PyramidExplorer(picture, drawn_pyramid()),
}
each = pytest.mark.parametrize("name", OF_PICTURE)


def blank(height: int, width: int, boxes: list[list[float]] | None = None) -> Picture:
    boxes = boxes or []
    image = np.full((height, width, 3), 128, np.uint8)
    return Picture(image, torch.tensor(boxes).reshape(-1, 4), ["object"] * len(boxes), "blank")


def argument(name: str) -> str:
    return r"pictures\['mine'\]" if name == "channels" else "picture"


@each
@pytest.mark.parametrize("picture", [None, 3, Path("mine.jpg"), b"street-03", ["street-03"], {"image": ARRAY}])
def test_what_is_no_picture_is_refused_with_what_makes_one(name: str, picture: Any) -> None:
    makers = r"Picture\.load\(name\), Picture\.open\(path\) and Picture\.fit\(array\) make one"
    with pytest.raises(
        ValueError, match=rf"^{argument(name)}: got {type(picture).__name__}, takes a Picture; {makers}"
    ):
        OF_PICTURE[name](picture)


@each
def test_an_array_is_fitted_where_all_comes_from_it(name: str) -> None:
    if name not in FROM_PICTURE:
        with pytest.raises(ValueError, match=rf"^{argument(name)}: got ndarray, takes a Picture; .*Picture\.fit"):
            OF_PICTURE[name](ARRAY)
    elif name == "iou":
        with pytest.raises(ValueError, match=r"^picture: my picture has no objects \(gt_boxes\)"):
            IouExplorer(ARRAY)
    else:
        shown, fitted = OF_PICTURE[name](ARRAY), OF_PICTURE[name](Picture.fit(ARRAY))
        assert shown.saved_state() == fitted.saved_state()


@pytest.mark.parametrize("image", [ARRAY, torch.from_numpy(ARRAY), Image.fromarray(ARRAY), ARRAY[:, ::-1][:, ::-1]])
def test_explore_takes_whatever_holds_pixels(image: Any) -> None:
    explorer = rpnviz.explore(image)
    assert explorer.picture == "my picture" and explorer.results.picture.image_size == (600, 1000)
    assert np.array_equal(explorer.results.picture.image, Picture.fit(ARRAY).image)


@pytest.mark.parametrize(
    ("image", "says"),
    [
        (ARRAY / 255, r"image: got float64 \[150, 200, 3\], takes uint8 \[H, W, 3\].*\(image \* 255\)"),
        (torch.from_numpy(ARRAY).permute(2, 0, 1), r"image: got uint8 \[3, 150, 200\].*np\.moveaxis"),
        ("mine.jpg", r"name: got 'mine\.jpg', takes one of street-01.*Picture\.open\(path\) reads your own"),
    ],
)
def test_explore_says_what_to_do_with_others(image: Any, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        rpnviz.explore(image)


@each
@pytest.mark.parametrize("size", [(100, MAX_SIDE + 1), (MAX_SIDE + 1, 100), (100, 17_000), (15, 1000), (600, 15)])
def test_picture_that_no_page_can_show_is_refused(name: str, size: tuple[int, int]) -> None:
    height, width = size
    says = rf"^{argument(name)}: got {height:,}×{width:,} px \(height × width\), takes sides of 16 to 16,383 px; "
    with pytest.raises(ValueError, match=says + r"Picture\.fit\(picture\.image\) makes it 600×1000"):
        OF_PICTURE[name](blank(*size))


@pytest.mark.parametrize("size", [(16, MAX_SIDE), (MAX_SIDE, 16)])
def test_the_longest_picture_has_room_in_the_page(size: tuple[int, int]) -> None:
    explorer = PoolingsExplorer(blank(*size))
    assert explorer.image.startswith(b"RIFF")


@pytest.mark.parametrize(
    "name", ["window", "convolution", "anchors", "layers", "channels", "roi", "detections", "conventions"]
)
def test_grid_of_another_picture_is_refused(name: str) -> None:
    on = r"and the grid lies on 600×1,000; Grid\.paper\(picture\.image_size\) lies on it"
    with pytest.raises(ValueError, match=rf"^{argument(name)}: got 150×200 px \(height × width\), {on}"):
        OF_PICTURE[name](blank(150, 200))


def test_more_anchors_than_the_page_can_number_are_refused_before_the_network_runs() -> None:
    def never(*_: object) -> torch.Tensor:
        raise AssertionError("computed")

    with pytest.raises(ValueError, match=r"^grid: has 125×125 cells with 140,625 anchors, .* up to 65,536"):
        LinkedExplorer(blank(2000, 2000), never, RPNHead(), "floor")


# ---- small pictures ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("size", "grid"), [((16, 16), "floor"), ((16, 300), "ceil"), ((150, 200), "paper")])
def test_every_explorer_shows_a_small_picture(tmp_path: Path, size: tuple[int, int], grid: str) -> None:
    height, width = size
    image = np.random.default_rng(0).integers(0, 255, (height, width, 3), np.uint8)
    box = torch.tensor([[width * 0.3, height * 0.2, width * 0.6, height * 0.9]])
    for name, make in every_explorer(tmp_path, Picture(image, box, ["dog"], "small"), grid).items():
        if name in ("loss", "channels", "live"):
            continue  # which say that they cannot, below; and takes no other size
        shown = make()
        assert len(shown.to_png()) > 1000 and shown.describe() and len(shown.to_html()) > 10_000, name


def test_the_linked_explorer_goes_through_the_grids_of_a_small_picture() -> None:
    explorer = rpnviz.explore(Picture(ARRAY, torch.tensor([[50.0, 40, 120, 130]]), ["dog"], "small"))
    for grid, cells in (("floor", (9, 12)), ("ceil", (10, 13)), ("paper", (40, 60))):
        explorer.grid = grid
        assert explorer.scene["feature_size"] == cells and explorer.error == ""
    explorer.picture = "street-03"
    explorer.grid = "floor"
    assert explorer.scene["feature_size"] == (37, 62)


@pytest.mark.parametrize(
    ("size", "left"),
    [
        ((40, 60), (28, 48)),  # 6 cells at each border
        ((24, 25), (12, 13)),
        ((23, 13), (13, 7)),  # 23 // 4 = 5, 13 // 4 = 3
        ((9, 12), (5, 6)),
        ((4, 7), (2, 5)),
        ((3, 1), (3, 1)),
    ],
)
def test_half_of_a_small_map_is_left_within_the_rim(size: tuple[int, int], left: tuple[int, int]) -> None:
    values = torch.arange(2.0 * size[0] * size[1]).reshape(2, *size)
    inner = within_rim(values)
    assert inner.shape == (2, *left)
    down, across = (size[0] - left[0]) // 2, (size[1] - left[1]) // 2
    assert inner[1, 0, 0] == values[1, down, across] and inner[1, -1, -1] == values[1, -1 - down, -1 - across]


# ---- nothing to show -----------------------------------------------------------------------------------------------


def test_no_objects() -> None:
    with pytest.raises(ValueError, match=r"^picture: blank has no objects \(gt_boxes\), takes one with at least one$"):
        IouExplorer(blank(600, 1000))


def test_no_proposals() -> None:
    none = torch.zeros(0, 4)
    with pytest.raises(ValueError, match=r"^proposals: got none, takes at least one box to pool$"):
        RoIExplorer(make_picture(), PAPER, torch.rand(1, 512, 40, 60), none)
    with pytest.raises(ValueError, match=r"^boxes: got none, takes 1 to 500 of them$"):
        NmsExplorer(make_picture(), none, torch.zeros(0))
    shown = DetectionsExplorer(make_picture(), PAPER, torch.rand(1, 512, 40, 60), none, RoIHead())
    assert shown.describe().startswith("0 proposals, 0 boxes")


def test_no_anchor_inside() -> None:
    with pytest.raises(
        ValueError, match=r"^picture: all 21,600 anchors cross its border, so none has a loss; takes a la"
    ):
        LossExplorer(blank(80, 80, [[10, 10, 60, 60]]), *ANSWERS)
    assert LabelsExplorer(blank(80, 80, [[10, 10, 60, 60]])).counts["crosses_border"] == 21_600
    assert "0 positive + 0 negative anchors" in MinibatchExplorer(blank(80, 80, [[10, 10, 60, 60]])).describe()


def test_no_pictures_and_no_classes() -> None:
    with pytest.raises(ValueError, match=r"^pictures: got none, takes at least one by its name$"):
        ChannelsExplorer({}, PAPER, {})
    shown = ChannelsExplorer({"blank": blank(600, 1000)}, PAPER, {"blank": torch.rand(1, 512, 40, 60)})
    assert (shown.classes, shown.class_name, shown.order()[:3]) == ([], "", [0, 1, 2])
    assert shown.describe() == "Channel 0 of 512 on blank."


def test_no_place_outside_an_object() -> None:
    everywhere = blank(600, 1000, [[0, 0, 1000, 600]])
    with pytest.raises(ValueError, match=r"class_name 'object' covers every cell of blank: there is no outside"):
        ChannelsExplorer({"blank": everywhere}, PAPER, {"blank": torch.rand(1, 512, 40, 60)})


@pytest.mark.parametrize(
    ("make", "question"),
    [
        (lambda: LabelsExplorer(blank(600, 1000)), low_iou_positive),
        (lambda: MinibatchExplorer(blank(600, 1000)), always_half),
        (lambda: LossExplorer(blank(600, 1000), *ANSWERS), whose_iou),
    ],
)
def test_question_that_the_view_cannot_answer_is_named(make: Callable[[], Any], question: Any) -> None:
    explorer = make()
    with pytest.raises(
        ValueError, match=rf"^{question.__name__}: this view has nothing that shows its answer"
    ) as raised:
        explorer.ask(question)
    assert raised.value.__cause__ and explorer.questions == []
