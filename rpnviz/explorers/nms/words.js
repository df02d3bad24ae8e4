// @ts-check
// What the NMS explorer says of a box and of a turn.

import { iouAt } from "../common/compute/boxes.js";
import { victims } from "../common/compute/nms_steps.js";
import { besideThresholds } from "../common/format.js";

/** @typedef {import("../common/compute/nms_steps.js").Run} Run */
/** @typedef {{plan: {names: string[], lines: Record<string, {words: string}>}, boxes: Float32Array,
 *   scoreOf: (row: number) => string}} Boxes */
/** @typedef {{run: Run, turns: number, thresh: number}} Now turns: so many boxes have had theirs */

const LISTED = 4; // names in a sentence

/** "B", "B and D", "B, D and 4 more". @param {string[]} names */
function listed(names) {
  const shown = names.length > LISTED ? [...names.slice(0, 3), `${names.length - 3} more`] : names;
  return shown.length < 2 ? shown.join("") : `${shown.slice(0, -1).join(", ")} and ${shown[shown.length - 1]}`;
}

/** An IoU in as many digits as it takes to see whether it is above the threshold. @param {number} iou @param {number} thresh */
export const iouText = (iou, thresh) => besideThresholds(iou, [thresh]);

/** A box in a sentence: a bare number would read like a count. @param {Boxes} boxes @param {number} row */
const called = ({ plan: { names } }, row) => (/^\d+$/.test(names[row]) ? `box ${names[row]}` : names[row]);

/** What is known of a box so far. @param {Boxes} boxes @param {Now} now @param {number} row */
export function aboutBox(boxes, { run, turns, thresh }, row) {
  const by = run.by[row];
  const fell = by >= 0 && run.rank[by] < turns;
  const waits = run.rank[row] < turns ? "kept" : "waiting";
  const fate = fell ? `suppressed by ${called(boxes, by)}, IoU ${iouText(run.iou[row], thresh)}` : waits;
  return `${called(boxes, row)}: score ${boxes.scoreOf(row)}, turn ${run.rank[row] + 1}, ${fate}.`;
}

/** The state of a box, and who suppressed it. @param {Boxes} boxes @param {Now} now @param {number} row @param {string} state */
export function stateWords({ plan: { names, lines } }, { run, turns }, row, state) {
  const by = run.by[row] >= 0 && run.rank[run.by[row]] < turns ? ` by ${names[run.by[row]]}` : "";
  if (state === "current") return `its turn: ${by ? `suppressed${by}` : "kept"}`;
  return `${lines[state].words}${state === "suppressed" ? by : ""}`;
}

/** What happens at a turn. @param {Boxes} boxes @param {Now & {suppressedToo: boolean}} now */
export function aboutTurn(boxes, { run, turns, thresh, suppressedToo }) {
  if (!turns) return `Before the first turn: ${run.order.length} boxes wait, best score first.`;
  const row = run.order[turns - 1];
  const name = `${called(boxes, row)} (${boxes.scoreOf(row)})`;
  const withIou = (/** @type {number} */ other, /** @type {number} */ iou) =>
    `${called(boxes, other)} (IoU ${iouText(iou, thresh)})`;
  const { falls, spares } = victims(boxes.boxes, run, turns, thresh);
  const each = listed(
    falls.map((other) => (falls.length > LISTED ? called(boxes, other) : withIou(other, run.iou[other]))),
  );
  if (run.by[row] < 0)
    return `Turn ${turns}: ${name} is still there, so it is kept. It suppresses ${each || "nobody"}.`;
  const gone = `Turn ${turns}: ${name} was suppressed by ${withIou(run.by[row], run.iou[row])}.`;
  if (suppressedToo && each) return `${gone} And here it suppresses ${each}: this is not NMS.`;
  if (suppressedToo) return `${gone} Nobody is left for it to suppress.`;
  const spared = listed(spares.map((other) => withIou(other, iouAt(boxes.boxes, row, boxes.boxes, other))));
  return `${gone} So it suppresses nobody${spared && `, not even ${spared}`}.`;
}
