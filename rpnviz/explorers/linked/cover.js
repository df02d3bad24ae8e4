// @ts-check
// A part of the picture is covered, and the nine scores follow: does the large anchor look at the whole bus? Python asks
// its network about the covered picture; a page without a kernel asks its own.

import { ownPicture, waitsFor } from "../common/asking.js";
import { clamp } from "../common/compute/boxes.js";
import { Grid } from "../common/compute/grid.js";
import { sigmoid } from "../common/compute/loss_ledger.js";
import { PADDING } from "../common/compute/pictures.js";
import { checkbox, explains, h } from "../common/elements.js";
import { commit, typed, watch } from "../common/model.js";
import { movable } from "../common/movable_box.js";
import { PictureReader } from "../common/picture_reader.js";

/** @typedef {import("../common/compute/boxes.js").Box} Box */
/** @typedef {import("../common/model.js").Model} Model */
/** logits: of all anchors, null while they have not come. @typedef {{patch: Box, logits: Float32Array | null}} Cover */

const FIRST_SIDE = 140; // px of the patch at first
const WHAT =
  "Covers a part of the picture with the grey that the network sees as nothing. Drag it, and read how the nine scores follow.";
const NOBODY = "The network looks once more for every place of the patch: this page has none.";

/** What is covered, null if nothing is. @param {Model} model @param {number} count of anchors @returns {Cover | null} */
export function readCover(model, count) {
  const patch = /** @type {number[]} */ (model.get("patch"));
  if (!patch.length) return null;
  const { patch: of, logits } = model.get("covered") || {};
  const isOf = logits && String(of) === String(patch) && logits.byteLength === 4 * count;
  return { patch: /** @type {Box} */ (patch), logits: isOf ? typed(logits, Float32Array) : null };
}

/** A score before and now. @param {number} before @param {Cover} cover @param {number} anchor */
export const coverText = (before, { logits }, anchor) =>
  `score ${before.toFixed(2)} → ${logits ? sigmoid(logits[anchor]).toFixed(2) : "…"} when covered`;

/** Whether anybody can be asked. @param {Model} model */
const canCover = (model) =>
  !(model.get("handed") || []).includes("patch") &&
  Boolean(model.get("has_kernel") || (model.get("network") && (ownPicture(model) || model.get("files"))));

/** Lays a patch round the window, and takes it away. @param {import("./view.js").Context} context @returns {import("./view.js").Part} */
export function coverSwitch({ model, store }) {
  const onChange = (/** @type {boolean} */ on) => {
    const scene = store.scene();
    const { frame } = scene;
    const [x, y] = scene.centre(model.get("row"), model.get("col"));
    const half = Math.min(FIRST_SIDE, frame[2], frame[3]) / 2;
    const [cx, cy] = [clamp(x, half, frame[2] - half), clamp(y, half, frame[3] - half)].map(Math.round);
    commit(model, { patch: on ? [cx - half, cy - half, cx + half, cy + half] : [] });
  };
  const box = checkbox({ label: "cover a part", what: WHAT, onChange });
  const input = /** @type {HTMLInputElement} */ (box.element.querySelector("input"));
  return {
    element: h("div", { class: "rpnviz-layer" }, box.element),
    draw({ cover }) {
      box.set(cover !== null);
      input.disabled = !canCover(model);
      explains(input, input.disabled ? NOBODY : WHAT);
    },
  };
}

/**
 * The patch to grip. Python is asked about one place at a time: the hand's last place waits until it has answered.
 * @param {{model: Model, panel: import("../common/canvas_panel.js").Panel, redraw: () => void}} tools
 */
export function patchGrip({ model, panel, redraw }) {
  let next = /** @type {Box | null} */ (null);
  const go = () => {
    if (!next || (model.get("has_kernel") && waitsFor(model).includes("patch"))) return;
    const patch = next;
    next = null;
    commit(model, { patch });
  };
  const grip = movable({
    name: "grey patch",
    what: "The grey patch. Drag it or a corner; arrows move it, Shift + arrows resize it.",
    panel,
    get: () => next || model.get("patch"),
    move(box) {
      next = box;
      go();
      redraw();
    },
    within: () => {
      const [height, width] = model.get("scene").image_size;
      return [0, 0, width, height];
    },
  });
  const element = h("div", { class: "rpnviz-cover-layer" });
  return {
    element,
    draw() {
      go();
      const patch = next || model.get("patch");
      if (patch.length && !grip.element.isConnected) element.append(grip.element);
      if (patch.length) grip.place(patch, 1);
      else grip.element.remove();
    },
  };
}

/** A page without a kernel asks its network, about one place at a time. @param {Model} model @returns {(() => void)[]} */
export function asksAboutCover(model) {
  if (model.get("has_kernel") || !model.get("network")) return [];
  const asker = new CoverAsker(model);
  return [watch(model, ["patch", "scene"], () => asker.ask()), () => asker.network.close()];
}

class CoverAsker {
  /** @param {Model} model */
  constructor(model) {
    this.model = model;
    this.network = /** @type {import("../common/network.js").Network} */ (model.get("network")(() => {}));
    this.of = /** @type {any} */ (null); // the scene that `covered` belongs to
    this.works = false;
  }

  get isAnswered() {
    const { model } = this;
    const covered = model.get("covered");
    return (
      String(covered.patch || []) === String(model.get("patch")) && (!covered.patch || this.of === model.get("scene"))
    );
  }

  async ask() {
    const { model, network } = this;
    if (this.works || this.isAnswered) return;
    this.works = true;
    const [patch, scene] = [model.get("patch"), model.get("scene")];
    try {
      if (patch.length) {
        const picture = {
          image: covered(await this.pixels(scene), patch, scene.image_size),
          imageSize: scene.image_size,
        };
        const { objectness } = await network.lookAt(picture, Grid.named(scene.grid, scene.image_size));
        this.of = scene;
        this.answer(patch, { patch, logits: new DataView(objectness.buffer) });
      } else {
        network.close();
        this.answer(patch, {});
      }
    } catch (error) {
      if (/** @type {Error} */ (error).name === "AbortError") return; // the view is gone
      commit(model, { patch: [], covered: {}, error: error instanceof Error ? error.message : String(error) });
    }
    this.works = false;
    this.ask(); // the hand may have gone on
  }

  /** @param {number[]} patch @param {{patch?: number[], logits?: DataView}} found */
  answer(patch, found) {
    commit(this.model, { covered: found, answered: { ...this.model.get("answered"), patch } });
  }

  /** @param {Record<string, any>} scene @returns {Promise<Uint8ClampedArray>} [H][W][3] */
  async pixels({ picture }) {
    if (ownPicture(this.model)) return typed(this.model.get("own_pixels"), Uint8ClampedArray);
    const { [picture]: file } = await this.model.get("files")();
    const reader = new PictureReader();
    const { image } = await reader.openPicture(new Blob([file]));
    reader.close();
    return image;
  }
}

/** A copy with a part in grey: as scene.py's `cover`. @param {Uint8ClampedArray} image @param {Box} patch @param {[number, number]} size */
function covered(image, patch, [, width]) {
  const [x1, y1, x2, y2] = patch.map(Math.round);
  const copy = image.slice();
  for (let y = y1; y < y2; y++) {
    for (let x = x1; x < x2; x++) copy.set(PADDING, 3 * (y * width + x));
  }
  return copy;
}
