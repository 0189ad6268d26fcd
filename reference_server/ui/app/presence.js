// Who is there, and what they say about it.

import { ago } from "./format.js";
import { t } from "./i18n.js";

/** online, busy, unavailable or offline. */
export function shownPresence(state, userId) {
  const found = state.presence.get(userId);
  if (!found) return "offline";
  return found.busy && found.presence !== "offline" ? "busy" : found.presence;
}

/** What they say of themselves, or whether they are there, or when they were. */
export function presenceText(state, userId, now = Date.now()) {
  const found = state.presence.get(userId);
  if (found?.statusMsg) return found.statusMsg;
  const presence = shownPresence(state, userId);
  if (presence === "offline" && found?.lastActiveMs) {
    return t("presence.last_seen", { when: ago(found.lastActiveMs, now) });
  }
  return t(`presence.${presence}`);
}
