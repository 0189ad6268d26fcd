import { css, html, nothing } from "../vendor/lit.js";
import { Accounts } from "../app/accounts.js";
import { t, texts } from "../app/i18n.js";
import { PageTitle } from "../app/page-title.js";
import { preferences } from "../app/preferences.js";
import { Router } from "../app/router.js";
import { ChatElement } from "./element.js";
import { icon } from "./icon.js";
import { tokens } from "./tokens.js";
import "./avatar.js";
import "./chat.js";
import "./login.js";
import "./toasts.js";

/** The whole client: the door, and the chat and its neighbors behind it. */
export class App extends ChatElement {
  static properties = {
    session: { state: true },
    reason: { state: true },
    theme: { reflect: true },
  };

  static styles = [
    ...ChatElement.styles,
    tokens,
    css`
      :host {
        display: block;
        height: 100dvh;
        background: var(--cp-backdrop);
      }
      .shell {
        display: grid;
        grid-template-columns: auto minmax(0, 1fr);
        height: 100%;
      }
      nav {
        display: flex;
        flex-direction: column;
        align-items: center;
        gap: 0.25rem;
        padding: 0.5rem 0.375rem;
        background: var(--cp-surface-2);
        border-inline-end: 1px solid var(--cp-line);
      }
      nav .space {
        flex: 1;
      }
      nav button {
        position: relative;
        display: grid;
        place-items: center;
        width: 3rem;
        height: 3rem;
        border-radius: 0.75rem;
        color: var(--cp-text-2);
      }
      nav button:hover,
      nav button[aria-current="page"] {
        background: var(--cp-selected);
        color: var(--cp-text);
      }
      nav cp-avatar {
        --size: 2.25rem;
      }
      main {
        min-width: 0;
        min-height: 0;
      }
      .skip {
        position: absolute;
        inset-inline-start: 0.5rem;
        top: -4rem;
        z-index: 20;
        padding: 0.5rem 1rem;
        background: var(--cp-accent);
        color: var(--cp-on-accent);
        border-radius: 0.5rem;
      }
      .skip:focus {
        top: 0.5rem;
      }
      @media (max-width: 44.9375rem) {
        .shell {
          grid-template-columns: minmax(0, 1fr);
          grid-template-rows: minmax(0, 1fr) auto;
        }
        nav {
          order: 2;
          flex-direction: row;
          justify-content: space-around;
          border: 0;
          border-top: 1px solid var(--cp-line);
          padding: 0.125rem 0.5rem max(0.125rem, env(safe-area-inset-bottom));
        }
        nav .space,
        .inside nav {
          display: none;
        }
      }
    `,
  ];

  #accounts = new Accounts();
  #router = new Router(this);
  #title = new PageTitle();

  constructor() {
    super();
    this.theme = preferences.get("theme");
  }

  connectedCallback() {
    super.connectedCallback();
    this.follow("preferences", preferences, { change: () => this.#preferred() });
    this.follow("accounts", this.#accounts, {
      session: ({ detail }) => this.#entered(detail),
      ended: ({ detail }) => this.#ended(detail),
    });
    this.#accounts.restore();
  }

  render() {
    if (this.session === undefined) return nothing;
    if (this.session === null) {
      return html`<cp-login
        .server=${location.origin}
        .reason=${this.reason ?? ""}
        @cp-logged-in=${({ detail }) => this.#accounts.logIn(detail.credentials)}
      ></cp-login>`;
    }
    const { place } = this.#router;
    return html`<a class="skip" href="#main" @click=${this.#skip}>${t("skip")}</a>
      <div class="shell ${place.roomId ? "inside" : ""}">
        ${this.#nav(place)}
        <main id="main" tabindex="-1">${this.#main(place)}</main>
      </div>
      <cp-toasts></cp-toasts>`;
  }

  firstUpdated() {
    const handled = {
      "cp-open": ({ detail }) => this.#router.open(detail),
      "cp-back": ({ detail }) => this.#router.back(detail?.roomId),
      "cp-toast": ({ detail }) => this.renderRoot.querySelector("cp-toasts")?.show(detail),
      "cp-log-out": () => this.#accounts.logOut(),
    };
    for (const [type, handler] of Object.entries(handled)) this.addEventListener(type, handler);
  }

  #nav(place) {
    const { userId } = this.session.state;
    const button = (view, name, picture) => html`<button
      title=${name}
      aria-label=${name}
      aria-current=${place.view === view ? "page" : nothing}
      @click=${() => this.#router.go(view)}
    >
      ${picture}
    </button>`;
    return html`<nav aria-label=${t("navigation")}>
      ${button("chats", t("chats"), icon("chat"))}
      <span class="space"></span>
      ${button(
        "settings",
        t("settings"),
        html`<cp-avatar
          .session=${this.session}
          .src=${this.session.profile?.avatarUrl ?? ""}
          .name=${this.session.profile?.displayName ?? userId.slice(1)}
          .of=${userId}
        ></cp-avatar>`,
      )}
    </nav>`;
  }

  #main({ view, roomId, eventId, thread }) {
    if (view === "settings") {
      return html`<cp-settings .session=${this.session}></cp-settings>`;
    }
    return html`<cp-chat
      .session=${this.session}
      .roomId=${roomId ?? ""}
      .eventId=${eventId ?? ""}
      .thread=${thread ?? ""}
    ></cp-chat>`;
  }

  #entered(session) {
    this.session = session;
    this.follow("profile", session, { profile: () => this.requestUpdate() });
    this.reason = "";
    this.#title.follow(session);
  }

  #ended(reason) {
    this.session = null;
    this.reason = reason;
    this.#title.follow(null);
    this.#router.go("chats");
  }

  #skip(event) {
    event.preventDefault();
    this.renderRoot.querySelector("main").focus();
  }

  async #preferred() {
    this.theme = preferences.get("theme");
    document.documentElement.dataset.theme = this.theme;
    const language = preferences.get("language");
    if (language && language !== texts.language) {
      await texts.use(language);
      document.documentElement.lang = language;
    }
  }
}

customElements.define("cp-app", App);
