// Without styleMap and unsafeHTML: the client's Content-Security-Policy forbids
// style attributes, and markup from strings goes through the purifier only.
export {
  LitElement, css, html, noChange, nothing, render, svg, unsafeCSS,
} from "lit";
export { AsyncDirective } from "lit/async-directive.js";
export { Directive, PartType, directive } from "lit/directive.js";
export { cache } from "lit/directives/cache.js";
export { classMap } from "lit/directives/class-map.js";
export { guard } from "lit/directives/guard.js";
export { ifDefined } from "lit/directives/if-defined.js";
export { keyed } from "lit/directives/keyed.js";
export { live } from "lit/directives/live.js";
export { createRef, ref } from "lit/directives/ref.js";
export { repeat } from "lit/directives/repeat.js";
export { until } from "lit/directives/until.js";
export { when } from "lit/directives/when.js";
