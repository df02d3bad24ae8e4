// @ts-check
// Maps of channels, for the eye: what is near the border sets no range, since zero padding is seen there (figures/maps.py).

/** @typedef {import("./compute/boxes.js").Size} Size */

const RIM = 6; // cells from the border where zero padding is seen, as in maps.py

/**
 * The maps of all channels. @template {Float32Array | Uint8Array} Values
 * @param {Values} features [C][h][w] @param {Size} size (h, w)
 */
export function channelsOf(features, [rows, cols]) {
  const cells = rows * cols;
  const map = (/** @type {number} */ channel) => features.subarray(channel * cells, (channel + 1) * cells);
  return Array.from({ length: features.length / cells }, (_, channel) => /** @type {Values} */ (map(channel)));
}

/** The cells that are not near the border. @param {Float32Array} values [h][w] @param {Size} size */
export function withinRim(values, [rows, cols]) {
  const [down, across] = [Math.min(RIM, rows >> 2), Math.min(RIM, cols >> 2)];
  const wide = cols - 2 * across;
  const within = new Float32Array((rows - 2 * down) * wide);
  for (let row = down; row < rows - down; row++) {
    const from = row * cols + across;
    within.set(values.subarray(from, from + wide), (row - down) * wide);
  }
  return within;
}

/** @param {Float32Array | Uint8Array} values */
export function deviation(values) {
  let [sum, squares] = [0, 0];
  for (const value of values) sum += value;
  const mean = sum / values.length;
  for (const value of values) squares += (value - mean) ** 2;
  return Math.sqrt(squares / values.length);
}

/** The place of the largest, the first of several. @param {number[]} values */
export const placeOfLargest = (values) => values.indexOf(Math.max(...values));

/** How much each channel varies away from the rim. @param {Float32Array[]} channels @param {Size} size */
export const spreadOf = (channels, size) => channels.map((channel) => deviation(withinRim(channel, size)));

/** The mean of all channels. @param {Float32Array[]} channels @returns {Float32Array} */
export function meanOf(channels) {
  const sums = new Float64Array(channels[0].length);
  for (const channel of channels) for (let i = 0; i < sums.length; i++) sums[i] += channel[i];
  return Float32Array.from(sums, (sum) => sum / channels.length);
}

/** Lowest and highest value. @param {Float32Array} values @returns {[number, number]} */
export function rangeOf(values) {
  let [low, high] = [Infinity, -Infinity];
  for (const value of values) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return [low, high];
}

/** As payload.py's `brightness` of one map, 0 to 1. @param {Float32Array} values 0 or above @param {Size} size */
export function brightness(values, size) {
  const most = Math.max(rangeOf(withinRim(values, size))[1], 1e-9);
  return values.map((value) => Math.sqrt(Math.min(value / most, 1)));
}
