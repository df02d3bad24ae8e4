"""An explorer in a page of any browser: wait until it is there, and move it by keys until its drawing changes."""

from __future__ import annotations

from benchmarks.series import CONTROLS, LOOK_AT_ROOT
from tools.browser.page import Page

KEYS = ("ArrowRight", "ArrowLeft", "ArrowDown")
LIVE = f"""async ([selector, index]) => {{
  const place = document.querySelectorAll(selector)[index];
  place?.scrollIntoView({{ block: "center", behavior: "instant" }});
  window.measured = place?.matches(".rpnviz") ? place : place?.querySelector(".rpnviz");
  return Boolean(measured) && ({LOOK_AT_ROOT})().split("|").length > 1; // it has drawn
}}"""
# The text, and of each canvas what is drawn on it.
LOOK = f"""() => {{
  const canvases = [...measured.querySelectorAll("canvas")].filter((one) => one.width && one.height).length;
  const parts = ({LOOK_AT_ROOT})().split("|");
  return {{ text: parts.slice(0, parts.length - canvases).join("|"), drawn: parts.slice(parts.length - canvases) }};
}}"""
# Focus the first, second, … of the controls that keys may move; its name, null if there are no more.
FOCUS = f"""(index) => {{
  const controls = ["{CONTROLS}", "[type=radio]:checked"].flatMap((kind) => [...measured.querySelectorAll(kind)]);
  const seen = (one) => one.checkVisibility({{ visibilityProperty: true }}) && !one.disabled;
  const control = controls.filter(seen)[index];
  control?.focus();
  return control ? control.ariaLabel || control.labels?.[0]?.textContent || control.className : null;
}}"""
# A question may cover the view until there is a guess.
UNCOVER = "() => measured.querySelector('.rpnviz-veil:not([hidden]) button')?.click()"
FRAMES = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"


def live(page: Page, selector: str = ".rpnviz", index: int = 0) -> None:
    """Scroll to an explorer, or to a place for one, and wait until it is there, has drawn, and `move` can move it."""
    page.wait_for(LIVE, [selector, index])
    page.evaluate(UNCOVER)


def move(page: Page) -> str:
    """Press keys on the explorer's controls until text and drawing change; return the control's name and the key."""
    index = 0
    while (control := page.evaluate(FOCUS, index)) is not None:
        for key in KEYS:
            before = page.evaluate(LOOK)
            page.press(key)
            page.evaluate(FRAMES)  # a view draws before the frame that follows the key
            after = page.evaluate(LOOK)
            if after["text"] != before["text"] and after["drawn"] != before["drawn"]:
                return f"{control}: {key}"
        index += 1
    raise AssertionError("no key moves it")
