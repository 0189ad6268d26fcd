// A user of matrix-js-sdk.

import { PASSWORD, SERVER, until } from "./steps.mjs";

import * as sdk from "matrix-js-sdk";

export { sdk };

const quiet = {
  trace: () => {},
  debug: () => {},
  info: () => {},
  warn: console.error,
  error: console.error,
  getChild: () => quiet,
};

/** A client that says nothing of its own to the server yet. */
export function stranger(options = {}) {
  return sdk.createClient({ baseUrl: SERVER, logger: quiet, ...options });
}

/** A client, and everything that came to it. */
export class Person {
  constructor(userId) {
    this.userId = userId;
    this.events = [];
    this.away = false;
    this.password = PASSWORD;
  }

  async logIn(options = {}) {
    const answer = await stranger().loginRequest({
      type: "m.login.password",
      identifier: { type: "m.id.user", user: this.userId },
      password: this.password,
      initial_device_display_name: "js",
    });
    this.client = stranger({
      userId: answer.user_id,
      deviceId: answer.device_id,
      accessToken: answer.access_token,
      timelineSupport: true,
      fetchFn: (...request) => this.fetch(...request),
      ...options,
    });
    this.client.on(sdk.ClientEvent.Event, (event) => this.events.push(event));
    return answer;
  }

  /** What the library sends with, unless one is away; why it fails is told. */
  async fetch(...request) {
    if (this.away) throw new TypeError("away");
    return fetch(...request).catch((error) => {
      throw error.cause ? new TypeError(String(error.cause)) : error;
    });
  }

  async start(options = {}) {
    await this.client.startClient({
      initialSyncLimit: 8,
      lazyLoadMembers: true,
      threadSupport: true,
      pendingEventOrdering: sdk.PendingEventOrdering.Detached,
      ...options,
    });
    await this.synced();
  }

  synced() {
    return until(() => this.client.getSyncState() === sdk.SyncState.Syncing);
  }

  get deviceId() {
    return this.client.getDeviceId();
  }

  room(roomId) {
    return this.client.getRoom(roomId);
  }

  event(eventId) {
    return until(() => this.events.find((event) => event.getId() === eventId));
  }

  async say(roomId, body, content = {}) {
    const whole = { msgtype: "m.text", body, ...content };
    return (await this.client.sendMessage(roomId, whole)).event_id;
  }

  /** What a call that the library has no method for answers, by its own HTTP. */
  raw(method, path, body) {
    return this.client.http.authedRequest(method, path, undefined, body);
  }

  /** Do something; give the password once more if it is asked for. */
  authenticate = async (request) => {
    try {
      return await request(null);
    } catch (error) {
      if (error.httpStatus !== 401) throw error;
      return request({
        type: "m.login.password",
        session: error.data.session,
        identifier: { type: "m.id.user", user: this.userId },
        password: this.password,
      });
    }
  };
}
