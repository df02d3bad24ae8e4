"""Ground textures: noise and slab patterns as seamless tiles 4 m across. Numpy only."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from tools.scenes.mesh import Floats

TILE_METRES = 4.0
TILE_PIXELS = 1024
_SEED = 1  # one set of textures for all scenes; scenes differ in which pavement they use

# Slab length and width in metres, colour (sRGB): large slabs, squares, bricks.
PAVEMENTS = (
    ((1.0, 0.5), (0.62, 0.59, 0.55)),
    ((0.5, 0.5), (0.66, 0.61, 0.53)),
    ((0.25, 0.125), (0.60, 0.44, 0.37)),
)
ASPHALT, GRASS = (0.43, 0.44, 0.46), (0.33, 0.47, 0.20)


@cache
def ground_textures() -> dict[str, NDArray[np.float32]]:
    """Return the tiles "asphalt", "grass", "pavement 0", "pavement 1", "pavement 2": sRGB in 0…1, [1024, 1024, 3]."""
    fine, soft, cloudy = _noise(0.2, _SEED), _noise(0.7, _SEED + 1), _noise(1.3, _SEED + 2)
    tiles = {
        "asphalt": np.array(ASPHALT) * (1 + 0.10 * fine + 0.05 * cloudy)[..., None],
        "grass": np.array(GRASS) * (1 + 0.2 * soft + 0.1 * cloudy)[..., None],
    }
    for i, ((length, width), base) in enumerate(PAVEMENTS):
        tone, joint = _slabs(length, width)
        light = (1 + 0.07 * tone + 0.035 * soft + 0.03 * cloudy) * (0.62 + 0.38 * joint)
        tiles[f"pavement {i}"] = np.array(base) * light[..., None]
    return {name: np.clip(tile, 0.01, 0.98).astype(np.float32) for name, tile in tiles.items()}


def _noise(roll_off: float, seed: int) -> Floats:
    """Return noise with mean 0 and deviation 1 that tiles: a spectrum that falls with frequency^-roll_off."""
    frequency = np.fft.fftfreq(TILE_PIXELS)
    radius = np.hypot(frequency[:, None], frequency[None])
    radius[0, 0] = 1
    white = np.random.default_rng(seed).standard_normal((TILE_PIXELS, TILE_PIXELS))
    noise = np.fft.ifft2(np.fft.fft2(white) * radius**-roll_off).real
    return np.asarray((noise - noise.mean()) / noise.std())


def _slabs(length: float, width: float) -> tuple[Floats, Floats]:
    """Return for slabs laid in running bond: a random tone a slab in -1…1, and 0 in the joints, 1 elsewhere."""
    metres = np.arange(TILE_PIXELS) * TILE_METRES / TILE_PIXELS
    row = np.floor(metres / width).astype(int)
    shifted = metres[None, :] / length + (row % 2)[:, None] / 2  # every other row half a slab on
    column = (np.floor(shifted) % round(TILE_METRES / length)).astype(int)
    tones = np.random.default_rng(_SEED + 3).uniform(-1, 1, (row.max() + 1, column.max() + 1))
    to_row_joint = np.minimum(metres / width % 1, 1 - metres / width % 1) * width
    to_joint = np.minimum(np.minimum(shifted % 1, 1 - shifted % 1) * length, to_row_joint[:, None])
    return tones[row[:, None], column], np.clip((to_joint - 0.008) / 0.012, 0, 1)
