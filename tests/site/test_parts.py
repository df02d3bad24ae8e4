"""The parts of the generator, each alone."""

from __future__ import annotations

import base64
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import traitlets as t
from nbformat import v4
from PIL import Image
from playwright.sync_api import Browser

from rpnviz.explorers import EXPLORERS, load
from rpnviz.explorers.common.base import RpnvizWidget
from rpnviz.explorers.common.recorded import Recorded
from rpnviz.figures.primitives import new_still, to_png
from rpnviz.site.executed import Executed
from rpnviz.site.outputs import as_pages_need
from rpnviz.site.pages import _opening, _section
from rpnviz.site.policy import guard, policy
from rpnviz.site.record import OWN_FILE, Files, key, record
from rpnviz.site.running import WIDGET_VIEW
from rpnviz.site.scripts import write
from tools.site.__main__ import ROOT

HOSTILE = "</script><img src=x onerror=hacked=1>"


class Doubler(RpnvizWidget):
    """Answers twice the number, and remembers the side it was asked from."""

    _esm = "export default {}"
    number = t.Int(1).tag(sync=True)
    side = t.Unicode("left").tag(sync=True)
    twice = t.Int(2, read_only=True).tag(sync=True)
    said = t.Bytes(b"left", read_only=True).tag(sync=True)
    extra = t.Int(0, read_only=True).tag(sync=True)  # stays after the question that it answered
    unchanged = t.Int(7, read_only=True).tag(sync=True)

    @t.observe("number", "side")
    def _answer(self, _: Any) -> None:
        self.set_trait("twice", 2 * self.number)
        self.set_trait("said", self.side.encode())
        if self.number > 1:
            self.set_trait("extra", self.number)


def put(folder: Path, name: str) -> Any:
    text = (folder / f"{name}.js").read_text("utf-8")
    return json.loads(text.removeprefix(f'rpnviz.put("{name}",').removesuffix(");\n"))


def test_the_index_takes_words_and_commands_from_the_readme() -> None:
    """And neither its picture, which the explorer itself replaces, nor its badges."""
    readme = (ROOT / "README.md").read_text("utf-8")
    opening = _opening(readme)
    assert opening.startswith("Move the region proposal network") and "nine anchors come out" in opening
    assert not re.search(r"!\[|<|^#", opening, re.MULTILINE)
    assert "\n\n    make lab " in _section(readme, "Start"), "a block of code, not a line of prose"
    with pytest.raises(ValueError, match="no section 'Finish'"):
        _section(readme, "Finish")


def test_answers_are_written_by_the_values_that_were_asked(tmp_path: Path) -> None:
    doubler = Doubler()
    question = Recorded({"side": ["left", "right"]}, {"number": [1, 2, 3]})
    sides, numbers = record(doubler, question, Files(tmp_path))
    assert sides["given"] == ["side"] and set(sides["files"]) == {"left", "right"}
    assert put(tmp_path, sides["files"]["right"]) == {"said": {"$bytes": base64.b64encode(b"right").decode()}}
    assert numbers["last"] == {"name": "number", "values": ["1", "2", "3"]}
    answers = put(tmp_path, numbers["files"]["left"])
    assert answers == {str(n): {"twice": 2 * n, "extra": n if n > 1 else 0} for n in (1, 2, 3)}
    assert (doubler.number, doubler.side, doubler.twice, doubler.said) == (1, "left", 2, b"left")


def test_equal_content_is_written_once_and_large_bytes_apart(tmp_path: Path) -> None:
    files = Files(tmp_path)
    small, large = b"\x00" * (OWN_FILE - 1), b"\x01" * OWN_FILE
    assert files.write([small]) == files.write([small])
    assert len(list(tmp_path.iterdir())) == 1
    first, second = files.write({"a": large}), files.write({"b": large})
    assert len(list(tmp_path.iterdir())) == 4
    assert put(tmp_path, first)["a"] == put(tmp_path, second)["b"]
    assert base64.b64decode(put(tmp_path, put(tmp_path, first)["a"]["$file"])["$bytes"]) == large


LATER = """<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,">
<script src="_static/site.js"></script>
<script>
rpnviz.define("field.js", () => ({ render({ model }) { window.model = model; } }));
</script>
<figure class="rpnviz-mount" data-view="field.js" data-state="%s" data-number="0" data-links="[]"></figure>"""


def test_what_comes_on_demand_is_loaded_when_it_is_asked_for_and_once(browser: Browser, tmp_path: Path) -> None:
    static = tmp_path / "_static"
    (static / "data").mkdir(parents=True)
    write(static)
    files = Files(static / "data")
    later = files.write({"small": b"abc", "large": [b"\x07" * OWN_FILE]})
    state = files.write({"moves": {}, "name": "field", "later": {"$later": later}})
    (tmp_path / "page.html").write_text(LATER % state, encoding="utf-8")
    page, asked = browser.new_page(), list[str]()
    page.on("request", lambda sent: asked.append(Path(sent.url).stem))
    page.goto((tmp_path / "page.html").as_uri())
    page.wait_for_function("() => window.model")
    assert state in asked and later not in asked
    page.evaluate("async () => { window.got = await model.get('later')(); }")
    assert page.evaluate("() => [got.small.byteLength, got.large[0].getUint8(9)]") == [3, 7]
    assert page.evaluate("async () => got === await model.get('later')()")
    assert asked.count(later) == 1
    page.close()


def test_state_is_json_and_bytes(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="set is neither"):
        Files(tmp_path).write({"x": {1, 2}})


def test_values_are_written_as_the_page_writes_them(browser: Browser) -> None:
    values = [0, 3, 0.0, 1.0, 0.15, 0.3, "street-03", "channel 7"]
    page = browser.new_page()
    assert key(values) == page.evaluate("values => values.map(String).join(' ')", values)
    page.close()


def test_every_module_that_is_taken_is_defined(tmp_path: Path) -> None:
    write(tmp_path)
    text = (tmp_path / "site.js").read_text("utf-8")
    defined = set(re.findall(r'^rpnviz\.define\("([\w./-]+\.js)"', text, re.MULTILINE))
    assert {load(name).view for name in EXPLORERS} < defined
    assert set(re.findall(r'take\("([\w./-]+\.js)"\)', text)) <= defined
    assert {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.css")} >= {
        "common/rpnviz.css",
        "site.css",
    }


def test_policy_names_what_is_inline_by_its_hash(tmp_path: Path) -> None:
    page = '<meta charset="utf-8"><style>a{}</style><b style="c: d"></b><script src="x.js"></script><script>e</script>'
    said = dict(part.split(" ", 1) for part in policy(page).split("; "))
    digest = "sha256-P3m7e0NbBTIWUdrv03TNxoHcBvqmXjdOODN7iMoEbeo="
    assert said["default-src"] == "'none'"
    assert said["script-src"] == f"'self' file: 'wasm-unsafe-eval' '{digest}'"
    assert said["worker-src"] == "blob:"
    assert len(re.findall("sha256-", said["style-src"])) == 2 and "'unsafe-hashes'" in said["style-src"]
    assert "unsafe-hashes" not in policy("<script>e</script>")
    (tmp_path / "page.html").write_text("<p>no head</p>")
    with pytest.raises(ValueError, match=r"page\.html"):
        guard(tmp_path)


def test_sentences_in_a_page_are_text(tmp_path: Path) -> None:
    Image.new("RGB", (4, 3)).save(tmp_path / "still.png")
    png = base64.b64encode((tmp_path / "still.png").read_bytes()).decode()
    data = {"image/png": png, "text/plain": HOSTILE}
    outputs = [
        v4.new_output("display_data", {**data, WIDGET_VIEW: {"model_id": "m"}}),
        v4.new_output("display_data", data),
    ]
    notebook = v4.new_notebook(cells=[v4.new_code_cell("x", outputs=outputs)])
    known = {
        "m": {
            "needs_python": "Python trains",
            "number": 0,
            "links": [],
            "view": "live/view.js",
            "quiet": False,
            "css": ["common/training.css"],
            "state": "abc",
            "asks": [[HOSTILE, ["this", HOSTILE]]],
        }
    }
    explorer, still = as_pages_need(Executed(notebook, known, tmp_path), tmp_path).cells[0].outputs
    for html in (explorer.data["text/html"], still.data["text/html"]):
        assert "<img src=x" not in html and "</script" not in html and 'width="4" height="3"' in html
    assert 'data-view="live/view.js" data-state="abc"' in explorer.data["text/html"]
    assert "training.css" in explorer.data["text/html"] and "make lab" in explorer.data["text/html"]
    assert explorer.data["text/html"].count("<li>") == 2 and "<li>this</li>" in explorer.data["text/html"]
    assert "rpnviz-mount" not in still.data["text/html"] and "<li>" not in still.data["text/html"]


def test_a_still_has_a_copy_with_light_ink_for_the_dark(tmp_path: Path) -> None:
    figure = new_still(2, 1, "words")
    ax = figure.add_axes((0, 0, 1, 0.5))
    ax.imshow(np.full((2, 2, 3), (10, 90, 200), np.uint8), extent=(0, 1, 1, 0), aspect="auto")
    outputs = [
        v4.new_output("display_data", {"image/png": base64.b64encode(to_png(figure)).decode(), "text/plain": HOSTILE})
    ]
    notebook = v4.new_notebook(cells=[v4.new_code_cell("x", outputs=outputs)])
    html = as_pages_need(Executed(notebook, {}, tmp_path), tmp_path).cells[0].outputs[0].data["text/html"]
    still, night = re.findall(r'src="_static/([^"]+)"', html)
    assert night == still.replace(".webp", "-night.webp") and "<img src=x" not in html
    dark = np.asarray(Image.open(tmp_path / night).convert("RGBA"))
    assert dark[75, 100].tolist() == [10, 90, 200, 255]  # the picture as it was
    words = dark[:40]  # ink is light, paper is gone
    assert (words[words[..., 3] > 0][:, :3] > 200).all() and {0, 255} <= set(words[..., 3].ravel())


@pytest.mark.parametrize("name", EXPLORERS)
def test_a_page_keeps_room_for_every_explorer(name: str) -> None:
    sheet = (ROOT / "rpnviz/site/static/site.css").read_text("utf-8")
    room = re.search(rf'^\[data-view="{load(name).view}"\] {{(.*?)}}', sheet, re.MULTILINE | re.DOTALL)
    assert room, "what stands below it jumps when it comes"
    assert re.findall(r"--(\w+): \d{3}", room[1]) == ["laptop", "tablet", "phone"]
