// @ts-check
// How long a training still takes, as pace.py: worked out from the steps that it has taken.

const FIRST = 3; // measured steps before anything is said: the very first one is slower than all others
const LAST = 20; // the machine may have something else to do by now

/** What a step of the runs that go on together takes: the median of the last ones. */
export class Pace {
  constructor() {
    this.of = ""; // the runs that go on
    this.times = /** @type {number[]} */ ([]); // ms
  }

  /** A step was taken. @param {string} runs their names @param {number} time ms */
  step(runs, time) {
    if (runs !== this.of) [this.of, this.times] = [runs, []];
    this.times = [...this.times, time].slice(-LAST);
  }

  /** What the steps that are left take, in words; "" as long as too few were taken to tell. @param {number} left */
  left(left) {
    if (this.times.length < FIRST || !left) return "";
    const sorted = [...this.times].sort((a, b) => a - b);
    const median = (sorted[(sorted.length - 1) >> 1] + sorted[sorted.length >> 1]) / 2;
    return timeLeft((left * median) / 1000);
  }
}

/** Say it roughly, as one would to a friend. @param {number} seconds 0 or more */
export function timeLeft(seconds) {
  if (seconds < 7.5) return "a few seconds left";
  if (seconds < 57.5) return `about ${5 * Math.round(seconds / 5)} seconds left`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return minutes < 2 ? "about a minute left" : `about ${minutes} minutes left`;
  const hours = Math.round(seconds / 3600);
  return hours < 2 ? "about an hour left" : `about ${hours} hours left`;
}
