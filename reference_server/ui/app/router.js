// Which part of the client an address shows.

/** Where in the client one is; the address of the page says the same. */
export class Router {
  place;
  #host;

  constructor(host) {
    this.#host = host;
    this.place = placeOf(location.pathname);
    host.addController(this);
  }

  hostConnected() {
    addEventListener("popstate", this.#popped);
  }

  hostDisconnected() {
    removeEventListener("popstate", this.#popped);
  }

  /** Show a chat: `{roomId, eventId?, thread?}`. */
  open({ roomId, eventId, thread }) {
    const isSame = this.place.roomId === roomId;
    this.#to({ view: "chats", roomId, eventId, thread }, isSame && !thread && !this.place.thread);
  }

  /** Show a part of the client. */
  go(view) {
    this.#to({ view }, this.place.view === view && !this.place.roomId);
  }

  /** Leave the chat that is open, if it is this one. */
  back(roomId) {
    if (roomId && roomId !== this.place.roomId) return;
    if (history.state?.isInside) history.back();
    else this.#to({ view: "chats" }, true);
  }

  #to(place, isReplacing) {
    this.place = place;
    const state = { isInside: true };
    if (isReplacing) history.replaceState(history.state, "", pathOf(place));
    else history.pushState(state, "", pathOf(place));
    this.#host.requestUpdate();
  }

  #popped = () => {
    this.place = placeOf(location.pathname);
    this.#host.requestUpdate();
  };
}

/** The place that a path names. */
export function placeOf(path) {
  const [view, ...ids] = path.split("/").filter(Boolean).map(decoded);
  if (view !== "room" || !ids.length) return { view: view || "chats" };
  const [roomId, second, third] = ids;
  if (second === "thread") return { view: "chats", roomId, thread: third };
  return { view: "chats", roomId, eventId: second };
}

/** The path of a place. */
export function pathOf({ view, roomId, eventId, thread }) {
  if (!roomId) return view === "chats" ? "/" : `/${encodeURIComponent(view)}`;
  const parts = thread ? [roomId, "thread", thread] : [roomId, eventId].filter(Boolean);
  return ["/room", ...parts.map(encodeURIComponent)].join("/");
}

function decoded(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
