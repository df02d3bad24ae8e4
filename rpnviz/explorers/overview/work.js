// @ts-check
// What was packed for the overview (scene.py), as the linked explorer's Scene takes it. Boxes are drawn small: float16 do.

import { clip, decode, listOf } from "../common/compute/boxes.js";
import { fromHalf } from "../common/compute/half.js";
import { typed } from "../common/model.js";
import { Scene } from "../linked/scene.js";

/** @typedef {import("../common/compute/boxes.js").Box} Box */

const LARGE = 8; // a further bit of the byte of an anchor's label

/** A scene, and what only the overview has of it. */
export class OverviewScene extends Scene {
  /** @param {Record<string, any>} packed the trait `scene` */
  constructor(packed) {
    const kinds = typed(packed.kinds, Uint8Array);
    const scores = typed(packed.scores, Uint16Array);
    const suppressors = typed(packed.suppressor, Int16Array);
    super(packed, {
      ...{ by: packed.by, thresholds: { bg: 0.3, fg: 0.7 }, objects: [], bestAnchors: [], funnel: packed.funnel },
      codes: kinds.map((kind) => kind & (LARGE - 1)),
      order: Int32Array.from(typed(packed.order, Uint16Array)),
      score: (anchor) => scores[anchor] / 65535,
      large: (anchor) => (kinds[anchor] & LARGE) > 0,
      suppressor: (rank) => suppressors[rank],
      decoded: (anchor) => /** @type {Box} */ ([...clip(listOf([this.moved(anchor)]), packed.image_size)]),
      ...{ iou: () => 0, bestObject: () => -1, bestOf: () => -1, suppressedIou: () => 0 }, // nobody asks
    });
    this.deltas = fromHalf(typed(packed.deltas, Uint16Array));
    this.counts = /** @type {any} */ (() => packed.counts);
    this.drawn = {
      positive: Array.from(typed(packed.minibatch.positive, Uint16Array)),
      negative: Array.from(typed(packed.minibatch.negative, Uint16Array)),
    };
  }

  /** The four deltas of an anchor. @param {number} anchor */
  deltasOf = (anchor) => Array.from(this.deltas.subarray(4 * anchor, 4 * anchor + 4));

  /** An anchor moved by its deltas, not yet clipped. @param {number} anchor @returns {Box} */
  moved(anchor) {
    return /** @type {Box} */ ([...decode(new Float32Array(this.deltasOf(anchor)), listOf([this.anchor(anchor)]))]);
  }

  /** How many of the nine of each cell go on to NMS, 0 … 255. */
  crowded() {
    const cells = new Uint8Array(this.rows * this.columns);
    for (const anchor of this.order) cells[Math.floor(anchor / this.perCell)] += 1;
    return cells.map((count) => (255 * count) / this.perCell);
  }
}
