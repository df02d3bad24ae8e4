"""People and dogs. Each builder takes a random generator and returns parts that face +x and stand on z = 0."""

from __future__ import annotations

import numpy as np

from tools.scenes.mesh import Floats, ball, both_sides, curve, hull_along_z, lathe, torus, tube, vec
from tools.scenes.mesh import rounded_box as rbox
from tools.scenes.parts import BLACK, CLOTH, HAIR, SKIN, WHITE, Colour, Parts, colours, pick, tinted

TROUSERS = colours("#30475e #3a3a44 #6b5b4b #4f6d8f #c2a878 #59405c")
SHOES = [WHITE, BLACK, *colours("#7a3b2e #e4572e")]
COATS = colours("#b5763c #e0b070 #5b4636 #f0e6d2 #3b3b40 #c98b4a")
HEAD = vec(0.02, 0, 1.665)
HIP, SHOULDER = 0.90, 1.40  # heights in metres of a person of size 1


def _swing(angle: float) -> Floats:
    """Return the unit vector of a limb that hangs down, swung forward by `angle` (radians)."""
    return np.array([np.sin(angle), 0, -np.cos(angle)])


def person(rng: np.random.Generator) -> Parts:
    """Build a walking or standing person, 1.6 to 1.9 m tall; some wear a dress, a cap, a rucksack or wave."""
    skin, hair, top, low = pick(rng, SKIN), pick(rng, HAIR), pick(rng, CLOTH), pick(rng, TROUSERS)
    size = rng.uniform(0.9, 1.06)
    stride = rng.uniform(-1, 1) * 28 if rng.random() < 0.75 else rng.uniform(-4, 4)  # degrees
    dress, shoes = rng.random() < 0.28, pick(rng, SHOES)
    parts = Parts()
    for side in (-1, 1):
        _leg(parts, side, stride * side, skin if dress else low, shoes)
        _arm(parts, rng, side, -stride * side, top, skin, apart=0.09 if dress else 0.055)
    _trunk(parts, top, None if dress else low)
    if dress:
        flare = [(0.02, 0.6), (0.29, 0.51), (0.30, 0.52), (0.24, 0.72), (0.19, 0.92), (0.17, 0.99)]
        parts.put(lathe(flare, 32), pick(rng, [top, low]), 0.85)
    _head(parts, skin)
    _headwear(parts, rng, hair)
    if rng.random() < 0.3:
        _rucksack(parts, pick(rng, CLOTH))
    # A stride lifts both feet a little: let the lower one touch the ground.
    lowest = min(part.mesh.vertices[:, 2].min() for part in parts)
    return parts.moved((0, 0, -lowest)).scaled((size, size * rng.uniform(0.95, 1.12), size))


def _leg(parts: Parts, side: int, swing: float, trousers: Colour, shoes: Colour) -> None:
    """Add one leg; a leg that swings back (negative degrees) bends its knee more."""
    angle = np.deg2rad(swing)
    bend = np.deg2rad(max(4, 22 - swing * 0.7) if abs(swing) > 5 else 3)
    hip = np.array([0, 0.10 * side, HIP])
    knee = hip + 0.42 * _swing(angle)
    ankle = knee + 0.40 * _swing(angle - bend)
    path = np.concatenate([np.linspace(hip, knee, 4), np.linspace(knee, ankle, 5)[1:]])
    parts.put(tube(path, [0.105, 0.10, 0.092, 0.085, 0.08, 0.076, 0.07, 0.066], 16), trousers, 0.8)
    foot = ball((0.145, 0.062, 0.062), (0.06, 0, 0), 20).turned("y", -np.rad2deg(angle - bend) * 0.45)
    parts.put(foot.moved(ankle - vec(0, 0, 0.03)), shoes, 0.5)


def _arm(
    parts: Parts, rng: np.random.Generator, side: int, swing: float, sleeve: Colour, skin: Colour, apart: float
) -> None:
    """Add one arm: sleeve to below the elbow, then skin; now and then it is raised to wave.

    `apart` is how far the elbow stands off sideways in metres: more over a flared dress, else the hand sinks into it.
    """
    angle = np.deg2rad(swing * 1.05 + rng.uniform(-5, 5))
    bend = np.deg2rad(rng.uniform(12, 40))
    if rng.random() < 0.07:
        angle, bend = np.deg2rad(150), np.deg2rad(15)
    outward = vec(0, apart * side, 0)
    shoulder = np.array([0, 0.205 * side, SHOULDER - 0.03])
    elbow = shoulder + 0.27 * _swing(angle) + outward
    forearm = 0.25 * _swing(angle + bend) + outward * 0.2
    path = np.concatenate([np.linspace(shoulder, elbow, 4), np.linspace(elbow, elbow + forearm * 0.45, 3)[1:]])
    parts.put(tube(path, [0.072, 0.068, 0.062, 0.058, 0.056, 0.054], 14), sleeve, 0.85)
    parts.put(tube(np.linspace(elbow + forearm * 0.42, elbow + forearm, 3), [0.043, 0.040, 0.036], 12), skin, 0.6)
    parts.put(ball((0.052, 0.04, 0.06), elbow + forearm * 1.12, 14), skin, 0.6)


def _trunk(parts: Parts, top: Colour, trousers: Colour | None) -> None:
    """Add the upper body and, unless a dress follows, the seat of the trousers."""
    z = [0.86, 0.9, 1.0, 1.15, 1.28, 1.38, 1.44, 1.475]
    width = [0.15, 0.165, 0.16, 0.165, 0.19, 0.195, 0.15, 0.07]
    depth = np.array([0.10, 0.112, 0.105, 0.11, 0.122, 0.115, 0.09, 0.055])
    parts.put(hull_along_z(z, -depth, depth, width, 0.75, 36), top, 0.85)
    if trousers is not None:
        depth = np.array([0.06, 0.112, 0.116, 0.108])
        seat = hull_along_z([0.78, 0.82, 0.90, 0.95], -depth, depth, [0.12, 0.165, 0.17, 0.163], 0.75, 36)
        parts.put(seat, trousers, 0.85)


def _head(parts: Parts, skin: Colour) -> None:
    """Add neck, head, nose, eyes and ears."""
    parts.put(tube([(0, 0, 1.44), (0.01, 0, 1.56)], 0.055, 14), skin, 0.6)
    parts.put(ball((0.128, 0.118, 0.148), HEAD, 32), skin, 0.55)
    parts.put(ball((0.03, 0.022, 0.024), HEAD + vec(0.13, 0, -0.01), 12), skin, 0.55)
    parts.put(both_sides(ball((0.012, 0.017, 0.022), HEAD + vec(0.117, 0.045, 0.022), 10)), BLACK, 0.3)
    parts.put(both_sides(ball((0.03, 0.02, 0.035), HEAD + vec(-0.005, 0.117, -0.005), 10)), skin, 0.6)


def _headwear(parts: Parts, rng: np.random.Generator, hair: Colour) -> None:
    """Add short hair, a bun, long hair, a cap over hair or a cap on a bald head."""
    style = ["short", "bun", "long", "cap", "cap, bald"][int(rng.integers(5))]
    if style != "cap, bald":
        parts.put(ball((0.136, 0.130, 0.125), n=28).turned("y", -14).moved(HEAD + vec(-0.022, 0, 0.048)), hair, 0.7)
    if style == "bun":
        parts.put(ball(0.062, HEAD + vec(-0.12, 0, 0.12), 18), hair, 0.7)
    if style == "long":
        back, front = [-0.13, -0.155, -0.16, -0.14], [-0.02, -0.02, -0.02, 0.02]
        parts.put(hull_along_z([1.44, 1.5, 1.6, 1.72], back, front, [0.10, 0.125, 0.13, 0.12], 0.8), hair, 0.7)
    if style.startswith("cap"):
        cloth = pick(rng, CLOTH)
        crown = lathe([(0.138, 0), (0.139, 0.05), (0.12, 0.10), (0.07, 0.135), (0.001, 0.145)], 28)
        parts.put(crown.turned("y", -8).moved(HEAD + vec(-0.01, 0, 0.05)), cloth, 0.8)
        peak = ball((0.10, 0.11, 0.014), (0.13, 0, 0), 20).turned("y", 6)
        parts.put(peak.moved(HEAD + vec(-0.01, 0, 0.055)), tinted(cloth, -0.25), 0.8)


def _rucksack(parts: Parts, cloth: Colour) -> None:
    """Add a rucksack with a pocket and two straps."""
    dark = tinted(cloth, -0.2)
    parts.put(rbox((0.17, 0.30, 0.42), (-0.19, 0, 1.20), 0.07, 4), cloth, 0.85)
    parts.put(rbox((0.07, 0.22, 0.18), (-0.285, 0, 1.10), 0.03, 3), dark, 0.85)
    strap = curve((-0.10, 0.10, 1.42), (0.02, 0.105, 1.47), (0.125, 0.11, 1.33), (0.10, 0.13, 1.1))
    parts.put(both_sides(tube(strap, 0.022, 8)), dark, 0.85)


def dog(rng: np.random.Generator) -> Parts:
    """Build a dog, with legs and body of varying length, ears up or hanging, a tail up and a collar."""
    coat = pick(rng, COATS)
    marking = pick(rng, [WHITE, tinted(coat, 0.45), tinted(coat, -0.4)])
    size, leg, half = rng.uniform(0.75, 1.15), rng.uniform(0.30, 0.46), rng.uniform(0.28, 0.36)
    gait, back = rng.uniform(-1, 1) * 24, leg + 0.10
    parts = Parts()
    spine = [(-half, back + 0.01), (-half / 2, back), (0, back - 0.005), (half / 2, back), (half, back + 0.03)]
    parts.put(tube([(x, 0, z) for x, z in spine], [0.115, 0.118, 0.12, 0.135, 0.135], 22), coat, 0.9)
    parts.put(ball((0.10, 0.095, 0.11), (half + 0.04, 0, back - 0.02), 20), marking, 0.9)
    # Diagonal legs swing together, as in a trot.
    for x, side, direction in ((half, 1, 1), (half, -1, -1), (-half, 1, -1), (-half, -1, 1)):
        _dog_leg(parts, np.array([x, 0.075 * side, back - 0.02]), leg, np.deg2rad(gait * direction), coat, marking)
    neck = np.array([half + 0.12, 0, back + 0.20])
    parts.put(tube([(half - 0.03, 0, back + 0.03), neck], [0.115, 0.085], 18), coat, 0.9)
    _dog_head(
        parts, neck + vec(0.06, 0, 0.06), coat, marking if rng.random() < 0.6 else coat, ears_up=rng.random() < 0.45
    )
    tail = [(-half - 0.07, 0, 0.05), (-half - 0.17, 0, 0.14), (-half - 0.20, 0.02, 0.27), (-half - 0.15, 0.03, 0.36)]
    wag = curve(*[(x, y, back + z) for x, y, z in tail])
    parts.put(tube(wag, np.linspace(0.042, 0.02, len(wag)), 12), coat, 0.9)
    parts.put(torus(0.092, 0.019, 28, 8).turned("y", 32).moved(neck + vec(-0.035, 0, -0.045)), pick(rng, CLOTH), 0.6)
    return parts.scaled(size)


def _dog_leg(parts: Parts, top: Floats, length: float, swing: float, coat: Colour, marking: Colour) -> None:
    """Add one leg from `top` down to its paw."""
    rear = top[0] < 0
    knee = top + vec(length * 0.5 * np.sin(swing) + (-0.02 if rear else 0.01), 0, -length * 0.52)
    paw = np.array([top[0] + length * np.sin(swing) * 0.9, top[1], 0.04])
    path = curve(top, knee, paw, steps=4)
    parts.put(tube(path, np.linspace(0.078 if rear else 0.065, 0.04, len(path)), 14), coat, 0.9)
    parts.put(ball((0.065, 0.048, 0.04), paw + vec(0.022, 0, -0.002), 14), marking, 0.9)


def _dog_head(parts: Parts, head: Floats, coat: Colour, muzzle: Colour, ears_up: bool) -> None:
    """Add the head with muzzle, nose, mouth, eyes and ears."""
    parts.put(ball((0.125, 0.11, 0.108), head, 26), coat, 0.9)
    parts.put(tube([head + vec(0.07, 0, -0.03), head + vec(0.18, 0, -0.045)], [0.068, 0.052], 16), muzzle, 0.9)
    parts.put(ball((0.03, 0.034, 0.026), head + vec(0.235, 0, -0.022), 14), BLACK, 0.25)
    mouth = [head + vec(0.10, -0.03, -0.085), head + vec(0.17, 0, -0.095), head + vec(0.10, 0.03, -0.085)]
    parts.put(tube(mouth, 0.018, 8), tinted(coat, -0.5), 0.8)
    parts.put(both_sides(ball((0.016, 0.016, 0.02), head + vec(0.10, 0.055, 0.035), 10)), BLACK, 0.15)
    if ears_up:
        ear = tube([head + vec(-0.03, 0.06, 0.07), head + vec(-0.045, 0.08, 0.19)], [0.05, 0.012], 12)
        parts.put(both_sides(ear), tinted(coat, -0.3), 0.9)
    else:
        flap = ball((0.055, 0.022, 0.10), (0, 0, -0.07), 18).turned("x", 14).moved(head + vec(-0.02, 0.098, 0.07))
        parts.put(both_sides(flap), tinted(coat, -0.35), 0.9)
