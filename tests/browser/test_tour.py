"""The tour: by buttons, keys, a presenter's clicker and a link; one may play at any step, and go on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

import rpnviz
from rpnviz.explorers.linked.explorer import LinkedExplorer
from rpnviz.explorers.linked.tour import PARTS
from tests.browser.access import findings
from tests.browser.conftest import FINGERS, LAPTOP, PHONE
from tools.browser.lab import Notebook, listen

Open = Callable[..., Page]
TOUR = ".rpnviz-tour"
WHERE = {
    "map": ".rpnviz-map",
    "picture": ".rpnviz-picture",
    "window": ".rpnviz-col",
    "vector": ".rpnviz-vector",
    "outputs": ".rpnviz-scores",
}
HEIGHT = "() => document.querySelector('.rpnviz').getBoundingClientRect().height"


@pytest.fixture(scope="module")
def explorer() -> LinkedExplorer:
    return rpnviz.explore("street-03")


@pytest.fixture(scope="module")
def page_file(explorer: LinkedExplorer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("tour") / "linked.html"
    explorer.to_html(path)
    return path


@pytest.fixture
def opened(browser: Browser, page_file: Path) -> Iterator[Open]:
    """Open the page in a context of its own; what goes wrong in it fails the test."""
    notebooks: list[Notebook] = []

    def opener(fragment: str = "", **options: Any) -> Page:
        options.setdefault("viewport", LAPTOP)
        options.setdefault("reduced_motion", "reduce")
        context = browser.new_context(**options)
        notebooks.append(Notebook(context.new_page()))
        page = notebooks[-1].page
        listen(page, notebooks[-1])
        page.goto(f"{page_file.as_uri()}{fragment}")
        expect(page.locator(".rpnviz-tools")).to_be_attached()
        return page

    yield opener
    for notebook in notebooks:
        assert notebook.troubles == []
        notebook.page.context.close()


def press(page: Page, name: str) -> None:
    page.locator(TOUR).get_by_role("button", name=name, exact=True).click()


def is_on(page: Page, explorer: LinkedExplorer, number: int) -> None:
    """Wait until a step, counted from 1, is on and the window rests where it should."""
    step = explorer.guide["steps"][number - 1]
    expect(page.locator(".rpnviz-tour-text")).to_have_text(step["text"])
    expect(page.locator(".rpnviz-tour-count")).to_have_text(f"{number} of 10")
    after = {**explorer.guide["asked"], **step["moves"]}
    expect(root(page)).to_have_attribute("data-cell", f"{after['row']} {after['col']}")


def root(page: Page) -> Locator:
    return page.locator(".rpnviz-linked")


def shown(page: Page) -> set[str]:
    """What of the tour's parts can be seen."""
    return {name for name in PARTS if page.locator(WHERE[name]).is_visible()}


def test_each_step_shows_what_it_is_about_and_nothing_jumps(opened: Open, explorer: LinkedExplorer) -> None:
    page = opened()
    expect(page.locator(".rpnviz-table")).to_be_hidden()
    press(page, "▶ Show me")
    heights = set()
    for number, step in enumerate(explorer.guide["steps"], start=1):
        is_on(page, explorer, number)
        assert shown(page) == set(step["shows"]), number
        switches = page.locator(".rpnviz-layers input:checked").evaluate_all("all => all.length")
        assert switches == len({**explorer.guide["asked"], **step["moves"]}["layers"])
        heights.add(page.evaluate(HEIGHT))
        assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")
        press(page, "Next ›" if number < 10 else "Done")
    assert len(heights) == 1
    expect(page.locator(".rpnviz-tour-count")).to_be_hidden()
    asked = explorer.guide["asked"]
    expect(root(page)).to_have_attribute("data-cell", f"{asked['row']} {asked['col']}")
    expect(page.get_by_role("button", name="▶ Show me")).to_be_focused()


def test_arrow_keys_on_the_bar_a_clicker_anywhere_and_escape(opened: Open, explorer: LinkedExplorer) -> None:
    page = opened()
    page.get_by_role("button", name="▶ Show me").focus()
    page.keyboard.press("Enter")
    is_on(page, explorer, 1)
    for key, number in (("ArrowRight", 2), ("ArrowRight", 3), ("ArrowLeft", 2), ("PageDown", 3), ("PageUp", 2)):
        page.keyboard.press(key)
        is_on(page, explorer, number)
    page.locator(".rpnviz-map").focus()
    page.keyboard.press("PageDown")
    is_on(page, explorer, 3)
    page.keyboard.press("ArrowUp")  # on the map the arrows move the window
    expect(root(page)).to_have_attribute("data-cell", "38 0")
    page.keyboard.press("Escape")
    expect(page.locator(".rpnviz-tour-count")).to_be_hidden()


def test_one_plays_at_a_step_and_goes_on(opened: Open, explorer: LinkedExplorer) -> None:
    page = opened()
    press(page, "▶ Show me")
    for _ in range(6):
        press(page, "Next ›")
    is_on(page, explorer, 7)
    page.locator(".rpnviz-map").click(position={"x": 100, "y": 60})
    here = root(page).get_attribute("data-cell")
    assert here != f"{explorer.guide['asked']['row']} {explorer.guide['asked']['col']}"
    page.get_by_role("radio", name="one anchor").check(force=True)
    press(page, "Next ›")
    is_on(page, explorer, 8)
    expect(page.get_by_role("radio", name="all nine")).to_be_checked()
    press(page, "‹ Back")
    is_on(page, explorer, 7)


def test_the_window_slides_and_a_hand_stops_it(opened: Open, explorer: LinkedExplorer) -> None:
    page = opened(reduced_motion="no-preference")
    press(page, "▶ Show me")
    press(page, "Next ›")
    press(page, "Next ›")
    page.wait_for_function("() => Number(document.querySelector('.rpnviz').dataset.cell.split(' ')[0]) > 2")
    page.locator(".rpnviz-status").click()
    stopped = root(page).get_attribute("data-cell")
    page.evaluate("() => new Promise(done => setTimeout(done, 400))")  # twenty frames in which it might have gone on
    assert root(page).get_attribute("data-cell") == stopped != "39 0"
    press(page, "Next ›")
    is_on(page, explorer, 4)  # from wherever it was


def test_the_whole_way_over_the_map(opened: Open, explorer: LinkedExplorer) -> None:
    page = opened(reduced_motion="no-preference")
    page.evaluate("""() => {
      window.rows = new Set();
      new MutationObserver(() => rows.add(document.querySelector(".rpnviz").dataset.cell.split(" ")[0]))
        .observe(document.querySelector(".rpnviz"), { attributeFilter: ["data-cell"] });
    }""")
    press(page, "▶ Show me")
    press(page, "Next ›")
    press(page, "Next ›")
    is_on(page, explorer, 3)
    assert page.evaluate("() => rows.size") > 10  # a slow machine draws few frames, but all along the way


def test_numbers_of_another_stop_are_not_said_to_be_of_this(opened: Open, explorer: LinkedExplorer) -> None:
    page = opened("#step=4")
    is_on(page, explorer, 5)
    words = page.locator(".rpnviz-tour-outputs figcaption").first
    expect(words).to_contain_text("under the window")
    scores = page.locator(".rpnviz-scores b").all_inner_texts()
    here = explorer.results.here(explorer.row, explorer.col)
    assert scores == [f"{score:.2f}" for score in explorer.results.stages.all_scores[here].tolist()]
    page.locator(".rpnviz-map").focus()
    page.keyboard.press("Shift+ArrowRight")
    expect(words).to_contain_text(f"at row {explorer.row}, column {explorer.col}")
    expect(page.locator(".rpnviz-vector")).to_have_class("rpnviz-vector rpnviz-off")
    assert page.locator(".rpnviz-scores b").all_inner_texts() != scores  # those are known at every stop


def test_a_link_to_a_step_and_to_what_was_made_of_it(opened: Open, explorer: LinkedExplorer) -> None:
    page = opened("#explorer=linked&step=7")
    is_on(page, explorer, 8)
    page.locator(".rpnviz-map").focus()
    page.keyboard.press("Shift+ArrowDown")
    moved = str(root(page).get_attribute("data-cell"))
    page.get_by_role("button", name="copy link").evaluate("one => one.click()")
    page.wait_for_function("() => location.hash.includes('step=7')")
    other = opened(str(page.evaluate("() => location.hash")))
    expect(root(other)).to_have_attribute("data-cell", moved)
    expect(other.locator(".rpnviz-tour-count")).to_have_text("8 of 10")


def test_in_lecture_mode_a_clicker_gives_the_talk(opened: Open, explorer: LinkedExplorer) -> None:
    page = opened()
    page.get_by_role("button", name="lecture mode").click()
    page.keyboard.press("PageDown")
    is_on(page, explorer, 1)
    page.keyboard.press("PageDown")
    is_on(page, explorer, 2)
    page.keyboard.press("PageUp")
    is_on(page, explorer, 1)


def test_what_was_unfolded_stays_so(opened: Open) -> None:
    page = opened()
    press(page, "+ counts, layers, table")
    expect(page.locator(".rpnviz-table")).to_be_visible()
    expect(page.get_by_role("radio", name="all nine")).to_be_checked()
    page.reload()
    expect(page.locator(".rpnviz-table")).to_be_visible()
    press(page, "− less")
    expect(page.locator(".rpnviz-table")).to_be_hidden()
    page.reload()
    expect(page.get_by_role("button", name="+ counts, layers, table")).to_be_visible()
    expect(page.locator(".rpnviz-table")).to_be_hidden()


def test_a_page_without_a_memory_opens_quietly(browser: Browser, page_file: Path) -> None:
    context = browser.new_context(viewport=LAPTOP)
    context.add_init_script("Object.defineProperty(window, 'localStorage', { get() { throw new Error('none') } })")
    page = context.new_page()
    page.goto(page_file.as_uri())
    press(page, "+ counts, layers, table")
    expect(page.locator(".rpnviz-table")).to_be_visible()
    context.close()


def test_on_a_phone_by_touch(opened: Open, explorer: LinkedExplorer) -> None:
    page = opened(viewport=PHONE, **FINGERS)
    page.locator(TOUR).get_by_role("button", name="▶ Show me").tap()
    for number in range(1, 11):
        is_on(page, explorer, number)
        assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")
        bar = page.locator(".rpnviz-tour-bar").bounding_box()
        assert bar and bar["y"] + bar["height"] < 300  # the thumb finds Next where it was
        page.locator(TOUR).get_by_role("button", name="Next ›" if number < 10 else "Done").tap()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_can_be_read_by_all(opened: Open, scheme: str) -> None:
    for fragment in ("", "#step=4", "#step=7"):
        assert findings(opened(fragment, color_scheme=scheme)) == []
