"""Notebook 06's page works out what Python does: labels, minibatch, offered anchors, sums, and which one is shown."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from playwright.sync_api import Browser
from torch import Tensor

from rpnviz.explorers.loss.anchors import WHY, telling_anchors
from rpnviz.explorers.loss.explorer import LossExplorer
from rpnviz.inspect.loss_ledger import NORMALISATIONS, write_ledger
from rpnviz.pictures import Picture
from tests.explorers.compute.conversation import check_same
from tests.explorers.page_code import as_state, ask_page
from tests.explorers.small_scene import make_picture

ASK = """
const { revive, standIn } = rpnviz.take("saved/open.js");
const { following } = rpnviz.take("loss/following.js");
export const ask = ([state, moves]) => {
  const model = standIn(JSON.parse(state, revive));
  const store = readStore({ model, redraw: () => {} });
  const leading = following(model, () => store.scene().offered, () => {});
  return moves.map((moved) => {
    for (const [name, value] of Object.entries(moved)) leading.set(name, value);
    leading.save_changes();
    const { offered, sampledInds, numPos, tensorLosses, ways } = store.scene();
    const { losses, box, words } = readMoment({ model, store, local: { trail: [] } });
    const [chosen, logit, deltas] = ["chosen", "logit", "deltas"].map((name) => model.get(name));
    const says = { offered: offered.map((one) => ({ ...one, gt: one.gt || [] })), sampledInds: [...sampledInds] };
    return { ...says, numPos, tensorLosses, ways, losses, box, words, chosen, logit, deltas };
  });
};
"""
NAMES = {"lowQuality": "low_quality", "iouText": "iou_text"}
SAME = ("key", "row", "size", "object", "box", "label", "iou", "view", "at", "logit", "deltas", "targets")
FIRST: dict[str, Any] = {
    "seed": 0,
    "batch_size_per_image": 256,
    "positive_fraction": 0.5,
    "bg_iou_thresh": 0.3,
    "fg_iou_thresh": 0.7,
    "allow_low_quality_matches": True,
    "drop_cross_boundary": True,
}
WHOLE = [{"name": "wall", "box": [0.0, 0, 1000, 600]}]
# One after the other: which anchor is shown hangs on the way there.
MOVES: list[dict[str, Any]] = [
    {},
    {"seed": 7, "batch_size_per_image": 32, "positive_fraction": 0.25},
    {"positive_fraction": 0.0},
    {"positive_fraction": 1.0, "batch_size_per_image": 512, "seed": 99},
    {"fg_iou_thresh": 0.5, "bg_iou_thresh": 0.5},
    {"fg_iou_thresh": 0.0, "bg_iou_thresh": 0.0},
    {"fg_iou_thresh": 1.0, "bg_iou_thresh": 0.0, "allow_low_quality_matches": False},
    {"fg_iou_thresh": 0.02, "bg_iou_thresh": 0.01, "seed": 3},
    {"allow_low_quality_matches": False, "drop_cross_boundary": False, "batch_size_per_image": 1},
    {"objects": []},
    {"objects": [{"name": "van", "box": [100.0, 100, 356, 356]}]},
    {"objects": [{"name": "", "box": [600.0, 300, 690, 482]}, {"name": "", "box": [600.5, 300, 608.5, 308]}]},
    {"objects": WHOLE, "fg_iou_thresh": 0.0, "bg_iou_thresh": 0.0, "positive_fraction": 0.0},
    {"objects": WHOLE, "drop_cross_boundary": False},
]


def whole(picture: Picture) -> list[dict[str, Any]]:
    """The moves, each with all settings."""
    boxes = zip(picture.class_names, picture.gt_boxes.tolist(), strict=True)
    first = {**FIRST, "objects": [{"name": name, "box": box} for name, box in boxes]}
    return [{**first, **moved} for moved in MOVES]


def said(explorer: LossExplorer) -> dict[str, Any]:
    """What Python says, with the page's names."""
    scene = explorer.scene
    offered = [{name: one[name] for name in SAME} for one in explorer.offered]
    for ours, one in zip(offered, explorer.offered, strict=True):
        ours |= {theirs: one[name] for theirs, name in NAMES.items()}
        ours["gt"] = one["gt"] or []
    factors = [way.factors(len(scene.sampled_inds)) for way in NORMALISATIONS.values()]
    return {
        "offered": offered,
        "sampledInds": scene.sampled_inds,
        "numPos": scene.num_pos,
        "ways": [{"per_bce": per_bce, "per_box": per_box} for per_bce, per_box in factors],
        "losses": [list(pair) for pair in explorer.losses.values()],
        "box": explorer.decoded[0],
        "chosen": explorer.chosen,
        "logit": explorer.logit,
        "deltas": explorer.deltas,
    }


def hold_together(browser: Browser, explorer: LossExplorer, moves: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Move both sides alike, and hold what they say against each other after each move; return the page's."""
    pages: list[dict[str, Any]] = ask_page(
        browser, "loss/view.js", ASK, [as_state(explorer.saved_state()), json.loads(json.dumps(moves))]
    )
    for i, (page, moved) in enumerate(zip(pages, moves, strict=True)):
        explorer.set_state(moved)
        assert explorer.error == ""
        check_same(page, said(explorer), f"{explorer.picture.name}, move {i}")
        assert page["tensorLosses"] == pytest.approx(explorer.tensor_losses, rel=1e-5, abs=1e-7)
    return pages


def answers(seed: int) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return 3 * torch.randn(21_600, generator=generator), 0.4 * torch.randn(21_600, 4, generator=generator)


@pytest.mark.parametrize("number", range(len(Picture.bundled())))
def test_page_says_what_python_says_on_every_picture(browser: Browser, number: int) -> None:
    picture = Picture.load(Picture.bundled()[number])
    pages = hold_together(browser, LossExplorer(picture, *answers(number), seed=number), whole(picture))
    keys = [[one["key"] for one in page["offered"]] for page in pages]
    assert keys[9] == ["alarm", "easy"] and pages[9]["numPos"] == 0  # no objects
    assert keys[6] == ["out"] and keys[12] == ["rest"]  # nothing is sampled
    assert pages[6]["sampledInds"] == pages[12]["sampledInds"] == [] and "no anchor is in the" in pages[12]["words"]
    assert {key for page in keys for key in page} == set(WHY)


@pytest.mark.parametrize(("logits", "shifts"), [(0.0, 0.0), (60.0, 0.0), (0.0, 20.0)])
def test_answers_that_tie_or_are_wild(browser: Browser, logits: float, shifts: float) -> None:
    """An untrained network says the same everywhere; one gone wild is sure of all: sigmoid is 1 beyond 37."""
    objectness, deltas = answers(5)
    explorer = LossExplorer(make_picture(), logits * objectness, shifts * deltas)
    pages = hold_together(browser, explorer, whole(make_picture()))
    assert all(len({one["row"] for one in page["offered"]}) == len(page["offered"]) for page in pages)


def test_an_answer_that_was_moved_stays_with_its_anchor_and_goes_with_it(browser: Browser) -> None:
    explorer = LossExplorer(make_picture(), *answers(1))
    explorer.chosen = list(explorer.rows).index("alarm")
    moved = {"logit": 1.25, "deltas": [0.5, -0.25, 0.125, 1.0]}
    for name, value in moved.items():
        setattr(explorer, name, value)
    own: list[dict[str, Any]] = [{"positive_fraction": 0.4}, {"seed": 1}, {"seed": 0}]
    kept, other, back = hold_together(browser, explorer, own)
    assert {name: kept[name] for name in moved} == moved
    row = explorer.anchor["row"]
    assert {name: back[name] for name in moved} != moved and other["chosen"] == back["chosen"]
    assert back["logit"] == float(answers(1)[0][row])


TELLING = """
export const ask = ({ iou, objectness, deltas }) => {
  const labels = Int8Array.from(iou, () => 1);
  const sampledInds = Int32Array.from(iou.keys());
  const [shifts, targets] = [Float32Array.from(deltas.flat()), new Float32Array(4 * iou.length)];
  const sample = { objectness, labels, deltas: shifts, targets };
  const found = { iou, labels, crossesBoundary: new Uint8Array(iou.length) };
  return Object.fromEntries(tellingAnchors({ found, objectness, sample, sampledInds, numPos: iou.length }));
};
"""


def test_the_first_of_losses_that_differ_in_the_last_digits_only(browser: Browser) -> None:
    iou, objectness = [0.5, 0.9, 0.8, 0.8, 0.7], [1.0, 1, 1, 1, 0]
    deltas = [[one, 0.0, 0, 0] for one in (0.0, 0, 1, 1 + 2**-23, 0)]
    given = {"iou": iou, "objectness": objectness, "deltas": deltas}
    said = ask_page(browser, "loss/offered.js", TELLING, given)
    assert said == {"best": 1, "worst": 0, "far": 2, "unsure": 4}
    labels, rows = torch.ones(5, dtype=torch.int8), torch.arange(5)
    crossing = torch.zeros(5, dtype=torch.bool)
    found = SimpleNamespace(iou=torch.tensor(iou), labels=labels, crosses_boundary=crossing)
    scene: Any = SimpleNamespace(found=found, objectness=torch.tensor(objectness), sampled_inds=rows, num_pos=5)
    ledger = write_ledger(scene.objectness, torch.tensor(deltas), labels, torch.zeros(5, 4))
    assert ledger.box_loss[3] > ledger.box_loss[2]
    assert telling_anchors(scene, ledger) == said
