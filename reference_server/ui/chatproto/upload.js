import { Disconnected } from "./errors.js";

/** Sends a file and tells how far it is; gives `{status, text}`. @throws {Disconnected} */
export function sendByRequest(XMLHttpRequest, { url, headers, blob, onProgress, signal }) {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const request = new XMLHttpRequest();
    const giveUp = () => request.abort();
    request.open("POST", url);
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
    request.upload.onprogress = (event) => {
      if (event.lengthComputable && event.total > 0) onProgress?.(event.loaded / event.total);
    };
    request.onload = () => resolve({ status: request.status, text: request.responseText });
    request.onerror = () => reject(new Disconnected("the upload was cut off"));
    request.onabort = () => reject(signal?.reason ?? new Disconnected("the upload was cut off"));
    request.onloadend = () => signal?.removeEventListener("abort", giveUp);
    signal?.addEventListener("abort", giveUp, { once: true });
    request.send(blob);
  });
}

/** The same where there is only fetch, which tells nothing on the way. */
export async function sendByFetch(fetch, { url, headers, blob, onProgress, signal }) {
  onProgress?.(0);
  try {
    const answer = await fetch(url, { method: "POST", headers, body: blob, signal });
    const text = await answer.text();
    if (answer.ok) onProgress?.(1);
    return { status: answer.status, text };
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new Disconnected("the upload was cut off", { cause: error });
  }
}
