"""A small mesh kit: closed shapes from a handful of primitives, and normals that keep edges crisp.

Metres, x to the right, y into the picture, z up. Every primitive is closed and its faces turn outward
(counter-clockwise seen from outside); tests hold that.

Shape legend: V vertices, F triangles, R rings of N points each.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Vector = Sequence[float] | Floats

CREASE_DEGREES = 42.0  # faces that meet at more than this keep a visible edge
WELD_PER_METRE = 1e5  # corners closer than 1/100 mm are the same point


@dataclass(frozen=True)
class Mesh:
    """A triangle mesh: `vertices` [V, 3] in metres, `faces` [F, 3] rows of vertices."""

    vertices: Floats
    faces: Ints

    def moved(self, offset: Vector) -> Mesh:
        """Return the mesh shifted by `offset` (metres)."""
        return Mesh(self.vertices + np.asarray(offset, float), self.faces)

    def turned(self, axis: Literal["x", "y", "z"], degrees: float) -> Mesh:
        """Return the mesh turned about one axis through the origin, right-handed."""
        return Mesh(self.vertices @ rotation(axis, degrees).T, self.faces)

    def scaled(self, factors: float | Vector) -> Mesh:
        """Return the mesh stretched along the axes; a mirrored one is turned outside out again."""
        stretch = np.broadcast_to(np.asarray(factors, float), 3)
        return Mesh(self.vertices * stretch, self.faces[:, ::-1] if np.prod(stretch) < 0 else self.faces)


def vec(x: float, y: float, z: float) -> Floats:
    """Return a point or an offset as an array that can be added to."""
    return np.array([x, y, z], float)


def rotation(axis: Literal["x", "y", "z"], degrees: float) -> Floats:
    """Return the [3, 3] matrix of a right-handed turn about `axis`."""
    c, s = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
    rows = {
        "x": [[1, 0, 0], [0, c, -s], [0, s, c]],
        "y": [[c, 0, s], [0, 1, 0], [-s, 0, c]],
        "z": [[c, -s, 0], [s, c, 0], [0, 0, 1]],
    }
    return np.array(rows[axis], float)


def both_sides(mesh: Mesh) -> list[Mesh]:
    """Return the mesh and its mirror image at the plane y = 0: left and right of a thing that faces +x."""
    return [mesh, mesh.scaled((1, -1, 1))]


def signed_volume(mesh: Mesh) -> float:
    """Return the volume in m³ of a closed mesh: positive when its faces turn outward."""
    a, b, c = (mesh.vertices[mesh.faces[:, k]] for k in range(3))
    return float(np.einsum("ij,ij->", a, np.cross(b, c)) / 6)


def _outward(vertices: Floats, faces: Ints) -> Mesh:
    """Build a mesh whose faces turn outward whichever way they came: rings may be listed in either order."""
    mesh = Mesh(vertices, faces)
    return mesh if signed_volume(mesh) >= 0 else Mesh(vertices, faces[:, ::-1])


def _grid_faces(rows: int, columns: int, wrap_rows: bool, wrap_columns: bool) -> Ints:
    """Return two triangles for every cell of a rows × columns grid of vertices."""
    i, j = np.meshgrid(
        np.arange(rows if wrap_rows else rows - 1), np.arange(columns if wrap_columns else columns - 1), indexing="ij"
    )
    below, right = (i + 1) % rows, (j + 1) % columns
    a, b, c, d = i * columns + j, i * columns + right, below * columns + j, below * columns + right
    return np.concatenate([np.stack([a, b, d], -1).reshape(-1, 3), np.stack([a, d, c], -1).reshape(-1, 3)])


def loft(rings: Floats) -> Mesh:
    """Return the skin over R closed rings [R, N, 3], with a fan over the first and the last."""
    count, n, _ = rings.shape
    vertices = np.concatenate([rings.reshape(-1, 3), rings[:1].mean(1), rings[-1:].mean(1)])
    here, there = np.arange(n), (np.arange(n) + 1) % n
    last = (count - 1) * n
    first_cap = np.stack([np.full(n, count * n), there, here], 1)
    last_cap = np.stack([np.full(n, count * n + 1), last + here, last + there], 1)
    return _outward(vertices, np.concatenate([_grid_faces(count, n, False, True), first_cap, last_cap]))


def _superellipse(n: int, power: float) -> tuple[Floats, Floats]:
    """Return n points of a rounded square: power 1 is a circle, near 0 a square."""
    t = np.linspace(0, 2 * np.pi, n, endpoint=False) + np.pi / n
    c, s = np.cos(t), np.sin(t)
    return np.sign(c) * np.abs(c) ** power, np.sign(s) * np.abs(s) ** power


def hull_along_x(
    x: Vector, half_width: Vector | float, bottom: Vector | float, top: Vector | float, power: float = 0.4, n: int = 40
) -> Mesh:
    """Return a skin over rounded-square sections across x: from `bottom` to `top`, ±`half_width` wide."""
    c, s = _superellipse(n, power)
    xs, w, low, high = (np.asarray(q, float)[:, None] for q in np.broadcast_arrays(x, half_width, bottom, top))
    return loft(np.stack([xs + 0 * c, w * c, (low + high) / 2 + (high - low) / 2 * s], -1))


def hull_along_z(
    z: Vector, back: Vector | float, front: Vector | float, half_width: Vector | float, power: float = 0.4, n: int = 40
) -> Mesh:
    """Return a skin over rounded-square sections across z: from x = `back` to `front`, ±`half_width` wide."""
    c, s = _superellipse(n, power)
    zs, x0, x1, w = (np.asarray(q, float)[:, None] for q in np.broadcast_arrays(z, back, front, half_width))
    return loft(np.stack([(x0 + x1) / 2 + (x1 - x0) / 2 * c, w * s, zs + 0 * c], -1))


def lathe(profile: Sequence[tuple[float, float]] | Floats, n: int = 32) -> Mesh:
    """Return the solid that a profile of (radius, z) points sweeps round the z axis."""
    radius, z = np.asarray(profile, float).T[:, :, None]
    t = np.linspace(0, 2 * np.pi, n, endpoint=False)
    return loft(np.stack([radius * np.cos(t), radius * np.sin(t), z + 0 * t], -1))


def disc(radius: float, bottom: float, top: float, n: int = 36) -> Mesh:
    """Return a flat cylinder round the z axis."""
    return lathe([(radius, bottom), (radius, top)], n)


def ball(radius: float | Vector, centre: Vector = (0, 0, 0), n: int = 24) -> Mesh:
    """Return a sphere or, with three radii, an ellipsoid."""
    t = np.linspace(-np.pi / 2, np.pi / 2, n // 2 + 1)
    return lathe(np.stack([np.cos(t), np.sin(t)], 1), n).scaled(radius).moved(centre)


def torus(radius: float, thickness: float, n: int = 40, sides: int = 12) -> Mesh:
    """Return a ring round the z axis; `thickness` is the radius of the tube."""
    t = np.linspace(0, 2 * np.pi, n, endpoint=False)[:, None]
    s = np.linspace(0, 2 * np.pi, sides, endpoint=False)
    r = radius + thickness * np.cos(s)
    vertices = np.stack([r * np.cos(t), r * np.sin(t), thickness * np.sin(s) + 0 * t], -1).reshape(-1, 3)
    return _outward(vertices, _grid_faces(n, sides, True, True))


def tube(path: Sequence[Vector] | Floats, radius: float | Vector, sides: int = 12, cap_rings: int = 4) -> Mesh:
    """Return a round-ended tube along `path` [P, 3]; `radius` is one number or one a point."""
    points = np.asarray(path, float)
    radii = np.broadcast_to(np.asarray(radius, float), len(points))
    along = np.gradient(points, axis=0)
    along /= np.linalg.norm(along, axis=1, keepdims=True)
    # A half sphere at each end: rings that shrink while they run past the end of the path.
    angle = np.linspace(np.pi / 2, 0, cap_rings + 1)[:-1, None]
    head, tail = along[0] * radii[0] * np.sin(angle), along[-1] * radii[-1] * np.sin(angle[::-1])
    shrink = np.cos(angle[:, 0])
    radii = np.concatenate([radii[0] * shrink, radii, radii[-1] * shrink[::-1]])
    points = np.concatenate([points[0] - head, points, points[-1] + tail])
    along = np.concatenate([along[:1].repeat(cap_rings, 0), along, along[-1:].repeat(cap_rings, 0)])
    # The frame's reference must not run along the path: straight-up tubes take a tilted one.
    reference = np.array([0, 0, 1.0]) if np.abs(along[:, 2]).max() < 0.95 else np.array([0.13, 1.0, 0.07])
    across = np.cross(along, reference)
    across /= np.linalg.norm(across, axis=1, keepdims=True)
    other = np.cross(across, along)
    t = np.linspace(0, 2 * np.pi, sides, endpoint=False)[None, :, None]
    return loft(points[:, None] + radii[:, None, None] * (np.cos(t) * other[:, None] + np.sin(t) * across[:, None]))


def curve(*points: Vector, steps: int = 10) -> Floats:
    """Return a smooth path through the points (Catmull-Rom), `steps` samples between two of them."""
    p = np.asarray(points, float)
    p = np.concatenate([2 * p[:1] - p[1:2], p, 2 * p[-1:] - p[-2:-1]])
    t = np.linspace(0, 1, steps, endpoint=False)[:, None]
    pieces = [
        0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3)
        for a, b, c, d in zip(p[:-3], p[1:-2], p[2:-1], p[3:], strict=True)
    ]
    return np.concatenate([*pieces, p[-2:-1]])


def box(size: Vector, centre: Vector = (0, 0, 0)) -> Mesh:
    """Return a sharp-edged box."""
    ring = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]], float)
    corners = np.stack([np.column_stack([ring, np.full(4, z)]) for z in (-1.0, 1.0)])
    return loft(corners).scaled(np.asarray(size, float) / 2).moved(centre)


def rounded_box(size: Vector, centre: Vector = (0, 0, 0), radius: float = 0.05, steps: int = 3) -> Mesh:
    """Return a box whose edges and corners are rounded: an eighth of a sphere at each corner, drawn apart."""
    half = np.asarray(size, float) / 2
    radius = min(radius, 0.999 * float(half.min()))
    # One face as a grid: which corner (-1 or 1) a point belongs to, and how far round that corner it lies.
    bend = np.tan(np.concatenate([np.linspace(-1, 0, steps + 1), np.linspace(0, 1, steps + 1)]) * np.pi / 4)
    u, v = np.meshgrid(bend, bend, indexing="ij")
    side = np.repeat([-1.0, 1.0], steps + 1)
    s, t = np.meshgrid(side, side, indexing="ij")
    direction = np.stack([u, v, np.ones_like(u)], -1)
    direction /= np.linalg.norm(direction, axis=-1, keepdims=True)
    corner = np.stack([s, t, np.ones_like(s)], -1)
    m, faces = len(bend), _grid_faces(len(bend), len(bend), False, False)
    all_vertices: list[Floats] = []
    all_faces: list[Ints] = []
    for axis in range(3):
        order = np.array([(axis + 1) % 3, (axis + 2) % 3, axis])  # right-handed: the face looks along `axis`
        for sign in (1.0, -1.0):
            face = np.empty((m * m, 3))
            flip = np.array([1, 1, sign])
            face[:, order] = (corner * flip * (half[order] - radius) + direction * flip * radius).reshape(-1, 3)
            all_faces.append((faces[:, ::-1] if sign > 0 else faces) + m * m * len(all_vertices))
            all_vertices.append(face)
    return Mesh(np.concatenate(all_vertices) + np.asarray(centre, float), np.concatenate(all_faces))


def shade(mesh: Mesh, crease: float = CREASE_DEGREES) -> tuple[Floats, Floats]:
    """Split a mesh into loose triangles with normals that are smooth except across creases.

    Args:
        mesh (Mesh): V vertices, F faces; faces without area are left out.
        crease (float): degrees; faces that meet at a larger angle do not share a normal.

    Returns:
        tuple[array[3F, 3], array[3F, 3]]: corner positions, and unit normals averaged by area.
    """
    triangles = mesh.vertices[mesh.faces]
    normals = np.cross(triangles[:, 1] - triangles[:, 0], triangles[:, 2] - triangles[:, 0])
    area = np.linalg.norm(normals, axis=1)
    triangles, normals, area = triangles[area > 1e-12], normals[area > 1e-12], area[area > 1e-12]
    corners = triangles.reshape(-1, 3)
    x, y, z = np.round(corners * WELD_PER_METRE).astype(np.int64).T
    point = (x * 73856093 + y) * 19349663 + z  # one number a point (wraps on purpose); equal number, same point
    order = np.argsort(point, kind="stable")
    _, start, count = np.unique(point[order], return_index=True, return_counts=True)
    # Every corner beside every corner at the same point: sum over the neighbours within the crease angle.
    size, begin = np.repeat(count, count), np.repeat(start, count)
    first = np.repeat(np.arange(len(order)), size)
    step = np.arange(len(first)) - np.repeat(np.cumsum(size) - size, size)
    face, neighbour = order[first] // 3, order[begin[first] + step] // 3
    unit = normals / area[:, None]
    smooth = np.einsum("ij,ij->i", unit[face], unit[neighbour]) > np.cos(np.deg2rad(crease))
    summed = np.stack(
        [np.bincount(order[first[smooth]], normals[neighbour[smooth], k], len(corners)) for k in range(3)], 1
    )
    return corners, summed / np.linalg.norm(summed, axis=1, keepdims=True)
