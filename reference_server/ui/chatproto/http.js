import { Disconnected, MatrixError } from "./errors.js";
import { integer, isObject, parsed, text } from "./json.js";
import { sendByFetch, sendByRequest } from "./upload.js";

/** What goes to the server over HTTP: what the socket has no place for. */
export class Http {
  #credentials;
  #fetch;
  #XMLHttpRequest;

  /**
   * @param {string} server the address of the server, such as https://example.org
   * @param {object} [options]
   * @param {import("./tokens.js").Credentials} [options.credentials] whose token to use
   * @param {typeof fetch} [options.fetch]
   * @param {typeof XMLHttpRequest} [options.XMLHttpRequest] absent: uploads go by fetch,
   *   which cannot tell how far they are
   */
  constructor(server, options = {}) {
    this.server = server.replace(/\/+$/, "");
    this.#credentials = options.credentials;
    const fetch = options.fetch ?? globalThis.fetch;
    // Called as a method of another object, the browser's own one refuses.
    this.#fetch = (...request) => fetch(...request);
    this.#XMLHttpRequest = options.XMLHttpRequest ?? globalThis.XMLHttpRequest;
  }

  /**
   * Asks the server; gives the JSON of its answer.
   *
   * @param {string} method
   * @param {string} path
   * @param {{body?: object, query?: object, signal?: AbortSignal, authenticated?: boolean}}
   *   [options]
   * @returns {Promise<any>}
   * @throws {MatrixError | Disconnected}
   */
  async request(method, path, { body, query, signal, authenticated = true } = {}) {
    const url = this.url(path, query);
    const content = body === undefined ? {} : sentAsJson(body);
    return this.#withToken(authenticated, async (authorization) => {
      const headers = { ...content.headers, ...authorization };
      const answer = await this.#answer(url, { method, headers, body: content.body, signal });
      return jsonOf(answer);
    });
  }

  /**
   * Stores a file at the server; gives its mxc URI.
   *
   * @param {Blob} blob
   * @param {object} [options]
   * @param {string} [options.name]
   * @param {(fraction: number) => void} [options.onProgress]
   * @param {AbortSignal} [options.signal]
   * @returns {Promise<string>}
   * @throws {MatrixError | Disconnected}
   */
  async upload(blob, { name, onProgress, signal } = {}) {
    const query = name === undefined ? {} : { filename: name };
    const url = this.url("/_matrix/media/v3/upload", query);
    return this.#withToken(true, async (authorization) => {
      const headers = { "Content-Type": blob.type || "application/octet-stream", ...authorization };
      const request = { url, headers, blob, onProgress, signal };
      const sent = this.#XMLHttpRequest
        ? await sendByRequest(this.#XMLHttpRequest, request)
        : await sendByFetch(this.#fetch, request);
      const uri = text(checked(sent.status, sent.text)?.content_uri);
      if (uri === undefined) throw new MatrixError("M_UNKNOWN", "the server named no file");
      return uri;
    });
  }

  /**
   * Gets a file, or with a width and a height in pixels a small version of a picture.
   *
   * @param {string} mxc
   * @param {{width?: number, height?: number, method?: "scale" | "crop", signal?: AbortSignal}}
   *   [options]
   * @returns {Promise<Blob>}
   * @throws {MatrixError | Disconnected}
   */
  async download(mxc, { width, height, method = "scale", signal } = {}) {
    const file = pathOf(mxc);
    const isSmall = width !== undefined && height !== undefined;
    const kind = isSmall ? "thumbnail" : "download";
    const size = { width: Math.ceil(width), height: Math.ceil(height), method };
    const url = this.url(`/_matrix/client/v1/media/${kind}/${file}`, isSmall ? size : {});
    return this.#withToken(true, async (headers) => {
      const answer = await this.#answer(url, { method: "GET", headers, signal });
      return bodyOf(answer, () => answer.blob());
    });
  }

  /** The versions of the specification that the server knows. @returns {Promise<string[]>} */
  async apiVersions({ signal } = {}) {
    const path = "/_matrix/client/versions";
    const told = await this.request("GET", path, { signal, authenticated: false });
    return Array.isArray(told?.versions) ? told.versions.filter((v) => typeof v === "string") : [];
  }

  /**
   * What the server takes; `uploadBytes` is absent where it sets no limit.
   *
   * @returns {Promise<{uploadBytes?: number}>}
   */
  async limits({ signal } = {}) {
    const told = await this.request("GET", "/_matrix/client/v1/media/config", { signal });
    return { uploadBytes: integer(told?.["m.upload.size"]) };
  }

  /** The address of a path, with a query. */
  url(path, query = {}) {
    const words = new URLSearchParams(query).toString();
    return `${this.server}${path}${words && `?${words}`}`;
  }

  async #withToken(authenticated, ask) {
    const credentials = authenticated ? this.#credentials : undefined;
    if (!credentials) return ask({});
    const used = credentials.accessToken;
    try {
      return await ask(bearer(used));
    } catch (error) {
      const isOver = error instanceof MatrixError && error.isUnknownToken;
      if (!isOver || !credentials.canRenew) throw error;
    }
    await credentials.renew(used);
    return ask(bearer(credentials.accessToken));
  }

  async #answer(url, request) {
    let answer;
    try {
      answer = await this.#fetch(url, request);
    } catch (error) {
      throw cutOff(error, request.signal);
    }
    if (answer.ok) return answer;
    throw refusal(answer.status, await bodyOf(answer, () => answer.text()));
  }
}

/** The server and the name of a file, for a path. @throws {MatrixError} for what is no mxc URI */
export function pathOf(mxc) {
  const found = /^mxc:\/\/([^/?#]+)\/([^/?#]+)$/.exec(text(mxc) ?? "");
  if (!found) throw new MatrixError("M_INVALID_PARAM", "this is not the URI of a file");
  return `${encodeURIComponent(found[1])}/${encodeURIComponent(found[2])}`;
}

function bearer(token) {
  return { Authorization: `Bearer ${token}` };
}

function sentAsJson(body) {
  return { headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) };
}

async function jsonOf(answer) {
  return checked(answer.status, await bodyOf(answer, () => answer.text()));
}

async function bodyOf(answer, read) {
  try {
    return await read();
  } catch (error) {
    throw cutOff(error);
  }
}

function checked(status, words) {
  if (status < 200 || status > 299) throw refusal(status, words);
  const json = parsed(words);
  // A page of a proxy, or half an answer: nobody knows what has happened.
  if (!isObject(json)) throw new Disconnected("the answer cannot be read");
  return json;
}

function refusal(status, words) {
  const json = parsed(words);
  const isGateway = !isObject(json) && status >= 502 && status <= 504;
  return isGateway ? new Disconnected(`HTTP ${status}`) : MatrixError.of(json, status);
}

function cutOff(error, signal) {
  if (signal?.aborted || error?.name === "AbortError") return error;
  return new Disconnected("the server cannot be reached", { cause: error });
}
