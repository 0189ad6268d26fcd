// A finger that rests on something.

const HELD_MS = 500;
const STILL_PX = 10;

/** Tells `held({x, y})` once a touch has rested for half a second. */
export class Press {
  #held;
  #timer = 0;
  #start = null;

  constructor(held) {
    this.#held = held;
  }

  down = (event) => {
    if (event.pointerType !== "touch" || !event.isPrimary) return;
    const at = { x: event.clientX, y: event.clientY };
    this.#start = at;
    this.#timer = setTimeout(() => this.#held(at), HELD_MS);
  };

  move = (event) => {
    const start = this.#start;
    if (start && Math.hypot(event.clientX - start.x, event.clientY - start.y) > STILL_PX) this.up();
  };

  up = () => {
    clearTimeout(this.#timer);
    this.#start = null;
  };
}
