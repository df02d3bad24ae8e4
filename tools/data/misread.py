"""What recall is left when the bundled head is read by other conventions, on held-out scenes.

    python -m tools.data.misread --scenes FOLDER

Prints one table and writes it to data/weights/misreadings.json. Each scene is looked at once, and read in all ways.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import torch
from torch import Tensor
from tqdm import tqdm

from rpnviz.backbone import Backbone
from rpnviz.grid import Grid
from rpnviz.inspect.misreadings import MISREADINGS
from rpnviz.inspect.recall import recall_table
from rpnviz.pictures import Picture
from rpnviz.rpn import RPNHead, flatten_head
from tools.data.recall import Rows, as_markdown
from tools.data.train import TOP_NS
from tools.data.training_scenes import read_scenes


@torch.no_grad()
def measure_misreadings(backbone: Backbone, head: RPNHead, scenes: list[Picture]) -> Rows:
    """The recall table of each way to read the head."""
    grid = Grid.paper()
    pairs: dict[str, list[tuple[Tensor, Tensor]]] = {name: [] for name in MISREADINGS}
    for scene in tqdm(scenes, desc="reading the head", unit="scene"):
        answers = flatten_head(*head(backbone.features(scene, grid)))
        for name, misreading in MISREADINGS.items():
            stages = misreading.propose(*answers, grid, post_nms_top_n=max(TOP_NS))
            pairs[name].append((stages.proposals, scene.gt_boxes))
    return {name: recall_table(of_all, TOP_NS) for name, of_all in pairs.items()}


def main() -> None:
    """Read the command line, measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scenes", type=Path, default=Path("scenes"), help="folder of rendered scenes")
    parser.add_argument("--out", type=Path, default=Path("data/weights/misreadings.json"))
    args = parser.parse_args()
    _, held_out = read_scenes(args.scenes)
    rows = measure_misreadings(Backbone.load("mini"), RPNHead.load("mini"), held_out)
    args.out.write_text(json.dumps({"held-out scenes": len(held_out), "rows": rows}, indent=2) + "\n")
    print(as_markdown(rows))


if __name__ == "__main__":
    main()
