// Plays vectors (src/chatproto/sync/vectors): what happens to a client, and what it must know.

import { isObject, texts } from "./fields.js";
import { itemPicture } from "./items.js";
import { Policy } from "./policy.js";
import { ClientState } from "./store.js";

const STEPS = new Map(
  Object.entries({
    frame: (state, frame, nowMs) => state.applyFrame(frame, nowMs),
    sync: (state, body, nowMs) => state.applySync(body, nowMs),
    history: (state, { room_id: roomId, page, direction }) =>
      state.applyHistory(roomId, page, direction),
    resync: (state) => state.resync(),
    expire: (state, _, nowMs) => state.expire(nowMs),
    send: (state, told, nowMs) =>
      state.send(told.room_id, told.type, told.content, told.txn_id, nowMs),
    edit: (state, told, nowMs) =>
      state.edit(told.room_id, told.target, told.content, told.txn_id, nowMs),
    redact: (state, told, nowMs) =>
      state.redact(told.room_id, told.target, told.txn_id, nowMs, told.reason ?? null),
    sending: (state, txnId) => state.sending(txnId),
    retry: (state, txnId) => state.retry(txnId),
    cancel: (state, txnId) => state.cancel(txnId),
    sent: (state, told) => state.sent(told.txn_id, told.event_id, told.seq ?? null),
    failed: (state, told) =>
      state.failed(told.txn_id, told.error ?? null, { retry: told.retry === true }),
  }),
);

/** Play a vector; gives what was otherwise than expected, in words. `after(state)` sees each step. */
export function run(vector, after = () => []) {
  const state = new ClientState({ userId: vector.user_id, policy: policyOf(vector) });
  const wrong = [];
  let changes = [];
  let nowMs = 0;
  vector.steps.forEach((step, place) => {
    nowMs = step.now ?? nowMs;
    for (const [key, value] of Object.entries(step)) {
      let found = [];
      if (key === "expect") {
        found = differences(value, pictureOf(state));
      } else if (key === "changes") {
        const kinds = [...new Set(changes.map(({ kind }) => kind))].sort();
        found = differences(value, kinds, "changes");
      } else if (STEPS.has(key)) {
        changes = STEPS.get(key)(state, value, nowMs);
        found = after(state, nowMs);
      }
      wrong.push(...found.map((text) => `step ${place + 1}: ${text}`));
    }
  });
  return wrong;
}

/** The picture of a state, with what is ready to be sent and the rows of rooms. */
export function pictureOf(state) {
  const rows = [...state.rooms.keys()].map((id) => [id, state.items(id).map(itemPicture)]);
  return {
    ...state.picture(),
    ready: state.outbox.ready().map(({ txnId }) => txnId),
    items: Object.fromEntries(rows),
  };
}

/** Where something is not as expected. */
export function differences(expected, found, path = "") {
  if (isObject(expected) && isObject(found)) {
    return Object.entries(expected).flatMap(([key, value]) =>
      differences(value, Object.hasOwn(found, key) ? found[key] : null, `${path}/${key}`),
    );
  }
  if (Array.isArray(expected) && Array.isArray(found) && expected.length === found.length) {
    return expected.flatMap((value, place) =>
      differences(value, found[place], `${path}/${place}`),
    );
  }
  if (expected === found) return [];
  if (Array.isArray(expected) && Array.isArray(found) && !expected.length && !found.length) return [];
  return [`${path} is ${JSON.stringify(found)}, not ${JSON.stringify(expected)}`];
}

function policyOf({ policy }) {
  if (!policy) return undefined;
  return new Policy({ lifting: texts(policy, "lifting"), counting: texts(policy, "counting") });
}
