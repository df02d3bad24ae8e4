"""One small data set in each format: a picture "a" of 480×640 with two objects, "b" of 300×200 with one."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PIL import Image

SIZES = {"a": (480, 640), "b": (300, 200)}
OBJECTS: list[tuple[str, str, tuple[float, float, float, float]]] = [
    ("a", "dog", (10, 20, 110, 220)),
    ("a", "cat", (300, 100, 500, 180)),
    ("b", "dog", (0, 0, 50, 60)),
]
NUMBERS = {"dog": 1, "cat": 7}


def coco(folder: Path, **changed: Any) -> Path:
    """A COCO file; `changed` replaces its lists."""
    ids = {"a": 12, "b": 5}
    content = {
        "info": {"year": 2026},
        "images": [
            {"id": ids[name], "height": height, "width": width, "file_name": f"{name}.png"}
            for name, (height, width) in SIZES.items()
        ],
        "annotations": [coco_object(i, ids[name], box, NUMBERS[kind]) for i, (name, kind, box) in enumerate(OBJECTS)],
        "categories": [{"id": number, "name": name} for name, number in NUMBERS.items()],
    }
    path = folder / "coco.json"
    path.write_text(json.dumps({**content, **changed}), "utf-8")
    return path


def coco_object(number: int, image_id: int, box: tuple[float, ...], kind: int = 1, **more: Any) -> dict[str, Any]:
    x1, y1, x2, y2 = box
    return {"id": number, "image_id": image_id, "bbox": [x1, y1, x2 - x1, y2 - y1], "category_id": kind, **more}


def voc(folder: Path) -> Path:
    for name, (height, width) in SIZES.items():
        things = "".join(voc_object(kind, box) for where, kind, box in OBJECTS if where == name)
        write_voc(folder, name, f"<size><width>{width}</width><height>{height}</height></size>{things}")
    return folder


def write_voc(folder: Path, name: str, content: str) -> None:
    text = f"<annotation><filename>{name}.png</filename>{content}</annotation>"
    (folder / f"{name}.xml").write_text(text, "utf-8")


def voc_object(kind: str, box: tuple[float, ...], more: str = "") -> str:
    x1, y1, x2, y2 = box
    corners = f"<xmin>{x1 + 1}</xmin><ymin>{y1 + 1}</ymin><xmax>{x2}</xmax><ymax>{y2}</ymax>"
    return f"<object><name>{kind}</name><bndbox>{corners}</bndbox>{more}</object>"


def yolo(folder: Path) -> Path:
    (folder / "labels").mkdir()
    (folder / "images").mkdir()
    (folder / "data.yaml").write_text("names: {1: dog, 7: cat}", "utf-8")
    for name, (height, width) in SIZES.items():
        Image.new("RGB", (width, height)).save(folder / "images" / f"{name}.png")
        lines = [
            f"{NUMBERS[kind]} {(x1 + x2) / 2 / width!r} {(y1 + y2) / 2 / height!r} "
            f"{(x2 - x1) / width!r} {(y2 - y1) / height!r}"
            for where, kind, (x1, y1, x2, y2) in OBJECTS
            if where == name
        ]
        (folder / "labels" / f"{name}.txt").write_text("\n".join(lines), "utf-8")
    return folder


def scenes(folder: Path) -> Path:
    for name, (height, width) in SIZES.items():
        Image.new("RGB", (width, height)).save(folder / f"{name}.webp")
        things = [
            {"name": kind, "visible": list(box), "visible_fraction": 1.0}
            for where, kind, box in OBJECTS
            if where == name
        ]
        (folder / f"{name}.json").write_text(json.dumps(things), "utf-8")
    return folder


FORMATS: dict[str, Callable[[Path], Path]] = {"COCO JSON": coco, "Pascal VOC": voc, "YOLO": yolo, "rpnviz JSON": scenes}
