// Which part of a long list is in the page.

const MOST = 160;
const STEP = 40;

/** A stretch of rows that is moved along as one scrolls. */
export class Window {
  start = 0;
  end = 0;

  /** The rows in it. */
  of(rows) {
    return rows.slice(this.start, this.end);
  }

  isAtEnd(count) {
    return this.end >= count;
  }

  toEnd(count) {
    this.end = count;
    this.start = Math.max(0, count - 2 * STEP);
  }

  around(at, count) {
    this.start = Math.max(0, at - STEP);
    this.end = Math.min(count, at + STEP);
  }

  /** The list is another one: `first` was the key of its first row. */
  grown(was, rows, first, isFollowing) {
    const count = rows.length;
    if (was === 0) return this.toEnd(count);
    const before = first === undefined ? 0 : rows.findIndex((row) => row.key === first);
    if (before < 0) return this.toEnd(count);
    const atEnd = this.end >= was;
    this.start += before;
    this.end = Math.min(count, this.end + before);
    if (atEnd && isFollowing) {
      this.end = count;
      if (this.end - this.start > MOST) this.start = this.end - MOST;
    } else if (atEnd && this.end - this.start < MOST) {
      this.end = Math.min(count, this.start + MOST);
    }
    return undefined;
  }

  /** Move towards the first row; whether there was any way to go. */
  up() {
    if (this.start === 0) return false;
    this.start = Math.max(0, this.start - STEP);
    this.end = Math.min(this.end, this.start + MOST);
    return true;
  }

  /** Move towards the last row; whether there was any way to go. */
  down(count) {
    if (this.end >= count) return false;
    this.end = Math.min(count, this.end + STEP);
    this.start = Math.max(this.start, this.end - MOST);
    return true;
  }
}
