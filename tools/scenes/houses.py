"""House fronts and far hills: the unlabelled background. A front faces -y, its foot at z = 0, its wall at y = 0."""

from __future__ import annotations

import numpy as np

from tools.scenes.mesh import ball, box
from tools.scenes.mesh import rounded_box as rbox
from tools.scenes.parts import CLOTH, GLASS, WHITE, Colour, Parts, colours, pick, tinted

WALLS = colours("#f2d6b3 #e8b59a #cfdcd6 #f3e6c8 #d9a28c #b9c8d6 #e9d0d0 #c9b79c #a8bfae #e6c26e")
SHUTTERS: list[Colour | None] = [None, *colours("#5c8a6a #7a4a3b #4f6d8f")]
DOORS = colours("#7a3b2e #2f5d50 #30475e #a9773f")
HILLS = colours("#7fb069 #6a9f5f #8fbf78 #5f9474")
GROUND_FLOOR, STOREY = 3.6, 2.75  # heights in metres


def house(rng: np.random.Generator, width: float, storeys: int) -> Parts:
    """Build a house front `width` metres wide with `storeys` floors of windows over a shop or a flat."""
    wall = pick(rng, WALLS)
    trim = pick(rng, [WHITE, tinted(wall, 0.6), tinted(wall, -0.35)])
    height = GROUND_FLOOR + STOREY * storeys
    parts = Parts()
    parts.put(rbox((width, 5, height), (0, 2.5, height / 2), 0.03, 1), wall, 0.9)
    parts.put(rbox((width + 0.1, 0.5, 0.35), (0, 0, height - 0.1), 0.05, 2), trim, 0.8)
    parts.put(rbox((width, 0.12, 0.9), (0, -0.02, 0.45), 0.02, 1), tinted(wall, -0.3), 0.9)
    shutters = pick(rng, SHUTTERS)
    columns = int(width / 1.9)
    for floor in range(storeys):
        for i in range(columns):
            x, z = -width / 2 + (i + 0.5) * width / columns, GROUND_FLOOR + floor * STOREY + 1.0
            _window(parts, x, z, trim, tinted(GLASS, rng.uniform(0.02, 0.3)), shutters)
    if rng.random() < 0.65:
        _door(parts, rng, width / 2 - 0.95, trim)
        _shop(parts, rng, width, trim)
    else:
        door_x = rng.uniform(-width / 2 + 0.9, width / 2 - 0.9)
        _door(parts, rng, door_x, trim)
        window_x = -np.sign(door_x) * width / 4
        parts.put(rbox((1.9, 0.16, 1.5), (window_x, 0, 1.7), 0.03, 1), trim, 0.8)
        parts.put(rbox((1.7, 0.2, 1.3), (window_x, 0, 1.7), 0.02, 1), tinted(GLASS, 0.15), 0.12)
    return parts


def _window(parts: Parts, x: float, z: float, trim: Colour, glass: Colour, shutters: Colour | None) -> None:
    """Add a window with frame, middle bar, sill and, if there is a colour for them, shutters."""
    parts.put(rbox((1.15, 0.16, 1.7), (x, 0, z), 0.03, 1), trim, 0.8)
    parts.put(rbox((0.95, 0.2, 1.5), (x, 0, z), 0.02, 1), glass, 0.12)
    parts.put(rbox((0.05, 0.24, 1.5), (x, 0, z), 0.01, 1), trim, 0.8)
    parts.put(rbox((1.35, 0.4, 0.1), (x, -0.05, z - 0.88), 0.03, 1), trim, 0.8)
    if shutters is not None:
        for side in (-0.82, 0.82):
            parts.put(rbox((0.42, 0.1, 1.65), (x + side, -0.04, z), 0.02, 1), shutters, 0.85)


def _door(parts: Parts, rng: np.random.Generator, x: float, trim: Colour) -> None:
    """Add a framed front door."""
    parts.put(rbox((1.15, 0.2, 2.35), (x, 0, 1.2), 0.04, 2), trim, 0.8)
    parts.put(rbox((0.95, 0.26, 2.2), (x, 0, 1.12), 0.03, 2), pick(rng, DOORS), 0.6)


def _shop(parts: Parts, rng: np.random.Generator, width: float, trim: Colour) -> None:
    """Add a shop window under a striped awning."""
    wide, middle = width - 2.6, -0.75
    parts.put(rbox((wide, 0.2, 1.75), (middle, 0, 1.65), 0.04, 2), trim, 0.8)
    parts.put(rbox((wide - 0.2, 0.26, 1.55), (middle, 0, 1.65), 0.03, 1), tinted(GLASS, 0.18), 0.08)
    cloth, stripes = pick(rng, CLOTH), int(wide / 0.42)
    for i in range(stripes):
        x = middle - wide / 2 + (i + 0.5) * wide / stripes
        paint = WHITE if i % 2 else cloth
        slope = box((wide / stripes, 1.15, 0.09)).turned("x", 24).moved((x, -0.5, 2.72))
        parts.put(slope, paint, 0.85)
        parts.put(box((wide / stripes, 0.05, 0.24), (x, -1.02, 2.40)), paint, 0.85)


def hill(rng: np.random.Generator) -> Parts:
    """Build a far green hill."""
    green, parts = pick(rng, HILLS), Parts()
    parts.put(ball((rng.uniform(25, 45), 14, rng.uniform(6, 13)), n=40), green, 0.95)
    return parts
