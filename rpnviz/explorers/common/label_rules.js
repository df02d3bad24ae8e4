// @ts-check
// The controls of what decides over labels: the line with both thresholds, and the two rules.

import { checkbox, h } from "./elements.js";
import { commit } from "./model.js";
import { thresholdLine } from "./threshold_line.js";
import { group } from "./view.js";

/** @typedef {import("./canvas_panel.js").LineStyle} LineStyle */
/** @typedef {import("./model.js").Model} Model */

/**
 * The two thresholds and the two switches.
 * @param {{model: Model, store: {styles: Record<string, LineStyle>}}} context
 * @returns {import("./view.js").Part<{bg: number, fg: number, best: boolean, drop: boolean}>}
 */
export function labelRules({ model, store: { styles } }) {
  const thresholds = thresholdLine({
    styles,
    onInput: (bg, fg) => commit(model, { bg_iou_thresh: bg, fg_iou_thresh: fg }),
  });
  const toggle = (/** @type {string} */ name, /** @type {string} */ label, /** @type {string} */ what) =>
    checkbox({ label, what: `${name}: ${what}`, onChange: (on) => commit(model, { [name]: on }) });
  const best = toggle(
    "allow_low_quality_matches",
    "best anchor of each object",
    "the best anchors of an object are positive, whatever their IoU is.",
  );
  const drop = toggle(
    "drop_cross_boundary",
    "leave out border crossers",
    "the paper's rule: anchors that reach beyond the picture get no label. torchvision labels them.",
  );
  return group(
    "div",
    { class: "rpnviz-label-rules" },
    { element: thresholds.element, draw: (now) => thresholds.set(now.bg, now.fg) },
    {
      element: h("div", { class: "rpnviz-controls" }, best.element, drop.element),
      draw(now) {
        best.set(now.best);
        drop.set(now.drop);
      },
    },
  );
}
