"""Whatever a learner's function does, `check` has a clear answer, and the next check works."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from rpnviz.exercises import EXERCISES, check, check_source, checking
from rpnviz.exercises.result import Result
from tests.exercises.conftest import typed
from tests.exercises.solutions import SOLUTIONS

GOOD = "return box_iou(boxes1, boxes2)"


@pytest.fixture(autouse=True)
def patience(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """What ends by itself gets all the time that a busy machine may need; what never ends is not waited for."""
    monkeypatch.setattr(checking._worker, "seconds", 3 if request.node.get_closest_marker("never_ends") else 120)


never_ends = pytest.mark.never_ends


@pytest.mark.parametrize(
    ("body", "verdict", "says"),
    [
        (GOOD, "pass", "agrees with torchvision.ops.box_iou on 150 unseen inputs"),
        (f"{GOOD}.double()", "pass", "agrees"),
        ("return box_iou(boxes1, boxes2).tolist()", "not yet", "returns a list of 1. torch.tensor(…)"),
        ("return box_iou(boxes1, boxes2).numpy()", "not yet", "returns a NumPy array of shape [1, 1]"),
        ("box_iou(boxes1, boxes2)", "not yet", "returns None. Does it end with return?"),
        (f"{GOOD}.flatten()", "not yet", "wrong shape: [1] instead of [1, 1]"),
        (f"{GOOD}.round().int()", "not yet", "wrong dtype: int32 instead of float32"),
        (f"{GOOD} > 0.5", "not yet", "wrong dtype: bool instead of"),
        (f"{GOOD} + 0j", "not yet", "wrong dtype: complex64 instead of"),
        (f"{GOOD} / 0 * 0", "not yet", "The IoU holds NaN"),
        (f"{GOOD} / 0", "not yet", "The IoU holds infinity"),
        ("iou = box_iou(boxes1, boxes2)\nboxes1 += 1\nreturn iou", "not yet", "boxes1 is changed in place"),
        ("yield 1", "not yet", "returns a generator"),
        ("return object()", "not yet", "returns an object"),
        ("return 'text'", "not yet", "returns text"),
        ("return [boxes1, [boxes2]]", "not yet", "returns a list of 2"),
        pytest.param(
            *("while True: pass", "error", "did not return within 3 s and was stopped. Does a loop never end?"),
            marks=never_ends,
        ),
        pytest.param("import time\ntime.sleep(1000)", "error", "did not return within 3 s", marks=never_ends),
        pytest.param("import threading\nthreading.Event().wait()", "error", "within 3 s", marks=never_ends),
        ("return 'x' * 10**8", "not yet", "returns text of 100,000,000 characters"),
        ("return [torch.zeros(2_000_000)] * 5000", "not yet", "returns a list of 5000"),
        (
            "class A:\n    @property\n    def __class__(self): raise ValueError\nreturn A()",
            "not yet",
            "returns an A",
        ),
        ("import builtins\nbuiltins.len = None", "error", "the process in which it ran,"),
    ],
)
def test_every_behaviour_has_its_answer(body: str, verdict: str, says: str) -> None:
    result = check(typed(body))
    assert (result.verdict, result.name) == (verdict, "my_box_iou")
    assert says in result.message
    assert "Traceback" not in str(result) and "worker.py" not in str(result)
    assert bool(result.png) == (verdict != "pass") and result.png[:4] in (b"", b"\x89PNG")


@never_ends
def test_the_next_check_works_after_the_worst() -> None:
    for body in ("import os\nos._exit(1)", "while True: pass", "return torch.zeros(10**11)"):
        assert check(typed(body)).verdict == "error"
        assert check(typed(GOOD)).verdict == "pass"


def test_next_check_has_a_process_of_its_own_after_a_library_was_changed() -> None:
    assert check(typed("torch.maximum = None\nraise ValueError")).verdict == "error"
    assert check(typed(f"torch.maximum(boxes1, boxes1)\n{GOOD}")).verdict == "pass"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="Windows has no fork")
def test_forked_process_neither_answers_nor_stays() -> None:
    asleep = "import os, time\nif not (pid := os.fork()): time.sleep(100)\nraise ValueError(pid)"
    pid = check(typed(asleep)).message.removeprefix("It raises ValueError: ")
    deadline = time.monotonic() + 30
    while (status := Path(f"/proc/{int(pid)}/stat")).exists() and status.read_text().split()[2] != "Z":
        assert time.monotonic() < deadline, "the process that the function left behind still runs"
        time.sleep(0.05)
    assert check(typed("import os\nos.fork()\nreturn boxes1")).verdict == "not yet"
    assert check(typed(GOOD)).verdict == "pass"


def test_text_that_no_file_can_hold_is_shown() -> None:
    result = check(typed("print('a\\udc80b')\nraise ValueError('c\\udc80d')"))
    assert (result.message, result.output) == ("It raises ValueError: c?d", "a?b\n")
    assert all(text.encode() for text in result._repr_mimebundle_().values())


def test_function_may_use_torchvision_and_torch_by_their_full_names() -> None:
    import torchvision

    assert (
        check(typed("torch.ones(1)\nreturn torchvision.ops.box_iou(boxes1, boxes2)", torchvision=torchvision)).verdict
        == "pass"
    )


@pytest.mark.parametrize("change", ["boxes1.resize_(0)", "boxes1.data = boxes1.data.to(torch.complex64)"])
def test_arguments_that_cannot_be_compared_any_more_are_changed(change: str) -> None:
    assert "boxes1 is changed in place" in check(typed(f"iou = box_iou(boxes1, boxes2)\n{change}\nreturn iou")).message


def test_learners_own_line_is_shown_also_where_torch_raises() -> None:
    result = check(typed("first = boxes1[0]\nwide = first @ torch.zeros(9)\nreturn wide"))
    assert (result.verdict, result.line, result.code) == ("error", 3, "wide = first @ torch.zeros(9)")
    assert "RuntimeError" in result.message
    assert "Line 3: wide = first @ torch.zeros(9)" in str(result)


def test_line_of_a_helper_of_hers_is_shown() -> None:
    helper = typed("return boxes[:, 5]", name="helper", parameters="boxes")
    result = check(typed("return helper(boxes1)", helper=helper))
    assert (result.line, result.code) == (2, "return boxes[:, 5]")
    assert "Line 2 of helper: return boxes[:, 5]" in str(result)


def test_line_of_a_call_of_ours_is_shown_not_our_own() -> None:
    result = check(typed("from rpnviz.boxes import box_iou\nreturn box_iou(boxes1[:, :3], boxes2)"))
    assert (result.line, result.code) == (3, "return box_iou(boxes1[:, :3], boxes2)")
    assert "boxes1 must be Tensor[N, 4]; got float32 [" in result.message


def test_recursion_shows_her_line() -> None:
    assert check(typed("return my_box_iou(boxes1, boxes2)")).line == 2


def test_prints_are_counted_and_cut(capfd: pytest.CaptureFixture[str]) -> None:
    result = check(typed("for i in range(5000): print('step', i)\nreturn box_iou(boxes1, boxes2).T"))
    assert result.lines == 5000 and result.output.startswith("step 0\nstep 1\n") and len(result.output) < 1000
    assert "It printed 5,000 lines, which begin:\nstep 0" in str(result)
    passed = check(typed("print('hello')\nimport os\nos.system('echo loud')\nreturn box_iou(boxes1, boxes2)"))
    assert passed.verdict == "pass" and passed.printed() == "It printed one line:\nhello"
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("parameters", "says"),
    [
        ("boxes1", "takes 2 arguments, (boxes1, boxes2). Yours takes 1: (boxes1)."),
        ("", "Yours takes none."),
        ("a, b, c", "Yours takes 3: (a, b, c)."),
        ("a, *, b", "Yours takes 2: (a, b)."),
    ],
)
def test_wrong_number_of_parameters_is_told(parameters: str, says: str) -> None:
    result = check(typed("return 1", parameters=parameters))
    assert result.verdict == "error" and says in result.message


@pytest.mark.parametrize(
    "parameters", ["*boxes", "boxes1, boxes2, more=3", "boxes1, /, boxes2", "boxes1, boxes2, **more"]
)
def test_other_parameters_that_fit_are_welcome(parameters: str) -> None:
    body = "return box_iou(*boxes)" if parameters == "*boxes" else GOOD
    assert check(typed(body, parameters=parameters)).verdict == "pass"


@pytest.mark.parametrize(
    "body",
    [
        "...",
        '"""What it does."""',
        '"""What it does."""\n...',
        "pass",
        "return ...",
        "return",
        "return None",
        "raise NotImplementedError",
        "raise NotImplementedError('yours')",
        "shared = ...\nreturn shared / 2",
        "shared = boxes1.prod(dim=1)\nif len(shared):\n    return ...\nreturn shared",
    ],
)
def test_untouched_stub_is_not_written_and_starts_no_process(body: str) -> None:
    checking._worker.stop()
    result = check(typed(body))
    assert result.verdict == "not written" and not result.png
    assert checking._worker.pid is None
    assert check_source(
        f"def my_box_iou(a, b):\n    {body.replace(chr(10), chr(10) + '    ')}", "my_box_iou"
    ) == Result("my_box_iou", "not written", result.message)


def test_the_line_that_is_missing_is_named() -> None:
    assert "Line 3 of my_box_iou still holds ‘...’" in check(typed("shared = 1\nunion = ...\nreturn union")).message


@pytest.mark.parametrize(
    "body", ["return box_iou(boxes1[..., :], boxes2)", "both: tuple[int, ...]\nreturn box_iou(boxes1, boxes2)"]
)
def test_dots_in_finished_code_are_no_stub(body: str) -> None:
    assert check(typed(body)).verdict == "pass"


def test_dots_that_only_show_when_it_runs_are_not_written_either() -> None:
    names: dict[str, Any] = {}
    exec("def my_box_iou(boxes1, boxes2): return ...", names)  # no text that inspect could find
    assert check(names["my_box_iou"]).verdict == "not written"


@pytest.mark.parametrize(
    ("scope", "says"),
    [
        ({"outside": threading.Lock()}, "It uses ‘outside’, which cannot be sent"),
        ({"outside": torch.zeros(20_000_000)}, "76 MB of values from outside, mostly ‘outside’"),
        ({"outside": np.zeros(20_000_000)}, "153 MB of values from outside, mostly ‘outside’"),
    ],
)
def test_what_cannot_be_sent_is_named(scope: dict[str, Any], says: str) -> None:
    result = check(typed("outside\nreturn box_iou(boxes1, boxes2)", **scope))
    assert result.verdict == "error" and says in result.message


def test_values_and_functions_from_other_cells_go_along() -> None:
    area = typed("return (boxes[:, 2:] - boxes[:, :2]).prod(dim=1)", name="area", parameters="boxes")
    body = """
        low, high = torch.maximum(boxes1[:, None, :2], boxes2[:, :2]), torch.minimum(boxes1[:, None, 2:], boxes2[:, 2:])
        shared = (high - low).clamp(min=nothing).prod(dim=2)
        return shared / (area(boxes1)[:, None] + area(boxes2) - shared)
    """
    assert check(typed(body, area=area, nothing=torch.tensor(0.0))).verdict == "pass"


def test_function_leaves_this_process_as_it_was() -> None:
    before = torch.get_default_dtype(), torch.is_grad_enabled(), torch.get_rng_state()
    spoil = ("torch.set_default_dtype(torch.float64)", "torch.set_grad_enabled(False)", "torch.manual_seed(3)", GOOD)
    assert check(typed("\n".join(spoil))).verdict == "pass"
    assert (torch.get_default_dtype(), torch.is_grad_enabled()) == before[:2]
    assert torch.equal(torch.get_rng_state(), before[2])
    fresh = "assert torch.is_grad_enabled() and torch.tensor(1.0).dtype == torch.float32 and torch.initial_seed() == 0"
    next_one = check(typed(f"{fresh}\n{GOOD}"))
    assert next_one.verdict == "pass", str(next_one)


def test_list_that_is_changed_in_place_is_told() -> None:
    body = (
        "side = 1\nwhile steps:\n    kernel, stride = steps.pop()\n    side = (side - 1) * stride + kernel\nreturn side"
    )
    result = check(typed(body, name="my_receptive_field", parameters="steps"))
    assert result.verdict == "not yet" and "steps is changed in place" in result.message


def test_threads_that_a_function_leaves_behind_are_ended() -> None:
    body = "import threading\nthreading.Thread(target=threading.Event().wait, daemon=True).start()\nreturn boxes1"
    assert check(typed(body)).verdict == "not yet"
    assert checking._worker.pid is None


@pytest.mark.parametrize(
    ("function", "says"),
    [
        (3, "check takes the function itself, without calling it"),
        (None, "without calling it"),
        (typed("return 1", name="my_iou"), "No exercise is called my_iou. Do you mean my_box_iou?"),
        (lambda boxes1, boxes2: 0, "No exercise is called <lambda>. The exercises are: my_receptive_field, "),
    ],
)
def test_what_is_no_exercise_is_an_answer_too(function: Any, says: str) -> None:
    result = check(function)
    assert (result.verdict, result.name) == ("error", "") and says in result.message


def test_function_that_is_wrong_only_sometimes_gets_an_answer() -> None:
    result = check(typed("iou = box_iou(boxes1, boxes2)\nreturn iou + (torch.rand(1) > 0.8)"))
    assert result.verdict == "not yet" and result.case is not None


def test_same_function_gets_the_same_answer() -> None:
    first, second = (check(typed(f"{GOOD} * 2")) for _ in range(2))
    assert str(first) == str(second) and first.png == second.png


# check_source


@pytest.mark.parametrize("name", list(EXERCISES))
def test_solution_in_loops_passes(name: str) -> None:
    result = check_source("\n".join(SOLUTIONS.values()), name)
    assert result.verdict == "pass", str(result)
    assert result.speed is not None and result.speed > 0 and "unseen inputs" in result.message


@pytest.mark.parametrize(
    ("source", "verdict", "says", "line"),
    [
        ("def my_nms(boxes, scores:\n    pass", "error", "It is not Python", 1),
        ("x = 1\x00", "error", "It is not Python", 0),
        ("", "not written", "The code defines no function my_nms.", 0),
        ("my_nms = 3", "not written", "The code defines no function my_nms.", 0),
        ("import nowhere_to_be_found\ndef my_nms(a, b, c): return 1", "error", "ModuleNotFoundError", 1),
        ("import os\nos._exit(0)\ndef my_nms(a, b, c): return 1", "error", "ended its process", 0),
        ("\n\ndef my_nms(a, b, c):\n    return a[77]", "error", "IndexError", 4),
        (
            "def my_nms(a, b, c):\n    return b.argsort()\nprint('top')",
            "not yet",
            "The kept rows should be [1]; your function returns [0, 1].",
            0,
        ),
    ],
)
def test_source_that_does_not_do(source: str, verdict: str, says: str, line: int) -> None:
    result = check_source(source, "my_nms")
    assert (result.verdict, result.line) == (verdict, line)
    assert says in str(result)
    assert not line or result.code == source.splitlines()[line - 1].strip()


def test_every_source_gets_a_process_of_its_own() -> None:
    spoiled = "import torch, torchvision\ntorch.zeros = None\ndef my_recall(iou, top_n): return 7"
    assert check_source(spoiled, "my_recall").verdict == "not yet"
    assert check_source(SOLUTIONS["my_box_iou"], "my_box_iou").verdict == "pass"  # it uses torch.zeros
    (worker,) = checking._submissions.values()
    pid = worker.pid
    check_source(SOLUTIONS["my_box_iou"], "my_box_iou")
    assert [worker.pid for worker in checking._submissions.values()] == [pid]


def test_limits_of_a_source_are_kept() -> None:
    source = "import torch\ndef my_recall(iou, top_n):\n    {}\n    return 0.0"
    result = check_source(source.format("while True: pass"), "my_recall", seconds=0.5)
    assert "did not return within 0.5 s" in result.message
    result = check_source(source.format("torch.empty(10**8)"), "my_recall", memory=100)
    assert "asks for more than 100 MB of memory" in result.message


def test_unknown_name_is_the_callers_fault() -> None:
    with pytest.raises(ValueError, match=r"name must be one of my_receptive_field, .*; got 'my_iou'"):
        check_source("", "my_iou")
