"""Moves: traits, and the values that a page sets them to by itself, for an answer to a question or a step of a tour."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rpnviz.explorers.common.rules import Rule, allows


def check_moves(moves: Mapping[str, Any], rules: dict[str, Rule], now: Mapping[str, Any], where: str) -> None:
    """Refuse moves that a page without a kernel cannot make.

    Args:
        moves: trait → value.
        rules: what such a page may set, from `RpnvizWidget.moves`.
        now: what a reader may set, as it stands before the moves.
        where: whose moves these are, for the message.

    Raises:
        ValueError: if there are none, or one is of what may not be moved, or goes too far; names the trait.
    """
    if not moves:
        raise ValueError(f"{where}: got none, takes at least one of {', '.join(rules)}")
    for trait, value in moves.items():
        if trait not in rules:
            raise ValueError(f"{where}: got {trait}, which a page cannot set by itself; takes {', '.join(rules)}")
        if not allows(rules[trait], value):
            raise ValueError(f"{where}: {trait}: got {value!r}, takes {rules[trait]}")
    after = {**now, **moves}
    for trait, rule in rules.items():
        if "at_most" in rule and after[trait] > after[rule["at_most"]]:
            raise ValueError(f"{where}: {trait}: got {after[trait]}, takes at most {rule['at_most']}")
