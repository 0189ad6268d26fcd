// Sessions whose server and clock are the test: what is sent when, and what is stored.

import assert from "node:assert/strict";

import { Disconnected } from "../../../reference_server/ui/chatproto/errors.js";
import { Session } from "../../../reference_server/ui/chatproto/session.js";
import { MemoryStorage } from "../../../reference_server/ui/chatproto/storage.js";
import { equal, refused, take, until } from "../../conformance/node/steps.mjs";
import { FakeClock, fakeSockets, settled } from "./fakes.mjs";

const ROOM = "!r:localhost";
const PROOF = {
  server: "http://localhost:1",
  userId: "@anna:localhost",
  deviceId: "D",
  accessToken: "t1",
};

/** A storage that several tabs share, as those of a browser do. */
class SharedStorage extends MemoryStorage {
  saves = [];

  constructor(name = `shared ${crypto.randomUUID()}`) {
    super();
    this.name = name;
  }

  async save(change) {
    if (this.isFull) throw new Error("full");
    this.saves.push(change);
    await super.save(change);
  }
}

/** What a server answers that knows nobody: the client has only its socket. */
const nobody = async () => new Response('{"errcode":"M_UNKNOWN_TOKEN"}', { status: 401 });

async function tab({ storage = new SharedStorage(), clock = new FakeClock(), ...options } = {}) {
  const sockets = fakeSockets();
  const session = new Session({
    server: PROOF.server,
    credentials: PROOF,
    storage,
    clock,
    random: () => 1,
    WebSocket: sockets.WebSocket,
    fetch: nobody,
    ...options,
  });
  const world = { session, sockets, storage, clock, changes: [], ended: undefined };
  session.addEventListener("changes", ({ detail }) => world.changes.push(...detail));
  session.addEventListener("ended", ({ detail }) => (world.ended = detail));
  await session.start();
  return world;
}

/** A tab that is connected and has a room. */
async function openTab(options) {
  const world = await tab(options);
  connect(world);
  world.sockets.last().say({ push: [{ sync: snapshot() }], at: "s5_0_b" });
  await settled();
  return world;
}

function connect({ sockets }) {
  sockets.last().welcome();
}

function message(seq, body) {
  return {
    type: "m.room.message",
    event_id: `$${seq}`,
    room_id: ROOM,
    sender: "@boris:localhost",
    origin_server_ts: seq,
    content: { msgtype: "m.text", body },
    unsigned: { "org.chatproto.seq": seq, "org.chatproto.pos": seq },
  };
}

function snapshot() {
  const timeline = { events: [message(5, "hello")], limited: true, prev_batch: "t4" };
  const about = { initial: true, bump: 5, joined_seq: 3, read_seq: 4, through: 5 };
  const room = { timeline, state_after: { events: [] }, "org.chatproto.room": about };
  return { next_batch: "s5_0_b", rooms: { join: { [ROOM]: room } } };
}

function push({ sockets }, seq, body) {
  sockets.last().say({ push: [{ event: message(seq, body) }], at: `s${seq}_0_b` });
}

function say({ session }, body) {
  return session.send(ROOM, "m.room.message", { msgtype: "m.text", body });
}

/** The calls of sending that have come to the server, as `[id, body]`. */
function heard({ sockets }) {
  const calls = sockets.last().frames("do").filter((frame) => frame.do === "room.send");
  return calls.map((frame) => [frame.id, frame.with.content.body]);
}

function refuse({ sockets }, id, errcode, more = {}) {
  sockets.last().say({ re: id, err: { errcode, error: "no", ...more } });
}

function store({ sockets }, id, seq) {
  sockets.last().say({ re: id, ok: { event_id: `$${seq}`, "org.chatproto.seq": seq } });
}

const bodies = (world) => heard(world).map(([, body]) => body);
const roomsOf = async (storage) => [...(await storage.load()).rooms.keys()];
const gone = (world) => world.session.stop();

const steps = {
  async oneMessageAtATimeGoesToARoom() {
    const world = await openTab();
    for (const body of ["one", "two"]) say(world, body);
    equal(bodies(world), ["one"]);
    store(world, heard(world)[0][0], 6);
    await settled();
    equal(bodies(world), ["one", "two"]);
    await gone(world);
  },

  async tooFastWaitsAsLongAsItIsTold() {
    const world = await openTab();
    const { sent, txnId } = say(world, "one");
    say(world, "two");
    refuse(world, heard(world)[0][0], "M_LIMIT_EXCEEDED", { retry_after_ms: 2_500 });
    await world.clock.pass(2_499);
    equal(bodies(world), ["one"]);
    await world.clock.pass(1);
    equal(bodies(world), ["one", "one"]);
    const [first, second] = world.sockets.last().frames("do").filter((f) => f.do === "room.send");
    equal([first.with.txn_id, second.with.txn_id], [txnId, txnId]);
    store(world, second.id, 6);
    equal(await sent, "$6");
    equal(bodies(world), ["one", "one", "two"]);
    await gone(world);
  },

  async aServerThatCannotStoreIsAskedAgain() {
    const world = await openTab();
    say(world, "one");
    refuse(world, heard(world)[0][0], "M_UNAVAILABLE");
    await world.clock.pass(3_000);
    equal(bodies(world), ["one", "one"]);
    await gone(world);
  },

  async waitingToTryAgainEndsWithTheConnection() {
    const world = await openTab();
    say(world, "one");
    refuse(world, heard(world)[0][0], "M_LIMIT_EXCEEDED", { retry_after_ms: 5_000 });
    await settled();
    world.sockets.last().hangUp(1012);
    await world.clock.pass(500);
    connect(world);
    await world.clock.pass(20_000);
    equal(bodies(world), ["one"]);
    await gone(world);
  },

  async whatWasOnItsWayIsSentAgain() {
    const world = await openTab();
    const { txnId, sent } = say(world, "one");
    const lost = world.sockets.last().frames("do").find((f) => f.do === "room.send");
    world.sockets.last().hangUp(1006);
    equal(world.session.state.outbox.get(txnId).status, "waiting");
    world.session.retryNow();
    connect(world);
    await settled();
    const again = world.sockets.last().frames("do").find((f) => f.do === "room.send");
    equal(again.with, lost.with);
    store(world, again.id, 6);
    equal(await sent, "$6");
    await gone(world);
  },

  async anAnswerThatNamesNoEventIsAFailure() {
    const world = await openTab();
    const { sent } = say(world, "one");
    world.sockets.last().say({ re: heard(world)[0][0], ok: 5 });
    await refused(sent, "M_UNKNOWN");
    await gone(world);
  },

  async callsWaitForAConnection() {
    const world = await tab();
    const answer = world.session.call("room.members", { room_id: ROOM });
    world.sockets.last().hangUp(1006);
    world.session.retryNow();
    connect(world);
    await settled();
    const asked = () => world.sockets.last().frames("do").find((f) => f.do === "room.members");
    assert(asked());
    // A question that was cut off is asked again; it does no harm.
    world.sockets.last().hangUp(1006);
    world.session.retryNow();
    connect(world);
    await settled();
    world.sockets.last().say({ re: asked().id, ok: { chunk: [] } });
    equal(await answer, { chunk: [] });
    await gone(world);
  },

  async callsWaitNoLongerThanTheyMay() {
    const world = await tab();
    const answer = world.session.call("room.members", {}, { timeoutMs: 3_000 });
    const isLate = assert.rejects(answer, Disconnected);
    await world.clock.pass(3_000);
    await isLate;
    await gone(world);
  },

  async oneFrameIsOneEvent() {
    const world = await openTab();
    let told = 0;
    world.session.addEventListener("changes", () => (told += 1));
    const events = [6, 7, 8].map((seq) => ({ event: message(seq, `n${seq}`) }));
    world.sockets.last().say({ push: events, at: "s8_0_b" });
    equal(told, 1);
    await gone(world);
  },

  async storesALittleLaterAndAllAtOnce() {
    const world = await openTab();
    const { storage, clock } = world;
    for (let seq = 6; seq < 9; seq += 1) push(world, seq, `n${seq}`);
    equal(storage.saves.length, 0);
    await clock.pass(1_000);
    equal(storage.saves.length, 1);
    const { account, rooms } = await storage.load();
    equal(account.position, "s8_0_b");
    equal(rooms.get(ROOM).events.map((e) => e.content.body), ["hello", "n6", "n7", "n8"]);
    await clock.pass(60_000 - 1_000);
    equal(storage.saves.length, 1);
    await gone(world);
  },

  async storesAtOnceWhenTold() {
    const world = await openTab();
    push(world, 6, "n6");
    await world.session.flush();
    equal((await world.storage.load()).account.position, "s6_0_b");
    await gone(world);
  },

  async messagesAreStoredAtOnce() {
    const world = await openTab();
    say(world, "one");
    await settled();
    const [[entry]] = [...(await world.storage.load()).outbox.values()];
    equal(entry.content.body, "one");
    store(world, heard(world)[0][0], 5);
    await settled();
    equal((await world.storage.load()).outbox.size, 0);
    await gone(world);
  },

  async aFullStorageHindersNobody() {
    const world = await openTab();
    world.storage.isFull = true;
    push(world, 6, "n6");
    world.session.setDraft(ROOM, { body: "draft" });
    await world.clock.pass(1_000);
    world.storage.isFull = false;
    push(world, 7, "n7");
    await world.clock.pass(1_000);
    const { rooms, drafts } = await world.storage.load();
    equal(rooms.get(ROOM).events.length, 3);
    equal(drafts.get(ROOM), { body: "draft" });
    await gone(world);
  },

  async aStorageThatDoesNotWorkIsDoneWithout() {
    const storage = new SharedStorage();
    storage.load = async () => {
      throw new Error("not here");
    };
    const world = await openTab({ storage });
    equal(world.session.state.rooms.size, 1);
    await gone(world);
  },

  async partOfASnapshotIsNotStored() {
    const world = await tab();
    connect(world);
    world.sockets.last().say({ push: [{ sync: { rooms: snapshot().rooms } }] });
    await world.clock.pass(1_000);
    equal(await roomsOf(world.storage), []);
    equal(world.session.state.rooms.size, 1);
    // What comes after a reconnect begins from nothing.
    world.sockets.last().hangUp(1006);
    world.session.retryNow();
    connect(world);
    equal(world.session.state.rooms.size, 0);
    assert(world.changes.some(({ kind }) => kind === "resynced"));
    await gone(world);
  },

  async aResyncForgetsTheRooms() {
    const world = await openTab();
    await world.session.flush();
    world.sockets.last().say({ resync: { reason: "too old" } });
    equal([world.session.state.rooms.size, world.session.state.position], [0, null]);
    world.sockets.last().say({ push: [{ sync: { rooms: {} } }], at: "s9_0_b" });
    await world.session.flush();
    equal(await roomsOf(world.storage), []);
    equal((await world.storage.load()).account.position, "s9_0_b");
    await gone(world);
  },

  async oneTabWritesAndAnotherTakesOver() {
    const storage = new SharedStorage();
    const first = await openTab({ storage });
    const second = await openTab({ storage });
    push(second, 6, "n6");
    await second.clock.pass(1_000);
    equal(storage.saves.length, 0);
    await gone(first);
    equal((await storage.load()).account.position, "s5_0_b");
    await settled();
    await second.clock.pass(1_000);
    equal((await storage.load()).account.position, "s6_0_b");
    await gone(second);
  },

  async messagesOfATabThatLivesAreLeftToIt() {
    const storage = new SharedStorage();
    const first = await openTab({ storage });
    first.sockets.last().hangUp(1006);
    const { txnId } = say(first, "mine");
    await settled();
    const second = await openTab({ storage });
    equal(second.session.state.outbox.get(txnId) ?? null, null);
    await gone(first);
    const third = await openTab({ storage });
    equal(third.session.state.outbox.get(txnId).content.body, "mine");
    equal(bodies(third), ["mine"]);
    equal((await storage.load()).outbox.size, 1);
    await gone(second);
    await gone(third);
  },

  async draftsOfAllTabsAreStored() {
    const storage = new SharedStorage();
    const [first, second] = [await openTab({ storage }), await openTab({ storage })];
    first.session.setDraft("!a", { body: "a" });
    second.session.setDraft("!b", { body: "b" });
    await gone(first);
    await gone(second);
    const third = await tab({ storage });
    equal([...third.session.state.drafts.keys()].sort(), ["!a", "!b"]);
    third.session.setDraft("!a", null);
    await gone(third);
    equal([...(await storage.load()).drafts.keys()], ["!b"]);
  },

  async anotherAccountFindsNothing() {
    const storage = new SharedStorage();
    await gone(await openTab({ storage }));
    const boris = { ...PROOF, userId: "@boris:localhost", deviceId: "E" };
    const world = await tab({ storage, credentials: boris });
    equal(world.session.state.rooms.size, 0);
    equal(await roomsOf(storage), []);
    await gone(world);
  },

  async anotherLogInIsNotTakenAway() {
    const storage = new SharedStorage();
    const world = await openTab({ storage });
    const boris = { ...PROOF, userId: "@boris:localhost", deviceId: "E" };
    await storage.saveCredentials(boris);
    world.sockets.last().hangUp(4401);
    await until(() => world.ended);
    equal(world.ended.errcode, "M_UNKNOWN_TOKEN");
    equal(await storage.loadCredentials(), boris);
  },

  async somebodyElsesTokenEndsIt() {
    const world = await tab();
    world.sockets.last().welcome({ user_id: "@boris:localhost" });
    await until(() => world.ended);
    equal(world.ended.errcode, "M_FORBIDDEN");
    assert(world.sockets.last().isClosed);
    equal((await world.storage.loadCredentials()).userId, PROOF.userId);
  },

  async aLockedAccountKeepsWhatItHas() {
    const locked = '{"errcode":"M_USER_LOCKED","error":"locked","soft_logout":true}';
    const fetch = async () => new Response(locked, { status: 401 });
    const world = await openTab({ fetch });
    await world.session.flush();
    world.sockets.last().hangUp(4401);
    await until(() => world.ended);
    equal(world.ended.errcode, "M_USER_LOCKED");
    equal(await roomsOf(world.storage), [ROOM]);
  },

  async typingIsNotSaidLater() {
    const world = await openTab();
    world.sockets.last().hangUp(1006);
    world.session.typing(ROOM, true);
    world.session.retryNow();
    connect(world);
    await world.clock.pass(10_000);
    equal(world.sockets.last().frames("do").filter((f) => f.do === "typing.set"), []);
    await gone(world);
  },

  async othersTypingEnds() {
    const world = await openTab();
    const typing = { room_id: ROOM, user_ids: ["@boris:localhost"] };
    world.sockets.last().say({ push: [{ typing }], at: "s5_1_b" });
    const isTyping = () => world.changes.filter((c) => c.kind === "typing").map((c) => c.userIds);
    equal(isTyping(), [["@boris:localhost"]]);
    await world.clock.pass(60_000);
    equal(isTyping(), [["@boris:localhost"], []]);
    await gone(world);
  },

  async logOutWithoutAConnectionClearsAllTheSame() {
    const fetch = async () => {
      throw new TypeError("no network");
    };
    const world = await openTab({ fetch });
    await world.session.flush();
    await assert.rejects(world.session.logOut(), Disconnected);
    equal(await world.storage.loadCredentials(), undefined);
    equal(await roomsOf(world.storage), []);
  },
};

await take(steps, {});
