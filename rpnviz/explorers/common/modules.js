// @ts-check
// Where the modules of a bundle find each other (bundle.py): a widget is one text, a saved page one script, and a page from
// file:// may not import at all.

// biome-ignore lint/correctness/noUnusedVariables: the modules that follow it in a bundle use it
const rpnviz = (function registry() {
  const factories = /** @type {Record<string, () => any>} */ ({});
  const modules = /** @type {Record<string, any>} */ ({});
  return {
    /** @param {string} name @param {() => any} factory */
    define(name, factory) {
      factories[name] = factory;
    },
    /** @param {string} name @returns {any} what the module exports */
    take: (name) => (modules[name] ??= factories[name]()),
    /**
     * A script of a module and all that it takes, for a worker: it has a registry of its own. A function's text is its
     * source, so the bundle need not hold a second copy, nor know where it was loaded from.
     * @param {string} name @returns {string}
     */
    script(name) {
      const needed = new Set([name]);
      for (const one of needed) {
        for (const [, other] of String(factories[one]).matchAll(/\brpnviz\.take\("([^"]+)"\)/g)) needed.add(other);
      }
      const defined = [...needed].map((one) => `rpnviz.define("${one}", ${factories[one]});`);
      return [`const rpnviz = (${registry})();`, ...defined].join("\n");
    },
  };
})();
