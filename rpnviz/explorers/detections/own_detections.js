// @ts-check
// What Python answers when a picture of the reader's own is opened: explorer.py's `answer`.

import { picturePlanOf } from "../common/anchor_map.js";
import { cellAnchors, gridAnchors } from "../common/compute/anchors.js";
import { boxAt, listOf } from "../common/compute/boxes.js";
import { Grid } from "../common/compute/grid.js";
import { DEFAULTS, propose } from "../common/compute/proposals.js";

/** The usual 300 proposals, and all that the second head makes of them. @param {import("../common/own_picture.js").Opened} opened */
export async function openDetections({ file, get, imageSize, look, detect }) {
  const grid = Grid.named("paper", imageSize);
  const { features, objectness, deltas } = await look(grid);
  const stages = propose(objectness, deltas, gridAnchors(grid, cellAnchors()), imageSize, DEFAULTS);
  const proposals = Array.from(stages.postNmsInds, (i) => boxAt(stages.allBoxes, i));
  const plan = get("plan");
  const every = Math.max(proposals.length * plan.classes.length, 1); // NMS at 1 removes nothing
  const settings = { scoreThresh: plan.lowest, nmsThresh: 1, maxDetections: every };
  const { boxes, labels, scores, proposalInds } = await detect(features, listOf(proposals), grid, settings);
  const numbers = { boxes, labels: Uint8Array.from(labels), scores, proposal_inds: Int32Array.from(proposalInds) };
  return {
    plan: { ...plan, ...picturePlanOf(plan, imageSize), proposals },
    ...{ image: file, selected: -1 },
    ...Object.fromEntries(Object.entries(numbers).map(([name, values]) => [name, new DataView(values.buffer)])),
  };
}
