// @ts-check
// What the network's answers come to as the settings of the proposal branch stand: the traits of HasProposalSettings
// (proposal_settings.py).

import { chooseBoxes, moveAnchors } from "./compute/proposals.js";
import { derived } from "./model.js";

/** @typedef {import("./compute/proposals.js").Moved} Moved */
/** @typedef {import("./compute/proposals.js").Stages} Stages */
/** @typedef {import("./model.js").Model} Model */

/** The traits that decide. */
export const PROPOSAL_SETTINGS = ["pre_nms_top_n", "post_nms_top_n", "nms_thresh", "min_size"];

/**
 * Every stage of the proposals; NMS is worked out again only when what goes into it changes.
 * @param {Model} model @param {Float32Array} objectness [N] @param {Float32Array} deltas [N, 4]
 * @param {Float32Array} anchors [N, 4] @param {[number, number]} imageSize
 * @returns {{moved: Moved, stages: () => Stages}}
 */
export function proposing(model, objectness, deltas, anchors, imageSize) {
  const moved = moveAnchors(objectness, deltas, anchors, imageSize);
  const settings = () => {
    const [preNmsTopN, postNmsTopN, nmsThresh, minSize] = PROPOSAL_SETTINGS.map((name) => model.get(name));
    return { preNmsTopN, postNmsTopN, nmsThresh, minSize };
  };
  const kept = derived(
    () => JSON.stringify({ ...settings(), postNmsTopN: 0 }),
    () => chooseBoxes(moved, settings()),
  );
  const stages = derived(kept, (chosen) =>
    derived(
      () => model.get("post_nms_top_n"),
      () => ({ ...moved, ...chooseBoxes(moved, settings(), chosen) }),
    ),
  );
  return { moved, stages: () => stages()() };
}
