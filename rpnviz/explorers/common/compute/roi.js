// @ts-check
// RoI pooling and RoIAlign of one box in one channel, to keep up with the hand. A test holds it against rpnviz/roi.py.
// Coordinates are rounded to float32 at each step, as Python has them: an edge on the half of a cell must fall alike.
import { clamp } from "./boxes.js";

/** @typedef {import("./boxes.js").Box} Box */
/** @typedef {[number, number]} Span first, and one past the last; or (rows, columns) */
/** @typedef {{row: number, col: number, weight: number}} Neighbour */

const f = Math.fround;
/** @param {number} n */
const range = (n) => Array.from({ length: n }, (_, i) => i);
/** Halves away from 0, as C does. @param {number} edge */
const whole = (edge) => Math.sign(edge) * Math.floor(Math.abs(edge) + 0.5);

/** Pixels of the picture → cells. @param {Box} box @param {Span} stride (y, x) @returns {Box} */
export const toCells = (box, [strideY, strideX]) =>
  /** @type {Box} */ (box.map((edge, i) => f(f(edge) / f(i % 2 ? strideY : strideX))));

/** @param {Box} box @param {Span} stride @returns {Box} */
export const toPixels = (box, [strideY, strideX]) =>
  /** @type {Box} */ (box.map((edge, i) => edge * (i % 2 ? strideY : strideX)));

/**
 * The whole cells that RoI pooling takes instead of the box, and those of each row and column of bins.
 * @param {Box} box in cells @param {Span} size of the map @param {number} bins
 */
export function poolCells(box, [rows, cols], bins) {
  const [x1, y1, x2, y2] = box.map(whole);
  const spans = (/** @type {number} */ first, /** @type {number} */ last, /** @type {number} */ limit) => {
    const length = f((last + 1 - first) / bins);
    return range(bins).map((i) => {
      const edges = [Math.floor(f(i * length)), Math.ceil(f((i + 1) * length))];
      return /** @type {Span} */ (edges.map((edge) => clamp(edge + first, 0, limit)));
    });
  };
  const rectangle = /** @type {Box} */ ([x1, y1, x2 + 1, y2 + 1]);
  return { rectangle, rows: spans(y1, y2, rows), cols: spans(x1, x2, cols) };
}

/**
 * The largest value of some cells and where it is; 0 and nowhere if there are no cells.
 * @param {Float32Array} map @param {number} width @param {Span} rows @param {Span} cols
 */
export function largest(map, width, [top, bottom], [left, right]) {
  const best = { value: 0, row: -1, col: -1 };
  for (let row = top; row < bottom; row++) {
    for (let col = left; col < right; col++) {
      const value = map[row * width + col];
      if (best.row < 0 || value > best.value) Object.assign(best, { value, row, col });
    }
  }
  return best;
}

/**
 * RoIAlign's sampling points: the rows of each row of bins, the columns of each column. At a cell's centre a coordinate
 * is whole.
 * @param {Box} box in cells @param {number} bins @param {number} ratio points each way, 0: as many as a bin has cells
 * @param {boolean} aligned
 */
export function alignPoints(box, bins, ratio, aligned) {
  const [x1, y1, x2, y2] = aligned ? box.map((edge) => f(edge - 0.5)) : box;
  const points = (/** @type {number} */ start, /** @type {number} */ end) => {
    const length = f((aligned ? f(end - start) : Math.max(f(end - start), 1)) / bins);
    const count = ratio || Math.ceil(length);
    return range(bins).map((i) =>
      range(count).map((k) => f(f(start + f(i * length)) + f(f((k + 0.5) * length) / count))),
    );
  };
  return { ys: points(y1, y2), xs: points(x1, x2) };
}

/**
 * The four cells round a point and their shares. @param {number} y @param {number} x @param {Span} size
 * @returns {Neighbour[]}
 */
export function neighbours(y, x, [rows, cols]) {
  const off = y < -1 || y > rows || x < -1 || x > cols;
  const [atY, atX] = [clamp(y, 0, rows - 1), clamp(x, 0, cols - 1)];
  const [row, col] = [Math.floor(atY), Math.floor(atX)];
  const [down, across] = [atY - row, atX - col];
  return [0, 1].flatMap((i) =>
    [0, 1].map((k) => ({
      row: Math.min(row + i, rows - 1),
      col: Math.min(col + k, cols - 1),
      weight: off ? 0 : (i ? down : 1 - down) * (k ? across : 1 - across),
    })),
  );
}

/** @param {Float32Array} map @param {Span} size @param {number} y @param {number} x */
export const valueAt = (map, size, y, x) =>
  neighbours(y, x, size).reduce((sum, { row, col, weight }) => sum + weight * map[row * size[1] + col], 0);

/** The mean over the points of a bin. @param {Float32Array} map @param {Span} size @param {number[]} ys @param {number[]} xs */
export function mean(map, size, ys, xs) {
  const sum = ys.reduce((total, y) => total + xs.reduce((row, x) => row + valueAt(map, size, y, x), 0), 0);
  return sum / Math.max(ys.length * xs.length, 1);
}
