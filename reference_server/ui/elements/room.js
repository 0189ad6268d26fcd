import { css, html, nothing } from "../vendor/lit.js";
import { t } from "../app/i18n.js";
import { presenceText } from "../app/presence.js";
import { peerOf, roomAvatar, roomName, typingText, userName } from "../app/rooms.js";
import { messageMenu } from "../app/message-menu.js";
import { SessionElement } from "./element.js";
import { icon } from "./icon.js";
import "./avatar.js";
import "./composer.js";
import "./timeline.js";
import "./menu.js";

/** A chat: its heading, what is said in it, and where one writes. */
export class Room extends SessionElement {
  static properties = {
    roomId: {},
    eventId: {},
    thread: {}, // the root of the thread shown instead of the room
    hasBack: { type: Boolean },
    held: { attribute: false }, // keys of messages that are about to be deleted
    replyTo: { state: true },
    editing: { state: true },
    selecting: { state: true },
    over: { state: true }, // whether files are being dragged over it
  };

  static styles = [
    ...SessionElement.styles,
    css`
      :host {
        position: relative;
        display: flex;
        flex-direction: column;
        min-width: 0;
        min-height: 0;
        background: var(--cp-backdrop);
      }
      header {
        display: flex;
        align-items: center;
        gap: 0.25rem;
        min-height: 3.5rem;
        padding: 0.25rem 0.5rem;
        background: var(--cp-surface);
        border-bottom: 1px solid var(--cp-line);
      }
      .title {
        flex: 1;
        min-width: 0;
        display: flex;
        align-items: center;
        gap: 0.625rem;
        padding: 0.25rem 0.375rem;
        text-align: start;
      }
      .title cp-avatar {
        --size: 2.375rem;
      }
      .title div {
        min-width: 0;
      }
      h1 {
        font-size: 1rem;
      }
      .under {
        font-size: 0.8125rem;
        color: var(--cp-text-2);
        min-height: 1.2em;
      }
      .typing {
        color: var(--cp-accent);
      }
      .invited {
        flex: 1;
        display: grid;
        place-content: center;
        justify-items: center;
        gap: 1rem;
        padding: 2rem;
        text-align: center;
      }
      .drop {
        position: absolute;
        inset: 0.75rem;
        z-index: 5;
        display: grid;
        place-content: center;
        border: 2px dashed var(--cp-accent);
        border-radius: var(--cp-radius);
        background: color-mix(in srgb, var(--cp-surface) 88%, transparent);
        font-size: 1.125rem;
        font-weight: 600;
        pointer-events: none;
      }
      .pinned {
        display: flex;
        align-items: center;
        gap: 0.5rem;
        padding: 0.375rem 1rem;
        border-radius: 0;
        background: var(--cp-surface);
        border-bottom: 1px solid var(--cp-line);
        text-align: start;
        font-size: 0.875rem;
      }
    `,
  ];

  concerns({ kind, roomId }) {
    if (kind === "presence" || kind === "resynced" || kind === "account_data") return true;
    return roomId === this.roomId && kind !== "receipt";
  }

  willUpdate(changed) {
    super.willUpdate(changed);
    if (changed.has("roomId") || changed.has("thread")) {
      this.replyTo = null;
      this.editing = null;
      this.selecting = null;
    }
  }

  render() {
    const room = this.session?.state.rooms.get(this.roomId);
    if (!room) return nothing;
    return html`${this.#head(room)}
      ${room.membership === "invite" ? this.#invitation(room) : this.#conversation(room)}
      <cp-menu></cp-menu>`;
  }

  #conversation(room) {
    return html`${this.#pinned(room)}
      <cp-timeline
        .session=${this.session}
        .roomId=${this.roomId}
        .thread=${this.thread ?? ""}
        .eventId=${this.eventId ?? ""}
        .selecting=${this.selecting}
        .held=${this.held}
        @cp-message=${this.#message}
        @cp-jump=${this.#jump}
        @dragenter=${this.#dragged}
        @dragover=${this.#dragged}
        @dragleave=${() => (this.over = false)}
        @drop=${this.#dropped}
      ></cp-timeline>
      ${this.over ? html`<div class="drop">${t("composer.drop", { name: room.name })}</div>` : nothing}
      <cp-composer
        .session=${this.session}
        .roomId=${this.roomId}
        .thread=${this.thread ?? ""}
        .replyTo=${this.replyTo}
        .editing=${this.editing}
        @cp-composed=${this.#composed}
        @cp-edit-last=${this.#editLast}
        @cp-sent=${() => this.#timeline.toEnd()}
        @cp-restore-reply=${this.#restoreReply}
      ></cp-composer>`;
  }

  #head(room) {
    const { state } = this.session;
    const peer = peerOf(state, room);
    const name = roomName(state, room);
    return html`<header>
      ${this.hasBack || this.thread
        ? html`<button class="round" title=${t("back")} aria-label=${t("back")} @click=${this.#back}>
            ${icon("back")}
          </button>`
        : nothing}
      <button class="title" @click=${() => this.tell("cp-room-info", { roomId: this.roomId })}>
        <cp-avatar
          .session=${this.session}
          .src=${roomAvatar(state, room)}
          .name=${name}
          .of=${peer ?? room.roomId}
        ></cp-avatar>
        <div>
          <h1 class="cut">${this.thread ? t("thread.in", { name }) : name}</h1>
          <p class="under cut" role="status">${this.#under(state, room, peer)}</p>
        </div>
      </button>
      <button
        class="round"
        title=${t("search.here")}
        aria-label=${t("search.here")}
        @click=${() => this.tell("cp-search", { roomId: this.roomId })}
      >
        ${icon("search")}
      </button>
      <button
        class="round"
        title=${t("chat.menu")}
        aria-label=${t("chat.menu")}
        aria-haspopup="menu"
        @click=${this.#roomMenu}
      >
        ${icon("more")}
      </button>
    </header>`;
  }

  #under(state, room, peer) {
    const typing = typingText(room);
    if (typing) return html`<span class="typing">${typing}</span>`;
    if (peer) return presenceText(state, peer);
    const members = t("members.count", { n: room.joinedCount });
    return room.state.topic ? `${members} · ${room.state.topic}` : members;
  }

  #pinned(room) {
    const eventId = room.state.pinned.at(-1);
    if (!eventId || this.thread) return nothing;
    const row = room.itemOf(eventId);
    const text = typeof row?.content.body === "string" ? row.content.body : t("message.older");
    return html`<button class="pinned" @click=${() => this.tell("cp-pins", { roomId: this.roomId })}>
      ${icon("pin", "small")}<span class="cut">${text}</span>
    </button>`;
  }

  #invitation(room) {
    const who = userName(room, room.inviter ?? "");
    const answer = (type) => () => this.tell(type, { roomId: this.roomId });
    return html`<div class="invited">
      <p>${t("invite.text", { who, name: roomName(this.session.state, room) })}</p>
      <div class="actions">
        <button class="plain" @click=${answer("cp-refuse")}>${t("invite.refuse")}</button>
        <button class="primary" @click=${answer("cp-accept")}>${t("invite.accept")}</button>
      </div>
    </div>`;
  }

  get #timeline() {
    return this.renderRoot.querySelector("cp-timeline");
  }

  get #composer() {
    return this.renderRoot.querySelector("cp-composer");
  }

  #back = () => {
    if (this.thread) this.tell("cp-open", { roomId: this.roomId });
    else this.tell("cp-back", {});
  };

  #roomMenu(event) {
    const { right, bottom } = event.currentTarget.getBoundingClientRect();
    this.tell("cp-chat-menu", { roomId: this.roomId, at: { x: right, y: bottom } });
  }

  #composed() {
    this.replyTo = null;
    this.editing = null;
  }

  #editLast() {
    this.editing = this.#timeline.lastOwn() ?? null;
  }

  #restoreReply(event) {
    const room = this.session.state.rooms.get(this.roomId);
    this.replyTo = room.itemOf(event.detail.eventId) ?? null;
  }

  #jump(event) {
    event.stopPropagation();
    this.eventId = "";
    this.updateComplete.then(() => (this.eventId = event.detail.eventId));
  }

  #message(event) {
    const { action, row, room, at } = event.detail;
    switch (action) {
      case "menu":
        event.stopPropagation();
        this.renderRoot
          .querySelector("cp-menu")
          .open(messageMenu(this.session, room, row, this.#acts(event.target), at), at, t("message.menu"));
        break;
      case "reply":
        event.stopPropagation();
        this.editing = null;
        this.replyTo = row;
        this.#composer.focus();
        break;
      case "edit":
        event.stopPropagation();
        this.replyTo = null;
        this.editing = row;
        break;
      case "choose":
        event.stopPropagation();
        this.#choose(row);
        break;
      default:
    }
  }

  /** What a menu's entries do: the same as if the row had said it. */
  #acts(source) {
    return (action, row, room, more = {}) =>
      source.dispatchEvent(
        new CustomEvent("cp-message", {
          detail: { action, row, room, ...more },
          bubbles: true,
          composed: true,
        }),
      );
  }

  #choose(row) {
    const key = row.txnId ?? row.eventId;
    const chosen = new Set(this.selecting ?? []);
    if (!chosen.delete(key)) chosen.add(key);
    this.selecting = chosen.size ? chosen : null;
  }

  #dragged(event) {
    if (![...(event.dataTransfer?.types ?? [])].includes("Files")) return;
    event.preventDefault();
    this.over = true;
  }

  #dropped(event) {
    event.preventDefault();
    this.over = false;
    const files = [...(event.dataTransfer?.files ?? [])];
    if (files.length) this.tell("cp-files", { files, thread: this.thread });
  }
}

customElements.define("cp-room", Room);
