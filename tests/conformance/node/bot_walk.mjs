// A life with matrix-bot-sdk: Anna does most of it, Boris hears of it.

import "./without_crypto.mjs";
import { PASSWORD, SERVER, equal, png, refused, sleep, take, until } from "./steps.mjs";

import assert from "node:assert/strict";

const bots = await import("matrix-bot-sdk");
bots.LogService.setLevel(bots.LogLevel.WARN);

const HEARD = [
  "account_data",
  "room.account_data",
  "room.archived",
  "room.event",
  "room.invite",
  "room.join",
  "room.leave",
  "room.message",
  "room.upgraded",
];

/** A bot, and everything that came to it. */
class Person {
  constructor(userId) {
    this.userId = userId;
    this.heard = [];
  }

  async logIn() {
    this.client = await new bots.MatrixAuth(SERVER).passwordLogin(this.userId, PASSWORD, "bot");
    for (const name of HEARD) {
      this.client.on(name, (...told) => this.heard.push([name, ...told]));
    }
  }

  hears(name, which) {
    return until(() => this.heard.find(([kind, ...told]) => kind === name && which(...told)))
      .then(([, ...told]) => told);
  }

  async event(eventId) {
    return (await this.hears("room.event", (_, event) => event.event_id === eventId))[1];
  }

  /** A call that the library has no method for, by its own HTTP. */
  raw(method, path, body, query) {
    return this.client.doRequest(method, "/_matrix/client/v3" + path, query, body);
  }
}

const steps = {
  async logIn({ anna, boris }) {
    for (const person of [anna, boris]) {
      await person.logIn();
      assert(person.client.accessToken);
    }
  },

  async wrongPassword({ anna }) {
    await refused(new bots.MatrixAuth(SERVER).passwordLogin(anna.userId, "wrong"), "M_FORBIDDEN");
  },

  async whoami({ anna }) {
    const answer = await anna.client.getWhoAmI();
    equal(answer.user_id, anna.userId);
    assert(answer.device_id);
    equal(await anna.client.getUserId(), anna.userId);
  },

  async versions({ anna }) {
    assert(await anna.client.doesServerSupportVersion("v1.11"));
    equal(await anna.client.doesServerSupportUnstableFeature("org.example.none"), false);
  },

  async start({ anna, boris }) {
    for (const person of [anna, boris]) await person.client.start({ room: { timeline: { limit: 20 } } });
    equal(await anna.client.getJoinedRooms(), []);
  },

  async profile({ anna, boris }) {
    await anna.client.setDisplayName("Анна");
    await anna.client.setAvatarUrl("mxc://localhost/anna");
    const profile = await boris.client.getUserProfile(anna.userId);
    equal(profile, { displayname: "Анна", avatar_url: "mxc://localhost/anna" });
  },

  async create(world) {
    const { anna } = world;
    world.room = await anna.client.createRoom({
      name: "Walk",
      topic: "Where bots go",
      preset: "private_chat",
      initial_state: [
        {
          type: "m.room.history_visibility",
          state_key: "",
          content: { history_visibility: "shared" },
        },
      ],
    });
    await anna.hears("room.join", (roomId) => roomId === world.room);
    equal(await anna.client.getJoinedRooms(), [world.room]);
    equal(await anna.client.getRoomStateEvent(world.room, "m.room.name", ""), { name: "Walk" });
  },

  async joinByItself(world) {
    const { anna, boris, room } = world;
    bots.AutojoinRoomsMixin.setupOnClient(boris.client);
    await anna.client.inviteUser(boris.userId, room);
    const [, invite] = await boris.hears("room.invite", (roomId) => roomId === room);
    equal(invite.sender, anna.userId);
    await boris.hears("room.join", (roomId) => roomId === room);
    const joined = await boris.client.getJoinedRoomMembersWithProfiles(room);
    equal(Object.keys(joined).sort(), [anna.userId, boris.userId].sort());
    equal(joined[anna.userId].display_name, "Анна");
  },

  async members({ anna, boris, room }) {
    equal((await boris.client.getJoinedRoomMembers(room)).sort(), [anna.userId, boris.userId].sort());
    const all = await boris.client.getAllRoomMembers(room);
    equal(all.map((member) => member.effectiveMembership), ["join", "join"]);
    equal(await boris.client.getRoomMembersByMembership(room, "ban"), []);
  },

  async send(world) {
    const { anna, boris, room } = world;
    world.first = await anna.client.sendText(room, "first");
    const event = await boris.event(world.first);
    equal([event.sender, event.content], [anna.userId, { body: "first", msgtype: "m.text" }]);
    await boris.hears("room.message", (roomId, event) => event.event_id === world.first);
    const notice = await anna.client.sendHtmlNotice(room, "<b>bold</b>");
    equal((await boris.event(notice)).content.formatted_body, "<b>bold</b>");
  },

  async receiveLive({ anna, boris, room }) {
    await sleep(300); // so that a request of Boris is being held
    const sent = Date.now();
    await boris.event(await anna.client.sendText(room, "live"));
    assert(Date.now() - sent < 5000);
  },

  async answer({ anna, boris, room }) {
    const answered = boris.hears("room.message", (_, event) => event.content.body === "!ping");
    const question = await anna.client.sendText(room, "!ping");
    const [roomId, event] = await answered;
    const reply = await anna.event(await boris.client.replyNotice(roomId, event, "pong"));
    equal(reply.content["m.relates_to"], { "m.in_reply_to": { event_id: question } });
    equal(reply.content.msgtype, "m.notice");
  },

  async edit({ anna, boris, room, first }) {
    const edit = await anna.client.sendMessage(room, {
      msgtype: "m.text",
      body: "* second",
      "m.new_content": { msgtype: "m.text", body: "second" },
      "m.relates_to": { rel_type: "m.replace", event_id: first },
    });
    equal((await boris.event(edit)).content.body, "* second");
    const event = await boris.client.getEvent(room, first);
    equal(event.unsigned["m.relations"]["m.replace"].event_id, edit);
  },

  async react({ anna, boris, room, first }) {
    const reaction = await boris.client.unstableApis.addReactionToEvent(room, first, "👍");
    equal((await anna.event(reaction)).content["m.relates_to"].key, "👍");
    const again = boris.client.unstableApis.addReactionToEvent(room, first, "👍");
    await refused(again, "M_DUPLICATE_ANNOTATION");
    const { chunk } = await anna.client.getRelationsForEvent(room, first, "m.annotation", "m.reaction");
    equal(chunk.map((event) => event.event_id), [reaction]);
    equal((await anna.client.getRelationsForEvent(room, first, "m.annotation")).chunk.length, 1);
    equal((await anna.client.getRelationsForEvent(room, first)).chunk.length, 2);
  },

  async thread({ anna, boris, room }) {
    const root = await anna.client.sendText(room, "what about lunch?");
    const reply = await boris.client.sendMessage(room, {
      msgtype: "m.text",
      body: "noon",
      "m.relates_to": { rel_type: "m.thread", event_id: root },
    });
    await anna.event(reply);
    const bundled = (await anna.client.getEvent(room, root)).unsigned["m.relations"]["m.thread"];
    equal([bundled.count, bundled.latest_event.event_id], [1, reply]);
  },

  async redact({ anna, boris, room }) {
    const slip = await anna.client.sendText(room, "a slip");
    const redaction = await anna.client.redactEvent(room, slip, "typo");
    const seen = await boris.event(redaction);
    equal([seen.redacts ?? seen.content.redacts, seen.content.reason], [slip, "typo"]);
    const event = await boris.client.getEvent(room, slip);
    equal([event.content, event.unsigned.redacted_because.event_id], [{}, redaction]);
  },

  async receipts({ anna, boris, room }) {
    const eventId = await anna.client.sendText(room, "three");
    await boris.client.sendReadReceipt(room, eventId);
    const receipts = async () => {
      const { rooms } = await anna.raw("GET", "/sync");
      const [receipt] = rooms.join[room].ephemeral.events.filter((event) => event.type === "m.receipt");
      return receipt?.content[eventId]?.["m.read"][boris.userId];
    };
    assert((await until(receipts)).ts);
  },

  async typing({ anna, boris, room }) {
    const typing = async () => {
      const { rooms } = await anna.raw("GET", "/sync");
      const found = rooms.join[room].ephemeral.events.find((event) => event.type === "m.typing");
      return (found?.content.user_ids ?? []).includes(boris.userId);
    };
    await boris.client.setTyping(room, true, 20000);
    await until(typing);
    await boris.client.setTyping(room, false);
    await until(async () => !(await typing()));
  },

  async presence({ anna, boris }) {
    boris.client.syncingPresence = "unavailable";
    await boris.client.setPresenceStatus("unavailable", "at lunch");
    const seen = await anna.client.getPresenceStatusFor(boris.userId);
    equal(seen.statusMessage, "at lunch");
    assert((await boris.client.getPresenceStatus()).state);
  },

  async pageBack({ anna, boris, room }) {
    const texts = Array.from({ length: 12 }, (_, number) => `page ${number}`);
    for (const text of texts) await anna.client.sendText(room, text);
    const path = `/rooms/${encodeURIComponent(room)}/messages`;
    const found = [];
    let from;
    do {
      const page = await boris.raw("GET", path, null, { dir: "b", limit: 7, ...(from && { from }) });
      found.push(...page.chunk);
      from = page.end;
    } while (from);
    equal(found.slice(0, 12).map((event) => event.content.body), texts.toReversed());
    equal(found.at(-1).type, "m.room.create");
  },

  async context({ boris, room, first }) {
    const context = await boris.client.getEventContext(room, first, 4);
    equal(context.event.eventId, first);
    equal(context.before.length + context.after.length, 4);
    assert(context.state.length);
  },

  async nameAndTopic({ anna, boris, room }) {
    const named = await anna.client.sendStateEvent(room, "m.room.name", "", { name: "A longer walk" });
    equal((await boris.event(named)).content, { name: "A longer walk" });
    await anna.client.sendStateEvent(room, "m.room.topic", "", { topic: "Uphill" });
    const types = (await boris.client.getRoomState(room)).map((event) => event.type);
    assert(types.includes("m.room.create") && types.includes("m.room.topic"));
  },

  async powerLevels({ anna, boris, room }) {
    const { client } = boris;
    await refused(client.sendStateEvent(room, "m.room.name", "", { name: "Mine" }), "M_FORBIDDEN");
    assert(!(await client.userHasPowerLevelFor(boris.userId, room, "m.room.name", true)));
    await anna.client.setUserPowerLevel(boris.userId, room, 50);
    assert(await client.userHasPowerLevelFor(boris.userId, room, "m.room.name", true));
    assert(await client.userHasPowerLevelForAction(boris.userId, room, bots.PowerLevelAction.Kick));
    await client.sendStateEvent(room, "m.room.name", "", { name: "Ours" });
  },

  async kick({ anna, boris, room }) {
    await anna.client.kickUser(boris.userId, room, "a break");
    const [, leave] = await boris.hears("room.leave", (roomId) => roomId === room);
    equal([leave.sender, leave.content.reason], [anna.userId, "a break"]);
    await refused(boris.client.sendText(room, "from outside"), "M_FORBIDDEN");
  },

  async banAndUnban({ anna, boris, room }) {
    await anna.client.banUser(boris.userId, room, "enough");
    await boris.hears("room.leave", (_, event) => event.content.membership === "ban");
    await refused(anna.client.inviteUser(boris.userId, room), "M_FORBIDDEN");
    const banned = await anna.client.getRoomMembersByMembership(room, "ban");
    equal(banned.map((member) => member.membershipFor), [boris.userId]);
    await anna.client.unbanUser(boris.userId, room);
    await anna.client.inviteUser(boris.userId, room);
    await until(async () => (await boris.client.getJoinedRooms()).includes(room));
    await boris.event(await anna.client.sendText(room, "welcome back"));
  },

  async uploadAndDownload({ anna, boris, room }) {
    const picture = png(640, 480);
    const url = await anna.client.uploadContent(picture, "image/png", "red.png");
    const content = { msgtype: "m.image", body: "red.png", url };
    const event = await boris.event(await anna.client.sendMessage(room, content));
    const file = await boris.client.downloadContent(event.content.url);
    equal(file.contentType, "image/png");
    assert(file.data.equals(picture));
  },

  async aliases({ anna, boris, room, server }) {
    const alias = `#bots:${server}`;
    await anna.client.createRoomAlias(alias, room);
    equal((await boris.client.lookupRoomAlias(alias)).roomId, room);
    equal(await boris.client.resolveRoom(alias), room);
    await anna.client.sendStateEvent(room, "m.room.canonical_alias", "", { alias });
    equal(await boris.client.getPublishedAlias(room), alias);
    await anna.client.sendStateEvent(room, "m.room.canonical_alias", "", {});
    await anna.client.deleteRoomAlias(alias);
    await refused(boris.client.lookupRoomAlias(alias), "M_NOT_FOUND");
  },

  async directory({ anna, boris, room }) {
    await anna.client.setDirectoryVisibility(room, "public");
    equal(await boris.client.getDirectoryVisibility(room), "public");
    await anna.client.setDirectoryVisibility(room, "private");
  },

  async accountData({ anna, room }) {
    await anna.client.setAccountData("org.example.color", { color: "red" });
    await anna.hears("account_data", (event) => event.content.color === "red");
    equal(await anna.client.getAccountData("org.example.color"), { color: "red" });
    equal(await anna.client.getSafeAccountData("org.example.none", null), null);
    await anna.client.setRoomAccountData("org.example.size", room, { size: 3 });
    await anna.hears("room.account_data", (roomId, event) => event.content.size === 3);
    equal(await anna.client.getRoomAccountData("org.example.size", room), { size: 3 });
  },

  async directChat({ anna, boris }) {
    const room = await anna.client.dms.getOrCreateDm(boris.userId);
    await boris.hears("room.join", (roomId) => roomId === room);
    await anna.client.dms.update();
    equal(await anna.client.dms.getOrCreateDm(boris.userId), room);
    assert(anna.client.dms.isDm(room));
    await boris.client.leaveRoom(room);
  },

  async space({ anna, boris, room }) {
    const space = await anna.client.createSpace({ name: "Space", isPublic: false, invites: [boris.userId] });
    await space.addChildRoom(room, { suggested: true });
    const children = await space.getChildEntities();
    equal(Object.keys(children), [room]);
    equal(children[room].suggested, true);
    await boris.hears("room.join", (roomId) => roomId === space.roomId);
    equal((await boris.client.getSpace(space.roomId)).roomId, space.roomId);
    await boris.client.leaveRoom(space.roomId);
  },

  async toDevice({ anna, boris }) {
    const { device_id } = await boris.client.getWhoAmI();
    await anna.client.sendToDevices("org.example.ping", { [boris.userId]: { [device_id]: { n: 1 } } });
  },

  async devices({ anna }) {
    const { device_id } = await anna.client.getWhoAmI();
    equal((await anna.client.getOwnDevices()).map((device) => device.device_id), [device_id]);
  },

  async upgrade({ anna, boris }) {
    bots.AutojoinUpgradedRoomsMixin.setupOnClient(boris.client);
    const old = await anna.client.createRoom({ name: "Old", preset: "public_chat", invite: [boris.userId] });
    await boris.hears("room.join", (roomId) => roomId === old);
    const path = `/rooms/${encodeURIComponent(old)}/upgrade`;
    const { replacement_room } = await anna.raw("POST", path, { new_version: "11" });
    await boris.hears("room.archived", (roomId) => roomId === old);
    await boris.hears("room.join", (roomId) => roomId === replacement_room);
    const history = await boris.client.getRoomUpgradeHistory(replacement_room);
    equal(history.previous.map((room) => room.roomId), [old]);
    for (const room of [old, replacement_room]) await boris.client.leaveRoom(room);
  },

  async leave({ boris, room }) {
    await boris.client.leaveRoom(room, "homeward");
    const [, leave] = await boris.hears("room.leave", (_, event) => event.content.reason === "homeward");
    equal(leave.sender, boris.userId);
    equal(await boris.client.getJoinedRooms(), []);
    await boris.client.forgetRoom(room);
  },

  async logOut({ anna, boris }) {
    for (const person of [anna, boris]) {
      person.client.stop();
      await person.raw("POST", "/logout", {});
      await refused(person.client.getWhoAmI(), "M_UNKNOWN_TOKEN");
    }
  },
};

const [anna, boris] = [process.env.ANNA, process.env.BORIS].map((id) => new Person(id));
await take(steps, { anna, boris, server: anna.userId.replace(/^[^:]*:/, "") });
process.exit();
