"""Run the benchmarks and print their tables.

python -m benchmarks                       all but class, which needs more installed
python -m benchmarks --only keys           the linked explorer against matplotlib, in a browser
python -m benchmarks --only compute        rpnviz against torchvision, on the CPU
python -m benchmarks --only training       a step of the head's training, in three ways
python -m benchmarks --only explorers      every explorer of every notebook, in a browser
python -m benchmarks --only knobs          every control of pages without a kernel
python -m benchmarks --only knobs-lab      the same in JupyterLab, also while another cell trains
python -m benchmarks --only notebooks      the time and memory of every notebook's run
python -m benchmarks --only memory         what a kernel holds, part by part, and what could be shared
python -m benchmarks --only network        the network in the page against PyTorch on one thread
python -m benchmarks --only page-training  the training in the page against PyTorch
python -m benchmarks --only fit            rpnviz fit on data sets of COCO's size, and of ten times that
python -m benchmarks --only site           every page of the site: bytes, time until it moves, pictures a second
python -m benchmarks --only class          a JupyterHub and learners who use it at the same time; --learners 30
python -m benchmarks --only readers        the site for 30 and for 1,000 readers at once
python -m benchmarks --json PATH           also write every sample
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import platform
import statistics
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from benchmarks import (
    classroom,
    compute,
    fit,
    keys,
    knobs,
    knobs_lab,
    memory,
    network,
    page_training,
    readers,
    series,
    site,
    training,
)
from benchmarks.views import EXPLORER, MATPLOTLIB
from rpnviz.site.pages import build
from tools.browser.lab import chromium, jupyterlab
from tools.notebooks.run import chosen
from tools.site.__main__ import KEPT


def main() -> int:
    """Run the command line; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=PARTS, help="run one part")
    parser.add_argument("--json", type=Path, metavar="PATH", help="also write all samples to this file")
    parser.add_argument("--learners", type=int, default=3, metavar="N", help="how many make the class")
    options = parser.parse_args()
    samples: dict[str, Any] = {"machine": _machine(), "learners": options.learners}
    print(f"{samples['machine']}\n")
    wanted = [options.only] if options.only else [part for part in PARTS if part != "class"]
    for part in wanted:
        samples[part] = PARTS[part](samples)
    if options.json:
        options.json.write_text(json.dumps(samples, indent=1, ensure_ascii=False) + "\n")
    return 0


def _machine() -> str:
    load = f", load {os.getloadavg()[0]:.1f} before" if hasattr(os, "getloadavg") else ""
    return f"{os.cpu_count()} CPU cores{load}; Python {platform.python_version()}, torch {torch.__version__}"


def _keys() -> list[dict[str, Any]]:
    views = (MATPLOTLIB, EXPLORER)
    with (
        tempfile.TemporaryDirectory(prefix="rpnviz-") as folder,
        jupyterlab(Path(folder)) as lab,
        chromium() as browser,
    ):
        found = [keys.measure(browser, lab, view) for view in views]
    baseline, explorer = found
    print(f"| in JupyterLab, Chromium | {' | '.join(view.name for view in views)} | better by |\n|---|---|---|---|")
    _times("key → first frame with the new column, median ms", baseline.ms, explorer.ms)
    _shown("shown of 50 changes, one a frame", baseline.shown, explorer.shown)
    _times("the same while another cell trains, median ms", baseline.training_ms, explorer.training_ms)
    _shown("shown of 50 while another cell trains", baseline.training_shown, explorer.training_shown)
    opening = [sum(k.opening.get(part, 0) for part in ("comm", "bundle", "png")) for k in found]
    _bytes("bytes at opening", *opening)
    _bytes("… of which widget messages", *(k.opening.get("comm", 0) for k in found))
    _bytes("… of which PNG", *(k.opening.get("png", 0) for k in found))
    _bytes("bytes a step", *(round(k.bytes_per_step) for k in found))
    print(f"\n{len(explorer.ms)} keys each, after {keys.WARM_UP} to warm up; training on {explorer.threads} threads.\n")
    return [{"view": view.name, **dataclasses.asdict(k)} for view, k in zip(views, found, strict=True)]


def _explorers(found: list[dict[str, Any]] | None) -> dict[str, Any]:
    baseline_ms = _median(found[0]["ms"]) if found else None
    explorers: list[series.Explorer] = []
    payloads: dict[str, dict[str, int]] = {}
    print(series.EXPLORERS)
    with (
        tempfile.TemporaryDirectory(prefix="rpnviz-") as folder,
        jupyterlab(Path(folder)) as lab,
        chromium() as browser,
    ):
        for path in chosen([]):
            of_one, payloads[path.stem[:2]] = series.measure_explorers(browser, lab, path)
            explorers += of_one
            for one in of_one:
                print(series.explorer_row(one, baseline_ms), flush=True)
    print("\n| notebook | payload of its explorers, bytes |\n|---|---|")
    for notebook, sizes in payloads.items():
        print(f"| {notebook} | {', '.join(f'{name} {size:,}' for name, size in sizes.items()) or '–'} |")
    print()
    return {"explorers": [dataclasses.asdict(one) for one in explorers], "payloads": payloads}


def _knobs() -> list[dict[str, Any]]:
    found: list[knobs.Knob] = []
    print(knobs.HEAD)
    with tempfile.TemporaryDirectory(prefix="rpnviz-") as folder, chromium() as browser:
        for knob in knobs.measure(browser, Path(folder)):
            found.append(knob)
            print(knobs.row(knob), flush=True)
    print()
    return [dataclasses.asdict(knob) for knob in found]


def _knobs_lab() -> list[dict[str, Any]]:
    found: list[knobs_lab.Group] = []
    print(knobs_lab.HEAD)
    with (
        tempfile.TemporaryDirectory(prefix="rpnviz-") as folder,
        jupyterlab(Path(folder)) as lab,
        chromium() as browser,
    ):
        for group in knobs_lab.measure(browser, lab):
            found.append(group)
            print(knobs_lab.row(group), flush=True)
    print()
    return [dataclasses.asdict(group) for group in found]


def _notebooks() -> list[dict[str, Any]]:
    runs: list[series.Run] = []
    print(series.RUNS)
    for run in series.measure_runs():
        runs.append(run)
        print(series.run_row(run, runs[0]), flush=True)
    print()
    return [dataclasses.asdict(run) for run in runs]


def _memory() -> list[dict[str, Any]]:
    found: list[memory.Held] = []
    print(memory.HEAD)
    for held in memory.measure():
        found.append(held)
        print(memory.row(held), flush=True)
    print()
    return [dataclasses.asdict(held) for held in found]


def _network() -> dict[str, Any]:
    with chromium() as browser:
        found = network.measure(browser)
    print(f"{network.table(found)}\n")
    return dataclasses.asdict(found)


def _page_training() -> dict[str, Any]:
    with chromium() as browser:
        found = page_training.measure(browser)
    print(f"{page_training.table(found)}\n")
    return dataclasses.asdict(found)


def _fit() -> list[dict[str, Any]]:
    runs: list[fit.Run] = []
    print(fit.HEAD)
    for run in fit.measure():
        runs.append(run)
        print(fit.row(run), flush=True)
    print(f"\n{fit.against_all_anchors()}\n")
    return [dataclasses.asdict(run) for run in runs]


def _site() -> list[dict[str, Any]]:
    costs: list[site.Cost] = []
    print(site.COSTS)
    with chromium() as browser:
        for cost in site.measure(browser, []):
            costs.append(cost)
            print(site.cost_row(cost), flush=True)
    print(f"\n{site.BUDGET}\n")
    return [dataclasses.asdict(cost) for cost in costs]


def _readers() -> list[dict[str, Any]]:
    found: list[readers.Readers] = []
    print(readers.HEAD)
    with tempfile.TemporaryDirectory(prefix="rpnviz-") as folder, chromium() as browser:
        build(Path(folder), KEPT)
        for count in (30, 1000):
            found.append(readers.measure(browser, Path(folder), count))
            print(readers.row(found[-1]), flush=True)
    print()
    return [dataclasses.asdict(one) for one in found]


def _class(learners: int) -> dict[str, Any]:
    found = classroom.measure(learners)
    print(f"{classroom.table(found)}\n")
    return dataclasses.asdict(found)


def _times(name: str, baseline: list[float | None], explorer: list[float | None]) -> None:
    ratio = "–"
    if None not in baseline and None not in explorer:
        ratio = f"{_median(baseline) / _median(explorer):.1f} ×"
    print(f"| {name} | {_said(baseline)} | {_said(explorer)} | {ratio} |")


def _median(times: list[float | None]) -> float:
    return statistics.median(t for t in times if t is not None)


def _said(times: list[float | None]) -> str:
    shown = [t for t in times if t is not None]
    if not shown:
        return f"none of {len(times)} shown within {keys.LIMIT / 1000:g} s"
    worst = statistics.quantiles(shown, n=20)[-1] if len(shown) > 1 else shown[0]
    missed = f", {len(times) - len(shown)} of {len(times)} not shown" if len(shown) < len(times) else ""
    return f"{_median(times):.1f} (95 %: {worst:.1f}{missed})"


def _shown(name: str, baseline: int, explorer: int) -> None:
    ratio = f"{explorer / baseline:.1f} ×" if baseline else "–"
    print(f"| {name} | {baseline} | {explorer} | {ratio} |")


def _bytes(name: str, baseline: int, explorer: int) -> None:
    ratio = f"{baseline / explorer:.1f} ×" if explorer else "–"
    print(f"| {name} | {baseline:,} | {explorer:,} | {ratio} |")


def _compute() -> list[dict[str, Any]]:
    found = compute.measure()
    print("| on the CPU, median ms | rpnviz | torchvision | ratio |\n|---|---|---|---|")
    for one in found:
        ours, theirs = (1000 * statistics.median(times) for times in (one.ours, one.torchvision))
        print(f"| {one.name} | {ours:.1f} | {theirs:.1f} | {one.ratio:.2f} × |")
    print(f"\n{len(found[0].ours)} runs each, in turns, on {torch.get_num_threads()} threads.\n")
    return [{**dataclasses.asdict(one), "ratio": one.ratio} for one in found]


def _training() -> dict[str, Any]:
    steps, features = training.measure()
    print(training.rows("a step of the head's training, two pictures: median s", steps))
    print()
    print(training.rows("features of a picture and its mirror image: median s", features))
    print(f"\n{training.summary(steps)}\n")
    return {
        name: [dataclasses.asdict(way) for way in ways] for name, ways in (("steps", steps), ("features", features))
    }


# What can be asked for, in the order in which all of it runs; each part is given the samples so far.
PARTS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "keys": lambda _: _keys(),
    "explorers": lambda samples: _explorers(samples.get("keys")),
    "knobs": lambda _: _knobs(),
    "knobs-lab": lambda _: _knobs_lab(),
    "compute": lambda _: _compute(),
    "training": lambda _: _training(),
    "notebooks": lambda _: _notebooks(),
    "memory": lambda _: _memory(),
    "network": lambda _: _network(),
    "page-training": lambda _: _page_training(),
    "fit": lambda _: _fit(),
    "site": lambda _: _site(),
    "readers": lambda _: _readers(),
    "class": lambda samples: _class(samples["learners"]),
}


if __name__ == "__main__":
    sys.exit(main())
