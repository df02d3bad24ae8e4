"""Every explorer on a phone, a tablet, a projector and on paper: it fits, fingers move it, it prints."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import CDPSession, Locator, Page, expect

from tests.browser.explorer_pages import NAMES

Show = Callable[..., Page]
Spot = tuple[float, float]
WIDTHS = {360: 740, 414: 896, 700: 900, 768: 1024, 1366: 768, 1920: 1080}
NARROW = 700  # px; up to here everything is below everything
LEAST_LETTER, LEAST_TARGET = 11, 24  # CSS px; the second is WCAG 2.2's (2.5.8)
CONTROLS = "button, select, input, [tabindex='0']"

# What is wrong with the layout, in words. A place that scrolls by itself may hold what is wider than the page.
FAULTS = """([least_letter, least_target, controls, width]) => {
  const faults = [];
  const name = (e) => `${e.tagName} ${e.getAttribute("class")} “${(e.ariaLabel || e.textContent).slice(0, 30)}”`;
  const seen = (e) => e.checkVisibility({ visibilityProperty: true }) && e.getBoundingClientRect().width > 1;
  const all = [...document.querySelectorAll("main *")].filter((e) => seen(e) && !e.closest(".rpnviz-live"));
  if (document.scrollingElement.scrollWidth > width) {
    const wide = all.filter((e) => e.getBoundingClientRect().right > width + 1 && !e.closest(".rpnviz-scroll"));
    faults.push(`wider than the page: ${wide.slice(0, 3).map(name)}`);
  }
  for (const e of all) {
    if (e.closest("select") || ![...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim())) continue;
    const scale = e.ownerSVGElement ? e.getScreenCTM().a : 1;
    const size = parseFloat(getComputedStyle(e).fontSize) * scale;
    if (size < least_letter - 0.05) faults.push(`letters of ${size.toFixed(1)} px: ${name(e)}`);
    const hides = getComputedStyle(e).overflowX !== "visible" && !e.matches(".rpnviz-scroll, select, input");
    if (hides && e.scrollWidth > e.clientWidth + 1) faults.push(`cut: ${name(e)}`);
  }
  for (const e of all.filter((e) => e.matches(controls))) {
    const { width: w, height: h } = (e.closest("label") || e).getBoundingClientRect();
    if (Math.min(w, h) < least_target) faults.push(`${w.toFixed(0)}×${h.toFixed(0)} px to press: ${name(e)}`);
  }
  const apart = all.filter((e) => e.matches("canvas, button, select, output, label, figcaption > *, p, table")
    && !e.closest(".rpnviz-scroll, .rpnviz-boxes, .rpnviz-two-boxes > :not(canvas)"));
  apart.forEach((e, i) => {
    const a = e.getBoundingClientRect();
    for (const other of apart.slice(i + 1)) {
      if (e.contains(other)) continue;
      const b = other.getBoundingClientRect();
      const x = Math.min(a.right, b.right) - Math.max(a.left, b.left);
      const y = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
      if (x > 1.5 && y > 1.5) faults.push(`over one another: ${name(e)} and ${name(other)}`);
    }
  });
  return faults;
}"""
SIDE_BY_SIDE = """() => [...document.querySelectorAll(".rpnviz-body, .rpnviz-stage")].some((box) => {
  const parts = [...box.children].map((e) => e.getBoundingClientRect());
  return parts.some((part, i) => i && part.top < parts[i - 1].bottom - 1);
})"""


def faults(page: Page, width: int, least_target: int) -> list[str]:
    page.set_viewport_size({"width": width, "height": WIDTHS[width]})
    found: list[str] = page.evaluate(FAULTS, [LEAST_LETTER, least_target, CONTROLS, width])
    return found


@pytest.mark.parametrize("name", NAMES)
def test_fits_phone_tablet_and_projector(show: Show, name: str) -> None:
    page = show(name, "phone")
    for width in WIDTHS:
        assert faults(page, width, LEAST_TARGET) == [], width
        assert page.evaluate(SIDE_BY_SIDE) == (width > NARROW) or 700 < width < 1366, width


@pytest.mark.parametrize("name", NAMES)
def test_fits_a_window_moved_with_a_mouse(show: Show, name: str) -> None:
    page = show(name)
    for width in WIDTHS:
        assert faults(page, width, 0) == [], width


def test_the_table_of_objects_is_whole_on_a_phone(show: Show) -> None:
    page = show("labels", "phone")
    page.set_viewport_size({"width": 340, "height": 740})  # what the margins of a page of the site leave
    table = page.locator(".rpnviz-objects")
    assert table.evaluate("e => e.scrollWidth <= e.clientWidth"), "its last column is cut"
    name = table.locator("tbody th").first
    name.evaluate("e => (e.textContent = 'bicycle 2')")  # the longest that a bundled picture has
    assert name.evaluate("e => e.scrollWidth <= e.clientWidth"), "a name is cut"


class Finger:
    """Touches on the page, as the browser gets them from a screen."""

    def __init__(self, page: Page) -> None:
        self.cdp: CDPSession = page.context.new_cdp_session(page)

    def drag(self, at: Spot, by: Spot) -> None:
        self._move([at], [by])

    def pinch(self, at: Spot) -> None:
        """Two fingers go apart."""
        self._move([(at[0] - 20, at[1]), (at[0] + 20, at[1])], [(-60, 0), (60, 0)])

    def _move(self, at: list[Spot], by: list[Spot], steps: int = 8) -> None:
        for i in range(steps + 1):
            points = [(x + dx * i / steps, y + dy * i / steps) for (x, y), (dx, dy) in zip(at, by, strict=True)]
            self._send("touchMove" if i else "touchStart", points)
        self._send("touchEnd", [])

    def _send(self, kind: str, points: list[Spot]) -> None:
        fingers: list[dict[str, Any]] = [{"x": x, "y": y, "id": i} for i, (x, y) in enumerate(points)]
        self.cdp.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": fingers})


def spot(part: Locator, share: float = 0.5) -> Spot:
    """A place in an element, brought on the screen: its middle, or nearer to its upper left (0) or lower right (1)."""
    part.evaluate("e => e.scrollIntoView({ block: 'center' })")
    box = part.bounding_box()
    assert box
    return box["x"] + box["width"] * share, box["y"] + box["height"] * share


DRAGGED = ".rpnviz-drag, .rpnviz-drag-across, .rpnviz-pickable"
ACROSS = {"poolings", "replay"}  # a finger that goes up or down there scrolls the page
NOT_DRAGGED = {"live", "nms", "funnel", "detections", "pyramid", "fit"}  # nothing in them is dragged


def panels(page: Page) -> list[Locator]:
    """What is dragged; of a box that is gripped, the lowest lies below others."""
    return [*page.locator(DRAGGED).all(), *page.locator(".rpnviz-movable").all()[-1:]]


@pytest.mark.parametrize("name", [name for name in NAMES if name not in NOT_DRAGGED])
def test_a_finger_drags_every_panel_and_the_page_stays(show: Show, name: str) -> None:
    page = show(name, "phone")
    finger, shown = Finger(page), page.locator(".rpnviz-shown")
    assert panels(page)
    for i, panel in enumerate(panels(page)):
        at = spot(panel, 0.35 + 0.15 * i)
        before, scrolled = shown.text_content() or "", page.evaluate("scrollY")
        panel.evaluate("e => e.addEventListener('pointercancel', () => (window.taken = true))")
        finger.drag(at, (-60, 0) if name in ACROSS else (-20, -60))
        expect(shown).not_to_have_text(before)
        assert not page.evaluate("window.taken"), "the browser took the finger to scroll"
        assert page.evaluate("scrollY") == scrolled


@pytest.mark.parametrize("name", NAMES)
def test_a_finger_scrolls_and_zooms_the_page(show: Show, name: str) -> None:
    page = show(name, "phone")
    page.set_viewport_size({"width": 360, "height": 420})
    finger = Finger(page)
    still = page.locator(".rpnviz-panel:not(.rpnviz-drag), figcaption, .rpnviz-about, label, p:visible").first
    at, before = spot(still), page.evaluate("scrollY")
    finger.drag(at, (0, -120))
    page.wait_for_function("before => scrollY > before", arg=before)
    finger.pinch(spot(page.locator(f"{DRAGGED}, .rpnviz-panel").first))
    page.wait_for_function("visualViewport.scale > 1.2")


@pytest.mark.parametrize("name", NAMES)
def test_a_finger_moves_a_slider(show: Show, name: str) -> None:
    page = show(name, "phone")
    slider = page.locator("input[type=range]:enabled:not([max='0'])").locator("visible=true")
    if not slider.count():
        assert name in {"channels", "live", "conventions", "overview"}
        return
    slider = slider.last
    at, before = spot(slider), slider.input_value()
    box = slider.bounding_box()
    assert box
    share = slider.evaluate("e => (e.value - e.min) / (e.max - e.min)")
    finger = Finger(page)
    finger.drag((box["x"] + 10 + share * (box["width"] - 20), at[1]), (60 if share < 0.5 else -60, 0))
    expect(slider).not_to_have_value(before)


@pytest.mark.parametrize("name", NAMES)
def test_prints_on_one_page_with_its_sentence(show: Show, name: str) -> None:
    page = show(name)
    sentence = page.locator(".rpnviz-shown")
    expect(sentence).to_be_hidden()
    page.emulate_media(media="print", color_scheme="dark")
    expect(sentence).to_be_visible()
    assert len(sentence.inner_text()) > 20
    expect(page.locator(".rpnviz-panel").first).to_be_visible()
    for control in page.locator("button, select, input").all():
        assert control.evaluate("e => Boolean(e.closest('table')) && e.matches('button')") or not control.is_visible()
    assert page.evaluate("getComputedStyle(document.documentElement).colorScheme") == "light"
    sheets = page.pdf(prefer_css_page_size=True)
    assert len(re.findall(rb"/Type\s*/Page\b", sheets)) == 1
