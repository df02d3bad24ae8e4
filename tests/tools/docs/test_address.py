"""Badges and Colab's cell follow from the address in pyproject.toml, and from nothing else."""

from __future__ import annotations

import shutil
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from nbformat import v4

from tools.docs import address
from tools.docs.address import ROOT

URL = "https://github.com/someone/rpnviz"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A project with the real README, one notebook and no address."""
    shutil.copy(ROOT / "README.md", tmp_path)
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "rpnviz"\n[project.urls]\n')
    (tmp_path / "notebooks").mkdir()
    cells = [v4.new_markdown_cell("# A question?"), v4.new_code_cell("1 + 1")]
    nbformat.write(v4.new_notebook(cells=cells), tmp_path / "notebooks" / "00_nine_anchors.ipynb")
    return tmp_path


def give(root: Path, url: str) -> None:
    (root / "pyproject.toml").write_text(f'[project]\nname = "rpnviz"\n[project.urls]\nRepository = "{url}"\n')


def sources(root: Path) -> list[str]:
    return [cell.source for cell in nbformat.read(root / "notebooks" / "00_nine_anchors.ipynb", as_version=4).cells]


def test_what_is_committed_follows_from_pyproject() -> None:
    assert address.main(["--check"]) == 0


def test_without_an_address_nothing_is_shown(root: Path) -> None:
    before = (root / "README.md").read_text("utf-8")
    assert address.main([], root) == 0
    assert (root / "README.md").read_text("utf-8") == before
    assert "mybinder" not in before and sources(root) == ["# A question?", "1 + 1"]


def test_an_address_is_shown_and_taken_back(root: Path) -> None:
    before = (root / "README.md").read_text("utf-8")
    give(root, URL)
    assert address.main(["--check"], root) == 1
    assert address.main([], root) == 0
    assert address.main(["--check"], root) == 0
    text = (root / "README.md").read_text("utf-8")
    assert "https://mybinder.org/v2/gh/someone/rpnviz/HEAD?urlpath=lab/tree/notebooks/00_nine_anchors.ipynb" in text
    assert "https://colab.research.google.com/github/someone/rpnviz/blob/HEAD/notebooks/00_nine_anchors.ipynb" in text
    assert f'"rpnviz @ git+{URL}"' in sources(root)[1]
    address.main([], root)
    assert len(sources(root)) == 3, "written twice"
    give(root, "")
    address.main([], root)
    assert (root / "README.md").read_text("utf-8") == before and len(sources(root)) == 2


def test_the_notebook_that_is_linked_exists() -> None:
    assert (ROOT / "notebooks" / "00_nine_anchors.ipynb").is_file()


@pytest.mark.parametrize("missing", [False, True])
def test_the_cell_installs_only_what_is_missing(missing: bool) -> None:
    """Asked with a %pip that only says what it was asked for: a real one would fetch the address."""
    prepare = "from IPython import get_ipython\nget_ipython().register_magic_function(print, magic_name='pip')"
    hide = "import sys; sys.modules['rpnviz'] = None" if missing else ""
    notebook = v4.new_notebook(cells=[v4.new_code_cell(f"{prepare}\n{hide}")])
    address.with_install_cell(notebook, URL)
    NotebookClient(notebook, kernel_name="python3").execute()
    said = "".join(output.get("text", "") for output in notebook.cells[1].outputs)
    assert said == (f'install --quiet "rpnviz @ git+{URL}"\n' if missing else "")


@pytest.mark.parametrize("url", ["http://github.com/a/b", "https://example.org/a/b", "https://github.com/a", "a/b"])
def test_another_address_is_refused_by_name(root: Path, url: str, capsys: pytest.CaptureFixture[str]) -> None:
    give(root, url)
    with pytest.raises(SystemExit):
        address.main([], root)
    assert f"project.urls.Repository must be https://github.com/OWNER/NAME; got {url!r}" in capsys.readouterr().err


def test_a_readme_without_a_place_is_named(root: Path) -> None:
    (root / "README.md").write_text("# no place\n")
    with pytest.raises(ValueError, match=r"README\.md must have one place for badges"):
        address.written(root)
