// @ts-check
// What payload.py packs for the page, packed by a page that has no Python behind it; packed.js reads both.

import { pngFile } from "./png.js";

/** @typedef {import("./compute/boxes.js").Size} Size */

const COLUMNS = 32; // maps a row of a sheet
const CELL_STEPS = 20; // of brightness, between dark and bright

/**
 * As payload.py's `sheet_file`, without any loss. @param {Float32Array[]} bright the maps, 0 to 1 @param {Size} size of each
 * @param {{cells?: boolean}} [options] cells: whether single cells are looked at, then in 20 steps
 */
export function sheetFile(bright, [rows, cols], { cells = false } = {}) {
  const grey = (/** @type {number} */ value) => byteOf(cells ? Math.round(value * CELL_STEPS) / CELL_STEPS : value);
  const wide = COLUMNS * cols;
  return pngFile([Math.ceil(bright.length / COLUMNS) * rows, wide], (rgba) => {
    for (let at = 3; at < rgba.length; at += 4) rgba[at] = 255; // opaque
    bright.forEach((map, number) => {
      const corner = Math.floor(number / COLUMNS) * rows * wide + (number % COLUMNS) * cols;
      map.forEach((value, cell) => {
        const at = 4 * (corner + Math.floor(cell / cols) * wide + (cell % cols));
        rgba.fill(grey(value), at, at + 3);
      });
    });
  });
}

/** As a byte. Of 20 steps five are just between two, and there PyTorch takes the even one. @param {number} bright 0 to 1 */
function byteOf(bright) {
  const value = Math.fround(bright * 255);
  return value % 1 === 0.5 ? 2 * Math.round(value / 2) : Math.round(value);
}

/** @param {Float32Array} bright 0 to 1 */
export const bytesOf = (bright) => Uint8Array.from(bright, byteOf);

/** As payload.py's `hundredths`. @param {Float32Array} numbers @returns {Promise<DataView>} */
export async function hundredths(numbers) {
  const whole = Int32Array.from(numbers, (number) => Math.round(number * 100));
  const deflated = new Blob([whole]).stream().pipeThrough(new CompressionStream("deflate"));
  return new DataView(await new Response(deflated).arrayBuffer());
}
