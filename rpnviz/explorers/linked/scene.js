// @ts-check
// One picture on one grid, what every station says of it, and what to say of an anchor.
import { fateText, LABELS, lowQuality, readLabel, whyLabel } from "../common/anchor.js";

/** @typedef {import("../common/compute/boxes.js").Box} Box */
/** @typedef {import("../common/objects.js").Drawn} Drawn */
/**
 * What the stations say: worked out in the page, or handed over (work.js).
 * @typedef {object} Work
 * @property {string} by whose stations they are, "" for this package's
 * @property {{bg: number, fg: number}} thresholds
 * @property {Drawn[]} objects
 * @property {number[]} bestAnchors by object: the first that fits it best, −1 for none
 * @property {Uint8Array} codes [N] see readLabel
 * @property {(anchor: number) => number} iou the best with any object
 * @property {(anchor: number) => number} bestObject with which, −1 for none
 * @property {(anchor: number) => number} bestOf the object that no other anchor fits better
 * @property {(anchor: number) => number} score
 * @property {(anchor: number) => Box} decoded clipped to the picture
 * @property {(anchor: number) => boolean} large
 * @property {Int32Array} order anchors that reach NMS, best score first
 * @property {(rank: number) => number} suppressor rank of the box that suppressed this one, −1: kept
 * @property {(rank: number) => number} suppressedIou
 * @property {[string, number][]} funnel how many are left after each stage
 */

/** One picture on one grid. */
export class Scene {
  /** @param {Record<string, any>} packed the trait `scene` @param {Work} work */
  constructor(packed, work) {
    this.packed = packed;
    this.work = work;
    const [rows, columns] = /** @type {[number, number]} */ (packed.feature_size);
    const [strideY, strideX] = /** @type {[number, number]} */ (packed.stride);
    this.rows = rows;
    this.columns = columns;
    this.strideY = strideY;
    this.strideX = strideX;
    this.frame = /** @type {Box} */ ([0, 0, packed.image_size[1], packed.image_size[0]]);
    this.objects = work.objects.map(({ box }) => box);
    this.perCell = packed.cell_anchors.length;
    this.size = this.rows * this.columns * this.perCell;
    this.shapes = /** @type {{scale: number, ratio: number}[]} */ (
      packed.ratios.flatMap((/** @type {number} */ ratio) =>
        packed.scales.map((/** @type {number} */ scale) => ({ scale, ratio })),
      )
    );
    this.order = work.order;
    this.funnel = work.funnel;
    // What follows from the order: where an anchor stands in it, and which boxes NMS kept.
    this.ranks = new Int32Array(this.size).fill(-1);
    this.order.forEach((anchor, rank) => (this.ranks[anchor] = rank));
    const kept = Array.from(this.order.keys()).filter((rank) => work.suppressor(rank) < 0);
    this.proposals = kept.slice(0, this.funnel[this.funnel.length - 1][1]).map((rank) => this.order[rank]);
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

  /** The box the network makes of an anchor, clipped to the picture. @param {number} anchor */
  decoded = (anchor) => this.work.decoded(anchor);
  /** @param {number} anchor */
  iou = (anchor) => this.work.iou(anchor);
  /** @param {number} anchor */
  score = (anchor) => this.work.score(anchor);
  /** @param {number} anchor */
  kind = (anchor) => readLabel(this.work.codes[anchor]);
  /** @param {number} anchor */
  large = (anchor) => this.work.large(anchor);

  /** The object an anchor overlaps most, "" if none. @param {number} anchor */
  object(anchor) {
    const object = this.work.bestObject(anchor);
    return object < 0 ? "" : this.work.objects[object].name;
  }

  /** Names of all objects, told apart. */
  objectNames() {
    return this.work.objects.map(({ name }) => name);
  }

  /** Why an anchor has its label. @param {number} anchor */
  why(anchor) {
    const label = this.kind(anchor);
    const { by, codes, objects, thresholds } = this.work;
    if (by && label !== "crosses_border") return `${label}: labelled by ${by}`;
    const lowQualityOnly = lowQuality(codes[anchor]);
    const bestOf = lowQualityOnly ? objects[this.work.bestOf(anchor)].name : "";
    const known = { label, iou: this.iou(anchor), object: this.object(anchor), bestOf };
    return whyLabel({ ...known, lowQuality: lowQualityOnly }, thresholds);
  }

  /** Where an anchor ended among the proposals. @param {number} anchor */
  fate(anchor) {
    const rank = this.ranks[anchor];
    const [suppressor, iou] = rank < 0 ? [-1, 0] : [this.work.suppressor(rank), this.work.suppressedIou(rank)];
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
      count((anchor) => this.ranks[anchor] >= 0 && this.work.suppressor(this.ranks[anchor]) < 0),
      count((anchor) => this.places.has(anchor)),
    ];
  }

  /** How many of all anchors are of a kind. */
  counts() {
    const counts = Object.fromEntries(LABELS.map((label) => [label, 0]));
    for (const code of this.work.codes) counts[readLabel(code)] += 1;
    return counts;
  }

  /** The objectness map of one of the nine. @param {number} a @returns {Uint8Array} 0 … 255, stretched */
  objectness(a) {
    const values = Array.from({ length: this.size / this.perCell }, (_, cell) => this.score(cell * this.perCell + a));
    const [low, high] = [Math.min(...values), Math.max(...values)];
    return Uint8Array.from(values, (value) => ((value - low) / Math.max(high - low, 1 / 65535)) * 255);
  }
}
