// Who is writing, and until when that is believed.

import { same, sorted } from "./fields.js";

export const TYPING_MS = 30_000;

/** The server tells the whole list; without news it ends after 30 seconds. */
export class Typing {
  userIds = [];
  expiresMs = null;

  /** Take a new list; oneself is never in it. Whether it differs. */
  replace(userIds, own, nowMs) {
    const before = this.userIds;
    this.userIds = sorted(new Set(userIds.filter((userId) => userId !== own)));
    this.expiresMs = this.userIds.length ? nowMs + TYPING_MS : null;
    return !same(this.userIds, before);
  }

  /** Whether the list has ended by now. */
  expire(nowMs) {
    if (this.expiresMs === null || nowMs < this.expiresMs) return false;
    this.userIds = [];
    this.expiresMs = null;
    return true;
  }
}
