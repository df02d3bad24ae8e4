"""The linked explorer on VGG-16: its own head, its weights from a file, its features from the cache."""

from __future__ import annotations

from pathlib import Path

import platformdirs
import pytest
import torch
from safetensors.torch import save_file
from torchvision.models import VGG16_Weights

import rpnviz
from rpnviz.backbone import WIDTHS, Backbone
from rpnviz.rpn import RPNHead


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(platformdirs, "user_cache_path", lambda name: tmp_path / name)
    return tmp_path / "rpnviz" / "features"


@pytest.fixture
def weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file in torchvision's format of a network as deep as VGG-16, but narrow: only the way to it is tested here."""
    monkeypatch.setitem(WIDTHS, "vgg16", (4, 4, 4, 4, 4))
    torch.manual_seed(0)
    state = Backbone(WIDTHS["vgg16"]).state_dict()
    path = tmp_path / "vgg16.safetensors"
    save_file({key.replace("layers.", "features."): value for key, value in state.items()}, path)
    return path


def test_it_shows_what_the_network_of_the_file_says(cache: Path, weights: Path) -> None:
    explorer = rpnviz.explore("street-03", backbone="vgg16", weights=weights)
    backbone = Backbone.load("vgg16", weights)
    scene = explorer.results
    features = backbone.features(scene.picture, scene.grid)
    assert torch.equal(scene.features, features[0])
    with torch.no_grad():
        objectness, _ = RPNHead.load("vgg16")(features)
    scores = scene.stages.all_scores.view(40, 60, 9).permute(2, 0, 1)
    assert torch.allclose(scores, objectness[0].sigmoid())
    assert len(list(cache.iterdir())) == 1
    explorer.picture = "street-01"
    assert len(list(cache.iterdir())) == 2
    explorer.picture = "street-03"  # seen before
    assert len(list(cache.iterdir())) == 2


def test_mini_needs_no_cache(cache: Path) -> None:
    rpnviz.explore("street-03")
    assert not cache.exists()


def test_a_failed_download_says_what_to_do(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def offline(*_: object, **__: object) -> None:
        raise OSError("no route to host")

    monkeypatch.setattr(type(VGG16_Weights.IMAGENET1K_V1), "get_state_dict", offline)
    with pytest.raises(ConnectionError, match=r'could not be downloaded .*no route to host.*weights="PATH'):
        rpnviz.explore("street-03", backbone="vgg16")
    assert not cache.exists()


def test_the_bundled_head_is_small_and_has_a_card() -> None:
    folder = Path(rpnviz.__file__).parent.parent / "data" / "weights"
    assert (folder / "rpn_head_vgg16.safetensors").stat().st_size < 5_000_000
    assert (folder / "vgg16.json").is_file()
