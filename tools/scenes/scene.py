"""What a scene consists of, whoever lays it out: a street, labelled objects on it, unlabelled scenery."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from tools.scenes.bicycles import bicycle
from tools.scenes.camera import Camera
from tools.scenes.furniture import traffic_cone
from tools.scenes.living import dog, person
from tools.scenes.mesh import Floats, rotation
from tools.scenes.parts import Part, Parts
from tools.scenes.vehicles import bus, car

PAVEMENT_HEIGHT = 0.14  # metres above the road
Builder = Callable[[np.random.Generator], Parts]


@dataclass(frozen=True)
class Kind:
    """A class of labelled objects: how it is built, and the discs (x along the object, radius) it stands on."""

    build: Builder
    footprint: tuple[tuple[float, float], ...]


KINDS = {
    "person": Kind(person, ((0.0, 0.42),)),
    "dog": Kind(dog, ((0.0, 0.4),)),
    "bicycle": Kind(bicycle, ((-0.5, 0.45), (0.5, 0.45))),
    "car": Kind(car, ((-1.4, 1.05), (0.0, 1.05), (1.4, 1.05))),
    "bus": Kind(bus, ((-3.6, 1.5), (-1.8, 1.5), (0.0, 1.5), (1.8, 1.5), (3.6, 1.5))),
    "traffic cone": Kind(traffic_cone, ((0.0, 0.3),)),
}
VEHICLES = ("car", "bus")


@dataclass(frozen=True)
class Street:
    """The ground and the light. Depths are y in metres: pavement, road, pavement, house fronts."""

    camera: Camera
    near_kerb: float
    far_kerb: float
    fronts: float
    sun_elevation: float  # degrees
    sun_azimuth: float  # degrees; -90 is behind the camera
    pavement: int  # which of the three pavement textures
    dash_start: float  # x of the first dash of the middle line
    crossing: float | None  # x of the left edge of a zebra crossing

    def ground(self, y: float) -> float:
        """Return the height of the ground at street depth y."""
        return 0.0 if self.near_kerb < y < self.far_kerb else PAVEMENT_HEIGHT


@dataclass(frozen=True)
class Placed:
    """A thing at its place in the street, turned `yaw` degrees to the left from facing +x."""

    name: str
    parts: Sequence[Part]
    position: Floats
    yaw: float
    footprint: tuple[tuple[float, float], ...] = ((0.0, 0.5),)
    _turn: Floats = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Work out the turn once."""
        object.__setattr__(self, "_turn", rotation("z", self.yaw))

    def to_world(self, points: Floats) -> Floats:
        """Move points of the object into the street; what would be under the ground lies flat on it."""
        return np.maximum(points, [-np.inf, -np.inf, 0]) @ self._turn.T + self.position

    def turn(self, directions: Floats) -> Floats:
        """Turn directions of the object into the street."""
        return directions @ self._turn.T

    @property
    def points(self) -> Floats:
        """All vertices in the street, [V, 3] metres."""
        return np.concatenate([self.to_world(part.mesh.vertices) for part in self.parts])

    @property
    def discs(self) -> list[tuple[Floats, float]]:
        """The discs (centre [2], radius) the thing stands on."""
        ahead = self._turn[:2, 0]
        return [(self.position[:2] + ahead * offset, radius) for offset, radius in self.footprint]

    def stands_clear_of(self, others: Sequence[Placed]) -> bool:
        """Return whether no disc of this thing touches a disc of the others."""
        theirs = [disc for other in others for disc in other.discs]
        return all(np.hypot(*(p - q)) > r + s for p, r in self.discs for q, s in theirs)


def place(name: str, look: int, street: Street, x: float, y: float, yaw: float) -> Placed:
    """Put a labelled object on the ground.

    Args:
        name (str): one of KINDS.
        look (int): the seed of its looks; every object has one of its own, so that editing one class, or adding a
            random call to it, leaves all the others as they were.
        street (Street): gives the height of the ground.
        x (float): metres to the right.
        y (float): metres into the street.
        yaw (float): degrees to the left from facing +x.
    """
    kind = KINDS[name]
    position = np.array([x, y, street.ground(y)])
    return Placed(name, kind.build(np.random.default_rng(look)), position, yaw, kind.footprint)


def keeps_to_the_road(vehicle: Placed, street: Street) -> bool:
    """Return whether a vehicle is off both kerbs, into which its wheels would sink."""
    y = vehicle.points[:, 1]
    return bool(y.min() >= street.near_kerb + 0.1 and y.max() <= street.far_kerb - 0.1)


@dataclass(frozen=True)
class Scene:
    """A street with everything on it. `objects` carry labels, `scenery` does not."""

    seed: int
    street: Street
    objects: Sequence[Placed]
    scenery: Sequence[Placed]
