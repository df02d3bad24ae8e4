// @ts-check
// What a head's training sees of a picture, as rpnviz/train/head.py: its features as it is and mirrored, and its boxes.

import { toHalf } from "./half.js";

/** @typedef {import("./backbone.js").Backbone} Backbone */
/** @typedef {import("./grid.js").Grid} Grid */
/** @typedef {import("./pictures.js").Picture} Picture */

/**
 * @param {Backbone} backbone @param {Picture} picture of the grid's size @param {Grid} grid
 * @returns {Promise<Uint16Array[]>} of the picture and of its mirror image: [h][w][C], float16, to hold many of them
 */
export async function featuresAndMirrored(backbone, picture, grid) {
  const found = [];
  for (const seen of [picture, mirrored(picture)]) {
    found.push(channelsLast(toHalf(await backbone.features(seen, grid, () => {})), grid.featureSize));
  }
  return found;
}

/** @param {Picture} picture @returns {Picture} */
function mirrored(picture) {
  const { image, imageSize } = picture;
  const [turned, width] = [new Uint8ClampedArray(image.length), imageSize[1]];
  for (let pixel = 0; pixel < image.length / 3; pixel++) {
    const column = pixel % width;
    const to = 3 * (pixel - column + width - 1 - column);
    for (let channel = 0; channel < 3; channel++) turned[to + channel] = image[3 * pixel + channel];
  }
  return { ...picture, image: turned };
}

/** [C][h][w] → [h][w][C]: what a window needs lies side by side. @param {Uint16Array} values @param {[number, number]} size */
function channelsLast(values, [h, w]) {
  const [cells, found] = [h * w, new Uint16Array(values.length)];
  const channels = values.length / cells;
  for (let channel = 0; channel < channels; channel++) {
    for (let cell = 0; cell < cells; cell++) found[cell * channels + channel] = values[channel * cells + cell];
  }
  return found;
}

/** Boxes of the mirror image. @param {Float32Array} boxes [M, 4] @param {Grid} grid @returns {Float32Array} [M, 4] */
export function mirrorBoxes(boxes, grid) {
  const width = grid.imageSize[1];
  return boxes.map((value, k) => (k % 4 === 0 ? width - boxes[k + 2] : k % 4 === 2 ? width - boxes[k - 2] : value));
}
