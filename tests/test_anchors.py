"""Anchors: sizes, order and places by hand, and torchvision's AnchorGenerator as oracle."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.image_list import ImageList

from rpnviz.anchors import ASPECT_RATIOS, SCALES, cell_anchors, ctpn_cell_anchors, grid_anchors, inside_picture
from rpnviz.grid import Grid

DEVICES = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]


def sizes(anchors: Tensor) -> list[tuple[float, float]]:
    return [(x2 - x1, y2 - y1) for x1, y1, x2, y2 in anchors.tolist()]


def torchvisions_anchors(image_size: tuple[int, int], feature_size: tuple[int, int]) -> Tensor:
    generator = AnchorGenerator(sizes=(SCALES,), aspect_ratios=(ASPECT_RATIOS,))
    images = ImageList(torch.zeros(1, 3, *image_size), [image_size])
    anchors: Tensor = generator(images, [torch.zeros(1, 1, *feature_size)])[0]
    return anchors


def test_nine_sizes_by_hand() -> None:
    # width × height. Ratio h/w = 0.5 at 128²: w = 128·√2 = 181.02, half of it 90.5 → 91, so 182; h = 128/√2 = 90.51,
    # half 45.25 → 45, so 90. Ratio-major: all scales of a ratio, then the next ratio
    assert sizes(cell_anchors()) == [
        *[(182, 90), (362, 182), (724, 362)],  # h/w = 0.5: wide
        *[(128, 128), (256, 256), (512, 512)],
        *[(90, 182), (182, 362), (362, 724)],  # h/w = 2: tall
    ]


def test_cell_anchors_lie_round_the_origin() -> None:
    cells = cell_anchors()
    assert cells.dtype == torch.float32
    assert torch.equal(cells[:, :2], -cells[:, 2:])


def test_scales_and_ratios_of_ones_own() -> None:
    # scale-index 1, ratio-index 0 is row 0 · 2 + 1. h/w = 4 at scale 32: h = 64, w = 16
    assert sizes(cell_anchors(scales=(32, 64), aspect_ratios=(1, 4))) == [(32, 32), (64, 64), (16, 64), (32, 128)]


@given(
    st.lists(st.floats(8, 1000), min_size=1, max_size=4),
    st.lists(st.floats(0.1, 10), min_size=1, max_size=4),
)
def test_cell_anchors_are_torchvisions(scales: list[float], ratios: list[float]) -> None:
    theirs = AnchorGenerator().generate_anchors(scales, ratios)
    assert torch.equal(cell_anchors(scales, ratios), theirs)


def test_ctpn_has_ten_heights_and_one_width() -> None:
    tall = sizes(ctpn_cell_anchors())
    assert [w for w, _ in tall] == [16] * 10
    # 11, 11 / 0.7 = 15.71, 11 / 0.49 = 22.45 … 11 / 0.7⁹ = 272.59
    assert [h for _, h in tall] == pytest.approx(
        [11, 15.714, 22.449, 32.070, 45.814, 65.449, 93.499, 133.569, 190.814, 272.591], abs=1e-3
    )
    assert torch.equal(ctpn_cell_anchors()[:, :2], -ctpn_cell_anchors()[:, 2:])


def test_ours_minus_8_8_are_torchvisions_at_37_62() -> None:
    ours = grid_anchors(Grid.floor(), cell_anchors())
    assert ours.shape == (20_646, 4)
    assert torch.equal(ours - 8, torchvisions_anchors((600, 1000), (37, 62)))  # exactly, rows in the same order


@pytest.mark.parametrize(
    ("grid", "count", "inside"),
    [(Grid.paper(), 21_600, 8_144), (Grid.floor(), 20_646, 8_044), (Grid.ceil(), 21_546, 8_044)],
    ids=["paper", "floor", "ceil"],
)
def test_counts(grid: Grid, count: int, inside: int) -> None:
    anchors = grid_anchors(grid, cell_anchors())
    assert anchors.shape == (count, 4)
    assert int(inside_picture(anchors, grid.image_size).sum()) == inside


def test_inside_counts_of_single_shapes() -> None:
    inside = inside_picture(grid_anchors(Grid.floor(), cell_anchors()), (600, 1000)).view(37, 62, 9)
    # 128 × 128: centres 8 + 16·i in [64, 936] and [64, 536]: columns 4 … 58 (72 … 936), rows 4 … 33 (72 … 536)
    assert int(inside[..., 3].sum()) == 55 * 30
    # 362 × 724 is higher than the picture
    assert int(inside[..., 8].sum()) == 0


@pytest.mark.parametrize("grid", [Grid.paper(), Grid.floor(), Grid.ceil()], ids=lambda grid: grid.name)
def test_every_anchor_lies_on_its_cell(grid: Grid) -> None:
    anchors = grid_anchors(grid, cell_anchors())
    _, w = grid.feature_size
    for row, col, a in ((0, 0, 0), (0, 1, 4), (1, 0, 8), (17, 33, 5), (grid.feature_size[0] - 1, w - 1, 2)):
        box = anchors[(row * w + col) * 9 + a]
        assert ((box[:2] + box[2:]) / 2).tolist() == pytest.approx(grid.centre(row, col), abs=1e-3)
        torch.testing.assert_close(box[2:] - box[:2], cell_anchors()[a, 2:] * 2, rtol=0, atol=1e-3)


def test_first_anchors_by_hand() -> None:
    floor, paper = (grid_anchors(grid, cell_anchors()) for grid in (Grid.floor(), Grid.paper()))
    assert floor[3].tolist() == [8 - 64, 8 - 64, 8 + 64, 8 + 64]  # cell (0, 0), a = 3: 128²
    assert floor[9 + 3].tolist() == [24 - 64, 8 - 64, 24 + 64, 8 + 64]  # the next cell is one column on
    assert paper[60 * 9 + 3].tolist() == pytest.approx([8.333 - 64, 22.5 - 64, 8.333 + 64, 22.5 + 64], abs=1e-3)


def test_touching_the_border_is_inside() -> None:
    boxes = torch.tensor([[0.0, 0, 1000, 600], [-0.5, 0, 10, 10], [0, -0.5, 10, 10], [0, 0, 1000.5, 9], [0, 0, 9, 601]])
    assert inside_picture(boxes, (600, 1000)).tolist() == [True, False, False, False, False]


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_grid_anchors_keep_dtype_and_device(device: str, dtype: torch.dtype) -> None:
    anchors = grid_anchors(Grid.floor((64, 64)), cell_anchors().to(device, dtype))
    assert (anchors.device.type, anchors.dtype) == (device, dtype)
    assert inside_picture(anchors, (64, 64)).device.type == device


@pytest.mark.parametrize("bad", [(), (0,), (-1,), (float("nan"),), (float("inf"),)])
def test_impossible_scales_and_ratios_are_refused(bad: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="scales must be one or more finite numbers above 0"):
        cell_anchors(scales=bad)
    with pytest.raises(ValueError, match="aspect_ratios must be one or more finite numbers above 0"):
        cell_anchors(aspect_ratios=bad)


def test_anchors_rounded_to_nothing_are_refused() -> None:
    # half of 0.9 rounds to 0; half of 1.1 rounds to 1
    with pytest.raises(ValueError, match="round to a box without area"):
        cell_anchors(scales=(128, 0.9))
    assert sizes(cell_anchors((1.1,), (1,))) == [(2, 2)]


@pytest.mark.parametrize("shape", [(4,), (9, 5), (1, 9, 4)])
def test_malformed_cells_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"^cells must be Tensor\[N, 4\]"):
        grid_anchors(Grid.paper(), torch.zeros(shape))
