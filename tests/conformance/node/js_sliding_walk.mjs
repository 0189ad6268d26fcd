// A life with matrix-js-sdk over sliding sync, encrypted from the first message.

import { SERVER, equal, sleep, take, until, wish } from "./steps.mjs";
import { sdk } from "./js_person.mjs";
import { Secretive } from "./js_secretive.mjs";

import assert from "node:assert/strict";
import { SlidingSync, SlidingSyncEvent } from "matrix-js-sdk/lib/sliding-sync.js";

const ROOM = { required_state: [["*", "*"]], timeline_limit: 10 };

/** A client that looks at the three rooms where something happened last. */
class Slider extends Secretive {
  start() {
    const list = { ...ROOM, ranges: [[0, 2]], timeline_limit: 5 };
    this.lists = new SlidingSync(SERVER, new Map([["rooms", list]]), ROOM, this.client, 20_000);
    this.lists.on(SlidingSyncEvent.Lifecycle, (state, answer, error) => {
      if (error) this.failed = error;
    });
    return super.start({ slidingSync: this.lists });
  }
}

const steps = {
  async logIn({ anna, boris }) {
    for (const person of [anna, boris]) await person.logIn();
  },

  async create(world) {
    const { anna } = world;
    const { room_id } = await anna.client.createRoom({
      name: "Slide",
      initial_state: [
        { type: "m.room.encryption", state_key: "", content: { algorithm: "m.megolm.v1.aes-sha2" } },
      ],
    });
    world.room = room_id;
    await until(() => anna.room(room_id)?.name === "Slide");
    equal(anna.room(room_id).getMyMembership(), "join");
    assert(await until(() => anna.crypto.isEncryptionEnabledInRoom(room_id)));
    equal(anna.lists.getListData("rooms"), { joinedCount: 1 });
  },

  async invite({ anna, boris, room }) {
    await anna.client.invite(room, boris.userId);
    await until(() => boris.room(room)?.getMyMembership() === "invite");
    equal(boris.room(room).name, "Slide");
  },

  async join({ anna, boris, room }) {
    await boris.client.joinRoom(room);
    await until(() => boris.room(room).getMyMembership() === "join");
    await until(() => anna.room(room).getMember(boris.userId)?.membership === "join");
    await until(() => anna.room(room).getJoinedMemberCount() === 2);
    assert(await until(() => boris.crypto.isEncryptionEnabledInRoom(room)));
  },

  async sendEncrypted({ anna, boris, room }) {
    await boris.reads(await anna.say(room, "a secret"), "a secret");
    await anna.reads(await boris.say(room, "another secret"), "another secret");
  },

  async receiveLive({ anna, boris, room }) {
    await sleep(300); // so that a request of Boris is being held
    const sent = Date.now();
    await boris.event(await anna.say(room, "live"));
    assert(Date.now() - sent < 5000);
  },

  async typing({ anna, boris, room }) {
    const typing = () => anna.room(room).getMember(boris.userId).typing;
    await boris.client.sendTyping(room, true, 20000);
    await until(typing);
    await boris.client.sendTyping(room, false, 0);
    await until(() => !typing());
  },

  async receipts({ anna, boris, room }) {
    const event = await boris.event(await anna.say(room, "read this"));
    await boris.client.sendReadReceipt(event);
    await until(() => anna.room(room).hasUserReadEvent(boris.userId, event.getId()));
  },

  async counts(world) {
    const { anna, boris } = world;
    const { room_id } = await anna.client.createRoom({ name: "In the open", invite: [boris.userId] });
    await boris.client.joinRoom(room_id);
    const here = await until(() => boris.room(room_id));
    await until(() => here.getMyMembership() === "join");
    const count = () => here.getUnreadNotificationCount(sdk.NotificationCountType.Total);
    await anna.say(room_id, "one");
    const last = await anna.say(room_id, "two, Boris", { "m.mentions": { user_ids: [boris.userId] } });
    await until(() => count() === 2);
    equal(here.getUnreadNotificationCount(sdk.NotificationCountType.Highlight), 1);
    await boris.client.sendReadReceipt(await boris.event(last));
    await until(() => count() === 0);
    world.open = room_id;
  },

  async accountData({ anna, open }) {
    await anna.client.setAccountData("org.example.color", { color: "red" });
    equal(anna.client.getAccountData("org.example.color").getContent(), { color: "red" });
    await anna.client.setRoomTag(open, "m.favourite", { order: 0.5 });
    await until(() => anna.room(open).tags["m.favourite"]?.order === 0.5);
  },

  async window({ anna, room }) {
    const rooms = [];
    for (const name of ["one", "two", "three"]) {
      rooms.push((await anna.client.createRoom({ name })).room_id);
    }
    await until(() => rooms.every((roomId) => anna.room(roomId)));
    await until(() => anna.lists.getListData("rooms").joinedCount === 5);
    const seen = new Set();
    const fresh = new Slider(anna.userId);
    await fresh.logIn();
    fresh.lists.on(SlidingSyncEvent.RoomData, (roomId) => seen.add(roomId));
    equal(fresh.lists.getListData("rooms").joinedCount, 5);
    await until(() => rooms.every((roomId) => fresh.room(roomId)));
    assert(!fresh.room(room));
    fresh.lists.setListRanges("rooms", [[0, 9]]);
    await until(() => fresh.room(room)?.name === "Slide");
    await fresh.client.logout(true);
  },

  async subscribe({ anna, boris, room }) {
    const fresh = new Slider(anna.userId);
    await fresh.logIn();
    fresh.lists.modifyRoomSubscriptions(new Set([room]));
    const here = await until(() => fresh.room(room));
    await until(() => here.getLiveTimeline().getEvents().length >= 4);
    while (here.oldState.paginationToken) await fresh.client.scrollback(here, 20);
    equal(here.getLiveTimeline().getEvents()[0].getType(), "m.room.create");
    await boris.event(await anna.say(room, "to all subscribers"));
    await until(() => here.getLiveTimeline().getEvents().at(-1).getSender() === anna.userId);
    await fresh.client.logout(true);
  },

  async comeBack({ anna, boris, room }) {
    boris.away = true;
    const ids = [];
    for (const text of ["while", "you", "were", "away"]) ids.push(await anna.say(room, text));
    boris.away = false;
    await boris.reads(ids.at(-1), "away");
    const shown = boris.room(room).getLiveTimeline().getEvents().map((event) => event.getId());
    equal(shown.slice(-4), ids);
    equal(shown.length, new Set(shown).size);
  },

  async serverRestarts({ anna, boris, room }) {
    for (const person of [anna, boris]) equal(person.failed, undefined);
    await wish("restart");
    await boris.reads(await anna.say(room, "still secret"), "still secret");
    await anna.reads(await boris.say(room, "still to both"), "still to both");
    const shown = boris.room(room).getLiveTimeline().getEvents().map((event) => event.getId());
    equal(shown.length, new Set(shown).size);
  },

  async leave({ anna, boris, open }) {
    await anna.client.kick(open, boris.userId, "enough");
    await until(() => anna.room(open).getMember(boris.userId).membership === "leave");
  },

  async logOut({ anna, boris }) {
    for (const { client } of [anna, boris]) await client.logout(true);
  },
};

const [anna, boris] = [process.env.ANNA, process.env.BORIS].map((id) => new Slider(id));
await take(steps, { anna, boris });
process.exit();
