"""What the package asks pip for."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import requires

from packaging.requirements import Requirement


def asked_for(extra: str = "") -> Iterator[Requirement]:
    """Yield what is asked for on this system: by the package itself, or by one of its extras beyond that."""
    for line in requires("rpnviz") or []:
        requirement = Requirement(line)
        marker, requirement.marker = requirement.marker, None
        always = marker is None or marker.evaluate({"extra": ""})
        if always if not extra else not always and marker is not None and marker.evaluate({"extra": extra}):
            yield requirement
