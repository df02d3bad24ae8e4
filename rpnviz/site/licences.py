"""The licences of what a built site holds of others: theme, search, letters' colours. All the rest of it is ours."""

from __future__ import annotations

import re
from importlib.metadata import distribution
from pathlib import Path

BUNDLED = ("Sphinx", "furo", "sphinx-basic-ng", "myst-nb", "Pygments", "accessible-pygments", "snowballstemmer")
_TEXT = re.compile(r"(^|[/.])(LICEN[CS]E|COPYING)[^/]*$")


def write(folder: Path) -> None:
    """Write licences.txt into a folder: of each package its name, its version, and the texts that came with it."""
    parts = [
        "What this site is made with, and under which licences. All other files in it are rpnviz's (BSD-3-Clause)."
    ]
    for name in BUNDLED:
        package = distribution(name)
        texts = [file.read_text("utf-8") for file in package.files or [] if _TEXT.search(str(file))]
        parts += [f"{'=' * 80}\n{name} {package.version}\n{'=' * 80}", *(text.strip() for text in texts)]
    (folder / "licences.txt").write_text("\n\n".join(parts) + "\n", encoding="utf-8")
