"""What is installed here, what is missing and what is slow: to be read, and to be pasted into a report of a fault."""

from __future__ import annotations

import os
import platform
import shutil
import sys
import tempfile
import time
import webbrowser
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import rpnviz
from rpnviz.start.packages import asked_for
from rpnviz.start.site import how_to_install, is_built, missing_packages, site_folder

GIB = 2**30
LEAST_MEMORY, LEAST_DISK = 2 * GIB, 1 * GIB  # notebook 10 takes 1.7 GB; JupyterLab writes checkpoints


@dataclass(frozen=True)
class Finding:
    """One line of the report.

    Attributes:
        name (str): what was looked at.
        text (str): what was found.
        trouble (str): what is wrong and what to do, "" if nothing is.
    """

    name: str
    text: str
    trouble: str = ""


def examine() -> Iterator[Finding]:
    """Look at this machine, one thing after the other; what cannot be found out is a finding, too."""
    yield Finding("rpnviz", f"{rpnviz.__version__} in {Path(rpnviz.__file__).parent}")
    yield Finding("Python", f"{platform.python_version()}, {sys.executable}")
    yield Finding("System", f"{platform.platform()}")
    yield from _packages()
    for name, look in LOOKS.items():
        try:
            yield look(name)
        except Exception as error:  # whatever is broken here, the rest of the report is wanted
            yield Finding(name, "unknown", f"{type(error).__name__}: {error}")


def report(findings: list[Finding]) -> str:
    """Word the findings: a line each, then the troubles."""
    width = max(len(finding.name) for finding in findings)
    lines = [f"{finding.name:{width}}  {finding.text}" for finding in findings]
    troubles = [f"- {finding.name}: {finding.trouble}" for finding in findings if finding.trouble]
    return "\n".join([*lines, "", *(["To mend:", *troubles] if troubles else ["Nothing is missing."])])


def _packages() -> Iterator[Finding]:
    """Every package that rpnviz asks for, and whether its version will do."""
    for requirement in asked_for():
        try:
            installed = version(requirement.name)
        except PackageNotFoundError:
            yield Finding(requirement.name, "is missing", f"install it: pip install '{requirement}'")
            continue
        wrong = not requirement.specifier.contains(installed, prereleases=True)
        trouble = f"rpnviz takes {requirement.specifier}: pip install '{requirement}'" if wrong else ""
        yield Finding(requirement.name, installed, trouble)


def _cpu(name: str) -> Finding:
    import torch

    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    capability, threads = torch.backends.cpu.get_cpu_capability(), torch.get_num_threads()
    return Finding(name, f"{cores} cores, {capability}; PyTorch {torch.__version__} computes on {threads} threads")


def _precision(name: str) -> Finding:
    from rpnviz.train.precision import bfloat16_is_faster

    if bfloat16_is_faster("cpu"):
        return Finding(name, "bfloat16, which is faster here")
    return Finding(name, "float32; bfloat16 is not faster on this CPU, so notebook 07 takes longer than on others")


def _speed(name: str) -> Finding:
    from rpnviz.backbone import Backbone
    from rpnviz.grid import Grid
    from rpnviz.pictures import Picture

    backbone, picture, seconds = Backbone.load("mini"), Picture.load("street-03"), []
    for _ in range(3):  # the first is to warm up
        started = time.perf_counter()
        backbone.features(picture, Grid.paper())
        seconds.append(time.perf_counter() - started)
    return Finding(name, f"{min(seconds):.2f} s for the feature map of a picture by “mini”")


def _memory(name: str) -> Finding:
    import psutil

    memory = psutil.virtual_memory()
    text = f"{memory.total / GIB:.1f} GiB, {memory.available / GIB:.1f} free"
    few = memory.available < LEAST_MEMORY
    return Finding(
        name, text, "less than 2 GiB are free: close other programs, or open one notebook at a time" if few else ""
    )


def _disk(name: str) -> Finding:
    free = shutil.disk_usage(tempfile.gettempdir()).free
    trouble = f"less than 1 GiB is free in {tempfile.gettempdir()}" if free < LEAST_DISK else ""
    return Finding(name, f"{free / GIB:.1f} GiB free", trouble)


def _exercises(name: str) -> Finding:
    from rpnviz.exercises.sandbox.process import Worker

    worker = Worker()
    try:
        return Finding(name, f"for functions: {worker.confinement}")
    finally:
        worker.stop()


def _kernel(name: str) -> Finding:
    from jupyter_client.kernelspec import KernelSpecManager

    argv = KernelSpecManager().get_kernel_spec("python3").argv
    python = shutil.which(argv[0]) or argv[0]
    own = argv[0] in ("python", "python3") or Path(python).resolve() == Path(sys.executable).resolve()
    trouble = "" if own else f"a Python other than this one: {sys.executable} -m ipykernel install --sys-prefix"
    return Finding(name, " ".join(argv), trouble)


def _browser(name: str) -> Finding:
    try:
        return Finding(name, str(getattr(webbrowser.get(), "name", "the system's")))
    except webbrowser.Error:
        return Finding(name, "none found", "open the address that JupyterLab prints in a browser of your choice")


def _site(name: str) -> Finding:
    folder, packages = site_folder(), missing_packages()
    if is_built(folder):
        return Finding(name, f"in {folder}")
    first = f"; first: {how_to_install(packages)}" if packages else ""
    return Finding(name, f"not built yet: rpnviz site builds it{first}")


LOOKS: dict[str, Callable[[str], Finding]] = {
    "CPU": _cpu,
    "Numbers": _precision,
    "Speed": _speed,
    "Memory": _memory,
    "Disk": _disk,
    "Exercises": _exercises,
    "Kernel": _kernel,
    "Browser": _browser,
    "Site": _site,
}
