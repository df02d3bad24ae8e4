// @ts-check
// What stands beside the scatter: coverage by group, the shapes of the anchors, findings, and what to paste.
import { choice, h, OWN_KEYS, scroller, segmented, setText } from "../common/elements.js";
import { fixed, thousands } from "../common/format.js";
import { commit } from "../common/model.js";
import { table } from "../common/table.js";
import { percent, shapesOf, shapeText } from "./data.js";

/** @typedef {import("./view.js").Context} Context */
/** @typedef {import("./view.js").Part} Part */
/** @typedef {import("./data.js").Plan} Plan */
/** @typedef {import("./data.js").Finding} Finding */

const LIBRARIES = ["torchvision", "detectron2", "MMDetection"];
const COPIED_FOR = 6000; // ms
const GROUPS = ["size", "network size", "ratio", "class"];

/** How the objects are grouped. @param {Context} context @returns {Part} */
function groupChoice({ model }) {
  const select = choice({
    label: "coverage by",
    what: "How the objects are grouped: by the size in the picture, by that in the network, by height / width, or by class.",
    onChange: (by) => commit(model, { by }),
  });
  select.fill(GROUPS.map((value) => ({ value, label: value })));
  return { element: select.element, draw: ({ by }) => select.set(by) };
}

/** Bars of coverage; those of 0.7 lie on those of 0.5. @param {Context} context @returns {Part} */
export function bars(context) {
  const { plan } = context.store;
  const [low, high] = plan.thresholds;
  const select = groupChoice(context);
  const about = h("span", { class: "rpnviz-aside" });
  const heads = ["", "objects", "coverage", `≥ ${low}`, `≥ ${high}`, "positive"];
  const whats = [
    "",
    "How many objects there are.",
    `Share of the objects whose best anchor has an IoU of at least ${low}: the wide bar; ${high}: the narrow one on it.`,
    "Share of the objects whose best anchor has at least this IoU.",
    "Share of the objects whose best anchor has at least this IoU.",
    "Anchors with an IoU of at least 0.7, for an object, on average.",
  ];
  const rows = table({
    label: "Coverage of the present anchors",
    className: "rpnviz-fit-bars",
    heads: heads.map((text, i) => ({ text, what: whats[i] })),
    rows: [],
  });
  let drawn = "";
  return {
    element: h(
      "div",
      {},
      h("figcaption", {}, h("label", {}, "coverage by ", /** @type {Node} */ (select.element)), about),
      rows.element,
    ),
    draw(now) {
      select.draw?.(now);
      if (now.by === drawn) return;
      drawn = now.by;
      writeBars(rows, plan, now.by);
      const hidden = now.by === "class" ? plan.num_classes - plan.groups.class.length : 0;
      setText(about, hidden ? `the largest classes; ${thousands(hidden)} more are not listed` : "of all objects");
    },
  };
}

/** @param {ReturnType<typeof table>} rows @param {Plan} plan @param {string} by */
function writeBars(rows, { groups, overall }, by) {
  const listed = [overall, ...groups[by]];
  rows.setRows(listed.map(({ name }) => name));
  listed.forEach(({ objects, covered: [half, seven], positives }, i) => {
    const texts = objects ? [percent(half), percent(seven), fixed(positives, 1)] : ["–", "–", "–"];
    [thousands(objects), "", ...texts].forEach((text, k) => {
      if (k !== 1) setText(rows.cells[i][k], text);
    });
    const bar = (/** @type {number} */ share) => h("i", { style: { width: `${100 * share}%` } });
    rows.cells[i][1].replaceChildren(h("span", { class: "rpnviz-fit-bar" }, bar(half), bar(seven)));
  });
}

/** The shapes that are drawn, with what they are good for. @param {Context} context @returns {Part} */
export function shapeTable(context) {
  const { plan } = context.store;
  const most = Math.max(plan.shapes.length, ...plan.suggestions.map((one) => one.shapes.length));
  const heads = [
    { text: "anchor", what: "The shape's number on the left, and what makes it." },
    { text: "width×height", what: "Of the anchor, px of the network's input." },
    { text: "best for", what: "Of how many objects it is the best anchor, whatever the IoU." },
    { text: "≥ 0.7 for", what: "To how many objects one of its anchors has an IoU of at least 0.7." },
    { text: "", what: "" },
  ];
  const rows = table({
    label: "Shapes of the anchors",
    className: "rpnviz-fit-shapes",
    heads,
    rows: Array.from({ length: most }, () => ({ head: [""] })),
    onPoint: (row) => context.set({ shape: row }),
  });
  return {
    element: rows.element,
    draw({ set, shape }) {
      const shapes = shapesOf(plan, set);
      rows.setRows(shapes.map(({ name }, i) => (name ? `${i + 1} · ${name}` : `${i + 1}`)));
      rows.write(
        shapes.map(({ size, best_for: best, positive_for: positive }) =>
          set
            ? [shapeText(size), "–", "–", ""]
            : [shapeText(size), thousands(best), thousands(positive), positive ? "" : "never matches"],
        ),
      );
      rows.mark("rpnviz-never", (row) => !set && !shapes[row].positive_for);
      rows.mark("rpnviz-hot", (row) => row === shape);
    },
  };
}

/** In a sentence. @param {Finding} finding */
const findingText = ({ what, left_out: leftOut, count, examples }) => {
  const many = `${thousands(count)} ${what}${leftOut ? ", and are left out" : ""}`;
  return examples.length ? `${many}: ${examples.join("; ")}${count > examples.length ? "; …" : ""}` : many;
};

/** What is odd about the annotations. @param {Context} context @returns {Part} */
export function findings({ store: { plan } }) {
  const items = plan.findings.map((one) => h("li", {}, findingText(one)));
  const none = h("p", {}, "Nothing odd was found in the annotations.");
  const title = `annotations: ${plan.findings.length || "no"} finding${plan.findings.length === 1 ? "" : "s"}`;
  const body = items.length ? scroller("Findings", "rpnviz-findings", h("ul", {}, ...items)) : none;
  return { element: h("details", { class: "rpnviz-fold" }, h("summary", OWN_KEYS, title), body) };
}

/** Settings of the suggestion that is chosen, to be copied. @param {Context} context @returns {Part} */
export function snippet({ model, store: { plan } }) {
  const buttons = segmented({
    label: "settings for",
    what: "Whose settings: they make the anchors of the suggestion that is chosen.",
    options: LIBRARIES.map((value) => ({ value, label: value })),
    onChange: (library) => commit(model, { library }),
  });
  const code = h("code", {});
  const place = scroller("What to paste", "rpnviz-snippet", h("pre", {}, code));
  const said = h("span", { role: "status" });
  const copy = h(
    "button",
    { type: "button", what: "Copies these settings.", click: () => copyText(code, say), ...OWN_KEYS },
    "copy",
  );
  let silence = 0;
  const say = (/** @type {string} */ text) => {
    clearTimeout(silence);
    setText(said, text);
    silence = window.setTimeout(() => setText(said, ""), COPIED_FOR);
  };
  return {
    element: h("div", {}, h("div", { class: "rpnviz-controls" }, "settings for ", buttons.element, copy, said), place),
    draw({ set, library }) {
      buttons.set(library);
      copy.disabled = !set;
      const none = plan.suggestions.length ? "Choose a suggestion above the picture." : "There is no suggestion.";
      setText(code, set ? plan.suggestions[set - 1].snippets[library] || "" : none);
    },
    destroy: () => clearTimeout(silence),
  };
}

/** To the clipboard; where a page may not, the text is marked for the reader's own keys. @param {HTMLElement} code @param {(text: string) => void} say */
async function copyText(code, say) {
  try {
    await navigator.clipboard.writeText(code.textContent || "");
    say("copied");
  } catch {
    const range = document.createRange();
    range.selectNodeContents(code);
    getSelection()?.removeAllRanges();
    getSelection()?.addRange(range);
    say("not copied: press Ctrl + C (⌘ C)");
  }
}
