import { systemClock } from "./clock.js";
import { identify, opened, stateOf } from "./entry.js";
import { Disconnected, MatrixError } from "./errors.js";
import { History } from "./history.js";
import { isObject, text } from "./json.js";
import { logOut } from "./login.js";
import { MediaCache } from "./media.js";
import { isRepeatable } from "./operations.js";
import { MemoryStorage } from "./storage.js";
import { Upkeep } from "./upkeep.js";

const PAGE = 50;
const LOGOUT_MS = 10_000;
const PREVIEW = "/_matrix/client/v1/media/preview_url";

/**
 * An account's connection to its server, kept up, with the live `state` of what it knows.
 *
 * Events:
 * - `changes`: the state has changed; `detail` lists how, once for each frame
 * - `connection`: `connection` is another one
 * - `profile`: `profile` is another one
 * - `server`: what the server can is known, `features` and `hasPreviews`
 * - `ended`: there is no use in going on; `detail` is the error that says why
 *
 * Everything but `start` may be used once that has resolved.
 */
export class Session extends EventTarget {
  /** What the account knows. @type {ClientState} */
  state = null;

  /** The user's own name and picture. @type {{displayName?: string, avatarUrl?: string}} */
  profile = Object.freeze({});

  /** The server's clock minus this one's. */
  timeOffsetMs = 0;

  /** What the server can beyond the specification, modules included. */
  features = new Set();

  #options;
  #credentials;
  #http;
  #keeper;
  #upkeep = null;
  #history;
  #media;
  #limits = null;
  #isOver = false;

  /**
   * @param {object} options
   * @param {string} options.server
   * @param {import("./tokens.js").Proof} [options.credentials] from a log-in; they are stored.
   *   Without them the session goes on with those in the storage
   * @param {import("./storage.js").Storage} [options.storage]
   * @param {() => Promise<{accessToken: string, expiresInMs?: number}>} [options.tokenProvider]
   *   gives access tokens where an embedding page has them
   * @param {number} [options.limit] how many events of each room a first snapshot has
   * @param {number} [options.mediaBytes] how many bytes of files stay at hand
   * @param {import("./clock.js").Clock} [options.clock]
   * @param {() => number} [options.random]
   * @param {typeof WebSocket} [options.WebSocket]
   * @param {typeof fetch} [options.fetch]
   * @param {typeof XMLHttpRequest} [options.XMLHttpRequest]
   * @param {LockManager | null} [options.locks]
   * @param {{createObjectURL: Function, revokeObjectURL: Function}} [options.urls]
   */
  constructor(options) {
    super();
    this.#options = {
      storage: new MemoryStorage(),
      locks: globalThis.navigator?.locks ?? null,
      clock: systemClock,
      ...options,
    };
  }

  /**
   * Shows what was stored, and connects.
   *
   * @throws {MatrixError} M_MISSING_TOKEN if nobody has logged in
   */
  async start() {
    const options = this.#options;
    const { credentials, http } = await identify(options);
    const { keeper, stored } = await opened(options);
    const state = stateOf(credentials.proof.userId, stored);
    [this.#credentials, this.#http, this.#keeper, this.state] = [credentials, http, keeper, state];
    this.#assemble();
    keeper.follow(state);
    this.#upkeep.start();
  }

  /** Resolves when the state is there, be it from the storage. @throws what has ended it */
  ready() {
    return this.#upkeep.synced();
  }

  /** Disconnects; what is stored stays. */
  async stop() {
    await this.#leave(new Disconnected("the session has been stopped"));
  }

  /** Logs out at the server, and takes away what is stored, even without a connection. */
  async logOut() {
    const signal = AbortSignal.timeout(LOGOUT_MS);
    this.#upkeep.link.stop();
    try {
      await logOut(this.#http, { signal });
    } finally {
      await this.#keeper.clear(this.credentials);
      await this.#leave(new MatrixError("M_UNKNOWN_TOKEN", "logged out"));
    }
  }

  /** Stores at once what would be stored a little later, for a page about to be hidden. */
  flush() {
    return this.#keeper.flush();
  }

  // the connection

  /** @returns {import("./link.js").ConnectionState} */
  get connection() {
    return this.#upkeep?.link.state ?? { status: "ended" };
  }

  /** What the session proves itself by; the tokens may be others than at the beginning. */
  get credentials() {
    return this.#credentials.proof;
  }

  /** For what goes over HTTP alone. */
  get http() {
    return this.#http;
  }

  retryNow() {
    this.#upkeep.link.retryNow();
  }

  /** The machine thinks that it has a network, or none. */
  hint(online) {
    this.#upkeep.link.hint(online);
  }

  /**
   * Calls an operation (docs/reference/operations.md), waiting for a connection.
   *
   * @param {string} name
   * @param {object} [fields]
   * @param {{signal?: AbortSignal, timeoutMs?: number, repeat?: boolean}} [options] `repeat`:
   *   whether it may be asked again if the connection is lost before the answer; by itself
   *   only what changes nothing, or has a transaction ID
   * @returns {Promise<any>}
   * @throws {MatrixError | Disconnected}
   */
  async call(name, fields = {}, { signal, timeoutMs, repeat } = {}) {
    const late = new AbortController();
    const error = new Disconnected("there is no answer in time");
    const { clock } = this.#options;
    const callOff = timeoutMs && clock.after(timeoutMs, () => late.abort(error));
    try {
      return await this.#upkeep.call(name, fields, {
        signal: signal ? AbortSignal.any([signal, late.signal]) : late.signal,
        isRepeatable: repeat ?? isRepeatable(name, fields),
      });
    } finally {
      callOff?.();
    }
  }

  // messages

  /**
   * Sends a message through the outbox, now or when there is a connection.
   *
   * @returns {{txnId: string, sent: Promise<string>}} `sent` gives the event ID once the server
   *   has stored it, or the error with which it was refused
   */
  send(roomId, type, content, { txnId } = {}) {
    this.typing(roomId, false);
    return this.#upkeep.sending.send(roomId, type, content, txnId);
  }

  /** Replaces the content of one's own message, by its event or transaction ID; as `send`. */
  edit(roomId, target, content) {
    return this.#upkeep.sending.edit(roomId, target, content);
  }

  /** Deletes a message; one that has not been sent yet is not sent. As `send`. */
  redact(roomId, target, reason = null) {
    return this.#upkeep.sending.redact(roomId, target, reason);
  }

  /** Sends what had been refused after all. */
  retry(txnId) {
    this.#upkeep.sending.retry(txnId);
  }

  /** Takes back what has not been sent yet, or was refused. */
  cancel(txnId) {
    this.#upkeep.sending.cancel(txnId);
  }

  /** Keeps what is being written, here and in the storage; null: nothing any more. */
  setDraft(key, content) {
    this.state.setDraft(key, content);
    this.#keeper.drafted(key, content);
  }

  // rooms

  /**
   * Gets the page before what is known: of the newest gap if there is one, else of the oldest
   * event; with `before`, the seq of an event, before the stretch of history it stands in.
   *
   * @returns {Promise<boolean>} whether there is more
   */
  pageBack(roomId, limit = PAGE, { before } = {}) {
    return this.#history.back(roomId, limit, before);
  }

  /** Gets the newest page of a gap. @returns {Promise<boolean>} whether some of it is left */
  fillGap(roomId, gap, limit = PAGE) {
    return this.#history.fill(roomId, gap, limit);
  }

  /** Gets an event with what was said around it. @throws {MatrixError} M_NOT_FOUND */
  around(roomId, eventId) {
    return this.#history.around(roomId, eventId);
  }

  /** Says up to where the user has read, now or when there is a connection. */
  markRead(roomId, eventId) {
    this.#upkeep.readMarks.set(roomId, eventId);
  }

  /** The user is writing in a room, or no longer is; it may be said with each key. */
  typing(roomId, isTyping) {
    this.#upkeep.typing.set(roomId, isTyping);
  }

  // people

  /** Changes one's presence; the text ends after so many milliseconds. */
  setPresence(presence, { statusMsg, expiresInMs } = {}) {
    const fields = { user_id: this.state.userId, presence, status_msg: statusMsg };
    if (expiresInMs !== undefined) fields["org.chatproto.expires_in_ms"] = expiresInMs;
    return this.call("presence.set", fields, { repeat: true });
  }

  /** Looks up one's own name and picture. */
  async loadProfile() {
    const told = await this.call("profile.get", { user_id: this.state.userId });
    const profile = { displayName: text(told?.displayname), avatarUrl: text(told?.avatar_url) };
    this.profile = Object.freeze(profile);
    this.dispatchEvent(new CustomEvent("profile"));
  }

  // files

  /** See `Http.upload`. */
  upload(blob, options) {
    return this.#http.upload(blob, options);
  }

  /** What the server takes. @returns {Promise<{uploadBytes?: number}>} */
  limits() {
    this.#limits ??= this.#http.limits().catch((error) => {
      this.#limits = null;
      throw error;
    });
    return this.#limits;
  }

  /** A file, or a small version of a picture, as an object URL. See `MediaCache.get`. */
  media(mxc, size) {
    return this.#media.get(mxc, size);
  }

  /** Whether the server looks at pages for `preview`. */
  get hasPreviews() {
    return this.features.has("org.chatproto.url_previews");
  }

  /** What a page is, in the words of OpenGraph, as the server has looked it up. */
  preview(url) {
    return this.#http.request("GET", PREVIEW, { query: { url } });
  }

  // its beginning and end

  #assemble() {
    const { state } = this;
    const [http, credentials, options] = [this.#http, this.#credentials, this.#options];
    const session = {
      changed: (changes) => this.#changed(changes),
      opened: (welcome) => this.#opened(welcome),
      connectionChanged: () => this.dispatchEvent(new CustomEvent("connection")),
      ended: (error) => this.#ended(error),
    };
    const upkeep = (this.#upkeep = new Upkeep({ state, session, http, credentials, options }));
    const ask = (name, fields) => this.call(name, fields);
    this.#history = new History({ state, ask, tell: (changes) => upkeep.tell(changes) });
    const { urls, mediaBytes: mostBytes } = options;
    const download = (...file) => http.download(...file);
    this.#media = new MediaCache({ download, urls, mostBytes });
  }

  #changed(changes) {
    this.#keeper.changed(changes);
    this.dispatchEvent(new CustomEvent("changes", { detail: changes }));
  }

  #opened({ serverTime }) {
    if (serverTime !== undefined) this.timeOffsetMs = serverTime - this.#options.clock.nowMs();
    // Should the connection be lost meanwhile, the next one tries again.
    this.loadProfile().catch(() => {});
    this.#loadFeatures().catch(() => {});
  }

  async #loadFeatures() {
    const told = await this.call("server.versions");
    const features = isObject(told?.unstable_features) ? told.unstable_features : {};
    this.features = new Set(Object.keys(features).filter((name) => features[name] === true));
    this.dispatchEvent(new CustomEvent("server"));
  }

  async #ended(error) {
    // The device is none any more, and what it knew is not for whoever sits here now.
    const isOut = error instanceof MatrixError && error.isUnknownToken;
    if (isOut) await this.#keeper.clear(this.credentials).catch(() => {});
    await this.#leave(error);
    this.dispatchEvent(new CustomEvent("ended", { detail: error }));
  }

  async #leave(error) {
    if (this.#isOver || !this.#upkeep) return;
    this.#isOver = true;
    this.#upkeep.end(error);
    this.#media.clear();
    await this.#keeper.close();
  }
}
