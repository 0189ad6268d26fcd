// A user of matrix-js-sdk who encrypts.

import { equal, until } from "./steps.mjs";
import { Person } from "./js_person.mjs";

/** A client that keeps its keys in memory, and knows how to open its secrets. */
export class Secretive extends Person {
  async logIn(secrets = {}) {
    this.secrets = secrets;
    const answer = await super.logIn({
      cryptoCallbacks: {
        getSecretStorageKey: async ({ keys }) =>
          Object.keys(keys).map((id) => [id, this.secrets[id]]).find(([, key]) => key) ?? null,
        cacheSecretStorageKey: (id, _, key) => (this.secrets[id] = key),
      },
      verificationMethods: ["m.sas.v1"],
    });
    await this.client.initRustCrypto({ useIndexedDB: false });
    await this.start();
    return answer;
  }

  get crypto() {
    return this.client.getCrypto();
  }

  /** What arrives was decrypted to this text. */
  async reads(eventId, body) {
    const event = await this.event(eventId);
    await until(() => !event.isBeingDecrypted() && !event.isDecryptionFailure());
    equal([event.isEncrypted(), event.getContent().body], [true, body]);
  }

  /** A message of this text, once it is decrypted. */
  hears(body) {
    return until(() => this.events.find((event) => event.getContent().body === body));
  }
}
