// From what others have written to nodes that can do no harm.

import DOMPurify from "../vendor/purify.js";

// What the specification suggests for m.room.message, without what fetches anything.
const TAGS = (
  "del h1 h2 h3 h4 h5 h6 blockquote p a ul ol sup sub li b i u strong em s code hr br div " +
  "table thead tbody tr th td caption pre span details summary"
).split(" ");
const ATTRIBUTES = ["href", "start", "class", "data-mx-spoiler"];
const SCHEMES = /^(?:https?|mailto|tel|matrix):/i;
const LINK = /\bhttps?:\/\/[^\s<>"'`]+[^\s<>"'`.,;:!?)\]}»”]/giu;
const EMOJI = /^(?:\p{RGI_Emoji}|\s){1,8}$/v;
const DEEPEST = 100;

/** The nodes of a message: `{fragment, isFormatted, isEmojiOnly}`. */
export function formatted(content) {
  const body = typeof content.body === "string" ? content.body : "";
  const source = content.formatted_body;
  if (content.format === "org.matrix.custom.html" && typeof source === "string") {
    const fragment = sanitized(source);
    if (fragment) return { fragment, isFormatted: true, isEmojiOnly: false };
  }
  const isEmojiOnly = EMOJI.test(body) && body.trim() !== "";
  return { fragment: linked(body), isFormatted: false, isEmojiOnly };
}

function sanitized(source) {
  const fragment = DOMPurify.sanitize(source, {
    ALLOWED_TAGS: TAGS,
    ALLOWED_ATTR: ATTRIBUTES,
    ALLOWED_URI_REGEXP: SCHEMES,
    ALLOW_DATA_ATTR: false,
    ALLOW_ARIA_ATTR: false,
    FORBID_CONTENTS: ["mx-reply", "script", "style", "template", "noscript", "iframe"],
    RETURN_DOM_FRAGMENT: true,
  });
  if (depth(fragment) > DEEPEST) return undefined;
  for (const element of fragment.querySelectorAll("[class]")) keepLanguage(element);
  for (const link of fragment.querySelectorAll("a")) harmless(link);
  return fragment;
}

/** Of classes only a code block's language is meant for others. */
function keepLanguage(element) {
  const kept = [...element.classList].filter((name) => /^language-[\w+#-]+$/.test(name));
  if (kept.length && element.localName === "code") element.className = kept[0];
  else element.removeAttribute("class");
}

function harmless(link) {
  const user = mentioned(link.getAttribute("href") ?? "");
  if (user) {
    link.className = "mention";
    link.dataset.user = user;
  }
  link.target = "_blank";
  link.rel = "noreferrer noopener";
}

/** The user whom a matrix.to or matrix: link means. */
export function mentioned(href) {
  const found = /^https:\/\/matrix\.to\/#\/([^?/]+)/.exec(href);
  if (!found) return undefined;
  try {
    const id = decodeURIComponent(found[1]);
    return id.startsWith("@") ? id : undefined;
  } catch {
    return undefined;
  }
}

/** Text whose addresses can be clicked. */
export function linked(text) {
  const fragment = document.createDocumentFragment();
  let at = 0;
  for (const found of text.matchAll(LINK)) {
    fragment.append(text.slice(at, found.index), anchor(found[0]));
    at = found.index + found[0].length;
  }
  fragment.append(text.slice(at));
  return fragment;
}

function anchor(address) {
  const link = document.createElement("a");
  link.href = address;
  link.textContent = address;
  link.target = "_blank";
  link.rel = "noreferrer noopener";
  return link;
}

function depth(node) {
  let deepest = 0;
  const left = [[node, 0]];
  while (left.length && deepest <= DEEPEST) {
    const [next, level] = left.pop();
    deepest = Math.max(deepest, level);
    for (const below of next.children) left.push([below, level + 1]);
  }
  return deepest;
}
