// Encrypted conversations of matrix-js-sdk, while the server is restarted once.

import { equal, refused, take, until, wish } from "./steps.mjs";
import { Secretive } from "./js_secretive.mjs";

import assert from "node:assert/strict";

const { CryptoEvent, VerificationRequestEvent, VerifierEvent } = await import(
  "matrix-js-sdk/lib/crypto-api/index.js"
);

/** Both see the same, and say so. */
async function verify(asking, asked, request) {
  const theirs = await until(() => asked.requests?.at(-1));
  await theirs.accept();
  await until(() => request.phase === 3);
  const verifiers = [await request.startVerification("m.sas.v1")];
  verifiers.push(await until(() => theirs.verifier));
  // The client itself holds a verifier weakly: one that nobody else holds may be
  // collected while it waits, and then waits forever.
  asking.verifiers = verifiers;
  const shown = verifiers.map((verifier) => new Promise((show) => verifier.once(VerifierEvent.ShowSas, show)));
  const ends = verifiers.map((verifier) => verifier.verify());
  const callbacks = await Promise.all(shown);
  equal(callbacks[0].sas.emoji, callbacks[1].sas.emoji);
  await Promise.all(callbacks.map((callback) => callback.confirm()));
  await Promise.all(ends);
}

const steps = {
  async uploadKeys({ anna, boris }) {
    for (const person of [anna, boris]) await person.logIn();
    const devices = await until(async () => {
      const found = await anna.crypto.getUserDeviceInfo([boris.userId], true);
      return found.get(boris.userId)?.size && found.get(boris.userId);
    });
    const { ed25519 } = await boris.crypto.getOwnDeviceKeys();
    equal(devices.get(boris.deviceId).getFingerprint(), ed25519);
  },

  async crossSign({ anna, boris }) {
    for (const person of [anna, boris]) {
      await person.crypto.bootstrapCrossSigning({ authUploadDeviceSigningKeys: person.authenticate });
      assert(await person.crypto.isCrossSigningReady());
    }
    assert(await boris.crypto.userHasCrossSigningKeys(anna.userId, true));
    const status = () => anna.crypto.getDeviceVerificationStatus(anna.userId, anna.deviceId);
    await until(async () => (await status()).signedByOwner);
  },

  async keepSecrets({ anna }) {
    await anna.crypto.bootstrapSecretStorage({
      createSecretStorageKey: () => anna.crypto.createRecoveryKeyFromPassphrase("a long passphrase"),
      setupNewKeyBackup: true,
    });
    assert(await anna.crypto.isSecretStorageReady());
    assert(await until(() => anna.crypto.getActiveSessionBackupVersion()));
  },

  async createEncryptedRoom(world) {
    const { anna, boris } = world;
    const { room_id } = await anna.client.createRoom({
      name: "Secrets",
      invite: [boris.userId],
      initial_state: [
        { type: "m.room.encryption", state_key: "", content: { algorithm: "m.megolm.v1.aes-sha2" } },
      ],
    });
    world.room = room_id;
    await until(() => boris.room(room_id)?.getMyMembership() === "invite");
    await boris.client.joinRoom(room_id);
    for (const person of [anna, boris]) {
      await until(() => person.room(room_id)?.getJoinedMemberCount() === 2);
      assert(await until(() => person.crypto.isEncryptionEnabledInRoom(room_id)));
    }
  },

  async sendEncrypted(world) {
    const { anna, boris, room } = world;
    world.first = await anna.say(room, "a secret");
    await boris.reads(world.first, "a secret");
    const stored = await boris.client.fetchRoomEvent(room, world.first);
    equal(stored.type, "m.room.encrypted");
    assert(!JSON.stringify(stored.content).includes("secret"));
  },

  async answerEncrypted({ anna, boris, room }) {
    await anna.reads(await boris.say(room, "another secret"), "another secret");
  },

  async editEncrypted({ anna, boris, room, first }) {
    await anna.say(room, "* a better secret", {
      "m.new_content": { msgtype: "m.text", body: "a better secret" },
      "m.relates_to": { rel_type: "m.replace", event_id: first },
    });
    const event = await boris.event(first);
    await until(() => event.getContent().body === "a better secret");
  },

  async sendToSomebodyAway({ anna, boris, room }) {
    boris.away = true;
    await anna.crypto.forceDiscardSession(room);
    const waiting = await anna.say(room, "for later");
    boris.away = false;
    await boris.reads(waiting, "for later");
  },

  async serverRestarts({ anna, boris, room }) {
    await wish("restart");
    for (const person of [anna, boris]) await person.synced();
    await anna.reads(await boris.say(room, "still secret"), "still secret");
    await anna.crypto.forceDiscardSession(room);
    await boris.reads(await anna.say(room, "secret with new keys"), "secret with new keys");
  },

  async verifyEachOther({ anna, boris, room }) {
    boris.requests = [];
    boris.client.on(CryptoEvent.VerificationRequestReceived, (request) => boris.requests.push(request));
    await verify(anna, boris, await anna.crypto.requestVerificationDM(boris.userId, room));
    for (const [one, other] of [[anna, boris], [boris, anna]]) {
      const status = () => one.crypto.getUserVerificationStatus(other.userId);
      await until(async () => (await status()).isCrossSigningVerified());
    }
  },

  async backUp({ anna }) {
    const keys = (await anna.crypto.exportRoomKeys()).length;
    assert(keys > 2);
    await until(async () => (await anna.raw("GET", "/room_keys/version")).count === keys);
  },

  async newDeviceRestores({ anna, second, room, first }) {
    await second.logIn(anna.secrets);
    assert(await second.crypto.userHasCrossSigningKeys(anna.userId, true));
    await second.crypto.bootstrapCrossSigning({});
    assert(await second.crypto.isCrossSigningReady());
    await second.crypto.loadSessionBackupPrivateKeyFromSecretStorage();
    const { imported, total } = await second.crypto.restoreKeyBackup();
    equal(imported, total);
    assert(total > 2);
    const here = await until(() => second.room(room));
    while (here.oldState.paginationToken) await second.client.scrollback(here, 20);
    const event = await until(() => here.findEventById(first));
    await second.client.decryptEventIfNeeded(event);
    await until(() => event.getContent().body === "a better secret");
  },

  async newDeviceIsTrusted({ anna, boris, second, room }) {
    for (const person of [anna, boris]) {
      const status = () => person.crypto.getDeviceVerificationStatus(second.userId, second.deviceId);
      await until(async () => (await status())?.crossSigningVerified);
    }
    const eventId = await boris.say(room, "to all of you");
    for (const person of [anna, second]) await person.reads(eventId, "to all of you");
  },

  async newDeviceFetchesKeysOneByOne({ anna, boris, room, first }) {
    const third = new Secretive(anna.userId);
    await third.logIn(anna.secrets);
    assert(await third.crypto.userHasCrossSigningKeys(anna.userId, true));
    await third.crypto.bootstrapCrossSigning({});
    await third.crypto.loadSessionBackupPrivateKeyFromSecretStorage();
    const here = await until(() => third.room(room));
    while (here.oldState.paginationToken) await third.client.scrollback(here, 20);
    const event = await until(() => here.findEventById(first));
    await until(() => event.getContent().body === "a better secret");
    await third.client.logout(true);
  },

  async deviceThatLoggedOutIsGone({ anna, boris, second, room }) {
    const gone = second.deviceId;
    const before = boris.client.store.getSyncToken();
    await second.client.logout(true);
    await until(async () => {
      const devices = await boris.crypto.getUserDeviceInfo([anna.userId]);
      return !devices.get(anna.userId).has(gone);
    });
    await anna.reads(await boris.say(room, "to one again"), "to one again");
    const { changed } = await boris.client.getKeyChanges(before, boris.client.store.getSyncToken());
    assert(changed.includes(anna.userId));
  },

  async forgetSecrets({ anna }) {
    await anna.crypto.disableKeyStorage();
    await refused(anna.raw("GET", "/room_keys/version"), "M_NOT_FOUND");
    assert(!(await anna.crypto.isSecretStorageReady()));
  },

  async logOut({ anna, boris }) {
    for (const { client } of [anna, boris]) await client.logout(true);
  },
};

const [anna, boris, second] = [process.env.ANNA, process.env.BORIS, process.env.ANNA].map(
  (id) => new Secretive(id),
);
await take(steps, { anna, boris, second });
process.exit();
