import { css, html, nothing } from "../vendor/lit.js";
import { t } from "../app/i18n.js";
import { ChatActions } from "../app/chat-actions.js";
import { SessionElement } from "./element.js";
import "./chat-list.js";
import { confirm } from "./confirm.js";
import "./connection.js";
import "./emoji-picker.js";
import "./menu.js";
import "./new-chat.js";
import "./room.js";

const NARROW_PX = 720;

/** The list of chats and the one that is open, beside each other or one at a time. */
export class Chat extends SessionElement {
  static properties = {
    roomId: {},
    eventId: {},
    thread: {},
    alone: { type: Boolean }, // one room without the list
    narrow: { type: Boolean, reflect: true },
    leaving: { state: true }, // rooms that are deleted unless that is undone
    held: { state: true }, // messages, likewise
  };

  static styles = [
    ...SessionElement.styles,
    css`
      :host {
        display: flex;
        flex-direction: column;
        min-width: 0;
        min-height: 0;
        height: 100%;
        background: var(--cp-backdrop);
      }
      .panes {
        flex: 1;
        display: grid;
        grid-template-columns: minmax(16rem, 22rem) minmax(0, 1fr);
        min-height: 0;
      }
      .panes.single {
        grid-template-columns: minmax(0, 1fr);
      }
      cp-chat-list {
        border-inline-end: 1px solid var(--cp-line);
        min-height: 0;
      }
      .single cp-chat-list {
        border: 0;
      }
      .none {
        display: grid;
        place-items: center;
        color: var(--cp-text-2);
        padding: 2rem;
        text-align: center;
      }
    `,
  ];

  actions = new ChatActions(this);
  #resized = null;

  constructor() {
    super();
    this.leaving = new Set();
    this.held = new Set();
  }

  connectedCallback() {
    super.connectedCallback();
    this.#resized = new ResizeObserver(([{ contentRect }]) => {
      this.narrow = contentRect.width < NARROW_PX;
    });
    this.#resized.observe(this);
  }

  disconnectedCallback() {
    super.disconnectedCallback();
    this.#resized?.disconnect();
  }

  concerns({ kind, roomId }) {
    return kind === "resynced" || (roomId === this.roomId && kind.startsWith("room"));
  }

  render() {
    if (!this.session) return nothing;
    const room = this.session.state.rooms.get(this.roomId);
    const single = this.narrow || this.alone;
    const list = !this.alone && !(single && room);
    return html`<cp-connection .session=${this.session}></cp-connection>
      <div class="panes ${single ? "single" : ""}">
        ${list
          ? html`<cp-chat-list
              part="list"
              .session=${this.session}
              .roomId=${this.roomId ?? ""}
              .hidden_=${this.leaving}
            ></cp-chat-list>`
          : nothing}
        ${room
          ? html`<cp-room
              part="room"
              .session=${this.session}
              .roomId=${this.roomId}
              .eventId=${this.eventId ?? ""}
              .thread=${this.thread ?? ""}
              .held=${this.held}
              .hasBack=${single && !this.alone}
            ></cp-room>`
          : single && list
            ? nothing
            : html`<div class="none" part="none"><p>${t(this.roomId ? "chat.gone" : "chat.none")}</p></div>`}
      </div>
      <cp-menu></cp-menu>
      <cp-emoji-picker></cp-emoji-picker>
      <div id="windows"></div>`;
  }

  /** Hide a message that is about to be deleted, or show it again. */
  hold(key, isHeld) {
    const held = new Set(this.held);
    if (isHeld) held.add(key);
    else held.delete(key);
    this.held = held;
  }

  /** Let the user choose an emoji. */
  pickEmoji(at, chosen) {
    this.renderRoot.querySelector("cp-emoji-picker").open(at, chosen);
  }

  /** Put a window (a dialog) above the chat; it goes when it is closed. */
  show(window_) {
    window_.session = this.session;
    window_.addEventListener("cp-close", () => window_.remove(), { once: true });
    this.renderRoot.querySelector("#windows").append(window_);
    return window_;
  }

  /** Ask a question that is answered by yes or no. */
  confirm(question) {
    return confirm(this, question);
  }

  get menu() {
    return this.renderRoot.querySelector("cp-menu");
  }
}

customElements.define("cp-chat", Chat);
