// @ts-check
// The loss of one anchor and of the minibatch, step by step, as in rpnviz/inspect/loss_ledger.py.

/** @typedef {{logit: number, deltas: number[], label: number, targets: number[]}} Entry label 1, 0, or −1: left out */
/** @typedef {{objectness: Float32Array, deltas: Float32Array, targets: Float32Array, labels: Int8Array}} Sample */
/** @typedef {{key: string, whose: string, beta: number, per_bce: number, per_box: number}} Way */

/** @param {number} logit */
export const sigmoid = (logit) => 1 / (1 + Math.exp(-logit));

/** −ln of the score, or of 1 − score for background, without overflow. @param {number} logit @param {number} label */
export function binaryCrossEntropy(logit, label) {
  const signed = label === 1 ? -logit : logit;
  return Math.max(signed, 0) + Math.log1p(Math.exp(-Math.abs(signed)));
}

/** A parabola near 0, a line further out; beta 0 is L1. @param {number} difference @param {number} beta */
export function smoothL1(difference, beta) {
  const size = Math.abs(difference);
  return size < beta ? size ** 2 / (2 * beta) : size - beta / 2;
}

/** Its derivative, −1 to 1. @param {number} difference @param {number} beta */
export function smoothL1Slope(difference, beta) {
  return Math.abs(difference) < beta ? difference / beta : Math.sign(difference);
}

/** The ledger of one anchor. @param {Entry} entry @param {number} beta */
export function writeLedger({ logit, deltas, label, targets }, beta) {
  const score = sigmoid(logit);
  const rows = deltas.map((delta, k) => {
    const difference = delta - targets[k];
    const [loss, slope] = label === 1 ? [smoothL1(difference, beta), smoothL1Slope(difference, beta)] : [0, 0];
    return { delta, target: targets[k], difference, onLine: Math.abs(difference) >= beta, loss, slope };
  });
  return {
    score,
    bce: label < 0 ? 0 : binaryCrossEntropy(logit, label),
    bceSlope: label < 0 ? 0 : score - label,
    rows,
    boxLoss: rows.reduce((sum, { loss }) => sum + loss, 0),
  };
}

/**
 * The two losses of the minibatch, with one anchor's answer as it stands.
 * @param {Sample} sample @param {Way} way @param {{at: number, logit: number, deltas: number[]}} moved at −1: none of them
 */
export function minibatchLosses(sample, { beta, per_bce, per_box }, moved) {
  let [bce, box] = [0, 0];
  sample.labels.forEach((label, i) => {
    const four = (/** @type {Float32Array} */ values) => Array.from(values.subarray(4 * i, 4 * i + 4));
    const answer = i === moved.at ? moved : { logit: sample.objectness[i], deltas: four(sample.deltas) };
    const entry = writeLedger(
      { logit: answer.logit, deltas: answer.deltas, label, targets: four(sample.targets) },
      beta,
    );
    bce += entry.bce;
    box += entry.boxLoss;
  });
  return [bce * per_bce, box * per_box];
}

/** One step of gradient descent on the answer itself. @param {Entry} entry @param {number} beta @param {number} rate */
export function takeStep(entry, beta, rate) {
  const { bceSlope, rows } = writeLedger(entry, beta);
  return { logit: entry.logit - rate * bceSlope, deltas: rows.map(({ delta, slope }) => delta - rate * slope) };
}
