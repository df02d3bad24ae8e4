// @ts-check
// Notebook 09: the proposals, what the second head makes of them, and what the last NMS keeps.

import { lineStyles, nearestOutline, Panel, thin } from "../common/canvas_panel.js";
import { boxAt } from "../common/compute/boxes.js";
import { batchedNms } from "../common/compute/nms.js";
import { h, OWN_KEYS, scroller, segmented, setText, slider } from "../common/elements.js";
import { besideThresholds, fixed, thousands, thresholdText } from "../common/format.js";
import { commit, derived, typed } from "../common/model.js";
import { editedPicture, ObjectEditor } from "../common/object_editor.js";
import { loadPhoto } from "../common/photo.js";
import { opensPictures } from "../common/picture_row.js";
import { table } from "../common/table.js";
import { defineView, group } from "../common/view.js";
import { openDetections } from "./own_detections.js";

/** @typedef {import("../common/compute/boxes.js").Box} Box */
/** @typedef {import("../common/model.js").Model} Model */
/** @typedef {{image_size: [number, number], extent: Box, classes: string[], proposals: Box[],
 *   lowest: number, most: number}} Plan classes: the background first */
/** @typedef {ReturnType<typeof readStore>} Store */
/** @typedef {ReturnType<typeof readMoment>} Moment */
/** @typedef {import("../common/view.js").Context<Store>} Context */
/** @typedef {import("../common/view.js").Part<Moment>} Part */

const HINT =
  "Choose a stage, pull the score threshold. Point at a box, or walk down the list: blue, with its number, is the proposal that it came from.";
const [FOREMOST, NAMED] = [10, 20]; // proposals that stand out among 300; so many boxes leave room for their names
const LISTED = 60; // boxes in the list
const REACH = 10; // picture px within which the mouse finds an outline
const STAGES = [
  { value: "proposals", label: "proposals", what: "What the RPN hands over: boxes without names." },
  {
    value: "named",
    label: "named and moved",
    what: "One box for each class of each proposal that scores above the threshold.",
  },
  { value: "detections", label: "after NMS", what: "What NMS keeps, class by class." },
];

export const render = defineView({
  frame: { className: "rpnviz-detections", label: "From proposals to detections", hint: HINT },
  traits: ["stage", "score_thresh", "nms_thresh", "selected", "objects"],
  opens: opensPictures({ network: true, answer: openDetections }),
  store: readStore,
  moment: readMoment,
  parts: (context) => [
    group("figure", {}, group("figcaption", {}, "Picture", stages(context)), ...picture(context), about()),
    group("figure", {}, ...thresholds(context), classTable(context), boxList(context)),
  ],
  say: ({ words }) => words,
});

/** What stays from drawing to drawing. @param {{model: Model, redraw: () => void}} tools */
export function readStore({ model, redraw }) {
  const plan = /** @type {Plan} */ (model.get("plan"));
  const boxes = typed(model.get("boxes"), Float32Array);
  const labels = typed(model.get("labels"), Uint8Array);
  const from = typed(model.get("proposal_inds"), Int32Array);
  const boxOf = (/** @type {number} */ i) => boxAt(boxes, i);
  return {
    plan,
    labels,
    from,
    boxOf,
    scores: typed(model.get("scores"), Float32Array),
    styles: lineStyles(model.get("look")),
    photo: loadPhoto(() => model.get("image"), redraw),
    kept: derived(
      () => model.get("nms_thresh"),
      (thresh) => new Set(batchedNms(boxes, Int32Array.from(labels.keys()), labels, thresh).slice(0, plan.most)),
    ),
    /** The name of a box's class. @param {number} i */
    nameOf: (i) => plan.classes[labels[i]],
    /** How far the middle of a box went from its proposal. @param {number} i */
    moved(i) {
      const [a, b] = [boxOf(i), plan.proposals[from[i]]];
      return `${fixed(Math.hypot((a[0] + a[2] - b[0] - b[2]) / 2, (a[1] + a[3] - b[1] - b[3]) / 2), 0)} px`;
    },
  };
}

/** @param {Context} context */
function readMoment({ model, store }) {
  const { scores } = store;
  const thresh = /** @type {number} */ (model.get("score_thresh"));
  const stage = /** @type {string} */ (model.get("stage"));
  const selected = /** @type {number} */ (model.get("selected"));
  const kept = store.kept();
  const above = [...scores.keys()].filter((i) => scores[i] > thresh);
  const left = above.filter((i) => kept.has(i));
  return {
    ...{ stage, thresh, selected, above, left },
    kinds: /** @type {import("../common/objects.js").Drawn[]} */ (model.get("objects")).map(({ name }) => name),
    nms: /** @type {number} */ (model.get("nms_thresh")),
    rows: stage === "proposals" ? [] : stage === "named" ? above : left, // the boxes shown, best first
    score: (/** @type {number} */ i) => besideThresholds(scores[i], [thresh]),
    words: selected >= 0 ? aboutBox(store, selected, thresh) : aboutAll(store.plan, above.length, left.length, thresh),
  };
}

/** @param {Store} store @param {number} i @param {number} thresh */
function aboutBox({ from, nameOf, moved, scores }, i, thresh) {
  const score = besideThresholds(scores[i], [thresh]);
  return `${nameOf(i)}, score ${score}, from proposal ${from[i] + 1}, whose middle it moved by ${moved(i)}.`;
}

/** @param {Plan} plan @param {number} above @param {number} left @param {number} thresh */
function aboutAll({ proposals, most }, above, left, thresh) {
  const kept = `${left === most ? "the best " : ""}${thousands(left)} after NMS, class by class`;
  return `${thousands(proposals.length)} proposals → ${thousands(above)} boxes above ${thresholdText(thresh)} → ${kept}.`;
}

/** Choose the stage. @param {Context} context @returns {Part} */
function stages({ model }) {
  const choice = segmented({
    label: "stage",
    className: "rpnviz-stages",
    options: STAGES,
    onChange: (value) => commit(model, { stage: value, selected: -1 }),
  });
  return { element: choice.element, draw: ({ stage }) => choice.set(stage) };
}

/** The picture with the boxes of the stage. @param {Context} context @returns {Part[]} */
function picture({ model, store, redraw }) {
  const { boxOf, from, nameOf, photo, plan, styles } = store;
  const border = /** @type {Box} */ ([0, 0, plan.image_size[1], plan.image_size[0]]);
  let shown = /** @type {number[]} */ ([]);
  const point = (/** @type {number} */ i) => i !== model.get("selected") && commit(model, { selected: i });
  const panel = new Panel({
    extent: border,
    className: "rpnviz-picture",
    label: "The picture with the boxes",
    attributes: {
      role: "img",
      pointermove(/** @type {PointerEvent} */ event) {
        const nearest = nearestOutline(shown.map(boxOf), ...panel.at(event), REACH);
        point(nearest < 0 ? -1 : shown[nearest]);
      },
      pointerleave: () => point(-1),
    },
    onResize: redraw,
  });
  const editor = new ObjectEditor({ model, panel, imageSize: plan.image_size, redraw });
  return editedPicture({
    ...{ panel, photo, editor },
    draw(/** @type {Moment} */ now) {
      shown = now.rows;
      if (editor.open) for (const { box } of editor.objects) panel.box(box, styles.ground_truth);
      if (now.stage === "proposals") drawProposals(panel, plan, styles.proposal);
      drawBoxes(panel, store, now);
      const { selected } = now;
      if (selected < 0) return;
      panel.box(plan.proposals[from[selected]], styles.proposal);
      panel.box(boxOf(selected), styles.detection, { strong: true });
      panel.tags([
        { text: `${nameOf(selected)} ${now.score(selected)}`, box: boxOf(selected), style: styles.detection },
        { text: `proposal ${from[selected] + 1}`, box: plan.proposals[from[selected]], style: styles.proposal },
      ]);
    },
  });
}

/** @param {Panel} panel @param {Plan} plan @param {import("../common/canvas_panel.js").LineStyle} line */
function drawProposals(panel, { proposals }, line) {
  const behind = { ...line, width: 0.8, casing: "transparent" };
  for (const box of proposals.slice(FOREMOST)) panel.box(box, behind, { alpha: 0.5 });
  for (const box of proposals.slice(0, FOREMOST)) panel.box(box, line);
}

/** The boxes of the stage, faint beside one that is selected. @param {Panel} panel @param {Store} store @param {Moment} now */
function drawBoxes(panel, { boxOf, nameOf, styles: { detection } }, { rows, score, selected, stage }) {
  const alone = selected >= 0;
  const named = stage === "detections" && rows.length <= NAMED && !alone;
  const alpha = alone ? 0.25 : stage === "named" ? 0.7 : 1;
  const line = named ? detection : thin(detection);
  for (const i of [...rows].reverse()) panel.box(boxOf(i), line, { alpha });
  if (named) panel.tags(rows.map((i) => ({ text: `${nameOf(i)} ${score(i)}`, box: boxOf(i), style: detection })));
}

/** What is selected, or how many there are at each stage. @returns {Part} */
function about() {
  const element = h("p", { class: "rpnviz-roi-says" });
  return { element, draw: ({ words }) => setText(element, words) };
}

/** The two thresholds. @param {Context} context @returns {Part[]} */
function thresholds({ model, store: { plan } }) {
  const control = (/** @type {string} */ name, /** @type {number} */ min, /** @type {number} */ max, what = "") =>
    slider({
      label: name,
      min,
      max,
      step: 0.05,
      what,
      format: fixed,
      onInput: (value) => commit(model, { [name]: value, selected: -1 }),
    });
  const above = "A class must score above it; the score is the softmax over all classes and background.";
  const most = `at most the best ${plan.most} of all`;
  const more = `Of two boxes of one class that overlap more than this, the better one stays; ${most}.`;
  const score = control("score_thresh", plan.lowest, 0.95, above);
  const nms = control("nms_thresh", 0, 1, more);
  return [
    { element: score.element, draw: (now) => score.set(now.thresh) },
    { element: nms.element, draw: (now) => nms.set(now.nms) },
  ];
}

/** A row for each class. @param {Context} context @returns {Part} */
function classTable({ store: { labels, plan } }) {
  const classes = plan.classes.slice(1);
  const rows = table({
    label: "classes",
    className: "rpnviz-by-class",
    heads: ["class", "objects there", "named", "after NMS"].map((text) => ({ text })),
    rows: classes.map((name) => ({ head: [name] })),
  });
  return {
    element: rows.element,
    draw({ above, left, kinds }) {
      const there = classes.map((name) => kinds.filter((kind) => kind === name).length);
      const ofClass = (/** @type {number[]} */ some, /** @type {number} */ k) =>
        some.filter((i) => labels[i] === k + 1).length;
      rows.write(there.map((count, k) => [count, ofClass(above, k), ofClass(left, k)].map(thousands)));
    },
  };
}

/** The boxes of the stage, best first. @param {Context} context @returns {Part} */
function boxList({ model, store }) {
  const body = h("tbody");
  const none = h("p");
  const heads = ["found", "score", "from proposal", "moved by"].map((text) => h("th", { scope: "col" }, text));
  const list = h("table", {}, h("thead", {}, h("tr", {}, ...heads)), body);
  const onPoint = (/** @type {number} */ i) => i !== model.get("selected") && commit(model, { selected: i });
  let listed = "";
  return {
    element: scroller("list of boxes", "rpnviz-found", none, list),
    draw({ rows, score, selected, stage }) {
      const now = rows.slice(0, LISTED);
      setText(none, stage === "proposals" ? "No names yet: the RPN says only where." : "Nothing scores so high.");
      none.hidden = now.length > 0;
      list.hidden = now.length === 0;
      const scores = now.map(score);
      if (String([now, scores]) !== listed)
        body.replaceChildren(...now.map((i, k) => boxRow(store, i, scores[k], onPoint)));
      listed = String([now, scores]);
      for (const row of body.children) row.classList.toggle("rpnviz-hot", Number(row.dataset.row) === selected);
    },
  };
}

/** @param {Store} store @param {number} i @param {string} score @param {(i: number) => void} onPoint */
function boxRow({ from, nameOf, moved }, i, score, onPoint) {
  const point = () => onPoint(i);
  return h(
    "tr",
    { tabindex: 0, "data-row": i, pointerenter: point, focus: point, ...OWN_KEYS },
    h("th", { scope: "row" }, nameOf(i)),
    ...[score, `#${from[i] + 1}`, moved(i)].map((text) => h("td", {}, text)),
  );
}
