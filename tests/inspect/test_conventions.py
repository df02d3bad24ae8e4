"""Each convention gives what its project gives: values read in its files or made with them, and torchvision's live.

conventions.json says of each value how it was made.
"""

from __future__ import annotations

import json
import math
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest
import torch
import torchvision
from torch import Tensor
from torchvision.models.detection._utils import BoxCoder
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.image_list import ImageList
from torchvision.models.detection.rpn import RegionProposalNetwork
from torchvision.models.detection.rpn import RPNHead as TorchvisionHead

from rpnviz.anchors import cell_anchors, ctpn_cell_anchors, grid_anchors, inside_picture
from rpnviz.boxes import box_iou, decode
from rpnviz.grid import Grid
from rpnviz.inspect.convention_differences import SETTINGS, Case, differences, follow_all, in_words
from rpnviz.inspect.convention_presets import CONVENTIONS, PAPER, PROJECTS, differing
from rpnviz.inspect.conventions import (
    Convention,
    convention_anchors,
    convention_cells,
    decode_by,
    encode_by,
    label_by,
    losses_by,
    propose_by,
)
from rpnviz.inspect.loss_ledger import NORMALISATIONS, minibatch_losses
from rpnviz.pictures import Picture
from rpnviz.proposals import PRESETS, propose
from rpnviz.targets import label_anchors, regression_targets, sample_minibatch

GOLDEN = json.loads((Path(__file__).parent / "conventions.json").read_text("utf-8"))
FLOOR = Grid.floor()
PICTURE = Picture.load("street-03")
TORCHVISION = CONVENTIONS["torchvision"]


def golden_cells(name: str) -> Tensor:
    return torch.tensor(GOLDEN["cell anchors"][name]["rows"], dtype=torch.float32)


def answers(grid: Grid = FLOOR, seed: int = 0) -> tuple[Tensor, Tensor]:
    count = math.prod(grid.feature_size) * 9
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(count, generator=generator) * 3, torch.randn(count, 4, generator=generator) * 0.3


# --- anchors ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["py-faster-rcnn", "CTPN"])
def test_cells_in_whole_pixels(name: str) -> None:
    """They end with their last pixel, so one px further; and they stand round the cell's middle, 8 px."""
    edges = golden_cells(name) + torch.tensor([0.0, 0, 1, 1])
    assert torch.equal(convention_cells(CONVENTIONS[name]), edges - 8)


@pytest.mark.parametrize("name", ["detectron2", "MMDetection", "Mask_RCNN"])
def test_cells_that_are_not_rounded(name: str) -> None:
    torch.testing.assert_close(convention_cells(CONVENTIONS[name]), golden_cells(name), atol=1e-4, rtol=0)
    assert CONVENTIONS[name].offset == 0


def test_cells_of_detectron2s_own_test() -> None:
    rows = golden_cells("detectron2, test")
    cells = convention_cells(CONVENTIONS["detectron2"], (32, 64), (0.25, 1, 4))
    assert torch.equal(cells, rows[:6])
    assert torch.equal(cells + torch.tensor([4.0, 0, 4, 0]), rows[6:])  # the second cell: its stride is 4


def test_cells_with_y_first_round_8() -> None:
    x_first = golden_cells("simple-faster-rcnn")[:, [1, 0, 3, 2]]
    torch.testing.assert_close(convention_cells(CONVENTIONS["simple-faster-rcnn"]), x_first - 8, atol=1e-4, rtol=0)


def test_the_ratio_of_matterport_is_width_over_height() -> None:
    x1, y1, x2, y2 = convention_cells(CONVENTIONS["Mask_RCNN"])[0]  # ratio 0.5, which its comment calls wide
    assert (x2 - x1) / (y2 - y1) == pytest.approx(0.5)


def test_ctpns_code_is_one_pixel_higher_than_its_paper_where_heights_are_odd() -> None:
    code, paper = convention_cells(CONVENTIONS["CTPN"]), ctpn_cell_anchors()
    assert (code[:, 3] - code[:, 1]).tolist() == [12, 16, 24, 34, 48, 68, 98, 140, 198, 284]
    assert (paper[:, 3] - paper[:, 1]).round().tolist()[:4] == [11, 16, 22, 32]
    assert (code[:, 2] - code[:, 0]).unique().tolist() == [16]


def test_anchors_of_torchvision_are_torchvisions() -> None:
    made = AnchorGenerator(((128, 256, 512),), ((0.5, 1.0, 2.0),))
    images = ImageList(torch.zeros(1, 3, 592, 992), [(592, 992)])  # whole strides of 16
    (theirs,) = made(images, [torch.zeros(1, 1, 37, 62)])
    assert torch.equal(convention_anchors(TORCHVISION, FLOOR), theirs)


def test_anchors_of_mmdetection_are_mmdetections() -> None:
    anchors = convention_anchors(CONVENTIONS["MMDetection"], FLOOR)
    theirs = GOLDEN["anchors of MMDetection"]
    for cell, name in ((0, "first"), (20 * 62 + 30, "cell (20, 30)")):
        torch.testing.assert_close(anchors[9 * cell :][:9], torch.tensor(theirs[name]), atol=1e-3, rtol=0)


def test_the_papers_anchors_are_the_lessons() -> None:
    for grid in (Grid.paper(), FLOOR, Grid.ceil()):
        assert torch.equal(convention_anchors(PAPER, grid), grid_anchors(grid, cell_anchors()))


def test_an_anchor_on_the_corner_is_half_a_stride_off() -> None:
    moved = convention_anchors(replace(PAPER, offset=0.0), Grid.paper()) - convention_anchors(PAPER, Grid.paper())
    torch.testing.assert_close(moved, torch.tensor([-25 / 3, -7.5, -25 / 3, -7.5]).expand_as(moved), atol=1e-4, rtol=0)


# --- labels -----------------------------------------------------------------------------------------------------------


def torchvision_rpn() -> RegionProposalNetwork:
    made = AnchorGenerator(((128, 256, 512),), ((0.5, 1.0, 2.0),))
    top_n = {"training": 2000, "testing": 1000}
    return RegionProposalNetwork(made, TorchvisionHead(4, 9), 0.7, 0.3, 256, 0.5, top_n, top_n, 0.7).eval()


def test_labels_of_torchvision_are_torchvisions() -> None:
    anchors = convention_anchors(TORCHVISION, FLOOR)
    for name in ("street-03", "street-07", "street-12"):
        gt_boxes = Picture.load(name).gt_boxes
        labels, matched_idxs = label_by(TORCHVISION, anchors, gt_boxes, FLOOR.image_size)
        (theirs,), (matched,) = torchvision_rpn().assign_targets_to_anchors([anchors], [{"boxes": gt_boxes}])
        assert torch.equal(labels.float(), theirs)
        positive = labels == 1
        assert torch.equal(gt_boxes[matched_idxs[positive]], matched[positive])


def anchors_of(ious: list[list[float]]) -> tuple[Tensor, Tensor]:
    """Anchors and objects with these IoUs, as far as one object is concerned: strips of the objects' own rows."""
    gt_boxes, anchors = [], []
    for m in range(len(ious)):
        gt_boxes.append([0.0, 100 * m, 100, 100 * m + 10])
    for column in zip(*ious, strict=True):
        # An anchor that is as high as both objects it meets cannot be made; see the test below.
        m = max(range(len(column)), key=lambda m: column[m])
        anchors.append([0.0, 100 * m, 100 * column[m], 100 * m + 10])
    return torch.tensor(anchors), torch.tensor(gt_boxes)


def test_only_good_best_anchors_count_in_mmdetection() -> None:
    """Objects whose best IoUs are 0.8, 0.28 and 0.4: the second has no positive anchor, the others have."""
    anchors, gt_boxes = anchors_of([[0.8, 0, 0, 0], [0, 0.28, 0, 0.2], [0, 0, 0.4, 0]])
    assert box_iou(gt_boxes, anchors).amax(dim=1).tolist() == pytest.approx([0.8, 0.28, 0.4])
    labels, matched_idxs = label_by(CONVENTIONS["MMDetection"], anchors, gt_boxes, (600, 1000))
    assert (labels.tolist(), matched_idxs.tolist()) == ([1, 0, 1, 0], [0, -1, 2, -1])
    assert label_by(PAPER, anchors, gt_boxes, (600, 1000))[0].tolist() == [1, 1, 1, 0]


def test_mmdetection_gives_an_anchor_to_the_object_it_is_best_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its own assigner, run on a table of IoUs; ours is given the same table, by the number of the object."""
    golden, mm = GOLDEN["assigned by MMDetection"], CONVENTIONS["MMDetection"]
    table, size = torch.tensor(golden["ious"]), (600, 1000)
    monkeypatch.setattr("rpnviz.targets.pairwise_iou", lambda gt_boxes, _: table[gt_boxes[:, 0].long()])
    anchors, gt_boxes = torch.tensor([[0.0, 0, 1, 1]]).expand(5, 4), torch.tensor([[m, 0.0, 9, 9] for m in range(3)])
    labels, matched_idxs = label_by(mm, anchors, gt_boxes, size)
    assert torch.where(labels == 1, matched_idxs + 1, labels.long()).tolist() == golden["gt_inds"] == [1, 2, 0, -1, 0]


def test_who_is_best_for_one_and_overlaps_another_more() -> None:
    """The second object's best anchor, IoU 0.4, overlaps the first at 0.6."""
    gt_boxes = torch.tensor([[0.0, 0, 100, 10], [60.0, 0, 140, 10]])
    anchors = torch.tensor([[0.0, 0, 90, 10], [0, 0, 100, 10]])  # IoU with the second: 30/140, 40/140
    labels, matched_idxs = label_by(PAPER, anchors, gt_boxes, (600, 1000))
    assert (labels.tolist(), matched_idxs.tolist()) == ([1, 1], [0, 0])
    taking = replace(PAPER, taker="the object it is best for")
    assert label_by(taking, anchors, gt_boxes, (600, 1000))[1].tolist() == [0, 1]


def test_of_several_objects_the_last_takes_the_anchor() -> None:
    gt_boxes = torch.tensor([[0.0, 0, 20, 10], [20.0, 0, 40, 10], [0, 0, 40, 10]])
    anchors = torch.tensor([[0.0, 0, 40, 10]])  # best for all three; it overlaps the last most
    taking = replace(PAPER, taker="the object it is best for")
    assert label_by(taking, anchors, gt_boxes[[2, 0, 1]], (600, 1000))[1].tolist() == [2]
    assert label_by(PAPER, anchors, gt_boxes[[2, 0, 1]], (600, 1000))[1].tolist() == [0]


def test_no_negatives_on_a_crowd() -> None:
    anchors = torch.tensor([[0.0, 0, 100, 100], [300, 0, 400, 100], [500, 0, 600, 100], [0, 300, 100, 400]])
    objects, crowd = anchors[:1], torch.tensor([[0.0, 0, 350, 100]])
    labels = label_by(CONVENTIONS["Mask_RCNN"], anchors, objects, (600, 1000), crowd)[0]
    assert labels.tolist() == [1, -1, 0, 0]  # an object on a crowd stays one
    assert label_by(PAPER, anchors, objects, (600, 1000), crowd)[0].tolist() == [1, 0, 0, 0]
    assert label_by(CONVENTIONS["Mask_RCNN"], anchors, objects, (600, 1000))[0].tolist() == [1, 0, 0, 0]


@pytest.mark.parametrize("name", CONVENTIONS)
def test_anchors_across_the_border_have_no_label_where_they_are_dropped(name: str) -> None:
    convention = CONVENTIONS[name]
    anchors = convention_anchors(convention, FLOOR)
    labels = label_by(convention, anchors, PICTURE.gt_boxes, FLOOR.image_size)[0]
    crossing = ~inside_picture(anchors, FLOOR.image_size)
    assert (labels[crossing] == -1).all() == convention.drop_cross_boundary


def test_the_papers_labels_are_the_lessons() -> None:
    anchors = convention_anchors(PAPER, Grid.paper())
    found = label_anchors(anchors, PICTURE.gt_boxes, (600, 1000))
    labels, matched_idxs = label_by(PAPER, anchors, PICTURE.gt_boxes, (600, 1000))
    assert torch.equal(labels, found.labels) and torch.equal(matched_idxs, found.matched_idxs)


def test_a_picture_without_objects() -> None:
    none = torch.zeros(0, 4)
    for convention in CONVENTIONS.values():
        labels, matched_idxs = label_by(convention, torch.tensor([[0.0, 0, 90, 90]]), none, (600, 1000), none)
        assert (labels.tolist(), matched_idxs.tolist()) == ([0], [-1])


# --- coding -----------------------------------------------------------------------------------------------------------


def test_decoding_of_mmdetection() -> None:
    golden = GOLDEN["coded by MMDetection"]
    anchors, deltas = torch.tensor(golden["anchors"]), torch.tensor(golden["deltas"])
    mm = CONVENTIONS["MMDetection"]
    torch.testing.assert_close(decode_by(mm, deltas, anchors), torch.tensor(golden["stds of 1"]), atol=2e-3, rtol=0)
    stds = replace(mm, weights=CONVENTIONS["Mask_RCNN"].weights)  # of 0.1, 0.1, 0.2, 0.2
    wanted = torch.tensor(golden["stds of .1 .1 .2 .2"])
    torch.testing.assert_close(decode_by(stds, deltas, anchors), wanted, atol=2e-3, rtol=0)
    encoded = encode_by(stds, torch.tensor([golden["gt_box"]], dtype=torch.float32), anchors[:1])
    torch.testing.assert_close(encoded[0], torch.tensor(golden["encoded"]), atol=1e-4, rtol=0)


@pytest.mark.parametrize("weights", [(1.0, 1.0, 1.0, 1.0), (10.0, 10.0, 5.0, 5.0)])
def test_coding_of_torchvision_is_torchvisions(weights: tuple[float, float, float, float]) -> None:
    coder, convention = BoxCoder(weights), replace(TORCHVISION, weights=weights)
    anchors = convention_anchors(TORCHVISION, FLOOR)[:500]
    deltas = torch.randn(500, 4, generator=torch.Generator().manual_seed(1)) * 3 * torch.tensor(weights)
    theirs = coder.decode_single(deltas, anchors)
    torch.testing.assert_close(decode_by(convention, deltas, anchors), theirs, rtol=1e-4, atol=1e-2)
    gt_boxes = anchors + torch.tensor([3.0, -4, 20, 10])
    torch.testing.assert_close(encode_by(convention, gt_boxes, anchors), coder.encode_single(gt_boxes, anchors))


def test_growth_is_cut_off_or_not() -> None:
    """exp(5) = 148.41 times 10 px, or 62.5 times; to exp(−5) = 0.0067 times, or 0.016 times."""
    anchors, deltas = torch.tensor([[0.0, 0, 10, 10]] * 2), torch.tensor([[0.0, 0, 5, 0], [0, 0, -5, 0]])

    def widths(clamp: Any) -> list[float]:
        boxes = decode_by(replace(PAPER, clamp=clamp), deltas, anchors)
        return [round(width, 3) for width in (boxes[:, 2] - boxes[:, 0]).tolist()]

    assert widths("none") == pytest.approx([10 * math.exp(5), 0.067], abs=0.01)
    assert widths("above") == pytest.approx([625, 0.067], abs=0.01)
    assert widths("above and below") == pytest.approx([625, 0.16], abs=0.001)


def test_what_is_encoded_is_decoded_again() -> None:
    anchors = convention_anchors(PAPER, FLOOR)[:200]
    gt_boxes = anchors + torch.tensor([5.0, -3, 9, 2])
    for convention in CONVENTIONS.values():
        back = decode_by(convention, encode_by(convention, gt_boxes, anchors), anchors)
        if convention.vertical_only:
            torch.testing.assert_close(back[:, [0, 2]], anchors[:, [0, 2]] + torch.tensor([0.0, 1]))
            back, gt = back[:, [1, 3]], gt_boxes[:, [1, 3]]
        else:
            gt = gt_boxes
        off = torch.zeros(gt.shape[1])
        off[gt.shape[1] // 2 :] = convention.extra_pixel
        torch.testing.assert_close(back, gt + off, atol=2e-3, rtol=0)


def test_py_faster_rcnn_in_its_own_pixels() -> None:
    """Its formulas, with the + 1.0 where it has them, on boxes that end with their last pixel."""
    first, deltas = torch.tensor([[-84.0, -40, 99, 55]]), torch.tensor([[0.1, -0.2, 0.3, 0.1]])
    width, height = 99 + 84 + 1.0, 55 + 40 + 1.0
    x, y = -84 + width / 2 + 0.1 * width, -40 + height / 2 - 0.2 * height
    w, h = math.exp(0.3) * width, math.exp(0.1) * height
    theirs = torch.tensor([[x - w / 2, y - h / 2, x + w / 2, y + h / 2]])  # and no − 1.0
    ours = decode_by(CONVENTIONS["py-faster-rcnn"], deltas, first + torch.tensor([0.0, 0, 1, 1]))
    torch.testing.assert_close(ours, theirs + torch.tensor([0.0, 0, 1, 1]), atol=1e-3, rtol=0)


# --- losses -----------------------------------------------------------------------------------------------------------


def minibatch() -> tuple[Tensor, Tensor, Tensor, Tensor]:
    labels = torch.tensor([1] * 20 + [0] * 236)
    generator = torch.Generator().manual_seed(3)
    return (
        *(torch.randn(256, generator=generator), torch.randn(256, 4, generator=generator)),
        *(labels, torch.randn(256, 4, generator=generator) * (labels == 1)[:, None]),
    )


def test_losses_that_the_lesson_has_too() -> None:
    for name in ("paper", "torchvision", "detectron2"):
        wanted = minibatch_losses(*minibatch(), NORMALISATIONS[name])
        assert losses_by(CONVENTIONS[name], *minibatch()) == pytest.approx(wanted)


def test_losses_of_torchvision_are_torchvisions() -> None:
    objectness, deltas, labels, targets = minibatch()
    theirs = torchvision_rpn().compute_loss(objectness[:, None], deltas, [labels.float()], [targets])
    assert losses_by(TORCHVISION, objectness, deltas, labels, targets) == pytest.approx([float(x) for x in theirs])


def test_losses_by_hand() -> None:
    """Differences of 0.5 and 2 on one positive anchor of two: parabola 0.125 and line 1.5 for β = 1."""
    given = (torch.zeros(2), torch.tensor([[0.5, 2.0, 0, 0], [9, 9, 9, 9]]), torch.tensor([1, 0]), torch.zeros(2, 4))
    ln2 = math.log(2)
    assert losses_by(PAPER, *given) == pytest.approx((2 * ln2 / 256, 1.625 / 240))
    matterport = CONVENTIONS["Mask_RCNN"]  # differences 5 and 20: 4.5 and 19.5, the mean of four numbers
    assert losses_by(matterport, *given) == pytest.approx((ln2, 24 / 4))
    sigma3 = (0.5 - 1 / 18) + (2 - 1 / 18)
    assert losses_by(CONVENTIONS["CTPN"], *given) == pytest.approx((ln2, sigma3 / 2))  # one positive, and 1
    assert losses_by(CONVENTIONS["MMDetection"], *given) == pytest.approx((ln2, 2.5 / 2))


# --- proposals --------------------------------------------------------------------------------------------------------


def test_proposals_of_torchvision_are_torchvisions() -> None:
    objectness, deltas = answers()
    anchors = convention_anchors(TORCHVISION, FLOOR)
    boxes = decode_by(TORCHVISION, deltas, anchors)
    (theirs,), _ = torchvision_rpn().filter_proposals(boxes[None], objectness[None], [(600, 1000)], [len(boxes)])
    ours = propose_by(TORCHVISION, objectness, boxes, (600, 1000)).proposals
    torch.testing.assert_close(ours, theirs, atol=1e-3, rtol=0)


def test_the_presets_of_the_lesson_say_the_same() -> None:
    for name, preset in PRESETS.items():
        convention = CONVENTIONS[name]
        for which, phase in enumerate(("train", "test")):
            pair = (convention.pre_nms_top_n[which], convention.post_nms_top_n[which])
            assert pair == (preset[phase]["pre_nms_top_n"], preset[phase]["post_nms_top_n"]), name
            assert convention.min_size == preset[phase]["min_size"]


def test_training_has_numbers_of_its_own_and_sizes_grow_with_the_picture() -> None:
    objectness, deltas = answers()
    boxes = decode(deltas, convention_anchors(PAPER, FLOOR))
    py = CONVENTIONS["py-faster-rcnn"]
    train = propose_by(py, objectness, boxes, (600, 1000), resized_by=2.5, training=True)
    wanted = propose(objectness, torch.zeros_like(boxes), boxes, (600, 1000), 12000, 2000, 0.7, 40)
    assert torch.equal(train.post_nms_inds, wanted.post_nms_inds)
    assert len(propose_by(py, objectness, boxes, (600, 1000)).proposals) == 300


# --- all of them ------------------------------------------------------------------------------------------------------


def test_every_difference_has_a_name_and_a_place_in_the_projects_files() -> None:
    assert set(SETTINGS) == {field.name for field in fields(Convention)} - {"name"}
    assert list(CONVENTIONS) == list(PROJECTS)
    for name, convention in CONVENTIONS.items():
        assert convention.name == name
        assert list(PROJECTS[name].sources) == differing(convention)
        assert all(in_words(setting, getattr(convention, setting)) for setting in SETTINGS)


def test_the_words_to_search_for_are_in_torchvisions_files() -> None:
    root = Path(torchvision.__file__).parent.parent
    assert torchvision.__version__.startswith(PROJECTS["torchvision"].version)
    for source in PROJECTS["torchvision"].sources.values():
        path, word = source.split(": ")
        assert word in (root / path).read_text("utf-8"), source


def case(crowd: int = -1, seed: int = 0) -> Case:
    return Case(FLOOR, PICTURE.gt_boxes, *answers(), seed=seed, crowd=crowd)


def test_the_paper_followed_is_the_lesson() -> None:
    followed, (objectness, deltas) = case(seed=5).follow(PAPER), answers()
    anchors = grid_anchors(FLOOR, cell_anchors())
    found = label_anchors(anchors, PICTURE.gt_boxes, (600, 1000))
    drawn = sample_minibatch(found.labels, generator=torch.Generator().manual_seed(5))
    assert all(torch.equal(a, b) for a, b in zip(followed.sampled, drawn, strict=True))
    targets = regression_targets(anchors, PICTURE.gt_boxes, found.matched_idxs)
    torch.testing.assert_close(followed.targets, targets)
    torch.testing.assert_close(followed.decoded, decode(deltas, anchors))
    wanted = propose(objectness, deltas, anchors, (600, 1000), 30000, 300, 0.7, 0)
    assert torch.equal(followed.stages.post_nms_inds, wanted.post_nms_inds)
    assert differences(PAPER, case()) == []


def test_differences_are_counted_one_at_a_time() -> None:
    rows = {row.setting: row for row in differences(TORCHVISION, case())}
    assert list(rows) == differing(TORCHVISION)
    assert rows["offset"].changed == len(answers()[0]) and rows["offset"].here == "upper left corner"
    crossing = int((~inside_picture(grid_anchors(FLOOR, cell_anchors()), (600, 1000))).sum())
    kept = label_anchors(grid_anchors(FLOOR, cell_anchors()), PICTURE.gt_boxes, (600, 1000), drop_cross_boundary=False)
    paper = label_anchors(grid_anchors(FLOOR, cell_anchors()), PICTURE.gt_boxes, (600, 1000))
    assert rows["drop_cross_boundary"].changed == int((kept.labels != paper.labels).sum()) <= crossing
    assert rows["scores_per_anchor"].changed == 0
    assert rows["scores_per_anchor"].paper == "2, softmax" and rows["clamp"].paper == "no (not said)"
    assert rows["n_cls"].changed == 0  # 256 were sampled
    assert rows["beta"].changed == len(case().follow(PAPER).sampled[0])
    assert rows["post_nms_top_n"].changed == 700  # 300 of them are the same


def test_weights_change_targets_and_not_boxes() -> None:
    matterport, paper = case().follow(CONVENTIONS["Mask_RCNN"]), case().follow(PAPER)
    torch.testing.assert_close(matterport.decoded, paper.decoded, atol=1e-2, rtol=1e-4)
    rows = {row.setting: row.changed for row in differences(CONVENTIONS["Mask_RCNN"], case())}
    assert rows["weights"] == int((paper.labels == 1).sum())
    assert rows["crowd"] == 0


def test_a_crowd_changes_labels_by_matterport_alone() -> None:
    crowded = case(crowd=0)
    assert len(crowded.objects) == len(PICTURE.gt_boxes) - 1 and torch.equal(crowded.crowds, PICTURE.gt_boxes[:1])
    rows = {row.setting: row.changed for row in differences(CONVENTIONS["Mask_RCNN"], crowded)}
    paper = crowded.follow(PAPER)
    touching = box_iou(paper.anchors, crowded.crowds)[:, 0] >= 0.001
    assert rows["crowd"] == int((touching & (paper.labels == 0)).sum()) > 0


def test_all_are_followed() -> None:
    counts = {name: len(followed.anchors) for name, followed in follow_all(case()).items()}
    assert counts == {name: 22940 if name == "CTPN" else 20646 for name in CONVENTIONS}


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"crowd": 99}, r"^crowd must be a whole number from -1 to \d+; got 99"),
        ({"seed": -1}, r"^seed must be a whole number .*; got -1"),
        ({"gt_boxes": torch.tensor([[9.0, 0, 3, 3]])}, r"^gt_boxes\[0\] must have x1 ≤ x2"),
        ({"objectness": torch.zeros(3)}, r"^objectness must be"),
        ({"pred_bbox_deltas": torch.full((20646, 4), math.nan)}, "^pred_bbox_deltas must be finite"),
    ],
)
def test_a_case_says_what_is_wrong(changed: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace(case(), **changed)


def test_a_ratio_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^aspect_ratios must be one or more finite numbers"):
        convention_cells(CONVENTIONS["detectron2"], (32,), (0,))
