"""The head: its parameters, channel order and weights; the losses against torchvision's."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import save_file
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.rpn import RegionProposalNetwork, concat_box_prediction_layers

from rpnviz import rpn
from rpnviz.rpn import RPNHead, flatten_head, rpn_losses


def small_head(seed: int = 0) -> RPNHead:
    torch.manual_seed(seed)
    return RPNHead(in_channels=6, num_anchors=3)


# --- the head ---------------------------------------------------------------------------------------------------------


def test_parameter_counts() -> None:
    head = RPNHead()
    counts = [sum(p.numel() for p in layer.parameters()) for layer in (head.conv, head.cls_logits, head.bbox_pred)]
    # 512·512·3·3 + 512;  512·9 + 9;  512·36 + 36
    assert counts == [2_359_808, 4_617, 18_468]
    assert sum(p.numel() for p in head.parameters()) == 2_382_893


def test_untrained_head_starts_as_in_the_paper() -> None:
    torch.manual_seed(0)
    head = RPNHead()
    for layer in (head.conv, head.cls_logits, head.bbox_pred):
        assert layer.bias is not None and (layer.bias == 0).all()
        # N(0, 0.01²); 4608 numbers or more: standard error of the deviation 0.01 / √(2 · 4608) = 0.0001
        assert float(layer.weight.detach().std()) == pytest.approx(0.01, abs=0.0005)
        assert abs(float(layer.weight.detach().mean())) < 0.0006


def test_shapes_on_the_paper_grid() -> None:
    objectness, deltas = RPNHead(in_channels=2)(torch.zeros(2, 2, 40, 60))
    assert objectness.shape == (2, 9, 40, 60)  # the window is padded by 1: as many positions as cells
    assert deltas.shape == (2, 36, 40, 60)


def test_a_loop_over_windows_gives_the_same_numbers() -> None:
    head, features = small_head(), torch.randn(1, 6, 4, 5)
    assert head.conv.bias is not None and head.cls_logits.bias is not None and head.bbox_pred.bias is not None
    vectors = head.window_vector(features)
    objectness, deltas = head(features)
    padded = F.pad(features, (1, 1, 1, 1))
    for row in range(4):
        for col in range(5):
            window = padded[0, :, row : row + 3, col : col + 3]  # (C, 3, 3), centred on (row, col)
            vector = ((head.conv.weight * window).sum(dim=(1, 2, 3)) + head.conv.bias).clamp(min=0)
            torch.testing.assert_close(vectors[0, :, row, col], vector)
            torch.testing.assert_close(
                objectness[0, :, row, col], head.cls_logits.weight[:, :, 0, 0] @ vector + head.cls_logits.bias
            )
            torch.testing.assert_close(
                deltas[0, :, row, col], head.bbox_pred.weight[:, :, 0, 0] @ vector + head.bbox_pred.bias
            )


@pytest.mark.parametrize("shape", [(1, 5, 4, 4), (6, 4, 4), (6,)])
def test_features_of_another_shape_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"^features must be Tensor\[B, 6, h, w\]"):
        small_head()(torch.zeros(shape))


# --- weights ----------------------------------------------------------------------------------------------------------


def test_the_bundled_head_is_trained() -> None:
    torch.manual_seed(0)
    head, untrained = RPNHead.load("mini"), RPNHead()
    assert not head.training
    assert [(k, v.shape, v.dtype) for k, v in head.state_dict().items()] == [
        (k, v.shape, v.dtype) for k, v in untrained.state_dict().items()
    ]
    assert float(head.cls_logits.weight.detach().std()) > 0.011  # no longer N(0, 0.01²)
    assert all(torch.isfinite(p).all() for p in head.parameters())


def test_unknown_head_names_those_there_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rpn, "data_folder", lambda: tmp_path)
    (tmp_path / "weights").mkdir()
    for name in ("b", "a"):
        save_file(small_head().state_dict(), tmp_path / "weights" / f"rpn_head_{name}.safetensors")
    with pytest.raises(ValueError, match=r"name must be a bundled head \(a, b\); got 'vgg16'"):
        RPNHead.load("vgg16")
    with pytest.raises(ValueError, match="name must be a bundled head"):
        RPNHead.load("../../rpn_head_a")


def test_a_head_in_float16_of_any_size_is_loaded_as_float32(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rpn, "data_folder", lambda: tmp_path)
    (tmp_path / "weights").mkdir()
    head = small_head()
    save_file(head.half().state_dict(), tmp_path / "weights" / "rpn_head_tiny.safetensors")
    loaded = RPNHead.load("tiny")
    for key, value in loaded.state_dict().items():
        assert value.dtype == torch.float32
        assert torch.equal(value, head.state_dict()[key].float())


# --- order ------------------------------------------------------------------------------------------------------------


# --- a few cells only -------------------------------------------------------------------------------------------------


def test_a_few_cells_by_hand() -> None:
    head = RPNHead(in_channels=1, num_anchors=2)
    with torch.no_grad():
        head.conv.weight.fill_(1)  # the sum of the nine
        head.cls_logits.weight.copy_(torch.tensor([1.0, -1]).view(2, 1, 1, 1))
        head.bbox_pred.weight.copy_(torch.arange(8.0).view(8, 1, 1, 1))
        torch.nn.init.constant_(head.bbox_pred.get_parameter("bias")[7], 0.5)
    features = torch.tensor([[[[1.0, 2, 3], [4, 5, 6]]]])
    # cell 0 sees 1, 2, 4, 5 and zeros beyond the rim: 12; cell 4 sees all six: 21
    objectness, deltas = head.at_cells(features, torch.tensor([4, 0, 4]))
    assert objectness.tolist() == [[21, -21], [12, -12], [21, -21]]
    assert deltas[1].tolist() == [[0, 12, 24, 36], [48, 60, 72, 84.5]]


@given(
    st.integers(0, 2**32 - 1),
    st.integers(1, 6),
    st.integers(1, 6),
    st.sampled_from([1, 3, 5]),
    st.integers(1, 4),
    st.data(),
)
def test_a_few_cells_are_those_of_the_whole_map(
    seed: int, h: int, w: int, kernel_size: int, num_anchors: int, data: st.DataObject
) -> None:
    cells = torch.tensor(data.draw(st.lists(st.integers(0, h * w - 1), max_size=12)), dtype=torch.int64)
    torch.manual_seed(seed)
    head, features = RPNHead(5, num_anchors, kernel_size), torch.randn(1, 5, h, w, requires_grad=True)
    for values in head.parameters():
        torch.nn.init.normal_(values)
    objectness, deltas = flatten_head(*head(features))
    whole = objectness.view(-1, num_anchors)[cells], deltas.view(-1, num_anchors, 4)[cells]
    few = head.at_cells(features, cells)
    inputs = [features, *head.parameters()]
    for found, expected in zip(few, whole, strict=True):
        torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)
    weights = torch.randn_like(few[0]), torch.randn_like(few[1])  # of the answers, in a loss
    gradients = [
        torch.autograd.grad(sum((a * b).sum() for a, b in zip(answers, weights, strict=True)), inputs)  # type: ignore[arg-type]
        for answers in (few, whole)
    ]
    for found, expected in zip(*gradients, strict=True):
        torch.testing.assert_close(found, expected, atol=1e-4, rtol=1e-5)  # sums of up to 12 · 36 numbers of size 10


@pytest.mark.parametrize(
    ("shape", "cells", "message"),
    [
        ((6, 4, 5), [0], r"features must be Tensor\[1, 6, h, w\]; got float32 \[6, 4, 5\]"),
        ((2, 6, 4, 5), [0], r"features must be Tensor\[1, 6, h, w\]; got float32 \[2, 6, 4, 5\]"),
        ((1, 5, 4, 5), [0], r"features must be Tensor\[1, 6, h, w\]; got float32 \[1, 5, 4, 5\]"),
        ((1, 6, 4, 5), [3, 20], "cells must be whole numbers, 0 to 19; got 20"),
        ((1, 6, 4, 5), [-1, 19], "cells must be whole numbers, 0 to 19; got -1"),
    ],
)
def test_cells_that_are_not_there_are_refused(shape: tuple[int, ...], cells: list[int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        small_head().at_cells(torch.zeros(shape), torch.tensor(cells))


# --- the order of the anchors -----------------------------------------------------------------------------------------


def test_flat_order_by_hand() -> None:
    # 2 anchors, 2 × 3 cells. Every number says where it was: logits 100·row + 10·col + a, deltas 1000·d more
    row, col = torch.arange(2)[:, None], torch.arange(3)[None, :]
    objectness = torch.stack([100 * row + 10 * col + a for a in range(2)])[None].float()
    deltas = torch.stack([1000 * d + 100 * row + 10 * col + a for a in range(2) for d in range(4)])[None].float()
    logits, flat_deltas = flatten_head(objectness, deltas)
    # row (row · w + col) · A + a; channel 4·a + d
    assert logits.tolist() == [0, 1, 10, 11, 20, 21, 100, 101, 110, 111, 120, 121]
    assert flat_deltas[:, 0].tolist() == logits.tolist()
    assert flat_deltas[11].tolist() == [121, 1121, 2121, 3121]


@given(st.integers(1, 9), st.integers(1, 5), st.integers(1, 5))
def test_flat_order_is_torchvisions(num_anchors: int, h: int, w: int) -> None:
    objectness, deltas = torch.randn(1, num_anchors, h, w), torch.randn(1, 4 * num_anchors, h, w)
    logits, flat_deltas = flatten_head(objectness, deltas)
    theirs = concat_box_prediction_layers([objectness], [deltas])
    assert torch.equal(logits[:, None], theirs[0])
    assert torch.equal(flat_deltas, theirs[1])


def test_flatten_head_takes_channels_last() -> None:
    objectness, deltas = torch.randn(1, 9, 4, 5), torch.randn(1, 36, 4, 5)
    last = [x.contiguous(memory_format=torch.channels_last) for x in (objectness, deltas)]
    assert all(torch.equal(a, b) for a, b in zip(flatten_head(*last), flatten_head(objectness, deltas), strict=True))


@pytest.mark.parametrize(
    ("objectness", "deltas", "argument"),
    [
        ((2, 9, 4, 5), (2, 36, 4, 5), "objectness"),  # two pictures
        ((9, 4, 5), (36, 4, 5), "objectness"),
        ((1, 9, 4, 5), (1, 36, 5, 4), "pred_bbox_deltas"),
        ((1, 9, 4, 5), (1, 9, 4, 5), "pred_bbox_deltas"),
    ],
)
def test_flatten_head_refuses_other_shapes(objectness: tuple[int, ...], deltas: tuple[int, ...], argument: str) -> None:
    with pytest.raises(ValueError, match=f"^{argument} must be"):
        flatten_head(torch.zeros(objectness), torch.zeros(deltas))


# --- losses -----------------------------------------------------------------------------------------------------------


def losses(*arguments: object) -> list[float]:
    return [float(loss) for loss in rpn_losses(*arguments)]  # type: ignore[arg-type]


def test_losses_by_hand() -> None:
    logits = torch.tensor([0.0, math.log(3), 5.0, -9.0])  # scores 1/2, 3/4, …
    deltas = torch.zeros(4, 4)
    targets = torch.tensor([[0.1, 0.0, 0.0, 0.0], [0.5, 0.5, 0.5, 0.5], [9.0, 9, 9, 9], [9.0, 9, 9, 9]])
    labels = torch.tensor([1, 0, -1, 0], dtype=torch.int8)
    # sampled: anchor 0 (positive), anchor 1 (negative).  BCE: −ln ½ and −ln(1 − ¾), over 2
    # smooth L1 of anchor 0: |0.1| < 1/9, so ½ · 0.1² · 9 = 0.045, over 2 (all sampled, not only positives)
    assert losses(logits, deltas, labels, targets, torch.tensor([0]), torch.tensor([1])) == pytest.approx(
        [(math.log(2) + math.log(4)) / 2, 0.045 / 2]
    )
    # beyond 1/9 a line: 4 · (0.5 − ½ · 1/9)
    labels = torch.tensor([0, 1, -1, 0], dtype=torch.int8)
    assert losses(logits, deltas, labels, targets, torch.tensor([1]), torch.tensor([0]))[1] == pytest.approx(
        4 * (0.5 - 1 / 18) / 2
    )


@pytest.mark.parametrize("seed", range(5))
def test_losses_are_torchvisions(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    generator = torch.Generator().manual_seed(seed)
    labels = torch.randint(-1, 2, (500,), generator=generator).to(torch.int8)
    logits = torch.randn(500, generator=generator)
    deltas, targets = (torch.randn(500, 4, generator=generator) * 0.2 for _ in range(2))
    pos_inds = (labels == 1).nonzero().flatten()[: 20 + seed]
    neg_inds = (labels == 0).nonzero().flatten()[:60]
    theirs = torchvisions_rpn()
    masks = [torch.zeros(500).index_fill(0, inds, 1) for inds in (pos_inds, neg_inds)]
    monkeypatch.setattr(theirs, "fg_bg_sampler", lambda _: ([masks[0]], [masks[1]]))
    expected = theirs.compute_loss(logits[:, None], deltas, [labels.float()], [targets])
    assert losses(logits, deltas, labels, targets, pos_inds, neg_inds) == pytest.approx([float(x) for x in expected])


def torchvisions_rpn() -> RegionProposalNetwork:
    counts = {"training": 1, "testing": 1}
    return RegionProposalNetwork(AnchorGenerator(), torch.nn.Identity(), 0.7, 0.3, 256, 0.5, counts, counts, 0.7)


def test_gradient_reaches_the_sampled_anchors_only() -> None:
    logits = torch.zeros(6, requires_grad=True)
    deltas = torch.zeros(6, 4, requires_grad=True)
    labels = torch.tensor([1, 0, -1, 1, 0, -1], dtype=torch.int8)
    loss_objectness, loss_box = rpn_losses(
        logits, deltas, labels, torch.ones(6, 4), torch.tensor([3]), torch.tensor([1])
    )
    (loss_objectness + loss_box).backward()
    assert logits.grad is not None and deltas.grad is not None
    assert logits.grad.nonzero().flatten().tolist() == [1, 3]
    assert deltas.grad.any(dim=1).nonzero().flatten().tolist() == [3]  # background has no box to move to


def test_nothing_sampled_costs_nothing_and_keeps_the_graph() -> None:
    none = torch.zeros(0, dtype=torch.int64)
    logits = torch.zeros(3, requires_grad=True)
    deltas = torch.zeros(3, 4, requires_grad=True)
    result = rpn_losses(logits, deltas, torch.full((3,), -1, dtype=torch.int8), torch.zeros(3, 4), none, none)
    assert [float(loss.detach()) for loss in result] == [0.0, 0.0]
    sum(result, torch.zeros(())).backward()
    assert logits.grad is not None and not logits.grad.any()


@pytest.mark.parametrize("short", range(4))
def test_losses_refuse_unequal_lengths(short: int) -> None:
    rows = [torch.zeros(5), torch.zeros(5, 4), torch.zeros(5), torch.zeros(5, 4)]
    rows[short] = rows[short][:4]
    logits, deltas, labels, targets = rows
    none = torch.zeros(0, dtype=torch.int64)
    # the first argument says how many there are
    name = ("pred_bbox_deltas", "pred_bbox_deltas", "labels", "regression_targets")[short]
    with pytest.raises(ValueError, match=f"^{name} must be Tensor"):
        rpn_losses(logits, deltas, labels, targets, none, none)


# --- other windows ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("kernel_size", "reaches"), [(1, 0), (3, 1), (5, 2)])
def test_the_window_sees_as_far_as_its_size_says(kernel_size: int, reaches: int) -> None:
    torch.manual_seed(0)
    head = RPNHead(in_channels=4, num_anchors=2, kernel_size=kernel_size)
    torch.nn.init.normal_(head.conv.weight)
    dark, lit = torch.zeros(1, 4, 9, 9), torch.zeros(1, 4, 9, 9)
    lit[0, :, 4, 4] = 1.0
    changed = (head.window_vector(lit) != head.window_vector(dark)).any(dim=1)[0]
    rows, cols = changed.nonzero().T
    assert (rows.min(), rows.max(), cols.min(), cols.max()) == (4 - reaches, 4 + reaches, 4 - reaches, 4 + reaches)
    assert head(lit)[0].shape == (1, 2, 9, 9)


@pytest.mark.parametrize("kernel_size", [0, 2, -1])
def test_a_window_without_a_middle_is_refused(kernel_size: int) -> None:
    with pytest.raises(ValueError, match=f"^kernel_size must be .*; got {kernel_size}"):
        RPNHead(kernel_size=kernel_size)
