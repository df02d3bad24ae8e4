"""The backbone: VGG-16's thirteen convolutions and four poolings, at VGG's widths or at our smaller ones.

Shapes: B pictures, H' × W' the network's input, h × w the feature map, 1/16 of it.
"""

from __future__ import annotations

import copy
import math
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchvision.models import VGG16_Weights

from rpnviz._files.data import data_folder
from rpnviz._files.weights import read_weights
from rpnviz._inputs import MOST_PIXELS, check_count, take_each, take_numbers, take_size, take_whole
from rpnviz.grid import CELL, Grid

if TYPE_CHECKING:
    from rpnviz.pictures import Picture

DEPTHS = (2, 2, 3, 3, 3)  # convolutions of each stage; a pooling lies between two stages
WIDTHS = {"vgg16": (64, 128, 256, 512, 512), "mini": (16, 32, 64, 128, 128)}
OUT_CHANNELS = 512  # of conv5_3, whatever the widths before it
MEAN = (0.485, 0.456, 0.406)  # of ImageNet's RGB in [0, 1], as torchvision's weights expect
STD = (0.229, 0.224, 0.225)


class Backbone(nn.Module):
    """3 × H' × W' → 512 × h × w.

    Args:
        widths: channels of the five stages; each at most 2,048.
        batch_norm: put a batch norm after every convolution, for training from scratch; see `fold_batch_norm`.

    Source: Simonyan and Zisserman 2014 (arXiv 1409.1556), configuration D, without its last pooling; Ren et al.
        2015, section 3.1.
    Differs: "mini" is narrower. The layers have torchvision's numbers (features.0 … features.28).
    """

    def __init__(self, widths: tuple[int, int, int, int, int] = WIDTHS["vgg16"], batch_norm: bool = False) -> None:
        """Start untrained."""
        super().__init__()
        stages = take_each(widths, "widths", take_whole, 1, 2048)
        if len(stages) != len(DEPTHS):
            raise ValueError(f"widths must be {len(DEPTHS)} numbers of channels; got {widths}")
        channels = [3, *(width for width, depth in zip(stages, DEPTHS, strict=True) for _ in range(depth))]
        channels[-1] = OUT_CHANNELS
        convolutions = [
            nn.Conv2d(before, after, 3, padding=1, bias=not batch_norm) for before, after in pairwise(channels)
        ]
        for convolution in convolutions:
            nn.init.kaiming_normal_(convolution.weight, mode="fan_out", nonlinearity="relu")
        layers: list[nn.Module] = []
        for stage, depth in enumerate(DEPTHS):
            for _ in range(depth):
                convolution = convolutions.pop(0)
                norm = [nn.BatchNorm2d(convolution.out_channels)] if batch_norm else []
                layers += [convolution, *norm, nn.ReLU(inplace=True)]
            if stage < len(DEPTHS) - 1:
                layers.append(nn.MaxPool2d(2))
        self.layers = nn.Sequential(*layers)

    @classmethod
    def load(cls, name: str, weights: str | Path | None = None) -> Backbone:
        """A trained backbone.

        Args:
            name: "mini" (bundled) or "vgg16" (torchvision's ImageNet weights, downloaded once).
            weights: a file to read instead: safetensors, or a state dict saved by torch (.pth); keys as torchvision's.

        Raises:
            ValueError: if the name is unknown or the file does not hold this network.
            ConnectionError: if the weights have to be downloaded and cannot be.
        """
        if name not in WIDTHS:
            raise ValueError(f"backbone must be one of {', '.join(WIDTHS)}; got {name!r}")
        if weights is None and name == "mini":
            weights = data_folder() / "weights" / "backbone_mini.safetensors"
        state = _download_vgg16() if weights is None else read_weights(Path(weights))
        backbone = cls(WIDTHS[name])
        state = {key.replace("features.", "layers."): value.float() for key, value in state.items()}
        state = {key: value for key, value in state.items() if key.startswith("layers.")}
        try:
            backbone.load_state_dict(state)
        except RuntimeError as error:
            raise ValueError(f"weights {weights} do not fit the backbone {name!r}: {error}") from error
        return backbone.eval()

    def forward(self, images: Tensor, ceil_mode: bool = False) -> Tensor:
        """Run the convolutions and poolings.

        Args:
            images (Tensor[B, 3, H', W']): normalised, see `preprocess`; at least 16 px high and wide.
            ceil_mode: poolings keep an odd last row or column.

        Returns:
            Tensor[B, 512, h, w].

        Raises:
            ValueError: if `images` have another shape or hold NaN or infinity.
        """
        images = take_numbers(images, "images", "B, 3, H, W").to(next(self.parameters()).dtype)
        take_size(images.shape[2:], "images", CELL)
        for layer in self.layers:
            images = F.max_pool2d(images, 2, ceil_mode=ceil_mode) if isinstance(layer, nn.MaxPool2d) else layer(images)
        return images

    @torch.no_grad()
    def features(self, picture: Picture, grid: Grid) -> Tensor:
        """The feature map of a picture on a grid.

        Args:
            picture: its `image` is uint8 [H, W, 3].
            grid: says what the picture is resampled to and how the poolings round.

        Returns:
            Tensor[1, 512, h, w]: float32, 0 or above, on the backbone's device.

        Raises:
            ValueError: if the picture has another size than the grid.
        """
        if picture.image.shape != (*grid.image_size, 3):
            raise ValueError(
                f"picture must have the grid's image_size {grid.image_size}; got {tuple(picture.image.shape[:2])}"
            )
        device = next(self.parameters()).device
        image = torch.tensor(picture.image, device=device).permute(2, 0, 1)[None]  # (1, 3, H, W)
        features: Tensor = self(preprocess(image, grid.input_size), ceil_mode=grid.ceil_mode)
        return features

    def fold_batch_norm(self) -> Backbone:
        """The same function without batch norms: a plain conv–ReLU network like VGG-16, in evaluation mode.

        In evaluation a batch norm multiplies and shifts each channel by fixed numbers; so does a convolution.

        Raises:
            ValueError: if there is no batch norm to fold.
        """
        trained = copy.deepcopy(self).eval()  # this one may be in the middle of its training
        convolutions = [layer for layer in trained.layers if isinstance(layer, nn.Conv2d)]
        norms = [layer for layer in trained.layers if isinstance(layer, nn.BatchNorm2d)]
        if not norms:
            raise ValueError("this backbone has no batch norm to fold")
        widths = tuple(convolutions[i].out_channels for i in (0, 2, 4, 7, 10))
        plain = Backbone(widths)  # type: ignore[arg-type]
        targets = [layer for layer in plain.layers if isinstance(layer, nn.Conv2d)]
        for convolution, norm, target in zip(convolutions, norms, targets, strict=True):
            fused = nn.utils.fusion.fuse_conv_bn_eval(convolution, norm)
            target.load_state_dict(fused.state_dict())
        return plain.to(next(self.parameters()).device).eval()


def preprocess(images: Tensor, input_size: tuple[int, int]) -> Tensor:
    """Resample and normalise pictures for the network.

    Args:
        images (Tensor[B, 3, H, W]): 0 to 255.
        input_size: (H', W') of the network's input; at most 8,388,608 px in all.

    Returns:
        Tensor[B, 3, H', W']: float32, ImageNet's mean and deviation taken out.

    Raises:
        ValueError: if `images` have another shape or hold NaN or infinity, or input_size is no size.
    """
    x = take_numbers(images, "images", "B, 3, H, W").float() / 255
    input_size = take_size(input_size, "input_size")
    check_count(math.prod(input_size), MOST_PIXELS, f"input_size {input_size} has … px")
    if x.shape[-2:] != input_size:
        x = F.interpolate(x, size=input_size, mode="bilinear", antialias=True)
    mean, std = (torch.tensor(values, device=x.device).view(1, 3, 1, 1) for values in (MEAN, STD))
    return (x - mean) / std


def _download_vgg16() -> dict[str, Tensor]:
    """Weights of torchvision, from its cache or from the net, with its progress bar and hash check."""
    try:
        state: dict[str, Tensor] = VGG16_Weights.IMAGENET1K_V1.get_state_dict(progress=True, check_hash=True)
    except (OSError, RuntimeError) as error:  # URLError and time-outs are OSErrors, a wrong hash is a RuntimeError
        raise ConnectionError(
            f"VGG-16's weights could not be downloaded from {VGG16_Weights.IMAGENET1K_V1.url} ({error}). Either go "
            'online once and run Backbone.load("vgg16") again, or fetch that file elsewhere and run '
            'Backbone.load("vgg16", weights="PATH/TO/vgg16-397923af.pth")'
        ) from error
    return state
