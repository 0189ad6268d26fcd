import { css, html, nothing } from "../vendor/lit.js";
import { t } from "../app/i18n.js";
import { SessionElement } from "./element.js";
import { icon } from "./icon.js";

const PATIENCE_MS = 2000; // a short break is nobody's business
const TICK_MS = 1000;

/** Says so when there is no connection, and until when. */
export class Connection extends SessionElement {
  static properties = { isShown: { state: true } };

  static styles = [
    ...SessionElement.styles,
    css`
      div {
        display: flex;
        align-items: center;
        justify-content: center;
        gap: 0.75rem;
        padding: 0.375rem 1rem;
        background: var(--cp-warning);
        color: var(--cp-on-warning);
        font-size: 0.875rem;
      }
      button {
        text-decoration: underline;
        font-weight: 600;
      }
    `,
  ];

  #patience = 0;
  #tick = 0;

  connectedCallback() {
    super.connectedCallback();
    this.connectionChanged();
  }

  disconnectedCallback() {
    super.disconnectedCallback();
    this.#stop();
  }

  willUpdate(changed) {
    super.willUpdate(changed);
    if (changed.has("session")) this.connectionChanged();
  }

  concerns() {
    return false;
  }

  connectionChanged() {
    if (!this.session || this.session.connection.status === "open") {
      this.#stop();
      this.isShown = false;
    } else if (!this.#patience && !this.isShown) {
      this.#patience = setTimeout(() => this.#show(), PATIENCE_MS);
    }
    this.requestUpdate();
  }

  render() {
    if (!this.isShown) return nothing;
    const { status, retryAtMs } = this.session.connection;
    const seconds = Math.max(0, Math.ceil(((retryAtMs ?? 0) - Date.now()) / 1000));
    const isWaiting = status === "waiting" && seconds > 0;
    return html`<div role="status" data-offline>
      ${icon("offline", "small")}
      <span>${isWaiting ? t("offline.waiting", { n: seconds }) : t("offline.connecting")}</span>
      ${isWaiting
        ? html`<button @click=${() => this.session.retryNow()}>${t("offline.retry")}</button>`
        : nothing}
    </div>`;
  }

  #show() {
    this.#patience = 0;
    this.isShown = true;
    this.#tick = setInterval(() => this.requestUpdate(), TICK_MS);
  }

  #stop() {
    clearTimeout(this.#patience);
    clearInterval(this.#tick);
    this.#patience = 0;
  }
}

customElements.define("cp-connection", Connection);
