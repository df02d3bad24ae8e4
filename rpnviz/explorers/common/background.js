// @ts-check
// Work that takes seconds, in a worker (workers.js), so that the page moves meanwhile. Where a host allows no worker, it
// is done on the page in slices.

import { turnsOnThePage } from "./compute/turns.js";
import { perform } from "./jobs.js";
import { byWorker, startWorker } from "./workers.js";

/** @typedef {import("./jobs.js").Jobs} Jobs */
/** @typedef {import("./jobs.js").OnProgress} OnProgress */
/** @typedef {import("./compute/turns.js").Turn} Turn */
/** @typedef {import("./workers.js").Job & {onProgress: OnProgress, signal: AbortSignal}} Job */
/** @typedef {{onProgress?: OnProgress, before?: () => Promise<any>}} Options before: what is asked on the page first; what it gives goes with the job */

/** Does one job at a time. A job fails with an Error whose message is a sentence, or with an AbortError by `cancel`. */
export class Background {
  #module;
  #makeJobs;
  /** A worker that waits for a job; null where there can be none; undefined until one was made. @type {Worker | null | undefined} */
  #worker;
  /** On the page, instead of a worker. @type {Jobs | null} */
  #jobs = null;
  /** Stops the job that is being done. @type {AbortController | null} */
  #running = null;

  /** @param {string} module of the worker, which exports `listenIn` @param {(turn: Turn) => Jobs} makeJobs */
  constructor(module, makeJobs) {
    this.#module = module;
    this.#makeJobs = makeJobs;
  }

  get busy() {
    return this.#running !== null;
  }

  /** Whether whoever did the last job is still there, with all that was brought. */
  get remembers() {
    return Boolean(this.#worker || this.#jobs);
  }

  /** @param {string} name @param {any[]} given @param {Options} [options] @returns {Promise<any>} */
  async perform(name, given, { onProgress = () => {}, before = async () => null } = {}) {
    if (this.#running) throw new Error("this page is still at work, and does one thing at a time: cancel it first");
    const running = new AbortController();
    this.#running = running;
    try {
      const brings = await before();
      if (this.#worker === undefined) this.#worker = await startWorker(this.#module);
      running.signal.throwIfAborted();
      const job = { name, given, brings, onProgress, signal: running.signal };
      return await (this.#worker ? byWorker(this.#worker, job) : this.#onPage(job));
    } catch (error) {
      if (running.signal.aborted) this.#dismiss(); // a worker at work hears nothing: it is ended
      throw error;
    } finally {
      this.#running = null;
    }
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

  /** @param {Job} job */
  #onPage({ name, given, brings, onProgress, signal }) {
    const turn = turnsOnThePage();
    this.#jobs ??= this.#makeJobs(turn);
    this.#jobs.turn = async () => {
      await turn();
      signal.throwIfAborted();
    };
    return perform(this.#jobs, { name, given, brings }, onProgress);
  }

  #dismiss() {
    this.#worker?.terminate();
    if (this.#worker) this.#worker = undefined;
    this.#jobs = null;
  }
}
