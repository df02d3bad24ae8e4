// @ts-check
// One anchor's answer to move: its decoded box, the ledger of its loss, the pull of one step (notebook 06).

import { lineStyles, Panel } from "../common/canvas_panel.js";
import { BBOX_XFORM_CLIP, boxAt, clamp, decode, encode, listOf, pairIou } from "../common/compute/boxes.js";
import { binaryCrossEntropy, minibatchLosses, smoothL1, takeStep, writeLedger } from "../common/compute/loss_ledger.js";
import { checkbox, choice, h, OWN_KEYS, segmented, setText, slider } from "../common/elements.js";
import { LABEL_RULES } from "../common/labelling.js";
import { commit, watch } from "../common/model.js";
import { EVERYWHERE, movable } from "../common/movable_box.js";
import { ObjectEditor } from "../common/object_editor.js";
import { loadPhoto } from "../common/photo.js";
import { opensPictures } from "../common/picture_row.js";
import { SAMPLING } from "../common/sampling.js";
import { foldedSettings } from "../common/settings.js";
import { defineView, group } from "../common/view.js";
import { curve } from "./curves.js";
import { following, setAnswer, shownOf } from "./following.js";
import { openLoss } from "./own_loss.js";
import { drawAnswer, WORD_OF } from "./picture.js";
import { scenes } from "./scene.js";
import { fixed, ledgerTables, sumTable } from "./tables.js";

/** @typedef {import("../common/compute/boxes.js").Box} Box */
/** @typedef {import("../common/model.js").Model} Model */
/** @typedef {import("../common/compute/loss_ledger.js").Way} Way */
/** @typedef {import("./offered.js").Offered} Offered */
/** @typedef {import("./scene.js").Plan} Plan */
/** @typedef {ReturnType<typeof readStore>} Store */
/** @typedef {ReturnType<typeof readMoment>} Moment */
/** @typedef {import("../common/view.js").Context<Store>} Context */
/** @typedef {import("../common/view.js").Part<Moment>} Part */

const HINT =
  "Drag the blue box by its inside or a corner, or move the sliders; Tab and arrow keys do both. Blue arrows: where one step pulls it, shorter for slopes below 1.";
const NAMES = ["logit", "dx", "dy", "dw", "dh"];
const MEANS = [
  "The raw number that says how sure the network is of an object.",
  "Moves the box sideways, in widths of the anchor.",
  "Moves the box down, in heights of the anchor.",
  "Stretches the width by e^dw; decoding cuts dw off at ln(1000/16).",
  "Stretches the height by e^dh; decoding cuts dh off at ln(1000/16).",
];
const SHORT = /** @type {Record<string, string>} */ ({
  best: "fits best",
  worst: "fits worst",
  far: "largest box loss",
  unsure: "lowest score",
  alarm: "highest score",
  easy: "lowest score",
  out: "nearly positive",
  rest: "fits best",
});
const ORDER = [1, 3, 2, 4, 0]; // of the sliders, two a row: each shift beside the stretch of its side
const CONTROLS = { class: "rpnviz-controls" };
const SAME = 1e-6; // two answers this close are one

export const render = defineView({
  frame: {
    className: "rpnviz-loss",
    label: "The loss of one anchor",
    hint: HINT,
    keys: [
      ["← → ↑ ↓ on the decoded box", "move it by two pixels"],
      ["Shift + ← → ↑ ↓ there", "resize it"],
    ],
  },
  traits: [
    ...["chosen", "logit", "deltas", "normalisation", "learning_rate", "close_up"],
    ...[...LABEL_RULES, ...SAMPLING, "objects"],
  ],
  local: { trail: [] }, // middles of the box before each step
  opens: opensPictures({ network: true, answer: openLoss }),
  store: readStore,
  moment: readMoment,
  parts: (context) => {
    colour(context);
    const leading = { ...context, model: followed(context) };
    const [shown, editor] = picture(context, leading.model);
    return [
      group(
        "figure",
        { class: "rpnviz-left" },
        group("div", CONTROLS, group("label", {}, "anchor ", anchorChoice(context)), pullKey(), closeUp(context)),
        shown,
        group("div", { class: "rpnviz-answer" }, ...ORDER.map((i) => answerSlider(context, i)), rateSlider(context)),
        answers(context),
        about(),
      ),
      group(
        "figure",
        {},
        group("div", CONTROLS, "loss as in ", waySwitch(context)),
        ledger(),
        group("div", { class: "rpnviz-curves" }, entropyCurve(), boxCurve()),
        sums(context),
      ),
      foldedSettings(leading, editor, SAMPLING),
    ];
  },
  say: ({ ledger: { bce, boxLoss }, words }) => `Cross-entropy ${fixed(bce)}, box loss ${fixed(boxLoss)}. ${words}`,
  listen: answerToPresenter,
});

/** What stays from drawing to drawing. @param {{model: Model, redraw: () => void}} tools */
export function readStore({ model, redraw }) {
  const plan = /** @type {Plan} */ (model.get("plan"));
  return {
    plan,
    scene: scenes(model, plan),
    styles: lineStyles(model.get("look")),
    photo: loadPhoto(() => model.get("image"), redraw),
  };
}

/** The model that takes the anchor with it; the trail of another anchor's steps ends. @param {Context} context */
const followed = ({ model, store, set }) =>
  following(
    model,
    () => store.scene().offered,
    () => set({ trail: [] }),
  );

/**
 * A presenter's keys choose an anchor and set nothing else. Python gives its answer; without it the page does.
 * @param {Context} context
 */
function answerToPresenter({ model, store }) {
  if (model.get("has_kernel")) return [];
  return [watch(model, ["chosen"], () => setAnswer(model, shownOf(model, store.scene().offered)))];
}

/** The anchor chosen, and what is said of it. @param {Pick<Context, "model" | "store">} context */
function readAnswer({ model, store }) {
  const { offered, ways } = store.scene();
  const anchor = shownOf(model, offered);
  const [logit, deltas] = [/** @type {number} */ (model.get("logit")), /** @type {number[]} */ (model.get("deltas"))];
  return {
    anchor,
    way: /** @type {Way} */ (ways.find(({ key }) => key === model.get("normalisation"))),
    entry: { logit, deltas, label: anchor.label, targets: anchor.targets },
    box: boxAt(decode(new Float32Array(deltas), listOf([anchor.box])), 0),
  };
}

/** @param {Pick<Context, "model" | "store" | "local">} context */
export function readMoment(context) {
  const { model, local, store } = context;
  const { objects, offered, sample, tensorLosses, ways } = store.scene();
  const { anchor, way, entry, box } = readAnswer(context);
  const { logit, deltas } = entry;
  const near = (/** @type {number} */ a, /** @type {number} */ b) => Math.abs(a - b) < SAME;
  const cut = [3, 4]
    .filter((i) => deltas[i - 1] > BBOX_XFORM_CLIP)
    .map((i) => `${NAMES[i]} = ${fixed(deltas[i - 1], 2)}`);
  return {
    ...{ anchor, way, box, cut, label: anchor.label, answer: [logit, ...deltas] },
    ...{ objects, offered, tensorLosses, ways },
    rate: /** @type {number} */ (model.get("learning_rate")),
    closeUp: /** @type {boolean} */ (model.get("close_up")),
    trail: /** @type {[number, number][]} */ (local.trail),
    ledger: writeLedger(entry, way.beta),
    losses: ways.map((one) => minibatchLosses(sample, one, { at: anchor.at, logit, deltas })),
    untouched: near(logit, anchor.logit) && deltas.every((delta, k) => near(delta, anchor.deltas[k])),
    words: cut.length ? cutText(cut) : anchorText(anchor, box),
  };
}

/** What decoding makes of a delta that is too high. @param {string[]} cut */
const cutText = (cut) =>
  `${cut.join(", ")}: decoded as ${BBOX_XFORM_CLIP.toFixed(4)} = ln(1000/16), a side ${(1000 / 16).toFixed(1)} times as long. The loss sees the number uncut.`;

/** Why moving the box does not change the label. @param {Offered} anchor @param {Box} box */
function anchorText({ key, gt, label, iouText: iou, lowQuality: rule }, box) {
  if (key === "rest") return "With these settings no anchor is in the minibatch, so none has a loss.";
  if (label < 0)
    return `This anchor's IoU is ${iou}: neither positive nor negative, so both its losses are masked out, wherever its box goes.`;
  if (!gt)
    return `The anchor's IoU is ${iou}: negative. There is no box to move to, and no box loss, wherever its box goes.`;
  const why = rule ? `${iou}, the best for its object` : iou;
  return `The anchor's IoU is ${why}: positive, and stays so. The decoded box's IoU is ${pairIou(box, gt).toFixed(2)}; no label asks for it.`;
}

/** The style sheet's two colours of the decoded box. @param {Context} context */
function colour({ root, store: { styles } }) {
  root.style.setProperty("--decoded", styles.proposal.color);
  root.style.setProperty("--casing", styles.proposal.casing);
}

/**
 * Set the answer, as far as it may go. A step hands on the trail that it lengthens; all else ends it.
 * @param {Context} context @param {{logit?: number, deltas?: number[], chosen?: number}} answer
 * @param {[number, number][]} [trail]
 */
function put({ model, store: { plan }, set }, { logit, deltas, ...rest }, trail = []) {
  const within = (/** @type {number} */ value, /** @type {number} */ i) => clamp(value, plan.least[i], plan.most[i]);
  const values = /** @type {Record<string, any>} */ (rest);
  if (logit !== undefined) values.logit = within(logit, 0);
  if (deltas) values.deltas = deltas.map((delta, k) => within(delta, k + 1));
  set({ trail });
  commit(model, values);
}

/** @param {Context} context @returns {Part} */
function anchorChoice(context) {
  let listed = /** @type {Offered[]} */ ([]);
  const select = choice({
    label: "anchor",
    className: "rpnviz-anchor-choice",
    what: "Which anchor: the telling ones of this minibatch, and one that was left out.",
    onChange: (i) => {
      const { logit, deltas } = listed[Number(i)];
      put(context, { chosen: Number(i), logit, deltas });
    },
  });
  return {
    element: select.element,
    draw({ offered, anchor }) {
      if (offered !== listed) select.fill(offered.map(entryOf));
      listed = offered;
      select.set(String(offered.indexOf(anchor)));
    },
  };
}

/** How an anchor stands in the list. @param {Offered} anchor @param {number} i */
const entryOf = ({ key, label, object, size, iouText }, i) => ({
  group: WORD_OF[label],
  value: String(i),
  label: `${SHORT[key]}: IoU ${iouText}, ${size}${object ? `, ${object}` : ""}`,
});

/** What the arrows mean. */
function pullKey() {
  const what =
    "Arrows: where one step pulls the decoded box. Full length is a slope of 1: the line. Shorter: the parabola.";
  return h("span", { class: "rpnviz-pull", what }, h("b", {}, "→"), " pull of one step");
}

/** @param {Context} context @returns {Part} */
function closeUp({ model }) {
  const box = checkbox({
    label: "close up",
    what: "Show the part of the picture round the anchor.",
    onChange: (on) => commit(model, { close_up: on }),
  });
  return { element: box.element, draw: (now) => box.set(now.closeUp) };
}

/**
 * The picture with the anchor and its decoded box, to be gripped, and what edits its objects. While objects are edited a
 * hand on the picture moves these, and all of it is shown: in close up it would follow the anchor under the hand.
 * @param {Context} context @param {Model} leading @returns {[Part, ObjectEditor]}
 */
function picture(context, leading) {
  const { store, redraw } = context;
  const { image_size: size, extent: whole } = store.plan;
  const panel = new Panel({
    extent: whole,
    className: "rpnviz-picture",
    label: "The picture with the anchor and its decoded box",
    onResize: redraw,
    attributes: { role: "img" },
  });
  const grip = decodedGrip(context, panel);
  const editor = new ObjectEditor({ model: leading, panel, imageSize: size, redraw });
  const element = h("div", { class: "rpnviz-two-boxes" }, panel.canvas, grip.element, editor.layer);
  const draw = (/** @type {Moment} */ now) => {
    const extent = now.closeUp && !editor.open ? now.anchor.view : whole;
    panel.setExtent(extent);
    element.classList.toggle("rpnviz-editing", editor.open);
    grip.place(now.box, 0);
    editor.draw();
    const bitmap = store.photo.bitmap;
    if (!panel.begin() || !bitmap) return;
    panel.backdrop(`photo ${extent}`, () => panel.image(bitmap, editor.frame));
    if (editor.open) for (const { box } of now.objects) panel.box(box, store.styles.ground_truth);
    drawAnswer(panel, store.styles, now);
  };
  return [{ element, draw, destroy: () => panel.destroy() }, editor];
}

/** The decoded box to grip. @param {Context} context @param {Panel} panel */
const decodedGrip = (context, panel) =>
  movable({
    name: "decoded box",
    panel,
    get: () => readAnswer(context).box,
    snap: (pixels) => pixels,
    within: () => EVERYWHERE,
    move: (box) => put(context, { deltas: [...encode(listOf([box]), listOf([readAnswer(context).anchor.box]))] }),
    what: "The decoded box: the anchor moved by the four deltas. Arrows move it, Shift + arrows resize it.",
  });

/** One of NAMES. @param {Context} context @param {number} i @returns {Part} */
function answerSlider(context, i) {
  const { model, store } = context;
  const { high, low } = store.plan;
  const delta = slider({
    label: NAMES[i],
    min: low[i],
    max: high[i],
    step: 0.01,
    className: `rpnviz-${NAMES[i]}`,
    what: MEANS[i],
    format: (value) => fixed(value, 2),
    onInput(value) {
      if (!i) put(context, { logit: value });
      else put(context, { deltas: Object.assign([...model.get("deltas")], { [i - 1]: value }) });
    },
  });
  return {
    element: delta.element,
    draw({ answer }) {
      delta.set(answer[i]);
      delta.element.classList.toggle("rpnviz-cut", i > 2 && answer[i] > BBOX_XFORM_CLIP);
    },
  };
}

/** @param {Context} context @returns {Part} */
function rateSlider({ model }) {
  const rate = slider({
    label: "step",
    name: "learning rate",
    min: 0.01,
    max: 0.3,
    step: 0.01,
    format: (value) => value.toFixed(2),
    what: "Learning rate: how far one step moves a delta whose slope is 1.",
    onInput: (value) => commit(model, { learning_rate: value }),
  });
  return { element: rate.element, draw: (now) => rate.set(now.rate) };
}

/** Buttons that give another answer. @param {Context} context @returns {Part} */
function answers(context) {
  const { model, local } = context;
  const button = (/** @type {string} */ text, /** @type {string} */ what, /** @type {() => void} */ click) =>
    h("button", { type: "button", what, click, ...OWN_KEYS }, text);
  const takeOne = () => {
    const { entry, way, box } = readAnswer(context);
    const middle = [(box[0] + box[2]) / 2, (box[1] + box[3]) / 2];
    put(context, takeStep(entry, way.beta, model.get("learning_rate")), [...local.trail, middle]);
  };
  const network = () => {
    const { logit, deltas } = readAnswer(context).anchor;
    put(context, { logit, deltas });
  };
  const target = () => put(context, { deltas: readAnswer(context).anchor.targets });
  const step = button("take a step", "One step of gradient descent on this anchor's own loss.", takeOne);
  const onTarget = button("on target", "The deltas that the network should have said.", target);
  const others = [
    button("network's answer", "Back to what the network says of this anchor.", network),
    button("all zero", "The decoded box is the anchor itself.", () => put(context, { deltas: [0, 0, 0, 0] })),
  ];
  return {
    element: h("div", CONTROLS, step, ...others, onTarget),
    draw({ label }) {
      step.disabled = label < 0;
      onTarget.disabled = label !== 1;
    },
  };
}

/** What the anchor's label is and why, or what is cut off. @returns {Part} */
function about() {
  const element = h("p", { class: "rpnviz-about" });
  return {
    element,
    draw({ cut, words }) {
      element.classList.toggle("rpnviz-alarm", cut.length > 0);
      setText(element, words);
    },
  };
}

/** @param {Context} context @returns {Part} */
function waySwitch({ model, store: { plan } }) {
  const buttons = segmented({
    label: "whose loss",
    className: "rpnviz-ways",
    what: "Whose smooth L1 the ledger, the arrows and the steps use.",
    options: plan.ways.map(({ key }) => ({ value: key, label: key })),
    onChange: (key) => commit(model, { normalisation: key }),
  });
  return { element: buttons.element, draw: ({ way }) => buttons.set(way.key) };
}

/** @returns {Part} */
function ledger() {
  const tables = ledgerTables();
  return {
    element: tables.element,
    draw: (now) => tables.show(now.ledger, { logit: now.answer[0], label: now.label, clip: BBOX_XFORM_CLIP }),
  };
}

/** @returns {Part} */
function entropyCurve() {
  const title = h("figcaption", {});
  const one = curve({
    label: "Cross-entropy against the logit",
    x: [-10, 10],
    ticks: [-10, -5, 0, 5, 10],
    top: 10,
    topTicks: [5, 10],
    names: [""],
  });
  return {
    element: h("figure", {}, title, one.element),
    draw({ label, answer: [logit], ledger: { bce } }) {
      setText(title, label < 0 ? "cross-entropy: masked out" : `cross-entropy by logit, label ${label}`);
      one.shape(`label ${label}`, (x) => binaryCrossEntropy(x, Math.max(label, 0)), 0);
      one.element.classList.toggle("rpnviz-masked", label < 0);
      one.put(label < 0 ? [] : [[logit, bce]]);
    },
  };
}

/** @returns {Part} */
function boxCurve() {
  const one = curve({
    label: "Smooth L1 against the difference",
    x: [-1, 1],
    ticks: [-1, -0.5, 0, 0.5, 1],
    top: 1,
    topTicks: [0.5, 1],
    names: NAMES.slice(1),
  });
  return {
    element: h("figure", {}, h("figcaption", {}, "smooth L1 by difference"), one.element),
    draw({ label, way: { beta }, ledger: { rows } }) {
      one.shape(`beta ${beta}`, (x) => smoothL1(x, beta), beta);
      one.put(label === 1 ? rows.map(({ difference, loss }) => [difference, loss]) : []);
    },
  };
}

/** @param {Context} context @returns {Part} */
function sums({ store: { plan } }) {
  const table = sumTable(plan.ways.map(({ whose }) => whose));
  return {
    element: table.element,
    draw({ anchor, losses, tensorLosses, untouched, way, ways }) {
      table.show({ ways, losses, tensorLosses, key: way.key, untouched: untouched || anchor.at < 0 });
    },
  };
}
