// Times, sizes and names as the user's language writes them.

import { t, texts } from "./i18n.js";

const DAY_MS = 86_400_000;

const formats = new Map();

function format(options) {
  const key = `${texts.locale} ${JSON.stringify(options)}`;
  if (!formats.has(key)) formats.set(key, new Intl.DateTimeFormat(texts.locale, options));
  return formats.get(key);
}

/** The time of day. */
export const time = (ms) => format({ hour: "2-digit", minute: "2-digit" }).format(ms);

/** Date and time in full, for titles. */
export const moment = (ms) => format({ dateStyle: "full", timeStyle: "short" }).format(ms);

/** Which day it is by the user's clock; equal for two times of one day. */
export const dayOf = (ms) => new Date(ms).setHours(0, 0, 0, 0);

/** "Today", "Yesterday", or the date. */
export function day(ms, now = Date.now()) {
  const days = Math.round((dayOf(now) - dayOf(ms)) / DAY_MS);
  if (days === 0) return t("day.today");
  if (days === 1) return t("day.yesterday");
  const year = new Date(ms).getFullYear() === new Date(now).getFullYear() ? undefined : "numeric";
  return format({ weekday: "short", day: "numeric", month: "long", year }).format(ms);
}

/** As short as a list has room for: the time today, a weekday this week, else the date. */
export function brief(ms, now = Date.now()) {
  const days = Math.round((dayOf(now) - dayOf(ms)) / DAY_MS);
  if (days === 0) return time(ms);
  if (days > 0 && days < 7) return format({ weekday: "short" }).format(ms);
  return format({ day: "2-digit", month: "2-digit", year: "2-digit" }).format(ms);
}

/** How long ago, in the largest unit that fits. */
export function ago(ms, now = Date.now()) {
  const minutes = Math.max(0, Math.round((now - ms) / 60_000));
  const told = new Intl.RelativeTimeFormat(texts.locale, { numeric: "auto" });
  if (minutes < 60) return told.format(-minutes, "minute");
  if (minutes < 48 * 60) return told.format(-Math.round(minutes / 60), "hour");
  return told.format(-Math.round(minutes / 1440), "day");
}

const UNITS = ["byte", "kilobyte", "megabyte", "gigabyte"];

/** A size in bytes as people read it. */
export function size(bytes) {
  const step = Math.min(UNITS.length - 1, Math.floor(Math.log10(Math.max(1, bytes)) / 3));
  return new Intl.NumberFormat(texts.locale, {
    style: "unit",
    unit: UNITS[step],
    unitDisplay: "short",
    maximumFractionDigits: step > 1 ? 1 : 0,
  }).format(bytes / 1000 ** step);
}

/** Minutes and seconds. */
export function duration(ms) {
  const seconds = Math.max(0, Math.round(ms / 1000));
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}

/** A count for a badge: no more than two digits. */
export const badge = (n) => (n > 99 ? "99+" : String(n));

/** Some names, as a list is written. */
export const names = (list) =>
  new Intl.ListFormat(texts.locale, { type: "conjunction" }).format(list);
