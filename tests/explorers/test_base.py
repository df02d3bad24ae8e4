"""What all explorers share: joined modules, the look, the stand-alone page."""

from __future__ import annotations

import base64
import hashlib
import re
from typing import Any

import pytest
import traitlets as t

from rpnviz import draw
from rpnviz.explorers import base
from rpnviz.explorers.base import LOOK, SHARED, STATIC, RpnvizWidget, join_esm
from rpnviz.explorers.page import standalone_page

LINKED = (
    "linked_scene.js",
    "linked_panels.js",
    "linked_table.js",
    "linked_funnels.js",
    "linked_controls.js",
    "linked.js",
)


def test_joined_module_imports_nothing_and_exports_render_once() -> None:
    joined = join_esm(*LINKED)
    assert not re.search(r"^import ", joined, flags=re.MULTILINE)
    assert re.findall(r"^export .*", joined, flags=re.MULTILINE) == ["export default { render };"]
    assert "</script" not in joined.lower()


def test_joined_files_declare_no_name_twice() -> None:
    declared = re.findall(r"^(?:async )?(?:function|class|const|let) (\w+)", join_esm(*LINKED), flags=re.MULTILINE)
    assert len(declared) == len(set(declared)) > 40


def test_every_import_is_of_a_file_that_is_joined_before() -> None:
    before: list[str] = []
    for name in (*SHARED, *LINKED):
        source = (STATIC / name).read_text(encoding="utf-8")
        assert set(re.findall(r'^import \{.*\} from "\./(.*)";$', source, flags=re.MULTILINE)) <= set(before)
        assert source.startswith("// @ts-check")
        before.append(name)


def test_colours_and_lines_come_from_draw_alone() -> None:
    assert LOOK["palette"] is draw.PALETTE and LOOK["lines"] is draw.LINE_STYLES
    for name in (*SHARED, *LINKED):
        assert not re.search(r"#[0-9a-fA-F]{6}\b", (STATIC / name).read_text(encoding="utf-8")), name


def test_page_scripts_match_the_hashes_of_its_policy() -> None:
    page = standalone_page("a <b>title</b>", "p { color: red }", "function render() {}", {"x": [b"\x00\xff", "<"]})
    policy = re.search(r'content="(default-src[^"]*)"', page)
    script = re.search(r'<script type="module">(.*?)</script>', page, flags=re.DOTALL)
    style = re.search(r"<style>(.*?)</style>", page, flags=re.DOTALL)
    assert policy and script and style
    for text in (script[1], style[1]):
        assert base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() in policy[1]
    assert "<b>" not in page and '{"x":[{"$bytes":"AP8="},"\\u003c"]}' in page


def test_page_refuses_what_is_neither_json_nor_bytes() -> None:
    with pytest.raises(TypeError, match="set"):
        standalone_page("", "", "", {"x": {1, 2}})


def test_an_error_is_shown_until_the_next_try() -> None:
    widget = RpnvizWidget(_esm="export default {}")
    with pytest.raises(KeyError), widget.reporting("could not count"):
        raise KeyError("a")
    assert widget.error == "could not count: KeyError: 'a'"
    with widget.reporting("could not count"):
        pass
    assert widget.error == ""


def test_range_errors_name_trait_and_range() -> None:
    widget = RpnvizWidget(_esm="export default {}")
    assert widget.check_range("row", 3, 0, 3) == 3
    with pytest.raises(t.TraitError, match="row: got 4, takes 0 to 3"):
        widget.check_range("row", 4, 0, 3)


def test_the_heat_map_is_the_one_of_the_stills() -> None:
    heat: Any = LOOK["heat"]
    assert len(heat) == base.HEAT_STOPS
    assert heat[0] == "#000004" and heat[-1] == "#fcfdbf"  # magma's ends
