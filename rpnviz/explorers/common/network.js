// @ts-check
// The network in the page: backbone, RPN head and second head, in a worker (workers.js), so that the page moves meanwhile.
// Where a host allows no worker, the work is done on the page in slices.

import { checkFile } from "./compute/pictures.js";
import { turnsOnThePage } from "./compute/turns.js";
import { Jobs, perform } from "./network_worker.js";
import { byWorker, startWorker } from "./workers.js";

/** @typedef {import("./compute/grid.js").Grid} Grid */
/** @typedef {import("./compute/pictures.js").Picture} Picture */
/** @typedef {import("./compute/detection.js").Detections} Detections */
/** @typedef {import("./network_worker.js").Weights} Weights */
/** @typedef {import("./network_worker.js").Look} Look */
/** @typedef {import("./network_worker.js").JobName} JobName */
/** @typedef {import("./network_worker.js").OnProgress} OnProgress */
/** @typedef {{name: JobName, given: any[], onProgress: OnProgress, signal: AbortSignal}} Job */

const WORKER = "common/network_worker.js"; // as the registry names it

/** Does one job at a time. A job fails with an Error whose message is a sentence, or with an AbortError by `cancel`. */
export class Network {
  #weights;
  /** A worker that waits for a job; null where there can be none; undefined until one was made. @type {Worker | null | undefined} */
  #worker;
  /** On the page, instead of a worker. @type {Jobs | null} */
  #jobs = null;
  /** Stops the job that is being done. @type {AbortController | null} */
  #running = null;

  /** @param {Weights} weights of the second head only if `detect` is asked for */
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
    return this.#perform("lookAt", [picture, grid], onProgress);
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
      const job = { name, given, onProgress, signal: running.signal };
      if (this.#worker === undefined) {
        this.#worker = await startWorker(WORKER);
        this.#worker?.postMessage({ weights: this.#weights });
      }
      running.signal.throwIfAborted();
      return await (this.#worker ? byWorker(this.#worker, job) : this.#onPage(job));
    } catch (error) {
      if (running.signal.aborted) this.#dismiss(); // a worker at work hears nothing: it is ended
      throw error;
    } finally {
      this.#running = null;
    }
  }

  /** @param {Job} job */
  #onPage({ name, given, onProgress, signal }) {
    this.#jobs ??= new Jobs(this.#weights, async () => {});
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
  }
}
