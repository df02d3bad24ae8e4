"""The explorer of the second head's answers: what it holds, what it refuses, what is left without a page."""

from __future__ import annotations

import base64
import io
from typing import Any

import numpy as np
import pytest
import torch
import traitlets as t
from matplotlib.colors import to_rgba
from PIL import Image
from playwright.sync_api import Browser

from rpnviz.detection import CLASSES, RoIHead, detect
from rpnviz.explorers.detections import explorer as module
from rpnviz.explorers.detections.explorer import LOWEST, DetectionsExplorer
from rpnviz.figures.palette import PALETTE
from rpnviz.grid import Grid
from tests.explorers.page_code import ask_page
from tests.explorers.small_scene import HOSTILE, make_picture, payload


@pytest.fixture(scope="module")
def scene() -> tuple[torch.Tensor, torch.Tensor, RoIHead]:
    """A map, proposals in clusters, and an untrained head with opinions."""
    generator = torch.Generator().manual_seed(3)
    corner = torch.tensor([[100.0, 100], [400, 200], [700, 300]]).repeat(8, 1)
    corner = corner + 12 * torch.rand(24, 2, generator=generator)
    proposals = torch.cat([corner, corner + 150], dim=1)
    torch.manual_seed(0)
    head = RoIHead(in_channels=16).eval()
    torch.nn.init.normal_(head.cls_score.weight, std=2.0)
    return torch.rand(1, 16, 40, 60, generator=generator), proposals, head


def make(scene: tuple[torch.Tensor, torch.Tensor, RoIHead], **traits: Any) -> DetectionsExplorer:
    return DetectionsExplorer(make_picture(), Grid.paper(), *scene, **traits)


@pytest.fixture
def explorer(scene: tuple[torch.Tensor, torch.Tensor, RoIHead]) -> DetectionsExplorer:
    return make(scene)


def labels_of(explorer: DetectionsExplorer) -> Any:
    return np.frombuffer(explorer.labels, "u1")


ASK = """
export const ask = ({ boxes, labels, most, thresholds }) => thresholds.map((thresh) =>
  [...batchedNms(new Float32Array(boxes), Int32Array.from(labels.keys()), labels, thresh).slice(0, most)]);
"""
NMS = [0.0, 0.3, 0.5, 0.6, 1.0]


@pytest.mark.parametrize("score_thresh", [LOWEST, 0.3, 0.9])
def test_page_shows_what_detect_finds(explorer: DetectionsExplorer, browser: Browser, score_thresh: float) -> None:
    """One NMS at the lowest score serves every higher threshold: a box is only removed by a better one."""
    boxes, labels = np.frombuffer(explorer.boxes, "<f4").tolist(), labels_of(explorer).tolist()
    given = {"boxes": boxes, "labels": labels, "most": explorer.plan["most"], "thresholds": NMS}
    features, proposals, head, grid = explorer._asked
    for nms_thresh, kept in zip(NMS, ask_page(browser, "common/compute/nms.js", ASK, given), strict=True):
        explorer.nms_thresh, explorer.score_thresh = nms_thresh, score_thresh
        found = detect(features, proposals, head, grid, score_thresh, nms_thresh)
        shown = [i for i in kept if explorer.named.scores[i] > score_thresh]
        assert torch.equal(explorer.named.boxes[shown], found.boxes)
        assert torch.equal(explorer.named.labels[shown], found.labels)
        assert torch.equal(explorer.detections.boxes, found.boxes)


def test_sends_every_class_that_scores(explorer: DetectionsExplorer) -> None:
    boxes = np.frombuffer(explorer.boxes, "<f4").reshape(-1, 4)
    assert np.array_equal(boxes, explorer.named.boxes.numpy()) and len(boxes) > 24
    assert explorer.named.scores.min() > LOWEST
    assert sorted(labels_of(explorer))[0] >= 1  # no background
    assert explorer.plan["classes"] == list(CLASSES)


@pytest.mark.parametrize(
    ("trait", "value"),
    [
        ("stage", "nms"),
        ("score_thresh", 0.0),
        ("score_thresh", 1.0),
        ("nms_thresh", -0.1),
        ("nms_thresh", 1.1),
        ("selected", -2),
        ("selected", 100_000),
    ],
)
def test_refuses(explorer: DetectionsExplorer, trait: str, value: Any) -> None:
    before = getattr(explorer, trait)
    with pytest.raises(t.TraitError, match=trait):
        setattr(explorer, trait, value)
    assert getattr(explorer, trait) == before


@pytest.mark.parametrize("stage", module.STAGES)
def test_something_is_left_without_a_page(scene: tuple[torch.Tensor, torch.Tensor, RoIHead], stage: str) -> None:
    picture = make_picture(HOSTILE, (HOSTILE, "dog", "dog"))
    shown = DetectionsExplorer(picture, Grid.paper(), *scene, stage=stage, score_thresh=0.4)
    bundle: Any = shown._repr_mimebundle_()[0]
    assert Image.open(io.BytesIO(base64.b64decode(bundle["image/png"]))).width > 700
    assert bundle["text/plain"] == shown.describe()
    page = shown.to_html()
    assert HOSTILE not in page and page.count("</script>") == 2
    assert payload(shown) < 400_000


def test_stages_look_different(scene: tuple[torch.Tensor, torch.Tensor, RoIHead]) -> None:
    assert len({make(scene, stage=stage).to_png() for stage in module.STAGES}) == 3


@pytest.mark.parametrize("stage", ["named", "detections"])
def test_all_classes_have_one_line_at_every_stage(explorer: DetectionsExplorer, stage: str) -> None:
    explorer.stage = stage
    shown = explorer.named if stage == "named" else explorer.detections
    drawn = {patch.get_edgecolor() for patch in explorer.figure().axes[0].patches}
    assert drawn == {to_rgba(PALETTE["detection"])} and len(set(shown.labels.tolist())) > 1


def test_names_are_left_out_where_they_would_bury_the_picture(explorer: DetectionsExplorer) -> None:
    assert len(explorer.figure().axes[0].texts) == len(explorer.detections.boxes) <= 20
    explorer.nms_thresh = 1.0
    assert len(explorer.detections.boxes) > 20 and not explorer.figure().axes[0].texts


def test_the_limit_is_named_where_it_cuts(explorer: DetectionsExplorer, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "best" not in explorer.describe() and explorer.plan["most"] == 100
    monkeypatch.setattr(module, "MOST", 3)
    assert "the best 3 detections after NMS" in explorer.describe()


def test_of_many_proposals_the_best_stand_out(explorer: DetectionsExplorer) -> None:
    explorer.stage = "proposals"
    picture = explorer.figure().axes[0]
    assert len(picture.patches) == 10 and len(picture.collections[0].get_paths()) == 14


def test_counts_are_in_the_sentence(explorer: DetectionsExplorer) -> None:
    explorer.score_thresh = 0.3
    above = int((explorer.named.scores > 0.3).sum())
    assert explorer.describe() == (
        f"24 proposals, {above} boxes that score above 0.30 for a class, "
        f"{len(explorer.detections.boxes)} detections after NMS at 0.50."
    )
