"""Predict first: a question above a view. Every answer moves the view to the place that shows why.

A question is made for one explorer, as it stands, by a function of its questions.py: where it moves to and which
numbers it states are worked out from what the explorer holds.

    explorer = LabelsExplorer("street-07")
    explorer.ask(low_iou_positive)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rpnviz.explorers.common.moves import check_moves
from rpnviz.explorers.common.rules import Rule

CHOICES = (2, 4)  # at least, at most


@dataclass(frozen=True)
class Choice:
    """An answer that a learner may give.

    Attributes:
        text (str): in a learner's words.
        why (str): one sentence: what the view then shows, and what that says about this answer.
        moves (dict): trait → value; where the view goes.
        right (bool): whether it is the right one.
    """

    text: str
    why: str
    moves: dict[str, Any]
    right: bool = False


@dataclass(frozen=True)
class Question:
    """A question with two to four choices, one of them right.

    Attributes:
        fact (int): which of the beliefs that learners bring it tests (docs/teaching.md).
        text (str): the question.
        choices (tuple[Choice, ...]): as they are shown.
        veiled (bool): the answer stands in the view, so the view is covered until somebody answers, or uncovers it.

    Raises:
        ValueError: if there are too few or too many choices, two alike, or not exactly one right.
    """

    fact: int
    text: str
    choices: tuple[Choice, ...]
    veiled: bool = False

    def __post_init__(self) -> None:
        """Check what every question must have."""
        least, most = CHOICES
        if not least <= len(self.choices) <= most:
            raise ValueError(f"{self.text!r}: choices: got {len(self.choices)}, takes {least} to {most}")
        if len({choice.text for choice in self.choices}) < len(self.choices):
            raise ValueError(f"{self.text!r}: choices: two of them have the same text")
        right = sum(choice.right for choice in self.choices)
        if right != 1:
            raise ValueError(f"{self.text!r}: choices: got {right} that are right, takes exactly 1")


def packed(question: Question, rules: dict[str, Rule], now: Mapping[str, Any]) -> dict[str, Any]:
    """Write a question for the page.

    Args:
        question: the question.
        rules: what a page without a kernel may set, from `RpnvizWidget.moves`.
        now: what a reader may set, as it stands: every answer goes back to it first, so that its sentence holds.

    Raises:
        ValueError: if a choice moves nothing, or what may not be moved, or too far; names question, choice and trait.
    """
    for number, choice in enumerate(question.choices, start=1):
        where = f"{question.text!r}, choice {number}: moves"
        check_moves(choice.moves, rules, now, where)
    choices = [
        {"text": choice.text, "right": choice.right, "why": choice.why, "moves": choice.moves}
        for choice in question.choices
    ]
    told = {"fact": question.fact, "text": question.text, "veiled": question.veiled}
    return {**told, "asked": dict(now), "choices": choices}
