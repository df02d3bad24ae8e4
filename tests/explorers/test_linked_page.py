"""The page's reading of a scene, run in a browser without a kernel: it says of an anchor what Python says."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from playwright.sync_api import Browser

from rpnviz.explorers.common.payload import count_codes, label_codes
from rpnviz.explorers.linked.explorer import LinkedExplorer
from rpnviz.explorers.precomputed.explorer import PrecomputedExplorer
from tests.explorers.page_code import as_state, ask_page

# Reads the state as the stand-in of saved/open.js does.
ASK = """
const { revive, standIn } = rpnviz.take("saved/open.js");
export function ask(state) {
  const model = standIn(JSON.parse(state, revive));
  const packed = model.get("scene");
  const stations = stationsOf(model, packed);
  const scene = new Scene(packed, stations.work());
  const anchors = Array.from({ length: scene.size }, (_, i) => i);
  const drawn = stations.draw();
  return {
    fates: anchors.map((i) => scene.fate(i)),
    whys: anchors.map((i) => scene.why(i)),
    boxes: anchors.map((i) => scene.anchor(i)),
    counts: scene.counts(),
    funnel: scene.funnel,
    reach: scene.reach(anchors),
    cell: scene.cellOf(12345),
    first: scene.first(22, 51),
    objectness: Array.from(scene.objectness(4)),
    named: scene.objectNames(),
    drawn: drawn && [...drawn.positive, ...drawn.negative],
  };
}
"""
MODULES = ["linked/scene.js", "linked/work.js"]


def ask(browser: Browser, explorer: LinkedExplorer) -> dict[str, Any]:
    """Everything the page's code says of the scene, asked in an empty page."""
    answer: dict[str, Any] = ask_page(browser, MODULES, ASK, as_state(explorer.saved_state()))
    return answer


@pytest.fixture(scope="module")
def said(untouched: LinkedExplorer, browser: Browser) -> dict[str, Any]:
    return ask(browser, untouched)


SETTINGS: list[dict[str, Any]] = [
    {},
    {"fg_iou_thresh": 0.5, "bg_iou_thresh": 0.5, "nms_thresh": 0.3},
    {"allow_low_quality_matches": False, "pre_nms_top_n": 500, "post_nms_top_n": 20, "seed": 77},
    {"drop_cross_boundary": False, "min_size": 60.0, "batch_size_per_image": 100, "positive_fraction": 0.1},
    {"objects": [{"name": "van", "box": [10.0, 20, 400, 300]}, {"name": "", "box": [500.0, 300, 540, 330]}]},
    {"objects": []},
]


@pytest.mark.parametrize("settings", SETTINGS, ids=lambda settings: "-".join(settings) or "as it opens")
def test_page_says_what_python_says(explorer: LinkedExplorer, browser: Browser, settings: dict[str, Any]) -> None:
    with explorer.hold_trait_notifications():
        for name, value in settings.items():
            setattr(explorer, name, value)
    said, results = ask(browser, explorer), explorer.results
    assert said["fates"] == [results.stages.fate(i) for i in range(len(said["fates"]))]
    assert said["funnel"] == [list(stage) for stage in results.stages.funnel()]
    assert said["counts"] == count_codes(label_codes(results.found))
    assert said["drawn"] == torch.cat(explorer.minibatch).tolist()


def test_handed_over_the_page_says_the_same(untouched: LinkedExplorer, said: dict[str, Any], browser: Browser) -> None:
    handed = ask(browser, PrecomputedExplorer(untouched.results))
    close = {name: said[name] for name in ("objectness", "boxes")}
    assert {name: value for name, value in handed.items() if name not in close} == {
        name: value for name, value in said.items() if name not in close
    }
    assert np.abs(np.array(handed["objectness"]) - np.array(said["objectness"])).max() <= 1  # of 255


def test_fates_are_those_of_python(untouched: LinkedExplorer, said: dict[str, Any]) -> None:
    stages = untouched.results.stages
    assert said["fates"] == [stages.fate(i) for i in range(len(said["fates"]))]
    assert len({fate.split()[0] for fate in said["fates"]}) >= 4  # proposal, kept, suppressed, below


def test_anchors_are_those_of_python(untouched: LinkedExplorer, said: dict[str, Any]) -> None:
    assert np.abs(np.array(said["boxes"]) - untouched.results.anchors.numpy()).max() < 1e-3
    assert (said["cell"], said["first"]) == ([22, 51], 12339)


def test_counts_are_those_of_the_funnel(untouched: LinkedExplorer, said: dict[str, Any]) -> None:
    assert said["reach"] == [count for _, count in untouched.results.stages.funnel()]
    found = untouched.results.found
    assert said["counts"]["positive"] == int((found.labels == 1).sum())
    assert said["counts"]["crosses_border"] == int(found.crosses_boundary.sum())


def test_why_says_which_rule(untouched: LinkedExplorer, said: dict[str, Any]) -> None:
    found, whys = untouched.results.found, said["whys"]
    assert said["named"] == ["car", "dog 1", "dog 2"]
    clear = ((found.labels == 1) & ~found.low_quality).nonzero().flatten().tolist()
    assert clear and {whys[i] for i in clear} == {"positive: ≥ 0.70 with car"}
    for i in found.low_quality.nonzero().flatten().tolist():
        assert whys[i].startswith("positive: best of ") and f"though only {float(found.iou[i]):.2f}" in whys[i]
    crossing = found.crosses_boundary.nonzero().flatten().tolist()
    assert {whys[i] for i in crossing} == {"crosses the border: no label (paper's rule)"}


def test_objectness_map_is_of_one_anchor(untouched: LinkedExplorer, said: dict[str, Any]) -> None:
    scores = untouched.results.stages.all_scores.view(40, 60, 9)[..., 4].flatten().numpy()
    assert np.argmax(said["objectness"]) == scores.argmax() and len(said["objectness"]) == 2400
