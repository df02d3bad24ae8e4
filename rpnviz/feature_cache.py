"""Feature maps that take seconds to compute, kept in the user's cache folder.

A file is named by everything that its values follow from: the pixels, the grid and the weights. So it is never stale; a
file may be deleted at any time.
"""

from __future__ import annotations

import hashlib
import warnings
from pathlib import Path

import platformdirs
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor, nn
from tqdm.auto import tqdm

from rpnviz._files.atomic import write_whole
from rpnviz.backbone import OUT_CHANNELS, Backbone
from rpnviz.grid import Grid
from rpnviz.pictures import Picture


def cache_folder() -> Path:
    """Where the files lie, e.g. ~/.cache/rpnviz/features."""
    return platformdirs.user_cache_path("rpnviz") / "features"


def cached_features(backbone: Backbone, picture: Picture, grid: Grid) -> Tensor:
    """`backbone.features(picture, grid)`, computed once: with a progress bar the first time, read from a file later.

    Args:
        backbone: any; worth it for the full-size VGG-16.
        picture: its `image` is uint8 [H, W, 3].
        grid: says what the picture is resampled to and how the poolings round.

    Returns:
        Tensor[1, 512, h, w]: float32, the very values that `backbone.features` gives.

    Raises:
        ValueError: if the picture has another size than the grid.
    """
    path = cache_folder() / f"{_key(backbone, picture, grid)}.safetensors"
    shape = (1, OUT_CHANNELS, *grid.feature_size)
    try:
        features = load_file(path)["features"]
        if features.shape == shape:
            return features.to(next(backbone.parameters()).device)
    except (OSError, SafetensorError, KeyError):
        pass  # not there, or damaged: it is computed, and the file written anew
    features = _with_progress(backbone, picture, grid)
    try:
        write_whole(path, save({"features": features.cpu().contiguous()}))
    except OSError as error:
        warnings.warn(f"the features of {picture.name} could not be kept in {path.parent}: {error}", stacklevel=2)
    return features


def _key(backbone: Backbone, picture: Picture, grid: Grid) -> str:
    """A hash of all that the features follow from."""
    key = hashlib.sha256(repr((picture.image.shape, grid.image_size, grid.input_size, grid.ceil_mode)).encode())
    key.update(picture.image.tobytes())
    for name, value in backbone.state_dict().items():
        key.update(name.encode())
        key.update(value.cpu().numpy().tobytes())
    return key.hexdigest()[:32]


def _with_progress(backbone: Backbone, picture: Picture, grid: Grid) -> Tensor:
    """Compute, with a bar that moves on after every convolution."""
    convolutions = [layer for layer in backbone.layers if isinstance(layer, nn.Conv2d)]
    with tqdm(total=len(convolutions), desc=f"features of {picture.name}", unit="convolution", leave=False) as bar:
        hooks = [layer.register_forward_hook(lambda *_: bar.update() and None) for layer in convolutions]
        try:
            return backbone.features(picture, grid)
        finally:
            for hook in hooks:
                hook.remove()
