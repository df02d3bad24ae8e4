"""Do suggested anchors help? A head trained with the paper's anchors, and with suggested ones, on small wide objects.

    python -m tools.data.fit_check [--steps 600] [--seeds 0 1 2]

The pictures are drawn here: plates of about one to five in front of noise and of boxes of other shapes. The backbone is
"mini", fixed; only the head is trained. At most as many anchors of a cell as the paper has are suggested, from the
training pictures alone. Recall is measured on pictures that neither the suggestion nor the training has seen.
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

TRAINING, HELD_OUT, EACH = 60, 30, 6
FIGURES = {"recall@50": (50, "recall@0.5"), "recall@300": (300, "recall@0.5"), "AR@300": (300, "average_recall")}


def draw_picture(seed: int) -> Picture:
    """600×1000, with EACH plates of 18 to 30 px height and four to five and a half times that width."""
    random = np.random.default_rng(seed)
    noise = Image.fromarray(random.integers(60, 190, (38, 63, 3), dtype=np.uint8)).resize((1000, 600))
    image = noise.filter(ImageFilter.GaussianBlur(4))
    pen = ImageDraw.Draw(image)
    for _ in range(12):  # what is no plate
        x, y = random.integers(0, 900), random.integers(0, 520)
        side = random.integers(30, 120)
        pen.rectangle((x, y, x + side, y + side), fill=tuple(random.integers(40, 220, 3).tolist()))
    boxes: list[list[float]] = []
    while len(boxes) < EACH:
        height = float(random.uniform(18, 30))
        width = height * float(random.uniform(4, 5.5))
        x, y = random.uniform(0, 1000 - width), random.uniform(0, 600 - height)
        box = [float(edge) for edge in (x, y, x + width, y + height)]
        if any(box[0] < b[2] and b[0] < box[2] and box[1] < b[3] and b[1] < box[3] for b in boxes):
            continue
        boxes.append(box)
        pen.rectangle(tuple(box), fill=(235, 232, 220), outline=(20, 20, 20), width=2)
        for i in range(6):
            left = x + width * (0.12 + 0.13 * i)
            pen.rectangle((left, y + height * 0.3, left + width * 0.07, y + height * 0.7), fill=(25, 25, 30))
    return Picture(np.array(image), torch.tensor(boxes), ["plate"] * EACH, f"plates {seed}")


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


def main() -> None:
    """Read the command line, train, print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=600)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    options = parser.parse_args()
    pictures = [draw_picture(i) for i in range(TRAINING + HELD_OUT)]
    training, held_out = pictures[:TRAINING], pictures[TRAINING:]
    chosen = suggested(training)
    anchors = one_map().with_shapes("suggested", chosen.shapes)
    backbone = Backbone.load("mini")
    features = features_of(backbone, pictures)
    ways = {"the paper's nine": cell_anchors(), f"{len(chosen.shapes)} suggested": anchors.lattices[0].cells.float()}
    print("| anchors of a cell | " + " | ".join(FIGURES) + " |\n" + "|---" * (len(FIGURES) + 1) + "|")
    for name, cells in ways.items():
        found: dict[str, list[float]] = {figure: [] for figure in FIGURES}
        for seed in options.seeds:
            torch.manual_seed(seed)
            head = RPNHead(num_anchors=len(cells))
            steps = HeadTraining(
                backbone, head, training, options.steps, cells=cells, seed=seed, features=features[:TRAINING]
            )
            for _ in steps.run():
                pass
            own = (both[:1].float() for both in features[TRAINING:])
            table = measure_head(head.eval(), own, held_out, cells=cells)
            for figure, (top_n, column) in FIGURES.items():
                found[figure].append(table[top_n][column])
        rows = [f"{statistics.median(v):.3f} ({min(v):.3f}–{max(v):.3f})" for v in found.values()]
        print(f"| {name} | " + " | ".join(rows) + " |", flush=True)


if __name__ == "__main__":
    main()
