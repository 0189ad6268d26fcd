import { css, html, nothing } from "../vendor/lit.js";
import { logIn, register, serverFeatures } from "../chatproto/login.js";
import { t } from "../app/i18n.js";
import { ChatElement } from "./element.js";
import { icon } from "./icon.js";

/** The door: logging in, and making an account where the server lets one. */
export class Login extends ChatElement {
  static properties = {
    server: {},
    isNew: { state: true },
    isBusy: { state: true },
    isShown: { state: true },
    error: { state: true },
    features: { state: true }, // what the server lets people do
    reason: {},
  };

  static styles = [
    ...ChatElement.styles,
    css`
      :host {
        display: grid;
        place-items: center;
        min-height: 100%;
        padding: 1rem;
        background: var(--cp-backdrop);
      }
      form {
        display: grid;
        gap: 1rem;
        width: min(24rem, 100%);
        padding: 2rem 1.5rem;
        border-radius: 1rem;
        background: var(--cp-surface);
        box-shadow: var(--cp-shadow);
      }
      h1 {
        font-size: 1.5rem;
        text-align: center;
      }
      .password {
        position: relative;
      }
      .password input {
        padding-inline-end: 3rem;
      }
      .password button {
        position: absolute;
        inset-inline-end: 0;
        top: 0;
      }
      .other {
        justify-self: center;
        color: var(--cp-accent);
        padding: 0.25rem 0.5rem;
      }
    `,
  ];

  render() {
    return html`<form @submit=${this.#submit} novalidate>
      <h1>${t(this.isNew ? "register.title" : "login.title")}</h1>
      ${this.reason ? html`<p role="status">${this.reason}</p>` : nothing}
      <label class="field">
        <span>${t("login.user")}</span>
        <input name="user" autocomplete="username" autocapitalize="none" spellcheck="false" required />
      </label>
      <label class="field">
        <span>${t("login.password")}</span>
        <span class="password">
          <input
            name="password"
            type=${this.isShown ? "text" : "password"}
            autocomplete=${this.isNew ? "new-password" : "current-password"}
            required
          />
          <button
            type="button"
            class="round"
            title=${t("login.show")}
            aria-label=${t("login.show")}
            aria-pressed=${Boolean(this.isShown)}
            @click=${() => (this.isShown = !this.isShown)}
          >
            ${icon(this.isShown ? "eye-off" : "eye")}
          </button>
        </span>
      </label>
      ${this.isNew && this.features?.has("org.chatproto.registration_token")
        ? html`<label class="field">
            <span>${t("register.token")}</span><input name="token" autocomplete="off" />
          </label>`
        : nothing}
      ${this.error ? html`<p class="error" role="alert">${this.error}</p>` : nothing}
      <button class="primary" ?disabled=${this.isBusy}>
        ${t(this.isNew ? "register.do" : "login.do")}
      </button>
      ${this.features?.has("org.chatproto.registration")
        ? html`<button type="button" class="other" @click=${this.#other}>
            ${t(this.isNew ? "login.instead" : "register.instead")}
          </button>`
        : nothing}
    </form>`;
  }

  async firstUpdated() {
    try {
      this.features = await serverFeatures(this.server);
    } catch {
      // Without an answer there is only the log-in, which will say what is wrong.
    }
  }

  #other() {
    this.isNew = !this.isNew;
    this.error = "";
  }

  async #submit(event) {
    event.preventDefault();
    const fields = Object.fromEntries(new FormData(event.target));
    const user = fields.user.trim();
    if (!user || !fields.password) {
      this.error = t("login.missing");
      return;
    }
    this.isBusy = true;
    this.error = "";
    try {
      this.tell("cp-logged-in", { credentials: await this.#enter(user, fields) });
    } catch (error) {
      this.error = this.#told(error);
    } finally {
      this.isBusy = false;
    }
  }

  #enter(user, { password, token }) {
    const deviceName = t("login.device", { browser: browserName() });
    if (!this.isNew) return logIn(this.server, { user, password, deviceName });
    return register(this.server, { user, password, deviceName, registrationToken: token });
  }

  #told(error) {
    if (error.errcode === "M_FORBIDDEN" && !this.isNew) return t("login.wrong");
    if (error.errcode === "M_FORBIDDEN") return t("register.closed");
    if (error.errcode === "M_USER_IN_USE") return t("register.taken");
    if (error.errcode === "M_LIMIT_EXCEEDED") return t("login.too_often");
    if (error.errcode === "M_UNAUTHORIZED" && this.isNew) return t("register.token_wrong");
    return error.errcode ? error.message : t("offline.server");
  }
}

function browserName() {
  const { userAgentData, userAgent } = navigator;
  const brand = userAgentData?.brands?.findLast(({ brand: name }) => !/not.?a.?brand/i.test(name));
  return brand?.brand ?? /(Firefox|Edg|Chrome|Safari)/.exec(userAgent)?.[1] ?? "Web";
}

customElements.define("cp-login", Login);
