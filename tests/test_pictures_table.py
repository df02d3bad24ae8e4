"""The table in data/README.md says of each bundled picture what the JSON files say, and the set shows what it should.

`found` works a line of the table out from the JSON with the package's own anchors and IoU; every cell is compared.
"""

from __future__ import annotations

import json
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from torch import Tensor

from rpnviz.anchors import cell_anchors, grid_anchors, inside_picture
from rpnviz.boxes import box_iou
from rpnviz.grid import Grid
from rpnviz.pictures import Picture

DATA = Path(__file__).parent.parent / "data"
README = (DATA / "README.md").read_text("utf-8") if (DATA / "README.md").exists() else ""
NAMES = [f"street-{i:02d}" for i in range(1, 13)]
CLASSES = ["person", "dog", "bicycle", "car", "bus", "traffic cone"]
COLUMNS = ["scene", "what it shows", "objects", "inside", "crossing", "special"]
IMAGE_SIZE = (600, 1000)
MOST_BYTES = 130_000

CELLS = cell_anchors()
SHAPES = [f"{int(w)}×{int(h)}" for w, h in (CELLS[:, 2:] - CELLS[:, :2]).tolist()]
ANCHORS = grid_anchors(Grid.named("paper"), CELLS)
INSIDE = inside_picture(ANCHORS, IMAGE_SIZE)


@cache
def truth(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((DATA / f"pictures/{name}.json").read_text("utf-8"))
    return loaded


def gt_boxes(name: str) -> Tensor:
    return torch.tensor([entry["visible"] for entry in truth(name)["objects"]], dtype=torch.float32)


def shapes_reached(quality: Tensor) -> set[str]:
    """Name the shapes with an anchor at IoU ≥ 0.7; `quality` is IoU [M, N]."""
    best = quality.amax(0).reshape(-1, len(SHAPES)).amax(0)  # rows of anchors: cell by cell, nine each
    return {shape for shape, value in zip(SHAPES, best.tolist(), strict=True) if value >= 0.7}


def special(name: str, quality: Tensor) -> list[str]:
    objects, boxes = truth(name)["objects"], gt_boxes(name)
    height, width = IMAGE_SIZE
    sides = (boxes[:, 2:] - boxes[:, :2]).amax(1)
    between = box_iou(boxes, boxes).triu(1)
    outside = [x0 < 0 or y0 < 0 or x1 > width or y1 > height for x0, y0, x1, y1 in (o["amodal"] for o in objects)]
    is_so = {
        "border": any(outside),
        "overlap": bool((between >= 0.5).any()),
        "tiny": bool((sides <= 60).any()),
        "unreached": bool((quality.amax(1) < 0.3).any()),
        "low-quality": bool(((quality * INSIDE).amax(1) < 0.7).any()),
        "alone": len(objects) == 1,
        "all-classes": {o["name"] for o in objects} == set(CLASSES),
    }
    return [word for word, so in is_so.items() if so]


def listed(words: list[str]) -> str:
    return ", ".join(words) or "–"


@cache
def found(name: str) -> dict[str, str]:
    """Work out the line of one scene."""
    quality = box_iou(gt_boxes(name), ANCHORS)
    inside, anywhere = shapes_reached(quality * INSIDE), shapes_reached(quality)
    counts = Counter(entry["name"] for entry in truth(name)["objects"])
    return {
        "scene": name,
        "what it shows": truth(name)["shows"],
        "objects": listed([f"{counts[kind]} {kind}" for kind in CLASSES if counts[kind]]),
        "inside": listed([shape for shape in SHAPES if shape in inside]),
        "crossing": listed([shape for shape in SHAPES if shape in anywhere - inside]),
        "special": listed(special(name, quality)),
    }


def table() -> dict[str, dict[str, str]]:
    """Read the lines of the table."""
    rows = [[cell.strip() for cell in line.strip("|\n ").split("|")] for line in README.splitlines() if "|" in line]
    assert COLUMNS in rows
    return {row[0]: dict(zip(COLUMNS, row, strict=True)) for row in rows if row[0].startswith("street-")}


def column(heading: str) -> Counter[str]:
    return Counter(word for name in NAMES for word in found(name)[heading].split(", ") if word != "–")


def test_the_twelve_are_there_and_nothing_else() -> None:
    assert sorted(path.name for path in (DATA / "pictures").iterdir() if path.name != ".gitkeep") == sorted(
        f"{name}.{ending}" for name in NAMES for ending in ("json", "webp")
    )
    assert list(table()) == NAMES == Picture.bundled()


@pytest.mark.parametrize("name", NAMES)
def test_line_of_the_table(name: str) -> None:
    assert table()[name] == found(name)


def test_all_nine_shapes_are_matched() -> None:
    inside = column("inside")
    assert set(SHAPES) - set(inside) == {"362×724"}  # taller than the picture
    assert "362×724" in column("crossing")


def test_what_the_set_must_show() -> None:
    assert set(column("special")) == {"border", "overlap", "tiny", "unreached", "low-quality", "alone", "all-classes"}
    empty = found("street-02")
    assert empty["objects"].startswith("1 ")
    assert {"tiny", "unreached", "alone"} <= set(empty["special"].split(", "))


def test_the_first_picture_shows_both_ways_to_be_positive() -> None:
    """What everyone sees first: one object matched, another positive by the best-per-gt rule alone."""
    names = [entry["name"] for entry in truth("street-03")["objects"]]
    assert {"person", "dog", "car"} <= set(names) and 3 <= len(names) <= 6
    assert found("street-03")["inside"] != "–"
    assert "low-quality" in found("street-03")["special"]


@pytest.mark.parametrize("name", NAMES)
def test_picture_file(name: str) -> None:
    path = DATA / f"pictures/{name}.webp"
    assert path.stat().st_size < MOST_BYTES
    with Image.open(path) as image:
        image.load()
        assert (image.format, image.mode, image.size) == ("WEBP", "RGB", (1000, 600))


@pytest.mark.parametrize("name", NAMES)
def test_truth_is_as_documented(name: str) -> None:
    assert list(truth(name)) == ["picture", "image_size", "seed", "shows", "objects"]
    assert truth(name)["picture"] == f"{name}.webp" and truth(name)["image_size"] == list(IMAGE_SIZE)
    of_pictures = README.split("\n## Weights")[0]
    fields = {line.split("|")[1].strip(" `") for line in of_pictures.splitlines() if line.startswith("| `")}
    documented = {*truth(name), *(f"objects[].{field}" for field in truth(name)["objects"][0])}
    assert documented == fields
    for entry in truth(name)["objects"]:
        x0, y0, x1, y1 = entry["visible"]
        assert all(isinstance(edge, int) for edge in entry["visible"])
        assert 0 <= x0 < x1 <= 1000 and 0 <= y0 < y1 <= 600
        assert 0.35 < entry["visible_fraction"] <= 1
        assert entry["name"] in CLASSES
        (a0, b0, a1, b1), clipped = entry["amodal"], entry["clipped"]
        assert clipped == [max(a0, 0), max(b0, 0), min(a1, 1000), min(b1, 600)]
        assert clipped[0] - 1 <= x0 and clipped[1] - 1 <= y0 and x1 <= clipped[2] + 1 and y1 <= clipped[3] + 1


@pytest.mark.parametrize("name", NAMES)
def test_every_object_is_ground_truth(name: str) -> None:
    picture = Picture.load(name)
    assert torch.equal(picture.gt_boxes, gt_boxes(name))
    assert picture.class_names == [entry["name"] for entry in truth(name)["objects"]]
    assert picture.image.shape == (600, 1000, 3)
