// Two people with sessions at a real server, which is stopped and started among them.

import assert from "node:assert/strict";

import { Disconnected } from "../../../reference_server/ui/chatproto/errors.js";
import {
  logIn,
  loginFlows,
  register,
  registrationFlows,
} from "../../../reference_server/ui/chatproto/login.js";
import { newTxn } from "../../../reference_server/ui/chatproto/sending.js";
import { MemoryStorage } from "../../../reference_server/ui/chatproto/storage.js";
import {
  PASSWORD,
  SERVER,
  equal,
  png,
  refused,
  take,
  until,
  wish,
} from "../../conformance/node/steps.mjs";
import { Person } from "./people.mjs";

const { ANNA, BORIS } = process.env;
const numbered = (count, word) => Array.from({ length: count }, (_, n) => `${word} ${n + 1}`);

/** Says all of these, and waits until they are stored. */
async function sayAll(person, roomId, bodies) {
  return Promise.all(bodies.map((body) => person.say(roomId, body).sent));
}

const steps = {
  async logsIn({ anna }) {
    assert((await loginFlows(SERVER)).includes("m.login.password"));
    await refused(logIn(SERVER, { user: ANNA, password: "wrong" }), "M_FORBIDDEN");
    const proof = await anna.logIn();
    equal(proof.server, SERVER);
    assert(proof.userId.startsWith(`@${ANNA}:`));
    assert(proof.deviceId && proof.accessToken && proof.refreshToken);
    assert(proof.expiresAtMs > Date.now());
  },

  async registers() {
    equal(await registrationFlows(SERVER), [["m.login.dummy"]]);
    const user = `u${newTxn()}`;
    const proof = await register(SERVER, { user, password: PASSWORD, deviceName: "walk" });
    assert(proof.userId.startsWith(`@${user}:`) && proof.refreshToken);
    await refused(register(SERVER, { user, password: PASSWORD }), "M_USER_IN_USE");
    await refused(register(SERVER, { user: `${user}x`, password: "x" }), "M_WEAK_PASSWORD");
  },

  async startsTakeAPerson({ anna, boris }) {
    await refused(anna.start(), "M_MISSING_TOKEN");
    for (const person of [anna, boris]) {
      await person.enter();
      equal(person.states, ["connecting", "open"]);
      equal(person.state.rooms.size, 0);
    }
    await until(() => anna.session.profile.displayName);
    assert(Math.abs(anna.session.timeOffsetMs) < 60_000);
    await until(() => anna.session.features.has("org.chatproto"));
    equal(anna.session.hasPreviews, false);
  },

  async exchangesMessages(world) {
    const { anna, boris } = world;
    const fields = { name: "Walk", invite: [boris.state.userId], preset: "private_chat" };
    const { room_id: roomId } = await anna.session.call("room.create", fields);
    world.roomId = roomId;
    await until(() => boris.room(roomId)?.membership === "invite");
    await boris.session.call("room.join", { room_id: roomId });
    await until(() => boris.room(roomId)?.membership === "join");
    await anna.say(roomId, "hello").sent;
    await boris.sees(roomId, "hello");
    await boris.say(roomId, "hello yourself").sent;
    await anna.sees(roomId, "hello yourself");
    assert(boris.changes.some((c) => c.kind === "timeline" && c.roomId === roomId && c.live));
  },

  async localEchoGoesSent({ anna, roomId }) {
    const { outbox } = anna.state;
    const { txnId, sent } = anna.say(roomId, "echo");
    assert(txnId.startsWith("w"));
    equal(outbox.get(txnId).status, "sending");
    assert(!anna.texts(roomId).includes("echo"));
    const eventId = await sent;
    await until(() => !outbox.get(txnId));
    await anna.sees(roomId, "echo");
    equal(anna.room(roomId).timeline.event(eventId).content.body, "echo");
    equal(anna.texts(roomId).filter((body) => body === "echo").length, 1);
  },

  async changesWhatWasSaid({ anna, boris, roomId }) {
    const eventId = await anna.say(roomId, "wrogn").sent;
    await anna.session.edit(roomId, eventId, { msgtype: "m.text", body: "right" }).sent;
    await boris.sees(roomId, "wrogn");
    const isEdit = (e) => e.content?.["m.new_content"]?.body === "right";
    await until(() => boris.room(roomId).timeline.events().some(isEdit));
    await anna.session.redact(roomId, eventId, "never mind").sent;
    await until(() => !boris.texts(roomId).includes("wrogn"));
  },

  async refusedMessagesSaySo({ anna, roomId }) {
    const elsewhere = "!nowhere:localhost";
    const { txnId, sent } = anna.say(elsewhere, "nobody hears");
    await refused(sent, "M_FORBIDDEN");
    equal(anna.state.outbox.get(txnId).status, "failed");
    equal(anna.state.outbox.get(txnId).error.errcode, "M_FORBIDDEN");
    // It holds nobody up, in its room or another one.
    await anna.say(roomId, "somebody hears").sent;
    anna.session.retry(txnId);
    await until(() => anna.state.outbox.get(txnId).status === "failed");
    anna.session.cancel(txnId);
    equal(anna.state.outbox.entries().length, 0);
  },

  async queuesWhileTheServerIsAway({ anna, boris, roomId }) {
    for (const person of [anna, boris]) person.changes.length = 0;
    await wish("stop");
    await until(() => anna.session.connection.status === "waiting");
    assert(anna.session.connection.retryAtMs > 0);
    const bodies = numbered(3, "queued");
    const said = bodies.map((body) => anna.say(roomId, body));
    const { txnId: unwanted, sent: unsent } = anna.say(roomId, "queued 4");
    equal(anna.state.outbox.entries(roomId).map((e) => e.status), Array(4).fill("waiting"));
    anna.session.cancel(unwanted);
    await assert.rejects(unsent, { name: "Unsent" });
    const answer = boris.session.call("room.members", { room_id: roomId });
    await wish("start");
    await Promise.all(said.map(({ sent }) => sent));
    assert((await answer).chunk.length === 2);
    await boris.sees(roomId, "queued 3");
    equal(boris.texts(roomId).filter((body) => body.startsWith("queued")), bodies);
    await anna.sees(roomId, "queued 3");
    equal(anna.texts(roomId).filter((body) => body.startsWith("queued")), bodies);
  },

  async resumesWithoutASnapshot({ anna, boris }) {
    for (const person of [anna, boris]) {
      assert(!person.kinds().has("resynced"));
      assert(!person.changes.some((c) => c.kind === "timeline" && c.reset));
    }
  },

  async callsThatAreNotSafeAreCutOff({ anna }) {
    // The server is stopped with the call on its way: it reads no more.
    await anna.isConnected();
    await wish("freeze");
    const answer = anna.session.call("room.create");
    answer.catch(() => {});
    await wish("kill");
    await assert.rejects(answer, Disconnected);
    await wish("start");
    await anna.isConnected();
  },

  async callsCanBeGivenUp({ anna }) {
    const signal = AbortSignal.abort();
    const answer = anna.session.call("account.whoami", {}, { signal });
    await assert.rejects(answer, { name: "AbortError" });
    await refused(anna.session.call("room.forget", { room_id: "!x:localhost" }), "M_FORBIDDEN");
  },

  async readingIsTold({ anna, boris, roomId }) {
    await anna.isConnected();
    await boris.isConnected();
    const eventId = await anna.say(roomId, "read me").sent;
    await until(() => boris.room(roomId).notificationCount > 0);
    boris.session.markRead(roomId, eventId);
    await until(() => boris.room(roomId).notificationCount === 0);
    await until(() => anna.changes.some((c) => c.kind === "receipt" && c.eventId === eventId));
  },

  async typingIsTold({ anna, boris, roomId }) {
    const isSeen = (users) => () =>
      boris.changes.some((c) => c.kind === "typing" && c.userIds.length === users);
    boris.changes.length = 0;
    anna.session.typing(roomId, true);
    await until(isSeen(1));
    boris.changes.length = 0;
    anna.session.typing(roomId, false);
    await until(isSeen(0));
  },

  async statusTextsEnd({ anna, boris }) {
    const { userId } = anna.state;
    const text = () => boris.state.presence.get(userId)?.statusMsg;
    await anna.session.setPresence("online", { statusMsg: "at lunch", expiresInMs: 1500 });
    await until(() => text() === "at lunch");
    await until(() => text() !== "at lunch");
  },

  async pagesBack(world) {
    const { anna, boris } = world;
    const { room_id: roomId } = await anna.session.call("room.create", { name: "Long" });
    world.longId = roomId;
    await sayAll(anna, roomId, numbered(120, "line"));
    await anna.session.call("room.invite", { room_id: roomId, user_id: boris.state.userId });
    await until(() => boris.room(roomId));
    await boris.session.call("room.join", { room_id: roomId });
    await until(() => boris.texts(roomId).length > 0);
    assert(boris.texts(roomId).length < 100);
    let pages = 0;
    const twice = await Promise.all([1, 2].map(() => boris.session.pageBack(roomId)));
    equal(twice, [true, true]);
    while (await boris.session.pageBack(roomId)) pages += 1;
    assert(pages <= 3, `${pages} pages`);
    equal(boris.texts(roomId), numbered(120, "line"));
    equal(boris.room(roomId).timeline.before(), null);
    equal(await boris.session.pageBack(roomId), false);
  },

  async goesOnFromWhatIsStored({ anna, boris, longId }) {
    boris.session.setDraft(longId, { body: "half a thought" });
    await boris.session.stop();
    equal(boris.session.connection.status, "ended");
    await sayAll(anna, longId, numbered(60, "missed"));
    boris.changes.length = 0;
    await boris.start();
    // It is there before the server has said a word.
    assert(boris.texts(longId).includes("line 120"));
    equal(boris.state.drafts.get(longId), { body: "half a thought" });
    await boris.sees(longId, "missed 60");
    assert(!boris.kinds().has("resynced"));
  },

  async fillsTheGap({ boris, longId }) {
    const { timeline } = boris.room(longId);
    const [gap] = timeline.gaps();
    assert(gap, "60 messages fit into one answer");
    while (await boris.session.fillGap(longId, gap, 20));
    equal(timeline.gaps().length, 0);
    equal(boris.texts(longId).slice(-61), ["line 120", ...numbered(60, "missed")]);
  },

  async readsAroundAnEvent({ anna, longId }) {
    const oldest = { room_id: longId, dir: "f", limit: 30 };
    const { chunk } = await anna.session.call("room.history", oldest);
    const old = chunk.find((e) => e.content?.body === "line 5").event_id;
    const storage = new MemoryStorage();
    const other = new Person(ANNA);
    await other.enter({ storage, limit: 5 });
    assert(!other.texts(longId).includes("line 5"));
    await other.session.around(longId, old);
    assert(other.texts(longId).includes("line 5"));
    assert(other.room(longId).timeline.gaps().length > 0);
    while (await other.session.pageBack(longId));
    equal(other.texts(longId), [...numbered(120, "line"), ...numbered(60, "missed")]);
    await other.session.logOut();
  },

  async waitingMessagesAreStored({ anna, boris, roomId }) {
    await wish("stop");
    await until(() => boris.session.connection.status === "waiting");
    const { txnId } = boris.say(roomId, "from the grave");
    await boris.session.stop();
    await boris.start();
    equal(boris.state.outbox.get(txnId).content.body, "from the grave");
    await wish("start");
    await anna.sees(roomId, "from the grave");
    await boris.sees(roomId, "from the grave");
    equal(boris.state.outbox.entries().length, 0);
    equal(boris.texts(roomId).filter((body) => body === "from the grave").length, 1);
  },

  async filesGoUpAndDown({ anna, boris }) {
    const bytes = png(64, 48);
    const told = [];
    const blob = new Blob([bytes], { type: "image/png" });
    const onProgress = (fraction) => told.push(fraction);
    const mxc = await anna.session.upload(blob, { name: "Фото 1.png", onProgress });
    assert(mxc.startsWith("mxc://"));
    equal(told.at(-1), 1);
    const file = await boris.session.http.download(mxc);
    equal(file.type, "image/png");
    equal(Buffer.from(await file.arrayBuffer()), bytes);
    const url = await boris.session.media(mxc, { width: 32, height: 24, method: "scale" });
    assert(url.startsWith("blob:"));
    assert((await (await fetch(url)).arrayBuffer()).byteLength > 0);
    await refused(boris.session.media("mxc://localhost/none"), "M_NOT_FOUND");
    const { uploadBytes } = await anna.session.limits();
    assert(uploadBytes > 0);
    await refused(
      anna.session.upload(new Blob([new Uint8Array(uploadBytes + 1)])),
      "M_TOO_LARGE",
    );
  },

  async tokensAreReplacedInTime({ anna, boris, roomId }) {
    const carl = new Person(ANNA);
    const proof = await carl.logIn();
    await carl.start({ credentials: { ...proof, expiresAtMs: Date.now() + 2_000 } });
    await carl.session.ready();
    await until(() => carl.session.credentials.accessToken !== proof.accessToken);
    assert(carl.session.credentials.expiresAtMs > Date.now() + 60_000);
    equal((await carl.storage.loadCredentials()).accessToken, carl.session.credentials.accessToken);
    await carl.isConnected();
    await boris.say(roomId, "with new tokens").sent;
    await carl.sees(roomId, "with new tokens");
    assert(!carl.kinds().has("resynced"));
    // Another tab that still has the old tokens takes over those that are stored.
    const tab = new Person(ANNA);
    tab.storage = carl.storage;
    const { storage } = carl;
    const renewed = carl.session.credentials;
    await tab.start({
      credentials: { ...proof, expiresAtMs: undefined, accessToken: "long gone" },
      storage: { ...methodsOf(storage), saveCredentials: async () => {} },
    });
    await tab.isConnected();
    equal(tab.session.credentials.accessToken, renewed.accessToken);
    await tab.session.stop();
    await carl.session.logOut();
    equal(carl.ended, undefined);
    assert(anna.ended === undefined);
  },

  async embeddersGiveTokens({ boris }) {
    const { accessToken } = await boris.logIn();
    let asked = 0;
    const tokenProvider = async () => {
      asked += 1;
      return { accessToken };
    };
    const guest = new Person(BORIS);
    await guest.start({ tokenProvider });
    await guest.session.ready();
    equal(guest.state.userId, boris.state.userId);
    equal(asked, 1);
    assert(guest.state.rooms.size > 0);
    await guest.session.stop();
  },

  async logOutElsewhereEndsIt({ anna }) {
    const other = await new Person(ANNA).enter();
    const { deviceId } = other.session.credentials;
    await until(async () => (await other.storage.load()).rooms.size > 0);
    const auth = { type: "m.login.password", password: PASSWORD };
    auth.identifier = { type: "m.id.user", user: anna.state.userId };
    await anna.session.call("device.delete", { device_id: deviceId, auth });
    await until(() => other.ended);
    equal(other.ended.errcode, "M_UNKNOWN_TOKEN");
    equal(other.session.connection.status, "ended");
    await refused(other.session.call("account.whoami"), "M_UNKNOWN_TOKEN");
    equal(await other.storage.loadCredentials(), undefined);
    equal((await other.storage.load()).rooms.size, 0);
  },

  async logOutClearsEverything({ anna, boris }) {
    const tab = new Person(BORIS);
    await tab.start({ credentials: boris.session.credentials });
    await tab.session.ready();
    await boris.session.logOut();
    await until(() => tab.ended);
    equal(tab.ended.errcode, "M_UNKNOWN_TOKEN");
    equal(await boris.storage.loadCredentials(), undefined);
    equal((await boris.storage.load()).account, undefined);
    await anna.session.stop();
    equal(anna.ended, undefined);
  },
};

/** The methods of a storage, to have some of them otherwise. */
function methodsOf(storage) {
  const names = ["load", "save", "loadCredentials", "saveCredentials", "clear", "close"];
  return Object.fromEntries(names.map((name) => [name, (...all) => storage[name](...all)]));
}

await take(steps, { anna: new Person(ANNA), boris: new Person(BORIS) });
// A session that a failed step has left open would hold the process.
process.exit(0);
