// One push item, or a body of /sync, taken over into what is known.

import * as changes from "./changes.js";
import { child, contentOf, events, isEvent, number, same, seqOf, text, texts } from "./fields.js";
import { Presence } from "./presence.js";
import { IGNORED, PUSH_RULES } from "./push-rules.js";
import { ROOM, Taking } from "./section.js";
import { MEMBER } from "./state.js";

/** Take one push item (docs/protocol/socket.md); an unknown one does nothing. */
export function takeItem(known, item, nowMs) {
  return Object.keys(item).flatMap((kind) =>
    ITEMS.has(kind) ? ITEMS.get(kind)(known, child(item, kind), nowMs) : [],
  );
}

function sync(known, body, nowMs) {
  const found = [];
  for (const { type, content } of events(body, "account_data")) {
    found.push(...accountData(known, { type, content }, nowMs));
  }
  for (const event of events(body, "presence")) {
    found.push(...presence(known, { ...contentOf(event), user_id: event.sender }, nowMs));
  }
  const rooms = child(body, "rooms");
  for (const [name, take] of SECTIONS) {
    const sections = child(rooms, name);
    for (const roomId of Object.keys(sections)) {
      found.push(...take(known, roomId, name, child(sections, roomId), nowMs));
    }
  }
  found.push(...known.reordered());
  for (const event of events(body, "to_device")) found.push(...toDevice(known, event));
  found.push(...deviceLists(known, child(body, "device_lists")));
  if (Object.hasOwn(body, "device_one_time_keys_count")) {
    known.oneTimeKeyCounts = child(body, "device_one_time_keys_count");
  }
  if (Object.hasOwn(body, "device_unused_fallback_key_types")) {
    known.fallbackKeyTypes = texts(body, "device_unused_fallback_key_types");
  }
  known.position = text(body, "next_batch") || known.position;
  return found;
}

function joined(known, roomId, name, section, nowMs) {
  const found = [];
  let room = known.rooms.get(roomId);
  if (room?.membership !== name) {
    found.push(changes.roomAdded(roomId, name));
    room = undefined;
  }
  const isFresh = !room || replaces(room, child(section, ROOM));
  if (isFresh) room = known.newRoom(roomId, name);
  const taking = new Taking(room, nowMs, { reset: isFresh });
  taking.joined(section);
  return [...found, ...taking.changes(), ...known.settled(room, taking.added())];
}

/** An invitation, or a knock of one's own: nothing but a sight of the room. */
function asked(known, roomId, name, section, nowMs) {
  const was = known.rooms.get(roomId);
  const room = known.newRoom(roomId, name);
  room.bump = number(child(section, ROOM), "bump") ?? 0;
  const taking = new Taking(room, nowMs, { reset: true });
  taking.state(events(section, `${name}_state`));
  const added = was?.membership === name ? [] : [changes.roomAdded(roomId, name)];
  return [...added, ...taking.changes(), ...known.settled(room)];
}

function left(known, roomId, _name, section, nowMs) {
  let room = known.rooms.get(roomId);
  const wasOut = room?.membership === "leave" || room?.membership === "ban";
  if (!room || room.membership === "invite" || room.membership === "knock") {
    room = known.newRoom(roomId, "leave");
  }
  const taking = new Taking(room, nowMs);
  taking.left(section);
  const removed = wasOut ? [] : [changes.roomRemoved(roomId, room.membership)];
  return [...taking.changes(), ...removed, ...known.settled(room, taking.added())];
}

function event(known, told, nowMs) {
  const room = joinedRoom(known, told);
  const seq = seqOf(told);
  if (!room || seq === null || !isEvent(told)) return [];
  const taking = new Taking(room, nowMs, { live: seq > room.timeline.head });
  const { bump } = room;
  const fresh = taking.events([told]);
  room.timeline.cover(seq, seq);
  room.timeline.head = Math.max(room.timeline.head, seq);
  const found = taking.changes();
  if (fresh.length && taking.live && isFarewell(told, known.userId)) {
    room.leave();
    found.push(changes.roomRemoved(room.roomId, room.membership), ...known.reordered());
  }
  found.push(...known.settled(room, fresh));
  if (room.bump !== bump) found.push(...known.reordered());
  return found;
}

function receipt(known, item, nowMs) {
  const room = joinedRoom(known, item);
  const seq = number(item, "seq");
  if (!room || seq === null) return [];
  const taking = new Taking(room, nowMs);
  taking.receipt({
    userId: text(item, "user_id") ?? "",
    type: text(item, "type") ?? "",
    threadId: text(item, "thread_id") ?? "",
    eventId: text(item, "event_id") ?? "",
    seq,
    ts: number(item, "ts") ?? 0,
  });
  return [...taking.changes(), ...known.settled(room)];
}

function typing(known, item, nowMs) {
  const room = joinedRoom(known, item);
  if (!room) return [];
  const taking = new Taking(room, nowMs);
  taking.typing(texts(item, "user_ids"));
  return taking.changes();
}

function unread(known, item, nowMs) {
  const room = joinedRoom(known, item);
  if (!room) return [];
  new Taking(room, nowMs).numbers(item, item);
  return known.settled(room);
}

function accountData(known, item, nowMs) {
  const type = text(item, "type");
  const content = contentOf(item);
  if (type === null) return [];
  if (Object.hasOwn(item, "room_id")) {
    const room = joinedRoom(known, item);
    if (!room) return [];
    const taking = new Taking(room, nowMs);
    taking.accountData(type, content);
    return [...taking.changes(), ...known.settled(room)];
  }
  if (known.accountData.has(type) && same(known.accountData.get(type), content)) return [];
  known.accountData.set(type, content);
  const isRules = type === PUSH_RULES || type === IGNORED;
  return [changes.accountDataChanged(type), ...(isRules ? known.takeRules() : [])];
}

function presence(known, content, nowMs) {
  const userId = text(content, "user_id");
  if (userId === null) return [];
  const found = Presence.of(content, nowMs);
  const isChanged = !same({ ...found }, { ...known.presence.get(userId) });
  known.presence.set(userId, found);
  return isChanged ? [changes.presenceChanged(userId)] : [];
}

function toDevice(_known, item) {
  const sender = text(item, "sender");
  const type = text(item, "type");
  if (sender === null || type === null) return [];
  return [changes.toDevice(sender, type, contentOf(item))];
}

function deviceLists(_known, item) {
  const [changed, gone] = [texts(item, "changed"), texts(item, "left")];
  return changed.length || gone.length ? [changes.deviceLists(changed, gone)] : [];
}

/** The room that an item names, if the user is in it. */
function joinedRoom(known, item) {
  const room = known.rooms.get(text(item, "room_id") ?? "");
  return room?.membership === "join" ? room : null;
}

/** Whether a section is the whole of the room, and not just an old one repeated. */
function replaces(room, told) {
  if (told.initial !== true) return false;
  const isSameStay = number(told, "joined_seq") === room.joinedSeq;
  return !isSameStay || (number(told, "through") ?? 0) > room.timeline.head;
}

/** Whether the event puts the user out of the room. */
function isFarewell(told, own) {
  const membership = text(contentOf(told), "membership");
  const isOut = membership === "leave" || membership === "ban";
  return told.type === MEMBER && told.state_key === own && isOut;
}

const SECTIONS = [
  ["join", joined],
  ["invite", asked],
  ["knock", asked],
  ["leave", left],
];

const ITEMS = new Map(
  Object.entries({
    sync,
    event,
    receipt,
    typing,
    presence,
    account_data: accountData,
    unread,
    to_device: toDevice,
    device_lists: deviceLists,
  }),
);
