import { css, html, nothing } from "../vendor/lit.js";
import { ChatElement } from "./element.js";

const HUES = 12;

/** A picture of a person or a room; the first letters of its name while there is none. */
export class Avatar extends ChatElement {
  static properties = {
    session: { attribute: false },
    src: {}, // an mxc address
    name: {},
    of: {}, // an ID, by which the color is chosen
    presence: {},
    url: { state: true },
  };

  static styles = [
    ...ChatElement.styles,
    css`
      :host {
        position: relative;
        display: inline-block;
        width: var(--size, 2.75rem);
        height: var(--size, 2.75rem);
        flex: none;
      }
      .disc {
        display: grid;
        place-items: center;
        width: 100%;
        height: 100%;
        border-radius: 50%;
        overflow: hidden;
        font-weight: 600;
        font-size: calc(var(--size, 2.75rem) * 0.38);
        color: light-dark(#fff, #10131a);
        background: hsl(calc(var(--hue) * 30) 45% light-dark(38%, 70%));
        background: light-dark(
          hsl(calc(var(--hue, 0) * 30) 50% 36%),
          hsl(calc(var(--hue, 0) * 30) 55% 74%)
        );
        user-select: none;
      }
      img {
        width: 100%;
        height: 100%;
        object-fit: cover;
      }
      .dot {
        position: absolute;
        right: 0;
        bottom: 0;
        width: 28%;
        height: 28%;
        min-width: 0.625rem;
        min-height: 0.625rem;
        border-radius: 50%;
        border: 2px solid var(--cp-surface);
        background: var(--cp-text-2);
      }
      .dot.online {
        background: var(--cp-good);
      }
      .dot.unavailable {
        background: light-dark(#c98a00, #ffc24d);
      }
      .dot.busy {
        background: var(--cp-danger);
      }
    `,
  ];

  willUpdate(changed) {
    if (changed.has("src") || changed.has("session")) this.#load();
    if (changed.has("of") || changed.has("name")) this.#color();
  }

  render() {
    const { presence } = this;
    const dot = presence && presence !== "offline";
    return html`<span class="disc" aria-hidden="true"
        >${this.url ? html`<img src=${this.url} alt="" />` : initials(this.name)}</span
      >${dot ? html`<span class="dot ${presence}" aria-hidden="true"></span>` : nothing}`;
  }

  #color() {
    const text = this.of || this.name || "";
    let sum = 0;
    for (const letter of text) sum = (sum * 31 + letter.codePointAt(0)) % 9973;
    this.style.setProperty("--hue", String(sum % HUES));
  }

  async #load() {
    const { src, session } = this;
    this.url = "";
    if (!src || !session) return;
    try {
      const url = await session.media(src, { width: 96, height: 96, method: "crop" });
      if (this.src === src) this.url = url;
    } catch {
      // There are always the letters.
    }
  }
}

/** The first letters of the first two words. */
export function initials(name) {
  const words = (name ?? "").replace(/[^\p{L}\p{N}\s]/gu, " ").trim().split(/\s+/);
  return words
    .slice(0, 2)
    .map((word) => [...word][0] ?? "")
    .join("")
    .toUpperCase();
}

customElements.define("cp-avatar", Avatar);
