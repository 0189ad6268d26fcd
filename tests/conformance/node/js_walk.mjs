// A life with matrix-js-sdk: Anna does most of it, Boris hears of it.

import { PASSWORD, equal, png, refused, sleep, take, until } from "./steps.mjs";

import assert from "node:assert/strict";
import { RoomHierarchy } from "matrix-js-sdk/lib/room-hierarchy.js";
import { Person, sdk, stranger } from "./js_person.mjs";

/** A message that the server refuses; what waits behind it would wait for ever. */
async function refusedToSend(person, roomId, type, content, errcode) {
  const error = await refused(person.client.sendEvent(roomId, type, content), errcode);
  person.client.cancelPendingEvent(error.event);
}

/** A thread that somebody looks at before there is anything in it. */
async function opened(person, roomId, root) {
  const thread = person.room(roomId).createThread(root.getId(), root, [], true);
  await until(() => thread.initialEventsFetched);
}

async function bytes(person, mxc, ...size) {
  const url = person.client.mxcUrlToHttp(mxc, ...size, ...Array(5 - size.length), true);
  const headers = { Authorization: `Bearer ${person.client.getAccessToken()}` };
  const answer = await fetch(url, { headers });
  equal(answer.status, 200);
  return { type: answer.headers.get("content-type"), body: Buffer.from(await answer.arrayBuffer()) };
}

const steps = {
  async logIn({ anna, boris }) {
    const { flows } = await stranger().loginFlows();
    assert(flows.some((flow) => flow.type === "m.login.password"));
    for (const person of [anna, boris]) {
      const answer = await person.logIn();
      equal(answer.user_id, person.userId);
      assert(answer.access_token && answer.device_id);
    }
  },

  async wrongPassword({ anna }) {
    await refused(stranger().loginWithPassword(anna.userId, "wrong"), "M_FORBIDDEN");
  },

  async whoami({ anna }) {
    const answer = await anna.client.whoami();
    equal(answer.user_id, anna.userId);
    equal(answer.device_id, anna.client.getDeviceId());
  },

  async versionsAndCapabilities({ anna }) {
    assert(await anna.client.isVersionSupported("v1.11"));
    const can = await anna.client.getCapabilities();
    assert(can["m.room_versions"].default in can["m.room_versions"].available);
    equal(await anna.client.getThirdpartyProtocols(), {});
    equal((await anna.client.turnServer()).uris, ["turn:localhost"]);
  },

  async firstSync({ anna, boris }) {
    for (const person of [anna, boris]) await person.start();
    assert(anna.client.isInitialSyncComplete());
    assert(anna.client.getAccountData("m.push_rules"));
  },

  async filter({ anna }) {
    const wanted = { room: { timeline: { limit: 3 } } };
    const { filterId } = await anna.client.createFilter(wanted);
    const filter = await anna.client.getFilter(anna.userId, filterId, false);
    equal(filter.getDefinition(), wanted);
  },

  async profile({ anna, boris }) {
    await anna.client.setDisplayName("Анна");
    await anna.client.setAvatarUrl("mxc://localhost/anna");
    equal(await boris.client.getProfileInfo(anna.userId), {
      displayname: "Анна",
      avatar_url: "mxc://localhost/anna",
    });
    equal(await boris.client.getProfileInfo(anna.userId, "displayname"), { displayname: "Анна" });
  },

  async create(world) {
    const { anna } = world;
    const { room_id } = await anna.client.createRoom({
      name: "Walk",
      topic: "Where JavaScript goes",
      preset: sdk.Preset.PrivateChat,
      initial_state: [
        {
          type: "m.room.history_visibility",
          state_key: "",
          content: { history_visibility: "shared" },
        },
      ],
    });
    world.room = room_id;
    const room = await until(() => anna.room(room_id));
    await until(() => room.name === "Walk");
    equal(room.currentState.getStateEvents("m.room.topic", "").getContent().topic, "Where JavaScript goes");
    equal(room.getMember(anna.userId).powerLevel, 100);
    equal(room.getJoinRule(), "invite");
    equal(room.getJoinedMemberCount(), 1);
    equal(room.getMyMembership(), "join");
    equal((await anna.client.getJoinedRooms()).joined_rooms, [room_id]);
  },

  async invite({ anna, boris, room }) {
    await anna.client.invite(room, boris.userId);
    await until(() => boris.room(room)?.getMyMembership() === "invite");
    const invited = boris.room(room);
    equal(invited.name, "Walk");
    equal(invited.getMember(boris.userId).events.member.getSender(), anna.userId);
    await until(() => anna.room(room).getInvitedMemberCount() === 1);
  },

  async join({ anna, boris, room }) {
    await boris.client.joinRoom(room);
    await until(() => boris.room(room).getMyMembership() === "join");
    const { joined } = await boris.client.getJoinedRoomMembers(room);
    equal(Object.keys(joined).sort(), [anna.userId, boris.userId].sort());
    equal(joined[anna.userId].display_name, "Анна");
    await until(() => anna.room(room).getJoinedMemberCount() === 2);
  },

  async loadMembersLazily({ anna, boris, room }) {
    await boris.room(room).loadMembersIfNeeded();
    const names = boris.room(room).getJoinedMembers().map((member) => member.userId);
    equal(names.sort(), [anna.userId, boris.userId].sort());
    equal(boris.room(room).getMember(anna.userId).name, "Анна");
  },

  async send(world) {
    const { anna, boris, room } = world;
    world.first = await anna.say(room, "first");
    const event = await boris.event(world.first);
    equal([event.getSender(), event.getContent().body], [anna.userId, "first"]);
    await anna.event(world.first);
    const shown = () => anna.room(room).getLiveTimeline().getEvents();
    const mine = shown().filter((event) => event.getContent().body === "first");
    equal(mine.map((event) => [event.getId(), event.status]), [[world.first, null]]);
  },

  async sendAgain({ anna, room }) {
    const path = `/rooms/${encodeURIComponent(room)}/send/m.room.message/once`;
    const content = { msgtype: "m.text", body: "once" };
    const first = await anna.raw("PUT", path, content);
    equal(await anna.raw("PUT", path, content), first);
  },

  async receiveLive({ anna, boris, room }) {
    await sleep(300); // so that a request of Boris is being held
    const eventId = await anna.say(room, "live");
    const sent = Date.now();
    await boris.event(eventId);
    assert(Date.now() - sent < 5000);
  },

  async edit({ anna, boris, room, first }) {
    const edit = await anna.say(room, "* second", {
      "m.new_content": { msgtype: "m.text", body: "second" },
      "m.relates_to": { rel_type: "m.replace", event_id: first },
    });
    const original = await boris.event(first);
    await until(() => original.getContent().body === "second");
    equal(original.replacingEventId(), edit);
    const event = await boris.client.fetchRoomEvent(room, first);
    equal(event.unsigned["m.relations"]["m.replace"].event_id, edit);
  },

  async editOfAnotherIsRefused({ boris, room, first }) {
    const edit = {
      msgtype: "m.text",
      body: "* mine",
      "m.new_content": { msgtype: "m.text", body: "mine" },
      "m.relates_to": { rel_type: "m.replace", event_id: first },
    };
    await refusedToSend(boris, room, "m.room.message", edit, "M_FORBIDDEN");
  },

  async react({ anna, boris, room, first }) {
    const relation = { rel_type: "m.annotation", event_id: first, key: "👍" };
    const content = { "m.relates_to": relation };
    const reaction = (await boris.client.sendEvent(room, "m.reaction", content)).event_id;
    await anna.event(reaction);
    const found = anna.room(room).relations.getChildEventsForEvent(first, "m.annotation", "m.reaction");
    equal([...found.getSortedAnnotationsByKey()].map(([key, events]) => [key, events.size]), [["👍", 1]]);
    await refusedToSend(boris, room, "m.reaction", content, "M_DUPLICATE_ANNOTATION");
    const { originalEvent, events } = await anna.client.relations(room, first, "m.annotation", "m.reaction");
    equal([originalEvent.getId(), ...events.map((event) => event.getId())], [first, reaction]);
  },

  async reply({ anna, boris, room, first }) {
    const reply = await boris.say(room, "yes", {
      "m.relates_to": { "m.in_reply_to": { event_id: first } },
    });
    equal((await anna.event(reply)).replyEventId, first);
  },

  async thread(world) {
    const { anna, boris, room } = world;
    world.thread = await anna.say(room, "what about lunch?");
    await opened(boris, room, await boris.event(world.thread));
    const replies = [];
    for (const body of ["noon", "or one"]) {
      const content = { msgtype: "m.text", body };
      replies.push((await boris.client.sendMessage(room, world.thread, content)).event_id);
    }
    const thread = await until(() => anna.room(room).getThread(world.thread));
    await until(() => thread.length === 2 && thread.replyToEvent?.getId() === replies[1]);
    const event = await boris.client.fetchRoomEvent(room, world.thread);
    const bundled = event.unsigned["m.relations"]["m.thread"];
    equal([bundled.count, bundled.latest_event.event_id], [2, replies[1]]);
    equal(bundled.current_user_participated, true);
    const { chunk } = await anna.client.createThreadListMessagesRequest(room, null, 10);
    equal(chunk.map((root) => root.event_id), [world.thread]);
    const { events } = await anna.client.relations(room, world.thread, "m.thread", null, { dir: "b" });
    equal(events.map((event) => event.getId()), replies.toReversed());
  },

  async redact({ anna, boris, room }) {
    const slip = await anna.say(room, "a slip");
    const seen = await boris.event(slip);
    const { event_id } = await anna.client.redactEvent(room, slip, undefined, { reason: "typo" });
    await until(() => seen.isRedacted());
    equal(seen.getContent(), {});
    const event = await boris.client.fetchRoomEvent(room, slip);
    equal(event.unsigned.redacted_because.event_id, event_id);
    equal(event.unsigned.redacted_because.content.reason, "typo");
  },

  async counts({ anna, boris, room }) {
    const here = boris.room(room);
    const seen = await boris.event(await anna.say(room, "read this far"));
    await boris.client.sendReceipt(seen, sdk.ReceiptType.Read, {}, true);
    await until(() => here.getUnreadNotificationCount(sdk.NotificationCountType.Total) === 0);
    await anna.say(room, "one");
    await anna.say(room, "two, Boris", { "m.mentions": { user_ids: [boris.userId] } });
    await until(() => here.getUnreadNotificationCount(sdk.NotificationCountType.Total) === 2);
    equal(here.getUnreadNotificationCount(sdk.NotificationCountType.Highlight), 1);
  },

  async threadCounts({ anna, boris, room, thread }) {
    const here = boris.room(room);
    const count = () => here.getThreadUnreadNotificationCount(thread, sdk.NotificationCountType.Total);
    const content = { msgtype: "m.text", body: "one it is" };
    const { event_id } = await anna.client.sendMessage(room, thread, content);
    await until(() => count() === 1);
    await boris.client.sendReadReceipt(await boris.event(event_id));
    await until(() => count() === 0);
  },

  async receipts({ anna, boris, room }) {
    const event = await boris.event(await anna.say(room, "three"));
    await boris.client.sendReadReceipt(event);
    const here = anna.room(room);
    await until(() => here.getUsersReadUpTo(event).includes(boris.userId));
    await until(() => here.hasUserReadEvent(boris.userId, event.getId()));
  },

  async readMarkers({ anna, boris, room }) {
    const event = await boris.event(await anna.say(room, "marked"));
    await boris.client.setRoomReadMarkers(room, event.getId(), event);
    const marker = () => boris.room(room).getAccountData("m.fully_read")?.getContent();
    await until(() => marker()?.event_id === event.getId());
  },

  async privateReceipt({ anna, boris, room }) {
    const here = boris.room(room);
    const event = await boris.event(await anna.say(room, "seen in private"));
    await boris.client.sendReadReceipt(event, sdk.ReceiptType.ReadPrivate);
    await until(() => here.getUnreadNotificationCount(sdk.NotificationCountType.Total) === 0);
    await boris.event(await anna.say(room, "after that"));
    assert(!anna.room(room).getUsersReadUpTo(await anna.event(event.getId())).includes(boris.userId));
  },

  async typing({ anna, boris, room }) {
    const typing = () => anna.room(room).getMember(boris.userId).typing;
    await boris.client.sendTyping(room, true, 20000);
    await until(typing);
    await boris.client.sendTyping(room, false, 0);
    await until(() => !typing());
  },

  async presence({ anna, boris }) {
    await boris.client.setSyncPresence("unavailable");
    await boris.client.setPresence({ presence: "unavailable", status_msg: "at lunch" });
    const user = await until(() => anna.client.getUser(boris.userId));
    await until(() => user.presence === "unavailable" && user.presenceStatusMsg === "at lunch");
    const seen = await anna.client.getPresence(boris.userId);
    equal([seen.presence, seen.status_msg], ["unavailable", "at lunch"]);
  },

  async pageBack({ anna, boris, room }) {
    const texts = Array.from({ length: 25 }, (_, number) => `page ${number}`);
    for (const text of texts) await anna.say(room, text);
    const fresh = new Person(boris.userId);
    await fresh.logIn();
    await fresh.start();
    const here = await until(() => fresh.room(room));
    const shown = () => here.getLiveTimeline().getEvents();
    equal(shown().map((event) => event.getContent().body), texts.slice(-8));
    while (here.oldState.paginationToken) await fresh.client.scrollback(here, 7);
    const bodies = shown().map((event) => event.getContent().body);
    equal(bodies.slice(-25), texts);
    equal(shown()[0].getType(), "m.room.create");
    const ids = shown().map((event) => event.getId());
    equal(ids.length, new Set(ids).size);
    await fresh.client.logout(true);
  },

  async context({ boris, room, thread }) {
    const timeline = await boris.client.getEventTimeline(boris.room(room).getUnfilteredTimelineSet(), thread);
    assert(timeline.getEvents().some((event) => event.getId() === thread));
    while (await boris.client.paginateEventTimeline(timeline, { backwards: true, limit: 5 }));
    equal(timeline.getEvents()[0].getType(), "m.room.create");
  },

  async timestampToEvent({ anna, boris, room, first }) {
    const sent = (await boris.event(first)).getTs();
    const found = await anna.client.timestampToEvent(room, sent, sdk.Direction.Forward);
    equal(found.event_id, first);
  },

  async nameAndTopic({ anna, boris, room }) {
    await anna.client.setRoomName(room, "A longer walk");
    await anna.client.setRoomTopic(room, "Uphill");
    const here = boris.room(room);
    const topic = () => here.currentState.getStateEvents("m.room.topic", "").getContent().topic;
    await until(() => here.name === "A longer walk" && topic() === "Uphill");
    equal(await boris.client.getStateEvent(room, "m.room.name", ""), { name: "A longer walk" });
    const types = (await boris.client.roomState(room)).map((event) => event.type);
    assert(types.includes("m.room.create") && types.includes("m.room.topic"));
  },

  async powerLevels({ anna, boris, room }) {
    await refused(boris.client.setRoomName(room, "Mine"), "M_FORBIDDEN");
    await anna.client.setPowerLevel(room, boris.userId, 50);
    await until(() => boris.room(room).getMember(boris.userId).powerLevel === 50);
    assert(boris.room(room).currentState.maySendStateEvent("m.room.name", boris.userId));
    await boris.client.setRoomName(room, "Ours");
    await until(() => anna.room(room).name === "Ours");
  },

  async kick({ anna, boris, room }) {
    await anna.client.kick(room, boris.userId, "a break");
    await until(() => boris.room(room).getMyMembership() === "leave");
    const left = boris.room(room).getMember(boris.userId).events.member;
    equal([left.getSender(), left.getContent().reason], [anna.userId, "a break"]);
    const content = { msgtype: "m.text", body: "from outside" };
    await refusedToSend(boris, room, "m.room.message", content, "M_FORBIDDEN");
    await until(() => anna.room(room).getMember(boris.userId).membership === "leave");
  },

  async banAndUnban({ anna, boris, room }) {
    await anna.client.ban(room, boris.userId, "enough");
    await until(() => anna.room(room).getMember(boris.userId).membership === "ban");
    await until(() => boris.room(room).getMyMembership() === "ban");
    await refused(anna.client.invite(room, boris.userId), "M_FORBIDDEN");
    await anna.client.unban(room, boris.userId);
    await anna.client.invite(room, boris.userId);
    await boris.client.joinRoom(room);
    await until(() => boris.room(room).getMyMembership() === "join");
    await boris.event(await anna.say(room, "welcome back"));
  },

  async uploadAndDownload(world) {
    const { anna, boris, room } = world;
    const picture = png(640, 480);
    const answer = await anna.client.uploadContent(picture, { name: "red.png", type: "image/png" });
    world.mxc = answer.content_uri;
    const { event_id } = await anna.client.sendImageMessage(room, world.mxc, { w: 640, h: 480 }, "red.png");
    const { url } = (await boris.event(event_id)).getContent();
    const file = await bytes(boris, url);
    equal(file.type, "image/png");
    assert(file.body.equals(picture));
    assert((await anna.client.getMediaConfig(true))["m.upload.size"] > picture.length);
  },

  async thumbnail({ boris, mxc }) {
    const small = await bytes(boris, mxc, 96, 96, "crop");
    assert(small.type.startsWith("image/"));
    assert(small.body.length > 0 && !small.body.equals(png(640, 480)));
  },

  async aliases(world) {
    const { anna, boris, room, server } = world;
    const alias = `#js:${server}`;
    await anna.client.createAlias(alias, room);
    equal((await boris.client.getRoomIdForAlias(alias)).room_id, room);
    equal((await anna.client.getLocalAliases(room)).aliases, [alias]);
    await anna.client.sendStateEvent(room, "m.room.canonical_alias", { alias });
    await until(() => boris.room(room).getCanonicalAlias() === alias);
    await anna.client.sendStateEvent(room, "m.room.canonical_alias", {});
    await anna.client.deleteAlias(alias);
    await refused(boris.client.getRoomIdForAlias(alias), "M_NOT_FOUND");
  },

  async publicRooms({ anna, boris, server }) {
    const { room_id } = await anna.client.createRoom({
      name: "Climbers",
      room_alias_name: "climbers",
      preset: sdk.Preset.PublicChat,
      visibility: sdk.Visibility.Public,
    });
    const { chunk } = await boris.client.publicRooms({ filter: { generic_search_term: "limber" }, limit: 5 });
    equal(chunk.map((room) => [room.room_id, room.num_joined_members]), [[room_id, 1]]);
    equal(await boris.client.getRoomDirectoryVisibility(room_id), { visibility: "public" });
    const joined = await boris.client.joinRoom(`#climbers:${server}`);
    equal(joined.roomId, room_id);
    await boris.client.leave(room_id);
    await boris.client.forget(room_id);
    await anna.client.setRoomDirectoryVisibility(room_id, sdk.Visibility.Private);
    await anna.client.deleteAlias(`#climbers:${server}`);
  },

  async userDirectory({ anna, boris }) {
    const { results } = await boris.client.searchUserDirectory({ term: "Анна" });
    assert(results.some((user) => user.user_id === anna.userId));
  },

  async search({ boris, room }) {
    const found = await boris.client.searchRoomEvents({ term: "page", filter: { rooms: [room], limit: 10 } });
    equal([found.count, found.results.length], [25, 10]);
    const more = await boris.client.backPaginateRoomEventsSearch(found);
    equal(more.results.length, 20);
    assert(more.highlights.includes("page"));
    const bodies = more.results.map((result) => result.context.getEvent().getContent().body);
    assert(bodies.every((body) => body.startsWith("page ")));
  },

  async space({ anna, room }) {
    const { room_id } = await anna.client.createRoom({
      name: "Space",
      creation_content: { type: sdk.RoomType.Space },
    });
    await anna.client.sendStateEvent(room_id, "m.space.child", { via: ["localhost"] }, room);
    const { rooms } = await anna.client.getRoomHierarchy(room_id, 10);
    equal(rooms.map((room) => room.room_id), [room_id, room]);
    const hierarchy = new RoomHierarchy(await until(() => anna.room(room_id)), 1);
    while (hierarchy.canLoadMore) await hierarchy.load();
    equal(hierarchy.rooms.map((room) => room.room_id), [room_id, room]);
  },

  async summary({ anna, room }) {
    const summary = await anna.client.getRoomSummary(room);
    equal([summary.room_id, summary.name, summary.num_joined_members], [room, "Ours", 2]);
  },

  async knock({ anna, boris }) {
    const { room_id } = await anna.client.createRoom({
      name: "Behind a door",
      initial_state: [{ type: "m.room.join_rules", state_key: "", content: { join_rule: "knock" } }],
    });
    await boris.client.knockRoom(room_id, { reason: "may I?" });
    const member = () => anna.room(room_id)?.getMember(boris.userId);
    await until(() => member()?.membership === "knock");
    equal(member().events.member.getContent().reason, "may I?");
    await until(() => boris.room(room_id)?.getMyMembership() === "knock");
  },

  async accountData({ anna, boris, room }) {
    const direct = { [boris.userId]: [room] };
    await anna.client.setAccountData("m.direct", direct);
    equal(anna.client.getAccountData("m.direct").getContent(), direct);
    equal(await anna.client.getAccountDataFromServer("m.direct"), direct);
    equal(await anna.client.getAccountDataFromServer("org.example.none"), null);
    await anna.client.setRoomAccountData(room, "org.example.color", { color: "red" });
    const color = () => anna.room(room).getAccountData("org.example.color")?.getContent().color;
    await until(() => color() === "red");
  },

  async ignoredUsers({ anna, boris, room }) {
    await boris.client.setIgnoredUsers([anna.userId]);
    await until(() => boris.client.isUserIgnored(anna.userId));
    const unseen = await anna.say(room, "unheard");
    await boris.client.setIgnoredUsers([]);
    await until(() => !boris.client.isUserIgnored(anna.userId));
    await boris.event(await anna.say(room, "heard"));
    assert(!boris.events.some((event) => event.getId() === unseen));
  },

  async tags({ anna, room }) {
    await anna.client.setRoomTag(room, "m.favourite", { order: 0.5 });
    await until(() => anna.room(room).tags["m.favourite"]?.order === 0.5);
    equal((await anna.client.getRoomTags(room)).tags, { "m.favourite": { order: 0.5 } });
    await anna.client.deleteRoomTag(room, "m.favourite");
    await until(() => !anna.room(room).tags["m.favourite"]);
  },

  async pushRules({ anna }) {
    const rule = () => anna.client.pushRules.global.content.find((rule) => rule.rule_id === "lunch");
    const kind = sdk.PushRuleKind.ContentSpecific;
    await anna.client.addPushRule("global", kind, "lunch", {
      pattern: "lunch",
      actions: ["notify", { set_tweak: "highlight" }],
    });
    await until(rule);
    equal([rule().pattern, rule().enabled, rule().default], ["lunch", true, false]);
    await anna.client.setPushRuleEnabled("global", kind, "lunch", false);
    await until(() => !rule().enabled);
    await anna.client.setPushRuleActions("global", kind, "lunch", ["notify"]);
    await until(() => rule().actions.length === 1);
    equal((await anna.client.getPushRules()).global.content.at(0).rule_id, "lunch");
    await anna.client.deletePushRule("global", kind, "lunch");
    await until(() => !rule());
  },

  async mutedRoomCountsNothing({ anna, boris, room }) {
    const here = boris.room(room);
    const count = () => here.getUnreadNotificationCount(sdk.NotificationCountType.Total);
    const seen = await boris.event(await anna.say(room, "seen"));
    await boris.client.sendReceipt(seen, sdk.ReceiptType.Read, {}, true);
    await until(() => count() === 0);
    await boris.client.setRoomMutePushRule("global", room, true);
    await until(() => boris.client.getRoomPushRule("global", room));
    const event = await boris.event(await anna.say(room, "nobody is told"));
    assert(!boris.client.getPushActionsForEvent(event).notify);
    equal(count(), 0);
    await boris.client.setRoomMutePushRule("global", room, false);
    await boris.event(await anna.say(room, "everybody is told"));
    assert(count() > 0);
  },

  async pushers({ anna }) {
    const pusher = {
      kind: "http",
      app_id: "org.example.phone",
      app_display_name: "Phone",
      device_display_name: "Anna's",
      pushkey: "key",
      lang: "en",
      data: { url: "http://localhost/_matrix/push/v1/notify" },
    };
    await anna.client.setPusher({ ...pusher, append: false });
    equal((await anna.client.getPushers()).pushers.map((one) => one.pushkey), ["key"]);
    await anna.client.removePusher("key", "org.example.phone");
    equal((await anna.client.getPushers()).pushers, []);
  },

  async toDevice({ anna, boris }) {
    const got = [];
    boris.client.on(sdk.ClientEvent.ToDeviceEvent, (event) => got.push(event));
    const content = new Map([[boris.userId, new Map([[boris.client.getDeviceId(), { n: 1 }]])]]);
    await anna.client.sendToDevice("org.example.ping", content);
    await until(() => got.length);
    equal([got[0].getSender(), got[0].getContent()], [anna.userId, { n: 1 }]);
    await sleep(200);
    equal(got.length, 1);
  },

  async devices({ anna }) {
    const other = new Person(anna.userId);
    const second = (await other.logIn()).device_id;
    await anna.client.setDeviceDetails(second, { display_name: "renamed" });
    equal((await anna.client.getDevice(second)).display_name, "renamed");
    const names = (await anna.client.getDevices()).devices.map((one) => [one.device_id, one.display_name]);
    equal(names.sort(), [[anna.client.getDeviceId(), "js"], [second, "renamed"]].sort());
    await anna.authenticate((auth) => anna.client.deleteMultipleDevices([second], auth ?? undefined));
    await refused(other.client.whoami(), "M_UNKNOWN_TOKEN");
  },

  async logAnotherDeviceIn({ anna }) {
    const { login_token } = await anna.authenticate((auth) => anna.client.requestLoginToken(auth ?? undefined));
    const answer = await stranger().loginRequest({ type: "m.login.token", token: login_token });
    equal(answer.user_id, anna.userId);
    const other = stranger({ accessToken: answer.access_token });
    equal((await other.whoami()).device_id, answer.device_id);
    await refused(stranger().loginRequest({ type: "m.login.token", token: login_token }), "M_FORBIDDEN");
    await other.logout();
  },

  async account({ server }) {
    const username = "js-of-a-day";
    assert(await stranger().isUsernameAvailable(username));
    const register = (auth) => stranger().registerRequest({ username, password: PASSWORD, auth });
    const { data } = await register().catch((error) => error);
    assert(data.flows.some((flow) => flow.stages.includes("m.login.dummy")));
    const made = await register({ type: "m.login.dummy", session: data.session });
    equal(made.user_id, `@${username}:${server}`);
    assert(!(await stranger().isUsernameAvailable(username).catch(() => false)));
    const passing = new Person(made.user_id);
    await passing.logIn();
    await passing.authenticate((auth) => passing.client.setPassword(auth ?? undefined, "a new long password", true));
    await refused(stranger({ accessToken: made.access_token }).whoami(), "M_UNKNOWN_TOKEN");
    await refused(stranger().loginWithPassword(made.user_id, PASSWORD), "M_FORBIDDEN");
    passing.password = "a new long password";
    await passing.logIn();
    await passing.authenticate((auth) => passing.client.deactivateAccount(auth ?? undefined, true));
    await refused(passing.client.whoami(), "M_UNKNOWN_TOKEN");
    await refused(passing.logIn(), "M_FORBIDDEN");
  },

  async refresh({ anna }) {
    const answer = await stranger().loginRequest({
      type: "m.login.password",
      identifier: { type: "m.id.user", user: anna.userId },
      password: PASSWORD,
      refresh_token: true,
    });
    assert(answer.expires_in_ms > 0);
    const renewed = await stranger().refreshToken(answer.refresh_token);
    assert(renewed.access_token !== answer.access_token);
    const client = stranger({ accessToken: renewed.access_token });
    equal((await client.whoami()).user_id, anna.userId);
    await client.logout();
  },

  async upgrade({ anna }) {
    const old = (await anna.client.createRoom({ name: "Old" })).room_id;
    await until(() => anna.room(old));
    const { replacement_room } = await anna.client.upgradeRoom(old, "11");
    await until(() => anna.room(replacement_room)?.name === "Old");
    equal(anna.room(replacement_room).findPredecessor().roomId, old);
    await until(() => anna.room(old).currentState.getStateEvents("m.room.tombstone", ""));
    const history = anna.client.getRoomUpgradeHistory(replacement_room, true);
    equal(history.map((room) => room.roomId), [old, replacement_room]);
  },

  async report({ boris, room, first }) {
    equal(await boris.client.reportEvent(room, first, -100, "spam"), {});
    equal(await boris.client.reportRoom(room, "spam"), {});
  },

  async leave({ boris, room }) {
    await boris.client.leave(room);
    await until(() => boris.room(room).getMyMembership() === "leave");
    equal((await boris.client.getJoinedRooms()).joined_rooms, []);
    await boris.client.forget(room);
    assert(!boris.room(room));
  },

  async syncsWithoutAnError({ anna, boris }) {
    for (const { client } of [anna, boris]) equal(client.getSyncState(), "SYNCING");
  },

  async logOut({ anna, boris }) {
    const token = anna.client.getAccessToken();
    await anna.client.logout(true);
    const old = stranger({ accessToken: token });
    await refused(old.whoami(), "M_UNKNOWN_TOKEN");
    await boris.client.logout(true);
  },
};

const [anna, boris] = [process.env.ANNA, process.env.BORIS].map((id) => new Person(id));
await take(steps, { anna, boris, server: anna.userId.replace(/^[^:]*:/, "") });
process.exit();
