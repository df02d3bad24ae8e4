// @ts-check
// NMS one box at a time (notebook 08): whose turn it is, whom it suppresses, and at what IoU.

import { lineStyles, nearestOutline, Panel, swatch } from "../common/canvas_panel.js";
import { boxAt, clamp, iouAt } from "../common/compute/boxes.js";
import { keptRows, nmsSteps, ranking, stateAfter } from "../common/compute/nms_steps.js";
import { checkbox, h, OWN_KEYS, setText, slider } from "../common/elements.js";
import { fixed } from "../common/format.js";
import { arrowKeys } from "../common/keys.js";
import { commit, derived, typed } from "../common/model.js";
import { editedPicture, ObjectEditor } from "../common/object_editor.js";
import { objectsOf } from "../common/objects.js";
import { loadPhoto } from "../common/photo.js";
import { opensPictures } from "../common/picture_row.js";
import { defineView, group } from "../common/view.js";
import { openBoxes } from "./own_boxes.js";
import { boxTable, transport } from "./parts.js";
import { aboutBox, aboutTurn, iouText, stateWords } from "./words.js";

/** @typedef {import("../common/compute/boxes.js").Box} Box */
/** @typedef {import("../common/compute/nms_steps.js").Run} Run */
/** @typedef {import("../common/model.js").Model} Model */
/** @typedef {{image_size: [number, number], extent: Box, names: string[], named: number,
 *   ties: boolean, lines: Record<string, {style: string, words: string}>}} Plan names: of the boxes; named: so many still
 *   have room for their names; ties: some scores are equal; lines: of each state, in the order in which they are drawn */
/** @typedef {ReturnType<typeof readStore>} Store */
/** @typedef {ReturnType<typeof readMoment>} Moment */
/** @typedef {import("../common/view.js").Context<Store>} Context */
/** @typedef {import("../common/view.js").Part<Moment>} Part */
/** @typedef {ReturnType<typeof player>} Player */

const HINT =
  "Best score first, each box has its turn. Next, back or the arrow keys step; Space plays. Point at a box or a row.";
const SETTINGS = ["top_n", "nms_thresh", "suppressed_too", "reverse_ties"];
const MANY = /** @type {Record<string, number>} */ ({
  waiting: 0.6,
  suppressed: 0.45,
  kept: 0.9,
  falls: 0.9,
  current: 1,
}); // how strongly each is drawn among many boxes
const FEW = /** @type {Record<string, number>} */ ({ waiting: 1, suppressed: 0.75, kept: 1, falls: 1, current: 1 });
const BEHIND = ["waiting", "suppressed"]; // thin and without a casing where they are many
const ALWAYS = ["current", "falls"]; // drawn whatever the layers are
const REACH = 12; // picture px within which the mouse finds an outline

export const render = defineView({
  frame: {
    className: "rpnviz-nms",
    label: "NMS one box at a time",
    hint: HINT,
    keys: [
      ["→ ↓ on the picture or the table", "the next turn"],
      ["← ↑ there", "one turn back"],
      ["Home, End there", "before the first turn, after the last"],
      ["Space there", "play, pause"],
    ],
  },
  traits: [...SETTINGS, "turn", "speed", "pass_over", "layers", "objects"],
  local: { pointed: -1 }, // the box under the mouse
  opens: opensPictures({ network: true, answer: openBoxes }),
  store: readStore,
  moment: readMoment,
  parts(context) {
    const play = player(context);
    const [passOver, ...others] = options(context, play);
    return [
      group(
        "figure",
        {},
        ...picture(context, play),
        legend(context),
        layers(context),
        group("div", { class: "rpnviz-controls" }, play, passOver),
        ...sliders(context, play),
      ),
      group(
        "figure",
        {},
        group("div", { class: "rpnviz-controls" }, ...others),
        told(),
        counted(),
        boxes(context, play),
      ),
    ];
  },
  say: ({ told }) => told,
  worksOut: ({ worked }) => worked,
});

/** What stays from drawing to drawing. @param {{model: Model, redraw: () => void}} tools */
function readStore({ model, redraw }) {
  const plan = /** @type {Plan} */ (model.get("plan"));
  const look = lineStyles(model.get("look"));
  const boxes = typed(model.get("boxes"), Float32Array);
  const scores = typed(model.get("scores"), Float32Array);
  return {
    plan,
    look,
    boxes,
    scores,
    styles: Object.fromEntries(Object.entries(plan.lines).map(([state, { style }]) => [state, look[style]])),
    photo: loadPhoto(() => model.get("image"), redraw),
    boxOf: (/** @type {number} */ row) => boxAt(boxes, row),
    scoreOf: (/** @type {number} */ row) => fixed(scores[row], scores.length > plan.named ? 4 : 2), // the best are near 1
    run: derived(
      () => JSON.stringify(SETTINGS.map((name) => model.get(name))),
      () => {
        const settings = Object.fromEntries(SETTINGS.map((name) => [name, model.get(name)]));
        const order = ranking(scores, settings.reverse_ties).slice(0, settings.top_n);
        const run = nmsSteps(boxes, order, settings.nms_thresh, settings.suppressed_too);
        return { run, worked: { ...settings, kept: keptRows(run) } };
      },
    ),
  };
}

/** @param {Context} context */
function readMoment({ model, store, local }) {
  const { run, worked } = store.run();
  const turns = turnOf(model);
  const now = {
    run,
    turns,
    current: turns ? run.order[turns - 1] : -1, // the box whose turn it is
    thresh: /** @type {number} */ (model.get("nms_thresh")),
    suppressedToo: /** @type {boolean} */ (model.get("suppressed_too")),
  };
  return {
    ...now,
    worked,
    states: new Map(run.order.map((row) => [row, stateAfter(run, row, turns)])),
    pointed: /** @type {number} */ (local.pointed),
    topN: /** @type {number} */ (model.get("top_n")),
    speed: /** @type {number} */ (model.get("speed")),
    switches: /** @type {Record<string, boolean>} */ (
      Object.fromEntries(["pass_over", "suppressed_too", "reverse_ties"].map((name) => [name, model.get(name)]))
    ),
    layers: /** @type {string[]} */ (model.get("layers")),
    objects: objectsOf(model),
    told: aboutTurn(store, now),
  };
}

/** How many boxes have had their turn. @param {Model} model */
const turnOf = (model) => clamp(model.get("turn"), 0, model.get("top_n"));

/**
 * What steps and plays: the buttons, the keys that do the same, and a way for every hand on a control to stop it.
 * @param {Context} context
 */
function player({ model, store }) {
  const go = (/** @type {number} */ turn) => commit(model, { turn: clamp(turn, 0, model.get("top_n")) });
  /** The next turn in a direction; suppressed boxes may be passed over; false at the end. @param {number} direction 1 or −1 */
  const step = (direction) => {
    const { order, by } = store.run().run;
    let turn = turnOf(model) + direction;
    while (model.get("pass_over") && turn > 0 && turn <= order.length && by[order[turn - 1]] >= 0) turn += direction;
    if (direction > 0 && turnOf(model) === order.length) return false;
    go(turn);
    return turn < order.length;
  };
  const { element, stop, toggle } = transport({
    first: () => go(0),
    back: () => step(-1),
    next: () => step(1),
    speed: () => model.get("speed"),
  });
  /** Do something by hand: what plays stops. @template Value @param {(value: Value) => void} then */
  const byHand = (then) => (/** @type {Value} */ value) => {
    stop();
    then(value);
  };
  const keys = arrowKeys((dx, dy) => byHand(step)(dx + dy), {
    Home: byHand(() => go(0)),
    End: byHand(() => go(store.run().run.order.length)),
    " ": toggle,
  });
  const onKey = (/** @type {KeyboardEvent} */ event) => event.shiftKey || keys(event);
  return { element, destroy: stop, go, byHand, onKey };
}

/** The picture with the boxes as they stand. @param {Context} context @param {Player} play @returns {Part[]} */
function picture(context, { onKey }) {
  const { model, redraw, store } = context;
  const { boxOf, look, photo, plan } = store;
  let reachable = /** @type {(Box | null)[]} */ ([]);
  const panel = new Panel({
    extent: plan.extent,
    className: "rpnviz-picture",
    label: "The picture with the boxes; arrow keys step, Space plays",
    what: HINT,
    attributes: {
      tabindex: 0,
      role: "application",
      keydown: onKey,
      ...OWN_KEYS,
      pointermove: (/** @type {PointerEvent} */ event) => point(nearestOutline(reachable, ...panel.at(event), REACH)),
      pointerleave: () => point(-1),
    },
    onResize: redraw,
  });
  const point = pointer(context);
  return editedPicture({
    panel,
    photo,
    editor: new ObjectEditor({ model, panel, imageSize: plan.image_size, redraw }),
    draw(/** @type {Moment} */ now) {
      reachable = plan.names.map((_, row) => (isDrawn(now, now.states.get(row)) ? boxOf(row) : null));
      const objects = now.layers.includes("ground_truth") ? now.objects : [];
      for (const { box } of objects) panel.box(box, look.ground_truth);
      const tags = drawBoxes(panel, store, now);
      if (now.run.order.length <= plan.named)
        tags.unshift(...objects.map(({ name, box }) => ({ text: name, box, style: look.ground_truth })).reverse());
      panel.tags(tags.reverse());
    },
  });
}

/** Whether boxes of a state are drawn. @param {{layers: string[]}} now @param {string} [state] of a box that takes part */
const isDrawn = ({ layers }, state) => state !== undefined && (ALWAYS.includes(state) || layers.includes(state));

/** All boxes, and the names that go with them. @param {Panel} panel @param {Store} store @param {Moment} now */
function drawBoxes(panel, { boxOf, plan, scoreOf, styles }, now) {
  const { run, states, pointed } = now;
  const few = run.order.length <= plan.named;
  const back = [...run.order].reverse();
  const tags = [];
  for (const state of Object.keys(plan.lines).filter((state) => isDrawn(now, state))) {
    for (const row of back.filter((row) => states.get(row) === state)) {
      const strong = state === "current" || row === pointed;
      const thin = !few && !strong && BEHIND.includes(state) ? { width: 1, casing: "transparent" } : {};
      const alpha = row === pointed ? 1 : (few ? FEW : MANY)[state];
      panel.box(boxOf(row), { ...styles[state], ...thin }, { alpha, strong });
      const text = few ? `${plan.names[row]} ${scoreOf(row)}` : plan.names[row];
      if (few || strong) tags.push({ text, box: boxOf(row), style: styles[state] });
    }
  }
  return tags;
}

/**
 * A listener for the box under the mouse: it stands out, and the status line tells what is known of it so far.
 * @param {Context} context
 */
function pointer({ local, model, set, store, what }) {
  return (/** @type {number} */ row) => {
    if (row === local.pointed) return;
    const now = { run: store.run().run, turns: turnOf(model), thresh: model.get("nms_thresh") };
    what(row < 0 ? "" : aboutBox(store, now, row));
    set({ pointed: row });
  };
}

/** The lines that are always drawn. @param {Context} context */
function legend({ store: { plan, styles } }) {
  const keys = ALWAYS.map((state) =>
    h("span", { class: "rpnviz-key" }, swatch(styles[state]), plan.lines[state].words),
  );
  return h("div", { class: "rpnviz-legend" }, ...keys);
}

/** What is drawn. @param {Context} context @returns {Part} */
function layers({ model, store: { look, plan, styles } }) {
  const offered = ["kept", "waiting", "suppressed"].map((state) => ({
    name: state,
    label: plan.lines[state].words,
    swatch: swatch(styles[state]),
  }));
  offered.push({ name: "ground_truth", label: "objects", swatch: swatch(look.ground_truth) });
  const switches = offered.map(({ name, ...layer }) => {
    const onChange = (/** @type {boolean} */ on) => {
      const others = model.get("layers").filter((/** @type {string} */ other) => other !== name);
      commit(model, { layers: on ? [...others, name] : others });
    };
    return { name, ...checkbox({ ...layer, what: `Draw the boxes: ${layer.label}.`, onChange }) };
  });
  return {
    element: h("div", { class: "rpnviz-legend" }, ...switches.map(({ element }) => element)),
    draw: (now) => switches.forEach(({ name, set }) => set(now.layers.includes(name))),
  };
}

/** Switches of the walk and of NMS; that of the walk first. @param {Context} context @param {Player} play @returns {Part[]} */
function options({ model, store: { plan } }, { byHand }) {
  const option = (/** @type {string} */ name, /** @type {string} */ label, /** @type {string} */ what) => {
    const { element, set } = checkbox({ label, what, onChange: byHand((on) => commit(model, { [name]: on })) });
    return { element, draw: (/** @type {Moment} */ now) => set(now.switches[name]) };
  };
  const passOver = "Next, back and play pass over boxes that were suppressed before their turn: nothing happens there.";
  const tooMany = "Not NMS, but what many believe: a suppressed box suppresses others as well. Try it.";
  const ties = "Of equal scores the last of the list has its turn first.";
  return [
    option("pass_over", "pass over suppressed", passOver),
    option("suppressed_too", "suppressed boxes suppress too", tooMany),
    ...(plan.ties ? [option("reverse_ties", "ties the other way round", ties)] : []),
  ];
}

/** Turn, threshold, number of boxes where they are many, and speed. @param {Context} context @param {Player} play @returns {Part[]} */
function sliders({ model, store: { plan, scores } }, { byHand, go }) {
  const turn = slider({
    label: "turn",
    max: model.get("top_n"),
    what: "turn: how many boxes have had their turn.",
    onInput: byHand(go),
  });
  const thresh = slider({
    label: "nms_thresh",
    max: 1,
    step: 0.01,
    format: fixed,
    what: "nms_thresh: a box is suppressed if a better kept box overlaps it with an IoU above it. Exactly at it, both stay.",
    onInput: (value) => commit(model, { nms_thresh: value }),
  });
  const most = slider({
    label: "boxes",
    name: "top_n",
    min: 1,
    max: scores.length,
    what: "top_n: how many of the best boxes take part.",
    onInput: byHand((value) => commit(model, { top_n: value, turn: Math.min(turnOf(model), value) })),
  });
  const speed = slider({
    label: "speed",
    min: 1,
    max: 20,
    format: (value) => `${value}/s`,
    what: "speed: turns a second when it plays. At most one where your system asks for less motion.",
    onInput: (value) => commit(model, { speed: value }),
  });
  return [
    { element: turn.element, draw: (now) => turn.set(now.turns, now.topN) },
    { element: thresh.element, draw: (now) => thresh.set(now.thresh) },
    ...(scores.length > plan.named
      ? [{ element: most.element, draw: (/** @type {Moment} */ now) => most.set(now.topN) }]
      : []),
    { element: speed.element, draw: (now) => speed.set(now.speed) },
  ];
}

/** What happens at this turn. @returns {Part} */
function told() {
  const element = h("p", { class: "rpnviz-told" });
  return { element, draw: (now) => setText(element, now.told) };
}

/** How many are kept, suppressed, waiting. @returns {Part} */
function counted() {
  const element = h("p", { class: "rpnviz-nms-counted" });
  return {
    element,
    draw({ run, states, current }) {
      const count = (/** @type {string} */ state) => [...states.values()].filter((one) => one === state).length;
      const isGone = current >= 0 && run.by[current] >= 0; // the one whose turn it is
      const [gone, waiting] = [count("falls") + count("suppressed") + Number(isGone), count("waiting")];
      setText(element, `${states.size - gone - waiting} kept · ${gone} suppressed · ${waiting} waiting`);
    },
  };
}

/** The table of the boxes. @param {Context} context @param {Player} play @returns {Part} */
function boxes(context, { byHand, go, onKey }) {
  const { root, store } = context;
  const { plan, scoreOf, styles } = store;
  const table = boxTable({
    styles,
    onKey,
    onPoint: pointer(context),
    onPick: byHand((row) => go(store.run().run.rank[row] + 1)),
  });
  return {
    element: table.element,
    draw(now) {
      const { current, pointed, run, states, thresh, turns } = now;
      root.dataset.turn = String(turns);
      const entries = run.order.map((row, place) => {
        const state = /** @type {string} */ (states.get(row));
        const iou = current >= 0 && place >= turns ? iouAt(store.boxes, current, store.boxes, row) : null;
        return {
          ...{ row, state, iou },
          name: plan.names[row],
          score: scoreOf(row),
          iouText: iou === null ? "" : iouText(iou, thresh),
          over: state === "falls",
          words: stateWords(store, now, row, state),
          hot: row === pointed || row === current,
        };
      });
      table.show(entries, thresh, turns - 1);
    },
  };
}
