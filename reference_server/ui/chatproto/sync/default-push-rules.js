// The push rules that everybody has (Matrix Client-Server API, "Predefined Rules").

import { sorted } from "./fields.js";
import { PushRule, RuleSet } from "./push-rules.js";

const LOUD = { set_tweak: "highlight" };
const QUIET = { set_tweak: "highlight", value: false };
const SOUND = { set_tweak: "sound", value: "default" };
const RING = { set_tweak: "sound", value: "ring" };

const OWN = new Set(["m.room.message", "m.room.encrypted"]);

/**
 * The rules of a user who has changed none. `counting` are the event types that count as unread;
 * those that Matrix has no rule for get one of their own.
 */
export const defaultRules = (userId, counting) =>
  new RuleSet({ override: override(userId), underride: underride(counting) });

const rule = (ruleId, conditions = [], actions = [], enabled = true) =>
  new PushRule({ ruleId, conditions, actions, enabled });
const match = (key, pattern) => ({ kind: "event_match", key, pattern });
const is = (key, value) => ({ kind: "event_property_is", key, value });
const contains = (key, value) => ({ kind: "event_property_contains", key, value });
const permission = (key) => ({ kind: "sender_notification_permission", key });

const override = (userId) => [
  rule(".m.rule.master", [], [], false),
  rule(".m.rule.suppress_notices", [match("content.msgtype", "m.notice")]),
  rule(
    ".m.rule.invite_for_me",
    [match("type", "m.room.member"), match("content.membership", "invite"), match("state_key", userId)],
    ["notify", SOUND],
  ),
  rule(".m.rule.member_event", [match("type", "m.room.member")]),
  rule(
    ".m.rule.is_user_mention",
    [contains("content.m\\.mentions.user_ids", userId)],
    ["notify", SOUND, LOUD],
  ),
  rule(
    ".m.rule.is_room_mention",
    [is("content.m\\.mentions.room", true), permission("room")],
    ["notify", LOUD],
  ),
  rule(
    ".m.rule.tombstone",
    [match("type", "m.room.tombstone"), match("state_key", "")],
    ["notify", LOUD],
  ),
  rule(".m.rule.reaction", [match("type", "m.reaction")]),
  rule(".m.rule.room.server_acl", [match("type", "m.room.server_acl"), match("state_key", "")]),
  rule(".m.rule.suppress_edits", [is("content.m\\.relates_to.rel_type", "m.replace")]),
];

const TWO = { kind: "room_member_count", is: "2" };

const underride = (counting) => [
  rule(".m.rule.call", [match("type", "m.call.invite")], ["notify", RING, QUIET]),
  rule(
    ".m.rule.encrypted_room_one_to_one",
    [TWO, match("type", "m.room.encrypted")],
    ["notify", SOUND, QUIET],
  ),
  rule(
    ".m.rule.room_one_to_one",
    [TWO, match("type", "m.room.message")],
    ["notify", SOUND, QUIET],
  ),
  rule(".m.rule.message", [match("type", "m.room.message")], ["notify", QUIET]),
  rule(".m.rule.encrypted", [match("type", "m.room.encrypted")], ["notify", QUIET]),
  ...sorted([...counting].filter((type) => !OWN.has(type))).map((type) =>
    rule(`.org.chatproto.rule.${type}`, [is("type", type)], ["notify", QUIET]),
  ),
];
