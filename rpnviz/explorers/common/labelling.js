// @ts-check
// All anchors of a picture, labelled as the thresholds, the two rules and the objects stand: the traits of HasLabelRules
// and HasObjects (thresholds.py, objects.py).

import { LABELS, LOW_QUALITY, readLabel } from "./anchor.js";
import { SHAPES } from "./anchor_shapes.js";
import { cellAnchors, gridAnchors } from "./compute/anchors.js";
import { listOf } from "./compute/boxes.js";
import { Grid } from "./compute/grid.js";
import { labelAnchors, NEGATIVE, POSITIVE } from "./compute/targets.js";
import { derived } from "./model.js";
import { objectsOf } from "./objects.js";

/** @typedef {import("./compute/targets.js").AnchorLabels} AnchorLabels */
/** @typedef {import("./model.js").Model} Model */
/** @typedef {ReturnType<ReturnType<typeof labelling>>} Labelled */

/** The traits that decide. */
export const LABEL_RULES = ["fg_iou_thresh", "bg_iou_thresh", "allow_low_quality_matches", "drop_cross_boundary"];

/** The anchors of every cell of a plan's grid. @param {{grid: string, image_size: [number, number]}} plan @param {Float32Array} [cells] */
export const anchorsOf = ({ grid, image_size: size }, cells = cellAnchors()) =>
  gridAnchors(Grid.named(grid, size), cells);

/**
 * The labels as the traits stand; worked out again when one of them changes.
 * @param {Model} model @param {() => Float32Array} anchorsNow [N, 4] @param {[number, number]} imageSize
 */
export function labelling(model, anchorsNow, imageSize) {
  return derived(
    () => JSON.stringify([...LABEL_RULES, "objects", ...SHAPES].map((name) => model.get(name))),
    (_, version) => {
      const objects = objectsOf(model);
      const boxes = listOf(objects.map(({ box }) => box));
      const [fg, bg, best, drop] = LABEL_RULES.map((name) => model.get(name));
      const found = labelAnchors(anchorsNow(), boxes, imageSize, fg, bg, best, drop);
      const codes = labelCodes(found);
      return { version, objects, boxes, found, codes, counts: countCodes(codes), bg, fg, best, drop };
    },
  );
}

/** One byte an anchor, see readLabel: as payload.py's `label_codes`. @param {AnchorLabels} found @returns {Uint8Array} [N] */
export const labelCodes = ({ labels, crossesBoundary, lowQuality }) =>
  Uint8Array.from(labels, (label, i) => {
    if (crossesBoundary[i]) return LABELS.indexOf("crosses_border");
    const name = label === POSITIVE ? "positive" : label === NEGATIVE ? "negative" : "ignored";
    return LABELS.indexOf(name) + LOW_QUALITY * lowQuality[i];
  });

/** How many anchors have each label. @param {Uint8Array} codes @returns {Record<string, number>} */
function countCodes(codes) {
  const counts = Object.fromEntries(LABELS.map((label) => [label, 0]));
  for (const code of codes) counts[readLabel(code)] += 1;
  return counts;
}
