import { integer, isObject, parsed, text } from "./json.js";

/** The first frame of a client. */
export function hello(fields) {
  return { hello: fields };
}

/** A call of an operation by name. */
export function call(id, name, fields) {
  return { id, do: name, with: fields };
}

/**
 * Reads a frame of the server, as `{kind, ...}`; undefined for what is none.
 *
 * @param {unknown} data
 */
export function decode(data) {
  const json = typeof data === "string" ? parsed(data) : undefined;
  if (!isObject(json)) return undefined;
  const found = READERS.find(([name]) => Object.hasOwn(json, name));
  return found?.[1](json);
}

function reply(json) {
  const re = integer(json.re);
  if (re === undefined) return undefined;
  if (!Object.hasOwn(json, "err")) return { kind: "reply", re, ok: json.ok };
  return isObject(json.err) ? { kind: "reply", re, err: json.err } : undefined;
}

function push(json) {
  const items = json.push ?? [];
  if (!Array.isArray(items) || !items.every(isObject)) return undefined;
  if (json.at !== undefined && text(json.at) === undefined) return undefined;
  return { kind: "push", json };
}

function welcome(json) {
  const told = json.welcome;
  if (!isObject(told) || !(integer(told.heartbeat_ms) > 0)) return undefined;
  return {
    kind: "welcome",
    userId: text(told.user_id),
    deviceId: text(told.device_id),
    heartbeatMs: told.heartbeat_ms,
    maxFrame: integer(told.max_frame) ?? Infinity,
    window: integer(told.window) ?? Infinity,
    serverTime: integer(told.server_time),
    server: text(told.server) ?? "",
    features: Array.isArray(told.features) ? told.features : [],
    resumed: told.resumed === true,
  };
}

function resync(json) {
  return isObject(json.resync) ? { kind: "resync", json } : undefined;
}

function goodbye(json) {
  const told = json.goodbye;
  if (!isObject(told)) return undefined;
  return {
    kind: "goodbye",
    reason: text(told.reason) ?? "",
    then: text(told.then) ?? "resume",
    afterMs: integer(told.after_ms) ?? 0,
  };
}

const numbered = (kind) => (json) =>
  integer(json[kind]) === undefined ? undefined : { kind, n: json[kind] };

const READERS = Object.freeze([
  ["re", reply],
  ["push", push],
  ["at", push],
  ["ping", numbered("ping")],
  ["pong", numbered("pong")],
  ["welcome", welcome],
  ["resync", resync],
  ["goodbye", goodbye],
]);
