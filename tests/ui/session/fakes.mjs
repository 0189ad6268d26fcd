// A clock that stands still, and sockets whose server is the test.

/** Time passes when the test says so. */
export class FakeClock {
  #now = 1_000_000;
  #timers = new Set();

  nowMs() {
    return this.#now;
  }

  after(ms, action) {
    const timer = { atMs: this.#now + Math.max(0, ms), action };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  /** Lets so much time pass, and everything happen that was to happen in it. */
  async pass(ms) {
    const end = this.#now + ms;
    for (;;) {
      await settled();
      const [next] = [...this.#timers].sort((a, b) => a.atMs - b.atMs);
      if (!next || next.atMs > end) break;
      this.#timers.delete(next);
      this.#now = Math.max(this.#now, next.atMs);
      next.action();
    }
    this.#now = end;
  }
}

/** Lets promises settle that wait for nothing. */
export async function settled() {
  await new Promise((resolve) => setImmediate(resolve));
}

/** A constructor of sockets that keeps those it has made. */
export function fakeSockets() {
  const made = [];
  class FakeWebSocket {
    sent = [];
    closedWith = undefined;
    isClosed = false;

    constructor(url, protocols) {
      Object.assign(this, { url, protocols });
      made.push(this);
    }

    send(text) {
      this.sent.push(JSON.parse(text));
    }

    close(code) {
      this.isClosed = true;
      this.closedWith = code;
    }

    // what the server does

    accept() {
      this.onopen();
    }

    say(frame) {
      this.onmessage?.({ data: typeof frame === "string" ? frame : JSON.stringify(frame) });
    }

    welcome(fields = {}) {
      this.accept();
      this.say({ welcome: { ...WELCOME, ...fields } });
    }

    hangUp(code, reason = "") {
      this.isClosed = true;
      this.onclose?.({ code, reason });
    }

    frames(key) {
      return this.sent.filter((frame) => Object.hasOwn(frame, key));
    }
  }
  return { WebSocket: FakeWebSocket, made, last: () => made.at(-1) };
}

const WELCOME = {
  user_id: "@anna:localhost",
  device_id: "D",
  session: "s",
  heartbeat_ms: 30_000,
  max_frame: 1000,
  window: 6000,
  server_time: 0,
  server: "localhost",
  features: [],
  resumed: false,
};
