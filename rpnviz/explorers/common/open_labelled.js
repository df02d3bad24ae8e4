// @ts-check
// A picture of the reader's own in the views of its labels (labelled.py).

import { planOf } from "./anchor_map.js";
import { shapesOf } from "./anchor_shapes.js";
import { opensPictures } from "./picture_row.js";

/** What Python answers when one is opened: `HasLabels.answer`. @param {import("./own_picture.js").Opened} opened */
async function answer({ file, get, imageSize }) {
  const plan = planOf(get("plan"), imageSize);
  const [[rows, columns], [scales, ratios]] = [plan.feature_size, shapesOf({ get })];
  const last = rows * columns * scales.length * ratios.length - 1;
  return { plan, image: file, selected: Math.min(get("selected"), last) };
}

/** For `defineView`: anchors and labels ask no network. */
export const opensLabelled = opensPictures({ network: false, answer });
