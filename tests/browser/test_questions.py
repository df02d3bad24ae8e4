"""Predict first: the card above a view, answered by keys, fingers and mouse, with and without a kernel."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from rpnviz.explorers.common.thresholds import LABEL_RULES
from tests.browser.access import PLACES, findings
from tests.browser.conftest import FINGERS, LAPTOP, PHONE, PIXELS, SCRATCH
from tests.explorers.asked import every_asked
from tools.browser.lab import Notebook, listen

NAMES = ("linked", "labels", "iou", "loss")
Open = Callable[..., Page]
SMALLEST = """() => Math.min(...[...document.querySelectorAll(".rpnviz-quiz button")]
  .filter((e) => e.checkVisibility({ visibilityProperty: true }))
  .map((e) => Math.min(e.getBoundingClientRect().height, e.getBoundingClientRect().width)))"""
PLACE = "e => { const { x, y, width, height } = e.getBoundingClientRect(); return [x, y, width, height]; }"
DRAWN = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
BODY = "() => (({ top, height }) => [top, height])(document.querySelector('.rpnviz-body').getBoundingClientRect())"


@pytest.fixture(scope="module")
def questions(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Path, list[dict[str, Any]]]]:
    """A saved page of some explorers with their questions, and these."""
    folder, pages = tmp_path_factory.mktemp("asked"), {}
    asked = every_asked()
    for name in NAMES:
        explorer = asked[name].build()
        explorer.to_html(folder / f"{name}.html")
        pages[name] = (folder / f"{name}.html", explorer.questions)
    return pages


@pytest.fixture
def open_page(browser: Browser, questions: dict[str, tuple[Path, list[dict[str, Any]]]]) -> Iterator[Open]:
    """Open one of them, on a laptop or a phone, without a network; what goes wrong in it fails the test."""
    opened: list[Notebook] = []

    def opener(name: str, window: str = "laptop", **media: Any) -> Page:
        options: dict[str, Any] = {"viewport": PHONE, **FINGERS} if window == "phone" else {"viewport": LAPTOP}
        page = browser.new_context(offline=True, bypass_csp=True, **options).new_page()
        opened.append(Notebook(page))
        listen(page, opened[-1])
        page.emulate_media(**media)
        page.goto(questions[name][0].as_uri())
        expect(page.locator(".rpnviz-shown")).not_to_be_empty()
        return page

    yield opener
    for notebook in opened:
        assert notebook.troubles == []
        notebook.page.context.close()


def choices(page: Page | Locator) -> Locator:
    """The buttons of the question that is asked now."""
    return page.locator(".rpnviz-quiz-now .rpnviz-quiz-choices button")


def shown(page: Page | Locator) -> str:
    """The one sentence below them that is to be seen."""
    sentences = page.locator(".rpnviz-quiz-whys p").all()
    (seen,) = [one.inner_text() for one in sentences if one.is_visible()]
    return seen


def panels(page: Page) -> list[int]:
    return [canvas.evaluate(PIXELS) for canvas in page.locator("canvas").all() if canvas.is_visible()]


@pytest.mark.parametrize("name", NAMES)
def test_every_answer_is_told_by_keys_and_moves_the_view(
    open_page: Open, questions: dict[str, tuple[Path, list[dict[str, Any]]]], name: str
) -> None:
    page, asked = open_page(name), questions[name][1]
    where, seen = [page.locator(".rpnviz-shown").inner_text()], [panels(page)]
    for turn, question in enumerate(asked):
        count = f"{turn + 1} of {len(asked)}. " if len(asked) > 1 else ""
        text = page.locator(".rpnviz-quiz-now .rpnviz-quiz-text")
        expect(text).to_have_text(f"Predict first{', ' if count else '. '}{count}{question['text']}")
        expect(choices(page)).to_have_count(len(question["choices"]))
        for i, choice in enumerate(question["choices"]):
            button = choices(page).nth(i)
            if i == 0:
                expect(button.locator(".rpnviz-quiz-verdict")).to_be_hidden()
                button.focus()
            else:
                page.keyboard.press("Tab")
            expect(button).to_be_focused()
            page.keyboard.press("Space" if i % 2 else "Enter")
            expect(button).to_have_attribute("aria-pressed", "true")
            word = "right" if choice["right"] else "no"
            expect(button.locator(".rpnviz-quiz-verdict")).to_be_visible()
            expect(button.locator(".rpnviz-quiz-verdict")).to_have_text(f"{'✓' if choice['right'] else '✗'} {word}")
            sentence = f"{'ABCD'[i]}: {word}. {choice['why']}"
            assert shown(page) == sentence
            expect(page.locator(".rpnviz-quiz [role=status]")).to_have_text(sentence)
            expect(button).to_be_focused()
            expect(page.locator(".rpnviz-quiz [aria-pressed=true]").locator("visible=true")).to_have_count(1)
            page.evaluate(DRAWN)
            where.append(page.locator(".rpnviz-shown").inner_text())
            seen.append(panels(page))
        if count:
            page.get_by_role("button", name="next question").press("Enter")
    moved = [now != before for now, before in zip(seen[1:], seen, strict=False)]
    assert all(moved), moved
    assert len(set(where)) > 1


def test_a_tap_sets_what_the_answer_says(
    open_page: Open, questions: dict[str, tuple[Path, list[dict[str, Any]]]]
) -> None:
    """The link to the explorer as it stands tells its traits; the questions are none of them."""
    page = open_page("labels")
    page.evaluate("Object.defineProperty(navigator, 'clipboard', { value: undefined })")
    for i, choice in enumerate(questions["labels"][1][0]["choices"]):
        choices(page).nth(i).click()
        page.get_by_role("button", name="copy link").click()
        link = page.get_by_role("textbox", name="The link, to be copied").input_value()
        named = dict(parse_qsl(link.split("#")[1], keep_blank_values=True))
        assert (named["explorer"], named["selected"]) == ("labels", str(choice["moves"]["selected"]))
        assert set(named) == {"explorer", "objects", *LABEL_RULES, "scales", "aspect_ratios", "selected"}


def test_answers_take_no_room_and_can_be_asked_again(open_page: Open) -> None:
    page = open_page("linked")
    page.set_viewport_size({"width": 970, "height": 768})  # JupyterLab's room: some sentences take two lines
    before = [page.locator(".rpnviz-quiz").evaluate(PLACE), page.evaluate(BODY)[0]]
    hint = shown(page)
    for _ in range(4):
        for i in range(3):
            choices(page).nth(i).click()
            assert [page.locator(".rpnviz-quiz").evaluate(PLACE), page.evaluate(BODY)[0]] == before
        page.get_by_role("button", name="next question").click()
    assert shown(page).startswith("C: ")  # the first again, as it was left
    again = page.get_by_role("button", name="ask again")
    again.click()
    assert shown(page) == hint and page.locator(".rpnviz-quiz [aria-pressed=true]").locator("visible=true").count() == 0
    assert page.locator(".rpnviz-quiz-verdict").locator("visible=true").count() == 0
    expect(page.locator(".rpnviz-quiz [role=status]")).to_have_text("")
    expect(again).to_be_focused()


def test_the_card_folds(open_page: Open) -> None:
    page = open_page("labels")
    top = page.evaluate(BODY)[0]
    fold = page.locator(".rpnviz-quiz-bar [aria-expanded]")
    fold.press("Enter")
    expect(fold).to_have_attribute("aria-expanded", "false")
    expect(fold).to_have_text("show")
    expect(choices(page).first).to_be_hidden()
    assert page.evaluate(BODY)[0] < top
    fold.press("Enter")
    expect(choices(page).first).to_be_visible()
    assert page.evaluate(BODY)[0] == top


@pytest.mark.parametrize("name", NAMES)
def test_axe_finds_nothing(open_page: Open, name: str) -> None:
    page = open_page(name)
    for theme in ("light", "dark"):
        page.emulate_media(color_scheme=theme)
        assert findings(page) == []
        for i in range(3):
            choices(page).nth(i).click()
            assert findings(page) == [], (theme, i)


@pytest.mark.parametrize("name", NAMES)
def test_a_phone_has_room_and_large_buttons(open_page: Open, name: str) -> None:
    page = open_page(name, "phone")
    assert page.evaluate(SMALLEST) >= 44
    before = page.locator(".rpnviz-quiz").evaluate(PLACE)
    for i in range(3):
        choices(page).nth(i).tap()
        expect(choices(page).nth(i)).to_have_attribute("aria-pressed", "true")
        assert page.locator(".rpnviz-quiz").evaluate(PLACE)[2:] == before[2:]
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    assert findings(page, PLACES) == []


def test_a_mouse_has_buttons_large_enough(open_page: Open) -> None:
    assert open_page("linked").evaluate(SMALLEST) >= 24


def test_colours_are_not_needed(open_page: Open) -> None:
    """With the system's few colours: what is right is framed solid, what is not dashed, what is shown outlined."""
    page = open_page("iou", forced_colors="active")
    for i in range(2):
        choices(page).nth(i).click()
    styles = [
        choices(page).nth(i).evaluate("e => [getComputedStyle(e).borderTopStyle, getComputedStyle(e).outlineStyle]")
        for i in range(3)
    ]
    assert [style[0] for style in styles] == ["dashed", "solid", "solid"]
    assert styles[1][1] == "solid" and styles[2][1] == "none"
    assert choices(page).locator(".rpnviz-quiz-verdict").locator("visible=true").all_inner_texts() == [
        "✗ no",
        "✓ right",
    ]


def test_paper_shows_questions_and_not_their_answers(
    open_page: Open, questions: dict[str, tuple[Path, list[dict[str, Any]]]]
) -> None:
    page = open_page("linked")
    choices(page).nth(0).click()
    page.emulate_media(media="print")
    for question in questions["linked"][1]:
        expect(page.get_by_text(question["text"])).to_be_visible()
        for choice in question["choices"]:
            expect(page.get_by_text(choice["text"], exact=True)).to_be_visible()
            expect(page.locator(".rpnviz-quiz-whys").get_by_text(choice["why"])).to_be_hidden()
    assert page.locator(".rpnviz-quiz-verdict").locator("visible=true").count() == 0
    expect(page.get_by_role("button", name="ask again")).to_be_hidden()
    tops = [one.bounding_box() for one in page.locator(".rpnviz-quiz-text, .rpnviz-quiz-choices").all()]
    assert all(tops) and [box["y"] for box in tops if box] == sorted(box["y"] for box in tops if box)


def test_a_hall_can_read_it(open_page: Open) -> None:
    page = open_page("labels")
    page.evaluate("() => { Element.prototype.requestFullscreen = () => Promise.reject(new TypeError('refused')); }")
    page.set_viewport_size({"width": 1920, "height": 1080})
    page.get_by_role("button", name="lecture mode").click()
    sizes = page.locator(".rpnviz-quiz p, .rpnviz-quiz button").locator("visible=true")
    assert min(sizes.evaluate_all("all => all.map((e) => parseFloat(getComputedStyle(e).fontSize))")) >= 22
    assert page.locator(".rpnviz-lecture").evaluate("e => e.scrollHeight <= e.clientHeight")
    choices(page).nth(3).click()
    expect(choices(page).nth(3)).to_have_attribute("aria-pressed", "true")
    assert page.locator(".rpnviz-quiz").evaluate("e => e.getBoundingClientRect().top > innerHeight / 2")
    page.keyboard.press("q")
    expect(choices(page).nth(3)).to_be_hidden()
    page.keyboard.press("q")
    expect(choices(page).nth(3)).to_be_visible()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keys")).to_be_visible()


# --- a view whose answer stands in it ---------------------------------------------------------------------------------

REVEAL = "Choose first, or show the view"
INERT = "() => document.querySelector('.rpnviz-body').inert"


def covered(page: Page) -> bool:
    button = page.get_by_role("button", name=REVEAL)
    inert = bool(page.evaluate(INERT))
    assert button.is_visible() == inert
    assert (page.locator("section.rpnviz").get_attribute("aria-describedby") is None) == inert  # nor is it told
    return inert


def test_a_view_with_the_answer_is_covered_until_one_chooses(open_page: Open) -> None:
    page = open_page("loss")
    assert covered(page)
    expect(page.locator(".rpnviz-live[aria-live]")).to_have_text("")
    place, body = page.locator(".rpnviz-quiz").evaluate(PLACE), page.evaluate(BODY)
    for _ in range(40):  # no key gets into it
        page.keyboard.press("Tab")
        assert not page.evaluate("() => document.querySelector('.rpnviz-body').contains(document.activeElement)")
    choices(page).nth(2).press("Enter")
    assert not covered(page)
    assert [page.locator(".rpnviz-quiz").evaluate(PLACE), page.evaluate(BODY)] == [place, body]
    page.get_by_role("button", name="ask again").click()
    assert not covered(page)  # it was seen


def test_a_covered_view_is_uncovered_by_its_button_and_by_hiding_the_question(open_page: Open) -> None:
    page = open_page("loss")
    page.get_by_role("button", name=REVEAL).press("Enter")
    assert not covered(page)
    assert page.evaluate("() => document.querySelector('.rpnviz-body').contains(document.activeElement)")
    page = open_page("loss", "phone")
    fold = page.locator(".rpnviz-quiz-bar [aria-expanded]")
    fold.tap()
    assert not covered(page)
    fold.tap()
    assert covered(page)


@pytest.mark.parametrize("name", ["linked", "labels"])
def test_a_view_without_the_answer_is_not_covered(open_page: Open, name: str) -> None:
    assert not covered(open_page(name))


def test_paper_covers_nothing(open_page: Open) -> None:
    page = open_page("loss")
    look = "() => [getComputedStyle(document.querySelector('.rpnviz-body')).filter]"
    assert page.evaluate(look) != ["none"]
    page.emulate_media(media="print")
    assert page.evaluate(look) == ["none"]
    expect(page.get_by_role("button", name=REVEAL)).to_be_hidden()


# --- in JupyterLab ----------------------------------------------------------------------------------------------------


def answer_all(notebook: Notebook, kind: str) -> None:
    """Choose every answer to the first question by keys; Python then holds what the answer asked for."""
    view = notebook.page.locator(f".rpnviz-{kind}").first
    view.scroll_into_view_if_needed()
    for i, asked in enumerate(json.loads(notebook.ask("json.dumps(explorer.questions)", "import json"))[0]["choices"]):
        button = choices(view).nth(i)
        button.focus()
        notebook.page.keyboard.press("Enter" if i % 2 else "Space")
        expect(button).to_have_attribute("aria-pressed", "true")
        expect(button).to_be_focused()
        assert shown(view).endswith(asked["why"])
        for trait, value in asked["moves"].items():
            notebook.wait_for(f"list(explorer.{trait})" if isinstance(value, list) else f"explorer.{trait}", value)
    assert notebook.page.locator(".jp-mod-editMode").count() == 0  # the keys were the card's


def test_questions_that_are_asked_later_come_into_an_open_view(open_and_run: Callable[..., Notebook]) -> None:
    notebook = open_and_run("scratch", SCRATCH)
    view = notebook.page.locator(".rpnviz-linked").first
    expect(view.locator(".rpnviz-quiz")).to_be_hidden()
    notebook.execute("import rpnviz.explorers.linked.questions as beliefs\nexplorer.ask(beliefs.anchors_of_a_cell)")
    expect(choices(view)).to_have_count(3)
    answer_all(notebook, "linked")
    notebook.execute("explorer.grid = 'floor'; explorer.top_n = 1; explorer.row = explorer.col = 36")
    expect(view).to_have_attribute("data-cell", "36 36")
    choices(view).nth(0).click()  # to a row that there is only in the grid of the question
    expect(view).to_have_attribute("data-cell", "39 59")
    for trait, value in (("row", 39), ("col", 59), ("grid", "paper"), ("top_n", 50)):
        notebook.wait_for(f"explorer.{trait}", value)
    notebook.execute("explorer.ask()")
    expect(view.locator(".rpnviz-quiz")).to_be_hidden()
