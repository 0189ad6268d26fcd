import { css, html, nothing } from "../vendor/lit.js";
import { ChatElement } from "./element.js";

const LINK = /\bhttps?:\/\/[^\s<>"'`]+[^\s<>"'`.,;:!?)\]}»”]/iu;
const known = new Map(); // sessions ask once for each address
const MOST_KNOWN = 500;

/** What the first link of a message leads to, as the server has found it. */
export class LinkPreview extends ChatElement {
  static properties = {
    session: { attribute: false },
    content: { attribute: false },
    found: { state: true },
  };

  static styles = [
    ...ChatElement.styles,
    css`
      a {
        display: block;
        max-width: 26rem;
        margin-top: 0.375rem;
        padding: 0.375rem 0.625rem;
        border-inline-start: 3px solid var(--cp-line);
        border-radius: 0.25rem;
        background: light-dark(rgb(0 0 0 / 0.04), rgb(255 255 255 / 0.05));
        color: inherit;
        text-decoration: none;
        font-size: 0.875rem;
      }
      b,
      span {
        display: block;
      }
      .about {
        display: -webkit-box;
        -webkit-line-clamp: 2;
        -webkit-box-orient: vertical;
        overflow: hidden;
        color: var(--cp-text-2);
      }
    `,
  ];

  willUpdate(changed) {
    if (changed.has("content")) this.#find();
  }

  render() {
    const { found } = this;
    if (!found) return nothing;
    return html`<a href=${found.url} target="_blank" rel="noreferrer noopener" data-preview>
      <span class="quiet cut">${found.site}</span>
      <b class="cut">${found.title}</b>
      ${found.about ? html`<span class="about">${found.about}</span>` : nothing}
    </a>`;
  }

  async #find() {
    this.found = null;
    const { content, session } = this;
    const body = typeof content?.body === "string" ? content.body : "";
    const url = LINK.exec(body)?.[0];
    if (!url || !session?.hasPreviews) return;
    if (!known.has(url)) {
      if (known.size >= MOST_KNOWN) known.clear();
      known.set(url, session.preview(url).then(read.bind(null, url), () => null));
    }
    const found = await known.get(url);
    if (content === this.content) this.found = found;
  }
}

function read(url, answer) {
  const text = (key) => (typeof answer[key] === "string" ? answer[key] : "");
  const title = text("og:title");
  if (!title) return null;
  return { url, title, about: text("og:description"), site: text("og:site_name") || host(url) };
}

function host(url) {
  try {
    return new URL(url).host;
  } catch {
    return url;
  }
}

customElements.define("cp-link-preview", LinkPreview);
