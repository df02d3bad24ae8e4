// @ts-check
// Covers a view while the question above it has its answer standing there. The view keeps its room, so nothing jumps; it is
// inert meanwhile: neither hand nor key nor screen reader gets at it.
import { h, OWN_KEYS } from "./elements.js";

const FIRST = "button:enabled, input:enabled, select:enabled, [tabindex='0']";

/**
 * @param {{root: HTMLElement, body: HTMLElement, shown: HTMLElement}} frame of the view, its body, and the sentence that
 *   says what it shows
 * @param {() => void} lift what the reader does who would rather look
 */
export function makeVeil({ root, body, shown }, lift) {
  function open() {
    lift();
    /** @type {HTMLElement | null} */ (body.querySelector(FIRST))?.focus({ preventScroll: true }); // this button is gone
  }
  const button = h("button", { type: "button", click: open, ...OWN_KEYS }, "Choose first, or show the view");
  const element = h("div", { class: "rpnviz-veil", hidden: true }, button);
  return {
    element,
    /** @param {boolean} covered */
    cover(covered) {
      element.hidden = !covered;
      body.inert = covered;
      body.classList.toggle("rpnviz-veiled", covered);
      // What is not to be seen yet is not to be heard either.
      if (covered) root.removeAttribute("aria-describedby");
      else root.setAttribute("aria-describedby", shown.id);
    },
  };
}
