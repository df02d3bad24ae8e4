// @ts-check
// What the network in the page is asked to do, and how: in a worker, or on the page where a host allows none.

import { Backbone, LAYERS, networkInput } from "./compute/backbone.js";
import { Kernel } from "./compute/convolution.js";
import { detect, RoIHead } from "./compute/detection.js";
import { CELL, Grid } from "./compute/grid.js";
import { flattenHead, RPN_LAYERS, RPNHead } from "./compute/rpn.js";
import { nobodyWaits } from "./compute/turns.js";
import { displayed } from "./displayed.js";
import { listen } from "./jobs.js";

/** @typedef {import("./compute/boxes.js").Size} Size */
/** @typedef {import("./compute/convolution.js").Place} Place */
/** @typedef {import("./compute/turns.js").Turn} Turn */
/** @typedef {import("./jobs.js").OnProgress} OnProgress */
/** @typedef {Pick<import("./compute/pictures.js").Picture, "image" | "imageSize">} Shown */
/** The notebooks' own safetensors files. @typedef {{backbone: ArrayBuffer, rpnHead: ArrayBuffer, roiHead?: ArrayBuffer | null}} Weights */
/** features [512][h][w], objectness [N] and deltas [N][4] in the order of the anchors.
 * @typedef {{features: Float32Array, featureSize: Size, objectness: Float32Array, deltas: Float32Array}} Look */
/** vectors [512][h][w], what the 3 × 3 convolution makes of the features. @typedef {Look & {vectors: Float32Array}} CloseLook */
/** All maps of each layer, as they are shown (displayed.js). @typedef {Record<string, Uint8Array<ArrayBuffer>>} LayerMaps */

const ALL_LAYERS = LAYERS.length + RPN_LAYERS.length;
export const WINDOW = "RPN 3×3"; // what the 3 × 3 window is called among the layers

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

  /**
   * Backbone and RPN. @param {Shown} picture @param {Grid} grid @param {boolean} closely with the vectors in between
   * @param {OnProgress} onProgress @returns {Promise<Look | CloseLook>}
   */
  async lookAt(picture, grid, closely, onProgress) {
    const { kernel, backbone, rpnHead } = await this.network();
    const onLayer = counted(onProgress, ALL_LAYERS);
    const features = await backbone.features(picture, grid, onLayer);
    const size = Grid.of(grid).featureSize;
    const vector = await rpnHead.windowVector(kernel.put(features, rpnHead.inChannels, size), onLayer);
    const between = closely ? { vectors: kernel.take(vector) } : {};
    const { objectness, predBboxDeltas } = await rpnHead.answers(vector, onLayer);
    const { logits, deltas } = flattenHead(objectness, predBboxDeltas, size);
    return { features, featureSize: size, objectness: logits, deltas, ...between };
  }

  /**
   * Every layer of the backbone, and the window after it. @param {Shown} picture @param {Grid} grid
   * @param {OnProgress} onProgress @returns {Promise<LayerMaps>}
   */
  async layersOf(picture, grid, onProgress) {
    const { kernel, backbone, rpnHead } = await this.network();
    const onLayer = counted(onProgress, LAYERS.length + 1);
    const maps = /** @type {LayerMaps} */ ({});
    const keep = (/** @type {string} */ name, /** @type {Place} */ map, /** @type {number} */ jump) => {
      maps[name] = displayed(kernel.take(map), [map.h, map.w], jump);
    };
    let [jump, last] = [1, /** @type {Place | null} */ (null)];
    const { ceilMode, inputSize } = grid;
    for await (const { name, map } of backbone.activations(networkInput(picture, grid), inputSize, ceilMode)) {
      if (LAYERS.includes(name)) onLayer(name);
      else jump *= 2;
      keep(name, map, jump);
      last = map;
    }
    keep(WINDOW, await rpnHead.windowVector(/** @type {Place} */ (last), onLayer), CELL);
    return maps;
  }

  /**
   * @param {Float32Array} features @param {Float32Array} proposals [K][4] @param {Grid} grid
   * @param {{scoreThresh?: number, nmsThresh?: number, maxDetections?: number}} settings
   */
  async detect(features, proposals, grid, { scoreThresh, nmsThresh, maxDetections }) {
    const { roiHead } = await this.network();
    if (!roiHead) throw new Error("there are no weights for the second head");
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
      kernel,
      backbone: Backbone.load(kernel, backbone),
      rpnHead: RPNHead.load(kernel, rpnHead),
      roiHead: roiHead ? RoIHead.load(kernel, roiHead) : null,
    };
  }
}

/** Tells of each layer that is done, so many in all. @param {OnProgress} onProgress @param {number} all */
function counted(onProgress, all) {
  let done = 0;
  return (/** @type {string} */ name) => onProgress({ name, done: ++done, all });
}

/** @param {import("./jobs.js").Scope} scope */
export const listenIn = (scope) => listen(scope, new NetworkJobs(nobodyWaits));
