"""Questions above a view: what they must be, that no kernel is needed to answer them, and that the answers are true."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import nbformat
import pytest
import torch
import torchvision
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from rpnviz.anchors import cell_anchors, grid_anchors
from rpnviz.explorers.common.base import RpnvizWidget
from rpnviz.explorers.common.payload import object_names
from rpnviz.explorers.common.questions import Choice, Question
from rpnviz.explorers.common.rules import allows
from rpnviz.explorers.iou.explorer import IouExplorer
from rpnviz.explorers.poolings.explorer import PoolingsExplorer
from rpnviz.grid import Grid
from rpnviz.inspect.detector import open_detector
from rpnviz.inspect.loss_ledger import NORMALISATIONS
from rpnviz.inspect.mini_fpn import build_mini_fpn
from rpnviz.inspect.pyramid import best_by_level
from rpnviz.proposals import PRESETS
from tests.bad_inputs.given import RULES
from tests.explorers.asked import Asked, every_asked
from tests.explorers.small_scene import make_picture
from tests.explorers.test_rules import inside, outside
from tools.notebooks.run import NOTEBOOKS

BELIEFS = range(1, 28)  # 21 questions that learners ask, one of pyramids, two of other settings, one of fits
MOVES = {"length": 1000}


# --- what a question must be -----------------------------------------------------------------------------------------


def question(*moves: dict[str, Any], right: int = 0) -> Question:
    choices = [Choice(f"answer {i}", "because", one, i == right) for i, one in enumerate(moves)]
    return Question(1, "what?", tuple(choices))


@pytest.mark.parametrize(
    ("choices", "problem"),
    [
        ([], "got 0, takes 2 to 4"),
        ([Choice("a", "b", MOVES, True)], "got 1, takes 2 to 4"),
        ([Choice(str(i), "b", MOVES, i == 0) for i in range(5)], "got 5, takes 2 to 4"),
        ([Choice("a", "b", MOVES), Choice("b", "b", MOVES)], "got 0 that are right, takes exactly 1"),
        ([Choice("a", "b", MOVES, True), Choice("b", "b", MOVES, True)], "got 2 that are right"),
        ([Choice("a", "b", MOVES, True), Choice("a", "c", MOVES)], "the same text"),
    ],
)
def test_a_question_has_a_few_choices_and_one_is_right(choices: list[Choice], problem: str) -> None:
    with pytest.raises(ValueError, match=f"'what\\?'.*{problem}"):
        Question(1, "what?", tuple(choices))


@pytest.fixture
def poolings() -> PoolingsExplorer:
    return PoolingsExplorer(make_picture())


@pytest.mark.parametrize(
    ("moves", "problem"),
    [
        ({}, "choice 2: moves: got none, takes at least one of length, poolings, rounding"),
        ({"lenght": 960}, "choice 2: moves: got lenght, which a page cannot set by itself"),
        ({"image": b""}, "got image, which"),
        ({"length": 960.5}, "length: got 960.5, takes .*'whole'"),
        ({"length": 10**6}, "length: got 1000000, takes"),
        ({"rounding": "up"}, "rounding: got 'up', takes .*floor.*ceil"),
        ({"poolings": True}, "poolings: got True"),
    ],
)
def test_a_move_must_be_open_to_a_page_without_a_kernel(
    poolings: PoolingsExplorer, moves: dict[str, Any], problem: str
) -> None:
    with pytest.raises(ValueError, match=problem):
        poolings.ask(lambda _: question(MOVES, moves))
    assert poolings.questions == []


def test_a_move_may_not_cross_another_trait() -> None:
    playground = IouExplorer(make_picture())
    with pytest.raises(ValueError, match=r"bg_iou_thresh: got 0.8, takes at most fg_iou_thresh"):
        playground.ask(lambda _: question({"bg_iou_thresh": 0.8}, {"bg_iou_thresh": 0.2}))
    playground.ask(lambda _: question({"bg_iou_thresh": 0.8, "fg_iou_thresh": 0.9}, {"bg_iou_thresh": 0.2}))


def test_what_needs_the_kernel_cannot_be_moved(asked: dict[str, RpnvizWidget]) -> None:
    with pytest.raises(ValueError, match="got worked_out, which a page cannot set by itself"):
        asked["stepper"].ask(lambda _: question({"worked_out": {}}, {"turn": 3}))


@pytest.mark.parametrize("name", RULES)
def test_allowed_is_what_the_rule_of_a_link_allows(name: str) -> None:
    rule = RULES[name]

    @settings(max_examples=40)
    @given(inside(rule))
    def takes(value: Any) -> None:
        assert allows(rule, value)

    takes()
    for value in outside(rule):
        assert not allows(rule, value), value


@given(st.booleans() | st.none() | st.text() | st.lists(st.integers()))
def test_a_number_is_nothing_else(value: Any) -> None:
    assert not allows({"kind": "whole", "min": -9, "max": 9}, value)
    assert not allows({"kind": "number", "min": -9, "max": 9}, value)


def test_the_page_gets_the_questions_and_links_do_not(poolings: PoolingsExplorer) -> None:
    before = poolings.moves()
    poolings.ask(lambda explorer: question({"length": explorer.length - 40}, MOVES, right=1))
    (sent,) = poolings.saved_state()["questions"]
    assert sent == {
        "fact": 1,
        "text": "what?",
        "veiled": False,
        "asked": {"length": poolings.length, "rounding": "floor", "poolings": poolings.poolings},
        "choices": [
            {"text": "answer 0", "right": False, "why": "because", "moves": {"length": 960}},
            {"text": "answer 1", "right": True, "why": "because", "moves": {"length": 1000}},
        ],
    }
    assert poolings.moves() == before and "questions" not in before
    poolings.ask()
    assert poolings.questions == []


# --- the questions of the notebooks -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def every() -> dict[str, Asked]:
    return every_asked()


@pytest.fixture(scope="module")
def asked(every: dict[str, Asked]) -> dict[str, Any]:
    """Every explorer with its questions; each test leaves it as it was."""
    return {name: one.build() for name, one in every.items()}


@contextmanager
def after(explorer: Any, fact: int, number: int) -> Iterator[str]:
    """The explorer after a choice was tapped; gives its sentence."""
    one = next(one for one in explorer.questions if one["fact"] == fact)
    _set(explorer, one["asked"])
    _set(explorer, one["choices"][number]["moves"])
    yield one["choices"][number]["why"]
    _set(explorer, one["asked"])


def _set(explorer: Any, traits: dict[str, Any]) -> None:
    with explorer.hold_trait_notifications():  # as a message from the page
        for name, value in traits.items():
            setattr(explorer, name, value)


def asked_in(notebook: str, makers: set[str]) -> list[str]:
    """Names of the questions that a notebook asks, in its order; not where it imports them."""
    (path,) = NOTEBOOKS.glob(f"{notebook}_*.ipynb")
    cells = nbformat.read(path, as_version=4).cells
    code = "\n".join(cell.source for cell in cells if cell.cell_type == "code")
    return [node.id for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Name) and node.id in makers]


def test_the_notebooks_ask_what_is_tested_here(every: dict[str, Asked]) -> None:
    makers = {maker.__name__ for one in every.values() for maker in one.makers}
    for notebook in (f"{number:02}" for number in range(14)):
        here = [maker.__name__ for one in every.values() if one.notebook == notebook for maker in one.makers]
        assert sorted(asked_in(notebook, makers)) == sorted(here), notebook


def test_all_beliefs_are_asked_once(asked: dict[str, Any]) -> None:
    facts = [one["fact"] for explorer in asked.values() for one in explorer.questions]
    assert sorted(facts) == list(BELIEFS)


def test_neither_place_nor_length_gives_the_answer_away(asked: dict[str, Any]) -> None:
    questions = [one["choices"] for explorer in asked.values() for one in explorer.questions]
    places = [next(i for i, choice in enumerate(choices) if choice["right"]) for choices in questions]
    assert all(3 <= places.count(place) <= 12 for place in (0, 1, 2))
    longest = [max(choices, key=lambda choice: len(choice["text"]))["right"] for choices in questions]
    assert sum(longest) <= len(longest) / 2


def test_cards_stay_small(asked: dict[str, Any]) -> None:
    for explorer in asked.values():
        json.dumps(explorer.questions, allow_nan=False)
        for one in explorer.questions:
            assert len(one["text"]) <= 110
            assert all(len(choice["text"]) <= 75 and len(choice["why"]) <= 160 for choice in one["choices"])


def test_every_answer_moves_the_view_somewhere_else(asked: dict[str, Any]) -> None:
    """As a message from the page would: all traits at once. What is then held is what was asked for."""
    for name, explorer in asked.items():
        opening = {trait: getattr(explorer, trait) for trait in explorer.moves()}
        for one in explorer.questions:
            places = []
            for number, choice in enumerate(one["choices"]):
                with after(explorer, one["fact"], number):
                    for trait, value in choice["moves"].items():
                        held = getattr(explorer, trait)
                        assert (list(held) if isinstance(held, tuple) else held) == value, (name, trait)
                    places.append(json.dumps(choice["moves"], sort_keys=True))
                assert {trait: getattr(explorer, trait) for trait in opening} == opening
            assert len(set(places)) == len(places), one["text"]
            stays = [c for c in one["choices"] if all(opening[t] == v for t, v in c["moves"].items())]
            assert not any(not choice["right"] for choice in stays), one["text"]


# What a reader may have done meanwhile, so that the sentences would no longer be true.
MEANWHILE: dict[str, dict[str, Any]] = {
    "linked": {"grid": "floor", "seed": 7, "layers": [], "map": "channel 3", "top_n": 1, "row": 0, "selected": 2},
    "poolings": {"length": 640, "rounding": "ceil"},
    "fit": {"iou_thresh": 0.5, "anchor_set": 1, "class_index": 0, "selected": 2, "by": "class"},
    "window": {"row": 1, "col": 2, "channel": 9},
    "convolution": {"row": 1, "col": 2, "channel": 9},
    "reader": {"row": 1, "col": 2, "show_anchors": False, "selected": 7},
    "text": {"mode": "boxes", "row": 3},
    "iou": {"anchor": [1, 2, 30, 40], "bg_iou_thresh": 0.1},
    "labels": {"fg_iou_thresh": 0.9, "bg_iou_thresh": 0.05, "allow_low_quality_matches": False, "selected": 5},
    "minibatch": {"seed": 5, "batch_size_per_image": 16, "positive_fraction": 0.1},
    "loss": {"chosen": 2, "logit": 3.5, "deltas": [1.0, 0.0, 0.0, 0.0], "normalisation": "paper"},
    "sums": {"chosen": 2, "close_up": True, "normalisation": "paper"},
    "funnel": {"pre_nms_top_n": 50, "nms_thresh": 0.2, "min_size": 99.0, "stage": 1},
    "stepper": {"nms_thresh": 0.1, "turn": 9, "suppressed_too": True},
    "detections": {"nms_thresh": 0.1, "score_thresh": 0.9},
    "pyramid": {"selected": 4, "level": 1, "shown": "proposals", "pre_nms_top_n": 9, "post_nms_top_n": 5},
    "conventions": {"convention": "CTPN", "row": 3, "anchor": 9},
    "roi": {"box": [10.0, 10.0, 90.0, 90.0], "bin_row": 0, "sampling_ratio": 4, "aligned": False},
}


@pytest.mark.parametrize("name", MEANWHILE)
def test_an_answer_puts_the_view_back_first(asked: dict[str, Any], name: str) -> None:
    explorer = asked[name]

    def looks() -> dict[str, Any]:
        shown = [trait for trait in explorer.own_traits() if not trait.startswith("extra_")]  # what was fetched last
        return {trait: getattr(explorer, trait) for trait in shown}

    for one in explorer.questions:
        with after(explorer, one["fact"], 0):
            expected = looks()
        for trait, value in MEANWHILE[name].items():
            setattr(explorer, trait, value)
        with after(explorer, one["fact"], 0):
            assert looks() == expected, one["text"]


def iou_of(one: Tensor | list[float], other: Tensor | list[float]) -> float:
    boxes = [torch.as_tensor(box, dtype=torch.float32)[None] for box in (one, other)]
    return float(torchvision.ops.box_iou(*boxes))


# --- 00 to 03: the window and its anchors -----------------------------------------------------------------------------


@pytest.fixture
def linked(asked: dict[str, Any]) -> Any:
    return asked["linked"]


def chosen(explorer: Any) -> int:
    """Number of the anchor that stands out in the linked explorer."""
    return int((explorer.row * 60 + explorer.col) * 9 + explorer.selected)


def test_1_nine_from_one_window(linked: Any) -> None:
    with after(linked, 1, 0) as why:
        x1, y1, x2, y2 = Grid.paper().footprint(linked.row, linked.col)
        assert f"{x2 - x1:.0f}×{y2 - y1:.0f} px" in why and "182×90" in why and linked.layers == ("anchors",)
        assert all(x2 - x1 < u2 - u1 and y2 - y1 < v2 - v1 for u1, v1, u2, v2 in cell_anchors().tolist())
    with after(linked, 1, 1) as why:
        assert linked.map == "objectness 8" and "number 9" in why and "362×724" in why
    with after(linked, 1, 2) as why:
        here = linked.results.here(linked.row, linked.col)
        assert f"Row {linked.row}, column {linked.col}" in why and linked.layers == ("anchors", "ground_truth")
        assert (linked.results.found.labels[here] == 0).sum() == 8  # the tall 512 lies nowhere inside
        assert len(linked.state().anchors) == 9


def test_3_anchors_of_a_cell(linked: Any) -> None:
    with after(linked, 3, 0) as why:
        assert chosen(linked) == 21_600 - 1 and "21,600 = 40 · 60 · 9" in why
    with after(linked, 3, 1):
        assert len(linked.state().anchors) == 9 and "labels" in linked.layers
    with after(linked, 3, 2):
        dots = torch.cat(linked.results.minibatch(linked.seed))
        assert "minibatch" in linked.layers and len((dots // 9).unique()) > 100  # cells, all over the map


def test_12_longer_than_the_field(linked: Any) -> None:
    x1, y1, x2, y2 = Grid.paper().receptive_field(0, 0)
    texts = [one["text"] for one in linked.questions if one["fact"] == 12]
    assert f"{x2 - x1:.0f}×{y2 - y1:.0f} px" in texts[0]
    with after(linked, 12, 0) as why:
        sides = cell_anchors()[:, 2:] * 2
        longer = (sides[:, 0] > x2 - x1) | (sides[:, 1] > y2 - y1)
        assert why.startswith(f"{int(longer.sum())} of the nine") and "predictions" in linked.layers
    with after(linked, 12, 1) as why:
        width, height = (sides[linked.selected]).tolist()
        assert width > x2 - x1 or height > y2 - y1
        assert f"{width:.0f}×{height:.0f} px" in texts[0]
        stages = linked.results.stages
        assert f"{float(stages.all_scores[chosen(linked)]):.2f}" in why and "proposal 2 of 300" in why
        assert stages.post_nms_inds[1] == chosen(linked) and "receptive_field" in linked.layers
    with after(linked, 12, 2):
        assert linked.selected == 0 and "receptive_field" in linked.layers


def test_15_border_in_use(linked: Any) -> None:
    stages, anchors = linked.results.stages, grid_anchors(Grid.paper(), cell_anchors())
    crosses = (anchors[:, :2] < 0).any(dim=1) | (anchors[:, 2:] > torch.tensor([1000.0, 600.0])).any(dim=1)
    for number in (0, 1):
        with after(linked, 15, number) as why:
            place = (stages.post_nms_inds == chosen(linked)).nonzero()
            assert crosses[chosen(linked)] and f"proposal {int(place) + 1} of 300" in why
            assert linked.results.found.labels[chosen(linked)] == -1
            box, gt_boxes = stages.all_boxes[chosen(linked)], linked.results.picture.gt_boxes
            best = torchvision.ops.box_iou(box[None], gt_boxes).max()
            assert number == 0 or (f"IoU of {best:.2f}" in why and best >= 0.5)
    assert f"{int(crosses[stages.post_nms_inds].sum())} of the 300" in linked.questions[3]["choices"][1]["why"]
    with after(linked, 15, 2) as why:
        box, cut = stages.decoded[chosen(linked)], stages.all_boxes[chosen(linked)]
        assert not torch.equal(box, cut) and chosen(linked) in stages.post_nms_inds.tolist()
        assert why.count("21,600") == 2 == [count for _, count in stages.funnel()[:2]].count(21_600)


def test_10_forty_by_sixty(asked: dict[str, Any]) -> None:
    explorer = asked["poolings"]
    with after(explorer, 10, 0) as why:
        assert explorer.steps() == [1000, 500, 250, 125, 63] and "1000 → 500 → 250 → 125 → 63" in why
    with after(explorer, 10, 1) as why:
        assert explorer.steps()[-1] == 62 and "62.5" in why
    with after(explorer, 10, 2):
        assert explorer.steps() == [960, 480, 240, 120, 60]


def test_2_nine_sizes_of_one_vector(asked: dict[str, Any]) -> None:
    explorer = asked["window"]
    for number in (0, 1):
        with after(explorer, 2, number) as why:
            here = explorer.logits[:, explorer.row, explorer.col]
            told = [here[4]] if number == 0 else [here.min(), here.max()]
            for value in told:
                assert f"{float(value):.1f}".replace("-", "−") in why
            assert here.max() > 0 and explorer.show_anchors  # on an object
    spread = explorer.logits.amax(dim=0) - explorer.logits.amin(dim=0)
    with after(explorer, 2, 1):
        assert spread[explorer.row, explorer.col] == spread[explorer.logits.amax(dim=0) > 0].max()
    with after(explorer, 2, 2):
        assert not explorer.show_anchors


def test_26_nine_cells_nine_anchors(asked: dict[str, Any]) -> None:
    explorer = asked["reader"]
    assert len(cell_anchors(scales=(64, 128, 256, 512))) == 12
    x, y = explorer.grid.centre(explorer.row, explorer.col)
    for number in range(3):
        with after(explorer, 26, number) as why:
            assert explorer.show_anchors and explorer.grid.centre(explorer.row, explorer.col) == (x, y)
            assert number != 2 or f"({x:.0f}, {y:.0f})" in why


def test_27_weights_of_a_filter(asked: dict[str, Any]) -> None:
    explorer = asked["convolution"]
    made = explorer.taken_apart

    def told(value: Tensor | float) -> str:
        return f"{float(value):.3f}".replace("-", "−")

    with after(explorer, 27, 0) as why:
        assert made.channel_sums[explorer.channel] == made.channel_sums.min()
        assert told(made.weights[explorer.channel, 1, 1]) in why and f"channel {explorer.channel} is" in why
    with after(explorer, 27, 1) as why:
        assert made.channel_sums[explorer.channel] == made.channel_sums.max()
        assert told(made.channel_sums.max()) in why and told(made.before_relu) in why
    with after(explorer, 27, 2) as why:
        assert told(made.after_relu) in why


def test_13_three_by_three(asked: dict[str, Any]) -> None:
    explorer = asked["reader"]
    with after(explorer, 13, 0) as why:
        assert (explorer.row, explorer.col) == (0, 0) and why.count("40×60") == 2
    with after(explorer, 13, 1) as why:
        assert explorer.show_anchors and explorer.selected == 0 and "50×45 px" in why and "182×90" in why
    with after(explorer, 13, 2) as why:
        assert "196 to 228 px" in why and not explorer.show_anchors


def test_11_nine_or_eighteen(asked: dict[str, Any]) -> None:
    explorer = asked["reader"]
    for number, near in ((0, 2), (1, 0), (2, -2)):
        with after(explorer, 11, number) as why:
            logit = explorer.logits[explorer.selected, explorer.row, explorer.col]
            assert abs(float(logit) - near) < 0.1 and f"{float(logit):.2f}".replace("-", "−") in why
            if number == 0:
                pair = torch.stack([torch.tensor(5.0), logit + 5]).softmax(dim=0)[1]
                assert f"{float(pair):.2f}" in why and torch.isclose(pair, logit.sigmoid())
            if number == 2:
                assert f"{float(logit.sigmoid()):.2f}" in why and f"{1 - float(logit.sigmoid()):.2f}" in why


def test_4_sixteen_wide(asked: dict[str, Any]) -> None:
    explorer = asked["text"]
    sides = explorer.cells[:, 2:] - explorer.cells[:, :2]
    (one,) = explorer.questions
    assert (sides[:, 0] == 16).all() and (sides[0, 1], round(float(sides[-1, 1]))) == (11, 273)
    assert "16 wide and 11 to 273 high" in one["text"]
    with after(explorer, 4, 0) as why:
        assert explorer.mode == "cell" and "10 strips" in why
        assert f"{float((cell_anchors()[:, 2] * 2).min()):.0f} px wide" in why
    with after(explorer, 4, 1) as why:
        assert explorer.mode == "centres" and "40×60" in why and "273 px" in why
    with after(explorer, 4, 2) as why:
        assert explorer.mode == "centres" and why.startswith("60 centres in a row") and "16 px" in why
        assert 0 <= explorer.grid.stride[1] - 16 < 1 and explorer.grid.feature_size[1] == 60


# --- 04 to 06: labels, minibatch, loss --------------------------------------------------------------------------------


def test_5_where_is_iou(asked: dict[str, Any]) -> None:
    explorer, (stride_y, stride_x) = asked["iou"], Grid.paper().stride
    with after(explorer, 5, 0) as why:
        cells = [
            [round(edge / stride) for edge, stride in zip(box, (stride_x, stride_y) * 2, strict=True)]
            for box in (explorer.anchor, explorer.gt)
        ]
        assert cells[0] == cells[1] and explorer.anchor != explorer.gt
        assert f"{iou_of(explorer.anchor, explorer.gt):.2f}" in why and "IoU 1.00" in why
    with after(explorer, 5, 1) as why:
        assert f"{iou_of(explorer.anchor, explorer.gt):.3f}" in why
    with after(explorer, 5, 2) as why:
        assert f"{iou_of(explorer.anchor, explorer.gt):.2f}" in why and "50×45" in why
        assert explorer.gt in explorer.picture.gt_boxes.tolist()


def test_14_low_iou_positive(asked: dict[str, Any]) -> None:
    explorer = asked["labels"]
    found = explorer.found
    with after(explorer, 14, 0) as why:
        i = explorer.selected
        assert found.labels[i] == 1 and found.iou[i] < 0.7 and f"{float(found.iou[i]):.2f}" in why
        assert f"{float(found.iou[i]):.2f}" in explorer.questions[0]["text"]
        assert object_names(explorer.picture)[int(found.best_gt_idxs[i])] in why
    for number in (1, 2):
        with after(explorer, 14, number) as why:
            i = explorer.selected
            assert found.labels[i] == -1 and 0.3 <= found.iou[i] < 0.7 and not found.crosses_boundary[i]
            assert f"{float(found.iou[i]):.2f}" in why
    with after(explorer, 14, 3) as why:
        i = explorer.selected
        row = explorer.object_rows[int(found.best_gt_idxs[i])]
        assert found.labels[i] == 1 and row["by_threshold"] == 0 and row["name"] in why
        assert f"{row['best_iou']:.2f}" in why and float(found.iou[i]) == pytest.approx(row["best_iou"])
        assert f"an IoU of {row['best_iou']:.2f}" in explorer.questions[0]["text"]  # that which was asked about


def test_9_8_19_the_minibatch(asked: dict[str, Any]) -> None:
    explorer = asked["minibatch"]
    pos, neg = explorer.sampled_pos_inds.tolist(), explorer.sampled_neg_inds.tolist()
    labels = explorer.found.labels
    expected = {  # (fact, choice) -> where the selected anchor is
        **{(9, 0): pos, (9, 1): neg, (9, 2): pos},
        **{(8, 0): neg, (8, 1): pos, (8, 2): neg},
    }
    for (fact, number), where in expected.items():
        with after(explorer, fact, number):
            assert explorer.selected in where
    nine, eight, nineteen = ([c["why"] for c in one["choices"]] for one in explorer.questions)
    assert f"only {explorer.counts['positive']} positive" in nine[0] and explorer.counts["positive"] == len(pos) < 128
    assert f"{len(neg)} that fill it up" in nine[1] and f"{len(pos)} + {len(neg)} here" in nine[2]
    assert eight[1].startswith("256 dots and rings") and len(pos) + len(neg) == 256
    assert "other 21,344" in explorer.questions[2]["text"] and "21,600 logits" in nineteen[1]
    with after(explorer, 19, 0):
        assert labels[explorer.selected] == 0 and explorer.selected not in neg
    with after(explorer, 19, 1):
        cell = explorer.selected // 9
        assert not {i // 9 for i in pos + neg} & {cell}
    with after(explorer, 19, 2) as why:
        assert labels[explorer.selected] == -1 and f"{float(explorer.found.iou[explorer.selected]):.2f}" in why


def test_6_whose_iou(asked: dict[str, Any]) -> None:
    explorer = asked["loss"]
    boxes = explorer.scene.picture.gt_boxes

    def decoded() -> float:
        return float(torchvision.ops.box_iou(explorer.decoded, boxes).max())

    with after(explorer, 6, 0) as why:
        assert explorer.anchor["label"] == 1 and explorer.anchor["iou"] >= 0.7 > decoded()
        assert f"{decoded():.2f}" in why and explorer.anchor["iou_text"] in why
    with after(explorer, 6, 1) as why:
        assert explorer.anchor["label"] == 1 and explorer.anchor["low_quality"] and decoded() >= 0.7
        assert explorer.anchor["iou_text"] in why and f"{decoded():.2f}" in why
    with after(explorer, 6, 2) as why:
        assert explorer.anchor["label"] == 0 and max(decoded(), explorer.anchor["iou"]) > 0.3
        assert f"{decoded():.2f}" in why and explorer.anchor["iou_text"] in why


def test_17_where_is_lambda(asked: dict[str, Any]) -> None:
    explorer = asked["sums"]
    assert "λ = 10" in explorer.questions[0]["text"]
    with after(explorer, 17, 0) as why:
        paper, code = (NORMALISATIONS[key].factors(256)[1] for key in ("paper", "torchvision"))
        assert explorer.normalisation == "paper" and f"1/{1 / paper:.0f}" in why and f"1/{1 / code:.0f}" in why
        assert f"{1 - code / paper:.0%} less" in why and code < paper
    with after(explorer, 17, 1) as why:
        assert explorer.normalisation == "torchvision" and "1/240" in why and "by 256" in why
    with after(explorer, 17, 2):
        assert explorer.normalisation == "detectron2"


# --- 08 and 09: proposals and what follows ----------------------------------------------------------------------------


def test_7_real_order(asked: dict[str, Any]) -> None:
    explorer = asked["funnel"]
    left = [len(row.inds) for row in explorer.rows]
    for number, stage in ((0, 2), (1, 5), (2, 4), (3, 6)):
        with after(explorer, 7, number) as why:
            assert explorer.pre_nms_top_n == PRESETS["py-faster-rcnn"]["test"]["pre_nms_top_n"]
            assert explorer.stage == stage and f"{left[stage]:,}" in why
            assert explorer.side == ("dropped" if number in (1, 2) else "left")
    assert left[2] == left[0]
    nms = explorer.questions[0]["choices"][1]["why"]  # not wrong, but another's: all that is large enough into NMS
    assert PRESETS["paper"]["test"]["pre_nms_top_n"] >= left[0] and f"{left[3]:,} takes long" in nms
    assert f"the best {left[4]:,}" in nms


def test_18_scored_background(asked: dict[str, Any]) -> None:
    explorer = asked["funnel"]
    stages = explorer.stages
    low = int((stages.scores < 0.5).sum())
    with after(explorer, 18, 0) as why:
        assert stages.all_scores[explorer.selected] < 0.5 and explorer.selected in stages.post_nms_inds.tolist()
        assert f"{300 - low} score 0.5 or more" in why
    with after(explorer, 18, 1) as why:
        assert explorer.selected == stages.post_nms_inds[-1] and f"{low} of the 300" in why
        assert f"{float(stages.scores.min()):.2f}" in why
    with after(explorer, 18, 2) as why:
        assert explorer.selected not in stages.post_nms_inds.tolist() and explorer.side == "dropped"
        assert explorer.selected == stages.nms_inds[300] and "place 301" in why


def test_16_same_two_thousand(asked: dict[str, Any]) -> None:
    explorer = asked["stepper"]
    kept = len(torchvision.ops.nms(explorer.all_boxes, explorer.all_scores, 0.7))
    for number in (0, 1):
        with after(explorer, 16, number) as why:
            assert explorer.turn == 300 and "300" in why and str(kept) in why and kept < 300
    with after(explorer, 16, 2) as why:
        fallen = len(explorer.steps()[explorer.turn - 1].suppresses)
        assert explorer.turn > 1 and fallen > 1 and f"takes {fallen} of the 300" in why
    assert explorer.questions[0]["text"].count("2,000") == 2


def test_20_slope_of_a_box(asked: dict[str, Any]) -> None:
    explorer = asked["roi"]
    before, start = explorer.values, explorer.box
    for number in (0, 2):
        with after(explorer, 20, number) as why:
            moved = start[0] - explorer.box[0]
            assert moved >= 1 and f"{moved:.0f} px" in why
            assert explorer.values["pool"] == before["pool"] and explorer.values["align"] != before["align"]
            told = [before["pool"]] if number == 0 else [before["align"], explorer.values["align"]]
            assert all(f"{value:.3f}" in why for value in told)
    with after(explorer, 20, 1):
        assert explorer.box == start


def test_21_what_comes_next(asked: dict[str, Any]) -> None:
    explorer = asked["detections"]
    for number, stage in enumerate(("named", "named", "detections")):
        with after(explorer, 21, number) as why:
            assert explorer.stage == stage
            counts = [int(n) for n in re.findall(r"\d+", explorer.describe().split("above")[0])]
            if number == 0:
                above = explorer.named.scores > explorer.score_thresh
                assert f" {len(set(explorer.named.proposal_inds[above].tolist()))} of the {counts[0]}" in why
                assert f"{counts[1]} boxes" in why
            if number == 2:
                assert f"{len(explorer.detections.boxes)} detections" in why
                assert why.startswith(f"{counts[0]} proposals, {counts[1]} named boxes")
            if number == 1:
                i = explorer.selected
                own = explorer.proposals[explorer.named.proposal_inds[i]]
                assert f"{iou_of(explorer.named.boxes[i], own):.2f}" in why and explorer.named.names[i] in why


def test_22_which_level(asked: dict[str, Any]) -> None:
    explorer = asked["pyramid"]
    names, levels = object_names(explorer.picture), [level.name for level in explorer.levels]
    fits = explorer.best_iou_by_level
    untrained = best_by_level(
        open_detector(build_mini_fpn().eval(), explorer.picture.image).anchors, explorer.gt_boxes, explorer.levels
    )
    assert torch.equal(untrained, fits)  # no weight takes part
    with after(explorer, 22, 0) as why:
        best = int(fits[explorer.selected].argmax())
        assert explorer.level == best and f"{names[explorer.selected]}'s best anchor is on {levels[best]}" in why
        assert f"IoU {float(fits[explorer.selected, best]):.2f}" in why
    with after(explorer, 22, 1) as why:
        areas = (explorer.gt_boxes[:, 2:] - explorer.gt_boxes[:, :2]).prod(dim=1)
        assert explorer.selected == int(areas.argmin())
        for m in (int(areas.argmin()), int(areas.argmax())):
            assert f"{levels[int(fits[m].argmax())]}" in why and names[m] in why
    with after(explorer, 22, 2) as why:
        two = fits[explorer.selected].topk(2)
        assert two.values[0] - two.values[1] < 0.1  # torn
        assert all(f"{iou:.2f} on {levels[i]}" in why for iou, i in zip(*(one.tolist() for one in two), strict=True))


def test_23_same_ratios(asked: dict[str, Any]) -> None:
    explorer = asked["conventions"]
    paper = explorer.plan["conventions"][0]
    for number, name in enumerate(("Mask_RCNN", "detectron2", "MMDetection")):
        with after(explorer, 23, number) as why:
            told = next(one for one in explorer.plan["conventions"] if one["name"] == explorer.convention)
            assert told["name"] == name
            here, there = told["anchor_names"][explorer.anchor], paper["anchor_names"][explorer.anchor]
            assert here in why and there in why
            assert (here == there) == (number == 2)
            assert told["cells"][explorer.anchor] != paper["cells"][explorer.anchor]


def test_24_border_labels(asked: dict[str, Any]) -> None:
    explorer = asked["conventions"]
    for number in range(3):
        with after(explorer, 24, number) as why:
            assert explorer.convention == "torchvision"
            row = next(row for row in explorer.settings if row["setting"] == "drop_cross_boundary")
            assert f"It changes {row['changed']:,}" in why and row["changed"] > 21_600 / 2
            if number == 0:  # not at the rim, and still beyond the picture
                i = (explorer.row * 60 + explorer.col) * 9 + explorer.anchor
                assert explorer.shown.labels[i] == 0 and 5 < explorer.row < 35 and 5 < explorer.col < 55
                assert (explorer.shown.anchors[i, :2] < 0).any()
            if number == 2:
                counts = [len(explorer.followed[name].sampled[0]) for name in ("torchvision", "paper")]
                assert f"{counts[0]} positives instead of {counts[1]}" in why
                paper = explorer.followed["paper"].labels
                now = explorer.shown.labels[(explorer.shown.labels != paper)]
                assert (now == 0).float().mean() > 0.9


def test_a_question_for_another_explorer_is_refused(asked: dict[str, Any], every: dict[str, Asked]) -> None:
    maker: Callable[[Any], Question] = every["poolings"].makers[0]
    with pytest.raises(ValueError, match="got length, which a page cannot set by itself"):
        asked["iou"].ask(maker)


def test_the_page_on_questions_shows_code_that_works(linked: Any) -> None:
    text = (NOTEBOOKS.parent / "docs" / "questions.md").read_text("utf-8")
    code = text[text.index("```python\n") + 10 : text.rindex("```")].replace("explorer.ask(which_cell)", "")
    names: dict[str, Any] = {}
    exec(code, names)
    before = linked.questions
    linked.ask(names["which_cell"])
    assert [choice["right"] for choice in linked.questions[0]["choices"]] == [False, True]
    linked.set_trait("questions", before)
