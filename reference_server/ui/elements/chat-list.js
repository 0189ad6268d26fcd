import { css, html, nothing, repeat } from "../vendor/lit.js";
import { t } from "../app/i18n.js";
import { preferences } from "../app/preferences.js";
import { SessionElement } from "./element.js";
import { icon } from "./icon.js";
import "./chat-row.js";

const FILTERS = ["all", "unread", "people", "rooms", "archived"];
const LISTED = new Set([
  "resynced",
  "room_added",
  "room_removed",
  "room",
  "list_order",
  "timeline",
  "unread",
  "typing",
  "presence",
  "account_data",
  "outbox",
  "draft",
]);

/** The chats, in the order of the protocol: others' messages lift, nothing else does. */
export class ChatList extends SessionElement {
  static properties = {
    roomId: {},
    hidden_: { attribute: false }, // rooms on their way to be deleted
    filter: { state: true },
  };

  static styles = [
    ...SessionElement.styles,
    css`
      :host {
        display: flex;
        flex-direction: column;
        min-height: 0;
        background: var(--cp-surface);
      }
      header {
        display: flex;
        align-items: center;
        gap: 0.25rem;
        padding: 0.5rem 0.5rem 0.25rem 0.75rem;
      }
      .find {
        flex: 1;
        display: flex;
        align-items: center;
        gap: 0.5rem;
        min-height: 2.5rem;
        min-width: 0;
        padding: 0 0.75rem;
        border-radius: 1.25rem;
        background: var(--cp-surface-2);
        color: var(--cp-text-2);
        text-align: start;
      }
      .filters {
        display: flex;
        gap: 0.25rem;
        padding: 0.25rem 0.75rem 0.5rem;
        overflow-x: auto;
        scrollbar-width: none;
        flex: none;
      }
      .filters button {
        padding: 0.25rem 0.75rem;
        border-radius: 1rem;
        color: var(--cp-text-2);
        white-space: nowrap;
        font-size: 0.875rem;
      }
      .filters button[aria-pressed="true"] {
        background: var(--cp-selected);
        color: var(--cp-text);
        font-weight: 600;
      }
      .rows {
        flex: 1;
        overflow-y: auto;
        overscroll-behavior: contain;
        min-height: 0;
      }
      li {
        content-visibility: auto;
        contain-intrinsic-size: auto 3.75rem;
      }
      .empty {
        display: grid;
        gap: 1rem;
        justify-items: center;
        padding: 3rem 1.5rem;
        text-align: center;
        color: var(--cp-text-2);
      }
    `,
  ];

  constructor() {
    super();
    this.filter = preferences.get("filter");
    this.hidden_ = new Set();
    this.stamps = new Map();
  }

  concerns(change) {
    return LISTED.has(change.kind);
  }

  take(changes) {
    for (const { kind, roomId, userId } of changes) {
      if (roomId) this.stamps.set(roomId, {});
      else if (kind === "presence") this.#peers(userId);
      else if (kind === "resynced" || kind === "account_data") this.stamps.clear();
    }
    this.requestUpdate();
  }

  render() {
    if (!this.session) return nothing;
    const rooms = this.#rooms();
    return html`<header>
        <button class="find" @click=${() => this.tell("cp-search", {})}>
          ${icon("search", "small")}<span class="cut">${t("search")}</span>
        </button>
        <button
          class="round"
          title=${t("chat.new")}
          aria-label=${t("chat.new")}
          @click=${() => this.tell("cp-new-chat", {})}
        >
          ${icon("new-chat")}
        </button>
      </header>
      <div class="filters" role="group" aria-label=${t("filter")}>
        ${FILTERS.map(
          (name) => html`<button
            aria-pressed=${name === this.filter}
            @click=${() => this.#filterBy(name)}
          >
            ${t(`filter.${name}`)}
          </button>`,
        )}
      </div>
      <div class="rows" @keydown=${this.#key}>
        ${rooms.length ? this.#list(rooms) : this.#empty()}
      </div>`;
  }

  #list(rooms) {
    return html`<ul role="list" aria-label=${t("chats")}>
      ${repeat(
        rooms,
        (roomId) => roomId,
        (roomId) => html`<li>
          <cp-chat-row
            .session=${this.session}
            .roomId=${roomId}
            .stamp=${this.stamps.get(roomId)}
            .language=${document.documentElement.lang}
            ?selected=${roomId === this.roomId}
            data-room=${roomId}
          ></cp-chat-row>
        </li>`,
      )}
    </ul>`;
  }

  #empty() {
    const has = this.session.state.rooms.size > 0 && this.filter !== "all";
    return html`<div class="empty">
      <p>${t(has ? `filter.${this.filter}.empty` : "chats.empty")}</p>
      ${has
        ? html`<button class="plain" @click=${() => this.#filterBy("all")}>
            ${t("filter.show_all")}
          </button>`
        : html`<button class="primary" @click=${() => this.tell("cp-new-chat", {})}>
            ${t("chat.start")}
          </button>`}
    </div>`;
  }

  #rooms() {
    const { state } = this.session;
    const found = state.chatList(this.filter).filter((roomId) => !this.hidden_.has(roomId));
    const isPinned = (roomId) => state.rooms.get(roomId).isPinned;
    return [...found.filter(isPinned), ...found.filter((roomId) => !isPinned(roomId))];
  }

  #filterBy(name) {
    this.filter = name;
    preferences.set("filter", name);
  }

  #peers(userId) {
    const rooms = this.session.state.accountData.get("m.direct")?.[userId];
    for (const roomId of Array.isArray(rooms) ? rooms : []) this.stamps.set(roomId, {});
  }

  #key(event) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step || event.altKey) return;
    const rows = [...this.renderRoot.querySelectorAll("cp-chat-row")];
    const at = rows.findIndex((row) => row.matches(":focus-within") || row.shadowRoot.activeElement);
    rows[Math.max(0, Math.min(rows.length - 1, at + step))]?.focus();
    event.preventDefault();
  }
}

customElements.define("cp-chat-list", ChatList);
