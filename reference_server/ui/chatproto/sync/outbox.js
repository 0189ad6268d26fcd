// What the user has sent and the server has not confirmed: local echo and outbox.
//
// An entry goes waiting, sending, sent, and is gone once its event is in the timeline. One entry
// per room is on its way at a time, so that messages keep their order. Over a socket the event
// does not name its transaction, and may come before the answer to the call: then an own event
// with the very same content, while the entry is on its way, is taken for it until the answer
// says which event it really was.

import { child, contentOf, isObject, number, same, text } from "./fields.js";
import { EDIT, redactionOf } from "./relations.js";

export const [WAITING, SENDING, SENT, FAILED] = ["waiting", "sending", "sent", "failed"];
export const [SEND, REPLACE, REDACT] = ["send", "edit", "redact"];

const STATUSES = new Set([WAITING, SENDING, SENT, FAILED]);
const KINDS = new Set([SEND, REPLACE, REDACT]);

const DEFAULTS = Object.freeze({
  target: null,
  targetTxn: null,
  status: WAITING,
  error: null,
  eventId: null,
  seq: null,
  claimed: null,
});

/**
 * One message, edit or redaction on its way: `{txnId, roomId, kind, type, content, createdMs}`.
 *
 * An edit or a redaction has a `target`; until that one is confirmed itself, the target is known
 * by `targetTxn` only. `claimed` is the event taken for this one.
 */
export const outgoing = (fields) => Object.freeze({ ...DEFAULTS, ...fields });

/** Whether an entry has to be shown besides the timeline. */
export const isShown = (entry) => entry.claimed === null;

/** Whether an own event says the same as an entry. */
export function isLike(entry, event) {
  if (entry.kind === REDACT) return redactionOf(event)?.target === entry.target;
  if (event.type !== entry.type || Object.hasOwn(event, "state_key")) return false;
  const content = contentOf(event);
  if (entry.kind === SEND) return same(content, entry.content);
  const relatesTo = child(content, "m.relates_to");
  return (
    text(relatesTo, "rel_type") === EDIT &&
    text(relatesTo, "event_id") === entry.target &&
    same(content["m.new_content"], entry.content)
  );
}

/** The entries in the order in which they were made. It can be stored as JSON. */
export class Outbox {
  #entries = new Map();

  get size() {
    return this.#entries.size;
  }

  entries(roomId) {
    const found = [...this.#entries.values()];
    return roomId === undefined ? found : found.filter((entry) => entry.roomId === roomId);
  }

  get(txnId) {
    return this.#entries.get(txnId) ?? null;
  }

  /**
   * What may be sent now: the first entry of each room that has none on its way. One that has
   * failed for good, or waits for one that has, holds nobody up.
   */
  ready() {
    const first = new Map();
    for (const entry of this.#entries.values()) {
      const isOpen = entry.status === WAITING || entry.status === SENDING;
      if (isOpen && !this.#isStuck(entry) && !first.has(entry.roomId)) {
        first.set(entry.roomId, entry);
      }
    }
    return [...first.values()].filter((entry) => entry.status === WAITING);
  }

  /** Throws if the transaction ID is in use. */
  add(entry) {
    if (this.#entries.has(entry.txnId)) {
      throw new Error(`the transaction ID ${entry.txnId} is in use`);
    }
    this.#entries.set(entry.txnId, entry);
  }

  /** Change what has not been sent yet. */
  setContent(txnId, content) {
    this.#update(txnId, { content });
  }

  /** It is on its way. */
  sending(txnId) {
    return this.#update(txnId, { status: SENDING, error: null });
  }

  /** It is stored at the server as this event, which may not be here yet. */
  sent(txnId, eventId, seq) {
    const entry = this.#entries.get(txnId);
    if (!entry) return null;
    for (const other of this.entries(entry.roomId)) {
      if (other.targetTxn === txnId) {
        this.#update(other.txnId, { target: eventId, targetTxn: null });
      } else if (other.claimed === eventId && other.txnId !== txnId) {
        // A guess that turns out to be this one's event.
        this.#update(other.txnId, { claimed: null });
      }
    }
    const claimed = entry.claimed === eventId ? eventId : null;
    return this.#update(txnId, { status: SENT, error: null, eventId, seq, claimed });
  }

  /** It was not stored: to be sent again, or for good. */
  failed(txnId, error, retry) {
    return this.#update(txnId, { status: retry ? WAITING : FAILED, error, claimed: null });
  }

  /** What had failed is to be sent after all, at its old place. */
  retry(txnId) {
    return this.#update(txnId, { status: WAITING, error: null });
  }

  remove(txnId) {
    this.#entries.delete(txnId);
  }

  /** Take it out, with the edits and redactions that wait for it; gives what is gone. */
  cancel(txnId) {
    const entry = this.#entries.get(txnId);
    if (!entry) return [];
    this.#entries.delete(txnId);
    const waiting = this.entries(entry.roomId).filter((other) => other.targetTxn === txnId);
    return [entry, ...waiting.flatMap((other) => this.cancel(other.txnId))];
  }

  /** An own event came with the stream; gives the IDs of the entries this changed. */
  arrived(roomId, event) {
    const eventId = String(event.event_id);
    const txnId = text(child(event, "unsigned"), "transaction_id");
    const found = this.entries(roomId);
    const own = found.find(
      (entry) => entry.eventId === eventId || entry.claimed === eventId || entry.txnId === txnId,
    );
    if (own) {
      this.sent(own.txnId, eventId, null);
      this.remove(own.txnId);
      return [own.txnId];
    }
    if (txnId !== null) return [];
    const guess = found.find(
      (entry) => entry.status === SENDING && entry.claimed === null && isLike(entry, event),
    );
    if (!guess) return [];
    this.#update(guess.txnId, { claimed: eventId });
    return [guess.txnId];
  }

  /** The stream is past `head`: what was stored up to there is history. */
  passed(roomId, head) {
    const isPast = ({ status, seq }) => status === SENT && seq !== null && seq <= head;
    const gone = this.entries(roomId).filter(isPast);
    for (const { txnId } of gone) this.remove(txnId);
    return gone.map(({ txnId }) => txnId);
  }

  /** For storing; `ofJson` reads it. */
  toJson() {
    return this.entries().map((entry) => {
      const json = {};
      for (const [name, key] of FIELDS) if (entry[name] !== null) json[key] = entry[name];
      return json;
    });
  }

  /**
   * What was on its way is waiting again: a repeat stores nothing twice. What is no entry, and
   * fields that are not known, are left out.
   */
  static ofJson(entries) {
    const outbox = new Outbox();
    for (const json of Array.isArray(entries) ? entries : []) {
      const entry = entryOf(json);
      if (entry && !outbox.get(entry.txnId)) outbox.add(entry);
    }
    return outbox;
  }

  #isStuck(entry) {
    if (entry.targetTxn === null) return false;
    const target = this.#entries.get(entry.targetTxn);
    return !target || target.status === FAILED || this.#isStuck(target);
  }

  #update(txnId, fields) {
    const entry = this.#entries.get(txnId);
    if (!entry) return null;
    const updated = Object.freeze({ ...entry, ...fields });
    this.#entries.set(txnId, updated);
    return updated;
  }
}

const FIELDS = [
  ["txnId", "txn_id"],
  ["roomId", "room_id"],
  ["kind", "kind"],
  ["type", "type"],
  ["content", "content"],
  ["createdMs", "created_ms"],
  ["target", "target"],
  ["targetTxn", "target_txn"],
  ["status", "status"],
  ["error", "error"],
  ["eventId", "event_id"],
  ["seq", "seq"],
];

function entryOf(json) {
  if (!isObject(json) || !isObject(json.content) || !KINDS.has(json.kind)) return null;
  const [txnId, roomId, type] = ["txn_id", "room_id", "type"].map((key) => text(json, key));
  if (txnId === null || roomId === null || type === null) return null;
  const status = STATUSES.has(json.status) ? json.status : WAITING;
  return outgoing({
    txnId,
    roomId,
    type,
    kind: json.kind,
    content: json.content,
    createdMs: number(json, "created_ms") ?? 0,
    target: text(json, "target"),
    targetTxn: text(json, "target_txn"),
    status: status === SENDING ? WAITING : status,
    error: isObject(json.error) ? json.error : null,
    eventId: text(json, "event_id"),
    seq: number(json, "seq"),
  });
}
