import { css, html, nothing } from "../vendor/lit.js";
import { size } from "../app/format.js";
import { t } from "../app/i18n.js";
import { ChatElement } from "./element.js";
import { icon } from "./icon.js";

const MOST_WIDTH = 360;
const MOST_HEIGHT = 320;
const ICON_OF = { "m.image": "image", "m.video": "video", "m.audio": "music", "m.sticker": "image" };
// What browsers draw and never run.
const DRAWN = /^image\/(?:png|jpeg|gif|webp|avif|apng|bmp)$/;

/** The file of a message: a picture that keeps its place, or a name to download. */
export class Attachment extends ChatElement {
  static properties = {
    session: { attribute: false },
    room: { attribute: false },
    row: { attribute: false },
    content: { attribute: false },
    url: { state: true },
    isMissing: { state: true },
  };

  static styles = [
    ...ChatElement.styles,
    css`
      :host {
        display: block;
        margin-block: 0.125rem;
      }
      .picture {
        display: grid;
        place-items: center;
        width: min(var(--width), 100%);
        aspect-ratio: var(--ratio);
        border-radius: 0.625rem;
        overflow: hidden;
        background: var(--cp-surface-3);
        color: var(--cp-text-2);
      }
      img {
        width: 100%;
        height: 100%;
        object-fit: cover;
      }
      .file {
        display: flex;
        align-items: center;
        gap: 0.75rem;
        max-width: 24rem;
        padding: 0.25rem;
        text-align: start;
      }
      .file .sign {
        display: grid;
        place-items: center;
        width: 2.75rem;
        height: 2.75rem;
        flex: none;
        border-radius: 50%;
        background: var(--cp-accent);
        color: var(--cp-on-accent);
      }
      .lines {
        min-width: 0;
      }
      .lines span {
        display: block;
      }
    `,
  ];

  willUpdate(changed) {
    if (changed.has("content")) this.#load();
  }

  render() {
    return html`${this.#isPicture ? this.#picture() : this.#file()}${this.#caption()}`;
  }

  get #info() {
    const { info } = this.content;
    return info && typeof info === "object" ? info : {};
  }

  get #isPicture() {
    const kind = this.content.msgtype;
    const isDrawn = DRAWN.test(this.#info.mimetype ?? "image/png");
    return (kind === "m.image" || this.row.type === "m.sticker") && isDrawn && !this.isMissing;
  }

  get #name() {
    const { filename, body } = this.content;
    return String(filename ?? body ?? t("message.file", { name: "" }));
  }

  #caption() {
    const { filename, body } = this.content;
    if (typeof filename !== "string" || filename === body) return nothing;
    return html`<cp-message-text .content=${this.content}></cp-message-text>`;
  }

  #picture() {
    const { width, height } = fitted(this.#info);
    this.style.setProperty("--width", `${width}px`);
    this.style.setProperty("--ratio", `${width} / ${height}`);
    return html`<button class="picture" aria-label=${this.#name} @click=${this.#view}>
      ${this.url ? html`<img src=${this.url} alt=${this.#name} />` : icon("image")}
    </button>`;
  }

  #file() {
    const bytes = this.#info.size;
    return html`<button class="file" title=${t("download")} @click=${this.#download}>
      <span class="sign">${icon(ICON_OF[this.content.msgtype] ?? "file")}</span>
      <span class="lines">
        <span class="cut">${this.#name}</span>
        <span class="quiet">${Number.isFinite(bytes) ? size(bytes) : t("download")}</span>
      </span>
    </button>`;
  }

  async #load() {
    this.url = "";
    this.isMissing = false;
    const { content } = this;
    if (!this.#isPicture || !this.session) return;
    try {
      const url = await this.session.media(String(content.url), {
        width: 2 * MOST_WIDTH,
        height: 2 * MOST_HEIGHT,
        method: "scale",
      });
      if (content === this.content) this.url = url;
    } catch {
      this.isMissing = true;
    }
  }

  #view(event) {
    event.stopPropagation();
    this.tell("cp-view", { row: this.row, room: this.room });
  }

  async #download(event) {
    event.stopPropagation();
    try {
      save(await this.session.media(String(this.content.url), {}), this.#name);
    } catch (error) {
      this.tell("cp-failed", { error });
    }
  }
}

/** Have the browser keep what is at an address of its own. */
export function save(url, name) {
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
}

/** The size at which a picture is shown, by what its message says of it. */
export function fitted({ w, h }) {
  const width = Number(w) > 0 ? Number(w) : MOST_WIDTH;
  const height = Number(h) > 0 ? Number(h) : MOST_WIDTH * 0.75;
  const scale = Math.min(1, MOST_WIDTH / width, MOST_HEIGHT / height);
  return {
    width: Math.max(48, Math.round(width * scale)),
    height: Math.max(48, Math.round(height * scale)),
  };
}

customElements.define("cp-attachment", Attachment);
