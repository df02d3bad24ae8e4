// @ts-check
// The worker's side of a training in the page: one works out features, each further one takes the steps of one run.

import { Backbone } from "../common/compute/backbone.js";
import { Kernel } from "../common/compute/convolution.js";
import { Grid } from "../common/compute/grid.js";
import { featuresAndMirrored } from "../common/compute/head_features.js";
import { openPicture } from "../common/compute/pictures.js";
import { nobodyWaits } from "../common/compute/turns.js";
import { HeadRun } from "./head_run.js";

/** @typedef {import("./head_run.js").Setup} Setup */

export const WORKER = "live/head_worker.js"; // as the registry names it

class Jobs {
  backbone = /** @type {Backbone | null} */ (null);
  run = /** @type {HeadRun | null} */ (null);

  /** Take the weights of the backbone. @param {ArrayBuffer} file safetensors */
  async load(file) {
    this.backbone = Backbone.load(await Kernel.load(nobodyWaits), file);
    return {};
  }

  /** Of a picture to train on. @param {Blob} file */
  async features(file) {
    const { picture, grid, backbone } = await this.opened(file);
    const [asItIs, mirrored] = await featuresAndMirrored(backbone, picture, grid);
    return { asItIs, mirrored };
  }

  /** Of the picture to look at: [C][h][w]. @param {Blob} file */
  async watch(file) {
    const { picture, grid, backbone } = await this.opened(file);
    return { features: await backbone.features(picture, grid, () => {}), imageSize: picture.imageSize };
  }

  /** @param {Blob} file */
  async opened(file) {
    const picture = await openPicture(file, nobodyWaits);
    const backbone = /** @type {Backbone} */ (this.backbone);
    return { picture, backbone, grid: Grid.named("paper", picture.imageSize) };
  }

  /** Start a run, and look at the picture once. @param {Setup} setup */
  async begin(setup) {
    this.run = await HeadRun.begin(setup);
    return this.run.look();
  }

  advance() {
    return /** @type {HeadRun} */ (this.run).advance();
  }
}

/**
 * Says `ready` at once, and `answer` or `error` at the end of each job.
 * @param {{onmessage: ((event: MessageEvent) => void) | null, postMessage: (message: object) => void}} scope
 */
export function listen(scope) {
  const jobs = /** @type {Record<string, any>} */ (new Jobs());
  scope.onmessage = async ({ data: { name, given } }) => {
    try {
      scope.postMessage({ answer: await jobs[name](...given) });
    } catch (error) {
      scope.postMessage({ error: error instanceof Error ? error.message : String(error) });
    }
  };
  scope.postMessage({ ready: true });
}
