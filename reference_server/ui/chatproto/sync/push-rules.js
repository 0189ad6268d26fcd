// Push rules: which events notify a user, and how loudly (Matrix Client-Server API).

import { child, get, isObject, objects, same, text } from "./fields.js";
import { holds, matchesBody } from "./push-conditions.js";

export const PUSH_RULES = "m.push_rules";
export const IGNORED = "m.ignored_user_list";
const KINDS = ["override", "content", "room", "sender", "underride"];
const MASTER = ".m.rule.master";

/** One rule: conditions, a pattern, or only its ID say what it is about. */
export class PushRule {
  constructor({ ruleId, actions, enabled = true, conditions = null, pattern = null }) {
    this.ruleId = ruleId;
    this.actions = actions;
    this.enabled = enabled;
    this.conditions = conditions;
    this.pattern = pattern;
  }

  /** A rule, or null if it is none. */
  static ofJson(json) {
    const ruleId = text(json, "rule_id");
    const pattern = get(json, "pattern") ?? null;
    if (ruleId === null || (pattern !== null && typeof pattern !== "string")) return null;
    const conditions = get(json, "conditions") ?? null;
    const list = Array.isArray(conditions) ? conditions : [];
    return new PushRule({
      ruleId,
      actions: Array.isArray(json.actions) ? json.actions : [],
      enabled: get(json, "enabled") !== false,
      conditions: conditions === null ? null : list.map((c) => (isObject(c) ? c : {})),
      pattern,
    });
  }

  get notifies() {
    return this.actions.includes("notify");
  }

  get highlights() {
    if (!this.notifies) return false;
    const tweak = this.actions.find((each) => isObject(each) && each.set_tweak === "highlight");
    return tweak !== undefined && (Object.hasOwn(tweak, "value") ? tweak.value : true) === true;
  }

  /** The room that an override rule puts to silence, if it does just that. */
  get silences() {
    if (!this.enabled || this.notifies || this.conditions?.length !== 1) return null;
    const [condition] = this.conditions;
    if (!["event_match", "event_property_is"].includes(get(condition, "kind"))) return null;
    const key = Object.hasOwn(condition, "pattern") ? "pattern" : "value";
    return get(condition, "key") === "room_id" ? text(condition, key) : null;
  }

  isAbout(kind, event, seen) {
    switch (kind) {
      case "content":
        return this.pattern !== null && matchesBody(event, this.pattern);
      case "room":
        return event.room_id === this.ruleId;
      case "sender":
        return event.sender === this.ruleId;
      default:
        return (this.conditions ?? []).every((each) => holds(each, event, seen));
    }
  }
}

/** A user's rules, by kind, in the order in which they are tried. */
export class RuleSet {
  #rules;

  constructor(rules) {
    this.#rules = rules;
  }

  /** The rules of a scope (`global`); what is no rule is left out. */
  static ofJson(json) {
    const rules = (kind) => objects(json, kind).map(PushRule.ofJson).filter(Boolean);
    return new RuleSet(Object.fromEntries(KINDS.map((kind) => [kind, rules(kind)])));
  }

  ofKind(kind) {
    return this.#rules[kind] ?? [];
  }

  /** The first rule that is about an event in client format, which has a room_id. */
  match(event, seen) {
    for (const kind of KINDS) {
      for (const rule of this.ofKind(kind)) {
        if (rule.enabled && rule.isAbout(kind, event, seen)) return rule;
      }
    }
    return null;
  }

  /** Whether nothing of a room is to notify, whatever it is. */
  mutes(roomId) {
    return this.ofKind("override").some(
      (rule) =>
        (rule.ruleId === MASTER && rule.enabled && !rule.notifies) || rule.silences === roomId,
    );
  }

  /** The rules without those that put rooms to silence. */
  heard() {
    const isKept = (rule) => rule.ruleId !== MASTER && rule.silences === null;
    return new RuleSet({ ...this.#rules, override: this.ofKind("override").filter(isKept) });
  }

  /** Whether both count the same, in rooms that are not put to silence. */
  countsLike(other) {
    return same(essence(this), essence(other));
  }
}

function essence(rules) {
  const heard = rules.heard();
  return KINDS.flatMap((kind) =>
    heard
      .ofKind(kind)
      .filter((rule) => rule.enabled)
      .map((rule) => [
        kind,
        rule.notifies,
        rule.highlights,
        rule.conditions,
        rule.pattern,
        kind === "room" || kind === "sender" ? rule.ruleId : null,
      ]),
  );
}

/**
 * Rules that a user has changed: which rooms are muted, whom the user ignores, and, where they
 * count differently from everybody's, what is `heard`.
 */
export class OwnRules {
  constructor(rules, heard, ignored) {
    this.rules = rules;
    this.heard = heard;
    this.ignored = ignored;
  }

  /** By m.push_rules, which has the server's own rules as well, and by whom the user ignores. */
  static of(accountData, common) {
    const told = accountData.get(PUSH_RULES);
    const rules = told ? RuleSet.ofJson(child(told, "global")) : common;
    const ignored = ignoredUsers(accountData);
    const isAlike = rules.countsLike(common) && !ignored.size;
    return new OwnRules(rules, isAlike ? null : rules.heard(), ignored);
  }

  mutes(roomId) {
    return this.rules.mutes(roomId);
  }
}

/** The users whom one does not want to hear. */
export const ignoredUsers = (accountData) =>
  new Set(Object.keys(child(accountData.get(IGNORED) ?? {}, "ignored_users")));
