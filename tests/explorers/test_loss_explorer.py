"""Notebook 06's explorer: what it offers, what it refuses, and what its page works out without a kernel."""

from __future__ import annotations

import base64
import io
from typing import Any

import pytest
import torch
import traitlets as t
from PIL import Image
from torch import Tensor

from rpnviz.boxes import box_iou
from rpnviz.explorers.loss.anchors import close_up
from rpnviz.explorers.loss.explorer import LossExplorer
from rpnviz.explorers.loss.limits import HIGH, LOW
from rpnviz.inspect.loss_ledger import NORMALISATIONS
from rpnviz.pictures import Picture
from rpnviz.targets import label_anchors, sample_minibatch
from tests.explorers.small_scene import HOSTILE, make_picture, payload


def answers() -> tuple[Tensor, Tensor]:
    """What some network might say: 21,600 logits and deltas."""
    generator = torch.Generator().manual_seed(4)
    return 2 * torch.randn(21_600, generator=generator), 0.4 * torch.randn(21_600, 4, generator=generator)


@pytest.fixture
def explorer() -> LossExplorer:
    return LossExplorer(make_picture(), *answers())


def test_offers_the_telling_anchors(explorer: LossExplorer) -> None:
    rows, found = explorer.rows, explorer.scene.found
    objectness = answers()[0]
    pos = explorer.scene.sampled_inds[: explorer.scene.num_pos]
    neg = explorer.scene.sampled_inds[explorer.scene.num_pos :]
    assert found.labels[pos].eq(1).all() and found.labels[neg].eq(0).all()
    assert found.iou[rows["best"]] == found.iou[pos].max() and found.iou[rows["worst"]] == found.iou[pos].min()
    assert objectness[rows["unsure"]] == objectness[pos].min()
    assert objectness[rows["alarm"]] == objectness[neg].max() and objectness[rows["easy"]] == objectness[neg].min()
    assert found.labels[rows["out"]] == -1 and not found.crosses_boundary[rows["out"]]
    assert len(set(rows.values())) == len(rows) == len(explorer.offered)
    for place, (key, row) in enumerate(rows.items()):
        explorer.chosen = place
        assert explorer.logit == float(objectness[row]) and explorer.deltas == answers()[1][row].tolist()
        assert (explorer.anchor["gt"] is None) == (found.labels[row] != 1) == (key in ("alarm", "easy", "out"))


def test_box_loss_of_a_background_anchor_is_zero_wherever_its_box_goes(explorer: LossExplorer) -> None:
    for key in ("alarm", "easy", "out"):
        explorer.chosen = list(explorer.rows).index(key)
        before = explorer.losses
        explorer.deltas = [1.9, -1.9, 3.0, 2.0]
        assert float(explorer.ledger.box_loss) == 0
        assert explorer.losses == before
        explorer.logit = 9.0
        assert (explorer.losses == before) is (key == "out")  # left out of the sums too


def test_label_does_not_follow_the_decoded_box(explorer: LossExplorer) -> None:
    label, said = explorer.anchor["label"], explorer.describe()
    explorer.deltas = [-2.0, -2.0, 0.0, 0.0]
    assert "decoded box at IoU 0.00" in explorer.describe() != said
    assert explorer.anchor["label"] == label == 1 and "positive" in explorer.describe()


def test_sums_are_the_tensor_losses_until_an_answer_is_moved(explorer: LossExplorer) -> None:
    assert explorer.losses["torchvision"] == pytest.approx(explorer.tensor_losses, rel=1e-6)
    box_loss = float(explorer.ledger.box_loss)
    explorer.deltas = explorer.anchor["targets"]
    assert float(explorer.ledger.box_loss) == pytest.approx(0, abs=1e-12)
    assert explorer.losses["torchvision"][1] == pytest.approx(explorer.tensor_losses[1] - box_loss / 256, rel=1e-5)


def test_steps_lead_to_the_target(explorer: LossExplorer) -> None:
    explorer.deltas, explorer.learning_rate = [0.0] * 4, 0.1
    gt = torch.tensor([explorer.anchor["gt"]])
    iou = [float(box_iou(explorer.decoded, gt))]
    for _ in range(100):
        explorer.step()
        iou.append(float(box_iou(explorer.decoded, gt)))
    assert iou[-1] > 0.999 > iou[0]
    assert explorer.deltas == pytest.approx(explorer.anchor["targets"], abs=1e-4)


def test_a_step_stays_on_the_sliders(explorer: LossExplorer) -> None:
    explorer.chosen = list(explorer.rows).index("easy")
    explorer.logit, explorer.learning_rate = LOW[0], 0.3
    for _ in range(30):
        explorer.step()
    assert explorer.logit >= explorer.plan["low"][0]


@pytest.mark.parametrize(
    ("trait", "value", "message"),
    [
        ("chosen", 7, "chosen: got 7, takes 0 to 6"),
        ("chosen", -1, "chosen: got -1"),
        ("logit", 1000.0, "logit: got 1000.0, takes"),
        ("logit", float("nan"), "logit: got nan"),
        (
            "deltas",
            [0.0, 0.0, 9.0, 0.0],
            r"deltas: got \[0.0, 0.0, 9.0, 0.0\], takes 4 numbers, -7 to 7, -4 to 4, -7 to 5, -7 to 5",
        ),
        ("deltas", [0.0, float("inf"), 0.0, 0.0], r"deltas: got \[0.0, inf, 0.0, 0.0\]"),
        ("deltas", [0.0] * 3, "deltas"),
        ("normalisation", "mine", "normalisation"),
        ("learning_rate", 0.0, "learning_rate"),
        ("learning_rate", 2.0, "learning_rate"),
    ],
)
def test_refuses(explorer: LossExplorer, trait: str, value: Any, message: str) -> None:
    before = getattr(explorer, trait)
    with pytest.raises(t.TraitError, match=message):
        setattr(explorer, trait, value)
    assert getattr(explorer, trait) == before


def test_sliders_reach_wild_answers() -> None:
    objectness, deltas = answers()
    objectness[0] = -25
    explorer = LossExplorer(make_picture(), 40 * objectness, 10 * deltas)
    low, high = explorer.plan["low"], explorer.plan["high"]
    assert low[0] < LOW[0] and high[0] > HIGH[0]
    for place in range(len(explorer.offered)):
        explorer.chosen = place  # raises if the network's own answer is refused
    assert explorer.plan["least"][0] == -1000 < low[0]  # at the border, where no anchor is offered at first


@pytest.mark.parametrize(
    ("objectness", "deltas", "message"),
    [
        (torch.zeros(5), torch.zeros(21_600, 4), r"objectness must be Tensor\[21600\]; got float32 \[5\]"),
        (torch.zeros(21_600), torch.zeros(4, 21_600), r"pred_bbox_deltas must be Tensor\[21600, 4\]"),
        (torch.full((21_600,), float("nan")), torch.zeros(21_600, 4), r"objectness must be finite; .* is nan"),
    ],
)
def test_refuses_answers_of_another_network(objectness: Tensor, deltas: Tensor, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        LossExplorer(make_picture(), objectness, deltas)


def test_a_picture_without_objects_has_background_only() -> None:
    empty = Picture(make_picture().image, torch.zeros(0, 4), [], "empty")
    explorer = LossExplorer(empty, *answers())
    assert list(explorer.rows) == ["alarm", "easy"]
    assert explorer.losses["torchvision"][1] == explorer.tensor_losses[1] == 0
    assert Image.open(io.BytesIO(explorer.to_png())).width > 900


def test_close_up_has_the_shape_of_the_whole_and_stays_inside() -> None:
    picture = make_picture()
    whole = (-120, -72, 1120, 672)
    for box in ([0.0, 0, 128, 128], [400.0, 200, 490, 382], [100.0, -50, 824, 700]):
        x1, y1, x2, y2 = close_up(box, picture)
        assert (x2 - x1) / (y2 - y1) == pytest.approx(1240 / 744)
        assert whole[0] - 1e-6 <= x1 and whole[1] - 1e-6 <= y1 and x2 <= whole[2] + 1e-6 and y2 <= whole[3] + 1e-6
    assert x2 - x1 == pytest.approx(1240)


def test_close_up_is_closer_for_all_but_the_largest_anchors() -> None:
    sides = [close_up([0.0, 0, w, h], make_picture()) for w, h in ((182, 362), (182, 90), (512, 512), (362, 724))]
    assert [round(x2 - x1) for x1, _, x2, _ in sides] == [937, 483, 1187, 1240]  # 1240 / 744 * (362 + 200), …


@pytest.mark.parametrize("close", [False, True])
def test_something_is_left_without_a_page(close: bool) -> None:
    shown = LossExplorer(make_picture(names=(HOSTILE, "dog", "dog")), *answers())
    for place in range(len(shown.offered)):
        shown.chosen, shown.close_up = place, close
        bundle = shown._repr_mimebundle_()[0]
        assert bundle["text/plain"] == shown.describe()
        assert Image.open(io.BytesIO(base64.b64decode(bundle["image/png"]))).width > 900
    page = shown.to_html()
    assert HOSTILE not in page and page.count("</script>") == 2
    assert 432_000 < payload(shown) < 660_000  # 432 kB logits and deltas, 180 kB code


# ---- objects and rules that are moved --------------------------------------------------------------------------------


def test_labels_minibatch_and_offer_follow_the_traits(explorer: LossExplorer) -> None:
    explorer.fg_iou_thresh, explorer.bg_iou_thresh, explorer.seed = 0.5, 0.2, 7
    explorer.batch_size_per_image, explorer.positive_fraction = 64, 0.25
    explorer.objects = [{"name": "van", "box": [100.0, 100, 356, 356]}]
    found = label_anchors(explorer.anchors, torch.tensor([[100.0, 100, 356, 356]]), (600, 1000), 0.5, 0.2)
    pos, neg = sample_minibatch(found.labels, 64, 0.25, torch.Generator().manual_seed(7))
    assert len(pos) == 16 and torch.equal(explorer.scene.sampled_inds, torch.cat([pos, neg]))
    assert torch.equal(explorer.scene.found.labels, found.labels)
    best = explorer.offered[0]
    assert best["iou"] == float(found.iou[pos].max()) and best["object"] == "van"
    assert best["gt"] == [100, 100, 356, 356]
    assert explorer.losses["torchvision"] == pytest.approx(explorer.tensor_losses, rel=1e-5)


@pytest.mark.parametrize("by", ["cell", "page"])
def test_the_view_stays_with_the_kind_of_anchor(explorer: LossExplorer, by: str) -> None:
    def move(**traits: Any) -> None:
        if by == "page":
            explorer.set_state(traits)
            return
        for name, value in traits.items():
            setattr(explorer, name, value)

    explorer.chosen = list(explorer.rows).index("easy")
    first = explorer.anchor
    move(seed=1)
    easy = explorer.anchor
    assert easy["key"] == "easy" and easy["row"] != first["row"]
    assert (explorer.logit, explorer.deltas) == (easy["logit"], easy["deltas"])
    move(logit=1.5, deltas=[0.5, 0.0, 0.0, 0.0])
    move(normalisation="paper", learning_rate=0.1)
    assert explorer.logit == 1.5
    move(objects=[])  # from the sixth place to the second
    assert (explorer.chosen, explorer.anchor["key"]) == (1, "easy")
    move(objects=[{"name": "van", "box": [100.0, 100, 356, 356]}])
    explorer.chosen = 0
    assert explorer.anchor["key"] == "best"
    move(objects=[])
    assert (explorer.chosen, explorer.anchor["key"]) == (0, "alarm")  # there is no best
    assert explorer.logit == explorer.anchor["logit"]


def test_a_moved_answer_stays_while_its_anchor_does(explorer: LossExplorer) -> None:
    explorer.logit, explorer.deltas = 1.5, [0.5, 0.25, 0.0, 0.0]
    row = explorer.anchor["row"]
    explorer.seed = 5  # all positives are drawn
    explorer.objects = explorer.objects[::-1]
    assert explorer.anchor["row"] == row and (explorer.logit, explorer.deltas) == (1.5, [0.5, 0.25, 0.0, 0.0])
    explorer.objects = [{"name": "van", "box": [100.0, 100, 356, 356]}]
    assert explorer.anchor["row"] != row and explorer.logit == explorer.anchor["logit"]


def test_what_the_page_has_set_is_not_answered(explorer: LossExplorer, monkeypatch: pytest.MonkeyPatch) -> None:
    """The page follows by itself, and may have gone on before Python hears of it."""
    told: dict[str, Any] = {}
    before = explorer.objects

    def hear(message: dict[str, Any], buffers: Any = None) -> None:
        told.update(message["state"] if message["method"] == "update" else {})  # else it is an echo

    monkeypatch.setattr(explorer, "_send", hear)
    explorer.set_state({"seed": 1, "chosen": 5, "logit": 2.5, "deltas": [0.25, 0.0, 0.0, 0.0]})
    assert (explorer.chosen, explorer.logit, explorer.deltas) == (5, 2.5, [0.25, 0.0, 0.0, 0.0])
    explorer.set_state({"objects": [], "logit": 3.5})
    assert (explorer.chosen, explorer.logit) == (1, 3.5)
    assert "logit" not in told and "deltas" not in told
    explorer.set_state({"objects": before})
    explorer.chosen = 1
    assert explorer.anchor["key"] == "worst"
    explorer.set_state({"objects": [], "chosen": 1})  # another that a hand has chosen since, at the same place
    assert (explorer.chosen, explorer.anchor["key"]) == (1, "easy")
    explorer.set_state({"fg_iou_thresh": 0.4, "chosen": 6, "logit": 0.5})  # a link may name one that is not offered
    assert explorer.anchor["key"] == "alarm" and explorer.describe()
    explorer.chosen = 1
    assert explorer.anchor["key"] == "easy" and explorer.logit == explorer.anchor["logit"] == told["logit"]


def test_an_anchor_that_is_not_offered_is_refused(explorer: LossExplorer) -> None:
    explorer.objects = []
    with pytest.raises(t.TraitError, match=r"chosen: got 2, takes 0 to 1"):
        explorer.chosen = 2
    with pytest.raises(t.TraitError, match=r"fg_iou_thresh: got 0.1, takes bg_iou_thresh ≤ fg_iou_thresh"):
        explorer.fg_iou_thresh = 0.1
    with pytest.raises(t.TraitError, match=r"objects: got .* takes up to 200 objects"):
        explorer.objects = [{"name": "van", "box": [900.0, 100, 1100, 356]}]
    for name, value in (("seed", 100), ("batch_size_per_image", 0), ("positive_fraction", 1.5)):
        with pytest.raises(t.TraitError, match=name):
            setattr(explorer, name, value)
    assert explorer.anchor["key"] == "alarm"


def test_nothing_sampled(explorer: LossExplorer) -> None:
    explorer.objects = [{"name": "wall", "box": [0.0, 0, 1000, 600]}]
    explorer.bg_iou_thresh = explorer.fg_iou_thresh = explorer.positive_fraction = 0.0
    assert list(explorer.rows) == ["rest"] and len(explorer.scene.sampled_inds) == 0
    assert explorer.losses == dict.fromkeys(NORMALISATIONS, (0.0, 0.0)) and explorer.tensor_losses == (0.0, 0.0)
    assert "left out: cross-entropy 0.0000, box loss 0.0000" in explorer.describe()
    assert Image.open(io.BytesIO(explorer.to_png())).width > 900


def test_sliders_stay_and_every_target_can_be_set(explorer: LossExplorer) -> None:
    plan = explorer.plan
    explorer.objects = [{"name": "wall", "box": [0.0, 0, 1000, 600]}, {"name": "dot", "box": [20.0, 590, 21, 591]}]
    explorer.bg_iou_thresh, explorer.fg_iou_thresh, explorer.drop_cross_boundary = 0.0, 0.0, False
    explorer.batch_size_per_image, explorer.positive_fraction = 512, 1.0
    positive = explorer.scene.targets[explorer.scene.found.labels == 1]
    assert (positive.amin(dim=0) >= torch.tensor(plan["least"][1:])).all()
    assert (positive.amax(dim=0) <= torch.tensor(plan["most"][1:])).all()
    assert positive.amax(dim=0)[0] > plan["high"][1]  # beyond the slider
    for place in range(len(explorer.offered)):
        explorer.chosen = place
        explorer.deltas = explorer.anchor["targets"]
        assert float(explorer.ledger.box_loss) == pytest.approx(0, abs=1e-12)
    assert explorer.plan is plan
