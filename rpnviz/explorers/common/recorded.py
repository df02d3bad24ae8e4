"""What the site records of an explorer (rpnviz/site/record.py): a page without a kernel has Python's answers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Recorded:
    """What a view asks by setting traits.

    Attributes:
        given: trait → values; all combinations are asked, and each answer has a file.
        then: a further trait → values, asked of each combination; the answers are small and share a file.
    """

    given: dict[str, list[Any]]
    then: dict[str, list[Any]] = field(default_factory=dict)
