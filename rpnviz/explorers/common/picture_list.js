// @ts-check
// A list to choose a picture from by its name. While one of the reader's own is shown, it stands there first.

import { ownPicture } from "./asking.js";
import { choice } from "./elements.js";
import { commit } from "./model.js";
import { leaveOwn } from "./own_picture.js";

const OWN = " "; // its value; no name of a bundled one

/** @param {import("./model.js").Model} model the trait `picture` is set @param {{label: string, what: string}} options */
export function pictureList(model, { label, what }) {
  const control = choice({
    ...{ label, what, className: "rpnviz-pictures" },
    onChange: (picture) => (ownPicture(model) ? leaveOwn(model, { picture }) : commit(model, { picture })),
  });
  let filled = "";
  return {
    element: control.element,
    /** @param {string[]} names to choose from @param {string} chosen @returns {number} how many there are */
    show(names, chosen) {
      const own = ownPicture(model);
      const bundled = names.map((name) => ({ value: name, label: name }));
      const entries = own ? [{ value: OWN, label: own.name }, ...bundled] : bundled;
      if (filled !== JSON.stringify(entries)) control.fill(entries);
      filled = JSON.stringify(entries);
      control.set(own ? OWN : chosen);
      return entries.length;
    },
  };
}
