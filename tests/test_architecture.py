"""Who may import whom, what stays unloaded, how long a module may be: the rules that keep the package readable."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import rpnviz

PACKAGE = Path(rpnviz.__file__).parent
MODULES = {path.relative_to(PACKAGE).as_posix(): ast.parse(path.read_text("utf-8")) for path in PACKAGE.rglob("*.py")}

# In the order in which data flows: module -> the modules it may import. Those with an underscore only deal with files.
MAY_IMPORT: dict[str, set[str]] = {
    "__init__": {"explorers"},  # and that only when asked for, see below
    "__main__": {"_whole_files", "exercises"},
    "_data": set(),
    "_image_files": set(),
    "_whole_files": set(),
    "boxes": set(),
    "grid": set(),
    "pictures": {"_data", "_image_files"},
    "backbone": {"_data", "grid"},
    "cache": {"_whole_files", "backbone", "grid", "pictures"},
    "anchors": {"grid"},
    "targets": {"boxes", "anchors"},
    "rpn": {"_data"},
    "ledger": {"rpn"},
    "nms": {"boxes"},
    "proposals": {"boxes"},
    "recall": {"_data", "boxes"},
    "funnel": {"boxes", "proposals", "recall"},
    "roi_sampling": {"boxes", "targets"},
    "roi": {"boxes", "grid", "roi_sampling"},
    "detection": {"_data", "boxes", "grid", "roi"},
    "replay": {"_data"},
}
MAY_IMPORT |= {  # the way from picture to feature map, looked at layer by layer
    "layers": {"backbone", "grid", "pictures", "rpn"},
    "reach": {"backbone", "grid", "layers", "pictures", "rpn"},
    "channels": {"boxes", "grid", "pictures"},
}
COMPUTE = set(MAY_IMPORT) - {"__init__", "_data", "_image_files", "_whole_files"}
MAY_IMPORT |= {
    "augment": COMPUTE,
    "training": COMPUTE | {"augment"},
    "head_training": COMPUTE | {"training"},
    "draw": {"boxes", "grid"},
    "stills": {"draw", "boxes", "grid"},
    "stills_loss": {"draw"},
    "stills_layers": {"draw", "stills", "grid"},
    "stills_training": {"draw"},
    "stills_proposals": {"draw"},
    "stills_roi": {"draw", "stills_proposals"},
    "explorers": COMPUTE
    | {"training", "head_training"}
    | {"draw", "stills", "stills_loss", "stills_layers", "stills_training", "stills_roi", "stills_proposals"}
    | {"explorers"},
    "exercises": COMPUTE | {"_whole_files", "draw", "exercises"},
}
VIEWS = (  # they show results and compute none
    *("draw", "stills", "stills_loss", "stills_layers", "stills_training", "stills_roi", "stills_proposals"),
    "explorers",
)


def station(module: str) -> str:
    """The row of the table above: "explorers" for explorers/iou.py."""
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
        "def f():\n    from rpnviz import draw\n"
        "if TYPE_CHECKING:\n    from rpnviz.pictures import Picture\n"
        "from rpnviz.boxes import box_iou"
    )
    assert imported(ast.parse(source)) == {"torch", "rpnviz", "rpnviz.draw", "rpnviz.boxes", "rpnviz.boxes.box_iou"}
    assert stations_imported(ast.parse(source)) == {"draw", "boxes"}


@pytest.mark.parametrize("module", sorted(MODULES))
def test_imports_follow_the_data(module: str) -> None:
    assert station(module) in MAY_IMPORT, f"{module} is not in the table of this test"
    extra = stations_imported(MODULES[module]) - MAY_IMPORT[station(module)]
    assert not extra, f"{module} may not import {', '.join(sorted(extra))}"


def test_table_has_no_circle() -> None:
    order = list(MAY_IMPORT)
    for module, allowed in MAY_IMPORT.items():
        if module not in ("__init__", "__main__", "explorers", "exercises"):
            assert all(order.index(name) < order.index(module) for name in allowed), module


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
    assert not loaded & {"ipywidgets", "anywidget", "matplotlib", "IPython", "rpnviz.explorers", "rpnviz.draw"}


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


@pytest.mark.parametrize("module", sorted(MODULES))
def test_module_is_read_in_one_sitting(module: str) -> None:
    lines = len((PACKAGE / module).read_text("utf-8").splitlines())
    assert lines <= 250, f"{module} has {lines} lines"


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


@pytest.mark.parametrize("sheet", [path.name for path in PACKAGE.rglob("*.css")])
def test_no_sheet_looks_into_elements_on_the_screen(sheet: str) -> None:
    """`:has()`: with it the browser restyles the whole page at each step, a third of the pictures a second are lost."""
    (path,) = PACKAGE.rglob(sheet)
    paper_or_comment = r"^@media print \{.*?^\}|/\*.*?\*/"
    assert ":has(" not in re.sub(paper_or_comment, "", path.read_text("utf-8"), flags=re.DOTALL | re.MULTILINE)
