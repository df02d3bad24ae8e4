// @ts-check
// The two branches that leave the anchors, with live counts: they are forever told as one.
import { NO_LABEL } from "../common/anchor.js";
import { h, setText } from "../common/elements.js";
import { thousands } from "../common/format.js";

/** @typedef {import("./view.js").Moment} Moment */
/** @typedef {import("./view.js").Part} Part */

/** What each stage is called (in brackets: where there is room), and what it is. @type {[string, string][]} */
const TRAINING = [
  ["inside[ the picture]", `Training: anchors that cross the picture's border get ${NO_LABEL}.`],
  [
    "labelled",
    "Training: positive (IoU ≥ 0.7 in the paper, or best of an object) and negative (< 0.3 with all); those between are ignored.",
  ],
  [
    "sampled[ for the loss]",
    "Training: a random minibatch, of 256 with at most half of it positive in the paper; missing positives are filled up with negatives.",
  ],
];
/** @type {[string, string][]} */
const PROPOSALS = [
  [
    "[scored and ]decoded",
    "Proposals: every anchor gets a score and is moved by its four deltas, also those that cross the border.",
  ],
  ["clipped[ to the picture]", "Proposals: boxes are cut off at the picture's border; none is dropped."],
  [
    "large enough",
    "Proposals: boxes less than min_size high or wide after clipping are dropped; 16 px in py-faster-rcnn.",
  ],
  ["top scores", "Proposals: the best scores go on, 6,000 in py-faster-rcnn; there is no threshold on the score."],
  [
    "after NMS",
    "Proposals: going down the list, a box is dropped if a better kept one overlaps it with an IoU above nms_thresh, 0.7 in the paper.",
  ],
  ["proposals", "Proposals: the best of these, 300 at test time and 2,000 in training, go to the second stage."],
];

/** @param {string} label @param {string} what @param {[string, string][]} stages */
function funnel(label, what, stages) {
  const items = stages.map(([words, explanation]) => {
    const [count, share] = [h("b"), h("small")];
    const named = words.split(/[[\]]/).map((part, i) => (i % 2 ? h("span", { class: "rpnviz-long" }, part) : part));
    return { count, share, element: h("li", { what: explanation }, count, " ", ...named, " ", share) };
  });
  const element = h(
    "ol",
    { class: "rpnviz-funnel", "aria-label": label },
    h("li", { class: "rpnviz-branch", what }, label),
    ...items.map((item) => item.element),
  );
  return {
    element,
    /** @param {string[]} counts @param {string[]} shares of the nine */
    update(counts, shares) {
      items.forEach((item, i) => {
        setText(item.count, counts[i]);
        setText(item.share, shares[i]);
      });
    },
  };
}

/** @returns {Part} */
export function funnels() {
  const all = h("b");
  const training = funnel(
    "Training",
    "How a training step chooses the anchors of its loss. No NMS anywhere in it.",
    TRAINING,
  );
  const proposals = funnel(
    "Proposals",
    "How the network's output becomes 300 boxes. No ground truth anywhere in it.",
    PROPOSALS,
  );
  const what =
    "All anchors: nine at every cell of the feature map. Two branches start from here. Grey: how many of this window's nine are left at a stage.";
  const element = h(
    "div",
    { class: "rpnviz-funnels rpnviz-loud" },
    h("div", { class: "rpnviz-all", what }, all, " anchors"),
    training.element,
    proposals.element,
  );
  let counted = "";
  let counts = /** @type {Record<string, number>} */ ({});
  return {
    element,
    draw(now) {
      const { scene, key, nine } = now;
      if (counted !== key) counts = scene.counts();
      counted = key;
      setText(all, thousands(scene.size));
      training.update(trainingCounts(now, counts), trainingLeft(now).map(share));
      proposals.update(
        scene.funnel.map(([, count]) => thousands(count)),
        scene.reach(nine).map(share),
      );
    },
  };
}

/** @param {number} count */
const share = (count) => `${count}/9`;

/** How many anchors are left at each stage of TRAINING. @param {Moment} now @param {Record<string, number>} counts of each label */
function trainingCounts({ scene, minibatch }, { crosses_border: crossing, positive, negative }) {
  const drawn = minibatch ? `${minibatch.positive.length} + ${minibatch.negative.length}` : "…";
  return [
    thousands(scene.size - crossing),
    `${thousands(positive)} positive + ${thousands(negative)} negative`,
    minibatch ? `${minibatch.all.size} = ${drawn}` : drawn,
  ];
}

/** How many of the nine. @param {Moment} now */
function trainingLeft({ scene, nine, minibatch }) {
  const here = (/** @type {string} */ kind) => nine.filter((anchor) => scene.kind(anchor) === kind).length;
  return [
    nine.length - here("crosses_border"),
    here("positive") + here("negative"),
    nine.filter((anchor) => minibatch?.all.has(anchor)).length,
  ];
}
