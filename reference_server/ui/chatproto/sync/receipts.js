// Who has read how far. Receipts only move forward, by seq.

import { byKey, compare, objectOf, sorted } from "./fields.js";

export const WHOLE_ROOM = "";
export const MAIN = "main";
export const READ = "m.read";
export const READ_PRIVATE = "m.read.private";

/** Whether a receipt is for the whole room or its main timeline. */
export const isMain = ({ threadId }) => threadId === WHOLE_ROOM || threadId === MAIN;

/**
 * The receipts of one room, `{userId, type, threadId, eventId, seq, ts}`: of each user, type
 * and thread the furthest. `threadId` is "" for the whole room, "main", or the root of a thread.
 */
export class Receipts {
  #of = new Map(); // user to type and thread to receipt

  /** Whether it is ahead of the one that was known. */
  apply(receipt) {
    const key = `${receipt.type}\u0000${receipt.threadId}`;
    let own = this.#of.get(receipt.userId);
    if (!own) this.#of.set(receipt.userId, (own = new Map()));
    const known = own.get(key);
    if (known && known.seq >= receipt.seq) return false;
    own.set(key, receipt);
    return true;
  }

  /** The furthest receipt of a user for the room or its main timeline. */
  latest(userId) {
    return this.#furthest(userId, isMain);
  }

  /** The furthest receipt of a user that covers a thread. */
  inThread(userId, root) {
    return this.#furthest(userId, ({ threadId }) => threadId === WHOLE_ROOM || threadId === root);
  }

  /** The users whose receipts say that they have read the event at `seq`. */
  readers(seq) {
    return sorted([...this.#of.keys()].filter((userId) => (this.latest(userId)?.seq ?? 0) >= seq));
  }

  /** All receipts that are held. */
  all() {
    return [...this.#of.values()].flatMap((own) => [...own.values()]);
  }

  picture() {
    return objectOf(
      byKey(this.#of).map(([userId, own]) => [
        userId,
        [...own.values()]
          .sort((a, b) => compare(a.type, b.type) || compare(a.threadId, b.threadId))
          .map((r) => ({
            type: r.type,
            thread_id: r.threadId,
            event_id: r.eventId,
            seq: r.seq,
            ts: r.ts,
          })),
      ]),
    );
  }

  #furthest(userId, covers) {
    let best = null;
    for (const receipt of this.#of.get(userId)?.values() ?? []) {
      if (!covers(receipt)) continue;
      const ahead = best === null ? 1 : receipt.seq - best.seq || compare(receipt.type, best.type);
      if (ahead > 0) best = receipt;
    }
    return best;
  }
}
