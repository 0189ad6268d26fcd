// The order of chats: only other people's messages move one to the top.

import { compare } from "./fields.js";

const LISTED = new Set(["join", "invite"]);
export const FILTERS = ["all", "unread", "people", "rooms", "archived"];

/** The IDs of rooms one is in or invited to, by `bump`, greatest first; ties by room ID. */
export const order = (rooms) =>
  [...rooms]
    .filter((room) => LISTED.has(room.membership))
    .sort((a, b) => b.bump - a.bump || compare(a.roomId, b.roomId))
    .map((room) => room.roomId);

/**
 * Whether a filter shows a room. Archived rooms are shown by `archived` only; `direct` are the
 * rooms that are chats between two.
 */
export function chosen(room, name, direct) {
  if (!FILTERS.includes(name)) throw new Error(`no filter ${name}; there are ${FILTERS}`);
  if (name === "archived" || room.isArchived) return name === "archived" && room.isArchived;
  if (name === "unread") {
    return room.notificationCount > 0 || room.isMarkedUnread || room.membership === "invite";
  }
  if (name === "people") return direct.has(room.roomId);
  return name === "all" || !direct.has(room.roomId);
}
