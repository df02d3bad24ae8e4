// @ts-check
// All words about an anchor: its label and why it has it, where it lies, what became of it. No view has its own.

import { besideThresholds, thousands, thresholdText } from "./format.js";

/**
 * What is known of an anchor's label.
 * @typedef {{label: string, iou: number, object: string, lowQuality?: boolean, bestOf?: string}} Labelled
 * label: of LABELS; iou: the best with any object; object: with which, "" for none; lowQuality: positive only because
 * no anchor fits the object `bestOf` better, "" where it is not known which
 */
/** @typedef {{bg: number, fg: number}} Thresholds */

/** The labels, in the order of the numbers that are sent for them; also names of the palette. */
export const LABELS = ["negative", "positive", "ignored", "crosses_border"];
export const LOW_QUALITY = 4;
const PAPER = { bg: 0.3, fg: 0.7 };
/** torchvision labels these anchors, and our own networks were trained with them: whose rule it is is said. */
export const NO_LABEL = "no label (paper's rule)";

/** The label in a byte of payload.label_codes. @param {number} code */
export const readLabel = (code) => LABELS[code & 3];

/** Whether the anchor is positive only because no other fits its object better. @param {number} code */
export const lowQuality = (code) => (code & LOW_QUALITY) > 0;

/** "crosses_border" → "crosses the border". @param {string} label */
export const labelWord = (label) => (label === "crosses_border" ? "crosses the border" : label);

/** Why an anchor has its label. @param {Labelled} anchor @param {Thresholds} [thresholds] */
export function whyLabel({ label, iou, object, lowQuality, bestOf = object }, { bg, fg } = PAPER) {
  if (label === "crosses_border") return `crosses the border: ${NO_LABEL}`;
  if (label === "ignored") return `ignored: between ${thresholdText(bg)} and ${thresholdText(fg)}`;
  if (label === "negative")
    return object ? `negative: < ${thresholdText(bg)} with every object` : "negative: overlaps no object";
  if (!lowQuality) return `positive: ≥ ${thresholdText(fg)} with ${object}`;
  if (!bestOf) return `positive: no anchor fits some object better, though only ${besideThresholds(iou, [bg, fg])}`;
  const goes = bestOf === object ? "" : `, goes to ${object}`;
  return `positive: best of ${bestOf}, though only ${besideThresholds(iou, [bg, fg])}${goes}`;
}

/** Where an anchor lies. @param {number} row @param {number} col @param {string} name of its shape */
export const placeText = (row, col, name) => `Row ${row}, column ${col}, ${name}`;

/**
 * What became of an anchor's box on its way to a proposal, in the words of proposals.Stages.fate. Places count from 0;
 * −1: it has none.
 * @param {{place: number, rank: number, suppressor: number, iou: number, large: boolean}} box place: among the proposals;
 *   rank: among those that reach NMS; suppressor: the rank of the box that suppressed it, at this IoU
 * @param {{proposals: number, reached: number}} counts
 */
export function fateText({ place, rank, suppressor, iou, large }, { proposals, reached }) {
  if (place >= 0) return `proposal ${thousands(place + 1)} of ${thousands(proposals)}`;
  if (suppressor >= 0) return `suppressed by rank ${thousands(suppressor + 1)}, IoU ${iou.toFixed(2)}`;
  if (rank >= 0) return `kept by NMS, beyond the best ${thousands(proposals)}`;
  return large ? `below the top ${thousands(reached)} scores` : "too small after clipping";
}
