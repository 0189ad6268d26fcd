// What rooms, people and messages are called where there is no room for more.

import { echoOf } from "../chatproto/sync/items.js";
import { t } from "./i18n.js";

/** The other person of a direct chat; undefined for a room. */
export function peerOf(state, room) {
  const direct = state.accountData.get("m.direct") ?? {};
  for (const [userId, rooms] of Object.entries(direct)) {
    if (Array.isArray(rooms) && rooms.includes(room.roomId)) return userId;
  }
  return undefined;
}

/** What a room is called in the user's language. */
export function roomName(state, room) {
  if (room.name) return room.name;
  if (room.membership === "invite" && room.inviter) return userName(room, room.inviter);
  return peerOf(state, room) ?? t("room.empty");
}

/** The mxc of a room's picture: its own, or that of the other person. */
export function roomAvatar(state, room) {
  if (room.state.avatarUrl) return room.state.avatarUrl;
  const peer = peerOf(state, room);
  return peer ? (room.state.member(peer).avatarUrl ?? null) : null;
}

/** What a user is called in a room; without the server where nothing better is known. */
export function userName(room, userId) {
  const name = room?.state.member(userId).name ?? userId;
  return name === userId ? localpart(userId) : name;
}

/** The part of a user ID before the server. */
export const localpart = (userId) => userId.replace(/^@/, "").split(":")[0];

/** The newest row of a room that says something, be it still on its way. */
export function latest(state, room) {
  const entry = state.outbox.entries(room.roomId).findLast(isNews);
  if (entry) return echoOf(entry, state.userId);
  return room.latestItem((row) => isShown(row) && !row.threadRoot) ?? undefined;
}

const isNews = (entry) => entry.kind === "send" && entry.type === "m.room.message" && !entry.claimed;

const STATE_SHOWN = new Set([
  "m.room.member",
  "m.room.name",
  "m.room.topic",
  "m.room.avatar",
  "m.room.create",
  "m.room.pinned_events",
  "m.room.power_levels",
  "m.room.join_rules",
  "m.room.tombstone",
]);

/** Whether a row is one that people see. */
export function isShown(row) {
  if (row.stateKey !== null && row.stateKey !== undefined) return STATE_SHOWN.has(row.type);
  return row.type === "m.room.message" || row.type === "m.sticker" || row.type === "m.room.encrypted";
}

const MEDIA = { "m.image": "image", "m.video": "video", "m.audio": "audio", "m.file": "file" };

/** A message on one line. */
export function gist(room, row) {
  if (row.redacted) return t("message.deleted");
  if (row.stateKey !== null && row.stateKey !== undefined) return stateText(room, row);
  if (row.type === "m.room.encrypted") return t("message.encrypted");
  const { msgtype, body } = row.content;
  const text = typeof body === "string" ? body : "";
  if (row.content["org.matrix.msc3245.voice"]) return t("message.voice");
  if (MEDIA[msgtype]) return t(`message.${MEDIA[msgtype]}`, { name: text });
  if (msgtype === "m.emote") return `${userName(room, row.sender)} ${text}`;
  return text.replace(/\s+/g, " ").trim();
}

/** What a change of the room's state says. */
export function stateText(room, row) {
  const who = userName(room, row.sender);
  if (row.type === "m.room.member") return memberText(room, row, who);
  const { name, topic } = row.content;
  switch (row.type) {
    case "m.room.create":
      return t("state.create", { who });
    case "m.room.name":
      return name ? t("state.name", { who, name }) : t("state.name.none", { who });
    case "m.room.topic":
      return topic ? t("state.topic", { who, topic }) : t("state.topic.none", { who });
    case "m.room.avatar":
      return t("state.avatar", { who });
    case "m.room.pinned_events":
      return t("state.pinned", { who });
    case "m.room.join_rules":
      return t("state.join_rules", { who });
    case "m.room.tombstone":
      return t("state.tombstone", { who });
    default:
      return t("state.power_levels", { who });
  }
}

function memberText(room, row, who) {
  const { membership, displayname } = row.content;
  const whom = displayname || userName(room, row.stateKey);
  const before = row.event.unsigned?.prev_content ?? {};
  const self = row.stateKey === row.sender;
  switch (membership) {
    case "invite":
      return t("state.invite", { who, whom });
    case "join":
      return before.membership === "join"
        ? t("state.profile", { who: before.displayname || who })
        : t("state.join", { who: whom });
    case "knock":
      return t("state.knock", { who: whom });
    case "ban":
      return t("state.ban", { who, whom });
    default:
      if (self) return t(before.membership === "invite" ? "state.refuse" : "state.leave", { who });
      return t(before.membership === "ban" ? "state.unban" : "state.kick", { who, whom });
  }
}

/** Who is writing, in a few words; "" if nobody is. */
export function typingText(room) {
  const [first, ...more] = room.typing.userIds.map((userId) => userName(room, userId));
  if (!first) return "";
  if (!more.length) return t("typing.one", { who: first });
  if (more.length === 1) return t("typing.two", { who: first, other: more[0] });
  return t("typing.many", { who: first, n: more.length });
}
