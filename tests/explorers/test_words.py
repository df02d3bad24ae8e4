"""What the page says of numbers and anchors: no sentence compares a number with itself, none contradicts a label."""

from __future__ import annotations

import json
import re
from typing import Any

import numpy as np
import pytest
import torch
from playwright.sync_api import Browser

from rpnviz.anchors import cell_anchors, grid_anchors
from rpnviz.explorers.common.objects import objects_of
from rpnviz.explorers.common.payload import LABELS, LOW_QUALITY, label_codes
from rpnviz.explorers.common.words import beside_thresholds
from rpnviz.explorers.linked.scene import Scene, pack_handed
from rpnviz.grid import Grid
from rpnviz.pictures import Picture
from rpnviz.proposals import propose
from rpnviz.targets import AnchorLabels, label_anchors
from tests.explorers.page_code import as_state, ask_page

THRESHOLDS = [(0.3, 0.7), (0.3, 0.3), (0.0, 1.0), (0.45, 0.52)]
WORDS = """
const { besideThresholds } = rpnviz.take("common/format.js");
export const ask = (given) => JSON.parse(given).map(({ bg, fg, codes, ious }) =>
  codes.map((code, i) => [
    besideThresholds(ious[i], [bg, fg]),
    whyLabel(
      { label: readLabel(code), iou: ious[i], object: ious[i] > 0 ? "car" : "", lowQuality: lowQuality(code) },
      { bg, fg },
    ),
  ]),
);
"""
LINKED = """
const { revive, standIn } = rpnviz.take("saved/open.js");
const { besideThresholds } = rpnviz.take("common/format.js");
export function ask(states) {
  return states.map((state) => {
    const model = standIn(JSON.parse(state, revive));
    const scene = new Scene(model.get("scene"), stationsOf(model, model.get("scene")).work());
    return Array.from({ length: scene.size }, (_, i) => [besideThresholds(scene.iou(i)), scene.why(i)]);
  });
}
"""
COMPARED = re.compile(r"(\d\.\d+) ?(?:<|>|≥|≤|=) ?(\d\.\d+)")


def labelled(name: str, bg: float, fg: float) -> AnchorLabels:
    picture, grid = Picture.load(name), Grid.paper()
    anchors = grid_anchors(grid, cell_anchors())
    return label_anchors(anchors, picture.gt_boxes, grid.image_size, fg_iou_thresh=fg, bg_iou_thresh=bg)


def agree(code: int, iou: str, why: str, bg: float, fg: float) -> bool:
    """Whether the words beside an anchor are true of it: the number as it is written stands where its label says."""
    label, value = LABELS[code & 3], float(iou)
    assert all(one != other for one, other in COMPARED.findall(why)), why
    if label == "crosses_border":
        return why.startswith("crosses the border")
    low, high = float(np.float32(bg)), float(np.float32(fg))
    if code & LOW_QUALITY:
        return why.startswith("positive: best of car, though only") and value < fg
    return (
        why.startswith(label)
        and {
            "negative": value < bg or bg == 0 == value,
            "ignored": bg <= value < fg or low <= float(np.float32(value)) < high,
            "positive": value >= fg,
        }[label]
    )


@pytest.mark.parametrize(("bg", "fg"), THRESHOLDS)
def test_no_sentence_contradicts_its_label(browser: Browser, bg: float, fg: float) -> None:
    """All anchors of all bundled pictures; those with the same number and label need no second look."""
    seen: list[dict[str, Any]] = []
    for name in Picture.bundled():
        found = labelled(name, bg, fg)
        pairs = torch.stack([label_codes(found).double(), found.iou.double()], dim=1).unique(dim=0)
        seen.append({"bg": bg, "fg": fg, "codes": pairs[:, 0].int().tolist(), "ious": pairs[:, 1].tolist()})
    said = ask_page(browser, "common/anchor.js", WORDS, json.dumps(seen))
    assert sum(map(len, said)) > 5_000
    for given, words in zip(seen, said, strict=True):
        for code, value, (iou, why) in zip(given["codes"], given["ious"], words, strict=True):
            assert agree(code, iou, why, bg, fg), (iou, why)
            assert iou == beside_thresholds(value, (bg, fg)), "Python writes it in another way"


def test_the_linked_table_neither_though_it_gets_rounded_numbers(browser: Browser) -> None:
    states, codes = [], []
    for name in Picture.bundled():
        picture, grid = Picture.load(name), Grid.paper()
        anchors = grid_anchors(grid, cell_anchors())
        found = label_anchors(anchors, picture.gt_boxes, grid.image_size)
        stages = propose(torch.zeros(len(anchors)), torch.zeros(len(anchors), 4), anchors, grid.image_size)
        scene = Scene(picture, grid, anchors, torch.zeros(512, *grid.feature_size), found, stages)
        packed = {**pack_handed(scene), "photo": b""}
        states.append(as_state({"scene": packed, "objects": objects_of(picture)}))
        codes.append(label_codes(found).tolist())
    said = ask_page(browser, ["linked/scene.js", "linked/work.js"], LINKED, states)
    for own, words in zip(codes, said, strict=True):
        for code, (iou, why) in zip(own, words, strict=True):
            whose = re.sub("best of [^,]*,", "best of car,", why)
            assert agree(code, iou, whose, 0.3, 0.7), (iou, why)


FORMAT = """
export const ask = () => ({
  iou: [0.2999, 0.3, 0.6999, 0.7, 0.7049, 0, 1, 0.30000001192092896, 0.69999998].map((x) => besideThresholds(x)),
  own: [0.4999, 0.5, 0.5049].map((x) => besideThresholds(x, [0.5])),
  fixed: [-0.5, -0.001, 0, 12.345].map((x) => fixed(x)),
  whole: [-0.4, -12.6, 3].map((x) => fixed(x, 0)),
  thresholds: [0.3, 0.305, 1].map(thresholdText),
  thousands: [0, 999, 21600, 1234567].map(thousands),
  pixels: [-0.5, 12, 1234, -1234.5, 3.25].map(pixels),
  box: boxText([-0.2, 12.5, 194.4, 130]),
});
"""


def test_numbers_by_hand(browser: Browser) -> None:
    assert ask_page(browser, "common/format.js", FORMAT, None) == {
        "iou": ["0.2999", "0.30", "0.6999", "0.70", "0.705", "0.00", "1.00", "0.30", "0.70"],
        "own": ["0.4999", "0.50", "0.505"],
        "fixed": ["−0.50", "0.00", "0.00", "12.35"],
        "whole": ["0", "−13", "3"],
        "thresholds": ["0.30", "0.305", "1.00"],
        "thousands": ["0", "999", "21,600", "1,234,567"],
        "pixels": ["−0.5", "12", "1,234", "−1235", "3.3"],
        "box": "0 13 194 130",
    }
