"""What breaks a training: leave one rule out at a time, train with several seeds, and compare recall.

    python -m tools.data.ablations --scenes FOLDER [--vgg16 PATH] [--steps 600] [--seeds 0 1 2] [--add VARIANT]

Only the head is trained, on features of VGG-16, which has never seen any of these rules; a backbone that was trained
with them would already know what they teach. Runs that are finished are kept in runs/ablations and not run again.

Of a shape that is never labelled recall says little. So of the intact head and of the one without cross-boundary
anchors it is also counted which anchors their 300 proposals come from.
"""

from __future__ import annotations

import argparse
import json
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from rpnviz.anchors import cell_anchors, grid_anchors, inside_picture
from rpnviz.backbone import Backbone
from rpnviz.grid import Grid
from rpnviz.pictures import Picture
from rpnviz.proposals import propose
from rpnviz.rpn import RPNHead, flatten_head
from rpnviz.train.head import HeadTraining
from rpnviz.train.variants import BORDER, INTACT, VARIANTS, Variant
from tools.data.finish import finish
from tools.data.train import measure_head
from tools.data.train_vgg16 import FEATURES, scene_features
from tools.data.training_scenes import read_scenes

FIGURES = {
    "recall@50": (50, "recall@0.5"),
    "recall@300": (300, "recall@0.5"),
    "average_recall@300": (300, "average_recall"),
}
PROPOSERS = (INTACT, BORDER)  # whose 300 proposals are traced back to their anchors
TALLEST = 8  # of the nine: 362 × 724, higher than the picture


@dataclass(frozen=True, eq=False)
class Data:
    """Pictures with their features, see `train_vgg16.scene_features`."""

    pictures: list[Picture]
    held_out: list[Picture]
    features: list[Tensor]
    held_out_features: list[Tensor]


def one_run(
    backbone: Backbone, data: Data, variant: Variant, steps: int, seed: int, checkpoint: Path
) -> dict[str, float]:
    """Train from a seed and measure the recall figures, and where it is asked for, who proposes."""
    head, cells = variant.new_head(seed), variant.cells()
    training = HeadTraining(
        backbone, head, data.pictures, steps, rules=variant.rules, cells=cells, seed=seed, features=data.features
    )
    finish(training, checkpoint)
    features = [both[:1].float() for both in data.held_out_features]
    table = measure_head(head.eval(), features, data.held_out, cells=cells)
    found = {name: table[top_n][column] for name, (top_n, column) in FIGURES.items()}
    return found | (who_proposes(head, features) if variant in [VARIANTS[name] for name in PROPOSERS] else {})


@torch.no_grad()
def who_proposes(head: RPNHead, features: Sequence[Tensor]) -> dict[str, float]:
    """Which anchors the 300 proposals come from, and the mean score of the tallest shape; means over the scenes.

    Args:
        head: for the paper's nine.
        features: of each scene, Tensor[1, 512, h, w].
    """
    grid = Grid.paper()
    anchors = grid_anchors(grid, cell_anchors())
    crosses = ~inside_picture(anchors, grid.image_size)
    tallest = torch.arange(len(anchors)) % 9 == TALLEST
    sums = torch.zeros(3, dtype=torch.float64)
    for of_scene in features:
        objectness, deltas = flatten_head(*head(of_scene))
        proposers = propose(objectness, deltas, anchors, grid.image_size).post_nms_inds
        score = objectness[tallest].sigmoid().mean()
        sums += torch.tensor([crosses[proposers].sum(), tallest[proposers].sum(), score])
    names = ("proposals from crossing anchors", "proposals from 362×724", "mean score of 362×724")
    return dict(zip(names, (sums / len(features)).tolist(), strict=True))


def compare(
    backbone: Backbone, data: Data, names: list[str], steps: int, seeds: list[int], run: Path
) -> dict[str, dict[str, list[float]]]:
    """These variants with all seeds; a figure of each seed, in the order of the seeds."""
    rows: dict[str, dict[str, list[float]]] = {}
    for name in names:
        number, variant = list(VARIANTS).index(name), VARIANTS[name]
        results = []
        for seed in seeds:
            done = run / f"variant-{number}-steps-{steps}-seed-{seed}.json"
            if not done.exists():
                found = one_run(backbone, data, variant, steps, seed, done.with_suffix(".pt"))
                done.write_text(json.dumps(found))
                done.with_suffix(".pt").unlink()
            results.append(json.loads(done.read_text()))
        rows[name] = {figure: [result[figure] for result in results] for figure in results[0]}
    return rows


def only(rows: dict[str, dict[str, list[float]]], figures: Iterable[str]) -> dict[str, dict[str, list[float]]]:
    """The same rows with these figures."""
    return {name: {figure: row[figure] for figure in figures} for name, row in rows.items()}


def as_markdown(rows: dict[str, dict[str, list[float]]]) -> str:
    """The median of the seeds, and from the lowest to the highest."""
    figures = list(next(iter(rows.values())))
    lines = ["| | " + " | ".join(figures) + " |", "|---" * (len(figures) + 1) + "|"]
    for name, row in rows.items():
        cells = [f"{statistics.median(v):.3f} ({min(v):.3f}–{max(v):.3f})" for v in row.values()]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _options() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scenes", type=Path, default=Path("scenes"), help="folder of rendered scenes")
    parser.add_argument("--vgg16", type=Path, help="VGG-16's weights; else torchvision's are downloaded")
    parser.add_argument("--steps", type=int, default=600)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument(
        "--add", choices=list(VARIANTS)[1:], help="train this variant and, as a control, the intact one; keep all else"
    )
    parser.add_argument("--features", type=Path, default=FEATURES, help="folder of the scenes' features")
    parser.add_argument("--run", type=Path, default=Path("runs/ablations"), help="folder of the finished runs")
    parser.add_argument("--out", type=Path, default=Path("data/weights/ablations.json"))
    return parser.parse_args()


def main() -> None:
    """Compare, print and write."""
    args = _options()
    try:
        pictures, held_out = read_scenes(args.scenes)
        backbone = Backbone.load("vgg16", args.vgg16)
    except (ValueError, ConnectionError) as error:
        raise SystemExit(str(error)) from error
    features = [scene_features(backbone, scenes, args.features) for scenes in (pictures, held_out)]
    args.run.mkdir(parents=True, exist_ok=True)
    names = [INTACT, args.add] if args.add else list(VARIANTS)
    found = compare(backbone, Data(pictures, held_out, *features), names, args.steps, args.seeds, args.run)
    about = {"held-out scenes": len(held_out), "steps": args.steps, "backbone": "vgg16, fixed", "seeds": args.seeds}
    rows, proposers = only(found, FIGURES), {name: found[name] for name in PROPOSERS if name in found}
    if args.add:
        before = json.loads(args.out.read_text())
        rows = before["rows"] | {args.add: rows[args.add]}
        if len(proposers) < len(PROPOSERS):
            proposers = before["proposers"]
    record = {**about, "rows": rows, "proposers": proposers}
    args.out.write_text(json.dumps(record, indent=2, ensure_ascii=False) + "\n")
    print(as_markdown(rows), as_markdown(proposers), sep="\n\n")


if __name__ == "__main__":
    main()
