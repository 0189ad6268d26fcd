// Browsers count a timer's wait in 32 bits, and end one that is longer at once.
const LONGEST_MS = 2 ** 31 - 1;

/**
 * The time of day, and what is to be done after a while; tests have another one.
 *
 * @typedef {{nowMs: () => number, after: (ms: number, action: () => void) => () => void}} Clock
 */

/** The clock of the machine. @type {Clock} */
export const systemClock = {
  nowMs: () => Date.now(),

  /** Does something after so many milliseconds; gives what calls that off. */
  after(ms, action) {
    const timer = setTimeout(action, Math.min(Math.max(0, ms), LONGEST_MS));
    return () => clearTimeout(timer);
  },
};

/** Resolves after so many milliseconds; rejects with the reason if called off before. */
export function pause(clock, ms, signal) {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const giveUp = () => {
      callOff();
      reject(signal.reason);
    };
    const callOff = clock.after(ms, () => {
      signal?.removeEventListener("abort", giveUp);
      resolve();
    });
    signal?.addEventListener("abort", giveUp, { once: true });
  });
}
