"""Which channel answers to what: means by hand, ranking, and what mini is reported to show."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from rpnviz.grid import Grid
from rpnviz.inspect.channels import Response, cells_inside, class_response, rank_channels
from rpnviz.pictures import Picture

GRID = Grid.floor((64, 96))  # 4 × 6 cells of 16 px


def picture_with(boxes: list[list[float]], names: list[str]) -> Picture:
    return Picture(np.zeros((64, 96, 3), np.uint8), torch.tensor(boxes).reshape(-1, 4), names, "mine")


def test_cells_are_inside_where_their_centre_is() -> None:
    inside = cells_inside(GRID, torch.tensor([[8.0, 8, 41, 23], [88, 56, 96, 64]]))
    assert inside.nonzero().tolist() == [[0, 0], [0, 1], [0, 2], [3, 5]]  # centres at 8, 24, 40 and at (88, 56)
    assert not cells_inside(GRID, torch.zeros(0, 4)).any()


def test_a_box_between_the_centres_gets_the_cell_under_it() -> None:
    assert cells_inside(GRID, torch.tensor([[17.0, 1, 23, 7]])).nonzero().tolist() == [[0, 1]]


def test_a_cell_is_inside_if_its_centre_is_on_the_rim() -> None:
    inside = cells_inside(GRID, torch.tensor([[8.0, 8, 24, 24]]))
    assert inside.nonzero().tolist() == [[0, 0], [0, 1], [1, 0], [1, 1]]


def test_the_cell_under_a_small_box_is_that_of_its_centre_also_beside_a_large_one() -> None:
    boxes = torch.tensor([[0.0, 48, 16, 64], [9, 1, 23.5, 7]])  # the second's centre is at x = 16.25, its corner at 9
    assert cells_inside(GRID, boxes).nonzero().tolist() == [[0, 1], [3, 0]]


def test_cells_need_not_be_square() -> None:
    grid = Grid("wide", (64, 96), input_size=(64, 192))  # 4 × 12 cells, 16 px high and 8 px wide
    assert cells_inside(grid, torch.tensor([[0.0, 0, 16, 16]])).nonzero().tolist() == [[0, 0], [0, 1]]


@given(st.integers(0, 5), st.integers(0, 3), st.integers(1, 6), st.integers(1, 4))
def test_whole_cells_count_themselves(col: int, row: int, wide: int, high: int) -> None:
    right, bottom = min(col + wide, 6), min(row + high, 4)
    box = torch.tensor([[16.0 * col, 16 * row, 16 * right, 16 * bottom]])
    assert int(cells_inside(GRID, box).sum()) == (right - col) * (bottom - row)


def test_means_by_hand() -> None:
    features = torch.zeros(1, 2, 4, 6)
    features[0, 0, 0, :2] = torch.tensor([3.0, 5.0])  # in the dog
    features[0, 1, 3, 5] = 11  # elsewhere
    picture = picture_with([[0, 0, 32, 16], [64, 48, 96, 64]], ["dog", "car"])
    found = class_response(features.requires_grad_(), picture, GRID, "dog")
    assert not found.inside.requires_grad
    assert (found.cells_inside, found.cells_outside) == (2, 22)
    assert found.inside.tolist() == [4, 0]
    assert found.outside.tolist() == [0, 0.5]


def test_ranking_weighs_pictures_by_their_cells() -> None:
    few = Response(torch.tensor([8.0, 1, 0]), torch.tensor([1.0, 1, 5]), 1, 9)
    many = Response(torch.tensor([0.0, 2, 0]), torch.tensor([1.0, 1, 0]), 3, 7)
    order, ratio = rank_channels([few, many])
    assert ratio.tolist() == pytest.approx([2, 1.75, 0])  # (8·1 + 0·3) / 4 and (1·1 + 2·3) / 4, over 1
    assert order.tolist() == [0, 1, 2]
    assert rank_channels([many])[0].tolist() == [1, 0, 2]  # ties by number


@given(st.integers(0, 10_000))
def test_ranking_is_a_permutation_with_falling_ratios(seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    responses = [
        Response(torch.rand(20, generator=generator), torch.rand(20, generator=generator) + 0.1, 3 + k, 50)
        for k in range(3)
    ]
    order, ratio = rank_channels(responses)
    assert sorted(order.tolist()) == list(range(20))
    assert bool((ratio[order].diff() <= 0).all())
    for scale in (4, 2.0**-40):  # a channel's own scale does not count
        again, scaled = rank_channels(
            [Response(r.inside * scale, r.outside * scale, r.cells_inside, 50) for r in responses]
        )
        assert torch.equal(again, order) and torch.equal(scaled, ratio)


def test_a_channel_dark_outside_is_finite_and_first() -> None:
    order, ratio = rank_channels([Response(torch.tensor([1.0, 1.0]), torch.tensor([1.0, 0.0]), 2, 2)])
    assert order.tolist() == [1, 0] and bool(ratio.isfinite().all())


def test_bad_arguments_are_named() -> None:
    features = torch.zeros(1, 2, 4, 6)
    picture = picture_with([[0, 0, 32, 16]] * 2, ["dog"] * 2)
    with pytest.raises(ValueError, match=r"class_name must be one that mine has \(dog\); got 'dogs'"):
        class_response(features, picture, GRID, "dogs")
    with pytest.raises(ValueError, match=r"class_name must be one that mine has \(none\); got 'dog'"):
        class_response(features, picture_with([], []), GRID, "dog")
    with pytest.raises(ValueError, match=r"picture must have the grid's image_size \(64, 112\); got \(64, 96\)"):
        class_response(features, picture, Grid.floor((64, 112)), "dog")
    for bad in (features[0], torch.zeros(1, 2, 5, 6), torch.zeros(2, 2, 4, 6), features > 0, features * torch.nan):
        with pytest.raises(ValueError, match="features must be"):
            class_response(bad, picture, GRID, "dog")
    with pytest.raises(ValueError, match="covers every cell of mine"):
        class_response(features, picture_with([[0, 0, 96, 64]], ["bus"]), GRID, "bus")
    with pytest.raises(ValueError, match=r"boxes must be Tensor\[N, 4\]; got float32 \[3\]"):
        cells_inside(GRID, torch.zeros(3))
    with pytest.raises(ValueError, match="responses must not be empty"):
        rank_channels([])
    few, many = (Response(torch.ones(n), torch.ones(n), 1, 1) for n in (1, 3))
    with pytest.raises(ValueError, match=r"responses must have the same channels; got \[1, 3\]"):
        rank_channels([few, many])
