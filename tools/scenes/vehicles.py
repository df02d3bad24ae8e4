"""Cars and buses. Each builder takes a random generator and returns parts that face +x and stand on z = 0."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tools.scenes.mesh import Floats, ball, both_sides, curve, disc, hull_along_x, hull_along_z, lathe, torus, tube
from tools.scenes.mesh import rounded_box as rbox
from tools.scenes.parts import (
    BLACK,
    CHROME,
    GLASS,
    LAMP_GLOW,
    PAINT,
    RIM,
    TAIL_LIGHT,
    TYRE,
    WHITE,
    Colour,
    Parts,
    colour,
    pick,
    tinted,
)


@dataclass(frozen=True)
class Wheel:
    """The measures of one kind of wheel in metres; its middle lies `inset` inside the body's side."""

    radius: float
    width: float
    spokes: int
    inset: float


def add_wheel(parts: Parts, wheel: Wheel, x: float, y: float) -> None:
    """Add a wheel that stands on the ground at (x, y), its spokes on the side away from y = 0."""
    r, w = wheel.radius, wheel.width
    # Built lying down with its outside up, then tipped so that up becomes outward.
    tread = [(0.55, 0.5), (0.86, 0.5), (0.97, 0.36), (1.0, 0), (0.97, -0.36), (0.86, -0.5), (0.55, -0.5)]
    lying = Parts()
    lying.put(lathe([(r * a, w * b) for a, b in tread], 36), TYRE, 0.8)
    lying.put(torus(r * 0.6, r * 0.055, 36, 8).moved((0, 0, w * 0.47)), RIM, 0.3)
    lying.put(ball((r * 0.17, r * 0.17, w * 0.1), (0, 0, w * 0.5), 18), RIM, 0.3)
    for i in range(wheel.spokes):
        a = 2 * np.pi * i / wheel.spokes + 0.3
        inner, outer = (np.array([q * np.cos(a), q * np.sin(a), w * z]) for q, z in ((0.1 * r, 0.5), (0.58 * r, 0.5)))
        lying.put(tube([inner, outer], r * 0.062, 8, 2), RIM, 0.3)
    for part in lying:
        parts.put(part.mesh.turned("x", -90 * np.sign(y)).moved((x, y, r)), part.colour, part.roughness)


def add_axles(parts: Parts, xs: tuple[float, float], half_width: float, wheel: Wheel) -> None:
    """Add four wheels to a body ±`half_width` wide, each before a dark arch that just shows on the body."""
    for x in xs:
        for side in (-1, 1):
            arch = disc(wheel.radius * 1.2, -0.06, 0.013).turned("x", -90 * side)
            parts.put(arch.moved((x, side * half_width, wheel.radius)), BLACK, 0.9)
            add_wheel(parts, wheel, x, side * (half_width - wheel.inset))


@dataclass(frozen=True)
class CarBody:
    """The measures in which car bodies differ (metres; x before the car is stretched to its length)."""

    roof: float
    cabin_bottom: tuple[float, float]  # rear and front x of the glass house where it meets the body
    cabin_top: tuple[float, float]
    wheel_radius: float = 0.33
    lift: float = 0.0


CAR_BODIES = {
    "hatch": CarBody(1.46, (-1.95, 1.12), (-1.55, 0.28)),
    "sedan": CarBody(1.42, (-1.55, 1.12), (-0.92, 0.30)),
    "suv": CarBody(1.66, (-2.02, 1.1), (-1.8, 0.42), 0.38, 0.14),
}
CAR_HALF_WIDTH = 0.88


def car(rng: np.random.Generator) -> Parts:
    """Build a hatchback, a sedan or an SUV, 3.7 to 4.5 m long."""
    paint, stretch = pick(rng, PAINT), rng.uniform(3.7, 4.5) / 4.2
    kind = pick(rng, list(CAR_BODIES))
    shape = CAR_BODIES[kind]
    parts = Parts()
    _car_hull(parts, shape, stretch, paint, low_boot=kind == "sedan")
    _car_cabin(parts, shape, stretch, paint)
    _car_trim(parts, shape, stretch, paint)
    if rng.random() < 0.25 or kind == "suv":
        rear, front = shape.cabin_top
        rail = tube([(rear * stretch, 0.5, shape.roof + 0.03), (front * stretch, 0.5, shape.roof + 0.03)], 0.025, 8)
        parts.put(both_sides(rail), CHROME, 0.4)
    add_axles(parts, (-1.28 * stretch, 1.28 * stretch), CAR_HALF_WIDTH, Wheel(shape.wheel_radius, 0.2, 5, inset=0.05))
    return parts


def _car_hull(parts: Parts, shape: CarBody, stretch: float, paint: Colour, low_boot: bool) -> None:
    """Add the painted body up to the windows, and the dark sill under it."""
    side = CAR_HALF_WIDTH
    x = np.array([-2.1, -2.07, -1.95, -1.5, -0.8, 0, 0.8, 1.3, 1.8, 2.0, 2.08, 2.1]) * stretch
    width = np.array([0.62, 0.74, 0.82, side, side, side, side, 0.87, 0.82, 0.74, 0.66, 0.55])
    top = np.array([0.62, 0.80, 0.9, 0.95, 0.95, 0.94, 0.92, 0.88, 0.80, 0.70, 0.62, 0.52]) + shape.lift
    if low_boot:
        top[:4] -= [0.02, 0.03, 0.04, 0.03]
    bottom = shape.lift * 0.6
    parts.put(hull_along_x(x, width, 0.24 + bottom, top, 0.38, 44), paint, 0.22)
    parts.put(hull_along_x(x[1:-1] * 1.012, width[1:-1] * 1.012, 0.22 + bottom, 0.36 + bottom), tinted(TYRE, 0.06), 0.6)


def _car_cabin(parts: Parts, shape: CarBody, stretch: float, paint: Colour) -> None:
    """Add the glass house: dark glass, a painted roof over it, six painted pillars."""
    up = np.linspace(0, 1, 9)
    foot = 0.88 + shape.lift
    (rear0, front0), (rear1, front1) = shape.cabin_bottom, shape.cabin_top

    def pillar_x(bottom: float, top: float, s: Floats) -> Floats:
        return (bottom + (top - bottom) * s**1.15) * stretch

    def half_width(s: Floats) -> Floats:
        return np.asarray(0.80 - 0.17 * s**1.3)

    def height(s: Floats) -> Floats:
        return np.asarray(foot + (shape.roof - foot) * s)

    rear, front, width = pillar_x(rear0, rear1, up), pillar_x(front0, front1, up), half_width(up)
    parts.put(hull_along_z(height(up), rear, front, width, 0.34, 48), GLASS, 0.06)
    roof = np.array([0.86, 0.93, 0.97, 1.0, 1.015])
    inset = np.array([-0.012, -0.015, 0.0, 0.06, 0.14])  # over the glass at the rim, rounded in at the top
    x0, x1, w = (np.interp(roof, up, q) for q in (rear, front, width))
    parts.put(hull_along_z(height(roof), x0 + inset, x1 - inset, w - inset, 0.34, 48), paint, 0.22)
    s = np.linspace(0, 0.95, 7)
    for bottom, top in ((front0, front1), (rear0, rear1)):
        x = pillar_x(bottom, top, s) - np.sign(bottom) * 0.075
        parts.put(both_sides(tube(np.stack([x, half_width(s) - 0.045, height(s)], 1), 0.05, 8)), paint, 0.25)
    middle = np.full(7, (rear1 + front1) / 2 * stretch - 0.05)
    parts.put(both_sides(tube(np.stack([middle, half_width(s) + 0.004, height(s)], 1), 0.035, 8)), paint, 0.25)


def _car_trim(parts: Parts, shape: CarBody, stretch: float, paint: Colour) -> None:
    """Add door gaps, handles, mirrors, lights, grille, plates and the rear bumper."""
    side, lift = CAR_HALF_WIDTH, shape.lift
    middle = sum(shape.cabin_top) / 2 * stretch - 0.05
    gap = tinted(paint, -0.45)
    parts.put(both_sides(rbox((0.012, 0.02, 0.46), (middle, side + 0.004, 0.66 + lift), 0.005, 1)), gap, 0.5)
    parts.put(both_sides(rbox((0.012, 0.02, 0.42), (stretch, side * 0.995, 0.66 + lift), 0.005, 1)), gap, 0.5)
    parts.put(both_sides(rbox((0.16, 0.03, 0.03), (middle + 0.16, side + 0.012, 0.80 + lift), 0.012, 2)), CHROME, 0.3)
    mirror = rbox((0.12, 0.16, 0.11), ((shape.cabin_bottom[1] - 0.28) * stretch, side + 0.06, 0.98 + lift), 0.04, 2)
    parts.put(both_sides(mirror), paint, 0.25)
    parts.put(both_sides(ball((0.10, 0.17, 0.085), (1.93 * stretch, 0.58, 0.62 + lift), 16)), LAMP_GLOW, 0.15)
    parts.put(both_sides(ball((0.06, 0.14, 0.09), (-2.02 * stretch, 0.60, 0.70 + lift), 16)), TAIL_LIGHT, 0.2)
    parts.put(rbox((0.06, 0.84, 0.12), (2.095 * stretch, 0, 0.50 + lift), 0.03, 2), BLACK, 0.5)
    parts.put(rbox((0.03, 0.40, 0.10), (2.135 * stretch, 0, 0.40 + lift), 0.01, 1), WHITE, 0.5)
    parts.put(rbox((0.03, 0.46, 0.11), (-2.105 * stretch, 0, 0.62 + lift), 0.01, 1), WHITE, 0.5)
    bumper = rbox((0.1, 1.5, 0.13), (-2.03 * stretch, 0, 0.42 + lift * 0.8), 0.05, 2)
    parts.put(bumper, tinted(TYRE, 0.08), 0.6)


@dataclass(frozen=True)
class BusBody:
    """The measures of one bus in metres."""

    length: float
    height: float
    width: float = 2.4
    floor: float = 0.32


def bus(rng: np.random.Generator) -> Parts:
    """Build a city bus, 6.2 to 8.2 m long, its doors on its right side."""
    paint = pick(rng, PAINT[:4] + PAINT[5:9])
    body = BusBody(rng.uniform(6.2, 8.2), rng.uniform(2.75, 3.05))
    stripe = pick(rng, [WHITE, colour("#ffe9b0"), tinted(paint, 0.65)])
    length, height, width, floor = body.length, body.height, body.width, body.floor
    parts = Parts()
    parts.put(rbox((length, width, height - floor), (0, 0, (height + floor) / 2), 0.22, 5), paint, 0.25)
    parts.put(rbox((length + 0.02, width + 0.02, 0.52), (0, 0, 1.12), 0.2, 5), stripe, 0.3)
    parts.put(rbox((length - 0.1, width - 0.1, 0.2), (0, 0, floor), 0.08, 2), BLACK, 0.7)
    roof_box = rbox((length * 0.6, 1.5, 0.18), (-length * 0.08, 0, height + 0.05), 0.08, 2)
    parts.put(roof_box, tinted(paint, 0.5), 0.4)
    _bus_windows(parts, body, paint)
    _bus_doors(parts, body, paint)
    _bus_ends(parts, body)
    front_axle = length / 2 - 1.95 if length > 7.3 else length * 0.24
    add_axles(parts, (-length * 0.30, front_axle), width / 2, Wheel(0.46, 0.28, 6, inset=0.08))
    return parts


def _bus_windows(parts: Parts, body: BusBody, paint: Colour) -> None:
    """Add the window bands of both sides with their posts, the windscreen and the rear window."""
    length, height, width = body.length, body.height, body.width
    z0, z1, x0, x1 = 1.5, height - 0.45, -length / 2 + 0.3, length / 2 - 0.55
    middle = (z0 + z1) / 2
    parts.put(rbox((x1 - x0 + 0.1, width + 0.03, z1 - z0), ((x0 + x1) / 2, 0, middle), 0.1, 3), GLASS, 0.06)
    panes = int(length / 1.15)
    for i in range(1, panes):
        post = rbox((0.09, width + 0.05, z1 - z0 + 0.02), (x0 + (x1 - x0) * i / panes, 0, middle), 0.015, 1)
        parts.put(post, paint, 0.3)
    windscreen = rbox((0.2, width - 0.3, height - 1.75), (length / 2 - 0.075, 0, (0.85 + height) / 2), 0.09, 3)
    parts.put(windscreen, GLASS, 0.06)
    parts.put(rbox((0.2, width - 0.5, 0.9), (-length / 2 + 0.08, 0, height - 0.95), 0.09, 3), GLASS, 0.06)


def _bus_doors(parts: Parts, body: BusBody, paint: Colour) -> None:
    """Add the front and the middle door, two glass leaves each."""
    tall, y = body.height - 0.95, -body.width / 2
    for x in (body.length / 2 - 1.15, -body.length * 0.1):
        parts.put(rbox((0.98, 0.06, tall), (x, y - 0.005, 0.42 + tall / 2), 0.05, 2), tinted(paint, -0.35), 0.4)
        for leaf in (-0.235, 0.235):
            glass = rbox((0.38, 0.06, tall - 0.3), (x + leaf, y - 0.02, 0.55 + (tall - 0.3) / 2), 0.04, 2)
            parts.put(glass, GLASS, 0.06)


def _bus_ends(parts: Parts, body: BusBody) -> None:
    """Add the destination board, lights, front bumper and mirrors."""
    front, height, width = body.length / 2, body.height, body.width
    parts.put(rbox((0.12, width * 0.62, 0.26), (front - 0.03, 0, height - 0.24), 0.03, 2), BLACK, 0.4)
    for i in range(5):
        digit = rbox((0.02, 0.12, 0.12), (front + 0.03, -0.45 + 0.2 * i, height - 0.24), 0.02, 1)
        parts.put(digit, colour("#ffb52e"), 0.5)
    parts.put(both_sides(ball((0.06, 0.17, 0.15), (front - 0.01, 0.85, 0.78), 16)), LAMP_GLOW, 0.15)
    parts.put(both_sides(rbox((0.05, 0.14, 0.36), (-front, 1.0, 0.95), 0.03, 2)), TAIL_LIGHT, 0.2)
    parts.put(rbox((0.12, width - 0.1, 0.2), (front, 0, 0.45), 0.06, 2), BLACK, 0.5)
    bend = [(-0.1, 1.1, -0.35), (0.28, 1.3, -0.4), (0.32, 1.38, -0.75)]
    arm = tube(curve(*[(front + x, y, height + z) for x, y, z in bend]), 0.03, 8)
    parts.put(both_sides(arm), BLACK, 0.5)
    parts.put(both_sides(rbox((0.08, 0.2, 0.42), (front + 0.33, 1.38, height - 0.9), 0.04, 2)), BLACK, 0.4)
