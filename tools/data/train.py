"""Train "mini", its RPN head and then its second head on rendered scenes, and write weights with a model card.

    python -m tools.data.train --scenes FOLDER [--steps N] [--device cuda]

A run can be interrupted and started again: it goes on from runs/mini/checkpoint.pt. `python -m tools.data.recall` then
compares the result with an untrained head, the anchors alone and torchvision's own RPN.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterable
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor
from tqdm import tqdm

from rpnviz.anchors import cell_anchors, grid_anchors
from rpnviz.backbone import WIDTHS, Backbone
from rpnviz.grid import Grid
from rpnviz.inspect.recall import recall_table
from rpnviz.pictures import Picture
from rpnviz.proposals import propose
from rpnviz.rpn import RPNHead, flatten_head
from rpnviz.train.training import Training
from tools.data.train_roi import STEPS as ROI_STEPS
from tools.data.train_roi import train_second_head
from tools.data.training_scenes import HELD_OUT_EVERY, read_scenes
from tools.data.weights import half

CHECK_EVERY = 500  # steps between two checkpoints with recall on a few held-out scenes
CHECK_SCENES = 20
# Steps; the network changes most at the start. So does the end of a run.
SNAPSHOTS = (0, 10, 20, 30, 50, 70, 100, 150, *range(200, 1000, 100), *range(1000, 2000, 250), *range(2000, 4500, 500))
TOP_NS = (10, 50, 100, 300, 1000)


def measure(
    backbone: Backbone, head: RPNHead, scenes: list[Picture], device: str = "cpu"
) -> dict[int, dict[str, float]]:
    """Recall of the proposals on scenes, with the paper's settings for testing but up to 1,000 proposals."""
    return measure_head(head, (backbone.features(scene, Grid.paper()) for scene in scenes), scenes, device)


@torch.no_grad()
def measure_head(
    head: RPNHead, features: Iterable[Tensor], scenes: list[Picture], device: str = "cpu", cells: Tensor | None = None
) -> dict[int, dict[str, float]]:
    """The same from the scenes' feature maps, each Tensor[1, 512, h, w]; `cells` if they are not the paper's nine."""
    grid = Grid.paper()
    anchors = grid_anchors(grid, (cell_anchors() if cells is None else cells).to(device))
    pairs = []
    for scene, of_scene in zip(scenes, features, strict=True):
        objectness, deltas = flatten_head(*head(of_scene))
        stages = propose(objectness, deltas, anchors, grid.image_size, post_nms_top_n=max(TOP_NS))
        pairs.append((stages.proposals.cpu(), scene.gt_boxes))
    return recall_table(pairs, TOP_NS)


def plain(training: Training) -> tuple[Backbone, RPNHead]:
    """The network as it ships: batch norms folded away."""
    backbone = Backbone(WIDTHS["mini"], batch_norm=True).to(training.device)
    backbone.load_state_dict(training.backbone.state_dict())
    return backbone.eval().fold_batch_norm(), training.head.eval()


def new_training(pictures: list[Picture], steps: int, seed: int, device: str) -> Training:
    """A fresh "mini" and head, from a seed."""
    torch.manual_seed(seed)
    return Training(Backbone(WIDTHS["mini"], batch_norm=True), RPNHead(), pictures, steps, seed=seed, device=device)


def snapshot(training: Training, folder: Path) -> None:
    """Write the network as it is after this step, for `tools.data.record`; complete or not at all."""
    backbone, head = plain(training)
    state = half(backbone, "backbone.features.") | half(head, "head.")
    unfinished = folder / "snapshot.unfinished"
    save_file(state, unfinished)
    unfinished.replace(folder / f"step-{training.step:05}.safetensors")


def train(training: Training, held_out: list[Picture], run: Path, snapshots: bool = False) -> None:
    """Take all steps, with a progress bar, a log, checkpoints and perhaps snapshots in the folder `run`."""
    run.mkdir(parents=True, exist_ok=True)
    checkpoint = run / "checkpoint.pt"
    if checkpoint.exists():
        training.load(checkpoint)
    if snapshots and training.step == 0:
        snapshot(training, run)
    bar = tqdm(total=training.steps, initial=training.step, desc="training", unit="step")
    smooth, quality, start = 0.0, "…", time.monotonic()
    for record in training.run():
        loss = record["loss_objectness"] + record["loss_rpn_box_reg"]
        smooth = loss if smooth == 0 else 0.98 * smooth + 0.02 * loss
        due = training.step % CHECK_EVERY == 0 or training.step == training.steps
        if due:
            training.save(checkpoint)
            recalls = measure(*plain(training), held_out[:CHECK_SCENES], training.device)
            quality = f"{recalls[300]['recall@0.5']:.3f}"
        if snapshots and (training.step in SNAPSHOTS or training.step == training.steps):
            snapshot(training, run)
        with (run / "log.jsonl").open("a") as log:
            seconds = round(time.monotonic() - start, 1)
            log.write(json.dumps({**record, "seconds": seconds, **({"recall": recalls} if due else {})}) + "\n")
        bar.set_postfix_str(f"loss {smooth:.3f}, recall@300 {quality}", refresh=False)
        bar.update()
    bar.close()


def write(training: Training, held_out: list[Picture], args: argparse.Namespace, weights: Path) -> None:
    """Write both files, read them back as a user would, measure that, and write the model card."""
    backbone, head = plain(training)
    save_file(half(backbone, "features."), weights / "backbone_mini.safetensors")
    save_file(half(head), weights / "rpn_head_mini.safetensors")
    written = RPNHead()
    written.load_state_dict(load_file(weights / "rpn_head_mini.safetensors"))
    recalls = measure(Backbone.load("mini", weights / "backbone_mini.safetensors"), written.eval(), held_out)
    card = {
        "network": {"backbone": "VGG-16's layers at widths " + ", ".join(map(str, WIDTHS["mini"])), "conv5_3": 512},
        "data": {
            "scenes trained on": len(training.pictures),
            "scenes held out": len(held_out),
            "held out": f"scene numbers divisible by {HELD_OUT_EVERY}",
            "ground truth": "visible boxes of objects with visible_fraction > 0.35",
            "the twelve bundled pictures": "never trained on",
        },
        "training": {
            "steps": training.steps,
            "pictures a step": training.batch_size,
            "optimizer": "AdamW, one cycle to 2e-3",
            "cross-boundary anchors": "kept",
            "seed": args.seed,
        },
        "recall on the held-out scenes": {str(top_n): row for top_n, row in recalls.items()},
    }
    (weights / "mini.json").write_text(json.dumps(card, indent=2) + "\n")
    for top_n, row in recalls.items():
        print(f"{top_n:5} proposals: recall {row['recall@0.5']:.3f}, average recall {row['average_recall']:.3f}")


def main() -> None:
    """Read the command line and train."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scenes", type=Path, default=Path("scenes"), help="folder of rendered scenes")
    parser.add_argument("--steps", type=int, default=4500, help="of the backbone and the RPN head")
    parser.add_argument("--roi-steps", type=int, default=ROI_STEPS, help="of the second head, after these")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--run", type=Path, default=Path("runs/mini"), help="folder of the log and the checkpoint")
    parser.add_argument(
        "--snapshots", action="store_true", help="also keep the network at many steps, for tools.data.record"
    )
    parser.add_argument("--weights", type=Path, default=Path("data/weights"), help="where the result goes")
    args = parser.parse_args()
    try:
        pictures, held_out = read_scenes(args.scenes)
    except ValueError as error:
        raise SystemExit(str(error)) from error
    training = new_training(pictures, args.steps, args.seed, args.device)
    train(training, held_out, args.run, args.snapshots)
    write(training, held_out, args, args.weights)
    for name, value in train_second_head(pictures, held_out, args.weights, args.run, args.roi_steps, args.seed).items():
        print(f"{name:24} {value:.3f}")


if __name__ == "__main__":
    main()
