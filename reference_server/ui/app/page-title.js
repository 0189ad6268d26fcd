// What the browser's tab says: how much is unread.

import { badge } from "./format.js";

const NAME = "chatproto";

/** Keeps the title and the application's badge right. */
export class PageTitle {
  #ended = null;

  follow(session) {
    this.#ended?.abort();
    this.#ended = new AbortController();
    if (session) {
      const { signal } = this.#ended;
      session.addEventListener("changes", () => this.#show(session), { signal });
    }
    this.#show(session);
  }

  #show(session) {
    const [unread] = session?.state.totals() ?? [0];
    const title = unread ? `(${badge(unread)}) ${NAME}` : NAME;
    if (document.title === title) return;
    document.title = title;
    document.querySelector("link[rel=icon]").href = unread ? "/ui/icons/unread.svg" : "/ui/icons/icon.svg";
    const told = unread ? navigator.setAppBadge?.(unread) : navigator.clearAppBadge?.();
    told?.catch(() => {});
  }
}
