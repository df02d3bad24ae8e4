"""The backbone: torchvision's layers and numbers, weights from files nobody vouches for, folding, the three grids."""

from __future__ import annotations

import copy
import os
import pickle
from pathlib import Path
from urllib.error import URLError

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torchvision.models import VGG16_Weights, vgg

from rpnviz._files.data import data_folder
from rpnviz.backbone import MEAN, STD, WIDTHS, Backbone, preprocess
from rpnviz.grid import Grid
from rpnviz.pictures import Picture

DEVICES = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]
TINY = (4, 4, 4, 4, 4)


def torchvisions_features() -> nn.Sequential:
    """`vgg16().features` with random weights, without the 120 million numbers of the classifier."""
    torch.manual_seed(0)
    features: nn.Sequential = vgg.make_layers(vgg.cfgs["D"])
    return features


@pytest.fixture(scope="module")
def their_features() -> nn.Sequential:
    return torchvisions_features()


@pytest.fixture(scope="module")
def their_state(their_features: nn.Sequential) -> dict[str, Tensor]:
    """The state dict of a whole vgg16, with a classifier that is cut short."""
    state = {f"features.{key}": value for key, value in their_features.state_dict().items()}
    return {**state, "classifier.0.weight": torch.zeros(3, 3), "classifier.0.bias": torch.zeros(3)}


def grey_picture(image_size: tuple[int, int] = (600, 1000)) -> Picture:
    image = np.full((*image_size, 3), 128, dtype=np.uint8)
    return Picture(image=image, gt_boxes=torch.zeros(0, 4), class_names=[], name="grey")


# --- layers ----------------------------------------------------------------------------------------------------------


def test_parameter_counts() -> None:
    # Σ in · out · 9 + out over 3→64→64→128→128→256→256→256→512 …
    assert sum(p.numel() for p in Backbone().parameters()) == 14_714_688
    # 448 + 2,320 + 4,640 + 9,248 + 18,496 + 2 · 36,928 + 73,856 + 2 · 147,584 + 2 · 147,584 + 590,336
    assert sum(p.numel() for p in Backbone(WIDTHS["mini"]).parameters()) == 1_363_536


def test_layers_have_torchvisions_numbers() -> None:
    ours = {key.replace("layers.", "features."): value.shape for key, value in Backbone().state_dict().items()}
    theirs = {f"features.{key}": value.shape for key, value in torchvisions_features().state_dict().items()}
    assert ours == theirs
    numbers = sorted({int(key.split(".")[1]) for key in ours})
    assert numbers == [0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28]


@pytest.mark.parametrize("ceil_mode", [False, True])
def test_same_function_as_torchvisions(
    ceil_mode: bool, their_features: nn.Sequential, their_state: dict[str, Tensor]
) -> None:
    backbone = Backbone()
    backbone.load_state_dict({f"layers.{key}": value for key, value in their_features.state_dict().items()})
    theirs = copy.deepcopy(their_features[:30])  # without the fifth pooling
    for layer in theirs:
        if isinstance(layer, nn.MaxPool2d):
            layer.ceil_mode = ceil_mode
    images = torch.randn(1, 3, 50, 70)
    with torch.no_grad():
        features = backbone(images, ceil_mode=ceil_mode)
        torch.testing.assert_close(features, theirs(images))
    # 50 → 25 → 12 → 6 → 3 and 70 → 35 → 17 → 8 → 4, or 25, 13, 7, 4 and 35, 18, 9, 5
    assert features.shape == (1, 512, *((4, 5) if ceil_mode else (3, 4)))


def test_the_last_convolution_has_512_channels_at_any_width() -> None:
    assert Backbone(TINY)(torch.zeros(1, 3, 32, 48)).shape == (1, 512, 2, 3)


def test_untrained_weights_are_kaimings() -> None:
    torch.manual_seed(0)
    for layer in Backbone(WIDTHS["mini"]).layers:
        if isinstance(layer, nn.Conv2d):
            # as vgg's: N(0, 2 / fan-out), so that a signal neither fades nor grows over 13 layers; 432 numbers or more
            deviation = (2 / (9 * layer.out_channels)) ** 0.5
            assert float(layer.weight.detach().std()) == pytest.approx(deviation, rel=0.1)


# --- weights ---------------------------------------------------------------------------------------------------------


def test_the_bundled_backbone() -> None:
    backbone = Backbone.load("mini")
    assert not backbone.training
    assert not any(isinstance(layer, nn.BatchNorm2d) for layer in backbone.modules())
    for parameter in backbone.parameters():
        assert parameter.dtype == torch.float32
        assert torch.isfinite(parameter).all()
    stored = load_file(data_folder() / "weights" / "backbone_mini.safetensors")
    assert {value.dtype for value in stored.values()} == {torch.float16}
    assert torch.equal(backbone.state_dict()["layers.28.weight"], stored["features.28.weight"].float())


@pytest.mark.parametrize("suffix", [".safetensors", ".pth"])
def test_weights_from_a_file(suffix: str, their_state: dict[str, Tensor], tmp_path: Path) -> None:
    path = tmp_path / f"weights{suffix}"
    if suffix == ".pth":
        torch.save(their_state, path)
    else:
        save_file(their_state, path)
    for weights in (path, str(path)):
        state = Backbone.load("vgg16", weights=weights).state_dict()
        assert len(state) == 26
        assert all(torch.equal(value, their_state[key.replace("layers", "features")]) for key, value in state.items())


def test_weights_in_half_precision_are_widened(tmp_path: Path) -> None:
    state = {
        key.replace("layers", "features"): value.half() for key, value in Backbone(WIDTHS["mini"]).state_dict().items()
    }
    save_file(state, tmp_path / "half.safetensors")
    loaded = Backbone.load("mini", weights=tmp_path / "half.safetensors")
    assert {parameter.dtype for parameter in loaded.parameters()} == {torch.float32}


class Hostile:
    """A pickle that would run a command."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, ("hacked",)


def test_hostile_pickles_are_refused_and_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    torch.save({"features.0.weight": Hostile()}, "zipped.pth")
    Path("plain.pth").write_bytes(pickle.dumps(Hostile(), protocol=2))
    for name in ("zipped.pth", "plain.pth"):
        with pytest.raises(ValueError, match=f"weights {name} are not loaded: they hold something other than tensors"):
            Backbone.load("vgg16", weights=name)
    assert not Path("hacked").exists()


def test_files_that_hold_no_network_are_refused(tmp_path: Path, their_state: dict[str, Tensor]) -> None:
    bad = {name: tmp_path / name for name in ("page.pth", "empty.pth", "page.safetensors", "list.pth", "numbers.pth")}
    bad["page.pth"].write_text("<html>404</html>")
    bad["page.safetensors"].write_text("<html>404</html>")
    bad["empty.pth"].write_bytes(b"")
    torch.save([torch.zeros(1)], bad["list.pth"])
    torch.save({0: torch.zeros(1)}, bad["numbers.pth"])
    for name, path in bad.items():
        with pytest.raises(ValueError, match=f"{name} "):
            Backbone.load("vgg16", weights=path)


@pytest.mark.parametrize("suffix", [".safetensors", ".pth"])
def test_truncated_files_are_refused(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"weights{suffix}"
    state = {"features.0.weight": torch.zeros(64, 3, 3, 3)}
    if suffix == ".pth":
        torch.save(state, path)
    else:
        save_file(state, path)
    path.write_bytes(path.read_bytes()[:-2000])
    with pytest.raises(ValueError, match="cannot be read as safetensors or a torch state dict"):
        Backbone.load("vgg16", weights=path)


def test_missing_files_are_refused(tmp_path: Path) -> None:
    for path in (tmp_path / "none.pth", tmp_path):  # a folder is no file either
        with pytest.raises(ValueError, match=f"weights must be a file; there is none at {path}"):
            Backbone.load("vgg16", weights=path)


def test_other_networks_are_refused(tmp_path: Path, their_state: dict[str, Tensor]) -> None:
    path = tmp_path / "weights.pth"
    torch.save(their_state, path)
    with pytest.raises(ValueError, match=r"(?s)do not fit the backbone 'mini'.*size mismatch for layers\.0\.weight"):
        Backbone.load("mini", weights=path)
    torch.save({"features.0.weight": their_state["features.0.weight"]}, path)
    with pytest.raises(ValueError, match=r"(?s)do not fit the backbone 'vgg16'.*Missing key.*layers\.28\.bias"):
        Backbone.load("vgg16", weights=path)
    torch.save({"conv1.weight": torch.zeros(1)}, path)
    with pytest.raises(ValueError, match="do not fit the backbone 'vgg16'"):
        Backbone.load("vgg16", weights=path)


def test_unknown_backbones_are_refused() -> None:
    with pytest.raises(ValueError, match="backbone must be one of vgg16, mini; got 'resnet50'"):
        Backbone.load("resnet50")


@pytest.mark.parametrize(
    "error", [URLError("no route"), TimeoutError("slow"), RuntimeError('invalid hash value (expected "397923af")')]
)
def test_a_failed_download_names_both_ways(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(VGG16_Weights, "get_state_dict", fail)
    with pytest.raises(ConnectionError) as refused:
        Backbone.load("vgg16")
    message = str(refused.value)
    assert 'online once and run Backbone.load("vgg16") again' in message
    assert 'weights="PATH/TO/vgg16-397923af.pth"' in message
    assert VGG16_Weights.IMAGENET1K_V1.url in message
    assert str(error) in message


def test_the_download_is_torchvisions_with_progress_and_hash(
    monkeypatch: pytest.MonkeyPatch, their_state: dict[str, Tensor]
) -> None:
    asked = []

    def answer(self: VGG16_Weights, **settings: bool) -> dict[str, Tensor]:
        asked.append((self, settings))
        return their_state

    monkeypatch.setattr(VGG16_Weights, "get_state_dict", answer)
    backbone = Backbone.load("vgg16")
    assert torch.equal(backbone.state_dict()["layers.0.weight"], their_state["features.0.weight"])
    assert asked == [(VGG16_Weights.IMAGENET1K_V1, {"progress": True, "check_hash": True})]


# --- batch norm ------------------------------------------------------------------------------------------------------


def trained_with_batch_norm() -> Backbone:
    torch.manual_seed(0)
    backbone = Backbone(TINY, batch_norm=True)
    for layer in backbone.layers:
        if isinstance(layer, nn.BatchNorm2d):
            nn.init.uniform_(layer.weight, 0.5, 1.5)
            nn.init.normal_(layer.bias)
            nn.init.normal_(layer.running_mean)  # type: ignore[arg-type]
            nn.init.uniform_(layer.running_var, 0.5, 2)  # type: ignore[arg-type]
    return backbone


def test_folding_keeps_the_function() -> None:
    backbone = trained_with_batch_norm()
    plain = backbone.fold_batch_norm()
    assert backbone.training  # it may go on training
    assert backbone.layers[1].training
    assert not plain.training
    assert not any(isinstance(layer, nn.BatchNorm2d) for layer in plain.modules())
    assert plain.state_dict().keys() == Backbone(TINY).state_dict().keys()
    images = torch.randn(2, 3, 64, 64)
    with torch.no_grad():
        before = backbone.eval()(images)
        torch.testing.assert_close(plain(images), before, rtol=1e-4, atol=1e-4)
    assert before.abs().max() > 0.1


def test_folding_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="no batch norm to fold"):
        Backbone(TINY).fold_batch_norm()


# --- pictures --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("grid", [Grid.paper(), Grid.floor(), Grid.ceil()], ids=lambda grid: grid.name)
def test_features_have_the_grids_size(grid: Grid, device: str) -> None:
    backbone = Backbone(TINY).to(device)
    features = backbone.features(grey_picture(), grid)
    assert features.shape == (1, 512, *grid.feature_size)
    assert (features.device.type, features.dtype) == (device, torch.float32)
    assert (features >= 0).all()
    assert not features.requires_grad


def test_features_refuse_a_picture_of_another_size() -> None:
    with pytest.raises(ValueError, match=r"picture must have the grid's image_size \(600, 1000\); got \(480, 640\)"):
        Backbone(TINY).features(grey_picture((480, 640)), Grid.paper())


def test_preprocess_takes_out_imagenets_mean_and_deviation() -> None:
    images = torch.tensor([0, 128, 255], dtype=torch.uint8).view(1, 3, 1, 1).expand(1, 3, 4, 6)
    out = preprocess(images, (4, 6))
    # red 0 → (0 − 0.485) / 0.229, green 128 / 255 → (0.50196 − 0.456) / 0.224, blue 1 → (1 − 0.406) / 0.225
    assert out[0, :, 0, 0].tolist() == pytest.approx([-2.117904, 0.205182, 2.64], abs=1e-5)
    assert (MEAN, STD) == ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))


def test_preprocess_resamples_without_shift() -> None:
    # a step at x = 500 of 1000 is a step at 480 of 960, and at y nothing changes
    images = torch.zeros(1, 3, 600, 1000, dtype=torch.uint8)
    images[..., 500:] = 255
    out = preprocess(images, (640, 960))
    assert out.shape == (1, 3, 640, 960)
    red = out[0, 0] * STD[0] + MEAN[0]
    assert red[320, 470:478].tolist() == pytest.approx([0] * 8, abs=1e-5)
    assert red[320, 482:490].tolist() == pytest.approx([1] * 8, abs=1e-5)
    assert red[:, 478:482].mean().item() == pytest.approx(0.5, abs=1e-3)  # the step is where it should be


def test_row_and_column_of_a_bright_spot() -> None:
    # a white square round the centre of cell (10, 40) lights that very cell of the map most
    torch.manual_seed(0)
    backbone = Backbone(TINY)
    for parameter in backbone.parameters():
        nn.init.constant_(parameter, 0.05)
    grid, picture = Grid.paper(), grey_picture()
    x, y = (round(v) for v in grid.centre(10, 40))
    picture.image[:] = 0
    picture.image[y - 8 : y + 8, x - 8 : x + 8] = 255
    response = backbone.features(picture, grid)[0].sum(dim=0)
    assert divmod(int(response.argmax()), 60) == (10, 40)
