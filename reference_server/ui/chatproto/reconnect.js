// docs/protocol/socket.md, "Closing".
export const LOGIN_CODES = new Set([4401]);
export const FATAL_CODES = new Set([1002, 1003, 1007, 1009, 4400, 4409]);
const RESUME_CODES = new Set([1000, 1001, 1012]);

/** Decides, after each connection that ended, whether and when to try again. */
export class Reconnect {
  #random;
  #baseMs;
  #capMs;
  #failures = 0;

  /**
   * The wait is a random part of `baseMs`, which doubles with each failure up to `capMs`:
   * full jitter spreads a crowd best (AWS Architecture Blog, "Exponential Backoff and Jitter").
   *
   * @param {{random?: () => number, baseMs?: number, capMs?: number}} [options]
   */
  constructor({ random = Math.random, baseMs = 500, capMs = 30_000 } = {}) {
    this.#random = random;
    this.#baseMs = baseMs;
    this.#capMs = capMs;
  }

  /** How many connections in a row have failed. */
  get failures() {
    return this.#failures;
  }

  succeeded() {
    this.#failures = 0;
  }

  /**
   * Milliseconds to wait before the next try; undefined: not again.
   *
   * @param {number} [code] the close code
   * @param {string} [then] what a goodbye asked
   */
  after(code, then) {
    if (then === "login" || LOGIN_CODES.has(code) || FATAL_CODES.has(code)) return undefined;
    const resumes = then === "resume" || RESUME_CODES.has(code);
    if (resumes && this.#failures === 0) {
      this.#failures = 1;
      return this.#random() * this.#baseMs;
    }
    return this.failed();
  }

  /** Milliseconds to wait after a failure. */
  failed() {
    this.#failures += 1;
    const longest = this.#baseMs * 2 ** Math.min(this.#failures, 16);
    return this.#random() * Math.min(this.#capMs, longest);
  }
}
