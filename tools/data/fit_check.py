"""Do suggested anchors help? A head trained with the paper's anchors, and with suggested ones, on small wide objects.

    python -m tools.data.fit_check [--steps 600] [--seeds 0 1 2]

The pictures are drawn here: plates of about one to five before noise and squares, each alone, or in stacks. The
backbone is "mini", fixed; only the head is trained. At most as many anchors of a cell as the paper has are suggested,
from the training pictures alone. Recall is measured on pictures that neither the suggestion nor the training has seen.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFilter
from torch import Tensor

from rpnviz.anchors import cell_anchors
from rpnviz.backbone import Backbone
from rpnviz.fit.anchor_sets import one_map
from rpnviz.fit.fitting import fit_anchors
from rpnviz.fit.result import Suggestion
from rpnviz.grid import Grid
from rpnviz.pictures import Picture
from rpnviz.rpn import RPNHead
from rpnviz.train.head import HeadTraining, features_and_mirrored
from tools.data.train import measure_head

TRAINING, HELD_OUT = 60, 30  # pictures
SETS = {"each alone": (6, 1), "in stacks": (4, 6)}  # how many stacks in a picture, and how many plates in a stack
FIGURES = {"recall@50": (50, "recall@0.5"), "recall@300": (300, "recall@0.5"), "AR@300": (300, "average_recall")}


def draw_picture(seed: int, stacks: int, each: int) -> Picture:
    """600×1000, with stacks of plates that are 18 to 26 px high and four to five and a half times as wide."""
    random = np.random.default_rng(seed)
    noise = Image.fromarray(random.integers(60, 190, (38, 63, 3), dtype=np.uint8)).resize((1000, 600))
    image = noise.filter(ImageFilter.GaussianBlur(4))
    pen = ImageDraw.Draw(image)
    for x, y, side in random.uniform((0, 0, 30), (900, 520, 120), (12, 3)).tolist():  # what is no plate
        pen.rectangle((x, y, x + side, y + side), fill=tuple(random.integers(40, 220, 3).tolist()))
    boxes: list[list[float]] = []
    for column in random.permutation(6)[:stacks].tolist():
        top = float(random.uniform(0, 600 - each * 34))
        for height, share, left in random.uniform((18, 4, 0), (26, 5.5, 1), (each, 3)).tolist():
            x = column * 166 + left * max(0, 160 - height * share)
            boxes.append([x, top, x + height * share, top + height])
            _draw_plate(pen, boxes[-1])
            top += height + float(random.uniform(3, 8))
    return Picture(np.array(image), torch.tensor(boxes), ["plate"] * len(boxes), f"plates {seed}")


def _draw_plate(pen: ImageDraw.ImageDraw, box: list[float]) -> None:
    """A light rectangle with six dark signs."""
    x1, y1, x2, y2 = box
    width, height = x2 - x1, y2 - y1
    pen.rectangle((x1, y1, x2, y2), fill=(235, 232, 220), outline=(20, 20, 20), width=2)
    for i in range(6):
        left = x1 + width * (0.12 + 0.13 * i)
        pen.rectangle((left, y1 + height * 0.3, left + width * 0.07, y1 + height * 0.7), fill=(25, 25, 30))


def suggested(pictures: list[Picture]) -> Suggestion:
    """The best suggestion of at most nine shapes for these pictures."""
    images = [{"id": i, "height": 600, "width": 1000} for i in range(len(pictures))]
    boxes = [(i, box) for i, picture in enumerate(pictures) for box in picture.gt_boxes.tolist()]
    things = [
        {"id": n, "image_id": i, "category_id": 1, "bbox": [x1, y1, x2 - x1, y2 - y1]}
        for n, (i, (x1, y1, x2, y2)) in enumerate(boxes)
    ]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "plates.json"
        path.write_text(json.dumps({"images": images, "annotations": things, "categories": []}))
        result = fit_anchors(path, one_map(), resizing="none")
    print(f"{result.verdict}\n")
    few = [one for one in result.suggestions if len(one.shapes) <= len(cell_anchors())]
    return max(few, key=lambda one: one.covered)


@torch.no_grad()
def features_of(backbone: Backbone, pictures: list[Picture]) -> list[Tensor]:
    """Of each picture and of its mirror image."""
    return [features_and_mirrored(backbone, picture, Grid.paper()) for picture in pictures]


def recall_of(
    backbone: Backbone, cells: Tensor, pictures: list[Picture], features: list[Tensor], seed: int, steps: int
) -> list[float]:
    """Train a head on the first TRAINING pictures; its FIGURES on the others."""
    torch.manual_seed(seed)
    head = RPNHead(num_anchors=len(cells))
    first, then = pictures[:TRAINING], pictures[TRAINING:]
    for _ in HeadTraining(backbone, head, first, steps, cells=cells, seed=seed, features=features[:TRAINING]).run():
        pass
    own = (both[:1].float() for both in features[TRAINING:])
    table = measure_head(head.eval(), own, then, cells=cells)
    return [table[top_n][column] for top_n, column in FIGURES.values()]


def main() -> None:
    """Read the command line, train, print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=600)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    options = parser.parse_args()
    backbone = Backbone.load("mini")
    for name, (stacks, each) in SETS.items():
        pictures = [draw_picture(i, stacks, each) for i in range(TRAINING + HELD_OUT)]
        print(f"\n{stacks * each} plates in a picture, {name}.")
        shapes = suggested(pictures[:TRAINING]).shapes
        anchors = one_map().with_shapes("suggested", shapes).lattices[0].cells.float()
        features = features_of(backbone, pictures)
        print("| anchors of a cell | " + " | ".join(FIGURES) + " |\n" + "|---" * (len(FIGURES) + 1) + "|")
        for of, cells in {"the paper's nine": cell_anchors(), f"{len(shapes)} suggested": anchors}.items():
            runs = [recall_of(backbone, cells, pictures, features, seed, options.steps) for seed in options.seeds]
            rows = [f"{statistics.median(v):.3f} ({min(v):.3f}–{max(v):.3f})" for v in zip(*runs, strict=True)]
            print(f"| {of} | " + " | ".join(rows) + " |", flush=True)


if __name__ == "__main__":
    main()
