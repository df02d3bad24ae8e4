"""The overview: its numbers are the package's, what it sends is small, and the page draws what Python says."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import traitlets as t
from playwright.sync_api import Browser

from rpnviz.backbone import Backbone
from rpnviz.explorers.overview.explorer import OverviewExplorer
from rpnviz.figures.stations import STATIONS
from rpnviz.grid import Grid
from rpnviz.pictures import Picture
from rpnviz.rpn import RPNHead, rpn_losses
from rpnviz.targets import regression_targets
from tests.explorers.page_code import as_state, ask_page

MOST_BYTES = 400_000
ASK = """
const { revive, standIn } = rpnviz.take("saved/open.js");
export function ask(state) {
  const model = standIn(JSON.parse(state, revive));
  const store = readStore({ model, redraw: () => {} });
  const now = readMoment({ model, store, local: {} });
  const { scene, nine } = now;
  return {
    figures: Object.fromEntries(Object.entries(FIGURES).map(([name, write]) => [name, write(now)])),
    nine, kinds: nine.map((anchor) => scene.kind(anchor)), reach: scene.reach(nine),
    moved: nine.map((anchor) => scene.moved(anchor)), clipped: nine.map((anchor) => scene.decoded(anchor)),
    deltas: nine.map((anchor) => scene.deltasOf(anchor)), scores: nine.map((anchor) => scene.score(anchor)),
    proposals: scene.proposals, drawn: scene.drawn, crowded: Array.from(scene.crowded()),
  };
}
"""


@pytest.fixture(scope="module")
@torch.no_grad()
def explorer() -> OverviewExplorer:
    picture, grid = Picture.load("street-03"), Grid.paper()
    return OverviewExplorer(picture, grid, Backbone.load("mini").features(picture, grid), RPNHead.load("mini"))


@pytest.fixture(scope="module")
def said(explorer: OverviewExplorer, browser: Browser) -> dict[str, Any]:
    answer: dict[str, Any] = ask_page(browser, ["overview/view.js"], ASK, as_state(explorer.saved_state()))
    return answer


def test_the_page_writes_what_the_still_writes(explorer: OverviewExplorer, said: dict[str, Any]) -> None:
    written = explorer.state().figures()
    assert set(written) == set(said["figures"]) == {station.name for station in STATIONS}
    for name, figure in written.items():
        assert said["figures"][name].split(" · ")[0] == figure, name


def test_the_numbers_are_those_of_the_package(explorer: OverviewExplorer) -> None:
    scene, written = explorer.results, explorer.state().figures()
    positive, negative = scene.minibatch(0)
    targets = regression_targets(scene.anchors, scene.picture.gt_boxes, scene.found.matched_idxs)
    answers = explorer._answers
    losses = rpn_losses(answers.objectness, answers.deltas, scene.found.labels, targets, positive, negative)
    assert written["losses"] == " + ".join(f"{float(loss):.3f}" for loss in losses)
    assert written["minibatch"] == f"{len(positive)} + {len(negative)} = 256"
    assert written["labels"] == f"{int((scene.found.labels == 1).sum())} positive"
    assert written["anchors"] == f"9 of {len(scene.anchors):,}"
    assert written["top"] == f"{len(scene.stages.pre_nms_inds):,}"
    assert written["nms"] == f"{len(scene.stages.nms_inds):,}"
    assert written["clip"] == f"{len(scene.stages.large_inds):,}"
    assert written["proposals"] == f"{len(scene.stages.proposals)}"


def test_the_page_draws_what_the_stations_say(explorer: OverviewExplorer, said: dict[str, Any]) -> None:
    scene, here = explorer.results, explorer.results.here(explorer.row, explorer.col)
    assert said["nine"] == here.tolist()
    for name, ours in (("moved", scene.stages.decoded), ("clipped", scene.stages.all_boxes)):
        assert (torch.tensor(said[name]) - ours[here]).abs().max() < 0.5, name  # px, of float16
    assert (torch.tensor(said["deltas"]) - explorer._answers.deltas[here]).abs().max() < 1e-3
    assert (torch.tensor(said["scores"]) - scene.stages.all_scores[here]).abs().max() < 1e-4
    assert said["proposals"] == scene.stages.post_nms_inds.tolist()
    positive, negative = scene.minibatch(0)
    assert said["drawn"] == {"positive": positive.tolist(), "negative": negative.tolist()}
    among = [torch.isin(here, inds).sum().item() for inds in (scene.stages.pre_nms_inds, scene.stages.nms_inds)]
    assert said["reach"][3:5] == among
    cells = torch.bincount(scene.stages.pre_nms_inds // 9, minlength=2400)
    assert said["crowded"] == (cells * 255 // 9).tolist()


def test_what_is_sent_is_small(explorer: OverviewExplorer) -> None:
    assert sum(len(value) for value in explorer.scene.values() if isinstance(value, bytes)) < MOST_BYTES


def test_a_saved_page_leads_nowhere_and_a_notebook_to_its_neighbours(explorer: OverviewExplorer) -> None:
    assert explorer.pages == ".ipynb" and explorer.saved_state()["pages"] == ""


def test_one_lesson_stands_out_in_the_still(explorer: OverviewExplorer) -> None:
    whole = explorer.to_png()
    explorer.current = "04"
    assert explorer.to_png() != whole
    explorer.current = ""
    with pytest.raises(t.TraitError, match="current"):
        explorer.current = "14"
    with pytest.raises(t.TraitError, match=r"row.*40"):
        explorer.row = 40
