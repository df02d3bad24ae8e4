// @ts-check
// Reads a picture file in a worker, and fits it into 600 × 1000.

import { Background } from "./background.js";
import { checkFile } from "./compute/pictures.js";
import { PictureJobs } from "./picture_worker.js";

/** @typedef {import("./compute/pictures.js").Picture} Picture */

export class PictureReader extends Background {
  constructor() {
    super("common/picture_worker.js", (turn) => new PictureJobs(turn));
  }

  /** @param {Blob} file @returns {Promise<Picture>} */
  openPicture(file) {
    // Looked at here first, since a worker learns of a picture's size only by decoding it.
    return this.perform("openPicture", [file], { before: () => checkFile(file) });
  }
}
