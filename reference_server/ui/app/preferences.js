// What a user has chosen on this device.

const KEY = "chatproto.preferences";

const DEFAULTS = Object.freeze({
  language: "",
  theme: "auto",
  sendBy: "enter",
  sound: true,
  notify: false,
  filter: "all",
});

/** Choices that are kept in the browser; tells "change" with the name of what changed. */
export class Preferences extends EventTarget {
  #store;
  #values;

  constructor(store = globalThis.localStorage) {
    super();
    this.#store = store;
    this.#values = { ...DEFAULTS, ...read(store) };
  }

  get(name) {
    return this.#values[name];
  }

  set(name, value) {
    if (!(name in DEFAULTS) || this.#values[name] === value) return;
    this.#values = { ...this.#values, [name]: value };
    try {
      this.#store?.setItem(KEY, JSON.stringify(this.#values));
    } catch {
      // Storage may be full or forbidden: then the choice holds until the page is closed.
    }
    this.dispatchEvent(new CustomEvent("change", { detail: name }));
  }
}

function read(store) {
  try {
    const found = JSON.parse(store?.getItem(KEY) ?? "{}");
    return Object.fromEntries(
      Object.entries(found).filter(
        ([name, value]) => name in DEFAULTS && typeof value === typeof DEFAULTS[name],
      ),
    );
  } catch {
    return {};
  }
}

export const preferences = new Preferences();
