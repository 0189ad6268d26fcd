// What can be done with a chat.

import { t } from "./i18n.js";

/** The entries of a chat's menu; `act(action)` does them. */
export function chatMenu(session, room, act) {
  const entry = (key, icon, more = {}) => ({
    key,
    icon,
    text: t(`chat.${key}`),
    run: () => act(key),
    ...more,
  });
  const isIn = room.membership === "join";
  const isUnread = room.notificationCount > 0 || room.isMarkedUnread;
  return [
    isIn && entry("info", "info"),
    isIn && entry("invite", "invite"),
    isIn && (isUnread ? entry("read", "checks") : entry("unread", "mail")),
    entry(room.isPinned ? "unpin" : "pin", room.isPinned ? "unpin" : "pin"),
    isIn && entry(room.isMuted ? "unmute" : "mute", room.isMuted ? "bell" : "muted"),
    entry(
      room.isArchived ? "unarchive" : "archive",
      room.isArchived ? "unarchive" : "archive",
    ),
    isIn && entry("leave", "logout"),
    entry("delete", "trash", { grave: true }),
  ].filter(Boolean);
}
