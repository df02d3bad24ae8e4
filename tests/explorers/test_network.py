"""How the network in the page runs: in a worker, layer by layer; how it stops and fails; under which policies."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser

from rpnviz._files.data import data_folder
from rpnviz.backbone import DEPTHS
from rpnviz.explorers.common import bundle
from rpnviz.grid import Grid
from rpnviz.pictures import Picture
from rpnviz.site.policy import policy
from tests.explorers.compute_page import ComputePage
from tests.explorers.network_page import (
    LOOK,
    MAKE,
    MODULES,
    NETWORK,
    NO_PAGE_KERNEL,
    SMALL,
    SMALL_IMAGE,
    WEIGHTS,
    as_grid,
    far,
    network_page,
    small_logits,
)
from tests.explorers.page_code import ask_page

LAYERS = [f"conv{stage + 1}_{i + 1}" for stage, depth in enumerate(DEPTHS) for i in range(depth)]
LAYERS += ["conv", "cls_logits", "bbox_pred"]


@pytest.fixture(scope="module")
def page(browser: Browser) -> Iterator[ComputePage]:
    made = network_page(browser)
    yield made
    made.page.close()


def test_each_layer_is_told_in_turn(page: ComputePage) -> None:
    said = page.run(LOOK, SMALL_IMAGE, as_grid(SMALL))
    assert said["progress"] == [{"name": name, "done": i + 1, "all": 16} for i, name in enumerate(LAYERS)]
    assert far(said["objectness"], small_logits()) < 1e-3


def test_work_is_done_in_one_worker(page: ComputePage) -> None:
    """The page itself never loads the kernel, and a second job takes the same worker."""
    said = page.run(
        """async (image, grid) => {
          const [made, loaded, real, instantiate] = [[], [], Worker, WebAssembly.instantiate];
          globalThis.Worker = class extends real { constructor(url) { super(url); made.push(url); } };
          WebAssembly.instantiate = (...given) => (loaded.push(1), instantiate(...given));
          const own = new Network(async () => weights);
          try {
            for (let i = 0; i < 2; i++) await own.lookAt({ image, imageSize: grid.imageSize }, grid);
            return [made.length, made[0].slice(0, 5), loaded.length];
          } finally {
            own.close();
            [globalThis.Worker, WebAssembly.instantiate] = [real, instantiate];
          }
        }""",
        *(SMALL_IMAGE, as_grid(SMALL)),
    )
    assert said == [1, "blob:", 0]


CANCELLED = """async (image, grid) => {
  const own = new Network(async () => weights);
  own.cancel(); // nothing is being done
  const seen = [];
  const stopped = own.lookAt({ image, imageSize: grid.imageSize }, grid, ({ name }) => {
    seen.push(name);
    own.cancel();
  });
  const said = await stopped.then(() => "not stopped", (error) => error.name);
  const busy = own.busy;
  const other = image.map((value) => 255 - value); // so that an answer of the first would show
  const { objectness } = await own.lookAt({ image: other, imageSize: grid.imageSize }, grid);
  own.close();
  return { said, seen, busy, objectness };
}"""


def test_what_is_cancelled_ends_and_the_next_job_starts_afresh(page: ComputePage) -> None:
    said = page.run(CANCELLED, SMALL_IMAGE, as_grid(SMALL))
    assert (said["said"], said["busy"]) == ("AbortError", False)
    assert said["seen"] == ["conv1_1"]
    assert far(said["objectness"], small_logits(255 - SMALL_IMAGE)) < 1e-3


def test_one_thing_at_a_time(page: ComputePage) -> None:
    said = page.run(
        """async (image, grid) => {
          const [picture, errors] = [{ image, imageSize: grid.imageSize }, []];
          const first = network.lookAt(picture, grid);
          const busy = network.busy;
          await network.lookAt(picture, grid).catch((error) => errors.push(error.message));
          await network.detect().catch((error) => errors.push(error.message));
          const { objectness } = await first;
          return { busy, errors, objectness };
        }""",
        *(SMALL_IMAGE, as_grid(SMALL)),
    )
    assert said["busy"] is True
    assert said["errors"] == 2 * ["this page is still at work, and does one thing at a time: cancel it first"]
    assert far(said["objectness"], small_logits()) < 1e-3


def test_a_job_that_fails_says_why_and_the_next_one_works(page: ComputePage) -> None:
    said = page.run(LOOK, SMALL_IMAGE, as_grid(Grid.floor()))
    assert said["error"] == f"image has {SMALL_IMAGE.size} numbers, takes 600×1000×3"
    other = page.run("(image, grid) => network.lookAt({ image, imageSize: [1, 2] }, grid)", SMALL_IMAGE, as_grid(SMALL))
    assert other["error"] == "picture must have the grid's imageSize 96×128; got 1×2"
    tiny = page.run(LOOK, np.zeros((48, 64, 3), np.uint8), as_grid(Grid.floor((48, 64))))
    assert tiny["error"] == "a picture of 48×64 px, takes 64 at least"
    assert far(page.run(LOOK, SMALL_IMAGE, as_grid(SMALL))["objectness"], small_logits()) < 1e-3


def test_pictures_are_fitted_in_a_worker(page: ComputePage) -> None:
    picture = Picture.load("street-03")
    file = (data_folder() / "pictures" / "street-03.webp").read_bytes()
    said = page.run(
        """async (bytes) => {
          const real = OffscreenCanvas;
          globalThis.OffscreenCanvas = class { constructor() { throw new Error("the page resamples nothing"); } };
          try {
            return await reader.openPicture(new File([bytes], "street-03.webp"));
          } finally {
            globalThis.OffscreenCanvas = real;
          }
        }""",
        file,
    )
    assert (said["image"].reshape(picture.image.shape) == picture.image).all()
    bad = page.run("(bytes) => reader.openPicture(new File([bytes], 'notes.txt'))", b"hello")
    assert bad["error"] == "notes.txt is not a picture that this browser reads; JPEG and PNG are"


NO_WORKER = "globalThis.Worker = class { constructor() { throw new DOMException('no', 'SecurityError'); } };"


def test_without_a_worker_the_page_does_it_and_has_its_turns(browser: Browser) -> None:
    own = network_page(browser)
    own.page.evaluate(f"() => {{ {NO_WORKER} }}")
    said = own.run(LOOK, SMALL_IMAGE, as_grid(SMALL))
    assert [step["name"] for step in said["progress"]] == LAYERS
    assert far(said["objectness"], small_logits()) < 1e-3
    cancelled = own.run(CANCELLED, SMALL_IMAGE, as_grid(SMALL))
    assert (cancelled["said"], cancelled["busy"]) == ("AbortError", False)
    assert far(cancelled["objectness"], small_logits(255 - SMALL_IMAGE)) < 1e-3
    turns = own.run(
        """async (image, grid) => {
          let [turns, going] = [0, true];
          const tick = () => { turns++; if (going) setTimeout(tick); };
          setTimeout(tick);
          await network.lookAt({ image, imageSize: grid.imageSize }, grid);
          going = false;
          return turns;
        }""",
        *(Picture.load("street-03").image, as_grid(Grid.paper())),
    )
    assert turns > 1
    own.page.close()


def test_a_browser_without_simd_is_told_so(page: ComputePage) -> None:
    said = page.run(
        """() => {
          const real = WebAssembly.validate;
          WebAssembly.validate = () => false;
          try {
            return bestBinary();
          } finally {
            WebAssembly.validate = real;
          }
        }"""
    )
    assert said["error"].startswith("this browser has no WebAssembly SIMD") and "Safari 16.4" in said["error"]


def test_fused_multiply_add_is_taken_where_there_is_one(page: ComputePage) -> None:
    taken = """(fused) => {
      const real = WebAssembly.validate;
      WebAssembly.validate = (binary) => fused || btoa(String.fromCharCode(...binary)) !== FUSED;
      try {
        return btoa(String.fromCharCode(...bestBinary())) === FUSED;
      } finally {
        WebAssembly.validate = real;
      }
    }"""
    assert page.run(taken, True) is True and page.run(taken, False) is False


# --- where it runs ---------------------------------------------------------------------------------------------------

PLAIN = (
    '<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>a page</title></head><body></body></html>\n'
)
KERNEL, WORKER = " 'wasm-unsafe-eval'", "worker-src blob:; "


def under_policy(browser: Browser, content: str) -> ComputePage:
    """A page that is sent with a policy. Its code is put in from outside, which no policy forbids."""
    opened = browser.new_page()
    opened.route(
        "http://rpnviz.test/*",
        lambda route: route.fulfill(body=PLAIN, content_type="text/html", headers={"Content-Security-Policy": content}),
    )
    opened.goto("http://rpnviz.test/page.html")
    opened.evaluate(
        """() => {
          globalThis.violations = [];
          addEventListener("securitypolicyviolation", (event) => violations.push(event.effectiveDirective));
        }"""
    )
    made = ComputePage(opened, *MODULES)
    made.run(MAKE, WEIGHTS)
    return made


def policy_without(words: str) -> str:
    content = policy(PLAIN)
    assert content.count(words) == 1
    return content.replace(words, "")


def test_the_policy_of_the_site_is_enough(browser: Browser) -> None:
    own = under_policy(browser, policy(PLAIN))
    own.page.evaluate(f"() => {{ {NO_PAGE_KERNEL} }}")
    assert far(own.run(LOOK, SMALL_IMAGE, as_grid(SMALL))["objectness"], small_logits()) < 1e-3
    file = (data_folder() / "pictures" / "street-03.webp").read_bytes()
    said = own.run("(bytes) => reader.openPicture(new Blob([bytes]))", file)
    assert (said["image"].reshape(600, 1000, 3) == Picture.load("street-03").image).all()
    assert own.page.evaluate("violations") == []
    own.page.close()


def test_a_policy_without_workers_has_the_page_do_it(browser: Browser) -> None:
    own = under_policy(browser, policy_without(WORKER))
    assert far(own.run(LOOK, SMALL_IMAGE, as_grid(SMALL))["objectness"], small_logits()) < 1e-3
    assert set(own.page.evaluate("violations")) == {"worker-src"}
    own.page.close()


def test_a_policy_without_webassembly_is_said(browser: Browser) -> None:
    own = under_policy(browser, policy_without(KERNEL))
    said = own.run(LOOK, SMALL_IMAGE, as_grid(SMALL))
    assert said["error"] == (
        "the policy of this page keeps the network from running, which needs 'wasm-unsafe-eval' in script-src"
    )
    own.page.close()


def test_it_runs_in_a_page_from_the_disk(browser: Browser, tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    script = f"<script>{bundle.bundle(NETWORK)}</script></body>"
    path.write_text(PLAIN.replace("</body>", script), encoding="utf-8")
    opened = browser.new_page()
    opened.goto(path.as_uri())
    opened.evaluate('() => Object.assign(globalThis, rpnviz.take("common/network.js"))')
    opened.evaluate(f"() => {{ {NO_PAGE_KERNEL} }}")
    own = ComputePage(opened)
    own.run(MAKE, WEIGHTS)
    assert far(own.run(LOOK, SMALL_IMAGE, as_grid(SMALL))["objectness"], small_logits()) < 1e-3
    opened.close()


def test_it_runs_in_a_module_as_a_widget_is_loaded(browser: Browser) -> None:
    """An ES module from a blob:, as JupyterLab imports it; here it fails for want of weights, in its worker."""
    ask = f"""export const ask = async ({{ image, grid }}) => {{
      {NO_PAGE_KERNEL}
      const none = new ArrayBuffer(0);
      const own = new Network(async () => ({{ backbone: none, rpnHead: none, roiHead: null }}));
      const picture = {{ image: Uint8ClampedArray.from(image), imageSize: grid.imageSize }};
      return own.lookAt(picture, grid).catch(({{ message }}) => message);
    }};"""
    said = ask_page(browser, NETWORK, ask, {"image": [0] * 12288, "grid": as_grid(Grid.floor((64, 64)))})
    assert said == "weights: not a safetensors file, or cut off: its header does not fit into 0 bytes"
