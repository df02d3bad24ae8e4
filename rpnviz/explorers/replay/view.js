// @ts-check
// Notebook 07: a recorded training. One slider moves map, proposals and the cursors of both charts, in the page alone.

import { canAsk } from "../common/asking.js";
import { heatImage, lineStyles } from "../common/canvas_panel.js";
import { chart, curveSwatch } from "../common/chart.js";
import { choice, explains, h, OWN_KEYS, segmented, setText, slider } from "../common/elements.js";
import { frame } from "../common/explorer_frame.js";
import { thousands } from "../common/format.js";
import { commit, scheduler, typed, watch } from "../common/model.js";
import { drawOutcome, found, outcomePanel } from "../common/outcome.js";

/** @typedef {{picture: string, image: DataView, places: import("../common/outcome.js").Plan, maps: DataView, proposals: DataView,
 *   covered: DataView}} Scene */

const TOP_NS = [10, 50];
const KEPT = 50; // proposals recorded of each picture and snapshot
const PACE = 450; // ms a snapshot
const HINT = "Move the step slider or press Play; press or drag in a chart. Point at anything to learn what it is.";
const NO_KERNEL = "A saved page holds this picture only: the others are fetched from Python.";

/** @param {{model: import("../common/model.js").Model, el: HTMLElement}} context */
export function render(context) {
  const { model } = context;
  const look = model.get("look");
  const plan = model.get("plan");
  const styles = lineStyles(look);
  const steps = /** @type {number[]} */ (plan.steps);
  const last = steps[steps.length - 1];
  const ui = frame(context, { className: "rpnviz-replay rpnviz-training", label: "Replay of a training", hint: HINT });
  const redraw = scheduler(draw);
  const scene = () => /** @type {Scene} */ (model.get("scene"));
  const calm = window.matchMedia("(prefers-reduced-motion: reduce)");

  // The same picture twice: map at the left, proposals at the right.
  const sides = ["objectness map", "proposals"].map((label, side) => {
    const title = h("span", {}, label);
    const aside = h("span", { class: "rpnviz-aside" });
    const panel = outcomePanel(scene().places, {
      label,
      what: side
        ? "Blue: the best proposals, the first ten stronger. A white object is found: a proposal covers it at IoU 0.5 or more."
        : "Each cell shows the score of the best of its nine anchors, from 0 (dark) to 1 (bright).",
      onResize: redraw,
    });
    return { title, aside, panel, element: h("figure", {}, h("figcaption", {}, title, aside), panel.canvas) };
  });

  // The controls under them.
  let playing = 0;
  const button = h("button", { type: "button", class: "rpnviz-start", click: press, ...OWN_KEYS });
  const step = slider({
    label: "step",
    name: "step of the training",
    max: steps.length - 1,
    className: "rpnviz-step",
    what: `The ${steps.length} moments of the run that were recorded, closer together where much changes.`,
    format: (value) => `${thousands(steps[value])} of ${thousands(last)}`,
    onInput: (value) => commit(model, { snapshot: value }),
  });
  const picture = choice({
    label: "picture",
    what: "None of these pictures was trained on.",
    onChange: (value) => commit(model, { picture: value }),
  });
  picture.fill(plan.pictures.map((/** @type {string} */ name) => ({ value: name, label: name })));
  const top = segmented({
    label: "how many proposals",
    what: "How many of the best proposals are drawn, and counted for the objects found.",
    options: TOP_NS.map((n) => ({ value: String(n), label: `best ${n}` })),
    onChange: (value) => commit(model, { top_n: Number(value) }),
  });
  const going = h("div", { class: "rpnviz-going rpnviz-wide" }, button, step.element, picture.element, top.element);
  const controls = h("div", { class: "rpnviz-panel-row" }, going);

  // Losses and recall.
  const curves = model.get("curves");
  const lossSteps = typed(curves.loss_steps, Int32Array);
  const losses = curves.losses.map(
    (/** @type {{mean: DataView, raw: DataView}} */ { mean, raw }, /** @type {number} */ i) => ({
      line: plan.lines[i ? "second" : "first"],
      x: lossSteps,
      y: typed(mean, Float32Array),
      raw: typed(raw, Float32Array),
    }),
  );
  const recalls = curves.recall.map((/** @type {DataView} */ values, /** @type {number} */ i) => ({
    line: plan.lines[plan.top_ns[i]],
    x: steps,
    y: typed(values, Float32Array),
  }));
  const pick = (/** @type {number} */ at) => {
    const distance = (/** @type {number} */ i) => Math.abs(Math.log1p(steps[i]) - Math.log1p(at));
    const nearest = steps.reduce((best, _, i) => (distance(i) < distance(best) ? i : best), 0);
    if (nearest !== model.get("snapshot")) commit(model, { snapshot: nearest });
  };
  const charts = [
    {
      name: "loss",
      drawn: losses,
      top: undefined,
      words: ["objectness", "box"],
      what: `The two losses of each step (thin), and their mean over the last ${plan.smooth} (thick). The first steps get more room.`,
    },
    {
      name: "recall",
      drawn: recalls,
      top: 1,
      words: plan.top_ns.map((/** @type {number} */ n) => `@${n}`),
      what: `Share of the objects of ${plan.held_out} held-out scenes that the best 10, 50 … proposals cover at IoU 0.5.`,
    },
  ].map(({ name, drawn, top: end, words, what }) => {
    const values = words.map(() => h("output", { "aria-live": "off" }));
    const keys = words.map((/** @type {string} */ word, /** @type {number} */ i) =>
      h("span", { class: "rpnviz-key" }, curveSwatch(drawn[i].line), word, values[i]),
    );
    const one = chart({
      label: `${name} over the steps`,
      what,
      steps: last,
      top: end,
      logarithmic: true,
      onPick: pick,
      onResize: replot,
    });
    const caption = h("figcaption", { what }, name, h("span", { class: "rpnviz-aside rpnviz-keys" }, ...keys));
    return { ...one, drawn, values, figure: h("figure", {}, caption, one.element) };
  });
  ui.body.append(sides[0].element, sides[1].element, controls, charts[0].figure, charts[1].figure);

  /** @typedef {{scene: Scene, photo: ImageBitmap | null, maps: Uint8Array, proposals: Float32Array, covered: Uint8Array}} Opened */
  let opened = /** @type {Opened} */ (/** @type {unknown} */ (null)); // openScene fills it
  function openScene() {
    const now = scene();
    const [maps, covered] = [typed(now.maps, Uint8Array), typed(now.covered, Uint8Array)];
    const mine = /** @type {Opened} */ ({
      scene: now,
      photo: null,
      maps,
      proposals: typed(now.proposals, Float32Array),
      covered,
    });
    opened = mine;
    createImageBitmap(new Blob([typed(now.image, Uint8Array)])).then((bitmap) => {
      mine.photo = bitmap;
      redraw();
    });
  }

  function press() {
    const at = model.get("snapshot");
    const following = at + 1 < steps.length ? at + 1 : 0;
    if (calm.matches) commit(model, { snapshot: following });
    else if (playing) pause();
    else {
      if (!following) commit(model, { snapshot: 0 });
      playing = window.setInterval(advance, PACE);
    }
    showButton();
  }
  function advance() {
    const at = model.get("snapshot");
    if (at + 1 < steps.length) commit(model, { snapshot: at + 1 });
    else pause();
  }
  function pause() {
    clearInterval(playing);
    playing = 0;
    showButton();
  }
  function showButton() {
    setText(button, calm.matches ? "Next" : playing ? "Pause" : "Play");
    explains(
      button,
      calm.matches
        ? "One recorded moment further."
        : playing
          ? "Stay at this step."
          : "Go through the training by itself.",
    );
  }

  function replot() {
    for (const { draw: plot, drawn } of charts) plot(drawn);
    redraw();
  }

  function draw() {
    const [at, topN] = [model.get("snapshot"), model.get("top_n")];
    const {
      scene: { places },
      photo,
      maps,
      proposals,
      covered,
    } = opened;
    const [rows, columns] = plan.feature_size;
    step.set(at);
    top.set(String(topN));
    picture.set(model.get("picture"));
    showButton();
    const objects = places.objects.length;
    const start = (at * TOP_NS.length + TOP_NS.indexOf(topN)) * objects;
    const hit = Array.from(covered.subarray(start, start + objects), Boolean);
    const heat = heatImage(maps.subarray(at * rows * columns, (at + 1) * rows * columns), rows, columns, look.heat);
    const boxes = proposals.subarray(at * KEPT * 4, (at + 1) * KEPT * 4);
    const shared = { photo, plan: places, proposals: boxes, styles };
    setText(sides[0].aside, `after step ${thousands(steps[at])}`);
    setText(sides[1].title, `best ${topN} proposals`);
    setText(sides[1].aside, found(hit));
    drawOutcome(sides[0].panel, { ...shared, heat, topN: 0, covered: null });
    drawOutcome(sides[1].panel, { ...shared, heat: null, topN, covered: hit });
    const last = lossSteps.findLastIndex((one) => one <= steps[at]); // −1 before the first step
    charts[0].values.forEach((/** @type {Element} */ value, /** @type {number} */ i) =>
      setText(value, last < 0 ? "–" : losses[i].y[last].toFixed(3)),
    );
    charts[1].values.forEach((/** @type {Element} */ value, /** @type {number} */ i) =>
      setText(value, recalls[i].y[at].toFixed(2)),
    );
    for (const { point } of charts) point(steps[at]);
    ui.root.dataset.step = String(steps[at]);
    ui.say(
      `Step ${steps[at]}: ${found(hit)}; recall ${plan.top_ns.map((/** @type {number} */ n, /** @type {number} */ i) => `${recalls[i].y[at].toFixed(2)} with ${n}`).join(", ")} proposals.`,
    );
  }

  const showBusy = () => {
    const waiting = model.get("picture") !== scene().picture && !model.get("error");
    ui.busy(waiting ? `fetching ${model.get("picture")}` : "");
  };
  ui.onDestroy(watch(model, ["snapshot", "top_n"], redraw));
  ui.onDestroy(
    watch(model, ["scene"], () => {
      openScene();
      showBusy();
      redraw();
    }),
  );
  ui.onDestroy(
    watch(model, ["picture", "error"], () => {
      showBusy();
      redraw();
    }),
  );
  ui.onDestroy(pause);
  calm.addEventListener("change", pause);
  ui.onDestroy(() => calm.removeEventListener("change", pause));
  for (const one of [...sides.map(({ panel }) => panel), ...charts]) ui.onDestroy(() => one.destroy());
  if (
    !plan.pictures.some((/** @type {string} */ name) => name !== model.get("picture") && canAsk(model, "picture", name))
  ) {
    picture.element.disabled = true;
    explains(picture.element, NO_KERNEL);
  }
  openScene();
  replot();
  return () => ui.destroy();
}
