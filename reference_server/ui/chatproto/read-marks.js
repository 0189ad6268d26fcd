import { Disconnected } from "./errors.js";

/**
 * Tells the server up to where the user has read, room by room.
 *
 * While one is under way only the newest waits. What there is no connection for is told over
 * the next one; to say it again does no harm, for receipts only move forward.
 * `say(roomId, eventId)` tells the server.
 */
export class ReadMarks {
  #say;
  #clock;
  #waiting = new Map();
  #underWay = new Set();
  #callOffs = new Set();

  constructor({ say, clock }) {
    this.#say = say;
    this.#clock = clock;
  }

  /** See `Session.markRead`. */
  set(roomId, eventId) {
    this.#waiting.set(roomId, eventId);
    this.#tell(roomId);
  }

  /** There is a connection. */
  proceed() {
    for (const roomId of [...this.#waiting.keys()]) this.#tell(roomId);
  }

  clear() {
    this.#waiting.clear();
    for (const callOff of this.#callOffs) callOff();
    this.#callOffs.clear();
  }

  async #tell(roomId) {
    const eventId = this.#waiting.get(roomId);
    if (eventId === undefined || this.#underWay.has(roomId)) return;
    this.#underWay.add(roomId);
    this.#waiting.delete(roomId);
    let waitMs = 0;
    try {
      await this.#say(roomId, eventId);
    } catch (error) {
      const isOpen = error instanceof Disconnected || error.retryAfterMs !== undefined;
      if (isOpen && !this.#waiting.has(roomId)) this.#waiting.set(roomId, eventId);
      // Without a connection the next one lets it proceed.
      waitMs = error instanceof Disconnected ? undefined : error.retryAfterMs ?? 0;
    } finally {
      this.#underWay.delete(roomId);
    }
    if (waitMs === undefined || !this.#waiting.has(roomId)) return;
    const callOff = this.#clock.after(waitMs, () => {
      this.#callOffs.delete(callOff);
      this.#tell(roomId);
    });
    this.#callOffs.add(callOff);
  }
}
