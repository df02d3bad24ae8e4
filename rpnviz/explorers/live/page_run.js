// @ts-check
// The page's side of a run that a worker takes the steps of.

import { byWorker } from "../common/workers.js";
import { trainer } from "./materials.js";

/** @typedef {import("./head_run.js").Outcome} Outcome */
/** @typedef {import("./head_run.js").Setup} Setup */

export class PageRun {
  losses = /** @type {[number, number][]} */ ([]); // objectness, box; one pair a step

  /** @param {Worker} worker @param {Setup} setup @param {Outcome} outcome of the untrained head */
  constructor(worker, { name, steps }, outcome) {
    this.worker = worker;
    this.name = name;
    this.steps = steps;
    this.outcome = outcome;
  }

  /** @param {Setup} setup */
  static async begin(setup) {
    const worker = await trainer();
    return new PageRun(worker, setup, await byWorker(worker, { name: "begin", given: [setup] }));
  }

  get step() {
    return this.losses.length;
  }

  get left() {
    return this.steps - this.step;
  }

  /** Take one step. */
  async advance() {
    const { lossObjectness, lossRpnBoxReg, outcome } = await byWorker(this.worker, { name: "advance", given: [] });
    this.losses.push([lossObjectness, lossRpnBoxReg]);
    this.outcome = outcome ?? this.outcome;
    if (!this.left) this.close(); // what is shown of it stays
  }

  close() {
    this.worker.terminate();
  }

  /** All that the view shows of the run, as runs.py packs it. @param {number} smooth steps in the running mean */
  pack(smooth) {
    const { looked, map, proposals, covered } = this.outcome;
    const curves = [0, 1].map((which) => {
      const raw = Float32Array.from(this.losses, (pair) => pair[which]);
      return { raw: bytesOf(raw), mean: bytesOf(smoothed(raw, smooth)) };
    });
    const { name, step } = this;
    return { name, step, curves, looked, map: bytesOf(map), proposals: bytesOf(proposals), covered };
  }
}

/** @param {Float32Array | Uint8Array} numbers */
const bytesOf = ({ buffer, byteOffset, byteLength }) => new DataView(buffer, byteOffset, byteLength);

/** The mean of each value and up to `width` − 1 before it. @param {Float32Array} values @param {number} width */
export function smoothed(values, width) {
  let sum = 0;
  return values.map((value, i) => {
    sum += value - (i < width ? 0 : values[i - width]);
    return sum / Math.min(i + 1, width);
  });
}
