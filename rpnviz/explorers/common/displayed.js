// @ts-check
// The maps of a layer at the size and in the numbers in which they are shown, as layers/explorer.py has them.

import { brightness, channelsOf } from "./feature_maps.js";
import { bytesOf } from "./packing.js";

/** @typedef {import("./compute/boxes.js").Size} Size */

const FINEST = 4; // input pixels: maps are shown no finer than this

/** How many units of a layer, each way, are one pixel of what is shown. @param {number} jump input px from unit to unit */
const coarser = (jump) => Math.max(1, FINEST / jump);

/** @param {Size} size of the layer's maps @param {number} jump @returns {Size} of what is shown of them */
export function displayedSize([rows, cols], jump) {
  return [Math.ceil(rows / coarser(jump)), Math.ceil(cols / coarser(jump))];
}

/**
 * The maps as bytes of brightness; fine ones as means over squares.
 * @param {Float32Array} output [C][h][w] @param {Size} size (h, w) @param {number} jump @returns {Uint8Array<ArrayBuffer>} [C][h'][w']
 */
export function displayed(output, size, jump) {
  const [rows, cols] = displayedSize(size, jump);
  const channels = channelsOf(output, size);
  const shown = new Uint8Array(channels.length * rows * cols);
  channels.forEach((channel, number) => {
    const bright = brightness(channel, size);
    shown.set(bytesOf(meansOver(bright, size, coarser(jump))), number * rows * cols);
  });
  return shown;
}

/** Means over squares; at the end over what there is of one. @param {Float32Array} values @param {Size} size @param {number} side */
function meansOver(values, [rows, cols], side) {
  if (side === 1) return values;
  const across = Math.ceil(cols / side);
  const [sums, counts] = [0, 1].map(() => new Float32Array(Math.ceil(rows / side) * across));
  for (let row = 0; row < rows; row++) {
    for (let col = 0; col < cols; col++) {
      const at = Math.floor(row / side) * across + Math.floor(col / side);
      sums[at] += values[row * cols + col];
      counts[at] += 1;
    }
  }
  return sums.map((sum, at) => sum / counts[at]);
}
