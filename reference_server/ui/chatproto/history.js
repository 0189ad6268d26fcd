import { MatrixError } from "./errors.js";
import { isObject } from "./json.js";

const AROUND = 50;

/**
 * Older events of the rooms, page by page; of each room one page at a time.
 *
 * `ask(name, fields)` calls the server, and `tell(changes)` passes changes of the state on.
 */
export class History {
  #state;
  #ask;
  #tell;
  #underWay = new Map();

  constructor({ state, ask, tell }) {
    this.#state = state;
    this.#ask = ask;
    this.#tell = tell;
  }

  /** See `Session.pageBack`. */
  back(roomId, limit, before) {
    return this.#alone(roomId, async () => {
      const from = this.#from(roomId, before);
      if (from !== null) await this.#page(roomId, from, limit);
      return this.#from(roomId, undefined) !== null;
    });
  }

  /** See `Session.fillGap`. */
  fill(roomId, gap, limit) {
    return this.#alone(roomId, async () => {
      const open = this.#gaps(roomId).find((g) => g.first <= gap.last && g.last >= gap.first);
      if (open) await this.#page(roomId, open.token, limit);
      return this.#gaps(roomId).some((g) => g.first <= gap.last && g.last >= gap.first);
    });
  }

  /** See `Session.around`. */
  around(roomId, eventId) {
    const fields = { room_id: roomId, event_id: eventId, limit: AROUND };
    return this.#ask("room.context", fields).then((answer) => {
      const before = listed(answer?.events_before).reverse();
      const chunk = [...before, answer?.event, ...listed(answer?.events_after)].filter(isObject);
      const page = { chunk, start: answer?.start, end: answer?.end };
      this.#tell(this.#state.applyHistory(roomId, page, "f"));
    });
  }

  #from(roomId, before) {
    const timeline = this.#state.rooms.get(roomId)?.timeline;
    if (!timeline) return null;
    const gaps = timeline.gaps();
    const gap = before === undefined ? gaps.at(-1) : gaps.findLast((g) => g.last < before);
    return gap?.token ?? timeline.before();
  }

  #gaps(roomId) {
    return this.#state.rooms.get(roomId)?.timeline.gaps() ?? [];
  }

  async #page(roomId, from, limit) {
    const page = await this.#ask("room.history", { room_id: roomId, dir: "b", from, limit });
    // Of a page that says nothing it would seem as if there were nothing older.
    if (!Array.isArray(page?.chunk)) throw new MatrixError("M_UNKNOWN", "this is no page");
    this.#tell(this.#state.applyHistory(roomId, page, "b"));
  }

  /** Whoever asks while a page is under way waits for that one. */
  #alone(roomId, act) {
    const known = this.#underWay.get(roomId);
    if (known) return known;
    const underWay = act().finally(() => this.#underWay.delete(roomId));
    this.#underWay.set(roomId, underWay);
    return underWay;
  }
}

function listed(value) {
  return Array.isArray(value) ? [...value] : [];
}
