"""What runs elsewhere: actions that nobody can move to other code, and no more rights than a job needs."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.specifiers import SpecifierSet

ROOT = Path(__file__).parent.parent
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.y*ml"))


@pytest.fixture(params=WORKFLOWS, ids=lambda path: path.name)
def workflow(request: pytest.FixtureRequest) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(request.param.read_text("utf-8"))
    return found


def test_every_action_is_named_by_its_hash(workflow: dict[str, Any]) -> None:
    used = [step["uses"] for job in workflow["jobs"].values() for step in job["steps"] if "uses" in step]
    assert used
    assert [name for name in used if not re.fullmatch(r"actions/[\w-]+@[0-9a-f]{40}", name)] == []


def test_a_job_may_write_only_what_it_publishes(workflow: dict[str, Any]) -> None:
    assert workflow["permissions"] == {"contents": "read"}
    writes = {name: set(job["permissions"]) for name, job in workflow["jobs"].items() if "permissions" in job}
    assert writes == {"publish": {"pages", "id-token"}}


def test_the_lowest_versions_are_tried_with_the_lowest_python(workflow: dict[str, Any]) -> None:
    asked = SpecifierSet(tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["requires-python"])
    (lowest,) = [
        one["python"]
        for one in workflow["jobs"]["versions"]["strategy"]["matrix"]["include"]
        if one["resolution"] == "lowest-direct"
    ]
    assert str(asked) == f">={lowest}"
