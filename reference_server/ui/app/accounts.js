// Who is logged in on this device.

import { IndexedDbStorage } from "../chatproto/storage.js";
import { Session } from "../chatproto/session.js";
import { t } from "./i18n.js";

/** Holds the session; tells "session" with it, and "ended" with why there is none. */
export class Accounts extends EventTarget {
  #session = null;
  #storage = new IndexedDbStorage();

  /** Go on with the account of last time, if there is one. */
  async restore() {
    await this.#start();
  }

  /** Begin a session with what a log-in has given. */
  async logIn(credentials) {
    await this.#start(credentials);
  }

  async logOut() {
    const session = this.#session;
    this.#session = null;
    try {
      await session?.logOut();
    } catch {
      // The server will notice; here nothing is left of it.
    }
    this.#tell("ended", "");
  }

  async #start(credentials) {
    const session = new Session({
      server: location.origin,
      storage: this.#storage,
      ...(credentials ? { credentials } : {}),
    });
    session.addEventListener("ended", ({ detail }) => this.#ended(session, detail));
    try {
      await session.start();
    } catch (error) {
      this.#tell("ended", error.errcode === "M_MISSING_TOKEN" ? "" : error.message);
      return;
    }
    this.#session = session;
    addEventListener("online", () => session.hint(true));
    addEventListener("offline", () => session.hint(false));
    addEventListener("pagehide", () => session.flush());
    this.#tell("session", session);
  }

  #ended(session, error) {
    if (session !== this.#session) return;
    this.#session = null;
    this.#tell("ended", error.errcode === "M_UNKNOWN_TOKEN" ? t("login.again") : error.message);
  }

  #tell(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
