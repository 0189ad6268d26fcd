// Plays every vector of a folder; prints a line of JSON for each: its name, and what was wrong.
// After each step what is known is stored and read back, too.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { restored, snapshotOf } from "../../../reference_server/ui/chatproto/sync/snapshot.js";
import { differences, pictureOf, run } from "../../../reference_server/ui/chatproto/sync/vectors.js";

const [folder] = process.argv.slice(2);
for (const file of readdirSync(folder).filter((name) => name.endsWith(".json"))) {
  const vector = JSON.parse(readFileSync(join(folder, file), "utf8"));
  console.log(JSON.stringify({ name: vector.name, wrong: run(vector, storedAndReadBack) }));
}

function storedAndReadBack(state) {
  // What was taken for an entry is not stored: the answer to the entry, sent again, tells.
  if (state.outbox.entries().some(({ claimed }) => claimed)) return [];
  const { account, rooms } = JSON.parse(
    JSON.stringify(snapshotOf(state), (_, value) => (value instanceof Map ? [...value] : value)),
  );
  const { userId, policy } = state;
  const again = restored(userId, account, rooms, { policy });
  const [before, after] = [state, again].map((each) => lasting(pictureOf(each)));
  return differences(before, after).map((text) => `read back: ${text}`);
}

/** A picture without who is writing, and with what was on its way waiting again. */
function lasting(picture) {
  return JSON.parse(JSON.stringify(picture), (key, value) => {
    if (key === "typing" || key === "ready") return [];
    return key === "status" && value === "sending" ? "waiting" : value;
  });
}
