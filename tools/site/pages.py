"""Write the sources of the site and let Sphinx make pages of them."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import nbformat
from sphinx.cmd.build import build_main

from tools.run_notebooks import chosen
from tools.site import scripts
from tools.site.executed import KEPT, ROOT, Executed, as_committed, run
from tools.site.outputs import as_pages_need
from tools.site.policy import guard

HERE = Path(__file__).parent
INDEX = """---
hide-toc: true
---

# {question}

{explorer}

## The series

{map}

## Run it yourself

{start}

## What this is

{what}

```{{toctree}}
:hidden:

{names}
```
"""


def build(target: Path, live: list[str]) -> None:
    """Build the site.

    Args:
        target: the folder; what was in it is removed.
        live: how the names of those notebooks start that are executed and whose explorers move, the first one among
            them; the others are shown as they were committed. Empty for all.

    Raises:
        RuntimeError: if a notebook goes wrong, or Sphinx finds something to warn of, a dead link for one.
    """
    moving = chosen(live)
    executed = {path: run(path) if path in moving else as_committed(path) for path in chosen([])}
    source = KEPT / "source"
    shutil.rmtree(source, ignore_errors=True)
    static = source / "static"
    (static / "data").mkdir(parents=True)
    scripts.write(static)
    for path, one in executed.items():
        notebook = as_pages_need(one, static)
        nbformat.write(notebook, source / path.name)  # type: ignore[no-untyped-call]
        for file in one.files.glob("*.js"):
            shutil.copy(file, static / "data")
    (source / "index.md").write_text(_index(list(executed.values())[0], source, list(executed)), encoding="utf-8")
    shutil.rmtree(target, ignore_errors=True)
    arguments = ["-q", "-W", "--keep-going", "-E", "-c", str(HERE), "-d", str(source / "doctrees")]
    arguments += ["-D", f"html_static_path={static}"]
    if build_main([*arguments, str(source), str(target)]):
        raise RuntimeError("Sphinx could not build the site; its words are above")
    guard(target)


def _index(first: Executed, source: Path, paths: list[Path]) -> str:
    readme = (ROOT / "README.md").read_text("utf-8")
    page = nbformat.read(source / paths[0].name, as_version=4)  # type: ignore[no-untyped-call]
    explorer = next(html for cell in page.cells for html in _html(cell) if "rpnviz-mount" in html)
    return INDEX.format(
        question=re.sub(r"^# (\d\d · )?", "", page.cells[0].source.splitlines()[0]),
        explorer=explorer,
        map="\n".join(line for line in page.cells[-1].source.splitlines() if line.startswith("|")),
        start=_section(readme, "Start"),
        what=readme.split("\n\n", 3)[2],
        names="\n".join(path.stem for path in paths),
    )


def _html(cell: nbformat.NotebookNode) -> list[str]:
    return [output["data"]["text/html"] for output in cell.get("outputs", []) if "text/html" in output.get("data", {})]


def _section(markdown: str, heading: str) -> str:
    found = re.search(rf"^## {heading}\n(.*?)^## ", markdown, re.DOTALL | re.MULTILINE)
    if not found:
        raise ValueError(f"README.md has no section {heading!r}")
    return found[1].strip()
