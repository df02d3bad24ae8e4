"""Composed scenes: which objects stand where, written down instead of drawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from tools.scenes.camera import Camera
from tools.scenes.layout import draw_scenery, draw_street
from tools.scenes.scene import VEHICLES, Placed, Scene, keeps_to_the_road, place


@dataclass(frozen=True)
class Item:
    """One labelled object.

    Attributes:
        name: its class.
        column: the picture column where its middle stands, about (exact at the horizon).
        depth: metres into the street.
        yaw: degrees to the left from facing right.
        look: the seed of its looks.
    """

    name: str
    column: float
    depth: float
    yaw: float
    look: int


@dataclass(frozen=True)
class Recipe:
    """A composed scene.

    Attributes:
        name: of its files.
        shows: one sentence for people: what there is to see and what it is good for.
        seed: of all that is not written here: light, pavement, street furniture, houses, render noise.
        camera: where it is seen from.
        depths: near kerb, far kerb and house fronts, in metres.
        items: the labelled objects.
        crossing: x of the zebra crossing's left edge in metres, or None.
    """

    name: str
    shows: str
    seed: int
    camera: Camera
    depths: tuple[float, float, float]
    items: Sequence[Item]
    crossing: float | None = None


def compose(recipe: Recipe) -> Scene:
    """Lay out a recipe.

    Raises:
        ValueError: if an object stands in another one, or a vehicle on a kerb; says which.
    """
    near, far, fronts = recipe.depths
    drawn = draw_street(recipe.seed)
    street = replace(drawn, camera=recipe.camera, near_kerb=near, far_kerb=far, fronts=fronts, crossing=recipe.crossing)
    objects: list[Placed] = []
    for i, item in enumerate(recipe.items):
        x = recipe.camera.across(item.column, item.depth)
        placed = place(item.name, item.look, street, x, item.depth, item.yaw)
        if not placed.stands_clear_of(objects):
            raise ValueError(f"{recipe.name}: item {i} ({item.name}) stands in an item before it; move it apart")
        if item.name in VEHICLES and not keeps_to_the_road(placed, street):
            y = placed.points[:, 1]
            raise ValueError(
                f"{recipe.name}: item {i} ({item.name}) reaches from depth {y.min():.2f} to {y.max():.2f} m; "
                f"the road leaves it {near + 0.1:.2f} to {far - 0.1:.2f}"
            )
        objects.append(placed)
    return Scene(recipe.seed, street, objects, draw_scenery(recipe.seed, street, objects))
