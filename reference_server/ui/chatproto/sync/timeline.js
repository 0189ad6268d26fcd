// The known events of one room, by seq, and where there are gaps.
//
// `ranges` are the stretches of history that are known, both ends included; what lies between
// them has to be paged. A stretch may hold fewer events than places, for some events are not
// for every user.

import { seqOf } from "./fields.js";
import { redacted } from "./redacted.js";
import { redactionOf, Relations, relatedOf } from "./relations.js";

/** `head` is the last place taken from the server's stream, 0 before the first. */
export class Timeline {
  head = 0;
  relations = new Relations();
  ranges = [];
  #events = new Map(); // seq to event
  #order = [];
  #seqs = new Map(); // event ID to seq

  get size() {
    return this.#order.length;
  }

  /** Whether an event is known. */
  includes(eventId) {
    return this.#seqs.has(eventId);
  }

  has(seq) {
    return this.#events.has(seq);
  }

  /** All known events, the oldest first. */
  events() {
    return this.#order.map((seq) => this.#events.get(seq));
  }

  /** The known events, the newest first, one at a time. */
  *backwards() {
    for (let place = this.#order.length - 1; place >= 0; place -= 1) {
      yield this.#events.get(this.#order[place]);
    }
  }

  event(eventId) {
    const seq = this.#seqs.get(eventId);
    return seq === undefined ? null : this.#events.get(seq);
  }

  seq(eventId) {
    return this.#seqs.get(eventId) ?? null;
  }

  /** The newest event. */
  latest() {
    return this.#events.get(this.#order.at(-1)) ?? null;
  }

  /** What is missing between known events, the oldest first: `{first, last, token}`. */
  gaps() {
    return this.ranges.slice(1).map(([high], place) => {
      const [first, last] = [this.ranges[place][1] + 1, high - 1];
      return { first, last, token: `t${last}` };
    });
  }

  /** From where to page back to older events; null if there are none. */
  before() {
    const first = this.ranges.length ? this.ranges[0][0] : this.head + 1;
    return first > 1 ? `t${first - 1}` : null;
  }

  /**
   * Take an event that is not known yet; gives the IDs of older events that look different now.
   * An event redacted before it was seen is kept in its redacted form.
   */
  add(event) {
    const seq = seqOf(event) ?? 0;
    const eventId = String(event.event_id);
    const touched = [];
    const redaction = redactionOf(event);
    if (redaction) {
      this.relations.redact(redaction);
      touched.push(...this.#redact(redaction.target));
    }
    const taken = this.relations.redaction(eventId) ? redacted(event) : event;
    const related = relatedOf(taken);
    if (related) {
      this.relations.add(related);
      touched.push(related.target);
    }
    this.#put(seq, eventId, taken);
    return touched.filter((id) => id !== eventId && this.#seqs.has(id));
  }

  /** All events in a range, both ends included, are known now. */
  cover(first, last) {
    if (last < first) return;
    const apart = [];
    let [low, high] = [first, last];
    for (const range of this.ranges) {
      if (range[1] >= first - 1 && range[0] <= last + 1) {
        low = Math.min(low, range[0]);
        high = Math.max(high, range[1]);
      } else {
        apart.push(range);
      }
    }
    this.ranges = [...apart, [low, high]].sort((a, b) => a[0] - b[0]);
  }

  /** Forget all but the newest events; they can be paged again. */
  trim(keep) {
    const dropped = this.#order.slice(0, Math.max(0, this.#order.length - keep));
    if (!dropped.length) return;
    for (const seq of dropped) {
      const event = this.#events.get(seq);
      this.#events.delete(seq);
      this.#seqs.delete(String(event.event_id));
      const related = relatedOf(event);
      if (related) this.relations.remove(related);
    }
    this.#order = this.#order.slice(dropped.length);
    const last = dropped.at(-1);
    this.ranges = this.ranges
      .filter(([, high]) => high > last)
      .map(([low, high]) => [Math.max(low, last + 1), high]);
  }

  #put(seq, eventId, event) {
    const order = this.#order;
    if (order.length && seq < order.at(-1)) order.splice(placeOf(order, seq), 0, seq);
    else order.push(seq);
    this.#events.set(seq, event);
    this.#seqs.set(eventId, seq);
  }

  #redact(target) {
    const seq = this.#seqs.get(target);
    if (seq === undefined) return [];
    const event = this.#events.get(seq);
    this.#events.set(seq, redacted(event));
    const related = relatedOf(event);
    if (!related) return [target];
    this.relations.remove(related);
    return [target, related.target];
  }
}

function placeOf(order, seq) {
  let [low, high] = [0, order.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (order[middle] <= seq) low = middle + 1;
    else high = middle;
  }
  return low;
}
