// @ts-check
// What the settings lead to: the one place where the page of notebook 09's explorer computes.

import { heatImage } from "../common/canvas_panel.js";
import { clamp } from "../common/compute/boxes.js";
import { alignPoints, largest, mean, poolCells, toCells, valueAt } from "../common/compute/roi.js";
import { commit, derived, typed } from "../common/model.js";
import { loadPhoto } from "../common/photo.js";

/** @typedef {import("../common/canvas_panel.js").LineStyle} LineStyle */
/** @typedef {import("../common/compute/boxes.js").Box} Box */
/** @typedef {import("../common/model.js").Model} Model */
/**
 * @typedef {{grid: string, image_size: [number, number], feature_size: [number, number], stride: [number, number], bins: number,
 *   proposals: Box[], channels: number[], ranges: [number, number][],
 *   lines: Record<"box" | "whole" | "chosen", LineStyle>}} Plan sizes are (rows, columns); ranges: lowest and highest value
 *   of each channel; whole: the cells of RoI pooling, chosen: the bin
 */
/** @typedef {ReturnType<typeof readStore>} Store */
/** @typedef {ReturnType<typeof readMoment>} Moment */
/** @typedef {import("../common/view.js").Context<Store>} Context */
/** @typedef {import("../common/view.js").Part<Moment>} Part */

/** What stays from drawing to drawing. @param {{model: Model, redraw: () => void}} tools */
export function readStore({ model, redraw }) {
  const plan = /** @type {Plan} */ (model.get("plan"));
  const [rows, cols] = plan.feature_size;
  const values = typed(model.get("features"), Float32Array);
  const { heat } = model.get("look");
  /** The map of a channel, by its place among those that were sent. @param {number} index */
  const mapOf = (index) => values.subarray(index * rows * cols, (index + 1) * rows * cols);
  /** Values in the colours of a channel. @param {ArrayLike<number>} numbers @param {number} index @param {[number, number]} size */
  const heatOf = (numbers, index, [down, across]) => {
    const [low, top] = plan.ranges[index];
    const bright = (/** @type {number} */ value) => 255 * Math.sqrt(clamp((value - low) / (top - low), 0, 1));
    return heatImage(Uint8Array.from(numbers, bright), down, across, heat);
  };
  return {
    ...{ plan, mapOf, heatOf },
    photo: loadPhoto(() => model.get("image"), redraw),
    mapImage: derived(
      () => plan.channels.indexOf(model.get("channel")),
      (index) => heatOf(mapOf(index), index, plan.feature_size),
    ),
  };
}

/** @param {{model: Model, store: Store}} context */
export function readMoment({ model, store: { mapOf, plan } }) {
  const { bins, channels, feature_size: size, stride } = plan;
  const [row, col, ratio] = ["bin_row", "bin_col", "sampling_ratio"].map(
    (name) => /** @type {number} */ (model.get(name)),
  );
  const [box, dragged] = [/** @type {Box} */ (model.get("box")), /** @type {number[]} */ (model.get("probe"))];
  const isAligned = /** @type {boolean} */ (model.get("aligned"));
  const index = channels.indexOf(model.get("channel"));
  const map = mapOf(index);
  const inCells = toCells(box, stride);
  const cells = poolCells(inCells, size, bins);
  const points = alignPoints(inCells, bins, ratio, isAligned);
  const pooled = cells.rows.map((rows) => cells.cols.map((cols) => largest(map, size[1], rows, cols)));
  const aligned = points.ys.map((ys) => points.xs.map((xs) => mean(map, size, ys, xs)));
  const own = points.ys[row].flatMap((y) => points.xs[col].map((x) => /** @type {[number, number]} */ ([y, x])));
  const point = clamp(model.get("point"), 0, own.length - 1);
  const probe = dragged.length ? /** @type {[number, number]} */ (dragged) : own[point];
  return {
    ...{ box, row, col, ratio, isAligned, index, map, inCells, cells, points, pooled, aligned },
    ...{ own, point, probe, isDragged: dragged.length > 0 }, // own: the points of the chosen bin
    cellValue: (/** @type {number} */ y, /** @type {number} */ x) => map[y * size[1] + x],
    best: pooled[row][col],
    mean: aligned[row][col],
    atProbe: valueAt(map, size, ...probe),
  };
}

/** Change settings; a dragged point goes back to its place unless it is what changes. @param {Model} model @param {Record<string, any>} [changes] */
export const change = (model, changes) => commit(model, { probe: [], ...changes });

/** The nearest bin that there is. @param {Context} context @param {number} row @param {number} col */
export function chooseBin({ model, store }, row, col) {
  const last = store.plan.bins - 1;
  change(model, { bin_row: clamp(row, 0, last), bin_col: clamp(col, 0, last), point: 0 });
}
