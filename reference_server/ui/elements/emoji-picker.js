import { css, html, nothing } from "../vendor/lit.js";
import { emojiGroups } from "../app/emoji.js";
import { t, texts } from "../app/i18n.js";
import { ChatElement } from "./element.js";
import { deepFocus } from "./menu.js";

const EDGE = 8;
const COLUMNS = 8;

/** All emoji, found by words of the user's language; opens where it is told to. */
export class EmojiPicker extends ChatElement {
  static properties = { groups: { state: true }, term: { state: true } };

  static styles = [
    ...ChatElement.styles,
    css`
      .box {
        position: fixed;
        inset: auto;
        margin: 0;
        width: min(22rem, 100vw - 1rem);
        height: min(24rem, 100dvh - 1rem);
        padding: 0.5rem;
        border: 1px solid var(--cp-line);
        border-radius: var(--cp-radius);
        background: var(--cp-surface);
        color: var(--cp-text);
        box-shadow: var(--cp-shadow);
      }
      .box:popover-open {
        display: flex;
        flex-direction: column;
        gap: 0.5rem;
      }
      .all {
        flex: 1;
        overflow-y: auto;
        min-height: 0;
      }
      h3 {
        font-size: 0.8125rem;
        color: var(--cp-text-2);
        padding: 0.375rem 0.25rem 0.125rem;
      }
      section {
        content-visibility: auto;
        contain-intrinsic-size: auto 20rem;
      }
      .grid {
        display: grid;
        grid-template-columns: repeat(8, 1fr);
      }
      .grid button {
        aspect-ratio: 1;
        font-size: 1.5rem;
        line-height: 1;
      }
      .grid button:hover {
        background: var(--cp-hover);
      }
    `,
  ];

  #chosen = null;
  #before = null;

  /** Show it at a point of the window; `chosen(emoji)` is called once one is. */
  async open({ x, y }, chosen) {
    this.#chosen = chosen;
    this.#before = deepFocus();
    this.term = "";
    this.groups ??= await emojiGroups(texts.language);
    await this.updateComplete;
    const box = this.renderRoot.querySelector(".box");
    box.showPopover();
    const { width, height } = box.getBoundingClientRect();
    const top = y - height > EDGE ? y - height - EDGE : y + EDGE;
    box.style.left = `${Math.max(EDGE, Math.min(x - width / 2, innerWidth - width - EDGE))}px`;
    box.style.top = `${Math.max(EDGE, Math.min(top, innerHeight - height - EDGE))}px`;
    const field = box.querySelector("input");
    field.value = "";
    field.focus();
  }

  render() {
    return html`<div class="box" popover role="dialog" aria-label=${t("composer.emoji")}>
      <input
        type="search"
        aria-label=${t("emoji.find")}
        placeholder=${t("emoji.find")}
        @input=${({ target }) => (this.term = target.value.trim().toLocaleLowerCase())}
        @keydown=${this.#enter}
      />
      <div class="all" @keydown=${this.#key}>${this.#found().map((group) => this.#group(group))}</div>
    </div>`;
  }

  #found() {
    const groups = this.groups ?? [];
    if (!this.term) return groups;
    const emoji = groups.flatMap((group) => group.emoji.filter(({ words }) => words.includes(this.term)));
    return [{ name: emoji.length ? "" : t("emoji.none"), emoji }];
  }

  #group({ name, emoji }) {
    return html`<section>
      ${name ? html`<h3>${name}</h3>` : nothing}
      <div class="grid">
        ${emoji.map(
          ({ text, label }) =>
            html`<button title=${label} aria-label=${label} @click=${() => this.#choose(text)}>
              ${text}
            </button>`,
        )}
      </div>
    </section>`;
  }

  #choose(text) {
    this.renderRoot.querySelector(".box").hidePopover();
    this.#before?.focus?.();
    this.#chosen(text);
  }

  #enter(event) {
    const first = this.renderRoot.querySelector(".grid button");
    if (event.key === "Enter" && this.term && first) first.click();
    else if (event.key === "ArrowDown") first?.focus();
    else return;
    event.preventDefault();
  }

  #key(event) {
    const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: COLUMNS, ArrowUp: -COLUMNS }[event.key];
    if (!step) return;
    event.preventDefault();
    const all = [...this.renderRoot.querySelectorAll(".grid button")];
    const at = all.indexOf(this.renderRoot.activeElement);
    all[Math.max(0, Math.min(all.length - 1, at + step))]?.focus();
  }
}

customElements.define("cp-emoji-picker", EmojiPicker);
