// @ts-check
// Notebook 09: RoI pooling and RoIAlign of one box, side by side, cell by cell.

import { Panel, swatch } from "../common/canvas_panel.js";
import { clamp } from "../common/compute/boxes.js";
import { toPixels } from "../common/compute/roi.js";
import { checkbox, choice, h, segmented, slider } from "../common/elements.js";
import { fixed } from "../common/format.js";
import { movable } from "../common/movable_box.js";
import { opensPictures } from "../common/picture_row.js";
import { defineView, group } from "../common/view.js";
import { change, readMoment, readStore } from "./moment.js";
import { openMap } from "./own_map.js";
import { edgeTable } from "./parts.js";
import { alignSide, poolSide } from "./sides.js";
import { trace } from "./trace.js";

/** @typedef {import("../common/compute/boxes.js").Box} Box */
/** @typedef {import("./moment.js").Context} Context */
/** @typedef {import("./moment.js").Part} Part */
/** @typedef {import("./moment.js").Plan} Plan */

const HINT =
  "Drag the box on the picture or move it by arrow keys (Shift + arrows resize it); press a bin; drag a sampling point of RoIAlign.";
const OWN = "own"; // in the choice of proposals: none of them

export const render = defineView({
  frame: {
    className: "rpnviz-roi",
    label: "RoI pooling and RoIAlign of one box",
    hint: HINT,
    keys: [
      ["← → ↑ ↓ on the box", "move it by two pixels"],
      ["Shift + ← → ↑ ↓ there", "resize it"],
      ["← → ↑ ↓ on a map or an output", "choose the next bin"],
      ["Shift + ← → ↑ ↓ on RoIAlign's map", "move its sampling point"],
      ["Esc on a map or an output", "put a moved sampling point back"],
    ],
  },
  opens: opensPictures({ network: true, answer: openMap }),
  traits: ["box", "channel", "bin_row", "bin_col", "sampling_ratio", "aligned", "point", "probe"],
  store: readStore,
  moment: readMoment,
  parts: (context) => [
    group(
      "div",
      { class: "rpnviz-roi-left" },
      caption(context),
      picture(context),
      proposals(context),
      channelChoice(context),
      group("div", { class: "rpnviz-roi-row" }, ratio(context), alignedSwitch(context)),
      edges(context),
      trace(context),
    ),
    poolSide(context),
    alignSide(context),
  ],
  say({ box: [x1, y1, x2, y2], row, col, best, mean }, { root }) {
    root.dataset.bin = `${row} ${col}`;
    const size = `${(x2 - x1).toFixed(0)}×${(y2 - y1).toFixed(0)} px`;
    return `A box of ${size}, bin ${row}, ${col}: RoI pooling ${fixed(best.value, 3)}, RoIAlign ${fixed(mean, 3)}.`;
  },
  worksOut: ({ best, mean, atProbe }) => ({ pool: best.value, align: mean, value: atProbe }),
});

/** @param {Context} context */
function caption({ store: { plan } }) {
  const key = (/** @type {string} */ text, /** @type {"box" | "whole"} */ name) =>
    h("span", { class: "rpnviz-key" }, swatch(plan.lines[name]), text);
  return h("figcaption", {}, "Picture", key("box", "box"), key("whole cells", "whole"));
}

/** The picture with the box, to be gripped. @param {Context} context @returns {Part} */
function picture({ model, store: { photo, plan }, redraw }) {
  const { lines, stride } = plan;
  const [high, wide] = plan.image_size;
  const panel = new Panel({
    extent: [0, 0, wide, high],
    className: "rpnviz-picture",
    label: "The picture with the box",
    attributes: { role: "img" },
    onResize: redraw,
  });
  const grip = movable({
    name: "box",
    panel,
    get: () => model.get("box"),
    snap: (edge) => edge, // a key moves one coordinate alone
    move: (box) => change(model, { box: box.map((edge, i) => clamp(edge, 0, i % 2 ? high : wide)) }),
    what: "The box: solid. Dashed: the whole cells that RoI pooling takes instead. Arrows move it, Shift + arrows resize it.",
  });
  return {
    element: h("div", { class: "rpnviz-two-boxes" }, panel.canvas, grip.element),
    draw({ box, cells }) {
      grip.place(box, 1);
      const bitmap = photo.bitmap;
      if (!panel.begin() || !bitmap) return;
      panel.backdrop("photo", () => panel.image(bitmap, panel.extent));
      panel.box(toPixels(cells.rectangle, stride), lines.whole);
      panel.box(box, lines.box);
    },
    destroy: () => panel.destroy(),
  };
}

/** @param {Context} context @returns {Part} */
function proposals({ model, store: { plan } }) {
  const proposal = choice({
    label: "proposal",
    what: "Which of the trained network's best proposals; move it on from there.",
    onChange: (i) => i !== OWN && change(model, { box: plan.proposals[Number(i)], point: 0 }),
  });
  const named = plan.proposals.map(([x1, y1, x2, y2], i) => ({
    value: String(i),
    label: `${i + 1}: ${Math.round(x2 - x1)}×${Math.round(y2 - y1)} px`,
  }));
  proposal.fill([...named, { value: OWN, label: "a box of your own" }]);
  return {
    element: h("label", {}, "proposal", proposal.element),
    draw({ box }) {
      const at = plan.proposals.findIndex((other) => String(other) === String(box));
      proposal.set(at < 0 ? OWN : String(at));
    },
  };
}

/** @param {Context} context @returns {Part} */
function channelChoice({ model, store: { plan } }) {
  const { channels } = plan;
  const channel = slider({
    label: "channel",
    name: "channel of the feature map",
    max: channels.length - 1,
    className: "rpnviz-channel",
    what: `Which channel of the feature map: ${channels.length} of them. Both operations treat every channel alike.`,
    format: (i) => `#${channels[i]}`,
    onInput: (i) => change(model, { channel: channels[i] }),
  });
  return { element: channel.element, draw: ({ index }) => channel.set(index) };
}

/** @param {Context} context @returns {Part} */
function ratio({ model }) {
  const points = segmented({
    label: "sampling points of a bin, each way",
    what: "sampling_ratio: RoIAlign's points of a bin, each way. auto: as many as the bin is cells long.",
    options: ["1", "2", "3", "0"].map((value) => ({ value, label: value === "0" ? "auto" : value })),
    onChange: (value) => change(model, { sampling_ratio: Number(value), point: 0 }),
  });
  return {
    element: h("span", { class: "rpnviz-roi-row" }, "points", points.element),
    draw: (now) => points.set(String(now.ratio)),
  };
}

/** @param {Context} context @returns {Part} */
function alignedSwitch({ model }) {
  const half = checkbox({
    label: "aligned",
    what: "aligned: a cell's value sits at its centre, half a cell from its edge. Off: the half is forgotten, as in the first implementations.",
    onChange: (on) => change(model, { aligned: on }),
  });
  return { element: half.element, draw: ({ isAligned }) => half.set(isAligned) };
}

/** What rounding does to the four edges. @param {Context} context @returns {Part} */
function edges({ store: { plan } }) {
  const table = edgeTable();
  return {
    element: table.element,
    draw: ({ box, cells }) => table.show(box, toPixels(cells.rectangle, plan.stride)),
  };
}
