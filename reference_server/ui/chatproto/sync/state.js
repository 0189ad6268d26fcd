// The state of a room as a client needs it, kept from the original JSON.

import { byKey, child, contentOf, number, objectOf, seqOf, sorted, text, texts } from "./fields.js";
import { mayCallRoom } from "./policy.js";
import { redacted } from "./redacted.js";

export const MEMBER = "m.room.member";
const NAMED_HEROES = 5;
const EMPTY = Object.freeze({});

/** State events by type and state key; of two for one place, the newer by seq. */
export class State {
  #events = new Map();
  #names = null;

  /** Whether the event is the newer one. */
  apply(event) {
    const type = String(event.type);
    const key = text(event, "state_key") ?? "";
    let ofType = this.#events.get(type);
    if (!ofType) this.#events.set(type, (ofType = new Map()));
    const known = ofType.get(key);
    if (known && (seqOf(event) ?? 0) <= (seqOf(known) ?? 0)) return false;
    this.#put(ofType, type, key, event);
    return true;
  }

  /** Whether the redacted event is in the state. */
  redact(eventId) {
    for (const [type, ofType] of this.#events) {
      for (const [key, event] of ofType) {
        if (event.event_id === eventId) {
          this.#put(ofType, type, key, redacted(event));
          return true;
        }
      }
    }
    return false;
  }

  event(type, key = "") {
    return this.#events.get(type)?.get(key) ?? null;
  }

  /** The content of a piece of state, empty if there is none. */
  content(type, key = "") {
    const event = this.event(type, key);
    return event ? contentOf(event) : EMPTY;
  }

  /** The state events of a type by state key. */
  ofType(type) {
    return this.#events.get(type) ?? new Map();
  }

  /** All state events. */
  all() {
    return [...this.#events.values()].flatMap((ofType) => [...ofType.values()]);
  }

  // what clients show

  get name() {
    return text(this.content("m.room.name"), "name") || null;
  }

  get alias() {
    return text(this.content("m.room.canonical_alias"), "alias") || null;
  }

  get topic() {
    return text(this.content("m.room.topic"), "topic") || null;
  }

  get avatarUrl() {
    return text(this.content("m.room.avatar"), "url") || null;
  }

  get joinRule() {
    return text(this.content("m.room.join_rules"), "join_rule") || "invite";
  }

  /** The pinned events, as the room has ordered them. */
  get pinned() {
    return texts(this.content("m.room.pinned_events"), "pinned");
  }

  get isEncrypted() {
    return this.event("m.room.encryption") !== null;
  }

  /** The room that replaced this one. */
  get replacement() {
    return text(this.content("m.room.tombstone"), "replacement_room") || null;
  }

  get creator() {
    const create = this.event("m.room.create");
    return create ? text(create, "sender") : null;
  }

  // members

  membership(userId) {
    return text(this.content(MEMBER, userId), "membership");
  }

  /** The users of whom one of these holds, ordered by ID. */
  members(...memberships) {
    const found = [];
    for (const [userId, event] of this.ofType(MEMBER)) {
      if (memberships.includes(text(contentOf(event), "membership"))) found.push(userId);
    }
    return sorted(found);
  }

  /** A user as members see them, also if they have left: `{userId, membership, name, avatarUrl}`. */
  member(userId) {
    const content = this.content(MEMBER, userId);
    const told = text(content, "displayname") || userId;
    const isShared = told !== userId && (this.#nameCounts().get(told) ?? 0) > 1;
    return {
      userId,
      membership: text(content, "membership") || "leave",
      name: isShared ? `${told} (${userId})` : told,
      avatarUrl: text(content, "avatar_url") || null,
    };
  }

  /** A user's power level. */
  power(userId) {
    const levels = this.event("m.room.power_levels");
    if (!levels) return userId === this.creator ? 100 : 0;
    const content = contentOf(levels);
    return number(child(content, "users"), userId) ?? number(content, "users_default") ?? 0;
  }

  /** Whether a sender's mention of the whole room is heard. */
  mayCallRoom(sender) {
    const levels = this.event("m.room.power_levels");
    return mayCallRoom(levels ? contentOf(levels) : null, this.creator, sender);
  }

  picture() {
    const contents = (ofType) =>
      objectOf(byKey(ofType).map(([key, event]) => [key, contentOf(event)]));
    return objectOf(byKey(this.#events).map(([type, ofType]) => [type, contents(ofType)]));
  }

  #put(ofType, type, key, event) {
    ofType.set(key, event);
    if (type === MEMBER) this.#names = null;
  }

  #nameCounts() {
    if (this.#names) return this.#names;
    this.#names = new Map();
    for (const userId of this.members("join", "invite")) {
      const name = text(this.content(MEMBER, userId), "displayname");
      if (name) this.#names.set(name, (this.#names.get(name) ?? 0) + 1);
    }
    return this.#names;
  }
}

/**
 * What a room is called: its name, its alias, or the names of the others in it.
 *
 * The text is in no language: names are joined by commas, and `+3` stands for three more.
 * `heroes` are taken where not all members are known (specification, room naming). It is "" for
 * a room with nobody and no name.
 */
export function displayName(state, own, heroes = []) {
  if (state.name || state.alias) return state.name || state.alias;
  const known = heroes.length ? heroes : state.members("join", "invite");
  let others = known.filter((userId) => userId !== own);
  if (!others.length) others = state.members("leave", "ban").filter((userId) => userId !== own);
  const named = others.slice(0, NAMED_HEROES).map((userId) => state.member(userId).name);
  const more = others.length - NAMED_HEROES;
  return more > 0 ? `${named.join(", ")} +${more}` : named.join(", ");
}
