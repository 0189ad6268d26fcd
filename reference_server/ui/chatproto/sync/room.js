// One room as one user knows it.

import {
  byKey,
  child,
  contentOf,
  isEvent,
  isState,
  number,
  objectOf,
  posOf,
  REDACTS,
  seqOf,
  sorted,
  text,
  texts,
} from "./fields.js";
import { isRow, itemOf, itemPicture, timelineItems } from "./items.js";
import { DEFAULT_POLICY, mentions } from "./policy.js";
import { Receipts } from "./receipts.js";
import { run } from "./reducers.js";
import { redactionOf } from "./relations.js";
import { displayName, MEMBER, State } from "./state.js";
import { Timeline } from "./timeline.js";
import { Typing } from "./typing.js";
import { Unread } from "./unread.js";

const FAVOURITE = "m.favourite";
const LOW_PRIORITY = "m.lowpriority";
export const MUTED = "org.chatproto.muted";

/**
 * One room. It is changed in place by the `ClientState` that holds it.
 *
 * `membership` is join, invite, knock, leave or ban; `bump` is the place in the list of chats;
 * `joinedSeq` the place of the event by which the user came in.
 */
export class Room {
  bump = 0;
  joinedSeq = 0;
  fullyRead = null;
  state = new State();
  timeline = new Timeline();
  receipts = new Receipts();
  unread = new Unread();
  typing = new Typing();
  accountData = new Map();
  #extensions = new Map();

  constructor({ roomId, own, membership, policy = DEFAULT_POLICY, reducers = [], rules = null, summary = null }) {
    this.roomId = roomId;
    this.own = own;
    this.membership = membership;
    this.policy = policy;
    this.reducers = reducers;
    this.rules = rules;
    this.summary = summary;
  }

  // what is shown

  /** What the room is called; names of people are joined by commas. */
  get name() {
    return displayName(this.state, this.own, texts(this.summary ?? {}, "m.heroes"));
  }

  get joinedCount() {
    return this.#count("join", "m.joined_member_count");
  }

  get invitedCount() {
    return this.#count("invite", "m.invited_member_count");
  }

  /** Who invited the user, while that is how things stand. */
  get inviter() {
    const event = this.state.event(MEMBER, this.own);
    return this.membership === "invite" && event ? text(event, "sender") : null;
  }

  get tags() {
    return child(this.accountData.get("m.tag") ?? {}, "tags");
  }

  get isPinned() {
    return Object.hasOwn(this.tags, FAVOURITE);
  }

  get isArchived() {
    return Object.hasOwn(this.tags, LOW_PRIORITY);
  }

  get isMuted() {
    if (this.accountData.get(MUTED)?.muted === true) return true;
    return this.rules?.mutes(this.roomId) ?? false;
  }

  /** The user's own flag, beside the counts. */
  get isMarkedUnread() {
    return this.accountData.get("m.marked_unread")?.unread === true;
  }

  get notificationCount() {
    return this.counts()[0];
  }

  get highlightCount() {
    return this.counts()[1];
  }

  /** Up to which place the user has read. */
  get readSeq() {
    return this.unread.readSeq;
  }

  /** What modules' reducers make of the room, by name. */
  get extensions() {
    for (const reducer of this.reducers) {
      if (!this.#extensions.has(reducer.name)) {
        this.#extensions.set(reducer.name, run(reducer, this.state, this.timeline));
      }
    }
    return this.#extensions;
  }

  /** The notification count and the highlight count; none in a muted room. */
  counts() {
    return this.isMuted ? [0, 0] : this.unread.totals();
  }

  /** The rows of the timeline, or of one thread: its root and the answers. */
  items(outgoing = [], { thread = null } = {}) {
    const rows = timelineItems(this.timeline, outgoing, this.own);
    if (thread === null) return rows;
    return rows.filter((row) => row.eventId === thread || row.threadRoot === thread);
  }

  /** The row of one event, or null. */
  itemOf(eventId) {
    const event = this.timeline.event(eventId);
    return event ? itemOf(event, this.timeline.relations) : null;
  }

  /** The newest row of which `isWanted` holds, without making all of them; or null. */
  latestItem(isWanted) {
    const { relations } = this.timeline;
    for (const event of this.timeline.backwards()) {
      if (!isRow(event, relations)) continue;
      const row = itemOf(event, relations);
      if (isWanted(row)) return row;
    }
    return null;
  }

  /** Who has read an event: by receipt, or by having said something after it. */
  readBy(eventId) {
    const seq = this.timeline.seq(eventId);
    if (seq === null) return [];
    const readers = new Set(this.receipts.readers(seq));
    for (const event of this.timeline.backwards()) {
      if (seqOf(event) <= seq) break;
      if (this.policy.lifts(event)) readers.add(event.sender);
    }
    readers.delete(this.timeline.event(eventId).sender);
    return sorted(readers);
  }

  // what happens

  /**
   * Take an event, whichever way it came; null if it is known or has no place.
   *
   * Gives the IDs of older events that look different now. All that an event does is a fact of
   * its own (a maximum, an entry of a set, the newer of two), so that it makes no difference when
   * it is taken.
   */
  take(told) {
    const seq = seqOf(told);
    if (seq === null || !isEvent(told) || this.timeline.has(seq)) return null;
    const event = withoutRoom(told);
    this.#account(event, seq);
    const updated = this.timeline.add(event);
    const taken = this.timeline.event(String(event.event_id)) ?? event;
    if (isState(taken)) this.state.apply(taken);
    const redaction = redactionOf(event);
    if (redaction) {
      const target = this.timeline.event(redaction.target);
      if (!target || isState(target)) this.state.redact(redaction.target);
      this.#extensions.clear();
    }
    this.#outdate(String(event.type));
    return updated;
  }

  /** Take pieces of state that are not shown in the timeline. Whether any is new. */
  takeState(events) {
    let isChanged = false;
    for (const event of events) {
      if (!isState(event) || text(event, "type") === null) continue;
      isChanged = this.state.apply(withoutRoom(event)) || isChanged;
      this.#outdate(event.type);
    }
    return isChanged;
  }

  /** The names of the reducers that an event may concern. */
  extendedBy(event) {
    const isRedaction = event.type === "m.room.redaction";
    return this.reducers
      .filter((reducer) => isRedaction || reducer.eventTypes.has(event.type))
      .map((reducer) => reducer.name);
  }

  /** The user is out: what is left is what was said, and the room's state. */
  leave() {
    this.membership = this.state.membership(this.own) === "ban" ? "ban" : "leave";
    this.bump = 0;
    this.joinedSeq = 0;
    this.fullyRead = null;
    this.receipts = new Receipts();
    this.unread = new Unread();
    this.typing = new Typing();
    this.accountData = new Map();
    this.summary = null;
  }

  /** All that is known of the room, as JSON; equal pictures are equal rooms. */
  picture() {
    const [notifications, highlights] = this.counts();
    return {
      membership: this.membership,
      name: this.name,
      joined_count: this.joinedCount,
      invited_count: this.invitedCount,
      bump: this.bump,
      read_seq: this.readSeq,
      notification_count: notifications,
      highlight_count: highlights,
      fully_read: this.fullyRead,
      muted: this.isMuted,
      pinned: this.isPinned,
      archived: this.isArchived,
      typing: this.typing.userIds,
      receipts: this.receipts.picture(),
      account_data: objectOf(byKey(this.accountData)),
      state: this.state.picture(),
      timeline: {
        head: this.timeline.head,
        before: this.timeline.before(),
        missing: this.timeline.gaps().map(({ first, last }) => [first, last]),
        items: this.items().map(itemPicture),
      },
      extensions: objectOf(byKey(this.extensions)),
    };
  }

  /** What an event does to the list and to the counts. */
  #account(event, seq) {
    const redaction = redactionOf(event);
    if (redaction) this.#uncount(event, redaction, seq);
    if (!this.policy.lifts(event)) return;
    if (event.sender === this.own) {
      this.unread.read(seq);
      return;
    }
    this.bump = Math.max(this.bump, posOf(event) ?? 0);
    const [isCounted, isHighlight] = this.#judge(event);
    if (isCounted) this.unread.count(seq, isHighlight);
  }

  #uncount(event, redaction, seq) {
    const told = child(child(event, "unsigned"), REDACTS);
    const target = number(told, "seq");
    if (target === null) return;
    const found = this.timeline.event(redaction.target);
    this.unread.uncount({
      seq,
      target,
      counted: this.#wasCounted(found, told),
      highlight: this.#wasHighlight(found, told),
    });
  }

  /** Whether somebody else's message counts, and whether it highlights. */
  #judge(event) {
    const heard = this.rules?.heard ?? null;
    if (heard === null) {
      const isCounted = this.policy.counts(event);
      return [isCounted, isCounted && this.#isHighlight(event)];
    }
    if (!this.policy.lifts(event) || this.rules.ignored.has(event.sender)) return [false, false];
    const rule = heard.match({ ...event, room_id: this.roomId }, this.#seen());
    return rule ? [rule.notifies, rule.highlights] : [false, false];
  }

  #seen() {
    return {
      displayName: text(this.state.content(MEMBER, this.own), "displayname"),
      joinedCount: this.joinedCount,
      mayNotify: (sender, key) => key === "room" && this.state.mayCallRoom(sender),
    };
  }

  /**
   * The server says whether the target counts for everybody; by rules of one's own it can only be
   * told from the target itself.
   */
  #wasCounted(target, told) {
    if (this.rules?.heard && target) return this.#judge(target)[0];
    return told.counts === true;
  }

  #wasHighlight(target, told) {
    if (target) return this.#judge(target)[1];
    // The server may say whom the redacted event mentioned.
    return mentions(child(told, "mentions"), this.own, true);
  }

  #isHighlight(event) {
    const mentioned = child(contentOf(event), "m.mentions");
    return mentions(mentioned, this.own, this.state.mayCallRoom(String(event.sender)));
  }

  #outdate(type) {
    for (const reducer of this.reducers) {
      if (reducer.eventTypes.has(type)) this.#extensions.delete(reducer.name);
    }
  }

  #count(membership, key) {
    return number(this.summary ?? {}, key) ?? this.state.members(membership).length;
  }
}

function withoutRoom(event) {
  const { room_id: _, ...kept } = event;
  return kept;
}
