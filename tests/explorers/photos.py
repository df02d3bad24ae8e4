"""Photographs for tests: scikit-learn brings two, and none lies in this repository."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path


def photograph(name: str = "china.jpg") -> Path:
    """A JPEG of 640×427 pixels: china.jpg, a pagoda by a lake, or flower.jpg."""
    found = find_spec("sklearn")
    assert found and found.origin, "scikit-learn of the extra `dev` is missing"
    return Path(found.origin).parent / "datasets" / "images" / name
