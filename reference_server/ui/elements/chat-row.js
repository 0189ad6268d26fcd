import { classMap, css, html, nothing } from "../vendor/lit.js";
import { badge, brief, moment } from "../app/format.js";
import { t } from "../app/i18n.js";
import { gist, latest, peerOf, roomAvatar, roomName, typingText, userName } from "../app/rooms.js";
import { shownPresence } from "../app/presence.js";
import { Swipe } from "../app/swipe.js";
import { ChatElement } from "./element.js";
import { icon } from "./icon.js";
import "./avatar.js";

/** One chat of the list. */
export class ChatRow extends ChatElement {
  static properties = {
    session: { attribute: false },
    roomId: {},
    stamp: { attribute: false }, // another one whenever something of the room has changed
    selected: { type: Boolean, reflect: true },
    offset: { state: true },
  };

  static styles = [
    ...ChatElement.styles,
    css`
      :host {
        display: block;
        position: relative;
        overflow: hidden;
        contain: content;
      }
      .under {
        position: absolute;
        inset: 0;
        display: flex;
        justify-content: flex-end;
        align-items: center;
        padding-inline: 1.5rem;
        background: var(--cp-danger);
        color: var(--cp-on-danger);
        visibility: hidden;
      }
      .swiped .under {
        visibility: visible;
      }
      .front {
        position: relative;
        display: flex;
        align-items: stretch;
        background: var(--cp-surface);
        touch-action: pan-y;
        transform: translateX(var(--offset, 0));
        transition: transform 160ms;
      }
      .swiping .front {
        transition: none;
      }
      :host([selected]) .front,
      :host([selected]) .front:hover {
        background: var(--cp-selected);
      }
      .front:hover {
        background: var(--cp-hover);
      }
      .open {
        flex: 1;
        min-width: 0;
        display: flex;
        gap: 0.75rem;
        align-items: center;
        padding: 0.5rem 0.75rem;
        text-align: start;
        border-radius: 0;
      }
      .open:focus-visible {
        outline-offset: -3px;
      }
      .lines {
        flex: 1;
        min-width: 0;
      }
      .line {
        display: flex;
        gap: 0.375rem;
        align-items: center;
      }
      .name {
        font-weight: 600;
        flex: 1;
      }
      .gist {
        flex: 1;
        color: var(--cp-text-2);
        min-height: 1.4em;
      }
      .typing {
        color: var(--cp-accent);
      }
      .draft {
        color: var(--cp-danger);
      }
      time {
        color: var(--cp-text-2);
        font-size: 0.8125rem;
      }
      .badge {
        min-width: 1.375rem;
        padding: 0 0.4rem;
        border-radius: 0.6875rem;
        background: var(--cp-badge);
        color: var(--cp-on-badge);
        font-size: 0.8125rem;
        font-weight: 700;
        line-height: 1.375rem;
        text-align: center;
      }
      .badge.mention {
        background: var(--cp-danger);
        color: var(--cp-on-danger);
      }
      .badge.muted {
        background: var(--cp-quiet-badge);
        color: #fff;
      }
      .badge.dot {
        min-width: 0.75rem;
        height: 0.75rem;
        padding: 0;
      }
      .sign {
        color: var(--cp-text-2);
      }
      .more {
        position: absolute;
        inset-inline-end: 0.375rem;
        bottom: 0.25rem;
        width: 2rem;
        height: 2rem;
        background: var(--cp-surface-3);
        opacity: 0;
      }
      .front:hover .more,
      .more:focus-visible {
        opacity: 1;
      }
      @media (hover: none) {
        .more {
          display: none;
        }
      }
    `,
  ];

  #swipe = new Swipe({
    moved: (offset) => (this.offset = offset),
    done: () => this.#ask("cp-delete-chat"),
    held: (at) => this.#menu(at),
  });

  render() {
    const { state } = this.session;
    const room = state.rooms.get(this.roomId);
    if (!room) return nothing;
    const offset = this.offset ?? 0;
    this.style.setProperty("--offset", `${offset}px`);
    return html`<div class=${classMap({ swiped: offset < 0, swiping: offset < 0 })}>
      <div class="under">${icon("trash")}<span>${t("chat.delete")}</span></div>
      <div
        class="front"
        @pointerdown=${this.#swipe.down}
        @pointermove=${this.#swipe.move}
        @pointerup=${this.#swipe.up}
        @pointercancel=${this.#swipe.cancel}
        @contextmenu=${this.#context}
      >
        ${this.#open(state, room)}
        <button
          class="round more"
          title=${t("chat.menu")}
          aria-label=${t("chat.menu.of", { name: roomName(state, room) })}
          aria-haspopup="menu"
          @click=${(event) => this.#menuAt(event)}
        >
          ${icon("more")}
        </button>
      </div>
    </div>`;
  }

  /** Take the focus. */
  focus() {
    this.renderRoot.querySelector(".open")?.focus();
  }

  #open(state, room) {
    const peer = peerOf(state, room);
    const name = roomName(state, room);
    const row = latest(state, room);
    return html`<button
      class="open"
      aria-current=${this.selected ? "true" : nothing}
      @click=${this.#chosen}
    >
      <cp-avatar
        .session=${this.session}
        .src=${roomAvatar(state, room)}
        .name=${name}
        .of=${peer ?? room.roomId}
        .presence=${peer ? shownPresence(state, peer) : ""}
      ></cp-avatar>
      <span class="lines">
        <span class="line">
          <span class="name cut">${name}</span>
          ${room.isMuted ? icon("muted", "small sign") : nothing}
          ${room.isPinned ? icon("pin", "small sign") : nothing}
          ${row ? html`<time title=${moment(row.ts)}>${brief(row.ts)}</time>` : nothing}
        </span>
        <span class="line">${this.#gist(state, room, row, peer)} ${this.#badges(room)}</span>
      </span>
    </button>`;
  }

  #gist(state, room, row, peer) {
    const typing = typingText(room);
    if (typing) return html`<span class="gist cut typing">${typing}</span>`;
    if (room.membership === "invite") {
      return html`<span class="gist cut"
        >${t("invite.from", { who: userName(room, room.inviter ?? "") })}</span
      >`;
    }
    const draft = state.drafts.get(room.roomId)?.body;
    if (draft) {
      return html`<span class="gist cut"
        ><span class="draft">${t("draft")}</span> ${draft}</span
      >`;
    }
    if (!row) return html`<span class="gist cut">${t("chat.no_messages")}</span>`;
    return html`<span class="gist cut">${this.#who(state, room, row, peer)}${gist(room, row)}</span>`;
  }

  #who(state, room, row, peer) {
    if (row.stateKey !== null && row.stateKey !== undefined) return "";
    if (row.sender === state.userId) return t("you.said");
    return peer ? "" : `${userName(room, row.sender)}: `;
  }

  #badges(room) {
    const { notifications: n, highlights } = countsOf(room);
    if (room.membership === "invite") {
      return html`<span class="badge mention">${t("invite.new")}</span>`;
    }
    const label = t("unread.count", { n });
    return html`${highlights
      ? html`<span class="badge mention" title=${t("mentions.count", { n: highlights })}>@</span>`
      : nothing}${n
      ? html`<span class="badge ${room.isMuted ? "muted" : ""}" data-unread title=${label}
          ><span aria-hidden="true">${badge(n)}</span><span class="unseen">${label}</span></span
        >`
      : room.isMarkedUnread
        ? html`<span class="badge dot" title=${t("unread.marked")}></span>`
        : nothing}`;
  }

  #chosen() {
    if (!this.#swipe.swallowsClick()) this.tell("cp-open", { roomId: this.roomId });
  }

  #ask(type) {
    this.tell(type, { roomId: this.roomId });
  }

  #context(event) {
    event.preventDefault();
    if (event.pointerType !== "touch") this.#menu({ x: event.clientX, y: event.clientY });
  }

  #menuAt(event) {
    const { left, bottom } = event.currentTarget.getBoundingClientRect();
    this.#menu({ x: left, y: bottom });
  }

  #menu(at) {
    this.tell("cp-chat-menu", { roomId: this.roomId, at });
  }
}

/** What a badge says: in a muted room what there would be, were it heard. */
export function countsOf(room) {
  if (!room.isMuted) {
    return { notifications: room.notificationCount, highlights: room.highlightCount };
  }
  const [notifications] = room.unread.totals();
  return { notifications, highlights: 0 };
}

customElements.define("cp-chat-row", ChatRow);
