// A finger on a row: a swipe to the side, a press that is held, or scrolling.

const DECIDED_PX = 10;
const FLICK_PX_PER_MS = 0.7;
const ENOUGH = 0.25; // of the row's width
const HELD_MS = 500;

/** Follows touch pointers of one element: `moved(px)`, `done()`, `held({x, y})`. */
export class Swipe {
  #on;
  #start = null;
  #timer = 0;
  #swallow = false;

  constructor(on) {
    this.#on = on;
  }

  down = (event) => {
    this.#swallow = false;
    if (event.pointerType !== "touch" || !event.isPrimary) return;
    const { clientX: x, clientY: y, timeStamp: at } = event;
    this.#start = { x, y, at, swiping: false, width: event.currentTarget.offsetWidth };
    this.#timer = setTimeout(() => this.#hold({ x, y }), HELD_MS);
  };

  move = (event) => {
    const start = this.#start;
    if (!start || event.pointerType !== "touch") return;
    const dx = event.clientX - start.x;
    const dy = event.clientY - start.y;
    if (!start.swiping && Math.hypot(dx, dy) < DECIDED_PX) return;
    clearTimeout(this.#timer);
    if (!start.swiping && (Math.abs(dy) > Math.abs(dx) || dx > 0)) return this.#end();
    start.swiping = true;
    this.#swallow = true;
    event.currentTarget.setPointerCapture(event.pointerId);
    this.#on.moved(Math.min(0, Math.max(-start.width, dx)));
  };

  up = (event) => {
    const start = this.#start;
    this.#end();
    if (!start?.swiping) return;
    const dx = event.clientX - start.x;
    const speed = -dx / Math.max(1, event.timeStamp - start.at);
    if (-dx >= start.width * ENOUGH || (-dx > 3 * DECIDED_PX && speed > FLICK_PX_PER_MS)) {
      this.#on.done();
    }
  };

  cancel = () => this.#end();

  /** Whether the click that follows belongs to a swipe or a held press. */
  swallowsClick() {
    const swallow = this.#swallow;
    this.#swallow = false;
    return swallow;
  }

  #hold(at) {
    this.#end();
    this.#swallow = true;
    this.#on.held?.(at);
  }

  #end() {
    clearTimeout(this.#timer);
    this.#start = null;
    this.#on.moved(0);
  }
}
