// Run before anything is drawn, so that a chosen theme does not flash up late.
"use strict";

try {
  const { theme } = JSON.parse(localStorage.getItem("chatproto.preferences") ?? "{}");
  if (typeof theme === "string") document.documentElement.dataset.theme = theme;
} catch {
  // Then it is the system's.
}
