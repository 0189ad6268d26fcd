// From what is typed to the content of a message.

const MARKS = /[*_`~#>[\]|]|^\s*(?:[-+]|\d+\.)\s/m;
const MXID = /[.*+?^${}()|[\]\\]/g;

/** The content of a text message; `mentions` are "@Name" to user ID. */
export async function messageContent(text, mentions, { msgtype } = {}) {
  const isEmote = /^\/me\s/.test(text);
  const body = isEmote ? text.replace(/^\/me\s+/, "") : text;
  const content = { msgtype: isEmote ? "m.emote" : (msgtype ?? "m.text"), body };
  const meant = [...mentions].filter(([name]) => body.includes(name));
  const html = await formattedBody(body, meant.filter(([, userId]) => userId !== "@room"));
  if (html !== null) {
    content.format = "org.matrix.custom.html";
    content.formatted_body = html;
  }
  const users = meant.map(([, userId]) => userId).filter((userId) => userId !== "@room");
  content["m.mentions"] = {
    ...(users.length ? { user_ids: [...new Set(users)] } : {}),
    ...(meant.some(([, userId]) => userId === "@room") ? { room: true } : {}),
  };
  return content;
}

/** HTML where the text asks for it, null where plain text says the same. */
async function formattedBody(body, mentions) {
  if (!mentions.length && !MARKS.test(body)) return null;
  const { marked } = await import("../vendor/marked.js");
  const made = marked.parse(escaped(body), { gfm: true, breaks: true, async: false }).trim();
  const html = linkedMentions(simple(made), mentions);
  return html === escaped(body).replace(/\n/g, "<br>") ? null : html;
}

/** HTML that somebody types is text. */
const escaped = (text) =>
  text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/(?<!^[ \t]*)>(?! )/gm, "&gt;");

/** One paragraph needs no <p> around it. */
const simple = (html) =>
  /^<p>(?:(?!<p>)[\s\S])*<\/p>$/.test(html) ? html.slice(3, -4) : html;

function linkedMentions(html, mentions) {
  let linked = html;
  for (const [name, userId] of [...mentions].sort((a, b) => b[0].length - a[0].length)) {
    const pattern = new RegExp(escaped(name).replace(MXID, "\\$&"), "g");
    const link = `<a href="https://matrix.to/#/${encodeURIComponent(userId)}">${escaped(name)}</a>`;
    linked = linked.replace(pattern, () => link);
  }
  return linked;
}
