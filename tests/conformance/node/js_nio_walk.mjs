// The half of Anna, who has matrix-js-sdk, in a conversation with Boris, who has nio.

import { equal, take, until } from "./steps.mjs";
import { Secretive } from "./js_secretive.mjs";

import assert from "node:assert/strict";

const steps = {
  async createRoom(world) {
    const { anna } = world;
    await anna.logIn();
    const { room_id } = await anna.client.createRoom({
      name: "Half and half",
      initial_state: [
        { type: "m.room.encryption", state_key: "", content: { algorithm: "m.megolm.v1.aes-sha2" } },
      ],
    });
    world.room = room_id;
    await until(() => anna.room(room_id));
    assert(await until(() => anna.crypto.isEncryptionEnabledInRoom(room_id)));
  },

  async invite({ anna, boris, room }) {
    await until(async () => {
      const devices = await anna.crypto.getUserDeviceInfo([boris], true);
      return devices.get(boris)?.size;
    });
    await anna.client.invite(room, boris);
    await until(() => anna.room(room).getMember(boris)?.membership === "join");
  },

  async ask(world) {
    const { anna, room } = world;
    await anna.crypto.forceDiscardSession(room);
    world.question = await anna.say(room, "Do you read this?");
  },

  async readAnswer(world) {
    const { anna, room, question } = world;
    const answer = await anna.hears("I do.");
    equal(answer.replyEventId, question);
    world.answer = answer.getId();
    await anna.client.sendEvent(room, "m.reaction", {
      "m.relates_to": { rel_type: "m.annotation", event_id: world.answer, key: "👍" },
    });
  },

  async openFile({ anna }) {
    const event = await anna.hears("secret.bin");
    const { file } = event.getContent();
    const url = anna.client.mxcUrlToHttp(file.url, null, null, null, false, true, true);
    const headers = { Authorization: `Bearer ${anna.client.getAccessToken()}` };
    const stored = await (await fetch(url, { headers })).arrayBuffer();
    const key = await crypto.subtle.importKey("jwk", file.key, "AES-CTR", false, ["decrypt"]);
    const counter = Buffer.from(file.iv, "base64");
    const opened = await crypto.subtle.decrypt({ name: "AES-CTR", counter, length: 64 }, key, stored);
    equal(Buffer.from(opened).toString(), "what is in the file");
  },

  async say({ anna, room }) {
    await anna.say(room, "Thank you.");
    await anna.hears("Goodbye.");
    await anna.client.logout(true);
  },
};

const anna = new Secretive(process.env.ANNA);
await take(steps, { anna, boris: process.env.BORIS });
process.exit();
