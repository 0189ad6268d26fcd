// A bridge made with matrix-bot-sdk, and Boris, who talks to the people behind it.

import "./without_crypto.mjs";
import { PASSWORD, SERVER, equal, refused, take, until, wish } from "./steps.mjs";

import assert from "node:assert/strict";

const bots = await import("matrix-bot-sdk");
bots.LogService.setLevel(bots.LogLevel.WARN);

const HEARD = ["room.event", "room.invite", "room.join", "room.leave", "room.message", "ephemeral.event"];

/** The bridge, and everything that it was told and asked. */
class Bridge {
  constructor(registration, port) {
    this.heard = [];
    this.service = new bots.Appservice({
      port,
      bindAddress: "127.0.0.1",
      homeserverName: "localhost",
      homeserverUrl: SERVER,
      registration,
    });
    for (const name of HEARD) {
      this.service.on(name, (...told) => this.heard.push([name, ...told]));
    }
    this.service.on("query.user", (userId, make) => make({ display_name: `Ghost ${userId}` }));
    this.service.on("query.room", (alias, make) => make({ name: "Made when asked for", preset: "public_chat" }));
  }

  hears(name, which) {
    return until(() => this.heard.find(([kind, ...told]) => kind === name && which(...told)));
  }

  message(body) {
    return this.hears("room.message", (_, event) => event.content.body === body);
  }
}

const steps = {
  async begin({ bridge }) {
    await bridge.service.begin();
    equal((await bridge.service.botClient.getWhoAmI()).user_id, bridge.service.botUserId);
  },

  async registerGhost(world) {
    const { bridge } = world;
    world.ghost = bridge.service.getIntentForSuffix("ann");
    await world.ghost.ensureRegistered();
    await world.ghost.underlyingClient.setDisplayName("Ann, from afar");
    equal((await world.ghost.underlyingClient.getWhoAmI()).user_id, world.ghost.userId);
    const profile = await bridge.service.botClient.getUserProfile(world.ghost.userId);
    equal(profile.displayname, "Ann, from afar");
  },

  async namesAreTheBridges({ boris }) {
    boris.client = await new bots.MatrixAuth(SERVER).passwordLogin(boris.userId, PASSWORD);
    const wanted = { username: "fake_mine", password: PASSWORD };
    const register = new bots.MatrixClient(SERVER, "").doRequest("POST", "/_matrix/client/v3/register", null, wanted);
    await refused(register, "M_EXCLUSIVE");
    const room = await boris.client.createRoom();
    await refused(boris.client.createRoomAlias("#fake_mine:localhost", room), "M_EXCLUSIVE");
  },

  async inviteGhost(world) {
    const { boris, bridge, ghost } = world;
    world.room = await boris.client.createRoom({ name: "Bridged", invite: [ghost.userId] });
    await bridge.hears("room.invite", (roomId, event) => event.state_key === ghost.userId);
    await ghost.joinRoom(world.room);
    await bridge.hears("room.join", (roomId, event) => event.state_key === ghost.userId);
    equal((await boris.client.getJoinedRoomMembers(world.room)).sort(), [boris.userId, ghost.userId].sort());
  },

  async sendBothWays({ boris, bridge, ghost, room }) {
    const eventId = await boris.client.sendText(room, "to afar");
    const [, roomId, event] = await bridge.message("to afar");
    equal([roomId, event.event_id, event.sender], [room, eventId, boris.userId]);
    const answer = await boris.client.getEvent(room, await ghost.sendText(room, "from afar"));
    equal([answer.sender, answer.content.body], [ghost.userId, "from afar"]);
  },

  async hearEphemeral({ boris, bridge, ghost, room }) {
    const eventId = await ghost.sendText(room, "read this");
    await boris.client.sendReadReceipt(room, eventId);
    await bridge.hears("ephemeral.event", ({ type, content }) => type === "m.receipt" && content[eventId]);
    await boris.client.setTyping(room, true, 20_000);
    await bridge.hears("ephemeral.event", ({ type, content }) =>
      type === "m.typing" && content.user_ids.includes(boris.userId));
  },

  async makeRoomWhenAskedFor({ boris, bridge }) {
    const room = await boris.client.joinRoom("#fake_lobby:localhost");
    equal(await boris.client.getRoomStateEvent(room, "m.room.name", ""), { name: "Made when asked for" });
    assert((await boris.client.getJoinedRoomMembers(room)).includes(bridge.service.botUserId));
  },

  async makeGhostWhenAskedFor({ boris, bridge }) {
    const userId = bridge.service.getUserIdForSuffix("somebody");
    await boris.client.createRoom({ invite: [userId] });
    await bridge.hears("room.invite", (_, event) => event.state_key === userId);
    equal((await boris.client.getUserProfile(userId)).displayname, `Ghost ${userId}`);
  },

  async actForNobodyElse({ boris, bridge }) {
    const other = bridge.service.getIntentForUserId(boris.userId);
    await refused(other.underlyingClient.getWhoAmI(), "M_FORBIDDEN");
  },

  async catchUp({ boris, bridge, room }) {
    bridge.service.stop();
    for (const body of ["while", "you", "were", "away"]) await boris.client.sendText(room, body);
    await wish("restart");
    await bridge.service.begin();
    await bridge.message("away");
    const bodies = bridge.heard.filter(([name]) => name === "room.message").map((told) => told[2].content.body);
    equal(bodies.slice(-4), ["while", "you", "were", "away"]);
  },

  async leave({ boris, bridge, ghost, room }) {
    await boris.client.kickUser(ghost.userId, room, "enough");
    await bridge.hears("room.leave", (roomId, event) => event.content.reason === "enough");
    equal((await ghost.underlyingClient.getJoinedRooms()).includes(room), false);
  },
};

const bridge = new Bridge(JSON.parse(process.env.REGISTRATION), Number(process.env.PORT));
await take(steps, { bridge, boris: { userId: process.env.BORIS } });
process.exit();
