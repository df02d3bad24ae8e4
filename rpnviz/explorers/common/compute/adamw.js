// @ts-check
// How a gradient changes the weights: AdamW, its rate rising and falling over the run, as PyTorch's AdamW and OneCycleLR.

const WEIGHT_DECAY = 0.01;
const BETA2 = 0.999;
const EPS = 1e-8;
const RISES = 0.3; // share of the run in which the rate rises
const FIRST_SHARE = 1 / 25; // of the highest rate
const LAST_SHARE = 1e-4; // of the first
const BETA1 = [0.95, 0.85]; // where the rate is lowest, and where it is highest

/** @typedef {{lr: number, beta1: number}} Rates */

/**
 * The rates of a step, PyTorch's one cycle. @param {number} step steps taken so far @param {number} steps of the run
 * @param {number} maxLr @returns {Rates}
 */
export function oneCycle(step, steps, maxLr) {
  const total = steps + 1; // one step more than is taken, as in rpnviz/train/steps.py
  const [top, end] = [RISES * total - 1, total - 1];
  const [first, [slow, quick]] = [maxLr * FIRST_SHARE, BETA1];
  const rising = step <= top;
  const share = rising ? step / top : (step - top) / (end - top);
  return rising
    ? { lr: alongCosine(first, maxLr, share), beta1: alongCosine(slow, quick, share) }
    : { lr: alongCosine(maxLr, first * LAST_SHARE, share), beta1: alongCosine(quick, slow, share) };
}

/** @param {number} start @param {number} end @param {number} share of the way, 0 to 1 */
const alongCosine = (start, end, share) => end + ((start - end) / 2) * (1 + Math.cos(Math.PI * share));

/** Loshchilov and Hutter 2019, "Decoupled weight decay regularization", for some lists of weights. */
export class AdamW {
  /** @param {number[]} counts how many weights each list has */
  constructor(counts) {
    this.taken = 0; // steps
    this.means = counts.map((count) => new Float32Array(count)); // of gradients
    this.squares = counts.map((count) => new Float32Array(count)); // means of their squares
  }

  /** Change the weights in place. @param {Float32Array[]} weights @param {Float32Array[]} gradients @param {Rates} rates */
  step(weights, gradients, rates) {
    this.taken += 1;
    weights.forEach((of, i) => this.change(of, gradients[i], this.means[i], this.squares[i], rates));
  }

  /**
   * @param {Float32Array} weights @param {Float32Array} gradient @param {Float32Array} means
   * @param {Float32Array} squares @param {Rates} rates
   */
  change(weights, gradient, means, squares, { lr, beta1 }) {
    // What both means lack, since they began at 0.
    const [lacks1, lacks2] = [1 - beta1 ** this.taken, Math.sqrt(1 - BETA2 ** this.taken)];
    const [stays, rate] = [1 - lr * WEIGHT_DECAY, lr / lacks1];
    for (let i = 0; i < weights.length; i++) {
      const g = gradient[i];
      const mean = beta1 * means[i] + (1 - beta1) * g;
      const square = BETA2 * squares[i] + (1 - BETA2) * g * g;
      means[i] = mean;
      squares[i] = square;
      weights[i] = weights[i] * stays - (rate * mean) / (Math.sqrt(square) / lacks2 + EPS);
    }
  }
}
