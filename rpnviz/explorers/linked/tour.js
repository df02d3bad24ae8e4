// @ts-check
// Show me: the tour above the view. Each step says one thing, takes away what it is not about, and moves the window; the
// view stays movable, and the next step goes on from wherever it was left.

import { ownPicture, waitsFor } from "../common/asking.js";
import { h, OWN_KEYS, setText } from "../common/elements.js";
import { commit, watch } from "../common/model.js";
import { isStill, slide } from "./motion.js";

/** @typedef {import("../common/model.js").Model} Model */
/** @typedef {import("./motion.js").Cell} Cell */
/** @typedef {import("./view.js").Context} Context */
/** @typedef {import("./view.js").Part} Part */
/** @typedef {{text: string, shows: string[], moves: Record<string, any>, path: Cell[]}} Step as linked/tour.py packs it */

const ALWAYS = new Set(["map", "picture", "window"]); // shown while nobody takes the tour
const UNFOLDED = "rpnviz-unfolded"; // in this browser, for the next time

/** @param {Model} model @returns {Step[]} */
const stepsOf = (model) => model.get("guide")?.steps || [];

/** Which step is on, −1 for none. @param {Model} model @returns {number} */
export const stepOn = (model) => (stepsOf(model).length && !ownPicture(model) ? model.get("step") : -1);

/** What is shown now, of tour.py's PARTS. @param {Model} model @returns {Set<string>} */
export const partsShown = (model) => (stepOn(model) < 0 ? ALWAYS : new Set(stepsOf(model)[stepOn(model)].shows));

/** A part that keeps its room while a step is not about it. @param {string} name @param {Part} part @returns {Part} */
export function onlyWith(name, part) {
  return {
    ...part,
    draw(now) {
      part.element.classList.toggle("rpnviz-unseen", !now.shows.has(name));
      part.draw?.(now);
    },
  };
}

/** The bar: what is said, Back and Next, and what folds the rest of the view away. @param {Context} context @returns {Part} */
export function tourBar(context) {
  const { model, root } = context;
  const guide = new Guide(model);
  const text = h("p", { class: "rpnviz-tour-text", role: "status" });
  const count = h("span", { class: "rpnviz-tour-count" });
  const go = (/** @type {number} */ by) => () => guide.go(by);
  const [show, leave] = [button("▶ Show me", go(1)), button("leave", () => guide.leave())];
  const [back, next] = [button("‹ Back", go(-1)), button("Next ›", go(1))];
  const fold = foldButton(model);
  const bar = h("div", { class: "rpnviz-tour-bar" }, show, back, count, next, leave, fold.element);
  show.classList.add("rpnviz-tour-show");
  const element = h("div", { class: "rpnviz-tour", role: "group", "aria-label": "Show me" }, text, bar);
  const stopKeys = tourKeys(root, element, guide);
  const stop = watch(model, ["step"], () => guide.arrive());
  let before = NaN;

  return {
    element,
    draw() {
      const [step, steps] = [stepOn(model), stepsOf(model)];
      const offered = steps.length > 0 && !ownPicture(model);
      stand(step >= 0 || model.get("quiet") ? ".rpnviz-body" : ".rpnviz-side");
      element.classList.toggle("rpnviz-touring", step >= 0);
      text.hidden = !offered || (step < 0 && !model.get("quiet"));
      setText(text, step < 0 ? invitation(steps.length) : steps[step].text);
      setText(count, `${step + 1} of ${steps.length}`);
      setText(next, step === steps.length - 1 ? "Done" : "Next ›");
      show.hidden = !offered || step >= 0;
      for (const one of [back, count, next, leave]) one.hidden = step < 0;
      back.disabled = step === 0;
      fold.draw(step >= 0);
      if (element.matches(":focus-within") || document.activeElement === document.body) keepFocus(before, step);
      before = step;
      guide.settle();
    },
    destroy() {
      guide.stop();
      stop();
      stopKeys();
    },
  };

  /** Above the view; unfolded, where there is room beside it. @param {string} where */
  function stand(where) {
    const [home, focused] = [
      root.querySelector(where),
      /** @type {HTMLElement | null} */ (element.querySelector(":focus")),
    ];
    if (element.parentElement === home) return;
    home?.prepend(element);
    focused?.focus({ preventScroll: true });
  }

  /** The button pressed may be gone. @param {number} from @param {number} to */
  function keepFocus(from, to) {
    if (from < 0 && to >= 0) next.focus({ preventScroll: true });
    if (from >= 0 && to < 0) show.focus({ preventScroll: true });
    if (back.matches(":focus") && back.disabled) next.focus({ preventScroll: true });
  }
}

/** @param {number} steps */
const invitation = (steps) => `Drag the small square on the map, or press Show me: ${steps} steps.`;

/** @param {string} text @param {() => void} click */
const button = (text, click) => h("button", { type: "button", click, ...OWN_KEYS }, text);

// What stops the window that slides by itself, by the guide that it follows: two views of an explorer have modules and
// models of their own, and share this.
const shared = /** @type {Record<symbol, WeakMap<object, () => void>>} */ (/** @type {unknown} */ (globalThis));
const SLIDING = Symbol.for("rpnviz.sliding");
shared[SLIDING] ??= new WeakMap();
const sliding = shared[SLIDING];

/** Goes from step to step. */
class Guide {
  /** @param {Model} model */
  constructor(model) {
    this.model = model;
    this.coming = /** @type {Step | null} */ (null); // moved to as soon as Python has answered
    const { asked } = model.get("guide") || {};
    const opening =
      asked && Object.entries(asked).every(([name, value]) => name === "step" || isSame(model, name, value));
    if (stepOn(model) >= 0 && opening) this.arrive(); // a link to a step, and not to what somebody made of it
  }

  /** One step on or back; after the last one the tour is over. @param {number} by */
  go(by) {
    const step = stepOn(this.model) + by;
    if (step >= stepsOf(this.model).length) this.leave();
    else commit(this.model, { step: Math.max(step, 0) });
  }

  /** Back to how the view stood before. */
  leave() {
    const { asked } = this.model.get("guide");
    commit(this.model, { ...asked, quiet: this.model.get("quiet"), step: -1 });
  }

  /** The trait `step` has changed, whoever did it. */
  arrive() {
    this.stop();
    this.coming = null;
    const step = stepOn(this.model);
    if (step < 0) return;
    const {
      row,
      col,
      quiet,
      step: _,
      ...rest
    } = { ...this.model.get("guide").asked, ...stepsOf(this.model)[step].moves };
    commit(this.model, rest);
    this.coming = stepsOf(this.model)[step];
    queueMicrotask(() => this.settle()); // after the view has drawn, and knows whether it waits
  }

  /** Move the window, unless Python has yet to answer with the picture or the grid. */
  settle() {
    const { coming, model } = this;
    if (!coming || waitsFor(model).length) return;
    this.coming = null;
    const { row, col } = { ...model.get("guide").asked, ...coming.moves };
    const onCell = (/** @type {Cell} */ [r, c]) => commit(model, { row: r, col: c });
    const way = /** @type {Cell[]} */ ([[model.get("row"), model.get("col")], ...coming.path, [row, col]]);
    if (isStill() || !coming.shows.includes("window")) onCell([row, col]);
    else {
      this.stop(); // of another view's
      sliding.set(model.get("guide"), slide(way, onCell));
    }
  }

  /** Wherever the window is. */
  stop() {
    sliding.get(this.model.get("guide") || this)?.();
  }
}

/** @param {Model} model @param {string} name @param {any} value */
const isSame = (model, name, value) => JSON.stringify(model.get(name)) === JSON.stringify(value);

/**
 * Arrow keys on the bar, and a presenter's keys everywhere in the view, go on and back; whoever touches the view stops
 * what moves by itself.
 * @param {HTMLElement} root @param {HTMLElement} bar @param {Guide} guide
 */
function tourKeys(root, bar, guide) {
  const onKey = (/** @type {KeyboardEvent} */ event) => {
    if (stepOn(guide.model) < 0 || event.ctrlKey || event.metaKey || event.altKey) return;
    const onBar = bar.contains(/** @type {Node} */ (event.target));
    const by = { PageDown: 1, PageUp: -1, ...(onBar ? { ArrowRight: 1, ArrowLeft: -1 } : {}) }[event.key];
    if (by) guide.go(by);
    else if (event.key === "Escape") guide.leave();
    else return onBar ? undefined : guide.stop();
    event.preventDefault();
    event.stopPropagation();
  };
  const onPoint = (/** @type {Event} */ event) => bar.contains(/** @type {Node} */ (event.target)) || guide.stop();
  root.addEventListener("keydown", onKey, true);
  root.addEventListener("pointerdown", onPoint, true);
  return () => {
    root.removeEventListener("keydown", onKey, true);
    root.removeEventListener("pointerdown", onPoint, true);
  };
}

/** What is folded at first: counts, layers, table, settings. @param {Model} model */
function foldButton(model) {
  if (model.get("quiet") && remembered() && !location.hash) commit(model, { quiet: false, alone: false });
  const element = button("", () => {
    const quiet = !model.get("quiet");
    remember(quiet ? null : "1");
    commit(model, quiet ? { quiet } : { quiet, alone: false });
  });
  element.classList.add("rpnviz-tour-fold");
  return {
    element,
    /** @param {boolean} touring */
    draw(touring) {
      element.hidden = touring;
      const quiet = model.get("quiet");
      setText(element, quiet ? "+ counts, layers, table" : "− less");
      element.setAttribute("aria-expanded", String(!quiet));
    },
  };
}

/** On a picture of the reader's own objects are to be drawn, and what draws them is folded. @param {Model} model */
export const unfoldsForOwn = (model) =>
  watch(model, ["own_picture"], () => {
    if (ownPicture(model) && model.get("quiet")) commit(model, { quiet: false, alone: false });
  });

/** A page in a frame, or a private window, may have no memory. */
function remembered() {
  try {
    return localStorage.getItem(UNFOLDED) !== null;
  } catch {
    return false;
  }
}

/** @param {string | null} value */
function remember(value) {
  try {
    if (value === null) localStorage.removeItem(UNFOLDED);
    else localStorage.setItem(UNFOLDED, value);
  } catch {
    // then it opens quietly next time
  }
}
