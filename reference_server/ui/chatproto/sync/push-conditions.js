// What the conditions of push rules say of an event (Matrix Client-Server API, "Push Rules").

import { contentOf, get, isObject, same, text } from "./fields.js";

// Longer patterns match nothing: a search takes up to the lengths of both, multiplied.
export const MAX_PATTERN = 255; // characters

const MOST_KEPT = 1024;
const MISSING = Symbol("missing");

/**
 * Whether a condition holds; one that is unknown or malformed never does.
 *
 * `seen` is what rules may ask about beside the event: `{displayName, joinedCount, mayNotify}`,
 * the last of which says whether a sender has the level for `notifications[key]`.
 */
export function holds(condition, event, seen) {
  const key = get(condition, "key");
  const value = get(condition, "value") ?? null;
  switch (get(condition, "kind")) {
    case "event_match":
      return matchesProperty(event, key, get(condition, "pattern"));
    case "event_property_is":
      return isValue(value) && same(property(event, key), value);
    case "event_property_contains": {
      const found = property(event, key);
      return Array.isArray(found) && isValue(value) && found.some((each) => same(each, value));
    }
    case "contains_display_name":
      return Boolean(seen.displayName) && matchesBody(event, seen.displayName.replaceAll("*", "?"));
    case "room_member_count":
      return counts(get(condition, "is"), seen.joinedCount);
    case "sender_notification_permission": {
      const sender = text(event, "sender");
      return typeof key === "string" && sender !== null && seen.mayNotify(sender, key);
    }
    default:
      return false;
  }
}

/** Whether a pattern stands in the text of a message, as whole words. */
export function matchesBody(event, pattern) {
  const body = text(contentOf(event), "body");
  return body !== null && foundIn(body, pattern);
}

/** Whether a glob stands somewhere in a text, its ends at the bounds of words. */
export const foundIn = (where, pattern) =>
  [...pattern].length <= MAX_PATTERN && find(parts(pattern, false), where);

/** Whether a glob is the whole of a text: `*` is anything, `?` one character. */
export const matches = (where, pattern) =>
  [...pattern].length <= MAX_PATTERN && find(parts(pattern, true), where);

function matchesProperty(event, key, pattern) {
  const found = property(event, key);
  if (typeof found !== "string" || typeof pattern !== "string") return false;
  return key === "content.body" ? foundIn(found, pattern) : matches(found, pattern);
}

/** Each part after the one before, the leftmost that there is. */
function find(expressions, where) {
  let at = 0;
  for (const expression of expressions) {
    expression.lastIndex = at;
    if (!expression.test(where)) return false;
    at = expression.lastIndex;
  }
  return true;
}

const kept = new Map();

/** A glob as the texts between its stars. */
function parts(pattern, isWhole) {
  const name = `${isWhole} ${pattern}`;
  if (!kept.has(name)) {
    if (kept.size >= MOST_KEPT) kept.clear();
    kept.set(name, made(pattern, isWhole));
  }
  return kept.get(name);
}

function made(pattern, isWhole) {
  const [start, end] = isWhole
    ? ["^", "$"]
    : ["(?<![\\p{L}\\p{N}_])", "(?![\\p{L}\\p{N}_])"];
  const sources = pattern.split(/\*+/).map(source);
  const last = sources.length - 1;
  if (isWhole || sources[0]) sources[0] = start + sources[0];
  if (isWhole || sources[last]) sources[last] += end;
  return sources.filter(Boolean).map((each) => new RegExp(each, "gisu"));
}

const source = (piece) =>
  [...piece]
    .map((letter) => (letter === "?" ? "." : letter.replace(/[\\^$.*+?()[\]{}|/]/u, "\\$&")))
    .join("");

/** The steps of a dotted path; a backslash keeps what follows from being one. */
const steps = (key) =>
  (key.match(/(?:[^.\\]|\\.)+/gsu) ?? []).map((step) => step.replace(/\\([.\\])/g, "$1"));

function property(event, key) {
  if (typeof key !== "string") return MISSING;
  let found = event;
  for (const step of steps(key)) {
    found = isObject(found) && Object.hasOwn(found, step) ? found[step] : MISSING;
  }
  return found;
}

const isValue = (value) =>
  value === null || ["string", "boolean"].includes(typeof value) || Number.isInteger(value);

function counts(condition, count) {
  const parsed = typeof condition === "string" && /^(==|<=|>=|<|>)?(\d{1,9})$/.exec(condition);
  if (!parsed) return false;
  const wanted = Number(parsed[2]);
  switch (parsed[1]) {
    case "<":
      return count < wanted;
    case ">":
      return count > wanted;
    case "<=":
      return count <= wanted;
    case ">=":
      return count >= wanted;
    default:
      return count === wanted;
  }
}
