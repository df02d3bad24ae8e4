// @ts-check
// How every explorer is built: what has come from Python (store), what is shown now (moment), and the parts that draw it.
//
//   export const render = defineView({
//     frame: { className: "rpnviz-iou", label: "Two boxes", hint: "Drag a box." },
//     traits: ["anchor", "gt"],
//     store: ({ model, redraw }) => ({ photo: loadPhoto(() => model.get("image"), redraw) }),
//     moment: ({ model, store, local }) => ({ anchor: model.get("anchor"), … }),
//     parts: (context) => [picture(context), table(context)],
//     say: (moment) => `IoU ${moment.iou}`,
//   });
//
// A part draws a moment and asks nothing else; what a hand does in it becomes a trait (`commit`) or, where it is of this
// view alone (what the mouse points at), a local value (`set`). Both lead to one drawing.

import { waitsFor } from "./asking.js";
import { h } from "./elements.js";
import { frame } from "./explorer_frame.js";
import { commit, scheduler, watch } from "./model.js";

/** @typedef {import("./model.js").Model} Model */
/**
 * @template Moment
 * @typedef {{element: Element, draw?: (moment: Moment) => void, destroy?: () => void}} Part
 */
/**
 * What the parts of one view share.
 * @template Store
 * @typedef {{model: Model, store: Store, local: Record<string, any>, set: (values: Record<string, any>) => void,
 *   redraw: () => void, what: (sentence: string) => void, root: HTMLElement}} Context
 * local: values of this view alone; set: change some of them; what: say a sentence in the status line
 */
/**
 * @template Store, Moment
 * @typedef {object} View
 * @property {{className: string, label: string, hint: string, keys?: [string, string][]}} frame see `frame`
 * @property {string[]} traits that a drawing depends on
 * @property {Record<string, any>} [local] the local values at first
 * @property {(tools: {model: Model, redraw: () => void}) => Store} store what stays from drawing to drawing
 * @property {(context: Context<Store>) => Moment} moment
 * @property {(context: Context<Store>) => Part<Moment>[]} parts
 * @property {(moment: Moment, context: Context<Store>) => string} say what is shown, "" to leave it as it was said
 * @property {(moment: Moment, context: Context<Store>) => string} [busy] what the kernel is asked for while it has not answered
 * @property {(moment: Moment, context: Context<Store>) => Record<string, any>} [worksOut] what the page itself worked out,
 *   for Python: the trait worked_out
 * @property {(explorer: {model: Model, root: HTMLElement}) => Part<unknown>} [opens] the row below it that opens pictures
 *   (picture_row.js); with another picture in the trait `image` the view is made anew
 * @property {(context: Context<Store>) => (() => void)[]} [listen] what else is heard; each result removes its listener
 */

/**
 * Make the `render` of an explorer.
 * @template Store, Moment
 * @param {View<Store, Moment>} view
 * @returns {(context: {model: Model, el: HTMLElement}) => () => void}
 */
export function defineView(view) {
  return ({ model, el }) => {
    const ui = frame({ model, el }, view.frame);
    let destroy = show(view, model, ui);
    ui.onDestroy(() => destroy());
    if (view.opens) {
      const row = view.opens({ model, root: ui.root });
      ui.atEnd(row.element);
      ui.onDestroy(() => row.destroy?.());
      const anew = () => {
        destroy();
        destroy = show(view, model, ui);
      };
      ui.onDestroy(watch(model, ["image"], scheduler(anew))); // what was made of the picture before is of no use
    }
    return ui.destroy;
  };
}

/**
 * Show a view in its frame. @template Store, Moment
 * @param {View<Store, Moment>} view @param {Model} model @param {ReturnType<typeof frame>} ui
 * @returns {() => void} takes it away again
 */
function show({ traits, local = {}, store, moment, parts, say, busy, worksOut, listen }, model, ui) {
  const redraw = scheduler(() => shown && draw());
  let shown = true;
  const context = {
    model,
    store: store({ model, redraw }),
    local: { ...local },
    redraw,
    what: ui.what,
    root: ui.root,
    /** @param {Record<string, any>} values */
    set(values) {
      const changed = Object.entries(values).some(([name, value]) => context.local[name] !== value);
      Object.assign(context.local, values);
      if (changed) redraw();
    },
  };
  const pieces = parts(context);
  ui.body.replaceChildren(...pieces.map(({ element }) => element));

  function draw() {
    const now = moment(context);
    for (const piece of pieces) piece.draw?.(now);
    const sentence = say(now, context);
    if (sentence) ui.say(sentence);
    if (worksOut) tell(model, worksOut(now, context));
    const waiting = waitsFor(model);
    const own = waiting.includes("own_picture"); // of every view that opens pictures
    ui.busy(own ? "Python looks at the picture …" : busy && waiting.length ? busy(now, context) : "");
  }

  const stops = [watch(model, [...traits, "own_picture", "answered", "error"], redraw), ...(listen?.(context) || [])];
  draw();
  return () => {
    shown = false;
    for (const stop of stops) stop();
    for (const piece of pieces) piece.destroy?.();
  };
}

/** Tell Python what the page worked out, where it is new. @param {Model} model @param {Record<string, any>} values */
function tell(model, values) {
  if (JSON.stringify(values) !== JSON.stringify(model.get("worked_out"))) commit(model, { worked_out: values });
}

/**
 * Parts in one element: drawn and taken away together. What draws nothing may be a plain element or text.
 * @template Moment
 * @param {string} tag @param {Record<string, any>} attributes @param {...(Part<Moment> | Node | string)} children
 * @returns {Part<Moment>}
 */
export function group(tag, attributes, ...children) {
  const isPart = (/** @type {any} */ child) => typeof child === "object" && "element" in child;
  const parts = /** @type {Part<Moment>[]} */ (children.filter(isPart));
  return {
    element: h(tag, attributes, ...children.map((/** @type {any} */ child) => (isPart(child) ? child.element : child))),
    draw: (now) => parts.forEach((part) => part.draw?.(now)),
    destroy: () => parts.forEach((part) => part.destroy?.()),
  };
}
