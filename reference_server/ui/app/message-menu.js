// What can be done with a message, by whom.

import { t } from "./i18n.js";

/** The entries of a message's menu, opened `at` a point; `act(action, row, room, more)` does them. */
export function messageMenu(session, room, row, act, at) {
  const own = row.sender === session.state.userId;
  const entry = (key, icon, more = {}) => ({
    key,
    icon,
    text: t(`action.${key}`),
    run: () => act(key, row, room, { at }),
    ...more,
  });
  if (row.redacted) return [entry("copy-link", "link")];
  if (row.status && row.status !== "sent") return [entry("copy", "copy"), cancelOf(session, row)];
  const isText = typeof row.content.body === "string";
  const isPinned = room.state.pinned.includes(row.eventId);
  return [
    entry("reply", "reply"),
    entry("react", "react"),
    entry("thread", "thread"),
    entry("forward", "forward"),
    isText && entry("copy", "copy"),
    entry("copy-link", "link"),
    maySet(session, room, "m.room.pinned_events") &&
      entry(isPinned ? "unpin" : "pin", isPinned ? "unpin" : "pin"),
    own && row.content.msgtype === "m.text" && entry("edit", "edit"),
    own && entry("readers", "eye"),
    entry("choose", "check"),
    mayRedact(session, room, row) && entry("delete", "trash", { grave: true }),
  ].filter(Boolean);
}

function cancelOf(session, row) {
  return {
    key: "cancel",
    icon: "trash",
    text: t("delete"),
    grave: true,
    run: () => session.cancel(row.txnId),
  };
}

/** Whether the user may delete a message. */
export function mayRedact(session, room, row) {
  if (row.sender === session.state.userId) return true;
  const { redact } = room.state.content("m.room.power_levels");
  return room.state.power(session.state.userId) >= (Number.isInteger(redact) ? redact : 50);
}

/** Whether the user may set a kind of state. */
export function maySet(session, room, type) {
  const levels = room.state.content("m.room.power_levels");
  const needed = levels.events?.[type] ?? levels.state_default ?? 50;
  return room.membership === "join" && room.state.power(session.state.userId) >= needed;
}
