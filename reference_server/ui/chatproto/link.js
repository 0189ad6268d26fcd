import { systemClock } from "./clock.js";
import { Connection } from "./connection.js";
import { Disconnected, MatrixError } from "./errors.js";
import { LOGIN_CODES, Reconnect } from "./reconnect.js";

const SETTLE_MS = 5_000; // what calls get to be answered before tokens are replaced
const RENEW_AGAIN_MS = 10_000;
const MIN_TOKEN_LIFE_MS = 1_000; // so that a server with senseless tokens is not flooded
// A connection that ends sooner has not succeeded: or a server that fails after each welcome
// would be asked again without a pause.
const STEADY_MS = 5_000;
const SOCKET_PATH = "/_chatproto/v1/socket";
const NORMAL = 1000;

/**
 * How things are with the connection; `retryAtMs` is there while waiting, and `error` says
 * what ended the connection before.
 *
 * @typedef {object} ConnectionState
 * @property {"connecting" | "open" | "waiting" | "ended"} status
 * @property {number} [retryAtMs]
 * @property {Error} [error]
 */

/**
 * Keeps a session connected: opens a socket, and after its end another one.
 *
 * Close code and goodbye decide when to try again, and whether with new tokens. A connection
 * whose tokens are about to end is replaced once all calls on it are answered.
 *
 * The guest has `position()` and hears `take(frame)`, `opened(welcome)`, `lost()` when a
 * connection has ended and with it what was on its way, and `changed()` when `state` is another.
 * `settled()` resolves when no call is on its way, and `refusal(reason)` with why the server
 * takes the token no longer.
 */
export class Link {
  #url;
  #guest;
  #credentials;
  #reconnect;
  #clock;
  #WebSocket;
  #greeting;
  #connection = null;
  #state = Object.freeze({ status: "ended" });
  #isShut = false;
  #isRenewing = false;
  #token;
  #onTrial;
  #round = 0; // whoever waits for something of a round that is over has nothing to say
  #callOffs = new Set();
  #waiters = new Set();

  /**
   * @param {object} options
   * @param {string} options.server
   * @param {object} options.guest
   * @param {import("./tokens.js").Credentials} options.credentials
   * @param {Reconnect} [options.reconnect]
   * @param {import("./clock.js").Clock} [options.clock]
   * @param {typeof WebSocket} [options.WebSocket]
   * @param {object} [options.greeting] further fields of hello
   */
  constructor(options) {
    this.#url = socketUrl(options.server);
    this.#guest = options.guest;
    this.#credentials = options.credentials;
    this.#reconnect = options.reconnect ?? new Reconnect();
    this.#clock = options.clock ?? systemClock;
    this.#WebSocket = options.WebSocket ?? globalThis.WebSocket;
    this.#greeting = options.greeting ?? {};
  }

  /** @returns {Readonly<ConnectionState>} */
  get state() {
    return this.#state;
  }

  get isOpen() {
    return this.#state.status === "open" && !this.#isShut;
  }

  /** The token with which the present connection was opened. */
  get token() {
    return this.#token;
  }

  start() {
    if (this.#state.status === "ended") this.#begin();
  }

  /** Ends the connection and makes no other. */
  stop() {
    this.#end(undefined);
  }

  /** Ends the connection for a reason of one's own. */
  fail(error) {
    this.#end(error);
  }

  /** Tries again now instead of waiting any longer. */
  retryNow() {
    if (this.#state.status === "waiting") this.#begin();
  }

  /** The machine thinks that it has a network, or none; both may be wrong. */
  hint(online) {
    if (online) this.retryNow();
    this.#connection?.probe();
  }

  /** Resolves when calls can be sent. @throws what has ended the link for good */
  whenOpen(signal) {
    if (this.isOpen) return Promise.resolve();
    return new Promise((resolve, reject) => {
      signal?.throwIfAborted();
      const waiter = { resolve, reject };
      if (this.#state.status === "ended") return reject(this.#over());
      this.#waiters.add(waiter);
      signal?.addEventListener("abort", () => {
        if (this.#waiters.delete(waiter)) reject(signal.reason);
      }, { once: true });
    });
  }

  /**
   * Sends a frame. @throws {Disconnected} not sent @throws {MatrixError} M_TOO_LARGE
   */
  send(frame) {
    if (!this.isOpen) throw new Disconnected("not connected");
    const text = JSON.stringify(frame);
    if (!this.#connection.fits(text)) throw new MatrixError("M_TOO_LARGE", "this is too large");
    this.#connection.send(text);
  }

  /** Replaces the access token `used`, which is no good, and the connection opened with it. */
  async renew(used) {
    try {
      await this.#replaceToken(used);
    } catch (error) {
      if (error instanceof MatrixError && error.isUnknownToken) this.#end(error);
      throw error;
    }
  }

  async #replaceToken(used) {
    await this.#credentials.renew(used);
    if (used === this.#token && this.#connection && !this.#isRenewing) {
      this.#isRenewing = true;
      this.#onTrial = this.#credentials.accessToken;
      this.#connection.end("there is a new token", NORMAL);
    }
  }

  // one round: a connection from its beginning to the next one's

  #begin() {
    this.#leaveRound();
    this.#set({ status: "connecting", error: this.#state.error });
    const isOver = this.#credentials.dueInMs() === 0;
    const isNew = this.#credentials.accessToken === this.#onTrial;
    if (isOver && !isNew) this.#renewThenConnect();
    else this.#connect();
  }

  #leaveRound() {
    this.#round += 1;
    for (const callOff of this.#callOffs) callOff();
    this.#callOffs.clear();
  }

  #connect() {
    this.#isRenewing = this.#isShut = false;
    const guest = {
      position: () => this.#guest.position(),
      take: (frame) => this.#guest.take(frame),
      welcomed: (frame) => this.#welcomed(frame),
      goodbye: (frame) => this.#goodbye(frame),
      ended: (closed) => this.#closed(closed),
    };
    try {
      this.#connection = new Connection({
        url: this.#url,
        WebSocket: this.#WebSocket,
        clock: this.#clock,
        greeting: () => this.#hello(),
        guest,
      });
    } catch (error) {
      // The browser allows no socket to there at all, whose page it is.
      this.#end(new Disconnected("no socket can be opened", { cause: error }));
    }
  }

  #hello() {
    this.#token = this.#credentials.accessToken;
    const since = this.#guest.position() ?? undefined;
    return { token: this.#token, since, ...this.#greeting };
  }

  #welcomed(frame) {
    this.#onTrial = undefined;
    this.#after(STEADY_MS, () => this.#reconnect.succeeded());
    this.#renewInTime();
    this.#set({ status: "open" });
    this.#guest.opened(frame);
    this.#open();
  }

  #open() {
    this.#isShut = false;
    for (const waiter of this.#waiters) waiter.resolve();
    this.#waiters.clear();
  }

  #goodbye(frame) {
    this.#set({ status: "connecting", error: new Disconnected(frame.reason) });
  }

  #closed({ code, reason, goodbye }) {
    const isRenewing = this.#isRenewing;
    this.#connection = null;
    this.#leaveRound();
    this.#guest.lost();
    if (this.#state.status === "ended") return;
    const why = goodbye?.reason || reason || "the connection was lost";
    if (isRenewing) this.#begin();
    else if (goodbye?.then === "login" || LOGIN_CODES.has(code)) this.#logInAgain(why);
    else this.#again(this.#reconnect.after(code, goodbye?.then), goodbye, { why, code });
  }

  #again(waitMs, goodbye, { why, code }) {
    const error = new Disconnected(why, { code });
    if (waitMs === undefined) this.#end(error);
    else this.#wait(Math.max(waitMs, goodbye?.afterMs ?? 0), error);
  }

  #wait(ms, error) {
    this.#leaveRound();
    this.#set({ status: "waiting", retryAtMs: Math.ceil(this.#clock.nowMs() + ms), error });
    this.#after(ms, () => this.#begin());
  }

  // tokens

  async #logInAgain(reason) {
    const round = this.#round;
    this.#set({ status: "connecting", error: new Disconnected(reason) });
    if (this.#token !== this.#onTrial && this.#credentials.canRenew) {
      await this.#renewThenConnect();
      return;
    }
    const refusal = await this.#guest.refusal(reason);
    if (round === this.#round) this.#end(refusal);
  }

  async #renewThenConnect() {
    const round = this.#round;
    try {
      await this.#credentials.renew(this.#credentials.accessToken);
    } catch (error) {
      if (round === this.#round) this.#notRenewed(error);
      return;
    }
    if (round !== this.#round) return;
    this.#onTrial = this.#credentials.accessToken;
    this.#connect();
  }

  #notRenewed(error) {
    const isOver = error instanceof MatrixError && (error.isUnknownToken || error.status === 403);
    if (isOver) this.#end(error);
    else this.#wait(Math.max(this.#reconnect.failed(), error.retryAfterMs ?? 0), error);
  }

  #renewInTime() {
    const dueMs = this.#credentials.dueInMs();
    if (dueMs === undefined) return;
    this.#after(Math.max(dueMs, MIN_TOKEN_LIFE_MS), () => this.#replace());
  }

  /** Begins nothing more on this connection, and replaces it when all is answered. */
  async #replace() {
    const round = this.#round;
    this.#isShut = true;
    await Promise.race([this.#guest.settled(), new Promise((end) => this.#after(SETTLE_MS, end))]);
    if (round !== this.#round) return;
    try {
      await this.#replaceToken(this.#token);
    } catch {
      // The old token may still do; if it does not, we shall hear of it.
      if (round !== this.#round) return;
      this.#open();
      this.#after(RENEW_AGAIN_MS, () => this.#replace());
    }
  }

  // states

  #end(error) {
    if (this.#state.status === "ended") return;
    this.#leaveRound();
    this.#state = Object.freeze({ status: "ended", error });
    this.#connection?.end("the client leaves", NORMAL);
    for (const waiter of this.#waiters) waiter.reject(this.#over());
    this.#waiters.clear();
    this.#guest.changed();
  }

  #over() {
    return this.#state.error ?? new Disconnected("the session has ended");
  }

  #set(state) {
    this.#state = Object.freeze(state);
    this.#guest.changed();
  }

  #after(ms, action) {
    const callOff = this.#clock.after(ms, () => {
      this.#callOffs.delete(callOff);
      action();
    });
    this.#callOffs.add(callOff);
  }
}

/** Where a server has its socket. */
function socketUrl(server) {
  const url = new URL(server);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  url.pathname = url.pathname.replace(/\/+$/, "") + SOCKET_PATH;
  url.search = url.hash = "";
  return url.href;
}
