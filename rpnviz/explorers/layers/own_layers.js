// @ts-check
// What Python answers when a picture of the reader's own is opened: explorer.py's `answer`. The page keeps what Python
// keeps, the maps of all layers (20 MB on the paper's grid), so that any channel can be shown.

import { clamp } from "../common/compute/boxes.js";
import { Grid, halved } from "../common/compute/grid.js";
import { displayedSize } from "../common/displayed.js";
import { channelsOf, deviation, placeOfLargest } from "../common/feature_maps.js";

/** @typedef {import("../common/compute/boxes.js").Size} Size */
/** @typedef {import("./view.js").Layer} Layer */
/** @typedef {import("./view.js").Place} Place */
/** @typedef {import("../common/network_worker.js").LayerMaps} LayerMaps */

/** @param {import("../common/own_picture.js").Opened} opened @returns {Promise<Record<string, any>>} */
export async function openLayers({ file, get, imageSize, layersOf }) {
  const grid = Grid.named(/** @type {Place} */ (get("place")).grid, imageSize);
  const every = await layersOf(grid);
  const layers = layersOn(grid, get("layers"), every);
  const channels = Object.fromEntries(layers.map((layer) => [layer.name, liveliest(layer, every)]));
  const map = (/** @type {Layer} */ layer, channel = channels[layer.name]) => {
    const { buffer, byteOffset, byteLength } = mapOf(every, layer, channel);
    return new DataView(buffer, byteOffset, byteLength);
  };
  const wish = get("wish"); // of the page's kernel, when it had one
  const wanted = layers.find(({ name }) => name === wish.layer);
  return {
    ...{ image: file, layers, channels, opened: channels, every_map: every },
    place: { grid: grid.name, image_size: imageSize, input_size: grid.inputSize },
    maps: Object.fromEntries(layers.map((layer) => [layer.name, map(layer)])),
    ...(wanted ? { extra_map: map(wanted, wish.channel) } : {}),
    ...{ x: clamp(get("x"), 0, imageSize[1]), y: clamp(get("y"), 0, imageSize[0]) },
  };
}

/** One channel of a layer. @param {LayerMaps} every @param {Layer} layer @param {number} channel */
export const mapOf = (every, { name, shown }, channel) => channelsOf(every[name], shown)[channel];

/** The channel that varies most. @param {Layer} layer @param {LayerMaps} every */
const liveliest = ({ name, shown }, every) => placeOfLargest(channelsOf(every[name], shown).map(deviation));

/** The layers, in the sizes that they have on a grid. @param {Grid} grid @param {Layer[]} layers @param {LayerMaps} every */
function layersOn({ ceilMode, inputSize }, layers, every) {
  let size = inputSize;
  return layers.map((layer) => {
    if (layer.stride > 1) size = /** @type {Size} */ (size.map((side) => halved(side, ceilMode)));
    const shown = displayedSize(size, layer.jump);
    return { ...layer, size, shown, channels: every[layer.name].length / (shown[0] * shown[1]) };
  });
}
