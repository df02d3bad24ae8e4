"""Who may import whom, what stays unloaded, how long a function may be: the rules that keep the package readable."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import rpnviz
from rpnviz import explorers
from rpnviz.explorers import EXPLORERS, load

PACKAGE = Path(rpnviz.__file__).parent
ROOT = PACKAGE.parent
CODE = sorted(path for folder in ("rpnviz", "tools", "benchmarks") for path in (ROOT / folder).rglob("*.py"))
MOST_LINES = 30  # of code in a function
MODULES = {path.relative_to(PACKAGE).as_posix(): ast.parse(path.read_text("utf-8")) for path in PACKAGE.rglob("*.py")}

# In the order in which data flows: module or folder -> those that it may import. Of a folder with modules of its own
# here, the modules; of any other, the folder: within it all may import each other, see below for the explorers.
# All may look at their arguments by _inputs.
MAY_IMPORT: dict[str, set[str]] = {
    "__init__": {"explorers"},  # and that only when asked for, see below
    "__main__": {"_files", "exercises", "explorers", "fit", "start"},
    "_files": set(),
    "_inputs": set(),
    "boxes": set(),
    "grid": set(),
    "pictures": {"_files"},
    "backbone": {"_files", "grid"},
    "anchors": {"boxes", "grid"},
    "targets": {"boxes", "anchors"},
    "rpn": {"_files"},
    "proposals": {"boxes"},
    "roi": {"boxes", "grid", "targets"},
    "detection": {"_files", "boxes", "grid", "roi"},
}
LESSON = set(MAY_IMPORT) - {"__init__", "__main__", "_files", "_inputs"}
MAY_IMPORT |= {
    "feature_cache": {"_files", "backbone", "grid", "pictures"},
    "inspect": LESSON | {"_files"},
    "fit": {"_files", "anchors", "boxes", "pictures"},
    "train": LESSON | {"_files", "inspect"},
    "figures": {"boxes", "grid"},
    "explorers": LESSON | {"_files", "feature_cache", "fit", "inspect", "train", "figures"},  # a page is sent files
    "exercises": LESSON | {"_files", "inspect", "figures"},
    "site": {"_files", "explorers", "figures", "grid"},
    "start": {"_files", "backbone", "exercises", "grid", "pictures", "site", "train"},
}
COMPUTE = LESSON | {"feature_cache", "fit", "inspect", "train"}
VIEWS = ("figures", "explorers")  # they show results and compute none
# Slices that build upon another: all else that two explorers need is in explorers/common.
BUILDS_ON = {"precomputed": {"linked"}, "overview": {"linked"}}


def station(module: str) -> str:
    """The row of the table above: "explorers" for explorers/iou/view.py."""
    return module.split("/")[0].removesuffix(".py")


def is_for_types_only(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)


def walk(node: ast.AST) -> Iterator[ast.AST]:
    """Every node that runs, also inside functions; not what stands under `if TYPE_CHECKING`."""
    for child in ast.iter_child_nodes(node):
        if not is_for_types_only(child):
            yield child
            yield from walk(child)


def imported(tree: ast.AST, package: str = "") -> set[str]:
    """Dotted names of all modules imported in a tree; `from a import b` gives a and a.b."""
    names: set[str] = set()
    for node in walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{package}: relative import in line {node.lineno}; the package uses absolute ones"
            assert node.module
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def stations_imported(tree: ast.AST) -> set[str]:
    parts = [name.split(".") for name in imported(tree)]
    known = {station(module) for module in MODULES}
    return {part[1] for part in parts if part[0] == "rpnviz" and len(part) > 1 and part[1] in known}


def test_walk_sees_imports_in_functions_and_skips_those_for_types() -> None:
    source = (
        "import torch\n"
        "def f():\n    from rpnviz import figures\n"
        "if TYPE_CHECKING:\n    from rpnviz.pictures import Picture\n"
        "from rpnviz.boxes import box_iou"
    )
    assert imported(ast.parse(source)) == {"torch", "rpnviz", "rpnviz.figures", "rpnviz.boxes", "rpnviz.boxes.box_iou"}
    assert stations_imported(ast.parse(source)) == {"figures", "boxes"}


@pytest.mark.parametrize("module", sorted(MODULES))
def test_imports_follow_the_data(module: str) -> None:
    assert station(module) in MAY_IMPORT, f"{module} is not in the table of this test"
    extra = stations_imported(MODULES[module]) - MAY_IMPORT[station(module)] - {station(module), "_inputs"}
    assert not extra, f"{module} may not import {', '.join(sorted(extra))}"


def test_table_has_no_circle() -> None:
    order = list(MAY_IMPORT)
    for module, allowed in MAY_IMPORT.items():
        if module not in ("__init__", "__main__"):
            assert all(order.index(name) < order.index(module) for name in allowed), module


def slices_imported(tree: ast.AST) -> set[str]:
    """Folders of explorers/ from which a tree imports."""
    parts = [name.split(".") for name in imported(tree)]
    return {part[2] for part in parts if part[:2] == ["rpnviz", "explorers"] and len(part) > 2 and part[2] in FOLDERS}


FOLDERS = {module.split("/")[1] for module in MODULES if module.startswith("explorers/") and module.count("/") == 2}


@pytest.mark.parametrize("module", sorted(name for name in MODULES if name.startswith("explorers/")))
def test_an_explorer_is_its_folder_and_what_all_share(module: str) -> None:
    folder = module.split("/")[1]
    assert slices_imported(MODULES[module]) <= {folder, "common"} | BUILDS_ON.get(folder, set())


def test_every_folder_is_in_the_registry() -> None:
    assert {*EXPLORERS, "common"} == FOLDERS
    for folder, kind in EXPLORERS.items():
        assert load(folder).__name__ == kind == getattr(explorers, kind).__name__
    with pytest.raises(AttributeError, match=r"'rpnviz\.explorers' has no attribute 'NoExplorer'"):
        explorers.NoExplorer  # noqa: B018


def test_package_loads_the_explorers_only_inside_a_function() -> None:
    tree = MODULES["__init__.py"]
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    assert any("explorers" in stations_imported(function) for function in functions)
    tree = ast.Module([node for node in tree.body if node not in functions], [])
    assert "explorers" not in stations_imported(tree)


@pytest.mark.parametrize("module", sorted(name for name in MODULES if station(name) in VIEWS))
def test_views_do_not_recompute(module: str) -> None:
    """A view is handed results: it has no operations of its own and calls nobody else's behind the package's back."""
    foreign = {name for name in imported(MODULES[module]) if name.split(".")[0] == "torchvision"}
    assert not foreign, f"{module} imports {foreign}"
    ours = {
        node.name
        for name, tree in MODULES.items()
        if station(name) in COMPUTE
        for node in tree.body
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_")
    }
    again = {node.name for node in walk(MODULES[module]) if isinstance(node, ast.FunctionDef)} & ours
    assert not again, f"{module} writes {again} again"


def loaded_by(statement: str) -> set[str]:
    code = f"import sys; {statement}; print(*sorted({{name.split('.')[0] for name in sys.modules}} | set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_targets_load_neither_widgets_nor_matplotlib() -> None:
    loaded = loaded_by("import rpnviz.targets")
    assert "rpnviz.targets" in loaded
    assert not loaded & {"ipywidgets", "anywidget", "matplotlib", "IPython", "rpnviz.explorers", "rpnviz.figures"}


def test_bare_package_loads_nothing_heavy() -> None:
    loaded = loaded_by("import rpnviz; rpnviz.__version__")
    assert not loaded & {"torch", "numpy", "PIL", "ipywidgets", "anywidget", "matplotlib", "hypothesis", "cloudpickle"}
    assert not loaded_by("import rpnviz.exercises") & {"torch", "numpy", "matplotlib", "hypothesis", "cloudpickle"}


def test_untouched_exercises_and_their_worker_load_no_hypothesis() -> None:
    assert "hypothesis" not in loaded_by("from rpnviz.exercises import EXERCISES, check")
    loaded = loaded_by("import rpnviz.exercises.sandbox.worker, rpnviz.exercises.references")
    assert "cloudpickle" in loaded and not loaded & {"hypothesis", "matplotlib", "IPython", "rpnviz.exercises.tasks"}


def test_unknown_attribute_of_the_package_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="'rpnviz' has no attribute 'explode'"):
        rpnviz.explode  # noqa: B018


def lines_of_code(function: ast.FunctionDef) -> int:
    """Lines of a function's body on which something begins or ends: no docstring, no comments, no blank lines."""
    body = ast.Module(function.body[ast.get_docstring(function) is not None :], [])
    nodes = [node for node in ast.walk(body) if isinstance(node, ast.stmt | ast.expr)]
    return len({line for node in nodes for line in (node.lineno, node.end_lineno)})


def long_functions(tree: ast.AST) -> list[str]:
    """The functions above 30 lines of code. A question is one literal, its texts and moves, and may be longer."""
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    asks = [node for node in functions if node.returns is not None and ast.unparse(node.returns) == "Question"]
    return [
        f"{node.name} has {lines} lines"
        for node in functions
        if node not in asks and (lines := lines_of_code(node)) > MOST_LINES
    ]


def test_lines_of_code_are_counted_without_words_about_them() -> None:
    source = 'def f(\n    a,\n):\n    """Says.\n\n    more."""\n    # why\n\n    return [\n        a\n    ]\n'
    (function,) = ast.parse(source).body
    assert isinstance(function, ast.FunctionDef) and lines_of_code(function) == 3
    fits = "def f():\n" + "    a()\n" * MOST_LINES
    assert long_functions(ast.parse(fits)) == []
    assert long_functions(ast.parse(fits + "    a()\n")) == ["f has 31 lines"]


@pytest.mark.parametrize("path", CODE, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_functions_are_read_at_a_glance(path: Path) -> None:
    assert long_functions(ast.parse(path.read_text("utf-8"))) == []


# The one place that runs code that is not ours, in a process of its own. Learners' functions are packed elsewhere.
LEARNERS_PROCESS = "exercises/sandbox/worker.py"


@pytest.mark.parametrize("module", sorted(MODULES))
def test_nothing_is_unpickled_or_evaluated(module: str) -> None:
    tree = MODULES[module]
    assert not imported(tree) & {"pickle", "dill", "joblib", "shelve"}
    assert "cloudpickle" not in imported(tree) or station(module) == "exercises"
    calls = [node for node in walk(tree) if isinstance(node, ast.Call)]
    for call in calls:
        name = ast.unparse(call.func)
        if module != LEARNERS_PROCESS:
            forbidden = ("eval", "exec", "os.system", "cloudpickle.load", "cloudpickle.loads")
            assert name not in forbidden, f"{module}:{call.lineno} calls {name}"
        if name == "torch.load":
            assert any(k.arg == "weights_only" and ast.unparse(k.value) == "True" for k in call.keywords), module


@pytest.mark.parametrize("sheet", [path.relative_to(PACKAGE).as_posix() for path in PACKAGE.glob("explorers/**/*.css")])
def test_no_sheet_looks_into_elements_on_the_screen(sheet: str) -> None:
    """`:has()`: with it the browser restyles the whole page at each step, a third of the pictures a second are lost."""
    paper_or_comment = r"^@media print \{.*?^\}|/\*.*?\*/"
    assert ":has(" not in re.sub(
        paper_or_comment, "", (PACKAGE / sheet).read_text("utf-8"), flags=re.DOTALL | re.MULTILINE
    )
