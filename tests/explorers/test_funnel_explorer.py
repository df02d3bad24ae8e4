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

from rpnviz.boxes import clip
from rpnviz.explorers.funnel import explorer as funnel_module
from rpnviz.explorers.funnel.explorer import SETTINGS, FunnelExplorer
from rpnviz.inspect.funnel import STAGES
from rpnviz.proposals import PRESETS, propose
from tests.explorers.page_code import as_state, ask_page
from tests.explorers.small_scene import HOSTILE, make_picture, payload

ASK = """
const { revive } = rpnviz.take("saved/open.js");
const { typed } = rpnviz.take("common/model.js");
export function ask(state) {
  const { result, decoded, settings } = JSON.parse(state, revive);
  const read = readResult(result);
  const eighths = typed(decoded, Int16Array);
  const anchors = Array.from({ length: eighths.length / 4 }, (_, i) => i);
  const box = (i) => Array.from(eighths.subarray(4 * i, 4 * i + 4), (value) => value / 8);
  const stages = result.left.map((_, stage) => stage);
  return {
    fates: anchors.map((i) => read.fate(i)), suppressors: anchors.map((i) => read.suppressor(i)),
    left: stages.map((stage) => read.list(stage, "left")), dropped: stages.map((stage) => read.list(stage, "dropped")),
    clipped: anchors.map((i) => clipped(box(i), 1000, 600)), words: explanations(settings, 1234),
    none: explanations(settings, 0),
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


@pytest.fixture(scope="module")
def said(untouched: FunnelExplorer, browser: Browser) -> dict[str, Any]:
    """What the page's code reads out of the result, asked in an empty page."""
    state = {"result": untouched.result, "decoded": untouched.decoded, "settings": untouched.settings}
    text = as_state(state)
    answer: dict[str, Any] = ask_page(browser, "funnel/result.js", ASK, text)
    return answer


def test_page_says_every_fate_as_python(untouched: FunnelExplorer, said: dict[str, Any]) -> None:
    stages = untouched.stages
    assert said["fates"] == [stages.fate(i) for i in range(21_600)]
    assert {fate.split()[0] for fate in said["fates"]} == {"proposal", "kept", "suppressed", "below", "too"}
    assert "below the top 6,000 scores" in said["fates"]
    assert said["suppressors"] == stages.suppressed_by.tolist()


def test_page_lists_who_is_left_and_who_is_dropped(untouched: FunnelExplorer, said: dict[str, Any]) -> None:
    for number, row in enumerate(untouched.rows):
        assert said["left"][number] == row.inds.tolist()
        before = untouched.rows[max(number - 1, 0)].inds
        assert said["dropped"][number] == before[~torch.isin(before, row.inds)].tolist()


def test_page_clips_as_python(untouched: FunnelExplorer, said: dict[str, Any]) -> None:
    wanted = clip(untouched.stages.decoded, (600, 1000))
    assert np.abs(np.array(said["clipped"]) - wanted.numpy()).max() <= 1 / 16 + 1e-3


def test_page_names_the_settings_it_explains(said: dict[str, Any]) -> None:
    words = said["words"]
    assert len(words) == len(STAGES) and all("1,234 are dropped" in words[stage] for stage in (3, 4, 5, 6))
    for stage, part in ((3, "16 px"), (4, "best 6,000 scores"), (5, "above 0.70"), (6, "best 300")):
        assert part in words[stage]


def test_page_gives_no_reason_where_nobody_is_dropped(said: dict[str, Any]) -> None:
    rank = "Nobody is dropped. There is no threshold on the score, only a rank."
    assert said["none"][3:] == ["Nobody is dropped.", rank, "Nobody is dropped.", "Nobody is dropped."]


def test_counts_are_those_of_the_funnel(untouched: FunnelExplorer) -> None:
    counts = [count for _, count in untouched.stages.funnel()]
    assert untouched.result["left"] == [counts[0], *counts]
    assert untouched.result["covered"][0] == [2, 1]  # an anchor fits the car; 90×182 lies in 120×200: 0.68


@pytest.mark.parametrize(("preset", "phase"), [("py-faster-rcnn", "train"), ("torchvision", "test")])
def test_settings_of_others(explorer: FunnelExplorer, preset: str, phase: str) -> None:
    explorer.use(preset, phase)
    assert explorer.settings == explorer.answered == PRESETS[preset][phase]
    wanted = propose(*head(), explorer.anchors, (600, 1000), **PRESETS[preset][phase])
    assert torch.equal(explorer.stages.post_nms_inds, wanted.post_nms_inds)
    assert explorer.result["left"][-1] == len(wanted.proposals)


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
    assert asked == [PRESETS["torchvision"]["test"]]


def test_errors_are_shown_and_raised(explorer: FunnelExplorer, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError("no memory")

    monkeypatch.setattr(funnel_module, "propose", broken)
    with pytest.raises(RuntimeError, match="no memory"):
        explorer.nms_thresh = 0.5
    assert explorer.error == "could not change what is shown: RuntimeError: no memory"


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
    assert explorer.describe().startswith(f"{STAGES[stage]}: {explorer.result['left'][stage]:,} of 21,600 are left")
    page = explorer.to_html()
    assert HOSTILE not in page and page.count("</script>") == 2
    assert payload(explorer) < 650_000


def test_still_draws_the_boxes_of_the_stage(untouched: FunnelExplorer) -> None:
    explorer = FunnelExplorer(make_picture(), *head(), stage=6, shown=7)
    bars, picture = explorer.figure().axes
    assert [text.get_text() for text in bars.texts] == [f"{count:,}" for count in explorer.result["left"]]
    paths = picture.collections[0].get_paths()
    assert len(paths) == 7
    assert np.allclose(np.asarray(paths[0].vertices)[[0, 2]].flatten(), explorer.stages.proposals[0].numpy())
    assert set(SETTINGS) == set(untouched.settings)
