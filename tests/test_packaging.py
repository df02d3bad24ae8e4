"""The wheel, built by way of the sdist, holds the package, its static files, pictures and weights, and nothing else.

It is installed in an empty environment and asked from another folder, so that nothing of the checkout can help.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import tomllib
import zipfile
from email.parser import Parser
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from playwright.sync_api import Browser, expect

from rpnviz.explorers import EXPLORERS
from tests.browser.test_exercise_cells import SOLUTION
from tools.browser.lab import jupyterlab, new_page, open_notebook

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
DATA = ("pictures", "replay", "weights")
NOTEBOOKS = sorted(path.name for path in (ROOT / "notebooks").glob("*.ipynb"))


def run(*command: str | Path, cwd: Path) -> str:
    done = subprocess.run([str(part) for part in command], cwd=cwd, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    return done.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the sdist and the wheel that was made from it; made offline, with what is installed."""
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, ROOT, cwd=folder)
    return folder


@pytest.fixture(scope="module")
def wheel(built: Path) -> Path:
    (found,) = built.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def empty_python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of an environment in which nothing is installed but the wheel."""
    return install(wheel, tmp_path_factory.mktemp("empty"))


def install(wheel: Path, folder: Path) -> Path:
    """Make an environment in which nothing is installed but the wheel; return its interpreter."""
    run(sys.executable, "-m", "venv", "--without-pip", folder / "venv", cwd=folder)
    python = folder / "venv" / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    run(
        sys.executable,
        "-m",
        "pip",
        "--python",
        python,
        "install",
        "--quiet",
        "--no-deps",
        "--no-index",
        wheel,
        cwd=folder,
    )
    return python


def ask(python: Path, code: str, folder: Path) -> Any:
    """What an expression is, in a process that sees neither the checkout nor the user's settings."""
    return json.loads(run(python, "-I", "-c", code, cwd=folder))


def in_checkout() -> set[str]:
    """What belongs into the wheel, by the names it has there."""
    package = {path.relative_to(ROOT) for path in (ROOT / "rpnviz").rglob("*") if "__pycache__" not in path.parts}
    data = {path.relative_to(ROOT) for kind in DATA for path in (ROOT / "data" / kind).rglob("*")}
    notebooks = {(Path("rpnviz/notebooks") / name).as_posix() for name in NOTEBOOKS}
    hidden = {path for path in package | data if any(part.startswith(".") for part in path.parts)}
    kept = {path for path in (package | data) - hidden if (ROOT / path).is_file()}
    return {(Path("rpnviz") / path if path.parts[0] == "data" else path).as_posix() for path in kept} | notebooks


def test_wheel_holds_what_belongs_and_nothing_else(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    content = {name for name in names if ".dist-info/" not in name}
    assert content == in_checkout()
    kinds = {Path(name).suffix for name in content}
    assert kinds <= {".py", ".js", ".css", ".typed", ".json", ".webp", ".safetensors", ".md", ".ipynb", ".svg"}, kinds


def test_wheel_has_static_files_pictures_and_weights(wheel: Path) -> None:
    names = [Path(name) for name in zipfile.ZipFile(wheel).namelist()]
    for folder, suffix in [
        ("rpnviz/explorers/linked", ".js"),
        ("rpnviz/explorers/common", ".js"),
        ("rpnviz/explorers/common", ".css"),
        ("rpnviz/data/pictures", ".webp"),
        ("rpnviz/data/pictures", ".json"),
        ("rpnviz/data/weights", ".safetensors"),
    ]:
        assert any(name.suffix == suffix and name.parent == Path(folder) for name in names), f"no *{suffix} in {folder}"


def test_wheel_is_no_large_download(wheel: Path) -> None:
    assert wheel.stat().st_size <= 40_000_000


def test_wheel_says_what_pyproject_says(wheel: Path) -> None:
    archive = zipfile.ZipFile(wheel)
    (metadata,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
    said = Parser().parsestr(archive.read(metadata).decode())
    assert (said["Name"], said["Requires-Python"]) == (PROJECT["name"], PROJECT["requires-python"])
    asked = {Requirement(line) for line in said.get_all("Requires-Dist", []) if "extra ==" not in line}
    assert asked == {Requirement(line) for line in PROJECT["dependencies"]}
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in archive.namelist())


def test_sdist_holds_what_is_needed_to_build_and_test(built: Path) -> None:
    (sdist,) = built.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        names = {name.split("/", 1)[-1] for name in archive.getnames()}
    assert {"pyproject.toml", "README.md", "LICENSE", "Makefile", "tests/test_packaging.py"} <= names
    assert not {name for name in names if name.startswith((".venv", "runs/", "dist/", ".git/"))}


def test_installed_package_finds_its_data_without_any_dependency(empty_python: Path, tmp_path: Path) -> None:
    code = (
        "import json, rpnviz; from rpnviz._files.data import data_folder; folder = data_folder();"
        "print(json.dumps([rpnviz.__file__, rpnviz.__version__, str(folder),"
        " sorted(p.relative_to(folder).as_posix() for p in folder.rglob('*') if p.is_file())]))"
    )
    file, version, folder, found = ask(empty_python, code, tmp_path)
    environment = empty_python.parent.parent.resolve()
    assert Path(file).resolve().is_relative_to(environment) and Path(folder).resolve().is_relative_to(environment)
    assert version in next(iter(empty_python.parent.parent.rglob("rpnviz-*.dist-info"))).name
    assert set(found) == {
        name.removeprefix("rpnviz/data/") for name in in_checkout() if name.startswith("rpnviz/data/")
    }


def test_environment_is_empty_but_for_the_wheel(empty_python: Path, tmp_path: Path) -> None:
    code = "import json, importlib.metadata as m; print(json.dumps([d.name for d in m.distributions()]))"
    assert ask(empty_python, code, tmp_path) == ["rpnviz"]


# The dependencies are borrowed from this environment: appended to sys.path its .pth files are not read, so that an
# editable install does not lead back to the checkout.
BORROW = f"import json, sys; sys.path.append({sysconfig.get_path('purelib')!r}); import rpnviz;"


def test_installed_package_loads_pictures_and_weights(empty_python: Path, tmp_path: Path) -> None:
    code = (
        BORROW
        + "from rpnviz.pictures import Picture; from rpnviz.backbone import Backbone; from rpnviz.rpn import RPNHead;"
        "sizes = {name: Picture.load(name).image_size for name in Picture.bundled()};"
        "Backbone.load('mini'); RPNHead.load('mini'); print(json.dumps([rpnviz.__file__, sizes]))"
    )
    file, sizes = ask(empty_python, code, tmp_path)
    assert Path(file).resolve().is_relative_to(empty_python.parent.parent.resolve())
    assert sizes == {path.stem: [600, 1000] for path in (ROOT / "data/pictures").glob("*.json")}


def test_installed_package_joins_the_page_code_of_every_explorer(empty_python: Path, tmp_path: Path) -> None:
    code = BORROW + (
        "from rpnviz.explorers import EXPLORERS, load; from rpnviz.explorers.common.bundle import bundle;"
        "lengths = [len(load(name)._esm) for name in EXPLORERS];"
        "print(json.dumps([rpnviz.__file__, lengths, len(bundle('saved/open.js'))]))"
    )
    file, lengths, saved = ask(empty_python, code, tmp_path)
    assert Path(file).resolve().is_relative_to(empty_python.parent.parent.resolve())
    assert len(lengths) == len(EXPLORERS) and min(*lengths, saved) > 10_000


def test_installed_package_has_what_the_site_is_made_of(empty_python: Path, tmp_path: Path) -> None:
    """The command itself is tested in tests/start/test_site.py; here is what an installed package has elsewhere."""
    code = BORROW + (
        "from rpnviz.site import pages; from rpnviz.start.site import site_folder;"
        "index = [pages._opening(pages._readme()), pages._section(pages._readme(), 'Start')];"
        "print(json.dumps([rpnviz.__file__, index, [p.name for p in pages.lessons()], str(site_folder())]))"
    )
    file, (opening, start), lessons, folder = ask(empty_python, code, tmp_path)
    assert Path(file).resolve().is_relative_to(empty_python.parent.parent.resolve())
    assert opening.startswith("Move the region proposal network") and "rpnviz site" in start
    assert lessons == [name for name in NOTEBOOKS if name[0].isdigit()]
    assert not Path(folder).is_relative_to(empty_python.parent.parent)


def test_data_of_the_checkout_does_not_stand_in(tmp_path: Path) -> None:
    """A wheel without its data would be noticed: a copy of the package alone finds none."""
    shutil.copytree(ROOT / "rpnviz", tmp_path / "lib" / "rpnviz")
    code = (
        f"import json, sys; sys.path.insert(0, {str(tmp_path / 'lib')!r}); from rpnviz._files.data import data_folder;"
        "print(json.dumps(data_folder().exists()))"
    )
    assert ask(Path(sys.executable), code, tmp_path) is False


def test_rpnviz_lab_in_an_empty_home(wheel: Path, browser: Browser, tmp_path: Path) -> None:
    """`pip install` of the wheel and `rpnviz lab`: the window moves, and a check passes."""
    python = install(wheel, tmp_path)
    libraries = Path(run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=tmp_path).strip())
    (libraries / "borrowed.pth").write_text(sysconfig.get_path("purelib"))
    folder = tmp_path / "Übung 1, 目" / "rpnviz"
    borrowed = {
        "HOME": str(tmp_path / "home"),
        "JUPYTERLAB_DIR": str(Path(sys.prefix, "share/jupyter/lab")),
        "JUPYTER_PATH": str(Path(sys.prefix, "share/jupyter")),
        "JUPYTER_CONFIG_PATH": str(Path(sys.prefix, "etc/jupyter")),
    }
    with jupyterlab(folder, [python.parent / "rpnviz", "lab", folder], **borrowed) as lab:
        assert sorted(path.name for path in folder.glob("*.ipynb")) == NOTEBOOKS
        opened = open_notebook(new_page(browser), lab, "00_nine_anchors.ipynb")
        opened.run_above(3)  # the first view is there
        assert Path(opened.ask("rpnviz.__file__")).is_relative_to(libraries)
        view = opened.page.locator(".rpnviz-linked").first
        cell = view.get_attribute("data-cell") or ""
        view.locator(".rpnviz-map").press("ArrowRight")
        expect(view).not_to_have_attribute("data-cell", cell)
        opened.run(f"import torch\nfrom rpnviz.exercises import check\n{SOLUTION}\ncheck(my_box_iou)")
        expect(opened.page.locator(".jp-OutputArea-output").last).to_contain_text("Right")
        assert opened.collect() == []
        opened.close()
