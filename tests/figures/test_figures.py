"""Drawing: the pixel at a known edge has the palette's colour; names stay text; nothing global is touched."""

from __future__ import annotations

import io
import sys
from typing import Any

import numpy as np
import pytest
import torch
from matplotlib.colors import to_rgb
from matplotlib.patches import Rectangle
from PIL import Image

from rpnviz.anchors import cell_anchors, grid_anchors, inside_picture
from rpnviz.explorers.linked.figure import LinkedState, linked_figure
from rpnviz.figures.anchors import room_figure
from rpnviz.figures.boxes import boxes_on_picture
from rpnviz.figures.palette import LINE_STYLES, PALETTE
from rpnviz.figures.primitives import GREYS, Still, new_still, to_png
from rpnviz.grid import Grid

GREY = np.full((600, 1000, 3), 128, np.uint8)
GT = torch.tensor([[700.0, 100.0, 900.0, 500.0]])


def pixels(figure: Still) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(to_png(figure))).convert("RGB"))


def colour_at(figure: Still, axes: int, x: float, y: float) -> np.ndarray:
    """Colour of the pixel where the picture's point (x, y) was drawn."""
    image = pixels(figure)
    px, py = figure.axes[axes].transData.transform((x, y))
    return np.asarray(image[round(image.shape[0] - py), round(px)] / 255)


def state(**changes: Any) -> LinkedState:
    standard: dict[str, Any] = {
        "image": GREY,
        "grid": Grid.paper(),
        "row": 20,
        "col": 20,
        "feature_map": np.zeros((40, 60)),
        "map_name": "mean",
        "anchors": torch.tensor([[250.0, 200.0, 450.0, 400.0], [-90.0, 300.0, 300.0, 580.0]]),
        "labels": ["positive", "negative"],
        "iou": torch.tensor([0.8, 0.1]),
        "gt_boxes": GT,
        "class_names": ["dog"],
    }
    return LinkedState(**{**standard, **changes})


@pytest.mark.parametrize("style", ["positive", "negative", "ground_truth", "window", "proposal"])
def test_an_edge_has_the_colour_of_the_palette(style: str) -> None:
    box = torch.tensor([[200.0, 150.0, 600.0, 450.0]])
    figure = boxes_on_picture(GREY, box, [style], "one box")
    on_edge = [colour_at(figure, 0, x, 300) for x in np.linspace(196, 204, 9)]
    assert min(abs(c - to_rgb(PALETTE[style])).max() for c in on_edge) < 0.1
    assert abs(colour_at(figure, 0, 300, 300) - 128 / 255).max() < 0.02


def test_a_line_has_a_dark_casing() -> None:
    figure = boxes_on_picture(
        np.full_like(GREY, 255), torch.tensor([[200.0, 150.0, 600.0, 450.0]]), ["ground_truth"], "white on white"
    )
    assert min(colour_at(figure, 0, x, 300).max() for x in np.linspace(190, 210, 41)) < 0.45


def test_a_box_is_drawn_beyond_the_border() -> None:
    figure = boxes_on_picture(GREY, torch.tensor([[-60.0, 100.0, 300.0, 500.0]]), ["positive"], "overhang")
    on_edge = [colour_at(figure, 0, x, 300) for x in np.linspace(-64, -56, 9)]
    assert min(abs(c - to_rgb(PALETTE["positive"])).max() for c in on_edge) < 0.1


def test_the_view_reaches_as_far_as_the_boxes() -> None:
    """A box that ends beyond the usual margin is drawn whole: its far edge is a part of the lesson."""
    figure = boxes_on_picture(GREY, torch.tensor([[-350.0, 100.0, 300.0, 900.0]]), ["positive"], "far out")
    for x, y in ((-350, 500), (0, 900)):
        near = [colour_at(figure, 0, x + d, y + d) for d in np.linspace(-6, 6, 13)]
        assert min(abs(c - to_rgb(PALETTE["positive"])).max() for c in near) < 0.1
    assert figure.axes[0].get_xlim()[1] == pytest.approx(1120)  # no more room than is needed


def test_the_linked_figure_shows_labels_window_and_receptive_field() -> None:
    figure = linked_figure(state())
    map_edge = [colour_at(figure, 0, x, 20.2) for x in np.linspace(18.8, 19.2, 9)]
    assert min(abs(c - to_rgb(PALETTE["window"])).max() for c in map_edge) < 0.1
    x1, _, _, _ = Grid.paper().footprint(20, 20)
    footprint = [colour_at(figure, 1, x1 + d, 300) for d in np.linspace(-4, 4, 9)]
    assert min(abs(c - to_rgb(PALETTE["window"])).max() for c in footprint) < 0.1
    anchor = [colour_at(figure, 1, x, 230) for x in np.linspace(246, 254, 9)]
    assert min(abs(c - to_rgb(PALETTE["positive"])).max() for c in anchor) < 0.1
    assert "1 positive, 1 negative" in figure.sentence


@pytest.mark.parametrize("name", ["$x^2$", "<b>dog</b>", r"\frac", "$", "犬"])
def test_names_are_text_never_markup(name: str) -> None:
    figure = linked_figure(state(class_names=[name], map_name=name))
    texts = [t for ax in figure.axes for t in (*ax.texts, ax.title, vars(ax)["_left_title"]) if t.get_text()]
    assert any(t.get_text() == name for t in texts)
    assert not any(t.get_parse_math() for t in (*texts, *figure.texts))


def test_a_name_with_dollars_is_drawn_as_it_is_written() -> None:
    plain, dollars = (linked_figure(state(class_names=[n])) for n in ("xx", "$xx$"))
    width = [max(t.get_window_extent().width for t in f.axes[1].texts) for f in (plain, dollars)]
    assert width[1] > width[0] + 5


def test_no_pyplot_and_the_same_bytes_twice() -> None:
    pyplot_before = "matplotlib.pyplot" in sys.modules
    first, second = linked_figure(state()), linked_figure(state())
    assert to_png(first) == to_png(second) == to_png(first)
    assert ("matplotlib.pyplot" in sys.modules) == pyplot_before
    if pyplot_before:
        assert sys.modules["matplotlib.pyplot"].get_fignums() == []


def test_ink_and_paper_have_colours_of_their_own() -> None:
    """So that a copy with light ink can be made of the file; a grey pixel of a picture is no ink."""
    png = Image.open(io.BytesIO(to_png(boxes_on_picture(GREY, GT, ["positive"], "one box"))))
    first = (png.getpalette() or [])[: 3 * len(GREYS)]
    assert first == [part for grey in GREYS for part in (grey, grey, grey)]
    index = np.asarray(png)
    paper, picture = index[:, :3], index[200:300, 300:500]
    assert set(np.unique(index[:40])) >= {0, len(GREYS) - 1}  # the title: black on white
    assert (paper == len(GREYS) - 1).all() and (picture >= len(GREYS)).all()


def test_paper_beside_a_strip_of_a_picture_is_paper() -> None:
    figure = new_still(4, 2, "a strip")
    ax = figure.add_axes((0.2, 0.2, 0.7, 0.6))
    ax.imshow(GREY, extent=(-500, 500, 1, 0), aspect="auto")  # half of it lies beyond the axes
    ax.set(xlim=(0, 1000), ylim=(2, 0))
    index = np.asarray(Image.open(io.BytesIO(to_png(figure))))
    assert (index[90, 100:200] >= len(GREYS)).sum() > 90  # the picture
    assert (index[135, 100:300] < len(GREYS)).all() and (index[60:90, :20] < len(GREYS)).all()


def test_a_still_shows_itself_in_a_notebook() -> None:
    bundle: dict[str, Any] = linked_figure(state())._repr_mimebundle_()
    assert bundle["image/png"].startswith(b"\x89PNG")
    assert bundle["text/plain"].startswith("Row 20, column 20")


def test_every_style_has_a_colour_and_every_label_a_style() -> None:
    for style in LINE_STYLES:
        assert style in PALETTE
    assert {"positive", "negative", "ignored", "crosses_border"} <= set(LINE_STYLES)
    dashes = [tuple(LINE_STYLES[s]["dash"]) for s in ("ignored", "crosses_border", "receptive_field")]
    assert len(set(dashes)) == 3
    assert LINE_STYLES["negative"]["width"] < LINE_STYLES["positive"]["width"]


def test_boxes_and_styles_must_pair() -> None:
    with pytest.raises(ValueError, match="zip"):
        boxes_on_picture(GREY, GT, ["positive", "negative"], "one box, two styles")


@pytest.mark.parametrize(("shape", "cells"), [(5, 3), (8, 1)])  # 512×512 fits, 362×724 nowhere
def test_where_a_shape_fits_is_an_area_and_a_few_boxes(shape: int, cells: int) -> None:
    grid = Grid.paper()
    boxes = grid_anchors(grid, cell_anchors()[shape : shape + 1])
    inside = inside_picture(boxes, grid.image_size)
    image = np.zeros((600, 1000, 3), dtype=np.uint8)
    (ax,) = room_figure(image, boxes, inside, grid.feature_size[1], "where it fits").axes
    drawn = [one for one in ax.patches if isinstance(one, Rectangle)]
    areas = [list(one.get_bbox().extents) for one in drawn if one.get_fill()]
    assert areas == ([[256, 256, 744, 344]] if cells == 3 else [])  # half of 512 away from each border
    corners = torch.tensor([[float(v) for v in one.get_bbox().extents] for one in drawn if not one.get_fill()])
    fits = inside_picture(corners, grid.image_size)
    assert (int(fits.sum()), len(fits)) == ((2, 3) if cells == 3 else (0, 1))
