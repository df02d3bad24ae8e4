"""The camera: where a point of the street falls on the picture, and the box of a thing."""

from __future__ import annotations

import numpy as np

from tools.scenes.mesh import Floats, rotation

WIDTH, HEIGHT = 1000, 600
NEAR = 0.05  # metres; what is nearer than this cannot be projected
Box = tuple[float, float, float, float]


class Camera:
    """A pinhole camera over the origin that looks along the street's +y.

    The horizon is moved off the middle by tilting the whole camera, as a person does: verticals converge a little.
    """

    def __init__(self, height: float, fov: float, horizon: float, yaw: float = 0.0) -> None:
        """Set up the camera.

        Args:
            height (float): metres above the road.
            fov (float): horizontal field of view in degrees.
            horizon (float): the picture row of the horizon; below HEIGHT / 2 the camera looks down.
            yaw (float): degrees to the left.
        """
        self.height, self.fov, self.horizon, self.yaw = height, fov, horizon, yaw
        self.focal = WIDTH / 2 / np.tan(np.deg2rad(fov) / 2)  # in pixels
        tilt = np.arctan((horizon - HEIGHT / 2) / self.focal)
        turn = rotation("z", yaw)
        right, forward = turn @ [1, 0, 0], turn @ [0, np.cos(tilt), np.sin(tilt)]
        self.axes = np.stack([right, np.cross(forward, right), forward])  # rows: right, down, forward
        self.origin = np.array([0.0, 0.0, height])

    def project(self, points: Floats) -> tuple[Floats, Floats]:
        """Project world points.

        Args:
            points (array[N, 3]): metres.

        Returns:
            tuple[array[N, 2], array[N]]: picture x and y in pixels, and the distance along the view in metres;
                x and y mean nothing where that distance is below NEAR.
        """
        right, down, depth = ((points - self.origin) @ self.axes.T).T
        safe = np.maximum(depth, NEAR)
        return np.stack([right / safe * self.focal + WIDTH / 2, down / safe * self.focal + HEIGHT / 2], -1), depth

    def box_of(self, points: Floats) -> Box | None:
        """Return the box x0, y0, x1, y1 of some points in pixels, or None if one is beside or behind the camera."""
        pixels, depth = self.project(points)
        if depth.min() < NEAR:
            return None
        (x0, y0), (x1, y1) = pixels.min(0), pixels.max(0)
        return float(x0), float(y0), float(x1), float(y1)

    def across(self, column: float, depth: float) -> float:
        """Return the street's x in metres that is seen in a picture column at street depth y, at the horizon."""
        x, y, _ = np.array([(column - WIDTH / 2) / self.focal, 0, 1.0]) @ self.axes
        return float(x / y * depth)


def clip_box(box: Box) -> Box:
    """Return the part of a box inside the picture."""
    x0, y0, x1, y1 = box
    return max(x0, 0.0), max(y0, 0.0), min(x1, float(WIDTH)), min(y1, float(HEIGHT))


def area(box: Box) -> float:
    """Return the area of a box in square pixels, 0 if it is empty."""
    return max(box[2] - box[0], 0.0) * max(box[3] - box[1], 0.0)


def overlap(a: Box, b: Box) -> float:
    """Return the area that two boxes share."""
    return area((max(a[0], b[0]), max(a[1], b[1]), min(a[2], b[2]), min(a[3], b[3])))
