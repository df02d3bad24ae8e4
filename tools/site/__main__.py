"""Build the web site into site/.

    python -m tools.site               every notebook executed, every explorer moves
    python -m tools.site 00 02         only these; the others as they were committed
    python -m tools.site --to FOLDER   into another folder

The first build executes the notebooks, which takes minutes; they are kept in runs/site until they change. Whatever a
notebook writes on stderr, or Sphinx has to say, stops it. `rpnviz site` builds the same, and lets that pass.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from rpnviz.site.pages import build
from tools.notebooks.run import chosen

ROOT = Path(__file__).resolve().parent.parent.parent
KEPT = ROOT / "runs" / "site"


def main() -> int:
    """Run the command line; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help="how a notebook's file name starts, as in 00")
    parser.add_argument("--to", type=Path, default=ROOT / "site", metavar="FOLDER", help="where the site goes")
    options = parser.parse_args()
    try:
        build(options.to, KEPT, chosen(options.names))
    except (RuntimeError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    print(f"open {options.to / 'index.html'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
