// @ts-check
// One anchor's answer to move: its decoded box, the ledger of its loss, the pull of one step (notebook 06).

import { lineStyles, Panel } from "../common/canvas_panel.js";
import { boxIou, clamp } from "../common/compute/boxes.js";
import {
  crossEntropy,
  decodeBox,
  encodeBox,
  minibatchLosses,
  smoothL1,
  takeStep,
  writeLedger,
} from "../common/compute/rpn.js";
import { checkbox, choice, h, OWN_KEYS, segmented, setText, slider } from "../common/elements.js";
import { frame } from "../common/explorer_frame.js";
import { commit, scheduler, typed, watch } from "../common/model.js";
import { movable } from "../common/movable_box.js";
import { curve } from "./curves.js";
import { fixed, ledgerTables, sumTable } from "./tables.js";

/** @typedef {import("../common/compute/boxes.js").Box} Box */
/** @typedef {import("../common/model.js").Model} Model */
/** @typedef {import("../common/canvas_panel.js").LineStyle} LineStyle */
/** @typedef {{key: string, why: string, size: string, object: string, box: Box, gt: Box | null, label: number, low_quality: boolean,
 *   iou: number, iou_text: string, view: Box, at: number, logit: number, deltas: number[], targets: number[]}} Offered */

const HINT =
  "Drag the blue box by its inside or a corner, or move the sliders; Tab and arrow keys do both. Blue arrows: where one step pulls it, shorter for slopes below 1.";
const NAMES = ["logit", "dx", "dy", "dw", "dh"];
const MEANS = [
  "The raw number that says how sure the network is of an object.",
  "Moves the box sideways, in widths of the anchor.",
  "Moves the box down, in heights of the anchor.",
  "Stretches the width by e^dw; decoding believes at most ln(1000/16).",
  "Stretches the height by e^dh; decoding believes at most ln(1000/16).",
];
const STYLE_OF = /** @type {Record<number, string>} */ ({ 1: "positive", 0: "negative", [-1]: "ignored" });
const WORD_OF = /** @type {Record<number, string>} */ ({ 1: "positive", 0: "negative", [-1]: "left out" });
const SHORT = /** @type {Record<string, string>} */ ({
  best: "fits best",
  worst: "fits worst",
  far: "largest box loss",
  unsure: "lowest score",
  alarm: "highest score",
  easy: "lowest score",
  out: "nearly positive",
});
const PULL = 0.08; // of the panel's width, that an arrow is long for a slope of 1
const SAME = 1e-6; // two answers this close are one

/** An arrow with a casing. @param {Panel} panel @param {[number, number]} from @param {[number, number]} by @param {LineStyle} style */
function arrow(panel, [x, y], [dx, dy], style) {
  const length = Math.hypot(dx, dy);
  const longest = PULL * (panel.extent[2] - panel.extent[0]);
  if (length < 0.02 * longest) return;
  const tip = /** @type {[number, number]} */ ([x + dx, y + dy]);
  const [ux, uy] = [dx / length, dy / length];
  const barb = Math.min(0.16 * longest, length);
  const look = { ...style, width: 3.2, dash: [] };
  panel.line([x, y], tip, look);
  for (const side of [-1, 1])
    panel.line([tip[0] - barb * (ux - side * 0.6 * uy), tip[1] - barb * (uy + side * 0.6 * ux)], tip, look);
  panel.line([x, y], tip, { ...look, casing: "transparent" }); // no casing across the shaft
}

/** Where the four slopes pull the box: its middle by dx and dy, its sides by dw and dh.
 * @param {Panel} panel @param {Box} box @param {{slope: number}[]} rows @param {LineStyle} style */
function drawPull(panel, [x1, y1, x2, y2], rows, style) {
  const [dx, dy, dw, dh] = rows.map(({ slope }) => -slope * PULL * (panel.extent[2] - panel.extent[0]));
  const [x, y] = [(x1 + x2) / 2, (y1 + y2) / 2];
  arrow(panel, [x2, y], [dw / 2, 0], style);
  arrow(panel, [x1, y], [-dw / 2, 0], style);
  arrow(panel, [x, y2], [0, dh / 2], style);
  arrow(panel, [x, y1], [0, -dh / 2], style);
  arrow(panel, [x, y], [dx, 0], style);
  arrow(panel, [x, y], [0, dy], style);
}

/** The smallest box round boxes. @param {Box[]} boxes */
const hull = (boxes) =>
  /** @type {Box} */ ([0, 1, 2, 3].map((i) => Math[i < 2 ? "min" : "max"](...boxes.map((box) => box[i]))));

/** @param {{model: Model, el: HTMLElement}} context */
export async function render({ model, el }) {
  const plan = model.get("plan");
  const offered = /** @type {Offered[]} */ (plan.anchors);
  const styles = lineStyles(model.get("look"));
  const photo = await createImageBitmap(new Blob([typed(model.get("image"), Uint8Array)]));
  const binary = model.get("sample");
  const floats = (/** @type {string} */ name) => typed(binary[name], Float32Array);
  const sample = {
    objectness: floats("objectness"),
    deltas: floats("deltas"),
    targets: floats("targets"),
    labels: typed(binary.labels, Int8Array),
  };
  const page = frame(
    { model, el },
    {
      className: "rpnviz-loss",
      label: "The loss of one anchor",
      hint: HINT,
      keys: [
        ["← → ↑ ↓ on the decoded box", "move it by two pixels"],
        ["Shift + ← → ↑ ↓ there", "resize it"],
      ],
    },
  );
  page.root.style.setProperty("--decoded", styles.proposal.color);
  page.root.style.setProperty("--casing", styles.proposal.casing);
  const border = /** @type {Box} */ ([0, 0, plan.image_size[1], plan.image_size[0]]);
  let trail = /** @type {[number, number][]} */ ([]); // middles of the box before each step

  const anchor = () => offered[model.get("chosen")];
  const way = () => plan.ways.find((/** @type {any} */ one) => one.key === model.get("normalisation"));
  const entry = () => ({
    logit: model.get("logit"),
    deltas: /** @type {number[]} */ (model.get("deltas")),
    label: anchor().label,
    targets: anchor().targets,
  });
  const decoded = () => decodeBox(model.get("deltas"), anchor().box, plan.clip);
  const within = (/** @type {number} */ value, /** @type {number} */ i) => clamp(value, plan.low[i], plan.high[i]);

  /** @param {{logit?: number, deltas?: number[], chosen?: number}} answer */
  const put = ({ logit, deltas, ...rest }, keepTrail = false) => {
    if (!keepTrail) trail = [];
    const values = /** @type {Record<string, any>} */ (rest);
    if (logit !== undefined) values.logit = within(logit, 0);
    if (deltas) values.deltas = deltas.map((delta, k) => within(delta, k + 1));
    commit(model, values);
  };

  const panel = new Panel({
    extent: plan.extent,
    className: "rpnviz-picture",
    label: "The picture with the anchor and its decoded box",
    onResize: () => draw(),
    attributes: { role: "img" },
  });
  const grip = movable({
    name: "decoded box",
    panel,
    get: decoded,
    snap: (pixels) => pixels,
    free: true,
    move: (box) => put({ deltas: encodeBox(box, anchor().box) }),
    what: "The decoded box: the anchor moved by the four deltas. Arrows move it, Shift + arrows resize it.",
  });
  const select = choice({
    label: "anchor",
    className: "rpnviz-anchor-choice",
    what: "Which anchor: the telling ones of this minibatch, and one that was left out.",
    onChange: (i) => put({ chosen: Number(i), logit: offered[Number(i)].logit, deltas: offered[Number(i)].deltas }),
  });
  select.fill(
    offered.map(({ key, label, object, size: sides, iou_text: iou }, i) => ({
      group: WORD_OF[label],
      value: String(i),
      label: `${SHORT[key]}: IoU ${iou}, ${sides}${object ? `, ${object}` : ""}`,
    })),
  );
  const sliders = NAMES.map((name, i) =>
    slider({
      label: name,
      min: plan.low[i],
      max: plan.high[i],
      step: 0.01,
      className: `rpnviz-${name}`,
      what: MEANS[i],
      format: (value) => fixed(value, 2),
      onInput: (value) =>
        i
          ? put({
              deltas: model
                .get("deltas")
                .map((/** @type {number} */ old, /** @type {number} */ k) => (k === i - 1 ? value : old)),
            })
          : put({ logit: value }),
    }),
  );
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
  const button = (/** @type {string} */ text, /** @type {string} */ what, /** @type {() => void} */ click) =>
    h("button", { type: "button", what, click, ...OWN_KEYS }, text);
  const buttons = [
    button("take a step", "One step of gradient descent on this anchor's own loss.", () => {
      const [x1, y1, x2, y2] = decoded();
      trail = [...trail, [(x1 + x2) / 2, (y1 + y2) / 2]];
      put(takeStep(entry(), way().beta, model.get("learning_rate")), true);
    }),
    button("network's answer", "Back to what the network says of this anchor.", () => put(anchor())),
    button("all zero", "The decoded box is the anchor itself.", () => put({ deltas: [0, 0, 0, 0] })),
    button("on target", "The deltas that the network should have said.", () => put({ deltas: anchor().targets })),
  ];
  const ways = segmented({
    label: "whose loss",
    className: "rpnviz-ways",
    what: "Whose smooth L1 the ledger, the arrows and the steps use.",
    options: plan.ways.map((/** @type {any} */ { key }) => ({ value: key, label: key })),
    onChange: (key) => commit(model, { normalisation: key }),
  });
  const closeUp = checkbox({
    label: "close up",
    what: "Show the part of the picture round the anchor.",
    onChange: (on) => commit(model, { close_up: on }),
  });
  const ledger = ledgerTables();
  const sums = sumTable(plan.ways, plan.tensor_losses, sample.labels.length);
  const curves = {
    bce: curve({
      label: "Cross-entropy against the logit",
      x: [-10, 10],
      ticks: [-10, -5, 0, 5, 10],
      top: 10,
      topTicks: [5, 10],
      names: [""],
    }),
    box: curve({
      label: "Smooth L1 against the difference",
      x: [-1, 1],
      ticks: [-1, -0.5, 0, 0.5, 1],
      top: 1,
      topTicks: [0.5, 1],
      names: NAMES.slice(1),
    }),
  };
  const bceTitle = h("figcaption", {});
  const about = h("p", { class: "rpnviz-about" });

  page.body.append(
    h(
      "figure",
      { class: "rpnviz-left" },
      h(
        "div",
        { class: "rpnviz-controls" },
        h("label", {}, "anchor ", select.element),
        h(
          "span",
          {
            class: "rpnviz-pull",
            what: "Arrows: where one step pulls the decoded box. Full length is a slope of 1: the line. Shorter: the parabola.",
          },
          h("b", {}, "→"),
          " pull of one step",
        ),
        closeUp.element,
      ),
      h("div", { class: "rpnviz-two-boxes" }, panel.canvas, grip.element),
      h("div", { class: "rpnviz-answer" }, ...[1, 3, 2, 4, 0].map((i) => sliders[i].element), rate.element),
      h("div", { class: "rpnviz-controls" }, ...buttons),
      about,
    ),
    h(
      "figure",
      {},
      h("div", { class: "rpnviz-controls" }, "loss as in ", ways.element),
      ledger.element,
      h(
        "div",
        { class: "rpnviz-curves" },
        h("figure", {}, bceTitle, curves.bce.element),
        h("figure", {}, h("figcaption", {}, "smooth L1 by difference"), curves.box.element),
      ),
      sums.element,
    ),
  );

  /** @param {Box} box */
  function sentence(box) {
    const { gt, label, iou_text: iou, low_quality: rule } = anchor();
    const cut = [3, 4]
      .filter((i) => model.get("deltas")[i - 1] > plan.clip)
      .map((i) => `${NAMES[i]} = ${fixed(model.get("deltas")[i - 1], 2)}`);
    about.classList.toggle("rpnviz-alarm", cut.length > 0);
    if (cut.length)
      return `${cut.join(", ")}: decoded as ${plan.clip.toFixed(4)} = ln(1000/16), a side ${(1000 / 16).toFixed(1)} times as long. The loss sees the number uncut.`;
    if (label < 0)
      return `This anchor's IoU is ${iou}: neither positive nor negative, so both its losses are masked out, wherever its box goes.`;
    if (!gt)
      return `The anchor's IoU is ${iou}: negative. There is no box to move to, and no box loss, wherever its box goes.`;
    const why = rule ? `${iou}, the best for its object` : iou;
    return `The anchor's IoU is ${why}: positive, and stays so. The decoded box's IoU is ${boxIou(box, gt).toFixed(2)}; no label asks for it.`;
  }

  /** @param {Box} box @param {{slope: number}[]} rows */
  function drawPicture(box, rows) {
    const { box: own, gt, label, iou_text: iou, object, view } = anchor();
    const extent = model.get("close_up") ? view : plan.extent;
    panel.setExtent(extent);
    grip.place(box, 1);
    if (!panel.begin()) return;
    panel.backdrop(`photo ${extent}`, () => panel.image(photo, border));
    const style = styles[STYLE_OF[label]];
    if (gt) panel.box(gt, styles.ground_truth, { strong: true });
    panel.box(own, style);
    panel.box(box, styles.proposal, { strong: true });
    for (const [x, y] of trail) panel.dot(x, y, styles.proposal, 2.2);
    drawPull(panel, box, rows, styles.proposal);
    const all = hull(gt ? [own, box, gt] : [own, box]);
    const apart = box[0] > own[2] || box[2] < own[0] || box[1] > own[3] || box[3] < own[1];
    const near = !apart && all[2] - all[0] < 0.5 * (extent[2] - extent[0]); // then names stand round all boxes, not over them
    const high = (17 * panel.unit) / panel.scale;
    panel.tags([
      { text: `anchor, IoU ${iou}, ${WORD_OF[label]}`, box: near ? all : own, style },
      ...(gt ? [{ text: object, box: near ? all : gt, style: styles.ground_truth }] : []),
      {
        text: gt ? `decoded, IoU ${boxIou(box, gt).toFixed(2)}` : "decoded",
        box: near ? /** @type {Box} */ ([all[0], all[1] - high, all[2], all[3] + high]) : box,
        style: styles.proposal,
      },
    ]);
  }

  function draw() {
    const now = entry();
    const { key: whose, beta } = way();
    const { at, label, logit, deltas } = anchor();
    const [rows, box] = [writeLedger(now, beta), decoded()];
    const untouched =
      Math.abs(now.logit - logit) < SAME && now.deltas.every((delta, k) => Math.abs(delta - deltas[k]) < SAME);
    select.set(String(model.get("chosen")));
    [now.logit, ...now.deltas].forEach((value, i) => {
      sliders[i].set(value);
      sliders[i].element.classList.toggle("rpnviz-cut", i > 2 && value > plan.clip);
    });
    rate.set(model.get("learning_rate"));
    ways.set(whose);
    closeUp.set(model.get("close_up"));
    for (const one of [...buttons.slice(0, 1), buttons[3]])
      one.disabled = label < 0 || (one === buttons[3] && label !== 1);
    ledger.show(rows, { logit: now.logit, label, clip: plan.clip });
    sums.show(
      plan.ways.map((/** @type {any} */ one) =>
        minibatchLosses(sample, one, { at, logit: now.logit, deltas: now.deltas }),
      ),
      whose,
      untouched || at < 0,
    );
    setText(bceTitle, label < 0 ? "cross-entropy: masked out" : `cross-entropy by logit, label ${label}`);
    curves.bce.shape(`label ${label}`, (x) => crossEntropy(x, Math.max(label, 0)), 0);
    curves.bce.element.classList.toggle("rpnviz-masked", label < 0);
    curves.bce.put(label < 0 ? [] : [[now.logit, rows.bce]]);
    curves.box.shape(`beta ${beta}`, (x) => smoothL1(x, beta), beta);
    curves.box.put(label === 1 ? rows.rows.map(({ difference, loss }) => [difference, loss]) : []);
    setText(about, sentence(box));
    drawPicture(box, rows.rows);
    page.say(`Cross-entropy ${fixed(rows.bce)}, box loss ${fixed(rows.boxLoss)}. ${about.textContent}`);
  }

  const redraw = scheduler(draw);
  page.onDestroy(watch(model, ["chosen", "logit", "deltas", "normalisation", "learning_rate", "close_up"], redraw));
  page.onDestroy(() => panel.destroy());
  draw();
  return page.destroy;
}
