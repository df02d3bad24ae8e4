// @ts-check
// A saved explorer: the very same view over a stand-in for the widget's model, with no kernel behind it.
import { ownPicture } from "../common/asking.js";
import { typed, watch } from "../common/model.js";
import { savedBar } from "./bar.js";
import { alone } from "./lecture.js";
import { addressee, readLink, writeLink } from "./link.js";

/** @typedef {import("../common/model.js").Model} Model */

/** For JSON.parse: what was binary comes back as such. @param {string} _ @param {any} value */
export const revive = (_, value) =>
  value && typeof value === "object" && "$bytes" in value
    ? new DataView(Uint8Array.from(atob(value.$bytes), (letter) => letter.charCodeAt(0)).buffer)
    : value;

/** The five methods of a widget model that a view uses. @param {Record<string, any>} state @returns {Model} */
export function standIn(state) {
  const listeners = /** @type {Record<string, (() => void)[]>} */ ({});
  return {
    get: (name) => state[name],
    set(name, value) {
      if (state[name] === value) return;
      state[name] = value;
      for (const listener of listeners[`change:${name}`] || []) listener();
    },
    on(event, listener) {
      listeners[event] ??= [];
      listeners[event].push(listener);
    },
    off: (event, listener) => (listeners[event] = (listeners[event] || []).filter((other) => other !== listener)),
    save_changes() {},
  };
}

/** The neural network of a page: its module, and what fetches its files. @typedef {{Network: typeof import("../common/network.js").Network, files: () => Promise<Record<string, DataView>>}} PageNetwork */

/** What a view asks of it: the weights; a network that fetches them when it needs them. @param {PageNetwork} network */
function asked({ Network, files }) {
  const buffer = (/** @type {DataView} */ file) => typed(file, Uint8Array).buffer;
  const weights = async () =>
    /** @type {any} */ (Object.fromEntries(Object.entries(await files()).map(([name, file]) => [name, buffer(file)])));
  /** @param {() => void} onFetch */
  const network = (onFetch) =>
    new Network(() => {
      onFetch();
      return weights();
    });
  return { weights, network };
}

/** Whether an element has this id: then a fragment is a place of the page. @param {string} fragment */
function isPlace(fragment) {
  try {
    return document.getElementById(decodeURIComponent(fragment)) !== null;
  } catch {
    return false; // not even an address
  }
}

/**
 * Show a saved explorer, as the fragment of the page's address wants it if that is for this one, with the bar below it.
 * A fragment is for the explorer that it names; one that names none on this page is for the first.
 * @param {{el: HTMLElement, state: Record<string, any>, render: (context: {model: Model, el: HTMLElement}) => any, name?: string,
 *   network?: PageNetwork | null}} options
 *   state: with `moves` and `presented`, as RpnvizWidget.saved_state gives it; name: in links, another for each explorer of
 *   a page; from the state if left out. A page that opens its explorers one after the other gives their elements
 *   data-rpnviz-name before the first, so that each knows of the others. network: if the page has it
 * @returns {Promise<() => void>} takes the explorer away again
 */
export async function openSaved({ el, state, render, name = state.name, network = null }) {
  const { moves = {}, presented = "" } = state;
  const model = standIn({ ...state, ...(network ? asked(network) : {}) });
  const opening = Object.fromEntries(Object.keys(moves).map((trait) => [trait, state[trait]]));
  const embedded = new URLSearchParams(location.search).has("embed");
  el.dataset.rpnvizName = name;

  /** What is wrong with the address as far as this explorer is concerned, once its state is followed; null: not for it. */
  function follow() {
    const fragment = location.hash.slice(1);
    const others = /** @type {HTMLElement[]} */ ([...document.querySelectorAll("[data-rpnviz-name]")]);
    const named = addressee(fragment);
    const isHere = others.some(({ dataset }) => dataset.rpnvizName === named);
    if (!fragment || isPlace(fragment) || (isHere ? named !== name : others[0] !== el)) return null;
    const foreign = named !== null && !isHere;
    const { values, problem } = foreign
      ? { values: opening, problem: "it is for an explorer that is not here" }
      : readLink(fragment, moves, opening);
    if (ownPicture(model)) model.set("own_picture", {}); // a link speaks of what was here before it
    for (const [trait, value] of Object.entries(values)) model.set(trait, value);
    model.save_changes();
    return problem;
  }
  /** @param {string | null} problem */
  function report(problem) {
    if (problem === null) return;
    model.set("error", problem && `This link was not followed: ${problem}.`);
    if (addressee(location.hash.slice(1)) === name) el.scrollIntoView();
  }

  const problem = follow();
  const destroy = await render({ model, el });
  const root = /** @type {HTMLElement} */ (el.querySelector(".rpnviz"));
  const [, number] = name.match(/-(\d+)$/) || []; // nms-2: regions of a page are told apart by their names
  if (number) root.ariaLabel += `, ${number}`;
  const link = () => writeLink(name, moves, model.get);
  const stopBar = savedBar({ el, root, model, moves, presented, name, link, embedded });
  const first = document.querySelector("[data-rpnviz-name]") === el;
  if (
    embedded &&
    (addressee(location.hash.slice(1)) === name || (first && problem !== null) || (first && !location.hash))
  )
    alone(el);
  report(problem);
  const forget = watch(model, Object.keys(moves), () => model.set("error", "")); // the reader goes on from there
  const onHash = () => report(follow());
  window.addEventListener("hashchange", onHash);
  return () => {
    window.removeEventListener("hashchange", onHash);
    forget();
    stopBar();
    destroy?.();
  };
}
