// @ts-check
// From all anchors to the proposals, stage by stage (notebook 08). Python proposes; the page shows who is left.

import { anchorGeometry } from "../common/anchor_map.js";
import { lineStyles, nearestOutline, Panel, swatch } from "../common/canvas_panel.js";
import {
  choice,
  explains,
  h,
  numberField,
  OWN_KEYS,
  scroller,
  segmented,
  setText,
  slider,
} from "../common/elements.js";
import { frame } from "../common/explorer_frame.js";
import { thousands } from "../common/format.js";
import { commit, scheduler, typed, watch } from "../common/model.js";
import { clipped, explanations, readResult } from "./result.js";

/** @typedef {import("../common/compute/boxes.js").Box} Box */
/** @typedef {import("../common/model.js").Model} Model */

const SETTINGS = ["pre_nms_top_n", "post_nms_top_n", "nms_thresh", "min_size"];
const HINT =
  "Choose a stage. Point at a box; click it, or walk with the arrow keys, to follow it through the stages. Escape lets it go.";
const NO_KERNEL = "In a saved page the settings stay as they are: Python proposes.";
const REACH = 10; // picture px within which the mouse finds an outline
const WALK = /** @type {Record<string, number>} */ ({ ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 });

/**
 * One row for each stage: what is left, what it drops, which objects are still covered.
 * @param {{stages: string[], covered: number[], objects: any[]}} plan @param {(stage: number) => void} onPick
 */
function stageTable({ stages, covered, objects }, onPick) {
  const group = `rpnviz-${Math.random().toString(36).slice(2)}`;
  const lines = stages.map((name, i) => {
    const input = h("input", { type: "radio", name: group, change: () => onPick(i), ...OWN_KEYS });
    const [left, dropped, bar, ...found] = [h("b"), h("td"), h("i"), ...covered.map(() => h("td"))];
    const tr = h(
      "tr",
      { click: () => onPick(i) },
      h("th", { scope: "row" }, h("label", {}, input, h("span", {}, name))),
      h("td", { class: "rpnviz-left-over" }, bar, left),
      dropped,
      ...found,
    );
    return { tr, input, left, dropped, bar, found };
  });
  const heads = ["stage", "left", "dropped", ...covered.map((iou) => `IoU ≥ ${iou}`)];
  const what = "Of the picture's objects, how many are covered by some box that is left, at this IoU.";
  const head = heads.map((text, k) => h("th", { scope: "col", what: k > 2 ? what : null }, text));
  const over = h(
    "tr",
    {},
    h("td", { colspan: 3 }),
    h("th", { scope: "colgroup", colspan: covered.length, what }, "objects covered at"),
  );
  return {
    element: scroller(
      "stages",
      "",
      h(
        "table",
        { class: "rpnviz-stages" },
        h("thead", {}, over, h("tr", {}, ...head)),
        h("tbody", {}, ...lines.map(({ tr }) => tr)),
      ),
    ),
    /** @param {{left: number[], covered: number[][]}} result @param {number} stage */
    show(result, stage) {
      lines.forEach(({ tr, input, left, dropped, bar, found }, i) => {
        const gone = i ? result.left[i - 1] - result.left[i] : 0;
        setText(left, thousands(result.left[i]));
        setText(dropped, gone ? `−${thousands(gone)}` : "");
        bar.style.width = `${(100 * result.left[i]) / result.left[0]}%`;
        found.forEach((td, k) => setText(td, `${result.covered[i][k]} of ${objects.length}`));
        tr.classList.toggle("rpnviz-hot", i === stage);
        input.checked = i === stage;
      });
    },
  };
}

/** @param {{model: Model, el: HTMLElement}} context */
export async function render({ model, el }) {
  const plan = model.get("plan");
  const {
    image_size: [height, width],
    extent,
    objects,
    presets,
  } = plan;
  const styles = lineStyles(model.get("look"));
  const geometry = anchorGeometry(plan);
  const [eighths, scores] = [typed(model.get("decoded"), Int16Array), typed(model.get("scores"), Float32Array)];
  const photo = await createImageBitmap(new Blob([typed(model.get("image"), Uint8Array)]));
  const page = frame(
    { model, el },
    {
      className: "rpnviz-stage-by-stage",
      label: "From all anchors to the proposals",
      hint: HINT,
      keys: [
        ["← ↑ on the picture", "follow the box before this one"],
        ["→ ↓ there", "follow the next box"],
        ["Esc there", "let it go"],
      ],
    },
  );
  let result = readResult(model.get("result"));
  let drawn = /** @type {number[]} */ ([]);
  let pointed = -1;

  const pick = (/** @type {number} */ stage) => commit(model, { stage, ...(stage < 3 ? { side: "left" } : {}) });
  const table = stageTable(plan, pick);
  const whose = choice({
    label: "whose settings",
    what: "Whose settings: the paper's, py-faster-rcnn's, torchvision's or detectron2's, for training or in use.",
    onChange: (i) =>
      i !== "own" && commit(model, Object.fromEntries(SETTINGS.map((name) => [name, presets[Number(i)][name]]))),
  });
  whose.fill([
    ...presets.map((/** @type {any} */ { name, phase }, /** @type {number} */ i) => ({
      value: String(i),
      label: `${name}, ${phase}`,
    })),
    { value: "own", label: "your own" },
  ]);
  const field = (
    /** @type {string} */ name,
    /** @type {number} */ least,
    /** @type {number} */ max,
    /** @type {string} */ what,
  ) => {
    const { element, set } = numberField({
      name,
      className: "rpnviz-number",
      max,
      what: `${name}: ${what}`,
      onChange: (value) => commit(model, { [name]: value }),
    });
    element.min = String(least);
    element.step = "any";
    if (least) element.step = "1";
    return { name, element, set, label: h("label", {}, `${name} `, element) };
  };
  const fields = [
    field("pre_nms_top_n", 1, geometry.count, "so many of the best scores go into NMS."),
    field("post_nms_top_n", 1, geometry.count, "at most so many proposals come out."),
    field("min_size", 0, Math.min(width, height), "smallest height and width in px."),
  ];
  const thresh = slider({
    label: "nms_thresh",
    max: 1,
    step: 0.05,
    format: (value) => value.toFixed(2),
    what: "nms_thresh: a box is suppressed if a better kept box overlaps it with an IoU above it.",
    onInput: (value) => commit(model, { nms_thresh: value }),
  });
  const side = segmented({
    label: "which boxes",
    what: "Draw what is left after the stage, or what it drops.",
    options: [
      { value: "left", label: "left" },
      { value: "dropped", label: "dropped here" },
    ],
    onChange: (value) => commit(model, { side: value }),
  });
  const shown = slider({
    label: "draw",
    name: "boxes drawn",
    min: 1,
    max: 2000,
    what: "So many boxes are drawn, best score first.",
    onInput: (value) => commit(model, { shown: value }),
  });
  const [why, about, how] = [
    h("p", { class: "rpnviz-why" }),
    h("p", { class: "rpnviz-followed" }),
    h("p", { class: "rpnviz-drawn" }),
  ];
  const key = (/** @type {string} */ style, /** @type {string} */ words) =>
    h("span", { class: "rpnviz-key" }, swatch(styles[style]), words);

  const boxAtStage = (/** @type {number} */ i, /** @type {number} */ stage) => {
    if (stage === 0) return geometry.box(i);
    const moved = /** @type {Box} */ (Array.from(eighths.subarray(4 * i, 4 * i + 4), (value) => value / 8));
    return stage === 1 ? moved : clipped(moved, width, height);
  };
  const panel = new Panel({
    extent,
    className: "rpnviz-picture",
    label: "The picture with the boxes of the stage; arrow keys walk through them",
    what: HINT,
    attributes: {
      tabindex: 0,
      role: "application",
      ...OWN_KEYS,
      keydown: (/** @type {KeyboardEvent} */ event) => {
        if (event.ctrlKey || event.metaKey || event.altKey || !(WALK[event.key] || event.key === "Escape")) return;
        const at = drawn.indexOf(model.get("selected")) + (WALK[event.key] || 0);
        commit(model, {
          selected: event.key === "Escape" ? -1 : (drawn[Math.max(0, Math.min(at, drawn.length - 1))] ?? -1),
        });
        event.preventDefault();
        event.stopPropagation();
      },
      pointermove: (/** @type {PointerEvent} */ event) => point(nearest(event)),
      pointerleave: () => point(-1),
      click: (/** @type {MouseEvent} */ event) => commit(model, { selected: nearest(event) }),
    },
    onResize: () => draw(),
  });
  const nearest = (/** @type {MouseEvent} */ event) => {
    const at = nearestOutline(
      drawn.map((i) => boxAtStage(i, model.get("stage"))),
      ...panel.at(event),
      REACH,
    );
    return at < 0 ? -1 : drawn[at];
  };
  const point = (/** @type {number} */ i) => {
    if (i === pointed) return;
    pointed = i;
    redraw();
  };

  page.body.append(
    h(
      "figure",
      {},
      h(
        "div",
        { class: "rpnviz-controls" },
        h("label", {}, "whose settings ", whose.element),
        ...fields.map(({ label }) => label),
      ),
      thresh.element,
      table.element,
      why,
    ),
    h(
      "figure",
      {},
      panel.canvas,
      h(
        "div",
        { class: "rpnviz-controls" },
        side.element,
        key("proposal", "left"),
        key("negative", "dropped here"),
        key("window", "followed"),
        key("ground_truth", "object"),
      ),
      shown.element,
      how,
      about,
    ),
  );
  if (!model.get("has_kernel")) {
    for (const input of [whose.element, thresh.input, ...fields.map(({ element }) => element)]) {
      input.disabled = true;
      explains(input, NO_KERNEL);
    }
  }

  const waiting = () => SETTINGS.some((name) => model.get("answered")[name] !== model.get(name));
  const showBusy = () => page.busy(model.get("has_kernel") && waiting() && !model.get("error") ? "proposing" : "");
  const receive = () => {
    result = readResult(model.get("result"));
    redraw();
  };

  /** Where the anchor that is pointed at or followed is now, and where it ends. @param {number} i */
  function follow(i) {
    if (i < 0) return "Point at a box to read what becomes of it.";
    return `${geometry.words(i)}: score ${scores[i].toFixed(3)}, ${result.fate(i)}.`;
  }

  function drawPicture(/** @type {number} */ stage, /** @type {number} */ followed) {
    if (!panel.begin()) return;
    panel.backdrop("photo", () => panel.image(photo, [0, 0, width, height]));
    const line = { ...styles[model.get("side") === "left" ? "proposal" : "negative"], width: 1, casing: "transparent" };
    for (const i of [...drawn].reverse()) panel.box(boxAtStage(i, stage), line, { alpha: drawn.length > 40 ? 0.6 : 1 });
    for (const { box } of objects) panel.box(box, styles.ground_truth);
    if (followed < 0) return;
    const box = boxAtStage(followed, stage);
    const gone = !result.isLeft(followed, stage);
    const by = result.isDropped(followed, stage) ? result.suppressor(followed) : -1;
    const tags = [{ text: gone ? "dropped" : scores[followed].toFixed(3), box, style: styles.window }];
    if (by >= 0) {
      panel.box(boxAtStage(by, stage), styles.proposal, { strong: true });
      tags.push({ text: "suppressed it", box: boxAtStage(by, stage), style: styles.proposal });
    }
    panel.box(box, gone ? { ...styles.window, dash: styles.crosses_border.dash } : styles.window, { strong: true });
    panel.tags(tags);
  }

  function draw() {
    const [stage, which, selected] = [model.get("stage"), model.get("side"), model.get("selected")];
    const sent = model.get("result");
    for (const { name, set } of fields) set(String(model.get(name)));
    thresh.set(model.get("nms_thresh"));
    shown.set(model.get("shown"));
    side.set(which);
    side.disable(stage < 3, "This stage drops nobody.");
    const preset = presets.findIndex((/** @type {any} */ one) =>
      SETTINGS.every((name) => one[name] === model.get(name)),
    );
    whose.set(preset < 0 ? "own" : String(preset));
    table.show(sent, stage);
    const all = result.list(stage, which);
    drawn = all.slice(0, model.get("shown"));
    const last = drawn.length ? scores[drawn[drawn.length - 1]] : 0;
    setText(
      how,
      drawn.length
        ? `Drawn: the best ${thousands(drawn.length)} of ${thousands(all.length)}, scores ${scores[drawn[0]].toFixed(3)} to ${last.toFixed(3)}.`
        : "There is nothing to draw.",
    );
    setText(why, explanations(model.get("answered"), stage ? sent.left[stage - 1] - sent.left[stage] : 0)[stage]);
    const followed = pointed >= 0 ? pointed : selected;
    setText(about, follow(followed));
    page.root.dataset.stage = String(stage);
    page.say(
      `${plan.stages[stage]}: ${thousands(sent.left[stage])} left. ${why.textContent} ${selected < 0 ? "" : about.textContent}`,
    );
    drawPicture(stage, followed);
  }

  const redraw = scheduler(draw);
  page.onDestroy(watch(model, ["result"], receive));
  page.onDestroy(
    watch(model, [...SETTINGS, "answered", "error"], () => {
      showBusy();
      redraw();
    }),
  );
  page.onDestroy(watch(model, ["stage", "side", "shown", "selected"], redraw));
  page.onDestroy(() => panel.destroy());
  draw();
  return page.destroy;
}
