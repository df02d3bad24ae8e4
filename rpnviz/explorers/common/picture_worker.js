// @ts-check
// Reads picture files: decoding and resampling take a second or so for the photo of a phone.

import { openPicture } from "./compute/pictures.js";
import { nobodyWaits } from "./compute/turns.js";
import { listen } from "./jobs.js";

/** @typedef {import("./compute/turns.js").Turn} Turn */

export class PictureJobs {
  /** @param {Turn} turn */
  constructor(turn) {
    this.turn = turn;
  }

  take() {}

  /** @param {Blob} file @returns {Promise<import("./compute/pictures.js").Picture>} */
  openPicture(file) {
    return openPicture(file, this.turn);
  }
}

/** @param {import("./jobs.js").Scope} scope */
export const listenIn = (scope) => listen(scope, new PictureJobs(nobodyWaits));
