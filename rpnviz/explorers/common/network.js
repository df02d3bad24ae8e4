// @ts-check
// The network in the page: backbone, RPN head and second head, in a worker. Beside a worker its policy has to allow
// 'wasm-unsafe-eval' in script-src, for the kernel.

import { Background } from "./background.js";
import { NetworkJobs } from "./network_worker.js";

/** @typedef {import("./compute/grid.js").Grid} Grid */
/** @typedef {import("./compute/detection.js").Detections} Detections */
/** @typedef {import("./jobs.js").OnProgress} OnProgress */
/** @typedef {import("./network_worker.js").Shown} Shown */
/** @typedef {import("./network_worker.js").Weights} Weights */
/** @typedef {import("./network_worker.js").Look} Look */
/** @typedef {import("./network_worker.js").CloseLook} CloseLook */
/** @typedef {import("./network_worker.js").LayerMaps} LayerMaps */

export class Network extends Background {
  #weights;

  /** @param {() => Promise<Weights>} weights asked when a job first takes them; of the second head only for `detect` */
  constructor(weights) {
    super("common/network_worker.js", (turn) => new NetworkJobs(turn));
    this.#weights = weights;
  }

  /**
   * The feature map of a picture, and what the RPN says of each anchor.
   * @param {Shown} picture @param {Grid} grid @param {OnProgress} [onProgress] @returns {Promise<Look>}
   */
  lookAt(picture, grid, onProgress) {
    return this.#ask("lookAt", [picture, grid, false], onProgress);
  }

  /**
   * The same, and the vectors that the RPN reads it off.
   * @param {Shown} picture @param {Grid} grid @param {OnProgress} [onProgress] @returns {Promise<CloseLook>}
   */
  lookClosely(picture, grid, onProgress) {
    return this.#ask("lookAt", [picture, grid, true], onProgress);
  }

  /**
   * What every layer makes of a picture, as it is shown.
   * @param {Shown} picture @param {Grid} grid @param {OnProgress} [onProgress] @returns {Promise<LayerMaps>}
   */
  layersOf(picture, grid, onProgress) {
    return this.#ask("layersOf", [picture, grid], onProgress);
  }

  /**
   * @param {Float32Array} features as `lookAt` gave them @param {Float32Array} proposals [K][4] @param {Grid} grid
   * @param {{scoreThresh?: number, nmsThresh?: number, maxDetections?: number}} [settings]
   * @returns {Promise<Detections>}
   */
  detect(features, proposals, grid, settings = {}) {
    return this.#ask("detect", [features, proposals, grid, settings]);
  }

  /** @param {string} name @param {any[]} given @param {OnProgress} [onProgress] */
  #ask(name, given, onProgress) {
    return this.perform(name, given, { onProgress, before: async () => (this.remembers ? null : this.#weights()) });
  }
}
