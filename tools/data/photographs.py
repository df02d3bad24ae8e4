"""Count the anchors that look like objects, on photographs and on streets: "mini" beside VGG-16 with our head.

    python -m tools.data.photographs [--vgg16 PATH]

The photographs are the two that scikit-learn brings; none lies in this repository. Nobody has marked their objects, so
nothing is said of recall.
"""

from __future__ import annotations

import argparse
import json
from importlib.resources import files
from pathlib import Path

import torch
from PIL import Image
from tqdm import tqdm

from rpnviz.backbone import Backbone
from rpnviz.grid import Grid
from rpnviz.pictures import Picture
from rpnviz.rpn import RPNHead, flatten_head

PHOTOGRAPHS = ("china.jpg", "flower.jpg")
LIKE_AN_OBJECT = 0.5  # a score at or above it


def photographs() -> list[Picture]:
    """scikit-learn's, fitted as every picture of a reader's own."""
    folder = files("sklearn") / "datasets" / "images"
    pictures = []
    for name in PHOTOGRAPHS:
        with (folder / name).open("rb") as file:
            pictures.append(Picture.fit(Image.open(file)))
    return pictures


@torch.no_grad()
def count_objects(backbone: Backbone, head: RPNHead, pictures: list[Picture]) -> list[int]:
    """How many anchors of each picture score like an object."""
    counts = []
    for picture in tqdm(pictures, unit="picture"):
        objectness, _ = flatten_head(*head(backbone.features(picture, Grid.paper(picture.image_size))))
        counts.append(int((objectness.sigmoid() >= LIKE_AN_OBJECT).sum()))
    return counts


def main() -> None:
    """Read the command line, count, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--vgg16", type=Path, help="VGG-16's weights; else torchvision's are downloaded")
    parser.add_argument("--weights", type=Path, default=Path("data/weights"), help="where the result goes")
    args = parser.parse_args()
    streets = [Picture.load(name) for name in Picture.bundled()]
    rows = {}
    for name in ("mini", "vgg16"):
        network = Backbone.load(name, args.vgg16 if name == "vgg16" else None), RPNHead.load(name)
        found = {"photographs": photographs(), "streets": streets}
        rows[name] = {kind: count_objects(*network, pictures) for kind, pictures in found.items()}
    record = {"photographs": list(PHOTOGRAPHS), "streets": Picture.bundled(), "score": LIKE_AN_OBJECT, "rows": rows}
    (args.weights / "photographs.json").write_text(json.dumps(record, indent=2) + "\n")
    print(json.dumps(rows))


if __name__ == "__main__":
    main()
