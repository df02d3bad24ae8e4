"""Train the second head on the proposals of "mini", and measure its detections with torchmetrics.

    python -m tools.data.train_roi --scenes FOLDER [--steps N]

Backbone and RPN stay as they are in data/weights. `python -m tools.data.train` ends with the same.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import torch
from safetensors.torch import save_file
from torchmetrics.detection import MeanAveragePrecision
from tqdm import tqdm

from rpnviz.backbone import Backbone
from rpnviz.detection import CLASSES, Detections, RoIHead, detect
from rpnviz.grid import Grid
from rpnviz.pictures import Picture
from rpnviz.rpn import RPNHead
from rpnviz.train.roi_head import SAMPLED, RoITraining, best_proposals, class_labels, roi_views
from tools.data.finish import finish
from tools.data.training_scenes import read_scenes
from tools.data.weights import half

STEPS = 3000
GRID = Grid.paper()


def average_precision(pairs: list[tuple[Detections, Picture]]) -> dict[str, float]:
    """Average precision of detections, by torchmetrics: of each class and their mean at IoU 0.5, and COCO's mean."""
    metrics = {
        "AP@0.5": MeanAveragePrecision(iou_thresholds=[0.5], class_metrics=True),
        "AP@0.5:0.95": MeanAveragePrecision(),
    }
    for found, picture in pairs:
        predicted = {"boxes": found.boxes, "scores": found.scores, "labels": found.labels}
        truth = {"boxes": picture.gt_boxes, "labels": class_labels(picture)}
        for metric in metrics.values():
            metric.update([predicted], [truth])
    results = {name: metric.compute() for name, metric in metrics.items()}
    table = {name: round(float(result["map"]), 4) for name, result in results.items()}
    at_half = results["AP@0.5"]
    classes, values = at_half["classes"].flatten().tolist(), at_half["map_per_class"].flatten().tolist()
    of_classes = {CLASSES[number]: round(value, 4) for number, value in zip(classes, values, strict=True)}
    # A class that is detected where no such object is has no average precision: -1.
    return table | {f"AP@0.5 {name}": value for name, value in of_classes.items() if value >= 0}


def measure_detections(weights: Path, held_out: list[Picture]) -> dict[str, float]:
    """Average precision of the three written networks together on scenes, as a user would run them."""
    backbone = Backbone.load("mini", weights / "backbone_mini.safetensors")
    rpn, head = RPNHead.load("mini", weights), RoIHead.load("mini", weights)
    pairs = []
    for scene in tqdm(held_out, desc="detecting", unit="scene"):
        features = backbone.features(scene, GRID)
        pairs.append((detect(features, best_proposals(features, rpn, GRID), head, GRID), scene))
    return average_precision(pairs)


def train_second_head(
    pictures: list[Picture], held_out: list[Picture], weights: Path, run: Path, steps: int = STEPS, seed: int = 0
) -> dict[str, float]:
    """Train, write roi_head_mini.safetensors, and add the average precision to the model card mini.json."""
    backbone = Backbone.load("mini", weights / "backbone_mini.safetensors")
    rpn = RPNHead.load("mini", weights)
    views = [view for picture in tqdm(pictures, desc="proposals") for view in roi_views(picture, backbone, rpn, GRID)]
    torch.manual_seed(seed)
    training = RoITraining(RoIHead(), views, GRID, steps, seed=seed)
    finish(training, run / "roi_head.pt")
    save_file(half(training.head), weights / "roi_head_mini.safetensors")
    precision = measure_detections(weights, held_out)
    card_file = weights / "mini.json"
    card = json.loads(card_file.read_text())
    card["second head"] = {
        "steps": steps,
        "pictures a step": training.batch_size,
        "boxes a picture": f"{SAMPLED}, up to a quarter objects",
    }
    card["average precision on the held-out scenes"] = precision
    card_file.write_text(json.dumps(card, indent=2) + "\n")
    return precision


def main() -> None:
    """Read the command line and train."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scenes", type=Path, default=Path("scenes"), help="folder of rendered scenes")
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--run", type=Path, default=Path("runs/mini"), help="folder of the checkpoint")
    parser.add_argument("--weights", type=Path, default=Path("data/weights"), help="where the networks lie")
    args = parser.parse_args()
    try:
        pictures, held_out = read_scenes(args.scenes)
    except ValueError as error:
        raise SystemExit(str(error)) from error
    precision = train_second_head(pictures, held_out, args.weights, args.run, args.steps, args.seed)
    for name, value in precision.items():
        print(f"{name:24} {value:.3f}")


if __name__ == "__main__":
    main()
