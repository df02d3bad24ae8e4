"""Train a pyramid on "mini", which stays as it is, and write it with a model card.

    python -m tools.data.train_fpn --scenes FOLDER [--steps N]

FPN, RPN and second head learn together, by torchvision's own losses. A call that was interrupted goes on where it
stopped.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor
from torchvision.models.detection import FasterRCNN
from tqdm import tqdm

from rpnviz.detection import Detections
from rpnviz.grid import Grid
from rpnviz.inspect.detector import open_detector
from rpnviz.inspect.mini_fpn import CHANNELS, FROZEN, SCALES, build_mini_fpn, load_mini_fpn
from rpnviz.inspect.recall import recall_table
from rpnviz.pictures import Picture
from rpnviz.train.head import mirror_boxes
from rpnviz.train.precision import autocast
from rpnviz.train.roi_head import class_labels
from rpnviz.train.steps import Steps
from tools.data.finish import finish
from tools.data.train import TOP_NS
from tools.data.train_roi import average_precision
from tools.data.training_scenes import HELD_OUT_EVERY, read_scenes

# Heights that a scene is shrunk to in training; in use it is 600. So the fine levels, too, see objects of their size.
HEIGHTS = tuple(range(200, 601, 50))
GRID = Grid.paper()  # of which the scenes' size is taken
View = tuple[Tensor, dict[str, Tensor]]


class FPNTraining(Steps[View]):
    """A training of all that stands above the backbone, on whole scenes of many sizes.

    Args:
        model: from `build_mini_fpn`.
        pictures: what to train on.
        steps: length of the whole run.
        batch_size: pictures a step.
        max_lr: the highest learning rate.
        seed: decides pictures and sizes, and torchvision's samples.
    """

    def __init__(
        self,
        model: FasterRCNN,
        pictures: Sequence[Picture],
        steps: int,
        batch_size: int = 2,
        max_lr: float = 1e-3,
        seed: int = 0,
    ) -> None:
        """Set up; nothing is computed before `run`."""
        trained = {"fpn": model.backbone.fpn, "rpn": model.rpn.head, "roi_heads": model.roi_heads}
        super().__init__(trained, steps, batch_size, max_lr, seed)
        self.model, self.pictures, self.seed = model.train(), pictures, seed
        model.transform.min_size = HEIGHTS  # of which torchvision draws one for each picture

    def view(self) -> View:
        """Draw a scene, perhaps mirrored: its image [3, H, W], 0 to 1, and what torchvision's losses take."""
        picture = self.pictures[self.draw(len(self.pictures))]
        image = torch.from_numpy(picture.image).permute(2, 0, 1).float() / 255
        boxes = picture.gt_boxes
        if self.draw(2):
            image, boxes = image.flip(-1), mirror_boxes(boxes, GRID)
        return image, {"boxes": boxes, "labels": class_labels(picture)}

    def losses(self, views: Sequence[View]) -> dict[str, Tensor]:
        """The four losses of torchvision's Faster R-CNN."""
        torch.manual_seed(self.seed + 1_000_003 * self.step)  # torchvision draws sizes and samples from PyTorch's own
        images, targets = self.model.transform([image for image, _ in views], [dict(target) for _, target in views])
        with autocast(torch.device("cpu")):
            features = self.model.backbone(images.tensors)
        features = {name: one.float() for name, one in features.items()}
        proposals, losses = self.model.rpn(images, features, targets)
        _, more = self.model.roi_heads(features, proposals, images.image_sizes, targets)
        return {**losses, **more}


def measure(model: FasterRCNN, scenes: list[Picture]) -> tuple[dict[int, dict[str, float]], dict[str, float]]:
    """Recall of its proposals and average precision of its detections, as a user would run it."""
    recalls, detections = [], []
    for scene in tqdm(scenes, desc="measuring", unit="scene"):
        found = open_detector(model, scene.image)
        recalls.append((found.stages.proposals, scene.gt_boxes))  # a scene is as large as the network's input
        of = found.detections
        detections.append((Detections(of["boxes"], of["labels"], of["scores"], torch.arange(len(of["boxes"]))), scene))
    return recall_table(recalls, TOP_NS), average_precision(detections)


def write(training: FPNTraining, held_out: list[Picture], folder: Path) -> None:
    """Write the weights, read them back as a user would, measure that, and write the model card."""
    state = {key: one for key, one in training.model.state_dict().items() if not key.startswith(FROZEN)}
    save_file({key: one.half().contiguous() for key, one in state.items()}, folder / "mini_fpn.safetensors")
    recalls, precision = measure(load_mini_fpn(folder / "mini_fpn.safetensors"), held_out)
    card: dict[str, Any] = describe(training, len(held_out))
    card["recall on the held-out scenes"] = {str(top_n): row for top_n, row in recalls.items()}
    card["average precision on the held-out scenes"] = precision
    (folder / "mini_fpn.json").write_text(json.dumps(card, indent=2) + "\n")
    for top_n, row in recalls.items():
        print(f"{top_n:5} proposals: recall {row['recall@0.5']:.3f}, average recall {row['average_recall']:.3f}")
    for name, value in precision.items():
        print(f"{name:24} {value:.3f}")


def describe(training: FPNTraining, held_out: int) -> dict[str, dict[str, Any]]:
    """What the model card says of the network and how it was made."""
    return {
        "network": {
            "backbone": '"mini", unchanged: conv3_3, conv4_3 and conv5_3',
            "pyramid": f"torchvision's FPN of {CHANNELS} channels with two convolutions of stride 2 on top",
            "anchors": f"scales {', '.join(map(str, SCALES))}, one a level; ratios 0.5, 1, 2",
        },
        "data": {
            "scenes trained on": len(training.pictures),
            "scenes held out": held_out,
            "held out": f"scene numbers divisible by {HELD_OUT_EVERY}",
            "ground truth": "visible boxes of objects with visible_fraction > 0.35",
            "views": f"the whole scene, {HEIGHTS[0]} to {HEIGHTS[-1]} px high, as it is or mirrored",
            "the twelve bundled pictures": "never trained on",
        },
        "training": {
            "steps": training.steps,
            "pictures a step": training.batch_size,
            "optimizer": "AdamW, one cycle to 1e-3",
            "losses": "torchvision's four",
            "seed": training.seed,
        },
    }


def main() -> None:
    """Read the command line and train."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scenes", type=Path, default=Path("scenes"), help="folder of rendered scenes")
    parser.add_argument("--steps", type=int, default=1500)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--run", type=Path, default=Path("runs/mini_fpn"), help="folder of the checkpoint")
    parser.add_argument("--weights", type=Path, default=Path("data/weights"), help="where the result goes")
    args = parser.parse_args()
    try:
        pictures, held_out = read_scenes(args.scenes)
    except ValueError as error:
        raise SystemExit(str(error)) from error
    torch.manual_seed(args.seed)
    training = FPNTraining(build_mini_fpn(), pictures, args.steps, seed=args.seed)
    args.run.mkdir(parents=True, exist_ok=True)
    finish(training, args.run / "checkpoint.pt", save_every=100)
    write(training, held_out, args.weights)


if __name__ == "__main__":
    main()
