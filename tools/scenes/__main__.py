"""The command line: `python -m tools.scenes --help`."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from tools.scenes.annotate import render_and_save
from tools.scenes.bundled import RECIPES
from tools.scenes.layout import random_scene
from tools.scenes.recipe import compose
from tools.scenes.scene import Scene

PICTURES = Path(__file__).resolve().parents[2] / "data" / "pictures"
FIRST_BUNDLED_SEED = 1_000_000  # random scenes stay below, so that nobody trains on a bundled backdrop
Job = tuple[str, str, Callable[[], Scene]]  # name, what it shows, how to lay it out


def parser() -> argparse.ArgumentParser:
    """Return the command line's parser."""
    top = argparse.ArgumentParser(
        prog="python -m tools.scenes",
        description="Render street scenes with exact ground truth. Needs the `render` extra; see its README.md.",
    )
    commands = top.add_subparsers(dest="command", required=True)
    bundled = commands.add_parser("bundled", help="render the composed pictures of data/pictures again")
    bundled.add_argument("--only", nargs="+", metavar="NAME", choices=[r.name for r in RECIPES], help="just these")
    bundled.add_argument("--samples", type=int, default=32, help="paths a pixel (default 32)")
    bundled.add_argument("--out", type=Path, default=PICTURES, help="folder (default data/pictures)")
    random = commands.add_parser("render", help="render random scenes, one a seed, to train on")
    random.add_argument("--seeds", type=int, nargs=2, required=True, metavar=("FIRST", "STOP"), help="STOP is left out")
    random.add_argument("--samples", type=int, default=2, help="paths a pixel (default 2)")
    random.add_argument("--out", type=Path, required=True, help="folder; scenes already there are kept")
    return top


def jobs(options: argparse.Namespace) -> list[Job]:
    """Return what is to be rendered; raise SystemExit for what cannot be."""
    if options.samples < 1:
        raise SystemExit(f"--samples must be at least 1, got {options.samples}")
    if options.command == "bundled":
        chosen = [r for r in RECIPES if options.only is None or r.name in options.only]
        return [(r.name, r.shows, lambda r=r: compose(r)) for r in chosen]  # type: ignore[misc]
    first, stop = options.seeds
    if not 0 <= first < stop <= FIRST_BUNDLED_SEED:
        raise SystemExit(f"--seeds takes 0 <= FIRST < STOP <= {FIRST_BUNDLED_SEED}, got {first} {stop}")
    wanted = [seed for seed in range(first, stop) if not (options.out / f"{seed:06d}.json").exists()]
    return [(f"{s:06d}", f"Random street {s}.", lambda s=s: random_scene(s)) for s in wanted]  # type: ignore[misc]


def main(arguments: Sequence[str] | None = None) -> None:
    """Render what the command line asks for, with one line of progress a scene."""
    options = parser().parse_args(arguments)
    todo, started = jobs(options), time.monotonic()
    for i, (name, shows, lay_out) in enumerate(todo, 1):
        objects = render_and_save(lay_out(), options.samples, options.out, name, shows)
        each = (time.monotonic() - started) / i
        names = ", ".join(f"{entry['name']} {entry['visible_fraction']:.2f}" for entry in objects)
        left = f"{each:.1f} s each, {each * (len(todo) - i):.0f} s left"
        print(f"{i}/{len(todo)} {name}: {names} ({left})", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
