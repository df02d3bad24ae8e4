// @ts-check
// Notebook 06's tables: the ledger of one anchor, and the sums over the minibatch.
import { h, scroller, setText } from "../common/elements.js";

/** @typedef {import("../common/compute/loss_ledger.js").Way} Way */
/** @typedef {ReturnType<typeof import("../common/compute/loss_ledger.js").writeLedger>} Ledger */

const DELTAS = ["dx", "dy", "dw", "dh"];

/** −0.5 → "−0.5000", and never "−0.0000". @param {number} value @param {number} [digits] */
export const fixed = (value, digits = 4) =>
  value
    .toFixed(digits)
    .replace(/^-(?=0\.?0*$)/, "")
    .replace("-", "−");

/** @param {string[]} heads @param {string[]} names @param {string[]} what of each column */
function grid(heads, names, what) {
  const rows = names.map((name) => {
    const cells = heads.slice(1).map(() => h("td"));
    return { cells, row: h("tr", {}, h("th", { scope: "row" }, name), ...cells) };
  });
  const head = h(
    "tr",
    {},
    ...heads.map((text, i) => (text ? h("th", { scope: "col", what: what[i] }, text) : h("td"))),
  );
  return { table: h("table", {}, h("thead", {}, head), h("tbody", {}, ...rows.map(({ row }) => row))), rows };
}

/** @param {{cells: any[]}} row @param {string[]} texts */
const put = ({ cells }, texts) => texts.forEach((text, i) => setText(cells[i], text));

/** The ledger: one line for the logit, one for each delta, the two losses at the right. */
export function ledgerTables() {
  const score = grid(
    ["", "logit", "score", "label", "slope", "cross-entropy"],
    ["objectness"],
    [
      "",
      "What the network says: its raw number, −∞ to ∞.",
      "Sigmoid of the logit: how sure it is that there is an object.",
      "1 object, 0 background. Comes from the anchor's IoU, never from the decoded box.",
      "Score − label: how the cross-entropy changes with the logit.",
      "−ln(score) for an object, −ln(1 − score) for background.",
    ],
  );
  const box = grid(["", "delta", "target", "difference", "branch", "slope", "smooth L1"], DELTAS, [
    "",
    "What the network says.",
    "What would move the anchor onto the object.",
    "Delta − target.",
    "Parabola: |difference| below β. Line: beyond it.",
    "How smooth L1 changes with this delta: never beyond −1 and 1. The arrows show it.",
    "d² / 2β on the parabola, |d| − β/2 on the line.",
  ]);
  const total = h("td");
  const why = h("td", { colspan: 5 });
  box.table.append(h("tfoot", {}, h("tr", {}, h("th", { scope: "row" }, "box"), why, total)));
  score.table.className = "rpnviz-ledger-score";
  box.table.className = "rpnviz-ledger-box";
  return {
    element: scroller("ledger of the anchor", "rpnviz-ledger", score.table, box.table),
    /** @param {Ledger} ledger @param {{logit: number, label: number, clip: number}} about */
    show(ledger, { logit, label, clip }) {
      const said = label < 0 ? ["–", "–", "0.0000"] : [String(label), fixed(ledger.bceSlope), fixed(ledger.bce)];
      put(score.rows[0], [fixed(logit), fixed(ledger.score), ...said]);
      ledger.rows.forEach(({ delta, target, difference, onLine, loss, slope }, k) => {
        const cut = k > 1 && delta > clip;
        box.rows[k].row.classList.toggle("rpnviz-cut", cut);
        const compared = [fixed(target), fixed(difference), onLine ? "line" : "parabola", fixed(slope), fixed(loss)];
        put(box.rows[k], [fixed(delta), ...(label === 1 ? compared : ["–", "–", "–", "0.0000", "0.0000"])]);
      });
      const reasons = {
        1: "p* = 1: counts",
        0: "p* = 0: background has no box to move to",
        [-1]: "not in the minibatch: masked out",
      };
      setText(why, reasons[/** @type {1 | 0 | -1} */ (label)]);
      setText(total, fixed(ledger.boxLoss));
    },
  };
}

/** @param {number} factor */
const oneOver = (factor) => `1/${Math.round(1 / factor)}`;

/** @param {number} beta */
const betaText = (beta) => (beta === 0 ? "0 (L1)" : beta < 1 ? `1/${Math.round(1 / beta)}` : String(beta));

/** Two losses and their sum. @param {number[]} losses */
const six = ([bce, box]) => [bce, box, bce + box].map((loss) => fixed(loss, 6));

const SUM_HEADS = ["minibatch", "β", "bce ×", "box ×", "bce", "box", "sum"];
const SUM_MEANS = [
  "The sampled anchors, three ways to divide.",
  "Where smooth L1 turns from a parabola into a line; 0 is L1.",
  "What one unit of cross-entropy adds: one over N_cls.",
  "What one unit of smooth L1 adds: λ / N_reg, in the paper 10 / 2400.",
  "Loss of the logits.",
  "Loss of the boxes.",
  "The loss of this step.",
];

/** The minibatch three ways, and what rpn_losses says. @param {string[]} whose the ways are */
export function sumTable(whose) {
  const { table, rows } = grid(SUM_HEADS, whose, SUM_MEANS);
  table.className = "rpnviz-sums";
  const last = { cells: [h("td", { colspan: 3 }), h("td"), h("td"), h("td")] };
  const what = "The same minibatch through rpn_losses, as training adds it up: two sums of the network's own answers.";
  table.append(h("tfoot", {}, h("tr", { what }, h("th", { scope: "row" }, "rpn_losses"), ...last.cells)));
  return {
    element: scroller("losses of the minibatch", "", table),
    /**
     * @param {{ways: Way[], losses: number[][], tensorLosses: number[], key: string, untouched: boolean}} now
     *   key: of the way in use; untouched: the anchor answers as the network does
     */
    show({ ways, losses, tensorLosses, key, untouched }) {
      ways.forEach((way, i) => {
        put(rows[i], [betaText(way.beta), oneOver(way.per_bce), oneOver(way.per_box), ...six(losses[i])]);
        rows[i].row.classList.toggle("rpnviz-hot", way.key === key);
      });
      const ours = losses[ways.findIndex((way) => way.key === "torchvision")];
      const equal = ours.every((loss, i) => Math.abs(loss - tensorLosses[i]) <= 1e-6 * tensorLosses[i]);
      const note = equal ? "equal to six digits" : "not equal";
      put(last, [untouched ? note : "before you moved", ...six(tensorLosses)]);
    },
  };
}
