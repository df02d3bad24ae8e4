"""Train an RPN head on the features of the real VGG-16, whose weights stay as they are, and write it with a model card.

    python -m tools.data.train_vgg16 --scenes FOLDER [--vgg16 PATH] [--steps N]

The features of every scene and of its mirror image are computed once (5 MB a scene) and kept in runs/vgg16/features;
a call that was interrupted goes on where it stopped. `python -m tools.data.ablations` trains on the same features.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor
from tqdm import tqdm

from rpnviz.backbone import Backbone
from rpnviz.grid import Grid
from rpnviz.pictures import Picture
from rpnviz.rpn import RPNHead
from rpnviz.train.head import HeadTraining, features_and_mirrored
from tools.data.finish import finish
from tools.data.train import measure
from tools.data.training_scenes import HELD_OUT_EVERY, read_scenes
from tools.data.weights import half

FEATURES = Path("runs/vgg16/features")


def scene_features(backbone: Backbone, scenes: list[Picture], folder: Path) -> list[Tensor]:
    """Tensor[2, 512, h, w] of each scene, see `features_and_mirrored`; what lies in the folder already is read."""
    folder.mkdir(parents=True, exist_ok=True)
    found = []
    for scene in tqdm(scenes, desc="features", unit="scene"):
        path = folder / f"{scene.name}.safetensors"
        if not path.exists():
            unfinished = folder / "unfinished"
            save_file({"features": features_and_mirrored(backbone, scene, Grid.paper())}, unfinished)
            unfinished.replace(path)
        found.append(load_file(path)["features"])
    return found


def main() -> None:
    """Read the command line and train."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scenes", type=Path, default=Path("scenes"), help="folder of rendered scenes")
    parser.add_argument("--vgg16", type=Path, help="VGG-16's weights; else torchvision's are downloaded")
    parser.add_argument("--steps", type=int, default=4000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--features", type=Path, default=FEATURES, help="folder of the scenes' features")
    parser.add_argument("--weights", type=Path, default=Path("data/weights"), help="where the result goes")
    args = parser.parse_args()
    try:
        pictures, held_out = read_scenes(args.scenes)
        backbone = Backbone.load("vgg16", args.vgg16).to(args.device)
    except (ValueError, ConnectionError) as error:
        raise SystemExit(str(error)) from error
    features = scene_features(backbone, pictures, args.features)
    torch.manual_seed(args.seed)
    training = HeadTraining(
        backbone, RPNHead(), pictures, args.steps, seed=args.seed, device=args.device, features=features
    )
    finish(training, args.features.parent / "checkpoint.pt")
    save_file(half(training.head), args.weights / "rpn_head_vgg16.safetensors")
    recalls = measure(backbone, RPNHead.load("vgg16", args.weights), held_out)
    write_card(args.weights / "vgg16.json", training, args.seed, len(held_out), recalls)
    for top_n, row in recalls.items():
        print(f"{top_n:5} proposals: recall {row['recall@0.5']:.3f}, average recall {row['average_recall']:.3f}")


def write_card(
    path: Path, training: HeadTraining, seed: int, held_out: int, recalls: dict[int, dict[str, float]]
) -> None:
    """Write the model card of the head."""
    card = {
        "network": {"backbone": "VGG-16, torchvision's IMAGENET1K_V1, unchanged and not bundled", "head": "RPNHead()"},
        "data": {
            "scenes trained on": len(training.pictures),
            "scenes held out": held_out,
            "held out": f"scene numbers divisible by {HELD_OUT_EVERY}",
            "ground truth": "visible boxes of objects with visible_fraction > 0.35",
            "views": "the whole scene, as it is or mirrored",
            "the twelve bundled pictures": "never trained on",
        },
        "training": {
            "steps": training.steps,
            "pictures a step": training.batch_size,
            "optimizer": "AdamW, one cycle to 1e-3",
            "cross-boundary anchors": "kept",
            "seed": seed,
        },
        "recall on the held-out scenes": {str(top_n): row for top_n, row in recalls.items()},
    }
    path.write_text(json.dumps(card, indent=2) + "\n")


if __name__ == "__main__":
    main()
