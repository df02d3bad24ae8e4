"""Damage files at random and see whether their readers refuse them in a sentence.

    python -m tools.fuzz --seconds 60             all readers in turn
    python -m tools.fuzz --only coco --seed 17    one, drawn as before
    python -m tools.fuzz --only coco --case FILE  one file again

Exit status: 1 if something was found. It lies in runs/fuzz then, as small as hypothesis could make it, and is to become
a row of tests/bad_inputs.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from tools.fuzz.hunt import Found, hunt, keep, rounds
from tools.fuzz.targets import Target, targets

RUNS = Path("runs/fuzz")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60, help="for all together (default: %(default)s)")
    parser.add_argument("--only", metavar="READER", help="one of them")
    parser.add_argument("--seed", type=int, help="of the first round (default: drawn, and printed)")
    parser.add_argument("--case", type=Path, metavar="FILE", help="give this file to the reader of --only")
    options = parser.parse_args(arguments)
    with targets() as known:
        if options.only not in (None, *known):
            parser.error(f"--only: got {options.only}, takes one of {', '.join(known)}")
        if options.case:
            if not options.only:
                parser.error("--case needs --only")
            return _again(known[options.only], options.case)
        names = [options.only] if options.only else list(known)
        start = random.randrange(10**6) if options.seed is None else options.seed
        return _hunt(known, names, options.seconds, start)


def _again(target: Target, case: Path) -> int:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / target.file
        path.write_bytes(case.read_bytes())
        target.trial(path)  # what it raises is what one wants to see
    print(f"{target.name}: read, or refused as it should be")
    return 0


def _hunt(known: dict[str, Target], names: list[str], seconds: float, start: int) -> int:
    tried, kept = Counter[str](), dict[str, Path]()
    print(f"seed {start}", flush=True)
    for name, number in rounds(names, seconds, start):
        if name in kept:
            continue  # mend this one first: it would be found again and again
        outcome = hunt(known[name], number)
        if isinstance(outcome, Found):
            kept[name] = keep(outcome, known[name], RUNS)
            print(_told(outcome, kept[name]), flush=True)
        else:
            tried[name] += outcome
        if len(kept) == len(names):
            break
    print("tried: " + ", ".join(f"{name} {count:,}" for name, count in tried.items()))
    return int(bool(kept))


def _told(found: Found, path: Path) -> str:
    return (
        f"{found.target}: {type(found.error).__name__}: {str(found.error)[:300]}\n"
        f"  the file:   {path}, {found.content[:200]!r}{'…' if len(found.content) > 200 else ''}\n"
        f"  once more:  python -m tools.fuzz --only {found.target} --case {path}\n"
        f"  drawn by:   --only {found.target} --seed {found.seed}\n"
        "  as a test:  a row in tests/bad_inputs, with what it should say"
    )


if __name__ == "__main__":
    sys.exit(main())
