// Reading JSON that others wrote: what is absent or of a wrong type is not there.

export const SEQ = "org.chatproto.seq";
export const POS = "org.chatproto.pos";
export const REDACTS = "org.chatproto.redacts";

const EMPTY = Object.freeze({});

/** Whether a value is a JSON object. */
export const isObject = (value) =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** What stands under a key of JSON; never something that every object has. */
export const get = (json, key) => (Object.hasOwn(json, key) ? json[key] : undefined);

/** The object under a key; an empty one if there is none. */
export function child(json, key) {
  const value = get(json, key);
  return isObject(value) ? value : EMPTY;
}

/** The text under a key, or null. */
export function text(json, key) {
  const value = get(json, key);
  return typeof value === "string" ? value : null;
}

/** The integer under a key, or null. */
export function number(json, key) {
  const value = get(json, key);
  return Number.isInteger(value) ? value : null;
}

const array = (json, key) => {
  const value = get(json, key);
  return Array.isArray(value) ? value : [];
};

/** The texts of the array under a key. */
export const texts = (json, key) => array(json, key).filter((value) => typeof value === "string");

/** The objects of the array under a key. */
export const objects = (json, key) => array(json, key).filter(isObject);

/** The list `{key: {"events": [...]}}`, as sections of a sync body have it. */
export const events = (section, key) => objects(child(section, key), "events");

export const contentOf = (event) => child(event, "content");

/** An event's place in its room, from 1. */
export const seqOf = (event) => number(child(event, "unsigned"), SEQ);

/** An event's place among all that the server has stored. */
export const posOf = (event) => number(child(event, "unsigned"), POS);

const NAMES = ["event_id", "type", "sender"];

/** Whether it has what every event in a room has, and a place. */
export const isEvent = (event) =>
  (seqOf(event) ?? 0) > 0 && NAMES.every((name) => text(event, name) !== null);

/** The place that a token of history (`t<seq>`) names, or null. */
export function historySeq(token) {
  const found = /^t(\d+)$/.exec(token ?? "");
  return found ? Number(found[1]) : null;
}

export const isState = (event) => text(event, "state_key") !== null;

/** The entries of an object, those that everybody's prototype has left out. */
export const entries = (json) => Object.entries(json);

/** An object made of entries, whatever their keys are. */
export const objectOf = (pairs) => Object.fromEntries(pairs);

/** Whether two pieces of JSON say the same. */
export function same(one, other) {
  if (one === other) return true;
  if (Array.isArray(one)) {
    return (
      Array.isArray(other) &&
      one.length === other.length &&
      one.every((value, place) => same(value, other[place]))
    );
  }
  if (!isObject(one) || !isObject(other)) return false;
  const keys = Object.keys(one);
  return (
    keys.length === Object.keys(other).length &&
    keys.every((key) => Object.hasOwn(other, key) && same(one[key], other[key]))
  );
}

// UTF-16 puts surrogates before U+E000..U+FFFF; code points come the other way round.
const rank = (unit) => (unit < 0xd800 ? unit : unit >= 0xe000 ? unit - 0x800 : unit + 0x2000);

/** The order of texts by code points, as every other language has it. */
export function compare(one, other) {
  if (one === other) return 0;
  const end = Math.min(one.length, other.length);
  for (let place = 0; place < end; place += 1) {
    const difference = rank(one.charCodeAt(place)) - rank(other.charCodeAt(place));
    if (difference) return difference;
  }
  return one.length - other.length;
}

/** Texts in order. */
export const sorted = (values) => [...values].sort(compare);

/** Of entries those with the smallest keys first. */
export const byKey = (pairs) => [...pairs].sort((one, other) => compare(one[0], other[0]));
