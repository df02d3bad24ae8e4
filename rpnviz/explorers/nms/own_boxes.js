// @ts-check
// What Python answers when a picture of the reader's own is opened: explorer.py's `answer`.

import { picturePlanOf } from "../common/anchor_map.js";
import { cellAnchors, gridAnchors } from "../common/compute/anchors.js";
import { boxAt, listOf } from "../common/compute/boxes.js";
import { Grid } from "../common/compute/grid.js";
import { DEFAULTS, propose } from "../common/compute/proposals.js";
import { typed } from "../common/model.js";

/** As many boxes as there were, the best of the network. @param {import("../common/own_picture.js").Opened} opened */
export async function openBoxes({ file, get, imageSize, look }) {
  const grid = Grid.named("paper", imageSize);
  const { objectness, deltas } = await look(grid);
  const preNmsTopN = typed(get("scores"), Float32Array).length;
  const anchors = gridAnchors(grid, cellAnchors());
  const stages = propose(objectness, deltas, anchors, imageSize, { ...DEFAULTS, preNmsTopN });
  const scores = Float32Array.from(stages.preNmsInds, (i) => stages.allScores[i]);
  const boxes = listOf(Array.from(stages.preNmsInds, (i) => boxAt(stages.allBoxes, i)));
  const names = Array.from(scores, (_, place) => String(place + 1));
  const ties = new Set(scores).size < scores.length;
  return {
    plan: { ...get("plan"), ...picturePlanOf(get("plan"), imageSize), names, ties },
    ...{ image: file, boxes: new DataView(boxes.buffer), scores: new DataView(scores.buffer), turn: 0 },
  };
}
