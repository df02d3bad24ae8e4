// @ts-check
// How an h × w feature map lies on an H × W picture, as in rpnviz/grid.py: strides, centres, the 3 × 3 window, receptive
// fields. A position is (row, col), row first; a point of the picture is (x, y), x first.
import { clamp } from "./boxes.js";

/** @typedef {import("./boxes.js").Box} Box */
/** @typedef {import("./boxes.js").Size} Size */

const POOLINGS = 4; // VGG-16 up to conv5_3 has four 2 × 2 poolings, so one cell is 2 ** 4 input pixels
export const CELL = 2 ** POOLINGS;
const WINDOW = 3 * CELL; // the 3 × 3 window measured in strides: 48 input pixels
const RECEPTIVE_FIELD_CONV5_3 = 196; // input pixels that one conv5_3 value depends on
const RECEPTIVE_FIELD_WINDOW = RECEPTIVE_FIELD_CONV5_3 + 2 * CELL; // and the 3 × 3 convolution after it: 228

/** What a 2 × 2 pooling leaves of a side. @param {number} side @param {boolean} ceilMode an odd last row is kept */
export const halved = (side, ceilMode) => (ceilMode ? Math.ceil(side / 2) : Math.floor(side / 2));

/** A feature map laid over a picture. */
export class Grid {
  /**
   * @param {string} name "paper", "floor" or "ceil" @param {Size} imageSize of the picture, px
   * @param {Size} inputSize of what the network sees; the picture is resampled to it
   * @param {boolean} ceilMode whether a pooling keeps an odd last row or column (Caffe) or drops it (PyTorch)
   */
  constructor(name, imageSize, inputSize, ceilMode = false) {
    this.name = name;
    this.imageSize = imageSize;
    this.inputSize = inputSize;
    this.ceilMode = ceilMode;
  }

  /**
   * The preset of that name: the paper's round figure 40 × 60, the picture resampled to 640 × 960; or the picture as it
   * is, 37 × 62 (floor) or 38 × 63 (ceil) cells for 600 × 1000.
   * @param {string} name @param {Size} imageSize
   */
  static named(name, imageSize) {
    return new Grid(name, imageSize, name === "paper" ? [640, 960] : imageSize, name === "ceil");
  }

  /** What a message brought to a worker: the values without the methods. @param {Pick<Grid, "name" | "imageSize" | "inputSize" | "ceilMode">} sent */
  static of({ name, imageSize, inputSize, ceilMode }) {
    return new Grid(name, imageSize, inputSize, ceilMode);
  }

  /** (h, w) of the feature map: the input halved four times, each time rounded down or up. @returns {Size} */
  get featureSize() {
    let [height, width] = this.inputSize;
    for (let i = 0; i < POOLINGS; i++) [height, width] = [halved(height, this.ceilMode), halved(width, this.ceilMode)];
    return [height, width];
  }

  /** (y, x): picture pixels from one cell to the next. @returns {Size} */
  get stride() {
    const along = (/** @type {0 | 1} */ axis) => (CELL * this.imageSize[axis]) / this.inputSize[axis];
    return [along(0), along(1)];
  }

  /** (x, y) of the centre of a cell, px. @param {number} row @param {number} col @returns {[number, number]} */
  centre(row, col) {
    const [strideY, strideX] = this.stride;
    return [(col + 0.5) * strideX, (row + 0.5) * strideY];
  }

  /** (row, col) of the cell that covers a point of the picture; the nearest cell if none does. @param {number} x @param {number} y @returns {[number, number]} */
  cellAt(x, y) {
    const [rows, columns] = this.featureSize;
    const [strideY, strideX] = this.stride;
    return [clamp(Math.floor(y / strideY), 0, rows - 1), clamp(Math.floor(x / strideX), 0, columns - 1)];
  }

  /** The 3 × 3 window measured in strides, px: 50 × 45 on the paper's grid. @param {number} row @param {number} col */
  footprint(row, col) {
    return this.#around(row, col, WINDOW);
  }

  /** All that the window's outputs can see, px: 228 × 228 px of the network's input. @param {number} row @param {number} col */
  receptiveField(row, col) {
    return this.#around(row, col, RECEPTIVE_FIELD_WINDOW);
  }

  /** A square of `side` input pixels round the centre of a cell, px. @param {number} row @param {number} col @param {number} side @returns {Box} */
  #around(row, col, side) {
    const [x, y] = this.centre(row, col);
    const [halfY, halfX] = this.stride.map((stride) => ((side / 2) * stride) / CELL);
    return [x - halfX, y - halfY, x + halfX, y + halfY];
  }
}
