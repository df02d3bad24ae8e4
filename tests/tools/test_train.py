"""The commands that train and compare, on two tiny scenes: they resume, they write what they say."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from rpnviz.backbone import Backbone
from rpnviz.pictures import read_scene
from tools import recall, train
from tools.scenes import read_scenes


@pytest.fixture
def scenes(tmp_path: Path) -> Path:
    """Three scenes with one box each; number 10 is held out."""
    folder = tmp_path / "scenes"
    folder.mkdir()
    for number in (10, 11, 12):
        pixels = np.random.default_rng(number).integers(0, 256, (600, 1000, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{number}.webp", quality=10)
        thing = {"name": "car", "visible": [300, 200, 660, 380], "visible_fraction": 1.0}
        (folder / f"{number}.json").write_text(json.dumps([thing]))
    return folder


@pytest.fixture(autouse=True)
def in_its_own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def run_train(monkeypatch: pytest.MonkeyPatch, scenes: Path, steps: int, weights: Path) -> None:
    arguments = ["train", "--scenes", str(scenes), "--steps", str(steps), "--weights", str(weights), "--device", "cpu"]
    monkeypatch.setattr(sys, "argv", arguments)
    train.main()


def test_scene_numbers_that_end_in_0_are_held_out(scenes: Path) -> None:
    training, held_out = read_scenes(scenes)
    assert [len(training), len(held_out)] == [2, 1]
    assert torch.equal(held_out[0].gt_boxes, read_scene(scenes / "10.json").gt_boxes)
    assert np.array_equal(held_out[0].image, read_scene(scenes / "10.json").image)


def test_too_few_scenes_are_refused_with_the_command_that_makes_some(scenes: Path) -> None:
    (scenes / "10.json").unlink()
    with pytest.raises(ValueError, match=r"0 held out.*tools\.street render"):
        read_scenes(scenes)


def test_training_writes_weights_and_a_card_and_resumes(
    scenes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    weights = tmp_path / "weights"
    weights.mkdir()
    run_train(monkeypatch, scenes, 2, weights)
    card = json.loads((weights / "mini.json").read_text())
    assert card["training"]["steps"] == 2
    assert card["data"]["scenes trained on"] == 2
    assert set(card["recall on the held-out scenes"]) == {"10", "50", "100", "300", "1000"}
    assert {value.dtype for value in load_file(weights / "rpn_head_mini.safetensors").values()} == {torch.float16}
    Backbone.load("mini", weights / "backbone_mini.safetensors")

    log = Path("runs/mini/log.jsonl")
    assert [json.loads(line)["step"] for line in log.read_text().splitlines()] == [1, 2]
    run_train(monkeypatch, scenes, 2, weights)  # all steps are taken already
    assert len(log.read_text().splitlines()) == 2


def test_the_comparison_has_a_row_for_each_and_a_table(scenes: Path) -> None:
    training, held_out = read_scenes(scenes)
    rows = recall.compare(training, held_out, steps=1, seeds=[3], device="cpu")
    assert list(rows) == [
        "mini, trained",
        "mini with an untrained head",
        "anchors alone, in random order",
        "ours after 1 steps, seed 3",
        "torchvision's RPN after 1 steps, seed 3",
    ]
    # 182 × 362 anchors are all over the picture, so the box of 360 × 180 is found among the first 1,000 anchors or not,
    # but never by an average recall above the recall.
    assert all(
        0 <= row["average_recall"] <= row["recall@0.5"] <= 1 for table in rows.values() for row in table.values()
    )
    table = recall.as_markdown(rows).splitlines()
    assert table[0] == "| | @10 | @50 | @100 | @300 | @1000 | AR@300 |"
    assert len(table) == 2 + len(rows)
