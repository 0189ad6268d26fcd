import { css, html, nothing } from "../vendor/lit.js";
import { t } from "../app/i18n.js";
import { gist, userName } from "../app/rooms.js";
import { messageContent } from "../app/markdown.js";
import { preferences } from "../app/preferences.js";
import { completions } from "../app/mentions.js";
import { SessionElement } from "./element.js";
import { icon } from "./icon.js";
import "./avatar.js";

const TYPING_EVERY_MS = 3000;

/** Where messages are written: new ones, answers, and edits of old ones. */
export class Composer extends SessionElement {
  static properties = {
    roomId: {},
    thread: {},
    replyTo: { attribute: false }, // a row
    editing: { attribute: false }, // a row
    found: { state: true }, // whom "@..." may mean
    at: { state: true }, // which of them is chosen
    isEmpty: { state: true },
  };

  static styles = [
    ...SessionElement.styles,
    css`
      :host {
        display: block;
        position: relative;
        padding: 0 1rem max(0.75rem, env(safe-area-inset-bottom));
      }
      .box {
        max-width: 60rem;
        margin-inline: auto;
        border: 1px solid var(--cp-line);
        border-radius: 1.25rem;
        background: var(--cp-surface);
      }
      .box:focus-within {
        border-color: var(--cp-accent);
      }
      .line {
        display: flex;
        align-items: flex-end;
        padding: 0.125rem;
      }
      textarea {
        flex: 1;
        min-width: 0;
        min-height: 2.5rem;
        max-height: 40dvh;
        padding: 0.6rem 0.25rem;
        border: 0 !important;
        background: none !important;
        resize: none;
        field-sizing: content;
        outline: none;
      }
      .about {
        display: flex;
        align-items: center;
        gap: 0.5rem;
        padding: 0.375rem 0.375rem 0.375rem 0.75rem;
        border-bottom: 1px solid var(--cp-line);
      }
      .about div {
        flex: 1;
        min-width: 0;
        padding-inline-start: 0.5rem;
        border-inline-start: 3px solid var(--cp-accent);
        font-size: 0.875rem;
      }
      .about b {
        color: var(--cp-accent);
        display: block;
      }
      .about span {
        display: block;
      }
      .send {
        color: var(--cp-accent);
      }
      ul {
        position: absolute;
        bottom: 100%;
        inset-inline: 1rem;
        max-width: 24rem;
        max-height: 16rem;
        overflow-y: auto;
        margin-bottom: 0.25rem;
        padding: 0.375rem;
        border: 1px solid var(--cp-line);
        border-radius: var(--cp-radius);
        background: var(--cp-surface);
        box-shadow: var(--cp-shadow);
        z-index: 2;
      }
      li {
        display: flex;
        align-items: center;
        gap: 0.5rem;
        padding: 0.25rem 0.5rem;
        border-radius: 0.5rem;
        cursor: pointer;
      }
      li cp-avatar {
        --size: 1.75rem;
      }
      li[aria-selected="true"] {
        background: var(--cp-selected);
      }
      .closed {
        text-align: center;
        padding: 0.75rem;
        color: var(--cp-text-2);
      }
    `,
  ];

  #mentions = new Map(); // what is written in the text, to user ID
  #typedAt = 0;

  constructor() {
    super();
    this.found = [];
    this.at = 0;
    this.isEmpty = true;
  }

  concerns({ kind, roomId }) {
    return roomId === this.roomId && (kind === "room" || kind === "room_added");
  }

  willUpdate(changed) {
    super.willUpdate(changed);
    if (changed.has("roomId") || changed.has("thread")) this.#changed = true;
  }

  #changed = true;

  updated(changed) {
    if (this.#changed && this.#area) {
      this.#changed = false;
      this.#restore();
    }
    if (changed.has("editing")) this.#startEditing(changed.get("editing"));
    if (changed.has("replyTo") && this.replyTo) this.focus();
  }

  render() {
    const room = this.#room;
    if (!room) return nothing;
    if (!this.#maySend(room)) return html`<p class="closed">${t("composer.closed")}</p>`;
    return html`${this.found.length ? this.#people(room) : nothing}
      <div class="box">
        ${this.#about(room)}
        <div class="line">
          <button
            class="round"
            title=${t("composer.attach")}
            aria-label=${t("composer.attach")}
            @click=${() => this.#pick()}
          >
            ${icon("attach")}
          </button>
          <textarea
            rows="1"
            aria-label=${t("composer.label")}
            placeholder=${t("composer.placeholder")}
            role="combobox"
            aria-expanded=${this.found.length > 0}
            aria-autocomplete="list"
            aria-controls=${this.found.length ? "people" : nothing}
            aria-activedescendant=${this.found.length ? `person-${this.at}` : nothing}
            @input=${this.#input}
            @keydown=${this.#key}
            @paste=${this.#paste}
            @blur=${() => this.#keep()}
          ></textarea>
          <button
            class="round"
            title=${t("composer.emoji")}
            aria-label=${t("composer.emoji")}
            @click=${(event) => this.#emoji(event)}
          >
            ${icon("emoji")}
          </button>
          ${this.isEmpty && !this.editing ? html`<slot name="voice"></slot>` : nothing}
          ${this.isEmpty && !this.editing
            ? nothing
            : html`<button
                class="round send"
                title=${t("composer.send")}
                aria-label=${t("composer.send")}
                @click=${() => this.#submit()}
              >
                ${icon(this.editing ? "check" : "send")}
              </button>`}
        </div>
      </div>
      <input type="file" multiple hidden @change=${this.#picked} />`;
  }

  focus() {
    this.#area?.focus();
  }

  /** Put text where the caret is. */
  insert(text) {
    const area = this.#area;
    area.setRangeText(text, area.selectionStart, area.selectionEnd, "end");
    this.#input();
    area.focus();
  }

  get #area() {
    return this.renderRoot.querySelector("textarea");
  }

  get #room() {
    return this.session?.state.rooms.get(this.roomId);
  }

  get #key_() {
    return this.thread ? `${this.roomId} ${this.thread}` : this.roomId;
  }

  #maySend(room) {
    if (room.membership !== "join") return false;
    const levels = room.state.content("m.room.power_levels");
    const needed = levels.events?.["m.room.message"] ?? levels.events_default ?? 0;
    return room.state.power(this.session.state.userId) >= needed && !room.state.replacement;
  }

  #about(room) {
    const row = this.editing ?? this.replyTo;
    if (!row) return nothing;
    return html`<div class="about">
      ${icon(this.editing ? "edit" : "reply", "small")}
      <div>
        <b class="cut">${this.editing ? t("composer.editing") : userName(room, row.sender)}</b>
        <span class="cut">${gist(room, row)}</span>
      </div>
      <button class="round" title=${t("cancel")} aria-label=${t("cancel")} @click=${this.#cancel}>
        ${icon("x", "small")}
      </button>
    </div>`;
  }

  #people(room) {
    return html`<ul role="listbox" id="people" aria-label=${t("composer.people")}>
      ${this.found.map(
        ({ userId, name }, place) => html`<li
          role="option"
          id="person-${place}"
          aria-selected=${place === this.at}
          @pointerdown=${(event) => {
            event.preventDefault();
            this.#complete(place);
          }}
        >
          <cp-avatar
            .session=${this.session}
            .src=${room.state.member(userId).avatarUrl}
            .name=${name}
            .of=${userId}
          ></cp-avatar>
          <span class="cut">${name}</span><span class="quiet cut">${userId}</span>
        </li>`,
      )}
    </ul>`;
  }

  #input() {
    const area = this.#area;
    this.isEmpty = area.value.trim() === "";
    this.#complete_(area);
    this.#typing();
    this.#keep();
  }

  #complete_(area) {
    const before = area.value.slice(0, area.selectionStart);
    const typed = /(?:^|\s)@([^\s@]{0,40})$/u.exec(before)?.[1];
    this.found = typed === undefined ? [] : completions(this.#room, typed, this.session.state.userId);
    this.at = 0;
  }

  #complete(place) {
    const { userId, name } = this.found[place];
    const area = this.#area;
    const end = area.selectionStart;
    const start = area.value.lastIndexOf("@", end - 1);
    const text = userId === "@room" ? "@room" : `@${name}`;
    this.#mentions.set(text, userId);
    area.setRangeText(`${text} `, start, end, "end");
    this.found = [];
    this.#input();
  }

  #key(event) {
    if (event.isComposing || event.keyCode === 229) return;
    if (this.found.length && this.#listKey(event)) return event.preventDefault();
    const isEnter = event.key === "Enter";
    const sends = preferences.get("sendBy") === "enter" ? !event.shiftKey : event.ctrlKey || event.metaKey;
    if (isEnter && sends && !event.altKey) {
      event.preventDefault();
      return this.#submit();
    }
    if (event.key === "Escape" && (this.editing || this.replyTo)) {
      event.preventDefault();
      event.stopPropagation();
      return this.#cancel();
    }
    if (event.key === "ArrowUp" && this.#area.value === "" && !this.editing) {
      event.preventDefault();
      this.tell("cp-edit-last", {});
    }
    return undefined;
  }

  #listKey(event) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) this.at = (this.at + step + this.found.length) % this.found.length;
    else if (event.key === "Enter" || event.key === "Tab") this.#complete(this.at);
    else if (event.key === "Escape") this.found = [];
    else return false;
    event.stopPropagation();
    return true;
  }

  async #submit() {
    const area = this.#area;
    const text = area.value.trim();
    const { editing, replyTo, roomId, thread } = this;
    if (!text) {
      if (editing) this.tell("cp-message", { action: "delete", row: editing, room: this.#room });
      return;
    }
    const mentions = new Map(this.#mentions);
    this.#clear();
    const content = await messageContent(text, mentions, { msgtype: editing?.content.msgtype });
    if (editing) {
      if (editing.content.body === content.body) return;
      this.session.edit(roomId, editing.eventId ?? editing.txnId, content);
      return;
    }
    const related = relation(replyTo, thread, this.#latestOf(thread));
    this.session.send(roomId, "m.room.message", related ? { ...content, ...related } : content);
    this.tell("cp-sent", { roomId });
  }

  #latestOf(thread) {
    if (!thread) return undefined;
    return this.session.state.items(this.roomId, { thread }).findLast((row) => row.eventId)?.eventId;
  }

  #clear() {
    this.#area.value = "";
    this.#mentions.clear();
    this.isEmpty = true;
    this.found = [];
    this.#typedAt = 0;
    this.session.typing(this.roomId, false);
    this.#done();
    this.session.setDraft(this.#key_, null);
  }

  #cancel = () => {
    if (this.editing) {
      this.#area.value = "";
      this.isEmpty = true;
    }
    this.#done();
    this.#restore();
    this.focus();
  };

  #done() {
    if (this.editing || this.replyTo) this.tell("cp-composed", {});
    this.editing = null;
    this.replyTo = null;
  }

  #startEditing(before) {
    const area = this.#area;
    if (!area) return;
    if (this.editing) {
      area.value = this.editing.content.body ?? "";
      this.isEmpty = area.value === "";
      this.focus();
      area.setSelectionRange(area.value.length, area.value.length);
    } else if (before) {
      this.isEmpty = area.value.trim() === "";
    }
  }

  #typing() {
    const now = performance.now();
    if (this.isEmpty || this.editing) return;
    if (now - this.#typedAt < TYPING_EVERY_MS) return;
    this.#typedAt = now;
    this.session.typing(this.roomId, true);
  }

  #keep() {
    if (this.editing || !this.session) return;
    const body = this.#area?.value ?? "";
    const reply = this.replyTo?.eventId;
    const draft = body ? { body, mentions: [...this.#mentions], ...(reply ? { reply } : {}) } : null;
    this.session.setDraft(this.#key_, draft);
  }

  #restore() {
    const draft = this.session.state.drafts.get(this.#key_);
    this.#area.value = draft?.body ?? "";
    this.isEmpty = this.#area.value.trim() === "";
    this.#mentions = new Map(draft?.mentions ?? []);
    this.found = [];
    if (draft?.reply) this.tell("cp-restore-reply", { eventId: draft.reply });
  }

  #paste(event) {
    const files = [...(event.clipboardData?.files ?? [])];
    if (!files.length) return;
    event.preventDefault();
    this.tell("cp-files", { files, thread: this.thread });
  }

  #pick() {
    this.renderRoot.querySelector("input[type=file]").click();
  }

  #picked(event) {
    const files = [...event.target.files];
    event.target.value = "";
    if (files.length) this.tell("cp-files", { files, thread: this.thread });
  }

  #emoji(event) {
    const { right, top } = event.currentTarget.getBoundingClientRect();
    this.tell("cp-emoji", { at: { x: right, y: top }, chosen: (text) => this.insert(text) });
  }
}

function relation(replyTo, thread, latest) {
  const reply = replyTo ? { "m.in_reply_to": { event_id: replyTo.eventId } } : undefined;
  if (!thread) return reply ? { "m.relates_to": reply } : undefined;
  return {
    "m.relates_to": {
      rel_type: "m.thread",
      event_id: thread,
      is_falling_back: !reply,
      ...(reply ?? { "m.in_reply_to": { event_id: latest ?? thread } }),
    },
  };
}

customElements.define("cp-composer", Composer);
