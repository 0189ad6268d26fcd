import { Disconnected, MatrixError, Unsent } from "./errors.js";
import { integer, text } from "./json.js";
import { callOf } from "./operations.js";

const LIMITED_MS = 1_000; // where a server that wants less does not say when
const UNAVAILABLE_MS = 3_000;

/**
 * What the user says, on its way to the server: in order, and once.
 *
 * `ask(name, fields)` calls the server over the present connection, `isOpen()` says whether
 * there is one, and `tell(changes)` passes changes of the state on.
 */
export class Sending {
  #state;
  #ask;
  #isOpen;
  #tell;
  #clock;
  #waiting = new Map(); // by transaction: who wants to know what became of it
  #attempts = new Map(); // by transaction: the attempt that is under way
  #callOffs = new Set();

  constructor({ state, ask, isOpen, tell, clock }) {
    this.#state = state;
    this.#ask = ask;
    this.#isOpen = isOpen;
    this.#tell = tell;
    this.#clock = clock;
  }

  /** See `Session.send`. */
  send(roomId, type, content, txnId = newTxn()) {
    const known = this.#state.outbox.get(txnId);
    if (!known) this.#tell(this.#state.send(roomId, type, content, txnId, this.#clock.nowMs()));
    else if (known.status === "failed") this.#tell(this.#state.retry(txnId));
    return this.#begun(txnId);
  }

  /** See `Session.edit`. */
  edit(roomId, target, content) {
    const txnId = newTxn();
    this.#tell(this.#state.edit(roomId, target, content, txnId, this.#clock.nowMs()));
    if (this.#state.outbox.get(txnId)) return this.#begun(txnId);
    // It was changed where it waits.
    this.#tell(this.#state.retry(target));
    return this.#begun(target);
  }

  /** See `Session.redact`. */
  redact(roomId, target, reason) {
    const txnId = newTxn();
    this.#tell(this.#state.redact(roomId, target, txnId, this.#clock.nowMs(), reason));
    if (this.#state.outbox.get(txnId)) return this.#begun(txnId);
    return { txnId: undefined, sent: Promise.resolve(undefined) }; // it was just not sent
  }

  retry(txnId) {
    this.#tell(this.#state.retry(txnId));
    this.proceed();
  }

  cancel(txnId) {
    this.#tell(this.#state.cancel(txnId));
    this.proceed();
  }

  /** Sends what is ready, if there is a connection. */
  proceed() {
    if (!this.#isOpen()) return;
    for (const entry of this.#state.outbox.ready()) {
      this.#tell(this.#state.sending(entry.txnId));
      this.#put(entry);
    }
  }

  /** The state has changed an entry; who waits for one that is gone is told. */
  heard({ roomId, txnId }) {
    if (this.#attempts.has(txnId) || this.#state.outbox.get(txnId)) return;
    const eventId = this.#eventOf(roomId, txnId);
    if (eventId === undefined) this.#settle(txnId, ({ reject }) => reject(new Unsent()));
    else this.#settle(txnId, ({ resolve }) => resolve(eventId));
    // Whatever waited behind it may go now, but not while the state is being changed.
    queueMicrotask(() => this.proceed());
  }

  /** The connection has ended: what was on its way is waiting again. */
  lost() {
    this.#forget();
    for (const entry of this.#state.outbox.entries()) {
      if (entry.status === "sending") {
        this.#tell(this.#state.failed(entry.txnId, null, { retry: true }));
      }
    }
  }

  /** Nothing will be sent any more. */
  end(error) {
    this.#forget();
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }

  #begun(txnId) {
    const entry = this.#state.outbox.get(txnId);
    const eventId = entry?.eventId;
    const sent = eventId ? Promise.resolve(eventId) : this.#settlement(txnId);
    this.proceed();
    return { txnId, sent };
  }

  #settlement(txnId) {
    const known = this.#waiting.get(txnId);
    if (known) return known.promise;
    const waiting = Promise.withResolvers();
    waiting.promise.catch(() => {}); // the outbox shows it; not everybody asks
    this.#waiting.set(txnId, waiting);
    return waiting.promise;
  }

  async #put(entry) {
    const { txnId } = entry;
    const attempt = Symbol(txnId);
    this.#attempts.set(txnId, attempt);
    const isCurrent = () => this.#attempts.get(txnId) === attempt;
    try {
      const answer = await this.#ask(...callOf(entry));
      if (isCurrent()) this.#stored(txnId, answer);
    } catch (error) {
      // After a loss `lost` has dealt with it.
      if (isCurrent()) this.#refused(txnId, error, isCurrent);
    }
  }

  #stored(txnId, answer) {
    const eventId = text(answer?.event_id);
    if (eventId === undefined) {
      this.#failed(txnId, new MatrixError("M_UNKNOWN", "the server named no event"));
      return;
    }
    this.#attempts.delete(txnId);
    this.#settle(txnId, ({ resolve }) => resolve(eventId));
    this.#tell(this.#state.sent(txnId, eventId, integer(answer["org.chatproto.seq"]) ?? null));
    this.proceed();
  }

  #refused(txnId, error, isCurrent) {
    const waitMs = againAfterMs(error);
    if (waitMs === undefined) {
      this.#failed(txnId, error);
      return;
    }
    const callOff = this.#clock.after(waitMs, () => {
      this.#callOffs.delete(callOff);
      if (!isCurrent()) return;
      this.#attempts.delete(txnId);
      this.#tell(this.#state.failed(txnId, told(error), { retry: true }));
      this.proceed();
    });
    this.#callOffs.add(callOff);
  }

  #failed(txnId, error) {
    this.#attempts.delete(txnId);
    this.#settle(txnId, ({ reject }) => reject(error));
    this.#tell(this.#state.failed(txnId, told(error), { retry: false }));
    this.proceed();
  }

  #forget() {
    this.#attempts.clear();
    for (const callOff of this.#callOffs) callOff();
    this.#callOffs.clear();
  }

  #settle(txnId, settle) {
    const waiting = this.#waiting.get(txnId);
    this.#waiting.delete(txnId);
    if (waiting) settle(waiting);
  }

  /** The event that turned out to be this entry's. */
  #eventOf(roomId, txnId) {
    const events = this.#state.rooms.get(roomId)?.timeline.events() ?? [];
    return events.findLast((e) => e.unsigned?.transaction_id === txnId)?.event_id;
  }
}

/** A transaction ID that no other program makes. */
export function newTxn() {
  return `w${crypto.randomUUID().replaceAll("-", "")}`;
}

/** When to send again what was refused; undefined: it is refused for good. */
function againAfterMs(error) {
  if (error instanceof Disconnected) return 0;
  if (!(error instanceof MatrixError)) return undefined;
  if (error.retryAfterMs !== undefined) return error.retryAfterMs;
  if (error.errcode === "M_LIMIT_EXCEEDED") return LIMITED_MS;
  return error.errcode === "M_UNAVAILABLE" ? UNAVAILABLE_MS : undefined;
}

function told(error) {
  if (error instanceof MatrixError) return error.toJson();
  return { errcode: "M_UNKNOWN", error: String(error?.message ?? error) };
}
