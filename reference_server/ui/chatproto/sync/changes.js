// What a step changed: small values that a user interface can react to.

const change = (kind, fields) => Object.freeze({ kind, ...fields });

/** Everything but the outbox and drafts was forgotten; a snapshot follows. */
export const resynced = () => change("resynced");

/** A room is there that was not, or stands otherwise than before. */
export const roomAdded = (roomId, membership) => change("room_added", { roomId, membership });

/** The user is no longer in a room; `membership` is leave or ban. */
export const roomRemoved = (roomId, membership) => change("room_removed", { roomId, membership });

/** The state of a room changed: its name, its members, its rules. */
export const roomChanged = (roomId) => change("room", { roomId });

/** The rooms of the list, or their order, are others than before. */
export const listOrder = () => change("list_order");

/**
 * Events came or look different now.
 *
 * `added` are the IDs of all new events, edits and reactions too, in the order of the room;
 * `updated` those of older ones whose look changed. `live` is true for what was pushed as it
 * happened, false for what was caught up on or paged in; `reset` if everything shown was
 * replaced.
 */
export const timelineChanged = (roomId, fields) => change("timeline", { roomId, ...fields });

export const unreadChanged = (roomId, notificationCount, highlightCount) =>
  change("unread", { roomId, notificationCount, highlightCount });

export const typingChanged = (roomId, userIds) => change("typing", { roomId, userIds });

/** A user has read up to an event; `seq` is its place. */
export const receiptChanged = (roomId, userId, eventId, seq) =>
  change("receipt", { roomId, userId, eventId, seq });

export const presenceChanged = (userId) => change("presence", { userId });

/** `roomId` is null for what belongs to no room. */
export const accountDataChanged = (type, roomId = null) =>
  change("account_data", { type, roomId });

export const outboxChanged = (roomId, txnId) => change("outbox", { roomId, txnId });

/** What a module's reducer makes of a room may be different now. */
export const extensionChanged = (roomId, name) => change("extension", { roomId, name });

/** A message to this device. It is not kept, and may come again after a resume. */
export const toDevice = (sender, type, content) => change("to_device", { sender, type, content });

/** Users whose devices changed, and users with whom no room is shared any more. */
export const deviceLists = (changed, left) => change("device_lists", { changed, left });
