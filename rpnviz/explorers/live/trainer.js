// @ts-check
// Start, stop and resume on a page without a kernel: what explorer.py does, by workers of the page. It hears the same
// traits and sets the same, so that the view shows either.

import { INTACT } from "../common/compute/variants.js";
import { watch } from "../common/model.js";
import { materials } from "./materials.js";
import { Pace } from "./pace.js";
import { PageRun } from "./page_run.js";

/** @typedef {import("../common/model.js").Model} Model */
/** @typedef {import("./materials.js").Materials} Materials */

/** Whether the page itself can take the steps: it is without a kernel and can load weights and pictures. @param {Model} model */
export const trainsInPage = (model) =>
  !model.get("has_kernel") && Boolean(model.get("weights") && model.get("training"));

/** Only one takes steps at a time. @type {Trainer | null} */
let startedLast = null;

export class Trainer {
  /** @param {Model} model */
  constructor(model) {
    this.model = model;
    this.runs = /** @type {Map<string, Promise<PageRun>>} */ (new Map());
    this.made = /** @type {Materials | null} */ (null);
    this.pace = new Pace();
    this.works = false;
    this.opened = model.get("runs"); // recorded ones
    model.set("anew", true); // a start goes on with no run that is shown
  }

  /** @returns {(() => void)[]} each stops a part of it */
  listen() {
    const { model } = this;
    return [
      watch(model, ["running"], () => this.onRunning()),
      watch(model, ["beside"], () => this.onBeside()),
      () => this.close(),
    ];
  }

  onRunning() {
    if (!this.running || this.works) return;
    if (startedLast && startedLast !== this) startedLast.model.set("running", false);
    startedLast = this;
    this.reporting("training", () => this.work());
  }

  get running() {
    return /** @type {boolean} */ (this.model.get("running"));
  }

  /** The runs that are wanted now. @returns {string[]} */
  get names() {
    const beside = this.model.get("beside");
    return beside === "nothing" ? [INTACT] : [INTACT, beside];
  }

  /** Take steps until all are taken, someone stops, or something goes wrong. */
  async work() {
    this.works = true;
    try {
      const say = (/** @type {string} */ words) => this.model.set("time_left", words);
      this.made ??= await materials(this.model, say, () => this.running);
      say("");
      if (this.made) await this.takeSteps(this.made);
    } catch (error) {
      this.forgetAll(); // who knows how far they came
      this.model.set("anew", true);
      throw error;
    } finally {
      this.works = false;
      this.model.set("time_left", "");
      this.model.set("running", false);
    }
  }

  /** @param {Materials} made */
  async takeSteps(made) {
    while (this.running) {
      const shown = await this.show(made);
      const most = Math.max(...shown.map(({ left }) => left));
      if (!most) return;
      const behind = shown.filter(({ left }) => left === most);
      const started = performance.now();
      await Promise.all(behind.map((run) => run.advance())); // each has a worker, and so a core
      this.pace.step(behind.map(({ name }) => name).join(), performance.now() - started);
      this.model.set("time_left", this.pace.left(most - 1));
      this.publish(shown);
    }
  }

  /** The runs that are wanted, begun if they were not, and shown. @param {Materials} made */
  async show(made) {
    const { names } = this;
    for (const name of this.runs.keys()) if (!names.includes(name)) this.hide(name);
    const shown = await Promise.all(names.map((name) => this.run(name, made)));
    this.model.set("anew", false);
    if (names.join() === this.names.join()) this.publish(shown); // else others are wanted by now
    return shown;
  }

  /** Of a run that is not wanted any more only what is trained stays: a worker takes much memory. @param {string} name */
  async hide(name) {
    const run = await this.runs.get(name)?.catch(() => null);
    if (run?.left && !this.names.includes(name)) this.forget(name);
  }

  /** @param {string} name @param {Materials} made @returns {Promise<PageRun>} */
  run(name, made) {
    const { steps } = this.model.get("plan");
    const run = this.runs.get(name) ?? PageRun.begin({ ...made, name, steps });
    this.runs.set(name, run);
    run.catch(() => this.runs.delete(name)); // the next time it is tried again
    return run;
  }

  /** @param {PageRun[]} runs */
  publish(runs) {
    const { smooth } = this.model.get("plan");
    this.model.set(
      "runs",
      runs.map((run) => run.pack(smooth)),
    );
  }

  onBeside() {
    const { made, model, names, works } = this;
    if (works) return; // it is heard between two steps
    if (made && !model.get("anew")) this.reporting("setting up", () => this.show(made));
    else
      model.set(
        "runs",
        this.opened.filter((/** @type {{name: string}} */ { name }) => names.includes(name)),
      );
  }

  /** Show in the status line what goes wrong. @param {string} doing @param {() => Promise<unknown>} work */
  async reporting(doing, work) {
    this.model.set("error", "");
    try {
      await work();
    } catch (error) {
      this.model.set("error", `${doing}: ${error instanceof Error ? error.message : error}`);
    }
  }

  /** Wanted again, it starts over. @param {string} name */
  async forget(name) {
    const run = this.runs.get(name);
    this.runs.delete(name);
    (await run?.catch(() => null))?.close();
  }

  forgetAll() {
    for (const name of this.runs.keys()) this.forget(name);
  }

  close() {
    this.model.set("running", false);
    this.forgetAll();
  }
}
