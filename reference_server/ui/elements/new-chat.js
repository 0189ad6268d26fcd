import { css, html, nothing } from "../vendor/lit.js";
import { t } from "../app/i18n.js";
import { ChatElement } from "./element.js";
import "./dialog.js";
import "./people-picker.js";

/** Starts a chat with one person, or a room for several. */
export class NewChat extends ChatElement {
  static properties = {
    session: { attribute: false },
    isRoom: { state: true },
    isBusy: { state: true },
    error: { state: true },
  };

  static styles = [
    ...ChatElement.styles,
    css`
      .kinds {
        display: grid;
        grid-template-columns: 1fr 1fr;
        gap: 0.25rem;
        padding: 0.25rem;
        border-radius: 0.75rem;
        background: var(--cp-surface-2);
      }
      .kinds button {
        min-height: 2.25rem;
      }
      .kinds button[aria-pressed="true"] {
        background: var(--cp-surface);
        font-weight: 600;
        box-shadow: 0 1px 3px rgb(0 0 0 / 0.15);
      }
      form {
        display: grid;
        gap: 1rem;
      }
      .check {
        display: flex;
        gap: 0.5rem;
        align-items: center;
      }
    `,
  ];

  render() {
    return html`<cp-dialog .heading=${t("chat.new")} @cp-close=${() => this.#closed()}>
      <div class="kinds" role="group" aria-label=${t("new.kind")}>
        ${[false, true].map(
          (isRoom) => html`<button
            aria-pressed=${isRoom === Boolean(this.isRoom)}
            @click=${() => (this.isRoom = isRoom)}
          >
            ${t(isRoom ? "new.room" : "new.direct")}
          </button>`,
        )}
      </div>
      ${this.isRoom ? this.#room() : this.#direct()}
      ${this.error ? html`<p class="error" role="alert">${this.error}</p>` : nothing}
    </cp-dialog>`;
  }

  #direct() {
    return html`<cp-people-picker
      .session=${this.session}
      .without=${[this.session.state.userId]}
      @cp-picked=${({ detail }) => this.#open("room.direct", { user_id: detail[0] })}
    ></cp-people-picker>`;
  }

  #room() {
    return html`<form @submit=${this.#create}>
      <label class="field">
        <span>${t("room.name")}</span><input name="name" required maxlength="200" autofocus />
      </label>
      <label class="field"><span>${t("room.topic")}</span><input name="topic" maxlength="500" /></label>
      <cp-people-picker
        several
        .session=${this.session}
        .without=${[this.session.state.userId]}
      ></cp-people-picker>
      <label class="check"><input type="checkbox" name="open" />${t("new.open")}</label>
      <div class="actions">
        <button class="primary" ?disabled=${this.isBusy}>${t("new.create")}</button>
      </div>
    </form>`;
  }

  #create(event) {
    event.preventDefault();
    const { name, topic, open } = Object.fromEntries(new FormData(event.target));
    const invite = this.renderRoot.querySelector("cp-people-picker").userIds;
    return this.#open("room.create", {
      name: name.trim(),
      ...(topic.trim() ? { topic: topic.trim() } : {}),
      invite,
      preset: open ? "public_chat" : "private_chat",
      visibility: open ? "public" : "private",
    });
  }

  async #open(operation, fields) {
    this.isBusy = true;
    this.error = "";
    try {
      const { room_id: roomId } = await this.session.call(operation, fields);
      this.renderRoot.querySelector("cp-dialog").close();
      this.tell("cp-open", { roomId });
    } catch (error) {
      this.error = error.errcode ? error.message : t("offline.failed");
    } finally {
      this.isBusy = false;
    }
  }

  #closed() {
    this.dispatchEvent(new CustomEvent("cp-close"));
  }
}

customElements.define("cp-new-chat", NewChat);
