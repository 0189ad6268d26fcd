import { Calls, NotSent } from "./calls.js";
import { WHOAMI } from "./entry.js";
import { Disconnected, MatrixError } from "./errors.js";
import { integer } from "./json.js";
import { Link } from "./link.js";
import { ReadMarks } from "./read-marks.js";
import { Reconnect } from "./reconnect.js";
import { Sending } from "./sending.js";
import { Typing } from "./typing.js";

const PATIENCE_MS = 10_000;
const CLIENT = "chatproto-web";

/**
 * What goes on under a session: its state kept as the server has it.
 *
 * `Link` keeps a socket open; what comes over it is folded into the state, and goes on from the
 * position reached after every interruption, so nothing is missed and nothing is there twice.
 * `Calls` gives each call its answer. `Sending` sends the outbox, again after a reconnect, which
 * is harmless, for each message has its transaction ID.
 *
 * The session hears `changed(changes)`, `opened(welcome)`, `connectionChanged()` and
 * `ended(error)`.
 */
export class Upkeep {
  #state;
  #session;
  #http;
  #credentials;
  #clock;
  #calls;
  #synced = Promise.withResolvers();
  #expiry = null;

  constructor({ state, session, http, credentials, options }) {
    this.#state = state;
    this.#session = session;
    this.#http = http;
    this.#credentials = credentials;
    this.#clock = options.clock;
    this.link = this.#newLink(options);
    this.#calls = new Calls((frame) => this.link.send(frame));
    this.sending = this.#newSending();
    const { clock } = options;
    this.typing = new Typing({ say: (...typing) => this.#sayTyping(...typing), clock });
    this.readMarks = new ReadMarks({ say: (...mark) => this.#sayRead(...mark), clock });
    this.#synced.promise.catch(() => {});
    this.#look();
  }

  start() {
    this.link.start();
    this.#awaitExpiry();
  }

  /** Resolves when the state is there. @throws what has ended the session */
  synced() {
    return this.#synced.promise;
  }

  /** Nothing goes on any more. @param {Error} error what those are told who wait */
  end(error) {
    this.link.stop();
    this.#synced.reject(error);
    this.sending.end(error);
    this.typing.clear();
    this.readMarks.clear();
    this.#expiry?.();
    this.#expiry = null;
  }

  /** See `Session.call`. */
  async call(name, fields, { signal, isRepeatable }) {
    let mayRenew = this.#credentials.canRenew;
    for (;;) {
      await this.link.whenOpen(signal);
      const used = this.link.token;
      try {
        return await this.#calls.ask(name, fields, signal);
      } catch (error) {
        if (error instanceof NotSent || (error instanceof Disconnected && isRepeatable)) continue;
        if (!isUnknownToken(error) || !mayRenew) throw error;
      }
      mayRenew = false;
      await this.link.renew(used);
    }
  }

  /** Passes on what has changed in the state. */
  tell(changes) {
    if (changes.length === 0) return;
    for (const change of changes) {
      if (change.kind === "outbox") this.sending.heard(change);
    }
    if (changes.some(({ kind }) => kind === "typing" || kind === "presence")) this.#awaitExpiry();
    this.#session.changed(changes);
  }

  // the link's guest

  #newLink({ server, random, clock, WebSocket, limit }) {
    const guest = {
      position: () => this.#state.position,
      take: (frame) => this.#take(frame),
      opened: (welcome) => this.#opened(welcome),
      lost: () => this.#lost(),
      settled: () => this.#calls.settled(),
      changed: () => this.#connectionChanged(),
      refusal: (reason) => this.#refusal(reason),
    };
    const greeting = { limit, client: CLIENT };
    const reconnect = new Reconnect({ random });
    const credentials = this.#credentials;
    return new Link({ server, guest, credentials, reconnect, clock, WebSocket, greeting });
  }

  #take(frame) {
    if (frame.kind === "reply") {
      this.#calls.answered(frame);
      return;
    }
    this.tell(this.#state.applyFrame(frame.json, this.#clock.nowMs()));
    this.#look();
  }

  /** A snapshot comes in parts; the last one says at which position it is whole. */
  #look() {
    if (hasPosition(this.#state)) this.#synced.resolve();
  }

  #opened(welcome) {
    if (welcome.userId !== this.#state.userId) {
      this.link.fail(new MatrixError("M_FORBIDDEN", "the token is somebody else's"));
      return;
    }
    // What came of a snapshot that was cut off is no part of the next one.
    const isPart = !hasPosition(this.#state) && this.#state.rooms.size > 0;
    if (isPart) this.tell(this.#state.resync());
    queueMicrotask(() => {
      this.sending.proceed();
      this.readMarks.proceed();
    });
    this.#session.opened(welcome);
  }

  #lost() {
    this.#calls.cut();
    this.sending.lost();
    this.typing.clear();
  }

  #connectionChanged() {
    const { status, error } = this.link.state;
    if (status === "ended" && error) this.#session.ended(error);
    this.#session.connectionChanged();
  }

  /** Why the server takes the token no longer. */
  async #refusal(reason) {
    try {
      await this.#http.request("GET", WHOAMI, { signal: AbortSignal.timeout(PATIENCE_MS) });
    } catch (error) {
      if (error instanceof MatrixError) return error;
    }
    return new MatrixError("M_UNKNOWN_TOKEN", reason, { status: 401 });
  }

  // what ends by itself

  #awaitExpiry() {
    this.#expiry?.();
    this.#expiry = null;
    const atMs = integer(this.#state.nextExpiry());
    if (atMs === undefined || this.link.state.status === "ended") return;
    this.#expiry = this.#clock.after(atMs - this.#clock.nowMs(), () => {
      this.tell(this.#state.expire(this.#clock.nowMs()));
      this.#awaitExpiry();
    });
  }

  // what goes to the server by itself

  #newSending() {
    return new Sending({
      state: this.#state,
      ask: (name, fields) => this.#askNow(name, fields),
      isOpen: () => this.link.isOpen,
      tell: (changes) => this.tell(changes),
      clock: this.#clock,
    });
  }

  /** Asks over this connection; with other tokens there is another one, and the next try. */
  async #askNow(name, fields) {
    const used = this.link.token;
    try {
      return await this.#calls.ask(name, fields);
    } catch (error) {
      if (!isUnknownToken(error) || !this.#credentials.canRenew) throw error;
    }
    await this.link.renew(used);
    throw new NotSent("there is a new access token");
  }

  #sayRead(roomId, eventId) {
    const fields = { room_id: roomId, "m.fully_read": eventId, "m.read": eventId };
    return this.call("receipt.set_markers", fields, { isRepeatable: true });
  }

  #sayTyping(roomId, typing, timeout) {
    if (!this.link.isOpen) return false;
    const fields = { room_id: roomId, user_id: this.#state.userId, typing, timeout };
    this.#calls.ask("typing.set", fields).catch(() => {}); // it is over soon anyway
    return true;
  }
}

function hasPosition(state) {
  return state.position !== null && state.position !== undefined;
}

function isUnknownToken(error) {
  return error instanceof MatrixError && error.isUnknownToken;
}
