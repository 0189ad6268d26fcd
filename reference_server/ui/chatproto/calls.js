import { Disconnected, MatrixError } from "./errors.js";
import { call } from "./frames.js";

// More the server does not read before it has answered one; nor would it read a ping.
const MOST_IN_FLIGHT = 8;

/** What was asked has not been sent; it can be sent over the next connection. */
export class NotSent extends Disconnected {}

/** Numbers calls and gives each its answer; so many at a time as the protocol allows. */
export class Calls {
  #send;
  #number = 0;
  #queue = [];
  #pending = new Map();
  #settled = [];

  /** @param {(frame: object) => void} send */
  constructor(send) {
    this.#send = send;
  }

  /**
   * Asks over the present connection.
   *
   * @throws {MatrixError}
   * @throws {NotSent}
   * @throws {Disconnected} if the answer was cut off
   */
  ask(name, fields, signal) {
    return new Promise((resolve, reject) => {
      signal?.throwIfAborted();
      const asked = { name, fields, resolve, reject };
      signal?.addEventListener("abort", () => this.#giveUp(asked, signal.reason), { once: true });
      this.#queue.push(asked);
      this.#proceed();
    });
  }

  /** Takes a reply. */
  answered(frame) {
    const asked = this.#pending.get(frame.re);
    if (!asked) return;
    this.#pending.delete(frame.re);
    if (frame.err) asked.reject(MatrixError.of(frame.err));
    else asked.resolve(frame.ok);
    this.#proceed();
  }

  /** There will be no more answers to what was asked so far. */
  cut() {
    const [pending, queue] = [this.#pending, this.#queue];
    [this.#pending, this.#queue] = [new Map(), []];
    const lost = new Disconnected("the connection was lost before the answer");
    for (const asked of pending.values()) asked.reject(lost);
    for (const asked of queue) asked.reject(new NotSent("the connection was lost"));
    this.#tellSettled();
  }

  /** Resolves when every call that was sent has its answer. */
  settled() {
    if (this.#pending.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.#settled.push(resolve));
  }

  #proceed() {
    while (this.#queue.length > 0 && this.#pending.size < MOST_IN_FLIGHT) {
      this.#put(this.#queue.shift());
    }
    this.#tellSettled();
  }

  #put(asked) {
    const number = (this.#number += 1);
    try {
      this.#send(call(number, asked.name, asked.fields));
      this.#pending.set(number, asked);
    } catch (error) {
      asked.reject(error instanceof Disconnected ? new NotSent(error.message) : error);
    }
  }

  // What has been sent keeps its place until it is answered, for the server counts it.
  #giveUp(asked, reason) {
    this.#queue = this.#queue.filter((each) => each !== asked);
    asked.reject(reason);
  }

  #tellSettled() {
    if (this.#pending.size > 0) return;
    for (const resolve of this.#settled.splice(0)) resolve();
  }
}
