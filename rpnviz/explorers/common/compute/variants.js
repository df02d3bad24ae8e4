// @ts-check
// Our way to train a head, and five with one thing changed, as in rpnviz/train/variants.py.

import { SCALES } from "./anchors.js";

/**
 * A training with at most one thing changed.
 * @typedef {object} Variant
 * @property {boolean} bestPerGt the best anchors of an object are positive, whatever their IoU is
 * @property {boolean} balanced up to half of the 256 are positive; else the 256 are drawn from all that have a label
 * @property {boolean} dropCrossBoundary anchors that cross the picture's border have no label
 * @property {number} kernelSize of the window
 * @property {number[]} scales of the anchors, px
 */

/** @type {Variant} */
const OURS = { bestPerGt: true, balanced: true, dropCrossBoundary: false, kernelSize: 3, scales: SCALES };
export const INTACT = "all rules of ours";

/** @type {Record<string, Variant>} */
export const VARIANTS = {
  [INTACT]: OURS,
  "256 drawn without balance": { ...OURS, balanced: false },
  "no best-per-gt rule": { ...OURS, bestPerGt: false },
  "1×1 instead of 3×3": { ...OURS, kernelSize: 1 },
  "one scale only": { ...OURS, scales: [256] },
  "cross-boundary anchors dropped": { ...OURS, dropCrossBoundary: true },
};
