// @ts-check
// A picture of the reader's own in the views of its labels (labelled.py).

import { planOf } from "./anchor_map.js";
import { anchorsOf } from "./labelling.js";
import { opensPictures } from "./picture_row.js";

/** What Python answers when one is opened: `HasLabels.answer`. @param {import("./own_picture.js").Opened} opened */
async function answer({ file, get, imageSize }) {
  const plan = planOf(get("plan"), imageSize);
  return { plan, image: file, selected: Math.min(get("selected"), anchorsOf(plan).length / 4 - 1) };
}

/** For `defineView`: anchors and labels ask no network. */
export const opensLabelled = opensPictures({ network: false, answer });
