// What events say about other events: edits, reactions, threads, redactions.
//
// Relations are facts held by the ID of their target, which may come later or never. So the
// order in which events come makes no difference; which of several wins is decided by seq,
// when it is asked for.

import { child, contentOf, isObject, isState, REDACTS, seqOf, text } from "./fields.js";

export const EDIT = "m.replace";
export const REACTION = "m.annotation";
export const THREAD = "m.thread";

/** The relations of one room. */
export class Relations {
  #related = new Map(); // target to event ID to what relates
  #redactions = new Map();

  add(related) {
    held(this.#related, related.target).set(related.eventId, related);
  }

  remove(related) {
    this.#related.get(related.target)?.delete(related.eventId);
  }

  redact(redaction) {
    held(this.#redactions, redaction.target).set(redaction.eventId, redaction);
  }

  /** The first redaction of an event. */
  redaction(eventId) {
    const found = this.#redactions.get(eventId);
    return found ? extreme(found.values(), (one, best) => one.seq < best.seq) : null;
  }

  /** Whether all redactions of an event say that it never counted as unread. */
  neverCounted(eventId) {
    const found = this.#redactions.get(eventId);
    return found ? [...found.values()].every((redaction) => !redaction.counted) : false;
  }

  /** The edit that is shown: the newest by the same sender, of the same type. */
  edit(target) {
    if (isState(target)) return null;
    const { sender, type } = target;
    const edits = this.#of(target, EDIT).filter((r) => r.sender === sender && r.type === type);
    return extreme(edits, (one, best) => one.seq > best.seq);
  }

  /** `[{key, senders}]`, the key used first first. */
  reactions(target) {
    const found = this.#of(target, REACTION);
    if (!found.length) return NO_REACTIONS;
    const senders = new Map();
    for (const { key, sender } of found.sort((a, b) => a.seq - b.seq)) {
      if (!senders.has(key)) senders.set(key, new Set());
      senders.get(key).add(sender);
    }
    return [...senders].map(([key, users]) => ({ key, senders: [...users] }));
  }

  /** The event by which a user reacted; redacting it takes the reaction away. */
  reactionId(target, userId, key) {
    const isIt = (r) => r.sender === userId && r.key === key;
    return this.#of(target, REACTION).find(isIt)?.eventId ?? null;
  }

  /** How many events answer a root, and the newest of them; null if none does. */
  thread(root) {
    const answers = this.#of(root, THREAD);
    if (!answers.length) return null;
    const latest = extreme(answers, (one, best) => one.seq > best.seq);
    return { count: answers.length, latest: latest.eventId };
  }

  /** The roots of all threads known, the one answered last first. */
  threadRoots() {
    const newest = [];
    for (const [target, related] of this.#related) {
      const seqs = [...related.values()].filter((r) => r.kind === THREAD).map((r) => r.seq);
      if (seqs.length) newest.push([target, Math.max(...seqs)]);
    }
    return newest.sort((a, b) => b[1] - a[1]).map(([target]) => target);
  }

  #of(target, kind) {
    const found = this.#related.get(text(target, "event_id") ?? "");
    return found ? [...found.values()].filter((r) => r.kind === kind) : [];
  }
}

const NO_REACTIONS = Object.freeze([]);

function held(map, key) {
  let found = map.get(key);
  if (!found) map.set(key, (found = new Map()));
  return found;
}

function extreme(values, isBetter) {
  let best = null;
  for (const value of values) if (best === null || isBetter(value, best)) best = value;
  return best;
}

/** How an event relates to another one; null if in no way that is known. */
export function relatedOf(event) {
  const content = contentOf(event);
  const relatesTo = child(content, "m.relates_to");
  const kind = text(relatesTo, "rel_type");
  const target = text(relatesTo, "event_id");
  const seq = seqOf(event);
  if (kind === null || target === null || seq === null || isState(event)) return null;
  if (kind === EDIT && !isObject(content["m.new_content"])) return null;
  return {
    eventId: String(event.event_id),
    seq,
    sender: String(event.sender),
    type: String(event.type),
    kind,
    target,
    key: text(relatesTo, "key") ?? "",
    newContent: child(content, "m.new_content"),
  };
}

/** What an event redacts; null if it is no redaction. */
export function redactionOf(event) {
  if (event.type !== "m.room.redaction") return null;
  const content = contentOf(event);
  const target = text(content, "redacts") || text(event, "redacts");
  const seq = seqOf(event);
  if (target === null || seq === null) return null;
  const told = child(child(event, "unsigned"), REDACTS);
  return {
    eventId: String(event.event_id),
    seq,
    sender: String(event.sender),
    target,
    reason: text(content, "reason"),
    counted: told.counts !== false,
  };
}

/** The event that is answered; not the one a thread names for older clients. */
export function replyTarget(event) {
  const relatesTo = child(contentOf(event), "m.relates_to");
  if (relatesTo.is_falling_back === true) return null;
  return text(child(relatesTo, "m.in_reply_to"), "event_id");
}

/** The root of the thread that an event is in, or null. */
export function threadRoot(event) {
  const relatesTo = child(contentOf(event), "m.relates_to");
  return text(relatesTo, "rel_type") === THREAD ? text(relatesTo, "event_id") : null;
}
