"""The explorer of notebook 05: the very sample of sample_minibatch, its counts, and what is left without a page."""

from __future__ import annotations

import base64
import io
from typing import Any

import pytest
import torch
import traitlets as t
from PIL import Image
from playwright.sync_api import Browser

from rpnviz.explorers.minibatch.explorer import MinibatchExplorer
from rpnviz.targets import label_anchors, sample_minibatch
from tests.explorers.page_code import as_state, ask_page
from tests.explorers.small_scene import make_picture, payload


@pytest.fixture
def explorer() -> MinibatchExplorer:
    return MinibatchExplorer(make_picture())


@pytest.mark.parametrize(
    ("seed", "size", "fraction"), [(0, 256, 0.5), (7, 256, 0.5), (7, 32, 0.25), (3, 512, 1.0), (3, 16, 0.0)]
)
def test_sample_is_that_of_sample_minibatch(explorer: MinibatchExplorer, seed: int, size: int, fraction: float) -> None:
    explorer.seed, explorer.batch_size_per_image, explorer.positive_fraction = seed, size, fraction
    generator = torch.Generator().manual_seed(seed)
    positives, negatives = sample_minibatch(explorer.found.labels, size, fraction, generator)
    assert positives.tolist() == explorer.sampled_pos_inds.tolist()
    assert negatives.tolist() == explorer.sampled_neg_inds.tolist()


ASK = """
const { revive, standIn } = rpnviz.take("saved/open.js");
export const ask = (states) => states.map((state) => {
  const { drawn, labelled } = readStore({ model: standIn(JSON.parse(state, revive)), redraw: () => {} });
  const { pos, neg, most } = drawn();
  return { pos: [...pos], neg: [...neg], most, counts: labelled().counts };
});
"""
TWO = [{"name": "van", "box": [100.0, 100, 356, 356]}, {"name": "", "box": [600.0, 300, 690, 482]}]
MOVED: list[dict[str, Any]] = [
    {},
    {"seed": 7, "batch_size_per_image": 32, "positive_fraction": 0.25},
    {"seed": 3, "batch_size_per_image": 512, "positive_fraction": 1.0},
    {"positive_fraction": 0.0, "batch_size_per_image": 16},
    {"fg_iou_thresh": 0.4, "bg_iou_thresh": 0.4, "seed": 99},
    {"allow_low_quality_matches": False, "drop_cross_boundary": False},
    {"objects": TWO, "seed": 1},
    {"scales": [32.0, 600], "aspect_ratios": [0.4, 1, 1.5, 3], "seed": 5},
    {"objects": []},
]


def test_page_draws_what_python_draws(browser: Browser) -> None:
    explorers = [MinibatchExplorer(make_picture()) for _ in MOVED]
    for explorer, moved in zip(explorers, MOVED, strict=True):
        explorer.set_state(moved)  # as the page sends it
        assert explorer.error == ""
    states = [as_state(explorer.saved_state()) for explorer in explorers]
    said = ask_page(browser, "minibatch/view.js", ASK, states)
    for explorer, page in zip(explorers, said, strict=True):
        assert page["pos"] == explorer.sampled_pos_inds.tolist()
        assert page["neg"] == explorer.sampled_neg_inds.tolist()
        assert page["counts"] == explorer.counts
        assert page["most"] == int(explorer.batch_size_per_image * explorer.positive_fraction)
        assert len(page["pos"]) == min(page["most"], page["counts"]["positive"])
    assert len({str((page["pos"], page["neg"])) for page in said}) == len(MOVED)
    assert not said[-1]["pos"] and len(said[-1]["neg"]) == 256


def test_labels_follow_rules_and_objects(explorer: MinibatchExplorer) -> None:
    explorer.set_state({"objects": [{"name": "van", "box": [100.0, 100, 356, 356]}], "fg_iou_thresh": 0.5})
    boxes = torch.tensor([[100.0, 100, 356, 356]])
    assert torch.equal(explorer.picture.gt_boxes, boxes) and explorer.picture.class_names == ["van"]
    found = label_anchors(explorer.anchors, boxes, (600, 1000), fg_iou_thresh=0.5)
    assert torch.equal(explorer.found.labels, found.labels)
    assert explorer.counts["positive"] == int((found.labels == 1).sum()) > 0


def test_counts_follow_the_two_urns(explorer: MinibatchExplorer) -> None:
    there = explorer.counts["positive"]
    assert 16 < there < 128
    assert (len(explorer.sampled_pos_inds), len(explorer.sampled_neg_inds)) == (there, 256 - there)
    explorer.batch_size_per_image = 32
    assert (len(explorer.sampled_pos_inds), len(explorer.sampled_neg_inds)) == (16, 16)
    assert f"16 positive + 16 negative anchors, out of {there}" in explorer.describe()


def test_another_seed_is_another_sample(explorer: MinibatchExplorer) -> None:
    first = explorer.sampled_neg_inds.tolist()
    explorer.seed = 1
    assert explorer.sampled_neg_inds.tolist() != first
    explorer.seed = 0
    assert explorer.sampled_neg_inds.tolist() == first


@pytest.mark.parametrize(
    ("trait", "value"),
    [("seed", -1), ("seed", 100), ("batch_size_per_image", 0), ("positive_fraction", 1.5), ("selected", 21_600)],
)
def test_settings_out_of_range_are_refused(explorer: MinibatchExplorer, trait: str, value: float) -> None:
    before = getattr(explorer, trait)
    with pytest.raises(t.TraitError, match=trait):
        setattr(explorer, trait, value)
    assert getattr(explorer, trait) == before


def test_something_is_left_without_a_page(explorer: MinibatchExplorer) -> None:
    bundle = explorer._repr_mimebundle_()[0]
    assert Image.open(io.BytesIO(base64.b64decode(bundle["image/png"]))).width > 900
    assert bundle["text/plain"] == explorer.describe()
    assert payload(explorer) < 600_000
    assert '"has_kernel":false' in explorer.to_html()
