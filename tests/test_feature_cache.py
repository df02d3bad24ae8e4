"""The feature cache: the same values, computed once; named by all they follow from; never half a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import platformdirs
import pytest
import torch
from safetensors.torch import save
from tqdm.auto import tqdm

from rpnviz.backbone import Backbone
from rpnviz.feature_cache import cache_folder, cached_features
from rpnviz.grid import Grid
from rpnviz.pictures import Picture

GRID = Grid("tiny", (64, 96), input_size=(64, 96))


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(platformdirs, "user_cache_path", lambda name: tmp_path / name)
    assert cache_folder() == tmp_path / "rpnviz" / "features"
    return cache_folder()


@pytest.fixture
def backbone() -> Backbone:
    torch.manual_seed(0)
    return Backbone((4, 4, 4, 4, 4)).eval()


def picture(seed: int = 0) -> Picture:
    image = np.random.default_rng(seed).integers(0, 256, (64, 96, 3), dtype=np.uint8)
    return Picture(image, torch.zeros(0, 4), [], "noise")


def must_not_compute(*_: Any) -> None:
    raise AssertionError("computed although a file holds it")


def test_the_second_time_is_read_and_equal(
    backbone: Backbone, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    first = cached_features(backbone, picture(), GRID)
    assert torch.equal(first, backbone.features(picture(), GRID))
    assert "features of noise" in capsys.readouterr().err  # the progress bar
    assert not any(layer._forward_hooks for layer in backbone.layers)
    assert [path.suffix for path in folder.iterdir()] == [".safetensors"]
    monkeypatch.setattr(backbone, "features", must_not_compute)
    assert torch.equal(cached_features(backbone, picture(), GRID), first)
    assert capsys.readouterr().err == ""


def test_another_picture_grid_or_network_has_a_file_of_its_own(backbone: Backbone, folder: Path) -> None:
    cached_features(backbone, picture(), GRID)
    one_pixel = picture()
    one_pixel.image[63, 95, 2] ^= 1
    cached_features(backbone, one_pixel, GRID)
    cached_features(backbone, picture(), Grid("tiny", (64, 96), input_size=(64, 96), ceil_mode=True))
    cached_features(backbone, picture(), Grid("tiny", (64, 96), input_size=(64, 112)))
    with torch.no_grad():
        backbone.layers[28].bias[511] += 1e-3  # type: ignore[index, operator]
    cached_features(backbone, picture(), GRID)
    assert len(list(folder.iterdir())) == 5


def test_the_bar_moves_on_after_every_convolution(backbone: Backbone, monkeypatch: pytest.MonkeyPatch) -> None:
    moves: list[float] = []
    monkeypatch.setattr(tqdm, "update", lambda _, by=1: moves.append(by))
    cached_features(backbone, picture(), GRID)
    assert moves == [1] * 13


@pytest.mark.parametrize("damage", ["cut", "empty", "foreign", "other name", "other shape"])
def test_a_damaged_file_is_computed_anew(damage: str, backbone: Backbone, folder: Path) -> None:
    expected = cached_features(backbone, picture(), GRID)
    (path,) = folder.iterdir()
    good = path.read_bytes()
    if damage == "other shape":
        cached_features(backbone, picture(), Grid("tiny", (64, 96), input_size=(64, 112)))
        other = next(p for p in folder.iterdir() if p != path)
        path.write_bytes(other.read_bytes())
    else:
        path.write_bytes(
            {"cut": good[:-1], "empty": b"", "foreign": b"PK not tensors at all", "other name": save({"x": expected})}[
                damage
            ]
        )
    assert torch.equal(cached_features(backbone, picture(), GRID), expected)
    assert path.read_bytes() == good


def test_an_interrupted_write_leaves_nothing(backbone: Backbone, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def kill(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "replace", kill)
    with pytest.raises(KeyboardInterrupt):
        cached_features(backbone, picture(), GRID)
    assert list(folder.iterdir()) == []


def test_a_cache_that_cannot_be_written_is_said_and_costs_nothing_else(backbone: Backbone, folder: Path) -> None:
    folder.parent.write_text("a file where the folder should be")
    with pytest.warns(UserWarning, match="the features of noise could not be kept in"):
        features = cached_features(backbone, picture(), GRID)
    assert torch.equal(features, backbone.features(picture(), GRID))


def test_a_picture_of_another_size_is_refused_before_anything_is_written(backbone: Backbone, folder: Path) -> None:
    with pytest.raises(ValueError, match="image_size"):
        cached_features(backbone, picture(), Grid.paper())
    assert not folder.exists()


def test_the_same_bytes_in_another_shape_are_another_picture(backbone: Backbone) -> None:
    cached_features(backbone, picture(), GRID)
    upright = Picture(picture().image.reshape(96, 64, 3), torch.zeros(0, 4), [], "upright")
    with pytest.raises(ValueError, match="image_size"):
        cached_features(backbone, upright, GRID)
