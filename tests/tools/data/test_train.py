"""The commands that train and compare, on two tiny scenes: they resume, they write what they say."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torchvision
from PIL import Image
from safetensors.torch import load_file

from rpnviz.anchors import cell_anchors, grid_anchors, inside_picture
from rpnviz.backbone import Backbone
from rpnviz.boxes import clip
from rpnviz.detection import CLASSES, Detections, RoIHead
from rpnviz.grid import Grid
from rpnviz.inspect.detector import load_detector
from rpnviz.inspect.mini_fpn import FROZEN, build_mini_fpn
from rpnviz.inspect.misreadings import MISREADINGS
from rpnviz.pictures import Picture, read_scene
from rpnviz.rpn import RPNHead
from rpnviz.train import recording
from rpnviz.train.variants import BORDER, INTACT, VARIANTS
from tools.data import ablations, misread, photographs, recall, record, train, train_fpn, train_vgg16
from tools.data.train_roi import average_precision
from tools.data.training_scenes import read_scenes


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


def start(monkeypatch: pytest.MonkeyPatch, module: Any, *arguments: object) -> None:
    """Call a tool's main as the command line does."""
    monkeypatch.setattr(sys, "argv", [module.__name__, *map(str, arguments)])
    module.main()


def run_train(monkeypatch: pytest.MonkeyPatch, scenes: Path, steps: int, weights: Path) -> None:
    settings = ("--steps", steps, "--roi-steps", steps, "--weights", weights, "--device", "cpu", "--snapshots")
    start(monkeypatch, train, "--scenes", scenes, *settings)


def test_scene_numbers_that_end_in_0_are_held_out(scenes: Path) -> None:
    training, held_out = read_scenes(scenes)
    assert [len(training), len(held_out)] == [2, 1]
    assert torch.equal(held_out[0].gt_boxes, read_scene(scenes / "10.json").gt_boxes)
    assert np.array_equal(held_out[0].image, read_scene(scenes / "10.json").image)


def test_too_few_scenes_are_refused_with_the_command_that_makes_some(scenes: Path) -> None:
    (scenes / "10.json").unlink()
    with pytest.raises(ValueError, match=r"0 held out.*tools\.scenes render"):
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
    RoIHead.load("mini", weights)
    precision = card["average precision on the held-out scenes"]
    assert set(precision) == {"AP@0.5", "AP@0.5:0.95", "AP@0.5 car"}  # there are only cars
    assert precision["AP@0.5"] == precision["AP@0.5 car"] >= precision["AP@0.5:0.95"] >= 0

    log = Path("runs/mini/log.jsonl")
    assert [json.loads(line)["step"] for line in log.read_text().splitlines()] == [1, 2]
    run_train(monkeypatch, scenes, 2, weights)  # all steps are taken already
    assert len(log.read_text().splitlines()) == 2

    assert [path.stem for path in sorted(Path("runs/mini").glob("step-*"))] == ["step-00000", "step-00002"]
    shutil.copy("runs/mini/step-00000.safetensors", "runs/mini/step-00002.safetensors")
    out = tmp_path / "data" / "replay" / "mini.safetensors"
    start(monkeypatch, record, "--scenes", scenes, "--out", out)
    monkeypatch.setattr(recording, "data_folder", lambda: tmp_path / "data")
    run = recording.Replay.load("mini")
    assert (run.steps.tolist(), run.loss_steps.tolist(), run.held_out) == ([0, 2], [1, 2], 1)
    rows = [json.loads(line) for line in log.read_text().splitlines()]
    assert run.loss_objectness.tolist() == pytest.approx([row["loss_objectness"] for row in rows])
    assert run.picture_names == Picture.bundled()
    assert torch.equal(run.objectness[0], run.objectness[1])  # of one and the same network
    assert run.objectness.shape == (2, 12, 40, 60) and run.proposals.shape == (2, 12, 50, 4)
    kept = {path: path.stat().st_mtime_ns for path in Path("runs/mini/recorded").iterdir()}
    start(monkeypatch, record, "--scenes", scenes, "--out", out)  # nothing is looked at twice
    assert kept == {path: path.stat().st_mtime_ns for path in Path("runs/mini/recorded").iterdir()}


def test_recording_without_snapshots_says_how_to_make_them(scenes: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SystemExit, match="holds no snapshots: train with --snapshots"):
        start(monkeypatch, record, "--scenes", scenes)


def test_a_steps_losses_are_those_it_was_taken_with_last(tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    lines = [(1, 0.9), (2, 0.8), (3, 0.7), (2, 0.5)]  # interrupted after 3, gone on after 1
    rows = [{"step": step, "loss_objectness": loss, "loss_rpn_box_reg": 0.0} for step, loss in lines]
    log.write_text("".join(json.dumps(row) + "\n" for row in rows))
    found = record.losses(log)
    assert found["loss_steps"].tolist() == [1, 2, 3]
    assert found["loss_objectness"].tolist() == pytest.approx([0.9, 0.5, 0.7])


@pytest.fixture
def narrow_vgg16(monkeypatch: pytest.MonkeyPatch) -> None:
    """In the place of the real one: four channels instead of 64 to 512, and no download."""
    torch.manual_seed(0)
    narrow = Backbone((4, 4, 4, 4, 4)).eval()
    monkeypatch.setattr(Backbone, "load", lambda name, weights=None: narrow)


@pytest.mark.usefixtures("narrow_vgg16")
def test_vgg16s_head_is_written_with_a_card_and_its_features_are_kept(
    scenes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = ("--steps", 2, "--weights", tmp_path, "--device", "cpu")
    start(monkeypatch, train_vgg16, "--scenes", scenes, *settings)
    card = json.loads((tmp_path / "vgg16.json").read_text())
    assert card["training"]["steps"] == 2 and card["data"]["scenes trained on"] == 2
    assert set(card["recall on the held-out scenes"]) == {"10", "50", "100", "300", "1000"}
    head = tmp_path / "rpn_head_vgg16.safetensors"
    assert RPNHead.load("vgg16", tmp_path).cls_logits.out_channels == 9 and head.stat().st_size < 5_000_000
    kept = {path.name: path.stat().st_mtime_ns for path in train_vgg16.FEATURES.iterdir()}
    assert set(kept) == {"11.safetensors", "12.safetensors"}
    start(monkeypatch, train_vgg16, "--scenes", scenes, *settings)
    assert kept == {path.name: path.stat().st_mtime_ns for path in train_vgg16.FEATURES.iterdir()}


@pytest.mark.usefixtures("narrow_vgg16")
def test_each_ablation_is_trained_as_it_is_called(
    scenes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    seen = []
    original = train.measure_head

    def spy(head: RPNHead, features: Any, held_out: Any, cells: Any) -> Any:
        seen.append((head.conv.kernel_size[0], head.cls_logits.out_channels, len(cells)))
        return original(head, features, held_out, cells=cells)

    monkeypatch.setattr(ablations, "measure_head", spy)
    out = tmp_path / "ablations.json"
    settings = ("--scenes", scenes, "--steps", 1, "--seeds", 0, 1, "--out", out)
    start(monkeypatch, ablations, *settings)
    assert seen == [run for run in [(3, 9, 9), (3, 9, 9), (3, 9, 9), (1, 9, 9), (3, 3, 3), (3, 9, 9)] for _ in range(2)]
    found = json.loads(out.read_text())
    assert (found["held-out scenes"], found["steps"], found["seeds"]) == (1, 1, [0, 1])
    assert list(found["rows"]) == list(VARIANTS)
    assert all(len(values) == 2 for row in found["rows"].values() for values in row.values())
    assert "| 1×1 instead of 3×3 |" in capsys.readouterr().out
    start(monkeypatch, ablations, *settings)  # all runs are finished
    assert len(seen) == 12


@pytest.mark.usefixtures("narrow_vgg16")
def test_a_variant_is_added_beside_a_control_and_the_other_rows_are_kept(
    scenes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "ablations.json"
    recorded = {INTACT: {figure: [0.25] for figure in ablations.FIGURES}}
    out.write_text(json.dumps({"rows": recorded, "proposers": recorded}))
    settings = ("--scenes", scenes, "--steps", 1, "--seeds", 0, "--out", out)
    start(monkeypatch, ablations, *settings, "--add", "one scale only")
    found = json.loads(out.read_text())
    assert list(found["rows"]) == [INTACT, "one scale only"]
    assert found["rows"][INTACT] == recorded[INTACT] and found["proposers"] == recorded
    start(monkeypatch, ablations, *settings, "--add", BORDER)
    found = json.loads(out.read_text())
    assert list(found["rows"]) == [INTACT, "one scale only", BORDER] and found["rows"][INTACT] == recorded[INTACT]
    assert list(found["proposers"]) == [INTACT, BORDER]
    control = found["proposers"][INTACT]
    assert list(control)[: len(ablations.FIGURES)] == list(ablations.FIGURES) and len(control) == 6
    assert {figure: found["proposers"][BORDER][figure] for figure in ablations.FIGURES} == found["rows"][BORDER]


@pytest.mark.parametrize("shape", [0, 8])
def test_proposals_are_traced_back_to_their_anchors(shape: int) -> None:
    """A head that says ½ to one of the nine shapes, next to nothing to all others, and moves none."""
    head = RPNHead(in_channels=1)
    with torch.no_grad():
        for values in head.parameters():
            values.zero_()
        scores = dict(head.named_parameters())["cls_logits.bias"]
        scores.fill_(-20)
        scores[shape] = 0
    of_shape = grid_anchors(Grid.paper(), cell_anchors()[shape : shape + 1])
    kept = torchvision.ops.nms(clip(of_shape, (600, 1000)), torch.zeros(len(of_shape)), 0.7)[:300]
    found = ablations.who_proposes(head, [torch.zeros(1, 1, 40, 60)] * 2)
    if shape == 8:
        assert found["proposals from 362×724"] == len(kept) > 50
        assert found["mean score of 362×724"] == pytest.approx(0.5)
    else:
        assert len(kept) == 300
        assert found["proposals from 362×724"] == 0
        assert found["proposals from crossing anchors"] == (~inside_picture(of_shape[kept], (600, 1000))).sum()
        assert found["mean score of 362×724"] < 1e-6


def test_misreadings_are_measured_on_scenes_held_out(
    scenes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "misreadings.json"
    start(monkeypatch, misread, "--scenes", str(scenes), "--out", str(out))
    written = json.loads(out.read_text())
    assert written["held-out scenes"] == 1 and list(written["rows"]) == list(MISREADINGS)
    backbone, head, (scene,) = Backbone.load("mini"), RPNHead.load("mini"), read_scenes(scenes)[1]
    wanted = train.measure(backbone, head, [scene])
    assert written["rows"]["as it was trained"] == {str(n): row for n, row in wanted.items()}
    printed = capsys.readouterr().out
    assert all(f"| {name} |" in printed for name in MISREADINGS)


def test_the_table_of_ablations_shows_the_spread() -> None:
    row = {figure: [0.5, 0.9, 0.6] for figure in ablations.FIGURES}
    assert ablations.as_markdown({"one": row}).splitlines()[2] == "| one |" + " 0.600 (0.500–0.900) |" * 3


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


def test_a_class_that_no_picture_shows_has_no_average_precision() -> None:
    box = torch.tensor([[100.0, 100, 300, 300]])
    picture = Picture(np.zeros((600, 1000, 3), np.uint8), box, ["car"], "one car")
    car, person = CLASSES.index("car"), CLASSES.index("person")
    found = Detections(box.repeat(2, 1), torch.tensor([car, person]), torch.tensor([0.9, 0.8]), torch.arange(2))
    assert average_precision([(found, picture)]) == {"AP@0.5": 1.0, "AP@0.5:0.95": 1.0, "AP@0.5 car": 1.0}


def test_training_a_pyramid_writes_weights_and_a_card_and_resumes(
    scenes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    weights = tmp_path / "weights"
    weights.mkdir()
    monkeypatch.setattr(train_fpn, "HEIGHTS", (100, 150))
    for _ in range(2):  # the second time all steps are taken already
        start(monkeypatch, train_fpn, "--scenes", scenes, "--steps", 2, "--weights", weights)
    card = json.loads((weights / "mini_fpn.json").read_text())
    assert card["training"]["steps"] == 2 and card["data"]["scenes held out"] == 1
    assert set(card["recall on the held-out scenes"]) == {"10", "50", "100", "300", "1000"}
    written = load_detector("fasterrcnn_mini_fpn", weights / "mini_fpn.safetensors")
    assert torch.load("runs/mini_fpn/checkpoint.pt")["step"] == 2
    untrained = build_mini_fpn().state_dict()
    frozen = [key for key in untrained if key.startswith(FROZEN)]
    assert all(torch.equal(untrained[key], written.state_dict()[key]) for key in frozen)


def test_a_step_of_a_pyramid_is_the_same_from_its_seed(scenes: Path) -> None:
    """torchvision draws sizes and samples from PyTorch's own generator, which others use as well."""
    losses = []
    for noise in (0, 1):
        torch.manual_seed(0)
        training = train_fpn.FPNTraining(build_mini_fpn(), [read_scene(scenes / "11.json")], 2, batch_size=1)
        training.model.transform.min_size = (100, 150)
        torch.manual_seed(noise)
        losses.append(next(training.run()))
    assert losses[0] == losses[1]


def test_photographs_are_fitted_and_counted() -> None:
    pictures = photographs.photographs()
    assert [one.image_size for one in pictures] == [(600, 1000)] * 2
    head, counts = RPNHead(), []
    torch.nn.init.zeros_(head.cls_logits.weight)
    for bias in (0.0, -0.1):  # at 0.5 it counts, below it does not
        head.load_state_dict({**head.state_dict(), "cls_logits.bias": torch.full((9,), bias)})
        counts.append(photographs.count_objects(Backbone.load("mini"), head, pictures[:1]))
    assert counts == [[21_600], [0]]
