// @ts-check
// Shows the explorers of a page without a kernel. Classic scripts only: a page from file:// may neither import a module
// nor fetch a file, but it may load scripts. The explorers' modules stand above in the same file (rpnviz/site/scripts.py);
// `put` takes the data (rpnviz/site/record.py).

/** @typedef {{get(name: string): any, set(name: string, value: any): void, on(event: string, listener: () => void): void}} Model */

Object.assign(
  rpnviz,
  (() => {
    const { take } = rpnviz;
    const here = /** @type {HTMLScriptElement} */ (document.currentScript).src.replace(/[^/]*$/, "");
    const NEAR = "1500px"; // of the screen: an explorer is there before the reader is

    // ---- data ------------------------------------------------------------------------------------------------------
    const arrivals = /** @type {Map<string, (value: any) => void>} */ (new Map());
    const files = /** @type {Map<string, Promise<any>>} */ (new Map());
    /** @param {string} name @param {any} value */
    const put = (name, value) => arrivals.get(name)?.(value);

    /** The content of a file of data, with all that it refers to. @param {string} name @returns {Promise<any>} */
    function load(name) {
      const known = files.get(name);
      if (known) return known;
      const coming = arrival(name).then(complete);
      files.set(name, coming);
      coming.catch(() => files.delete(name)); // the next time it is tried again
      return coming;
    }

    /** @param {string} name @returns {Promise<any>} */
    function arrival(name) {
      const script = document.createElement("script");
      script.src = `${here}data/${name}.js`;
      return new Promise((resolve, reject) => {
        arrivals.set(name, resolve);
        script.onerror = () => reject(new Error(`${name}.js could not be loaded`));
        document.head.append(script);
      }).finally(() => script.remove());
    }

    /** @param {any} value */
    async function complete(value) {
      const names = /** @type {Set<string>} */ (new Set());
      walk(value, (/** @type {any} */ one) => one.$file && names.add(one.$file));
      const parts = new Map(
        await Promise.all([...names].map(async (name) => /** @type {[string, any]} */ ([name, await load(name)]))),
      );
      return walk(value, (/** @type {any} */ one) => {
        if ("$bytes" in one) return bytes(one.$bytes);
        if ("$later" in one) return () => load(one.$later);
        return "$file" in one ? parts.get(one.$file) : undefined;
      });
    }

    /** A copy of the value in which every object for which `change` gives something is that. @param {any} value @param {(one: any) => any} change @returns {any} */
    function walk(value, change) {
      if (typeof value !== "object" || value === null || value instanceof DataView) return value;
      if (Array.isArray(value)) return value.map((one) => walk(one, change));
      const changed = change(value);
      if (changed instanceof DataView || typeof changed === "function") return changed;
      return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, walk(one, change)]));
    }

    /** @param {string} text base64 */
    function bytes(text) {
      const letters = atob(text);
      const found = new Uint8Array(letters.length);
      for (let i = 0; i < letters.length; i++) found[i] = letters.charCodeAt(i);
      return new DataView(found.buffer);
    }

    // ---- what Python would answer ----------------------------------------------------------------------------------
    /**
     * Answer what the view asks by setting traits, as far as it was recorded; also what the page's address asked before
     * there was a view. @param {Model} model @param {Record<string, any>} state as it was recorded
     */
    function answer(model, state) {
      const { answerTo } = take("common/asking.js");
      for (const rule of model.get("answers") || []) {
        const names = [...rule.given, ...(rule.last ? [rule.last.name] : [])];
        const listener = async () => {
          const file = answerTo(model, rule);
          if (!file) return;
          const value = rule.last && String(model.get(rule.last.name));
          try {
            const found = await load(file);
            if (answerTo(model, rule) !== file || (rule.last && String(model.get(rule.last.name)) !== value)) return; // too late
            model.set("error", "");
            for (const [name, set] of Object.entries(rule.last ? found[value] : found)) model.set(name, set);
          } catch (error) {
            model.set("error", String(error));
          }
        };
        for (const name of names) model.on(`change:${name}`, listener);
        if (names.some((name) => model.get(name) !== state[name])) listener();
      }
    }

    // ---- explorers -------------------------------------------------------------------------------------------------
    const joined = /** @type {Map<number, {model: Model, links: [string, number, string][]}>} */ (new Map());

    /** @param {Model} one @param {string} name @param {Model} other @param {string} its */
    function keepInStep(one, name, other, its) {
      other.set(its, one.get(name));
      one.on(`change:${name}`, () => other.set(its, one.get(name)));
      other.on(`change:${its}`, () => one.set(name, other.get(its)));
    }

    /**
     * Keep in step what the notebook's `jslink` does, once both are there; and two views of one explorer.
     * @param {HTMLElement} place @param {Model} model
     */
    function join(place, model) {
      const number = Number(place.dataset.number);
      const twin = joined.get(number);
      if (twin) {
        for (const name of Object.keys(model.get("moves"))) keepInStep(twin.model, name, model, name);
        return;
      }
      joined.set(number, { model, links: JSON.parse(place.dataset.links || "[]") });
      for (const [from, one] of joined) {
        for (const [name, to, its] of one.links) {
          const other = joined.get(to);
          if (other && (from === number || to === number)) keepInStep(one.model, name, other.model, its);
        }
      }
    }

    const mounted = /** @type {Set<HTMLElement>} */ (new Set());

    /** @param {HTMLElement} place data-view: the module that draws it; data-state: the file with its traits */
    async function mount(place) {
      if (mounted.has(place)) return;
      mounted.add(place);
      const { view = "", state = "" } = place.dataset;
      const el = /** @type {HTMLElement} */ (place.querySelector("[data-rpnviz-name]"));
      try {
        const values = await load(state);
        const { render } = take(view);
        await take("saved/open.js").openSaved({
          // some views wait for their pictures first
          el,
          state: { ...values }, // another explorer of the page may start from the same
          name: el.dataset.rpnvizName,
          network: values.network_files ? { ...take("common/network.js"), files: values.network_files } : null,
          render: (/** @type {{model: Model, el: HTMLElement}} */ context) => {
            answer(context.model, values);
            join(place, context.model);
            return render(context);
          },
        });
        place.classList.add("rpnviz-mounted");
      } catch (error) {
        place.classList.add("rpnviz-failed"); // its still picture shows again
        throw error;
      }
    }

    /** Code, outputs and formulas that are wider than their place scroll in it, and only then the Tab key stops there. */
    function reachWhatScrolls() {
      const places = new ResizeObserver((changed) => {
        for (const { target } of changed) {
          if (target.scrollWidth > target.clientWidth) target.setAttribute("tabindex", "0");
          else target.removeAttribute("tabindex");
        }
      });
      for (const place of document.querySelectorAll("article :is(pre, table, .rpnviz-formula)")) places.observe(place);
    }

    document.addEventListener("DOMContentLoaded", () => {
      reachWhatScrolls();
      const near = new IntersectionObserver(
        (entries) => {
          for (const { isIntersecting, target } of entries) {
            if (!isIntersecting) continue;
            near.unobserve(target);
            mount(/** @type {HTMLElement} */ (target));
          }
        },
        { rootMargin: NEAR },
      );
      const places = /** @type {HTMLElement[]} */ ([...document.querySelectorAll(".rpnviz-mount")]);
      const counts = /** @type {Record<string, number>} */ ({});
      for (const place of places) {
        // a name in links: nms, nms-2, …
        const kind = (place.dataset.view || "").split("/")[0];
        counts[kind] = (counts[kind] || 0) + 1;
        const el = document.createElement("div");
        el.dataset.rpnvizName = counts[kind] > 1 ? `${kind}-${counts[kind]}` : kind;
        place.append(el);
        near.observe(place);
      }
      const follow = () => {
        // a link may be for an explorer that is far from the screen
        const wanted = take("saved/link.js").addressee(location.hash.slice(1));
        const found = places.find((place) => place.querySelector(`[data-rpnviz-name="${CSS.escape(wanted || "")}"]`));
        if (found) mount(found);
      };
      window.addEventListener("hashchange", follow);
      follow();
    });

    return { put };
  })(),
);
