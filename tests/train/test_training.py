"""Training: views keep boxes on their objects, steps lower the loss, a run goes on where it stopped."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from rpnviz.anchors import cell_anchors, grid_anchors, inside_picture
from rpnviz.backbone import Backbone
from rpnviz.grid import Grid
from rpnviz.pictures import Picture
from rpnviz.rpn import RPNHead, flatten_head, rpn_losses
from rpnviz.targets import label_anchors, regression_targets, sample_minibatch
from rpnviz.train import precision
from rpnviz.train.augment import random_view
from rpnviz.train.training import OURS, Rules, Training, draw_minibatch

DEVICES = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]
GREY = 100
COLOURS = ((255, 0, 0), (0, 255, 0), (0, 0, 255))


def picture(boxes: list[list[int]], size: tuple[int, int] = (600, 1000)) -> Picture:
    """A grey picture with filled rectangles: red, green, blue."""
    image = np.full((*size, 3), GREY, dtype=np.uint8)
    for (x1, y1, x2, y2), colour in zip(boxes, COLOURS, strict=False):
        image[y1:y2, x1:x2] = colour
    gt_boxes = torch.tensor(boxes, dtype=torch.float32).reshape(-1, 4)
    return Picture(image=image, gt_boxes=gt_boxes, class_names=["box"] * len(boxes), name="rectangles")


PICTURES = [picture([[100, 100, 356, 356], [600, 50, 728, 178]]), picture([[400, 200, 762, 382]])]


def tiny_training(steps: int, seed: int = 0, weights_seed: int = 0, **settings: Any) -> Training:
    """Few channels and a 10 × 15 grid on the same 600 × 1000 pictures: a step takes a few hundredths of a second."""
    torch.manual_seed(weights_seed)
    backbone = Backbone((4, 4, 4, 4, 4), batch_norm=True)
    run = Training(backbone, RPNHead(), PICTURES, steps, seed=seed, **settings)
    run.grid = Grid("tiny", (600, 1000), input_size=(160, 240))
    run.anchors = grid_anchors(run.grid, cell_anchors().to(run.device))
    return run


# --- views -----------------------------------------------------------------------------------------------------------


def where(image: Tensor, colour: tuple[int, int, int]) -> list[float] | None:
    """xyxy of the pixels of that colour, in px of 300 × 500."""
    rows, cols = (image == torch.tensor(colour, dtype=torch.uint8)[:, None, None]).all(dim=0).nonzero().T
    if len(rows) == 0:
        return None
    y, x = 300 / image.shape[1], 500 / image.shape[2]
    return [int(cols.min()) * x, int(rows.min()) * y, (int(cols.max()) + 1) * x, (int(rows.max()) + 1) * y]


def is_cut(box: list[float]) -> bool:
    return min(box) < 0.01 or box[2] > 499.99 or box[3] > 299.99


def views(of: Picture, count: int) -> Iterator[tuple[Tensor, Tensor]]:
    generator = torch.Generator().manual_seed(0)
    return (random_view(of, generator) for _ in range(count))


def test_boxes_stay_on_their_objects() -> None:
    scene = picture([[50, 50, 100, 100], [350, 25, 495, 175], [225, 250, 240, 295]], size=(300, 500))
    mirrored, dropped, clipped, whole = 0, 0, 0, 0
    for image, gt_boxes in views(scene, 60):
        seen = [box for colour in COLOURS if (box := where(image, colour)) is not None]
        left = gt_boxes.tolist()
        for box in seen:
            match = [gt for gt in left if gt == pytest.approx(box, abs=0.02)]
            if match:
                left.remove(match[0])
                whole += not is_cut(box)
                clipped += is_cut(box)
            else:  # only what is cut by the border may have been dropped
                dropped += 1
                assert is_cut(box)
        assert left == []  # no box without its object
        red, green = where(image, COLOURS[0]), where(image, COLOURS[1])
        mirrored += red is not None and green is not None and red[0] > green[0]
    assert min(mirrored, dropped, clipped, whole) > 0  # all of it was seen


def test_views_zoom_between_0_6_and_1_and_keep_the_proportions() -> None:
    shares = []
    for image, _ in views(PICTURES[0], 200):
        _, h, w = image.shape
        assert image.dtype == torch.uint8
        assert w / h == pytest.approx(1000 / 600, abs=0.005)
        shares.append(h / 600)
    assert 0.6 <= min(shares) < 0.62
    assert 0.98 < max(shares) <= 1.0


@pytest.mark.parametrize(
    ("box", "kept"),
    [
        # the view is columns and rows 0 … 60 %: 600 × 360 px, which become 1000 × 600, 1.667-fold
        ([500, 100, 785, 200], True),  # 100 of 285 columns are seen: 0.351 of it
        ([500, 100, 786, 200], False),  # 100 of 286: 0.3497
        ([100, 100, 108, 104], False),  # 4 px · 1.667 = 6.7 px high
        ([100, 100, 108, 107], True),  # 7 px · 1.667 = 11.7 px
        ([700, 400, 800, 500], False),  # out of view
        ([100, 420, 200, 520], False),  # below the view
    ],
)
def test_what_a_view_asks_for(box: list[int], kept: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch, "rand", lambda *_, **__: torch.tensor([0.0, 0.0, 0.0, 0.9]))  # zoom, top, left, mirror
    image, gt_boxes = random_view(picture([box]), torch.Generator())
    assert image.shape == (3, 360, 600)
    assert len(gt_boxes) == kept


@pytest.mark.parametrize(
    ("zoom", "box", "kept"),
    [
        (1.0, [100, 100, 110, 150], True),  # all of the picture: 10 px are 10 px
        (1.0, [100, 100, 109, 150], False),
        (0.5, [765, 100, 865, 200], True),  # 80 % of it, columns 0 … 800: 35 of 100 are seen
    ],
)
def test_at_its_limits_a_view_asks_for_a_box(
    zoom: float, box: list[int], kept: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch, "rand", lambda *_, **__: torch.tensor([zoom, 0.0, 0.0, 0.9]))
    assert len(random_view(picture([box]), torch.Generator())[1]) == kept


def test_a_view_of_the_lower_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch, "rand", lambda *_, **__: torch.tensor([0.0, 1.0, 0.0, 0.9]))  # rows 240 … 600
    _, gt_boxes = random_view(picture([[60, 300, 120, 360]]), torch.Generator())
    assert gt_boxes[0].tolist() == pytest.approx([100, 100, 200, 200])  # (60, 300 − 240) · 5 / 3


@pytest.mark.parametrize(("mirror", "expected"), [(0.49, [700, 50, 900, 200]), (0.5, [100, 50, 300, 200])])
def test_half_of_the_views_are_mirrored(mirror: float, expected: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch, "rand", lambda *_, **__: torch.tensor([1.0, 0.0, 0.0, mirror]))  # all of the picture
    _, gt_boxes = random_view(picture([[100, 50, 300, 200]]), torch.Generator())
    assert gt_boxes.tolist() == [expected]  # 1000 − 300, 1000 − 100


def test_a_picture_without_gt_boxes_has_views() -> None:
    image, gt_boxes = next(views(picture([]), 1))
    assert image.ndim == 3
    assert gt_boxes.shape == (0, 4)


# --- losses ----------------------------------------------------------------------------------------------------------


def test_losses_are_the_mean_over_the_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    run = tiny_training(1)
    objectness, deltas = torch.randn(2, 9, 10, 15), torch.randn(2, 36, 10, 15) * 0.1
    monkeypatch.setattr(run, "predict", lambda _: (objectness, deltas))
    gt_boxes = [scene.gt_boxes for scene in PICTURES]
    run.generator.manual_seed(5)
    found = run.losses([(torch.empty(0), boxes) for boxes in gt_boxes])
    generator, expected = torch.Generator().manual_seed(5), []
    for i, boxes in enumerate(gt_boxes):
        # cross-boundary anchors are kept in training
        labels = label_anchors(run.anchors, boxes, (600, 1000), drop_cross_boundary=False)
        inds = sample_minibatch(labels.labels, 256, 0.5, generator)
        targets = regression_targets(run.anchors, boxes, labels.matched_idxs)
        flat = flatten_head(objectness[i : i + 1], deltas[i : i + 1])
        expected.append(torch.stack(rpn_losses(*flat, labels.labels, targets, *inds)))
    assert list(found) == ["loss_objectness", "loss_rpn_box_reg"]
    torch.testing.assert_close(torch.stack(list(found.values())), torch.stack(expected).mean(dim=0))


@pytest.mark.parametrize("dropped", [False, True])
def test_the_border_rule_decides_which_shapes_are_ever_drawn(dropped: bool) -> None:
    """A person of the tallest anchor's size: its best anchors all cross the border, and so do all of that shape."""
    anchors = grid_anchors(Grid.paper(), cell_anchors())
    person = torch.tensor([[300.0, 0, 662, 600]])
    draw = torch.Generator().manual_seed(0)
    labels, _, positive, negative = draw_minibatch(
        anchors, person, (600, 1000), Rules(drop_cross_boundary=dropped), draw
    )
    drawn = torch.cat([positive, negative])
    tallest = torch.arange(len(anchors)) % 9 == 8
    crosses = ~inside_picture(anchors, (600, 1000))
    assert bool(tallest[drawn].any()) is not dropped
    assert bool((labels[crosses] >= 0).any()) is not dropped
    assert Rules() == OURS and not OURS.drop_cross_boundary


def test_inputs_are_a_little_brighter_or_darker() -> None:
    run = tiny_training(1)
    grey, white = torch.full((3, 60, 100), GREY, dtype=torch.uint8), torch.full((3, 60, 100), 255, dtype=torch.uint8)
    batch = run.inputs([grey] * 100 + [white])
    assert batch.shape == (101, 3, 160, 240)
    levels = (batch[:, 0, 80, 120] * 0.229 + 0.485) * 255  # red, ImageNet's mean and deviation put back
    assert 80 - 1e-3 <= float(levels[:100].min()) < 84  # 100 · 0.8
    assert 116 < float(levels[:100].max()) <= 120 + 1e-3  # 100 · 1.2
    assert float(levels[100]) <= 255 + 1e-3  # nothing is whiter than white


@pytest.mark.parametrize("bfloat16", [True, False])
def test_a_step_in_either_precision(bfloat16: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(precision, "bfloat16_is_faster", lambda _: bfloat16)
    run = tiny_training(2)
    seen = []
    run.head.conv.register_forward_hook(lambda _, __, answer: seen.append(answer.dtype))
    records = list(run.run())
    assert seen == [torch.bfloat16 if bfloat16 else torch.float32] * 2
    assert [answer.dtype for answer in run.predict([run.view()[0]])] == [torch.float32, torch.float32]
    assert records[0]["loss_objectness"] == pytest.approx(0.693, abs=0.02)
    assert {values.dtype for values in run.head.parameters()} == {torch.float32}


@pytest.mark.parametrize("device", DEVICES)
def test_one_step_on_the_paper_grid(device: str) -> None:
    run = Training(Backbone((4, 4, 4, 4, 4), batch_norm=True), RPNHead(), PICTURES, 1, batch_size=1, device=device)
    (record,) = run.run()
    assert record["step"] == 1
    assert run.anchors.shape == (21_600, 4)
    # an untrained head says 0.5 everywhere: −ln 0.5
    assert record["loss_objectness"] == pytest.approx(0.693, abs=0.02)
    assert record["loss_rpn_box_reg"] > 0
    assert next(run.head.parameters()).device.type == device


def test_the_loss_falls_on_two_pictures() -> None:
    run = tiny_training(16)
    records = list(run.run())
    assert [record["step"] for record in records] == list(range(1, 17))
    total = [record["loss_objectness"] + record["loss_rpn_box_reg"] for record in records]
    assert sum(total[-5:]) / 5 < 0.3 * total[0]
    # one cycle ends with the run: at the highest rate / 25 / 10,000, PyTorch's defaults
    assert run.scheduler.get_last_lr() == pytest.approx([2e-3 / 25 / 1e4])


def test_a_run_of_one_step() -> None:
    assert len(list(tiny_training(1).run())) == 1


# --- what is trained -------------------------------------------------------------------------------------------------


def weights(run: Training) -> dict[str, Tensor]:
    return {
        **{f"backbone.{key}": value.clone() for key, value in run.backbone.state_dict().items()},
        **{f"head.{key}": value.clone() for key, value in run.head.state_dict().items()},
    }


@pytest.mark.parametrize("train_backbone", [True, False])
def test_a_fixed_backbone_stays_as_it_is(train_backbone: bool) -> None:
    run = tiny_training(2, train_backbone=train_backbone)
    before = weights(run)
    list(run.run())
    changed = {key for key, value in weights(run).items() if not torch.equal(value, before[key])}
    assert {key for key in changed if key.startswith("head.")} == {key for key in before if key.startswith("head.")}
    if train_backbone:
        assert {"backbone.layers.0.weight", "backbone.layers.1.running_mean"} < changed
    else:
        assert not any(key.startswith("backbone.") for key in changed)  # batch norms' statistics neither
        assert all(parameter.grad is None for parameter in run.backbone.parameters())  # and no time is spent on it


# --- seeds, stopping, going on ---------------------------------------------------------------------------------------


def test_the_seed_decides_the_run() -> None:
    first, again, other = (list(tiny_training(2, seed=seed).run()) for seed in (1, 1, 2))
    assert first == again
    assert first != other


def test_a_resumed_run_is_the_uninterrupted_one(tmp_path: Path) -> None:
    whole = tiny_training(4)
    records = list(whole.run())

    begun = tiny_training(4)
    early = list(islice(begun.run(), 2))
    begun.save(tmp_path / "run.pt")
    resumed = tiny_training(4, seed=7, weights_seed=8)  # nothing of its own start may be left
    resumed.load(tmp_path / "run.pt")
    assert resumed.step == 2
    late = list(resumed.run())

    assert early + late == records
    expected = weights(whole)
    for key, value in weights(resumed).items():
        assert torch.equal(value, expected[key]), key
    assert list(resumed.run()) == []  # all steps are taken


def test_a_run_may_stop_and_go_on_without_a_file() -> None:
    run = tiny_training(2)
    records = [next(run.run()) for _ in range(2)]
    assert records == list(tiny_training(2).run())


@pytest.mark.parametrize("killed_in", ["torch.save", "pathlib.Path.replace"])
def test_an_interrupted_save_leaves_the_last_checkpoint(
    killed_in: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "run.pt"
    run = tiny_training(2)
    steps = run.run()
    next(steps)
    run.save(path)
    good = path.read_bytes()

    def kill(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(killed_in, kill)
    next(steps)
    with pytest.raises(KeyboardInterrupt):
        run.save(path)
    monkeypatch.undo()
    assert path.read_bytes() == good and list(tmp_path.iterdir()) == [path]
    again = tiny_training(2)
    again.load(path)
    assert again.step == 1
    assert len(list(again.run())) == 1


def test_a_checkpoint_of_another_schedule_is_refused(tmp_path: Path) -> None:
    tiny_training(5).save(tmp_path / "run.pt")
    with pytest.raises(ValueError, match=r"steps must be 5, as in the run that wrote .*; got 6"):
        tiny_training(6).load(tmp_path / "run.pt")


@pytest.mark.parametrize("train_backbone", [True, False])
def test_a_checkpoint_of_another_kind_of_run_is_refused(train_backbone: bool, tmp_path: Path) -> None:
    tiny_training(1, train_backbone=train_backbone).save(tmp_path / "run.pt")
    theirs, ours = ("head and backbone", "head") if train_backbone else ("head", "head and backbone")
    with pytest.raises(ValueError, match=rf"the run that wrote .*run\.pt trained {theirs}; this one trains {ours}$"):
        tiny_training(1, train_backbone=not train_backbone).load(tmp_path / "run.pt")


# --- refusals --------------------------------------------------------------------------------------------------------


def test_impossible_settings_are_refused() -> None:
    backbone, head = Backbone((4, 4, 4, 4, 4)), RPNHead()
    with pytest.raises(ValueError, match="pictures is empty"):
        Training(backbone, head, [], 1)
    for steps, batch_size in ((0, 2), (1, 0), (1.5, 2), (1, 1.5)):
        name, limit, got = ("steps", "1,000,000", steps) if steps != 1 else ("batch_size", "64", batch_size)
        with pytest.raises(ValueError, match=f"^{name} must be a whole number from 1 to {limit}; got {got}"):
            Training(backbone, head, PICTURES, steps, batch_size)  # type: ignore[arg-type]
    small = picture([], size=(480, 640))
    with pytest.raises(ValueError, match=r"pictures must all be \(600, 1000\); rectangles is \(480, 640\)"):
        Training(backbone, head, [PICTURES[0], small], 1)
