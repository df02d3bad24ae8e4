// @ts-check
// The backbone, as in rpnviz/backbone.py: VGG-16's thirteen convolutions and four poolings, at smaller widths.

import { resizeBilinear } from "./bilinear.js";
import { BLOCK } from "./convolution.js";
import { CELL } from "./grid.js";
import { readSafetensors, tensorOf } from "./safetensors.js";

/** @typedef {import("./boxes.js").Size} Size */
/** @typedef {import("./grid.js").Grid} Grid */
/** @typedef {Pick<import("./pictures.js").Picture, "image" | "imageSize">} Picture */
/** @typedef {import("./convolution.js").Kernel} Kernel */
/** @typedef {import("./convolution.js").Layer} Layer */
/** @typedef {import("./convolution.js").Place} Place */
/** @typedef {import("./safetensors.js").Tensors} Tensors */
/** @typedef {(name: string) => void} OnLayer is told of each layer that is done */

export const DEPTHS = [2, 2, 3, 3, 3]; // convolutions of each stage; a pooling lies between two stages
export const OUT_CHANNELS = 512; // of conv5_3, whatever the widths before it
export const MEAN = [0.485, 0.456, 0.406]; // of ImageNet's RGB in [0, 1]
export const STD = [0.229, 0.224, 0.225];

/** conv1_1, conv1_2, … as the papers call them. */
export const LAYERS = DEPTHS.flatMap((depth, stage) =>
  Array.from({ length: depth }, (_, i) => `conv${stage + 1}_${i + 1}`),
);

export class Backbone {
  /** @param {Kernel} kernel @param {Tensors} tensors features.N.weight and features.N.bias, as torchvision numbers them */
  constructor(kernel, tensors) {
    this.kernel = kernel;
    let [number, channels] = [0, 3];
    /** The convolutions of each stage. @type {{name: string, layer: Layer}[][]} */
    this.stages = DEPTHS.map((depth, stage) => {
      const convolutions = Array.from({ length: depth }, (_, i) => {
        const layer = convolution(kernel, tensors, number, channels);
        [number, channels] = [number + 2, layer.outputs]; // its ReLU has a number too
        return { name: `conv${stage + 1}_${i + 1}`, layer };
      });
      number += 1; // and the pooling
      return convolutions;
    });
    if (channels !== OUT_CHANNELS) throw new Error(`weights: conv5_3 has ${channels} outputs, takes ${OUT_CHANNELS}`);
  }

  /** A trained backbone. @param {Kernel} kernel @param {ArrayBuffer} file safetensors */
  static load(kernel, file) {
    return new Backbone(kernel, readSafetensors(file));
  }

  /**
   * Run the convolutions and poolings.
   * @param {Float32Array} images [3][H'][W'], normalised, see `preprocess` @param {Size} size (H', W'), at least 64 px each
   * @param {boolean} ceilMode poolings keep an odd last row or column @param {OnLayer} onLayer
   * @returns {Promise<Float32Array>} [512][h][w]
   */
  async forward(images, size, ceilMode, onLayer) {
    let last = /** @type {Place | null} */ (null);
    for await (const { name, map } of this.activations(images, size, ceilMode)) {
      if (LAYERS.includes(name)) onLayer(name); // a pooling takes no time
      last = map;
    }
    return this.kernel.take(/** @type {Place} */ (last));
  }

  /**
   * What every layer puts out, after its ReLU, one after the other: "conv1_1" …, "pool1" …, "conv5_3". A map lies in the
   * kernel's memory until the next but one is worked out.
   * @param {Float32Array} images @param {Size} size @param {boolean} ceilMode as `forward` takes them
   * @returns {AsyncGenerator<{name: string, map: Place}>}
   */
  async *activations(images, size, ceilMode) {
    if (Math.min(...size) < 4 * CELL) throw new Error(`a picture of ${size.join("×")} px, takes ${4 * CELL} at least`);
    let map = this.kernel.put(images, 3, size);
    for (const [stage, convolutions] of this.stages.entries()) {
      if (stage > 0) {
        map = await this.kernel.pool(map, ceilMode);
        yield { name: `pool${stage}`, map };
      }
      for (const { name, layer } of convolutions) {
        map = await this.kernel.convolve(map, layer, true);
        yield { name, map };
      }
    }
  }

  /**
   * The feature map of a picture on a grid. @param {Picture} picture @param {Grid} grid says what the picture is
   * resampled to and how the poolings round @param {OnLayer} onLayer
   * @returns {Promise<Float32Array>} [512][h][w], 0 or above
   */
  async features(picture, grid, onLayer) {
    return this.forward(networkInput(picture, grid), grid.inputSize, grid.ceilMode, onLayer);
  }
}

/**
 * The picture as the network gets it. @param {Picture} picture @param {Grid} grid
 * @returns {Float32Array} [3][H'][W'], resampled and normalised
 */
export function networkInput({ image, imageSize }, grid) {
  if (imageSize.join() !== grid.imageSize.join()) {
    throw new Error(`picture must have the grid's imageSize ${grid.imageSize.join("×")}; got ${imageSize.join("×")}`);
  }
  if (image.length !== imageSize[0] * imageSize[1] * 3) {
    throw new Error(`image has ${image.length} numbers, takes ${imageSize.join("×")}×3`);
  }
  return preprocess(image, imageSize, grid.inputSize);
}

/** @param {Kernel} kernel @param {Tensors} tensors @param {number} number @param {number} channels that come in */
function convolution(kernel, tensors, number, channels) {
  const weight = tensorOf(tensors, `features.${number}.weight`, [0, channels, 3, 3]);
  const [outputs] = weight.shape;
  if (outputs % BLOCK)
    throw new Error(`weights: features.${number} has ${outputs} outputs, takes a multiple of ${BLOCK}`);
  return kernel.layer(weight, tensorOf(tensors, `features.${number}.bias`, [outputs]));
}

/**
 * Resample and normalise a picture for the network.
 * @param {Uint8ClampedArray} image [H][W][3] @param {Size} imageSize (H, W) @param {Size} inputSize (H', W')
 * @returns {Float32Array} [3][H'][W'], ImageNet's mean and deviation taken out
 */
export function preprocess(image, imageSize, inputSize) {
  const [height, width] = inputSize;
  const found = new Float32Array(3 * height * width);
  for (let channel = 0; channel < 3; channel++) {
    const plane = new Float32Array(imageSize[0] * imageSize[1]);
    for (let i = 0; i < plane.length; i++) plane[i] = image[3 * i + channel] / 255;
    const resized = resizeBilinear(plane, imageSize, inputSize);
    const [mean, std, at] = [Math.fround(MEAN[channel]), Math.fround(STD[channel]), channel * height * width];
    for (let i = 0; i < resized.length; i++) found[at + i] = Math.fround(resized[i] - mean) / std;
  }
  return found;
}
