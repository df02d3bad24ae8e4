"""The page's reading of a scene, run in a browser without a kernel: it says of an anchor what Python says."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Browser

from rpnviz.explorers.linked.explorer import LinkedExplorer
from tests.explorers.page_code import as_state, ask_page

# Reads the state as the stand-in of saved/open.js does.
ASK = """
const { revive } = rpnviz.take("saved/open.js");
export function ask(state) {
  const scene = new Scene(JSON.parse(state, revive).scene);
  const anchors = Array.from({ length: scene.size }, (_, i) => i);
  return {
    fates: anchors.map((i) => scene.fate(i)),
    whys: anchors.map((i) => scene.why(i)),
    boxes: anchors.map((i) => scene.anchor(i)),
    counts: scene.counts(),
    reach: scene.reach(anchors),
    cell: scene.cellOf(12345),
    first: scene.first(22, 51),
    objectness: Array.from(scene.objectness(4)),
    named: scene.objectNames(),
  };
}
"""


@pytest.fixture(scope="module")
def said(untouched: LinkedExplorer, browser: Browser) -> dict[str, Any]:
    """Everything the page's code says of the scene, asked in an empty page."""
    state = as_state({"scene": untouched.scene})
    answer: dict[str, Any] = ask_page(browser, "linked/scene.js", ASK, state)
    return answer


def test_fates_are_those_of_python(untouched: LinkedExplorer, said: dict[str, Any]) -> None:
    stages = untouched._scene.stages
    assert said["fates"] == [stages.fate(i) for i in range(len(said["fates"]))]
    assert len({fate.split()[0] for fate in said["fates"]}) >= 4  # proposal, kept, suppressed, below


def test_anchors_are_those_of_python(untouched: LinkedExplorer, said: dict[str, Any]) -> None:
    assert np.abs(np.array(said["boxes"]) - untouched._scene.anchors.numpy()).max() < 1e-3
    assert (said["cell"], said["first"]) == ([22, 51], 12339)


def test_counts_are_those_of_the_funnel(untouched: LinkedExplorer, said: dict[str, Any]) -> None:
    assert said["reach"] == [count for _, count in untouched.scene["funnel"]]
    found = untouched._scene.found
    assert said["counts"]["positive"] == int((found.labels == 1).sum())
    assert said["counts"]["crosses_border"] == int(found.crosses_boundary.sum())


def test_why_says_which_rule(untouched: LinkedExplorer, said: dict[str, Any]) -> None:
    found, whys = untouched._scene.found, said["whys"]
    assert said["named"] == ["car", "dog 1", "dog 2"]
    clear = ((found.labels == 1) & ~found.low_quality).nonzero().flatten().tolist()
    assert clear and {whys[i] for i in clear} == {"positive: ≥ 0.70 with car"}
    for i in found.low_quality.nonzero().flatten().tolist():
        assert whys[i].startswith("positive: best of ") and f"though only {float(found.iou[i]):.2f}" in whys[i]
    crossing = found.crosses_boundary.nonzero().flatten().tolist()
    assert {whys[i] for i in crossing} == {"crosses the border: left out of training"}


def test_objectness_map_is_of_one_anchor(untouched: LinkedExplorer, said: dict[str, Any]) -> None:
    scores = untouched._scene.stages.all_scores.view(40, 60, 9)[..., 4].flatten().numpy()
    assert np.argmax(said["objectness"]) == scores.argmax() and len(said["objectness"]) == 2400
