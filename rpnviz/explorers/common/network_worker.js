// @ts-check
// What the network in the page is asked to do, and how: in a worker, or on the page where a host allows none.

import { Backbone, LAYERS } from "./compute/backbone.js";
import { Kernel } from "./compute/convolution.js";
import { detect, RoIHead } from "./compute/detection.js";
import { Grid } from "./compute/grid.js";
import { flattenHead, RPN_LAYERS, RPNHead } from "./compute/rpn.js";
import { nobodyWaits } from "./compute/turns.js";
import { listen } from "./jobs.js";

/** @typedef {import("./compute/boxes.js").Size} Size */
/** @typedef {import("./compute/turns.js").Turn} Turn */
/** @typedef {import("./jobs.js").OnProgress} OnProgress */
/** @typedef {Pick<import("./compute/pictures.js").Picture, "image" | "imageSize">} Shown */
/** The notebooks' own safetensors files. @typedef {{backbone: ArrayBuffer, rpnHead: ArrayBuffer, roiHead?: ArrayBuffer | null}} Weights */
/** features [512][h][w], objectness [N] and deltas [N][4] in the order of the anchors.
 * @typedef {{features: Float32Array, featureSize: Size, objectness: Float32Array, deltas: Float32Array}} Look */

/** Does the jobs; the weights are read when one needs them. */
export class NetworkJobs {
  /** @param {Turn} turn */
  constructor(turn) {
    this.weights = /** @type {Weights | null} */ (null);
    this.turn = turn;
    this.loaded = /** @type {ReturnType<NetworkJobs["load"]> | null} */ (null);
  }

  /** @param {Weights} weights */
  take(weights) {
    this.weights = weights;
    this.loaded = null;
  }

  /** Backbone and RPN. @param {Shown} picture @param {Grid} grid @param {OnProgress} onProgress @returns {Promise<Look>} */
  async lookAt(picture, grid, onProgress) {
    const { backbone, rpnHead } = await this.network();
    let done = 0;
    const all = LAYERS.length + RPN_LAYERS.length;
    const onLayer = (/** @type {string} */ name) => onProgress({ name, done: ++done, all });
    const features = await backbone.features(picture, grid, onLayer);
    const size = Grid.of(grid).featureSize;
    const { objectness, predBboxDeltas } = await rpnHead.forward(features, size, onLayer);
    const { logits, deltas } = flattenHead(objectness, predBboxDeltas, size);
    return { features, featureSize: size, objectness: logits, deltas };
  }

  /**
   * @param {Float32Array} features @param {Float32Array} proposals [K][4] @param {Grid} grid
   * @param {{scoreThresh?: number, nmsThresh?: number, maxDetections?: number}} settings
   */
  async detect(features, proposals, grid, { scoreThresh, nmsThresh, maxDetections }) {
    const { roiHead } = await this.network();
    if (!roiHead) throw new Error("there are no weights of the second head");
    return detect(features, proposals, roiHead, Grid.of(grid), scoreThresh, nmsThresh, maxDetections);
  }

  network() {
    this.loaded ??= this.load();
    return this.loaded;
  }

  async load() {
    if (!this.weights) throw new Error("there are no weights");
    const { backbone, rpnHead, roiHead } = this.weights;
    const kernel = await Kernel.load(() => this.turn());
    return {
      backbone: Backbone.load(kernel, backbone),
      rpnHead: RPNHead.load(kernel, rpnHead),
      roiHead: roiHead ? RoIHead.load(kernel, roiHead) : null,
    };
  }
}

/** @param {import("./jobs.js").Scope} scope */
export const listenIn = (scope) => listen(scope, new NetworkJobs(nobodyWaits));
