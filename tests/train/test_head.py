"""Training the head alone: features of both ways, rules that can be switched off, a run that goes on."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from rpnviz.anchors import cell_anchors
from rpnviz.backbone import Backbone
from rpnviz.grid import Grid
from rpnviz.pictures import Picture
from rpnviz.rpn import RPNHead, flatten_head, rpn_losses
from rpnviz.targets import label_anchors
from rpnviz.train import head as module
from rpnviz.train import precision
from rpnviz.train.head import HeadTraining, features_and_mirrored, mirror_boxes
from rpnviz.train.training import Rules, draw_minibatch
from tests.train.test_training import PICTURES

GRID = Grid.paper()


@pytest.fixture(scope="module")
def backbone() -> Backbone:
    torch.manual_seed(0)
    return Backbone((4, 4, 4, 4, 4)).eval()


@pytest.fixture(scope="module")
def features(backbone: Backbone) -> list[torch.Tensor]:
    return [features_and_mirrored(backbone, picture, GRID) for picture in PICTURES]


def head_training(backbone: Backbone, steps: int, **settings: Any) -> HeadTraining:
    torch.manual_seed(settings.pop("weights_seed", 0))
    return HeadTraining(backbone, RPNHead(), PICTURES, steps, **settings)


@pytest.mark.parametrize("bfloat16", [True, False])
def test_they_are_the_features_of_the_picture_and_of_its_mirror_image(
    backbone: Backbone, bfloat16: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    picture = PICTURES[0]
    mirror = Picture(
        np.ascontiguousarray(picture.image[:, ::-1]), mirror_boxes(picture.gt_boxes, GRID), ["box"] * 2, ""
    )
    monkeypatch.setattr(precision, "bfloat16_is_faster", lambda _: bfloat16)
    found = features_and_mirrored(backbone, picture, GRID)
    assert found.shape == (2, 512, 40, 60) and found.dtype == torch.float16 and found.is_contiguous()
    for half, of in zip(found.float(), (picture, mirror), strict=True):
        exact = backbone.features(of, GRID)[0]
        error = float((half - exact).abs().max() / exact.max())
        # bfloat16 has eight bits, float16 eleven
        assert 0.0005 < error < 0.02 if bfloat16 else error < 0.0005
    assert (found[0].float() - found[1].float()).abs().max() > 0.1 * exact.max()


def test_a_mirrored_box() -> None:
    boxes = torch.tensor([[100.0, 50, 300, 200], [0, 0, 1000, 600]])
    assert mirror_boxes(boxes, GRID).tolist() == [[700, 50, 900, 200], [0, 0, 1000, 600]]


@given(st.lists(st.tuples(*[st.integers(0, 999)] * 4), max_size=5))
def test_mirrored_twice_is_the_box_again(corners: list[tuple[int, int, int, int]]) -> None:
    boxes = torch.tensor(
        [[min(a, c), min(b, d), max(a, c), max(b, d)] for a, b, c, d in corners], dtype=torch.float32
    ).reshape(-1, 4)
    assert torch.equal(mirror_boxes(mirror_boxes(boxes, GRID), GRID), boxes)


def test_a_view_is_a_picture_as_it_is_or_mirrored_with_its_own_boxes(
    backbone: Backbone, features: list[torch.Tensor]
) -> None:
    run = head_training(backbone, 1, features=features)
    seen = set()
    for _ in range(60):
        drawn, boxes = run.view()
        (which,) = [(n, way) for n in range(2) for way in range(2) if torch.equal(drawn, features[n][way])]
        gt_boxes = PICTURES[which[0]].gt_boxes
        assert torch.equal(boxes, mirror_boxes(gt_boxes, GRID) if which[1] else gt_boxes)
        seen.add(which)
    assert seen == {(0, 0), (0, 1), (1, 0), (1, 1)}


def test_the_head_learns_and_the_backbone_does_not(backbone: Backbone) -> None:
    before = {key: value.clone() for key, value in backbone.state_dict().items()}
    run = head_training(backbone, 25, max_lr=3e-3)  # computes the features by itself
    records = list(run.run())
    first, last = (sum(r["loss_objectness"] for r in part) / 5 for part in (records[:5], records[-5:]))
    assert last < 0.6 * first
    assert all(torch.equal(value, before[key]) for key, value in backbone.state_dict().items())


def test_a_resumed_run_is_the_uninterrupted_one(
    backbone: Backbone, features: list[torch.Tensor], tmp_path: Path
) -> None:
    whole = head_training(backbone, 4, features=features)
    records = list(whole.run())
    begun = head_training(backbone, 4, features=features)
    early = list(islice(begun.run(), 2))
    begun.save(tmp_path / "run.pt")
    resumed = head_training(backbone, 4, features=features, seed=7, weights_seed=8)
    resumed.load(tmp_path / "run.pt")
    assert early + list(resumed.run()) == records
    for key, value in resumed.head.state_dict().items():
        assert torch.equal(value, whole.head.state_dict()[key]), key
    # 2.4 million numbers of the head, thrice: AdamW keeps two for each. The backbone is not in the file.
    assert (tmp_path / "run.pt").stat().st_size < 12 * 2_382_893 + 100_000


# --- the sampled windows are enough ----------------------------------------------------------------------------------

CHANNELS = 4  # the 512 of the paper would only take longer


def dense_losses(run: HeadTraining, views: list[tuple[torch.Tensor, torch.Tensor]]) -> list[torch.Tensor]:
    """The same losses the long way: all windows go through the head, and of their answers 256 are read."""
    objectness, deltas = run.head(torch.stack([features for features, _ in views]).float())
    pairs = []
    for i, (_, boxes) in enumerate(views):
        minibatch = draw_minibatch(run.anchors, boxes, GRID.image_size, run.rules, run.generator)
        pairs.append(rpn_losses(*flatten_head(objectness[i : i + 1], deltas[i : i + 1]), *minibatch))
    return [torch.stack(losses).mean() for losses in zip(*pairs, strict=True)]


def gradients(run: HeadTraining, losses: list[torch.Tensor]) -> tuple[torch.Tensor, ...]:
    return torch.autograd.grad(torch.stack(losses).sum(), list(run.head.parameters()))


edges = st.tuples(st.integers(0, 975), st.integers(0, 575), st.integers(25, 700), st.integers(25, 600))


@settings(max_examples=25)
@given(
    seed=st.integers(0, 2**32 - 1),
    kernel_size=st.sampled_from([1, 3, 5]),
    rules=st.builds(Rules, st.booleans(), st.booleans()),
    scales=st.sampled_from([(128, 256, 512), (256,), (16, 700)]),
    scenes=st.lists(st.lists(edges, max_size=4), min_size=1, max_size=3),
)
def test_a_step_loses_and_learns_what_the_whole_map_would(
    seed: int, kernel_size: int, rules: Rules, scales: tuple[int, ...], scenes: list[list[tuple[int, ...]]]
) -> None:
    cells = cell_anchors(scales=scales)
    torch.manual_seed(seed)
    head = RPNHead(CHANNELS, len(cells), kernel_size)
    for values in head.parameters():
        torch.nn.init.normal_(values, std=0.5)
    views = []
    for corners in scenes:
        boxes = [[x, y, min(x + w, 1000), min(y + h, 600)] for x, y, w, h in corners]
        views.append((torch.rand(CHANNELS, 40, 60).half(), torch.tensor(boxes, dtype=torch.float32).reshape(-1, 4)))
    stored = [torch.zeros(2, CHANNELS, 40, 60)] * 2
    run = HeadTraining(Backbone((4,) * 5), head, PICTURES, 1, rules=rules, cells=cells, features=stored)
    run.generator.manual_seed(seed)
    sparse = list(run.losses(views).values())
    run.generator.manual_seed(seed)  # the same minibatch
    dense = dense_losses(run, views)
    torch.testing.assert_close(sparse, dense, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(gradients(run, sparse), gradients(run, dense), atol=1e-5, rtol=1e-5)


def test_windows_at_the_rim_and_windows_of_several_anchors_are_among_them(
    backbone: Backbone, features: list[torch.Tensor]
) -> None:
    run = head_training(backbone, 1, features=features)
    corner = torch.tensor([[0.0, 0, 256, 256], [900, 0, 1000, 600]])  # in two corners, and along the right rim
    _, _, pos_inds, neg_inds = draw_minibatch(
        run.anchors, corner, GRID.image_size, run.rules, torch.Generator().manual_seed(0)
    )
    drawn = (torch.cat([pos_inds, neg_inds]) // 9).tolist()
    with mock.patch.object(run.head, "at_cells", wraps=run.head.at_cells) as at_cells:
        run.generator.manual_seed(0)
        run.losses([(features[0][0], corner)])
    seen = at_cells.call_args.args[1].tolist()
    assert seen == sorted(set(drawn)) and len(seen) < len(drawn) == 256
    rows, cols = {cell // 60 for cell in seen}, {cell % 60 for cell in seen}
    assert {0, 39} < rows and {0, 59} < cols


def test_a_step_runs_the_head_on_no_more_than_the_minibatch(
    backbone: Backbone, features: list[torch.Tensor], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = head_training(backbone, 1, features=features)
    for layer in (run.head, run.head.conv):
        monkeypatch.setattr(layer, "forward", None)  # the whole map
    with mock.patch.object(run.head, "at_cells", wraps=run.head.at_cells) as at_cells:
        list(run.run())
    assert all(100 < len(call.args[1]) <= 256 for call in at_cells.call_args_list)
    assert at_cells.call_count == 2


def test_a_picture_of_which_nothing_is_sampled_costs_nothing(
    backbone: Backbone, features: list[torch.Tensor], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = head_training(backbone, 1, features=features)
    none = torch.zeros(0, dtype=torch.int64)
    labels, targets = torch.full((21_600,), -1, dtype=torch.int8), torch.zeros(21_600, 4)
    monkeypatch.setattr(module, "draw_minibatch", lambda *_: (labels, targets, none, none))
    (record,) = run.run()
    assert record == {"step": 1, "loss_objectness": 0, "loss_rpn_box_reg": 0}


# --- rules -----------------------------------------------------------------------------------------------------------


def sampled(backbone: Backbone, features: list[torch.Tensor], rules: Rules) -> list[tuple[int, int]]:
    """(positives, negatives) of the two pictures of one step."""
    with mock.patch.object(module, "rpn_losses", wraps=rpn_losses) as losses:
        list(head_training(backbone, 1, features=features, rules=rules).run())
    return [(len(call.args[4]), len(call.args[5])) for call in losses.call_args_list]


def test_without_balance_the_positives_drown(backbone: Backbone, features: list[torch.Tensor]) -> None:
    balanced = sampled(backbone, features, Rules())
    blind = sampled(backbone, features, Rules(balanced=False))
    assert all(sum(counts) == 256 for counts in balanced + blind)
    assert min(positive for positive, _ in balanced) > 3 * max(positive for positive, _ in blind)


def test_without_the_best_per_gt_rule_fewer_are_positive(
    backbone: Backbone, features: list[torch.Tensor], monkeypatch: pytest.MonkeyPatch
) -> None:
    ball = [Picture(PICTURES[0].image, torch.tensor([[500.0, 300, 550, 350]]), ["ball"], "ball")] * 2
    found = label_anchors(head_training(backbone, 1, features=features).anchors, ball[0].gt_boxes, (600, 1000))
    assert found.low_quality.any() and found.low_quality.sum() == (found.labels == 1).sum()
    monkeypatch.setattr("tests.train.test_head.PICTURES", ball)
    with_rule = sampled(backbone, features, Rules())
    without = sampled(backbone, features, Rules(best_per_gt=False))
    assert all(positive > 0 for positive, _ in with_rule)
    assert without == [(0, 256)] * 2


def test_other_anchors_need_another_head(backbone: Backbone, features: list[torch.Tensor]) -> None:
    cells = cell_anchors(scales=(256,))
    with pytest.raises(ValueError, match="head must answer for 3 anchors a cell; got 9"):
        HeadTraining(backbone, RPNHead(), PICTURES, 1, cells=cells, features=features)
    with pytest.raises(ValueError, match="head must answer for 9 anchors a cell; got 3"):
        HeadTraining(backbone, RPNHead(num_anchors=3), PICTURES, 1, features=features)
    with pytest.raises(ValueError, match=r"cells\[0\] must have x1 ≤ x2"):
        HeadTraining(backbone, RPNHead(num_anchors=3), PICTURES, 1, cells=-cells, features=features)
    run = HeadTraining(backbone, RPNHead(num_anchors=3), PICTURES, 1, cells=cells, features=features)
    assert len(list(run.run())) == 1
    assert len(run.anchors) == 3 * 40 * 60


def test_features_of_other_pictures_are_refused(backbone: Backbone, features: list[torch.Tensor]) -> None:
    for wrong in (features[:1], [*features, features[0]]):
        with pytest.raises(ValueError, match=f"features must be of the 2 pictures; got {len(wrong)}"):
            HeadTraining(backbone, RPNHead(), PICTURES, 1, features=wrong)
    for bad in (features[1][0], features[1][..., 1:]):
        with pytest.raises(ValueError, match=r"features\[1\] must be Tensor\[2, 512, 40, 60\]; got"):
            HeadTraining(backbone, RPNHead(), PICTURES, 1, features=[features[0], bad])


def test_pictures_and_boxes_that_do_not_fit_are_named(backbone: Backbone) -> None:
    with pytest.raises(ValueError, match=r"picture must have the grid's image_size \(64, 96\); got \(600, 1000\)"):
        features_and_mirrored(backbone, PICTURES[0], Grid.floor((64, 96)))
    with pytest.raises(ValueError, match=r"boxes must be Tensor\[N, 4\]; got float32"):
        mirror_boxes(torch.zeros(4), GRID)


def test_features_are_computed_with_the_statistics_of_the_training_before() -> None:
    fresh = Backbone((4, 4, 4, 4, 4), batch_norm=True)  # in training mode, as it is built
    run = HeadTraining(fresh, RPNHead(), PICTURES[:1], 1)
    assert torch.equal(run.features[0], features_and_mirrored(fresh.eval(), PICTURES[0], GRID))
    assert not fresh.state_dict()["layers.1.running_mean"].any()
