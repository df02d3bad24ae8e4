// @ts-check
// What a moved rule or object does to the anchor that is shown: the view stays with its kind ("fits best"), else it takes
// the first; another anchor begins with the network's own answer. As `_follow` in loss/explorer.py.

/** @typedef {import("../common/model.js").Model} Model */
/** @typedef {import("./offered.js").Offered} Offered */

/** The anchor that is shown; a link may name one that is not offered. @param {Model} model @param {Offered[]} offered */
export const shownOf = (model, offered) => offered[model.get("chosen")] ?? offered[0];

/**
 * The model for the controls of rules and objects: what it sets takes the anchor with it, in one message to Python.
 * @param {Model} model @param {() => Offered[]} offered @param {() => void} onOther another anchor is shown
 * @returns {Model}
 */
export function following(model, offered, onOther) {
  let before = /** @type {Offered | null} */ (null);
  const follow = (/** @type {Offered} */ { key, row }) => {
    const answer = { logit: model.get("logit"), deltas: model.get("deltas") };
    const place = offered().findIndex((one) => one.key === key);
    const shown = offered()[Math.max(place, 0)];
    model.set("chosen", Math.max(place, 0));
    setAnswer(model, shown.row === row ? answer : shown);
    if (shown.row !== row) onOther();
  };
  return {
    get: (name) => model.get(name),
    set(name, value) {
      before ??= shownOf(model, offered());
      model.set(name, value);
    },
    save_changes() {
      if (before) follow(before);
      before = null;
      model.save_changes();
    },
    on: (event, listener) => model.on(event, listener),
    off: (event, listener) => model.off(event, listener),
  };
}

/** An anchor's own, that is the network's, or another. @param {Model} model @param {{logit: number, deltas: number[]}} answer */
export function setAnswer(model, { logit, deltas }) {
  model.set("logit", logit);
  model.set("deltas", deltas);
}
