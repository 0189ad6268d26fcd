import { css, html, nothing, repeat } from "../vendor/lit.js";
import { day, dayOf } from "../app/format.js";
import { t } from "../app/i18n.js";
import { isShown } from "../app/rooms.js";
import { Window } from "../app/window.js";
import { SessionElement } from "./element.js";
import { icon } from "./icon.js";
import "./message.js";

const NEAR_PX = 800; // from an edge at which more rows are wanted
const BOTTOM_PX = 48;
const TOGETHER_MS = 5 * 60_000;

/** The rows of a room or of a thread; only a part of them is in the page at a time. */
export class Timeline extends SessionElement {
  static properties = {
    roomId: {},
    thread: {}, // the root of a thread, or nothing
    eventId: {}, // to be shown and flashed
    selecting: { attribute: false }, // the keys of chosen rows, while some are being chosen
    held: { attribute: false }, // keys of rows that are about to be deleted
    missed: { state: true },
    isAtEnd: { state: true },
    isLoading: { state: true },
  };

  static styles = [
    ...SessionElement.styles,
    css`
      :host {
        position: relative;
        display: block;
        min-height: 0;
        flex: 1;
      }
      .scroller {
        height: 100%;
        overflow-y: auto;
        overflow-x: hidden;
        overscroll-behavior: contain;
        overflow-anchor: none;
        padding: 0.5rem 1rem;
      }
      .rows {
        display: flex;
        flex-direction: column;
        min-height: 100%;
        justify-content: flex-end;
        max-width: 60rem;
        margin-inline: auto;
      }
      .day,
      .new {
        display: flex;
        align-items: center;
        gap: 0.75rem;
        margin-block: 0.75rem 0.5rem;
        color: var(--cp-text-2);
        font-size: 0.8125rem;
        justify-content: center;
      }
      .day span {
        padding: 0.125rem 0.75rem;
        border-radius: 1rem;
        background: var(--cp-surface-3);
      }
      .new {
        color: var(--cp-accent);
        font-weight: 600;
      }
      .new::before,
      .new::after {
        content: "";
        flex: 1;
        height: 1px;
        background: currentColor;
      }
      .start,
      .loading {
        text-align: center;
        color: var(--cp-text-2);
        padding: 0.75rem;
        font-size: 0.875rem;
      }
      .down {
        position: absolute;
        inset-inline-end: 1rem;
        bottom: 0.75rem;
        display: flex;
        align-items: center;
        gap: 0.375rem;
        min-height: 2.5rem;
        padding: 0 0.75rem;
        border-radius: 1.25rem;
        border: 1px solid var(--cp-line);
        background: var(--cp-surface);
        box-shadow: var(--cp-shadow);
      }
      .missed {
        font-weight: 600;
        color: var(--cp-accent);
      }
    `,
  ];

  #window = new Window();
  #rows = [];
  #anchor = null;
  #unreadFrom = 0; // seq after which everything was unread when the room was opened
  #resized = null;
  #flash = null;
  #toEnd = true;

  constructor() {
    super();
    this.missed = 0;
    this.isAtEnd = true;
    this.isLoading = false;
  }

  connectedCallback() {
    super.connectedCallback();
    this.follow("page", document, { visibilitychange: () => this.#read() });
    this.follow("focus", window, { focus: () => this.#read() });
    this.#resized = new ResizeObserver(() => this.#keepPlace());
  }

  disconnectedCallback() {
    super.disconnectedCallback();
    this.#resized?.disconnect();
  }

  concerns({ kind, roomId }) {
    return kind === "resynced" || (roomId === this.roomId && kind !== "typing");
  }

  take(changes) {
    const own = this.session.state.userId;
    for (const { kind, added, live } of changes) {
      if (kind !== "timeline" || !live || this.isAtEnd) continue;
      const room = this.#room;
      this.missed += added.filter((id) => {
        const event = room?.timeline.event(id);
        return event?.type === "m.room.message" && event.sender !== own;
      }).length;
    }
    this.requestUpdate();
  }

  willUpdate(changed) {
    super.willUpdate(changed);
    if (changed.has("roomId") || changed.has("thread")) this.#opened();
    this.#load();
    if (changed.has("eventId") && this.eventId) this.#show(this.eventId);
    this.#mark();
  }

  updated() {
    const rows = this.renderRoot.querySelector(".rows");
    if (rows) this.#resized.observe(rows);
    this.#keepPlace();
    if (this.#flash) this.#reveal();
    this.#fill();
    this.#read();
  }

  render() {
    const room = this.#room;
    if (!room) return nothing;
    const shown = this.#window.of(this.#rows);
    const isFirst = this.#window.start === 0;
    return html`<div class="scroller" tabindex="0" role="region" aria-label=${t("messages")}
        @scroll=${this.#scrolled} @keydown=${this.#key}>
        <div class="rows" role="log" aria-live="off">
          ${this.isLoading ? html`<p class="loading" role="status">${t("loading")}</p>` : nothing}
          ${isFirst && !this.thread && room.timeline.before() === null
            ? html`<p class="start">${t("timeline.start")}</p>`
            : nothing}
          ${repeat(
            shown,
            (row) => row.key,
            (row) => this.#line(room, row),
          )}
        </div>
      </div>
      ${this.isAtEnd && this.#window.isAtEnd(this.#rows.length) ? nothing : this.#down()}`;
  }

  /** Go to the newest row. */
  toEnd() {
    this.#toEnd = true;
    this.#anchor = null;
    this.missed = 0;
    this.#window.toEnd(this.#rows.length);
    this.requestUpdate();
  }

  /** The last row of one's own that can be edited. */
  lastOwn() {
    const own = this.session.state.userId;
    return this.#rows.findLast(
      (row) =>
        row.sender === own &&
        row.type === "m.room.message" &&
        !row.redacted &&
        ["m.text", "m.emote", "m.notice"].includes(row.content.msgtype),
    );
  }

  get #room() {
    return this.session?.state.rooms.get(this.roomId);
  }

  get #scroller() {
    return this.renderRoot.querySelector(".scroller");
  }

  #line(room, row) {
    return html`${row.isNewDay
      ? html`<div class="day"><span>${day(row.ts)}</span></div>`
      : nothing}${row.isFirstNew
      ? html`<div class="new" role="separator" data-new>${t("timeline.new")}</div>`
      : nothing}<cp-message
        data-key=${row.key}
        data-event=${row.eventId ?? nothing}
        .session=${this.session}
        .room=${room}
        .row=${row}
        .stamp=${row.stamp}
        .thread=${this.thread}
        .language=${document.documentElement.lang}
        .choosing=${Boolean(this.selecting)}
        .chosen=${this.selecting?.has(row.key) ?? false}
      ></cp-message>`;
  }

  #down() {
    const text = this.missed ? t("timeline.missed", { n: this.missed }) : t("timeline.down");
    return html`<button class="down" @click=${this.toEnd} aria-label=${text} data-down>
      ${this.missed ? html`<span class="missed">${text}</span>` : nothing}${icon("down")}
    </button>`;
  }

  #opened() {
    this.#window = new Window();
    this.#rows = [];
    this.#anchor = null;
    this.#toEnd = true;
    this.missed = 0;
    this.isAtEnd = true;
    this.#unreadFrom = this.#room?.readSeq ?? 0;
  }

  #load() {
    const room = this.#room;
    if (!room) return;
    const options = this.thread ? { thread: this.thread } : undefined;
    const all = this.session.state.items(this.roomId, options);
    const held = this.held ?? new Set();
    const rows = all.filter(
      (row) =>
        isShown(row) &&
        (this.thread || !row.threadRoot) &&
        !held.has(row.eventId ?? row.txnId),
    );
    const was = this.#rows.length;
    const first = this.#rows[0]?.key;
    this.#rows = placed(rows, this.#unreadFrom, this.session.state.userId);
    const isFollowing = this.#toEnd || this.isAtEnd;
    this.#window.grown(was, this.#rows, first, isFollowing);
    if (this.#toEnd && was === 0) this.#toFirstNew();
  }

  /** A room opens at what has not been read, if that is not all on the screen. */
  #toFirstNew() {
    const at = this.#rows.findIndex((row) => row.isFirstNew);
    if (at < 0 || this.eventId) return;
    this.#window.around(at, this.#rows.length);
    this.#flash = { key: this.#rows[at].key, isQuiet: true };
    this.#toEnd = false;
  }

  async #show(eventId) {
    const find = () => this.#rows.findIndex((row) => row.eventId === eventId);
    let at = find();
    if (at < 0) {
      this.isLoading = true;
      try {
        await this.session.around(this.roomId, eventId);
      } catch (error) {
        this.tell("cp-failed", { error });
      } finally {
        this.isLoading = false;
      }
      this.#load();
      at = find();
    }
    if (at < 0) return;
    this.#toEnd = false;
    this.isAtEnd = false;
    this.#window.around(at, this.#rows.length);
    this.#flash = { key: this.#rows[at].key, isQuiet: false };
    this.requestUpdate();
  }

  #reveal() {
    const { key, isQuiet } = this.#flash;
    const found = this.#find(key);
    if (!found) return;
    this.#flash = null;
    this.#anchor = null;
    found.scrollIntoView({ block: isQuiet ? "start" : "center" });
    if (isQuiet) this.#scroller.scrollTop -= 48;
    else found.flash();
    this.#mark();
    this.#scrolled();
  }

  #find(key) {
    return this.renderRoot.querySelector(`cp-message[data-key="${CSS.escape(key)}"]`);
  }

  /** Remember which row is where, before rows come or go. */
  #mark() {
    const scroller = this.#scroller;
    if (!scroller || this.#toEnd) return;
    const top = scroller.getBoundingClientRect().top;
    for (const row of this.renderRoot.querySelectorAll("cp-message")) {
      const box = row.getBoundingClientRect();
      if (box.bottom > top) {
        this.#anchor = { key: row.dataset.key, offset: box.top - top };
        return;
      }
    }
  }

  #keepPlace() {
    const scroller = this.#scroller;
    if (!scroller) return;
    if (this.#toEnd) {
      scroller.scrollTop = scroller.scrollHeight;
      return;
    }
    const found = this.#anchor && this.#find(this.#anchor.key);
    if (!found) return;
    const offset = found.getBoundingClientRect().top - scroller.getBoundingClientRect().top;
    const moved = offset - this.#anchor.offset;
    if (Math.abs(moved) >= 0.5) scroller.scrollTop += moved;
  }

  #scrolled() {
    const { scrollTop, scrollHeight, clientHeight } = this.#scroller;
    const below = scrollHeight - scrollTop - clientHeight;
    this.isAtEnd = below < BOTTOM_PX && this.#window.isAtEnd(this.#rows.length);
    this.#toEnd = this.isAtEnd;
    if (this.isAtEnd) this.missed = 0;
    this.#mark();
    this.#fill();
    this.#read();
  }

  /** Have rows beyond both edges of what is seen. */
  #fill() {
    const scroller = this.#scroller;
    if (!scroller) return;
    const { scrollTop, scrollHeight, clientHeight } = scroller;
    const below = scrollHeight - scrollTop - clientHeight;
    if (scrollTop < NEAR_PX) {
      if (this.#window.up()) this.requestUpdate();
      else this.#older();
    } else if (below < NEAR_PX && this.#window.down(this.#rows.length)) {
      this.requestUpdate();
    }
  }

  async #older() {
    const room = this.#room;
    if (this.isLoading || this.thread || !room) return;
    if (room.timeline.before() === null && !room.timeline.gaps().length) return;
    if (!["join", "leave", "ban"].includes(room.membership)) return;
    this.isLoading = true;
    try {
      await this.session.pageBack(this.roomId);
    } catch {
      // Without a connection there is nothing older for now; scrolling asks again.
    } finally {
      this.isLoading = false;
    }
  }

  /** What is seen by somebody who looks is read. */
  #read() {
    if (!this.isAtEnd || document.visibilityState !== "visible" || !document.hasFocus()) return;
    const room = this.#room;
    const last = this.#rows.findLast((row) => row.seq !== null && row.seq !== undefined);
    if (!room || !last || this.thread || room.membership !== "join") return;
    if (last.seq > room.readSeq || room.notificationCount) {
      this.session.markRead(this.roomId, last.eventId);
    }
    if (room.isMarkedUnread) this.tell("cp-mark-unread", { roomId: this.roomId, unread: false });
  }

  #key(event) {
    if (event.target !== this.#scroller) return;
    if (event.key === "End") this.toEnd();
  }
}

/** Rows with what their neighbors make of them: day, first new one, put together or not. */
function placed(rows, unreadFrom, own) {
  let before;
  let isNew = false;
  return rows.map((item) => {
    const row = Object.create(item);
    row.stamp = item;
    row.key = item.txnId ?? item.eventId;
    row.isNewDay = !before || dayOf(before.ts) !== dayOf(item.ts);
    row.isFirstNew =
      !isNew && unreadFrom > 0 && item.seq > unreadFrom && item.sender !== own && !item.redacted;
    isNew ||= row.isFirstNew;
    row.isTogether =
      !row.isNewDay &&
      !row.isFirstNew &&
      before.sender === item.sender &&
      item.ts - before.ts < TOGETHER_MS &&
      isSaid(before) &&
      isSaid(item);
    before = item;
    return row;
  });
}

const isSaid = (row) => row.stateKey === null || row.stateKey === undefined;

customElements.define("cp-timeline", Timeline);
