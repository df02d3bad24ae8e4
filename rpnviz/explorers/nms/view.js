// @ts-check
// NMS one box at a time (notebook 08): whose turn it is, whom it suppresses, and at what IoU.

import { lineStyles, nearestOutline, Panel, swatch } from "../common/canvas_panel.js";
import { boxAt, clamp } from "../common/compute/boxes.js";
import { iouOf, keptRows, ranking, runNms, stateAfter, victims } from "../common/compute/nms.js";
import { checkbox, h, OWN_KEYS, setText, slider } from "../common/elements.js";
import { frame } from "../common/explorer_frame.js";
import { commit, scheduler, typed, watch } from "../common/model.js";
import { boxTable, transport } from "./parts.js";

/** @typedef {import("../common/compute/boxes.js").Box} Box */
/** @typedef {import("../common/model.js").Model} Model */
/** @typedef {import("../common/compute/nms.js").Run} Run */

const HINT =
  "Best score first, each box has its turn. Next, back or the arrow keys step; Space plays. Point at a box or a row.";
const SETTINGS = ["top_n", "nms_thresh", "suppressed_too", "reverse_ties"];
const MANY = { waiting: 0.6, suppressed: 0.45, kept: 0.9, falls: 0.9, current: 1 }; // how strongly each is drawn among many boxes
const FEW = { waiting: 1, suppressed: 0.75, kept: 1, falls: 1, current: 1 };
const BEHIND = ["waiting", "suppressed"]; // thin and without a casing where they are many
const REACH = 12; // picture px within which the mouse finds an outline

/** "B", "B and D", "B, D and 4 more". @param {string[]} names */
export function listed(names) {
  const shown = names.length > 4 ? [...names.slice(0, 3), `${names.length - 3} more`] : names;
  return shown.length < 2 ? shown.join("") : `${shown.slice(0, -1).join(", ")} and ${shown[shown.length - 1]}`;
}

/** @param {{model: Model, el: HTMLElement}} context */
export async function render({ model, el }) {
  const {
    image_size: [height, width],
    extent,
    objects,
    names,
    named,
    ties,
    lines,
  } = model.get("plan");
  const look = lineStyles(model.get("look"));
  const styles = Object.fromEntries(Object.entries(lines).map(([state, { style }]) => [state, look[style]]));
  const boxes = typed(model.get("boxes"), Float32Array);
  const scores = typed(model.get("scores"), Float32Array);
  const photo = await createImageBitmap(new Blob([typed(model.get("image"), Uint8Array)]));
  const page = frame(
    { model, el },
    {
      className: "rpnviz-nms",
      label: "NMS one box at a time",
      hint: HINT,
      keys: [
        ["→ ↓ on the picture or the table", "the next turn"],
        ["← ↑ there", "one turn back"],
        ["Home, End there", "before the first turn, after the last"],
        ["Space there", "play, pause"],
      ],
    },
  );
  let pointed = -1;
  let run = /** @type {Run} */ ({});

  const turnsOf = () => clamp(model.get("turn"), 0, model.get("top_n"));
  const go = (/** @type {number} */ turn) => commit(model, { turn: clamp(turn, 0, model.get("top_n")) });
  /** The next turn in a direction; suppressed boxes may be passed over. @param {1 | -1} direction */
  const step = (direction) => {
    const count = run.order.length;
    let turn = turnsOf() + direction;
    while (model.get("pass_over") && turn > 0 && turn <= count && run.by[run.order[turn - 1]] >= 0) turn += direction;
    if (direction > 0 && turnsOf() === count) return false;
    go(turn);
    return turn < count;
  };
  const play = transport({
    first: () => go(0),
    back: () => step(-1),
    next: () => step(1),
    speed: () => model.get("speed"),
  });
  const KEYS = /** @type {Record<string, () => void>} */ ({
    ArrowRight: () => step(1),
    ArrowDown: () => step(1),
    ArrowLeft: () => step(-1),
    ArrowUp: () => step(-1),
    Home: () => go(0),
    End: () => go(run.order.length),
  });
  const onKey = (/** @type {KeyboardEvent} */ event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
    if (event.key === " ") play.toggle();
    else if (KEYS[event.key]) {
      play.stop();
      KEYS[event.key]();
    } else return;
    event.preventDefault();
    event.stopPropagation();
  };

  const panel = new Panel({
    extent,
    className: "rpnviz-picture",
    label: "The picture with the boxes; arrow keys step, Space plays",
    what: HINT,
    attributes: { tabindex: 0, role: "application", keydown: onKey, ...OWN_KEYS },
    onResize: () => draw(),
  });
  panel.canvas.addEventListener("pointermove", (event) => point(nearest(event)));
  panel.canvas.addEventListener("pointerleave", () => point(-1));
  const table = boxTable({
    styles,
    onKey,
    onPoint: (row) => point(row),
    onPick: (row) => {
      play.stop();
      go(run.rank[row] + 1);
    },
  });
  const byHand = (/** @type {(value: any) => void} */ then) => (/** @type {any} */ value) => {
    play.stop();
    then(value);
  };
  const turn = slider({
    label: "turn",
    max: model.get("top_n"),
    what: "turn: how many boxes have had their turn.",
    onInput: byHand(go),
  });
  const thresh = slider({
    label: "nms_thresh",
    max: 1,
    step: 0.01,
    format: (value) => value.toFixed(2),
    what: "nms_thresh: a box is suppressed if a better kept box overlaps it with an IoU above it. At it, both stay.",
    onInput: (value) => commit(model, { nms_thresh: value }),
  });
  const most = slider({
    label: "boxes",
    name: "top_n",
    min: 1,
    max: scores.length,
    what: "top_n: how many of the best boxes take part.",
    onInput: byHand((value) => commit(model, { top_n: value, turn: Math.min(turnsOf(), value) })),
  });
  const speed = slider({
    label: "speed",
    min: 1,
    max: 20,
    format: (value) => `${value}/s`,
    what: "speed: turns a second when it plays. At most one where your system asks for less motion.",
    onInput: (value) => commit(model, { speed: value }),
  });
  const option = (/** @type {string} */ name, /** @type {string} */ label, /** @type {string} */ what) => ({
    name,
    ...checkbox({
      label,
      what,
      onChange: (on) => {
        play.stop();
        commit(model, { [name]: on });
      },
    }),
  });
  const options = [
    option(
      "pass_over",
      "pass over suppressed",
      "Next, back and play pass over boxes that were suppressed before their turn: nothing happens there.",
    ),
    option(
      "suppressed_too",
      "suppressed boxes suppress too",
      "Not NMS, but what many believe: a suppressed box suppresses others as well. Try it.",
    ),
    ...(ties
      ? [option("reverse_ties", "ties the other way round", "Of equal scores the last of the list has its turn first.")]
      : []),
  ];
  const layers = [
    ...["kept", "waiting", "suppressed"].map((state) => ({
      name: state,
      label: lines[state].words,
      swatch: swatch(styles[state]),
    })),
    ...(objects.length ? [{ name: "ground_truth", label: "objects", swatch: swatch(look.ground_truth) }] : []),
  ].map((layer) => ({
    ...layer,
    ...checkbox({
      ...layer,
      what: `Draw the boxes: ${layer.label}.`,
      onChange: (on) => {
        const others = model.get("layers").filter((/** @type {string} */ name) => name !== layer.name);
        commit(model, { layers: on ? [...others, layer.name] : others });
      },
    }),
  }));
  const fixed = ["current", "falls"].map((state) =>
    h("span", { class: "rpnviz-key" }, swatch(styles[state]), lines[state].words),
  );
  const [counts, sentence] = [h("p", { class: "rpnviz-counted" }), h("p", { class: "rpnviz-told" })];

  page.body.append(
    h(
      "figure",
      {},
      panel.canvas,
      h("div", { class: "rpnviz-legend" }, ...fixed),
      h("div", { class: "rpnviz-legend" }, ...layers.map(({ element }) => element)),
      h("div", { class: "rpnviz-controls" }, play.element, ...options.slice(0, 1).map(({ element }) => element)),
      turn.element,
      thresh.element,
      ...(scores.length > named ? [most.element] : []),
      speed.element,
    ),
    h(
      "figure",
      {},
      h("div", { class: "rpnviz-controls" }, ...options.slice(1).map(({ element }) => element)),
      sentence,
      counts,
      table.element,
    ),
  );

  const scoreOf = (/** @type {number} */ row) => scores[row].toFixed(scores.length > named ? 4 : 2); // the best are near 1
  const boxOf = (/** @type {number} */ row) => boxAt(boxes, row);
  const shows = (/** @type {string} */ state) =>
    ["current", "falls"].includes(state) || model.get("layers").includes(state);
  const stateOf = (/** @type {number} */ row) => stateAfter(run, row, turnsOf());
  const nearest = (/** @type {MouseEvent} */ event) => {
    const reachable = names.map((/** @type {string} */ _, /** @type {number} */ row) =>
      run.rank[row] >= 0 && shows(stateOf(row)) ? boxOf(row) : null,
    );
    return nearestOutline(reachable, ...panel.at(event), REACH);
  };
  const point = (/** @type {number} */ row) => {
    if (row === pointed) return;
    pointed = row;
    page.what(row < 0 ? "" : aboutBox(row));
    redraw();
  };
  /** A box in a sentence: a bare number would read like a count. @param {number} row */
  const called = (row) => (/^\d+$/.test(names[row]) ? `box ${names[row]}` : names[row]);
  /** What is known of a box so far. @param {number} row */
  function aboutBox(row) {
    const fell = run.by[row] >= 0 && run.rank[run.by[row]] < turnsOf();
    const fate = fell
      ? `suppressed by ${called(run.by[row])}, IoU ${run.iou[row].toFixed(2)}`
      : run.rank[row] < turnsOf()
        ? "kept"
        : "waiting";
    return `${called(row)}: score ${scoreOf(row)}, turn ${run.rank[row] + 1}, ${fate}.`;
  }
  /** What happens at this turn. */
  function told() {
    const turns = turnsOf();
    if (!turns) return `Before the first turn: ${run.order.length} boxes wait, best score first.`;
    const row = run.order[turns - 1];
    const name = `${called(row)} (${scoreOf(row)})`;
    const { falls, spares } = victims(boxes, run, turns, model.get("nms_thresh"));
    const each =
      falls.length > 4
        ? listed(falls.map((other) => called(other)))
        : listed(falls.map((other) => `${called(other)} (IoU ${run.iou[other].toFixed(2)})`));
    if (run.by[row] < 0)
      return `Turn ${turns}: ${name} is still there, so it is kept. It suppresses ${each || "nobody"}.`;
    const gone = `Turn ${turns}: ${name} was suppressed by ${called(run.by[row])} (IoU ${run.iou[row].toFixed(2)}).`;
    if (model.get("suppressed_too"))
      return each
        ? `${gone} And here it suppresses ${each}: this is not NMS.`
        : `${gone} Nobody is left for it to suppress.`;
    const spared = spares.length
      ? `, not even ${listed(spares.map((other) => `${called(other)} (IoU ${iouOf(boxes, row, other).toFixed(2)})`))}`
      : "";
    return `${gone} So it suppresses nobody${spared}.`;
  }

  function work() {
    const [topN, nmsThresh, suppressedToo, reverseTies] = SETTINGS.map((name) => model.get(name));
    run = runNms(boxes, ranking(scores, reverseTies).slice(0, topN), nmsThresh, suppressedToo);
    const settings = Object.fromEntries(SETTINGS.map((name) => [name, model.get(name)]));
    const worked = { ...settings, kept: keptRows(run) };
    if (JSON.stringify(worked) !== JSON.stringify(model.get("worked_out"))) commit(model, { worked_out: worked });
    redraw();
  }

  function fillTable() {
    const turns = turnsOf();
    const current = turns ? run.order[turns - 1] : -1;
    const entries = run.order.map((row, place) => {
      const state = stateOf(row);
      const iou = current >= 0 && place >= turns ? iouOf(boxes, current, row) : null;
      const by = run.by[row] >= 0 && run.rank[run.by[row]] < turns ? ` by ${names[run.by[row]]}` : "";
      const words =
        state === "current"
          ? `its turn: ${by ? `suppressed${by}` : "kept"}`
          : `${lines[state].words}${state === "suppressed" ? by : ""}`;
      return {
        row,
        name: names[row],
        score: scoreOf(row),
        state,
        iou,
        over: state === "falls",
        words,
        hot: row === pointed || row === current,
      };
    });
    table.show(entries, model.get("nms_thresh"), turns - 1);
  }

  function drawPicture() {
    if (!panel.begin()) return;
    panel.backdrop(`photo ${model.get("layers").includes("ground_truth")}`, () => {
      panel.image(photo, [0, 0, width, height]);
      if (model.get("layers").includes("ground_truth"))
        for (const { box } of objects) panel.box(box, look.ground_truth);
    });
    const few = run.order.length <= named;
    const tags = [];
    for (const state of Object.keys(lines)) {
      // in the order in which they lie on one another
      if (!shows(state)) continue;
      for (const row of [...run.order].reverse()) {
        if (stateOf(row) !== state) continue;
        const strong = state === "current" || row === pointed;
        const thin = !few && !strong && BEHIND.includes(state) ? { width: 1, casing: "transparent" } : {};
        panel.box(
          boxOf(row),
          { ...styles[state], ...thin },
          { alpha: row === pointed ? 1 : (few ? FEW : MANY)[/** @type {keyof typeof FEW} */ (state)], strong },
        );
        if (few || strong)
          tags.push({
            text: few ? `${names[row]} ${scoreOf(row)}` : names[row],
            box: boxOf(row),
            style: styles[state],
          });
      }
    }
    if (few && model.get("layers").includes("ground_truth"))
      for (const { name, box } of objects) tags.unshift({ text: name, box, style: look.ground_truth });
    panel.tags(tags.reverse());
  }

  function draw() {
    turn.set(turnsOf(), model.get("top_n"));
    thresh.set(model.get("nms_thresh"));
    most.set(model.get("top_n"));
    speed.set(model.get("speed"));
    for (const { name, set } of options) set(model.get(name));
    for (const { name, set } of layers) set(model.get("layers").includes(name));
    const states = run.order.map(stateOf);
    const fell = states.filter((state) => state === "falls" || state === "suppressed").length;
    const waiting = states.filter((state) => state === "waiting").length;
    const goneNow = turnsOf() && run.by[run.order[turnsOf() - 1]] >= 0 ? 1 : 0;
    const kept = run.order.length - fell - waiting - goneNow;
    setText(
      counts,
      `${kept} kept · ${fell + goneNow} suppressed · ${waiting} waiting; in the end ${keptRows(run).length} of ${run.order.length} are kept`,
    );
    setText(sentence, told());
    page.root.dataset.turn = String(turnsOf());
    page.say(told());
    fillTable();
    drawPicture();
  }

  const redraw = scheduler(draw);
  page.onDestroy(watch(model, SETTINGS, work));
  page.onDestroy(watch(model, ["turn", "speed", "pass_over", "layers"], redraw));
  page.onDestroy(() => {
    play.stop();
    panel.destroy();
  });
  work();
  draw();
  return page.destroy;
}
