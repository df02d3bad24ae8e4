// @ts-check
// Objects by their sizes beside the shapes of anchors: which are covered, and what would cover more (notebook 13).

import { lineStyles } from "../common/canvas_panel.js";
import { choice, h, OWN_KEYS, setText, slider } from "../common/elements.js";
import { besideThresholds, boxText, standsTo, thousands } from "../common/format.js";
import { arrowKeys } from "../common/keys.js";
import { commit, derived, watch } from "../common/model.js";
import { loadPhoto } from "../common/photo.js";
import { defineView, group } from "../common/view.js";
import { objectsOf, percent, readSample, shapesOf, shapeText } from "./data.js";
import { Scatter } from "./scatter.js";
import { bars, findings, shapeTable, snippet } from "./sides.js";

/** @typedef {import("../common/model.js").Model} Model */
/** @typedef {import("./data.js").Plan} Plan */
/** @typedef {ReturnType<typeof readStore>} Store */
/** @typedef {ReturnType<typeof readMoment>} Moment */
/** @typedef {import("../common/view.js").Context<Store>} Context */
/** @typedef {import("../common/view.js").Part<Moment>} Part */

const HINT =
  "Point at an object, click it, or walk with the arrow keys. Frames with numbers are the shapes of the anchors. Escape lets the object go.";

export const render = defineView({
  frame: {
    className: "rpnviz-fit",
    label: "Do these anchors fit these objects?",
    hint: HINT,
    keys: [
      ["← → on the objects", "the next narrower, the next wider object"],
      ["↑ ↓ there", "the next higher, the next lower object"],
      ["Esc there", "let it go"],
    ],
  },
  traits: [
    ...["iou_thresh", "class_index", "anchor_set", "by", "library", "selected"],
    ...["pictured", "thumbnail", "no_thumbnail"],
  ],
  local: { pointed: -1, shape: -1 }, // an object under the mouse; a row of the shapes' table under mouse or focus
  store: readStore,
  moment: readMoment,
  parts: (context) => [
    group(
      "div",
      { class: "rpnviz-fit-verdict" },
      overview(context),
      paragraph("", ({ verdict }) => verdict),
    ),
    group(
      "figure",
      {},
      group("div", { class: "rpnviz-controls" }, setChoice(context), classChoice(context)),
      objects(context),
      legend(context),
      threshold(context),
      paragraph("rpnviz-shares", ({ shares }) => shares),
      group(
        "div",
        { class: "rpnviz-object" },
        paragraph("", ({ about }) => about),
        thumbnail(context),
      ),
    ),
    group("figure", {}, bars(context), shapeTable(context), snippet(context), findings(context)),
  ],
  say: ({ shares, selected, about }) => (selected < 0 ? shares : `${shares} ${about}`),
  listen: askForPicture,
});

/** What stays from drawing to drawing. @param {{model: Model, redraw: () => void}} tools */
export function readStore({ model, redraw }) {
  const plan = /** @type {Plan} */ (model.get("plan"));
  const sample = readSample(model, plan);
  return {
    plan,
    sample,
    shown: derived(
      () => model.get("class_index"),
      (index) => objectsOf(sample, index),
    ),
    styles: lineStyles(model.get("look")),
    photo: loadPhoto(() => model.get("thumbnail"), redraw),
  };
}

/** @param {Pick<Context, "model" | "store" | "local">} context */
export function readMoment({ model, store, local }) {
  const { plan, sample } = store;
  const get = (/** @type {string} */ name) => /** @type {number} */ (model.get(name));
  const [thresh, set, selected] = ["iou_thresh", "anchor_set", "selected"].map(get);
  const shown = store.shown();
  const isCovered = (/** @type {number} */ i) => standsTo(sample.ious[i], thresh) >= 0;
  const looked = local.pointed >= 0 ? local.pointed : selected;
  const classIndex = get("class_index");
  return {
    ...{ thresh, set, selected, shown, isCovered, looked, classIndex, shape: /** @type {number} */ (local.shape) },
    ...{ by: /** @type {string} */ (model.get("by")), library: /** @type {string} */ (model.get("library")) },
    verdict: plan.verdict,
    shares: set
      ? promiseText(plan, set)
      : shareText(plan, sample.count, shown, shown.filter(isCovered).length, thresh, classIndex),
    about: looked < 0 ? "No object is chosen." : objectText(store, looked, thresh),
  };
}

/** @param {Plan} plan @param {number} count of the sample @param {number[]} shown @param {number} covered @param {number} thresh @param {number} classIndex */
function shareText({ num_objects: all, classes }, count, shown, covered, thresh, classIndex) {
  if (!shown.length) return "There is no object to show.";
  const kind = classIndex < 0 ? "" : ` of class ${classes[classIndex]}`;
  const drawn = classIndex < 0 ? "" : `among ${thousands(count)} `;
  const among = count === all ? "" : `, ${drawn}drawn from ${thousands(all)}`;
  const many = `${thousands(shown.length)} object${shown.length === 1 ? "" : "s"}`;
  return `${many}${kind}${among}: ${percent(covered / shown.length)} (${thousands(covered)}) have a best anchor with an IoU of at least ${thresh.toFixed(2)}.`;
}

/** What a suggestion promises. @param {Plan} plan @param {number} set */
function promiseText({ suggestions, present_on_half: present, thresholds: [low, high], num_anchors: now }, set) {
  const { covered, anchors, shapes, how } = suggestions[set - 1];
  const pair = (/** @type {[number, number]} */ [a, b]) => `${percent(a)} at ${low} and ${percent(b)} at ${high}`;
  return `${shapes.length} shapes by ${how}: ${pair(covered)}; the present ones: ${pair(present)}; both on the half of the pictures that judges. ${thousands(anchors)} anchors a picture instead of ${thousands(now)}. The dots are grey: which of them the suggestion covers was not kept.`;
}

/** An object in words. @param {Store} store @param {number} i @param {number} thresh */
function objectText({ plan, sample }, i, thresh) {
  const size = shapeText([sample.height(i), sample.width(i)]);
  const [height, width] = sample.imageSize(i);
  const shape = plan.shapes[sample.shape(i)];
  const iou = besideThresholds(sample.ious[i], [...plan.thresholds, thresh]);
  const best =
    sample.ious[i] > 0
      ? `its best anchor is ${sample.shape(i) + 1} · ${shape.name}, IoU ${iou}`
      : "no anchor overlaps it";
  const box = sample.box(i);
  const own = shapeText([box[3] - box[1], box[2] - box[0]]);
  return `${plan.classes[sample.classOf(i)]} in ${sample.picture(i)} (${width}×${height} px), box ${boxText(box)}: ${own} in the picture, ${size} in the network; ${best}.`;
}

/** What was read. @param {Context} context @returns {Part} */
function overview({ store: { plan } }) {
  const counts = `${thousands(plan.num_objects)} objects in ${thousands(plan.num_pictures)} pictures`;
  const asked = `anchors “${plan.anchors_name}”, ${thousands(plan.num_anchors)} a picture, resized ${plan.resizing}`;
  const alone = `Objects without any anchor at 0.7, which depend on the best-per-object rule alone: ${thousands(plan.by_best_rule_alone)}; without any at 0.3: ${thousands(plan.unreached)}`;
  const untouched = plan.untouched
    ? `; touched by none, so that nothing answers for them: ${thousands(plan.untouched)}.`
    : ".";
  return {
    element: h("p", {}, h("b", {}, plan.source), ` (${plan.format}): ${counts}; ${asked}. ${alone}${untouched}`),
  };
}

/** @param {string} className @param {(now: Moment) => string} text @returns {Part} */
function paragraph(className, text) {
  const element = h("p", { class: className });
  return { element, draw: (now) => setText(element, text(now)) };
}

/** Present anchors or a suggestion. @param {Context} context @returns {Part} */
function setChoice({ model, store: { plan } }) {
  const select = choice({
    label: "anchors",
    className: "rpnviz-set-choice",
    what: "The anchors that were asked about, or others that were found on one half of the pictures.",
    onChange: (i) => commit(model, { anchor_set: Number(i) }),
  });
  const high = plan.thresholds[1];
  select.fill([
    { value: "0", label: `present: ${plan.anchors_name}, ${plan.shapes.length} shapes` },
    ...plan.suggestions.map(({ how, shapes, covered }, i) => ({
      group: how,
      value: String(i + 1),
      label: `${shapes.length} shapes: ${percent(covered[1])} at ${high}`,
    })),
  ]);
  return {
    element: h("label", {}, "anchors ", select.element),
    draw: ({ set }) => select.set(String(set)),
  };
}

/** @param {Context} context @returns {Part} */
function classChoice({ model, store: { plan } }) {
  const select = choice({
    label: "class",
    className: "rpnviz-class-choice",
    what: "Which objects are shown.",
    onChange: (i) => commit(model, { class_index: Number(i), selected: -1 }),
  });
  select.fill([{ value: "-1", label: "all" }, ...plan.classes.map((label, i) => ({ value: String(i), label }))]);
  return {
    element: h("label", {}, "class ", select.element),
    draw: ({ classIndex }) => select.set(String(classIndex)),
  };
}

/** The scatter, to be pointed at and walked on. @param {Context} context @returns {Part} */
function objects(context) {
  const { model, store, set, redraw } = context;
  const { plan, sample, styles } = store;
  const select = (/** @type {number} */ i) => commit(model, { selected: i });
  const drawn = new Scatter({
    ...{ sample, plan, styles, onResize: redraw },
    attributes: {
      tabindex: 0,
      role: "application",
      what: "Each dot is an object. Arrow keys walk to the next wider, narrower, higher or lower one.",
      keydown: arrowKeys((dx, dy) => select(neighbour(context, dx, dy)), { Escape: () => select(-1) }),
      ...OWN_KEYS,
    },
  });
  const { panel } = drawn;
  const nearest = (/** @type {MouseEvent} */ event) => drawn.nearest(event, store.shown());
  panel.canvas.addEventListener("pointermove", (event) => set({ pointed: nearest(event) }));
  panel.canvas.addEventListener("pointerleave", () => set({ pointed: -1 }));
  panel.canvas.addEventListener("click", (event) => select(nearest(event)));
  return {
    element: panel.canvas,
    draw(now) {
      if (!panel.begin()) return;
      const covered = now.set ? null : now.isCovered;
      drawn.cloud({ key: `${now.classIndex} ${now.set ? "" : now.thresh}`, objects: now.shown, covered });
      drawn.frames(framesOf(context.store, now));
      if (now.looked >= 0) drawn.ring(now.looked);
    },
    destroy: () => panel.destroy(),
  };
}

/** How each shape is drawn: that of the object looked at, or of the table's row, stands out. @param {Store} store @param {Moment} now */
function framesOf({ plan, sample, styles }, { set, shape, looked }) {
  const best = !set && looked >= 0 ? sample.shape(looked) : -1;
  return shapesOf(plan, set).map(({ size, positive_for: positive }, i) => ({
    ...{ size, strong: i === shape || i === best, text: String(i + 1) },
    style: i === shape || i === best ? styles.window : set || positive ? styles.anchor : styles.dropped,
  }));
}

/** The next object in a direction, or the same at the end; the widest of all if none was chosen. @param {Context} context @param {number} dx @param {number} dy */
function neighbour({ model, store: { sample, shown } }, dx, dy) {
  const size = dx ? sample.width : sample.height;
  const objects = [...shown()].sort((a, b) => size(a) - size(b) || a - b);
  const at = objects.indexOf(model.get("selected"));
  if (!objects.length) return -1;
  if (at < 0) return objects[objects.length - 1];
  return objects[Math.min(Math.max(at + (dx || -dy), 0), objects.length - 1)];
}

/** What dots and frames mean. @param {Context} context @returns {Part} */
function legend({ store: { styles } }) {
  const key = (/** @type {string} */ name, /** @type {string} */ style, /** @type {string} */ text) => {
    const mark = h("i", { class: `rpnviz-fit-mark rpnviz-mark-${name}` });
    mark.style.setProperty("--mark", styles[style].color);
    return h("span", { class: "rpnviz-key" }, mark, text);
  };
  const [yes, no] = [key("round", "positive", "covered"), key("square", "negative", "not covered")];
  const grey = key("round", "crosses_border", "object");
  const [frame, never] = [key("frame", "anchor", "shape of an anchor"), key("never", "dropped", "never matches")];
  return {
    element: h("div", { class: "rpnviz-controls" }, yes, no, grey, frame, never),
    draw({ set }) {
      for (const one of [yes, no, never]) one.classList.toggle("rpnviz-off", Boolean(set));
      grey.classList.toggle("rpnviz-off", !set);
    },
  };
}

/** @param {Context} context @returns {Part} */
function threshold({ model }) {
  const one = slider({
    ...{ label: "iou_thresh", min: 0.3, max: 0.9, step: 0.01, className: "rpnviz-iou-thresh" },
    format: (value) => value.toFixed(2),
    what: "An object is covered if its best anchor has at least this IoU.",
    onInput: (value) => commit(model, { iou_thresh: value }),
  });
  return {
    element: one.element,
    draw({ thresh, set }) {
      one.set(thresh);
      one.input.disabled = Boolean(set);
    },
  };
}

/** The picture of the object chosen, or why it is not there. @param {Context} context @returns {Part} */
function thumbnail({ model, store: { photo } }) {
  const canvas = h("canvas", {
    class: "rpnviz-thumbnail",
    role: "img",
    "aria-label": "The picture with the object's box",
  });
  const note = h("p", { class: "rpnviz-no-thumbnail" });
  const place = h("div", { class: "rpnviz-thumbnail-place" }, note);
  return {
    element: place,
    draw({ selected }) {
      const answered = selected >= 0 && model.get("answered")?.pictured === selected;
      const bitmap = answered && model.get("thumbnail")?.byteLength ? photo.bitmap : null;
      if (bitmap) {
        [canvas.width, canvas.height] = [bitmap.width, bitmap.height];
        canvas.getContext("2d").drawImage(bitmap, 0, 0);
      }
      const shown = bitmap ? canvas : note;
      if (place.firstChild !== shown) place.replaceChildren(shown);
      setText(note, bitmap ? "" : whyNone(model, selected, answered));
    },
  };
}

/** @param {Model} model @param {number} selected @param {boolean} answered */
function whyNone(model, selected, answered) {
  if (selected < 0) return "";
  if (answered && model.get("no_thumbnail")) return model.get("no_thumbnail");
  if (!model.get("has_kernel")) return "Its picture: in a notebook only, where Python reads it from your folder.";
  if (!model.get("has_pictures")) return "Its picture: FitExplorer(result, pictures=FOLDER) shows it.";
  return "Python reads its picture …";
}

/** Ask for the picture of the object chosen, one after the other. @param {Context} context */
function askForPicture({ model }) {
  const ask = () => {
    const [selected, pictured] = [model.get("selected"), model.get("pictured")];
    const waits = model.get("answered")?.pictured !== pictured && !model.get("error");
    if (!model.get("has_kernel") || !model.get("has_pictures") || waits || selected === pictured) return;
    commit(model, { pictured: selected });
  };
  ask();
  return [watch(model, ["selected", "answered"], ask)];
}
