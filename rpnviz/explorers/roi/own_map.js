// @ts-check
// What Python answers when a picture of the reader's own is opened: explorer.py's `answer`.

import { cellAnchors, gridAnchors } from "../common/compute/anchors.js";
import { boxAt } from "../common/compute/boxes.js";
import { Grid } from "../common/compute/grid.js";
import { DEFAULTS, propose } from "../common/compute/proposals.js";
import { largest, poolCells, toCells } from "../common/compute/roi.js";
import { channelsOf, deviation, placeOfLargest, rangeOf, spreadOf, withinRim } from "../common/feature_maps.js";

/** @typedef {import("../common/compute/boxes.js").Box} Box */
/** @typedef {import("../common/compute/boxes.js").Size} Size */
/** @typedef {import("./moment.js").Plan} Plan */

const CHANNELS = 32;
const PROPOSALS = 12;

/** @param {import("../common/own_picture.js").Opened} opened @returns {Promise<Record<string, any>>} */
export async function openMap({ file, get, imageSize, look }) {
  const before = /** @type {Plan} */ (get("plan"));
  const grid = Grid.named(before.grid, imageSize);
  const { features, objectness, deltas } = await look(grid);
  const size = grid.featureSize;
  const all = channelsOf(features, size);
  const channels = mostVaried(all, size);
  const maps = channels.map((channel) => all[channel]);
  const proposals = bestProposals(objectness, deltas, grid);
  const pooled = maps.map((map) => deviation(poolOf(map, proposals[0], grid, before.bins)));
  const plan = {
    ...{ ...before, image_size: imageSize, feature_size: size, stride: grid.stride },
    ...{ proposals, channels, ranges: maps.map((map) => rangeForTheEye(map, size)) },
  };
  const joined = new Float32Array(maps.flatMap((map) => [...map]));
  return {
    ...{ plan, image: file, features: new DataView(joined.buffer) },
    ...{ box: proposals[0], channel: channels[placeOfLargest(pooled)], point: 0, probe: [] },
  };
}

/** The numbers of the channels that vary most. @param {Float32Array[]} channels @param {Size} size */
function mostVaried(channels, size) {
  const spread = spreadOf(channels, size);
  const byNumber = channels.map((_, number) => number);
  const chosen = byNumber.sort((a, b) => spread[b] - spread[a]).slice(0, CHANNELS);
  return chosen.sort((a, b) => a - b);
}

/** @param {Float32Array} objectness [N] @param {Float32Array} deltas [N][4] @param {Grid} grid @returns {Box[]} */
function bestProposals(objectness, deltas, grid) {
  const anchors = gridAnchors(grid, cellAnchors());
  const { allBoxes, postNmsInds } = propose(objectness, deltas, anchors, grid.imageSize, DEFAULTS);
  return Array.from(postNmsInds.slice(0, PROPOSALS), (anchor) => boxAt(allBoxes, anchor));
}

/** What RoI pooling makes of a box. @param {Float32Array} map @param {Box} box @param {Grid} grid @param {number} bins */
function poolOf(map, box, { featureSize, stride }, bins) {
  const { rows, cols } = poolCells(toCells(box, stride), featureSize, bins);
  return Float32Array.from(rows.flatMap((row) => cols.map((col) => largest(map, featureSize[1], row, col).value)));
}

/** @param {Float32Array} map @param {Size} size */
function rangeForTheEye(map, size) {
  const [low, high] = rangeOf(withinRim(map, size));
  const dark = Math.min(low, 0);
  return [dark, Math.max(high, dark + 1e-6)];
}
