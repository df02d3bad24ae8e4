"""What all explorers share: joined modules, the look, the stand-alone page."""

from __future__ import annotations

import base64
import hashlib
import re
from pathlib import Path
from typing import Any

import pytest

from rpnviz.explorers.common import base
from rpnviz.explorers.common.base import LOOK, RpnvizWidget
from rpnviz.explorers.common.saved_page import standalone_page
from rpnviz.figures.palette import LINE_STYLES, PALETTE
from tests.explorers.every import every_explorer


def test_colours_and_lines_come_from_the_palette() -> None:
    assert LOOK["palette"] is PALETTE and LOOK["lines"] is LINE_STYLES


def test_page_scripts_match_the_hashes_of_its_policy() -> None:
    page = standalone_page("a <b>title</b>", "nms/view.js", "p { color: red }", {"x": [b"\x00\xff", "<"]})
    policy = re.search(r'content="(default-src[^"]*)"', page)
    script = re.search(r'<script type="module">(.*?)</script>', page, flags=re.DOTALL)
    style = re.search(r"<style>(.*?)</style>", page, flags=re.DOTALL)
    assert policy and script and style
    for text in (script[1], style[1]):
        assert base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() in policy[1]
    assert "<b>" not in page and '{"x":[{"$bytes":"AP8="},"\\u003c"]}' in page


def test_page_refuses_what_is_neither_json_nor_bytes() -> None:
    with pytest.raises(TypeError, match="set"):
        standalone_page("", "nms/view.js", "", {"x": {1, 2}})


def test_an_error_is_shown_until_the_next_try() -> None:
    widget = RpnvizWidget(_esm="export default {}")
    with pytest.raises(KeyError), widget.reporting("could not count"):
        raise KeyError("a")
    assert widget.error == "could not count: KeyError: 'a'"
    with widget.reporting("could not count"):
        pass
    assert widget.error == ""


def test_the_heat_map_is_the_one_of_the_stills() -> None:
    heat: Any = LOOK["heat"]
    assert len(heat) == base.HEAT_STOPS
    assert heat[0] == "#000004" and heat[-1] == "#fcfdbf"  # magma's ends


def test_no_trait_is_called_like_what_a_page_adds(tmp_path: Path) -> None:
    """Rules, names and files of a page stand beside the traits (saved/open.js, rpnviz/site/record.py)."""
    added = {"answers", "moves", "presented", "needs_python", "name", "network", "network_files", "weights"}
    for name, make in every_explorer(tmp_path).items():
        explorer = make()
        assert not set(explorer.own_traits()) & (added | set(explorer.on_demand())), name
