// All that a client knows: a reducer over what its server says.
//
// `ClientState` is changed in place, step by step; each step gives what it changed. It does no I/O
// and reads no clock. Any split of one stream into frames and sync bodies, with any part of it
// repeated after a resume, ends in states with equal pictures:
//
// - events are known by their seq, and all that an event does is a fact of its own, which it
//   makes no difference to learn twice or in another order (`Room.take`);
// - receipts only move forward; counts are a base and facts (unread.js);
// - the rest are whole values, of which the last one holds.

import * as changes from "./changes.js";
import { historySeq, objects, seqOf, text } from "./fields.js";
import { takeItem } from "./incoming.js";
import { Known } from "./known.js";
import { FAILED, outgoing, REDACT, REPLACE, SEND, WAITING } from "./outbox.js";
import { Taking } from "./section.js";

/** What one user's client knows, and all that can happen to it; see `Known`. */
export class ClientState extends Known {
  // what the server says

  /** Take a frame of the socket: a push, a position, or that one must resync. */
  applyFrame(frame, nowMs) {
    const found = Object.hasOwn(frame, "resync") ? this.resync() : [];
    for (const item of objects(frame, "push")) found.push(...this.apply(item, nowMs));
    this.position = text(frame, "at") ?? this.position;
    return found;
  }

  /** Take the answer to /sync. One without `since` must follow a `resync()`. */
  applySync(body, nowMs) {
    return this.apply({ sync: body }, nowMs);
  }

  /** Take one push item (docs/protocol/socket.md); `nowMs` is the client's own time. */
  apply(item, nowMs) {
    return takeItem(this, item, nowMs);
  }

  /**
   * Take a page of a room's history: `chunk`, `start` and, if there is more, `end`; `direction`
   * is that of the request, b or f.
   */
  applyHistory(roomId, page, direction = "b") {
    const room = this.rooms.get(roomId);
    if (!room) return [];
    const { timeline } = room;
    // What is after the head comes with the stream; there it is counted as news.
    const known = objects(page, "chunk").filter((event) => (seqOf(event) ?? 0) <= timeline.head);
    const taking = new Taking(room, 0);
    taking.events(known);
    taking.state(objects(page, "state"));
    const [first, last] = stretch(page, known.map((event) => seqOf(event) ?? 0), direction);
    timeline.cover(first, Math.min(last, timeline.head));
    return [...taking.changes(), ...this.settled(room, taking.added())];
  }

  /** End what has ended by now: typing without news, status texts. */
  expire(nowMs) {
    const found = [];
    for (const room of this.rooms.values()) {
      if (room.typing.expire(nowMs)) found.push(changes.typingChanged(room.roomId, []));
    }
    for (const [userId, presence] of this.presence) {
      const current = presence.at(nowMs);
      if (current === presence) continue;
      this.presence.set(userId, current);
      found.push(changes.presenceChanged(userId));
    }
    return found;
  }

  /** When `expire` will have something to do, in milliseconds; null: never. */
  nextExpiry() {
    const typing = [...this.rooms.values()].map((room) => room.typing.expiresMs);
    const statuses = [...this.presence.values()].map((presence) => presence.statusExpiresMs);
    const times = [...typing, ...statuses].filter((time) => time !== null);
    return times.length ? Math.min(...times) : null;
  }

  /** Forget everything but the outbox and drafts; a snapshot must follow. */
  resync() {
    this.forgetAll();
    return [changes.resynced()];
  }

  /** Drop a room that the user has left and forgotten. */
  forget(roomId) {
    const room = this.drop(roomId);
    if (!room) return [];
    return [changes.roomRemoved(roomId, room.membership), ...this.reordered()];
  }

  /** Keep only the newest events of each room, for a client that runs for long. */
  trim(keep) {
    for (const room of this.rooms.values()) room.timeline.trim(keep);
  }

  // what the user does

  /** Put a message into the outbox. Throws for a known `txnId`. */
  send(roomId, type, content, txnId, nowMs) {
    return this.#queue({ txnId, roomId, kind: SEND, type, content, createdMs: nowMs });
  }

  /**
   * Replace the content of a message, named by its event or transaction ID. One that has not
   * been sent yet is changed where it waits.
   */
  edit(roomId, target, content, txnId, nowMs) {
    const pending = this.outbox.get(target);
    if (isUnsent(pending)) {
      this.outbox.setContent(pending.txnId, content);
      return [changes.outboxChanged(roomId, pending.txnId)];
    }
    const type = this.#typeOf(roomId, target);
    const fields = { txnId, roomId, kind: REPLACE, type, content, createdMs: nowMs };
    return this.#queue({ ...fields, ...targetOf(target, pending) });
  }

  /** Delete a message; one that has not been sent yet is just not sent. */
  redact(roomId, target, txnId, nowMs, reason = null) {
    const pending = this.outbox.get(target);
    if (isUnsent(pending)) return this.cancel(pending.txnId);
    const content = reason === null ? {} : { reason };
    const fields = { txnId, roomId, kind: REDACT, type: "m.room.redaction", content };
    return this.#queue({ ...fields, createdMs: nowMs, ...targetOf(target, pending) });
  }

  /** An entry of the outbox is on its way now. */
  sending(txnId) {
    return told(this.outbox.sending(txnId));
  }

  /** The server has stored an entry as this event, at this place of the room. */
  sent(txnId, eventId, seq = null) {
    const entry = this.outbox.sent(txnId, eventId, seq);
    const timeline = entry && this.rooms.get(entry.roomId)?.timeline;
    if (timeline) {
      const isPassed = seq !== null && seq <= timeline.head;
      if (isPassed || timeline.includes(eventId)) this.outbox.remove(txnId);
    }
    return told(entry);
  }

  /** An entry was not stored: to be sent again (`retry`), or for good. */
  failed(txnId, error = null, { retry = false } = {}) {
    return told(this.outbox.failed(txnId, error, retry));
  }

  /** Send what had failed after all. */
  retry(txnId) {
    return told(this.outbox.retry(txnId));
  }

  /** Take an entry out of the outbox, with those that wait for it. */
  cancel(txnId) {
    return this.outbox.cancel(txnId).flatMap(told);
  }

  /** Keep what is being written in a room; null: nothing any more. */
  setDraft(roomId, content) {
    if (content === null) this.drafts.delete(roomId);
    else this.drafts.set(roomId, content);
  }

  /** Take over an outbox that was stored. Throws if one is in use. */
  restore(outbox) {
    if (this.outbox.size) {
      throw new Error("an outbox can only be restored before anything is sent");
    }
    this.outbox = outbox;
  }

  #queue(fields) {
    const entry = outgoing(fields);
    this.outbox.add(entry);
    return told(entry);
  }

  #typeOf(roomId, target) {
    const pending = this.outbox.get(target);
    if (pending) return pending.type;
    const event = this.rooms.get(roomId)?.timeline.event(target);
    return event ? String(event.type) : "m.room.message";
  }
}

const isUnsent = (entry) => entry?.status === WAITING || entry?.status === FAILED;

const targetOf = (target, pending) =>
  pending ? { targetTxn: pending.txnId } : { target };

const told = (entry) => (entry ? [changes.outboxChanged(entry.roomId, entry.txnId)] : []);

/** Which places a page of history covers, both ends included. */
function stretch(page, seqs, direction) {
  const start = historySeq(text(page, "start"));
  const end = historySeq(text(page, "end"));
  if (direction === "f") {
    const first = start === null ? Math.min(...(seqs.length ? seqs : [1])) : start + 1;
    return [first, end ?? Math.max(0, ...seqs)];
  }
  const last = start ?? Math.max(0, ...seqs);
  // No `end` means that nothing older is left for this user.
  return [Object.hasOwn(page, "end") ? (end ?? 0) + 1 : 1, last];
}
