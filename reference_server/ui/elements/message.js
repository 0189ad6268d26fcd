import { classMap, css, html, nothing } from "../vendor/lit.js";
import { moment, time } from "../app/format.js";
import { t } from "../app/i18n.js";
import { gist, stateText, userName } from "../app/rooms.js";
import { Press } from "../app/press.js";
import { ChatElement } from "./element.js";
import { icon } from "./icon.js";
import "./avatar.js";
import "./message-text.js";
import "./attachment.js";
import "./link-preview.js";

const FILES = new Set(["m.image", "m.video", "m.audio", "m.file"]);

/** One row of a timeline. */
export class Message extends ChatElement {
  static properties = {
    session: { attribute: false },
    room: { attribute: false },
    row: { attribute: false, hasChanged: () => false },
    stamp: { attribute: false },
    thread: {},
    language: {},
    choosing: { type: Boolean },
    chosen: { type: Boolean, reflect: true },
  };

  static styles = [
    ...ChatElement.styles,
    css`
      :host {
        display: block;
        border-radius: 0.5rem;
      }
      :host([chosen]) {
        background: var(--cp-selected);
      }
      .line {
        position: relative;
        display: flex;
        gap: 0.5rem;
        padding-block: 0.25rem 0;
      }
      .together {
        padding-block-start: 0.125rem;
      }
      .own {
        flex-direction: row-reverse;
      }
      cp-avatar {
        --size: 2.25rem;
        align-self: flex-end;
      }
      .gap {
        width: 2.25rem;
        flex: none;
      }
      .own .gap,
      .own cp-avatar {
        display: none;
      }
      .bubble {
        position: relative;
        max-width: min(44rem, 85%);
        min-width: 5rem;
        padding: 0.4rem 0.7rem;
        border-radius: 1rem;
        background: var(--cp-other);
        box-shadow: 0 1px 1px rgb(0 0 0 / 0.08);
      }
      .own .bubble {
        background: var(--cp-own);
      }
      .failed .bubble {
        outline: 1px solid var(--cp-danger);
      }
      .who {
        font-weight: 600;
        font-size: 0.875rem;
        color: var(--cp-accent);
      }
      .foot {
        display: flex;
        justify-content: flex-end;
        align-items: center;
        gap: 0.25rem;
        min-height: 1rem;
        font-size: 0.75rem;
        color: var(--cp-text-2);
      }
      .foot button {
        min-height: 1.25rem;
        color: inherit;
      }
      .read {
        color: var(--cp-accent);
      }
      .quote {
        display: block;
        width: 100%;
        text-align: start;
        margin-block: 0.125rem 0.25rem;
        padding: 0.125rem 0.5rem;
        border-inline-start: 3px solid var(--cp-accent);
        border-radius: 0.25rem;
        background: light-dark(rgb(0 0 0 / 0.04), rgb(255 255 255 / 0.06));
        font-size: 0.875rem;
      }
      .quote b {
        display: block;
        color: var(--cp-accent);
      }
      .forwarded {
        font-size: 0.8125rem;
        color: var(--cp-text-2);
        display: flex;
        gap: 0.25rem;
        align-items: center;
      }
      .deleted {
        color: var(--cp-text-2);
        font-style: italic;
      }
      .reactions {
        display: flex;
        flex-wrap: wrap;
        gap: 0.25rem;
        margin-top: 0.25rem;
      }
      .reactions button {
        padding: 0.0625rem 0.5rem;
        border-radius: 1rem;
        background: var(--cp-surface-3);
        font-size: 0.875rem;
        max-width: 12rem;
      }
      .reactions .mine {
        background: var(--cp-selected);
        outline: 1px solid var(--cp-accent);
      }
      .thread {
        display: flex;
        align-items: center;
        gap: 0.375rem;
        margin-top: 0.25rem;
        color: var(--cp-accent);
        font-size: 0.875rem;
      }
      .tools {
        position: absolute;
        top: -0.875rem;
        inset-inline-end: 0.5rem;
        display: flex;
        border: 1px solid var(--cp-line);
        border-radius: 1rem;
        background: var(--cp-surface);
        opacity: 0;
        pointer-events: none;
      }
      .tools .round {
        width: 2rem;
        height: 2rem;
      }
      .bubble:hover .tools,
      .tools:focus-within {
        opacity: 1;
        pointer-events: auto;
      }
      @media (hover: none) {
        .tools:not(:focus-within) {
          display: none;
        }
      }
      .state {
        text-align: center;
        color: var(--cp-text-2);
        font-size: 0.8125rem;
        padding: 0.25rem 1rem;
        overflow-wrap: anywhere;
      }
      .retry {
        display: flex;
        gap: 0.5rem;
        align-items: center;
        color: var(--cp-danger);
        font-size: 0.8125rem;
      }
      .retry button {
        text-decoration: underline;
      }
      @keyframes flash {
        from {
          background: var(--cp-selected);
        }
      }
      .flash {
        animation: flash 1.6s;
        border-radius: 0.5rem;
      }
    `,
  ];

  #press = new Press((at) => this.#menu(at));

  render() {
    const { row, room } = this;
    if (!row) return nothing;
    if (row.stateKey !== null && row.stateKey !== undefined) {
      return html`<p class="state">${stateText(room, row)}</p>`;
    }
    const own = row.sender === this.session.state.userId;
    return html`<div
      class=${classMap({ line: true, own, together: row.isTogether, failed: row.status === "failed" })}
      @contextmenu=${this.#context}
      @keydown=${this.#key}
      @pointerdown=${this.#press.down}
      @pointermove=${this.#press.move}
      @pointerup=${this.#press.up}
      @pointercancel=${this.#press.up}
    >
      ${row.isTogether || own ? html`<span class="gap"></span>` : this.#avatar()}
      <article
        class="bubble"
        tabindex="0"
        aria-label=${t("message.by", { who: userName(room, row.sender), when: time(row.ts) })}
        @click=${this.#clicked}
      >
        ${own || row.isTogether
          ? nothing
          : html`<div class="who cut">${userName(room, row.sender)}</div>`}
        ${this.#body()} ${this.#foot(own)} ${row.redacted ? nothing : this.#tools()}
      </article>
    </div>`;
  }

  /** Make it be noticed. */
  flash() {
    const line = this.renderRoot.querySelector(".line, .state");
    line?.classList.remove("flash");
    // So that the animation begins anew.
    void line?.offsetWidth;
    line?.classList.add("flash");
  }

  #avatar() {
    const { room, row } = this;
    const member = room.state.member(row.sender);
    return html`<cp-avatar
      .session=${this.session}
      .src=${member.avatarUrl}
      .name=${userName(room, row.sender)}
      .of=${row.sender}
    ></cp-avatar>`;
  }

  #body() {
    const { row } = this;
    if (row.redacted) return html`<p class="deleted">${t("message.deleted")}</p>`;
    return html`${this.#forwarded()} ${this.#quote()} ${this.#said()} ${this.#reactions()}
    ${this.#thread()}`;
  }

  #said() {
    const { row, room, session } = this;
    if (row.type === "m.room.encrypted") {
      return html`<p class="deleted">${t("message.encrypted")}</p>`;
    }
    if (FILES.has(row.content.msgtype) || row.type === "m.sticker") {
      return html`<cp-attachment
        .session=${session}
        .room=${room}
        .row=${row}
        .content=${row.content}
      ></cp-attachment>`;
    }
    return html`<cp-message-text .content=${row.content}></cp-message-text>
      <cp-link-preview .session=${session} .content=${row.content}></cp-link-preview>`;
  }

  #forwarded() {
    const { forwarded } = this.row;
    if (!forwarded) return nothing;
    const who = forwarded.sender_name || forwarded.sender || "";
    return html`<div class="forwarded">
      ${icon("forward", "small")}<span class="cut">${t("message.forwarded", { who })}</span>
    </div>`;
  }

  #quote() {
    const { row, room } = this;
    if (!row.replyTo) return nothing;
    const event = room.timeline.event(row.replyTo);
    const said = room.itemOf(row.replyTo);
    const who = event ? userName(room, event.sender) : "";
    return html`<button class="quote" @click=${(event) => this.#jump(event, row.replyTo)}>
      <b class="cut">${who}</b>
      <span class="cut">${said ? gist(room, said) : t("message.older")}</span>
    </button>`;
  }

  #reactions() {
    const { row, room, session } = this;
    if (!row.reactions.length) return nothing;
    const own = session.state.userId;
    return html`<div class="reactions">
      ${row.reactions.map(({ key, senders }) => {
        const mine = senders.includes(own);
        const who = senders.map((userId) => userName(room, userId)).join(", ");
        return html`<button
          class="cut ${mine ? "mine" : ""}"
          aria-pressed=${mine}
          title=${who}
          aria-label=${t("reaction.by", { key, who })}
          @click=${() => this.#do("react", { key })}
        >
          ${key} ${senders.length}
        </button>`;
      })}
    </div>`;
  }

  #thread() {
    const { row } = this;
    if (!row.thread || this.thread) return nothing;
    return html`<button class="thread" @click=${() => this.#do("thread")}>
      ${icon("thread", "small")}${t("thread.answers", { n: row.thread.count })}
    </button>`;
  }

  #foot(own) {
    const { row } = this;
    if (row.status === "failed") return this.#failed();
    return html`<div class="foot">
      ${row.edited && !row.redacted
        ? html`<button title=${t("message.history")} @click=${() => this.#do("history")}>
            ${t("message.edited")}
          </button>`
        : nothing}
      <time datetime=${new Date(row.ts).toISOString()} title=${moment(row.ts)}>${time(row.ts)}</time>
      ${own ? this.#ticks() : nothing}
    </div>`;
  }

  #ticks() {
    const { row, room } = this;
    if (row.status && row.status !== "sent") {
      return html`<span data-tick="waiting" role="img" aria-label=${t("tick.waiting")}
        >${icon("clock", "small")}</span
      >`;
    }
    const readers = row.eventId ? room.readBy(row.eventId) : [];
    if (!readers.length) {
      return html`<span data-tick="sent" role="img" aria-label=${t("tick.sent")}
        >${icon("check", "small")}</span
      >`;
    }
    const who = readers.map((userId) => userName(room, userId)).join(", ");
    return html`<button
      class="read"
      data-tick="read"
      title=${t("tick.read", { who })}
      aria-label=${t("tick.read", { who })}
      @click=${() => this.#do("readers")}
    >
      ${icon("checks", "small")}
    </button>`;
  }

  #failed() {
    const { row } = this;
    return html`<div class="retry" role="alert">
      <span>${row.error?.error ?? t("message.failed")}</span>
      <button @click=${() => this.session.retry(row.txnId)}>${t("retry")}</button>
      <button @click=${() => this.session.cancel(row.txnId)}>${t("delete")}</button>
    </div>`;
  }

  #tools() {
    if (this.row.status) return nothing;
    const button = (action, name) => html`<button
      class="round"
      title=${t(`action.${action}`)}
      aria-label=${t(`action.${action}`)}
      aria-haspopup=${action === "more" ? "menu" : nothing}
      @click=${(event) => this.#tool(event, action)}
    >
      ${icon(name, "small")}
    </button>`;
    return html`<div class="tools">
      ${button("react", "react")} ${button("reply", "reply")} ${button("more", "more")}
    </div>`;
  }

  #tool(event, action) {
    event.stopPropagation();
    const { left, bottom } = event.currentTarget.getBoundingClientRect();
    const at = { x: left, y: bottom };
    if (action === "more") this.#menu(at);
    else this.#do(action, { at });
  }

  #jump(event, eventId) {
    event.stopPropagation();
    this.tell("cp-jump", { roomId: this.room.roomId, eventId });
  }

  #clicked() {
    if (this.choosing) this.#do("choose");
  }

  #context(event) {
    if (event.pointerType === "touch" || getSelection()?.toString()) return event.preventDefault();
    event.preventDefault();
    return this.#menu({ x: event.clientX, y: event.clientY });
  }

  #key(event) {
    const isMenu = event.key === "ContextMenu" || (event.shiftKey && event.key === "F10");
    if (!isMenu && event.key !== "Enter") return;
    if (event.key === "Enter" && event.target !== this.renderRoot.querySelector(".bubble")) return;
    event.preventDefault();
    const { left, top } = this.getBoundingClientRect();
    this.#menu({ x: left + 48, y: top + 24 });
  }

  #menu(at) {
    this.#do("menu", { at });
  }

  #do(action, more = {}) {
    this.tell("cp-message", { action, row: this.row.stamp, room: this.room, ...more });
  }
}

customElements.define("cp-message", Message);
