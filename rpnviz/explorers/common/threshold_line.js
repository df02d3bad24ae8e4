// @ts-check
// Two thresholds on one line (notebook 04): negative to the left, positive to the right, ignored between them.

import { swatch } from "./canvas_panel.js";
import { h, OWN_KEYS, setText } from "./elements.js";

/** @typedef {import("./canvas_panel.js").LineStyle} LineStyle */

/**
 * @param {{styles: Record<string, LineStyle>, onInput: (bg: number, fg: number) => void}} options
 */
export function thresholdLine({ styles, onInput }) {
  const zones = ["negative", "ignored", "positive"].map((label) =>
    h("i", { style: { background: styles[label].color } }),
  );
  const mark = h("b", { class: "rpnviz-mark", hidden: true });
  const make = (/** @type {string} */ name, /** @type {string} */ what) =>
    h("input", { type: "range", min: 0, max: 1, step: 0.01, "aria-label": name, what, ...OWN_KEYS });
  const bg = make("bg_iou_thresh", "bg_iou_thresh: an anchor whose IoU is below it with every object is negative.");
  const fg = make(
    "fg_iou_thresh",
    "fg_iou_thresh: an anchor whose IoU is at or above it with some object is positive.",
  );
  const words = Object.fromEntries(["negative", "ignored", "positive"].map((label) => [label, h("span")]));
  const legend = Object.entries(words).map(([label, text]) =>
    h("span", { class: "rpnviz-zone" }, swatch(styles[label]), text),
  );

  const show = () => {
    const [low, high] = [Number(bg.value), Number(fg.value)];
    [low, high - low, 1 - high].forEach((share, i) => (zones[i].style.flexGrow = String(share)));
    setText(words.negative, `negative: IoU < ${low.toFixed(2)}`);
    setText(words.ignored, low < high ? "ignored between" : "nothing ignored");
    setText(words.positive, `positive: IoU ≥ ${high.toFixed(2)}`);
    bg.style.zIndex = low > 0.5 ? "3" : "2"; // where both meet at the right end, the lower one must be within reach
  };
  // They cannot cross: the one that is pushed stops at the other.
  bg.addEventListener("input", () => {
    bg.value = String(Math.min(Number(bg.value), Number(fg.value)));
    show();
    onInput(Number(bg.value), Number(fg.value));
  });
  fg.addEventListener("input", () => {
    fg.value = String(Math.max(Number(bg.value), Number(fg.value)));
    show();
    onInput(Number(bg.value), Number(fg.value));
  });

  return {
    element: h(
      "div",
      { class: "rpnviz-thresholds", role: "group", "aria-label": "IoU thresholds" },
      h("div", { class: "rpnviz-line" }, h("div", { class: "rpnviz-zones" }, ...zones, mark), bg, fg),
      h("div", { class: "rpnviz-zone-names" }, ...legend),
    ),
    inputs: [bg, fg],
    /** @param {number} low @param {number} high */
    set(low, high) {
      if (Number(bg.value) !== low) bg.value = String(low);
      if (Number(fg.value) !== high) fg.value = String(high);
      show();
    },
    /** Where on the line an IoU stands. @param {number} iou */
    mark(iou) {
      mark.hidden = false;
      mark.style.left = `${100 * iou}%`;
    },
  };
}
