// @ts-check
// What every station says of a picture on a grid: worked out here from what the network says and the settings as they
// stand; or read from what Python handed over, where the stations are somebody else's (notebook 12).

import { cellAnchors, gridAnchors } from "../common/compute/anchors.js";
import { boxAt } from "../common/compute/boxes.js";
import { Grid } from "../common/compute/grid.js";
import { LABEL_RULES, labelling } from "../common/labelling.js";
import { derived, typed } from "../common/model.js";
import { objectsOf } from "../common/objects.js";
import { PROPOSAL_SETTINGS, proposing } from "../common/proposing.js";
import { SAMPLING, sampling } from "../common/sampling.js";

/** @typedef {import("../common/compute/boxes.js").Box} Box */
/** @typedef {import("../common/compute/proposals.js").Stages} Stages */
/** @typedef {import("../common/labelling.js").Labelled} Labelled */
/** @typedef {import("../common/model.js").Model} Model */
/** @typedef {import("./scene.js").Work} Work */
/** @typedef {{positive: ArrayLike<number>, negative: ArrayLike<number>}} Drawn */
/** @typedef {{work: () => Work, draw: () => Drawn | null}} Station draw: the minibatch as the settings stand, null while it has not come */

/** The traits that decide. */
export const WORK_TRAITS = [...LABEL_RULES, "objects", ...PROPOSAL_SETTINGS, ...SAMPLING];
const LARGE = 8; // a further bit of the byte of an anchor's label
const NOBODY = 255;

/** The stations of a scene. @param {Model} model @param {Record<string, any>} packed the trait `scene` @returns {Station} */
export const stationsOf = (model, packed) => (packed.kinds ? handedOver(model, packed) : workedOut(model, packed));

/** Whether somebody else's results are shown, which no setting moves. @param {Record<string, any>} packed */
export const isHanded = (packed) => Boolean(packed.kinds);

/** @param {Model} model @param {Record<string, any>} packed @returns {Station} */
function workedOut(model, packed) {
  const { grid, image_size: size } = packed;
  const anchors = gridAnchors(Grid.named(grid, size), cellAnchors());
  const labelled = labelling(model, () => anchors, size);
  const [objectness, deltas] = ["objectness", "deltas"].map((name) => typed(packed[name], Float32Array));
  const { stages } = proposing(model, objectness, deltas, anchors, size);
  const work = derived(labelled, (labels) => derived(stages, (chosen) => workOf(labels, chosen)));
  const drawn = sampling(model, labelled);
  const draw = derived(drawn, ({ posInds, negInds }) => ({ positive: posInds, negative: negInds }));
  return { work: () => work()(), draw };
}

/** @param {Labelled} labels @param {Stages} stages @returns {Work} */
function workOf({ found, codes, objects, bg, fg }, stages) {
  const large = new Uint8Array(codes.length);
  for (const anchor of stages.largeInds) large[anchor] = 1;
  const { preNmsInds: order, rank, suppressedBy, suppressedIou } = stages;
  return {
    ...{ by: "", thresholds: { bg, fg }, objects, codes, order },
    bestAnchors: [...found.bestAnchorPerGt],
    iou: (anchor) => found.iou[anchor],
    bestObject: (anchor) => found.bestGtIdxs[anchor],
    bestOf: (anchor) => found.bestForGtIdxs[anchor],
    score: (anchor) => stages.allScores[anchor],
    decoded: (anchor) => boxAt(stages.allBoxes, anchor),
    large: (anchor) => large[anchor] === 1,
    suppressor: (place) => (suppressedBy[order[place]] < 0 ? -1 : rank[suppressedBy[order[place]]]),
    suppressedIou: (place) => suppressedIou[order[place]],
    funnel: [
      ["anchors", codes.length],
      ["clipped", codes.length],
      ["large enough", stages.largeInds.length],
      ["top-N by score", order.length],
      ["after NMS", stages.nmsInds.length],
      ["proposals", stages.postNmsInds.length],
    ],
  };
}

/** What scene.py's `pack_handed` packed. @param {Model} model @param {Record<string, any>} packed @returns {Station} */
function handedOver(model, packed) {
  const kinds = typed(packed.kinds, Uint8Array);
  const best = typed(packed.best_gt, Uint8Array);
  const [ious, scores, edges] = ["iou", "scores", "boxes"].map((name) => typed(packed[name], Uint16Array));
  const suppressors = typed(packed.suppressor, Int16Array);
  const hundredths = typed(packed.suppressed_iou, Uint8Array);
  const step = packed.box_step;
  /** @type {Work} */
  const work = {
    ...{ by: packed.by, thresholds: { bg: 0.3, fg: 0.7 }, objects: objectsOf(model), bestAnchors: packed.best_anchors },
    ...{ codes: kinds.map((kind) => kind & (LARGE - 1)), order: Int32Array.from(typed(packed.order, Uint16Array)) },
    iou: (anchor) => ious[anchor] / 65535,
    bestObject: (anchor) => (best[anchor] === NOBODY ? -1 : best[anchor]),
    bestOf: (anchor) => packed.best_of[anchor],
    score: (anchor) => scores[anchor] / 65535,
    decoded: (anchor) => /** @type {Box} */ (boxAt(edges, anchor).map((edge) => edge * step)),
    large: (anchor) => (kinds[anchor] & LARGE) > 0,
    suppressor: (place) => suppressors[place],
    suppressedIou: (place) => hundredths[place] / 100,
    funnel: packed.funnel,
  };
  return { work: () => work, draw: () => handedDraw(model, packed) };
}

/** What the seed draws, null while it has not come. @param {Model} model @param {Record<string, any>} packed */
function handedDraw(model, packed) {
  const [seed, last] = [model.get("seed"), model.get("extra_minibatch")];
  const sent = packed.minibatches[seed] || (last.seed === seed ? last : null);
  return sent && { positive: typed(sent.positive, Uint16Array), negative: typed(sent.negative, Uint16Array) };
}
