// How much is unread in one room, exactly, with few words from the server.
//
// The server's numbers are a base: right for the events up to a seq, `through`, seen from a read
// position. Everything else is facts about single events: what counts, what redacts what, how far
// one has read. Facts are sets by seq and maxima, so it makes no difference in which order, how
// often or by which item they come. The reasoning at length is in the Python module of this name.

const NO_BASE = Object.freeze({ readSeq: 0, through: 0, notificationCount: 0, highlightCount: 0 });

/** The counts of one room. */
export class Unread {
  readSeq = 0;
  base = NO_BASE;
  counted = new Map(); // seq to "is a highlight"
  redactions = new Map(); // seq to {seq, target, counted, highlight}
  #totals = null;

  /** Take the server's numbers: `{readSeq, through, notificationCount, highlightCount}`. */
  rebase(base) {
    if (this.#isStale(base)) return;
    this.#totals = null;
    this.base = base;
    this.read(base.readSeq);
  }

  /** Take numbers that were counted by other rules than what is known here. */
  recount(base) {
    if (this.#isStale(base)) return;
    this.counted = after(this.counted, base.through);
    this.redactions = after(this.redactions, base.through);
    this.base = base;
    this.read(base.readSeq);
  }

  /** One's own read position is at least here. */
  read(seq) {
    this.#totals = null;
    this.readSeq = Math.max(this.readSeq, seq);
    if (this.readSeq >= this.base.through) {
      this.base = { ...NO_BASE, readSeq: this.readSeq, through: this.readSeq };
    }
    this.#forget(this.base.readSeq);
  }

  /** Someone else's event at `seq` counts. */
  count(seq, highlight) {
    if (seq <= this.base.readSeq || this.counted.has(seq)) return;
    this.counted.set(seq, highlight);
    const totals = this.#totals;
    // A chat that nobody reads for long must not be counted anew at each message.
    const isNewest = seq > Math.max(this.readSeq, this.base.through) && !this.redactions.size;
    this.#totals = totals && isNewest ? [totals[0] + 1, totals[1] + Number(highlight)] : null;
  }

  /** A redaction at `seq` of the event at `target`; `counted` is the server's word of it. */
  uncount(redaction) {
    if (redaction.target <= this.base.readSeq) return;
    this.#totals = null;
    // What is heard first knows best what the target was.
    if (!this.redactions.has(redaction.seq)) this.redactions.set(redaction.seq, redaction);
  }

  /** The notification count and the highlight count. */
  totals() {
    this.#totals ??= this.#addUp();
    return this.#totals;
  }

  #addUp() {
    const redacted = new Set([...this.redactions.values()].map(({ target }) => target));
    const { base, readSeq } = this;
    const last = Math.max(readSeq, base.through);
    const tail = [...this.counted].filter(([seq]) => seq > last && !redacted.has(seq));
    const highlights = tail.filter(([, highlight]) => highlight).length;
    if (readSeq >= base.through) return [tail.length, highlights];
    const gone = this.#gone();
    const count = Math.max(0, base.notificationCount - gone.size);
    const quieted = [...gone.values()].filter(Boolean).length;
    const loud = Math.min(count, Math.max(0, base.highlightCount - quieted));
    return [tail.length + count, highlights + loud];
  }

  /** What has left the base since it was made, by seq. */
  #gone() {
    const { base, readSeq } = this;
    const redactions = [...this.redactions.values()];
    const early = redactions.filter(({ seq }) => seq <= base.through);
    const before = new Set(early.map(({ target }) => target));
    const isRead = ([seq]) => base.readSeq < seq && seq <= readSeq && !before.has(seq);
    const gone = new Map([...this.counted].filter(isRead));
    for (const { seq, target, counted, highlight } of redactions) {
      const isLate = counted && seq > base.through;
      if (isLate && base.readSeq < target && target <= base.through) {
        gone.set(target, highlight || (this.counted.get(target) ?? false));
      }
    }
    return gone;
  }

  /** Whether numbers are a repetition: older in one way, and newer in none. */
  #isStale(base) {
    if (base.through < this.base.through) {
      return base.readSeq <= Math.max(this.base.readSeq, this.readSeq - 1);
    }
    return base.through === this.base.through && base.readSeq < this.readSeq;
  }

  #forget(seq) {
    for (const known of this.counted.keys()) if (known <= seq) this.counted.delete(known);
    for (const [key, { target }] of this.redactions) if (target <= seq) this.redactions.delete(key);
  }
}

const after = (map, seq) => new Map([...map].filter(([key]) => key > seq));
