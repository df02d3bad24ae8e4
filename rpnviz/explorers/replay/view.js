// @ts-check
// Notebook 07: a recorded training. One slider moves map, proposals and the cursors of both charts, in the page alone.

import { canAsk } from "../common/asking.js";
import { heatImage, lineStyles } from "../common/canvas_panel.js";
import { chart, curveSwatch } from "../common/chart.js";
import { choice, explains, h, OWN_KEYS, segmented, setText, slider } from "../common/elements.js";
import { thousands } from "../common/format.js";
import { commit, derived, typed } from "../common/model.js";
import { drawOutcome, found, outcomePanel } from "../common/outcome.js";
import { loadPhoto } from "../common/photo.js";
import { defineView, group } from "../common/view.js";

/** @typedef {import("../common/model.js").Model} Model */
/** @typedef {{picture: string, image: DataView, places: import("../common/outcome.js").Plan, maps: DataView, proposals: DataView,
 *   covered: DataView}} Scene */
/** @typedef {{line: any, x: ArrayLike<number>, y: Float32Array, raw?: Float32Array}} Drawn a curve */
/** @typedef {ReturnType<typeof readStore>} Store */
/** @typedef {ReturnType<typeof readMoment>} Moment */
/** @typedef {import("../common/view.js").Context<Store>} Context */
/** @typedef {import("../common/view.js").Part<Moment>} Part */

const TOP_NS = [10, 50];
const KEPT = 50; // proposals recorded of each picture and snapshot
const PACE = 450; // ms a snapshot

export const render = defineView({
  frame: {
    className: "rpnviz-replay rpnviz-training",
    label: "Replay of a training",
    hint: "Move the step slider or press Play; press or drag in a chart. Point at anything to learn what it is.",
  },
  traits: ["snapshot", "top_n", "scene", "picture"],
  store: readStore,
  moment: readMoment,
  parts: (context) => [
    objectnessMap(context),
    proposals(context),
    group(
      "div",
      { class: "rpnviz-panel-row" },
      group(
        "div",
        { class: "rpnviz-going rpnviz-wide" },
        player(context),
        stepSlider(context),
        pictureChoice(context),
        topChoice(context),
      ),
    ),
    lossChart(context),
    recallChart(context),
  ],
  say({ step, hit, recalls }, { root, store: { plan } }) {
    root.dataset.step = String(step);
    const words = recalls.map((value, i) => `${value.toFixed(2)} with ${plan.top_ns[i]}`).join(", ");
    return `Step ${step}: ${found(hit)}; recall ${words} proposals.`;
  },
  busy: (_, { model }) => `fetching ${model.get("picture")}`,
});

/** @param {{model: Model, redraw: () => void}} tools */
function readStore({ model, redraw }) {
  const look = model.get("look");
  const plan = /** @type {Record<string, any>} */ (model.get("plan"));
  const curves = model.get("curves");
  const steps = /** @type {number[]} */ (plan.steps);
  const lossSteps = typed(curves.loss_steps, Int32Array);
  const losses = curves.losses.map(
    (/** @type {Record<string, DataView>} */ { mean, raw }, /** @type {number} */ i) => ({
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
  return {
    ...{ plan, steps, lossSteps, heat: /** @type {string[]} */ (look.heat), styles: lineStyles(look) },
    ...{
      last: steps[steps.length - 1],
      losses: /** @type {Drawn[]} */ (losses),
      recalls: /** @type {Drawn[]} */ (recalls),
    },
    photo: loadPhoto(() => model.get("scene").image, redraw),
    scene: derived(
      () => /** @type {Scene} */ (model.get("scene")),
      ({ places, maps, proposals: boxes, covered }) => ({
        places,
        maps: typed(maps, Uint8Array),
        proposals: typed(boxes, Float32Array),
        covered: typed(covered, Uint8Array),
      }),
    ),
  };
}

/** @param {Context} context */
function readMoment({ model, store }) {
  const at = /** @type {number} */ (model.get("snapshot"));
  const topN = /** @type {number} */ (model.get("top_n"));
  const { places, maps, proposals: boxes, covered } = store.scene();
  const [rows, columns] = store.plan.feature_size;
  const objects = places.objects.length;
  const start = (at * TOP_NS.length + TOP_NS.indexOf(topN)) * objects;
  const reached = store.lossSteps.findLastIndex((one) => one <= store.steps[at]); // −1 before the first step
  return {
    ...{ at, topN, places, step: store.steps[at], picture: /** @type {string} */ (model.get("picture")) },
    hit: Array.from(covered.subarray(start, start + objects), Boolean),
    heat: heatImage(maps.subarray(at * rows * columns, (at + 1) * rows * columns), rows, columns, store.heat),
    boxes: boxes.subarray(at * KEPT * 4, (at + 1) * KEPT * 4),
    losses: store.losses.map(({ y }) => (reached < 0 ? NaN : y[reached])),
    recalls: store.recalls.map(({ y }) => y[at]),
  };
}

/**
 * The picture with something over it, and a caption.
 * @param {Context} context @param {{label: string, what: string}} words
 */
function side({ store, redraw }, words) {
  const [title, aside] = [h("span", {}, words.label), h("span", { class: "rpnviz-aside" })];
  const panel = outcomePanel(store.scene().places, { ...words, onResize: redraw });
  const element = h("figure", {}, h("figcaption", {}, title, aside), panel.canvas);
  return { title, aside, panel, element, destroy: () => panel.destroy() };
}

/** @param {Context} context @returns {Part} */
function objectnessMap(context) {
  const { photo, styles } = context.store;
  const { panel, aside, element, destroy } = side(context, {
    label: "objectness map",
    what: "Each cell shows the score of the best of its nine anchors, from 0 (dark) to 1 (bright).",
  });
  return {
    element,
    destroy,
    draw({ step, places, boxes, heat }) {
      setText(aside, `after step ${thousands(step)}`);
      const shared = { photo: photo.bitmap, plan: places, proposals: boxes, styles };
      drawOutcome(panel, { ...shared, heat, topN: 0, covered: null });
    },
  };
}

/** @param {Context} context @returns {Part} */
function proposals(context) {
  const { photo, styles } = context.store;
  const { panel, title, aside, element, destroy } = side(context, {
    label: "proposals",
    what: "Blue: the best proposals, the first ten stronger. A white object is found: a proposal covers it at IoU 0.5 or more.",
  });
  return {
    element,
    destroy,
    draw({ topN, places, boxes, hit }) {
      setText(title, `best ${topN} proposals`);
      setText(aside, found(hit));
      const shared = { photo: photo.bitmap, plan: places, proposals: boxes, styles };
      drawOutcome(panel, { ...shared, heat: null, topN, covered: hit });
    },
  };
}

/** Play and pause; under reduced motion one moment a press. @param {Context} context @returns {Part} */
function player({ model, store: { steps } }) {
  const calm = window.matchMedia("(prefers-reduced-motion: reduce)");
  let playing = 0;
  const button = h("button", { type: "button", class: "rpnviz-start", click: press, ...OWN_KEYS });
  const next = () => model.get("snapshot") + 1;
  function press() {
    const following = next() < steps.length ? next() : 0;
    if (calm.matches) commit(model, { snapshot: following });
    else if (playing) pause();
    else {
      if (!following) commit(model, { snapshot: 0 });
      playing = window.setInterval(advance, PACE);
    }
    show();
  }
  function advance() {
    if (next() < steps.length) commit(model, { snapshot: next() });
    else pause();
  }
  function pause() {
    clearInterval(playing);
    playing = 0;
    show();
  }
  function show() {
    const [name, what] = calm.matches
      ? ["Next", "One recorded moment further."]
      : playing
        ? ["Pause", "Stay at this step."]
        : ["Play", "Play the recorded moments one after the other."];
    setText(button, name);
    explains(button, what);
  }
  calm.addEventListener("change", pause);
  return {
    element: button,
    draw: show,
    destroy() {
      clearInterval(playing);
      calm.removeEventListener("change", pause);
    },
  };
}

/** @param {Context} context @returns {Part} */
function stepSlider({ model, store: { steps, last } }) {
  const step = slider({
    label: "step",
    name: "step of the training",
    max: steps.length - 1,
    className: "rpnviz-step",
    what: `The ${steps.length} moments of the run that were recorded, closer together where much changes.`,
    format: (value) => `${thousands(steps[value])} of ${thousands(last)}`,
    onInput: (value) => commit(model, { snapshot: value }),
  });
  return { element: step.element, draw: ({ at }) => step.set(at) };
}

/** @param {Context} context @returns {Part} */
function pictureChoice({ model, store: { plan } }) {
  const names = /** @type {string[]} */ (plan.pictures);
  const picture = choice({
    label: "picture",
    what: "None of these pictures was trained on.",
    onChange: (value) => commit(model, { picture: value }),
  });
  picture.fill(names.map((name) => ({ value: name, label: name })));
  if (!names.some((name) => name !== model.get("picture") && canAsk(model, "picture", name))) {
    picture.element.disabled = true;
    explains(picture.element, "A saved page holds this picture only: the others are fetched from Python.");
  }
  return { element: picture.element, draw: (now) => picture.set(now.picture) };
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

/**
 * Curves over the steps with a cursor at the step shown; press or drag to go there.
 * @param {Context} context
 * @param {{name: string, drawn: Drawn[], top?: number, words: string[], what: string,
 *   values: (moment: Moment) => string[]}} options words: of the curves; values: theirs at the cursor
 * @returns {Part}
 */
function curvesOver({ model, store: { steps, last } }, { name, drawn, top, words, what, values }) {
  const pick = (/** @type {number} */ at) => {
    const distance = (/** @type {number} */ i) => Math.abs(Math.log1p(steps[i]) - Math.log1p(at));
    const nearest = steps.reduce((best, _, i) => (distance(i) < distance(best) ? i : best), 0);
    if (nearest !== model.get("snapshot")) commit(model, { snapshot: nearest });
  };
  const outs = words.map(() => h("output", { "aria-live": "off" }));
  const keys = words.map((word, i) => h("span", { class: "rpnviz-key" }, curveSwatch(drawn[i].line), word, outs[i]));
  const label = `${name} over the steps`;
  let now = /** @type {number | null} */ (null);
  const plot = () => {
    one.draw(drawn);
    if (now !== null) one.point(now);
  };
  const one = chart({ label, what, steps: last, top, logarithmic: true, onPick: pick, onResize: plot });
  plot();
  const caption = h("figcaption", { what }, name, h("span", { class: "rpnviz-aside rpnviz-keys" }, ...keys));
  return {
    element: h("figure", {}, caption, one.element),
    draw(moment) {
      now = moment.step;
      values(moment).forEach((text, i) => setText(outs[i], text));
      one.point(now);
    },
    destroy: () => one.destroy(),
  };
}

/** @param {Context} context */
const lossChart = (context) =>
  curvesOver(context, {
    name: "loss",
    drawn: context.store.losses,
    words: ["objectness", "box"],
    what: `The two losses of each step (thin), and their mean over the last ${context.store.plan.smooth} (thick). The first steps get more room.`,
    values: ({ losses }) => losses.map((value) => (Number.isNaN(value) ? "–" : value.toFixed(3))),
  });

/** @param {Context} context */
const recallChart = (context) =>
  curvesOver(context, {
    name: "recall",
    drawn: context.store.recalls,
    top: 1,
    words: context.store.plan.top_ns.map((/** @type {number} */ n) => `@${n}`),
    what: `Share of the objects of ${context.store.plan.held_out} held-out scenes that the best 10, 50 … proposals cover at IoU 0.5.`,
    values: ({ recalls }) => recalls.map((value) => value.toFixed(2)),
  });
