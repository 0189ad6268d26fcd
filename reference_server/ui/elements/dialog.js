import { css, html } from "../vendor/lit.js";
import { t } from "../app/i18n.js";
import { ChatElement } from "./element.js";
import { icon } from "./icon.js";

/** A window above the page, with a heading; it is taken away when it is closed. */
export class Dialog extends ChatElement {
  static properties = { heading: {}, wide: { type: Boolean, reflect: true } };

  static styles = [
    ...ChatElement.styles,
    css`
      dialog {
        width: min(28rem, 100vw - 2rem);
        max-height: min(44rem, 100dvh - 2rem);
        padding: 0;
        border: 0;
        border-radius: var(--cp-radius);
        background: var(--cp-surface);
        color: var(--cp-text);
        box-shadow: var(--cp-shadow);
        overflow: hidden;
      }
      dialog[open] {
        display: flex;
        flex-direction: column;
      }
      :host([wide]) dialog {
        width: min(44rem, 100vw - 2rem);
      }
      dialog::backdrop {
        background: rgb(0 0 0 / 0.45);
      }
      header {
        display: flex;
        align-items: center;
        justify-content: space-between;
        gap: 0.5rem;
        padding: 0.75rem 0.75rem 0.5rem 1.25rem;
      }
      h2 {
        font-size: 1.125rem;
      }
      .body {
        display: grid;
        gap: 1rem;
        padding: 0.5rem 1.25rem 1.25rem;
        overflow-y: auto;
        overscroll-behavior: contain;
      }
      @media (max-width: 30rem) {
        :host([wide]) dialog {
          width: 100vw;
          max-width: 100vw;
          height: 100dvh;
          max-height: 100dvh;
          border-radius: 0;
        }
      }
    `,
  ];

  firstUpdated() {
    this.#dialog.showModal();
  }

  render() {
    return html`<dialog
      aria-labelledby="heading"
      @close=${() => this.#closed()}
      @click=${(event) => this.#clicked(event)}
    >
      <header>
        <h2 id="heading">${this.heading}</h2>
        <button class="round" title=${t("close")} aria-label=${t("close")} @click=${this.close}>
          ${icon("x")}
        </button>
      </header>
      <div class="body"><slot></slot></div>
    </dialog>`;
  }

  close() {
    this.#dialog.close();
  }

  get #dialog() {
    return this.renderRoot.querySelector("dialog");
  }

  #clicked(event) {
    if (event.target === this.#dialog) this.close();
  }

  #closed() {
    this.dispatchEvent(new CustomEvent("cp-close"));
  }
}

customElements.define("cp-dialog", Dialog);
