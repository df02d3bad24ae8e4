"""What deploys a class: its configurations execute, its lock file is what pyproject.toml asks for, its files exist."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
import yaml
from jupyter_server.services.config.manager import ConfigManager
from jupyterlab.commands import get_app_dir
from packaging.requirements import Requirement
from packaging.version import Version

from benchmarks import memory
from rpnviz.start.folder import FIRST

CONFIG = "JUPYTER_CONFIG_PATH"
ROOT = Path(__file__).parent.parent.parent
DEPLOY = ROOT / "deploy"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
CONTAINERFILE = (DEPLOY / "Containerfile").read_text("utf-8")
LOCK = (DEPLOY / "requirements.txt").read_text("utf-8")
LOCKED = {name: Version(version) for name, version in re.findall(r"^([\w.-]+)==(\S+) \\$", LOCK, re.MULTILINE)}
FROM_ITS_INDEX = {
    name.lower(): Version(of) for name, of in re.findall(r"^ARG (TORCH\w*)=([\d.]+)$", CONTAINERFILE, re.M)
}
VALUES: dict[str, Any] = yaml.safe_load((DEPLOY / "values.yaml").read_text("utf-8"))


@pytest.fixture(autouse=True)
def password(monkeypatch: pytest.MonkeyPatch) -> None:
    """The class's password, which the hub takes from its environment."""
    monkeypatch.setenv("RPNVIZ_CLASS_PASSWORD", "only for a test")


def configured(name: str) -> dict[str, dict[str, Any]]:
    """What a configuration sets, by class and trait; JupyterHub itself need not be there."""

    class Section(dict[str, Any]):
        __setattr__ = dict.__setitem__
        __getattr__ = dict.__getitem__

    class Config(defaultdict[str, Section]):
        __getattr__ = defaultdict.__getitem__

    c = Config(Section)
    path = DEPLOY / name
    exec(compile(path.read_text("utf-8"), path, "exec"), {"get_config": lambda: c, "__file__": str(path)})
    return {section: dict(traits) for section, traits in c.items()}


def test_hub_limits_each_learner_and_opens_the_first_notebook() -> None:
    found = configured("jupyterhub_config.py")
    assert found["JupyterHub"]["spawner_class"] == "systemd" and found["SystemdSpawner"]["dynamic_users"]
    assert found["SharedPasswordAuthenticator"]["user_password"] == "only for a test"
    spawner = found["Spawner"]
    assert (spawner["mem_limit"], spawner["cpu_limit"]) == ("3G", 1.0)
    assert spawner["default_url"] == f"/lab/tree/rpnviz/{FIRST}"
    assert Path(spawner["environment"][CONFIG], "jupyter_server_config.py").is_file()
    assert all(isinstance(value, str) for value in spawner["environment"].values()), "an environment is text only"
    assert memory.HUB.items() <= spawner["environment"].items(), "the benchmark measures the hub's thresholds"


def test_hub_has_no_password_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RPNVIZ_CLASS_PASSWORD", raising=False)
    with pytest.raises(KeyError, match="RPNVIZ_CLASS_PASSWORD"):
        configured("jupyterhub_config.py")


def test_culler_may_do_no_more_than_it_must() -> None:
    found = configured("jupyterhub_config.py")["JupyterHub"]
    (service,), (role,) = found["services"], found["load_roles"]
    assert role["services"] == [service["name"]]
    assert set(role["scopes"]) == {"list:users", "read:users:activity", "read:servers", "delete:servers"}


def test_server_puts_the_notebooks_into_her_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    found = configured("jupyter_server_config.py")
    lessons = {path.name for path in (ROOT / "notebooks").glob("*.ipynb")}
    assert {path.name for path in (tmp_path / "rpnviz").glob("*.ipynb")} == lessons
    changed = tmp_path / "rpnviz" / FIRST
    changed.write_text("hers")
    configured("jupyter_server_config.py")
    assert changed.read_text() == "hers"
    assert set(found) == {"MappingKernelManager"}


def test_jupyter_server_itself_reads_the_configuration(tmp_path: Path) -> None:
    """The real loader, in a process of its own; it refuses a trait that its class does not have."""
    code = (
        "from jupyter_server.serverapp import ServerApp; from jupyter_server.services.kernels.kernelmanager import *;"
        "app = ServerApp(); app.load_config_file(); manager = AsyncMappingKernelManager(config=app.config);"
        "print(manager.cull_idle_timeout)"
    )
    environment = {"HOME": str(tmp_path), "JUPYTER_CONFIG_PATH": str(DEPLOY), "PYTHONPATH": str(ROOT), "PATH": ""}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, cwd=tmp_path)
    assert done.stdout.split() == ["3600"], done.stderr[-2000:]
    assert (tmp_path / "rpnviz" / FIRST).is_file()


def test_lab_itself_reads_that_a_closed_notebook_gives_its_memory_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """The overrides lie where Lab looks, and name a setting that it has."""
    monkeypatch.setenv("JUPYTER_CONFIG_PATH", configured("jupyterhub_config.py")["Spawner"]["environment"][CONFIG])
    manager = ConfigManager(config_dir_name="labconfig")
    overrides = manager.get("default_setting_overrides")  # type: ignore[no-untyped-call]
    assert overrides == {"@jupyterlab/notebook-extension:tracker": {"kernelShutdown": True}}
    schemas = Path(get_app_dir()) / "schemas"
    schema = json.loads((schemas / "@jupyterlab/notebook-extension/tracker.json").read_text("utf-8"))
    assert schema["properties"]["kernelShutdown"]["type"] == "boolean"


def test_lock_holds_what_is_asked_for_and_pytorch_comes_from_its_index() -> None:
    asked = [*PROJECT["project"]["dependencies"], *PROJECT["project"]["optional-dependencies"]["class"]]
    for line in [*asked, *PROJECT["build-system"]["requires"]]:
        requirement = Requirement(line)
        found = (FROM_ITS_INDEX if requirement.name in FROM_ITS_INDEX else LOCKED).get(requirement.name)
        assert found and found in requirement.specifier, f"{line}: {found}"
    assert set(FROM_ITS_INDEX) == {"torch", "torchvision"} and not set(FROM_ITS_INDEX) & set(LOCKED)
    assert not [name for name in LOCKED if re.match("nvidia|cuda|triton", name)]


def test_docs_name_the_same_pytorch() -> None:
    text = (ROOT / "docs" / "courses.md").read_text("utf-8")
    told = {name: Version(version) for name, version in re.findall(r"(torch\w*)==([\d.]+)\+cpu ?", text)}
    assert told == FROM_ITS_INDEX


def test_lock_names_what_pytorch_needs() -> None:
    needed = {
        Requirement(line).name for line in (DEPLOY / "requirements.in").read_text().splitlines() if line[0] != "#"
    }
    assert needed <= set(LOCKED)


def test_every_version_of_the_lock_has_hashes_and_no_line_another_source() -> None:
    blocks = re.split(r"^(?=[a-z])", re.sub(r"^#.*\n", "", LOCK, flags=re.MULTILINE), flags=re.MULTILINE)[1:]
    assert len(blocks) == len(LOCKED) > 100
    for block in blocks:
        assert re.fullmatch(r"[\w.-]+==\S+ \\\n(    --hash=sha256:[0-9a-f]{64}( \\)?\n)+", block), block[:80]


def test_image_is_made_of_files_that_exist_and_runs_as_nobody_special() -> None:
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", CONTAINERFILE, re.MULTILINE)
    assert len(copied) == 7
    for name in " ".join(copied).split():
        assert (ROOT / name).exists(), name
    last_stage = CONTAINERFILE.split("\nFROM ")[-1]
    assert re.findall(r"^USER (\S+)$", last_stage, re.MULTILINE) == ["1000"]
    assert VALUES["singleuser"]["uid"] == 1000
    assert FIRST in last_stage and "--require-hashes" in CONTAINERFILE


# The keys of the chart that are used, and their types, as its schema has them (values.schema.yaml; it takes no others).
KEYS = {
    "hub": {"config": dict},
    "singleuser": {
        "image": {"name": str, "tag": str},
        "uid": int,
        "fsGid": int,
        "cmd": str,
        "defaultUrl": str,
        "startTimeout": int,
        "memory": {"guarantee": str, "limit": str},
        "cpu": {"guarantee": (int, float), "limit": (int, float)},
        "extraEnv": dict,
        "storage": {"capacity": str},
    },
    "cull": {"enabled": bool, "timeout": int},
}


def test_values_are_keys_of_the_chart() -> None:
    def look(values: Any, keys: Any, place: str) -> None:
        if not isinstance(keys, dict):
            assert isinstance(values, keys), place
            return
        assert set(values) == set(keys), place
        for name, value in values.items():
            look(value, keys[name], f"{place}.{name}")

    look(VALUES, KEYS, "values")
    environment = VALUES["singleuser"]["extraEnv"]
    assert all(isinstance(value, str) for value in environment.values()), "Kubernetes takes text only"


def test_one_machine_and_kubernetes_agree() -> None:
    spawner = configured("jupyterhub_config.py")["Spawner"]
    learner = VALUES["singleuser"]
    assert learner["memory"]["limit"] == spawner["mem_limit"]
    assert learner["cpu"]["limit"] == spawner["cpu_limit"]
    assert learner["defaultUrl"] == spawner["default_url"]
    assert learner["extraEnv"].items() <= spawner["environment"].items()
