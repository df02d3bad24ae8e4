// @ts-check
// The two sides of notebook 09's explorer, RoI pooling and RoIAlign: each its map, its output, and the bin worked out.

import { Panel } from "../common/canvas_panel.js";
import { clamp } from "../common/compute/boxes.js";
import { neighbours, valueAt } from "../common/compute/roi.js";
import { h, OWN_KEYS, setText, slider } from "../common/elements.js";
import { fixed } from "../common/format.js";
import { arrowKeys } from "../common/keys.js";
import { change, chooseBin, readMoment } from "./moment.js";
import { binned, cellLines, cellTable, partRound, pointTable, SHAPE } from "./parts.js";

/** @typedef {import("../common/compute/boxes.js").Box} Box */
/** @typedef {import("../common/compute/roi.js").Neighbour} Neighbour */
/** @typedef {import("./moment.js").Context} Context */
/** @typedef {import("./moment.js").Moment} Moment */
/** @typedef {import("./moment.js").Part} Part */
/** @typedef {import("./moment.js").Plan} Plan */

const NEAR = 11; // CSS pixels from which a sampling point can be gripped
const NUDGE = 0.1; // cells that a key moves a sampling point

/** RoI pooling: whole cells, and the largest of them. @param {Context} context @returns {Part} */
export function poolSide(context) {
  const { plan } = context.store;
  const table = cellTable();
  const side = twoPanels(context, {
    name: "pool",
    title: "RoI pooling",
    keys: "arrow keys choose a bin",
    table: table.nodes,
    what: "Dashed: the box after its edges are rounded to whole cells. Filled: the whole cells of the chosen bin; the dot is the largest.",
  });
  side.map.canvas.addEventListener("keydown", binKeys(context));
  side.map.canvas.addEventListener("pointerdown", (event) =>
    chooseBinAt(context, readMoment(context).cells.rectangle, side.map.at(event)),
  );
  return {
    element: side.element,
    draw(now) {
      const { best, cells, col, pooled, row } = now;
      if (beginMap(side.map, context, now)) drawPooling(side.map, plan, now);
      const values = pooled.flat().map(({ value }) => value);
      drawOutput(side.output, context, now, values);
      table.show(saysLargest(now), cells.rows[row], cells.cols[col], now.cellValue, best);
      const [x1, y1, x2, y2] = cells.rectangle;
      setText(side.aside, `${x2 - x1}×${y2 - y1} whole cells`);
    },
    destroy: side.destroy,
  };
}

/** RoIAlign: points between the cells. @param {Context} context @returns {Part} */
export function alignSide(context) {
  const { plan } = context.store;
  const table = pointTable();
  const point = pointChoice(context);
  const side = twoPanels(context, {
    name: "align",
    title: "RoIAlign",
    keys: "arrow keys choose a bin, Shift + arrows move its sampling point",
    table: [table.caption, point.element, table.table],
    what: "The box as it is, and its sampling points. Drag one of the chosen bin: lines lead to the four cells that it is read from.",
  });
  side.map.canvas.addEventListener("keydown", binKeys(context, true));
  dragsPoint(side.map, context);
  return {
    element: side.element,
    draw(now) {
      const { aligned, inCells, probe } = now;
      const [x1, y1, x2, y2] = inCells;
      const found = neighbours(...probe, plan.feature_size);
      if (beginMap(side.map, context, now)) drawAlign(side.map, plan, now, found);
      drawOutput(side.output, context, now, aligned.flat());
      table.show(saysMean(now, plan.feature_size), found, now.cellValue);
      point.draw(now);
      setText(side.aside, `${fixed(x2 - x1)}×${fixed(y2 - y1)} cells, not rounded`);
    },
    destroy: side.destroy,
  };
}

/**
 * A map panel, and the output beside its table.
 * @param {Context} context
 * @param {{name: string, title: string, what: string, keys: string, table: Node[]}} options keys: of the map
 */
function twoPanels(context, { name, title, what, keys, table }) {
  const { bins } = context.store.plan;
  const attributes = { tabindex: 0, role: "application", ...OWN_KEYS };
  const map = new Panel({
    extent: [0, 0, SHAPE, 1],
    className: `rpnviz-roi-map rpnviz-${name}-map`,
    label: `${title}: the map; ${keys}`,
    what,
    attributes,
    onResize: context.redraw,
  });
  const output = new Panel({
    extent: [0, 0, bins, bins],
    className: `rpnviz-output rpnviz-${name}-output`,
    label: `${title}: the output; arrow keys choose a bin`,
    what: `The ${bins}×${bins} output in this channel. Press a bin, or walk with the arrow keys.`,
    attributes: { ...attributes, keydown: binKeys(context) },
    onResize: context.redraw,
  });
  output.canvas.addEventListener("pointerdown", (event) => {
    const [x, y] = output.at(event);
    chooseBin(context, Math.floor(y), Math.floor(x));
  });
  const aside = h("span", { class: "rpnviz-aside" });
  const sum = h("div", { class: "rpnviz-roi-sum" }, ...table);
  const result = h("div", { class: "rpnviz-roi-result" }, output.canvas, sum);
  return {
    ...{ map, output, aside },
    element: h("figure", { class: "rpnviz-roi-side" }, h("figcaption", {}, title, aside), map.canvas, result),
    destroy() {
      map.destroy();
      output.destroy();
    },
  };
}

/**
 * Keys that choose the next bin; Escape puts a dragged point back.
 * @param {Context} context @param {boolean} [shiftMoves] with Shift they move the sampling point instead
 */
function binKeys(context, shiftMoves = false) {
  const onArrow = (/** @type {number} */ dx, /** @type {number} */ dy, /** @type {KeyboardEvent} */ { shiftKey }) => {
    const { row, col, probe } = readMoment(context);
    if (shiftKey && shiftMoves) putPoint(context, probe[0] + NUDGE * dy, probe[1] + NUDGE * dx);
    else chooseBin(context, row + dy, col + dx);
  };
  return arrowKeys(onArrow, { Escape: () => change(context.model) });
}

/** Choose the bin under a point, if there is one. @param {Context} context @param {Box} box of all bins, in cells @param {[number, number]} at */
function chooseBinAt(context, [x1, y1, x2, y2], [x, y]) {
  const { bins } = context.store.plan;
  const [row, col] = [(y - y1) / (y2 - y1), (x - x1) / (x2 - x1)].map((share) => Math.floor(share * bins));
  if ([row, col].every((i) => i >= 0 && i < bins)) chooseBin(context, row, col);
}

/** Put the sampling point anywhere on the map. @param {Context} context @param {number} y @param {number} x */
function putPoint({ model, store }, y, x) {
  const [rows, cols] = store.plan.feature_size;
  change(model, { probe: [clamp(y, 0, rows - 1), clamp(x, 0, cols - 1)] });
}

/** A press grips a sampling point of the chosen bin, if one is near; any other press chooses a bin. @param {Panel} map @param {Context} context */
function dragsPoint(map, context) {
  const { canvas } = map;
  canvas.classList.add("rpnviz-drag");
  canvas.addEventListener("pointerdown", (event) => {
    const { own, probe, inCells } = readMoment(context);
    const [x, y] = map.at(event);
    const reach = (NEAR * (map.extent[2] - map.extent[0])) / canvas.clientWidth;
    const far = (/** @type {number[]} */ one) => Math.hypot(one[0] + 0.5 - y, one[1] + 0.5 - x);
    const nearest = own.reduce((best, one, i) => (far(one) < far(own[best]) ? i : best), 0);
    if (Math.min(far(probe), far(own[nearest])) > reach) return chooseBinAt(context, inCells, [x, y]);
    canvas.setPointerCapture(event.pointerId);
    if (far(probe) > reach) change(context.model, { point: nearest });
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!canvas.hasPointerCapture(event.pointerId)) return;
    const [x, y] = map.at(event);
    putPoint(context, y - 0.5, x - 0.5);
  });
}

/** Which point the table works out, and the button that puts a dragged one back. @param {Context} context */
function pointChoice({ model }) {
  const point = slider({
    label: "point",
    name: "sampling point of the bin",
    min: 1,
    max: 4,
    className: "rpnviz-point",
    what: "Which of the bin's sampling points the table works out.",
    onInput: (value) => change(model, { point: value - 1 }),
  });
  const what = "Put the dragged sampling point back on its grid (Escape).";
  const back = h("button", { type: "button", what, click: () => change(model), ...OWN_KEYS }, "put back");
  return {
    element: h("div", { class: "rpnviz-roi-row" }, point.element, back),
    draw(/** @type {Moment} */ now) {
      point.set(now.point + 1, now.own.length);
      back.disabled = !now.isDragged;
    },
  };
}

/** The part of the map round the box; false while there is nothing to draw on. @param {Panel} panel @param {Context} context @param {Moment} now */
function beginMap(panel, { store }, { inCells }) {
  const [rows, cols] = store.plan.feature_size;
  const extent = partRound(panel.extent, inCells);
  if (extent !== panel.extent) panel.setExtent(extent);
  if (!panel.begin()) return false;
  panel.image(store.mapImage(), [0, 0, cols, rows], true);
  cellLines(panel, [rows, cols]);
  return true;
}

/** @param {Panel} panel @param {Context} context @param {Moment} now @param {number[]} values of all bins, row by row */
function drawOutput(panel, { store: { heatOf, plan } }, { index, row, col }, values) {
  const { bins, lines } = plan;
  if (!panel.begin()) return;
  panel.image(heatOf(values, index, [bins, bins]), [0, 0, bins, bins], true);
  panel.box([col, row, col + 1, row + 1], lines.chosen, { strong: true });
}

/** @param {Panel} panel @param {Plan} plan @param {Moment} now */
function drawPooling(panel, { bins, lines }, { best, cells, col, inCells, row }) {
  const [[top, bottom], [left, right]] = [cells.rows[row], cells.cols[col]];
  panel.box(inCells, lines.box);
  binned(panel, cells.rectangle, bins, lines.whole);
  panel.box([left, top, right, bottom], lines.chosen, { fill: 0.25 });
  if (best.row >= 0) panel.dot(best.col + 0.5, best.row + 0.5, lines.chosen, 5);
}

/** @param {Panel} panel @param {Plan} plan @param {Moment} now @param {Neighbour[]} found the cells that the point is read from */
function drawAlign(panel, { bins, lines }, now, found) {
  const { col, inCells, own, points, probe, row } = now;
  const { chosen } = lines;
  const [x1, y1, x2, y2] = inCells;
  const [wide, high] = [(x2 - x1) / bins, (y2 - y1) / bins];
  binned(panel, inCells, bins, lines.box);
  const small = { ...chosen, casing: "rgb(16 19 26 / 70%)" };
  for (const y of points.ys.flat()) for (const x of points.xs.flat()) panel.dot(x + 0.5, y + 0.5, small, 1.3);
  const bin = /** @type {Box} */ ([x1 + col * wide, y1 + row * high, x1 + (col + 1) * wide, y1 + (row + 1) * high]);
  panel.box(bin, chosen, { fill: 0.2 });
  for (const [y, x] of own) panel.dot(x + 0.5, y + 0.5, chosen, 3);
  const at = /** @type {[number, number]} */ ([probe[1] + 0.5, probe[0] + 0.5]);
  const white = { ...chosen, color: "#fff", casing: "rgb(16 19 26 / 30%)" };
  for (const { row: r, col: c, weight } of found) {
    panel.box([c, r, c + 1, r + 1], { ...white, width: 1.2 });
    panel.line(at, [c + 0.5, r + 0.5], { ...white, width: 0.5 + 4 * weight });
  }
  panel.dot(...at, now.isDragged ? { ...chosen, color: white.color } : chosen, 4.5);
}

/** @param {Moment} now */
function saysLargest({ best, cells, col, row }) {
  const [[top, bottom], [left, right]] = [cells.rows[row], cells.cols[col]];
  const [down, across] = [bottom - top, right - left];
  if (down <= 0 || across <= 0) return `Bin (${row}, ${col}) covers no cell: 0`;
  return `Bin (${row}, ${col}) = the largest of ${across}×${down} cells = ${fixed(best.value, 3)}`;
}

/** @param {Moment} now @param {[number, number]} size of the map */
function saysMean({ col, isDragged, map, mean, own, probe, row }, size) {
  if (isDragged) {
    const place = `row ${fixed(probe[0])}, column ${fixed(probe[1])}`;
    return `Dragged to ${place}. The output keeps to the grid: ${fixed(mean, 3)}`;
  }
  const terms = own.slice(0, 4).map(([y, x]) => fixed(valueAt(map, size, y, x)));
  const sum = `(${terms.join(" + ")}${own.length > 4 ? " + …" : ""}) / ${own.length} = `;
  return `Bin (${row}, ${col}) = ${own.length > 1 ? sum : ""}${fixed(mean, 3)}`;
}
