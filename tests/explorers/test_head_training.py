"""The head's training in the page, step by step against PyTorch's: first weights, minibatches, losses, gradients."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from playwright.sync_api import Browser
from torch import Tensor

from rpnviz.backbone import Backbone
from rpnviz.grid import Grid
from rpnviz.pictures import Picture
from rpnviz.rpn import RPNHead, flatten_head
from rpnviz.train import precision
from rpnviz.train.head import HeadTraining, features_and_mirrored, mirror_boxes
from rpnviz.train.training import draw_minibatch
from rpnviz.train.variants import INTACT, VARIANTS
from tests.explorers.compute_page import ComputePage, compute_page
from tools.browser.engines import chosen
from tools.browser.page import Engine

GRID = Grid.paper()
PICTURES = [Picture.load(name) for name in ("street-01", "street-07", "street-11")]
NAMES = ("adamw", "convolution", "generator", "grid", "half", "head_training", "new_head", "rpn", "turns", "variants")
MODULES = [f"common/compute/{name}.js" for name in NAMES]
FEW = 32  # channels that take no time
STEPS = 240  # of the run: the rates follow from it
# `taken` steps: losses and drawn anchors of each, the gradients of the last, and what the head then says of all cells.
TRAIN = """async (features, boxes, looked, name, seed, steps, taken) => {
  const grid = Grid.named("paper", [600, 1000]);
  const views = features.map((of, i) => ({ features: of, gtBoxes: boxes[i] }));
  const pictures = views.flatMap((view, i) => (i % 2 ? [] : [[view, views[i + 1]]]));
  const training = new HeadTraining(await Kernel.load(nobodyWaits), pictures, grid, VARIANTS[name], steps, seed);
  const { head } = training;
  const [draw, backward] = [training.drawMinibatch.bind(training), head.backward.bind(head)];
  let [sampled, gradients] = [[], []];
  training.drawMinibatch = (view) => {
    const drawn = draw(view);
    sampled.push(Int32Array.of(...drawn.posInds, -1, ...drawn.negInds));
    return drawn;
  };
  head.backward = (slopes) => {
    const found = backward(slopes);
    gradients = found.map((values) => values.slice());
    return found;
  };
  const noted = [];
  for (let step = 0; step < taken; step++) {
    sampled = [];
    const { lossObjectness, lossRpnBoxReg } = training.advance();
    noted.push({ losses: [lossObjectness, lossRpnBoxReg], sampled });
  }
  const { objectness, predBboxDeltas } = await head.forward(looked);
  return { noted, gradients, ...flattenHead(objectness, predBboxDeltas, grid.featureSize) };
}"""


# The same steps by a worker of the page.
RUN = """async (features, boxes, looked, name, seed, steps, taken) => {
  const views = features.map((of, i) => ({ features: of, gtBoxes: boxes[i] }));
  const pictures = views.flatMap((view, i) => (i % 2 ? [] : [[view, views[i + 1]]]));
  const watched = { features: looked, gtBoxes: boxes[0] };
  const run = await PageRun.begin({ name, steps, seed, imageSize: [600, 1000], pictures, watched });
  for (let step = 0; step < taken; step++) await run.advance();
  run.close();
  return run.losses;
}"""


@pytest.fixture(scope="module")
def page(browser: Browser) -> Iterator[ComputePage]:
    made = compute_page(browser, *MODULES)
    yield made
    made.page.close()


@functools.cache
def features(channels: int) -> list[Tensor]:
    """Of each picture and its mirror image: those of "mini", or of fewer channels."""
    torch.manual_seed(1)
    if channels == FEW:
        return [torch.relu(torch.randn(2, FEW, 40, 60)).half() for _ in PICTURES]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(precision, "bfloat16_is_faster", lambda _: False)
        return [features_and_mirrored(Backbone.load("mini"), picture, GRID) for picture in PICTURES]


def channels_last(features: Tensor) -> npt.NDArray[np.uint16]:
    """float16 Tensor[C, h, w] -> its bits, [h][w][C]."""
    bits: npt.NDArray[np.uint16] = features.permute(1, 2, 0).contiguous().view(torch.int16).numpy().view(np.uint16)
    return bits


def in_page(page: ComputePage, channels: int, name: str, seed: int, taken: int, code: str = TRAIN) -> Any:
    """What `code` makes of a training of so many steps."""
    maps = [channels_last(view) for both in features(channels) for view in both]
    boxes = [of.numpy() for picture in PICTURES for of in (picture.gt_boxes, mirror_boxes(picture.gt_boxes, GRID))]
    said = page.run(code, maps, boxes, features(channels)[0][0].float().numpy(), name, seed, STEPS, taken)
    assert "error" not in said, said
    return said


def in_pytorch(channels: int, name: str, seed: int, taken: int) -> tuple[HeadTraining, list[Any]]:
    """A training after so many steps, and the losses and drawn anchors of each."""
    variant = VARIANTS[name]
    training = HeadTraining(
        Backbone((1,) * 5),
        variant.new_head(seed, channels),
        PICTURES,
        STEPS,
        rules=variant.rules,
        cells=variant.cells(),
        seed=seed,
        features=features(channels),
    )
    noted: list[Any] = []
    sampled: list[list[int]] = []

    def drawn(*arguments: Any) -> Any:
        found = draw_minibatch(*arguments)
        sampled.append([*found[2].tolist(), -1, *found[3].tolist()])
        return found

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("rpnviz.train.head.draw_minibatch", drawn)
        for report in islice(training.run(), taken):
            noted.append({"losses": [report["loss_objectness"], report["loss_rpn_box_reg"]], "sampled": list(sampled)})
            sampled.clear()
    return training, noted


def in_blocks(matrix: Tensor) -> npt.NDArray[np.float32]:
    """[outputs, inputs] -> the kernel's [block][inputs][8], filled up with zeros."""
    filled = torch.zeros(-(-len(matrix) // 8) * 8, matrix.shape[1])
    filled[: len(matrix)] = matrix
    blocks: npt.NDArray[np.float32] = filled.view(-1, 8, matrix.shape[1]).transpose(1, 2).flatten().numpy()
    return blocks


def as_in_page(values: dict[str, Tensor]) -> list[npt.NDArray[np.float32]]:
    """What belongs to the weights of a head, as `TrainedHead.weights` lists them."""
    answers = [
        torch.cat([values[f"{layer}.{kind}"] for layer in ("cls_logits", "bbox_pred")]) for kind in ("weight", "bias")
    ]
    return [
        in_blocks(values["conv.weight"].permute(0, 2, 3, 1).flatten(1)),
        in_blocks(answers[0].flatten(1)),
        values["conv.bias"].numpy(),
        in_blocks(answers[1][:, None]),
    ]


def gradients_of(head: RPNHead) -> dict[str, Tensor]:
    found = {name: values.grad for name, values in head.named_parameters()}
    return {name: values for name, values in found.items() if values is not None}


def check_near(page: list[Any], python: list[npt.NDArray[np.float32]], share: float) -> None:
    """As far apart as a share of the largest number of each list at most."""
    for ours, theirs in zip(page, python, strict=True):
        assert np.abs(ours - theirs).max() <= share * np.abs(theirs).max()


@pytest.mark.parametrize("name", VARIANTS)
def test_an_untrained_head_has_the_weights_of_pytorch(page: ComputePage, name: str) -> None:
    variant = VARIANTS[name]
    said = page.run(
        """(name, channels, numAnchors) => {
          const tensors = newHead(7, channels, numAnchors, VARIANTS[name].kernelSize);
          return Object.fromEntries(tensors);
        }""",
        *(name, FEW, len(variant.cells())),
    )
    expected = variant.new_head(7, FEW).state_dict()
    assert list(said) == list(expected)
    for key, values in expected.items():
        assert said[key]["shape"] == list(values.shape)
        np.testing.assert_allclose(said[key]["values"], values.flatten().numpy(), rtol=0, atol=1e-7)


@pytest.mark.parametrize(("name", "channels"), [*((name, FEW) for name in VARIANTS), (INTACT, 512)])
def test_losses_and_gradients_of_a_step_are_those_of_pytorch(page: ComputePage, name: str, channels: int) -> None:
    said = in_page(page, channels, name, 3, 1)
    training, noted = in_pytorch(channels, name, 3, 1)
    assert [one.tolist() for one in said["noted"][0]["sampled"]] == noted[0]["sampled"]
    np.testing.assert_allclose(said["noted"][0]["losses"], noted[0]["losses"], rtol=1e-5)
    check_near(said["gradients"], as_in_page(gradients_of(training.head)), 1e-5)


@pytest.mark.parametrize(("name", "channels", "taken"), [*((name, FEW, 40) for name in VARIANTS), (INTACT, 512, 12)])
def test_after_many_steps_it_is_still_the_same_training(
    page: ComputePage, name: str, channels: int, taken: int
) -> None:
    """The same anchors are drawn at each step; roundings add up, and the losses still agree."""
    said = in_page(page, channels, name, 0, taken)
    training, noted = in_pytorch(channels, name, 0, taken)
    for ours, theirs in zip(said["noted"], noted, strict=True):
        assert [one.tolist() for one in ours["sampled"]] == theirs["sampled"]
        np.testing.assert_allclose(ours["losses"], theirs["losses"], rtol=1e-3, atol=1e-5)
    with torch.no_grad():
        logits, deltas = flatten_head(*training.head(features(channels)[0][:1].float()))
    check_near([said["logits"], said["deltas"].reshape(-1, 4)], [logits.numpy(), deltas.numpy()], 1e-2)


@pytest.mark.parametrize("browser_name", [name for name in chosen() if name != "chromium"])
def test_a_worker_of_another_browser_takes_the_same_steps(engines: Callable[[str], Engine], browser_name: str) -> None:
    made = compute_page(engines(browser_name), "live/page_run.js")
    said = in_page(made, FEW, INTACT, 5, 12, RUN)
    _, noted = in_pytorch(FEW, INTACT, 5, 12)
    np.testing.assert_allclose(said, [one["losses"] for one in noted], rtol=1e-3, atol=1e-5)
    made.page.close()


def test_variants_are_those_of_python(page: ComputePage) -> None:
    said = page.run("() => ({ INTACT, VARIANTS })")
    assert said["INTACT"] == INTACT
    assert list(said["VARIANTS"].items()) == [
        (
            name,
            {
                "bestPerGt": variant.rules.best_per_gt,
                "balanced": variant.rules.balanced,
                "dropCrossBoundary": variant.rules.drop_cross_boundary,
                "kernelSize": variant.kernel_size,
                "scales": list(variant.scales),
            },
        )
        for name, variant in VARIANTS.items()
    ]


@pytest.mark.parametrize("steps", [1, 2, 5, 240])
def test_rates_and_steps_are_those_of_pytorch(page: ComputePage, steps: int) -> None:
    rng = np.random.default_rng(steps)
    gradients = rng.normal(size=(steps, 50)).astype(np.float32)
    gradients[:, :5] = 0
    weights = torch.nn.Parameter(torch.ones(50))
    optimizer = torch.optim.AdamW([weights], lr=1e-3, weight_decay=0.01, fused=True)
    scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, 1e-3, total_steps=steps + 1)
    rates = []
    for gradient in gradients:
        rates.append([optimizer.param_groups[0]["lr"], optimizer.param_groups[0]["betas"][0]])
        weights.grad = torch.from_numpy(gradient)
        optimizer.step()
        scheduler.step()
    said = page.run(
        """(gradients, steps) => {
          const [weights, optimizer] = [new Float32Array(50).fill(1), new AdamW([50])];
          const rates = Array.from({ length: steps }, (_, step) => oneCycle(step, steps, 1e-3));
          rates.forEach((of, i) => optimizer.step([weights], [gradients.subarray(50 * i, 50 * i + 50)], of));
          return { weights, rates: rates.map(({ lr, beta1 }) => [lr, beta1]) };
        }""",
        *(gradients, steps),
    )
    np.testing.assert_allclose(said["rates"], rates, rtol=1e-9)
    np.testing.assert_allclose(said["weights"], weights.detach().numpy(), rtol=1e-5)


def test_a_number_becomes_the_nearest_float16(page: ComputePage) -> None:
    """Ties go to the even one; what is too large becomes infinite, what is too small subnormal, then 0."""
    rng = np.random.default_rng(0)
    every = np.arange(1 << 16, dtype=np.uint16).view(np.float16)
    every = every[np.isfinite(every)].astype(np.float32)
    between = (every[1:] + every[:-1]) / 2
    drawn = (rng.normal(size=20_000) * 10.0 ** rng.integers(-9, 6, 20_000)).astype(np.float32)
    values = np.concatenate(
        [every, between, np.nextafter(between, 0), drawn, np.array([65519, 65520, 7e4, -1e30], np.float32)]
    )
    with np.errstate(over="ignore"):
        expected = values.astype(np.float16).view(np.uint16)
    np.testing.assert_array_equal(page.run("toHalf", values), expected)
    halves = expected[np.isfinite(expected.view(np.float16))]
    np.testing.assert_array_equal(page.run("fromHalf", halves), halves.view(np.float16).astype(np.float32))


@pytest.mark.parametrize("seed", [0, 1, 2**32 - 1])
def test_draws_are_those_of_pytorch(page: ComputePage, seed: int) -> None:
    """Whole numbers to the last bit, one generator for all; normal ones within float32's rounding."""
    said = page.run(
        """(seed) => {
          const generator = manualSeed(seed);
          const whole = [8, 2, 3, 1000, 1].map((count) => randint(count, generator));
          skip(700, generator);
          return { whole, numbers: normal(64, 0.01, generator), after: randint(1000, generator) };
        }""",
        seed,
    )
    generator = torch.Generator().manual_seed(seed)
    assert said["whole"] == [int(torch.randint(count, (1,), generator=generator)) for count in (8, 2, 3, 1000, 1)]
    torch.rand(700, generator=generator)
    numbers = torch.nn.init.normal_(torch.empty(64), std=0.01, generator=generator)
    np.testing.assert_allclose(said["numbers"], numbers.numpy(), rtol=0, atol=1e-7)
    assert said["after"] == int(torch.randint(1000, (1,), generator=generator))
