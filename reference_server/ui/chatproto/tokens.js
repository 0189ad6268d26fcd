import { systemClock } from "./clock.js";
import { Disconnected, MatrixError } from "./errors.js";
import { integer, isObject, text } from "./json.js";

// Tokens are replaced when so much of their life is left, from when they were seen first.
const MARGIN_MS = 60_000;
const MARGIN_PART = 5;
const EXCHANGE_MS = 15_000;

/**
 * By what a session proves who it is; this is what is stored.
 *
 * @typedef {object} Proof
 * @property {string} server
 * @property {string} userId
 * @property {string} [deviceId]
 * @property {string} accessToken
 * @property {string} [refreshToken]
 * @property {number} [expiresAtMs]
 */

/**
 * The tokens of a session, replaced once for all who need it.
 *
 * Several tabs share one stored proof. A renewal is made under a lock that they share too,
 * so one of them makes it, and the others, which had to wait, find its tokens in the storage.
 * Where there are no locks two tabs may both ask; the server takes a refresh token again until
 * the new tokens have been used, and whoever is refused all the same looks into the storage.
 */
export class Credentials {
  #proof;
  #http;
  #storage;
  #tokenProvider;
  #locks;
  #clock;
  #seenMs;
  #renewal = null;

  /**
   * @param {Proof} proof
   * @param {object} options
   * @param {import("./http.js").Http} [options.http] one without credentials, to refresh by
   * @param {{loadCredentials: Function, saveCredentials: Function}} [options.storage]
   * @param {() => Promise<{accessToken: string, expiresInMs?: number}>} [options.tokenProvider]
   *   gives new access tokens where an embedding page has them
   * @param {LockManager | null} [options.locks]
   * @param {import("./clock.js").Clock} [options.clock]
   */
  constructor(proof, options = {}) {
    this.#proof = Object.freeze({ ...proof });
    this.#http = options.http;
    this.#storage = options.storage;
    this.#tokenProvider = options.tokenProvider;
    this.#locks = options.locks ?? null;
    this.#clock = options.clock ?? systemClock;
    this.#seenMs = this.#clock.nowMs();
  }

  /** What holds now. @returns {Readonly<Proof>} */
  get proof() {
    return this.#proof;
  }

  get accessToken() {
    return this.#proof.accessToken;
  }

  get canRenew() {
    return this.#tokenProvider !== undefined || this.#proof.refreshToken !== undefined;
  }

  /** Milliseconds until the tokens are to be replaced; undefined: never. */
  dueInMs() {
    const { expiresAtMs } = this.#proof;
    if (expiresAtMs === undefined || !this.canRenew) return undefined;
    const margin = Math.min(MARGIN_MS, (expiresAtMs - this.#seenMs) / MARGIN_PART);
    return Math.max(0, expiresAtMs - margin - this.#clock.nowMs());
  }

  /**
   * Replaces the tokens, unless the access token `used` has been already.
   *
   * @throws {MatrixError} if the server refuses
   * @throws {Disconnected} if it cannot be asked
   */
  async renew(used) {
    if (this.accessToken !== used) return;
    // All who ask at once wait for one renewal, and see how it went.
    this.#renewal ??= this.#alone(() => this.#replace(used)).finally(() => {
      this.#renewal = null;
    });
    await this.#renewal;
  }

  #alone(act) {
    const { server, userId, deviceId } = this.#proof;
    const name = `chatproto:renewal:${server}:${userId}:${deviceId}`;
    return this.#locks ? this.#locks.request(name, act) : act();
  }

  async #replace(used) {
    if (await this.#takenOver(used)) return;
    let tokens;
    try {
      tokens = await (this.#tokenProvider ? this.#provided() : this.#exchanged());
    } catch (error) {
      if (await this.#takenOver(used)) return;
      throw error;
    }
    this.#take({ ...this.#proof, ...tokens });
    // They hold all the same; what is stored already does until these have been used.
    await this.#storage?.saveCredentials(this.#proof).catch(() => {});
  }

  async #provided() {
    const told = await this.#tokenProvider();
    if (!isObject(told) || !text(told.accessToken)) {
      throw new MatrixError("M_UNKNOWN_TOKEN", "there is no new access token");
    }
    return { accessToken: told.accessToken, expiresAtMs: this.#end(told.expiresInMs) };
  }

  async #exchanged() {
    const { refreshToken } = this.#proof;
    if (refreshToken === undefined) {
      throw new MatrixError("M_UNKNOWN_TOKEN", "the access token is not good any more");
    }
    const told = await this.#http.request("POST", "/_matrix/client/v3/refresh", {
      body: { refresh_token: refreshToken },
      authenticated: false,
      signal: AbortSignal.timeout(EXCHANGE_MS),
    }).catch(lateAsDisconnected);
    if (!text(told.access_token)) throw new Disconnected("the answer names no token");
    return {
      accessToken: told.access_token,
      // Without a new one the old one holds on.
      refreshToken: text(told.refresh_token) ?? refreshToken,
      expiresAtMs: this.#end(told.expires_in_ms),
    };
  }

  /** Whether another tab has stored newer tokens, which then hold. */
  async #takenOver(used) {
    const stored = await this.#storage?.loadCredentials().catch(() => undefined);
    const { userId, server } = this.#proof;
    const isOurs = stored && stored.userId === userId && stored.server === server;
    if (!isOurs || stored.accessToken === used) return false;
    this.#take(stored);
    return true;
  }

  #take(proof) {
    this.#proof = Object.freeze({ ...proof });
    this.#seenMs = this.#clock.nowMs();
  }

  #end(lifeMs) {
    return integer(lifeMs) === undefined ? undefined : this.#clock.nowMs() + lifeMs;
  }
}

/** The proof in the answer to a log-in, a registration or whoever else makes one. */
export function proofOf(server, answer, nowMs) {
  if (!text(answer?.access_token) || !text(answer.user_id)) {
    throw new Disconnected("the answer names no token");
  }
  const life = integer(answer.expires_in_ms);
  return {
    server,
    userId: answer.user_id,
    deviceId: text(answer.device_id),
    accessToken: answer.access_token,
    refreshToken: text(answer.refresh_token),
    expiresAtMs: life === undefined ? undefined : nowMs + life,
  };
}

function lateAsDisconnected(error) {
  if (error?.name !== "TimeoutError") throw error;
  throw new Disconnected("no new tokens in time", { cause: error });
}
