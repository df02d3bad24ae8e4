"""Random streets: what stands where, from one seed. Numpy only; nothing is rendered here.

Each stage draws from a stream of its own, [seed, stage], so that a change to one stage leaves the others alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tools.scenes.camera import WIDTH, Box, Camera, area, clip_box, overlap
from tools.scenes.furniture import FURNITURE, tree
from tools.scenes.houses import hill, house
from tools.scenes.mesh import Floats
from tools.scenes.scene import PAVEMENT_HEIGHT, VEHICLES, Placed, Scene, Street, keeps_to_the_road, place

STAGES = {"street": 0, "objects": 1, "furniture": 2, "backdrop": 3}
APPETITE = {"person": 1.05, "dog": 0.8, "bicycle": 0.7, "car": 0.95, "bus": 0.45, "traffic cone": 0.6}
AT_MOST = {"person": 5, "dog": 3, "bicycle": 3, "car": 4, "bus": 1, "traffic cone": 3}
MOST_COVERED = 0.55  # of the smaller of two boxes
SMALLEST, TALLEST, WIDEST = 60, 640, 1000  # pixels


def stream(seed: int, stage: str) -> np.random.Generator:
    """Return the random stream of one stage of a seed."""
    return np.random.default_rng([seed, STAGES[stage]])


def random_scene(seed: int) -> Scene:
    """Lay out a street with four to eight objects; the same seed always gives the same layout."""
    street = draw_street(seed)
    objects = draw_objects(seed, street)
    return Scene(seed, street, objects, draw_scenery(seed, street, objects))


def draw_street(seed: int) -> Street:
    """Draw camera, widths, light and markings."""
    rng = stream(seed, "street")
    camera = Camera(rng.uniform(1.7, 2.9), rng.uniform(44, 58), rng.uniform(170, 235), rng.uniform(-22, 22))
    near = rng.uniform(5.2, 8.2)
    far = near + rng.uniform(6.4, 7.4)
    return Street(
        camera=camera,
        near_kerb=near,
        far_kerb=far,
        fronts=far + rng.uniform(4.5, 7.5),
        sun_elevation=rng.uniform(30, 56),
        sun_azimuth=rng.choice([-1, 1]) * rng.uniform(25, 65) - 90,  # from behind a shoulder: no front in the dark
        pavement=int(rng.integers(3)),
        dash_start=rng.uniform(-40, -36),
        crossing=rng.uniform(-5, 5) if rng.random() < 0.45 else None,
    )


def draw_objects(seed: int, street: Street) -> list[Placed]:
    """Place the labelled objects: for each vehicle wished for a dozen tries, else whatever finds room."""
    rng = stream(seed, "objects")
    crowd = _Crowd(street)
    wanted = int(rng.integers(4, 9))
    wishes = ["bus"] * int(rng.random() < 0.42) + ["car"] * int(rng.integers(0, 4))
    rng.shuffle(wishes)
    names, weights = list(APPETITE), np.array(list(APPETITE.values()))
    for attempt in range(160):
        if len(crowd.objects) == wanted:
            break
        name = str(rng.choice(names, p=weights / weights.sum()))
        due = wishes[: attempt // 12 + 1]
        if attempt < 12 * len(wishes) and crowd.count(due[-1]) < due.count(due[-1]):
            name = due[-1]
        if crowd.count(name) < AT_MOST[name]:
            crowd.accept(_draw_object(rng, name, street))
    return crowd.objects


def _draw_object(rng: np.random.Generator, name: str, street: Street) -> Placed:
    """Draw a place and a look for one object, whether it fits or not."""
    look, column = int(rng.integers(1 << 31)), rng.uniform(20, WIDTH - 20)
    if name in VEHICLES:
        lane = int(rng.integers(2))
        y = street.near_kerb + (street.far_kerb - street.near_kerb) * (0.27, 0.73)[lane] + rng.uniform(-0.3, 0.3)
        yaw = (0, 180)[lane] + rng.uniform(-7, 7)
        if rng.random() < 0.22:  # turning off, or parked askew
            yaw += rng.choice([-1, 1]) * rng.uniform(20, 60)
    else:
        y = _draw_depth(rng, street)
        yaw = rng.uniform(0, 360)
        if name == "bicycle":  # seldom seen end-on, where it is a stroke
            yaw = rng.choice([0, 180]) + rng.uniform(-45, 45)
    return place(name, look, street, street.camera.across(column, y), y, yaw)


def _draw_depth(rng: np.random.Generator, street: Street) -> float:
    """Draw a depth on the near pavement (mostly), the far one or the road."""
    nearest = min(street.camera.height * 1.3 + 1.2, street.near_kerb - 0.6)
    spans = [
        (nearest, street.near_kerb - 0.5),
        (street.far_kerb + 0.5, street.fronts - 0.9),
        (street.near_kerb + 0.4, street.far_kerb - 0.4),
    ]
    return float(rng.uniform(*spans[int(rng.choice(3, p=[0.58, 0.28, 0.14]))]))


@dataclass
class _Crowd:
    """The labelled objects so far, and who may still join them."""

    street: Street

    def __post_init__(self) -> None:
        self.objects: list[Placed] = []
        self._boxes: list[Box] = []

    def count(self, name: str) -> int:
        return sum(other.name == name for other in self.objects)

    def accept(self, newcomer: Placed) -> bool:
        """Add an object if it has room, is well in the picture and hides nobody; return whether it was added."""
        if not newcomer.stands_clear_of(self.objects):
            return False
        if newcomer.name in VEHICLES and not keeps_to_the_road(newcomer, self.street):
            return False
        box = self.street.camera.box_of(newcomer.points)
        if box is None or not self._well_sized(box, 0.55 if newcomer.name in VEHICLES else 0.6):
            return False
        if any(overlap(box, other) > MOST_COVERED * min(area(box), area(other)) for other in self._boxes):
            return False
        self.objects.append(newcomer)
        self._boxes.append(box)
        return True

    @staticmethod
    def _well_sized(box: Box, least_inside: float) -> bool:
        width, height = box[2] - box[0], box[3] - box[1]
        inside = area(clip_box(box)) >= least_inside * width * height
        return inside and max(width, height) >= SMALLEST and height <= TALLEST and width <= WIDEST


def draw_scenery(seed: int, street: Street, objects: list[Placed]) -> list[Placed]:
    """Place everything without a label: street furniture, houses, the trees between them, hills."""
    return [*_draw_furniture(seed, street, objects), *_draw_backdrop(seed, street)]


def _draw_furniture(seed: int, street: Street, objects: list[Placed]) -> list[Placed]:
    """Place three to six pieces, most of them on the far pavement where they hide nobody."""
    rng = stream(seed, "furniture")
    standing: list[Placed] = []
    for _ in range(int(rng.integers(3, 7))):
        name = str(rng.choice(["tree", *FURNITURE]))  # trees twice as often
        far = rng.random() < 0.8
        span = (street.far_kerb + 0.6, street.fronts - 1.2) if far else (street.near_kerb - 1.2, street.near_kerb - 0.5)
        y, across, quarter = rng.uniform(*span), rng.uniform(-1, 1), rng.choice([0, 90, 180, -90])
        x = across * (y * 0.62 + 2) - np.tan(np.deg2rad(street.camera.yaw)) * y
        yaw = -90.0 if name == "lamp" else float(quarter)  # a lamp hangs over the road
        parts = FURNITURE[name](np.random.default_rng(rng.integers(1 << 31)))
        piece = Placed(name, parts, np.array([x, y, PAVEMENT_HEIGHT]), yaw)
        slim = name in ("litter bin", "sign", "hydrant")
        if (far or slim) and piece.stands_clear_of([*objects, *standing]):
            standing.append(piece)
    return standing


def _draw_backdrop(seed: int, street: Street) -> list[Placed]:
    """Place a row of houses with gaps for trees, and hills behind; houses out of view are left out."""
    rng = stream(seed, "backdrop")
    backdrop: list[Placed] = []
    x = -45.0
    while x < 45:
        width, gap = rng.uniform(5.5, 9.5), rng.random() >= 0.82
        own = np.random.default_rng(rng.integers(1 << 31))
        if gap:
            for _ in range(3):
                spot = np.array([x + own.uniform(0.8, width - 0.8), street.fronts + own.uniform(1, 4), 0.0])
                backdrop.append(Placed("tree", tree(own), spot, own.uniform(0, 360)))
        elif _in_view(street.camera, x, x + width, street.fronts):
            parts = house(own, width, int(own.choice([1, 2, 3], p=[0.4, 0.35, 0.25])))
            spot = np.array([x + width / 2, street.fronts, PAVEMENT_HEIGHT])
            backdrop.append(Placed("house", parts, spot, 0.0))
        x += width
    for _ in range(7):
        spot = np.array([rng.uniform(-110, 110), rng.uniform(95, 130), 0.0])
        backdrop.append(Placed("hill", hill(rng), spot, 0.0))
    return backdrop


def _in_view(camera: Camera, x0: float, x1: float, y: float) -> bool:
    """Return whether a house between x0 and x1 may reach into the picture."""
    corners: Floats = np.array([[x, depth, 1.0] for x in (x0, x1) for depth in (y - 1, y + 5)])
    pixels, depth = camera.project(corners)
    return bool(depth.max() > 1 and pixels[:, 0].max() > -60 and pixels[:, 0].min() < WIDTH + 60)
