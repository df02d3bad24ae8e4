// @ts-check
// The worker's side of background.js: each message is a job.

/** @typedef {import("./compute/turns.js").Turn} Turn */
/** Layer `name` is done, `done` of `all`. @typedef {{name: string, done: number, all: number}} Progress */
/** @typedef {(progress: Progress) => void} OnProgress */
/** What is asked to do jobs, each a method; `take` is given what a job brings. @typedef {{turn: Turn, take?: (brings: any) => void}} Jobs */
/** @typedef {{onmessage: ((event: MessageEvent) => void) | null, postMessage: (message: object) => void}} Scope */

/** Say `ready` at once; to each job `progress` meanwhile, and `answer` or `error` at the end. @param {Scope} scope @param {Jobs} jobs */
export function listen(scope, jobs) {
  scope.onmessage = async ({ data }) => {
    try {
      scope.postMessage({ answer: await perform(jobs, data, (progress) => scope.postMessage({ progress })) });
    } catch (error) {
      scope.postMessage({ error: error instanceof Error ? error.message : String(error) });
    }
  };
  scope.postMessage({ ready: true });
}

/** @param {Jobs} jobs @param {{name: string, given: any[], brings: any}} job @param {OnProgress} onProgress @returns {Promise<any>} */
export async function perform(jobs, { name, given, brings }, onProgress) {
  if (brings) jobs.take?.(brings);
  return /** @type {any} */ (jobs)[name](...given, onProgress);
}
