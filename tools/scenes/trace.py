"""From a loaded scene to pixels: the picture, and for every object the pixels where it is seen."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tools.scenes.camera import HEIGHT, WIDTH
from tools.scenes.render import BOUNCES, SAMPLES_A_PASS, Image, load, mitsuba
from tools.scenes.scene import Scene

EXPOSURE, WHITE_POINT, SATURATION, GAIN, CONTRAST = 0.86, 2.6, 0.95, 1.55, 1.12
LUMINANCE = np.array([0.2126, 0.7152, 0.0722])


def picture(loaded: Any, samples: int, seed: int) -> NDArray[np.uint8]:
    """Render a loaded scene.

    Args:
        loaded: what render.load gave.
        samples (int): paths a pixel; 32 for pictures that people see, 1 or 2 will do for training.
        seed (int): of the random paths.

    Returns:
        array[600, 1000, 3]: sRGB, uint8. The same seed gives the same bytes on one machine; across processors only the
            layout is the same.
    """
    light, albedo, normal = (np.ascontiguousarray(q) for q in np.split(_passes(loaded, samples, seed), 3, axis=-1))
    import pyoidn

    clean = pyoidn.denoise(light, albedo=np.clip(albedo, 0, 1), normal=normal, hdr=True)
    return tone_map(np.asarray(clean))


def _passes(loaded: Any, samples: int, seed: int) -> Image:
    """Return light, albedo and normal [600, 1000, 9], the mean of several passes with what is odd about one left out.

    Now and then a sliver of a triangle gives a NaN path, which once denoised leaves a dark speck: it spoils only the
    pass it is in. And now and then a path finds the sun in a mirror, which leaves a bright one: from three passes on,
    no pass may be much brighter than their median.
    """
    mi = mitsuba()
    wanted = {"type": "aov", "aovs": "albedo:albedo,normal:sh_normal", "light": {"type": "path", "max_depth": BOUNCES}}
    integrator = mi.load_dict(wanted)
    count = max(1, round(samples / SAMPLES_A_PASS))
    shares = [len(part) for part in np.array_split(np.arange(samples), count)]
    passes = [
        np.array(mi.render(loaded, integrator=integrator, spp=share, seed=seed * 1000 + i), np.float32)
        for i, share in enumerate(shares)
    ]
    stack = np.where(np.isfinite(passes), passes, np.nan)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a pixel that is NaN in every pass
        if count > 2:
            stack[..., :3] = np.minimum(stack[..., :3], 2 * np.nanmedian(stack[..., :3], axis=0) + 0.1)
        mean = np.nanmean(stack, axis=0)
        for y, x in np.argwhere(np.isnan(mean).any(-1)):
            around = mean[max(y - 1, 0) : y + 2, max(x - 1, 0) : x + 2]
            mean[y, x] = np.nan_to_num(np.nanmedian(around, axis=(0, 1)))
    return np.asarray(mean, np.float32)


def tone_map(light: Image) -> NDArray[np.uint8]:
    """Turn linear light into sRGB bytes: a soft shoulder (extended Reinhard) instead of burnt-out whites."""
    x = np.maximum(light * EXPOSURE, 0)
    x = x * SATURATION + (1 - SATURATION) * (x @ LUMINANCE)[..., None]
    x = np.clip(x * (1 + x / WHITE_POINT**2) / (1 + x) * GAIN, 0, 1) ** CONTRAST
    srgb = np.where(x <= 0.0031308, 12.92 * x, 1.055 * np.maximum(x, 1e-6) ** (1 / 2.4) - 0.055)
    return np.asarray(srgb * 255 + 0.5, np.uint8)


def seen_objects(loaded: Any, count: int) -> NDArray[np.int64]:
    """Return for every pixel [600, 1000] which object a ray through its centre meets first, -1 for none of them."""
    mi = mitsuba()
    if mi.variant().startswith("scalar"):
        return _seen_one_by_one(loaded)
    import drjit as dr

    index = dr.arange(mi.UInt32, WIDTH * HEIGHT)
    where = mi.Point2f((mi.Float(index % WIDTH) + 0.5) / WIDTH, (mi.Float(index // WIDTH) + 0.5) / HEIGHT)
    ray, _ = loaded.sensors()[0].sample_ray(0.0, 0.5, where, mi.Point2f(0.5))
    met = loaded.ray_intersect_preliminary(ray, coherent=True).shape
    seen = np.full(WIDTH * HEIGHT, -1)
    shapes = {shape.id(): shape for shape in loaded.shapes()}
    for i in range(count):
        seen[np.array(met == mi.ShapePtr(shapes[f"object {i}"]))] = i
    return seen.reshape(HEIGHT, WIDTH)


def _seen_one_by_one(loaded: Any) -> NDArray[np.int64]:
    """Do the same in the scalar variant, where rays are cast one at a time."""
    sensor = loaded.sensors()[0]
    seen = np.full((HEIGHT, WIDTH), -1)
    for y in range(HEIGHT):
        for x in range(WIDTH):
            ray, _ = sensor.sample_ray(0.0, 0.5, [(x + 0.5) / WIDTH, (y + 0.5) / HEIGHT], [0.5, 0.5])
            met = loaded.ray_intersect_preliminary(ray)
            name = met.shape.id() if met.is_valid() else ""
            if name.startswith("object "):
                seen[y, x] = int(name.removeprefix("object "))
    return seen


def alone(scene: Scene, i: int) -> Any:
    """Load object i of a scene with nothing round it: where it would be seen if nothing hid it."""
    return load(Scene(scene.seed, scene.street, [scene.objects[i]], []))
