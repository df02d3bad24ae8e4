"""The explorer of notebook 05: the very sample of sample_minibatch, its counts, and what is left without a page."""

from __future__ import annotations

import base64
import io

import pytest
import torch
import traitlets as t
from PIL import Image

from rpnviz.explorers.minibatch.explorer import MinibatchExplorer
from rpnviz.targets import label_anchors, sample_minibatch
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
