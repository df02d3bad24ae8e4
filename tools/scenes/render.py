"""Path-trace a scene with Mitsuba 3, denoise it with Open Image Denoise, and see which object each pixel shows.

Needs the `render` extra. The fast variant of Mitsuba, llvm_ad_rgb, compiles with LLVM at run time: install LLVM 19
(Debian, Ubuntu: libllvm19) and name its library in the environment variable DRJIT_LIBLLVM_PATH. LLVM 14 and 15 abort on
processors with AVX512-FP16. Without LLVM, STREET_VARIANT=scalar_rgb renders the same pictures, several times slower.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tools.scenes.camera import HEIGHT, WIDTH
from tools.scenes.mesh import Floats, box, shade
from tools.scenes.parts import Part
from tools.scenes.scene import PAVEMENT_HEIGHT, Placed, Scene, Street
from tools.scenes.textures import TILE_METRES, ground_textures

Image = NDArray[np.float32]

BOUNCES = 3
SAMPLES_A_PASS = 8
SUN_DISTANCE, SUN_RADIUS = 120.0, 3.2  # metres; larger than the real sun's disc, for softer shadows
SUN_RADIANCE = (2900.0, 2523.0, 2001.0)
SKY_BRIGHTNESS = 0.85
HORIZON_SKY, ZENITH_SKY, BELOW_HORIZON = (1.25, 1.32, 1.38), (0.22, 0.52, 1.25), (0.42, 0.40, 0.38)
KERB_STONE, ROAD_PAINT = (0.74, 0.73, 0.70), (0.93, 0.92, 0.88)
STREET_END = 60.0  # metres to either side


def mitsuba() -> Any:
    """Import Mitsuba and choose its variant once.

    Raises:
        SystemExit: if the `render` extra is not installed, or its LLVM is not found.
    """
    try:
        import mitsuba as mi
        import pyoidn  # noqa: F401  # used last, missed first
    except ImportError:
        raise SystemExit('Rendering needs the `render` extra (Mitsuba 3, OIDN): pip install -e ".[render]"') from None
    variant = os.environ.get("STREET_VARIANT", "llvm_ad_rgb")
    if mi.variant() != variant:
        try:
            mi.set_variant(variant)
        except ImportError as error:
            hint = "for llvm_ad_rgb set DRJIT_LIBLLVM_PATH to the library of LLVM 19; scalar_rgb needs no LLVM"
            raise SystemExit(f"Mitsuba does not start its variant {variant!r} ({hint}): {error}") from None
        if variant.startswith("llvm"):
            _limit_threads()
    return mi


def _limit_threads() -> None:
    """Keep Dr.Jit to STREET_THREADS threads (1 unless said otherwise): renders share a machine with training."""
    import drjit

    drjit.set_thread_count(int(os.environ.get("STREET_THREADS", "1")))


def linear(srgb: Any) -> Image:
    """Turn sRGB in 0…1 into linear light."""
    c = np.asarray(srgb, float)
    return np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4).astype(np.float32)


# ---- from a scene to Mitsuba's -------------------------------------------------------------------------------------


def load(scene: Scene) -> Any:
    """Build the Mitsuba scene: ground, light, one mesh an object ("object 0", …), one mesh for all scenery."""
    mi, street = mitsuba(), scene.street
    description = {"type": "scene", **_ground(street), **_light(street), "sensor": sensor(scene)}
    for i, placed in enumerate(scene.objects):
        description[f"object {i}"] = _mesh(f"object {i}", *_corners([placed]))
    marks = Placed("markings", markings(street), np.zeros(3), 0.0)
    description["scenery"] = _mesh("scenery", *_corners([*scene.scenery, marks]))
    return mi.load_dict(description)


def _corners(things: Sequence[Placed]) -> tuple[Image, Image, Image, Image]:
    """Return the loose triangles of things in the street: corners, normals, linear colours, roughness."""
    rows: list[tuple[Floats, Floats, Floats, Floats]] = []
    for thing in things:
        for part in thing.parts:
            corners, normals = shade(part.mesh)
            paint = np.broadcast_to(np.asarray(part.colour, float), corners.shape)
            rows.append((thing.to_world(corners), thing.turn(normals), paint, np.full(len(corners), part.roughness)))
    p, n, c, q = (np.concatenate(column).astype(np.float32) for column in zip(*rows, strict=True))
    return p, n, linear(c), q


@cache
def _paint() -> Any:
    """Return the one material of everything but the ground: with one a mesh, every scene would be compiled anew."""
    return mitsuba().load_dict(
        {
            "type": "principled",
            "base_color": {"type": "mesh_attribute", "name": "vertex_color"},
            "roughness": {"type": "mesh_attribute", "name": "vertex_rough"},
            "specular": 0.5,
        }
    )


def _mesh(name: str, corners: Image, normals: Image, paint: Image, roughness: Image) -> Any:
    """Build a Mitsuba mesh of loose triangles."""
    mi = mitsuba()
    props = mi.Properties()
    props["bsdf"] = _paint()
    mesh = mi.Mesh(name, len(corners), len(corners) // 3, props=props, has_vertex_normals=True)
    mesh.add_attribute("vertex_color", 3, paint.ravel())
    mesh.add_attribute("vertex_rough", 1, roughness)
    params = mi.traverse(mesh)
    params["vertex_positions"], params["vertex_normals"] = corners.ravel(), normals.ravel()
    params["faces"] = np.arange(len(corners), dtype=np.uint32)
    params.update()
    return mesh


def _ground(street: Street) -> dict[str, Any]:
    """Describe road, pavements and the lawn behind the houses."""
    end, tiles, kerb = STREET_END, ground_textures(), PAVEMENT_HEIGHT
    pavement = tiles[f"pavement {street.pavement}"]
    return {
        "road": _slab((-end, end), (-4, 80), 0, tiles["asphalt"]),
        "near pavement": _slab((-end, end), (-4, street.near_kerb), kerb, pavement),
        "far pavement": _slab((-end, end), (street.far_kerb, street.fronts + 0.5), kerb, pavement),
        "lawn": _slab((-120, 120), (street.fronts, 140), kerb * 0.9, tiles["grass"]),
    }


def _slab(x: tuple[float, float], y: tuple[float, float], z: float, tile: Image) -> dict[str, Any]:
    """Describe a flat rectangle covered with a tile."""
    mi = mitsuba()
    transform, (x0, x1), (y0, y1) = mi.ScalarTransform4f, x, y
    to_world = transform().translate([(x0 + x1) / 2, (y0 + y1) / 2, z]).scale([(x1 - x0) / 2, (y1 - y0) / 2, 1])
    texture = {
        "type": "bitmap",
        "bitmap": mi.Bitmap(linear(tile)),
        "raw": True,
        "wrap_mode": "repeat",
        "to_uv": transform().scale([(x1 - x0) / TILE_METRES, (y1 - y0) / TILE_METRES, 1]),
    }
    return {"type": "rectangle", "to_world": to_world, "bsdf": {"type": "diffuse", "reflectance": texture}}


def markings(street: Street) -> list[Part]:
    """Build kerb stones, the dashed middle line and the zebra crossing."""
    parts: list[Part] = []

    def strip(x: tuple[float, float], y: tuple[float, float], top: float, paint: tuple[float, float, float]) -> None:
        size = (x[1] - x[0], y[1] - y[0], top)
        parts.append(Part(box(size, ((x[0] + x[1]) / 2, (y[0] + y[1]) / 2, top / 2)), paint, 0.9))

    near, far = street.near_kerb, street.far_kerb
    for kerb in (near + 0.07, far - 0.07):
        strip((-STREET_END, STREET_END), (kerb - 0.09, kerb + 0.09), PAVEMENT_HEIGHT + 0.012, KERB_STONE)
    middle = (near + far) / 2
    for x in np.arange(street.dash_start, 40, 4.4):
        strip((x, x + 2), (middle - 0.07, middle + 0.07), 0.006, ROAD_PAINT)
    if street.crossing is not None:
        for y in near + 0.45 + np.arange(9) * (far - near - 0.9) / 9:
            strip((street.crossing, street.crossing + 2.6), (y, y + 0.42), 0.007, ROAD_PAINT)
    return parts


def _light(street: Street) -> dict[str, Any]:
    """Describe the sun, a small bright ball, and the sky: pale at the horizon, blue above."""
    mi = mitsuba()
    elevation, azimuth = np.deg2rad([street.sun_elevation, street.sun_azimuth])
    towards = np.array([np.cos(elevation) * np.cos(azimuth), np.cos(elevation) * np.sin(azimuth), np.sin(elevation)])
    emitter = {"type": "area", "radiance": {"type": "rgb", "value": list(SUN_RADIANCE)}}
    rows, columns = 128, 256
    height = np.sin(np.pi / 2 - (np.arange(rows) + 0.5) / rows * np.pi)
    blue = np.clip(height, 0, 1)[:, None] ** 0.5
    sky = (1 - blue) * np.array(HORIZON_SKY) + blue * np.array(ZENITH_SKY)
    sky[height < 0] = BELOW_HORIZON
    bitmap = mi.Bitmap(np.repeat(sky[:, None], columns, 1).astype(np.float32))
    upright = mi.ScalarTransform4f().rotate([1, 0, 0], 90)  # Mitsuba's sky has y up
    centre = (towards * SUN_DISTANCE).tolist()
    return {
        "sun": {"type": "sphere", "center": centre, "radius": SUN_RADIUS, "emitter": emitter},
        "sky": {"type": "envmap", "bitmap": bitmap, "to_world": upright, "scale": SKY_BRIGHTNESS},
    }


def sensor(scene: Scene) -> dict[str, Any]:
    """Describe the camera."""
    camera = scene.street.camera
    _, down, forward = camera.axes
    look = (
        mitsuba()
        .ScalarTransform4f()
        .look_at(origin=camera.origin.tolist(), target=(camera.origin + forward).tolist(), up=(-down).tolist())
    )
    film = {"type": "hdrfilm", "width": WIDTH, "height": HEIGHT, "rfilter": {"type": "box"}, "pixel_format": "rgb"}
    return {
        "type": "perspective",
        "fov": camera.fov,
        "fov_axis": "x",
        "near_clip": 0.05,
        "far_clip": 500.0,
        "to_world": look,
        "film": {**film, "component_format": "float32"},
        "sampler": {"type": "independent"},
    }
