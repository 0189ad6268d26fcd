const MOST_BYTES = 64 * 1024 * 1024;

/**
 * Files as object URLs, which live until there are too many bytes of them.
 *
 * What is not needed for longest goes first. A picture that is on the screen stays there when
 * its URL is revoked; who renders it anew asks anew.
 */
export class MediaCache {
  #download;
  #urls;
  #mostBytes;
  #bytes = 0;
  #files = new Map(); // the one asked for last comes last

  /**
   * @param {object} options
   * @param {(mxc: string, size: object) => Promise<Blob>} options.download
   * @param {{createObjectURL: Function, revokeObjectURL: Function}} [options.urls]
   * @param {number} [options.mostBytes]
   */
  constructor({ download, urls = globalThis.URL, mostBytes = MOST_BYTES }) {
    this.#download = download;
    this.#urls = urls;
    this.#mostBytes = mostBytes;
  }

  /**
   * The object URL of a file, or of a small version of a picture.
   *
   * @param {string} mxc
   * @param {{width?: number, height?: number, method?: "scale" | "crop"}} [size] in pixels
   * @returns {Promise<string>}
   */
  get(mxc, { width, height, method } = {}) {
    const key = JSON.stringify([mxc, width, height, method]);
    const file = this.#files.get(key) ?? this.#begun(key, mxc, { width, height, method });
    this.#files.delete(key);
    this.#files.set(key, file);
    return file.promise;
  }

  /** Lets go of everything. */
  clear() {
    for (const key of [...this.#files.keys()]) this.#drop(key);
  }

  #begun(key, mxc, size) {
    const file = { url: undefined, bytes: 0, promise: undefined };
    file.promise = this.#loaded(key, file, mxc, size);
    return file;
  }

  async #loaded(key, file, mxc, size) {
    try {
      const blob = await this.#download(mxc, size);
      file.url = this.#urls.createObjectURL(blob);
      file.bytes = blob.size;
    } catch (error) {
      if (this.#files.get(key) === file) this.#files.delete(key);
      throw error;
    }
    // Somebody waits for it, even if nobody keeps it any more.
    if (this.#files.get(key) === file) this.#kept(key, file);
    return file.url;
  }

  #kept(key, file) {
    this.#bytes += file.bytes;
    for (const [each, { url }] of [...this.#files]) {
      if (this.#bytes <= this.#mostBytes) break;
      if (url !== undefined && each !== key) this.#drop(each);
    }
  }

  #drop(key) {
    const { url, bytes } = this.#files.get(key);
    this.#files.delete(key);
    this.#bytes -= bytes;
    if (url !== undefined) this.#urls.revokeObjectURL(url);
  }
}
