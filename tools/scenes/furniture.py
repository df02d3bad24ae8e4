"""Traffic cones (labelled) and the street furniture nobody labels: trees, lamps, benches, bins and signs."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from tools.scenes.mesh import ball, both_sides, curve, disc, lathe, rounded_box, tube
from tools.scenes.parts import BLACK, CHROME, IRON, LAMP_GLOW, WHITE, Parts, colours, dimmed, pick, tinted

LEAVES = colours("#5f9e4f #7fb058 #3f8a5c #98b04a #d98e3f")
BUSHES = colours("#4f8f4a #6fa552 #3d7f55")
BLOSSOMS = colours("#e4572e #f2b134 #f7c6d9")
BARK, WOOD, STONE, HYDRANT_RED, CONE_ORANGE = colours("#7a5639 #b07a45 #b9a48a #d1343a #ff6a1f")


def traffic_cone(rng: np.random.Generator) -> Parts:
    """Build an orange cone with two white bands on a square foot, 0.6 to 0.9 m tall."""
    size = rng.uniform(0.85, 1.25)

    def radius(z: float) -> float:
        return 0.165 - 0.135 * z / 0.72

    parts = Parts()
    parts.put(rounded_box((0.40, 0.40, 0.045), (0, 0, 0.0225), 0.02, 3), pick(rng, [CONE_ORANGE, BLACK]), 0.6)
    edges = [0.03, 0.22, 0.34, 0.46, 0.58]
    for i, (low, high) in enumerate(pairwise(edges)):
        thick = 0.004 if i % 2 else 0.0  # the bands are sleeves over the cone
        band = lathe([(radius(low) + thick, low), (radius(high) + thick, high)], 36)
        parts.put(band, WHITE if i % 2 else CONE_ORANGE, 0.5)
    tip = lathe([(radius(0.58), 0.58), (radius(0.72), 0.71), (radius(0.72) - 0.008, 0.72), (0.001, 0.72)], 36)
    parts.put(tip, CONE_ORANGE, 0.5)
    parts.put(lathe([(radius(0.03) + 0.02, 0.045), (radius(0.05) + 0.004, 0.062)], 36), CONE_ORANGE, 0.5)
    return parts.scaled(size)


def tree(rng: np.random.Generator) -> Parts:
    """Build a round-crowned tree of nine balls of leaves, 3 to 5 m tall."""
    size, green = rng.uniform(0.8, 1.3), pick(rng, LEAVES)
    parts = Parts()
    trunk = curve((0, 0, -0.1), (0.04, 0, 0.8), (-0.03, 0.05, 1.7), (0, 0, 2.6))
    parts.put(tube(trunk, np.linspace(0.15, 0.08, len(trunk)), 14), BARK, 0.95)
    for _ in range(9):
        angle, out = rng.uniform(0, 2 * np.pi), rng.uniform(0.1, 0.85)
        radius = rng.uniform(0.55, 0.95)
        centre = (out * np.cos(angle), out * np.sin(angle), 2.5 + rng.uniform(-0.1, 1.3))
        parts.put(ball((radius, radius, radius * 0.85), centre, 20), dimmed(green, rng.uniform(0.86, 1.12)), 0.95)
    return parts.scaled(size)


def bush(rng: np.random.Generator) -> Parts:
    """Build a low bush of nine balls of leaves."""
    green, parts = pick(rng, BUSHES), Parts()
    for _ in range(9):
        radius = rng.uniform(0.22, 0.4)
        centre = (rng.uniform(-0.5, 0.5), rng.uniform(-0.2, 0.2), rng.uniform(0.15, 0.35))
        parts.put(ball((radius, radius, radius * 0.9), centre, 16), dimmed(green, rng.uniform(0.85, 1.15)), 0.95)
    return parts


def lamp(rng: np.random.Generator) -> Parts:
    """Build a street lamp, 4.5 m tall, its arm along +x."""
    parts = Parts()
    parts.put(lathe([(0.14, 0), (0.14, 0.1), (0.08, 0.2), (0.055, 0.5), (0.045, 4.2), (0.001, 4.2)], 20), IRON, 0.5)
    parts.put(tube(curve((0, 0, 4.1), (0.15, 0, 4.45), (0.6, 0, 4.55), (0.95, 0, 4.5)), 0.035, 10), IRON, 0.5)
    parts.put(rounded_box((0.5, 0.2, 0.09), (1.05, 0, 4.48), 0.04, 3), IRON, 0.5)
    parts.put(rounded_box((0.4, 0.15, 0.03), (1.05, 0, 4.43), 0.01, 2), LAMP_GLOW, 0.4)
    return parts


def bench(rng: np.random.Generator) -> Parts:
    """Build a slatted bench that faces +x."""
    parts = Parts()
    for x in (-0.17, -0.06, 0.05, 0.16):
        parts.put(rounded_box((0.09, 1.5, 0.035), (x, 0, 0.45), 0.012, 2), WOOD, 0.8)
    for i in range(3):
        slat = rounded_box((0.035, 1.5, 0.09), radius=0.012, steps=2).turned("y", -12)
        parts.put(slat.moved((-0.22 - 0.03 * i, 0, 0.58 + 0.13 * i)), WOOD, 0.8)
    frame = curve((0.17, 0.6, 0.0), (0.16, 0.6, 0.42), (-0.2, 0.6, 0.42), (-0.3, 0.6, 0.9), steps=5)
    parts.put(both_sides(tube(frame, 0.025, 8)), IRON, 0.5)
    parts.put(both_sides(tube([(-0.17, 0.6, 0), (-0.17, 0.6, 0.42)], 0.025, 8)), IRON, 0.5)
    return parts


def litter_bin(rng: np.random.Generator) -> Parts:
    """Build a round litter bin with a domed lid."""
    paint, parts = pick(rng, colours("#4f6d8f #3f7f5f #50555c")), Parts()
    parts.put(lathe([(0.20, 0), (0.22, 0.02), (0.25, 0.8), (0.25, 0.82), (0.001, 0.82)], 28), paint, 0.6)
    parts.put(lathe([(0.265, 0.8), (0.27, 0.86), (0.2, 0.95), (0.001, 0.98)], 28), tinted(paint, -0.35), 0.5)
    return parts


def planter(rng: np.random.Generator) -> Parts:
    """Build a stone trough with greenery and eight blossoms."""
    parts = Parts()
    parts.put(rounded_box((0.9, 0.42, 0.42), (0, 0, 0.21), 0.04, 3), STONE, 0.9)
    for leaf in bush(rng)[:7]:
        parts.put(leaf.mesh.scaled((1, 0.5, 0.9)).moved((0, 0, 0.35)), leaf.colour, leaf.roughness)
    for _ in range(8):
        centre = (rng.uniform(-0.35, 0.35), rng.uniform(-0.14, 0.14), rng.uniform(0.62, 0.8))
        parts.put(ball(0.05, centre, 10), pick(rng, BLOSSOMS), 0.8)
    return parts


def sign(rng: np.random.Generator) -> Parts:
    """Build a round traffic sign on a pole; its face looks along +x."""
    paint, parts = pick(rng, colours("#2e6fb7 #c8202f #f2b134")), Parts()
    parts.put(lathe([(0.035, 0), (0.035, 2.5), (0.001, 2.5)], 14), CHROME, 0.4)
    parts.put(disc(0.31, -0.02, 0.02, 32).turned("y", 90).moved((0.05, 0, 2.3)), paint, 0.4)
    parts.put(disc(0.2, 0.0, 0.025, 32).turned("y", 90).moved((0.05, 0, 2.3)), WHITE, 0.4)
    return parts


def hydrant(rng: np.random.Generator) -> Parts:
    """Build a red fire hydrant."""
    parts = Parts()
    lower = [(0.15, 0), (0.15, 0.06), (0.10, 0.08), (0.10, 0.5), (0.135, 0.52)]
    upper = [(0.135, 0.56), (0.10, 0.6), (0.04, 0.70), (0.001, 0.71)]
    parts.put(lathe(lower + upper, 24), HYDRANT_RED, 0.45)
    parts.put(tube([(0, -0.16, 0.42), (0, 0.16, 0.42)], 0.05, 12), HYDRANT_RED, 0.45)
    parts.put(tube([(0, 0, 0.38), (0.15, 0, 0.38)], 0.065, 12), tinted(HYDRANT_RED, -0.2), 0.45)
    return parts


FURNITURE = {
    "tree": tree,
    "lamp": lamp,
    "bench": bench,
    "litter bin": litter_bin,
    "planter": planter,
    "sign": sign,
    "hydrant": hydrant,
    "bush": bush,
}
