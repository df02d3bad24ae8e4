"""Bicycles: thin tubes round two wheels. Faces +x, stands on z = 0, metres."""

from __future__ import annotations

import numpy as np

from tools.scenes.mesh import Floats, curve, hull_along_x, hull_along_z, torus, tube, vec
from tools.scenes.mesh import rounded_box as rbox
from tools.scenes.parts import BLACK, CHROME, PAINT, TYRE, Colour, Parts, colour, pick, tinted

WHEELBASE = 1.05
LEATHER = colour("#7a4a2b")


class _Frame:
    """The points of a bicycle everything else is hung on (metres), for one wheel radius."""

    def __init__(self, radius: float) -> None:
        self.radius = radius
        self.rear = np.array([-WHEELBASE / 2, 0, radius])
        self.front = np.array([WHEELBASE / 2, 0, radius])
        self.crank = np.array([-0.07, 0, radius - 0.06])
        self.seat = np.array([-0.24, 0, radius + 0.46])
        self.head = np.array([0.34, 0, radius + 0.48])
        self.fork = np.array([0.385, 0, radius + 0.30])


def bicycle(rng: np.random.Generator) -> Parts:
    """Build a town bicycle, with a basket half of the time."""
    paint = pick(rng, PAINT)
    frame = _Frame(rng.uniform(0.33, 0.37))
    parts = Parts()
    _wheels(parts, frame)
    _frame_tubes(parts, frame, paint)
    _drive(parts, frame)
    _saddle(parts, frame, pick(rng, [BLACK, LEATHER]))
    _handlebar(parts, frame, pick(rng, [BLACK, LEATHER]))
    if rng.random() < 0.5:
        _basket(parts, frame.radius, pick(rng, [colour("#a9773f"), colour("#c79a5b")]))
    _mudguards(parts, frame, tinted(paint, -0.15))
    return parts


def _up(x: float, z: float, y: float = 0.0) -> Floats:
    return vec(x, y, z)


def _wheels(parts: Parts, frame: _Frame) -> None:
    """Add two tyres with rims, hubs and fourteen spokes each."""
    r = frame.radius
    for hub in (frame.rear, frame.front):
        parts.put(torus(r - 0.022, 0.024, 56, 12).turned("x", 90).moved(hub), TYRE, 0.8)
        parts.put(torus(r - 0.05, 0.013, 56, 8).turned("x", 90).moved(hub), CHROME, 0.3)
        parts.put(tube([hub - _up(0, 0, 0.05), hub + _up(0, 0, 0.05)], 0.028, 12), CHROME, 0.3)
        for i in range(14):
            t = 2 * np.pi * i / 14
            rim = hub + (r - 0.05) * _up(np.cos(t), np.sin(t))
            parts.put(tube([hub + _up(0, 0, 0.025 * (-1) ** i), rim], 0.0045, 5, 1), CHROME, 0.3)


def _frame_tubes(parts: Parts, frame: _Frame, paint: Colour) -> None:
    """Add the frame's main tubes, the stays to the rear hub and the two legs of the fork."""
    f = frame
    above_head = f.head + _up(-0.01, 0.05)
    for a, b, r in (
        (f.crank, f.seat, 0.02),
        (f.seat, f.head, 0.02),
        (f.crank, f.fork, 0.024),
        (above_head, f.fork, 0.026),
    ):
        parts.put(tube([a, b], r, 12), paint, 0.25)
    for side in (-1, 1):
        apart = _up(0, 0, 0.045 * side)
        parts.put(tube([f.rear + apart, f.crank + apart * 0.5], 0.012, 10), paint, 0.25)
        parts.put(tube([f.rear + apart, f.seat + apart * 0.4], 0.012, 10), paint, 0.25)
        leg = [f.fork + apart * 0.9, (f.fork + f.front) / 2 + apart + _up(0, 0.02), f.front + apart]
        parts.put(tube(leg, 0.015, 10), tinted(paint, -0.25), 0.25)


def _drive(parts: Parts, frame: _Frame) -> None:
    """Add cranks, pedals, chain wheel, bottom bracket and the kickstand."""
    c = frame.crank
    for side in (-1, 1):
        parts.put(tube([c + _up(0, 0, 0.06 * side), c + _up(0.12 * side, -0.11, 0.07 * side)], 0.012, 8), CHROME, 0.3)
        parts.put(rbox((0.10, 0.09, 0.025), c + _up(0.12 * side, -0.115, 0.12 * side), 0.01, 2), BLACK, 0.6)
    parts.put(torus(0.095, 0.012, 32, 8).turned("x", 90).moved(c + _up(0, 0, -0.045)), CHROME, 0.3)
    parts.put(tube([c + _up(0, 0, -0.06), c + _up(0, 0, 0.06)], 0.03, 12), CHROME, 0.3)
    stand = [frame.rear + _up(0, -0.02, 0.05), frame.rear + _up(0.13, 0.01 - frame.radius, 0.2)]
    parts.put(tube(stand, 0.01, 8), CHROME, 0.4)


def _saddle(parts: Parts, frame: _Frame, leather: Colour) -> None:
    """Add the saddle on its post."""
    parts.put(tube([frame.seat, frame.seat + _up(-0.035, 0.13)], 0.014, 10), CHROME, 0.3)
    saddle = hull_along_x(
        [-0.16, -0.14, -0.05, 0.06, 0.12, 0.13],
        [0.02, 0.08, 0.07, 0.03, 0.02, 0.005],
        [-0.02, -0.03, -0.03, -0.02, -0.02, -0.01],
        [0.0, 0.02, 0.015, 0.01, 0.01, 0.0],
        0.9,
        20,
    )
    parts.put(saddle.moved(frame.seat + _up(-0.045, 0.15)), leather, 0.5)


def _handlebar(parts: Parts, frame: _Frame, leather: Colour) -> None:
    """Add the stem, the swept bar and its grips."""
    parts.put(tube([frame.head, frame.head + _up(-0.03, 0.13)], 0.015, 10), CHROME, 0.3)
    stem = frame.head + _up(-0.03, 0.14)
    bend = [(-0.16, 0.03, -0.27), (-0.03, 0.04, -0.2), (0, 0, 0), (-0.03, 0.04, 0.2), (-0.16, 0.03, 0.27)]
    parts.put(tube(curve(*[stem + _up(*q) for q in bend], steps=6), 0.014, 10), CHROME, 0.3)
    for side in (-1, 1):
        grip = [stem + _up(-0.17, 0.03, 0.272 * side), stem + _up(-0.08, 0.036, 0.24 * side)]
        parts.put(tube(grip, 0.021, 10), leather, 0.8)


def _basket(parts: Parts, r: float, wicker: Colour) -> None:
    """Add a basket before the handlebar, hollow at the top."""
    z = [r + 0.32, r + 0.34, r + 0.56, r + 0.57, r + 0.545, r + 0.36]
    back, front = [0.46, 0.44, 0.40, 0.41, 0.42, 0.46], [0.66, 0.68, 0.72, 0.71, 0.70, 0.66]
    parts.put(hull_along_z(z, back, front, [0.12, 0.13, 0.17, 0.165, 0.155, 0.11], 0.4, 36), wicker, 0.9)


def _mudguards(parts: Parts, frame: _Frame, paint: Colour) -> None:
    """Add a strip over each wheel."""
    for hub, first, last in ((frame.rear, 20, 185), (frame.front, 25, 150)):
        t = np.linspace(np.deg2rad(first), np.deg2rad(last), 22)
        reach = frame.radius + 0.03
        parts.put(
            tube(np.stack([hub[0] + reach * np.cos(t), 0 * t, hub[2] + reach * np.sin(t)], 1), 0.02, 8), paint, 0.3
        )
