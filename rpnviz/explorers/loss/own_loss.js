// @ts-check
// What Python answers when a picture of the reader's own is opened: explorer.py's `answer`.

import { picturePlanOf } from "../common/anchor_map.js";
import { Grid } from "../common/compute/grid.js";
import { anchorsOf } from "../common/labelling.js";
import { findLimits } from "./limits.js";
import { scenes } from "./scene.js";

/** @param {import("../common/own_picture.js").Opened} opened */
export async function openLoss({ file, get, imageSize, look, objects }) {
  const before = get("plan");
  const { objectness, deltas } = await look(Grid.named(before.grid, imageSize));
  const placed = { ...before, ...picturePlanOf(before, imageSize) };
  const plan = { ...placed, ...findLimits(objectness, deltas, anchorsOf(placed), imageSize) };
  const said = { objectness: new DataView(objectness.buffer), deltas: new DataView(deltas.buffer) };
  const values = /** @type {Record<string, any>} */ ({ plan, said, objects });
  const model = { get: (/** @type {string} */ name) => (name in values ? values[name] : get(name)) };
  const [first] = scenes(/** @type {any} */ (model), plan)().offered;
  return { plan, image: file, said, chosen: 0, logit: first.logit, deltas: first.deltas };
}
