// @ts-check
// What Python answers when a picture of the reader's own is opened: explorer.py's `answer`.

import { clamp } from "../common/compute/boxes.js";
import { Grid } from "../common/compute/grid.js";
import { transposed } from "../common/compute/rpn.js";
import { brightness, channelsOf, meanOf, placeOfLargest, spreadOf } from "../common/feature_maps.js";
import { placeOn } from "../common/map_and_picture.js";
import { bytesOf, hundredths, sheetFile } from "../common/packing.js";

/** @typedef {import("../common/compute/boxes.js").Size} Size */

/** @param {import("../common/own_picture.js").Opened} opened @returns {Promise<Record<string, any>>} */
export async function openWindow({ file, get, imageSize, lookClosely }) {
  const grid = Grid.named(get("place").name, imageSize);
  const { features, vectors, objectness, deltas } = await lookClosely(grid);
  const size = grid.featureSize;
  const [rows, cols] = size;
  const numAnchors = objectness.length / (rows * cols);
  const channels = channelsOf(features, size);
  return {
    ...{ image: file, place: placeOn(grid), num_channels: channels.length },
    ...{ row: clamp(get("row"), 0, rows - 1), col: clamp(get("col"), 0, cols - 1) },
    channel: placeOfLargest(spreadOf(channels, size)),
    mean_map: new DataView(bytesOf(brightness(meanOf(channels), size)).buffer),
    features: await sheetOf(channels, size),
    vectors: await sheetOf(channelsOf(vectors, size), size),
    objectness: await hundredths(transposed(objectness, numAnchors)),
    deltas: await hundredths(transposed(deltas, 4 * numAnchors)),
  };
}

/** @param {Float32Array[]} maps @param {Size} size */
const sheetOf = (maps, size) =>
  sheetFile(
    maps.map((map) => brightness(map, size)),
    size,
    { cells: true },
  );
