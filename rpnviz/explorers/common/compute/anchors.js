// @ts-check
// Anchors, as in rpnviz/anchors.py: k reference boxes round the centre of every cell, the same k everywhere.
//
// Order: cell anchors are ratio-major, a = ratio index · number of scales + scale index; all anchors lie row by row,
// number (row · w + col) · A + a. The network's output channels have the same order.
/** @typedef {import("./boxes.js").Size} Size */
/** @typedef {import("./grid.js").Grid} Grid */

/** Side of the square of the same area, px of the picture. */
export const SCALES = [128, 256, 512];
/** Height / width. */
export const ASPECT_RATIOS = [0.5, 1, 2];
const f32 = Math.fround;

/**
 * The anchors of one cell, round the origin, half sides rounded to whole pixels.
 * @param {number[]} [scales] side of the square of the same area, px @param {number[]} [aspectRatios] height / width @returns {Float32Array} [A, 4]
 */
export function cellAnchors(scales = SCALES, aspectRatios = ASPECT_RATIOS) {
  const cells = [];
  for (const ratio of aspectRatios) {
    for (const scale of scales) {
      // 1. A ratio r = h / w at area s²: h = s · √r, w = s / √r.
      const root = f32(Math.sqrt(f32(ratio)));
      const [height, width] = [f32(root * f32(scale)), f32(f32(1 / root) * f32(scale))];
      // 2. Half of it to either side of the origin, rounded.
      const [halfHeight, halfWidth] = [roundHalfEven(height / 2), roundHalfEven(width / 2)];
      cells.push(-halfWidth, -halfHeight, halfWidth, halfHeight);
    }
  }
  return new Float32Array(cells);
}

/** As PyTorch rounds: 2.5 → 2, 3.5 → 4. @param {number} value 0 or above */
const roundHalfEven = (value) => (value % 1 === 0.5 ? 2 * Math.round(value / 2) : Math.round(value));

/**
 * The ten anchors of CTPN, the text detector: width 16, heights from 11 to 273. Not Faster R-CNN's.
 * @returns {Float32Array} [10, 4]
 */
export function ctpnCellAnchors() {
  const heights = Array.from({ length: 10 }, (_, i) => f32(11 / 0.7 ** i));
  return new Float32Array(heights.flatMap((height) => [-8, -height / 2, 8, height / 2]));
}

/**
 * Put the cell anchors on the centre of every cell. Many reach beyond the picture.
 * @param {Grid} grid h × w cells on the picture @param {Float32Array} cells [A, 4] @returns {Float32Array} [h · w · A, 4]
 */
export function gridAnchors(grid, cells) {
  const [rows, columns] = grid.featureSize;
  const [strideY, strideX] = grid.stride.map(f32);
  const anchors = new Float32Array(rows * columns * cells.length);
  for (let row = 0, at = 0; row < rows; row++) {
    for (let col = 0; col < columns; col++, at += cells.length) {
      // 1. The centre of the cell.
      const [x, y] = [f32((col + 0.5) * strideX), f32((row + 0.5) * strideY)];
      // 2. The same A boxes shifted there.
      for (let k = 0; k < cells.length; k++) anchors[at + k] = (k % 2 ? y : x) + cells[k];
    }
  }
  return anchors;
}

/**
 * Which anchors lie wholly inside the picture; touching the border is inside.
 * @param {Float32Array} anchors [N, 4] @param {Size} imageSize @returns {Uint8Array} [N], 1 or 0
 */
export function insidePicture(anchors, [height, width]) {
  const inside = new Uint8Array(anchors.length / 4);
  for (let i = 0, k = 0; i < inside.length; i++, k += 4) {
    inside[i] = Number(anchors[k] >= 0 && anchors[k + 1] >= 0 && anchors[k + 2] <= width && anchors[k + 3] <= height);
  }
  return inside;
}
