import { html } from "../vendor/lit.js";
import { t } from "../app/i18n.js";
import { ChatElement } from "./element.js";
import "./dialog.js";

/** A question that is answered by yes or no. */
export class Confirm extends ChatElement {
  static properties = { text: {}, yes: {}, grave: { type: Boolean }, heading: {} };

  #answer = false;

  render() {
    return html`<cp-dialog .heading=${this.heading ?? this.yes} @cp-close=${this.#closed}>
      <p>${this.text}</p>
      <div class="actions">
        <button class="plain" @click=${() => this.#say(false)}>${t("cancel")}</button>
        <button class=${this.grave ? "danger" : "primary"} autofocus @click=${() => this.#say(true)}>
          ${this.yes}
        </button>
      </div>
    </cp-dialog>`;
  }

  #say(answer) {
    this.#answer = answer;
    this.renderRoot.querySelector("cp-dialog").close();
  }

  #closed() {
    this.dispatchEvent(new CustomEvent("cp-close", { detail: this.#answer }));
  }
}

customElements.define("cp-confirm", Confirm);

/** Ask, above `host`; gives the answer. */
export function confirm(host, question) {
  const asked = Object.assign(document.createElement("cp-confirm"), question);
  return new Promise((answer) => {
    asked.addEventListener("cp-close", ({ detail }) => answer(detail), { once: true });
    host.show(asked);
  });
}
