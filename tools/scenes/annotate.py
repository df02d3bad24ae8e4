"""The ground truth of a rendered scene, and how picture and truth are saved."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tools.scenes.camera import HEIGHT, WIDTH, clip_box
from tools.scenes.scene import Scene

WEBP_QUALITY = 88


def describe(scene: Scene, seen: NDArray[np.int64], unhidden: list[int]) -> list[dict[str, Any]]:
    """Describe the objects of a scene that show at least one pixel.

    Args:
        scene (Scene): M objects.
        seen (array[600, 1000]): the object each pixel shows, -1 for none.
        unhidden (list[int]): M pixel counts, of each object if nothing hid it.

    Returns:
        list[dict]: an entry of "objects" each, as data/README.md documents it.
    """
    entries = []
    for i, placed in enumerate(scene.objects):
        rows, columns = np.nonzero(seen == i)
        amodal = scene.street.camera.box_of(placed.points)
        if len(rows) == 0 or amodal is None:
            continue
        visible = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
        entries.append(
            {
                "name": placed.name,
                "amodal": [round(v, 1) for v in amodal],
                "clipped": [round(v, 1) for v in clip_box(amodal)],
                "visible": [int(v) for v in visible],
                "visible_fraction": round(len(rows) / unhidden[i], 3),
            }
        )
    return entries


def render_and_save(scene: Scene, samples: int, folder: Path, name: str, shows: str) -> list[dict[str, Any]]:
    """Render a scene into `folder`/`name`.webp and its ground truth into `name`.json; return the objects."""
    from PIL import Image

    from tools.scenes.render import load
    from tools.scenes.trace import alone, picture, seen_objects

    loaded = load(scene)
    seen = seen_objects(loaded, len(scene.objects))
    unhidden = [int((seen_objects(alone(scene, i), 1) == 0).sum()) for i in range(len(scene.objects))]
    objects = describe(scene, seen, unhidden)
    folder.mkdir(parents=True, exist_ok=True)
    pixels = picture(loaded, samples, scene.seed)
    Image.fromarray(pixels).save(folder / f"{name}.webp", quality=WEBP_QUALITY, method=6)
    truth = {"picture": f"{name}.webp", "image_size": [HEIGHT, WIDTH], "seed": scene.seed, "shows": shows}
    (folder / f"{name}.json").write_text(_to_json({**truth, "objects": objects}), encoding="utf-8")
    return objects


def _to_json(truth: dict[str, Any]) -> str:
    """Write a truth with one line an object, to be read by people too."""
    head = [f"  {json.dumps(key)}: {json.dumps(value)}," for key, value in truth.items() if key != "objects"]
    rows = ",\n".join(f"    {json.dumps(entry)}" for entry in truth["objects"])
    return "\n".join(["{", *head, '  "objects": [', rows, "  ]", "}"]) + "\n"
