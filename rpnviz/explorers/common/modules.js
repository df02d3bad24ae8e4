// @ts-check
// Where the modules of a bundle find each other (bundle.py): a widget is one text, a saved page one script, and a page from
// file:// may not import at all.

// biome-ignore lint/correctness/noUnusedVariables: the modules that follow it in a bundle use it
const rpnviz = (() => {
  const factories = /** @type {Record<string, () => any>} */ ({});
  const modules = /** @type {Record<string, any>} */ ({});
  return {
    /** @param {string} name @param {() => any} factory */
    define(name, factory) {
      factories[name] = factory;
    },
    /** @param {string} name @returns {any} what the module exports */
    take: (name) => (modules[name] ??= factories[name]()),
  };
})();
