// @ts-check
// The random numbers of PyTorch's CPU, so that one seed draws the same minibatch in the page as in the notebook.

const STATES = 624;
const SHIFT = 397;

/**
 * Mersenne Twister, as torch.Generator().manual_seed(seed); each call gives the next 32 random bits.
 * Source: Matsumoto and Nishimura 1998, "Mersenne Twister".
 * @param {number} seed a whole number from 0 to 2 ** 32 − 1 @returns {() => number}
 */
export function manualSeed(seed) {
  const state = new Uint32Array(STATES);
  state[0] = seed;
  for (let i = 1; i < STATES; i++) state[i] = Math.imul(1812433253, state[i - 1] ^ (state[i - 1] >>> 30)) + i;
  let at = STATES;
  return () => {
    if (at === STATES) {
      renew(state);
      at = 0;
    }
    return tempered(state[at++]);
  };
}

/** Make the next 624 numbers of the last. @param {Uint32Array} state */
function renew(state) {
  for (let i = 0; i < STATES; i++) {
    const mixed = (state[i] & 0x80000000) | (state[(i + 1) % STATES] & 0x7fffffff);
    state[i] = state[(i + SHIFT) % STATES] ^ (mixed >>> 1) ^ (mixed & 1 ? 0x9908b0df : 0);
  }
}

/** @param {number} bits */
function tempered(bits) {
  let y = bits ^ (bits >>> 11);
  y ^= (y << 7) & 0x9d2c5680;
  y ^= (y << 15) & 0xefc60000;
  return (y ^ (y >>> 18)) >>> 0;
}

/**
 * The numbers from 0 to count − 1 in random order, as torch.randperm: each place is swapped with one at or behind it.
 * @param {number} count @param {() => number} generator @returns {Int32Array}
 */
export function randperm(count, generator) {
  const order = Int32Array.from({ length: count }, (_, i) => i);
  for (let i = 0; i < count - 1; i++) {
    const other = i + (generator() % (count - i));
    [order[i], order[other]] = [order[other], order[i]];
  }
  return order;
}

/** A whole number below `count`, as torch.randint(count, (1,)). @param {number} count @param {() => number} generator */
export const randint = (count, generator) => generator() % count;

/** Let so many draws pass that nobody needs. @param {number} count @param {() => number} generator */
export function skip(count, generator) {
  for (let i = 0; i < count; i++) generator();
}

const PAIRS = 8; // that PyTorch makes at a time

/**
 * Normally distributed round 0, as torch.nn.init.normal_: Box and Muller make two such numbers of two uniform ones.
 * @param {number} count a multiple of 16 @param {number} std @param {() => number} generator @returns {Float32Array}
 */
export function normal(count, std, generator) {
  const values = new Float32Array(count);
  for (let i = 0; i < count; i++) values[i] = (generator() & 0xffffff) / 2 ** 24;
  for (let first = 0; first < count; first += 2 * PAIRS) {
    for (let i = first; i < first + PAIRS; i++) {
      const radius = std * Math.sqrt(-2 * Math.log(1 - values[i]));
      const angle = 2 * Math.PI * values[i + PAIRS];
      values[i] = radius * Math.cos(angle);
      values[i + PAIRS] = radius * Math.sin(angle);
    }
  }
  return values;
}
