"""What objects are put together from: painted meshes, and the colours of this world.

An object is a list of parts round its own origin: it faces +x, stands on z = 0, metres.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from tools.scenes.mesh import Mesh, Vector

Colour = tuple[float, float, float]
T = TypeVar("T")


def colour(code: str) -> Colour:
    """Return sRGB in 0…1 of a "#rrggbb"."""
    red, green, blue = (int(code[i : i + 2], 16) / 255 for i in (1, 3, 5))
    return red, green, blue


def colours(codes: str) -> list[Colour]:
    """Return the colours of a line of codes."""
    return [colour(code) for code in codes.split()]


PAINT = colours("#e4572e #f2b134 #2e86ab #3fa37c #f4f1ea #8e5ea2 #d1495b #4f6d8f #7fc8c2 #2f3e55 #c9cfd6")
CLOTH = colours("#e4572e #f2b134 #2e86ab #3fa37c #f4f1ea #8e5ea2 #d1495b #30475e #7fc8c2 #f7a072 #59405c #e9c46a")
SKIN = colours("#f2c9a5 #e0a878 #c68642 #8d5524 #5c3a21 #ffdbc4")
HAIR = colours("#2b1d14 #5a3825 #8a5a2b #c98b3c #1a1a1f #9b9b9b #a23e2a")
GLASS, TYRE, RIM, BLACK, WHITE = colours("#1d2b3a #24262b #c8ccd2 #17181c #f6f4ee")
LAMP_GLOW, TAIL_LIGHT, CHROME, IRON = colours("#fff3c4 #c8202f #aab0b8 #3a4654")


@dataclass(frozen=True)
class Part:
    """A mesh of one colour (sRGB in 0…1) and one roughness (0 mirror, 1 chalk)."""

    mesh: Mesh
    colour: Colour
    roughness: float


class Parts(list[Part]):
    """A growing list of parts."""

    def put(self, meshes: Mesh | Iterable[Mesh], paint: Colour, roughness: float) -> None:
        """Add one mesh or several in the same paint."""
        for mesh in [meshes] if isinstance(meshes, Mesh) else meshes:
            self.append(Part(mesh, paint, roughness))

    def moved(self, offset: Vector) -> Parts:
        """Return all parts shifted by `offset` (metres)."""
        return Parts(Part(part.mesh.moved(offset), part.colour, part.roughness) for part in self)

    def scaled(self, factors: float | Vector) -> Parts:
        """Return all parts stretched round the object's origin."""
        return Parts(Part(part.mesh.scaled(factors), part.colour, part.roughness) for part in self)


def pick(rng: np.random.Generator, choices: Sequence[T]) -> T:
    """Return one of the choices; unlike rng.choice it leaves tuples alone."""
    return choices[int(rng.integers(len(choices)))]


def tinted(paint: Colour, amount: float) -> Colour:
    """Return the colour mixed with white (amount > 0) or black (amount < 0)."""
    red, green, blue = (c + (1 - c) * amount if amount > 0 else c * (1 + amount) for c in paint)
    return red, green, blue


def dimmed(paint: Colour, factor: float) -> Colour:
    """Return the colour times a factor, kept within 0…1."""
    red, green, blue = (min(1.0, c * factor) for c in paint)
    return red, green, blue
