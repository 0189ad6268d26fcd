// What all elements look alike in: buttons, fields, focus, icons.

import { css } from "../vendor/lit.js";

export const shared = css`
  :host {
    box-sizing: border-box;
  }
  *,
  *::before,
  *::after {
    box-sizing: inherit;
  }
  [hidden] {
    display: none !important;
  }
  h1,
  h2,
  h3,
  p,
  ul,
  ol,
  figure {
    margin: 0;
    padding: 0;
  }
  ul,
  ol {
    list-style: none;
  }
  button,
  input,
  textarea,
  select {
    font: inherit;
    color: inherit;
  }
  button {
    border: 0;
    background: none;
    padding: 0;
    cursor: pointer;
    border-radius: 0.5rem;
  }
  button:disabled {
    cursor: default;
    opacity: 0.5;
  }
  :focus-visible {
    outline: 2px solid var(--cp-accent);
    outline-offset: 2px;
  }
  a {
    color: var(--cp-accent);
  }
  .icon {
    width: 1.375rem;
    height: 1.375rem;
    flex: none;
    display: block;
    fill: none;
    stroke: currentColor;
    stroke-width: 2;
    stroke-linecap: round;
    stroke-linejoin: round;
  }
  .icon.small {
    width: 1rem;
    height: 1rem;
  }
  .round {
    display: inline-grid;
    place-items: center;
    width: 2.5rem;
    height: 2.5rem;
    flex: none;
    border-radius: 50%;
    color: var(--cp-text-2);
  }
  .round:hover:not(:disabled) {
    background: var(--cp-hover);
    color: var(--cp-text);
  }
  .primary,
  .plain,
  .danger {
    min-height: 2.5rem;
    padding: 0 1rem;
    border-radius: 0.625rem;
    font-weight: 600;
  }
  .primary {
    background: var(--cp-accent);
    color: var(--cp-on-accent);
  }
  .plain {
    background: var(--cp-surface-3);
  }
  .danger {
    background: var(--cp-danger);
    color: var(--cp-on-danger);
  }
  .primary:hover:not(:disabled),
  .danger:hover:not(:disabled),
  .plain:hover:not(:disabled) {
    filter: brightness(1.08);
  }
  input:not([type="checkbox"], [type="radio"]),
  textarea,
  select {
    width: 100%;
    min-height: 2.5rem;
    padding: 0.5rem 0.75rem;
    border: 1px solid var(--cp-line);
    border-radius: 0.625rem;
    background: var(--cp-surface-2);
  }
  label {
    display: block;
  }
  .field {
    display: grid;
    gap: 0.25rem;
  }
  .field > span:first-child {
    color: var(--cp-text-2);
    font-size: 0.875rem;
  }
  .error {
    color: var(--cp-danger);
  }
  .quiet {
    color: var(--cp-text-2);
  }
  .cut {
    overflow: hidden;
    text-overflow: ellipsis;
    white-space: nowrap;
    min-width: 0;
  }
  .unseen {
    position: absolute;
    width: 1px;
    height: 1px;
    overflow: hidden;
    clip-path: inset(50%);
    white-space: nowrap;
  }
  .row {
    display: flex;
    align-items: center;
    gap: 0.5rem;
  }
  .actions {
    display: flex;
    flex-wrap: wrap;
    justify-content: flex-end;
    gap: 0.5rem;
  }
  @media (prefers-reduced-motion: reduce) {
    * {
      animation: none !important;
      transition: none !important;
      scroll-behavior: auto !important;
    }
  }
`;
