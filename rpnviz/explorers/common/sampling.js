// @ts-check
// The minibatch of a picture's labelled anchors as its settings stand: the traits of HasMinibatch (sampled.py).

import { manualSeed } from "./compute/generator.js";
import { sampleMinibatch } from "./compute/targets.js";
import { derived } from "./model.js";

/** @typedef {import("./labelling.js").Labelled} Labelled */
/** @typedef {import("./model.js").Model} Model */

/** The traits that decide. */
export const SAMPLING = ["seed", "batch_size_per_image", "positive_fraction"];

/**
 * What is drawn as the traits stand; drawn again when one of them or a label changes.
 * @param {Model} model @param {() => Labelled} labelled
 */
export function sampling(model, labelled) {
  return derived(
    () => JSON.stringify([labelled().version, ...SAMPLING.map((name) => model.get(name))]),
    () => {
      const [seed, size, share] = SAMPLING.map((name) => /** @type {number} */ (model.get(name)));
      return { ...sampleMinibatch(labelled().found.labels, size, share, manualSeed(seed)), seed, size, share };
    },
  );
}
