// The rows of a timeline as they are shown: events with what others did to them.

import { child, contentOf, isState, number, seqOf, text } from "./fields.js";
import { isShown, REDACT, REPLACE, SEND } from "./outbox.js";
import { isEdit, isRedacted } from "./policy.js";
import { REACTION, replyTarget, threadRoot } from "./relations.js";

export const FORWARDED = "org.chatproto.forwarded";
const ABSORBED = new Set(["m.reaction", "m.room.redaction"]);

/**
 * The rows of a room: what it knows, then what is on its way, in order.
 *
 * A row has an event ID, a transaction ID, or both. `content` is the newest, with `edited` true
 * if it is not the first; it is empty where `redacted`. `status` is null for what the server has,
 * else that of the newest entry of the outbox that makes or changes this row, and `outgoing` is
 * what the entry does: send, edit or redact. `event` is the original.
 */
export function timelineItems(timeline, entries = [], own = null) {
  const { relations } = timeline;
  const rows = timeline
    .events()
    .filter((event) => isRow(event, relations))
    .map((event) => itemOf(event, relations));
  if (!entries.length || own === null) return rows;
  const shown = entries.filter(isShown);
  const places = new Map(rows.map((row, place) => [row.eventId, place]));
  for (const entry of shown) {
    const place = places.get(targetOf(entry));
    if (place !== undefined) rows[place] = overlaid(rows[place], entry, own);
  }
  return [...rows, ...echoes(shown, own)];
}

/**
 * Whether an event is a row by itself. Edits and reactions belong to their target. What is left
 * of a redacted edit looks like a redacted message; the server's word that it never counted tells.
 */
export function isRow(event, relations) {
  if (ABSORBED.has(event.type) || isEdit(event)) return false;
  return isState(event) || !relations.neverCounted(String(event.event_id));
}

/** The row of an event. */
export function itemOf(event, relations) {
  const eventId = String(event.event_id);
  const redaction = relations.redaction(eventId);
  const isGone = redaction !== null || isRedacted(event);
  const edit = isGone ? null : relations.edit(event);
  const content = contentOf(event);
  return Object.freeze({
    eventId,
    seq: seqOf(event),
    sender: String(event.sender),
    type: String(event.type),
    stateKey: text(event, "state_key"),
    ts: number(event, "origin_server_ts") ?? 0,
    content: edit ? edit.newContent : content,
    event,
    edited: edit !== null,
    redacted: isGone,
    redactedBy: redaction?.sender ?? null,
    reactions: isGone ? [] : relations.reactions(event),
    replyTo: replyTarget(event),
    threadRoot: threadRoot(event),
    thread: relations.thread(event),
    forwarded: forwardedOf(content),
    txnId: null,
    status: null,
    outgoing: null,
    error: null,
  });
}

/** The row of a message that the server does not have yet. */
export function echoOf(entry, own) {
  const event = {
    type: entry.type,
    sender: own,
    content: entry.content,
    origin_server_ts: entry.createdMs,
  };
  return Object.freeze({
    eventId: entry.eventId,
    seq: null,
    sender: own,
    type: entry.type,
    stateKey: null,
    ts: entry.createdMs,
    content: entry.content,
    event,
    edited: false,
    redacted: false,
    redactedBy: null,
    reactions: [],
    replyTo: replyTarget(event),
    threadRoot: threadRoot(event),
    thread: null,
    forwarded: forwardedOf(entry.content),
    txnId: entry.txnId,
    status: entry.status,
    outgoing: entry.kind,
    error: entry.error,
  });
}

/** A row as JSON; what is absent or false is left out. */
export function itemPicture(row) {
  const { thread, reactions } = row;
  const full = {
    event_id: row.eventId,
    seq: row.seq,
    sender: row.sender,
    type: row.type,
    state_key: row.stateKey,
    ts: row.ts,
    content: row.content,
    edited: row.edited,
    redacted: row.redacted,
    redacted_by: row.redactedBy,
    reactions: reactions.length
      ? Object.fromEntries(reactions.map(({ key, senders }) => [key, senders]))
      : null,
    reply_to: row.replyTo,
    thread_root: row.threadRoot,
    thread: thread && { count: thread.count, latest: thread.latest },
    forwarded: row.forwarded,
    txn_id: row.txnId,
    status: row.status,
    outgoing: row.outgoing,
    error: row.error,
  };
  return Object.fromEntries(
    Object.entries(full).filter(([, value]) => value !== null && value !== false),
  );
}

function forwardedOf(content) {
  const found = child(content, FORWARDED);
  return Object.keys(found).length ? found : null;
}

/** Pending messages, as the edits and redactions that wait for them will have them. */
function echoes(entries, own) {
  const rows = new Map();
  const ids = new Map();
  for (const entry of entries) {
    if (entry.kind === SEND && !ABSORBED.has(entry.type)) {
      rows.set(entry.txnId, echoOf(entry, own));
      if (entry.eventId !== null) ids.set(entry.eventId, entry.txnId);
      continue;
    }
    const txnId = entry.targetTxn ?? ids.get(targetOf(entry));
    if (rows.has(txnId)) rows.set(txnId, overlaid(rows.get(txnId), entry, own));
  }
  return rows.values();
}

function overlaid(row, entry, own) {
  const told = { ...row, status: entry.status, outgoing: entry.kind, error: entry.error };
  if (entry.kind === REPLACE) {
    return Object.freeze({ ...told, content: entry.content, edited: true });
  }
  if (entry.kind === REDACT) return Object.freeze(told);
  const key = text(child(entry.content, "m.relates_to"), "key") ?? "";
  return Object.freeze({ ...row, reactions: withReaction(row.reactions, key, own) });
}

function withReaction(reactions, key, own) {
  if (!reactions.some((reaction) => reaction.key === key)) {
    return [...reactions, { key, senders: [own] }];
  }
  return reactions.map((reaction) =>
    reaction.key === key && !reaction.senders.includes(own)
      ? { key, senders: [...reaction.senders, own] }
      : reaction,
  );
}

function targetOf(entry) {
  if (entry.kind !== SEND) return entry.target;
  const relatesTo = child(entry.content, "m.relates_to");
  return text(relatesTo, "rel_type") === REACTION ? text(relatesTo, "event_id") : null;
}
