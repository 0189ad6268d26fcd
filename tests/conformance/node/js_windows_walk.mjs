// A life with the sliding sync of matrix-js-sdk: Anna acts, Boris looks through windows.

import { equal, take, until, wish } from "./steps.mjs";

import assert from "node:assert/strict";
import { SlidingSync } from "matrix-js-sdk/lib/sliding-sync.js";
import { Person, sdk } from "./js_person.mjs";

const LIST = {
  ranges: [[0, 1]],
  timeline_limit: 1,
  required_state: [
    ["m.room.name", ""],
    ["m.room.create", ""],
    ["m.room.encryption", ""],
    ["m.room.member", "$LAZY"],
    ["m.room.member", "$ME"],
  ],
  filters: { not_room_types: ["m.space"] },
};
const OPENED = { timeline_limit: 20, required_state: [["*", "*"]] };

function texts(room) {
  const events = room.getLiveTimeline().getEvents();
  return events.map((event) => event.getContent().body).filter(Boolean);
}

const steps = {
  async logIn({ anna, boris }) {
    for (const person of [anna, boris]) await person.logIn();
    await anna.start();
  },

  async serverSaysThatItCan({ boris }) {
    assert(await boris.client.doesServerSupportUnstableFeature("org.matrix.simplified_msc3575"));
  },

  async firstWindow(world) {
    const { anna, boris } = world;
    world.rooms = [];
    for (const name of ["one", "two", "three"]) {
      const { room_id } = await anna.client.createRoom({ name, invite: [boris.userId] });
      await boris.client.joinRoom(room_id);
      for (const text of ["a", "b", "c"]) await anna.say(room_id, `${name} ${text}`);
      world.rooms.push(room_id);
    }
    const lists = new Map([["all", LIST]]);
    const base = boris.client.getHomeserverUrl();
    world.sliding = new SlidingSync(base, lists, OPENED, boris.client, 10_000);
    await boris.client.startClient({ slidingSync: world.sliding });
    await boris.synced();
    const [one, two, three] = world.rooms.map((id) => boris.room(id));
    assert(!one);
    equal(world.sliding.getListData("all").joinedCount, 3);
    equal([two.name, three.name], ["two", "three"]);
    equal(texts(three), ["three c"]);
    equal(two.getUnreadNotificationCount(), 3);
    equal(two.getJoinedMemberCount(), 2);
    assert(boris.client.getAccountData("m.push_rules"));
  },

  async growingWindow({ boris, sliding, rooms }) {
    sliding.setListRanges("all", [[0, 9]]);
    await until(() => boris.room(rooms[0]));
    equal(texts(boris.room(rooms[0])), ["one c"]);
  },

  async news({ anna, boris, rooms }) {
    const before = boris.room(rooms[1]).getBumpStamp();
    const event = await boris.event(await anna.say(rooms[1], "two d"));
    equal(event.getContent().body, "two d");
    await until(() => texts(boris.room(rooms[1])).includes("two d"));
    assert(boris.room(rooms[1]).getBumpStamp() > before);
  },

  async ownMessage({ boris, rooms }) {
    const id = await boris.say(rooms[1], "mine");
    await until(() => texts(boris.room(rooms[1])).includes("mine"));
    const echoes = boris.room(rooms[1]).getLiveTimeline().getEvents();
    equal(echoes.filter((event) => event.getId() === id).length, 1);
  },

  async openedRoom({ boris, sliding, rooms }) {
    sliding.modifyRoomSubscriptions(new Set([rooms[2]]));
    await until(() => texts(boris.room(rooms[2])).length === 3);
    equal(texts(boris.room(rooms[2])), ["three a", "three b", "three c"]);
    assert(boris.room(rooms[2]).currentState.getStateEvents("m.room.power_levels", ""));
  },

  async olderHistory({ boris, rooms }) {
    const room = boris.room(rooms[0]);
    await boris.client.scrollback(room, 50);
    equal(texts(room).slice(-3), ["one a", "one b", "one c"]);
  },

  async typing({ anna, boris, rooms }) {
    await anna.client.sendTyping(rooms[0], true, 10_000);
    await until(() => boris.room(rooms[0]).getMember(anna.userId)?.typing);
  },

  async receipts({ anna, boris, rooms }) {
    const last = boris.room(rooms[1]).getLiveTimeline().getEvents().at(-1);
    await anna.client.sendReadReceipt(last);
    await until(() => boris.room(rooms[1]).hasUserReadEvent(anna.userId, last.getId()));
    await boris.client.sendReadReceipt(last);
    await until(() => boris.room(rooms[1]).getUnreadNotificationCount() === 0);
  },

  async roomName({ anna, boris, rooms }) {
    await anna.client.setRoomName(rooms[0], "renamed");
    await until(() => boris.room(rooms[0]).name === "renamed");
  },

  async accountData({ boris, rooms }) {
    await boris.client.setRoomTag(rooms[0], "m.favourite", { order: 0.5 });
    await until(() => boris.room(rooms[0]).tags["m.favourite"]);
    await boris.client.setAccountDataRaw("org.example.a", { a: 1 });
    await until(() => boris.client.getAccountData("org.example.a"));
  },

  async toDevice({ anna, boris }) {
    const got = [];
    boris.client.on(sdk.ClientEvent.ToDeviceEvent, (event) => got.push(event.getContent()));
    const content = new Map([[boris.userId, new Map([[boris.deviceId, { b: 2 }]])]]);
    await anna.client.sendToDevice("org.example.b", content);
    await until(() => got.length);
    equal(got, [{ b: 2 }]);
  },

  async invitation({ anna, boris }) {
    const invite = [boris.userId];
    const { room_id } = await anna.client.createRoom({ name: "four", invite });
    const room = await until(() => boris.room(room_id));
    await until(() => room.getMyMembership() === "invite");
    equal(room.name, "four");
    await boris.client.joinRoom(room_id);
    await until(() => room.getMyMembership() === "join");
  },

  async restart({ anna, boris, rooms }) {
    await wish("restart");
    await until(async () => await anna.say(rooms[0], "after").catch(() => null));
    await until(() => texts(boris.room(rooms[0])).includes("after"));
    equal(boris.client.getSyncState(), "SYNCING");
  },
};

const [anna, boris] = [process.env.ANNA, process.env.BORIS].map((id) => new Person(id));
await take(steps, { anna, boris });
process.exit();
