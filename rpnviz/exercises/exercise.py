"""What an exercise is: a function to write, the right one, the usual wrong ones, and how unseen input is made."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Arguments = tuple[Any, ...]  # of one call
Draw = Callable[[Any], Any]  # hypothesis's: a strategy → a value


@dataclass(frozen=True)
class Mistake:
    """A usual mistake: a small wrong function. A learner's function that gives the same has made it.

    Attributes:
        key (str): its name, for tables.
        hint (str): one or two sentences that put the learner right.
        function: the exercise done wrong in this way.
    """

    key: str
    hint: str
    function: Callable[..., Any]


@dataclass(frozen=True)
class Case:
    """An input on which a function is wrong.

    Attributes:
        arguments (dict[str, Any]): by name.
        got: what the function returned, of several calls on the one that is spoken of; None if it raised something.
        wanted: what the right one returns.
        raised (bool): whether it raised something instead of returning.
        values (list): what all calls returned, where one input is tried by several.
    """

    arguments: dict[str, Any]
    got: Any
    wanted: Any
    raised: bool = False
    values: list[Any] = field(default_factory=list)


def one_call(arguments: Arguments) -> list[Arguments]:
    """Try an input with a single call; the sampler needs many, with other seeds."""
    return [arguments]


@dataclass(frozen=True)
class Exercise:
    """A function to write.

    Attributes:
        name (str): what the learner calls it.
        notebook (str): the two digits of the notebook it stands in.
        title (str): what it computes.
        arguments (tuple[str, ...]): names.
        returns (tuple[str, ...]): names of what comes out; several if it is a tuple.
        reference: the right function.
        oracle (str): what it is held against, in words: "torchvision.ops.nms".
        inputs: draws the arguments of one unseen case; small values come first, so that a failing case can shrink.
        larger: makes the input on which speed is measured; larger_words says what it is.
        mistakes: the usual ones.
        hints: two, each one step further.
        picture: draws a failing case.
        tolerance (float): by how much floats may differ, absolute and relative.
        indices (bool): whether results are indices, which may also be a list of ints.
        calls: the calls by which one input is tried.
        judge: (arguments, values of the calls) → what is wrong, "" if nothing; None compares with the reference.
        wanted: what is right, in words, where there is more than one right answer.
        shown: (arguments, values of the calls) → the number of the call that the judge's sentence speaks of.
        signature: (arguments, values) → what two functions with the same mistake have in common, where they draw at
            random; None compares what they return.
    """

    name: str
    notebook: str
    title: str
    arguments: tuple[str, ...]
    returns: tuple[str, ...]
    reference: Callable[..., Any]
    oracle: str
    inputs: Callable[[Draw], Arguments]
    larger: Callable[[], Arguments]
    larger_words: str
    mistakes: tuple[Mistake, ...]
    hints: tuple[str, str]
    picture: Callable[[Case], Figure]
    tolerance: float = 1e-4
    indices: bool = False
    calls: Callable[[Arguments], list[Arguments]] = field(default=one_call)
    judge: Callable[[Arguments, list[Any]], str] | None = None
    wanted: Callable[[Arguments], str] | None = None
    shown: Callable[[Arguments, list[Any]], int] | None = None
    signature: Callable[[Arguments, list[Any]], Any] | None = None
