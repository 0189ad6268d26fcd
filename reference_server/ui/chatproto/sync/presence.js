// Who is there, and what they say about it.

import { number, text } from "./fields.js";

export const EXPIRES_IN = "org.chatproto.expires_in_ms";

/**
 * `presence` is online, unavailable or offline; times are on the client's clock.
 * `statusExpiresMs` is when the status text ends, if the server has said so.
 */
export class Presence {
  constructor({ presence, statusMsg, currentlyActive, lastActiveMs, statusExpiresMs }) {
    this.presence = presence;
    this.statusMsg = statusMsg;
    this.currentlyActive = currentlyActive;
    this.lastActiveMs = lastActiveMs;
    this.statusExpiresMs = statusExpiresMs;
    Object.freeze(this);
  }

  /** Read the content of m.presence as it comes in at `nowMs`. */
  static of(content, nowMs) {
    const ago = number(content, "last_active_ago");
    const expiresIn = number(content, EXPIRES_IN);
    return new Presence({
      presence: text(content, "presence") || "offline",
      statusMsg: text(content, "status_msg") || null,
      currentlyActive: content.currently_active === true,
      lastActiveMs: ago === null ? null : nowMs - ago,
      statusExpiresMs: expiresIn === null ? null : nowMs + expiresIn,
    });
  }

  /** As it is by now: a status text may have ended. */
  at(nowMs) {
    if (this.statusExpiresMs === null || nowMs < this.statusExpiresMs) return this;
    return new Presence({ ...this, statusMsg: null, statusExpiresMs: null });
  }

  picture() {
    // Without times, which depend on when the news came in.
    return {
      presence: this.presence,
      status_msg: this.statusMsg,
      currently_active: this.currentlyActive,
    };
  }
}
