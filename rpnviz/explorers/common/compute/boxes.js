// @ts-check
// Boxes, as in rpnviz/boxes.py.

/** @typedef {[number, number, number, number]} Box x1, y1, x2, y2 in pixels of the picture */

/** @param {number} value @param {number} low @param {number} high */
export const clamp = (value, low, high) => Math.max(low, Math.min(high, value));

/** Box i of a flat list. @param {Float32Array} boxes @param {number} i @returns {Box} */
export const boxAt = (boxes, i) => [boxes[4 * i], boxes[4 * i + 1], boxes[4 * i + 2], boxes[4 * i + 3]];

/** Width and height. @param {Box} box @returns {[number, number]} */
export const sides = ([x1, y1, x2, y2]) => [x2 - x1, y2 - y1];

/** @param {Box} box */
export const boxArea = ([x1, y1, x2, y2]) => (x2 - x1) * (y2 - y1);

/** Where two boxes overlap; a side is negative where they lie apart. @param {Box} a @param {Box} b @returns {Box} */
export const sharedBox = (a, b) => [
  Math.max(a[0], b[0]),
  Math.max(a[1], b[1]),
  Math.min(a[2], b[2]),
  Math.min(a[3], b[3]),
];

/** Intersection over union; 0 where the union is empty. @param {Box} a @param {Box} b */
export function boxIou(a, b) {
  const [width, height] = sides(sharedBox(a, b));
  const shared = Math.max(width, 0) * Math.max(height, 0);
  const union = boxArea(a) + boxArea(b) - shared;
  return union > 0 ? shared / union : 0;
}
