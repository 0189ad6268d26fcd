// Others see it end soon after the last word from here, should this client just be gone.
const TIMEOUT_MS = 6_000;
const AGAIN_MS = 3_000;
const STOP_MS = 5_000;

/**
 * Tells a room that the user is writing: not more often than is of use, and when it is over.
 *
 * `say(roomId, typing, timeoutMs)` tells the server; it gives false if there is no connection.
 */
export class Typing {
  #say;
  #clock;
  #rooms = new Map(); // where one is writing: when that was said, and what ends it

  constructor({ say, clock }) {
    this.#say = say;
    this.#clock = clock;
  }

  /** See `Session.typing`. */
  set(roomId, isTyping) {
    const known = this.#rooms.get(roomId);
    known?.callOff();
    this.#rooms.delete(roomId);
    if (!isTyping) {
      if (known?.saidMs !== undefined) this.#say(roomId, false);
      return;
    }
    const nowMs = this.#clock.nowMs();
    const isKnown = known?.saidMs !== undefined && nowMs - known.saidMs < AGAIN_MS;
    const isSaid = !isKnown && this.#say(roomId, true, TIMEOUT_MS) !== false;
    const callOff = this.#clock.after(STOP_MS, () => this.set(roomId, false));
    this.#rooms.set(roomId, { saidMs: isSaid ? nowMs : known?.saidMs, callOff });
  }

  /** Forgets all, without telling anybody. */
  clear() {
    for (const { callOff } of this.#rooms.values()) callOff();
    this.#rooms.clear();
  }
}
