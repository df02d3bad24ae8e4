"""The walk through the backbone: shapes, parameters and receptive fields, against the numbers, torch and gradients."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from rpnviz.backbone import WIDTHS, Backbone
from rpnviz.grid import Grid
from rpnviz.inspect.layers import Layer, activations, halvings, layer_table, network_input
from rpnviz.inspect.receptive_field import input_gradient, nonzero_box, uniform_path_weights
from rpnviz.pictures import Picture
from rpnviz.rpn import RPNHead

# name, kernel, stride, jump, receptive field, channels of VGG-16
BY_HAND = [
    ("conv1_1", 3, 1, 1, 3, 64),  # 1 + 2·1
    ("conv1_2", 3, 1, 1, 5, 64),  # 3 + 2·1
    ("pool1", 2, 2, 2, 6, 64),  # 5 + 1·1
    ("conv2_1", 3, 1, 2, 10, 128),  # 6 + 2·2
    ("conv2_2", 3, 1, 2, 14, 128),
    ("pool2", 2, 2, 4, 16, 128),  # 14 + 1·2
    ("conv3_1", 3, 1, 4, 24, 256),  # 16 + 2·4
    ("conv3_2", 3, 1, 4, 32, 256),
    ("conv3_3", 3, 1, 4, 40, 256),
    ("pool3", 2, 2, 8, 44, 256),  # 40 + 1·4
    ("conv4_1", 3, 1, 8, 60, 512),  # 44 + 2·8
    ("conv4_2", 3, 1, 8, 76, 512),
    ("conv4_3", 3, 1, 8, 92, 512),
    ("pool4", 2, 2, 16, 100, 512),  # 92 + 1·8
    ("conv5_1", 3, 1, 16, 132, 512),  # 100 + 2·16
    ("conv5_2", 3, 1, 16, 164, 512),
    ("conv5_3", 3, 1, 16, 196, 512),
    ("RPN 3×3", 3, 1, 16, 228, 512),
]
SMALL = (64, 96)  # a picture on which a walk is quick


def picture_of(size: tuple[int, int], seed: int = 0) -> Picture:
    image = np.random.default_rng(seed).integers(0, 255, (*size, 3), dtype=np.uint8)
    return Picture(image, torch.zeros(0, 4), [], "noise")


def vgg16_walk(grid: Grid) -> list[Layer]:
    with torch.device("meta"):
        return layer_table(Backbone(), grid, RPNHead())


@pytest.fixture(scope="module")
def network() -> tuple[Backbone, RPNHead]:
    torch.manual_seed(0)
    return Backbone((2, 3, 4, 5, 6)).eval(), RPNHead().eval()


def test_the_walk_is_the_one_worked_out_by_hand() -> None:
    found = vgg16_walk(Grid.paper())
    assert [(s.name, s.kernel, s.stride, s.jump, s.receptive_field, s.channels) for s in found] == BY_HAND


def test_mini_differs_from_vgg16_in_width_alone() -> None:
    with torch.device("meta"):
        mini = layer_table(Backbone(WIDTHS["mini"]), Grid.paper(), RPNHead())
    for ours, theirs in zip(mini, vgg16_walk(Grid.paper()), strict=True):
        same = ("name", "kernel", "stride", "size", "jump", "receptive_field")
        assert [getattr(ours, name) for name in same] == [getattr(theirs, name) for name in same]
    assert [step.channels for step in mini if step.name.startswith("conv")] == [
        *(16, 16, 32, 32, 64, 64, 64, 128, 128, 128, 128, 128, 512)
    ]


def test_parameters_are_those_of_the_literature() -> None:
    found = vgg16_walk(Grid.paper())
    assert sum(step.parameters for step in found[:-1]) == 14_714_688
    assert found[-1].parameters == 512 * 512 * 9 + 512 == 2_359_808
    assert found[0].parameters == 3 * 64 * 9 + 64
    assert all((step.parameters == 0) == step.name.startswith("pool") for step in found)


def test_a_batch_norm_is_no_station_of_its_own() -> None:
    plain, normed = (layer_table(Backbone(WIDTHS["mini"], batch_norm=on), Grid.paper()) for on in (False, True))
    assert [step.name for step in plain] == [step.name for step in normed]
    assert normed[0].parameters == 3 * 16 * 9 + 2 * 16  # no bias, but scale and shift


@pytest.mark.parametrize("name", ["paper", "floor", "ceil"])
def test_sizes_are_those_of_the_grid_and_of_the_outputs(name: str, network: tuple[Backbone, RPNHead]) -> None:
    backbone, head = network
    grid = Grid.named(name, (90, 118))  # 118 → 59 → 29|30: every rounding happens
    steps = layer_table(backbone, grid, head)
    if name != "paper":
        outputs = dict(activations(backbone, picture_of((90, 118)), grid, head))
        assert {step.name: (step.channels, *step.size) for step in steps} == {
            layer: tuple(output.shape[1:]) for layer, output in outputs.items()
        }
    assert steps[-1].size == steps[-2].size == grid.feature_size


def test_the_last_activations_are_the_features_and_the_vector(network: tuple[Backbone, RPNHead]) -> None:
    backbone, head = network
    picture, grid = picture_of(SMALL), Grid.floor(SMALL)
    outputs = dict(activations(backbone, picture, grid, head))
    features = backbone.features(picture, grid)
    assert torch.equal(outputs["conv5_3"], features)
    with torch.no_grad():
        assert torch.equal(outputs["RPN 3×3"], head.window_vector(features))
    assert all(bool((output >= 0).all()) for output in outputs.values())
    assert torch.equal(outputs["pool2"], F.max_pool2d(outputs["conv2_2"], 2))
    assert not any(output.requires_grad for output in outputs.values())


@pytest.mark.parametrize("name", ["paper", "floor", "ceil"])
@pytest.mark.parametrize(("row", "col"), [(0, 0), (20, 30), (36, 61)])
def test_what_the_window_sees_is_what_the_grid_says(name: str, row: int, col: int) -> None:
    grid = Grid.named(name)
    col = min(col, grid.feature_size[1] - 1)
    assert vgg16_walk(grid)[-1].sees(row, col, grid) == pytest.approx(grid.receptive_field(row, col))


@pytest.mark.parametrize("index", range(len(BY_HAND)))
def test_a_gradient_agrees_with_the_sum(index: int) -> None:
    steps = vgg16_walk(Grid.paper())[: index + 1]
    row, col = steps[-1].size[0] // 2, steps[-1].size[1] // 2
    shares = uniform_path_weights(steps, Grid.paper(), row, col)
    assert nonzero_box(shares) == steps[-1].sees(row, col)
    assert float(shares.sum()) == pytest.approx(1)


@pytest.mark.parametrize("ceil_mode", [False, True])
def test_paths_are_a_gradient_of_a_network_of_plain_torch_modules(ceil_mode: bool) -> None:
    size = (90, 118)
    grid = Grid.ceil(size) if ceil_mode else Grid.floor(size)
    steps = vgg16_walk(grid)[:7]
    modules: list[nn.Module] = []
    for step in steps:
        if step.stride == 2:
            modules.append(nn.AvgPool2d(2, ceil_mode=ceil_mode))
        else:
            modules.append(nn.Conv2d(1, 1, 3, padding=1, bias=False))
            nn.init.constant_(modules[-1].weight, 1 / 9)  # type: ignore[arg-type]
    pixels = torch.zeros(1, 1, *size, requires_grad=True)
    nn.Sequential(*modules)(pixels)[0, 0, 5, -1].backward()
    assert pixels.grad is not None
    assert torch.allclose(
        uniform_path_weights(steps, grid, 5, steps[-1].size[1] - 1).float(), pixels.grad[0, 0], atol=1e-7
    )


def test_at_the_border_the_field_hangs_over_and_the_gradient_is_cut_off() -> None:
    steps = vgg16_walk(Grid.paper())
    assert steps[-1].sees(0, 0) == (-106, -106, 122, 122)  # 8 ± 114
    assert nonzero_box(uniform_path_weights(steps, Grid.paper(), 0, 0)) == (0, 0, 122, 122)


def test_the_dropped_columns_are_seen_through_the_convolutions() -> None:
    grid = Grid.floor()
    shares = uniform_path_weights(vgg16_walk(grid)[:17], grid, 18, 61)
    assert 0.01 < float(shares[:, 992:].sum()) < 0.05


@pytest.mark.parametrize(("layer", "row", "col"), [("conv1_1", 10, 20), ("pool2", 7, 11), ("conv3_3", 8, 12)])
def test_the_real_gradient_stays_inside(layer: str, row: int, col: int, network: tuple[Backbone, RPNHead]) -> None:
    picture, grid = picture_of(SMALL), Grid.floor(SMALL)
    found = input_gradient(network[0], picture, grid, layer, row, col)
    assert found.shape == SMALL and bool((found >= 0).all())
    (step,) = (step for step in layer_table(network[0], grid) if step.name == layer)
    x1, y1, x2, y2 = step.sees(row, col)
    found = found.clone()
    found[max(int(y1), 0) : int(y2), max(int(x1), 0) : int(x2)] = 0
    assert not found.any()


def test_the_real_gradient_is_the_change_that_a_small_step_makes(network: tuple[Backbone, RPNHead]) -> None:
    backbone, _ = network
    picture, grid = picture_of(SMALL), Grid.floor(SMALL)
    gradient = input_gradient(backbone, picture, grid, "conv2_2", 9, 13).double()
    precise = Backbone((2, 3, 4, 5, 6)).double()
    precise.load_state_dict(backbone.state_dict())
    pixels = network_input(picture, grid).double()

    def unit(image: Tensor) -> float:
        with torch.no_grad():
            for layer in precise.layers[:9]:  # up to the ReLU of conv2_2
                image = layer(image)
        return float(image[0, :, 9, 13].sum())

    signs = set()
    for place in gradient.flatten().argsort(descending=True)[:12].tolist():
        y, x = divmod(place, SMALL[1])
        slopes = []
        for colour in range(3):
            nudged = pixels.clone()
            nudged[0, colour, y, x] += 1e-6
            slopes.append((unit(nudged) - unit(pixels)) / 1e-6)
        assert sum(map(abs, slopes)) == pytest.approx(float(gradient[y, x]), rel=1e-3)
        signs.add(min(slopes) < 0 < max(slopes))
    assert True in signs  # somewhere the colours pull apart, and magnitudes are what is added


def test_a_gradient_is_taken_at_a_column_that_only_one_rounding_keeps(network: tuple[Backbone, RPNHead]) -> None:
    picture, grid = picture_of((90, 118)), Grid.ceil((90, 118))  # 118 → 59 → 30: column 29 holds column 58 alone
    found = input_gradient(network[0], picture, grid, "pool2", 10, 29)
    assert found.any() and not found[:, : 29 * 4 - 6].any()  # 16 px round 4 · 29.5: from 110 on


def test_a_gradient_needs_no_gradients_switched_on_and_leaves_none(network: tuple[Backbone, RPNHead]) -> None:
    with torch.no_grad():
        found = input_gradient(network[0], picture_of(SMALL), Grid.floor(SMALL), "conv1_2", 3, 3)
    assert found.any() and not found.requires_grad
    assert all(parameter.grad is None for parameter in network[0].parameters())


@pytest.mark.parametrize(
    ("length", "down", "up"),
    [
        (1000, [1000, 500, 250, 125, 62], [1000, 500, 250, 125, 63]),
        (600, [600, 300, 150, 75, 37], [600, 300, 150, 75, 38]),
        (960, [960, 480, 240, 120, 60], [960, 480, 240, 120, 60]),
        (640, [640, 320, 160, 80, 40], [640, 320, 160, 80, 40]),
        (17, [17, 8, 4, 2, 1], [17, 9, 5, 3, 2]),
    ],
)
def test_halvings_by_hand(length: int, down: list[int], up: list[int]) -> None:
    assert halvings(length) == down
    assert halvings(length, ceil_mode=True) == up


@given(st.integers(16, 3000), st.booleans())
def test_halvings_are_those_of_torch_and_of_the_grid(length: int, ceil_mode: bool) -> None:
    assert halvings(length, ceil_mode)[0] == length
    for before, after in pairwise(halvings(length, ceil_mode)):
        assert F.max_pool1d(torch.zeros(1, 1, before), 2, ceil_mode=ceil_mode).shape[-1] == after
    grid = Grid.ceil((16, length)) if ceil_mode else Grid.floor((16, length))
    assert halvings(length, ceil_mode)[-1] == grid.feature_size[1]
    assert halvings(length, ceil_mode)[-1] == (math.ceil if ceil_mode else math.floor)(length / 16)


@given(st.integers(0, 39), st.integers(0, 59))
def test_fields_of_one_place_lie_in_each_other(row: int, col: int) -> None:
    """The unit of an earlier layer that stands where a cell's centre is, seen from layer to layer."""
    steps = vgg16_walk(Grid.paper())
    fields = []
    for step in steps:
        inner = 16 // step.jump  # units of the layer in a cell
        fields.append(step.sees(row * inner + inner // 2, col * inner + inner // 2))
    for small, large in pairwise(fields):
        assert large[0] <= small[0] and large[1] <= small[1] and large[2] >= small[2] and large[3] >= small[3]


@pytest.mark.parametrize(("row", "col"), [(-1, 0), (40, 0), (0, 60), (0, -1), (1.5, 0), (0, 2.5)])
def test_no_unit_outside_the_map_or_between_two(row: int, col: int) -> None:
    steps = vgg16_walk(Grid.paper())
    message = r"(row of RPN 3×3 must be a whole number from 0 to 39|col of RPN 3×3 must be .* from 0 to 59); got"
    with pytest.raises(ValueError, match=message):
        steps[-1].sees(row, col)
    with pytest.raises(ValueError, match=message):
        uniform_path_weights(steps, Grid.paper(), row, col)


def test_bad_arguments_are_named(network: tuple[Backbone, RPNHead]) -> None:
    backbone, picture, grid = network[0], picture_of(SMALL), Grid.floor(SMALL)
    with pytest.raises(ValueError, match=r"layer must be one of conv1_1, .* conv5_3; got 'RPN 3×3'"):
        input_gradient(backbone, picture, grid, "RPN 3×3", 0, 0)
    with pytest.raises(ValueError, match="row of conv5_3 must be a whole number from 0 to 3; got 4"):
        input_gradient(backbone, picture, grid, "conv5_3", 4, 0)
    with pytest.raises(ValueError, match=r"image_size \(600, 1000\); got \(64, 96\)"):
        next(activations(backbone, picture, Grid.paper()))
    with pytest.raises(ValueError, match="layers is empty"):
        uniform_path_weights([], grid, 0, 0)
    with pytest.raises(ValueError, match=r"grid must be that of layers: conv1_1 is \(640, 960\), not \(64, 96\)"):
        uniform_path_weights(vgg16_walk(Grid.paper()), grid, 0, 0)
    for bad in (15, 0, -4, 16.5):
        with pytest.raises(ValueError, match=f"length must be a whole number of at least 16; got {bad}"):
            halvings(bad)  # type: ignore[arg-type]


@pytest.mark.parametrize("bad", [torch.zeros(3, 4), torch.full((3, 4), math.nan), torch.ones(3)])
def test_extent_of_nothing_is_an_error(bad: Tensor) -> None:
    with pytest.raises(ValueError, match=r"values must (be Tensor\[H, W\]|be finite|hold something)"):
        nonzero_box(bad)


def test_extent_counts_whole_pixels() -> None:
    values = torch.zeros(6, 8)
    values[2, 3] = values[4, 5] = -0.1
    assert nonzero_box(values) == (3, 2, 6, 5)
