// Emoji by group, with the words by which they are found.

import { t } from "./i18n.js";

const GROUPS = new Map();

/** `[{name, emoji: [{text, label, words}]}]` in a language; fetched when they are first wanted. */
export function emojiGroups(language) {
  if (!GROUPS.has(language)) GROUPS.set(language, load(language));
  return GROUPS.get(language);
}

async function load(language) {
  const { default: groups } = await import(`../vendor/emoji/${language}.json`, {
    with: { type: "json" },
  });
  return groups.map(({ name, emoji }) => ({
    name: t(`emoji.${name}`),
    emoji: emoji.map(({ text, label, words = [], codes = [] }) => ({
      text,
      label,
      words: [label, ...words, ...codes].join(" ").toLocaleLowerCase(),
    })),
  }));
}
