// All that a client knows, and how it is shown.

import * as changes from "./changes.js";
import { chosen, order } from "./chat-list.js";
import { defaultRules } from "./default-push-rules.js";
import { byKey, objectOf, same, texts } from "./fields.js";
import { Outbox } from "./outbox.js";
import { DEFAULT_POLICY } from "./policy.js";
import { OwnRules } from "./push-rules.js";
import { Room } from "./room.js";

/**
 * What one user's client knows.
 *
 * `policy` says which types of events lift and count; modules add theirs, and their `reducers`.
 * `lazyMembers` is to be true if the server was asked to leave members out. `position` is from
 * where to resume. Rooms by ID are in `rooms`, those left included until they are forgotten.
 */
export class Known {
  position = null;
  rooms = new Map();
  accountData = new Map();
  presence = new Map();
  oneTimeKeyCounts = {};
  fallbackKeyTypes = [];
  outbox = new Outbox();
  drafts = new Map();
  #rules = null;
  #order = [];
  #told = new Map();

  constructor({ userId, policy = DEFAULT_POLICY, reducers = [], lazyMembers = false }) {
    this.userId = userId;
    this.policy = policy;
    this.reducers = reducers;
    this.lazyMembers = lazyMembers;
  }

  /** The IDs of rooms in the order of the list, through one of `FILTERS`; pinned ones in place. */
  chatList(show = "all") {
    const direct = this.directRooms();
    return this.#order.filter((roomId) => chosen(this.rooms.get(roomId), show, direct));
  }

  /** The pinned rooms, in the order of the list. */
  pinned() {
    return this.#order.filter((roomId) => this.rooms.get(roomId).isPinned);
  }

  /** The rooms that are chats between two, by the user's account data. */
  directRooms() {
    const direct = this.accountData.get("m.direct") ?? {};
    return new Set(Object.keys(direct).flatMap((userId) => texts(direct, userId)));
  }

  /** The rows of a room, or of one thread in it, with what is on its way at the end. */
  items(roomId, options) {
    return this.rooms.get(roomId)?.items(this.outbox.entries(roomId), options) ?? [];
  }

  /** Notifications and highlights of all rooms together. */
  totals() {
    let [notifications, highlights] = [0, 0];
    for (const room of this.rooms.values()) {
      const counts = room.counts();
      notifications += counts[0];
      highlights += counts[1];
    }
    return [notifications, highlights];
  }

  /** All that is known, as JSON, without times of this client's clock. */
  picture() {
    const pictures = (map) => objectOf(byKey(map).map(([key, value]) => [key, value.picture()]));
    return {
      user_id: this.userId,
      list: [...this.#order],
      rooms: pictures(this.rooms),
      account_data: objectOf(byKey(this.accountData)),
      presence: pictures(this.presence),
      outbox: this.outbox.toJson(),
      drafts: objectOf(byKey(this.drafts)),
    };
  }

  // what follows from it

  /** Start a room anew, with nothing known of it. */
  newRoom(roomId, membership) {
    const room = new Room({
      roomId,
      own: this.userId,
      membership,
      policy: this.policy,
      reducers: this.reducers,
      rules: this.#rules,
      summary: this.lazyMembers ? {} : null,
    });
    this.rooms.set(roomId, room);
    return room;
  }

  /**
   * Judge by the account data as they are now; tell of rooms that are muted now, or are not any
   * more. What has been counted before, the server tells anew.
   */
  takeRules() {
    const common = defaultRules(this.userId, this.policy.counting);
    this.#rules = OwnRules.of(this.accountData, common);
    const found = [];
    for (const room of this.rooms.values()) {
      room.rules = this.#rules;
      found.push(...this.settled(room));
    }
    return found;
  }

  /** Tell of counts that differ now, and of outbox entries that are done. */
  settled(room, fresh = []) {
    const found = [];
    const counts = room.counts();
    if (!same(counts, this.#told.get(room.roomId) ?? [0, 0])) {
      found.push(changes.unreadChanged(room.roomId, ...counts));
    }
    this.#told.set(room.roomId, counts);
    return this.outbox.size ? [...found, ...this.#confirmed(room, fresh)] : found;
  }

  /** Order the list anew; tell if it differs. */
  reordered() {
    const found = order(this.rooms.values());
    if (same(found, this.#order)) return [];
    this.#order = found;
    return [changes.listOrder()];
  }

  /** Know nothing any more but the outbox and drafts. */
  forgetAll() {
    this.position = null;
    this.rooms = new Map();
    this.accountData = new Map();
    this.presence = new Map();
    this.oneTimeKeyCounts = {};
    this.fallbackKeyTypes = [];
    this.#rules = null;
    this.#order = [];
    this.#told = new Map();
  }

  /** Drop a room; gives it, or undefined. */
  drop(roomId) {
    const room = this.rooms.get(roomId);
    this.rooms.delete(roomId);
    this.#told.delete(roomId);
    return room;
  }

  #confirmed(room, fresh) {
    const own = fresh.filter((event) => event.sender === this.userId);
    const arrived = own.flatMap((event) => this.outbox.arrived(room.roomId, event));
    const passed = this.outbox.passed(room.roomId, room.timeline.head);
    return [...arrived, ...passed].map((txnId) => changes.outboxChanged(room.roomId, txnId));
  }
}
