// @ts-check
// A table with named columns whose cells change from moment to moment.

import { h, OWN_KEYS, scroller, setText } from "./elements.js";

/**
 * @typedef {{text: string, what?: string}} Head of a column; text "" for none
 * @typedef {{head: (string | Node)[], what?: string}} Row the row's own head, and its sentence for the status line
 */

/**
 * A real table in a place that scrolls where there is no room.
 * @param {{label: string, className?: string, heads: Head[], rows: Row[], onPoint?: (row: number) => void,
 *   onPick?: (row: number) => void}} options heads: of all columns, that of the rows' heads first; onPoint: a row under
 *   mouse or focus, −1 when they leave; onPick: pressed, or Enter or the space bar
 */
export function table({ label, className = "", heads, rows, onPoint, onPick }) {
  const cells = rows.map(() => heads.slice(1).map(() => h("td")));
  const lines = rows.map(({ head, what }, i) =>
    h("tr", { what, ...hearing(i, onPoint, onPick) }, h("th", { scope: "row" }, ...head), ...cells[i]),
  );
  const head = heads.map(({ text, what }) => h(text ? "th" : "td", text ? { scope: "col", what } : {}, text));
  const body = h("table", {}, h("thead", {}, h("tr", {}, ...head)), h("tbody", {}, ...lines));
  return {
    element: scroller(label, className, body),
    rows: /** @type {HTMLTableRowElement[]} */ (lines),
    cells: /** @type {HTMLTableCellElement[][]} */ (cells),
    /** Write all cells. @param {string[][]} texts */
    write: (texts) => texts.forEach((line, i) => line.forEach((text, k) => setText(cells[i][k], text))),
    /** Mark rows. @param {string} name of a class @param {(row: number) => boolean} test */
    mark: (name, test) => lines.forEach((line, i) => line.classList.toggle(name, test(i))),
  };
}

/** @param {number} row @param {((row: number) => void)} [onPoint] @param {((row: number) => void)} [onPick] */
function hearing(row, onPoint, onPick) {
  if (!onPoint && !onPick) return {};
  const [enter, leave] = [() => onPoint?.(row), () => onPoint?.(-1)];
  const press = (/** @type {KeyboardEvent} */ event) => {
    if (event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    onPick?.(row);
  };
  const pick = onPick && { click: () => onPick(row), keydown: press };
  return { tabindex: 0, pointerenter: enter, focus: enter, pointerleave: leave, blur: leave, ...pick, ...OWN_KEYS };
}
