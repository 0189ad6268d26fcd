import { css, html, nothing } from "../vendor/lit.js";
import { formatted } from "../app/formatted.js";
import { ChatElement } from "./element.js";

/** What a message says: formatted where it is, else its text with links to click. */
export class MessageText extends ChatElement {
  static properties = { content: { attribute: false } };

  static styles = [
    ...ChatElement.styles,
    css`
      :host {
        display: block;
        overflow-wrap: anywhere;
      }
      .plain-text {
        white-space: pre-wrap;
      }
      p + p,
      pre,
      blockquote,
      ul,
      ol,
      table {
        margin-block: 0.375rem;
      }
      ul {
        list-style: disc;
        padding-inline-start: 1.5rem;
      }
      ol {
        list-style: decimal;
        padding-inline-start: 1.75rem;
      }
      h1,
      h2,
      h3,
      h4,
      h5,
      h6 {
        font-size: 1.0625rem;
        margin-block: 0.375rem;
      }
      pre {
        padding: 0.625rem 0.75rem;
        border-radius: 0.5rem;
        background: light-dark(rgb(0 0 0 / 0.06), rgb(0 0 0 / 0.35));
        overflow-x: auto;
        white-space: pre;
        tab-size: 4;
      }
      code {
        font-family: var(--cp-mono);
        font-size: 0.875em;
      }
      :not(pre) > code {
        padding: 0.1em 0.3em;
        border-radius: 0.25rem;
        background: light-dark(rgb(0 0 0 / 0.07), rgb(0 0 0 / 0.35));
      }
      blockquote {
        margin-inline: 0;
        padding-inline-start: 0.75rem;
        border-inline-start: 3px solid var(--cp-accent);
        color: var(--cp-text-2);
      }
      table {
        border-collapse: collapse;
      }
      td,
      th {
        border: 1px solid var(--cp-line);
        padding: 0.2rem 0.5rem;
      }
      .mention {
        padding: 0 0.25rem;
        border-radius: 0.25rem;
        background: light-dark(rgb(37 99 201 / 0.12), rgb(127 176 255 / 0.2));
        text-decoration: none;
      }
      img {
        max-height: 2em;
      }
      .emoji-only {
        font-size: 2.5rem;
        line-height: 1.2;
      }
    `,
  ];

  #shown = null;
  #nodes = nothing;

  render() {
    if (this.content !== this.#shown) {
      this.#shown = this.content;
      this.#nodes = this.#made();
    }
    return this.#nodes;
  }

  #made() {
    const { fragment, isFormatted, isEmojiOnly } = formatted(this.content ?? {});
    if (isFormatted) return html`<div>${fragment}</div>`;
    return html`<div class="plain-text ${isEmojiOnly ? "emoji-only" : ""}">${fragment}</div>`;
  }
}

customElements.define("cp-message-text", MessageText);
