// Which events lift a chat, which count as unread, which highlight (docs/protocol/sync.md).

import { child, contentOf, isState, number, text, texts } from "./fields.js";

export const MESSAGES = Object.freeze(["m.room.message", "m.room.encrypted", "m.sticker"]);

/** The declared types: `lifting` move a chat, `counting` are counted as unread. */
export class Policy {
  constructor({ lifting = MESSAGES, counting = MESSAGES } = {}) {
    this.lifting = new Set(lifting);
    this.counting = new Set(counting);
  }

  lifts(event) {
    return (
      this.lifting.has(event.type) && !isState(event) && !isEdit(event) && !isRedacted(event)
    );
  }

  counts(event) {
    return (
      this.counting.has(event.type) &&
      contentOf(event).msgtype !== "m.notice" &&
      this.lifts(event)
    );
  }
}

export const DEFAULT_POLICY = new Policy();

export const isEdit = (event) =>
  text(child(contentOf(event), "m.relates_to"), "rel_type") === "m.replace";

/** Whether the event came without its content, for that had been taken away. */
export const isRedacted = (event) => Object.hasOwn(child(event, "unsigned"), "redacted_because");

/**
 * Whether an `m.mentions` means the user; `mayCallRoom` says whether its sender's mention of
 * the whole room is heard.
 */
export const mentions = (mentioned, userId, mayCallRoom) =>
  texts(mentioned, "user_ids").includes(userId) || (mayCallRoom && mentioned.room === true);

/** Whether a sender has the level for `notifications.room`; `levels` is null where there are none. */
export function mayCallRoom(levels, creator, sender) {
  if (levels === null) return sender === creator;
  const level = number(child(levels, "users"), sender) ?? number(levels, "users_default") ?? 0;
  return level >= (number(child(levels, "notifications"), "room") ?? 50);
}
