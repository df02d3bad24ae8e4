"""The conventions explorer of notebook 11, operated with real keys and a real mouse."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import expect

from rpnviz.inspect.convention_presets import CONVENTIONS, PROJECTS, differing
from tests.browser.conftest import View
from tools.browser.lab import Notebook

SHOWN = """[next(one for one in explorer.plan["conventions"] if one["name"] == explorer.convention)["title"],
    [[f"{n:,}" for n in explorer.counts.values()], explorer.relabelled],
    [[row["name"], f"{row['changed']:,}"] for row in explorer.settings if row["changed"] is not None]]"""


@pytest.fixture
def conventions(open_and_run: Callable[..., Notebook]) -> View:
    """The view of notebook 11, on torchvision's convention."""
    view = View(open_and_run("11"), kind="conventions")
    view.root.scroll_into_view_if_needed()
    view.set(convention="torchvision", row=20, col=30, anchor=4)
    expect(view.part("convention")).to_have_value("torchvision")
    return view


def test_the_switch_shows_what_python_says(conventions: View) -> None:
    for name in ("Mask_RCNN", "CTPN", "detectron2"):
        before = conventions.part("anchor-map").evaluate("canvas => canvas.toDataURL()")
        conventions.part("convention").select_option(name)
        conventions.python_has(convention=name)
        _, (counts, relabelled), rows = conventions.notebook.ask(SHOWN)
        expect(conventions.part("where")).to_have_text(f"{PROJECTS[name].repository}, {PROJECTS[name].version}")
        assert conventions.part("counts").locator("b").all_inner_texts() == counts
        told = f"{relabelled:,} anchors have another label" if relabelled else "other shapes than the paper's"
        expect(conventions.part("relabelled")).to_contain_text(told)
        lines = conventions.part("settings-table").locator("tbody tr")
        expect(lines).to_have_count(len(differing(CONVENTIONS[name])))
        written = [[line.locator("th").inner_text(), line.locator("td").nth(2).inner_text()] for line in lines.all()]
        assert written == rows
        assert conventions.part("anchor-map").evaluate("canvas => canvas.toDataURL()") != before


def test_the_map_is_walked_by_keys(conventions: View) -> None:
    for key, place in (("ArrowRight", (20, 30, 5)), ("ArrowRight", (20, 31, 3)), ("Shift+ArrowDown", (21, 31, 3))):
        conventions.part("anchor-map").press(key)
        conventions.python_has(row=place[0], col=place[1], anchor=place[2])
    expect(conventions.part("about")).to_contain_text("Row 21, column 31, 128×128: negative")
    conventions.part("convention").select_option("CTPN")
    expect(conventions.part("about")).to_contain_text("Row 21, column 31, 16×34")


def test_switches_fade_the_map_and_fill_the_table(conventions: View) -> None:
    before = conventions.part("anchor-map").evaluate("canvas => canvas.toDataURL()")
    conventions.root.get_by_text("only what has another label").click()
    assert conventions.part("anchor-map").evaluate("canvas => canvas.toDataURL()") != before
    conventions.root.get_by_text("only what has another label").click()
    conventions.root.get_by_text("all settings").click()
    lines = conventions.part("settings-table").locator("tbody tr")
    expect(lines).to_have_count(22)
    expect(lines.and_(conventions.root.locator(".rpnviz-differs"))).to_have_count(
        len(differing(CONVENTIONS["torchvision"]))
    )
    conventions.root.get_by_text("all settings").click()
    conventions.part("convention").select_option("paper")
    expect(lines).to_have_count(22)  # nothing differs: all are shown


def test_nothing_below_jumps(conventions: View) -> None:
    heights = set()
    for name in CONVENTIONS:
        conventions.part("convention").select_option(name)
        conventions.python_has(convention=name)
        heights.add(conventions.root.evaluate("view => Math.round(view.getBoundingClientRect().height)"))
    assert len(heights) == 1


def test_a_saved_page_changes_convention_without_a_kernel(
    conventions: View, open_file: Callable[[Path], Notebook], tmp_path: Path
) -> None:
    conventions.notebook.execute(f"explorer.to_html({str(tmp_path / 'page.html')!r})")
    page = View(open_file(tmp_path / "page.html"), kind="conventions")
    page.part("convention").select_option("MMDetection")
    expect(page.part("where")).to_contain_text("mmdetection, 3.3.0")
    expect(page.part("settings-table").locator("tbody tr")).to_have_count(len(differing(CONVENTIONS["MMDetection"])))
