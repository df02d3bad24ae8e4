// @ts-check
// Notebook 07: a head in training. Python takes the steps, or workers of a page without a kernel (trainer.js); this shows
// how far it is and asks them to start and to stop.

import { heatImage, lineStyles } from "../common/canvas_panel.js";
import { chart, curveSwatch } from "../common/chart.js";
import { checkbox, choice, explains, h, OWN_KEYS, segmented, setText } from "../common/elements.js";
import { commit, typed } from "../common/model.js";
import { drawOutcome, found, outcomePanel } from "../common/outcome.js";
import { loadPhoto } from "../common/photo.js";
import { defineView, group } from "../common/view.js";
import { Trainer, trainsInPage } from "./trainer.js";

/** @typedef {import("../common/model.js").Model} Model */
/** @typedef {{name: string, step: number, looked: number, map: DataView, proposals: DataView, covered: [number, number][],
 *   curves: {raw: DataView, mean: DataView}[]}} Run */
/** @typedef {import("../common/outcome.js").Plan & {feature_size: [number, number], steps: number, smooth: number,
 *   variants: {name: string, what: string}[], lines: Record<string, import("../common/canvas_panel.js").LineStyle>}} Plan */
/** @typedef {ReturnType<typeof readStore>} Store */
/** @typedef {ReturnType<typeof readMoment>} Moment */
/** @typedef {import("../common/view.js").Context<Store>} Context */
/** @typedef {import("../common/view.js").Part<Moment>} Part */

const TOP_NS = [10, 50];
const LOSSES = [
  ["objectness loss", "Binary cross-entropy of the sampled anchors: object or background?"],
  ["box loss", "Smooth L1 of the positive anchors' four deltas."],
];
const NO_KERNEL = "In a saved page nothing can be trained: the steps are taken in Python.";

export const render = defineView({
  frame: {
    className: "rpnviz-live-training rpnviz-training",
    label: "Live training",
    hint: "Everything else in the notebook stays movable while it trains. Point at anything to learn what it is.",
  },
  traits: ["runs", "running", "time_left", "top_n", "show_map", "beside", "anew"],
  local: { toldRunning: false }, // the last sentence was that it trains
  store: readStore,
  moment: readMoment,
  parts: (context) => [
    picture(context, 0),
    picture(context, 1),
    group(
      "div",
      { class: "rpnviz-panel-row" },
      group("div", { class: "rpnviz-going" }, startButton(context), progressBar(context), counted(context)),
      group(
        "div",
        { class: "rpnviz-controls" },
        group("label", {}, "beside it ", besideChoice(context)),
        mapSwitch(context),
        topChoice(context),
      ),
    ),
    lossChart(context, 0),
    lossChart(context, 1),
  ],
  listen: ({ model }) => (trainsInPage(model) ? new Trainer(model).listen() : []),
  say(now, { local, root }) {
    root.dataset.step = now.steps.join(" ");
    const outrun = now.running && local.toldRunning; // not at each step
    local.toldRunning = now.running;
    return outrun ? "" : now.words;
  },
});

/** What stays from drawing to drawing. @param {{model: Model, redraw: () => void}} tools */
function readStore({ model, redraw }) {
  const look = model.get("look");
  const plan = /** @type {Plan} */ (model.get("plan"));
  return {
    plan,
    lines: [plan.lines.first, plan.lines.second],
    heat: /** @type {string[]} */ (look.heat),
    styles: lineStyles(look),
    photo: loadPhoto(() => model.get("image"), redraw),
  };
}

/** @param {Context} context */
function readMoment({ model, store: { plan } }) {
  const runs = /** @type {Run[]} */ (model.get("runs"));
  const topN = /** @type {number} */ (model.get("top_n"));
  const running = /** @type {boolean} */ (model.get("running"));
  const steps = runs.map(({ step }) => step);
  const sides = sidesOf(runs, model.get("before"), topN);
  const results = sides.map(({ title, result }) => `${title}: ${result}`).join("; ");
  const stands = `${isTrained(runs, plan) ? "Trained" : "Stopped"}: step ${steps.join(" and ")} of ${plan.steps}.`;
  return {
    ...{ runs, running, steps, sides, topN, done: isDone(model, plan) && !running },
    able: trains(model),
    anew: /** @type {boolean | undefined} */ (model.get("anew")),
    showMap: /** @type {boolean} */ (model.get("show_map")),
    beside: /** @type {string} */ (model.get("beside")),
    timeLeft: /** @type {string} */ (model.get("time_left")),
    words: running ? "Training." : `${stands} ${results}.`,
  };
}

/** Whether all steps of all runs are taken. @param {Run[]} runs @param {Plan} plan */
const isTrained = (runs, plan) => runs.every(({ step }) => step === plan.steps);

/** Whether there are steps for someone to take. @param {Model} model */
const trains = (model) => /** @type {boolean} */ (model.get("has_kernel")) || trainsInPage(model);

/** Whether all runs that are wanted are there, and all their steps are taken. @param {Model} model @param {Plan} plan */
function isDone(model, plan) {
  const [runs, wanted] = [/** @type {Run[]} */ (model.get("runs")), model.get("beside") === "nothing" ? 1 : 2];
  return !model.get("anew") && runs.length === wanted && isTrained(runs, plan);
}

/** What the two pictures show: both runs, or one beside its own beginning. @param {Run[]} runs @param {Run} before @param {number} topN */
function sidesOf([intact, other], before, topN) {
  const side = (/** @type {Run} */ run, title = `${run.name}: after step ${run.looked}`) => {
    const covered = run.covered.map((of) => Boolean(of[TOP_NS.indexOf(topN)]));
    return { run, title, covered, result: `${found(covered)} by the best ${topN}` };
  };
  return other ? [side(intact), side(other)] : [side(before, "before training"), side(intact)];
}

/** One of the two pictures. @param {Context} context @param {number} at @returns {Part} */
function picture({ store: { heat, photo, plan, styles }, redraw }, at) {
  const [caption, aside] = [h("span"), h("span", { class: "rpnviz-aside" })];
  const [rows, columns] = plan.feature_size;
  const panel = outcomePanel(plan, {
    label: at ? "picture for comparison" : "picture",
    what: "A picture that is not trained on. Bright cells: some anchor there scores high. Blue: the best proposals. White: objects.",
    onResize: redraw,
  });
  return {
    element: h("figure", {}, h("figcaption", {}, caption, aside), panel.canvas),
    draw({ sides, showMap, topN }) {
      const { run, title, covered, result } = sides[at];
      setText(caption, title);
      setText(aside, result);
      drawOutcome(panel, {
        ...{ photo: photo.bitmap, plan, styles, topN, covered },
        heat: showMap ? heatImage(typed(run.map, Uint8Array), rows, columns, heat) : null,
        proposals: typed(run.proposals, Float32Array),
      });
    },
    destroy: () => panel.destroy(),
  };
}

/** Start, stop and resume. @param {Context} context @returns {Part} */
function startButton({ model, store: { plan } }) {
  const press = () => {
    const running = model.get("running");
    if (trains(model) && (running || !isDone(model, plan))) commit(model, { running: !running });
  };
  const button = h("button", { type: "button", class: "rpnviz-start", click: press, ...OWN_KEYS });
  return {
    element: button,
    draw({ running, done, able, anew, steps }) {
      const [name, what] = running
        ? ["Stop", "Stop after this step; nothing is lost."]
        : done
          ? ["Trained", "All steps are taken. Choose what to train beside it."]
          : anew
            ? ["Start", "Train a head in this page, from random weights, in place of the run that is shown."]
            : [steps.includes(0) ? "Start" : "Resume", "Take the steps that are left."];
      setText(button, name);
      button.setAttribute("aria-disabled", String(!able || done));
      explains(button, able ? what : NO_KERNEL);
    },
  };
}

/** @param {Context} context @returns {Part} */
function progressBar({ store: { plan } }) {
  const bar = h("progress", { "aria-label": "steps taken", what: "How many of the steps are taken." });
  return {
    element: bar,
    draw({ steps }) {
      bar.max = plan.steps * steps.length;
      bar.value = steps.reduce((sum, step) => sum + step, 0);
    },
  };
}

/** How far it is, and how long it still takes. @param {Context} context @returns {Part} */
function counted({ store: { plan } }) {
  const [taken, left] = [h("span"), h("span", { what: "Worked out from the steps taken so far, on this computer." })];
  return {
    element: h("span", { class: "rpnviz-counted" }, taken, left),
    draw({ steps, running, able, timeLeft }) {
      setText(taken, `step ${steps.join(" and ")} of ${plan.steps}`);
      setText(left, able ? timeLeft || (running ? "timing the first steps" : "") : "");
    },
  };
}

/** What is trained beside the intact run. @param {Context} context @returns {Part} */
function besideChoice({ model, store: { plan } }) {
  const names = ["nothing", ...plan.variants.slice(1).map(({ name }) => name)];
  const select = choice({
    label: "train beside it",
    what: "Train a second head with one thing changed, from the same seed, and compare.",
    onChange: (value) => commit(model, { beside: value }),
  });
  select.fill(names.map((name) => ({ value: name, label: name })));
  if (!trains(model)) {
    select.element.disabled = true;
    explains(select.element, NO_KERNEL);
  }
  return { element: select.element, draw: ({ beside }) => select.set(beside) };
}

/** @param {Context} context @returns {Part} */
function mapSwitch({ model }) {
  const map = checkbox({
    label: "objectness map",
    what: "Lay the map over the picture: each cell shows the score of the best of its anchors.",
    onChange: (on) => commit(model, { show_map: on }),
  });
  return { element: map.element, draw: ({ showMap }) => map.set(showMap) };
}

/** @param {Context} context @returns {Part} */
function topChoice({ model }) {
  const top = segmented({
    label: "how many proposals",
    what: "How many of the best proposals are drawn, and counted for the objects found.",
    options: TOP_NS.map((n) => ({ value: String(n), label: `best ${n}` })),
    onChange: (value) => commit(model, { top_n: Number(value) }),
  });
  return { element: top.element, draw: ({ topN }) => top.set(String(topN)) };
}

/** One of LOSSES over the steps, a curve for each run. @param {Context} context @param {number} which @returns {Part} */
function lossChart({ store: { lines, plan }, redraw }, which) {
  const [label, what] = LOSSES[which];
  const names = lines.map(() => h("span"));
  const keys = lines.map((line, i) => h("span", { class: "rpnviz-key" }, curveSwatch(line), names[i]));
  const one = chart({
    label,
    what: `${what} Thin: each step. Thick: the mean of the last ${plan.smooth}.`,
    steps: plan.steps,
    onResize: redraw,
  });
  const caption = h("figcaption", {}, label, h("span", { class: "rpnviz-aside rpnviz-keys" }, ...keys));
  return {
    element: h("figure", {}, caption, one.element),
    draw({ runs }) {
      keys.forEach((key, i) => {
        key.hidden = !runs[i];
        if (runs[i]) setText(names[i], runs[i].name);
      });
      const curves = runs.map((run, i) => {
        const { mean, raw } = run.curves[which];
        const y = typed(mean, Float32Array);
        return { line: lines[i], x: Array.from(y, (_, at) => at + 1), y, raw: typed(raw, Float32Array) };
      });
      one.draw(curves);
    },
    destroy: () => one.destroy(),
  };
}
