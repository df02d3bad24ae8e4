// @ts-check
// The minibatch: which anchors the losses of one step see (notebook 05). The draw itself is made in Python.

import { drawMap, LABEL_OF, labelImage, mapPanel } from "../common/anchor_map.js";
import { lineStyles, Panel, swatch } from "../common/canvas_panel.js";
import { checkbox, explains, h, OWN_KEYS, scroller, setText, slider } from "../common/elements.js";
import { frame } from "../common/explorer_frame.js";
import { thousands } from "../common/format.js";
import { commit, scheduler, typed, watch } from "../common/model.js";

/** @typedef {import("../common/compute/boxes.js").Box} Box */
/** @typedef {import("../common/model.js").Model} Model */
/** @typedef {import("../common/canvas_panel.js").LineStyle} LineStyle */
/** @typedef {import("../common/anchor_map.js").Plan} Plan */

const SETTINGS = ["seed", "batch_size_per_image", "positive_fraction"];
const HINT =
  "A filled dot is a sampled positive anchor, a ring a sampled negative one. Point at the map, or click and walk with the arrows.";
const NO_KERNEL = "In a saved page the sample stays as it is: it is drawn in Python.";
const FADE = 0.35; // the labels behind the dots
const WORDS = /** @type {Record<string, string>} */ ({
  positive: "positive",
  negative: "negative",
  ignored: "ignored",
  crosses_border: "crosses the border",
});

/** A ring round a point. @param {Panel} panel @param {number} x @param {number} y @param {LineStyle} style */
function ring(panel, x, y, { color, casing }) {
  const { g, unit } = panel;
  for (const [stroke, width] of /** @type {[string, number][]} */ ([
    [casing, 2.8],
    [color, 1.3],
  ])) {
    g.beginPath();
    g.arc(panel.x(x), panel.y(y), 2.6 * unit, 0, 2 * Math.PI);
    g.strokeStyle = stroke;
    g.lineWidth = width * unit;
    g.stroke();
  }
}

/** The minibatch as one bar: how much of it is positive, where positives must stop. @param {Record<string, LineStyle>} styles */
function batchBar(styles) {
  const [positive, negative] = [h("i"), h("i", { class: "rpnviz-thin" })];
  positive.style.backgroundColor = styles.sampled_positive.color;
  negative.style.backgroundColor = styles.sampled_negative.color;
  const limit = h("b");
  return {
    element: h(
      "div",
      {
        class: "rpnviz-batch-bar",
        role: "img",
        "aria-label": "the minibatch",
        what: "The minibatch. The line is the most that may be positive.",
      },
      positive,
      negative,
      limit,
    ),
    /** @param {number} pos @param {number} neg @param {number} size @param {number} most */
    show(pos, neg, size, most) {
      positive.style.width = `${(100 * pos) / size}%`;
      negative.style.width = `${(100 * neg) / size}%`;
      limit.style.left = `${(100 * most) / size}%`;
      limit.classList.toggle("rpnviz-flip", most > size / 2);
      setText(limit, `at most ${most} positive`);
    },
  };
}

/** What there is, what is wanted, what is drawn. @param {Record<string, LineStyle>} styles */
function drawTable(styles) {
  const heads = ["", "there are", "wanted", "drawn", "left out"];
  const rows = ["positive", "negative"].map((name) => {
    const cells = heads.slice(1).map(() => h("td"));
    return { cells, row: h("tr", {}, h("th", { scope: "row" }, swatch(styles[`sampled_${name}`]), name), ...cells) };
  });
  const head = h(
    "thead",
    {},
    h("tr", {}, ...heads.map((text) => h(text ? "th" : "td", text ? { scope: "col" } : {}, text))),
  );
  return {
    element: scroller(
      "the minibatch in numbers",
      "",
      h("table", { class: "rpnviz-draw" }, head, h("tbody", {}, ...rows.map(({ row }) => row))),
    ),
    /** @param {string[][]} texts */
    show: (texts) => texts.forEach((line, i) => line.forEach((text, k) => setText(rows[i].cells[k], text))),
  };
}

/** @param {{model: Model, el: HTMLElement}} context */
export async function render({ model, el }) {
  const plan = /** @type {Plan} */ (model.get("plan"));
  const styles = lineStyles(model.get("look"));
  const photo = await createImageBitmap(new Blob([typed(model.get("image"), Uint8Array)]));
  const codes = typed(model.get("codes"), Int8Array);
  const page = frame(
    { model, el },
    {
      className: "rpnviz-minibatch",
      label: "The minibatch",
      hint: HINT,
      keys: [
        ["← → ↑ ↓ on the map", "the next anchor in that direction"],
        ["Shift + ← → ↑ ↓ there", "the same anchor of the next cell"],
      ],
    },
  );
  const border = /** @type {Box} */ ([0, 0, plan.image_size[1], plan.image_size[0]]);
  const sampled = { pos: new Int32Array(), neg: new Int32Array() };
  let pointed = -1;
  let negativeBoxes = false;

  const { panel: map, geometry } = mapPanel({
    plan,
    label: "Map of all anchors with the sampled ones",
    what: HINT,
    selected: () => model.get("selected"),
    onSelect: (i) => commit(model, { selected: i }),
    onPoint: (i) => {
      pointed = i;
      redraw();
    },
    onResize: () => draw(),
  });
  const faded = labelImage(geometry, codes, styles, plan, FADE);
  const panel = new Panel({
    extent: plan.extent,
    className: "rpnviz-picture",
    label: "The picture with the sample",
    onResize: () => draw(),
    what: "The picture: sampled positive anchors as boxes, the centres of sampled negative anchors as rings.",
    attributes: { role: "img" },
  });
  const control = (/** @type {string} */ name, /** @type {string} */ label, /** @type {any} */ options) => ({
    name,
    ...slider({ label, name, onInput: (value) => commit(model, { [name]: value }), ...options }),
  });
  const sliders = [
    control("seed", "seed", {
      max: 99,
      what: "seed: another seed, another draw from the same anchors. In training every step draws anew.",
    }),
    control("batch_size_per_image", "batch size", {
      min: 16,
      max: 512,
      step: 16,
      what: "batch_size_per_image: how many anchors are drawn in all; 256 in the paper.",
    }),
    control("positive_fraction", "positive fraction", {
      max: 1,
      step: 0.05,
      format: (/** @type {number} */ v) => v.toFixed(2),
      what: "positive_fraction: at most this share of the batch is positive; one half in the paper.",
    }),
  ];
  const again = h(
    "button",
    {
      type: "button",
      what: "The next seed: what the next training step would draw.",
      ...OWN_KEYS,
      click: () => commit(model, { seed: (model.get("seed") + 1) % 100 }),
    },
    "draw again",
  );
  const boxes = checkbox({
    label: "negatives as boxes",
    what: "Show the sampled negative anchors as thin boxes instead of rings at their centres.",
    onChange: (on) => {
      negativeBoxes = on;
      redraw();
    },
  });
  const [bar, table] = [batchBar(styles), drawTable(styles)];
  const about = h("p", { class: "rpnviz-about" });
  const rest = h("p", { class: "rpnviz-masked" });

  page.body.append(
    h(
      "figure",
      {},
      map.canvas,
      ...sliders.map(({ element }) => element),
      h("div", { class: "rpnviz-controls" }, again, boxes.element),
    ),
    h("figure", {}, panel.canvas, about, bar.element, table.element, rest),
  );
  if (!model.get("has_kernel")) {
    for (const input of [again, ...sliders.map(({ input: one }) => one)]) {
      input.disabled = true;
      explains(input, NO_KERNEL);
    }
  }

  const waiting = () => SETTINGS.some((name) => model.get("answered")[name] !== model.get(name));
  const showBusy = () => page.busy(model.get("has_kernel") && waiting() && !model.get("error") ? "drawing" : "");
  const receive = () => {
    sampled.pos = typed(model.get("sampled_pos"), Int32Array);
    sampled.neg = typed(model.get("sampled_neg"), Int32Array);
    redraw();
  };

  function drawCounts() {
    const { positive, negative } = model.get("counts");
    const { batch_size_per_image: size, positive_fraction: share, most_positive: most } = model.get("answered");
    const [pos, neg] = [sampled.pos.length, sampled.neg.length];
    bar.show(pos, neg, size, most);
    table.show([
      [thousands(positive), `up to ${most} = ${size} × ${share.toFixed(2)}`, thousands(pos), thousands(positive - pos)],
      [thousands(negative), `${size - pos} = ${size} − ${pos}`, thousands(neg), thousands(negative - neg)],
    ]);
    setText(
      rest,
      `All ${thousands(geometry.count)} anchors are computed; ${thousands(pos + neg)} count in the loss, ${thousands(geometry.count - pos - neg)} are masked.`,
    );
  }

  function drawPicture(/** @type {number} */ shown, /** @type {LineStyle} */ style) {
    if (!panel.begin()) return;
    panel.backdrop("photo", () => {
      panel.image(photo, border);
      for (const { box } of plan.objects) panel.box(box, styles.ground_truth);
    });
    for (const i of sampled.neg) {
      const [x1, y1, x2, y2] = geometry.box(i);
      if (negativeBoxes) panel.box([x1, y1, x2, y2], { ...styles.sampled_negative, width: 0.8 }, { alpha: 0.35 });
      else ring(panel, (x1 + x2) / 2, (y1 + y2) / 2, styles.sampled_negative);
    }
    for (const i of sampled.pos)
      panel.box(geometry.box(i), { ...styles.sampled_positive, width: 1.6 }, { alpha: 0.75 });
    panel.box(geometry.box(shown), style, { strong: true });
  }

  function draw() {
    for (const { name, set } of sliders) set(model.get(name));
    drawCounts();
    const shown = pointed >= 0 ? pointed : model.get("selected");
    const label = LABEL_OF[codes[shown]];
    const drawn = sampled.pos.includes(shown) || sampled.neg.includes(shown);
    const { row, col } = geometry.place(shown);
    const fate = drawn
      ? "in the minibatch"
      : codes[shown] < 0
        ? "never drawn"
        : "not drawn this time, masked out of the loss";
    setText(about, `Row ${row}, column ${col}, ${geometry.name(shown)}: ${WORDS[label]}, ${fate}.`);
    if (map.begin()) {
      map.backdrop("labels", () => drawMap(map, geometry, faded, { plan, style: styles.ground_truth }));
      for (const i of sampled.neg) ring(map, ...middle(geometry.square(i)), styles.sampled_negative);
      for (const i of sampled.pos) map.dot(...middle(geometry.square(i)), styles.sampled_positive, 3.2);
      const [x, y] = geometry.square(shown);
      map.box([x - 1, y - 1, x + 2, y + 2], styles.window);
    }
    drawPicture(shown, styles[label]);
    const { positive, negative } = model.get("counts");
    const sample = `${sampled.pos.length} positive and ${sampled.neg.length} negative anchors drawn, of ${thousands(positive)} and ${thousands(negative)}.`;
    if (pointed < 0) page.say(`${sample} ${about.textContent}`);
  }

  const redraw = scheduler(draw);
  page.onDestroy(watch(model, ["sampled_pos", "sampled_neg"], receive));
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

/** The middle of a square. @param {[number, number]} square @returns {[number, number]} */
const middle = ([x, y]) => [x + 0.5, y + 0.5];
