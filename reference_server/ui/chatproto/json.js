/** Whether a value is a JSON object. */
export function isObject(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The value if it is a string. */
export function text(value) {
  return typeof value === "string" ? value : undefined;
}

/** The value if it is a whole number. */
export function integer(value) {
  return Number.isSafeInteger(value) ? value : undefined;
}

/** What a text holds as JSON; undefined for what is none. */
export function parsed(words) {
  try {
    return JSON.parse(words);
  } catch {
    return undefined;
  }
}
