// Somebody with a session, and what it has told.

import { logIn } from "../../../reference_server/ui/chatproto/login.js";
import { Session } from "../../../reference_server/ui/chatproto/session.js";
import { MemoryStorage } from "../../../reference_server/ui/chatproto/storage.js";
import { PASSWORD, SERVER, until } from "../../conformance/node/steps.mjs";

/** A user of the server, with a storage that outlives each session. */
export class Person {
  storage = new MemoryStorage();
  changes = [];
  states = [];
  ended = undefined;

  constructor(user) {
    this.user = user;
  }

  get state() {
    return this.session.state;
  }

  async logIn() {
    const words = { user: this.user, password: PASSWORD, deviceName: "walk" };
    return logIn(SERVER, words);
  }

  /** Begins a session, with a new log-in or with what is stored. */
  async start({ credentials, ...options } = {}) {
    const session = new Session({ server: SERVER, storage: this.storage, credentials, ...options });
    this.session = session;
    session.addEventListener("changes", ({ detail }) => this.changes.push(...detail));
    session.addEventListener("connection", () => this.states.push(session.connection.status));
    session.addEventListener("ended", ({ detail }) => (this.ended = detail));
    await session.start();
    return session;
  }

  /** A new device, logged in and synced. */
  async enter(options) {
    await this.start({ credentials: await this.logIn(), ...options });
    await this.session.ready();
    return this;
  }

  room(roomId) {
    return this.state.rooms.get(roomId);
  }

  /** The texts of a room, as they were sent. */
  texts(roomId) {
    const events = this.room(roomId)?.timeline.events() ?? [];
    const said = events.filter((e) => e.type === "m.room.message" && e.content.body);
    return said.map((e) => e.content.body);
  }

  say(roomId, body) {
    return this.session.send(roomId, "m.room.message", { msgtype: "m.text", body });
  }

  isConnected() {
    return until(() => this.session.connection.status === "open");
  }

  sees(roomId, body) {
    return until(() => this.texts(roomId).includes(body));
  }

  kinds() {
    return new Set(this.changes.map((change) => change.kind));
  }
}
