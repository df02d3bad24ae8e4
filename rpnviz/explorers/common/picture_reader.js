// @ts-check
// Reads a picture file, and has a worker fit it into 600 × 1000.

import { Background } from "./background.js";
import { readBitmap } from "./compute/pictures.js";
import { PictureJobs } from "./picture_worker.js";

/** @typedef {import("./compute/pictures.js").Picture} Picture */

export class PictureReader extends Background {
  constructor() {
    super("common/picture_worker.js", (turn) => new PictureJobs(turn));
  }

  /** @param {Blob} file @returns {Promise<Picture>} */
  openPicture(file) {
    return this.perform("fit", [], { before: () => readBitmap(file) });
  }
}
