import { systemClock } from "./clock.js";
import { accountOf, sectionOf } from "./sync/snapshot.js";
import { Tabs } from "./tabs.js";

const WAIT_MS = 1_000;
const KEPT_EVENTS = 50; // of each room; older ones are paged again

/**
 * Stores what a session knows, a little later and never in its way.
 *
 * Several tabs of one account share a storage:
 *
 * - Rooms are only of use with the position that they are of, so one tab alone writes them.
 *   When it goes, another one does, and begins with all of them. Every tab could resume from
 *   what is stored, whoever wrote it.
 * - Messages that wait are stored under the name of the tab they were written in, at once. Only
 *   that tab sends them. A tab that starts takes over those of tabs that are gone, with their
 *   transaction IDs: should one have been sent already, the server stores nothing twice.
 * - A draft is stored by whoever writes it; the last one holds.
 */
export class Keeper {
  #storage;
  #tabs;
  #clock;
  #state = null;
  #isLeading = false;
  #isWhole = false;
  #isCleared = false;
  #rooms = new Set();
  #drafts = new Map();
  #isOutboxNews = false;
  #isNews = false;
  #callOff = null;
  #writing = Promise.resolve();

  /**
   * @param {object} options
   * @param {import("./storage.js").Storage} options.storage
   * @param {LockManager | null} [options.locks]
   * @param {import("./clock.js").Clock} [options.clock]
   */
  constructor({ storage, locks = null, clock = systemClock }) {
    this.#storage = storage;
    this.#tabs = new Tabs(storage.name, locks);
    this.#clock = clock;
  }

  /**
   * What is stored; `outbox` holds the entries that are this tab's now.
   *
   * @returns {Promise<{account?: object, rooms: Map<string, object>, outbox: object[],
   *   drafts: Map<string, object>}>}
   */
  async open() {
    await this.#tabs.appear();
    this.#isLeading = await this.#tabs.lead(() => this.#lead());
    return this.#tabs.alone(async () => {
      const stored = await this.#storage.load();
      return { ...stored, outbox: await this.#adopted(stored.outbox) };
    });
  }

  /** Stores what becomes of this state from now on. */
  follow(state) {
    this.#state = state;
  }

  /** The state has changed. */
  changed(changes) {
    for (const { kind, roomId } of changes) {
      if (kind === "resynced") this.#isWhole = true;
      else if (kind === "outbox") this.#isOutboxNews = true;
      if (roomId) this.#rooms.add(roomId);
    }
    this.#isNews ||= changes.length > 0;
    if (this.#isOutboxNews) this.#then(() => this.#outboxChange());
    this.#soon();
  }

  /** A draft is another one now, or none. */
  drafted(key, content) {
    this.#drafts.set(key, content);
    this.#soon();
  }

  /** Stores at once what has not been stored; resolves when it is. */
  flush() {
    this.#callOff?.();
    this.#callOff = null;
    return this.#then(() => this.#change());
  }

  /** Stores nothing more, and takes away what is stored if it is this device's. */
  async clear({ userId, deviceId }) {
    this.#isCleared = true;
    await this.#writing;
    const stored = await this.#storage.loadCredentials().catch(() => undefined);
    // Somebody may have logged in meanwhile, in another tab.
    const isOurs = !stored || (stored.userId === userId && stored.deviceId === deviceId);
    if (isOurs) await this.#storage.clear();
  }

  /** Stores what is left, and lets go. */
  async close() {
    await this.flush();
    this.#state = null;
    this.#tabs.leave();
    this.#storage.close();
  }

  #lead() {
    this.#isLeading = this.#isWhole = this.#isNews = true;
    this.#soon();
  }

  #soon() {
    this.#callOff ??= this.#clock.after(WAIT_MS, () => this.flush());
  }

  /** Those of tabs that are gone, which are this one's from now on. */
  async #adopted(outbox) {
    const present = await this.#tabs.present([...outbox.keys()]);
    const left = [...outbox].filter(([tab]) => !present.has(tab));
    const entries = left.flatMap(([, each]) => (Array.isArray(each) ? each : []));
    entries.sort((one, other) => one?.created_ms - other?.created_ms);
    const change = new Map(left.map(([tab]) => [tab, null]));
    if (entries.length > 0) change.set(this.#tabs.self, entries);
    if (change.size > 0) await this.#storage.save({ outbox: change });
    return entries;
  }

  /** Writes what `take` gives, which counts as written, after all that is being written. */
  #then(take) {
    this.#writing = this.#writing.then(() => this.#write(take));
    return this.#writing;
  }

  async #write(take) {
    if (this.#isCleared || !this.#state) return;
    const drafts = this.#drafts;
    try {
      const change = take();
      if (change) await this.#storage.save(change);
    } catch {
      // Full, or gone: what is stored is still of one piece, only older. With the next change
      // all is written anew.
      this.#isWhole = this.#isNews = this.#isOutboxNews = true;
      this.#drafts = new Map([...drafts, ...this.#drafts]);
    }
  }

  #change() {
    // A snapshot that has come in part is of no position yet.
    const isDue = this.#isLeading && this.#isNews && this.#state.position;
    const change = { ...(isDue && this.#snapshot()), ...this.#outboxChange() };
    if (this.#drafts.size > 0) change.drafts = this.#drafts;
    this.#drafts = new Map();
    return Object.keys(change).length > 0 ? change : null;
  }

  #outboxChange() {
    if (!this.#isOutboxNews) return null;
    this.#isOutboxNews = false;
    const entries = this.#state.outbox.toJson();
    return { outbox: new Map([[this.#tabs.self, entries.length > 0 ? entries : null]]) };
  }

  #snapshot() {
    const { rooms } = this.#state;
    const isWhole = this.#isWhole;
    const written = new Map();
    for (const roomId of isWhole ? rooms.keys() : this.#rooms) {
      const room = rooms.get(roomId);
      written.set(roomId, room ? sectionOf(room, KEPT_EVENTS) : null);
    }
    this.#rooms = new Set();
    this.#isNews = this.#isWhole = false;
    // These have places of their own, where other tabs store theirs, too.
    const account = { ...accountOf(this.#state), outbox: [], drafts: [] };
    return { account, rooms: written, isWhole };
  }
}
