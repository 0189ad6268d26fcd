import { svg, nothing } from "../vendor/lit.js";
import { ICONS } from "../vendor/icons.js";

/** A picture that says what its button's label says. */
export const icon = (name, kind = "") =>
  svg`<svg viewBox="0 0 24 24" class="icon ${kind}" aria-hidden="true"><path d=${ICONS[name] ?? nothing}></path></svg>`;
