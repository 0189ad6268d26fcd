// What a client knows, in parts that can be stored and read back: one of the account, one of
// each room. Who is writing is left out, for that is over when it is read.

import { isEvent, isObject, number, objects, seqOf, text } from "./fields.js";
import { Outbox } from "./outbox.js";
import { Presence } from "./presence.js";
import { ClientState } from "./store.js";

const VERSION = 1;
const KEEP = 200;

/** `{account, rooms}`: JSON of the account, and of each room by its ID. */
export function snapshotOf(state, { keep = KEEP } = {}) {
  const rooms = new Map();
  for (const [roomId, room] of state.rooms) rooms.set(roomId, sectionOf(room, keep));
  return { account: accountOf(state), rooms };
}

/** What is to be stored of the account, the outbox and drafts included. */
export const accountOf = (state) => ({
  version: VERSION,
  user_id: state.userId,
  position: state.position,
  account_data: [...state.accountData],
  presence: [...state.presence].map(([userId, presence]) => [userId, { ...presence }]),
  outbox: state.outbox.toJson(),
  drafts: [...state.drafts],
});

/** What is to be stored of a room, with its newest events. */
export function sectionOf(room, keep = KEEP) {
  const events = room.timeline.events();
  const kept = events.slice(Math.max(0, events.length - keep));
  const { unread } = room;
  return {
    membership: room.membership,
    bump: room.bump,
    joined_seq: room.joinedSeq,
    fully_read: room.fullyRead,
    summary: room.summary,
    account_data: [...room.accountData],
    state: room.state.all(),
    events: kept,
    head: room.timeline.head,
    ranges: rangesFrom(room.timeline.ranges, kept.length < events.length ? seqOf(kept[0]) : 0),
    receipts: room.receipts.all(),
    unread: {
      read_seq: unread.readSeq,
      base: unread.base,
      counted: [...unread.counted],
      redactions: [...unread.redactions.values()],
    },
  };
}

const rangesFrom = (ranges, first) =>
  ranges.filter(([, high]) => high >= first).map(([low, high]) => [Math.max(low, first), high]);

/**
 * The state of a user that was stored; null if it cannot be read.
 *
 * @param {string} userId
 * @param {object} account
 * @param {Iterable<[string, object]>} sections
 * @param {object} [options] what else `ClientState` is made with
 */
export function restored(userId, account, sections, options = {}) {
  try {
    return read(new ClientState({ userId, ...options }), account, sections);
  } catch {
    return null;
  }
}

function read(state, account, sections) {
  if (account.version !== VERSION || account.user_id !== state.userId) return null;
  state.accountData = new Map(account.account_data);
  if (state.accountData.size) state.takeRules();
  for (const [userId, presence] of account.presence) {
    state.presence.set(userId, new Presence(presence));
  }
  state.drafts = new Map(account.drafts);
  state.restore(Outbox.ofJson(account.outbox));
  for (const [roomId, section] of sections) addRoom(state, roomId, section);
  state.reordered();
  state.position = text(account, "position");
  return state;
}

function addRoom(state, roomId, section) {
  const room = state.newRoom(roomId, String(section.membership));
  room.bump = number(section, "bump") ?? 0;
  room.joinedSeq = number(section, "joined_seq") ?? 0;
  room.fullyRead = text(section, "fully_read");
  if (isObject(section.summary)) room.summary = section.summary;
  room.accountData = new Map(section.account_data);
  room.takeState(objects(section, "state"));
  for (const event of objects(section, "events")) if (isEvent(event)) room.timeline.add(event);
  room.timeline.head = number(section, "head") ?? 0;
  for (const [first, last] of section.ranges) room.timeline.cover(first, last);
  for (const receipt of objects(section, "receipts")) room.receipts.apply(receipt);
  readUnread(room.unread, section.unread);
  state.settled(room);
}

function readUnread(unread, told) {
  unread.readSeq = number(told, "read_seq") ?? 0;
  unread.base = Object.freeze({ ...told.base });
  unread.counted = new Map(told.counted);
  unread.redactions = new Map(told.redactions.map((redaction) => [redaction.seq, redaction]));
}
