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

/** @typedef {{row: number, name: string, score: string, state: string, iou: number | null, iouText: string, over: boolean,
 *   words: string, hot: boolean}} Entry iou: with the box whose turn it is, null: of no interest */

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
  const lines = /** @type {ReturnType<typeof boxLine>[]} */ ([]);
  let shownAt = -1; // the place that was brought into sight; looking for it again would have the browser lay out all rows
  return {
    element,
    /** @param {Entry[]} entries @param {number} thresh @param {number} current place of the box whose turn it is, −1: none */
    show(entries, thresh, current) {
      setText(head[2], current < 0 ? "IoU" : `IoU with ${entries[current].name}`);
      while (lines.length < entries.length) {
        const line = boxLine({ styles, onPick, onPoint });
        lines.push(line);
        body.append(line.element);
      }
      lines.forEach((line, i) => {
        line.element.hidden = i >= entries.length;
        if (i < entries.length) line.show(entries[i], thresh);
      });
      if (current === shownAt) return;
      shownAt = current;
      element.scrollTop = current < 0 ? 0 : lines[current].element.offsetTop - element.clientHeight / 3;
    },
  };
}

/** One row of the table. @param {{styles: Record<string, LineStyle>, onPick: (row: number) => void, onPoint: (row: number) => void}} options */
function boxLine({ styles, onPick, onPoint }) {
  let row = -1;
  let shown = "";
  const [name, score, bar, mark, iou, words] = ["th", "td", "i", "b", "span", "span"].map((tag) => h(tag));
  name.scope = "row";
  const strokes = Object.entries(styles).map(([state, style]) => ({ state, element: swatch(style) }));
  const track = h("span", { class: "rpnviz-track" }, bar, mark);
  const element = h(
    "tr",
    { click: () => onPick(row), pointerenter: () => onPoint(row), pointerleave: () => onPoint(-1) },
    name,
    score,
    h("td", { class: "rpnviz-overlap" }, track, iou),
    h("td", {}, ...strokes.map((stroke) => stroke.element), words),
  );
  return {
    element,
    /** @param {Entry} entry @param {number} thresh */
    show(entry, thresh) {
      if (entry.iou !== null) mark.style.transform = `translateX(${100 * thresh}%)`;
      const now = Object.values(entry).join("|");
      if (now === shown) return; // of hundreds of rows a setting changes a few
      shown = now;
      row = entry.row;
      setText(name, entry.name);
      setText(score, entry.score);
      setText(iou, entry.iouText);
      setText(words, entry.words);
      bar.style.width = `${100 * (entry.iou || 0)}%`;
      bar.classList.toggle("rpnviz-over", entry.over);
      track.style.visibility = entry.iou === null ? "hidden" : "";
      element.classList.toggle("rpnviz-hot", entry.hot);
      element.classList.toggle("rpnviz-gone", entry.state === "suppressed");
      for (const stroke of strokes) stroke.element.style.display = stroke.state === entry.state ? "" : "none";
    },
  };
}
