// @ts-check
// How a feature map lies on a picture, as in rpnviz/grid.py.

/** @typedef {[number, number]} Size rows, columns: (H, W) or (h, w) */
/** @typedef {{name: string, imageSize: Size, inputSize: Size, ceilMode: boolean}} Grid inputSize is what the network sees */

export const POOLINGS = 4;
export const CELL = 2 ** POOLINGS; // input pixels of a cell

/** The preset of that name, as `Grid.named`. @param {string} name @param {Size} imageSize @returns {Grid} */
export function namedGrid(name, imageSize) {
  if (name === "paper") return { name, imageSize, inputSize: [640, 960], ceilMode: false };
  if (name === "floor") return { name, imageSize, inputSize: imageSize, ceilMode: false };
  if (name === "ceil") return { name, imageSize, inputSize: imageSize, ceilMode: true };
  throw new Error(`grid must be one of paper, floor, ceil; got ${name}`);
}

/** What a 2 × 2 pooling leaves of a side. @param {number} side @param {boolean} ceilMode an odd last row is kept */
export const halved = (side, ceilMode) => (ceilMode ? Math.ceil(side / 2) : Math.floor(side / 2));

/** The input halved four times, each time rounded down or up. @param {Grid} grid @returns {Size} */
export function featureSize({ inputSize: [height, width], ceilMode }) {
  let size = /** @type {Size} */ ([height, width]);
  for (let i = 0; i < POOLINGS; i++) size = [halved(size[0], ceilMode), halved(size[1], ceilMode)];
  return size;
}

/** (y, x): pixels of the picture from one cell to the next. @param {Grid} grid @returns {[number, number]} */
export const stride = ({ imageSize, inputSize }) => [
  (CELL * imageSize[0]) / inputSize[0],
  (CELL * imageSize[1]) / inputSize[1],
];
