// @ts-check
// What is drawn on the picture of notebook 06: the anchor, its object, the decoded box and where one step pulls it.

import { pairIou } from "../common/compute/boxes.js";

/** @typedef {import("../common/canvas_panel.js").LineStyle} LineStyle */
/** @typedef {import("../common/canvas_panel.js").Panel} Panel */
/** @typedef {import("../common/compute/boxes.js").Box} Box */
/** @typedef {import("./view.js").Moment} Moment */

const STYLE_OF = /** @type {Record<number, string>} */ ({ 1: "positive", 0: "negative", [-1]: "ignored" });
export const WORD_OF = /** @type {Record<number, string>} */ ({ 1: "positive", 0: "negative", [-1]: "left out" });
const PULL = 0.08; // of the panel's width, that an arrow is long for a slope of 1

/** @param {Panel} panel @param {Record<string, LineStyle>} styles @param {Moment} now */
export function drawAnswer(panel, styles, now) {
  drawBoxes(panel, styles, now);
  drawNames(panel, styles, now);
}

/** @param {Panel} panel @param {Record<string, LineStyle>} styles @param {Moment} now */
function drawBoxes(panel, styles, { anchor: { box: own, gt, label }, box, trail, ledger: { rows } }) {
  if (gt) panel.box(gt, styles.ground_truth, { strong: true });
  panel.box(own, styles[STYLE_OF[label]]);
  panel.box(box, styles.proposal, { strong: true });
  for (const [x, y] of trail) panel.dot(x, y, styles.proposal, 2.2);
  drawPull(panel, box, rows, styles.proposal);
}

/** Names at the boxes; where these lie close together, round all of them, not over them. @param {Panel} panel @param {Record<string, LineStyle>} styles @param {Moment} now */
function drawNames(panel, styles, { anchor: { box: own, gt, label, iouText: iou, object }, box }) {
  const all = hull(gt ? [own, box, gt] : [own, box]);
  const apart = box[0] > own[2] || box[2] < own[0] || box[1] > own[3] || box[3] < own[1];
  const near = !apart && all[2] - all[0] < 0.5 * (panel.extent[2] - panel.extent[0]);
  const high = (17 * panel.unit) / panel.scale;
  panel.tags([
    { text: `anchor, IoU ${iou}, ${WORD_OF[label]}`, box: near ? all : own, style: styles[STYLE_OF[label]] },
    ...(gt ? [{ text: object, box: near ? all : gt, style: styles.ground_truth }] : []),
    {
      text: gt ? `decoded, IoU ${pairIou(box, gt).toFixed(2)}` : "decoded",
      box: near ? /** @type {Box} */ ([all[0], all[1] - high, all[2], all[3] + high]) : box,
      style: styles.proposal,
    },
  ]);
}

/** An arrow with a casing. @param {Panel} panel @param {[number, number]} from @param {[number, number]} by @param {LineStyle} style */
function arrow(panel, [x, y], [dx, dy], style) {
  const length = Math.hypot(dx, dy);
  const longest = PULL * (panel.extent[2] - panel.extent[0]);
  if (length < 0.02 * longest) return;
  const tip = /** @type {[number, number]} */ ([x + dx, y + dy]);
  const [ux, uy] = [dx / length, dy / length];
  const barb = Math.min(0.16 * longest, length);
  const look = { ...style, width: 3.2, dash: [] };
  panel.line([x, y], tip, look);
  for (const side of [-1, 1])
    panel.line([tip[0] - barb * (ux - side * 0.6 * uy), tip[1] - barb * (uy + side * 0.6 * ux)], tip, look);
  panel.line([x, y], tip, { ...look, casing: "transparent" }); // no casing across the shaft
}

/** Where the four slopes pull the box: its middle by dx and dy, its sides by dw and dh.
 * @param {Panel} panel @param {Box} box @param {{slope: number}[]} rows @param {LineStyle} style */
function drawPull(panel, [x1, y1, x2, y2], rows, style) {
  const [dx, dy, dw, dh] = rows.map(({ slope }) => -slope * PULL * (panel.extent[2] - panel.extent[0]));
  const [x, y] = [(x1 + x2) / 2, (y1 + y2) / 2];
  arrow(panel, [x2, y], [dw / 2, 0], style);
  arrow(panel, [x1, y], [-dw / 2, 0], style);
  arrow(panel, [x, y2], [0, dh / 2], style);
  arrow(panel, [x, y1], [0, -dh / 2], style);
  arrow(panel, [x, y], [dx, 0], style);
  arrow(panel, [x, y], [0, dy], style);
}

/** The smallest box round boxes. @param {Box[]} boxes */
const hull = (boxes) =>
  /** @type {Box} */ ([0, 1, 2, 3].map((i) => Math[i < 2 ? "min" : "max"](...boxes.map((box) => box[i]))));
