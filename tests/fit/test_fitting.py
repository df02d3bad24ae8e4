"""The whole: counts worked out by hand, as by comparing with every anchor; suggestions judged on the other half."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.transform import GeneralizedRCNNTransform

from rpnviz.__main__ import main
from rpnviz.anchors import cell_anchors, grid_anchors, inside_picture
from rpnviz.boxes import box_iou
from rpnviz.fit.anchor_sets import ANCHOR_SETS, one_map, pyramid
from rpnviz.fit.fitting import fit_anchors
from rpnviz.fit.resizing import RESIZINGS
from rpnviz.fit.result import FitResult
from rpnviz.fit.sampling import Reservoir, halves
from rpnviz.fit.suggest import cluster_sizes, size_ious
from rpnviz.fit.writing import as_csv, as_json, as_table
from rpnviz.grid import Grid
from rpnviz.pictures import Picture
from tests.fit.data_sets import FORMATS, coco, coco_object

PICTURES = Path(__file__).parents[2] / "data" / "pictures"


@pytest.fixture(scope="module")
def streets() -> FitResult:
    """The bundled pictures, 600×1000, which the paper's resizing leaves as they are."""
    return fit_anchors(PICTURES)


def wide(folder: Path, pictures: int = 40, each: int = 10) -> Path:
    """Objects of 12×60 px and of 16×96 px in pictures of 600×1000."""
    random = np.random.default_rng(0)
    images = [{"id": i, "height": 600, "width": 1000, "file_name": f"{i}.jpg"} for i in range(pictures)]
    things = []
    for i in range(pictures * each):
        (height, width), x, y = ((12, 60), (16, 96))[i % 2], random.uniform(0, 900), random.uniform(0, 580)
        things.append(coco_object(i, i // each, (x, y, x + width, y + height)))
    return coco(folder, images=images, annotations=things)


def test_counts_are_those_of_all_anchors(streets: FitResult) -> None:
    grid = Grid.floor()
    anchors = grid_anchors(grid, cell_anchors()).reshape(-1, 9, 4)
    pictures = [Picture.load(name) for name in Picture.bundled()]
    # A lattice has the strides of the network, 16 and 16, where this grid stretches them over the whole picture.
    rows, cols = grid.feature_size
    centres = torch.stack(
        torch.meshgrid(8 + 16.0 * torch.arange(rows), 8 + 16.0 * torch.arange(cols), indexing="ij"), -1
    ).flip(-1)
    anchors = centres.reshape(-1, 1, 2).repeat(1, 1, 2) + cell_anchors()
    inside = inside_picture(anchors.flatten(0, 1), grid.image_size).reshape(anchors.shape[:2])
    ious = torch.cat([box_iou(one.gt_boxes, anchors.flatten(0, 1)) for one in pictures])
    ious = ious.reshape(len(ious), *anchors.shape[:2]) * inside
    best = ious.amax(dim=1)  # [M, 9]
    overall = streets.overall
    assert streets.num_pictures == 12 and overall.objects == len(best) == streets.num_objects
    assert overall.covered == tuple(float((best.amax(dim=1) >= thresh).double().mean()) for thresh in (0.5, 0.7))
    assert overall.mean_iou == pytest.approx(float(best.amax(dim=1).mean()))
    assert overall.positives == pytest.approx(float((ious >= 0.7).sum(dim=(1, 2)).double().mean()))
    assert [row.positive_for for row in streets.shapes] == (best >= 0.7).sum(dim=0).tolist()
    assert [row.best_for for row in streets.shapes] == torch.bincount(best.argmax(dim=1), minlength=9).tolist()
    assert streets.by_best_rule_alone == int((best.amax(dim=1) < 0.7).sum()) and streets.untouched == 0
    assert streets.unreached == int((best.amax(dim=1) < 0.3).sum())
    assert streets.num_anchors == len(anchors.flatten(0, 1))


def test_groups_add_up_to_all(streets: FitResult) -> None:
    for rows in (streets.by_size, streets.by_network_size, streets.by_ratio, streets.by_class):
        assert sum(row.objects for row in rows) == streets.num_objects
        for i in range(2):
            covered = sum(row.objects * row.covered[i] for row in rows)
            assert covered == pytest.approx(streets.num_objects * streets.overall.covered[i])


def test_groups_by_hand(tmp_path: Path) -> None:
    """In a picture of 600×1000: 20×20 is small; 40×40 medium; 300×90 large, its ratio above 3."""
    boxes = [(0, 0, 20, 20), (0, 0, 40, 40), (0, 0, 90, 300)]
    images = [{"id": 1, "height": 600, "width": 1000}]
    path = coco(tmp_path, images=images, annotations=[coco_object(i, 1, box) for i, box in enumerate(boxes)])
    result = fit_anchors(path)
    assert [row.objects for row in result.by_size] == [1, 1, 1]
    assert [row.objects for row in result.by_network_size] == [0, 0, 1, 1, 0, 1, 0, 0]
    assert [row.objects for row in result.by_ratio] == [0, 0, 2, 0, 1]
    assert "too few" in result.verdict and result.suggestions == ()


@pytest.mark.parametrize(
    ("name", "size", "resized", "corner"),
    [
        ("600/1000", (1080, 1920), (562, 1000), (0, 0)),  # 1000 / 1920 of 1080 is 562.5, rounded to even
        ("600/1000", (300, 400), (600, 800), (0, 0)),
        ("800/1333", (480, 640), (800, 1066), (0, 0)),
        ("640", (480, 320), (640, 640), (0, 106)),  # 427 of 640 columns: 106 at the left
        ("none", (7, 9), (7, 9), (0, 0)),
    ],
)
def test_resizing(name: str, size: tuple[int, int], resized: tuple[int, int], corner: tuple[int, int]) -> None:
    factors, corners, input_sizes = RESIZINGS[name].apply(torch.tensor([size]))
    assert tuple(input_sizes[0].tolist()) == resized and tuple(corners[0].tolist()) == corner
    if name == "800/1333":
        assert factors[0].tolist() == [800 / 480, 1066 / 640]


def test_800_by_1333_is_torchvisions() -> None:
    transform = GeneralizedRCNNTransform(800, 1333, [0.0] * 3, [1.0] * 3)
    sizes = torch.randint(30, 1500, (150, 2), generator=torch.Generator().manual_seed(0))
    _, _, input_sizes = RESIZINGS["800/1333"].apply(sizes)
    for size, ours in zip(sizes.tolist(), input_sizes.tolist(), strict=True):
        image, _ = transform.resize(torch.zeros(1, 1, 1).expand(1, *size), None)
        assert list(image.shape[1:]) == ours, size


def test_what_no_anchor_touches_is_counted_apart(tmp_path: Path) -> None:
    """In a picture of 100×100 none of the paper's nine lies inside."""
    images = [{"id": 1, "height": 100, "width": 100}]
    path = coco(tmp_path, images=images, annotations=[coco_object(0, 1, (10, 10, 50, 50))])
    result = fit_anchors(path, resizing="none")
    assert (result.untouched, result.unreached, result.by_best_rule_alone) == (1, 1, 0)
    assert "1 objects are touched by no anchor" in as_table(result)


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_gives_the_same_numbers(name: str, tmp_path: Path) -> None:
    result = fit_anchors(FORMATS[name](tmp_path), pyramid())
    (tmp_path / "other").mkdir()
    other = fit_anchors(coco(tmp_path / "other"), pyramid())
    assert result.overall == other.overall and result.by_ratio == other.by_ratio


@pytest.mark.parametrize("anchors", ANCHOR_SETS)
def test_better_anchors_are_found_for_small_wide_objects(anchors: str, tmp_path: Path) -> None:
    result = fit_anchors(wide(tmp_path), ANCHOR_SETS[anchors](), resizing="none")
    assert result.present_on_half[1] == 0
    best = max(result.suggestions, key=lambda one: one.covered[1])
    coarse = (
        anchors == "paper"
    )  # with 16 px from cell to cell most objects lie between the anchors, whatever their shape
    assert best.covered[1] > (0.2 if coarse else 0.5) and "shapes by" in result.verdict
    assert {one.how for one in result.suggestions} == {"k-means with 1 − IoU", "search over coverage"}
    assert [one.anchors for one in result.suggestions] == sorted(one.anchors for one in result.suggestions)


def test_anchors_that_fit_are_left_alone(tmp_path: Path) -> None:
    result = fit_anchors(wide(tmp_path), one_map(stride=4).with_shapes("right", [(12, 60), (16, 96)]), resizing="none")
    assert result.present_on_half[1] > 0.8 and "They are good enough" in result.verdict


def test_what_is_suggested_for_torchvision_makes_these_anchors(tmp_path: Path) -> None:
    result = fit_anchors(wide(tmp_path), pyramid(), resizing="none")
    products = [one for one in result.suggestions if one.scales]
    assert products
    for one in products:
        code = one.snippets["torchvision"].split("\n")[-1]
        made = eval(code, {"AnchorGenerator": AnchorGenerator})
        sizes = torch.cat(made.cell_anchors)
        sides = sorted(map(tuple, (sizes[:, 2:] - sizes[:, :2]).flip(1).tolist()))
        wanted = sorted((2 * max(1, round(h / 2)), 2 * max(1, round(w / 2))) for h, w in one.shapes)
        np.testing.assert_allclose(sides, wanted, atol=2.0)


def test_each_shape_goes_to_the_map_whose_anchors_are_nearest_in_size() -> None:
    counts = [len(one.cells) for one in pyramid().with_shapes("", [(30, 30), (44, 44), (46, 46), (300, 800)]).lattices]
    assert counts == [2, 1, 0, 0, 1]  # 32 and 64 px meet at 45


def test_what_is_suggested_for_the_others_says_the_same(tmp_path: Path) -> None:
    one = max(
        (one for one in fit_anchors(wide(tmp_path), resizing="none").suggestions if one.scales), key=lambda s: s.covered
    )
    settings: dict[str, Any] = eval(one.snippets["MMDetection"].partition("=")[2])
    assert settings["strides"] == [16] and tuple(settings["ratios"]) == one.aspect_ratios
    assert tuple(16 * scale for scale in settings["scales"]) == one.scales
    sizes, ratios = (eval(line.partition(" = ")[2]) for line in one.snippets["detectron2"].split("\n"))
    assert (sizes, ratios) == ([list(one.scales)], [list(one.aspect_ratios)])
    listed = max(
        (one for one in fit_anchors(tmp_path / "coco.json").suggestions if not one.scales), key=lambda s: s.covered
    )
    for name in ("torchvision", "detectron2", "MMDetection"):
        code = listed.snippets[name].partition("\n")[2].partition(" = ")[2]
        (cells,) = eval(code, {"torch": torch, "BufferList": list})
        sides = sorted(map(tuple, (cells[:, 2:] - cells[:, :2]).flip(1).tolist()))
        np.testing.assert_allclose(sides, sorted(listed.shapes), atol=1)


def test_size_ious_by_hand_and_as_boxes() -> None:
    assert size_ious(torch.tensor([[2.0, 4]]), torch.tensor([[4.0, 2], [2, 4]])).tolist() == [
        pytest.approx([4 / 12, 1])
    ]
    sizes = torch.rand(20, 2, generator=torch.Generator().manual_seed(0)) * 50 + 1
    boxes = torch.cat([-sizes.flip(1), sizes.flip(1)], dim=1) / 2
    torch.testing.assert_close(size_ious(sizes, sizes), box_iou(boxes, boxes))


def test_clusters_of_two_kinds_are_these_kinds() -> None:
    sizes = torch.tensor([[10.0, 40]] * 5 + [[100, 100]] * 7 + [[12, 40]])
    assert cluster_sizes(sizes, 2).tolist() == [[10, 40], [100, 100]]
    with pytest.raises(ValueError, match="k must be a whole number from 1 to 13; got 14"):
        cluster_sizes(sizes, 14)


def test_a_reservoir_keeps_each_as_likely_and_rows_together() -> None:
    counts = np.zeros(100)
    for seed in range(300):
        kept = Reservoir(10, seed)
        for part in np.arange(100).reshape(10, 10):
            kept.add(number=part, double=2 * part)
        assert len(kept) == 10 and (kept["double"] == 2 * kept["number"]).all()
        counts[kept["number"]] += 1
    assert counts.min() > 5 and counts.max() < 60  # 30 each, give or take five deviations


def test_halves_are_halves_and_stay_the_same() -> None:
    second = halves(np.arange(10_000), seed=3)
    assert 4_800 < second.sum() < 5_200
    assert (halves(np.array([77, 5]), seed=3) == second[[77, 5]]).all()
    assert (halves(np.arange(10_000), seed=4) != second).any()


def test_no_object_at_all(tmp_path: Path) -> None:
    result = fit_anchors(coco(tmp_path, annotations=[]))
    assert result.overall.objects == 0 and result.verdict == "There is no object to fit anchors to."
    assert as_table(result) and as_json(result) and as_csv(result)


# ---- written down --------------------------------------------------------------------------------------------------


def test_json_and_csv_have_the_numbers(streets: FitResult) -> None:
    plain: dict[str, Any] = json.loads(as_json(streets))
    assert plain["overall"]["objects"] == streets.num_objects and "sample" not in plain
    assert plain["suggestions"][0]["snippets"]["torchvision"]
    rows = list(csv.DictReader(io.StringIO(as_csv(streets).decode("utf-8-sig"))))
    people = [row for row in rows if (row["group"], row["name"]) == ("by_class", "person")]
    assert [int(row["objects"]) for row in people] == [row.objects for row in streets.by_class if row.name == "person"]


def test_names_are_no_commands_and_no_formulas(tmp_path: Path) -> None:
    names = [{"id": 1, "name": "\x1b[2Jdog"}, {"id": 7, "name": "=1+1"}]
    result = fit_anchors(coco(tmp_path, categories=names))
    assert "\x1b" not in as_table(result) and "�[2Jdog" in as_table(result)
    assert '"by_class","\'=1+1","1",' in as_csv(result).decode("utf-8-sig")


def run(*arguments: str | Path | float) -> int:
    return main(["fit", *map(str, arguments)])


def test_the_command_line_says_and_writes_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "fit.json"
    assert run(PICTURES, "--json", out, "--csv", tmp_path / "fit.csv", "--at-least", 0.5) == 0
    said = capsys.readouterr().out
    assert said.startswith("pictures: rpnviz JSON, 48 objects in 12 pictures") and "on the half that judges" in said
    assert json.loads(out.read_text("utf-8"))["format"] == "rpnviz JSON" and (tmp_path / "fit.csv").exists()
    assert run(PICTURES, "--scales", 40, 60, "--ratios", 1, "--at-least", 0.9) == 1


def test_a_part_that_could_not_be_read_is_a_status(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(coco(tmp_path, annotations=[coco_object(0, 12, (1, 2, 3, 4)), {"id": 4}])) == 1
    assert "1 left out: they could not be read (annotations[1]: KeyError: 'bbox')" in capsys.readouterr().out
