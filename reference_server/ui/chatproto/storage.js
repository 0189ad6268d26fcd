/**
 * Where a session outlives the page. All values are plain JSON.
 *
 * - `account`: what belongs to no room, with the position reached
 * - `rooms`: what is known of each room, as of that position
 * - `outbox`: by the name of the tab that holds them, messages that wait to be sent
 * - `drafts`: what is being written, by whatever name it is kept under
 * - `credentials`: apart, for they are replaced by themselves
 *
 * @typedef {object} Stored
 * @property {object | undefined} account
 * @property {Map<string, object>} rooms
 * @property {Map<string, object[]>} outbox
 * @property {Map<string, object>} drafts
 *
 * A change is stored whole or not at all. In its maps `null` takes a value away; with `isWhole`
 * its rooms are all there are.
 *
 * @typedef {object} StoredChange
 * @property {object} [account]
 * @property {Map<string, object | null>} [rooms]
 * @property {Map<string, object[] | null>} [outbox]
 * @property {Map<string, object | null>} [drafts]
 * @property {boolean} [isWhole]
 *
 * @typedef {object} Storage
 * @property {string} [name] under which other tabs know the same storage
 * @property {() => Promise<Stored>} load
 * @property {(change: StoredChange) => Promise<void>} save
 * @property {() => Promise<object | undefined>} loadCredentials
 * @property {(proof: object) => Promise<void>} saveCredentials
 * @property {() => Promise<void>} clear takes everything away, the credentials too
 * @property {() => void} close
 */

const MAPS = Object.freeze(["rooms", "outbox", "drafts"]);
const VERSION = 1;
const ONLY = "only"; // the key of what there is one of

/** Forgets everything with the page. @implements {Storage} */
export class MemoryStorage {
  name = undefined;
  #account;
  #maps = new Map(MAPS.map((name) => [name, new Map()]));
  #credentials;

  async load() {
    const maps = [...this.#maps].map(([name, map]) => [name, structuredClone(map)]);
    return { account: structuredClone(this.#account), ...Object.fromEntries(maps) };
  }

  async save(change) {
    const { account, isWhole, ...maps } = structuredClone(change);
    if (account !== undefined) this.#account = account;
    if (isWhole) this.#maps.get("rooms").clear();
    for (const [name, values] of Object.entries(maps)) {
      const map = this.#maps.get(name);
      for (const [key, value] of values) {
        if (value === null) map.delete(key);
        else map.set(key, value);
      }
    }
  }

  async loadCredentials() {
    return this.#credentials;
  }

  async saveCredentials(proof) {
    this.#credentials = structuredClone(proof);
  }

  async clear() {
    this.#account = this.#credentials = undefined;
    for (const map of this.#maps.values()) map.clear();
  }

  close() {}
}

/** Keeps everything in the browser's database. @implements {Storage} */
export class IndexedDbStorage {
  #factory;
  #database = null;

  /** @param {{name?: string, indexedDB?: IDBFactory}} [options] one name for each account */
  constructor({ name = "chatproto", indexedDB = globalThis.indexedDB } = {}) {
    this.name = name;
    this.#factory = indexedDB;
  }

  async load() {
    const found = await this.#within(["account", ...MAPS], "readonly", (store) => ({
      account: store("account").get(ONLY),
      ...Object.fromEntries(MAPS.flatMap((name) => entries(name, store(name)))),
    }));
    const maps = MAPS.map((name) => [name, paired(found[`${name}Keys`], found[name])]);
    return { account: found.account, ...Object.fromEntries(maps) };
  }

  async save({ account, isWhole = false, ...maps }) {
    const written = MAPS.filter((name) => maps[name] !== undefined);
    const stores = account === undefined ? written : ["account", ...written];
    if (stores.length === 0) return;
    await this.#within(stores, "readwrite", (store) => {
      if (account !== undefined) store("account").put(account, ONLY);
      if (isWhole) store("rooms").clear();
      for (const name of written) put(store(name), maps[name]);
      return {};
    });
  }

  async loadCredentials() {
    const read = (store) => ({ proof: store("credentials").get(ONLY) });
    return (await this.#within(["credentials"], "readonly", read)).proof;
  }

  async saveCredentials(proof) {
    await this.#within(["credentials"], "readwrite", (store) => {
      store("credentials").put(proof, ONLY);
      return {};
    });
  }

  async clear() {
    await this.#within(["credentials", "account", ...MAPS], "readwrite", (store) => {
      for (const name of ["credentials", "account", ...MAPS]) store(name).clear();
      return {};
    });
  }

  close() {
    this.#database?.then((database) => database.close(), () => {});
    this.#database = null;
  }

  /** Does something in one transaction; gives the results of its requests by name. */
  async #within(names, mode, act) {
    const database = await this.#opened();
    return new Promise((resolve, reject) => {
      // Strict would wait for the disk; what is lost with the power comes again from the server.
      const transaction = database.transaction(names, mode, { durability: "relaxed" });
      transaction.onabort = () => reject(transaction.error ?? new Error("it was not stored"));
      const requests = Object.entries(act((name) => transaction.objectStore(name)));
      transaction.oncomplete = () =>
        resolve(Object.fromEntries(requests.map(([name, request]) => [name, request.result])));
    });
  }

  #opened() {
    this.#database ??= this.#open().catch((error) => {
      this.#database = null;
      throw error;
    });
    return this.#database;
  }

  #open() {
    return new Promise((resolve, reject) => {
      const request = this.#factory.open(this.name, VERSION);
      request.onupgradeneeded = () => {
        const names = [...request.result.objectStoreNames];
        for (const name of names) request.result.deleteObjectStore(name);
        for (const name of ["credentials", "account", ...MAPS]) {
          request.result.createObjectStore(name);
        }
      };
      request.onerror = () => reject(request.error);
      request.onsuccess = () => {
        const database = request.result;
        // A later version of the client must not wait for this tab.
        database.onversionchange = () => this.close();
        database.onclose = () => (this.#database = null);
        resolve(database);
      };
    });
  }
}

function entries(name, store) {
  return [
    [name, store.getAll()],
    [`${name}Keys`, store.getAllKeys()],
  ];
}

function paired(keys, values) {
  return new Map(keys.map((key, at) => [key, values[at]]));
}

function put(store, values) {
  for (const [key, value] of values) {
    if (value === null) store.delete(key);
    else store.put(value, key);
  }
}
