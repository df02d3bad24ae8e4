// @ts-check
// Boxes, as in rpnviz/boxes.py.

/** @typedef {[number, number, number, number]} Box x1, y1, x2, y2 in pixels of the picture */

/** @param {number} value @param {number} low @param {number} high */
export const clamp = (value, low, high) => Math.max(low, Math.min(high, value));
