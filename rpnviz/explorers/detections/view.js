// @ts-check
// Notebook 09: the proposals, what the second head makes of them, and what the last NMS keeps.

import { canAsk } from "../common/asking.js";
import { nearestOutline, Panel, swatch } from "../common/canvas_panel.js";
import { explains, h, OWN_KEYS, scroller, segmented, setText, slider } from "../common/elements.js";
import { frame } from "../common/explorer_frame.js";
import { thousands } from "../common/format.js";
import { commit, scheduler, typed, watch } from "../common/model.js";

/** @typedef {import("../common/compute/boxes.js").Box} Box */
/** @typedef {import("../common/model.js").Model} Model */
/** @typedef {import("../common/canvas_panel.js").LineStyle & {name: string}} ClassLook */

const HINT =
  "Choose a stage, pull the score threshold. Point at a box, or walk down the list: blue, with its number, is the proposal that it came from.";
const [FOREMOST, NAMED] = [10, 20]; // proposals that stand out among 300; so many boxes leave room for their names
const NO_KERNEL = "In a saved page the NMS threshold stays as it is: NMS runs in Python.";
const STAGES = [
  { value: "proposals", label: "proposals", what: "What the RPN hands over: boxes without names." },
  {
    value: "named",
    label: "named and moved",
    what: "One box for each class of each proposal that scores above the threshold.",
  },
  { value: "detections", label: "after NMS", what: "What NMS keeps, class by class." },
];

/** @param {{model: Model, el: HTMLElement}} context */
export async function render({ model, el }) {
  const {
    image_size: [high, wide],
    objects,
    classes,
    proposals,
    lowest,
    most,
  } = model.get("plan");
  const looks = /** @type {ClassLook[]} */ (classes);
  const numbers = typed(model.get("boxes"), Float32Array);
  const labels = typed(model.get("labels"), Uint8Array);
  const scores = typed(model.get("scores"), Float32Array);
  const from = typed(model.get("proposal_inds"), Int32Array);
  const photo = await createImageBitmap(new Blob([typed(model.get("image"), Uint8Array)]));
  const page = frame(
    { model, el },
    { className: "rpnviz-detections", label: "From proposals to detections", hint: HINT },
  );
  const border = /** @type {Box} */ ([0, 0, wide, high]);
  const boxOf = (/** @type {number} */ i) => /** @type {Box} */ ([...numbers.subarray(4 * i, 4 * i + 4)]);
  let kept = new Uint8Array();

  const redraw = scheduler(draw);
  const panel = new Panel({
    extent: border,
    className: "rpnviz-picture",
    label: "The picture with the boxes",
    attributes: { role: "img" },
    onResize: redraw,
  });
  const stage = segmented({
    label: "stage",
    className: "rpnviz-stages",
    options: STAGES,
    onChange: (value) => commit(model, { stage: value, selected: -1 }),
  });
  const score = slider({
    label: "score_thresh",
    name: "score_thresh",
    min: lowest,
    max: 0.95,
    step: 0.05,
    what: "A class must score above it; the score is the softmax over all classes and background.",
    format: (value) => value.toFixed(2),
    onInput: (value) => commit(model, { score_thresh: value, selected: -1 }),
  });
  const nms = slider({
    label: "nms_thresh",
    name: "nms_thresh",
    min: 0,
    max: 1,
    step: 0.05,
    what: `Of two boxes of one class that overlap more than this the better stays; at most the best ${most} of all. Asked of Python.`,
    format: (value) => value.toFixed(2),
    onInput: (value) => commit(model, { nms_thresh: value, selected: -1 }),
  });
  if (!canAsk(model, "nms_thresh", model.get("nms_thresh"))) {
    nms.input.disabled = true;
    explains(nms.input, NO_KERNEL);
  }
  const counts = looks.slice(1).map((look) => {
    const cells = [h("td"), h("td"), h("td")];
    return { cells, row: h("tr", {}, h("th", { scope: "row" }, swatch(look), ` ${look.name}`), ...cells) };
  });
  const head = ["class", "objects there", "named", "after NMS"].map((text) => h("th", { scope: "col" }, text));
  const table = h(
    "table",
    { class: "rpnviz-by-class" },
    h("thead", {}, h("tr", {}, ...head)),
    h("tbody", {}, ...counts.map(({ row }) => row)),
  );
  const list = h("tbody");
  const none = h("p");
  const listHead = ["found", "score", "from proposal", "moved by"].map((text) => h("th", { scope: "col" }, text));
  const about = h("p", { class: "rpnviz-roi-says" });
  page.body.append(
    h("figure", {}, h("figcaption", {}, "Picture", stage.element), panel.canvas, about),
    h(
      "figure",
      {},
      score.element,
      nms.element,
      scroller("classes", "", table),
      scroller("list of boxes", "rpnviz-found", none, h("table", {}, h("thead", {}, h("tr", {}, ...listHead)), list)),
    ),
  );

  /** Rows of the boxes shown at this stage, best first; none for the proposals. */
  const shown = () => {
    const [at, thresh] = [model.get("stage"), model.get("score_thresh")];
    const above = [...scores.keys()].filter((i) => scores[i] > thresh);
    return {
      above,
      left: above.filter((i) => kept[i]),
      rows: at === "proposals" ? [] : at === "named" ? above : above.filter((i) => kept[i]),
    };
  };
  /** How far the middle of a box went from its proposal, px. @param {number} i */
  const moved = (i) => {
    const [a, b] = [boxOf(i), /** @type {Box} */ (proposals[from[i]])];
    return Math.hypot((a[0] + a[2] - b[0] - b[2]) / 2, (a[1] + a[3] - b[1] - b[3]) / 2);
  };
  let listed = "";
  /** @param {number[]} rows */
  function fillList(rows) {
    const now = rows.slice(0, 60);
    setText(
      none,
      model.get("stage") === "proposals" ? "No names yet: the RPN says only where." : "Nothing scores so high.",
    );
    none.hidden = now.length > 0;
    list.parentElement.hidden = now.length === 0;
    if (String(now) === listed) return;
    listed = String(now);
    const select = (/** @type {number} */ i) => i !== model.get("selected") && commit(model, { selected: i });
    list.replaceChildren(
      ...now.map((i) => {
        const texts = [scores[i].toFixed(2), `#${from[i] + 1}`, `${moved(i).toFixed(0)} px`];
        const on = { tabindex: 0, "data-row": i, pointerenter: () => select(i), focus: () => select(i), ...OWN_KEYS };
        return h(
          "tr",
          on,
          h("th", { scope: "row" }, swatch(looks[labels[i]]), ` ${looks[labels[i]].name}`),
          ...texts.map((text) => h("td", {}, text)),
        );
      }),
    );
  }

  function draw() {
    const { above, left, rows } = shown();
    const [at, selected] = [model.get("stage"), model.get("selected")];
    stage.set(at);
    score.set(model.get("score_thresh"));
    nms.set(model.get("nms_thresh"));
    counts.forEach(({ cells }, k) => {
      const ofClass = (/** @type {number[]} */ some) => some.filter((i) => labels[i] === k + 1).length;
      const there = objects.filter(
        (/** @type {any} */ { name }) => name.replace(/ \d+$/, "") === looks[k + 1].name,
      ).length;
      [there, ofClass(above), ofClass(left)].forEach((count, c) => setText(cells[c], String(count)));
    });
    fillList(rows);
    for (const row of list.children) row.classList.toggle("rpnviz-hot", Number(row.dataset.row) === selected);
    setText(
      about,
      selected >= 0
        ? `${looks[labels[selected]].name}, score ${scores[selected].toFixed(2)}, from proposal ${from[selected] + 1}, whose middle it moved by ${moved(selected).toFixed(0)} px.`
        : `${thousands(proposals.length)} proposals → ${thousands(above.length)} boxes above ${model.get("score_thresh").toFixed(2)} → ${left.length === most ? "the best " : ""}${thousands(left.length)} after NMS, class by class.`,
    );
    page.say(about.textContent || "");
    if (!panel.begin()) return;
    panel.backdrop("photo", () => panel.image(photo, border));
    const alone = selected >= 0;
    if (at === "proposals") {
      for (const box of proposals.slice(FOREMOST))
        panel.box(box, { ...looks[0], width: 0.8, casing: "transparent" }, { alpha: 0.5 });
      for (const box of proposals.slice(0, FOREMOST)) panel.box(box, looks[0]);
    }
    for (const i of [...rows].reverse())
      panel.box(boxOf(i), looks[labels[i]], {
        alpha: alone ? 0.25 : at === "named" ? 0.7 : 1,
        strong: at === "detections" && rows.length <= NAMED && !alone,
      });
    if (alone) {
      panel.box(proposals[from[selected]], looks[0]);
      panel.box(boxOf(selected), looks[labels[selected]], { strong: true });
    }
    const named = alone ? [selected] : at === "detections" && rows.length <= NAMED ? rows : [];
    const tags = named.map((i) => ({
      text: `${looks[labels[i]].name} ${scores[i].toFixed(2)}`,
      box: boxOf(i),
      style: looks[labels[i]],
    }));
    if (alone) tags.push({ text: `proposal ${from[selected] + 1}`, box: proposals[from[selected]], style: looks[0] });
    panel.tags(tags);
  }

  panel.canvas.addEventListener("pointermove", (event) => {
    const { rows } = shown();
    const nearest = nearestOutline(rows.map(boxOf), ...panel.at(event), 10);
    const row = nearest < 0 ? -1 : rows[nearest];
    if (row !== model.get("selected")) commit(model, { selected: row });
  });
  panel.canvas.addEventListener("pointerleave", () => commit(model, { selected: -1 }));
  const receive = () => {
    kept = typed(model.get("kept"), Uint8Array);
    redraw();
  };
  const waiting = () =>
    page.busy(
      model.get("has_kernel") && model.get("answered").nms_thresh !== model.get("nms_thresh") && !model.get("error")
        ? "NMS"
        : "",
    );
  page.onDestroy(watch(model, ["kept"], receive));
  page.onDestroy(watch(model, ["stage", "score_thresh", "selected"], redraw));
  page.onDestroy(
    watch(model, ["nms_thresh", "answered", "error"], () => {
      waiting();
      redraw();
    }),
  );
  page.onDestroy(() => panel.destroy());
  receive();
  draw();
  return page.destroy;
}
