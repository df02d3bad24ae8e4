// @ts-check
// Pillow's Lanczos, bit for bit: `image.resize(size, Image.Resampling.LANCZOS)` of an RGB picture. Bytes in, bytes out,
// and bytes between the two axes; the weights are whole numbers, as there: 22 bits stand for 1.

/** @typedef {import("./boxes.js").Size} Size */
/** @typedef {import("./turns.js").Turn} Turn */
/** @typedef {{size: Size, rows: (from: number, until: number) => Uint8ClampedArray}} Source RGB, read a few rows at a time */
/** @typedef {{first: number, weights: Int32Array}} Taps the source pixels that make one pixel, and how much each counts */

const REACH = 3; // pixels each way; of the smaller picture, when it is made smaller
const ONE = 2 ** 22;
const HALF = ONE / 2; // what is cut off afterwards is so rounded
const STRIP = 64; // rows that are read at a time

/** @param {number} x */
const sinc = (x) => (x === 0 ? 1 : Math.sin(x * Math.PI) / (x * Math.PI));
/** @param {number} x */
const lanczos = (x) => (x >= -REACH && x < REACH ? sinc(x) * sinc(x / REACH) : 0);

/** Of each target pixel. @param {number} from @param {number} to sides of the two pictures @returns {Taps[]} */
function tapsOf(from, to) {
  const scale = from / to;
  const widened = Math.max(scale, 1);
  return Array.from({ length: to }, (_, i) => {
    const centre = (i + 0.5) * scale;
    const first = Math.max(Math.trunc(centre - REACH * widened + 0.5), 0);
    const last = Math.min(Math.trunc(centre + REACH * widened + 0.5), from);
    const shares = Array.from({ length: last - first }, (_, k) => lanczos((k + first - centre + 0.5) * (1 / widened)));
    const sum = shares.reduce((a, b) => a + b, 0);
    return { first, weights: Int32Array.from(shares, (share) => whole((share / sum) * ONE)) };
  });
}

/** Halves away from 0, as Pillow has it. @param {number} x */
const whole = (x) => Math.trunc(x < 0 ? x - 0.5 : x + 0.5);

/** @param {Source} source @param {Size} size @param {Turn} turn @returns {Promise<Uint8ClampedArray>} [h][w][3] */
export function resizeLanczos(source, [h, w], turn) {
  const [height, width] = source.size;
  // Which comes first changes pixels here and there. As Pillow 13 has it; before, it was always x.
  const first = height - h > Math.max(0, 2 * (width - w)) ? yThenX : xThenY;
  return first(source, [h, w], turn);
}

/** A strip of the source at a time, so that a photo of 50 megapixels never lies in memory in whole. @type {typeof resizeLanczos} */
async function xThenY(source, [h, w], turn) {
  const [height, width] = source.size;
  const narrow = new Uint8ClampedArray(height * w * 3);
  const across = tapsOf(width, w);
  for (let top = 0; top < height; top += STRIP) {
    narrow.set(alongX(source.rows(top, Math.min(top + STRIP, height)), width, across), top * w * 3);
    await turn();
  }
  if (height === h) return narrow;
  const found = new Uint8ClampedArray(h * w * 3);
  for (const [y, { first, weights }] of tapsOf(height, h).entries()) {
    found.set(alongY(narrow.subarray(first * w * 3), w, weights), y * w * 3);
    await turn();
  }
  return found;
}

/** A row of the result at a time. @type {typeof resizeLanczos} */
async function yThenX(source, [h, w], turn) {
  const [height, width] = source.size;
  const [across, found] = [tapsOf(width, w), new Uint8ClampedArray(h * w * 3)];
  for (const [y, { first, weights }] of tapsOf(height, h).entries()) {
    const row = alongY(source.rows(first, first + weights.length), width, weights);
    found.set(alongX(row, width, across), y * w * 3);
    await turn();
  }
  return found;
}

/** @param {Uint8ClampedArray} rows [rows][width][3] @param {number} width @param {Taps[]} across */
function alongX(rows, width, across) {
  if (across.length === width) return rows;
  const count = rows.length / (3 * width);
  const found = new Uint8ClampedArray(count * across.length * 3); // what lies beyond 0 or 255 is cut off
  let out = 0;
  for (let row = 0; row < count; row++) {
    for (const { first, weights } of across) {
      let [red, green, blue] = [HALF, HALF, HALF];
      for (let k = 0, at = (row * width + first) * 3; k < weights.length; k++, at += 3) {
        red += rows[at] * weights[k];
        green += rows[at + 1] * weights[k];
        blue += rows[at + 2] * weights[k];
      }
      found[out++] = red >> 22;
      found[out++] = green >> 22;
      found[out++] = blue >> 22;
    }
  }
  return found;
}

/** One row of so many. @param {Uint8ClampedArray} rows [weights.length][width][3] @param {number} width @param {Int32Array} weights */
function alongY(rows, width, weights) {
  const sums = new Int32Array(3 * width).fill(HALF);
  for (let k = 0, at = 0; k < weights.length; k++) {
    const weight = weights[k];
    for (let i = 0; i < sums.length; i++) sums[i] += rows[at++] * weight;
  }
  const found = new Uint8ClampedArray(3 * width);
  for (let i = 0; i < sums.length; i++) found[i] = sums[i] >> 22;
  return found;
}
