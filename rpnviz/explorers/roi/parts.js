// @ts-check
// What both sides of notebook 09's explorer are made of: a map that keeps a box in view, the bins of a box, tables.

import { h, scroller, setText } from "../common/elements.js";
import { fixed } from "../common/format.js";

/** @typedef {import("../common/compute/boxes.js").Box} Box */
/** @typedef {import("../common/canvas_panel.js").LineStyle} LineStyle */
/** @typedef {import("../common/canvas_panel.js").Panel} Panel */
/** @typedef {import("../common/compute/roi.js").Neighbour} Neighbour */

export const SHAPE = 1.22; // width to height of the two maps
const ROOM = 1.1; // cells kept in view round the box

/**
 * Which part of the map to show: the same as long as the box is well inside, so that a moving box moves on the screen.
 * @param {Box} extent as it was @param {Box} box in cells @returns {Box}
 */
export function partRound(extent, [x1, y1, x2, y2]) {
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
          cells.push(h("td", hot ? { class: "rpnviz-most" } : {}, fixed(value(row, col), digits) + (hot ? "▲" : "")));
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
        [`${row}, ${col}`, fixed(value(row, col), 3), fixed(weight), fixed(product, 3)].forEach((text, k) =>
          setText(lines[i].cells[k], text),
        );
      });
      setText(total, fixed(sum, 3));
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
        const texts = [fixed(edge, 1), fixed(rectangle[i], 1), (by > 0 ? "+" : "") + fixed(by, 1)];
        texts.forEach((text, k) => setText(lines[i].cells[k], text));
      });
    },
  };
}
