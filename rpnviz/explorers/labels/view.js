// @ts-check
// All anchors of a picture by label; the thresholds and both switches ask the kernel again (notebook 04).

import { drawMap, LABEL_OF, labelImage, mapPanel } from "../common/anchor_map.js";
import { lineStyles, Panel, swatch } from "../common/canvas_panel.js";
import { checkbox, explains, h, scroller, setText } from "../common/elements.js";
import { frame } from "../common/explorer_frame.js";
import { thousands } from "../common/format.js";
import { commit, scheduler, typed, watch } from "../common/model.js";
import { thresholdLine } from "../common/threshold_line.js";

/** @typedef {import("../common/compute/boxes.js").Box} Box */
/** @typedef {import("../common/model.js").Model} Model */
/** @typedef {import("../common/anchor_map.js").Plan} Plan */
/** @typedef {{name: string, best_iou: number, tied: number, by_threshold: number, by_rule: number}} ObjectRow */

const SETTINGS = ["bg_iou_thresh", "fg_iou_thresh", "allow_low_quality_matches", "drop_cross_boundary"];
const HINT =
  "One square of the map is one anchor. Point at it, or click and walk with the arrows (Shift: a whole cell).";
const NO_KERNEL = "In a saved page the labels stay as they are: they are computed in Python.";

/** The four counts. @param {Record<string, import("../common/canvas_panel.js").LineStyle>} styles */
function countList(styles) {
  /** @type {[string, string, string][]} */
  const kinds = [
    ["positive", "positive", "An object for the network. Pale squares: positive only as the best anchor of an object."],
    ["negative", "negative", "Background for the network: IoU below the lower threshold with every object."],
    ["ignored", "ignored", "Neither: no loss. IoU between the thresholds."],
    ["crosses_border", "crosses border", "Reaches beyond the picture: left out before labelling."],
  ];
  const outs = Object.fromEntries(kinds.map(([key]) => [key, h("b")]));
  const element = h(
    "div",
    { class: "rpnviz-counts" },
    ...kinds.map(([key, name, what]) => h("span", { what }, swatch(styles[key]), `${name} `, outs[key])),
  );
  return {
    element,
    show: (/** @type {Record<string, number>} */ counts) =>
      kinds.forEach(([key]) => setText(outs[key], thousands(counts[key]))),
  };
}

/** A row for each object. @param {ObjectRow[]} rows @param {(m: number) => void} onPoint −1: none */
function objectTable(rows, onPoint) {
  /** @type {[string, string][]} */
  const heads = [
    ["object", "Point at a row: the object's positive anchors stand out."],
    ["best IoU", "The best IoU that any labelled anchor reaches with the object."],
    ["tied", "How many anchors share this best IoU."],
    ["by IoU", "Positive anchors of the object because their IoU reaches the upper threshold."],
    ["by best rule", "Positive anchors of the object only because it has no better ones."],
  ];
  const lines = rows.map((row, m) => {
    const cells = heads.slice(1).map(() => h("td"));
    const point = () => onPoint(m);
    const leave = () => onPoint(-1);
    return {
      cells,
      row: h(
        "tr",
        { tabindex: 0, pointerenter: point, focus: point, pointerleave: leave, blur: leave },
        h("th", { scope: "row" }, row.name),
        ...cells,
      ),
    };
  });
  const head = h("thead", {}, h("tr", {}, ...heads.map(([text, what]) => h("th", { scope: "col", what }, text))));
  return {
    element: scroller(
      "objects",
      "rpnviz-objects",
      h("table", {}, head, h("tbody", {}, ...lines.map(({ row }) => row))),
    ),
    /** @param {ObjectRow[]} now @param {number} pointed */
    show(now, pointed) {
      now.forEach((row, m) => {
        const texts = [
          row.best_iou.toFixed(2),
          thousands(row.tied),
          thousands(row.by_threshold),
          thousands(row.by_rule),
        ];
        texts.forEach((text, k) => setText(lines[m].cells[k], text));
        lines[m].row.classList.toggle("rpnviz-none", row.by_threshold + row.by_rule === 0);
        lines[m].row.classList.toggle("rpnviz-hot", m === pointed);
      });
    },
  };
}

/** Why an anchor has its label. @param {number} code @param {number} iou @param {number} bg @param {number} fg */
function reason(code, iou, bg, fg) {
  const shown = iou.toFixed(2);
  if (code === 2) return `Positive, though only ${shown}: some object has no better anchor`;
  if (code === 1) return `Positive: ${shown} ≥ ${fg.toFixed(2)}`;
  if (code === 0) return `Negative: ${shown} < ${bg.toFixed(2)}`;
  return code === -1 ? `Ignored: ${shown} lies between the thresholds` : "Crosses the border: left out of training";
}

/** @param {{model: Model, el: HTMLElement}} context */
export async function render({ model, el }) {
  const plan = /** @type {Plan} */ (model.get("plan"));
  const styles = lineStyles(model.get("look"));
  const photo = await createImageBitmap(new Blob([typed(model.get("image"), Uint8Array)]));
  const [iou, owner] = [typed(model.get("iou"), Float32Array), typed(model.get("best_gt"), Int16Array)];
  const page = frame(
    { model, el },
    {
      className: "rpnviz-label-map",
      label: "All anchors by label",
      hint: HINT,
      keys: [
        ["← → ↑ ↓ on the map", "the next anchor in that direction"],
        ["Shift + ← → ↑ ↓ there", "the same anchor of the next cell"],
      ],
    },
  );
  const border = /** @type {Box} */ ([0, 0, plan.image_size[1], plan.image_size[0]]);
  let codes = new Int8Array();
  let version = 0;
  /** @type {HTMLCanvasElement} */
  let squares;
  /** @type {number[]} */
  let positives = [];
  let pointed = -1; // the anchor under the mouse
  let object = -1; // the object of the row under mouse or focus

  const { panel: map, geometry } = mapPanel({
    plan,
    label: "Map of all anchors",
    what: HINT,
    selected: () => model.get("selected"),
    onSelect: (i) => commit(model, { selected: i }),
    onPoint: (i) => {
      pointed = i;
      redraw();
    },
    onResize: () => draw(),
  });
  const panel = new Panel({
    extent: plan.extent,
    className: "rpnviz-picture",
    label: "The picture with its positive anchors",
    onResize: () => draw(),
    what: "The picture: objects in white, their positive anchors, and the anchor you point at. An orange object has no positive anchor.",
    attributes: { role: "img" },
  });
  const thresholds = thresholdLine({
    styles,
    onInput: (bg, fg) => commit(model, { bg_iou_thresh: bg, fg_iou_thresh: fg }),
  });
  const toggle = (/** @type {string} */ name, /** @type {string} */ label, /** @type {string} */ what) => ({
    name,
    ...checkbox({ label, what: `${name}: ${what}`, onChange: (on) => commit(model, { [name]: on }) }),
  });
  const switches = [
    toggle(
      "allow_low_quality_matches",
      "best anchor of each object",
      "the best anchors of an object are positive, whatever their IoU is.",
    ),
    toggle("drop_cross_boundary", "leave out border crossers", "anchors that reach beyond the picture get no label."),
  ];
  const counts = countList(styles);
  const table = objectTable(model.get("object_rows"), (m) => {
    object = m;
    redraw();
  });
  const about = h("p", { class: "rpnviz-about" });

  page.body.append(
    h(
      "figure",
      {},
      map.canvas,
      thresholds.element,
      h("div", { class: "rpnviz-controls" }, ...switches.map(({ element }) => element)),
      counts.element,
    ),
    h("figure", {}, panel.canvas, about, table.element),
  );
  if (!model.get("has_kernel")) {
    for (const input of [...thresholds.inputs, ...switches.map(({ input }) => input)]) {
      input.disabled = true;
      explains(input, NO_KERNEL);
    }
  }

  /** Is Python still at the settings of before? */
  const waiting = () => SETTINGS.some((name) => model.get("answered")[name] !== model.get(name));
  const showBusy = () => page.busy(model.get("has_kernel") && waiting() && !model.get("error") ? "labelling" : "");
  const receive = () => {
    codes = typed(model.get("codes"), Int8Array);
    positives = [...codes.keys()].filter((i) => codes[i] > 0);
    squares = labelImage(geometry, codes, styles, plan);
    version += 1;
    redraw();
  };

  function drawPicture(/** @type {number} */ shown) {
    if (!panel.begin()) return;
    panel.backdrop("photo", () => panel.image(photo, border));
    for (const i of positives) {
      if (object < 0 || owner[i] === object)
        panel.box(geometry.box(i), { ...styles.positive, width: 1.2 }, { alpha: object < 0 ? 0.4 : 0.9 });
    }
    const rows = /** @type {ObjectRow[]} */ (model.get("object_rows"));
    const lost = rows.map((row) => row.by_threshold + row.by_rule === 0);
    const style = (/** @type {number} */ m) => (lost[m] ? styles.negative : styles.ground_truth);
    plan.objects.forEach(({ box }, m) => panel.box(box, style(m), { strong: m === object || lost[m] }));
    const label = styles[LABEL_OF[codes[shown]]];
    panel.box(geometry.box(shown), label, { strong: true });
    panel.tags([
      { text: `IoU ${iou[shown].toFixed(2)}`, box: geometry.box(shown), style: label },
      ...plan.objects.map(({ name, box }, m) => ({
        text: lost[m] ? `${name}: no anchor` : name,
        box,
        style: style(m),
      })),
    ]);
  }

  function draw() {
    const [bg, fg, best, drop] = SETTINGS.map((name) => model.get(name));
    thresholds.set(bg, fg);
    [best, drop].forEach((on, k) => switches[k].set(on));
    counts.show(model.get("counts"));
    const shown = pointed >= 0 ? pointed : model.get("selected");
    table.show(model.get("object_rows"), object >= 0 ? object : owner[shown]);
    const { row, col } = geometry.place(shown);
    const whose =
      owner[shown] < 0
        ? "no overlap with any object"
        : `best IoU ${iou[shown].toFixed(2)} with ${plan.objects[owner[shown]].name}`;
    setText(
      about,
      `Row ${row}, column ${col}, ${geometry.name(shown)}: ${whose}. ${reason(codes[shown], iou[shown], bg, fg)}.`,
    );
    if (map.begin()) {
      map.backdrop(String(version), () => drawMap(map, geometry, squares, { plan, style: styles.ground_truth }));
      const [x, y] = geometry.square(shown);
      map.box([x - 1, y - 1, x + 2, y + 2], styles.window);
    }
    drawPicture(shown);
    const { positive, negative, ignored } = model.get("counts");
    if (pointed < 0)
      page.say(
        `${thousands(positive)} positive, ${thousands(negative)} negative, ${thousands(ignored)} ignored. ${about.textContent}`,
      );
  }

  const redraw = scheduler(draw);
  page.onDestroy(watch(model, ["codes"], receive));
  page.onDestroy(
    watch(model, [...SETTINGS, "answered", "error"], () => {
      showBusy();
      redraw();
    }),
  );
  page.onDestroy(
    watch(model, ["selected"], () => {
      pointed = -1;
      redraw();
    }),
  );
  page.onDestroy(() => [map, panel].forEach((one) => one.destroy()));
  receive();
  draw();
  return page.destroy;
}
