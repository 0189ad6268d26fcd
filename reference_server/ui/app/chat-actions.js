// What happens when something is done in the list, in a room, or to a message.

import { chatMenu } from "./chat-menu.js";
import { t } from "./i18n.js";
import { roomName } from "./rooms.js";

/** Follows the events of a `cp-chat`, and does what they ask for. */
export class ChatActions {
  #host;

  constructor(host) {
    this.#host = host;
    host.addController(this);
    const handled = {
      "cp-chat-menu": this.#menu,
      "cp-accept": this.#accept,
      "cp-refuse": this.#refuse,
      "cp-delete-chat": this.#delete,
      "cp-mark-unread": this.#markUnread,
      "cp-message": this.#message,
      "cp-new-chat": () => this.#host.show(document.createElement("cp-new-chat")),
      "cp-emoji": ({ detail }) => this.#host.pickEmoji(detail.at, detail.chosen),
      "cp-failed": ({ detail }) => this.failed(detail.error),
    };
    for (const [type, handler] of Object.entries(handled)) {
      host.addEventListener(type, (event) => handler.call(this, event));
    }
  }

  hostConnected() {}

  /** Call an operation, and say so if it is refused; gives undefined then. */
  async call(operation, fields) {
    try {
      return await this.#session.call(operation, fields);
    } catch (error) {
      this.failed(error);
      return undefined;
    }
  }

  /** Say what went wrong. */
  failed(error) {
    const text = error?.errcode ? error.message : t("offline.failed");
    this.#host.tell("cp-toast", { text, grave: true });
  }

  get #session() {
    return this.#host.session;
  }

  #room(roomId) {
    return this.#session.state.rooms.get(roomId);
  }

  #menu({ detail }) {
    const room = this.#room(detail.roomId);
    if (!room) return;
    const items = chatMenu(this.#session, room, (action) => this.#act(action, room));
    this.#host.menu.open(items, detail.at, t("chat.menu"));
  }

  #act(action, room) {
    const { roomId } = room;
    const acts = {
      info: () => this.#host.tell("cp-room-info", { roomId }),
      invite: () => this.#host.tell("cp-invite", { roomId }),
      mute: () => this.#mute(room, true),
      unmute: () => this.#mute(room, false),
      pin: () => this.#tag("set", roomId, "m.favourite"),
      unpin: () => this.#tag("delete", roomId, "m.favourite"),
      archive: () => this.#tag("set", roomId, "m.lowpriority"),
      unarchive: () => this.#tag("delete", roomId, "m.lowpriority"),
      unread: () => this.#mark(roomId, true),
      read: () => this.#read(room),
      leave: () => this.#leave(room),
      delete: () => this.#ask(room),
    };
    acts[action]?.();
  }

  #mute(room, muted) {
    return this.#data(room.roomId, "org.chatproto.muted", { muted });
  }

  #data(roomId, type, content) {
    const userId = this.#session.state.userId;
    return this.call("account_data.set_room", {
      user_id: userId,
      room_id: roomId,
      data_type: type,
      content,
    });
  }

  #tag(verb, roomId, tag) {
    const fields = { user_id: this.#session.state.userId, room_id: roomId, tag };
    return this.call(`tag.${verb}`, verb === "set" ? { ...fields, content: { order: 0.5 } } : fields);
  }

  #mark(roomId, unread) {
    return this.#data(roomId, "m.marked_unread", { unread });
  }

  #markUnread({ detail }) {
    this.#mark(detail.roomId, detail.unread);
  }

  #read(room) {
    if (room.isMarkedUnread) this.#mark(room.roomId, false);
    const last = room.timeline.latest();
    if (last) this.#session.markRead(room.roomId, last.event_id);
  }

  async #accept({ detail }) {
    await this.call("room.join", { room_id: detail.roomId });
  }

  async #refuse({ detail }) {
    const answer = await this.call("room.leave", { room_id: detail.roomId });
    if (answer) this.#host.tell("cp-back", {});
  }

  async #leave(room) {
    const name = roomName(this.#session.state, room);
    const isSure = await this.#host.confirm({
      text: t("chat.leave.sure", { name }),
      yes: t("chat.leave"),
    });
    if (isSure && (await this.call("room.leave", { room_id: room.roomId }))) {
      this.#host.tell("cp-back", { roomId: room.roomId });
    }
  }

  #delete({ detail }) {
    const room = this.#room(detail.roomId);
    if (room) this.#ask(room);
  }

  /** Deleting asks once, and can be undone for as long as the news of it is shown. */
  async #ask(room) {
    const name = roomName(this.#session.state, room);
    const isSure = await this.#host.confirm({
      text: t("chat.delete.sure", { name }),
      yes: t("chat.delete"),
      grave: true,
    });
    if (!isSure) return;
    const { roomId } = room;
    const hide = (isHidden) => {
      const leaving = new Set(this.#host.leaving);
      if (isHidden) leaving.add(roomId);
      else leaving.delete(roomId);
      this.#host.leaving = leaving;
    };
    hide(true);
    this.#host.tell("cp-back", { roomId });
    this.#host.tell("cp-toast", {
      text: t("chat.deleted", { name }),
      undo: () => hide(false),
      then: async () => {
        await this.call("room.delete", { room_id: roomId });
        hide(false);
      },
    });
  }

  #message({ detail: { action, row, room, key, at } }) {
    const react = (chosen) => this.#react(room, row, chosen);
    const acts = {
      react: () => (key ? react(key) : this.#host.pickEmoji(at, react)),
      delete: () => this.#deleteMessage(room, row),
      copy: () => navigator.clipboard.writeText(row.content.body ?? ""),
      "copy-link": () => navigator.clipboard.writeText(linkTo(room.roomId, row.eventId)),
      pin: () => this.#pin(room, [...room.state.pinned, row.eventId]),
      unpin: () => this.#pin(room, room.state.pinned.filter((id) => id !== row.eventId)),
      thread: () =>
        this.#host.tell("cp-open", { roomId: room.roomId, thread: row.threadRoot ?? row.eventId }),
    };
    acts[action]?.();
  }

  #react(room, row, key) {
    const { session } = this.#host;
    const event = room.timeline.event(row.eventId);
    const own = event && room.timeline.relations.reactionId(event, session.state.userId, key);
    if (own) return session.redact(room.roomId, own);
    return session.send(room.roomId, "m.reaction", {
      "m.relates_to": { rel_type: "m.annotation", event_id: row.eventId, key },
    });
  }

  #pin(room, pinned) {
    return this.call("state.set", {
      room_id: room.roomId,
      event_type: "m.room.pinned_events",
      state_key: "",
      content: { pinned },
    });
  }

  async #deleteMessage(room, row) {
    const isSure = await this.#host.confirm({
      text: t("message.delete.sure"),
      yes: t("delete"),
      grave: true,
    });
    if (!isSure) return;
    const key = row.eventId ?? row.txnId;
    this.#host.hold(key, true);
    this.#host.tell("cp-toast", {
      text: t("message.deleted"),
      undo: () => this.#host.hold(key, false),
      then: () => {
        this.#host.hold(key, false);
        this.#session.redact(room.roomId, key);
      },
    });
  }
}

/** The address of a message in this client. */
export function linkTo(roomId, eventId) {
  const path = ["", "room", roomId, eventId].filter((part) => part !== undefined);
  return location.origin + path.map(encodeURIComponent).join("/");
}
