"""The NMS explorer: whom it keeps, what its page works out, what it refuses, what is left without a page."""

from __future__ import annotations

import base64
import io
import json
from typing import Any

import numpy as np
import pytest
import torch
import torchvision.ops
import traitlets as t
from matplotlib.patches import Rectangle
from PIL import Image
from playwright.sync_api import Browser
from torch import Tensor

from rpnviz.explorers.nms.explorer import NmsExplorer
from rpnviz.explorers.nms.figure import NMS_LINES
from rpnviz.figures.palette import PALETTE
from rpnviz.inspect.nms_steps import kept_rows, nms_steps, ranking, states_after
from tests.explorers.page_code import ask_page
from tests.explorers.small_scene import HOSTILE, make_picture, payload
from tests.inspect.test_nms_steps import six

# What the page's own NMS says, for many lists of boxes.
ASK = """
export const ask = (cases) => JSON.parse(cases).map(({ boxes, scores, thresh, too, reverse }) => {
  const flat = new Float32Array(boxes.flat());
  const run = nmsSteps(flat, ranking(new Float32Array(scores), reverse), thresh, too);
  const turns = Array.from({ length: scores.length + 1 }, (_, turn) => turn);
  return {
    order: run.order, kept: keptRows(run), by: Array.from(run.by), iou: Array.from(run.iou),
    states: turns.map((turn) => scores.map((_, row) => stateAfter(run, row, turn))),
    victims: turns.slice(1).map((turn) => victims(flat, run, turn, thresh)),
  };
});
"""


def in_the_page(browser: Browser, cases: list[dict[str, Any]]) -> list[dict[str, Any]]:
    plain = [
        {name: value.tolist() if isinstance(value, Tensor) else value for name, value in case.items()} for case in cases
    ]
    answers: list[dict[str, Any]] = ask_page(browser, "common/compute/nms_steps.js", ASK, json.dumps(plain))
    return answers


def odd_boxes(seed: int, count: int) -> tuple[Tensor, Tensor]:
    """Boxes that overlap a lot, with odd edges; some scores tie."""
    generator = torch.Generator().manual_seed(seed)
    corners = torch.rand(count, 2, generator=generator) * 60
    boxes = torch.cat([corners, corners + 20 + 100 * torch.rand(count, 2, generator=generator)], dim=1)
    return boxes, torch.randint(0, count, (count,), generator=generator) / count


def lattice(seed: int, count: int) -> tuple[Tensor, Tensor]:
    """Boxes whose IoUs often are the threshold itself."""
    generator = torch.Generator().manual_seed(seed)
    corners = torch.randint(0, 5, (count, 2), generator=generator) * 10.0
    sizes = torch.randint(1, 6, (count, 2), generator=generator) * 10.0
    return torch.cat([corners, corners + sizes], dim=1), torch.randint(0, 6, (count,), generator=generator) / 8


@pytest.fixture
def explorer() -> NmsExplorer:
    boxes, scores = six()
    return NmsExplorer(make_picture(), boxes, scores, list("ABCDEF"))


def picture_in(bundle: Any) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(bundle["image/png"])))


# --- the page's NMS --------------------------------------------------------------------------------------------------


def test_page_keeps_whom_torchvision_keeps(browser: Browser) -> None:
    cases = []
    for seed in range(40):
        boxes, scores = (odd_boxes if seed % 2 else lattice)(seed, 60)
        cases.append({"boxes": boxes, "scores": scores, "thresh": seed % 20 / 20, "too": False, "reverse": False})
    suppressed = 0
    for case, said in zip(cases, in_the_page(browser, cases), strict=True):
        thresh = torch.tensor(case["thresh"]).item()  # in float32
        assert said["kept"] == torchvision.ops.nms(case["boxes"], case["scores"], thresh).tolist()
        suppressed += 60 - len(said["kept"])
    assert suppressed > 500


@pytest.mark.parametrize("too", [False, True])
@pytest.mark.parametrize("reverse", [False, True])
def test_page_tells_every_step_as_python(browser: Browser, too: bool, reverse: bool) -> None:
    boxes, scores = odd_boxes(7, 50)
    case = {"boxes": boxes, "scores": scores, "thresh": 0.5, "too": too, "reverse": reverse}
    (said,) = in_the_page(browser, [case])
    order = ranking(scores, reverse)
    steps = nms_steps(boxes[order], scores[order], 0.5, too)  # rows of these are places in `order`
    rows = order.tolist()
    assert said["order"] == rows
    assert said["kept"] == order[kept_rows(steps)].tolist()
    for step in steps:
        row = rows[step.row]
        assert said["by"][row] == (-1 if step.kept else rows[step.suppressed_by])
        assert said["iou"][row] == step.iou
        assert said["victims"][step.row]["falls"] == order[step.suppresses].tolist()
        if not step.kept:
            assert said["victims"][step.row]["spares"] == order[step.spares].tolist()
    assert any(len(step.spares) for step in steps) is not too
    for turn, states in enumerate(said["states"]):
        assert [states[row] for row in rows] == states_after(steps, turn)


def test_an_iou_in_words_stands_where_it_stands_beside_the_threshold(browser: Browser) -> None:
    ask = "export const ask = (cases) => cases.map(([iou, thresh]) => iouText(Math.fround(iou), thresh));"
    cases = [[0.82, 0.7], [0.7004, 0.7], [0.6996, 0.7], [0.7, 0.7], [0.3, 0.305], [0.0, 0.0]]
    said = ask_page(browser, "nms/words.js", ask, cases)
    assert said == ["0.82", "0.7004", "0.6996", "0.70", "0.30", "0.00"]


# --- without a page --------------------------------------------------------------------------------------------------


def test_states_of_the_six_at_each_turn() -> None:
    steps = nms_steps(*six(), 0.7)
    short = {"waiting": ".", "current": "!", "kept": "k", "falls": "x", "suppressed": "-"}
    told = ["".join(short[state] for state in states_after(steps, turn)) for turn in range(7)]
    assert told == ["......", "!x.x..", "k!.-..", "k-!-..", "k-k!..", "k-k-!.", "k-k-k!"]


def test_it_says_what_happens(explorer: NmsExplorer) -> None:
    assert explorer.describe() == "NMS at 0.70 on 6 boxes, before the first turn."
    explorer.turn = 1
    assert explorer.describe() == ("Turn 1 of 6, NMS at 0.70: A is kept; it suppresses 2 boxes. 1 kept so far.")
    explorer.turn = 2
    assert "B was suppressed by A, IoU 0.82; it suppresses nobody. 1 kept so far." in explorer.describe()


def test_kept_follow_the_settings(explorer: NmsExplorer) -> None:
    assert explorer.kept.tolist() == [0, 2, 4, 5]
    explorer.nms_thresh = 0.5
    assert explorer.kept.tolist() == [0, 2]
    explorer.nms_thresh, explorer.suppressed_too = 0.6, True
    assert explorer.kept.tolist() == [0, 2, 4]  # B takes F with it: not NMS
    explorer.suppressed_too, explorer.top_n = False, 3
    assert explorer.kept.tolist() == [0, 2]


def test_ties_the_other_way_round() -> None:
    boxes = six()[0][:2]
    explorer = NmsExplorer(make_picture(), boxes, torch.tensor([0.8, 0.8]), ["A", "B"])
    assert explorer.plan["ties"] and explorer.kept.tolist() == [0]
    explorer.reverse_ties = True
    assert explorer.kept.tolist() == [1] and explorer.rows.tolist() == [1, 0]


def test_boxes_are_called_by_their_place_in_the_order() -> None:
    boxes, _ = six()
    explorer = NmsExplorer(make_picture(), boxes, torch.tensor([0.1, 0.6, 0.2, 0.9, 0.3, 0.4]))
    assert explorer.names == ["6", "2", "5", "1", "4", "3"]
    assert not explorer.plan["ties"]
    explorer.turn = 1
    assert "box 1 is kept" in explorer.describe()  # "1 is kept" would read like a count


def test_fewer_boxes_take_the_turn_with_them(explorer: NmsExplorer) -> None:
    explorer.turn = 6
    explorer.top_n = 4
    assert explorer.turn == 4
    explorer.set_state({"turn": 6, "top_n": 6})  # as the page may send both
    assert (explorer.turn, explorer.top_n) == (6, 6)


@pytest.mark.parametrize(
    ("trait", "value", "message"),
    [
        ("turn", 7, "turn: got 7, takes 0 to 6"),
        ("turn", -1, "turn: got -1, takes 0 to 6"),
        ("top_n", 0, "top_n: got 0, takes 1 to 6"),
        ("top_n", 7, "top_n: got 7, takes 1 to 6"),
        ("nms_thresh", 1.01, "nms_thresh: got 1.01, takes 0 to 1"),
        ("nms_thresh", float("nan"), "nms_thresh: got nan, takes 0 to 1"),
        ("speed", 0, "speed: got 0, takes 1 to 20"),
        ("layers", ("kept", "wishes"), "layers: got 'wishes', takes some of waiting, suppressed, kept, ground_truth"),
    ],
)
def test_traits_out_of_range_are_refused(explorer: NmsExplorer, trait: str, value: Any, message: str) -> None:
    before = getattr(explorer, trait)
    with pytest.raises(t.TraitError, match=message):
        setattr(explorer, trait, value)
    assert getattr(explorer, trait) == before


@pytest.mark.parametrize(
    ("boxes", "scores", "names", "message"),
    [
        (torch.zeros(0, 4), torch.zeros(0), None, "boxes: got none, takes 1 to 500 of them"),
        (torch.zeros(501, 4), torch.zeros(501), None, "boxes: got 501, takes 1 to 500 of them"),
        (torch.zeros(2, 3), torch.zeros(2), None, r"boxes must be Tensor\[N, 4\]"),
        (torch.zeros(2, 4), torch.zeros(3), None, r"scores must be Tensor\[2\]; got float32 \[3\]"),
        (torch.zeros(2, 4), torch.tensor([0, float("inf")]), None, "scores must be finite"),
        (torch.zeros(2, 4), torch.zeros(2), ["A"], "names must be 2, one for each box; got 1"),
    ],
)
def test_bad_boxes_are_refused_by_name(boxes: Tensor, scores: Tensor, names: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        NmsExplorer(make_picture(), boxes, scores, names)


def test_something_is_left_without_a_page() -> None:
    boxes, scores = odd_boxes(3, 300)
    explorer = NmsExplorer(make_picture(names=(HOSTILE, "dog", "dog")), boxes, scores, [HOSTILE] * 300)
    bundle = explorer._repr_mimebundle_()[0]
    assert picture_in(bundle).width > 700
    assert bundle["text/plain"] == explorer.describe()
    page = explorer.to_html()
    assert HOSTILE not in page and page.count("</script>") == 2
    assert payload(explorer) < 300_000


def rgb(style: str) -> list[int]:
    return [int(PALETTE[style][at : at + 2], 16) for at in (1, 3, 5)]


def test_still_shows_each_box_in_the_line_of_its_state(explorer: NmsExplorer) -> None:
    explorer.turn = 1
    axes = explorer.figure().axes[0]
    lines = {tuple(patch.get_xy()): patch for patch in axes.patches if isinstance(patch, Rectangle)}
    boxes, _ = six()
    for box, state in zip(boxes.tolist(), states_after(explorer.steps(), 1), strict=True):
        colour = np.round(255 * np.array(lines[box[0], box[1]].get_edgecolor()[:3])).astype(int)
        assert colour.tolist() == rgb(NMS_LINES[state][0]), state
    explorer.layers = ("kept",)
    assert len(explorer.figure().axes[0].patches) == 3  # the one whose turn it is, and the two that fall
