// @ts-check
// The parts of notebook 09's explorer: a map that keeps a box in view, the 7×7 output, tables, the trace of two values.

import { Panel } from "../common/canvas_panel.js";
import { clamp } from "../common/compute/boxes.js";
import { h, OWN_KEYS, scroller, setText } from "../common/elements.js";

/** @typedef {import("../common/compute/boxes.js").Box} Box */
/** @typedef {import("../common/canvas_panel.js").LineStyle} LineStyle */
/** @typedef {import("../common/compute/roi.js").Neighbour} Neighbour */

const SHAPE = 1.22; // width to height of the two maps
const ROOM = 1.1; // cells kept in view round the box
const TO = /** @type {Record<string, [number, number]>} */ ({
  ArrowLeft: [0, -1],
  ArrowRight: [0, 1],
  ArrowUp: [-1, 0],
  ArrowDown: [1, 0],
});

/** −0.25 → "−0.250" @param {number} value @param {number} [digits] */
export const decimal = (value, digits = 3) =>
  value
    .toFixed(digits)
    .replace(/^-(?=[0.]+$)/, "")
    .replace("-", "−");

/**
 * Call with (rows, columns) for each arrow key. @param {HTMLElement} element
 * @param {(step: [number, number], shift: boolean) => void} onStep @param {() => void} [onEscape]
 */
export function arrows(element, onStep, onEscape) {
  element.addEventListener("keydown", (event) => {
    const step = TO[event.key];
    const leave = event.key === "Escape" && onEscape;
    if ((!step && !leave) || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    event.stopPropagation();
    if (leave) leave();
    else onStep(step, event.shiftKey);
  });
}

/**
 * Which part of the map to show: the same as long as the box is well inside, so that a moving box moves on the screen.
 * @param {Box} extent as it was @param {Box} box in cells @returns {Box}
 */
export function view(extent, [x1, y1, x2, y2]) {
  const [width, height] = [x2 - x1 + 2 * ROOM, y2 - y1 + 2 * ROOM];
  const wanted = Math.max(width, height * SHAPE, 6);
  const have = extent[2] - extent[0];
  const inside = x1 - 0.7 >= extent[0] && y1 - 0.7 >= extent[1] && x2 + 0.7 <= extent[2] && y2 + 0.7 <= extent[3];
  if (inside && wanted > 0.6 * have) return extent;
  const wide = Math.ceil(wanted * 1.06);
  const left = Math.round((x1 + x2 - wide) / 2);
  const top = Math.round((y1 + y2 - wide / SHAPE) / 2);
  return [left, top, left + wide, top + wide / SHAPE];
}

/** The lines between the cells. @param {Panel} panel @param {[number, number]} size (rows, columns) */
export function cellLines(panel, [rows, cols]) {
  const { g } = panel;
  const [x1, y1, x2, y2] = panel.extent;
  if (panel.scale < 7 * panel.unit) return; // too small to tell apart
  g.strokeStyle = "rgb(255 255 255 / 22%)";
  g.lineWidth = 1;
  g.beginPath();
  for (let x = Math.max(Math.ceil(x1), 0); x <= Math.min(x2, cols); x++) {
    g.moveTo(panel.x(x), panel.y(Math.max(y1, 0)));
    g.lineTo(panel.x(x), panel.y(Math.min(y2, rows)));
  }
  for (let y = Math.max(Math.ceil(y1), 0); y <= Math.min(y2, rows); y++) {
    g.moveTo(panel.x(Math.max(x1, 0)), panel.y(y));
    g.lineTo(panel.x(Math.min(x2, cols)), panel.y(y));
  }
  g.stroke();
}

/** A box and the equal bins in it. @param {Panel} panel @param {Box} box @param {number} bins @param {LineStyle} style */
export function binned(panel, box, bins, style) {
  const [x1, y1, x2, y2] = box;
  const { g } = panel;
  g.save();
  g.strokeStyle = style.color;
  g.globalAlpha = 0.75;
  g.lineWidth = panel.unit;
  g.setLineDash(style.dash.map((length) => (length * panel.unit) / 2));
  g.beginPath();
  for (let i = 1; i < bins; i++) {
    const [x, y] = [x1 + ((x2 - x1) * i) / bins, y1 + ((y2 - y1) * i) / bins];
    g.moveTo(panel.x(x), panel.y(y1));
    g.lineTo(panel.x(x), panel.y(y2));
    g.moveTo(panel.x(x1), panel.y(y));
    g.lineTo(panel.x(x2), panel.y(y));
  }
  g.stroke();
  g.restore();
  panel.box(box, style, { strong: true });
}

/**
 * A map panel and the output beside its table. `onBin` hears (row, column) of a bin that is pressed.
 * @param {{name: string, title: string, what: string, keys: string, bins: number, table: Node[], redraw: () => void,
 *   onBin: (row: number, col: number) => void}} options
 */
export function side({ name, title, what, keys, bins, table, redraw, onBin }) {
  const map = new Panel({
    extent: [0, 0, SHAPE, 1],
    className: `rpnviz-roi-map rpnviz-${name}-map`,
    label: `${title}: the map; ${keys}`,
    what,
    attributes: { tabindex: 0, role: "application", ...OWN_KEYS },
    onResize: redraw,
  });
  const output = new Panel({
    extent: [0, 0, bins, bins],
    className: `rpnviz-output rpnviz-${name}-output`,
    label: `${title}: the output; arrow keys choose a bin`,
    onResize: redraw,
    what: `The ${bins}×${bins} output in this channel. Press a bin, or walk with the arrow keys.`,
    attributes: { tabindex: 0, role: "application", ...OWN_KEYS },
  });
  output.canvas.addEventListener("pointerdown", (event) => {
    const [x, y] = output.at(event);
    onBin(clamp(Math.floor(y), 0, bins - 1), clamp(Math.floor(x), 0, bins - 1));
  });
  const aside = h("span", { class: "rpnviz-aside" });
  return {
    element: h(
      "figure",
      { class: "rpnviz-roi-side" },
      h("figcaption", {}, title, aside),
      map.canvas,
      h("div", { class: "rpnviz-roi-result" }, output.canvas, h("div", { class: "rpnviz-roi-sum" }, ...table)),
    ),
    map,
    output,
    aside,
  };
}

/** Values of whole cells, the largest marked. */
export function cellTable() {
  const caption = h("p", { class: "rpnviz-roi-says" });
  const table = h("table", { class: "rpnviz-cells" });
  const element = scroller("cells of the bin", "rpnviz-cells-frame", table);
  return {
    nodes: [caption, element],
    /**
     * @param {string} sentence @param {[number, number]} rows @param {[number, number]} cols
     * @param {(row: number, col: number) => number} value @param {{row: number, col: number}} best
     */
    show(sentence, [top, bottom], [left, right], value, best) {
      setText(caption, sentence);
      const digits = right - left > 2 ? 2 : 3; // five columns then fit; of more, the largest is scrolled to
      const head = [h("td", {}, "row")];
      for (let col = left; col < right; col++) head.push(h("th", { scope: "col" }, String(col)));
      const lines = [];
      for (let row = top; row < bottom; row++) {
        const cells = [h("th", { scope: "row" }, String(row))];
        for (let col = left; col < right; col++) {
          const hot = row === best.row && col === best.col;
          cells.push(h("td", hot ? { class: "rpnviz-most" } : {}, decimal(value(row, col), digits) + (hot ? "▲" : "")));
        }
        lines.push(h("tr", {}, ...cells));
      }
      table.replaceChildren(h("thead", {}, h("tr", {}, ...head)), h("tbody", {}, ...lines));
      const most = table.querySelector(".rpnviz-most");
      if (most)
        element.scrollTo(
          most.offsetLeft + most.offsetWidth - element.clientWidth,
          most.offsetTop + most.offsetHeight - element.clientHeight,
        );
    },
  };
}

/** A point's four cells, their values, weights and products. */
export function pointTable() {
  const heads = ["row, col", "value", "weight", "="];
  const lines = ["upper left", "upper right", "lower left", "lower right"].map((name) => {
    const cells = [h("th", { scope: "row", title: name }), ...heads.slice(1).map(() => h("td"))];
    return { cells, row: h("tr", {}, ...cells) };
  });
  const total = h("td");
  const caption = h("p", { class: "rpnviz-roi-says" });
  const foot = h("tr", {}, h("th", { scope: "row", colspan: 3 }, "value at the point"), total);
  const head = h("tr", {}, ...heads.map((text) => h("th", { scope: "col" }, text)));
  const table = h(
    "table",
    { class: "rpnviz-four" },
    h("thead", {}, head),
    h("tbody", {}, ...lines.map(({ row }) => row)),
    h("tfoot", {}, foot),
  );
  return {
    caption,
    table,
    /** @param {string} sentence @param {Neighbour[]} four @param {(row: number, col: number) => number} value */
    show(sentence, four, value) {
      setText(caption, sentence);
      let sum = 0;
      four.forEach(({ row, col, weight }, i) => {
        const product = weight * value(row, col);
        sum += product;
        [`${row}, ${col}`, decimal(value(row, col)), decimal(weight, 2), decimal(product)].forEach((text, k) =>
          setText(lines[i].cells[k], text),
        );
      });
      setText(total, decimal(sum));
    },
  };
}

/** What rounding does to the four edges, in pixels of the picture. */
export function edgeTable() {
  const names = ["left", "top", "right", "bottom"];
  const lines = names.map((name) => {
    const cells = [h("td"), h("td"), h("td")];
    return { cells, row: h("tr", {}, h("th", { scope: "row" }, name), ...cells) };
  });
  const head = ["edge, px", "box", "cells", "moved"].map((text) => h("th", { scope: "col" }, text));
  return {
    element: h(
      "table",
      { class: "rpnviz-edges" },
      h("thead", {}, h("tr", {}, ...head)),
      h("tbody", {}, ...lines.map(({ row }) => row)),
    ),
    /** @param {Box} box @param {Box} rectangle both in pixels */
    show(box, rectangle) {
      box.forEach((edge, i) => {
        const by = rectangle[i] - edge;
        const texts = [decimal(edge, 1), decimal(rectangle[i], 1), (by > 0 ? "+" : "") + decimal(by, 1)];
        texts.forEach((text, k) => setText(lines[i].cells[k], text));
      });
    },
  };
}
