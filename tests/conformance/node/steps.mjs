// Takes the steps of a walk, and prints what became of each on a line of JSON.

import assert from "node:assert/strict";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { deflateSync, crc32 } from "node:zlib";

export const SERVER = process.env.SERVER ?? "";
export const PASSWORD = process.env.PASSWORD ?? "";
// As long as anything may take that ought to happen at once, in milliseconds.
const SOON = 30_000;

// Standard output is for the results alone.
console.log = console.info = console.debug = console.error;

export const equal = assert.deepEqual;
export { sleep };

/** Every function of steps, in the order in which they are written. */
export async function take(steps, world) {
  for (const [step, run] of Object.entries(steps)) {
    const result = { step, ok: true };
    try {
      await within(2 * SOON, run(world));
    } catch (error) {
      Object.assign(result, { ok: false, detail: told(error) });
    }
    process.stdout.write(JSON.stringify(result) + "\n");
  }
}

async function within(milliseconds, work) {
  const ended = new AbortController();
  const late = sleep(milliseconds, undefined, { signal: ended.signal }).then(() => {
    throw new Error("it took too long");
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    ended.abort();
    late.catch(() => {});
  }
}

function told(error) {
  const lines = (error?.stack ?? String(error)).split("\n").slice(0, 30);
  const more = error?.body ?? error?.data;
  if (more) lines.push(JSON.stringify(more));
  if (error?.cause) lines.push(`because of ${told(error.cause)}`);
  return lines.join("\n");
}

/** Look until something is there, and give it. */
export async function until(what) {
  const end = Date.now() + SOON;
  for (;;) {
    const found = await what();
    if (found) return found;
    if (Date.now() > end) throw new Error(`it never happened: ${what}`);
    await sleep(20);
  }
}

/** The server says no, with this code. */
export async function refused(work, errcode) {
  const error = await work.then(
    () => assert.fail(`allowed, where ${errcode} was expected`),
    (no) => no,
  );
  equal(error.errcode ?? error.body?.errcode ?? error.stack, errcode);
  return error;
}

/** A picture of one color. */
export function png(width, height) {
  const row = Buffer.concat([Buffer.of(0), Buffer.alloc(3 * width, "c81e1e", "hex")]);
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 2, 0, 0, 0], 8);
  return Buffer.concat([
    Buffer.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a),
    chunk("IHDR", header),
    chunk("IDAT", deflateSync(Buffer.concat(Array(height).fill(row)))),
    chunk("IEND", Buffer.alloc(0)),
  ]);
}

function chunk(name, content) {
  const named = Buffer.concat([Buffer.from(name), content]);
  const framed = Buffer.alloc(named.length + 8);
  framed.writeUInt32BE(content.length, 0);
  framed.set(named, 4);
  framed.writeUInt32BE(crc32(named), named.length + 4);
  return framed;
}

/** Have whoever started the walk do something, and wait until it is done. */
export async function wish(what) {
  const done = once(process.stdin, "data");
  process.stdin.resume();
  process.stdout.write(JSON.stringify({ wish: what }) + "\n");
  await done;
  process.stdin.pause();
}
