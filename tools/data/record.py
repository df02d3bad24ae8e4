"""Turn the snapshots of a training run into the replay that notebook 07 shows.

    python -m tools.data.train --scenes FOLDER --snapshots       # keeps the network at many steps, in runs/mini
    python -m tools.data.record --scenes FOLDER                  # writes data/replay/mini.safetensors

Each snapshot's record is kept beside it: a call that was interrupted goes on where it stopped.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor
from tqdm import tqdm

from rpnviz.anchors import cell_anchors, grid_anchors
from rpnviz.backbone import WIDTHS, Backbone
from rpnviz.grid import Grid
from rpnviz.pictures import Picture
from rpnviz.proposals import propose
from rpnviz.rpn import RPNHead, flatten_head
from tools.data.train import TOP_NS, measure
from tools.data.training_scenes import read_scenes

SHOWN = 50  # proposals kept of each picture


def load_snapshot(path: Path) -> tuple[Backbone, RPNHead]:
    """The network as it was at that step."""
    backbone, head = Backbone(WIDTHS["mini"]), RPNHead()
    state = {key: value.float() for key, value in load_file(path).items()}
    for module, prefix, inside in ((backbone, "backbone.features.", "layers."), (head, "head.", "")):
        own = {inside + key.removeprefix(prefix): value for key, value in state.items() if key.startswith(prefix)}
        module.load_state_dict(own)
    return backbone.eval(), head.eval()


@torch.no_grad()
def look(backbone: Backbone, head: RPNHead, picture: Picture) -> tuple[Tensor, Tensor, Tensor]:
    """What it says of a picture: uint8 [h, w] best scores of the cells, [50, 4] proposals, [50] their scores."""
    grid = Grid.paper()
    objectness, deltas = head(backbone.features(picture, grid))
    best = (objectness[0].amax(dim=0).sigmoid() * 255).round().to(torch.uint8)
    anchors = grid_anchors(grid, cell_anchors())
    stages = propose(*flatten_head(objectness, deltas), anchors, grid.image_size, post_nms_top_n=SHOWN)
    boxes, scores = torch.full((SHOWN, 4), torch.nan), torch.full((SHOWN,), torch.nan)
    boxes[: len(stages.proposals)], scores[: len(stages.scores)] = stages.proposals, stages.scores
    return best, boxes.half(), scores


def record(snapshot: Path, pictures: list[Picture], held_out: list[Picture]) -> dict[str, Tensor]:
    """What is recorded of one snapshot; read if it was recorded before."""
    path = snapshot.parent / "recorded" / snapshot.name
    if not path.exists():
        backbone, head = load_snapshot(snapshot)
        maps, proposals, scores = zip(*[look(backbone, head, picture) for picture in pictures], strict=True)
        table = measure(backbone, head, held_out)
        found = {"objectness": torch.stack(maps), "proposals": torch.stack(proposals), "scores": torch.stack(scores)}
        found["recall"] = torch.tensor([table[top_n]["recall@0.5"] for top_n in TOP_NS])
        path.parent.mkdir(exist_ok=True)
        unfinished = path.with_suffix(".unfinished")
        save_file(found, unfinished)
        unfinished.replace(path)
    return load_file(path)


def losses(log: Path) -> dict[str, Tensor]:
    """The losses of every step, in order; of a step that was taken again after an interruption, the last."""
    steps = {line["step"]: line for line in map(json.loads, log.read_text().splitlines())}
    rows = [steps[step] for step in sorted(steps)]
    names = ("loss_objectness", "loss_rpn_box_reg")
    return {"loss_steps": torch.tensor([row["step"] for row in rows])} | {
        name: torch.tensor([row[name] for row in rows]) for name in names
    }


def main() -> None:
    """Read the command line, record every snapshot and write the replay."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scenes", type=Path, default=Path("scenes"), help="folder of rendered scenes")
    parser.add_argument("--run", type=Path, default=Path("runs/mini"), help="folder of the training run")
    parser.add_argument("--out", type=Path, default=Path("data/replay/mini.safetensors"))
    args = parser.parse_args()
    snapshots = sorted(args.run.glob("step-*.safetensors"))
    if not snapshots:
        raise SystemExit(f"{args.run} holds no snapshots: train with --snapshots")
    try:
        _, held_out = read_scenes(args.scenes)
    except ValueError as error:
        raise SystemExit(str(error)) from error
    names = Picture.bundled()
    pictures = [Picture.load(name) for name in names]
    found = [record(path, pictures, held_out) for path in tqdm(snapshots, desc="recording", unit="snapshot")]
    steps = [int(path.stem.removeprefix("step-")) for path in snapshots]
    tensors = {key: torch.stack([one[key] for one in found]) for key in found[0]}
    tensors |= {"steps": torch.tensor(steps), "top_ns": torch.tensor(TOP_NS)} | losses(args.run / "log.jsonl")
    args.out.parent.mkdir(parents=True, exist_ok=True)
    save_file(tensors, args.out, metadata={"picture_names": ",".join(names), "held_out": str(len(held_out))})
    print(f"{len(steps)} moments of {len(tensors['loss_steps'])} steps, {args.out.stat().st_size:,} bytes: {args.out}")


if __name__ == "__main__":
    main()
