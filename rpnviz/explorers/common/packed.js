// @ts-check
// What is sent smaller than it is (payload.py): the maps of all channels as one grey picture, and numbers to the
// hundredth. Both take a moment to unpack, and are null until then.

import { h } from "./elements.js";
import { derived, typed } from "./model.js";
import { loadPhoto } from "./photo.js";

/** @typedef {ReturnType<typeof readSheet>} Sheet */

/**
 * The maps that `sheet_file` packed; another file, another sheet.
 * @param {() => DataView} file @param {[number, number]} size (rows, columns) of a map @param {() => void} onLoad
 */
export function loadSheet(file, size, onLoad) {
  const grey = loadPhoto(file, onLoad);
  return derived(
    () => grey.bitmap,
    (bitmap) => bitmap && readSheet(bitmap, size),
  );
}

/** @param {ImageBitmap} bitmap @param {[number, number]} size */
function readSheet(bitmap, [rows, cols]) {
  const { width, height } = bitmap;
  const g = h("canvas", { width, height }).getContext("2d", { willReadFrequently: true });
  g.drawImage(bitmap, 0, 0);
  const { data } = g.getImageData(0, 0, width, height);
  const values = Uint8Array.from({ length: width * height }, (_, i) => data[4 * i]);
  const across = width / cols; // maps a row
  /** Upper left corner of a map in the sheet. @param {number} channel */
  const corner = (channel) => [(channel % across) * cols, Math.floor(channel / across) * rows];
  /** Brightness of a cell. @param {number} channel @param {number} row @param {number} col */
  const at = (channel, row, col) => {
    const [x, y] = corner(channel);
    return values[(y + row) * width + x + col];
  };
  return {
    ...{ width, height, values, corner, at },
    /** Brightness of all cells, row by row. @param {number} channel */
    map: (channel) => Uint8Array.from({ length: rows * cols }, (_, i) => at(channel, Math.floor(i / cols), i % cols)),
  };
}

/** The numbers that `hundredths` packed. @param {DataView} file @param {() => void} onLoad */
export const loadHundredths = (file, onLoad) =>
  loadDeflated(file, (bytes) => Float64Array.from(new Int32Array(bytes), (n) => n / 100), onLoad);

/**
 * What is read from deflated bytes.
 * @template Read
 * @param {DataView} file @param {(bytes: ArrayBuffer) => Read} read @param {() => void} onLoad
 */
export function loadDeflated(file, read, onLoad) {
  let found = /** @type {Read | null} */ (null);
  const unpack = async () => {
    const bytes = new Blob([typed(file, Uint8Array)]).stream().pipeThrough(new DecompressionStream("deflate"));
    found = read(await new Response(bytes).arrayBuffer());
    onLoad();
  };
  unpack();
  return () => found;
}
