"""A recorded training run: what the network said of the bundled pictures after so many steps.

Shapes: S moments of the run, T steps, P pictures, h × w feature map, 50 proposals a picture, K numbers of proposals.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from safetensors import safe_open
from torch import Tensor

from rpnviz._files.data import data_folder
from rpnviz._inputs import check_count, take_shown, take_whole, take_whole_numbers

MOST_BYTES = 2**26  # of a run: all of it goes to the page, a picture at a time


@dataclass(frozen=True, eq=False)
class Replay:
    """What `python -m tools.data.record` made of a run of `python -m tools.data.train --snapshots`.

    Attributes:
        picture_names: P names of bundled pictures; none of them was trained on.
        held_out: number of scenes the recall was measured on; not trained on either.
        steps (Tensor[S]): int64, ascending; the first is 0, the untrained network.
        loss_steps (Tensor[T]): int64; 1 … T.
        loss_objectness, loss_rpn_box_reg (Tensor[T]): float32, as they were at each step, on two random views.
        objectness (Tensor[S, P, h, w]): uint8; the highest score of a cell's anchors × 255.
        proposals (Tensor[S, P, 50, 4]): float32 xyxy, px; best first, NaN where there were fewer.
        scores (Tensor[S, P, 50]): float32, of these.
        top_ns (Tensor[K]): int64.
        recall (Tensor[S, K]): float32; share of the objects covered at IoU 0.5 by the best so many proposals.

    Raises:
        ValueError: if shapes do not belong together, a number is not finite, or the run is longer than a page can show.
    """

    picture_names: list[str]
    held_out: int
    steps: Tensor
    loss_steps: Tensor
    loss_objectness: Tensor
    loss_rpn_box_reg: Tensor
    objectness: Tensor
    proposals: Tensor
    scores: Tensor
    top_ns: Tensor
    recall: Tensor

    def __post_init__(self) -> None:
        """Take numbers of any type, as what is said above."""
        s, t, p, k = len(self.steps), len(self.loss_steps), len(self.picture_names), len(self.top_ns)
        object.__setattr__(self, "held_out", take_whole(self.held_out, "held_out", low=0))
        for name, shape in (("steps", f"{s}"), ("loss_steps", f"{t}"), ("top_ns", f"{k}")):
            object.__setattr__(self, name, take_whole_numbers(getattr(self, name), name, shape, low=0).cpu())
        for name in ("loss_objectness", "loss_rpn_box_reg"):
            object.__setattr__(self, name, take_shown(getattr(self, name), name, f"{t}"))
        object.__setattr__(self, "recall", take_shown(self.recall, "recall", f"{s}, {k}"))
        scores = take_whole_numbers(self.objectness, "objectness", f"{s}, {p}, h, w", 0, 255)
        object.__setattr__(self, "objectness", scores.byte().cpu())
        for name, shape in (("proposals", f"{s}, {p}, 50, 4"), ("scores", f"{s}, {p}, 50")):
            object.__setattr__(self, name, take_shown(getattr(self, name), name, shape, gaps=True))
        check_count(
            self.objectness.numel() + 4 * self.proposals.numel(), MOST_BYTES, "objectness and proposals are … bytes"
        )

    @classmethod
    def load(cls, name: str = "mini") -> Replay:
        """Read a bundled run.

        Raises:
            ValueError: if there is none of that name.
        """
        folder = data_folder() / "replay"
        bundled = sorted(path.stem for path in folder.glob("*.safetensors"))
        if name not in bundled:
            raise ValueError(f"name must be a bundled run ({', '.join(bundled)}); got {name!r}")
        with safe_open(folder / f"{name}.safetensors", framework="pt") as file:
            said = file.metadata()
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118, not a dict
        tensors = {key: value.float() if value.dtype == torch.float16 else value for key, value in tensors.items()}
        return cls(picture_names=said["picture_names"].split(","), held_out=int(said["held_out"]), **tensors)
