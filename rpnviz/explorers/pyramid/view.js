// @ts-check
// The levels of a pyramid: which of them answers for an object, and who is left of each on the way to the proposals
// (notebook 10).

import { heatImage, lineStyles, nearestOutline, Panel, thin } from "../common/canvas_panel.js";
import { boxAt, clamp } from "../common/compute/boxes.js";
import { proposeByLevel } from "../common/compute/pyramid.js";
import { h, OWN_KEYS, segmented, setText, slider } from "../common/elements.js";
import { fixed, thousands } from "../common/format.js";
import { arrowKeys } from "../common/keys.js";
import { commit, derived, typed } from "../common/model.js";
import { ObjectEditor } from "../common/object_editor.js";
import { objectsOf } from "../common/objects.js";
import { loadHundredths } from "../common/packed.js";
import { loadPhoto } from "../common/photo.js";
import { opensPictures } from "../common/picture_row.js";
import { table } from "../common/table.js";
import { defineView, group } from "../common/view.js";
import { anchorsOf, answering, countByLevel, covering, fitsOf, whyCounts, whyLevel } from "./levels.js";

/** @typedef {import("../common/compute/boxes.js").Box} Box */
/** @typedef {import("../common/model.js").Model} Model */
/** @typedef {import("./levels.js").Level} Level */
/** @typedef {import("./levels.js").Fit} Fit */
/** @typedef {import("../common/objects.js").Drawn} Drawn */
/** @typedef {{image_size: [number, number], extent: Box, input_size: [number, number], levels: Level[], reached: number,
 *   covered: number, scored: boolean, most: [number, number],
 *   settings: {nms_thresh: number, min_size: number, score_thresh: number}}} Plan reached, covered: IoUs that are counted */
/** @typedef {ReturnType<typeof readStore>} Store */
/** @typedef {ReturnType<typeof readMoment>} Moment */
/** @typedef {import("../common/view.js").Context<Store>} Context */
/** @typedef {import("../common/view.js").Part<Moment>} Part */

const HINT = "Click an object, or walk through them with the arrow keys: which level has an anchor of its size?";
const REACH = 12; // picture px within which the mouse finds an object
const [BEST, FEW] = [100, 40]; // proposals that are drawn; so many are drawn strong

export const render = defineView({
  frame: {
    className: "rpnviz-pyramid",
    label: "The levels of a pyramid",
    hint: HINT,
    keys: [
      ["← ↑ on the picture", "the object before this one"],
      ["→ ↓ there", "the next object"],
    ],
  },
  traits: ["objects", "selected", "level", "shown", "pre_nms_top_n", "post_nms_top_n"],
  opens: opensPictures({ network: true, answer: async () => ({}) }), // its network is Python's: no page has it
  store: readStore,
  moment: readMoment,
  parts: (context) => [
    group("figure", {}, ...picture(context), whichBoxes(context), mapStrip(context)),
    group("figure", {}, objectTable(context), sentence("why"), levelTable(context), ...counts(context)),
  ],
  say: ({ how, why }) => `${why} ${how}`,
});

/** What stays from drawing to drawing. @param {{model: Model, redraw: () => void}} tools */
export function readStore({ model, redraw }) {
  const plan = /** @type {Plan} */ (model.get("plan"));
  const { covered, input_size: input, image_size: size, levels, reached, settings } = plan;
  const [y, x] = [input[0] / size[0], input[1] / size[1]];
  const scaled = (/** @type {Box} */ box, /** @type {number} */ sx, /** @type {number} */ sy) =>
    /** @type {Box} */ ([box[0] * sx, box[1] * sy, box[2] * sx, box[3] * sy]);
  const [boxes, scores] = ["top_boxes", "top_scores"].map((name) => typed(model.get(name), Float32Array));
  const top = { boxes, scores, levels: typed(model.get("top_levels"), Uint8Array) };
  const stages = derived(
    () => `${model.get("pre_nms_top_n")} ${model.get("post_nms_top_n")}`,
    () =>
      proposeByLevel(top, {
        ...{ preNmsTopN: model.get("pre_nms_top_n"), postNmsTopN: model.get("post_nms_top_n") },
        ...{ nmsThresh: settings.nms_thresh, minSize: settings.min_size, scoreThresh: settings.score_thresh },
      }),
  );
  const objects = derived(
    () => model.get("objects"),
    () =>
      objectsOf(model).map((one) => {
        const box = scaled(one.box, x, y);
        return { ...one, inInput: box, fits: fitsOf(levels, box, reached) };
      }),
  );
  return {
    ...{ plan, top, stages, objects, covered },
    styles: lineStyles(model.get("look")),
    photo: loadPhoto(() => model.get("image"), redraw),
    heat: heatMaps(model, plan, redraw),
    /** From the network's input to the picture. @param {Box} box */
    onPicture: (box) => scaled(box, 1 / x, 1 / y),
  };
}

/** The best score of each cell, as a picture of each level; null until it is there. @param {Model} model @param {Plan} plan @param {() => void} redraw */
function heatMaps(model, { levels, scored }, redraw) {
  if (!scored) return () => null;
  const stops = model.get("look").heat;
  return derived(loadHundredths(model.get("scores"), redraw), (scores) => {
    const counts = levels.map(anchorsOf);
    const first = (/** @type {number} */ i) => counts.slice(0, i).reduce((sum, count) => sum + count, 0);
    return (
      scores &&
      levels.map((level, i) => {
        const [rows, cols] = level.size;
        const own = scores.subarray(first(i), first(i + 1));
        const per = level.cells.length;
        const best = (/** @type {number} */ cell) => Math.max(...own.subarray(cell * per, (cell + 1) * per));
        const bright = Uint8Array.from({ length: rows * cols }, (_, cell) => 255 * Math.sqrt(best(cell)));
        return heatImage(bright, rows, cols, stops);
      })
    );
  });
}

/** @param {Context} context */
function readMoment({ model, store: { covered, heat, objects: read, plan, stages: proposed, top } }) {
  const { levels, scored } = plan;
  const [objects, stages] = [read(), proposed()];
  const picked = Math.min(model.get("selected"), objects.length - 1);
  const object = picked < 0 ? null : objects[picked];
  const left = [stages.topInds, stages.nmsInds, stages.postNmsInds].map((rows) =>
    countByLevel(top, rows, levels.length),
  );
  const found = objects.map(({ inInput }) => covering(top, stages.postNmsInds, inInput, covered));
  const [pre, post] = ["pre_nms_top_n", "post_nms_top_n"].map((name) => /** @type {number} */ (model.get(name)));
  return {
    ...{ objects, picked, object, stages, left, found, pre, post, heat: heat() },
    level: /** @type {number} */ (model.get("level")),
    shown: /** @type {string} */ (scored ? model.get("shown") : "anchors"),
    why: object ? whyLevel(object.name, levels, object.fits) : "Pick an object, or draw one.",
    how: scored ? whyCounts(left[0], stages.postNmsInds.length, pre, post) : "",
  };
}

/** A sentence of the moment. @param {"why" | "how"} which @returns {Part} */
function sentence(which) {
  const element = h("p", { class: `rpnviz-${which}` });
  return { element, draw: (now) => setText(element, now[which]) };
}

/** The picture with the objects, and with anchors or proposals. @param {Context} context @returns {Part[]} */
function picture({ model, store, redraw }) {
  const { photo, plan } = store;
  const [height, width] = plan.image_size;
  const walk = (/** @type {number} */ dx, /** @type {number} */ dy) => {
    const last = store.objects().length - 1;
    if (last >= 0) commit(model, { selected: clamp(Math.min(model.get("selected"), last) + dx + dy, 0, last) });
  };
  const pick = (/** @type {MouseEvent} */ event) => {
    const at = objectAt(store.objects(), panel.at(event));
    if (at >= 0) commit(model, { selected: at });
  };
  const panel = new Panel({
    extent: plan.extent,
    className: "rpnviz-picture",
    label: "The picture with its objects; arrow keys walk through them",
    what: HINT,
    attributes: { tabindex: 0, role: "application", ...OWN_KEYS, keydown: arrowKeys(walk), click: pick },
    onResize: redraw,
  });
  const editor = new ObjectEditor({ model, panel, imageSize: plan.image_size, redraw });
  return [
    {
      element: h("div", { class: "rpnviz-two-boxes" }, panel.canvas, editor.layer),
      draw(now) {
        editor.draw();
        const bitmap = photo.bitmap;
        if (!panel.begin() || !bitmap) return;
        panel.backdrop("photo", () => panel.image(bitmap, [0, 0, width, height]));
        drawBoxes(panel, store, now);
      },
      destroy: () => panel.destroy(),
    },
    { element: editor.bar },
  ];
}

/** The smallest object under the mouse, or the nearest outline; −1 if none is near. @param {Drawn[]} objects @param {[number, number]} at */
function objectAt(objects, [x, y]) {
  const area = (/** @type {Box} */ [x1, y1, x2, y2]) => (x2 - x1) * (y2 - y1);
  const under = objects.flatMap(({ box }, i) => (box[0] <= x && x <= box[2] && box[1] <= y && y <= box[3] ? [i] : []));
  if (under.length) return under.reduce((best, i) => (area(objects[i].box) < area(objects[best].box) ? i : best));
  return nearestOutline(
    objects.map(({ box }) => box),
    ...[x, y],
    REACH,
  );
}

/** @param {Panel} panel @param {Store} store @param {Moment} now */
function drawBoxes(panel, { onPicture, plan: { levels }, styles, top }, now) {
  const { found, level, object, objects, picked, shown, stages } = now;
  const isDrawn = (/** @type {number} */ i) => level < 0 || level === i;
  const rows = shown === "anchors" ? [] : shown === "proposals" ? stages.postNmsInds : found[picked] || [];
  const boxes = Array.from(rows)
    .filter((row) => isDrawn(top.levels[row]))
    .slice(0, BEST);
  for (const row of boxes.reverse()) {
    const line = thin(styles.proposal);
    panel.box(onPicture(boxAt(top.boxes, row)), line, { alpha: boxes.length > FEW ? 0.6 : 1 });
  }
  objects.forEach(({ box }, i) => panel.box(box, styles.ground_truth, { strong: i === picked }));
  if (shown !== "anchors" || !object) return;
  const anchors = object.fits.map(({ box, iou }, i) => ({
    text: `${levels[i].name} ${fixed(iou)}`,
    box: onPicture(box),
    style: styles.anchor,
  }));
  const best = answering(object.fits);
  const drawn = anchors.filter((_, i) => isDrawn(i));
  for (const one of drawn) panel.box(one.box, one.style, { strong: one === anchors[best] });
  panel.tags(drawn.reverse());
}

/** Which boxes are drawn on the picture. @param {Context} context @returns {Part} */
function whichBoxes({ model, store: { plan } }) {
  const shown = segmented({
    label: "which boxes",
    options: [
      { value: "anchors", label: "best anchors", what: "The anchor of each level that fits the object best." },
      { value: "on it", label: "proposals on it", what: `The proposals that cover the object at IoU ${plan.covered}.` },
      {
        value: "proposals",
        label: `the best ${BEST}`,
        what: `The best ${BEST} proposals. Press a level in the table to see its own, without the others.`,
      },
    ],
    onChange: (value) => commit(model, { shown: value }),
  });
  return {
    element: shown.element,
    draw: (now) => {
      shown.set(now.shown);
      if (!plan.scored) shown.disable(true, "Anchors alone: this detector makes no proposals.");
    },
  };
}

/** The map of each level, side by side. @param {Context} context @returns {Part} */
function mapStrip({ store: { plan, styles }, redraw }) {
  const { input_size: input, levels, scored } = plan;
  const what = scored
    ? "The map of each level: the best score of each cell, the object in white, its best anchor in sand."
    : "The map of each level: the object in white, its best anchor in sand.";
  const panels = levels.map(
    ({ name, size }) =>
      new Panel({
        extent: [0, 0, input[1], input[0]],
        className: "rpnviz-level-map",
        label: `${name}, ${size[0]}×${size[1]} cells`,
        what,
        attributes: { role: "img" },
        onResize: redraw,
      }),
  );
  const names = levels.map(({ name, size }) => h("figcaption", {}, `${name} `, h("span", {}, `${size[0]}×${size[1]}`)));
  return {
    element: h("div", { class: "rpnviz-strip" }, ...panels.map(({ canvas }, i) => h("figure", {}, canvas, names[i]))),
    draw({ heat, level, object }) {
      panels.forEach((panel, i) => {
        const { size, step } = levels[i];
        panel.canvas.parentElement?.classList.toggle("rpnviz-hot", level === i);
        if (!panel.begin()) return;
        panel.fill(panel.extent, styles.ground_truth.casing);
        const whole = /** @type {Box} */ ([0, 0, size[1] * (step[1] || input[1]), size[0] * (step[0] || input[0])]);
        if (heat) panel.image(heat[i], whole, true);
        if (!object) return;
        panel.box(object.inInput, { ...styles.ground_truth, width: 1 });
        panel.box(object.fits[i].box, styles.anchor);
      });
    },
    destroy: () => panels.forEach((panel) => panel.destroy()),
  };
}

/** A row for each object: its size, and who answers. @param {Context} context @returns {Part} */
function objectTable({ model, store: { plan } }) {
  const { covered, levels, scored } = plan;
  const rows = table({
    label: "objects",
    className: "rpnviz-objects",
    heads: [
      { text: "object", what: "Press a row to ask about that object." },
      { text: "size", what: "Width and height in pixels of the network's input." },
      { text: "answers", what: "The level whose anchor fits it best." },
      { text: "best IoU", what: "The best IoU that any anchor of any level has with it." },
      ...(scored ? [{ text: "proposals on it", what: `Proposals that cover it at IoU ${covered}.` }] : []),
    ],
    rows: [],
    onPick: (i) => commit(model, { selected: i }),
  });
  return {
    element: rows.element,
    draw({ found, objects, picked }) {
      rows.setRows(objects.map(({ name }) => name));
      rows.write(
        objects.map(({ inInput: [x1, y1, x2, y2], fits }, i) => {
          const best = answering(fits);
          const answer = fits[best].iou ? levels[best].name : "–";
          const size = `${thousands(x2 - x1)}×${thousands(y2 - y1)}`;
          return [size, answer, fixed(fits[best].iou), ...(scored ? [thousands(found[i].length)] : [])];
        }),
      );
      rows.mark("rpnviz-hot", (i) => i === picked);
    },
  };
}

/** A row for each level, and one for all. @param {Context} context @returns {Part} */
function levelTable({ model, store: { plan, top } }) {
  const { levels, reached, scored } = plan;
  const stages = [
    { text: "into NMS", what: "The best scores of the level: at most pre_nms_top_n." },
    { text: "kept", what: "What NMS keeps of these; each level has an NMS of its own." },
    { text: "proposals", what: "The best of all levels together: at most post_nms_top_n." },
    { text: "on it", what: "Proposals that cover the object." },
  ];
  const rows = table({
    label: "levels",
    className: "rpnviz-levels",
    heads: [
      { text: "level", what: "Press a row to see this level alone; press it again for all." },
      { text: "stride", what: "From cell to cell, in pixels of the network's input." },
      { text: "anchors", what: "Cells times anchors of a cell." },
      { text: "at most", what: "The IoU of the level's best shape if it stood right on the object." },
      { text: "best IoU", what: "The best IoU that an anchor of the level has where it stands." },
      {
        text: `≥ ${reached}`,
        what: `This many anchors of the level reach an IoU of ${reached}: positive in training.`,
      },
      ...(scored ? stages : []),
    ],
    rows: [...levels.map(({ name }) => ({ head: [name] })), { head: ["all"], what: "All levels together." }],
    onPick: (i) => commit(model, { level: i === levels.length || i === model.get("level") ? -1 : i }),
  });
  const strides = levels.map(({ stride: [y, x] }) => (x === y ? String(x) : `${x}, ${y}`));
  const numbers = levels.map(anchorsOf);
  return {
    element: rows.element,
    draw({ found, left, level, object, picked }) {
      const fits = object ? object.fits : [];
      const onIt = countByLevel(top, picked < 0 ? new Int32Array() : found[picked], levels.length);
      const counted = [fits.map(({ reaching }) => reaching), ...(scored ? [...left, onIt] : [])];
      const ofObject = (/** @type {"atMost" | "iou"} */ which) => fits.map((fit) => fit[which]);
      const lines = levels.map((_, i) => [
        ...[strides[i], thousands(numbers[i])],
        ...[ofObject("atMost"), ofObject("iou")].map((values) => (object ? fixed(values[i]) : "")),
        ...counted.map((counts) => thousands(counts[i] || 0)),
      ]);
      const best = ["atMost", "iou"].map((which) =>
        object ? fixed(Math.max(...ofObject(/** @type {"atMost" | "iou"} */ (which)))) : "",
      );
      const sums = [numbers, ...counted].map((counts) => thousands(counts.reduce((a, b) => a + b, 0)));
      rows.write([...lines, ["", sums[0], ...best, ...sums.slice(1)]]);
      rows.mark("rpnviz-hot", (i) => i === level);
      rows.mark("rpnviz-answers", (i) => object !== null && i === answering(fits) && fits[i].iou > 0);
    },
  };
}

/** How many go into NMS and come out. @param {Context} context @returns {Part[]} */
function counts({ model, store: { plan } }) {
  if (!plan.scored) return [];
  const control = (/** @type {string} */ name, /** @type {number} */ max, /** @type {string} */ what) =>
    slider({ label: name, min: 1, max, what, format: thousands, onInput: (value) => commit(model, { [name]: value }) });
  const pre = control("pre_nms_top_n", plan.most[0], "pre_nms_top_n: this many of each level go into NMS.");
  const post = control("post_nms_top_n", plan.most[1], "post_nms_top_n: this many come out of all levels together.");
  return [
    { element: pre.element, draw: (now) => pre.set(now.pre) },
    { element: post.element, draw: (now) => post.set(now.post) },
    sentence("how"),
  ];
}
