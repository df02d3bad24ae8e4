"""A training run: steps that can be stopped after any of them and resumed, from memory or from a file."""

from __future__ import annotations

import io
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Generic, TypeVar

import torch
from torch import Tensor, nn

from rpnviz._files.atomic import write_whole
from rpnviz._inputs import take_number, take_whole

View = TypeVar("View")  # what a step sees of one picture


class Steps(ABC, Generic[View]):
    """A run that trains some networks; whoever derives from it says what a step sees and what it loses.

    Args:
        trained: the networks that change, by their names in a checkpoint.
        steps: length of the whole run, up to 1,000,000; the learning rate rises and falls over it (one cycle).
        batch_size: views a step, up to 64.
        max_lr: the highest learning rate.
        seed: decides whatever is drawn from `generator`.
        device: where to compute.
        weight_decay: of AdamW.

    Attributes:
        step: how many steps were taken.
        generator: of all random numbers of the run.

    Raises:
        ValueError: if `steps`, `batch_size` or `seed` is not whole or out of range, or a rate is negative.
    """

    def __init__(
        self,
        trained: Mapping[str, nn.Module],
        steps: int,
        batch_size: int,
        max_lr: float,
        seed: int,
        device: str = "cpu",
        weight_decay: float = 0.01,
    ) -> None:
        """Set up; nothing is computed before `run`."""
        steps, batch_size = take_whole(steps, "steps", 1, 1_000_000), take_whole(batch_size, "batch_size", 1, 64)
        seed, max_lr = take_whole(seed, "seed", 0, 2**63 - 1), take_number(max_lr, "max_lr", above=True)
        weight_decay = take_number(weight_decay, "weight_decay")
        self.trained = {name: network.to(torch.device(device)) for name, network in trained.items()}
        self.steps, self.batch_size, self.device = steps, batch_size, device
        self.step = 0
        self.generator = torch.Generator().manual_seed(seed)
        parameters = [values for network in self.trained.values() for values in network.parameters()]
        self.optimizer = torch.optim.AdamW(parameters, lr=max_lr, weight_decay=weight_decay, fused=True)
        # one step more than is taken: PyTorch asks for the rate after the last step as well
        self.scheduler = torch.optim.lr_scheduler.OneCycleLR(self.optimizer, max_lr, total_steps=steps + 1)

    @abstractmethod
    def view(self) -> View:
        """Draw what a step sees of one picture."""

    @abstractmethod
    def losses(self, views: Sequence[View]) -> dict[str, Tensor]:
        """The losses of a step, each averaged over its views."""

    def run(self) -> Iterator[dict[str, float]]:
        """Take the steps that are left; after each, yield {"step": its number} and each loss by its name.

        Whoever iterates may stop at any time; a later call goes on from there.
        """
        while self.step < self.steps:
            for network in self.trained.values():
                network.train()
            views = [self.view() for _ in range(self.batch_size)]
            losses = self.losses(views)
            self.optimizer.zero_grad()
            torch.stack(list(losses.values())).sum().backward()
            self.optimizer.step()
            self.scheduler.step()
            self.step += 1
            yield {"step": self.step, **{name: float(loss.detach()) for name, loss in losses.items()}}

    def draw(self, count: int) -> int:
        """A whole number below `count`, each equally likely."""
        return int(torch.randint(count, (1,), generator=self.generator))

    def save(self, path: Path) -> None:
        """Write a checkpoint; an interruption leaves the one before it untouched."""
        state = {
            "step": self.step,
            **{name: network.state_dict() for name, network in self.trained.items()},
            "optimizer": self.optimizer.state_dict(),
            "scheduler": self.scheduler.state_dict(),
            "generator": self.generator.get_state(),
        }
        content = io.BytesIO()
        torch.save(state, content)
        write_whole(path, content.getvalue())

    def load(self, path: Path) -> None:
        """Go on from a checkpoint that a run with the same settings wrote.

        Raises:
            ValueError: if that run had another number of steps, and so another schedule, or trained other networks.
        """
        state = torch.load(path, map_location=self.device, weights_only=True)
        steps = state["scheduler"]["total_steps"] - 1
        if steps != self.steps:
            raise ValueError(f"steps must be {steps}, as in the run that wrote {path}; got {self.steps}")
        trained = [name for name in state if name not in ("step", "optimizer", "scheduler", "generator")]
        if trained != list(self.trained):
            theirs, ours = (" and ".join(names) or "nothing" for names in (trained, self.trained))
            raise ValueError(f"the run that wrote {path} trained {theirs}; this one trains {ours}")
        self.step = state["step"]
        for name, network in self.trained.items():
            network.load_state_dict(state[name])
        self.optimizer.load_state_dict(state["optimizer"])
        self.scheduler.load_state_dict(state["scheduler"])
        self.generator.set_state(state["generator"].cpu())


def mean_losses(names: Sequence[str], of_views: Sequence[tuple[Tensor, ...]]) -> dict[str, Tensor]:
    """The losses of each view -> the mean of each loss, by its name."""
    return {name: torch.stack(losses).mean() for name, losses in zip(names, zip(*of_views, strict=True), strict=True)}
