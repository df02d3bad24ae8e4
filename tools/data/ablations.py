"""What breaks a training: leave one rule out at a time, train with several seeds, and compare recall.

    python -m tools.data.ablations --scenes FOLDER [--vgg16 PATH] [--steps 600] [--seeds 0 1 2]

Only the head is trained, on features of VGG-16, which has never seen any of these rules; a backbone that was trained
with them would already know what they teach. Runs that are finished are kept in runs/ablations and not run again.
"""

from __future__ import annotations

import argparse
import json
import statistics
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from rpnviz.backbone import Backbone
from rpnviz.pictures import Picture
from rpnviz.train.head import HeadTraining
from rpnviz.train.variants import VARIANTS, Variant
from tools.data.finish import finish
from tools.data.train import measure_head
from tools.data.train_vgg16 import FEATURES, scene_features
from tools.data.training_scenes import read_scenes

FIGURES = {
    "recall@50": (50, "recall@0.5"),
    "recall@300": (300, "recall@0.5"),
    "average_recall@300": (300, "average_recall"),
}


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
    """Train from a seed and measure the recall figures."""
    head, cells = variant.new_head(seed), variant.cells()
    training = HeadTraining(
        backbone, head, data.pictures, steps, rules=variant.rules, cells=cells, seed=seed, features=data.features
    )
    finish(training, checkpoint)
    features = (both[:1].float() for both in data.held_out_features)
    table = measure_head(head.eval(), features, data.held_out, cells=cells)
    return {name: table[top_n][column] for name, (top_n, column) in FIGURES.items()}


def compare(
    backbone: Backbone, data: Data, steps: int, seeds: list[int], run: Path
) -> dict[str, dict[str, list[float]]]:
    """All variants with all seeds; a figure of each seed, in the order of the seeds."""
    rows: dict[str, dict[str, list[float]]] = {}
    for number, (name, variant) in enumerate(VARIANTS.items()):
        results = []
        for seed in seeds:
            done = run / f"variant-{number}-steps-{steps}-seed-{seed}.json"
            if not done.exists():
                found = one_run(backbone, data, variant, steps, seed, done.with_suffix(".pt"))
                done.write_text(json.dumps(found))
                done.with_suffix(".pt").unlink()
            results.append(json.loads(done.read_text()))
        rows[name] = {figure: [result[figure] for result in results] for figure in FIGURES}
    return rows


def as_markdown(rows: dict[str, dict[str, list[float]]]) -> str:
    """The median of the seeds, and from the lowest to the highest."""
    lines = ["| | " + " | ".join(FIGURES) + " |", "|---" * (len(FIGURES) + 1) + "|"]
    for name, row in rows.items():
        cells = [f"{statistics.median(v):.3f} ({min(v):.3f}–{max(v):.3f})" for v in (row[figure] for figure in FIGURES)]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main() -> None:
    """Read the command line, compare, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scenes", type=Path, default=Path("scenes"), help="folder of rendered scenes")
    parser.add_argument("--vgg16", type=Path, help="VGG-16's weights; else torchvision's are downloaded")
    parser.add_argument("--steps", type=int, default=600)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--features", type=Path, default=FEATURES, help="folder of the scenes' features")
    parser.add_argument("--run", type=Path, default=Path("runs/ablations"), help="folder of the finished runs")
    parser.add_argument("--out", type=Path, default=Path("data/weights/ablations.json"))
    args = parser.parse_args()
    try:
        pictures, held_out = read_scenes(args.scenes)
        backbone = Backbone.load("vgg16", args.vgg16)
    except (ValueError, ConnectionError) as error:
        raise SystemExit(str(error)) from error
    features = [scene_features(backbone, scenes, args.features) for scenes in (pictures, held_out)]
    args.run.mkdir(parents=True, exist_ok=True)
    rows = compare(backbone, Data(pictures, held_out, *features), args.steps, args.seeds, args.run)
    about = {"held-out scenes": len(held_out), "steps": args.steps, "backbone": "vgg16, fixed", "seeds": args.seeds}
    args.out.write_text(json.dumps({**about, "rows": rows}, indent=2, ensure_ascii=False) + "\n")
    print(as_markdown(rows))


if __name__ == "__main__":
    main()
