// @ts-check
// Parts of the NMS explorer: the buttons that step and play, and the table of the boxes.

import { swatch } from "../common/canvas_panel.js";
import { h, OWN_KEYS, setText } from "../common/elements.js";

/** @typedef {import("../common/canvas_panel.js").LineStyle} LineStyle */

const SLOWEST = 1000; // ms a step at least where the reader asks for less motion

/**
 * The four buttons, and the clock behind "play".
 * @param {{first: () => void, back: () => void, next: () => boolean, speed: () => number}} on next: false at the end
 */
export function transport(on) {
  let clock = 0;
  const calm = window.matchMedia("(prefers-reduced-motion: reduce)");
  const button = (/** @type {string} */ text, /** @type {string} */ what, /** @type {() => void} */ press) =>
    h("button", { type: "button", what, click: press, ...OWN_KEYS }, text);
  const by = (/** @type {() => void} */ step) => () => {
    stop();
    step();
  };
  const play = button("play", "Play: one turn after the other, at the speed below. Space.", () => toggle());
  const element = h(
    "div",
    { class: "rpnviz-transport", role: "group", "aria-label": "turns" },
    button("to the start", "Before the first turn. Home.", by(on.first)),
    button("back", "One turn back. Arrow left.", by(on.back)),
    play,
    button("next", "The next turn. Arrow right.", by(on.next)),
  );

  function stop() {
    clearTimeout(clock);
    clock = 0;
    setText(play, "play");
  }
  /** The speed is asked anew at each turn: it may be moved while it plays. */
  function wait() {
    const pause = 1000 / on.speed();
    clock = window.setTimeout(() => (on.next() ? wait() : stop()), calm.matches ? Math.max(pause, SLOWEST) : pause);
  }
  function toggle() {
    if (clock) return stop();
    setText(play, "pause");
    if (on.next()) return wait();
    on.first(); // at the end it plays from the start
    wait();
  }
  return { element, stop, toggle };
}

/**
 * One row for each box, in the order of their turns.
 * @param {{styles: Record<string, LineStyle>, onPick: (row: number) => void, onPoint: (row: number) => void,
 *   onKey: (event: KeyboardEvent) => void}} options
 */
export function boxTable({ styles, onPick, onPoint, onKey }) {
  const head = ["box", "score", "IoU", "state"].map((text) => h("th", { scope: "col" }, text));
  const body = h("tbody");
  const what = "The boxes in the order of their turns. Click a row to go to its turn. Arrow keys step.";
  const element = h(
    "div",
    { class: "rpnviz-boxes", tabindex: 0, role: "group", "aria-label": "boxes", what, keydown: onKey, ...OWN_KEYS },
    h("table", {}, h("thead", {}, h("tr", {}, ...head)), body),
  );
  const rows = /** @type {any[]} */ ([]);

  function add() {
    const i = rows.length;
    const [name, score, bar, iou, state] = [h("th", { scope: "row" }), h("td"), h("i"), h("span"), h("td")];
    const mark = h("b");
    const strokes = Object.fromEntries(Object.entries(styles).map(([key, style]) => [key, swatch(style)]));
    const tr = h(
      "tr",
      { click: () => onPick(rows[i].row), pointerenter: () => onPoint(rows[i].row), pointerleave: () => onPoint(-1) },
      name,
      score,
      h("td", { class: "rpnviz-overlap" }, h("span", { class: "rpnviz-track" }, bar, mark), iou),
      state,
    );
    const words = h("span");
    state.append(...Object.values(strokes), words);
    rows.push({ row: i, tr, name, score, bar, mark, iou, words, strokes });
    body.append(tr);
  }

  return {
    element,
    /**
     * @param {{row: number, name: string, score: string, state: string, iou: number | null, over: boolean, words: string,
     *   hot: boolean}[]} entries @param {number} thresh @param {number} current place of the box whose turn it is, −1: none
     */
    show(entries, thresh, current) {
      setText(head[2], current < 0 ? "IoU" : `IoU with ${entries[current].name}`);
      while (rows.length < entries.length) add();
      rows.forEach((line, i) => {
        const entry = entries[i];
        line.tr.hidden = !entry;
        if (!entry) return;
        line.row = entry.row;
        setText(line.name, entry.name);
        setText(line.score, entry.score);
        setText(line.iou, entry.iou === null ? "" : entry.iou.toFixed(2));
        setText(line.words, entry.words);
        line.bar.style.width = `${100 * (entry.iou || 0)}%`;
        line.bar.classList.toggle("rpnviz-over", entry.over);
        line.mark.style.left = `${100 * thresh}%`;
        line.bar.parentElement.style.visibility = entry.iou === null ? "hidden" : "";
        line.tr.classList.toggle("rpnviz-hot", entry.hot);
        line.tr.classList.toggle("rpnviz-gone", entry.state === "suppressed");
        for (const [key, stroke] of Object.entries(line.strokes))
          stroke.style.display = key === entry.state ? "" : "none";
      });
      const at = current < 0 ? body : rows[current].tr;
      element.scrollTop = current < 0 ? 0 : at.offsetTop - element.clientHeight / 3;
    },
  };
}
