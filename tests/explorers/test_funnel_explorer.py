"""The stage-by-stage explorer: what it sends is what propose says, also as the page reads it; refusals; stills."""

from __future__ import annotations

import base64
import io
from typing import Any

import numpy as np
import pytest
import torch
import traitlets as t
from PIL import Image
from playwright.sync_api import Browser

from rpnviz.explorers.common.proposal_settings import PROPOSAL_SETTINGS
from rpnviz.explorers.funnel import explorer as funnel_module
from rpnviz.explorers.funnel.explorer import COVERED, FunnelExplorer
from rpnviz.inspect.funnel import STAGES
from rpnviz.proposals import PRESETS, propose
from tests.explorers.page_code import as_state, ask_page
from tests.explorers.small_scene import HOSTILE, make_picture, payload

MODULES = ["funnel/view.js", "funnel/result.js"]
ASK = """
const { revive, standIn } = rpnviz.take("saved/open.js");
export function ask(state) {
  const model = standIn(JSON.parse(state, revive));
  const { counts, result } = readStore({ model, redraw: () => {} });
  const read = result();
  const settings = Object.fromEntries(
    ["pre_nms_top_n", "post_nms_top_n", "nms_thresh", "min_size"].map((name) => [name, model.get(name)]),
  );
  const anchors = Array.from({ length: 21600 }, (_, i) => i);
  const stages = counts().left.map((_, stage) => stage);
  return {
    ...counts(), fates: anchors.map((i) => read.fate(i)), suppressors: anchors.map((i) => read.suppressor(i)),
    lists: stages.map((stage) => [read.list(stage, "left"), read.list(stage, "dropped")]),
    words: explanations(settings, 1234), none: explanations(settings, 0),
  };
}
"""


def head(seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(21_600, generator=generator) * 2, torch.randn(21_600, 4, generator=generator) * 0.2


@pytest.fixture(scope="module")
def untouched() -> FunnelExplorer:
    return FunnelExplorer(make_picture(), *head())


@pytest.fixture
def explorer() -> FunnelExplorer:
    return FunnelExplorer(make_picture(), *head())


def ask(browser: Browser, explorer: FunnelExplorer) -> dict[str, Any]:
    """What the page works out, asked in an empty page."""
    answer: dict[str, Any] = ask_page(browser, MODULES, ASK, as_state(explorer.saved_state()))
    return answer


@pytest.fixture(scope="module")
def said(untouched: FunnelExplorer, browser: Browser) -> dict[str, Any]:
    return ask(browser, untouched)


def test_page_says_every_fate_as_python(untouched: FunnelExplorer, said: dict[str, Any]) -> None:
    stages = untouched.stages
    assert said["fates"] == [stages.fate(i) for i in range(21_600)]
    assert {fate.split()[0] for fate in said["fates"]} == {"proposal", "kept", "suppressed", "below", "too"}
    assert "below the top 6,000 scores" in said["fates"]
    assert said["suppressors"] == stages.suppressed_by.tolist()


def test_page_lists_who_is_left_and_who_is_dropped(untouched: FunnelExplorer, said: dict[str, Any]) -> None:
    rows = untouched.rows
    for number, (row, (left, dropped)) in enumerate(zip(rows, said["lists"], strict=True)):
        assert left == row.inds.tolist()
        before = rows[max(number - 1, 0)].inds
        assert dropped == before[~torch.isin(before, row.inds)].tolist()


MOVED: list[dict[str, Any]] = [
    {"nms_thresh": 0.3, "min_size": 60.0},
    {"pre_nms_top_n": 500, "post_nms_top_n": 20},
    {"objects": [{"name": "van", "box": [10.0, 20, 400, 300]}, {"name": "", "box": [500.0, 300, 540, 330]}]},
    {"objects": []},
]


@pytest.mark.parametrize("moved", MOVED, ids=lambda moved: "-".join(moved))
def test_page_counts_as_python_whatever_is_moved(
    explorer: FunnelExplorer, browser: Browser, moved: dict[str, Any]
) -> None:
    explorer.set_state(moved)
    said = ask(browser, explorer)
    assert said["left"] == [len(row.inds) for row in explorer.rows]
    assert said["covered"] == [[row.covered(thresh) for thresh in COVERED] for row in explorer.rows]
    assert said["fates"] == [explorer.stages.fate(i) for i in range(21_600)]


def test_page_names_the_settings_it_explains(said: dict[str, Any]) -> None:
    words = said["words"]
    assert len(words) == len(STAGES) and all("1,234 are dropped" in words[stage] for stage in (3, 4, 5, 6))
    for stage, part in ((3, "16 px"), (4, "best 6,000 scores"), (5, "above 0.70"), (6, "best 300")):
        assert part in words[stage]


def test_page_gives_no_reason_where_nobody_is_dropped(said: dict[str, Any]) -> None:
    rank = "Nobody is dropped. There is no threshold on the score, only a rank."
    assert said["none"][3:] == ["Nobody is dropped.", rank, "Nobody is dropped.", "Nobody is dropped."]


def test_counts_are_those_of_the_funnel(untouched: FunnelExplorer, said: dict[str, Any]) -> None:
    counts = [count for _, count in untouched.stages.funnel()]
    assert said["left"] == [counts[0], *counts]
    assert said["covered"][0] == [2, 1]  # an anchor fits the car; 90×182 lies in 120×200: 0.68


@pytest.mark.parametrize(("preset", "phase"), [("py-faster-rcnn", "train"), ("torchvision", "test")])
def test_settings_of_others(explorer: FunnelExplorer, preset: str, phase: str) -> None:
    explorer.use(preset, phase)
    assert explorer.settings == PRESETS[preset][phase]
    wanted = propose(*head(), explorer.anchors, (600, 1000), **PRESETS[preset][phase])
    assert torch.equal(explorer.stages.post_nms_inds, wanted.post_nms_inds)
    assert len(explorer.rows[-1].inds) == len(wanted.proposals)


def test_presets_for_the_page_are_those_of_proposals(untouched: FunnelExplorer) -> None:
    presets = {(one["name"], one["phase"]): one for one in untouched.plan["presets"]}
    assert len(presets) == 8
    assert presets["paper", "test"]["pre_nms_top_n"] == 21_600  # no limit
    assert presets["detectron2", "test"] == {"name": "detectron2", "phase": "test", **PRESETS["detectron2"]["test"]}


def test_all_settings_at_once_propose_once(explorer: FunnelExplorer, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def counting(*args: Any, **kwargs: Any) -> Any:
        asked.append(kwargs)
        return propose(*args, **kwargs)

    monkeypatch.setattr(funnel_module, "propose", counting)
    explorer.set_state(dict(PRESETS["torchvision"]["test"]))  # as the page sends it
    assert explorer.describe() and explorer.rows and explorer.figure()
    assert asked == [PRESETS["torchvision"]["test"]]


@pytest.mark.parametrize(
    ("trait", "value", "message"),
    [
        ("pre_nms_top_n", 0, "pre_nms_top_n: got 0, takes 1 to 21600"),
        ("post_nms_top_n", 21_601, "post_nms_top_n: got 21601, takes 1 to 21600"),
        ("nms_thresh", 1.5, "nms_thresh: got 1.5, takes 0 to 1"),
        ("nms_thresh", float("nan"), "nms_thresh: got nan, takes 0 to 1"),
        ("min_size", -1.0, "min_size: got -1.0, takes 0 to 600"),
        ("stage", 7, "stage"),
        ("side", "both", "side"),
        ("shown", 0, "shown"),
        ("selected", 21_600, "selected: got 21600, takes -1 to 21599"),
    ],
)
def test_traits_out_of_range_are_refused(untouched: FunnelExplorer, trait: str, value: Any, message: str) -> None:
    before, settings = getattr(untouched, trait), untouched.settings
    with pytest.raises(t.TraitError, match=message):
        setattr(untouched, trait, value)
    assert getattr(untouched, trait) == before and untouched.settings == settings


@pytest.mark.parametrize(("preset", "phase"), [("yolo", "test"), ("paper", "tests")])
def test_unknown_presets_are_refused(untouched: FunnelExplorer, preset: str, phase: str) -> None:
    with pytest.raises(ValueError, match=f"preset: got '{preset}', '{phase}', takes one of paper, py-faster-rcnn"):
        untouched.use(preset, phase)


@pytest.mark.parametrize(("stage", "side"), [(0, "left"), (5, "dropped"), (6, "left")])
def test_something_is_left_without_a_page(stage: int, side: str) -> None:
    explorer = FunnelExplorer(make_picture(names=(HOSTILE, "dog", "dog")), *head(), stage=stage, side=side)
    bundle = explorer._repr_mimebundle_()[0]
    assert Image.open(io.BytesIO(base64.b64decode(bundle["image/png"]))).width > 900
    assert bundle["text/plain"] == explorer.describe()
    assert explorer.describe().startswith(f"{STAGES[stage]}: {len(explorer.rows[stage].inds):,} of 21,600 are left")
    page = explorer.to_html()
    assert HOSTILE not in page and page.count("</script>") == 2
    assert payload(explorer) < 650_000


def test_still_draws_the_boxes_of_the_stage(untouched: FunnelExplorer) -> None:
    explorer = FunnelExplorer(make_picture(), *head(), stage=6, shown=7)
    bars, picture = explorer.figure().axes
    assert [text.get_text() for text in bars.texts] == [f"{len(row.inds):,}" for row in explorer.rows]
    paths = picture.collections[0].get_paths()
    assert len(paths) == 7
    assert np.allclose(np.asarray(paths[0].vertices)[[0, 2]].flatten(), explorer.stages.proposals[0].numpy())
    assert set(PROPOSAL_SETTINGS) == set(untouched.settings)
