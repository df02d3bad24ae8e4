// @ts-check
// What has come from Python of a fit: objects of the sample, shapes of anchors, and how they are shared out.
import { typed } from "../common/model.js";

/** @typedef {import("../common/model.js").Model} Model */
/** @typedef {import("../common/compute/boxes.js").Box} Box */
/** @typedef {{name: string, objects: number, covered: [number, number], mean_iou: number, positives: number}} Row */
/** @typedef {{what: string, left_out: boolean, count: number, examples: string[]}} Finding */
/** @typedef {{name: string, size: [number, number], best_for: number, positive_for: number}} Shape size: (height, width) */
/**
 * @typedef {{how: string, shapes: [number, number][], scales: number[], aspect_ratios: number[],
 *   covered: [number, number], mean_iou: number, anchors: number, snippets: Record<string, string>}} Suggestion
 */
/**
 * @typedef {{source: string, format: string, anchors_name: string, resizing: string, num_pictures: number,
 *   num_objects: number, num_anchors: number, verdict: string, by_best_rule_alone: number, unreached: number, untouched: number,
 *   present_on_half: [number, number], thresholds: [number, number], overall: Row, groups: Record<string, Row[]>,
 *   num_classes: number, classes: string[], findings: Finding[], shapes: Shape[], suggestions: Suggestion[],
 *   pictures: string[]}} Plan
 */
/** @typedef {ReturnType<typeof readSample>} Sample */

const PER_ROW = 5; // best shape, class, picture, height, width

/** @param {Model} model @param {Plan} plan */
export function readSample(model, plan) {
  const sent = /** @type {Record<string, DataView>} */ (model.get("sample"));
  const [sizes, ious, boxes] = ["sizes", "ious", "boxes"].map((name) => typed(sent[name], Float32Array));
  const rows = typed(sent.rows, Int32Array);
  const at = (/** @type {number} */ i, /** @type {number} */ k) => rows[PER_ROW * i + k];
  return {
    count: ious.length,
    sizes,
    ious,
    /** @param {number} i */
    width: (i) => sizes[2 * i + 1],
    /** @param {number} i */
    height: (i) => sizes[2 * i],
    /** @param {number} i */
    shape: (i) => at(i, 0),
    /** @param {number} i */
    classOf: (i) => at(i, 1),
    /** @param {number} i */
    picture: (i) => plan.pictures[at(i, 2)],
    /** Of the picture, (H, W). @param {number} i */
    imageSize: (i) => [at(i, 3), at(i, 4)],
    /** @param {number} i */
    box: (i) => /** @type {Box} */ ([...boxes.subarray(4 * i, 4 * i + 4)]),
  };
}

/** The objects of a class, −1 for all. @param {Sample} sample @param {number} classIndex */
export function objectsOf(sample, classIndex) {
  const found = [];
  for (let i = 0; i < sample.count; i++) if (classIndex < 0 || sample.classOf(i) === classIndex) found.push(i);
  return found;
}

/** A shape in words: "38×120 px". @param {[number, number]} size (height, width) */
export const shapeText = ([height, width]) => `${Math.round(width)}×${Math.round(height)} px`;

/** The shapes that are drawn: of the present anchors, or of a suggestion. @param {Plan} plan @param {number} set @returns {Shape[]} */
export function shapesOf({ shapes, suggestions }, set) {
  if (!set) return shapes;
  const named = (/** @type {[number, number]} */ size) => ({ name: "", size, best_for: 0, positive_for: 0 });
  return suggestions[set - 1].shapes.map(named);
}

/** 0.613 → "61.3%"; never "100.0%" of what is not all, nor "0.0%" of what is something. @param {number} share */
export function percent(share) {
  const text = (100 * share).toFixed(1);
  if (share < 1 && text === "100.0") return "> 99.9%";
  return share > 0 && text === "0.0" ? "< 0.1%" : `${text}%`;
}
