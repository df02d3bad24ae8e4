"""Every page of the built site in Chromium, over HTTP below a sub-path; test_engines.py has it in all browsers."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, expect

from tests.site.conftest import Opened
from tools.notebooks.run import chosen

PAGES = ["index.html", *(f"{path.stem}.html" for path in chosen([]))]
# Two small explorers, each a text field for a trait, that a notebook has linked.
LINKED = """<!doctype html><meta charset="utf-8"><title>linked</title><link rel="icon" href="data:,">
<script src="_static/site.js"></script>
<script>
rpnviz.define("field.js", () => ({ render({ model, el }) {
  const input = document.createElement("input");
  const show = () => (input.value = model.get("row"));
  input.addEventListener("change", () => model.set("row", input.value));
  model.on("change:row", show);
  show();
  el.append(input);
} }));
</script>
<figure class="rpnviz-mount" data-view="field.js" data-state="a" data-number="0"
  data-links='[["row", 1, "row"]]'></figure>
<figure class="rpnviz-mount" data-view="field.js" data-state="b" data-number="1" data-links="[]"></figure>"""
WITH_WINDOW = "02_the_3x3_window.html"
SHEETS = ["glossary.html", "formulas.html"]
every_page = pytest.mark.parametrize("name", PAGES + SHEETS)


def unfolded(opened: Opened) -> Locator:
    """The first view, with all that it opens folded away."""
    view = opened.live(opened.places[0])
    view.get_by_role("button", name="+ counts, layers, table").click()
    expect(view.locator(".rpnviz-table")).to_be_visible()
    return view


@pytest.mark.parametrize("size", [(1366, 768), (360, 740)])
def test_the_front_page_opens_quietly_and_shows_itself(served: str, open_page: Any, size: tuple[int, int]) -> None:
    opened = open_page(f"{served}/index.html", *size)
    view = opened.live(opened.places[0])
    opened.page.evaluate("scrollTo(0, 0)")
    article, show = opened.page.locator("article"), view.get_by_role("button", name="▶ Show me")
    answer = article.locator("h1 + p")
    assert 1 <= len(re.findall(r"[.?!](?:\s|$)", answer.inner_text())) <= 2
    for part in (article.locator("h1"), answer, show):
        box = part.bounding_box()
        assert box and box["y"] >= 0 and box["y"] + box["height"] <= size[1]
    shown = view.locator(".rpnviz-map").bounding_box()
    assert shown and shown["y"] + shown["height"] / 2 <= size[1]
    expect(view.locator(".rpnviz-table")).to_be_hidden()
    show.click()
    expect(view.locator(".rpnviz-tour-count")).to_have_text("1 of 10")


def test_the_front_page_opens_with_the_whole_explorer(served: str, open_page: Any) -> None:
    opened = open_page(f"{served}/index.html")
    view = opened.live(opened.places[0])
    box = view.bounding_box()
    assert box and box["y"] + box["height"] <= 768
    unfolded(opened)
    for funnel in view.locator(".rpnviz-funnel").all():
        assert funnel.evaluate("line => line.scrollWidth <= line.clientWidth"), "its last words are cut"
    rows = opened.page.locator("article table.docutils").first.locator("tbody tr")
    expect(rows).to_have_count(len(PAGES) - 1)
    for row, name in zip(rows.all(), PAGES[1:], strict=True):
        assert row.locator("a").get_attribute("href") == name
    expect(opened.page.locator("article")).to_contain_text("make lab")
    assert len(opened.page.locator("section#what-this-is").inner_text()) > 100


def test_other_pictures_grids_channels_and_seeds_need_no_kernel(served: str, open_page: Any) -> None:
    opened: Opened = open_page(f"{served}/index.html")
    view = unfolded(opened)
    centre = view.get_attribute("data-cell")

    def asks(selector: str, act: Any) -> str:
        before = opened.look()
        act(view.locator(selector))
        opened.changes(before)
        expect(view).to_have_attribute("aria-busy", "false")
        return opened.look()

    expect(view.locator(".rpnviz-pictures option")).to_have_count(12)
    asks(".rpnviz-channel", lambda field: (field.fill("0"), field.press("Enter")))
    first = [view.locator("table").inner_text(), *opened.look().split("|")[1:]]
    asks(".rpnviz-seed", lambda field: (field.fill("99"), field.press("Enter")))
    asks(".rpnviz-pictures", lambda choice: choice.select_option("street-07"))
    expect(view.locator(".rpnviz-jump")).to_contain_text("person 5")  # its own objects
    expect(view.locator(".rpnviz-maps")).to_have_value("mean")  # channel 0 was recorded of the first picture only
    expect(view.locator(".rpnviz-channel")).to_be_disabled()
    asks(".rpnviz-grid", lambda grid: grid.get_by_role("radio", name="37×62").check())
    expect(view.locator(".rpnviz-row")).to_have_attribute("max", "36")
    asks(".rpnviz-pictures", lambda choice: choice.select_option("street-03"))
    asks(".rpnviz-grid", lambda grid: grid.get_by_role("radio", name="40×60").check())
    expect(view).to_have_attribute("data-cell", centre or "")  # over the same place all the time
    expect(view.locator(".rpnviz-channel")).to_be_enabled()
    assert asks(".rpnviz-channel", lambda field: (field.fill("0"), field.press("Enter")))
    asks(".rpnviz-seed", lambda field: (field.fill("0"), field.press("Enter")))
    assert [view.locator("table").inner_text(), *opened.look().split("|")[1:]] == first


def test_data_that_do_not_come_are_said_and_can_be_asked_for_again(served: str, open_page: Any) -> None:
    opened = open_page(f"{served}/index.html")
    view = unfolded(opened)
    opened.page.route("**/data/*.js", lambda route: route.abort())
    view.locator(".rpnviz-pictures").select_option("street-07")
    expect(view.locator(".rpnviz-error")).to_contain_text("could not be loaded")
    assert opened.note.troubles
    opened.note.troubles.clear()
    opened.page.unroute("**/data/*.js")
    view.locator(".rpnviz-pictures").select_option("street-08")
    expect(view.locator(".rpnviz-error")).to_have_count(0)
    expect(view).to_have_attribute("aria-busy", "false")


def test_explorers_that_a_notebook_links_stay_in_step(served: str, browser: Browser) -> None:
    page = browser.new_page()
    page.route("**/linked.html", lambda route: route.fulfill(body=LINKED, content_type="text/html"))
    data = {"a": 'rpnviz.put("a",{"row":3})', "b": 'rpnviz.put("b",{"row":5})'}
    page.route(
        re.compile("/data/[ab].js$"),
        lambda route: route.fulfill(body=data[route.request.url[-4]], content_type="text/javascript"),
    )
    page.goto(f"{served}/linked.html")
    one, two = page.locator("input").nth(0), page.locator("input").nth(1)
    expect(two).to_have_value("3")
    for changed, other, value in ((one, two, "8"), (two, one, "9")):
        changed.fill(value)
        changed.dispatch_event("change")
        expect(other).to_have_value(value)
    page.close()


def test_two_views_of_one_explorer_stay_in_step(served: str, open_page: Any) -> None:
    opened = open_page(f"{served}/09_what_comes_next.html")
    first, second, *_ = (
        opened.live(place) for place in opened.places if place.get_attribute("data-view") == "roi/view.js"
    )
    sentence = first.locator(".rpnviz-shown").text_content()
    assert second.locator(".rpnviz-shown").text_content() == sentence
    for moved, other in ((first, second), (second, first)):
        moved.locator(".rpnviz-movable").first.press("ArrowRight")
        expect(moved.locator(".rpnviz-shown")).not_to_have_text(sentence or "")
        sentence = moved.locator(".rpnviz-shown").text_content()
        expect(other.locator(".rpnviz-shown")).to_have_text(sentence or "")


def test_a_term_says_what_it_means_and_leads_to_its_entry(served: str, open_page: Any) -> None:
    page = open_page(f"{served}/06_the_loss.html").page
    term = page.locator("article a[title][href^='glossary.html#']").first
    sentence = term.get_attribute("title")
    said = "term => getComputedStyle(term, '::after').content"
    assert term.evaluate(said) == "none"
    page.keyboard.press("Tab")
    term.focus()
    assert term.evaluate(said) == f'"{sentence}"'
    term.press("Enter")
    expect(page.locator("section:target")).to_contain_text(str(sentence))


def test_the_front_page_leads_to_words_and_formulas_and_these_are_set(served: str, open_page: Any) -> None:
    page = open_page(f"{served}/index.html").page
    for name in SHEETS:
        expect(page.locator(f"article a[href='{name}']")).to_have_count(1)
    page.wait_for_load_state("networkidle")  # what is on its way when a reader leaves counts as failed
    page.locator("article a[href='formulas.html']").click()
    expect(page.locator("article math[display=block]").first).to_be_visible()
    assert "$" not in page.locator("article").inner_text()


def test_print_shows_the_still_with_its_sentence(served: str, open_page: Any) -> None:
    opened = open_page(f"{served}/{WITH_WINDOW}")
    place = opened.places[0]
    opened.live(place)
    opened.page.emulate_media(media="print")
    still = place.locator(".rpnviz-still")
    expect(still).to_be_visible()
    still.evaluate("still => still.decode()")
    expect(place.locator(".rpnviz-caption")).to_have_text(still.get_attribute("alt") or "")
    expect(place.locator(".rpnviz")).to_be_hidden()


def test_a_question_is_answered_by_keys_and_printed_without_its_answer(served: str, open_page: Any) -> None:
    opened = open_page(f"{served}/{WITH_WINDOW}")
    (place,) = [one for one in opened.places if one.locator(".rpnviz-asked").count()][:1]
    view = opened.live(place)
    choices = view.locator(".rpnviz-quiz-now .rpnviz-quiz-choices button")
    height = view.evaluate("view => view.offsetHeight")
    for i in range(choices.count()):
        before = opened.look()
        choices.nth(i).focus()
        opened.page.keyboard.press("Enter")
        opened.changes(before)
        expect(choices.nth(i)).to_have_attribute("aria-pressed", "true")
        expect(view.locator(".rpnviz-quiz-whys p").nth(i + 1)).to_be_visible()
        assert view.evaluate("view => view.offsetHeight") == height
    opened.page.emulate_media(media="print")
    expect(place.locator(".rpnviz-asked")).to_be_visible()
    expect(place.locator(".rpnviz-asked li")).to_have_count(choices.count())
    expect(view).to_be_hidden()


def test_without_scripts_the_stills_are_shown(browser: Browser, served: str) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{served}/{WITH_WINDOW}")
    expect(page.locator(".rpnviz-still").first).to_be_visible()
    expect(page.locator(".rpnviz-asked").first).to_be_visible()
    context.close()
