"""When a draw of the minibatch is right: hand-made draws, each rule broken once."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import pytest
import torch

from rpnviz.exercises import EXERCISES
from rpnviz.exercises.sandbox.protocol import Seed
from rpnviz.exercises.tasks.sampler_rules import SEEDS, counts, judge

LABELS = torch.tensor([1, 0, -1, 1, 0, 0, 1, 0])  # positives 0, 3, 6; negatives 1, 4, 5, 7
ARGUMENTS = (LABELS, 4, 0.5, Seed(0))


def fair() -> list[tuple[list[int], list[int]]]:
    """Two of each, another choice for each seed."""
    pos, neg = [[0, 3], [3, 6], [6, 0]], [[1, 4], [4, 5], [5, 7], [7, 1]]
    return [(pos[seed % 3], neg[seed % 4]) for seed in range(SEEDS) for _ in range(2)]


def test_fair_draws_are_right_in_any_order_and_kind() -> None:
    assert judge(ARGUMENTS, fair()) == ""
    assert judge(ARGUMENTS, [(torch.tensor(pos).flip(0), tuple(neg)) for pos, neg in fair()]) == ""
    assert judge(ARGUMENTS, [[pos[::-1], [torch.tensor(i) for i in neg]] for pos, neg in fair()]) == ""


@pytest.mark.parametrize(
    ("first", "says"),
    [
        (None, "returns None"),
        (3, "should return two lists of indices, (pos_inds, neg_inds); it returns the number 3"),
        (([0, 3],), "it returns a list of 2"),
        ((), "it returns a tuple of 0"),
        (([0.0, 3.0], [1, 4]), "it returns a list of 2, a list of 2"),
        ((torch.tensor([True] * 8), [1, 4]), "pos_inds is a mask of True and False"),
        (([0, 3], [1, 2]), "neg_inds holds anchor 2, whose label is -1"),
        (([0, 1], [1, 4]), "pos_inds holds anchor 1, whose label is 0"),
        (([0, 0], [1, 4]), "pos_inds holds anchor 0 more than once"),
        (([0], [1, 4]), "pos_inds holds 1 anchor; it should hold 2"),
        (([0, 3], [1, 4, 5]), "neg_inds holds 3 anchors; it should hold 2"),
        (([0, -2], [1, 4]), "pos_inds names an anchor that does not exist: -2"),
        (([0, 8], [1, 4]), "pos_inds names an anchor that does not exist"),
        (([6, 0], [1, 4]), "With the same seed it draws other pos_inds each time"),
    ],
)
def test_every_rule_of_one_draw(first: Any, says: str) -> None:
    assert says in judge(ARGUMENTS, [first, *fair()[1:]])


def test_every_rule_of_many_draws() -> None:
    always = [([0, 3], neg) for _, neg in fair()]
    assert judge(ARGUMENTS, always) == f"With {SEEDS} different seeds it always draws the same pos_inds: [0, 3]."
    never = [([[0, 3], [3, 0]][i % 4 // 2], neg) for i, (_, neg) in enumerate(fair())]
    assert "always draws the same pos_inds" in judge(ARGUMENTS, never)  # another order is no other draw
    rarely = [(pos, [[1, 4], [4, 5], [5, 1]][i // 2 % 3]) for i, (pos, _) in enumerate(fair())]
    many = (torch.tensor([1, 0, -1, 1, 0, 0, 1, 0]), 5, 0.5, Seed(0))  # three of four negatives
    three = [(pos, [*neg, *({1, 4, 5} - set(neg))]) for pos, neg in rarely]
    assert "always draws the same neg_inds: [1, 4, 5]" in judge(many, three)


def test_anchor_without_a_chance_is_found() -> None:
    """Four of six negatives: a fair draw leaves one out 20 times in a row less than once in a billion."""
    arguments = (torch.zeros(6), 4, 0.5, Seed(0))
    four_of = {count: list(combinations(range(count), 4)) for count in (5, 6)}
    draws: dict[int, list[Any]] = {
        n: [([], list(four_of[n][seed % len(four_of[n])])) for seed in range(SEEDS)] for n in four_of
    }
    twice = {n: [one for one in draws[n] for _ in range(2)] for n in draws}
    assert judge(arguments, twice[6]) == ""
    assert judge(arguments, twice[5]) == f"With {SEEDS} different seeds it never draws anchor 5: not all have a chance."
    few = (torch.zeros(6), 1, 0.5, Seed(0))  # one of six: 20 draws may well miss one
    assert judge(few, [([], [seed % 5]) for seed in range(SEEDS) for _ in range(2)]) == ""


@pytest.mark.parametrize(
    ("positives", "negatives", "right"),
    [(20, 10_000, (20, 236)), (200, 50, (128, 50)), (200, 10_000, (128, 128)), (0, 10, (0, 10))],
)
def test_counts_are_those_of_the_paper(positives: int, negatives: int, right: tuple[int, int]) -> None:
    labels = torch.cat([torch.ones(positives), torch.zeros(negatives), -torch.ones(7)])
    assert counts(labels, 256, 0.5) == right


def test_counts_are_torchvisions() -> None:
    from torchvision.models.detection._utils import BalancedPositiveNegativeSampler

    generator = torch.Generator().manual_seed(0)
    for batch in range(1, 9):
        for fraction in (0.25, 0.5, 0.75):
            labels = torch.randint(-1, 2, (10,), generator=generator)
            pos, neg = BalancedPositiveNegativeSampler(batch, fraction)([labels])
            assert counts(labels, batch, fraction) == (int(pos[0].sum()), int(neg[0].sum()))


def test_exercise_uses_this_judge() -> None:
    assert EXERCISES["my_sample_minibatch"].judge is judge
