// Texts in the user's language: catalogues are flat JSON, plural forms are Intl's.

export const LANGUAGES = ["en", "ru"];

/** The language among ours that suits a list of BCP 47 tags best. */
export function suitable(tags) {
  const found = tags.map((tag) => tag.toLowerCase().split("-")[0]);
  return found.find((language) => LANGUAGES.includes(language)) ?? "en";
}

/** Of the tags that the browser prefers the one in this language, for it says how dates look. */
const localeOf = (language) =>
  globalThis.navigator?.languages?.find((tag) => tag.toLowerCase().split("-")[0] === language) ??
  language;

/** The texts of one page; tells "language" when another language is used. */
class Texts extends EventTarget {
  language = "en";
  locale = "en";
  #texts = {};
  #plurals = new Intl.PluralRules("en");

  /** Load a language and use it from now on. */
  async use(language) {
    const wanted = LANGUAGES.includes(language) ? language : "en";
    const { default: texts } = await import(`../locales/${wanted}.json`, {
      with: { type: "json" },
    });
    this.language = wanted;
    this.locale = localeOf(wanted);
    this.#texts = texts;
    this.#plurals = new Intl.PluralRules(wanted);
    this.dispatchEvent(new Event("language"));
  }

  /** The text of a key; `{name}` in it stands for args.name, and args.n picks the plural. */
  text(key, args = {}) {
    const found = this.#texts[key];
    if (found === undefined) return key;
    const text = typeof found === "string" ? found : this.#form(found, args.n);
    return text.replace(/\{(\w+)\}/g, (whole, name) =>
      Object.hasOwn(args, name) ? this.#shown(args[name]) : whole,
    );
  }

  #form(forms, n) {
    return forms[this.#plurals.select(n ?? 0)] ?? forms.other;
  }

  #shown(value) {
    return typeof value === "number" ? value.toLocaleString(this.locale) : String(value);
  }
}

export const texts = new Texts();

/** The text of a key in the language of the page. */
export const t = (key, args) => texts.text(key, args);
