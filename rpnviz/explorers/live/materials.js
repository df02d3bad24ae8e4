// @ts-check
// What the runs of a page look at, made once for all: the features of the pictures to train on, as they are and mirrored,
// and of the one that is watched. A page loads pictures and backbone only when a training is started.

import { Grid } from "../common/compute/grid.js";
import { mirrorBoxes } from "../common/compute/head_features.js";
import { readBitmap } from "../common/compute/pictures.js";
import { byWorker, startWorker } from "../common/workers.js";
import { WORKER } from "./head_worker.js";

/** @typedef {import("../common/model.js").Model} Model */
/** @typedef {import("./head_run.js").Setup} Setup */
/** Files of pictures, and the objects of each. seed: of first weights, pictures and minibatches.
 * @typedef {{seed: number, watched: Sent, pictures: Sent[]}} Training */
/** @typedef {{file: DataView, boxes: number[][]}} Sent */
/** What is the same for every run. @typedef {Omit<Setup, "name" | "steps">} Materials */

/** Two views of a page show one training; the features of its pictures are worked out once. */
const known = /** @type {WeakMap<Training, Materials>} */ (new WeakMap());

/**
 * @param {Model} model `weights` and `training` are functions that promise files
 * @param {(words: string) => void} onProgress @param {() => boolean} goesOn asked after each picture
 * @returns {Promise<Materials | null>} null if it does not go on
 */
export async function materials(model, onProgress, goesOn) {
  onProgress("loading the pictures and the backbone");
  const [training, { backbone }] = await Promise.all([model.get("training")(), model.get("weights")()]);
  const made = known.get(training) ?? (await work(training, backbone, onProgress, goesOn));
  if (made) known.set(training, made);
  return made;
}

/** @param {Training} training @param {ArrayBuffer} backbone @param {(words: string) => void} onProgress @param {() => boolean} goesOn */
async function work({ seed, watched, pictures }, backbone, onProgress, goesOn) {
  const worker = await trainer();
  try {
    await byWorker(worker, { name: "load", given: [backbone] });
    const { features, imageSize } = await byWorker(worker, { name: "watch", given: [await pictureOf(watched)] });
    const grid = Grid.named("paper", imageSize);
    const seen = /** @type {Setup["pictures"]} */ ([]);
    for (const picture of pictures) {
      if (!goesOn()) return null;
      onProgress(`features of picture ${seen.length + 1} of ${pictures.length}`);
      const { asItIs, mirrored } = await byWorker(worker, { name: "features", given: [await pictureOf(picture)] });
      const gtBoxes = boxesOf(picture);
      seen.push([
        { features: asItIs, gtBoxes },
        { features: mirrored, gtBoxes: mirrorBoxes(gtBoxes, grid) },
      ]);
    }
    return { seed, imageSize, pictures: seen, watched: { features, gtBoxes: boxesOf(watched) } };
  } finally {
    worker.terminate(); // the network takes 300 MB
  }
}

/** A worker for features or for a run. */
export async function trainer() {
  const worker = await startWorker(WORKER);
  if (!worker) throw new Error("this page may not start a worker, and training needs one");
  return worker;
}

/** @param {Sent} sent */
const pictureOf = ({ file }) => readBitmap(new Blob([/** @type {DataView<ArrayBuffer>} */ (file)]));

/** @param {Sent} sent */
const boxesOf = ({ boxes }) => new Float32Array(boxes.flat());
