// @ts-check
// The paper's way to train a head, and four with one thing changed, as in rpnviz/train/variants.py.

import { SCALES } from "./anchors.js";

/**
 * A training with at most one thing changed.
 * @typedef {object} Variant
 * @property {boolean} bestPerGt the best anchors of an object are positive, whatever their IoU is
 * @property {boolean} balanced up to half of the 256 are positive; else the 256 are drawn from all that have a label
 * @property {number} kernelSize of the window
 * @property {number[]} scales of the anchors, px
 */

/** @type {Variant} */
const AS_IN_THE_PAPER = { bestPerGt: true, balanced: true, kernelSize: 3, scales: SCALES };
export const INTACT = "as in the paper";

/** @type {Record<string, Variant>} */
export const VARIANTS = {
  [INTACT]: AS_IN_THE_PAPER,
  "256 drawn without balance": { ...AS_IN_THE_PAPER, balanced: false },
  "no best-per-gt rule": { ...AS_IN_THE_PAPER, bestPerGt: false },
  "1×1 instead of 3×3": { ...AS_IN_THE_PAPER, kernelSize: 1 },
  "one scale only": { ...AS_IN_THE_PAPER, scales: [256] },
};
