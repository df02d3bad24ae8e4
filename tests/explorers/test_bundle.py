"""One script of many modules: each once, after what it imports, in a scope of its own; odd forms are refused."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from rpnviz.explorers import EXPLORERS, load
from rpnviz.explorers.common import bundle
from rpnviz.explorers.common.saved_page import SAVED
from tests.explorers.page_code import ask_page

MODULES = sorted(path.relative_to(bundle.EXPLORERS).as_posix() for path in bundle.EXPLORERS.rglob("*.js"))
VIEWS = sorted({load(name).view for name in EXPLORERS})
NETWORK = "common/network.js"  # is in the pages that have the network; no view imports it


def defined(text: str) -> list[str]:
    return re.findall(r'^rpnviz\.define\("([\w./-]+\.js)"', text, re.MULTILINE)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of modules in place of explorers/."""
    (tmp_path / "common").mkdir()
    (tmp_path / "common" / "modules.js").write_text(bundle.read("common/modules.js"), encoding="utf-8")
    monkeypatch.setattr(bundle, "EXPLORERS", tmp_path)
    bundle._as_registered.cache_clear()
    return tmp_path


def test_modules_become_calls_of_the_registry() -> None:
    source = (
        '// @ts-check\nimport {\n  a,\n  b,\n} from "../common/x.js";\nexport const c = a;\n'
        "export async function d() {}\nexport class E {}\n"
    )
    made = bundle.as_registered("nms/view.js", source)
    assert 'const {\n  a,\n  b,\n} = rpnviz.take("common/x.js");' in made
    assert "return { c, d, E };" in made
    assert not re.search(r"^(import|export)\b", made, re.MULTILINE)


@pytest.mark.parametrize(
    "line",
    [
        *('import a from "./a.js";', 'import "./a.js";', 'import * as a from "./a.js";', 'import { a } from "a";'),
        *("export { a };", "export default a;", 'export * from "./a.js";', 'import { a } from "https://a.org/a.js";'),
    ],
)
def test_unknown_forms_of_modules_are_named(line: str) -> None:
    with pytest.raises(ValueError, match=r"x\.js: cannot register"):
        bundle.as_registered("x.js", f"{line}\n")


def test_a_module_stands_once_and_after_what_it_imports(folder: Path, browser: Browser) -> None:
    (folder / "a.js").write_text('import { b } from "./b.js";\nimport { c } from "./c.js";\nexport const a = [b, c];\n')
    (folder / "b.js").write_text('import { c } from "./c.js";\nconst own = "b";\nexport const b = own + c;\n')
    (folder / "c.js").write_text('const own = "c";\nexport const c = own;\n')
    assert defined(bundle.bundle("a.js")) == ["c.js", "b.js", "a.js"]
    assert defined(bundle.bundle("c.js", "b.js")) == ["c.js", "b.js"]
    (folder / "saved").mkdir()
    (folder / SAVED).write_text("")
    assert ask_page(browser, "a.js", "export const ask = () => a;", None) == ["bc", "c"]


def test_a_script_for_a_worker_is_a_module_and_what_it_imports(folder: Path, browser: Browser) -> None:
    (folder / "a.js").write_text('import { b } from "./b.js";\nexport const a = () => ["a", b()];\n')
    (folder / "b.js").write_text('import { c } from "./c.js";\nexport function b() {\n  return ["b", c];\n}\n')
    (folder / "c.js").write_text("export const c = `${'c'} \\n`; // </b>\n")
    (folder / "page.js").write_text('import { a } from "./a.js";\nexport const page = a;\n')
    (folder / "saved").mkdir()
    (folder / SAVED).write_text("")
    ask = """export const ask = () => {
      const script = rpnviz.script("a.js");
      return [script, new Function(`${script}; return rpnviz.take("a.js").a();`)()];
    };"""
    script, answer = ask_page(browser, "page.js", ask, None)
    assert answer == ["a", ["b", "c \n"]]
    assert set(re.findall(r'^rpnviz\.define\("([\w./-]+)"', script, re.MULTILINE)) == {"a.js", "b.js", "c.js"}


def test_a_circle_is_named(folder: Path) -> None:
    (folder / "a.js").write_text('import { b } from "./b.js";\n')
    (folder / "b.js").write_text('import { a } from "./a.js";\n')
    with pytest.raises(ValueError, match=r"circle: a\.js → b\.js → a\.js"):
        bundle.bundle("a.js")


@pytest.mark.parametrize("name", EXPLORERS)
def test_an_explorer_is_one_module_that_imports_nothing(name: str) -> None:
    code = bundle.view_module(load(name).view)
    assert not re.search(r"^import\b", code, re.MULTILINE) and "</script" not in code.lower()
    assert re.findall(r"^export .*", code, re.MULTILINE) == [
        f'export default {{ render: rpnviz.take("{load(name).view}").render }};'
    ]
    assert set(re.findall(r'take\("([\w./-]+\.js)"\)', code)) <= set(defined(code))


def test_a_widget_brings_its_module_deflated(browser: Browser) -> None:
    packed = str(load("iou")._esm)
    assert len(packed) < len(bundle.view_module("iou/view.js")) / 2
    page = browser.new_page()
    ask = """async (code) => {
      const { default: unpacked } = await import(URL.createObjectURL(new Blob([code], { type: "text/javascript" })));
      return Object.entries(await unpacked()).map(([name, value]) => `${name}: ${typeof value}`);
    }"""
    assert page.evaluate(ask, packed) == ["render: function"]
    page.close()


def test_style_sheets_go_without_their_comments(folder: Path) -> None:
    (folder / "a.css").write_text("/* one */\n.a {\n  color: red; /* two\n lines */\n}\n  /* three */\n.b > i { }\n")
    assert bundle.style_sheet("a.css") == ".a {\ncolor: red;}\n.b > i { }\n"


def test_every_module_is_taken_by_somebody() -> None:
    for_widgets = ["common/modules.js", "common/unpacking.js"]
    assert sorted([*defined(bundle.bundle(*VIEWS, SAVED, NETWORK)), *for_widgets]) == MODULES


def test_notebooks_get_nothing_of_saved_pages() -> None:
    for name in EXPLORERS:
        assert not any(module.startswith("saved/") for module in defined(bundle.view_module(load(name).view)))
        assert "rpnviz-tools" not in str(load(name)._css)


@pytest.mark.parametrize("name", [name for name in MODULES if name != "common/modules.js"])
def test_modules_are_checked_and_leave_colours_to_the_palette(name: str) -> None:
    text = bundle.read(name)
    assert text.startswith("// @ts-check")
    assert not re.search(r"#[0-9a-fA-F]{6}\b", text)


MOST_LINES = 60


def longest_function(name: str) -> int:
    """Lines of the longest function at the top of a module, as Biome formats it."""
    found = re.findall(r"^(?:export )?(?:async )?function .*?^\}", bundle.read(name), re.MULTILINE | re.DOTALL)
    return max((text.count("\n") + 1 for text in found), default=0)


@pytest.mark.parametrize("name", VIEWS)
def test_a_view_is_made_of_parts(name: str) -> None:
    assert "defineView(" in bundle.read(name)


@pytest.mark.parametrize("name", MODULES)
def test_functions_are_short(name: str) -> None:
    assert longest_function(name) <= MOST_LINES


SHEETS = {sheet for name in EXPLORERS for sheet in load(name).sheets}


def selectors(sheet: str) -> list[str]:
    """Each selector of a style sheet, those of a list apart."""
    rules = re.findall(r"([^{}]+)\{", bundle.style_sheet(sheet))
    lists = [rule.strip() for rule in rules if not rule.strip().startswith("@")]
    return [one.strip() for rule in lists for one in re.split(r",(?![^(]*\))", rule)]


@pytest.mark.parametrize("sheet", sorted(sheet for sheet in SHEETS if not sheet.startswith("common/")))
def test_a_class_of_one_view_is_styled_by_no_other(sheet: str) -> None:
    """In JupyterLab the style sheets of all views that were ever shown hold at once."""
    own = {found[1] for one in selectors(sheet) if (found := re.fullmatch(r"\.([\w-]+)(::?[\w-]+)?", one))}
    for other in sorted(SHEETS - {sheet}):
        taken = {name for one in selectors(other) for name in re.findall(r"\.([\w-]+)", one)}
        assert not own & taken, f"{other} has it as well"


@pytest.mark.parametrize("name", [name for name in MODULES if not name.startswith("saved/")])
def test_no_view_looks_for_its_own_elements_in_the_document(name: str) -> None:
    """It may stand in a shadow root: to the document all that is in there is one element, also if it has the focus."""
    asked = r"document\.(?:querySelector|getElement|activeElement(?! === document\.body))"
    assert not re.search(asked, bundle.read(name))
