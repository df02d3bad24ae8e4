"""What the learner reads: text is never markup, hints come in steps, everything is also said in words."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest
import torch

from rpnviz.exercises import check
from rpnviz.exercises.exercise import Case
from rpnviz.exercises.formatting import case_in_words, in_words
from rpnviz.exercises.result import Result
from rpnviz.exercises.sandbox.protocol import Foreign, Seed
from tests.exercises.conftest import typed

EVIL = "</pre></div><script>alert('1')</script><img src=x onerror=alert(2)>\"'&"


class Page(HTMLParser):
    """Tags with their attributes, in order, and all text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(html)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag != "img":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data

    def only(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def page_of(result: Result) -> Page:
    bundle = result._repr_mimebundle_()
    assert set(bundle) == {"text/html", "text/plain"} and bundle["text/plain"] == str(result)
    return Page(bundle["text/html"])


def test_hostile_text_stays_text() -> None:
    case = Case({"boxes": torch.zeros(1, 4)}, EVIL, EVIL)
    result = Result(EVIL, "error", EVIL, EVIL, EVIL, case, None, 3, EVIL, EVIL, EVIL, 2, (EVIL, EVIL), b"png")
    page = page_of(result)
    assert {name for name, _ in page.tags} == {"div", "strong", "code", "pre", "img", "details", "summary"}
    assert len(page.only("img")) == 1
    for _, attributes in page.tags:
        assert set(attributes) <= {"style", "src", "alt"}
    (image,) = page.only("img")
    assert image["src"] == "data:image/png;base64,cG5n" and image["alt"] == case_in_words(case)
    assert page.text.count(EVIL) == 7 and page.text.count("<script>") == 9  # twice with its quotes escaped


def test_hostile_exception_prints_and_names_of_a_real_function() -> None:
    body = f"print({EVIL!r})\nraise type({EVIL!r}, (Exception,), {{}})({EVIL!r})"
    page = page_of(check(typed(body)))
    assert not page.only("script") and len(page.only("img")) == 1
    assert page.text.count("<script>alert('1')</script>") == 3  # the type, the text, and what it printed
    assert "raise type(" in page.text


def test_hints_come_in_steps() -> None:
    result = check(typed("return box_iou(boxes1, boxes2) + 1"))
    html = result._repr_mimebundle_()["text/html"]
    first, second = result.hints
    steps = [html.index(words) for words in ("A first hint", first[:20], "A second hint", second[:20])]
    assert steps == sorted(steps)
    between = html[steps[1] : steps[2]]
    assert "</details>" not in between and "<details>" in between  # the second stands inside the first
    assert first not in str(result)  # text has no steps, so it gives no general hint away
    assert not page_of(check(typed("return box_iou(boxes1, boxes2)"))).only("details")


@pytest.mark.parametrize(
    ("result", "text"),
    [
        (Result("my_nms", "pass", "Fine."), "Right · my_nms: Fine."),
        (Result("", "error", "None."), "Error in your function: None."),
        (Result("my_nms", "not written", "Empty."), "Not written yet · my_nms: Empty."),
        (
            Result("my_nms", "error", "No.", line=3, code="x = 1", inside="my_nms"),
            "Error in your function · my_nms: No.\nLine 3: x = 1",
        ),
        (
            Result("my_nms", "error", "No.", line=3, code="x", inside="area"),
            "Error in your function · my_nms: No.\nLine 3 of area: x",
        ),
        (Result("my_nms", "not yet", "No.", hint="Sort."), "Not yet · my_nms: No.\nIt looks like this: Sort."),
        (Result("my_nms", "pass", "Ok.", output="a\n", lines=1), "Right · my_nms: Ok.\nIt printed one line:\na"),
        (Result("my_nms", "pass", "Ok.", output="a", lines=0), "Right · my_nms: Ok.\nIt printed one line:\na"),
    ],
)
def test_text_says_all(result: Result, text: str) -> None:
    assert str(result) == text
    assert re.sub(r"\W", "", page_of(result).text).lower().startswith(re.sub(r"\W", "", text.split(":")[0]).lower())


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (torch.tensor([[0, 1.5], [2, 3]]), "[[0, 1.5],\n [2, 3]]"),
        (torch.zeros(0, 4), "[0, 4]"),
        (torch.tensor(2.0), "2"),
        (torch.tensor([True, False]), "[True, False]"),
        (torch.arange(15), "[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, …]"),
        ([(3, 1), (2, 2)], "[(3, 1), (2, 2)]"),
        ((1,), "(1,)"),
        (1 / 3, "0.33333"),
        (None, "None"),
        (Seed(3), "torch.Generator().manual_seed(3)"),
        (Foreign("a generator"), "a generator"),
        ("text", "'text'"),
        (torch.zeros(2, 1, 2), "[[[0, 0]],\n [[0, 0]]]"),
    ],
    ids=str,
)
def test_values_in_words(value: object, words: str) -> None:
    assert in_words(value) == words


def test_case_in_words_lines_up() -> None:
    case = Case({"iou": torch.zeros(2, 1), "top_n": 1}, 0.5, 0)
    assert case_in_words(case).splitlines() == [
        "iou          = [[0],",
        "                [0]]",
        "top_n        = 1",
        "your result  = 0.5",
        "right result = 0",
    ]
    assert "your result" not in case_in_words(Case({"top_n": 1}, None, 0, raised=True))
