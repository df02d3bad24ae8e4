"""Grids: sizes, strides, centres, the window's footprint and its receptive field (measured, not believed)."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from rpnviz.backbone import WIDTHS, Backbone
from rpnviz.grid import Grid
from rpnviz.rpn import RPNHead

PAPER, FLOOR, CEIL = Grid.paper(), Grid.floor(), Grid.ceil()


@pytest.mark.parametrize(
    ("grid", "input_size", "feature_size", "stride", "anchors"),
    [
        # 640 → 320 → 160 → 80 → 40, 960 → 480 → 240 → 120 → 60; 600 / 40 = 15, 1000 / 60 = 16.667; 40 · 60 · 9
        (PAPER, (640, 960), (40, 60), (15.0, 1000 / 60), 21_600),
        # 600 → 300 → 150 → 75 → 37 (half of 75 is 37.5), 1000 → 500 → 250 → 125 → 62; 37 · 62 · 9
        (FLOOR, (600, 1000), (37, 62), (16.0, 16.0), 20_646),
        # the same halves rounded up; 38 · 63 · 9
        (CEIL, (600, 1000), (38, 63), (16.0, 16.0), 21_546),
    ],
    ids=["paper", "floor", "ceil"],
)
def test_sizes_and_strides(
    grid: Grid, input_size: tuple[int, int], feature_size: tuple[int, int], stride: tuple[float, float], anchors: int
) -> None:
    assert grid.image_size == (600, 1000)
    assert grid.input_size == input_size
    assert grid.feature_size == feature_size
    assert grid.stride == pytest.approx(stride, abs=1e-12)
    assert grid.feature_size[0] * grid.feature_size[1] * 9 == anchors


def test_rounding_happens_at_every_pooling() -> None:
    # ceil: 600 → 300 → 150 → 75 → 38 equals ceil(600 / 16) = 38; and 33 → 17 → 9 → 5 → 3 equals ceil(33 / 16) = 3,
    # floor: 47 → 23 → 11 → 5 → 2 equals floor(47 / 16) = 2
    assert Grid.ceil((33, 33)).feature_size == (3, 3)
    assert Grid.floor((47, 47)).feature_size == (2, 2)


@given(st.integers(16, 2000), st.integers(16, 2000))
def test_sizes_are_those_of_real_poolings(height: int, width: int) -> None:
    column, row = torch.zeros(1, 1, height, 1), torch.zeros(1, 1, 1, width)
    for grid, ceil_mode in ((Grid.floor((height, width)), False), (Grid.ceil((height, width)), True)):
        h, w = column, row
        for _ in range(4):
            h = F.max_pool2d(h, (2, 1), (2, 1), ceil_mode=ceil_mode)
            w = F.max_pool2d(w, (1, 2), (1, 2), ceil_mode=ceil_mode)
        assert grid.feature_size == (h.shape[2], w.shape[3])


def test_centres() -> None:
    assert FLOOR.centre(0, 0) == (8.0, 8.0)  # half a stride of 16: the centre of conv5_3's receptive field
    assert FLOOR.centre(1, 0) == (8.0, 24.0)  # (x, y): one row down adds a stride to y
    assert PAPER.centre(0, 0) == pytest.approx((8 + 1 / 3, 7.5))  # half of 16.667, half of 15
    assert PAPER.centre(39, 59) == pytest.approx((1000 - 8 - 1 / 3, 600 - 7.5))  # mirrored at the far corner


def test_footprint_is_three_strides() -> None:
    assert FLOOR.footprint(10, 20) == (304.0, 144.0, 352.0, 192.0)  # centre (328, 168) ± 24
    x1, y1, x2, y2 = PAPER.footprint(10, 20)
    assert (x2 - x1, y2 - y1) == pytest.approx((50.0, 45.0))  # 3 · 16.667, 3 · 15
    assert ((x1 + x2) / 2, (y1 + y2) / 2) == pytest.approx(PAPER.centre(10, 20))


def test_receptive_field_sizes() -> None:
    assert FLOOR.receptive_field(10, 20) == (214.0, 54.0, 442.0, 282.0)  # centre (328, 168) ± 114
    assert FLOOR.receptive_field(0, 0) == (-106.0, -106.0, 122.0, 122.0)  # reaches beyond the picture: 8 − 114
    x1, y1, x2, y2 = PAPER.receptive_field(10, 20)
    assert (x2 - x1, y2 - y1) == pytest.approx((237.5, 213.75))  # 228 · 1000 / 960, 228 · 600 / 640
    assert ((x1 + x2) / 2, (y1 + y2) / 2) == pytest.approx(PAPER.centre(10, 20))


@pytest.mark.parametrize("grid", [PAPER, FLOOR, CEIL], ids=lambda grid: grid.name)
def test_cell_at_is_the_inverse_of_centre(grid: Grid) -> None:
    h, w = grid.feature_size
    for row in range(h):
        for col in range(w):
            assert grid.cell_at(*grid.centre(row, col)) == (row, col)


def test_cell_at_covers_the_cell_and_clamps() -> None:
    assert FLOOR.cell_at(31.9, 15.9) == (0, 1)  # x = 31.9 is in column 1 (16 … 32), y = 15.9 in row 0
    assert FLOOR.cell_at(32.0, 16.0) == (1, 2)  # the left and upper edge belong to the cell
    assert FLOOR.cell_at(-5.0, -5.0) == (0, 0)
    assert FLOOR.cell_at(1000.0, 600.0) == (36, 61)  # 37 · 16 = 592 < 600: no cell covers the last 8 px
    assert CEIL.cell_at(1000.0, 600.0) == (37, 62)  # 600 / 16 = 37.5


def measured_field(layers: nn.Module, size: int, row: int, col: int, monkeypatch: pytest.MonkeyPatch) -> Tensor:
    """xyxy of the input pixels on which the output at (row, col) depends, from the gradient.

    All weights are positive, so no ReLU masks anything; poolings average, since a maximum passes its gradient to one
    of its four inputs only and would hide the rest of the field.
    """
    for parameter in layers.parameters():
        nn.init.constant_(parameter, 0.02)
    monkeypatch.setattr(F, "max_pool2d", lambda x, kernel, **_: F.avg_pool2d(x, kernel))
    image = torch.ones(1, 3, size, size, dtype=torch.double, requires_grad=True)
    layers.double()(image)[0, :, row, col].sum().backward()
    rows, cols = image.grad[0].sum(dim=0).nonzero().T  # type: ignore[index]
    return torch.stack([cols.min(), rows.min(), cols.max() + 1, rows.max() + 1])


def test_receptive_field_measured_by_gradient(monkeypatch: pytest.MonkeyPatch) -> None:
    class BackboneAndWindow(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.backbone, self.head = Backbone(WIDTHS["mini"]), RPNHead()

        def forward(self, images: Tensor) -> Tensor:
            return self.head.window_vector(self.backbone(images))

    grid = Grid.floor((272, 272))  # large enough for a field of 228 round an inner cell
    field = measured_field(BackboneAndWindow(), 272, 8, 7, monkeypatch)
    x1, y1, x2, y2 = field.tolist()
    assert (x2 - x1, y2 - y1) == (228, 228)
    assert (x1, y1, x2, y2) == grid.receptive_field(8, 7)  # and so its centre is the cell's centre
    assert ((x1 + x2) / 2, (y1 + y2) / 2) == grid.centre(8, 7)


# after each convolution c and pooling p: side of the receptive field in px. A 3 × 3 convolution adds 2 jumps, a
# pooling adds 1 and doubles the jump
FIELDS = {
    **{"c1_1": 3, "c1_2": 5, "p1": 6},  # jump 1, 1, then 2
    **{"c2_1": 10, "c2_2": 14, "p2": 16},  # 6 + 2·2, + 2·2, + 2
    **{"c3_1": 24, "c3_2": 32, "c3_3": 40, "p3": 44},  # + 2·4 each, + 4
    **{"c4_1": 60, "c4_2": 76, "c4_3": 92, "p4": 100},  # + 2·8 each, + 8
    **{"c5_1": 132, "c5_2": 164, "c5_3": 196},  # + 2·16 each
}


def test_receptive_field_of_every_layer(monkeypatch: pytest.MonkeyPatch) -> None:
    layers = [layer for layer in Backbone((1, 1, 1, 1, 1)).layers if not isinstance(layer, nn.ReLU)]
    layers = [nn.AvgPool2d(2) if isinstance(layer, nn.MaxPool2d) else layer for layer in layers]
    assert len(layers) == len(FIELDS)
    cell = {16: 7, 8: 14, 4: 28, 2: 56, 1: 112}  # an inner cell at every jump
    for count, (name, side) in enumerate(FIELDS.items(), 1):
        jump = 2 ** sum(isinstance(layer, nn.AvgPool2d) for layer in layers[:count])
        x1, y1, x2, y2 = measured_field(nn.Sequential(*layers[:count]), 240, cell[jump], cell[jump], monkeypatch)
        assert (x2 - x1, y2 - y1) == (side, side), name


def test_named_gives_the_presets() -> None:
    assert [Grid.named(name) for name in ("paper", "floor", "ceil")] == [PAPER, FLOOR, CEIL]
    assert Grid.named("ceil", (480, 640)) == Grid.ceil((480, 640))
    with pytest.raises(ValueError, match="grid must be one of paper, floor, ceil; got 'vgg'"):
        Grid.named("vgg")


@pytest.mark.parametrize("size", [(600,), (600, 1000, 3), (15, 600), (600, 0), (600.0, 1000), 600, None])
def test_impossible_sizes_are_refused(size: object) -> None:
    with pytest.raises(ValueError, match="image_size must be"):
        Grid.floor(size)  # type: ignore[arg-type]


@pytest.mark.parametrize(("row", "col"), [(-1, 0), (0, -1), (40, 0), (0, 60)])
def test_positions_off_the_grid_are_refused(row: int, col: int) -> None:
    for method in (PAPER.centre, PAPER.footprint, PAPER.receptive_field):
        with pytest.raises(ValueError, match=r"^(row|col) must be a whole number from 0 to (39|59); got"):
            method(row, col)
