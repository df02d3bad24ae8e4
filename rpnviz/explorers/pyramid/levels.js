// @ts-check
// What the view says of an object and the levels of a pyramid (notebook 10). Boxes are in pixels of the network's input.
import { boxAt, pairIou } from "../common/compute/boxes.js";
import { anchorOf, bestAnchor, countReaching } from "../common/compute/pyramid.js";
import { fixed, thousands } from "../common/format.js";

/** @typedef {import("../common/compute/boxes.js").Box} Box */
/** @typedef {import("../common/compute/pyramid.js").Stages} Stages */
/** @typedef {import("../common/compute/pyramid.js").Top} Top */
/** @typedef {import("../common/compute/pyramid.js").Lattice & {name: string, stride: [number, number]}} Level */
/** @typedef {{iou: number, atMost: number, reaching: number, box: Box}} Fit of a level: its best anchor's IoU and box; see
 *   `bestAnchor` */

/** How well each level fits an object. @param {Level[]} levels @param {Box} box @param {number} reached @returns {Fit[]} */
export const fitsOf = (levels, box, reached) =>
  levels.map((level) => {
    const { iou, anchor, atMost } = bestAnchor(level, box);
    return { iou, atMost, reaching: countReaching(level, box, reached), box: anchorOf(level, anchor) };
  });

/** The level whose anchor fits best. @param {Fit[]} fits */
export const answering = (fits) => fits.reduce((best, { iou }, i) => (iou > fits[best].iou ? i : best), 0);

/** How many of some rows are of each level. @param {Top} top @param {Int32Array} rows @param {number} many @returns {number[]} */
export function countByLevel({ levels }, rows, many) {
  const counts = new Array(many).fill(0);
  for (const row of rows) counts[levels[row]] += 1;
  return counts;
}

/** Those of some rows that cover an object. @param {Top} top @param {Int32Array} rows @param {Box} box @param {number} covered */
export const covering = ({ boxes }, rows, box, covered) =>
  rows.filter((row) => pairIou(boxAt(boxes, row), box) >= Math.fround(covered));

/** How many anchors a level has. @param {Level} level */
export const anchorsOf = ({ size, cells }) => size[0] * size[1] * cells.length;

/** Which level answers for an object, and why. @param {string} name @param {Level[]} levels @param {Fit[]} fits */
export function whyLevel(name, levels, fits) {
  const best = answering(fits);
  if (!fits[best].iou) return `${name}: no anchor of any level touches it.`;
  const [x1, y1, x2, y2] = fits[best].box;
  const others = fits.map(({ atMost }, i) => ({ atMost, name: levels[i].name })).filter((_, i) => i !== best);
  const next = others.reduce((one, other) => (other.atMost > one.atMost ? other : one), { atMost: 0, name: "" });
  const its = `its best anchor, ${thousands(x2 - x1)}×${thousands(y2 - y1)} px of the network's input, has an IoU of ${fixed(fits[best].iou)}`;
  const why = next.name
    ? ` ${next.name} could reach ${fixed(next.atMost)}, if one of its anchors stood right on it.`
    : "";
  return `${name}: ${levels[best].name} answers; ${its}.${why}`;
}

/** What goes into NMS and what comes out. @param {number[]} into of each level @param {number} out @param {number} pre @param {number} post */
export function whyCounts(into, out, pre, post) {
  const all = into.reduce((sum, count) => sum + count, 0);
  const parts = into.map(thousands).join(" + ");
  return `Up to ${thousands(pre)} of each level go into NMS: ${parts} = ${thousands(all)}. Up to ${thousands(post)} of what it keeps are proposals, of all levels together: ${thousands(out)}.`;
}
