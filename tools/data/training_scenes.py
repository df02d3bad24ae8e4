"""The rendered scenes to train on, and which of them are held out for measuring."""

from __future__ import annotations

from pathlib import Path

from tqdm import tqdm

from rpnviz.pictures import Picture, read_scene

HELD_OUT_EVERY = 10  # scene files whose number ends in 0 are never trained on


def read_scenes(folder: Path) -> tuple[list[Picture], list[Picture]]:
    """Read a folder of scenes (NAME.json beside its picture; NAME is a number).

    Args:
        folder: as `python -m tools.scenes render` writes it.

    Returns:
        (to train on, held out); scenes in which nothing is visible are left out of both.

    Raises:
        ValueError: if there are too few scenes to make the split.
    """
    files = sorted(folder.glob("*.json"))
    scenes = [(int(path.stem), read_scene(path)) for path in tqdm(files, desc="reading scenes", unit="scene")]
    scenes = [(number, scene) for number, scene in scenes if len(scene.gt_boxes)]
    train = [scene for number, scene in scenes if number % HELD_OUT_EVERY]
    held_out = [scene for number, scene in scenes if number % HELD_OUT_EVERY == 0]
    if not train or not held_out:
        raise ValueError(
            f"{folder} holds {len(train)} scenes to train on and {len(held_out)} held out (numbers ending in 0); both "
            "are needed. Render some: python -m tools.scenes render --seeds 2000 2400 --samples 2 --out scenes"
        )
    return train, held_out
