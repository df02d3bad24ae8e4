// @ts-check
// A saved explorer: the very same view over a stand-in for the widget's model, with no kernel behind it.

/** @typedef {import("./core.js").Model} Model */

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
    on: (event, listener) => (listeners[event] ||= []).push(listener),
    off: (event, listener) => (listeners[event] = (listeners[event] || []).filter((other) => other !== listener)),
    save_changes() {},
  };
}

/**
 * Show a saved explorer.
 * @param {{el: HTMLElement, state: Record<string, any>, render: (context: {model: Model, el: HTMLElement}) => any}} options
 */
export function openSaved({ el, state, render }) {
  return render({ model: standIn(state), el });
}
