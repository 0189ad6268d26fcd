// What all our elements are made on.

import { LitElement } from "../vendor/lit.js";
import { texts } from "../app/i18n.js";
import { shared } from "./shared.js";

/** An element that speaks the language of the page, and can follow what it depends on. */
export class ChatElement extends LitElement {
  static styles = [shared];

  #followed = new Map();

  connectedCallback() {
    super.connectedCallback();
    this.follow("texts", texts, { language: () => this.requestUpdate() });
  }

  disconnectedCallback() {
    super.disconnectedCallback();
    for (const name of [...this.#followed.keys()]) this.follow(name, null);
  }

  /** Listen to `target` in place of the one that was followed under this name before. */
  follow(name, target, listeners = {}) {
    this.#followed.get(name)?.abort();
    this.#followed.delete(name);
    if (!target) return;
    const ended = new AbortController();
    this.#followed.set(name, ended);
    for (const [type, listener] of Object.entries(listeners)) {
      target.addEventListener(type, listener, { signal: ended.signal });
    }
  }

  /** Tell those around, through all shadow roots. */
  tell(type, detail) {
    return this.dispatchEvent(
      new CustomEvent(type, { detail, bubbles: true, composed: true, cancelable: true }),
    );
  }
}

/** An element that shows something of `session`, and is drawn anew when that changes. */
export class SessionElement extends ChatElement {
  static properties = { session: { attribute: false } };

  connectedCallback() {
    super.connectedCallback();
    this.#follow();
  }

  willUpdate(changed) {
    if (changed.has("session")) this.#follow();
  }

  /** Whether a change (`{kind, roomId}`) concerns this element. */
  concerns() {
    return true;
  }

  /** Take the changes that concern this element. */
  take() {
    this.requestUpdate();
  }

  /** The connection is another than before. */
  connectionChanged() {}

  #follow() {
    if (!this.isConnected) return;
    this.follow("session", this.session, {
      changes: ({ detail }) => {
        const found = detail.filter((change) => this.concerns(change));
        if (found.length) this.take(found);
      },
      connection: () => this.connectionChanged(),
    });
  }
}
