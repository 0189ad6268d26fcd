// One more client of an account; its input and output are those of nio_probe.py.

import { createInterface } from "node:readline";

import { Person, sdk } from "./js_person.mjs";
import { until } from "./steps.mjs";

const person = new Person(process.env.USER_ID);
const roomId = process.env.ROOM_ID;

function view() {
  const room = person.room(roomId);
  const said = room
    .getLiveTimeline()
    .getEvents()
    .filter((event) => event.getType() === sdk.EventType.RoomMessage);
  // The library makes up receipts of those who speak; the server's are compared.
  const read = room
    .getJoinedMembers()
    .map(({ userId }) => [userId, room.getEventReadUpTo(userId, true)]);
  return {
    timeline: said.map((event) => event.getId()),
    notifications: room.getUnreadNotificationCount(sdk.NotificationCountType.Total),
    highlights: room.getUnreadNotificationCount(sdk.NotificationCountType.Highlight),
    receipts: Object.fromEntries(read.filter(([, eventId]) => eventId)),
  };
}

/** As text, with the keys of objects in order. */
function text(value) {
  const ordered = (_, found) =>
    found && typeof found === "object" && !Array.isArray(found)
      ? Object.fromEntries(Object.entries(found).sort())
      : found;
  return JSON.stringify(value, ordered);
}

const verbs = {
  async send(body) {
    return person.say(roomId, body);
  },
  async read(eventId) {
    const event = await person.event(eventId);
    await person.client.sendReadReceipt(event, sdk.ReceiptType.Read, true);
    return null;
  },
  async expect(wanted) {
    await until(() => text(view()) === text(wanted)).catch(() => {});
    return view(); // what it sees instead is the answer
  },
};

function tell(answer) {
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}

await person.logIn();
await person.start();
tell(view());
for await (const line of createInterface({ input: process.stdin })) {
  const [[verb, value]] = Object.entries(JSON.parse(line));
  tell(await verbs[verb](value));
}
process.exit();
