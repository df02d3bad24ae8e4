// @ts-check
// From all anchors to the proposals, stage by stage (notebook 08).

import { anchorGeometry, planOf } from "../common/anchor_map.js";
import { lineStyles, nearestOutline, Panel, swatch } from "../common/canvas_panel.js";
import { boxAt, clamp, listOf } from "../common/compute/boxes.js";
import { overlapsWith, stagesLeft } from "../common/compute/funnel.js";
import { Grid } from "../common/compute/grid.js";
import { choice, h, numberField, OWN_KEYS, scroller, segmented, setText, slider } from "../common/elements.js";
import { fixed, thousands } from "../common/format.js";
import { arrowKeys } from "../common/keys.js";
import { anchorsOf } from "../common/labelling.js";
import { commit, derived, typed } from "../common/model.js";
import { ObjectEditor } from "../common/object_editor.js";
import { objectsOf } from "../common/objects.js";
import { loadPhoto } from "../common/photo.js";
import { opensPictures } from "../common/picture_row.js";
import { PROPOSAL_SETTINGS, proposing } from "../common/proposing.js";
import { defineView, group } from "../common/view.js";
import { explanations, readResult } from "./result.js";

/** @typedef {import("../common/compute/boxes.js").Box} Box */
/** @typedef {import("../common/model.js").Model} Model */
/** @typedef {import("../common/anchor_map.js").Plan & {stages: string[], covered: number[],
 *   presets: (Record<string, number> & {name: string, phase: string})[]}} Plan covered: at these IoUs objects are counted */
/** @typedef {{left: number[], covered: number[][]}} Counts of each stage; objects covered at each IoU */
/** @typedef {import("../common/compute/proposals.js").Stages} Stages */
/** @typedef {ReturnType<typeof readStore>} Store */
/** @typedef {ReturnType<typeof readMoment>} Moment */
/** @typedef {import("../common/view.js").Context<Store>} Context */
/** @typedef {import("../common/view.js").Part<Moment>} Part */

const HINT =
  "Choose a stage. Point at a box; click it, or walk with the arrow keys, to follow it through the stages. Escape lets it go.";
const REACH = 10; // picture px within which the mouse finds an outline
const MANY = 40; // boxes that are drawn paler
const DROPS = 3; // the first stage that drops anybody
const OWN = "own"; // nobody's settings

export const render = defineView({
  frame: {
    className: "rpnviz-stage-by-stage",
    label: "From all anchors to the proposals",
    hint: HINT,
    keys: [
      ["← ↑ on the picture", "follow the box before this one"],
      ["→ ↓ there", "follow the next box"],
      ["Esc there", "let it go"],
    ],
  },
  traits: [...PROPOSAL_SETTINGS, "objects", "stage", "side", "shown", "selected"],
  local: { pointed: -1 }, // the anchor whose box is under the mouse
  opens: opensPictures({ network: true, answer: openPicture }),
  store: readStore,
  moment: readMoment,
  parts: (context) => [
    group(
      "figure",
      {},
      settings(context),
      threshold(context),
      stageTable(context),
      sentence("rpnviz-funnel-why", "why"),
    ),
    group(
      "figure",
      {},
      ...picture(context),
      group("div", { class: "rpnviz-controls" }, sides(context), ...legend(context)),
      howMany(context),
      sentence("rpnviz-drawn", "how"),
      sentence("rpnviz-followed", "about"),
    ),
  ],
  say: ({ about, counts, selected, stage, why }, { store: { plan } }) =>
    `${plan.stages[stage]}: ${thousands(counts.left[stage])} left. ${why} ${selected < 0 ? "" : about}`,
});

/** As explorer.py's `answer`. @param {import("../common/own_picture.js").Opened} opened */
async function openPicture({ file, get, imageSize, look }) {
  const plan = planOf(get("plan"), imageSize);
  const { objectness, deltas } = await look(Grid.named(plan.grid, imageSize));
  const cut = ["pre_nms_top_n", "post_nms_top_n"].map((name) => [name, Math.min(get(name), objectness.length)]);
  const said = { objectness: new DataView(objectness.buffer), deltas: new DataView(deltas.buffer) };
  return { plan, image: file, selected: -1, ...Object.fromEntries(cut), ...said };
}

/** What stays from drawing to drawing. @param {{model: Model, redraw: () => void}} tools */
export function readStore({ model, redraw }) {
  const plan = /** @type {Plan} */ (model.get("plan"));
  const geometry = anchorGeometry(plan);
  const anchors = anchorsOf(plan);
  const [objectness, deltas] = ["objectness", "deltas"].map((name) => typed(model.get(name), Float32Array));
  const { moved, stages } = proposing(model, objectness, deltas, anchors, plan.image_size);
  const boxesAt = [anchors, moved.decoded, moved.allBoxes];
  const overlaps = derived(
    () => model.get("objects"),
    (objects) => overlapsWith(moved, anchors, listOf(objects.map((/** @type {{box: Box}} */ { box }) => box))),
  );
  const counts = derived(stages, (left) =>
    derived(overlaps, (over) => countLeft(plan, left, over, model.get("objects").length)),
  );
  return {
    plan,
    geometry,
    styles: lineStyles(model.get("look")),
    scores: moved.allScores,
    photo: loadPhoto(() => model.get("image"), redraw),
    result: derived(stages, readResult),
    counts: () => counts()(),
    /** Where the box of an anchor is at a stage. @param {number} i @param {number} stage @returns {Box} */
    boxAtStage: (i, stage) => boxAt(boxesAt[Math.min(stage, 2)], i),
  };
}

/** @param {Plan} plan @param {Stages} stages @param {Float32Array[]} overlaps @param {number} numGt @returns {Counts} */
function countLeft({ covered }, stages, overlaps, numGt) {
  const rows = stagesLeft(stages, overlaps, numGt);
  return {
    left: rows.map(({ inds }) => inds.length),
    covered: rows.map(({ bestIous }) =>
      covered.map((thresh) => bestIous.filter((iou) => iou >= Math.fround(thresh)).length),
    ),
  };
}

/** @param {Context} context */
function readMoment({ model, store, local }) {
  const [stage, selected] = ["stage", "selected"].map((name) => /** @type {number} */ (model.get(name)));
  const side = /** @type {string} */ (model.get("side"));
  const [counts, result] = [store.counts(), store.result()];
  const all = result.list(stage, side);
  const drawn = all.slice(0, model.get("shown"));
  const wanted = /** @type {Record<string, number>} */ (
    Object.fromEntries(PROPOSAL_SETTINGS.map((name) => [name, model.get(name)]))
  );
  const followed = /** @type {number} */ (local.pointed >= 0 ? local.pointed : selected);
  return {
    ...{ stage, selected, side, counts, result, drawn, followed },
    shown: /** @type {number} */ (model.get("shown")),
    ...{ wanted, objects: objectsOf(model) },
    why: explanations(wanted, goneAt(counts, stage))[stage],
    how: aboutDrawn(store, drawn, all.length),
    about: aboutBox(store, followed),
  };
}

/** How many a stage drops. @param {Counts} counts @param {number} stage */
const goneAt = ({ left }, stage) => (stage ? left[stage - 1] - left[stage] : 0);

/** @param {Store} store @param {number[]} drawn best score first @param {number} all */
function aboutDrawn({ scores }, drawn, all) {
  if (!drawn.length) return "There is nothing to draw.";
  const [first, last] = [drawn[0], drawn[drawn.length - 1]].map((i) => fixed(scores[i], 3));
  return `Drawn: the best ${thousands(drawn.length)} of ${thousands(all)}, scores ${first} to ${last}.`;
}

/** Where an anchor lies, and where it ends. @param {Store} store @param {number} i −1: none is followed */
function aboutBox({ geometry, result, scores }, i) {
  if (i < 0) return "Point at a box to read what becomes of it.";
  return `${geometry.words(i)}: score ${fixed(scores[i], 3)}, ${result().fate(i)}.`;
}

/** A sentence of the moment. @param {string} className @param {"why" | "how" | "about"} which @returns {Part} */
function sentence(className, which) {
  const element = h("p", { class: className });
  return { element, draw: (now) => setText(element, now[which]) };
}

/** Whose settings, and three of them as numbers. @param {Context} context @returns {Part} */
function settings({ model, store: { geometry, plan } }) {
  const { presets } = plan;
  const take = (/** @type {Record<string, number>} */ preset) =>
    commit(model, Object.fromEntries(PROPOSAL_SETTINGS.map((name) => [name, preset[name]])));
  const whose = choice({
    label: "whose settings",
    what: "Whose settings: the paper's, py-faster-rcnn's, torchvision's or detectron2's, for training or at test time.",
    onChange: (i) => i !== OWN && take(presets[Number(i)]),
  });
  whose.fill([
    ...presets.map(({ name, phase }, i) => ({ value: String(i), label: `${name}, ${phase}` })),
    { value: OWN, label: "your own" },
  ]);
  const fields = [
    field(model, "pre_nms_top_n", 1, geometry.count, "this many of the best scores go into NMS."),
    field(model, "post_nms_top_n", 1, geometry.count, "at most this many proposals come out."),
    field(model, "min_size", 0, Math.min(...plan.image_size), "smallest height and width in px."),
  ];
  const labels = [h("label", {}, "whose settings ", whose.element), ...fields.map(({ element }) => element)];
  return {
    element: h("div", { class: "rpnviz-controls" }, ...labels),
    draw({ wanted }) {
      for (const { name, set } of fields) set(String(wanted[name]));
      const preset = presets.findIndex((one) => PROPOSAL_SETTINGS.every((name) => one[name] === wanted[name]));
      whose.set(preset < 0 ? OWN : String(preset));
    },
  };
}

/** @param {Model} model @param {string} name @param {number} least of whole numbers; 0 for any number @param {number} max @param {string} what */
function field(model, name, least, max, what) {
  const { element: input, set } = numberField({
    name,
    className: "rpnviz-number",
    max,
    what: `${name}: ${what}`,
    onChange: (value) => commit(model, { [name]: value }),
  });
  input.min = String(least);
  input.step = least ? "1" : "any";
  return { name, input, set, element: h("label", {}, `${name} `, input) };
}

/** @param {Context} context @returns {Part} */
function threshold({ model }) {
  const thresh = slider({
    label: "nms_thresh",
    max: 1,
    step: 0.01,
    format: fixed,
    what: "nms_thresh: a box is suppressed if a better kept box overlaps it with an IoU above it.",
    onInput: (value) => commit(model, { nms_thresh: value }),
  });
  return { element: thresh.element, draw: ({ wanted }) => thresh.set(wanted.nms_thresh) };
}

/** One row for each stage: what is left, what it drops, which objects are still covered. @param {Context} context @returns {Part} */
function stageTable({ model, root, store: { plan } }) {
  const { covered, stages } = plan;
  const name = `rpnviz-${Math.random().toString(36).slice(2)}`;
  const pick = (/** @type {number} */ stage) => commit(model, { stage, ...(stage < DROPS ? { side: "left" } : {}) });
  const lines = stages.map((stage, i) => stageRow(stage, name, covered.length, () => pick(i)));
  const what = "Of the picture's objects, how many are covered by some box that is left, at this IoU.";
  const over = h("th", { scope: "colgroup", colspan: covered.length, what }, "objects covered at");
  const heads = [
    ...["stage", "left", "dropped"].map((text) => h("th", { scope: "col" }, text)),
    ...covered.map((iou) => h("th", { scope: "col", what }, `IoU ≥ ${iou}`)),
  ];
  const head = h("thead", {}, h("tr", {}, h("td", { colspan: 3 }), over), h("tr", {}, ...heads));
  const body = h("tbody", {}, ...lines.map(({ row }) => row));
  return {
    element: scroller("stages", "", h("table", { class: "rpnviz-funnel-stages" }, head, body)),
    draw({ counts, objects, stage }) {
      root.dataset.stage = String(stage);
      lines.forEach(({ row, input, left, dropped, bar, found }, i) => {
        const gone = goneAt(counts, i);
        setText(left, thousands(counts.left[i]));
        setText(dropped, gone ? `−${thousands(gone)}` : "");
        bar.style.width = `${(100 * counts.left[i]) / counts.left[0]}%`;
        found.forEach((cell, k) => setText(cell, `${counts.covered[i][k]} of ${objects.length}`));
        row.classList.toggle("rpnviz-hot", i === stage);
        input.checked = i === stage;
      });
    },
  };
}

/** @param {string} stage @param {string} name of the radio buttons @param {number} ious @param {() => void} pick */
function stageRow(stage, name, ious, pick) {
  const input = h("input", { type: "radio", name, change: pick, ...OWN_KEYS });
  const [left, dropped, bar] = [h("b"), h("td"), h("i")];
  const found = Array.from({ length: ious }, () => h("td"));
  const head = h("th", { scope: "row" }, h("label", {}, input, h("span", {}, stage)));
  const row = h("tr", { click: pick }, head, h("td", { class: "rpnviz-left-over" }, bar, left), dropped, ...found);
  return { row, input, left, dropped, bar, found };
}

/** The picture with the boxes of the stage. @param {Context} context @returns {Part[]} */
function picture({ model, store, redraw, set }) {
  const { boxAtStage, photo, plan } = store;
  const [height, width] = plan.image_size;
  let [boxes, drawn] = [/** @type {Box[]} */ ([]), /** @type {number[]} */ ([])];
  const nearest = (/** @type {MouseEvent} */ event) => drawn[nearestOutline(boxes, ...panel.at(event), REACH)] ?? -1;
  const walk = (/** @type {number} */ dx, /** @type {number} */ dy) => {
    const at = clamp(drawn.indexOf(model.get("selected")) + dx + dy, 0, drawn.length - 1);
    commit(model, { selected: drawn[at] ?? -1 });
  };
  const panel = new Panel({
    extent: plan.extent,
    className: "rpnviz-picture",
    label: "The picture with the boxes of the stage; arrow keys walk through them",
    what: HINT,
    attributes: {
      tabindex: 0,
      role: "application",
      ...OWN_KEYS,
      keydown: arrowKeys(walk, { Escape: () => commit(model, { selected: -1 }) }),
      pointermove: (/** @type {PointerEvent} */ event) => set({ pointed: nearest(event) }),
      pointerleave: () => set({ pointed: -1 }),
      click: (/** @type {MouseEvent} */ event) => commit(model, { selected: nearest(event) }),
    },
    onResize: redraw,
  });
  const editor = new ObjectEditor({ model, panel, imageSize: plan.image_size, redraw });
  return [
    {
      element: h("div", { class: "rpnviz-two-boxes" }, panel.canvas, editor.layer),
      draw(now) {
        editor.draw();
        drawn = now.drawn;
        boxes = drawn.map((i) => boxAtStage(i, now.stage));
        const bitmap = photo.bitmap;
        if (!panel.begin() || !bitmap) return;
        panel.backdrop("photo", () => panel.image(bitmap, [0, 0, width, height]));
        drawBoxes(panel, store, now, boxes);
        if (now.followed >= 0) drawFollowed(panel, store, now);
      },
      destroy: () => panel.destroy(),
    },
    { element: editor.bar },
  ];
}

/** @param {Panel} panel @param {Store} store @param {Moment} now @param {Box[]} boxes */
function drawBoxes(panel, { styles }, { objects, side }, boxes) {
  const line = { ...styles[side === "left" ? "proposal" : "dropped"], width: 1, casing: "transparent" };
  for (const box of [...boxes].reverse()) panel.box(box, line, { alpha: boxes.length > MANY ? 0.6 : 1 });
  for (const { box } of objects) panel.box(box, styles.ground_truth);
}

/** The box that is followed, and the one that suppressed it here. @param {Panel} panel @param {Store} store @param {Moment} now */
function drawFollowed(panel, { boxAtStage, scores, styles }, { followed, result, stage }) {
  const box = boxAtStage(followed, stage);
  const gone = !result.isLeft(followed, stage);
  const tags = [{ text: gone ? "dropped" : fixed(scores[followed], 3), box, style: styles.window }];
  const by = result.isDropped(followed, stage) ? result.suppressor(followed) : -1;
  if (by >= 0) {
    const better = boxAtStage(by, stage);
    panel.box(better, styles.proposal, { strong: true });
    tags.push({ text: "suppressed it", box: better, style: styles.proposal });
  }
  panel.box(box, gone ? { ...styles.window, dash: styles.dropped.dash } : styles.window, { strong: true });
  panel.tags(tags);
}

/** What is left after the stage, or what it drops. @param {Context} context @returns {Part} */
function sides({ model }) {
  const side = segmented({
    label: "which boxes",
    what: "Draw what is left after the stage, or what it drops.",
    options: [
      { value: "left", label: "left" },
      { value: "dropped", label: "dropped here" },
    ],
    onChange: (value) => commit(model, { side: value }),
  });
  return {
    element: side.element,
    draw(now) {
      side.set(now.side);
      side.disable(now.stage < DROPS, "This stage drops nobody.");
    },
  };
}

/** @param {Context} context @returns {Element[]} */
function legend({ store: { styles } }) {
  const key = (/** @type {string} */ style, /** @type {string} */ words) =>
    h("span", { class: "rpnviz-key" }, swatch(styles[style]), words);
  return [
    key("proposal", "left"),
    key("dropped", "dropped here"),
    key("window", "followed"),
    key("ground_truth", "object"),
  ];
}

/** How many boxes are drawn. @param {Context} context @returns {Part} */
function howMany({ model }) {
  const shown = slider({
    label: "draw",
    name: "boxes drawn",
    min: 1,
    max: 2000,
    what: "This many boxes are drawn, best score first.",
    onInput: (value) => commit(model, { shown: value }),
  });
  return { element: shown.element, draw: (now) => shown.set(now.shown) };
}
