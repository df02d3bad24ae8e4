// @ts-check
// The trace that a moving box leaves: one bin's value by RoI pooling and by RoIAlign, wherever the box has been.

import { Panel } from "../common/canvas_panel.js";
import { clamp } from "../common/compute/boxes.js";
import { h } from "../common/elements.js";
import { group } from "../common/view.js";

/** @typedef {import("../common/canvas_panel.js").LineStyle} LineStyle */
/** @typedef {import("./moment.js").Context} Context */
/** @typedef {import("./moment.js").Moment} Moment */
/** @typedef {import("./moment.js").Part} Part */
/** @typedef {{pool: number, align: number}} Values */

const [WIDE, HIGH] = [100, 22]; // of the plot, in units of its own
const REACH = 2; // cells to either side of where the trace began
const NEAR = 3; // cells round the bin whose values the plot has room for

/** @param {Context} context @returns {Part} */
export function trace({ store: { plan }, redraw }) {
  const { chosen, whole } = plan.lines;
  const panel = new Panel({
    extent: [-1, -2, WIDE + 1, HIGH + 2],
    className: "rpnviz-trace",
    label: "value of the bin against the place of the box",
    what: "Move the box sideways or up and down: squares are the bin's value by RoI pooling, dots by RoIAlign. The middle is where the trace began; the lines are a cell apart.",
    attributes: { role: "img" },
    onResize: redraw,
  });
  const path = rememberedPath();
  const direction = h("span", { class: "rpnviz-aside" });
  const caption = h("figcaption", {}, "Trace", mark("■", "pooling", whole), mark("●", "RoIAlign", chosen), direction);
  const plot = {
    element: panel.canvas,
    draw(/** @type {Moment} */ now) {
      path.add(now, () => spanRound(now, plan.feature_size));
      if (!panel.begin()) return;
      drawLines(panel);
      drawPlaces(panel, path.shown(), { chosen, whole });
      direction.textContent = path.shown().axis ? "↕" : "↔";
    },
    destroy: () => panel.destroy(),
  };
  return group("figure", {}, caption, plot);
}

/** @param {string} sign @param {string} name @param {LineStyle} style */
function mark(sign, name, { color }) {
  const drawn = h("b", { class: "rpnviz-mark-sign", style: { color }, "aria-hidden": "true" }, sign);
  return h("span", { class: "rpnviz-key" }, drawn, name);
}

/** Where the box has been on the one axis that it moves along, and the two values there. */
function rememberedPath() {
  const seen = /** @type {Map<number, Values>} */ (new Map()); // by the way from where it began, in cells
  let [same, axis] = ["", 0]; // all that stays the same along the path; 0 sideways, 1 up and down
  let began = /** @type {number[]} */ ([]);
  let here = 0;
  let range = [0, 1]; // lowest and highest value of the plot
  return {
    /** A path ends when anything but the one coordinate changes. @param {Moment} now @param {() => [number, number]} span of a new plot */
    add(now, span) {
      const corner = now.inCells.slice(0, 2);
      const offset = corner.map((at, i) => at - began[i]);
      const still = offset.map((by) => Math.abs(by) < 1e-4);
      const far = offset.some((by) => Math.abs(by) > REACH);
      if (sameOf(now) !== same || !began.length || (!still[0] && !still[1]) || far) {
        seen.clear();
        [same, began, axis, range] = [sameOf(now), corner, 0, span()];
      } else if (still[axis] && !still[1 - axis]) {
        const start = seen.get(0); // it turns: keep only the middle
        seen.clear();
        if (start) seen.set(0, start);
        axis = 1 - axis;
      }
      here = corner[axis] - began[axis];
      seen.set(Math.round(here * 1e4) / 1e4, { pool: now.best.value, align: now.mean });
    },
    shown: () => ({ places: [...seen].sort(([a], [b]) => a - b), axis, here, range }),
  };
}

/** What must stay the same along a path. @param {Moment} now */
function sameOf({ inCells: [x1, y1, x2, y2], index, row, col, ratio, isAligned }) {
  const sides = [x2 - x1, y2 - y1].map((side) => side.toFixed(3));
  return [...sides, index, row, col, ratio, isAligned].join();
}

/** The values within some cells of the chosen bin. @param {Moment} now @param {[number, number]} size @returns {[number, number]} */
function spanRound({ cells, row, col, map }, [rows, cols]) {
  const round = (/** @type {[number, number]} */ [from, to], /** @type {number} */ limit) => [
    clamp(from - NEAR, 0, limit - 1),
    clamp(to + NEAR, 1, limit),
  ];
  const [[top, bottom], [left, right]] = [round(cells.rows[row], rows), round(cells.cols[col], cols)];
  const near = [];
  for (let y = top; y < bottom; y++) near.push(...map.subarray(y * cols + left, y * cols + right));
  const [low, most] = [Math.min(...near), Math.max(...near)];
  return [low, Math.max(most, low + 1e-6)];
}

/** Where on the plot. @param {number} by cells from where the path began */
const across = (by) => WIDE / 2 + (by * WIDE) / (2 * REACH);

/** A line a cell. @param {Panel} panel */
function drawLines(panel) {
  const { g, unit } = panel;
  g.strokeStyle = "rgb(128 128 128 / 55%)";
  g.lineWidth = unit;
  g.beginPath();
  for (let cell = -REACH; cell <= REACH; cell++) {
    g.moveTo(panel.x(across(cell)), panel.y(0));
    g.lineTo(panel.x(across(cell)), panel.y(HIGH));
  }
  g.stroke();
}

/**
 * Both values of each place, those of the box's own place larger.
 * @param {Panel} panel @param {ReturnType<ReturnType<typeof rememberedPath>["shown"]>} path
 * @param {{chosen: LineStyle, whole: LineStyle}} styles
 */
function drawPlaces(panel, { places, here, range: [low, most] }, { chosen, whole }) {
  const height = (/** @type {number} */ value) => HIGH - HIGH * clamp((value - low) / (most - low), 0, 1);
  for (const [by, { pool, align }] of places) {
    const isHere = Math.abs(by - here) < 1e-3;
    const [x, y, half] = [across(by), height(pool), isHere ? 1 : 0.6];
    panel.box([x - half, y - half, x + half, y + half], { ...whole, dash: [], width: 0.5 }, { fill: 1 });
    panel.dot(x, height(align), chosen, isHere ? 3.4 : 1.8);
  }
}
