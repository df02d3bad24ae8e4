"""`rpnviz fit` on made data sets, up to ten times the size of COCO's train2017; and its core against all anchors."""

from __future__ import annotations

import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from PIL import Image

from rpnviz.boxes import box_iou
from rpnviz.fit.anchor_sets import one_map
from rpnviz.fit.coverage import Resized, compare

PICTURES, OBJECTS = 118_000, 860_000  # train2017
SIZE = (480, 640)
POLYGON = ", ".join(f"{i * 7.31:.2f}" for i in range(50))  # of each object, as long as COCO's
HEAD = "| format | pictures | objects | MB | seconds | peak memory, MB |\n|---|---|---|---|---|---|"
FORCED = 500  # objects that are compared with all anchors
RUN = """import resource, sys, time
from rpnviz.fit.fitting import fit_anchors
start = time.perf_counter()
result = fit_anchors(sys.argv[1])
print(result.num_objects, time.perf_counter() - start, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"""


@dataclass
class Run:
    """One data set, gone through by a process of its own."""

    format: str
    pictures: int
    objects: int
    megabytes: float
    seconds: float
    peak_megabytes: float


def measure() -> Iterator[Run]:
    """COCO's file at a tenth, at its own and at ten times its size; the folders at a tenth, of as many small files."""
    writers: list[tuple[str, Callable[[Path, int, int], Path], float]] = [
        *(("COCO JSON", _write_coco, times) for times in (0.1, 1, 10)),
        ("Pascal VOC", _write_voc, 0.1),
        ("YOLO", _write_yolo, 0.1),
    ]
    for name, write, times in writers:
        with tempfile.TemporaryDirectory(prefix="rpnviz-") as folder:
            random.seed(0)
            pictures = int(PICTURES * times)
            path = write(Path(folder), pictures, int(OBJECTS * times))
            files = [path] if path.is_file() else [file for file in path.rglob("*") if file.is_file()]
            megabytes = sum(file.stat().st_size for file in files) / 1e6
            done = subprocess.run([sys.executable, "-c", RUN, str(path)], capture_output=True, text=True, check=True)
            objects, seconds, peak = done.stdout.split()
            yield Run(name, pictures, int(objects), megabytes, float(seconds), int(peak) / 1024)


def row(run: Run) -> str:
    """A line of the table."""
    size = f"{run.pictures:,} | {run.objects:,} | {run.megabytes:,.0f}"
    return f"| {run.format} | {size} | {run.seconds:.1f} | {run.peak_megabytes:,.0f} |"


def against_all_anchors() -> str:
    """A sentence: the time an object takes, and takes if it is compared with all anchors."""
    boxes = torch.tensor([_box() for _ in range(65_536)], dtype=torch.float64)
    sizes, anchors = torch.tensor([SIZE]).expand(len(boxes), 2), one_map()
    found = _seconds(lambda: compare(Resized(boxes, sizes), anchors)) / len(boxes)
    every = torch.rand(anchors.count(SIZE), 4, dtype=torch.float64).cumsum(dim=1) * 100
    forced = _seconds(lambda: box_iou(boxes[:FORCED], every).amax(dim=1)) / FORCED
    times = f"{found * 1e6:.1f} µs an object, {forced * 1e6:,.0f} µs if it is compared with all {len(every):,} anchors"
    return f"{times}: {forced / found:,.0f} ×. Median of 5, in turns; memory of this process {_peak():,.0f} MB."


def _seconds(work: Callable[[], object]) -> float:
    taken = []
    for _ in range(5):
        start = time.perf_counter()
        work()
        taken.append(time.perf_counter() - start)
    return statistics.median(taken)


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _box() -> tuple[float, float, float, float]:
    height, width = random.uniform(4, 300), random.uniform(4, 300)
    x, y = random.uniform(0, SIZE[1] - width), random.uniform(0, SIZE[0] - height)
    return x, y, x + width, y + height


def _write_coco(folder: Path, pictures: int, objects: int) -> Path:
    path = folder / "annotations.json"
    height, width = SIZE
    with path.open("w") as file:
        file.write('{"info": {}, "images": [')
        for i in range(pictures):
            size = f'"height": {height}, "width": {width}, "date_captured": "2013-11-14 17:02:52"'
            file.write(f'{", " if i else ""}{{"id": {i}, "file_name": "{i:012d}.jpg", {size}}}')
        file.write('], "annotations": [')
        for i in range(objects):
            x1, y1, x2, y2 = _box()
            where = (
                f'"image_id": {random.randrange(pictures)}, "bbox": [{x1:.2f}, {y1:.2f}, {x2 - x1:.2f}, {y2 - y1:.2f}]'
            )
            what = f'"category_id": {random.randrange(1, 81)}, "iscrowd": 0, "segmentation": [[{POLYGON}]]'
            file.write(f'{", " if i else ""}{{"id": {i}, {where}, {what}}}')
        names = ", ".join(f'{{"id": {i}, "name": "class {i}"}}' for i in range(1, 81))
        file.write(f'], "categories": [{names}]}}')
    return path


def _write_voc(folder: Path, pictures: int, objects: int) -> Path:
    size = f"<size><width>{SIZE[1]}</width><height>{SIZE[0]}</height></size>"
    for i in range(pictures):
        things = ""
        for _ in range(objects // pictures):
            edges = zip(("xmin", "ymin", "xmax", "ymax"), _box(), strict=True)
            corners = "".join(f"<{name}>{round(edge) + 1}</{name}>" for name, edge in edges)
            things += f"<object><name>class {random.randrange(20)}</name><bndbox>{corners}</bndbox></object>"
        (folder / f"{i:06d}.xml").write_text(f"<annotation>{size}{things}</annotation>")
    return folder


def _write_yolo(folder: Path, pictures: int, objects: int) -> Path:
    for name in ("labels", "images"):
        (folder / name).mkdir()
    height, width = SIZE
    Image.new("RGB", (width, height)).save(folder / "black.png")
    black = (folder / "black.png").read_bytes()
    for i in range(pictures):
        lines = []
        for _ in range(objects // pictures):
            x1, y1, x2, y2 = _box()
            middle = f"{(x1 + x2) / 2 / width:.6f} {(y1 + y2) / 2 / height:.6f}"
            lines.append(f"{random.randrange(20)} {middle} {(x2 - x1) / width:.6f} {(y2 - y1) / height:.6f}")
        (folder / "labels" / f"{i:06d}.txt").write_text("\n".join(lines))
        (folder / "images" / f"{i:06d}.png").write_bytes(black)
    (folder / "black.png").unlink()
    return folder
