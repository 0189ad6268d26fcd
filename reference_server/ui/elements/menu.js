import { css, html, nothing } from "../vendor/lit.js";
import { ChatElement } from "./element.js";
import { icon } from "./icon.js";

const EDGE = 8;

/** A menu that opens where it is told to; arrow keys walk it, Escape closes it. */
export class Menu extends ChatElement {
  static properties = { items: { attribute: false }, label: {} };

  static styles = [
    ...ChatElement.styles,
    css`
      div {
        position: fixed;
        inset: auto;
        margin: 0;
        min-width: 11rem;
        max-width: min(20rem, 100vw - 1rem);
        max-height: calc(100dvh - 1rem);
        overflow-y: auto;
        padding: 0.375rem;
        border: 1px solid var(--cp-line);
        border-radius: var(--cp-radius);
        background: var(--cp-surface);
        color: var(--cp-text);
        box-shadow: var(--cp-shadow);
      }
      button {
        display: flex;
        align-items: center;
        gap: 0.75rem;
        width: 100%;
        min-height: 2.5rem;
        padding: 0.375rem 0.75rem;
        text-align: start;
      }
      button:hover,
      button:focus {
        background: var(--cp-hover);
        outline-offset: -2px;
      }
      .grave {
        color: var(--cp-danger);
      }
    `,
  ];

  #before = null;

  /** Show `items` ({key, text, icon, grave, checked, run}) at a point of the window. */
  async open(items, { x, y }, label) {
    this.items = items.filter(Boolean);
    this.label = label;
    this.#before = deepFocus();
    await this.updateComplete;
    const box = this.#box;
    if (!box) return;
    box.showPopover();
    const { width, height } = box.getBoundingClientRect();
    box.style.left = `${Math.max(EDGE, Math.min(x, innerWidth - width - EDGE))}px`;
    box.style.top = `${Math.max(EDGE, Math.min(y, innerHeight - height - EDGE))}px`;
    box.querySelector("button")?.focus();
  }

  /** Show it under a button. */
  openAt(items, anchor, label) {
    const { left, bottom } = anchor.getBoundingClientRect();
    return this.open(items, { x: left, y: bottom + 4 }, label);
  }

  render() {
    return html`<div
      popover
      role="menu"
      aria-label=${this.label ?? nothing}
      @keydown=${this.#key}
      @toggle=${this.#toggled}
    >
      ${this.items?.map(
        (item) => html`<button
          role=${item.checked === undefined ? "menuitem" : "menuitemcheckbox"}
          aria-checked=${item.checked ?? nothing}
          data-key=${item.key}
          class=${item.grave ? "grave" : ""}
          tabindex="-1"
          @click=${() => this.#chosen(item)}
        >
          ${item.icon ? icon(item.icon) : nothing}<span>${item.text}</span>
          ${item.checked ? icon("check", "small") : nothing}
        </button>`,
      )}
    </div>`;
  }

  get #box() {
    return this.renderRoot.querySelector("div");
  }

  #chosen(item) {
    this.#box.hidePopover();
    item.run();
  }

  #toggled(event) {
    if (event.newState !== "closed") return;
    // Only if nothing else has taken the focus meanwhile.
    if (!deepFocus() || deepFocus() === document.body) this.#before?.focus?.();
    this.#before = null;
  }

  #key(event) {
    const buttons = [...this.renderRoot.querySelectorAll("button")];
    const at = buttons.indexOf(this.renderRoot.activeElement);
    const to = {
      ArrowDown: (at + 1) % buttons.length,
      ArrowUp: (at - 1 + buttons.length) % buttons.length,
      Home: 0,
      End: buttons.length - 1,
    }[event.key];
    if (to !== undefined) {
      event.preventDefault();
      buttons[to].focus();
    } else if (event.key === "Tab") {
      event.preventDefault();
      this.#box.hidePopover();
    } else if (event.key === "Escape") {
      event.stopPropagation();
      event.preventDefault();
      this.#box.hidePopover();
      this.#before?.focus?.();
    }
  }
}

/** What has the focus, inside of shadow roots too. */
export function deepFocus() {
  let found = document.activeElement;
  while (found?.shadowRoot?.activeElement) found = found.shadowRoot.activeElement;
  return found;
}

customElements.define("cp-menu", Menu);
