// @ts-check
// What Python answers when a picture of the reader's own is opened: explorer.py's `answer`.

import { Grid } from "../common/compute/grid.js";
import { brightness, channelsOf } from "../common/feature_maps.js";
import { placeOn } from "../common/map_and_picture.js";
import { sheetFile } from "../common/packing.js";

/** @param {import("../common/own_picture.js").Opened} opened @returns {Promise<Record<string, any>>} */
export async function openSheet({ name, file, get, imageSize, look }) {
  const grid = Grid.named(get("place").name, imageSize);
  const { features } = await look(grid);
  const size = grid.featureSize;
  const bright = channelsOf(features, size).map((map) => brightness(map, size));
  return { place: placeOn(grid), image: file, sheet: await sheetFile(bright, size), boxes: [], shown: name };
}
