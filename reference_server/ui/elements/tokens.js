// The design tokens, set on the outermost elements only, so that a page overrides them
// on those: `chatproto-chat { --cp-accent: rebeccapurple }`.

import { css } from "../vendor/lit.js";

export const tokens = css`
  :host {
    --cp-font: system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif;
    --cp-mono: ui-monospace, "Cascadia Code", "DejaVu Sans Mono", Menlo, monospace;
    --cp-accent: light-dark(#2563c9, #7fb0ff);
    --cp-on-accent: light-dark(#ffffff, #0b1a33);
    --cp-surface: light-dark(#ffffff, #17191d);
    --cp-surface-2: light-dark(#f3f5f8, #1f2228);
    --cp-surface-3: light-dark(#e6eaf0, #2a2e36);
    --cp-backdrop: light-dark(#e9edf3, #101215);
    --cp-text: light-dark(#1a1d22, #e8eaee);
    --cp-text-2: light-dark(#565d69, #a7aebb);
    --cp-line: light-dark(#dde2e9, #2b2f37);
    --cp-own: light-dark(#dcebff, #1f3a63);
    --cp-other: light-dark(#ffffff, #22262d);
    --cp-hover: light-dark(#eef2f7, #23272e);
    --cp-selected: light-dark(#dbe7fb, #24364f);
    --cp-danger: light-dark(#b3261e, #ff8f86);
    --cp-on-danger: light-dark(#ffffff, #3a0907);
    --cp-good: light-dark(#17723f, #5fd08f);
    --cp-warning: light-dark(#fff3d6, #4a3a10);
    --cp-on-warning: light-dark(#4f3a00, #ffe2a0);
    --cp-badge: light-dark(#2563c9, #7fb0ff);
    --cp-on-badge: light-dark(#ffffff, #0b1a33);
    --cp-quiet-badge: light-dark(#5f6672, #4b515c);
    --cp-radius: 0.75rem;
    --cp-shadow: 0 0.25rem 1.25rem rgb(0 0 0 / 0.18);
    color: var(--cp-text);
    font-family: var(--cp-font);
    font-size: 0.9375rem;
    line-height: 1.4;
    color-scheme: light dark;
  }
  :host([theme="light"]) {
    color-scheme: light;
  }
  :host([theme="dark"]) {
    color-scheme: dark;
  }
`;
