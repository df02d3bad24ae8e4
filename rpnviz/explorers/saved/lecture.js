// @ts-check
// The lecturer's mode: the explorer alone on the screen in letters for the last row, moved by keys or by a presenter.
// The whole screen is asked for; where it is refused the explorer fills the window. An embedded page is alone likewise.
import { clamp } from "../common/compute/boxes.js";

/** @typedef {import("../common/model.js").Model} Model */
/** @typedef {import("./link.js").Moves} Moves */

/** What the keys do there, for the list. @type {[string, string][]} */
export const LECTURE_KEYS = [
  ["B or .", "black screen, and back"],
  ["Q", "the question away, and back"],
  ["L", "copy a link to what is shown, for everybody's own page"],
  ["Esc", "leave lecture mode"],
];
/** @type {[string, string]} */
export const PRESENTER_KEY = ["PageDown, PageUp", "one step on, one back (what a presenter sends)"];

/** Leave nothing but an element to be seen, heard and reached by Tab; the result brings the rest back. @param {HTMLElement} el */
export function alone(el) {
  const behind = /** @type {Element[]} */ ([]);
  for (
    let node = /** @type {Element} */ (el);
    node.parentElement && node !== document.body;
    node = node.parentElement
  ) {
    behind.push(
      ...[...node.parentElement.children].filter(
        (other) => other !== node && !other.classList.contains("rpnviz-behind"),
      ),
    );
  }
  for (const element of behind) element.classList.add("rpnviz-behind");
  el.classList.add("rpnviz-alone");
  return () => {
    for (const element of behind) element.classList.remove("rpnviz-behind");
    el.classList.remove("rpnviz-alone");
  };
}

/** Panels redraw themselves where their size changes, but not where only their letters do. @param {HTMLElement} root */
function redrawPanels(root) {
  const canvases =
    /** @type {NodeListOf<HTMLCanvasElement & {rpnvizPanel?: import("../common/canvas_panel.js").Panel}>} */ (
      root.querySelectorAll("canvas")
    );
  for (const canvas of canvases) canvas.rpnvizPanel?.redraw();
}

/**
 * Make the explorer as wide as still fits the window's height, so that nothing has to be scrolled.
 * @param {HTMLElement} el @param {HTMLElement} root of the explorer in it
 */
function fitted(el, root) {
  let [fits, over] = [50, 101]; // percent of the window's width
  while (over - fits > 1) {
    const middle = Math.floor((fits + over) / 2);
    root.style.width = `${middle}%`;
    if (el.scrollHeight <= el.clientHeight) fits = middle;
    else over = middle;
  }
  root.style.width = `${fits}%`;
  redrawPanels(root);
}

/** One step of a trait, within its rule. @param {Model} model @param {Moves} moves @param {string} trait @param {1 | -1} by */
function step(model, moves, trait, by) {
  const { kind, min, max, at_most, choices } = moves[trait];
  const value = model.get(trait);
  const next =
    kind === "one_of"
      ? choices[clamp(choices.indexOf(value) + by, 0, choices.length - 1)]
      : clamp(value + by, min, at_most ? model.get(at_most) : max);
  model.set(trait, next);
  model.save_changes();
}

/**
 * @param {{el: HTMLElement, root: HTMLElement, model: Model, moves: Moves, presented: string, onKeys: () => void,
 *   onLink: () => void, onChange: (on: boolean) => void}} options presented: the trait that a presenter moves, or ""
 */
export function lectureMode({ el, root, model, moves, presented, onKeys, onLink, onChange }) {
  let bringBack = /** @type {(() => void) | null} */ (null);
  const fit = () => fitted(el, root);

  function leave() {
    if (!bringBack) return;
    bringBack();
    bringBack = null;
    root.style.width = "";
    el.classList.remove("rpnviz-lecture", "rpnviz-black");
    redrawPanels(root);
    window.removeEventListener("resize", fit);
    document.removeEventListener("keydown", onKey, true);
    document.removeEventListener("fullscreenchange", onScreen);
    if (document.fullscreenElement === el) document.exitFullscreen();
    onChange(false);
  }
  const onScreen = () => (document.fullscreenElement === el ? fit() : leave());

  /** Before the explorer itself sees the key. @param {KeyboardEvent} event */
  function onKey(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || root.querySelector("dialog[open]")) return;
    const typing = /** @type {Element} */ (event.target).matches(
      "input:not([type=range], [type=checkbox], [type=radio]), select, textarea",
    );
    if (event.key === "Escape") leave();
    else if (presented && (event.key === "PageDown" || event.key === "PageUp"))
      step(model, moves, presented, event.key === "PageDown" ? 1 : -1);
    else if (!typing && ["b", "B", "."].includes(event.key)) el.classList.toggle("rpnviz-black");
    else if (!typing && ["q", "Q"].includes(event.key))
      /** @type {HTMLElement | null} */ (root.querySelector(".rpnviz-quiz-fold"))?.click();
    else if (!typing && ["l", "L"].includes(event.key)) onLink();
    else if (!typing && event.key === "?") onKeys();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  function enter() {
    if (bringBack) return;
    bringBack = alone(el);
    el.classList.add("rpnviz-lecture");
    fit();
    window.addEventListener("resize", fit);
    document.addEventListener("keydown", onKey, true);
    document.addEventListener("fullscreenchange", onScreen);
    el.requestFullscreen?.().catch(() => {}); // refused: the window has to do
    const first =
      root.querySelector('.rpnviz-panel[tabindex="0"], .rpnviz-movable') ||
      root.querySelector(".rpnviz-body :is(input, select, button)");
    /** @type {HTMLElement | null} */ (first)?.focus({ preventScroll: true });
    onChange(true);
  }
  return { enter, leave };
}
