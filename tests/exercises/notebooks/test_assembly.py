"""The learner's functions beside ours: whose result goes on, and what the table says."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from rpnviz.exercises import Assembly
from rpnviz.figures.primitives import Still
from tests.exercises.notebooks.test_submission import notebook

BOXES = torch.tensor([[0.0, 0, 10, 10], [0, 0, 10, 5], [50, 50, 60, 60]])
SCORES = torch.tensor([0.9, 0.8, 0.7])
IMAGE = torch.zeros(600, 1000, 3).byte().numpy()
ANCHORS = torch.tensor([[0.0, 0, 10, 10]]).expand(6, 4)
IOU = "import torch\nfrom torchvision.ops import box_iou\n\ndef my_box_iou(boxes1, boxes2):\n    "
NMS = "import torch\n\ndef my_nms(boxes, scores, nms_thresh):\n    "

Assemble = Callable[..., Assembly]


@pytest.fixture
def assemble(tmp_path: Path) -> Assemble:
    """An assembly of the functions that a notebook defines."""

    def make(*sources: str, seconds: float = 30.0) -> Assembly:
        notebook(tmp_path / "04_mine.ipynb", *sources)
        return Assembly(tmp_path, seconds)

    return make


def test_right_functions_are_the_same_as_ours_and_are_used(assemble: Assemble) -> None:
    mine = assemble(IOU + "return box_iou(boxes1, boxes2) + 1e-7", NMS + "return [0, 1, 2]")
    iou = mine.my_box_iou(BOXES, BOXES)
    assert torch.equal(iou, torch.tensor([[1, 0.5, 0], [0.5, 1, 0], [0, 0, 1]]) + 1e-7)  # hers, not ours
    assert torch.equal(mine.my_nms(BOXES, SCORES, 0.5), torch.tensor([0, 1, 2]))  # a list of ints is welcome
    assert [(stage.name, stage.verdict) for stage in mine.stages.values()] == [
        *[("my_box_iou", "same"), ("my_nms", "same")]
    ]
    assert mine.first_difference is None and mine.by == "your functions"
    assert "my_nms               04_mine.ipynb                    the same as ours" in str(mine)


def test_what_is_not_written_is_ours_and_no_difference(assemble: Assemble) -> None:
    mine = assemble(NMS + "...")
    assert str(mine).count("ours stands in") == 13 and mine.by == "our functions"
    assert mine.my_nms(BOXES, SCORES, 0.4).tolist() == [0, 2]
    assert mine.stages["my_nms"].verdict == "missing" and mine.first_difference is None
    assert mine.draw_difference(IMAGE, ANCHORS).sentence == "No difference: 0 of the 1 functions that ran are yours."


def test_a_wrong_result_is_told_and_goes_on(assemble: Assemble) -> None:
    mine = assemble(IOU + "return box_iou(boxes1, boxes2) * 2", NMS + "return [0, 1]")
    assert mine.my_box_iou(BOXES, BOXES)[0].tolist() == [2, 1, 0]
    assert mine.my_nms(BOXES, SCORES, 0.5).tolist() == [0, 1]
    assert [stage.verdict for stage in mine.stages.values()] == ["differs", "differs"]
    assert mine.first_difference is mine.stages["my_box_iou"]
    assert "It keeps 2 of 3 boxes; it should keep 3." in str(mine)
    drawn = mine.draw_difference(IMAGE, ANCHORS)
    assert isinstance(drawn, Still) and drawn.sentence.startswith(
        "my_box_iou: of these two boxes, yours 2.0000, ours 1"
    )


def test_only_the_stage_where_it_arises_is_told(assemble: Assemble) -> None:
    labels = "def my_label_anchors(m, fg_iou_thresh, bg_iou_thresh):\n    iou = m.max(dim=0).values\n"
    labels += "    return (iou >= fg_iou_thresh).long() - ((iou < fg_iou_thresh) & (iou >= bg_iou_thresh)).long()"
    mine = assemble(IOU + "return box_iou(boxes1, boxes2) * 0.9", labels)
    mine.my_label_anchors(mine.my_box_iou(BOXES, BOXES), 0.7, 0.3)
    assert [stage.verdict for stage in mine.stages.values()] == ["differs", "same"]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("iou = box_iou(boxes1, boxes2)", "It returns None"),
        ("return boxes1", r"wrong shape: \[3, 4\] instead of \[3, 3\]"),
        ("return box_iou(boxes1, boxes2) / 0", "infinity|NaN"),
        ("return box_iou(boxes1, boxes2).long()", "wrong dtype"),
        ("return unknown", "It raises NameError: name 'unknown' is not defined"),
        ("exit()", r"It calls exit\(\) instead of returning something. In: exit\(\)"),
        ("import os; os._exit(1)", "It ended the process"),
    ],
)
def test_what_cannot_go_on_is_replaced_by_ours(assemble: Assemble, body: str, said: str) -> None:
    mine = assemble(IOU + body)
    assert mine.my_box_iou(BOXES, BOXES)[0].tolist() == [1, 0.5, 0]
    assert mine.first_difference is not None and mine.first_difference.verdict == "fails"
    assert re.search(said, mine.stages["my_box_iou"].message), mine.stages["my_box_iou"].message
    assert mine.draw_difference(IMAGE, ANCHORS).sentence.startswith("my_box_iou: ")


def test_a_function_that_does_not_return_is_stopped_and_the_next_one_runs(assemble: Assemble) -> None:
    mine = assemble(IOU + "while True: pass", NMS + "return [0, 2]", seconds=2)
    assert mine.my_box_iou(BOXES, BOXES)[0].tolist() == [1, 0.5, 0]
    assert mine.stages["my_box_iou"].message == "It did not return within 2 s and was stopped. Does a loop never end?"
    assert mine.my_nms(BOXES, SCORES, 0.4).tolist() == [0, 2]
    assert mine.stages["my_nms"].verdict == "same"


def test_a_function_that_failed_is_not_called_again(assemble: Assemble, monkeypatch: pytest.MonkeyPatch) -> None:
    mine, acts = assemble(IOU + "raise ValueError"), []
    ask = mine._worker.ask

    def counted(act: str, *arguments: Any, **limits: Any) -> Any:
        acts.append(act)
        return ask(act, *arguments, **limits)

    monkeypatch.setattr(mine._worker, "ask", counted)
    for _ in range(3):
        assert mine.my_box_iou(BOXES, BOXES)[0].tolist() == [1, 0.5, 0]
    assert acts.count("call") == 1


@pytest.mark.parametrize(
    ("returned", "said"),
    [
        ("[1, 1], [2, 3]", "pos_inds holds anchor 1 more than once"),
        ("[0], [2, 3]", "pos_inds holds anchor 0, whose label is -1"),
        ("[1], [2]", "neg_inds holds 1 anchor; it should hold 2"),
        ("[1], [9]", "neg_inds names an anchor that does not exist: 9"),
        ("[1.0], [2.0]", "two lists of indices, (pos_inds, neg_inds); it returns a Tensor of shape [1], a Tensor"),
        ("[]", "two lists of indices, (pos_inds, neg_inds); it returns a Tensor of shape [0]"),
    ],
)
def test_a_minibatch_is_judged_by_its_counts_and_labels(assemble: Assemble, returned: str, said: str) -> None:
    labels = torch.tensor([-1, 1, 0, 0, 0])
    source = "import torch\n\ndef my_sample_minibatch(labels, size, fraction, generator):\n    "
    parts = f"tuple(torch.tensor(part) for part in ({returned},))"
    mine = assemble(f"{source}return {parts}")
    wanted = 2 if "1, 1" in returned else 1
    size = 4 if wanted == 2 else 3
    labels[0] = 1 if wanted == 2 else -1
    mine.my_sample_minibatch(labels, size, 0.5, torch.Generator().manual_seed(1))
    assert said in mine.stages["my_sample_minibatch"].message


def test_another_right_draw_is_no_difference(assemble: Assemble) -> None:
    source = "import torch\n\ndef my_sample_minibatch(labels, size, fraction, generator):\n    "
    mine = assemble(source + "return torch.tensor([3]), torch.tensor([1, 0])")
    drawn = mine.my_sample_minibatch(torch.tensor([0, 0, 0, 1]), 3, 0.5, torch.Generator())
    assert [part.tolist() for part in drawn] == [[3], [1, 0]]
    assert mine.first_difference is None


def test_what_the_notebook_does_with_a_result_does_not_change_what_was_kept(assemble: Assemble) -> None:
    mine = assemble(IOU + "return box_iou(boxes1, boxes2) + 1")
    mine.my_box_iou(BOXES, BOXES).fill_(7)
    assert mine.stages["my_box_iou"].got[0].tolist() == [2, 1.5, 1]
    assemble("x = 1").my_box_iou(BOXES, BOXES).fill_(7)


def test_of_several_calls_the_first_that_differs_is_kept(assemble: Assemble) -> None:
    mine = assemble(IOU + "return box_iou(boxes1, boxes2) * (1 if len(boxes1) == 3 else 0)")
    for count in (3, 2, 1, 3):
        mine.my_box_iou(BOXES[:count], BOXES)
    assert len(mine.stages["my_box_iou"].arguments[0]) == 2


def test_damaged_notebooks_are_left_out_and_named(tmp_path: Path) -> None:
    (tmp_path / "04_mine.ipynb").write_text("half a note")
    notebook(tmp_path / "08_mine.ipynb", NMS + "return [0, 2", IOU + "return box_iou(boxes1, boxes2)")
    mine = Assembly(tmp_path)
    assert list(mine.found) == ["my_box_iou"]
    assert mine.notes == [
        "04_mine.ipynb is not a notebook: it is not JSON.",
        "08_mine.ipynb: Code cell 1 is not Python: '[' was never closed in line 4.",
    ]
    assert str(mine).endswith("\n".join(mine.notes)) and "04_mine.ipynb is not" in mine._repr_mimebundle_()["text/html"]


def test_cells_that_are_no_python_are_nothing_to_say_where_all_is_found(tmp_path: Path) -> None:
    notebook(
        tmp_path / "04_mine.ipynb", IOU + "...", "def my_label_anchors(m, a, b):\n    ...", "%%bash\necho it is fine"
    )
    assert Assembly(tmp_path).notes == []


def test_a_folder_without_lessons_is_named(tmp_path: Path) -> None:
    notebook(tmp_path / "12_your_own_rpn.ipynb", IOU + "return box_iou(boxes1, boxes2)")
    mine = Assembly(tmp_path)
    said = f"There is no lesson notebook, 01_….ipynb to 09_….ipynb, in {tmp_path}."
    assert str(mine).count("ours stands in") == 13 and str(mine).endswith(f"\n{said}")
    mine.my_nms(BOXES, SCORES, 0.4)
    assert str(mine).endswith(f"\n{said}") and f"<div>{said}</div>" in mine._repr_mimebundle_()["text/html"]


def test_a_folder_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(
        ValueError, match=r"folder must be the one with your lesson notebooks; got .*none.*, which is not a folder"
    ):
        Assembly(tmp_path / "none")


def test_what_changes_its_arguments_differs(assemble: Assemble) -> None:
    mine = assemble(IOU + "iou = box_iou(boxes1, boxes2)\n    boxes1.zero_()\n    return iou")
    assert mine.my_box_iou(BOXES, BOXES)[0].tolist() == [1, 0.5, 0] and BOXES[0, 2] == 10
    assert mine.stages["my_box_iou"].verdict == "differs" and "boxes1 is changed in place" in str(mine)


def test_what_one_function_does_to_a_library_does_not_reach_the_next(assemble: Assemble) -> None:
    mine = assemble(
        IOU + "torch.tensor = None\n    return box_iou(boxes1, boxes2)", NMS + "return torch.tensor([0, 2])"
    )
    mine.my_box_iou(BOXES, BOXES)
    assert mine.my_nms(BOXES, SCORES, 0.4).tolist() == [0, 2] and mine.stages["my_nms"].verdict == "same"


def test_rows_in_another_order_are_not_all_listed(assemble: Assemble) -> None:
    mine = assemble(NMS + "return [2, 0]")
    mine.my_nms(BOXES, SCORES, 0.4)
    assert mine.stages["my_nms"].message == "2 of the 2 rows that it keeps are wrong, or in the wrong place."


def test_names_and_messages_are_text_in_the_table(assemble: Assemble) -> None:
    mine = assemble(IOU + "raise ValueError('<img src=x onerror=alert(1)>')")
    mine.my_box_iou(BOXES, BOXES)
    assert "<img" not in mine._repr_mimebundle_()["text/html"]
    assert "&lt;img" in mine._repr_mimebundle_()["text/html"]


def test_another_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no exercise is called my_iou; there are my_receptive_field"):
        Assembly().my_iou  # noqa: B018


def drawn_for(mine: Assembly, call: Callable[[], Any]) -> str:
    call()
    return mine.draw_difference(IMAGE, ANCHORS).sentence


def test_each_kind_of_difference_is_drawn(assemble: Assemble) -> None:
    head = "import torch\n\ndef "
    mine = assemble(head + "my_cell_anchors(scales, aspect_ratios):\n    return torch.tensor([[-4.0, -4, 4, 8]])")
    assert drawn_for(mine, lambda: mine.my_cell_anchors([8], [1.0])) == "my_cell_anchors: anchor 0 of a cell"
    grid = assemble(head + "my_grid_anchors(cells, feature_size, stride):\n    return torch.zeros(6, 4)")
    sentence = drawn_for(grid, lambda: grid.my_grid_anchors(BOXES[:1], (2, 3), (16, 16)))
    assert sentence == "my_grid_anchors: row 3"
    label = assemble(head + "my_label_anchors(m, fg_iou_thresh, bg_iou_thresh):\n    return torch.tensor([0, -1, -1])")
    matrix = torch.tensor([[0.1, 0.5, 0.8]])
    sentence = drawn_for(label, lambda: label.my_label_anchors(matrix, 0.7, 0.3))
    assert sentence == "my_label_anchors: anchor 2, best IoU 0.80: yours neither, ours positive"
    code = assemble(head + "my_encode(gt_boxes, anchors):\n    return torch.zeros(3, 4)")
    assert drawn_for(code, lambda: code.my_encode(BOXES, BOXES + 5)) == "my_encode: pair 1"
    back = assemble(head + "my_decode(deltas, anchors):\n    return anchors")
    assert drawn_for(back, lambda: back.my_decode(torch.ones(3, 4), BOXES)) == "my_decode: row 1"
    nms = assemble(NMS + "return [0, 1, 2]")
    sentence = drawn_for(nms, lambda: nms.my_nms(BOXES, SCORES, 0.4))
    assert sentence == "my_nms: row 1 is kept by yours, not by ours; IoU 0.50 with a better kept box, threshold 0.4"
    turned = assemble(NMS + "return [2, 0]")
    assert drawn_for(turned, lambda: turned.my_nms(BOXES, SCORES, 0.4)) == (
        "my_nms: the right rows, but not best score first"
    )
    whole = assemble("def my_receptive_field(steps):\n    return 1")
    assert drawn_for(whole, lambda: whole.my_receptive_field([(3, 1)])).startswith("my_receptive_field: ")


def test_a_report_holds_what_was_called_since_the_last_one(assemble: Assemble) -> None:
    mine = assemble(NMS + "return [0, 2]")
    assert [row[0] for row in mine._table().rows][:2] == ["my_receptive_field", "my_sliding_window"]
    mine.my_nms(BOXES, SCORES, 0.4)
    mine.my_box_iou(BOXES, BOXES)
    mine.my_nms(BOXES, SCORES, 0.4)
    assert [row[:3] for row in mine.report().rows] == [
        *[("my_nms", "04_mine.ipynb", "same"), ("my_box_iou", "–", "missing")]
    ]
    assert mine.report().rows == []
    mine.my_nms(BOXES, SCORES, 0.4)
    assert [row[0] for row in mine.report().rows] == ["my_nms"]
    assert [row[0] for row in mine._table().rows] == ["my_nms", "my_box_iou"]
