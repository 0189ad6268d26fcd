import { Disconnected } from "./errors.js";
import { decode, hello } from "./frames.js";

const CONNECT_MS = 20_000;
const ACK_EVERY_MS = 20_000;
const QUIET_FACTOR = 2.5; // heartbeats without a word after which a connection is given up
const GOODBYE_MS = 5_000; // what a server that said goodbye gets to send what is left
const PROBE_MS = 5_000;
const SUBPROTOCOL = "chatproto.1";
const LOST = 1006;
const BROKE_PROTOCOL = 4400;
// In UTF-8 a character of a string has at most three bytes.
const MOST_BYTES = 3;

/**
 * One socket, from hello to its end. It stays alive by itself and says how far it has read.
 *
 * The guest has `position()`, the position reached, and hears `welcomed(frame)`, `take(frame)`
 * of each reply, push and resync, `goodbye(frame)`, and once `ended({code, reason, goodbye})`.
 */
export class Connection {
  #socket;
  #clock;
  #guest;
  #phase = "idle";
  #maxFrame = Infinity;
  #window = Infinity;
  #goodbye;
  #acknowledged;
  #unacknowledged = 0;
  #heardMs;
  #pings = 0;
  #timers = new Set();

  constructor({ url, WebSocket, clock, greeting, guest }) {
    this.#clock = clock;
    this.#guest = guest;
    this.#heardMs = clock.nowMs();
    const socket = (this.#socket = new WebSocket(url, [SUBPROTOCOL]));
    socket.onopen = () => {
      this.#phase = "greeted";
      this.#write(hello(greeting()));
    };
    socket.onmessage = ({ data }) => this.#receive(data);
    socket.onclose = ({ code, reason }) => this.#ended(code || LOST, reason);
    this.#after(CONNECT_MS, () => {
      if (!this.#isWelcomed) this.end("the server does not answer");
    });
  }

  get isOpen() {
    return this.#phase === "open";
  }

  /** Whether a frame of so many characters is not too large for the server. */
  fits(text) {
    const isSmall = text.length * MOST_BYTES <= this.#maxFrame;
    return isSmall || new TextEncoder().encode(text).length <= this.#maxFrame;
  }

  /** Sends a frame, as text. @throws {Disconnected} */
  send(text) {
    if (!this.isOpen) throw new Disconnected("not connected");
    this.#socket.send(text);
  }

  /** Looks whether the server is still there, sooner than the heartbeat would. */
  probe() {
    if (!this.isOpen) return;
    const askedMs = this.#clock.nowMs();
    this.#ping();
    this.#after(PROBE_MS, () => {
      if (this.#heardMs < askedMs) this.end("the server is silent");
    });
  }

  /** Ends the connection now, and tells the server `code` if it is still there. */
  end(reason, code) {
    if (this.#phase === "closed") return;
    const socket = this.#socket;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.onerror = () => {}; // closing what is not open yet is an error to some
    socket.close(code);
    this.#ended(LOST, reason);
  }

  get #isWelcomed() {
    return this.#phase === "open" || this.#phase === "draining";
  }

  #ended(code, reason) {
    if (this.#phase === "closed") return;
    this.#phase = "closed";
    for (const callOff of this.#timers) callOff();
    this.#timers.clear();
    this.#guest.ended({ code, reason: reason || "", goodbye: this.#goodbye });
  }

  #receive(data) {
    this.#heardMs = this.#clock.nowMs();
    const frame = decode(data);
    const isExpected = frame && this.#mayCome(frame.kind);
    // News may have been in it: only a resume from the position reached brings them.
    if (!isExpected) this.end("the server broke the protocol", BROKE_PROTOCOL);
    else this.#take(frame, data.length);
  }

  #mayCome(kind) {
    if (this.#phase === "greeted") return kind === "welcome" || kind === "goodbye";
    return this.#isWelcomed && kind !== "welcome";
  }

  #take(frame, length) {
    if (frame.kind === "welcome") this.#welcomed(frame);
    else if (frame.kind === "ping") this.#write({ pong: frame.n });
    else if (frame.kind === "goodbye") this.#part(frame);
    else if (frame.kind !== "pong") this.#guest.take(frame);
    if (frame.kind === "push") this.#count(length);
  }

  #welcomed(frame) {
    this.#phase = "open";
    this.#maxFrame = frame.maxFrame;
    this.#window = frame.window;
    this.#beat(frame.heartbeatMs);
    this.#guest.welcomed(frame);
  }

  #part(frame) {
    this.#phase = "draining";
    this.#goodbye = frame;
    this.#after(GOODBYE_MS, () => this.end(frame.reason));
    this.#guest.goodbye(frame);
  }

  #beat(heartbeatMs) {
    this.#after(Math.min(heartbeatMs, ACK_EVERY_MS), () => {
      const quietMs = this.#clock.nowMs() - this.#heardMs;
      if (quietMs > heartbeatMs * QUIET_FACTOR) {
        this.end("the server is silent");
        return;
      }
      this.#acknowledge();
      this.#ping();
      this.#beat(heartbeatMs);
    });
  }

  #ping() {
    this.#pings += 1;
    this.#write({ ping: this.#pings });
  }

  #count(length) {
    this.#unacknowledged += length * MOST_BYTES;
    if (this.#unacknowledged >= this.#window / 2) this.#acknowledge();
  }

  #acknowledge() {
    const position = this.#guest.position();
    if (position === undefined || position === null || position === this.#acknowledged) return;
    this.#acknowledged = position;
    this.#unacknowledged = 0;
    this.#write({ ack: position });
  }

  #write(frame) {
    if (this.#phase !== "closed") this.#socket.send(JSON.stringify(frame));
  }

  #after(ms, action) {
    const callOff = this.#clock.after(ms, () => {
      this.#timers.delete(callOff);
      action();
    });
    this.#timers.add(callOff);
  }
}
