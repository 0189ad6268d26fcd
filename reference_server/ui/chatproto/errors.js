import { integer, isObject, text } from "./json.js";

/** The answer "no": a Matrix errcode, and words for people. */
export class MatrixError extends Error {
  /**
   * @param {string} errcode
   * @param {string} message
   * @param {{status?: number, retryAfterMs?: number, extra?: object}} [more]
   */
  constructor(errcode, message, { status, retryAfterMs, extra = {} } = {}) {
    super(message || errcode);
    this.name = "MatrixError";
    this.errcode = errcode;
    this.status = status;
    this.retryAfterMs = retryAfterMs;
    this.extra = extra;
  }

  /** Reads a refusal as the server says it; anything else is M_UNKNOWN. */
  static of(json, status) {
    const told = isObject(json) ? json : {};
    const { errcode, error, retry_after_ms: after, ...extra } = told;
    const retryAfterMs = integer(after) === undefined ? undefined : Math.max(0, after);
    const words = text(error) ?? "";
    return new MatrixError(text(errcode) ?? "M_UNKNOWN", words, { status, retryAfterMs, extra });
  }

  /** Whether the session is over, or has to have a new access token. */
  get isUnknownToken() {
    return this.errcode === "M_UNKNOWN_TOKEN" || this.errcode === "M_MISSING_TOKEN";
  }

  /** As it is kept in the outbox. */
  toJson() {
    const json = { errcode: this.errcode, error: this.message, ...this.extra };
    return this.retryAfterMs === undefined ? json : { ...json, retry_after_ms: this.retryAfterMs };
  }
}

/** There is no connection, or it was lost before the answer: it may have happened. */
export class Disconnected extends Error {
  /**
   * @param {string} message
   * @param {{code?: number, cause?: unknown}} [more] `code` is the WebSocket close code.
   */
  constructor(message, { code, cause } = {}) {
    super(message, { cause });
    this.name = "Disconnected";
    this.code = code;
  }
}

/** A message was taken back before it was sent. */
export class Unsent extends Error {
  constructor(message = "the message was taken back before it was sent") {
    super(message);
    this.name = "Unsent";
  }
}
