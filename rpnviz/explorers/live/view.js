// @ts-check
// Notebook 07: a head in training. Python takes the steps; this shows how far it is and asks it to start and to stop.

import { heatImage, lineStyles } from "../common/canvas_panel.js";
import { chart, curveSwatch } from "../common/chart.js";
import { checkbox, choice, explains, h, OWN_KEYS, segmented, setText } from "../common/elements.js";
import { frame } from "../common/explorer_frame.js";
import { commit, scheduler, typed, watch } from "../common/model.js";
import { drawOutcome, found, outcomePanel } from "../common/outcome.js";

/** @typedef {{name: string, step: number, looked: number, map: DataView, proposals: DataView, covered: [number, number][],
 *   curves: {raw: DataView, mean: DataView}[]}} Run */

const TOP_NS = [10, 50];
const LOSSES = [
  ["objectness loss", "Binary cross-entropy of the sampled anchors: object or background?"],
  ["box loss", "Smooth L1 of the positive anchors' four deltas."],
];
const HINT = "Everything else in the notebook stays movable while it trains. Point at anything to learn what it is.";
const NO_KERNEL = "In a saved page nothing can be trained: the steps are taken in Python.";

/** @param {{model: import("../common/model.js").Model, el: HTMLElement}} context */
export function render(context) {
  const { model } = context;
  const look = model.get("look");
  const plan = model.get("plan");
  const styles = lineStyles(look);
  const lines = [plan.lines.first, plan.lines.second];
  const ui = frame(context, { className: "rpnviz-live-training rpnviz-training", label: "Live training", hint: HINT });
  const redraw = scheduler(draw);

  // The two pictures.
  const sides = [0, 1].map((side) => {
    const title = h("span");
    const aside = h("span", { class: "rpnviz-aside" });
    const panel = outcomePanel(plan, {
      label: side ? "picture for comparison" : "picture",
      what: "A picture that is not trained on. Bright cells: some anchor there scores high. Blue: the best proposals. White: objects.",
      onResize: redraw,
    });
    return { title, aside, panel, element: h("figure", {}, h("figcaption", {}, title, aside), panel.canvas) };
  });

  // The controls under them.
  const button = h("button", { type: "button", class: "rpnviz-start", click: press, ...OWN_KEYS });
  const bar = h("progress", { "aria-label": "steps taken", what: "How many of the steps are taken." });
  const [counted, left] = [h("span"), h("span", { what: "Worked out from the steps taken so far, on this computer." })];
  const beside = choice({
    label: "train beside it",
    what: "Train a second head with one thing changed, from the same seed, and compare.",
    onChange: (value) => commit(model, { beside: value }),
  });
  beside.fill([
    { value: "nothing", label: "nothing" },
    ...plan.variants.slice(1).map((/** @type {{name: string}} */ { name }) => ({ value: name, label: name })),
  ]);
  const map = checkbox({
    label: "objectness map",
    what: "Lay the map over the picture: each cell shows the score of the best of its anchors.",
    onChange: (on) => commit(model, { show_map: on }),
  });
  const top = segmented({
    label: "how many proposals",
    what: "How many of the best proposals are drawn, and counted for the objects found.",
    options: TOP_NS.map((n) => ({ value: String(n), label: `best ${n}` })),
    onChange: (value) => commit(model, { top_n: Number(value) }),
  });
  const going = h("div", { class: "rpnviz-going" }, button, bar, h("span", { class: "rpnviz-counted" }, counted, left));
  const choices = h(
    "div",
    { class: "rpnviz-controls" },
    h("label", {}, "beside it ", beside.element),
    map.element,
    top.element,
  );
  const controls = h("div", { class: "rpnviz-panel-row" }, going, choices);

  // The two losses.
  const names = [0, 1].map(() => [h("span"), h("span")]);
  const charts = LOSSES.map(([label, what], k) => {
    const keys = lines.map((line, i) => h("span", { class: "rpnviz-key" }, curveSwatch(line), names[k][i]));
    const one = chart({
      label,
      what: `${what} Thin: each step. Thick: the mean of the last ${plan.smooth}.`,
      steps: plan.steps,
      onResize: redraw,
    });
    const caption = h("figcaption", {}, label, h("span", { class: "rpnviz-aside rpnviz-keys" }, ...keys));
    return { ...one, keys, figure: h("figure", {}, caption, one.element) };
  });
  ui.body.append(sides[0].element, sides[1].element, controls, charts[0].figure, charts[1].figure);

  /** @type {ImageBitmap | null} */
  let photo = null;
  createImageBitmap(new Blob([typed(model.get("image"), Uint8Array)])).then((bitmap) => {
    photo = bitmap;
    redraw();
  });

  const runs = () => /** @type {Run[]} */ (model.get("runs"));
  const isDone = () => runs().every(({ step }) => step === plan.steps);
  function press() {
    if (model.get("has_kernel") && (model.get("running") || !isDone()))
      commit(model, { running: !model.get("running") });
  }

  function showProgress() {
    const [running, all] = [model.get("running"), runs()];
    const steps = all.map(({ step }) => step);
    const fresh = steps.includes(0);
    const done = isDone() && !running;
    setText(button, running ? "Stop" : done ? "Trained" : fresh ? "Start" : "Resume");
    const able = model.get("has_kernel") && !done;
    button.setAttribute("aria-disabled", String(!able));
    explains(
      button,
      !model.get("has_kernel")
        ? NO_KERNEL
        : done
          ? "All steps are taken. Choose what to train beside it."
          : running
            ? "Stop after this step; nothing is lost."
            : "Take the steps that are left.",
    );
    bar.max = plan.steps * all.length;
    bar.value = steps.reduce((sum, step) => sum + step, 0);
    setText(counted, `step ${steps.join(" and ")} of ${plan.steps}`);
    setText(left, !model.get("has_kernel") ? "" : model.get("time_left") || (running ? "timing the first steps" : ""));
  }

  /** @param {typeof sides[0]} side @param {string} title @param {Run} run */
  function showSide(side, title, run) {
    const [rows, columns] = plan.feature_size;
    const topN = model.get("top_n");
    const covered = run.covered.map((of) => Boolean(of[TOP_NS.indexOf(topN)]));
    const heat = model.get("show_map") ? heatImage(typed(run.map, Uint8Array), rows, columns, look.heat) : null;
    setText(side.title, title);
    setText(side.aside, `${found(covered)} by the best ${topN}`);
    drawOutcome(side.panel, {
      photo,
      plan,
      heat,
      proposals: typed(run.proposals, Float32Array),
      topN,
      covered,
      styles,
    });
  }

  function draw() {
    const [intact, other] = runs();
    map.set(model.get("show_map"));
    top.set(String(model.get("top_n")));
    beside.set(model.get("beside"));
    showProgress();
    const after = (/** @type {Run} */ run) => `${run.name}: after step ${run.looked}`;
    if (other) {
      showSide(sides[0], after(intact), intact);
      showSide(sides[1], after(other), other);
    } else {
      showSide(sides[0], "before training", model.get("before"));
      showSide(sides[1], after(intact), intact);
    }
    charts.forEach(({ keys, draw: plot }, k) => {
      [intact, other].forEach((run, i) => {
        keys[i].hidden = !run;
        if (run) setText(names[k][i], run.name);
      });
      plot(
        runs().map(({ curves }, i) => {
          const [y, raw] = [typed(curves[k].mean, Float32Array), typed(curves[k].raw, Float32Array)];
          return { line: lines[i], x: Array.from(y, (_, at) => at + 1), y, raw };
        }),
      );
    });
    ui.root.dataset.step = runs()
      .map(({ step }) => step)
      .join(" ");
    if (!model.get("running")) tell();
  }
  /** Not at each step: what is said would be outrun. */
  function tell() {
    const results = sides.map(({ title, aside }) => `${title.textContent}: ${aside.textContent}`).join("; ");
    const stands = `${isDone() ? "Trained" : "Stopped"}: step ${runs()
      .map(({ step }) => step)
      .join(" and ")} of ${plan.steps}.`;
    ui.say(model.get("running") ? "Training." : `${stands} ${results}.`);
  }

  ui.onDestroy(watch(model, ["runs", "time_left", "top_n", "show_map", "beside"], redraw));
  ui.onDestroy(
    watch(model, ["running"], () => {
      redraw();
      tell();
    }),
  );
  for (const one of [...sides.map(({ panel }) => panel), ...charts]) ui.onDestroy(() => one.destroy());
  if (!model.get("has_kernel")) {
    beside.element.disabled = true;
    explains(beside.element, NO_KERNEL);
  }
  redraw();
  return () => ui.destroy();
}
