"""Train the second head on the proposals of "mini", and measure its detections with torchmetrics.

    python -m tools.data.train_roi --scenes FOLDER [--steps N]

Backbone and RPN stay as they are in data/weights. `python -m tools.data.train` ends with the same.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor
from torchmetrics.detection import MeanAveragePrecision
from tqdm import tqdm

from rpnviz.anchors import cell_anchors, grid_anchors
from rpnviz.backbone import Backbone
from rpnviz.detection import CLASSES, Detections, RoIHead, detect, roi_losses
from rpnviz.grid import Grid
from rpnviz.pictures import Picture
from rpnviz.proposals import propose
from rpnviz.roi import sample_proposals
from rpnviz.rpn import RPNHead, flatten_head
from rpnviz.train.head import both_ways, mirrored
from tools.data.training_scenes import read_scenes
from tools.data.weights import half

STEPS = 3000
SAVE_EVERY = 500
PROPOSALS = 300  # of a picture, in training as in testing: the head sees what it will be asked about
GRID = Grid.paper()


@dataclass(frozen=True, eq=False)
class View:
    """What is fixed while the second head learns: features, proposals and objects of a picture."""

    features: Tensor  # float16 [512, h, w]
    proposals: Tensor  # [300, 4]
    gt_boxes: Tensor  # [M, 4]
    gt_labels: Tensor  # [M]


@torch.no_grad()
def best_proposals(features: Tensor, head: RPNHead) -> Tensor:
    """Tensor[K, 4]: the RPN's proposals from features [1, 512, h, w]."""
    objectness, deltas = flatten_head(*head(features))
    anchors = grid_anchors(GRID, cell_anchors())
    return propose(objectness, deltas, anchors, GRID.image_size, post_nms_top_n=PROPOSALS).proposals


def labels_of(picture: Picture) -> Tensor:
    """int64 [M]: places in CLASSES."""
    return torch.tensor([CLASSES.index(name) for name in picture.class_names], dtype=torch.int64)


def views_of(picture: Picture, backbone: Backbone, head: RPNHead) -> list[View]:
    """The picture as it is and mirrored."""
    found = []
    boxes = picture.gt_boxes
    for features, gt_boxes in zip(both_ways(backbone, picture, GRID), (boxes, mirrored(boxes, GRID)), strict=True):
        proposals = best_proposals(features[None].float(), head)
        found.append(View(features, proposals, gt_boxes, labels_of(picture)))
    return found


class RoITraining:
    """A run of the second head that can be stopped after any step and resumed."""

    def __init__(self, views: list[View], steps: int, seed: int = 0, batch_size: int = 2, max_lr: float = 1e-3) -> None:
        """Start untrained."""
        torch.manual_seed(seed)
        self.head, self.views, self.steps, self.batch_size = RoIHead(), views, steps, batch_size
        self.step = 0
        self.generator = torch.Generator().manual_seed(seed)
        self.optimizer = torch.optim.AdamW(self.head.parameters(), lr=max_lr, weight_decay=0.05)
        self.scheduler = torch.optim.lr_scheduler.OneCycleLR(self.optimizer, max_lr, total_steps=steps + 1)

    def run(self) -> Iterator[float]:
        """Take the steps that are left; after each, yield the loss."""
        self.head.train()
        while self.step < self.steps:
            numbers = torch.randint(len(self.views), (self.batch_size,), generator=self.generator)
            loss = torch.stack([self.loss(self.views[i]) for i in numbers.tolist()]).mean()
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
            self.scheduler.step()
            self.step += 1
            yield float(loss.detach())

    def loss(self, view: View) -> Tensor:
        """The sum of both losses on a sample of 128, a quarter of them objects."""
        drawn = sample_proposals(view.proposals, view.gt_boxes, 128, generator=self.generator, gt_labels=view.gt_labels)
        logits, deltas = self.head(view.features[None].float(), drawn.proposals, GRID)
        return torch.stack(roi_losses(logits, deltas, drawn.labels, drawn.regression_targets)).sum()

    def save(self, path: Path) -> None:
        """Write a checkpoint, complete or not at all."""
        parts = {"head": self.head, "optimizer": self.optimizer, "scheduler": self.scheduler}
        state = {name: part.state_dict() for name, part in parts.items()}  # type: ignore[attr-defined]
        unfinished = path.with_suffix(".unfinished")
        torch.save({**state, "step": self.step, "generator": self.generator.get_state()}, unfinished)
        unfinished.replace(path)

    def load(self, path: Path) -> None:
        """Go on from a checkpoint of a run of the same length."""
        state = torch.load(path, weights_only=True)
        if state["scheduler"]["total_steps"] - 1 != self.steps:
            raise ValueError(f"steps must be as in the run that wrote {path}; got {self.steps}")
        self.step = state["step"]
        self.head.load_state_dict(state["head"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.scheduler.load_state_dict(state["scheduler"])
        self.generator.set_state(state["generator"])


def finish(training: RoITraining, checkpoint: Path) -> RoIHead:
    """Take all steps, with a progress bar; goes on from the checkpoint if there is one."""
    checkpoint.parent.mkdir(parents=True, exist_ok=True)
    if checkpoint.exists():
        training.load(checkpoint)
    smooth = 0.0
    bar = tqdm(training.run(), desc="second head", total=training.steps, initial=training.step, unit="step")
    for loss in bar:
        smooth = loss if smooth == 0 else 0.98 * smooth + 0.02 * loss
        bar.set_postfix_str(f"loss {smooth:.3f}", refresh=False)
        if training.step % SAVE_EVERY == 0 or training.step == training.steps:
            training.save(checkpoint)
    return training.head.eval()


def average_precision(pairs: list[tuple[Detections, Picture]]) -> dict[str, float]:
    """Average precision of detections, by torchmetrics: of each class and their mean at IoU 0.5, and COCO's mean."""
    metrics = {
        "AP@0.5": MeanAveragePrecision(iou_thresholds=[0.5], class_metrics=True),
        "AP@0.5:0.95": MeanAveragePrecision(),
    }
    for found, picture in pairs:
        predicted = {"boxes": found.boxes, "scores": found.scores, "labels": found.labels}
        truth = {"boxes": picture.gt_boxes, "labels": labels_of(picture)}
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
        pairs.append((detect(features, best_proposals(features, rpn), head, GRID), scene))
    return average_precision(pairs)


def train_second_head(
    pictures: list[Picture], held_out: list[Picture], weights: Path, run: Path, steps: int = STEPS, seed: int = 0
) -> dict[str, float]:
    """Train, write roi_head_mini.safetensors, and add the average precision to the model card mini.json."""
    backbone = Backbone.load("mini", weights / "backbone_mini.safetensors")
    rpn = RPNHead.load("mini", weights)
    views = [view for picture in tqdm(pictures, desc="proposals") for view in views_of(picture, backbone, rpn)]
    head = finish(RoITraining(views, steps, seed), run / "roi_head.pt")
    save_file(half(head), weights / "roi_head_mini.safetensors")
    precision = measure_detections(weights, held_out)
    card_file = weights / "mini.json"
    card = json.loads(card_file.read_text())
    card["second head"] = {"steps": steps, "pictures a step": 2, "boxes a picture": "128, up to a quarter objects"}
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
