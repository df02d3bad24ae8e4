// @ts-check
// The network in the page: backbone, RPN head and second head, in a worker, so that the page moves meanwhile.
//
// The worker is made from a blob: of the page's own modules (modules.js), since a widget, a saved page and a page from
// file:// have no address that a worker could be loaded from. A policy has to allow it: worker-src blob:, and
// 'wasm-unsafe-eval' in script-src for the kernel. Where a host allows no worker, the work is done on the page in slices.

import { checkFile } from "./compute/pictures.js";
import { turnsOnThePage } from "./compute/turns.js";
import { Jobs, perform } from "./network_worker.js";

/** @typedef {import("./compute/grid.js").Grid} Grid */
/** @typedef {import("./compute/pictures.js").Picture} Picture */
/** @typedef {import("./compute/detection.js").Detections} Detections */
/** @typedef {import("./network_worker.js").Weights} Weights */
/** @typedef {import("./network_worker.js").Look} Look */
/** @typedef {import("./network_worker.js").CloseLook} CloseLook */
/** @typedef {import("./network_worker.js").LayerMaps} LayerMaps */
/** @typedef {import("./network_worker.js").JobName} JobName */
/** @typedef {import("./network_worker.js").OnProgress} OnProgress */
/** weights: with the first job that takes them. @typedef {{name: JobName, given: any[], weights: Weights | null, onProgress: OnProgress, signal: AbortSignal}} Job */

const WORKER = "common/network_worker.js"; // as the registry names it

/** Does one job at a time. A job fails with an Error whose message is a sentence, or with an AbortError by `cancel`. */
export class Network {
  #weights;
  /** Whether the worker, or what stands for it on the page, has them. */
  #hasWeights = false;
  /** A worker that waits for a job; null where there can be none; undefined until one was made. @type {Worker | null | undefined} */
  #worker;
  /** On the page, instead of a worker. @type {Jobs | null} */
  #jobs = null;
  /** Stops the job that is being done. @type {AbortController | null} */
  #running = null;

  /** @param {() => Promise<Weights>} weights asked when a job first takes them; of the second head only for `detect` */
  constructor(weights) {
    this.#weights = weights;
  }

  get busy() {
    return this.#running !== null;
  }

  /** Read a picture file and fit it into 600 × 1000. @param {File | Blob} file @returns {Promise<Picture>} */
  openPicture(file) {
    // Looked at here first, since a worker learns of a picture's size only by decoding it.
    return this.#perform(
      "openPicture",
      [file],
      () => {},
      () => checkFile(file),
    );
  }

  /**
   * The feature map of a picture, and what the RPN says of each anchor.
   * @param {Picture} picture @param {Grid} grid @param {OnProgress} [onProgress] @returns {Promise<Look>}
   */
  lookAt(picture, grid, onProgress) {
    return this.#perform("lookAt", [picture, grid, false], onProgress);
  }

  /**
   * The same, and the vectors that the RPN reads it off.
   * @param {Picture} picture @param {Grid} grid @param {OnProgress} [onProgress] @returns {Promise<CloseLook>}
   */
  lookClosely(picture, grid, onProgress) {
    return this.#perform("lookAt", [picture, grid, true], onProgress);
  }

  /**
   * What every layer makes of a picture, as it is shown.
   * @param {Picture} picture @param {Grid} grid @param {OnProgress} [onProgress] @returns {Promise<LayerMaps>}
   */
  layersOf(picture, grid, onProgress) {
    return this.#perform("layersOf", [picture, grid], onProgress);
  }

  /**
   * @param {Float32Array} features as `lookAt` gave them @param {Float32Array} proposals [K][4] @param {Grid} grid
   * @param {{scoreThresh?: number, nmsThresh?: number, maxDetections?: number}} [settings]
   * @returns {Promise<Detections>}
   */
  detect(features, proposals, grid, settings = {}) {
    return this.#perform("detect", [features, proposals, grid, settings]);
  }

  /** Stop what is being done; its promise fails with an AbortError. */
  cancel() {
    this.#running?.abort();
  }

  /** Stop, and give the worker's memory back. A later job makes a new one. */
  close() {
    this.cancel();
    this.#dismiss();
  }

  /**
   * @param {JobName} name @param {any[]} given @param {OnProgress} [onProgress]
   * @param {() => Promise<void>} [check] fails if it may not be done
   */
  async #perform(name, given, onProgress = () => {}, check = async () => {}) {
    if (this.#running) throw new Error("the network is still at work, and does one thing at a time: cancel it first");
    const running = new AbortController();
    this.#running = running;
    try {
      await check();
      if (this.#worker === undefined) this.#worker = await startWorker();
      const weights = this.#hasWeights || name === "openPicture" ? null : await this.#weights();
      running.signal.throwIfAborted();
      this.#hasWeights ||= weights !== null;
      const job = { name, given, weights, onProgress, signal: running.signal };
      return await (this.#worker ? byWorker(this.#worker, job) : this.#onPage(job));
    } catch (error) {
      if (running.signal.aborted) this.#dismiss(); // a worker at work hears nothing: it is ended
      throw error;
    } finally {
      this.#running = null;
    }
  }

  /** @param {Job} job */
  #onPage({ name, given, weights, onProgress, signal }) {
    this.#jobs ??= new Jobs(async () => {});
    this.#jobs.take(weights);
    const turn = turnsOnThePage();
    this.#jobs.turn = async () => {
      await turn();
      signal.throwIfAborted();
    };
    return perform(this.#jobs, name, given, onProgress);
  }

  #dismiss() {
    this.#worker?.terminate();
    if (this.#worker) this.#worker = undefined;
    this.#jobs = null;
    this.#hasWeights = false;
  }
}

/** A worker that waits; null if this page may have none. @returns {Promise<Worker | null>} */
async function startWorker() {
  const code = `${rpnviz.script(WORKER)}\nrpnviz.take("${WORKER}").listen(self);`;
  const url = URL.createObjectURL(new Blob([code], { type: "text/javascript" }));
  try {
    const worker = new Worker(url); // some browsers throw here if the policy forbids it, others report it
    const ready = await new Promise((resolve) => {
      worker.onmessage = () => resolve(true);
      worker.onerror = () => resolve(false);
    });
    return ready ? worker : null;
  } catch {
    return null;
  } finally {
    URL.revokeObjectURL(url);
  }
}

/** @param {Worker} worker @param {Job} job @returns {Promise<any>} */
function byWorker(worker, { name, given, weights, onProgress, signal }) {
  return new Promise((resolve, reject) => {
    signal.onabort = () => reject(signal.reason);
    worker.onerror = (event) => reject(new Error(event.message || "the network's worker has ended"));
    worker.onmessage = ({ data: { progress, answer, error } }) => {
      if (progress) onProgress(progress);
      else if (answer) resolve(answer);
      else reject(new Error(error));
    };
    worker.postMessage({ name, given, weights });
  });
}
