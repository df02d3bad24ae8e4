"""Where pictures, weights and notebooks lie: beside the package in a checkout, inside it in an installed wheel."""

from __future__ import annotations

from pathlib import Path


def data_folder() -> Path:
    """Return the folder that holds pictures/ and weights/."""
    return _beside_or_inside("data")


def notebooks_folder() -> Path:
    """Return the folder that holds the notebooks of the series."""
    return _beside_or_inside("notebooks")


def _beside_or_inside(name: str) -> Path:
    package = Path(__file__).parent.parent
    installed = package / name
    return installed if installed.is_dir() else package.parent / name
