// @ts-check
// What Python sent of one picture on one grid (scene.py), unpacked, and what to say of an anchor.
// Only reading and wording: no IoU, label, rank or box is worked out here.
import { fateText, LABELS, lowQuality, readLabel, whyLabel } from "../common/anchor.js";
import { typed } from "../common/model.js";

/** @typedef {import("../common/compute/boxes.js").Box} Box */

const LARGE = 8;
const NOBODY = 255;

/** One picture on one grid. */
export class Scene {
  /** @param {Record<string, any>} packed the trait `scene` */
  constructor(packed) {
    this.packed = packed;
    const [rows, columns] = /** @type {[number, number]} */ (packed.feature_size);
    const [strideY, strideX] = /** @type {[number, number]} */ (packed.stride);
    this.rows = rows;
    this.columns = columns;
    this.strideY = strideY;
    this.strideX = strideX;
    this.frame = /** @type {Box} */ ([0, 0, packed.image_size[1], packed.image_size[0]]);
    this.names = /** @type {string[]} */ (packed.class_names);
    this.objects = /** @type {Box[]} */ (packed.gt_boxes);
    this.perCell = packed.cell_anchors.length;
    this.size = this.rows * this.columns * this.perCell;
    this.shapes = /** @type {{scale: number, ratio: number}[]} */ (
      packed.ratios.flatMap((/** @type {number} */ ratio) =>
        packed.scales.map((/** @type {number} */ scale) => ({ scale, ratio })),
      )
    );
    this.kinds = typed(packed.kinds, Uint8Array);
    this.bestObject = typed(packed.best_gt, Uint8Array);
    this.ious = typed(packed.iou, Uint16Array);
    this.scores = typed(packed.scores, Uint16Array);
    this.edges = typed(packed.boxes, Uint16Array);
    this.order = typed(packed.order, Uint16Array);
    this.suppressors = typed(packed.suppressor, Int16Array);
    this.suppressedIous = typed(packed.suppressed_iou, Uint8Array); // hundredths
    // What follows from the order: where an anchor stands in it, and which boxes NMS kept.
    this.ranks = new Int32Array(this.size).fill(-1);
    this.order.forEach((anchor, rank) => (this.ranks[anchor] = rank));
    this.kept = Array.from(this.order.keys()).filter((rank) => this.suppressors[rank] < 0);
    this.funnel = /** @type {[string, number][]} */ (packed.funnel);
    this.proposals = this.kept.slice(0, this.funnel[this.funnel.length - 1][1]).map((rank) => this.order[rank]);
    this.places = new Map(this.proposals.map((anchor, place) => [anchor, place + 1]));
  }

  /** The number of the first anchor of a cell. @param {number} row @param {number} col */
  first(row, col) {
    return (row * this.columns + col) * this.perCell;
  }

  /** @param {number} anchor @returns {[number, number]} row, col */
  cellOf(anchor) {
    const cell = Math.floor(anchor / this.perCell);
    return [Math.floor(cell / this.columns), cell % this.columns];
  }

  /** @param {number} x @param {number} y picture px @returns {[number, number]} row, col of the cell there */
  cellAt(x, y) {
    const within = (/** @type {number} */ at, /** @type {number} */ count) =>
      Math.max(0, Math.min(count - 1, Math.floor(at)));
    return [within(y / this.strideY, this.rows), within(x / this.strideX, this.columns)];
  }

  /** @param {number} row @param {number} col @returns {[number, number]} x, y */
  centre(row, col) {
    return [(col + 0.5) * this.strideX, (row + 0.5) * this.strideY];
  }

  /** A box given about the centre of a cell: a cell anchor, the window's footprint. @param {Box} box @param {number} row @param {number} col */
  about(box, row, col) {
    const [x, y] = this.centre(row, col);
    return /** @type {Box} */ ([box[0] + x, box[1] + y, box[2] + x, box[3] + y]);
  }

  /** @param {number} anchor @returns {Box} */
  anchor(anchor) {
    const [row, col] = this.cellOf(anchor);
    return this.about(this.packed.cell_anchors[anchor % this.perCell], row, col);
  }

  /** The box the network makes of an anchor, clipped to the picture. @param {number} anchor @returns {Box} */
  decoded(anchor) {
    const step = this.packed.box_step;
    const [x1, y1, x2, y2] = this.edges.subarray(4 * anchor, 4 * anchor + 4);
    return [x1 * step, y1 * step, x2 * step, y2 * step];
  }

  /** @param {number} anchor */
  iou = (anchor) => this.ious[anchor] / 65535;
  /** @param {number} anchor */
  score = (anchor) => this.scores[anchor] / 65535;
  /** @param {number} anchor */
  kind = (anchor) => readLabel(this.kinds[anchor]);
  /** @param {number} anchor */
  large = (anchor) => (this.kinds[anchor] & LARGE) > 0;

  /** The object an anchor overlaps most, "" if none. @param {number} anchor */
  object(anchor) {
    return this.bestObject[anchor] === NOBODY ? "" : this.#name(this.bestObject[anchor]);
  }

  /** @param {number} object */
  #name(object) {
    const name = this.names[object];
    return this.names.filter((other) => other === name).length > 1 ? `${name} ${this.#number(object)}` : name;
  }

  /** Two dogs are "dog 1" and "dog 2". @param {number} object */
  #number(object) {
    return this.names.slice(0, object + 1).filter((other) => other === this.names[object]).length;
  }

  /** Names of all objects, told apart. */
  objectNames() {
    return this.names.map((_, object) => this.#name(object));
  }

  /** Why an anchor has its label. @param {number} anchor */
  why(anchor) {
    const label = this.kind(anchor);
    if (this.packed.by && label !== "crosses_border") return `${label}: labelled by ${this.packed.by}`;
    const lowQualityOnly = lowQuality(this.kinds[anchor]);
    const bestOf = lowQualityOnly ? this.#name(this.packed.best_of[anchor]) : "";
    const known = { label, iou: this.iou(anchor), object: this.object(anchor), bestOf };
    return whyLabel({ ...known, lowQuality: lowQualityOnly });
  }

  /** Where an anchor ended among the proposals. @param {number} anchor */
  fate(anchor) {
    const rank = this.ranks[anchor];
    const [suppressor, iou] = rank < 0 ? [-1, 0] : [this.suppressors[rank], this.suppressedIous[rank] / 100];
    const place = (this.places.get(anchor) || 0) - 1;
    const counts = { proposals: this.proposals.length, reached: this.order.length };
    return fateText({ place, rank, suppressor, iou, large: this.large(anchor) }, counts);
  }

  /** How many of these anchors reach each stage of the proposal branch. @param {number[]} anchors */
  reach(anchors) {
    const count = (/** @type {(anchor: number) => boolean} */ test) => anchors.filter(test).length;
    return [
      anchors.length,
      anchors.length,
      count(this.large),
      count((anchor) => this.ranks[anchor] >= 0),
      count((anchor) => this.ranks[anchor] >= 0 && this.suppressors[this.ranks[anchor]] < 0),
      count((anchor) => this.places.has(anchor)),
    ];
  }

  /** How many of all anchors are of a kind. */
  counts() {
    const counts = Object.fromEntries(LABELS.map((label) => [label, 0]));
    for (const code of this.kinds) counts[readLabel(code)] += 1;
    return counts;
  }

  /** The objectness map of one of the nine. @param {number} a @returns {Uint8Array} 0 … 255, stretched */
  objectness(a) {
    const values = Array.from({ length: this.size / this.perCell }, (_, cell) => this.scores[cell * this.perCell + a]);
    const [low, high] = [Math.min(...values), Math.max(...values)];
    return Uint8Array.from(values, (value) => ((value - low) / Math.max(high - low, 1)) * 255);
  }
}
