"""The explorer of the second head's answers: what it holds, what it refuses, what is left without a page."""

from __future__ import annotations

import base64
import io
from typing import Any

import numpy as np
import pytest
import torch
import traitlets as t
from PIL import Image

from rpnviz.detection import CLASSES, RoIHead, detect
from rpnviz.explorers.detections import explorer as module
from rpnviz.explorers.detections.explorer import LOWEST, DetectionsExplorer
from rpnviz.grid import Grid
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


def sent(explorer: DetectionsExplorer, score_thresh: float) -> set[tuple[int, int]]:
    """(proposal, class) of what the page shows after NMS, by the very rule of the page."""
    scores = np.frombuffer(explorer.scores, "<f4")
    shown = np.frombuffer(explorer.kept, "u1").astype(bool) & (scores > score_thresh)
    pairs = zip(np.frombuffer(explorer.proposal_inds, "<i4")[shown], labels_of(explorer)[shown], strict=True)
    return {(int(proposal), int(label)) for proposal, label in pairs}


@pytest.mark.parametrize("nms_thresh", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("score_thresh", [LOWEST, 0.3, 0.9])
def test_page_shows_what_detect_finds(explorer: DetectionsExplorer, nms_thresh: float, score_thresh: float) -> None:
    """One NMS at the lowest score serves every higher threshold: a box is only removed by a better one."""
    explorer.nms_thresh, explorer.score_thresh = nms_thresh, score_thresh
    features, proposals, head, grid = explorer._asked
    found = detect(features, proposals, head, grid, score_thresh, nms_thresh)
    assert sent(explorer, score_thresh) == set(zip(found.proposal_inds.tolist(), found.labels.tolist(), strict=True))
    assert torch.equal(explorer.detections.boxes, found.boxes)
    assert explorer.answered == {"nms_thresh": nms_thresh}


def test_sends_every_class_that_scores(explorer: DetectionsExplorer) -> None:
    boxes = np.frombuffer(explorer.boxes, "<f4").reshape(-1, 4)
    assert np.array_equal(boxes, explorer.named.boxes.numpy()) and len(boxes) > 24
    assert explorer.named.scores.min() > LOWEST
    assert sorted(labels_of(explorer))[0] >= 1  # no background
    assert [look["name"] for look in explorer.plan["classes"]] == ["proposal", *CLASSES[1:]]
    looks = {(look["color"], tuple(look["dash"])) for look in explorer.plan["classes"][1:]}
    assert len(looks) == 6


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


def test_errors_are_shown_and_raised(explorer: DetectionsExplorer, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError("no memory")

    monkeypatch.setattr(module, "detect", broken)
    with pytest.raises(RuntimeError, match="no memory"):
        explorer.nms_thresh = 0.25
    assert explorer.error == "could not change what is shown: RuntimeError: no memory"


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
def test_a_class_has_one_line_at_every_stage(explorer: DetectionsExplorer, stage: str) -> None:
    explorer.stage = stage
    shown = explorer.named if stage == "named" else explorer.detections
    drawn = [patch.get_linestyle() for patch in explorer.figure().axes[0].patches]
    dashes = [explorer.plan["classes"][label]["dash"] for label in shown.labels.tolist()]
    assert [style in ("-", "solid") for style in drawn] == [not dash for dash in dashes]
    assert len({tuple(dash) for dash in dashes}) > 1


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
        f"{len(sent(explorer, 0.3))} detections after NMS at 0.50."
    )
