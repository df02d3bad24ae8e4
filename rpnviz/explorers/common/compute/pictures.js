// @ts-check
// A picture of a visitor's own, as `Picture.open` in rpnviz/pictures.py makes it of the same file: to the pixel, as far as
// the browser decodes the file as Pillow does. Works on the page and in a worker.

import { resizeLanczos } from "./lanczos.js";

/** @typedef {import("./boxes.js").Size} Size */
/** @typedef {import("./turns.js").Turn} Turn */
/** @typedef {import("./lanczos.js").Source} Source */

/** @typedef {{scale: [number, number], offset: [number, number], size: Size}} Place see fittedPlace */
/**
 * `image` is red, green, blue, [H][W][3]; `scale` and `offset`, (y, x) both, say where a pixel of the file has gone:
 * x in the file is (x − offset[1]) / scale[1].
 * @typedef {{image: Uint8ClampedArray, imageSize: Size, fileSize: Size, scale: [number, number], offset: [number, number]}} Picture
 */

export const FIT_SIZE = /** @type {Size} */ ([600, 1000]); // the picture of the paper's example
export const PADDING = [124, 116, 104]; // the mean colour of ImageNet: next to nothing once the network has subtracted it
export const MAX_FILE_BYTES = 100 * 2 ** 20;
export const MAX_PIXELS = 64_000_000; // a 50-megapixel photo passes, a decompression bomb does not

/**
 * Read a picture file and fit it into 600 × 1000. EXIF orientation is applied, of an animation the first frame is taken,
 * transparent parts become white, colour profiles are ignored.
 * @param {Blob} file @param {Turn} turn @returns {Promise<Picture>}
 * @throws if it is no picture, broken, too large, or of a kind that this browser does not read; says which
 */
export async function openPicture(file, turn) {
  return fitBitmap(await readBitmap(file), turn);
}

/**
 * The first half, on the page: in WebKit no worker of a page from file:// may read a file.
 * @param {Blob} file @returns {Promise<ImageBitmap>}
 */
export async function readBitmap(file) {
  await checkFile(file);
  const bitmap = await decoded(file);
  checkPixels([bitmap.height, bitmap.width]);
  return bitmap;
}

/** The second half, which takes a second for the photo of a phone. @param {ImageBitmap} bitmap @param {Turn} turn */
export async function fitBitmap(bitmap, turn) {
  try {
    return await fit(opaque(bitmap), turn);
  } finally {
    bitmap.close();
  }
}

/**
 * Resample to fit FIT_SIZE, centred on the padding colour. @param {Source} source @param {Turn} turn
 * @returns {Promise<Picture>}
 */
export async function fit(source, turn) {
  const { scale, offset, size } = fittedPlace(source.size);
  const [[h, w], [top, left], [fitHeight, fitWidth]] = [size, offset, FIT_SIZE];
  const resized = await resizeLanczos(source, size, turn);
  const image = new Uint8ClampedArray(fitHeight * fitWidth * 3);
  for (let i = 0; i < image.length; i++) image[i] = PADDING[i % 3];
  for (let y = 0; y < h; y++) {
    image.set(resized.subarray(y * w * 3, (y + 1) * w * 3), ((top + y) * fitWidth + left) * 3);
  }
  return { image, imageSize: FIT_SIZE, fileSize: source.size, scale, offset };
}

/**
 * Where a picture lies once it is fitted: its scale, its offset and its size there, all (y, x).
 * @param {Size} size of the file, (H, W) @returns {Place}
 */
export function fittedPlace([height, width]) {
  const [fitHeight, fitWidth] = FIT_SIZE;
  const factor = Math.min(fitHeight / height, fitWidth / width);
  const [h, w] = [height, width].map((side) => Math.max(1, toEven(side * factor)));
  return { scale: [h / height, w / width], offset: [(fitHeight - h) >> 1, (fitWidth - w) >> 1], size: [h, w] };
}

/** Round; halves go to the even number, as in Python. @param {number} x */
const toEven = (x) => (x % 1 === 0.5 ? 2 * Math.round(x / 2) : Math.round(x));

/**
 * Refuse a file for its size, before anything is decoded. @param {Blob} file
 * @throws with a sentence that says how large it is, and how large it may be
 */
async function checkFile(file) {
  if (!file.size) throw new Error(`${nameOf(file)} is empty`);
  if (file.size > MAX_FILE_BYTES) throw new Error(`${nameOf(file)} is larger than ${MAX_FILE_BYTES / 2 ** 20} MiB`);
  const size = await sizeInHeader(file);
  if (size) checkPixels(size);
}

/** @param {Size} size */
function checkPixels([height, width]) {
  if (height * width <= MAX_PIXELS) return;
  const most = MAX_PIXELS / 1e6;
  throw new Error(`a picture of ${width}×${height} pixels, takes up to ${most} megapixels; make it smaller first`);
}

/**
 * The size of a picture that has not been decoded: an <img> knows it as soon as it has read the header. @param {Blob} file
 * @returns {Promise<Size | null>} null if there is no telling
 */
async function sizeInHeader(file) {
  if (typeof Image === "undefined") return null;
  const url = URL.createObjectURL(file);
  try {
    const image = new Image();
    await new Promise((resolve) => {
      image.onload = image.onerror = resolve;
      image.src = url;
    });
    return image.naturalWidth ? [image.naturalHeight, image.naturalWidth] : null;
  } finally {
    URL.revokeObjectURL(url);
  }
}

/** @param {Blob} file */
async function decoded(file) {
  try {
    return await createImageBitmap(file, { colorSpaceConversion: "none", premultiplyAlpha: "none" });
  } catch {
    const start = new Uint8Array(await file.slice(0, 16).arrayBuffer());
    throw new Error(`${nameOf(file)} ${whyNot(String.fromCharCode(...start))}`);
  }
}

/** What a file that was not decoded seems to be. @param {string} start its first bytes, a character each */
function whyNot(start) {
  const other = "which this browser does not read: save it as JPEG or PNG";
  if (/^(\xff\xd8|\x89PNG|GIF8|BM|RIFF....WEBP)/s.test(start)) return "cannot be decoded: it may be cut off or broken";
  if (/^(II\*\0|MM\0\*)/.test(start)) return `is a TIFF picture, ${other}`;
  if (/^....ftypavi[fs]/s.test(start)) return `is an AVIF picture, ${other}`;
  if (/^....ftyp(hei|hev|mif1|msf1)/s.test(start)) return `is a HEIC picture, ${other}`;
  return "is not a picture that this browser reads; JPEG and PNG are";
}

/** @param {Blob} file */
const nameOf = (file) => (file instanceof File && file.name ? file.name : "the file");

/** The rows of a bitmap, what is transparent on white. @param {ImageBitmap} bitmap @returns {Source} */
function opaque(bitmap) {
  const { height, width } = bitmap;
  return {
    size: [height, width],
    rows(from, until) {
      const canvas = new OffscreenCanvas(width, until - from);
      const g = canvas.getContext("2d", { willReadFrequently: true });
      if (!g) throw new Error("this browser gives no canvas to read the picture with");
      g.fillStyle = "white";
      g.fillRect(0, 0, width, until - from);
      g.drawImage(bitmap, 0, -from);
      return withoutAlpha(g.getImageData(0, 0, width, until - from).data);
    },
  };
}

/** @param {Uint8ClampedArray} rgba @returns {Uint8ClampedArray} */
export function withoutAlpha(rgba) {
  const rgb = new Uint8ClampedArray((rgba.length / 4) * 3);
  for (let i = 0, out = 0; i < rgba.length; i += 4) {
    rgb[out++] = rgba[i];
    rgb[out++] = rgba[i + 1];
    rgb[out++] = rgba[i + 2];
  }
  return rgb;
}
