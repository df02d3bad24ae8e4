"""environment.yml names what pyproject.toml names, with the same lower bounds."""

from __future__ import annotations

import itertools
import tomllib
from pathlib import Path
from typing import Any

import yaml
from packaging.requirements import Requirement

ROOT = Path(__file__).parent.parent
CONDA_NAMES = {"torch": "pytorch"}  # the others are called the same on conda-forge

PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
ENVIRONMENT: dict[str, Any] = yaml.safe_load((ROOT / "environment.yml").read_text("utf-8"))


def bounds(requirements: list[str]) -> dict[str, str]:
    parsed = map(Requirement, requirements)
    return {CONDA_NAMES.get(requirement.name, requirement.name): str(requirement.specifier) for requirement in parsed}


def test_conda_and_pip_ask_for_the_same() -> None:
    conda = bounds([line for line in ENVIRONMENT["dependencies"] if isinstance(line, str)])
    assert conda.pop("python") == PROJECT["requires-python"]
    assert conda.pop("pip") == ""
    assert conda == bounds(PROJECT["dependencies"])


def test_conda_takes_only_this_package_from_pip() -> None:
    from_pip = [line for line in ENVIRONMENT["dependencies"] if not isinstance(line, str)]
    assert from_pip == [{"pip": ["-e ."]}]
    assert ENVIRONMENT["channels"] == ["conda-forge"]


def test_every_requirement_has_a_lower_bound() -> None:
    extras = PROJECT["optional-dependencies"].values()
    for line in itertools.chain(PROJECT["dependencies"], *extras):
        assert {one.operator for one in Requirement(line).specifier} & {">=", "=="}, line


def test_names_on_conda_are_a_known_mapping() -> None:
    assert set(CONDA_NAMES) <= {Requirement(line).name for line in PROJECT["dependencies"]}
