import { css, html, nothing, repeat } from "../vendor/lit.js";
import { t } from "../app/i18n.js";
import { localpart } from "../app/rooms.js";
import { ChatElement } from "./element.js";
import { icon } from "./icon.js";
import "./avatar.js";

const PAUSE_MS = 200;

/** A field that finds people by any part of their name; tells "cp-picked" with their IDs. */
export class PeoplePicker extends ChatElement {
  static properties = {
    session: { attribute: false },
    several: { type: Boolean },
    without: { attribute: false }, // IDs that are not offered
    found: { state: true },
    picked: { state: true },
    at: { state: true },
  };

  static styles = [
    ...ChatElement.styles,
    css`
      :host {
        display: grid;
        gap: 0.5rem;
      }
      .picked {
        display: flex;
        flex-wrap: wrap;
        gap: 0.375rem;
      }
      .picked li {
        display: flex;
        align-items: center;
        gap: 0.25rem;
        padding-inline-start: 0.75rem;
        border-radius: 1rem;
        background: var(--cp-selected);
      }
      .picked .round {
        width: 2rem;
        height: 2rem;
      }
      .found {
        max-height: 18rem;
        overflow-y: auto;
      }
      .found li {
        display: flex;
        align-items: center;
        gap: 0.75rem;
        padding: 0.375rem 0.5rem;
        border-radius: 0.5rem;
        cursor: pointer;
      }
      .found li:hover,
      .found li[aria-selected="true"] {
        background: var(--cp-hover);
      }
      cp-avatar {
        --size: 2.25rem;
      }
      .lines {
        min-width: 0;
      }
      .lines span {
        display: block;
      }
    `,
  ];

  #timer = 0;
  #asked = "";

  constructor() {
    super();
    this.found = null;
    this.picked = [];
    this.at = 0;
  }

  render() {
    return html`${this.picked.length
        ? html`<ul class="picked" role="list" aria-label=${t("people.picked")}>
            ${this.picked.map(
              (person) => html`<li>
                ${nameOf(person)}
                <button
                  class="round"
                  aria-label=${t("people.remove", { name: nameOf(person) })}
                  @click=${() => this.#remove(person)}
                >
                  ${icon("x", "small")}
                </button>
              </li>`,
            )}
          </ul>`
        : nothing}
      <label class="field">
        <span>${t("people.find")}</span>
        <input
          type="search"
          role="combobox"
          aria-expanded=${Boolean(this.found?.length)}
          aria-controls=${this.found?.length ? "found" : nothing}
          aria-activedescendant=${this.found?.length ? `found-${this.at}` : nothing}
          autocomplete="off"
          autofocus
          @input=${this.#typed}
          @keydown=${this.#key}
        />
      </label>
      ${this.found === null
        ? nothing
        : this.found.length
          ? this.#list()
          : html`<p class="quiet" role="status">${t("people.none")}</p>`}`;
  }

  /** The IDs of those who were picked. */
  get userIds() {
    return this.picked.map((person) => person.user_id);
  }

  #list() {
    return html`<ul class="found" role="listbox" id="found" aria-label=${t("people.found")}>
      ${repeat(
        this.found,
        (person) => person.user_id,
        (person, place) => html`<li
          role="option"
          id="found-${place}"
          aria-selected=${place === this.at}
          @click=${() => this.#pick(person)}
        >
          <cp-avatar
            .session=${this.session}
            .src=${person.avatar_url ?? ""}
            .name=${nameOf(person)}
            .of=${person.user_id}
          ></cp-avatar>
          <span class="lines">
            <span class="cut">${nameOf(person)}</span>
            <span class="quiet cut">${person.user_id}</span>
          </span>
        </li>`,
      )}
    </ul>`;
  }

  #typed(event) {
    const term = event.target.value.trim();
    this.#asked = term;
    clearTimeout(this.#timer);
    if (!term) this.found = null;
    else this.#timer = setTimeout(() => this.#find(term), PAUSE_MS);
  }

  async #find(term) {
    try {
      const { results } = await this.session.call("users.search", { search_term: term, limit: 20 });
      if (term !== this.#asked) return;
      const hidden = new Set([...(this.without ?? []), ...this.userIds]);
      this.found = results.filter((person) => !hidden.has(person.user_id));
      this.at = 0;
    } catch (error) {
      this.tell("cp-failed", { error });
    }
  }

  #key(event) {
    const count = this.found?.length ?? 0;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step && count) {
      event.preventDefault();
      this.at = (this.at + step + count) % count;
    } else if (event.key === "Enter" && count) {
      event.preventDefault();
      this.#pick(this.found[this.at]);
    }
  }

  #pick(person) {
    this.picked = this.several ? [...this.picked, person] : [person];
    this.found = null;
    const field = this.renderRoot.querySelector("input");
    field.value = "";
    field.focus();
    this.#told();
  }

  #remove(person) {
    this.picked = this.picked.filter((other) => other !== person);
    this.#told();
  }

  #told() {
    this.dispatchEvent(new CustomEvent("cp-picked", { detail: this.userIds }));
  }
}

const nameOf = (person) => person.display_name || localpart(person.user_id);

customElements.define("cp-people-picker", PeoplePicker);
