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
  const cells = /** @type {HTMLTableCellElement[][]} */ ([]);
  const lines = /** @type {HTMLTableRowElement[]} */ ([]);
  const grown = (/** @type {Row} */ { head, what }) => {
    const own = heads.slice(1).map(() => h("td"));
    cells.push(own);
    lines.push(
      h("tr", { what, ...hearing(lines.length, onPoint, onPick) }, h("th", { scope: "row" }, ...head), ...own),
    );
  };
  rows.forEach(grown);
  const head = heads.map(({ text, what }) => h(text ? "th" : "td", text ? { scope: "col", what } : {}, text));
  const lower = h("tbody", {}, ...lines);
  const body = h("table", {}, h("thead", {}, h("tr", {}, ...head)), lower);
  return {
    element: scroller(label, className, body),
    rows: lines,
    cells,
    /** Have as many rows as there are names, and these before them. @param {string[]} names */
    setRows(names) {
      while (lines.length < names.length) grown({ head: [""] });
      names.forEach((name, i) => setText(/** @type {Node} */ (lines[i].firstChild), name));
      if (lower.childElementCount !== names.length) lower.replaceChildren(...lines.slice(0, names.length));
    },
    /** Write all cells. @param {string[][]} texts */
    write: (texts) => texts.forEach((line, i) => line.forEach((text, k) => setText(cells[i][k], text))),
    /** Mark rows, of those that are there. @param {string} name of a class @param {(row: number) => boolean} test */
    mark: (name, test) => [...lower.children].forEach((line, i) => line.classList.toggle(name, test(i))),
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
