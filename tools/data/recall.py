"""Compare proposals on held-out scenes: trained, untrained, anchors alone, and torchvision's own RPN.

    python -m tools.data.recall --scenes FOLDER [--steps N] [--seeds …]

Prints one table and writes it to data/weights/recall.json. The comparison with torchvision trains two networks from
scratch for N steps each, from the same first weights of the backbone, on views drawn in the same way: ours with
`rpnviz.targets` and `rpnviz.rpn`, the other with torchvision's RegionProposalNetwork (its matcher, coder, sampler and
losses) on the same anchors. A ratio near 1 says that our labels, sampling and losses are right.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from torch import Tensor, nn
from torchvision.models.detection.image_list import ImageList
from torchvision.models.detection.rpn import RegionProposalNetwork
from torchvision.models.detection.rpn import RPNHead as TorchvisionHead
from tqdm import tqdm

from rpnviz.anchors import cell_anchors, grid_anchors
from rpnviz.backbone import WIDTHS, Backbone
from rpnviz.boxes import clip
from rpnviz.grid import Grid
from rpnviz.inspect.recall import recall_table
from rpnviz.pictures import Picture
from rpnviz.rpn import RPNHead
from rpnviz.train.precision import autocast
from rpnviz.train.training import Training
from tools.data.finish import finish
from tools.data.train import TOP_NS, measure, new_training, plain
from tools.data.training_scenes import read_scenes

RUNS = Path("runs")
SAVE_EVERY = 100  # steps
Table = dict[int, dict[str, float]]
Rows = dict[str, Table]


class FixedAnchors(nn.Module):
    """Our anchors in the place of torchvision's generator, whose strides are whole pixels of the input."""

    def __init__(self, anchors: Tensor) -> None:
        """Keep the anchors (Tensor[N, 4])."""
        super().__init__()
        self.anchors = anchors

    def num_anchors_per_location(self) -> list[int]:
        """Nine, on one feature map."""
        return [9]

    def forward(self, images: ImageList, _feature_maps: list[Tensor]) -> list[Tensor]:
        """The same anchors for each picture."""
        return [self.anchors] * len(images.image_sizes)


class Float32Head(nn.Module):
    """torchvision's head in the precision of ours, its output in float32 like ours."""

    def __init__(self) -> None:
        """Start with torchvision's own initial weights."""
        super().__init__()
        self.head = TorchvisionHead(512, 9)

    def forward(self, features: list[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
        """Logits and deltas of each feature map."""
        with autocast(features[0].device):
            objectness, deltas = self.head(features)
        return [o.float() for o in objectness], [d.float() for d in deltas]


class TorchvisionTraining(Training):
    """The same run, with torchvision's RegionProposalNetwork in the place of our head, labels, sampling and losses."""

    def losses(self, views: Sequence[tuple[Tensor, Tensor]]) -> dict[str, Tensor]:
        """Torchvision's two losses of a step."""
        inputs = self.inputs([image for image, _ in views])
        with autocast(torch.device(self.device)):
            features = self.backbone(inputs)
        image_list = ImageList(inputs, [self.grid.image_size] * len(views))
        targets = [{"boxes": boxes.to(self.device)} for _, boxes in views]
        losses: dict[str, Tensor] = self.head(image_list, {"0": features}, targets)[1]
        return losses


def torchvision_rpn() -> RegionProposalNetwork:
    """Torchvision's RPN with the paper's settings and our anchors."""
    top_n = {"training": 6000, "testing": 6000}
    anchors = FixedAnchors(grid_anchors(Grid.paper(), cell_anchors()))
    return RegionProposalNetwork(
        anchors, Float32Head(), 0.7, 0.3, 256, 0.5, top_n, {"training": 300, "testing": 1000}, 0.7
    )


def over_scenes(scenes: list[Picture], proposals_of: Callable[[Picture], Tensor], name: str) -> Table:
    """The recall table of any way to propose."""
    return recall_table([(proposals_of(s).cpu(), s.gt_boxes) for s in tqdm(scenes, desc=name, leave=False)], TOP_NS)


def anchors_alone(scenes: list[Picture]) -> Table:
    """Anchors as proposals, clipped, in one random order: what guessing without a network is worth."""
    anchors = clip(grid_anchors(Grid.paper(), cell_anchors()), Grid.paper().image_size)
    order = torch.randperm(len(anchors), generator=torch.Generator().manual_seed(0))
    return over_scenes(scenes, lambda _: anchors[order], "anchors alone")


@torch.no_grad()
def measure_torchvision(backbone: Backbone, rpn: RegionProposalNetwork, scenes: list[Picture]) -> Table:
    """Recall of torchvision's own proposals."""
    grid = Grid.paper()

    def proposals_of(scene: Picture) -> Tensor:
        features = backbone.features(scene, grid)
        boxes, _ = rpn(ImageList(features.new_zeros(1, 3, *grid.input_size), [grid.image_size]), {"0": features})
        proposals: Tensor = boxes[0]
        return proposals

    return over_scenes(scenes, proposals_of, "torchvision")


def compare(pictures: list[Picture], held_out: list[Picture], steps: int, seeds: list[int], device: str) -> Rows:
    """All rows of the table."""
    backbone = Backbone.load("mini")
    torch.manual_seed(0)
    rows = {
        "mini, trained": measure(backbone, RPNHead.load("mini"), held_out),
        "mini with an untrained head": measure(backbone, RPNHead().eval(), held_out),
        "anchors alone, in random order": anchors_alone(held_out),
    }
    for seed in seeds:
        ours = new_training(pictures, steps, seed, device)
        finish(ours, RUNS / f"ours-{steps}-seed-{seed}.pt", SAVE_EVERY)
        rows[f"ours after {steps} steps, seed {seed}"] = measure(*plain(ours), held_out, device)
        torch.manual_seed(seed)  # the same first weights of the backbone as `ours`
        fresh = Backbone(WIDTHS["mini"], batch_norm=True)
        theirs = TorchvisionTraining(fresh, torchvision_rpn(), pictures, steps, seed=seed, device=device)
        finish(theirs, RUNS / f"torchvision-{steps}-seed-{seed}.pt", SAVE_EVERY)
        folded, rpn = plain(theirs)
        rows[f"torchvision's RPN after {steps} steps, seed {seed}"] = measure_torchvision(folded, rpn, held_out)
    return rows


def as_markdown(rows: Rows) -> str:
    """Recall at IoU 0.5 for each number of proposals, and the average recall of 300."""
    lines = ["| | " + " | ".join(f"@{n}" for n in TOP_NS) + " | AR@300 |", "|---" * (len(TOP_NS) + 2) + "|"]
    for name, table in rows.items():
        recalls = " | ".join(f"{table[n]['recall@0.5']:.3f}" for n in TOP_NS)
        lines.append(f"| {name} | {recalls} | {table[300]['average_recall']:.3f} |")
    return "\n".join(lines)


def main() -> None:
    """Read the command line, compare, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scenes", type=Path, default=Path("scenes"), help="folder of rendered scenes")
    parser.add_argument("--steps", type=int, default=600, help="length of the short trainings")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1], help="one pair of short trainings for each")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--out", type=Path, default=Path("data/weights/recall.json"))
    args = parser.parse_args()
    pictures, held_out = read_scenes(args.scenes)
    rows = compare(pictures, held_out, args.steps, args.seeds, args.device)
    args.out.write_text(json.dumps({"held-out scenes": len(held_out), "rows": rows}, indent=2) + "\n")
    print(as_markdown(rows))


if __name__ == "__main__":
    main()
