// @ts-check
// What Python answers when a picture of the reader's own is opened, or another grid is laid on it: scene.py's `pack`.

import { ASPECT_RATIOS, cellAnchors, SCALES } from "../common/compute/anchors.js";
import { boxAt } from "../common/compute/boxes.js";
import { Grid } from "../common/compute/grid.js";
import { channelsOf, meanOf, rangeOf, spreadOf, withinRim } from "../common/feature_maps.js";

/** @typedef {import("../common/compute/boxes.js").Size} Size */

/** @param {import("../common/own_picture.js").Opened} opened @returns {Promise<Record<string, any>>} */
export async function openScene({ name, file, get, imageSize, look, objects }) {
  const grid = Grid.named(get("grid"), imageSize);
  const { features, objectness, deltas } = await look(grid);
  const size = grid.featureSize;
  const channels = channelsOf(features, size);
  const cellBoxes = cellAnchors();
  const scene = {
    ...{ picture: name, grid: grid.name, image_size: imageSize, feature_size: size, stride: grid.stride },
    ...{ scales: SCALES, ratios: ASPECT_RATIOS, photo: file, objects },
    ...{ footprint: aboutCentre(grid, grid.footprint(0, 0)) },
    receptive_field: aboutCentre(grid, grid.receptiveField(0, 0)),
    cell_anchors: Array.from({ length: cellBoxes.length / 4 }, (_, a) => boxAt(cellBoxes, a)),
    ...{ objectness: new DataView(objectness.buffer), deltas: new DataView(deltas.buffer) },
    mean: asMap(meanOf(channels), size),
    ...packChannels(channels, size, Object.keys(get("scene").channels).length),
  };
  return { scene };
}

/**
 * The channels that vary most, which the list names, as many as Python sends; and beyond that, all others.
 * @param {Float32Array[]} channels @param {Size} size @param {number} listed
 */
function packChannels(channels, size, listed) {
  const spread = spreadOf(channels, size);
  const byNumber = channels.map((channel, number) => ({ number, map: asMap(channel, size) }));
  byNumber.sort((a, b) => spread[b.number] - spread[a.number]);
  const packed = (/** @type {typeof byNumber} */ some) =>
    Object.fromEntries(some.map(({ number, map }) => [number, map]));
  return { channels: packed(byNumber.slice(0, listed)), further: packed(byNumber.slice(listed)) };
}

/** @param {Grid} grid @param {import("../common/compute/boxes.js").Box} box */
function aboutCentre(grid, [x1, y1, x2, y2]) {
  const [x, y] = grid.centre(0, 0);
  return [x1 - x, y1 - y, x2 - x, y2 - y];
}

/** Stretch a map so that it goes from 0 to 255 away from the rim; a flat one is all 0. @param {Float32Array} values @param {Size} size */
function asMap(values, size) {
  const [low, high] = rangeOf(withinRim(values, size));
  const span = Math.max(high - low, Number.MIN_VALUE);
  const bytes = Uint8ClampedArray.from(values, (value) => (255 * (value - low)) / span); // rounds, and stays within 0 … 255
  return new DataView(bytes.buffer);
}
