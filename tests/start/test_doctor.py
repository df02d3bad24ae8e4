"""What `rpnviz doctor` finds, here and on machines that lack something."""

from __future__ import annotations

import re
import webbrowser
from importlib.metadata import PackageNotFoundError
from types import SimpleNamespace
from typing import Any

import pytest
import torch

import rpnviz
from rpnviz.start import doctor
from rpnviz.start.doctor import GIB, Finding, examine, report


@pytest.fixture(scope="module")
def here() -> dict[str, Finding]:
    return {finding.name: finding for finding in examine()}


def test_it_says_what_is_installed(here: dict[str, Finding]) -> None:
    assert here["rpnviz"].text.startswith(rpnviz.__version__)
    assert here["torch"].text == torch.__version__.split("+")[0]
    assert "ruff" not in here  # of an extra
    assert not here["torch"].trouble and not here["ipykernel"].trouble


def test_it_says_what_the_machine_can_do(here: dict[str, Finding]) -> None:
    assert f"PyTorch {torch.__version__} computes on" in here["CPU"].text
    assert torch.backends.cpu.get_cpu_capability() in here["CPU"].text
    assert here["Numbers"].text.startswith(("bfloat16", "float32"))
    assert here["Speed"].text.endswith("s for the feature map of a picture by “mini”")
    assert re.fullmatch(
        r"for functions: files .*; .*network.*; .*signals .*other processes \(.+\)", here["Exercises"].text
    )
    assert not any(here[name].text == "unknown" for name in doctor.LOOKS)


def test_a_missing_package_and_a_wrong_version_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def version(name: str) -> str:
        if name == "anywidget":
            raise PackageNotFoundError(name)
        return {"ipykernel": "7.4.0"}.get(name, "1000")

    monkeypatch.setattr(doctor, "version", version)
    found = {finding.name: finding for finding in doctor._packages()}
    assert found["anywidget"].text == "is missing" and "pip install 'anywidget>=" in found["anywidget"].trouble
    assert found["ipykernel"].trouble.startswith("rpnviz takes <7,>=6.29: pip install 'ipykernel<7,>=6.29'")
    assert not found["torch"].trouble


def test_what_cannot_be_found_out_is_said_and_the_rest_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(name: str) -> Finding:
        raise OSError("libgomp.so.1: cannot open")

    monkeypatch.setattr(doctor, "LOOKS", {"CPU": broken, "Disk": doctor._disk})
    *_, cpu, disk = examine()
    assert cpu == Finding("CPU", "unknown", "OSError: libgomp.so.1: cannot open")
    assert "GiB free" in disk.text


def test_little_memory_disk_and_no_browser_are_troubles(monkeypatch: pytest.MonkeyPatch) -> None:
    few = SimpleNamespace(total=4 * GIB, available=GIB, free=GIB // 2)
    monkeypatch.setattr("psutil.virtual_memory", lambda: few)
    monkeypatch.setattr("shutil.disk_usage", lambda _: few)
    assert doctor._memory("Memory").trouble.startswith("less than 2 GiB are free")
    assert doctor._disk("Disk").trouble.startswith("less than 1 GiB is free in ")

    def none() -> Any:
        raise webbrowser.Error

    monkeypatch.setattr(webbrowser, "get", none)
    assert "open the address" in doctor._browser("Browser").trouble


def test_a_kernel_of_another_python_is_a_trouble(monkeypatch: pytest.MonkeyPatch) -> None:
    manager = "jupyter_client.kernelspec.KernelSpecManager.get_kernel_spec"
    monkeypatch.setattr(manager, lambda *_: SimpleNamespace(argv=["/bin/sh", "-m", "ipykernel_launcher"]))
    assert doctor._kernel("Kernel").trouble.startswith("a Python other than this one")
    monkeypatch.setattr(manager, lambda *_: SimpleNamespace(argv=["python", "-m", "ipykernel_launcher"]))
    assert not doctor._kernel("Kernel").trouble


def test_the_report_ends_with_what_is_to_be_mended() -> None:
    fine, broken = Finding("torch", "2.14"), Finding("anywidget", "is missing", "install it")
    assert report([fine]) == "torch  2.14\n\nNothing is missing."
    assert report([fine, broken]).splitlines()[-2:] == ["To mend:", "- anywidget: install it"]
