// @ts-check
// The worker's side of a training in the page: one works out features, each further one takes the steps of one run.

import { Backbone } from "../common/compute/backbone.js";
import { Kernel } from "../common/compute/convolution.js";
import { Grid } from "../common/compute/grid.js";
import { featuresAndMirrored } from "../common/compute/head_features.js";
import { fitBitmap } from "../common/compute/pictures.js";
import { nobodyWaits } from "../common/compute/turns.js";
import { listen } from "../common/jobs.js";
import { HeadRun } from "./head_run.js";

/** @typedef {import("./head_run.js").Setup} Setup */

export const WORKER = "live/head_worker.js"; // as the registry names it

class HeadJobs {
  turn = nobodyWaits;
  backbone = /** @type {Backbone | null} */ (null);
  run = /** @type {HeadRun | null} */ (null);

  /** Take the weights of the backbone. @param {ArrayBuffer} file safetensors */
  async load(file) {
    this.backbone = Backbone.load(await Kernel.load(nobodyWaits), file);
    return {};
  }

  /** Of a picture to train on. @param {ImageBitmap} bitmap */
  async features(bitmap) {
    const { picture, grid, backbone } = await this.opened(bitmap);
    const [asItIs, mirrored] = await featuresAndMirrored(backbone, picture, grid);
    return { asItIs, mirrored };
  }

  /** Of the picture to look at: [C][h][w]. @param {ImageBitmap} bitmap */
  async watch(bitmap) {
    const { picture, grid, backbone } = await this.opened(bitmap);
    return { features: await backbone.features(picture, grid, () => {}), imageSize: picture.imageSize };
  }

  /** @param {ImageBitmap} bitmap */
  async opened(bitmap) {
    const picture = await fitBitmap(bitmap, nobodyWaits);
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

/** @param {import("../common/jobs.js").Scope} scope */
export const listenIn = (scope) => listen(scope, new HeadJobs());
