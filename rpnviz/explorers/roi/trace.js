// @ts-check
// The trace that a moving box leaves: one bin's value by RoI pooling and by RoIAlign, wherever the box has been.

import { Panel } from "../common/canvas_panel.js";
import { h } from "../common/elements.js";

/** @typedef {import("../common/canvas_panel.js").LineStyle} LineStyle */

const [WIDE, HIGH] = [100, 22]; // of the plot, in units of its own
const REACH = 2; // cells to either side of where the trace began

/**
 * @param {{styles: {whole: LineStyle, chosen: LineStyle}, redraw: () => void}} options whole: RoI pooling, chosen: RoIAlign
 */
export function trace({ styles, redraw }) {
  const panel = new Panel({
    extent: [-1, -2, WIDE + 1, HIGH + 2],
    className: "rpnviz-trace",
    label: "value of the bin against the place of the box",
    what: "Move the box sideways or up and down: squares are the bin's value by RoI pooling, dots by RoIAlign. The middle is where the trace began; the lines are a cell apart.",
    attributes: { role: "img" },
    onResize: redraw,
  });
  /** @type {Map<number, {pool: number, align: number}>} */
  const seen = new Map();
  let key = "";
  let axis = 0; // 0 sideways, 1 up and down
  let scale = [0, 1]; // lowest and highest value of the plot
  /** @type {number[]} */
  let began = [];
  const caption = h("span", { class: "rpnviz-aside" });
  const mark = (/** @type {string} */ sign, /** @type {string} */ name, /** @type {LineStyle} */ { color }) =>
    h(
      "span",
      { class: "rpnviz-key" },
      h("b", { class: "rpnviz-mark-sign", style: { color }, "aria-hidden": "true" }, sign),
      name,
    );

  return {
    element: h(
      "figure",
      {},
      h("figcaption", {}, "Trace", mark("■", "pooling", styles.whole), mark("●", "RoIAlign", styles.chosen), caption),
      panel.canvas,
    ),
    panel,
    /** @returns {{places: number, pool: number, align: number}} how many different values there are so far */
    count() {
      const different = (/** @type {"pool" | "align"} */ name) =>
        new Set([...seen.values()].map((one) => one[name].toFixed(6))).size;
      return { places: seen.size, pool: different("pool"), align: different("align") };
    },
    /**
     * Remember where the box is. A trace ends when anything but the one coordinate changes.
     * @param {string} what all that must stay the same @param {[number, number]} corner (x, y) in cells
     * @param {{pool: number, align: number}} values @param {() => [number, number]} span of the plot, asked as a trace begins
     */
    add(what, corner, values, span) {
      const offset = corner.map((at, i) => at - began[i]);
      const still = offset.map((by) => Math.abs(by) < 1e-4);
      if (
        what !== key ||
        !began.length ||
        (!still[0] && !still[1]) ||
        Math.abs(offset[0]) > REACH ||
        Math.abs(offset[1]) > REACH
      ) {
        seen.clear();
        [key, began, axis, scale] = [what, corner, 0, span()];
      } else if (still[axis] && !still[1 - axis]) {
        const start = seen.get(0); // it turns: keep only the middle
        seen.clear();
        if (start) seen.set(0, start);
        axis = 1 - axis;
      }
      seen.set(Math.round((corner[axis] - began[axis]) * 1e4) / 1e4, values);
    },
    /** @param {[number, number]} corner (x, y) in cells */
    draw(corner) {
      if (!panel.begin()) return;
      const { g, unit } = panel;
      const x = (/** @type {number} */ by) => WIDE / 2 + (by * WIDE) / (2 * REACH);
      const y = (/** @type {number} */ value) =>
        HIGH - HIGH * Math.max(0, Math.min(1, (value - scale[0]) / (scale[1] - scale[0])));
      g.strokeStyle = "rgb(128 128 128 / 55%)";
      g.lineWidth = unit;
      g.beginPath();
      for (let cell = -REACH; cell <= REACH; cell++) {
        g.moveTo(panel.x(x(cell)), panel.y(0));
        g.lineTo(panel.x(x(cell)), panel.y(HIGH));
      }
      g.stroke();
      const places = [...seen].sort(([a], [b]) => a - b);
      for (const [by, { pool, align }] of places) {
        const now = Math.abs(by - (corner[axis] - began[axis])) < 1e-3;
        const half = now ? 2 : 1.2;
        panel.box(
          [x(by) - half / 2, y(pool) - half / 2, x(by) + half / 2, y(pool) + half / 2],
          { ...styles.whole, dash: [], width: 0.5 },
          { fill: 1 },
        );
        panel.dot(x(by), y(align), styles.chosen, now ? 3.4 : 1.8);
      }
      caption.textContent = axis ? "↕" : "↔";
    },
  };
}
