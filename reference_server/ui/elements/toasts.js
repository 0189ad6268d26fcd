import { css, html, nothing, repeat } from "../vendor/lit.js";
import { t } from "../app/i18n.js";
import { ChatElement } from "./element.js";

const SHOWN_MS = 5000;

/** Short news at the edge of the window, some of which can be undone for a while. */
export class Toasts extends ChatElement {
  static properties = { toasts: { state: true } };

  static styles = [
    ...ChatElement.styles,
    css`
      :host {
        position: fixed;
        inset-inline: 0;
        bottom: max(1rem, env(safe-area-inset-bottom));
        z-index: 10;
        display: grid;
        justify-items: center;
        gap: 0.5rem;
        pointer-events: none;
      }
      div {
        display: flex;
        align-items: center;
        gap: 1rem;
        max-width: min(32rem, 100vw - 2rem);
        padding: 0.625rem 1rem;
        border-radius: var(--cp-radius);
        background: light-dark(#23272e, #e8eaee);
        color: light-dark(#f5f6f8, #16181c);
        box-shadow: var(--cp-shadow);
        pointer-events: auto;
      }
      button {
        font-weight: 700;
        color: light-dark(#9cc2ff, #174ea6);
        padding: 0.25rem 0.5rem;
      }
    `,
  ];

  #next = 1;

  constructor() {
    super();
    this.toasts = [];
  }

  /** Say something; `undo` takes it back, `then` is done once nobody has. */
  show({ text, undo, then, grave = false }) {
    const toast = { id: this.#next++, text, undo, then, grave };
    this.toasts = [...this.toasts, toast];
    toast.timer = setTimeout(() => this.#end(toast, true), SHOWN_MS);
  }

  /** Do at once what was held back so that it could be undone. */
  settle() {
    for (const toast of this.toasts) this.#end(toast, true);
  }

  connectedCallback() {
    super.connectedCallback();
    this.follow("page", window, { pagehide: () => this.settle() });
  }

  render() {
    return html`<span role="status" aria-live="polite"
      >${repeat(
        this.toasts,
        ({ id }) => id,
        (toast) => html`<div role=${toast.grave ? "alert" : nothing}>
          <span>${toast.text}</span>
          ${toast.undo
            ? html`<button @click=${() => this.#undone(toast)}>${t("undo")}</button>`
            : nothing}
        </div>`,
      )}</span
    >`;
  }

  #undone(toast) {
    toast.undo();
    this.#end(toast, false);
  }

  #end(toast, isDone) {
    clearTimeout(toast.timer);
    if (!this.toasts.includes(toast)) return;
    this.toasts = this.toasts.filter((other) => other !== toast);
    if (isDone) toast.then?.();
  }
}

customElements.define("cp-toasts", Toasts);
