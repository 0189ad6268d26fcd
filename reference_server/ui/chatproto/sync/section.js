// A room's section of a sync body, taken over into the room.

import * as changes from "./changes.js";
import {
  child,
  contentOf,
  events,
  historySeq,
  isState,
  number,
  objects,
  same,
  SEQ,
  seqOf,
  sorted,
  text,
  texts,
} from "./fields.js";
import { isMain, READ, READ_PRIVATE } from "./receipts.js";

export const ROOM = "org.chatproto.room";
export const FULLY_READ = "m.fully_read";
const STATE_AFTER = ["state_after", "org.matrix.msc4222.state_after"];
const RECEIPTS = new Set([READ, READ_PRIVATE]);

/** One step of one room: what came in, in the order in which it did. */
export class Taking {
  #added = new Map();
  #updated = new Set();
  #isStateChanged = false;
  #changes = [];

  constructor(room, nowMs, { live = false, reset = false } = {}) {
    this.room = room;
    this.nowMs = nowMs;
    this.live = live;
    this.reset = reset;
  }

  get roomId() {
    return this.room.roomId;
  }

  /** What this step changed, apart from counts and the list. */
  changes() {
    return [...this.#changes, ...this.#ofEvents()];
  }

  /** The events that were new. */
  added() {
    return [...this.#added.values()];
  }

  /** Take events of the timeline; gives those that were new. */
  events(found) {
    const fresh = [];
    const ordered = [...found].sort((a, b) => (seqOf(a) ?? 0) - (seqOf(b) ?? 0));
    for (const event of ordered) {
      const updated = this.room.take(event);
      if (updated === null) continue;
      fresh.push(event);
      this.#added.set(String(event.event_id), event);
      for (const eventId of updated) this.#updated.add(eventId);
      this.#isStateChanged ||= isState(event);
    }
    return fresh;
  }

  state(found) {
    if (this.room.takeState(found)) this.#isStateChanged = true;
  }

  /** Take a receipt; one's own moves the read position as well. */
  receipt(receipt) {
    const { room } = this;
    if (receipt.type === FULLY_READ) this.fullyRead(receipt.eventId);
    if (!RECEIPTS.has(receipt.type) || !room.receipts.apply(receipt)) return;
    if (receipt.userId === room.own && isMain(receipt)) room.unread.read(receipt.seq);
    const { userId, eventId, seq } = receipt;
    this.#changes.push(changes.receiptChanged(this.roomId, userId, eventId, seq));
  }

  fullyRead(eventId) {
    if (this.room.fullyRead === eventId) return;
    this.room.fullyRead = eventId;
    this.#changes.push(changes.accountDataChanged(FULLY_READ, this.roomId));
  }

  typing(userIds) {
    const { room } = this;
    if (room.typing.replace(userIds, room.own, this.nowMs)) {
      this.#changes.push(changes.typingChanged(this.roomId, room.typing.userIds));
    }
  }

  accountData(type, content) {
    const { room } = this;
    if (type === FULLY_READ) {
      this.fullyRead(text(content, "event_id") ?? "");
    } else if (!room.accountData.has(type) || !same(room.accountData.get(type), content)) {
      room.accountData.set(type, content);
      this.#changes.push(changes.accountDataChanged(type, this.roomId));
    }
  }

  /** Take the server's unread counts: `told` has read_seq and through. */
  numbers(told, counts) {
    const through = number(told, "through");
    const notificationCount = number(counts, "notification_count");
    if (through === null || notificationCount === null) return;
    const base = {
      readSeq: number(told, "read_seq") ?? 0,
      through,
      notificationCount,
      highlightCount: number(counts, "highlight_count") ?? 0,
    };
    if (told.recounted === true) this.room.unread.recount(base);
    else this.room.unread.rebase(base);
  }

  // sections

  /** Take the section of a room the user is in. */
  joined(section) {
    const told = child(section, ROOM);
    const { room } = this;
    for (const event of events(section, "account_data")) {
      this.accountData(String(event.type), contentOf(event));
    }
    this.#history(section, number(told, "through"), told.initial === true);
    this.#ephemeral(section);
    if (Object.hasOwn(section, "summary") && room.summary !== null) {
      room.summary = { ...room.summary, ...child(section, "summary") };
      this.#isStateChanged = true;
    }
    room.bump = Math.max(room.bump, number(told, "bump") ?? 0);
    room.joinedSeq = Math.max(room.joinedSeq, number(told, "joined_seq") ?? 0);
    const fullyRead = text(told, "fully_read");
    if (fullyRead !== null) this.fullyRead(fullyRead);
    // Of a muted room it also says what there is once it is heard again.
    const isTold = Object.hasOwn(told, "notification_count");
    this.numbers(told, isTold ? told : child(section, "unread_notifications"));
  }

  /** Take the section of a room the user is no longer in. */
  left(section) {
    this.#history(section, null, false);
    this.room.leave();
  }

  #history(section, through, isWhole) {
    this.state(events(section, "state"));
    const timeline = child(section, "timeline");
    const found = objects(timeline, "events");
    this.events(found);
    for (const key of STATE_AFTER) this.state(events(section, key));
    if (Object.hasOwn(section, "timeline")) {
      this.#cover(timeline, found.map((event) => seqOf(event) ?? 0), through, isWhole);
    }
  }

  /** Note which stretch of history is known now. */
  #cover(timeline, seqs, through, isWhole) {
    const known = this.room.timeline;
    const before = historySeq(text(timeline, "prev_batch"));
    const last = Math.max(...seqs, through ?? 0);
    let first = before === null ? Math.min(last + 1, ...seqs) : before + 1;
    if (timeline.limited !== true && (isWhole || known.head)) {
      // Nothing is left out: what is before is known, or not for this user.
      first = known.head + 1;
    }
    known.cover(first, last);
    known.head = Math.max(known.head, last);
  }

  #ephemeral(section) {
    for (const event of events(section, "ephemeral")) {
      const content = contentOf(event);
      if (event.type === "m.typing") this.typing(texts(content, "user_ids"));
      else if (event.type === "m.receipt") {
        for (const receipt of receiptsOf(content, this.room)) this.receipt(receipt);
      }
    }
  }

  *#ofEvents() {
    const { roomId, live, reset } = this;
    if (this.#added.size || this.#updated.size || reset) {
      const added = [...this.#added.keys()];
      const updated = [...this.#updated].filter((eventId) => !this.#added.has(eventId));
      yield changes.timelineChanged(roomId, { added, updated, live, reset });
    }
    if (this.#isStateChanged) yield changes.roomChanged(roomId);
    const names = new Set();
    for (const event of this.#added.values()) {
      for (const name of this.room.extendedBy(event)) names.add(name);
    }
    for (const name of sorted(names)) yield changes.extensionChanged(roomId, name);
  }
}

/** The receipts in the content of m.receipt, as far as their place is known. */
export function* receiptsOf(content, room) {
  for (const eventId of Object.keys(content)) {
    const ofEvent = child(content, eventId);
    for (const type of Object.keys(ofEvent)) {
      const ofType = child(ofEvent, type);
      for (const userId of Object.keys(ofType)) {
        const data = child(ofType, userId);
        const seq = number(data, SEQ) || room.timeline.seq(eventId);
        if (seq === null) continue;
        const threadId = text(data, "thread_id") ?? "";
        yield { userId, type, threadId, eventId, seq, ts: number(data, "ts") ?? 0 };
      }
    }
  }
}
