// What is left of an event once it has been redacted (room version 11).

import { child, contentOf, get, text } from "./fields.js";

const LEVELS = [
  "ban",
  "events",
  "events_default",
  "kick",
  "redact",
  "state_default",
  "users",
  "users_default",
  "invite",
];

// A key with a dot keeps a part of a part.
const KEPT = new Map([
  ["m.room.member", ["membership", "join_authorised_via_users_server", "third_party_invite.signed"]],
  ["m.room.join_rules", ["join_rule", "allow"]],
  ["m.room.power_levels", LEVELS],
  ["m.room.history_visibility", ["history_visibility"]],
  ["m.room.redaction", ["redacts"]],
]);

/** An event in client format without what a redaction takes away. */
export const redacted = (event) => ({ ...event, content: keptContent(event) });

function keptContent(event) {
  const content = contentOf(event);
  const type = text(event, "type");
  if (type === "m.room.create") return { ...content };
  const kept = {};
  for (const path of KEPT.get(type) ?? []) {
    const [outer, inner] = path.split(".");
    if (inner === undefined) {
      if (Object.hasOwn(content, outer)) kept[outer] = get(content, outer);
    } else if (Object.hasOwn(child(content, outer), inner)) {
      kept[outer] = { [inner]: child(content, outer)[inner] };
    }
  }
  return kept;
}
