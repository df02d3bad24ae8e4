"""Where the bundled pictures and weights lie: in data/ of a checkout, or in the copy inside an installed wheel."""

from __future__ import annotations

from pathlib import Path


def data_folder() -> Path:
    """Return the folder that holds pictures/ and weights/."""
    package = Path(__file__).parent.parent
    installed = package / "data"
    return installed if installed.is_dir() else package.parent / "data"
