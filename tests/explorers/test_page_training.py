"""The live training on a page without a kernel: its own workers take the steps, and it shows what Python would show."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from playwright.sync_api import Browser, Page, expect
from torch import Tensor

from rpnviz.backbone import Backbone
from rpnviz.explorers.common.curves import smoothed
from rpnviz.explorers.live.explorer import LiveExplorer
from rpnviz.explorers.live.pace import time_left
from rpnviz.grid import Grid
from rpnviz.pictures import Picture
from rpnviz.train import precision
from rpnviz.train.head import features_and_mirrored, mirror_boxes
from tests.explorers.compute_page import ComputePage, compute_page
from tests.explorers.network_page import WEIGHTS

VARIANT = "256 drawn without balance"
STEPS = 12
MODULES = ("live/view.js", "live/trainer.js", "live/pace.js", "live/page_run.js", "saved/open.js", "common/model.js")
COMPUTE = ("head_features", "backbone", "convolution", "grid", "turns", "pictures")
# What the site gives: the traits, and two functions that promise files.
OPEN = """(state, weights, training) => {
  const views = (value) => {
    if (ArrayBuffer.isView(value)) return new DataView(value.buffer, value.byteOffset, value.byteLength);
    if (Array.isArray(value)) return value.map(views);
    if (!value || typeof value !== "object") return value;
    return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, views(one)]));
  };
  const sent = views(training);
  globalThis.files = {
    weights: async () => ({ backbone: weights.backbone.buffer.slice() }),
    training: async () => sent,
  };
  globalThis.unknown = () => ({ training: ((others) => async () => others)({ ...sent }) }); // no features of these yet
  const rendered = [];
  globalThis.openView = (changes = {}) => {
    globalThis.model = standIn({ ...views(state), ...files, ...changes });
    rendered.push(render({ model, el: document.body }));
  };
  globalThis.reopen = (changes) => {
    for (const destroy of rendered.splice(0)) destroy();
    openView(changes);
  };
}"""


def pictures() -> list[Picture]:
    return [Picture.load(name) for name in ("street-01", "street-04")]


@functools.cache
def features() -> list[Tensor]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(precision, "bfloat16_is_faster", lambda _: False)
        return [features_and_mirrored(Backbone.load("mini"), picture, Grid.paper()) for picture in pictures()]


@functools.cache
def live() -> LiveExplorer:
    """Trained in Python by the rules, and with one left out, on features in float32."""
    made = LiveExplorer(Backbone.load("mini"), pictures(), features(), Picture.load("street-03"), STEPS)
    made.beside = VARIANT
    made.finish()
    return made


@pytest.fixture(scope="module")
def loaded(browser: Browser) -> Iterator[ComputePage]:
    made = compute_page(browser, *MODULES, *(f"common/compute/{name}.js" for name in COMPUTE))
    made.run(OPEN, live().saved_state(), WEIGHTS, live().on_demand()["training"])
    yield made
    made.page.close()


@pytest.fixture
def page(loaded: ComputePage) -> Page:
    """The view, as it opens on the site."""
    page: Page = loaded.page  # type: ignore[assignment]
    page.evaluate("() => reopen()")
    return page


BUTTON, NOTE, COUNTED = "button.rpnviz-start", ".rpnviz-note", ".rpnviz-counted"
RUNS = """() => model.get("runs").map((run) => ({
  ...run,
  map: typed(run.map, Uint8Array),
  proposals: typed(run.proposals, Float32Array),
  curves: run.curves.map(({ raw, mean }) => ({ raw: typed(raw, Float32Array), mean: typed(mean, Float32Array) })),
}))"""


def start(page: Page) -> None:
    page.locator(BUTTON).click()


def wait_for(page: Page, word: str) -> None:
    """Until the button says it; the network and a hundred steps take seconds."""
    expect(page.locator(BUTTON)).to_have_text(word, timeout=60_000)


def steps_of(page: Page) -> list[int]:
    found: list[int] = page.evaluate("() => model.get('runs').map(({ step }) => step)")
    return found


def numbers(file: bytes, kind: type[np.generic] = np.float32) -> npt.NDArray[Any]:
    return np.frombuffer(file, kind)


def test_features_are_those_of_python(loaded: ComputePage) -> None:
    """Of the picture and of its mirror image, from the file that a page is sent."""
    said = loaded.run(
        """async (file, weights) => {
          const kernel = await Kernel.load(nobodyWaits);
          const backbone = Backbone.load(kernel, weights.buffer.slice());
          const picture = await openPicture(new Blob([file]), nobodyWaits);
          return featuresAndMirrored(backbone, picture, Grid.named("paper", picture.imageSize));
        }""",
        *(Picture.load("street-01").file(), WEIGHTS["backbone"]),
    )
    for ours, theirs in zip(said, features()[0], strict=True):
        found = ours.view(np.float16).reshape(40, 60, 512).transpose(2, 0, 1).astype(np.float32)
        assert np.abs(found - theirs.float().numpy()).max() < 2e-3 * float(theirs.max())
        assert np.mean(found == theirs.float().numpy()) > 0.99, "most are rounded to the same number"


def test_boxes_are_mirrored_as_in_python(loaded: ComputePage) -> None:
    boxes = Picture.load("street-01").gt_boxes
    said = loaded.run('(boxes) => mirrorBoxes(boxes, Grid.named("paper", [600, 1000]))', boxes.numpy())
    np.testing.assert_array_equal(said.reshape(-1, 4), mirror_boxes(boxes, Grid.paper()).numpy())


@pytest.mark.parametrize("bundled", [True, False])
def test_a_page_is_sent_the_very_pixels(loaded: ComputePage, bundled: bool) -> None:
    """A bundled picture as the small file that it is; any other, also under the name of a bundled one, without loss."""
    picture = Picture.load("street-03")
    if bundled:
        assert len(picture.file()) < 100_000
    else:
        picture = dataclasses.replace(picture, image=np.ascontiguousarray(picture.image[:, ::-1]))
    said = loaded.run("async (file) => (await openPicture(new Blob([file]), nobodyWaits)).image", picture.file())
    np.testing.assert_array_equal(said.reshape(picture.image.shape), picture.image)


def test_it_shows_the_recorded_run_until_it_is_started(page: Page) -> None:
    wait_for(page, "Start")
    assert steps_of(page) == [STEPS, STEPS]
    expect(page.locator(".rpnviz-shown")).to_contain_text(f"Trained: step {STEPS} and {STEPS} of {STEPS}.")
    page.get_by_role("combobox").select_option("nothing")
    expect(page.locator(COUNTED)).to_contain_text(f"step {STEPS} of")
    page.get_by_role("combobox").select_option(VARIANT)
    assert steps_of(page) == [STEPS, STEPS]


def test_what_it_trains_is_what_python_trains(page: Page, loaded: ComputePage) -> None:
    """From pixels to proposals: losses, curves, map, proposals, the objects found, and the sentence that says it."""
    sentence = page.locator(".rpnviz-shown").text_content()
    start(page)
    wait_for(page, "Trained")
    for ours, theirs in zip(loaded.run(RUNS), live().runs, strict=True):
        for name in ("name", "step", "looked", "covered"):
            assert ours[name] == theirs[name]
        for curve, expected in zip(ours["curves"], theirs["curves"], strict=True):
            for kind in ("raw", "mean"):
                np.testing.assert_allclose(curve[kind], numbers(expected[kind]), rtol=1e-3, atol=1e-5)
        far = ours["map"].astype(int) - numbers(theirs["map"], np.uint8).astype(int)
        assert np.abs(far).max() <= 2
        np.testing.assert_allclose(ours["proposals"], numbers(theirs["proposals"]), atol=0.5)
    assert page.locator(".rpnviz-shown").text_content() == sentence
    expect(page.locator(NOTE)).to_have_text("")
    expect(page.locator(BUTTON)).to_have_attribute("aria-disabled", "true")


def test_it_stops_resumes_and_a_variant_catches_up(page: Page) -> None:
    page.get_by_role("combobox").select_option("nothing")
    start(page)
    page.wait_for_function("() => model.get('runs')[0].step >= 3 && !model.get('anew')", timeout=60_000)
    start(page)
    wait_for(page, "Resume")
    page.wait_for_function("() => !model.get('time_left')")
    (stopped,) = steps_of(page)
    # 1. Another one beside it begins, without a step.
    page.get_by_role("combobox").select_option("1×1 instead of 3×3")
    page.wait_for_function("() => model.get('runs').length === 2")
    assert steps_of(page) == [stopped, 0]
    wait_for(page, "Start")
    # 2. It goes on alone until both are as far.
    page.evaluate("() => { window.seen = []; }")
    page.evaluate("() => model.on('change:runs', () => seen.push(model.get('runs').map(({ step }) => step)))")
    start(page)
    wait_for(page, "Trained")
    seen = page.evaluate("() => seen")
    assert seen[-1] == [STEPS, STEPS]
    assert all(intact == max(stopped, variant) for intact, variant in seen)


def test_what_was_trained_stays_and_what_was_not_starts_over(page: Page) -> None:
    start(page)
    wait_for(page, "Trained")
    choose = page.get_by_role("combobox").select_option
    choose("one scale only")
    page.wait_for_function("() => model.get('runs').length === 2 && model.get('runs')[1].step === 0")
    choose(VARIANT)
    page.wait_for_function("() => model.get('runs')[1].step")
    assert steps_of(page) == [STEPS, STEPS]
    wait_for(page, "Trained")
    choose("one scale only")
    page.wait_for_function("() => model.get('runs')[1].step === 0")
    start(page)
    page.wait_for_function("() => model.get('runs')[1].step > 1")
    choose("nothing")
    page.wait_for_function("() => model.get('runs').length === 1")
    wait_for(page, "Trained")
    choose("one scale only")
    page.wait_for_function("() => model.get('runs').length === 2")
    assert steps_of(page) == [STEPS, 0]


def test_starting_one_stops_the_other(page: Page) -> None:
    page.evaluate("() => { window.first = model; openView(); }")
    buttons = page.locator(BUTTON)
    buttons.nth(0).click()
    buttons.nth(1).click()
    expect(buttons.nth(1)).to_have_text("Trained", timeout=60_000)
    assert page.evaluate("() => first.get('running')") is False
    assert page.evaluate("() => first.get('error')") == ""


ONCE = "(() => { let calls = 0; return { %s: () => calls++ ? files.%s() : %s }; })()"


@pytest.mark.parametrize(
    ("name", "promised", "said"),
    [
        ("weights", "Promise.reject(new Error('weights.js could not be loaded'))", "weights.js could not be loaded"),
        ("weights", "({ backbone: new ArrayBuffer(3) })", "weights: not a safetensors file"),
        (
            "training",
            "({ pictures: [], watched: { file: new DataView(new ArrayBuffer(9)) } })",
            "the file is not a picture that this browser reads",
        ),
    ],
)
def test_what_goes_wrong_is_said_and_the_view_lives_on(page: Page, name: str, promised: str, said: str) -> None:
    page.evaluate(f"() => reopen({{ ...unknown(), ...{ONCE % (name, name, promised)} }})")
    start(page)
    expect(page.locator(NOTE)).to_contain_text(f"training: {said}", timeout=60_000)
    wait_for(page, "Start")
    page.get_by_text("best 50").click()
    expect(page.locator(".rpnviz-shown")).to_contain_text("by the best 50")


def test_what_could_not_be_loaded_is_asked_for_again(page: Page) -> None:
    page.evaluate(f"() => reopen({ONCE % ('weights', 'weights', 'Promise.reject(new Error())')})")
    start(page)
    expect(page.locator(NOTE)).to_contain_text("training: ")
    wait_for(page, "Start")
    start(page)
    expect(page.locator(NOTE)).to_have_text("")
    wait_for(page, "Trained")


def test_a_run_that_fails_is_started_anew(page: Page) -> None:
    """Who knows how far it came."""
    start(page)
    page.wait_for_function("() => !model.get('anew') && model.get('runs')[0].step > 0", timeout=60_000)
    page.evaluate(
        """() => {
          const { postMessage } = Worker.prototype;
          Worker.prototype.postMessage = function () {
            Worker.prototype.postMessage = postMessage;
            postMessage.call(this, { name: "nonesuch", given: [] });
          };
        }"""
    )
    expect(page.locator(NOTE)).to_contain_text("training: ", timeout=60_000)
    wait_for(page, "Start")
    start(page)
    wait_for(page, "Trained")
    assert steps_of(page) == [STEPS, STEPS]


def test_a_page_that_may_start_no_worker_says_so(page: Page) -> None:
    page.evaluate("() => { window.Kept = Worker; Worker = class { constructor() { throw new Error('no'); } }; }")
    start(page)
    expect(page.locator(NOTE)).to_have_text("training: this page may not start a worker, and training needs one")
    page.evaluate("() => { Worker = Kept; }")


@pytest.mark.parametrize("missing", ["weights", "training"])
def test_without_the_files_it_stays_the_recorded_run(page: Page, missing: str) -> None:
    page.evaluate(f"() => reopen({{ {missing}: undefined }})")
    expect(page.locator(BUTTON)).to_have_attribute("aria-disabled", "true")
    expect(page.get_by_role("combobox")).to_be_disabled()
    page.locator(BUTTON).click(force=True)
    assert page.evaluate("() => model.get('running')") is False
    expect(page.locator(BUTTON)).to_have_text("Trained")


def test_time_left_is_said_as_python_says_it(loaded: ComputePage) -> None:
    seconds = [*np.arange(0.01, 200, 0.7).tolist(), *np.arange(200.1, 20_000, 61).tolist()]
    assert loaded.run("(seconds) => seconds.map(timeLeft)", seconds) == [time_left(one) for one in seconds]


def test_an_estimate_is_of_the_runs_that_go_on(loaded: ComputePage) -> None:
    """The median of their last steps; nothing is said before three were taken."""
    said = loaded.run(
        """() => {
          const [pace, said] = [new Pace(), []];
          for (const [runs, time] of [["a", 1000], ["a", 9000], ["a", 1000], ["a", 1000], ["a,b", 3000]]) {
            pace.step(runs, time);
            said.push(pace.left(40));
          }
          return [...said, pace.left(0)];
        }"""
    )
    assert said == ["", "", time_left(40), time_left(40), "", ""]


def test_the_mean_is_that_of_python(loaded: ComputePage) -> None:
    values = np.random.default_rng(0).random(90, np.float32)
    for width in (1, 20, 200):
        np.testing.assert_allclose(loaded.run("smoothed", values, width), smoothed(values, width), rtol=1e-6)
