/**
 * What the tabs of one account have to settle between them, by locks that end with a tab.
 *
 * Where there are no locks, or nothing is shared, a tab thinks that it is alone.
 */
export class Tabs {
  #locks;
  #name;
  #left = new AbortController();
  #release = Promise.withResolvers();

  /**
   * @param {string | undefined} name of what is shared
   * @param {LockManager | null} [locks]
   */
  constructor(name, locks = null) {
    this.#locks = name === undefined ? null : locks;
    this.#name = `chatproto:${name}`;
    this.self = crypto.randomUUID();
  }

  /** Does something that only one tab does at a time. */
  async alone(act) {
    return this.#locks ? this.#locks.request(`${this.#name}:alone`, act) : act();
  }

  /** Lets the others see that this tab is there, for as long as it is. */
  async appear() {
    await this.#held(this.#tabName(this.self));
  }

  /** Which of these tabs are still there. */
  async present(tabs) {
    if (!this.#locks) return new Set();
    const { held = [] } = await this.#locks.query();
    const names = new Set(held.map(({ name }) => name));
    return new Set(tabs.filter((tab) => names.has(this.#tabName(tab))));
  }

  /** Whether this tab may write for all; if not now, `later` is called when it may. */
  async lead(later) {
    const name = `${this.#name}:lead`;
    if (!this.#locks || (await this.#held(name, { ifAvailable: true }))) return true;
    const { signal } = this.#left;
    this.#held(name, { signal }).then((isHeld) => isHeld && !signal.aborted && later(), () => {});
    return false;
  }

  /** Gives back what this tab holds. */
  leave() {
    this.#left.abort();
    this.#release.resolve();
  }

  #tabName(tab) {
    return `${this.#name}:tab:${tab}`;
  }

  /** Takes a lock until `leave`; resolves when it is held, or cannot be. */
  #held(name, options = {}) {
    if (!this.#locks) return Promise.resolve(true);
    return new Promise((resolve, reject) => {
      const hold = (lock) => {
        resolve(lock !== null);
        return lock === null ? undefined : this.#release.promise;
      };
      this.#locks.request(name, options, hold).catch(reject);
    });
  }
}
