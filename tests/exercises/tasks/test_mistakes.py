"""Every usual mistake leads to its own hint; every reference is right; the cases are small and drawn whole."""

from __future__ import annotations

import logging
from typing import Any

import pytest
import torch
from matplotlib.text import Text

from rpnviz import anchors, boxes, roi, rpn
from rpnviz.backbone import Backbone
from rpnviz.exercises import EXERCISES, check, references
from rpnviz.exercises.compare import difference
from rpnviz.exercises.exercise import Case, Exercise, Mistake
from rpnviz.exercises.sandbox import protocol
from rpnviz.exercises.search import Search, Trial
from rpnviz.grid import Grid
from rpnviz.inspect import nms_steps as nms
from rpnviz.inspect.layers import layer_table
from tests.exercises.conftest import typed

MISTAKES = [(exercise, mistake) for exercise in EXERCISES.values() for mistake in exercise.mistakes]
every_exercise = pytest.mark.parametrize("exercise", EXERCISES.values(), ids=lambda exercise: exercise.name)


@pytest.mark.parametrize(("exercise", "mistake"), MISTAKES, ids=[f"{e.name}-{m.key}" for e, m in MISTAKES])
def test_every_mistake_leads_to_its_own_hint(
    exercise: Exercise, mistake: Mistake, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(mistake.function, "__name__", exercise.name)
    caplog.set_level(logging.WARNING)
    result = check(mistake.function)
    assert (result.verdict, result.mistake, result.hint) == ("not yet", mistake.key, mistake.hint), str(result)
    assert mistake.hint in str(result) and result.png
    assert caplog.records == []  # matplotlib complains of what it cannot draw as asked


@every_exercise
def test_reference_passes(exercise: Exercise, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exercise.reference, "__name__", exercise.name)
    result = check(exercise.reference)
    assert result.verdict == "pass", str(result)
    assert (result.hint, result.mistake, result.case, result.png) == ("", "", None, b"")


@every_exercise
def test_there_are_enough_mistakes_and_hints(exercise: Exercise) -> None:
    keys = [mistake.key for mistake in exercise.mistakes]
    assert len(keys) >= 3 and len(set(keys)) == len(keys)
    assert all(mistake.hint.endswith(".") or mistake.hint.endswith(")") for mistake in exercise.mistakes)
    assert len(set(exercise.hints)) == 2


def inputs_of(exercise: Exercise) -> list[tuple[Any, ...]]:
    """What an exercise's function is shown while it is right."""
    seen: list[tuple[Any, ...]] = []

    def trial(arguments: tuple[Any, ...]) -> Trial:
        seen.append(arguments)
        return Trial(arguments, [], "")

    assert Search(exercise, trial).smallest_failure() is None
    return seen


@every_exercise
def test_inputs_are_many_and_of_other_shapes(exercise: Exercise) -> None:
    seen = inputs_of(exercise)
    assert len(seen) > 100
    shapes = {tuple(tuple(a.shape) if isinstance(a, torch.Tensor) else 0 for a in arguments) for arguments in seen}
    lengths = {len(a) for arguments in seen for a in arguments if isinstance(a, (list, tuple))}
    assert len(shapes) >= 3 or len(lengths) >= 3


LOOPS = """
    iou = torch.zeros(len(boxes1), len(boxes2))
    for i, a in enumerate(boxes1.tolist()):
        for j, b in enumerate(boxes2.tolist()):
            shared = {shared}
            iou[i, j] = shared / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - shared)
    return iou
"""
SHARED = "(min(a[2], b[2]) - max(a[0], b[0])) * (min(a[3], b[3]) - max(a[1], b[1]))"


def test_mistake_is_recognised_in_code_of_another_kind() -> None:
    assert check(typed(LOOPS.format(shared=SHARED))).mistake == "no_clamp"
    one_more = SHARED.replace(") * (", " + 1) * (").replace("b[1]))", "b[1]) + 1)")
    assert check(typed(LOOPS.format(shared=f"max(0, {one_more})"))).mistake == ""  # areas without + 1: nobody's mistake


def test_unknown_mistake_gets_no_false_hint() -> None:
    for body in ("return torch.zeros(len(boxes1), len(boxes2))", "return box_iou(boxes1, boxes2) ** 2"):
        result = check(typed(body))
        assert (result.verdict, result.mistake, result.hint) == ("not yet", "", "")
        assert len(result.hints) == 2


@pytest.mark.parametrize("end", [".int()", ".int().tolist()"])
def test_right_numbers_of_another_kind_are_no_usual_mistake(end: str) -> None:
    """For one scale the usual mistake "all ratios of a scale first" gives the right boxes."""
    body = """
        ratio, scale = torch.tensor(aspect_ratios)[:, None] ** 0.5, torch.tensor(scales)[None]
        w, h = scale / ratio, scale * ratio
        return (torch.stack([-w, -h, w, h], dim=-1).reshape(-1, 4) / 2).round()"""
    result = check(typed(body + end, "my_cell_anchors", "scales, aspect_ratios"))
    assert (result.verdict, result.mistake) == ("not yet", "")
    assert "wrong dtype" in result.message or "returns a list" in result.message


def test_two_mistakes_at_once_give_no_false_hint() -> None:
    body = "return box_iou(boxes1, boxes2).T * 2 if len(boxes1) > 1 else 7 * box_iou(boxes1, boxes2)"
    assert check(typed(body)).mistake == ""


def test_mistake_of_the_smallest_case_alone_gives_no_false_hint() -> None:
    body = """
        iou = box_iou(boxes1, boxes2)
        return iou / (1 + iou) if len(boxes1) == len(boxes2) == 1 else 7 * iou
    """
    result = check(typed(body))
    assert result.case is not None and result.case.got.shape == (1, 1)  # there it is what `shared_counted_twice` gives
    assert (result.verdict, result.mistake) == ("not yet", "")


@pytest.mark.parametrize(
    ("body", "numbers"),
    [("return box_iou(boxes1, boxes2) + 1", 8), ("return box_iou(boxes1, boxes2) * (len(boxes2) < 3)", 16)],
)
def test_case_is_the_smallest(body: str, numbers: int) -> None:
    case = check(typed(body)).case
    assert case is not None
    assert sum(boxes.numel() for boxes in case.arguments.values()) == numbers
    assert max(float(boxes.max()) for boxes in case.arguments.values()) == 1  # boxes of one pixel at the origin


def test_case_says_what_came_out_and_what_should() -> None:
    result = check(typed("return box_iou(boxes1, boxes2) + 1"))
    assert result.case is not None and result.message == "The IoU should be 1; your function returns 2."
    assert torch.equal(result.case.got, torch.tensor([[2.0]])) and torch.equal(
        result.case.wanted, torch.tensor([[1.0]])
    )
    assert "boxes1       = [[0, 0, 1, 1]]" in str(result) and "right result = [[1]]" in str(result)


@every_exercise
def test_pictures_are_drawn_whole(exercise: Exercise) -> None:
    """Of inputs of any size, with a wrong result, a wrong shape, no result: no text outside the figure."""
    for arguments in inputs_of(exercise)[::30]:
        right = exercise.reference(*map(protocol.ready, arguments))
        wanted = right if exercise.wanted is None else protocol.Foreign(exercise.wanted(arguments))
        wrong = exercise.mistakes[0].function(*map(protocol.ready, arguments))
        for got, raised in ((wrong, False), (torch.zeros(7), False), ("text", False), (None, True)):
            case = Case(dict(zip(exercise.arguments, arguments, strict=True)), got, wanted, raised, [got])
            figure = exercise.picture(case)
            figure.canvas.draw()
            width, height = figure.bbox.width, figure.bbox.height
            assert 300 < width < 946
            for text in (artist for artist in figure.findobj() if isinstance(artist, Text) and artist.get_text()):
                box = text.get_window_extent()
                inside = box.x0 > -1 and box.x1 < width + 1 and box.y0 > -1 and box.y1 < height + 1
                assert inside or text.get_clip_on(), (text.get_text(), box, (width, height))


@every_exercise
def test_judgement_is_difference_from_the_reference(exercise: Exercise) -> None:
    """The engine's comparison finds a change of any one number."""
    if exercise.judge is not None:
        return  # held by the draws of test_draws.py
    for arguments in inputs_of(exercise)[::15]:
        right = exercise.reference(*arguments)
        parts = right if isinstance(right, tuple) else (right,)
        for i, part in enumerate(parts):
            changed = torch.as_tensor(part).clone()
            if changed.numel() == 0:
                continue
            changed.view(-1)[-1] += 1
            wrong = tuple(changed if k == i else other for k, other in enumerate(parts))
            value = wrong if isinstance(right, tuple) else changed
            said = difference(value, right, exercise.returns, exercise.tolerance, exercise.indices)
            assert said and difference(right, right, exercise.returns, exercise.tolerance, exercise.indices) == ""


def test_references_are_those_of_the_package() -> None:
    """What notebooks compute and what exercises want is one thing."""
    cells = anchors.cell_anchors()
    for grid in (Grid.paper(), Grid.floor(), Grid.ceil()):
        ours = anchors.grid_anchors(grid, cells)
        assert torch.equal(ours, references.grid_anchors(cells, grid.feature_size, grid.stride))
    for scales, ratios in inputs_of(EXERCISES["my_cell_anchors"])[::10]:
        torch.testing.assert_close(anchors.cell_anchors(scales, ratios), references.cell_anchors(scales, ratios))
    for pair in inputs_of(EXERCISES["my_box_iou"])[::10]:
        torch.testing.assert_close(boxes.box_iou(*pair), references.box_iou(*pair))
    for pair in inputs_of(EXERCISES["my_encode"])[::10]:
        torch.testing.assert_close(boxes.encode(*pair), references.encode(*pair))
    for pair in inputs_of(EXERCISES["my_decode"])[::10]:
        torch.testing.assert_close(boxes.decode(*pair), references.decode(*pair))
    for arguments in inputs_of(EXERCISES["my_rpn_losses"])[::10]:
        torch.testing.assert_close(rpn.rpn_losses(*arguments), references.rpn_losses(*arguments))
    for arguments in inputs_of(EXERCISES["my_nms"])[::10]:
        assert torch.equal(nms.kept_rows(nms.nms_steps(*arguments)), references.nms(*arguments))
    for features, box, size, row, col, ratio in inputs_of(EXERCISES["my_roi_align_bin"])[::10]:
        ours = roi.align_one_box(features, box, size, ratio).output[:, row, col]
        torch.testing.assert_close(ours, references.roi_align_bin(features, box, size, row, col, ratio))


def test_receptive_fields_are_those_of_the_backbone() -> None:
    steps: list[tuple[int, int]] = []
    for layer in layer_table(Backbone.load("mini"), Grid.paper()):
        steps.append((layer.kernel, layer.stride))
        assert references.receptive_field(steps) == layer.receptive_field
    assert references.receptive_field(steps) == 196
