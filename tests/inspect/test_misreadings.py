"""A head read by other conventions: what each slip does to a box, and the recorded recall of each."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from rpnviz.anchors import cell_anchors, grid_anchors
from rpnviz.boxes import clip, decode
from rpnviz.grid import Grid
from rpnviz.inspect.misreadings import MISREADINGS
from rpnviz.inspect.recall import recorded_misreadings, recorded_recall
from rpnviz.proposals import propose

GRID = Grid.floor((160, 240))  # 10 × 15 cells
ANCHORS = grid_anchors(GRID, cell_anchors())
CELL = 5 * 15 + 7  # its middle is at (120, 88)
SQUARE = 9 * CELL + 3  # 128 × 128: x from 56 to 184, y from 24 to 152


def answers() -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    return torch.randn(len(ANCHORS), generator=generator), torch.randn(len(ANCHORS), 4, generator=generator) * 0.2


def box_of(name: str, i: int = SQUARE, deltas: tuple[float, float, float, float] = (0.5, 0, math.log(2), 0)) -> Tensor:
    """Where a box comes to lie whose anchor has these deltas; as meant: 64 px to the right, twice as wide."""
    said = torch.zeros(len(ANCHORS), 4)
    said[i] = torch.tensor(deltas)
    return MISREADINGS[name].boxes(said, GRID)[i]


@pytest.mark.parametrize(
    ("name", "box"),
    [
        ("as it was trained", [56.0, 24, 312, 152]),
        ("one pixel wider and higher", [56.0, 24, 313, 153]),
        ("anchors on the corners", [48.0, 16, 304, 144]),
        ("the deltas not used", [56.0, 24, 184, 152]),
        # 6.4 px to the right, 2^(1/5) = 1.1487 times as wide
        ("weights 10, 10, 5, 5", [126.4 - 73.517, 24, 126.4 + 73.517, 152]),
        # 640 px to the right, 2^5 = 32 times as wide
        ("weights 0.1, 0.1, 0.2, 0.2", [760.0 - 2048, 24, 760 + 2048, 152]),
        # 64 px down, twice as high
        ("dy, dx, dh, dw", [56.0, 24, 184, 280]),
    ],
)
def test_a_slip_moves_a_box(name: str, box: list[float]) -> None:
    torch.testing.assert_close(box_of(name), torch.tensor(box), atol=0.01, rtol=1e-5)


def test_another_ratio_and_another_order_are_other_anchors() -> None:
    still = (0.0, 0.0, 0.0, 0.0)
    wide = 9 * CELL  # 182 × 90, lying
    assert box_of("as it was trained", wide, still).tolist() == [29, 43, 211, 133]
    assert box_of("ratio as width / height", wide, still).tolist() == [75, -3, 165, 179]
    assert box_of("outputs scale by scale", wide + 1, still).tolist() == [56, 24, 184, 152]
    sides = box_of("sides not rounded", wide, still)
    torch.testing.assert_close(sides[2] - sides[0], torch.tensor(128 * math.sqrt(2)))


def test_as_it_was_trained_is_the_lesson() -> None:
    stages = MISREADINGS["as it was trained"].propose(*answers(), GRID)
    wanted = propose(*answers(), ANCHORS, GRID.image_size)
    assert torch.equal(stages.post_nms_inds, wanted.post_nms_inds)
    torch.testing.assert_close(stages.proposals, wanted.proposals, atol=1e-3, rtol=0)


def test_the_score_for_background_ranks_the_other_way_round() -> None:
    objectness, deltas = answers()
    read = MISREADINGS["the score for background"].propose(objectness, deltas, GRID, post_nms_top_n=1)
    boxes = clip(decode(deltas, ANCHORS), GRID.image_size)
    large = ((boxes[:, 2:] - boxes[:, :2]) >= 16).all(dim=1)
    assert read.post_nms_inds.tolist() == [int(objectness.masked_fill(~large, torch.inf).argmin())]


def test_the_record_has_a_row_for_each_and_agrees_with_the_other_record() -> None:
    scenes, rows = recorded_misreadings()
    all_scenes, trained = recorded_recall()
    assert list(rows) == list(MISREADINGS) and scenes == all_scenes
    assert rows["as it was trained"] == trained["mini, trained"]
    assert all(0 <= numbers["recall@0.5"] <= 1 for table in rows.values() for numbers in table.values())


def test_numbers_of_another_grid_are_refused() -> None:
    with pytest.raises(ValueError, match=r"^pred_bbox_deltas must be"):
        MISREADINGS["as it was trained"].boxes(torch.zeros(9, 4), GRID)
    with pytest.raises(ValueError, match=r"^objectness must be"):
        MISREADINGS["as it was trained"].propose(torch.zeros(9), answers()[1], GRID)
