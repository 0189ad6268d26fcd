"""A life with mautrix-python, whose clients sync all the time."""

from __future__ import annotations

import asyncio
import io
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mautrix.api import Method
from mautrix.api import Path as ApiPath
from mautrix.client import Client, InternalEventType
from mautrix.client.state_store import MemoryStateStore
from mautrix.client.state_store.sync import MemorySyncStore
from mautrix.errors import MatrixRequestError, MForbidden, MNotFound, MUnknownToken
from mautrix.types import (
    ContentURI,
    EventID,
    EventType,
    Filter,
    ImageInfo,
    LoginType,
    MediaMessageEventContent,
    Membership,
    MessageType,
    PaginationDirection,
    PowerLevelStateEventContent,
    PresenceState,
    PushActionType,
    PushRuleKind,
    PushRuleScope,
    RoomAlias,
    RoomCreatePreset,
    RoomDirectoryVisibility,
    RoomEventFilter,
    RoomFilter,
    RoomID,
    RoomNameStateEventContent,
    RoomTagInfo,
    RoomTopicStateEventContent,
    TextMessageEventContent,
    UserID,
)
from PIL import Image

sys.path.insert(0, str(Path(__file__).parent))
from steps import PASSWORD, SERVER, SOON, equal, png, take

TEXT = EventType.ROOM_MESSAGE


class Person:
    """A client that syncs by itself, and what came to it."""

    def __init__(self, user_id: str) -> None:
        self.client = Client(
            UserID(user_id),
            base_url=SERVER,
            state_store=MemoryStateStore(),
            sync_store=MemorySyncStore(),
        )
        self.news = asyncio.Event()
        self.events: list[Any] = []
        self.synced: list[dict[str, Any]] = []
        self.client.add_event_handler(EventType.ALL, self._on_event)
        self.client.add_event_handler(
            InternalEventType.SYNC_SUCCESSFUL,
            self._on_sync,
        )

    async def _on_event(self, event: Any) -> None:
        self.events.append(event)
        self.news.set()

    async def _on_sync(self, data: dict[str, Any]) -> None:
        self.synced.append(data["data"])
        self.news.set()

    @property
    def user_id(self) -> UserID:
        return self.client.mxid

    async def until(self, what: Callable[[], Any]) -> Any:
        """Wait until something is there, and give it."""
        async with asyncio.timeout(SOON):
            while not (found := what()):
                self.news.clear()
                await self.news.wait()
        return found

    async def event(self, event_id: str) -> Any:
        return await self.seen(lambda e: getattr(e, "event_id", None) == event_id)

    async def seen(self, wanted: Callable[[Any], bool]) -> Any:
        """The newest event of a kind that the sync brought."""
        found = await self.until(lambda: [e for e in self.events if wanted(e)])
        return found[-1]

    async def say(self, room_id: RoomID, text: str, **content: Any) -> EventID:
        body = {"msgtype": "m.text", "body": text, **content}
        return await self.client.send_message_event(room_id, TEXT, body)

    def count(self, room_id: str) -> tuple[int, int] | None:
        """The newest counts of what is unread, and of what is highlighted."""
        for data in reversed(self.synced):
            joined = data.get("rooms", {}).get("join", {})
            counts = joined.get(room_id, {}).get("unread_notifications")
            if counts:
                return counts["notification_count"], counts["highlight_count"]
        return None


class World:
    """Who is there, and what they have made so far."""

    def __init__(self) -> None:
        self.anna = Person(os.environ["ANNA"])
        self.boris = Person(os.environ["BORIS"])
        self.room = RoomID("")
        self.first = EventID("")
        self.mxc = ContentURI("")


async def step_versions(world: World) -> None:
    versions = await world.anna.client.versions()
    assert versions.versions
    assert versions.supports_at_least(min(versions.versions))


async def step_log_in(world: World) -> None:
    flows = await world.anna.client.get_login_flows()
    assert flows.supports_type(LoginType.PASSWORD)
    for person in (world.anna, world.boris):
        answer = await person.client.login(
            person.user_id,
            password=PASSWORD,
            device_name="mautrix",
        )
        equal(answer.user_id, person.user_id)
        whoami = await person.client.whoami()
        equal((whoami.user_id, whoami.device_id), (person.user_id, answer.device_id))


async def step_wrong_password(world: World) -> None:
    stranger = Client(world.anna.user_id, base_url=SERVER)
    try:
        await stranger.login(world.anna.user_id, password="wrong")
    except MForbidden:
        return
    finally:
        await stranger.api.session.close()
    raise AssertionError("it was let in")


async def step_sync(world: World) -> None:
    limits = Filter(room=RoomFilter(timeline=RoomEventFilter(limit=50)))
    for person in (world.anna, world.boris):
        person.client.start(limits)
        await person.until(lambda person=person: person.synced)


async def step_profile(world: World) -> None:
    await world.anna.client.set_displayname("Анна")
    await world.anna.client.set_avatar_url(ContentURI("mxc://localhost/anna"))
    profile = await world.boris.client.get_profile(world.anna.user_id)
    equal(profile.displayname, "Анна")
    equal(profile.avatar_url, "mxc://localhost/anna")
    equal(await world.boris.client.get_displayname(world.anna.user_id), "Анна")


async def step_create(world: World) -> None:
    world.room = await world.anna.client.create_room(
        name="Walk",
        topic="Where mautrix goes",
        preset=RoomCreatePreset.PRIVATE,
        visibility=RoomDirectoryVisibility.PRIVATE,
    )
    event = await world.anna.seen(lambda e: e.type == EventType.ROOM_NAME)
    equal((event.room_id, event.content.name), (world.room, "Walk"))
    equal(await world.anna.client.get_joined_rooms(), [world.room])


async def step_invite(world: World) -> None:
    await world.anna.client.invite_user(world.room, world.boris.user_id, "come")
    event = await world.boris.seen(lambda e: e.type == EventType.ROOM_MEMBER)
    equal(event.content.membership, Membership.INVITE)
    equal((event.room_id, event.sender), (world.room, world.anna.user_id))
    names = [
        e.content.name
        for e in event.unsigned.invite_room_state
        if e.type == EventType.ROOM_NAME
    ]
    equal(names, ["Walk"])


async def step_join(world: World) -> None:
    equal(await world.boris.client.join_room(world.room), world.room)
    event = await world.anna.seen(
        lambda e: (
            e.type == EventType.ROOM_MEMBER
            and e.state_key == world.boris.user_id
            and e.content.membership == Membership.JOIN
        ),
    )
    equal(event.unsigned.prev_content.membership, Membership.INVITE)
    members = await world.boris.client.get_joined_members(world.room)
    equal(set(members), {world.anna.user_id, world.boris.user_id})
    equal(members[world.anna.user_id].displayname, "Анна")
    listed = await world.boris.client.get_members(world.room)
    equal({e.state_key for e in listed}, set(members))


async def step_send_and_receive_live(world: World) -> None:
    await asyncio.sleep(0.3)  # so that both requests are being held
    world.first = await world.anna.client.send_text(world.room, "first")
    async with asyncio.timeout(5):
        event = await world.boris.event(world.first)
    equal((event.type, event.sender), (TEXT, world.anna.user_id))
    equal((event.content.msgtype, event.content.body), (MessageType.TEXT, "first"))


async def step_edit(world: World) -> None:
    content = TextMessageEventContent(msgtype=MessageType.TEXT, body="second")
    content.set_edit(world.first)
    edit = await world.anna.client.send_message(world.room, content)
    event = await world.boris.event(edit)
    equal(event.content.get_edit(), world.first)
    equal(event.content.body, "second")


async def step_react(world: World) -> None:
    reaction = await world.boris.client.react(world.room, world.first, "👍")
    event = await world.anna.event(reaction)
    equal(event.type, EventType.REACTION)
    relation = event.content.relates_to
    equal((relation.event_id, relation.key), (world.first, "👍"))


async def step_reply(world: World) -> None:
    content = TextMessageEventContent(msgtype=MessageType.TEXT, body="yes")
    content.set_reply(await world.boris.client.get_event(world.room, world.first))
    event = await world.anna.event(
        await world.boris.client.send_message(world.room, content),
    )
    equal(event.content.get_reply_to(), world.first)


async def step_thread(world: World) -> None:
    root = await world.anna.say(world.room, "what about lunch?")
    content = TextMessageEventContent(msgtype=MessageType.TEXT, body="noon")
    content.set_thread_parent(await world.boris.client.get_event(world.room, root))
    reply = await world.boris.client.send_message(world.room, content)
    equal((await world.anna.event(reply)).content.get_thread_parent(), root)
    event = await world.anna.client.get_event(world.room, root)
    bundled = event.unsigned["m.relations"]["m.thread"]
    equal((bundled["count"], bundled["latest_event"]["event_id"]), (1, reply))


async def step_redact(world: World) -> None:
    event_id = await world.anna.say(world.room, "a slip")
    redaction = await world.anna.client.redact(world.room, event_id, "typo")
    seen = await world.boris.event(redaction)
    equal((seen.redacts, seen.content.reason), (event_id, "typo"))
    event = await world.boris.client.get_event(world.room, event_id)
    equal(event.content.serialize(), {})


async def step_counts_and_receipts(world: World) -> None:
    event_id = await world.anna.say(world.room, "read this far")
    await world.boris.client.send_receipt(world.room, event_id)
    await world.boris.until(lambda: world.boris.count(world.room) == (0, 0))
    receipt = await world.anna.seen(
        lambda e: e.type == EventType.RECEIPT and event_id in e.content,
    )
    (readers,) = receipt.content[event_id].values()
    assert world.boris.user_id in readers
    await world.anna.say(world.room, "one")
    mentions = {"user_ids": [world.boris.user_id]}
    last = await world.anna.say(world.room, "two, Boris", **{"m.mentions": mentions})
    await world.boris.until(lambda: world.boris.count(world.room) == (2, 1))
    await world.boris.client.set_fully_read_marker(world.room, last, last)
    await world.boris.until(lambda: world.boris.count(world.room) == (0, 0))


async def step_typing(world: World) -> None:
    await world.boris.client.set_typing(world.room, 30_000)
    event = await world.anna.seen(lambda e: e.type == EventType.TYPING)
    equal((event.room_id, event.content.user_ids), (world.room, [world.boris.user_id]))
    await world.boris.client.set_typing(world.room, 0)
    await world.anna.seen(
        lambda e: e.type == EventType.TYPING and e.content.user_ids == [],
    )


async def step_presence(world: World) -> None:
    world.boris.client.presence = PresenceState.UNAVAILABLE
    await world.boris.client.set_presence(PresenceState.UNAVAILABLE, "at lunch")
    seen = await world.anna.client.get_presence(world.boris.user_id)
    equal((seen.presence, seen.status_msg), (PresenceState.UNAVAILABLE, "at lunch"))


async def step_page_back(world: World) -> None:
    texts = [f"page {number}" for number in range(25)]
    for text in texts:
        await world.anna.say(world.room, text)
    found: list[Any] = []
    token = None
    while True:
        page = await world.boris.client.get_messages(
            world.room,
            PaginationDirection.BACKWARD,
            from_token=token,
            limit=10,
        )
        found += page.events
        token = page.end
        if not token:
            break
    equal([e.content.body for e in found[:25]], texts[::-1])
    equal(found[-1].type, EventType.ROOM_CREATE)
    context = await world.boris.client.get_event_context(world.room, world.first, 2)
    equal(context.event.event_id, world.first)
    equal((len(context.events_before), len(context.events_after)), (1, 1))


async def step_name_and_topic(world: World) -> None:
    name = RoomNameStateEventContent(name="A longer walk")
    topic = RoomTopicStateEventContent(topic="Uphill")
    client = world.anna.client
    await client.send_state_event(world.room, EventType.ROOM_NAME, name)
    event_id = await client.send_state_event(world.room, EventType.ROOM_TOPIC, topic)
    event = await world.boris.event(event_id)
    equal(event.content.topic, "Uphill")
    equal(event.unsigned.prev_content.topic, "Where mautrix goes")
    seen = await world.boris.client.get_state_event(world.room, EventType.ROOM_NAME)
    equal(seen.name, "A longer walk")
    kinds = {e.type for e in await world.boris.client.get_state(world.room)}
    assert {EventType.ROOM_CREATE, EventType.ROOM_TOPIC} <= kinds


async def step_power_levels(world: World) -> None:
    client = world.anna.client
    levels: PowerLevelStateEventContent = await client.get_state_event(
        world.room,
        EventType.ROOM_POWER_LEVELS,
    )
    equal(levels.get_user_level(world.anna.user_id), 100)
    levels.set_user_level(world.boris.user_id, 50)
    event_id = await client.send_state_event(
        world.room,
        EventType.ROOM_POWER_LEVELS,
        levels,
    )
    event = await world.boris.event(event_id)
    equal(event.content.get_user_level(world.boris.user_id), 50)


async def step_kick_ban_unban(world: World) -> None:
    client, boris = world.anna.client, world.boris

    def moved(membership: Membership) -> Callable[[Any], bool]:
        return lambda e: (
            e.type == EventType.ROOM_MEMBER
            and e.state_key == boris.user_id
            and e.content.membership == membership
        )

    await client.kick_user(world.room, boris.user_id, "a break")
    event = await boris.seen(moved(Membership.LEAVE))
    equal((event.sender, event.content.reason), (world.anna.user_id, "a break"))
    await client.ban_user(world.room, boris.user_id, "enough")
    await world.anna.seen(moved(Membership.BAN))
    try:
        await boris.client.join_room_by_id(world.room)
    except MForbidden:
        pass
    else:
        raise AssertionError("whoever is banned came in")
    await client.unban_user(world.room, boris.user_id)
    await client.invite_user(world.room, boris.user_id)
    await boris.client.join_room_by_id(world.room)
    equal(await boris.client.get_joined_rooms(), [world.room])


async def step_upload_and_download(world: World) -> None:
    picture = png(640, 480)
    world.mxc = await world.anna.client.upload_media(picture, "image/png", "red.png")
    content = MediaMessageEventContent(
        msgtype=MessageType.IMAGE,
        body="red.png",
        url=world.mxc,
        info=ImageInfo(mimetype="image/png", width=640, height=480),
    )
    event = await world.boris.event(
        await world.anna.client.send_message(world.room, content),
    )
    equal(await world.boris.client.download_media(event.content.url), picture)
    config = await world.anna.client.get_media_repo_config()
    assert config.upload_size > len(picture)


async def step_thumbnail(world: World) -> None:
    data = await world.boris.client.download_thumbnail(world.mxc, 96, 96, "crop")
    equal(Image.open(io.BytesIO(data)).size, (96, 96))


async def step_asynchronous_upload(world: World) -> None:
    mxc = await world.anna.client.upload_media(
        b"later",
        "text/plain",
        async_upload=True,
    )
    data = await world.boris.client.download_media(mxc, timeout_ms=10_000)
    equal(data, b"later")


async def step_search(world: World) -> None:
    await world.anna.say(world.room, "the needle in the haystack")
    answer = await world.boris.client.api.request(
        Method.POST,
        ApiPath.v3.search,
        {"search_categories": {"room_events": {"search_term": "needle"}}},
    )
    found = answer["search_categories"]["room_events"]["results"]
    equal(
        [r["result"]["content"]["body"] for r in found], ["the needle in the haystack"]
    )


async def step_aliases(world: World) -> None:
    client, alias = world.anna.client, RoomAlias("#mautrix:localhost")
    await client.add_room_alias(world.room, "mautrix")
    found = await world.boris.client.resolve_room_alias(alias)
    equal((found.room_id, found.servers), (world.room, ["localhost"]))
    await client.remove_room_alias("mautrix")
    try:
        await client.resolve_room_alias(alias)
    except MNotFound:
        return
    raise AssertionError("the alias is still there")


async def step_directories(world: World) -> None:
    client = world.anna.client
    await client.set_room_directory_visibility(
        world.room,
        RoomDirectoryVisibility.PUBLIC,
    )
    rooms = await world.boris.client.get_room_directory(search_query="longer")
    equal([r.room_id for r in rooms.chunk], [world.room])
    await client.set_room_directory_visibility(
        world.room,
        RoomDirectoryVisibility.PRIVATE,
    )
    seen = await client.get_room_directory_visibility(world.room)
    equal(seen, RoomDirectoryVisibility.PRIVATE)
    found = await world.boris.client.search_users("Анна")
    equal([u.user_id for u in found.results], [world.anna.user_id])


async def step_account_data_and_tags(world: World) -> None:
    client = world.anna.client
    direct = {world.boris.user_id: [world.room]}
    await client.set_account_data(EventType.DIRECT, direct)
    seen = await world.anna.seen(lambda e: e.type == EventType.DIRECT)
    equal(seen.content.serialize(), direct)
    stored = await client.get_account_data(EventType.DIRECT)
    equal(stored, direct)
    await client.set_room_tag(world.room, "m.favourite", RoomTagInfo(order=0.5))
    tags = await client.get_room_tags(world.room)
    equal(tags.tags["m.favourite"].order, 0.5)
    await client.remove_room_tag(world.room, "m.favourite")
    equal((await client.get_room_tags(world.room)).tags, {})


async def step_push_rules(world: World) -> None:
    client, scope, kind = world.anna.client, PushRuleScope.GLOBAL, PushRuleKind.CONTENT
    rule_id = "lunch"
    action = PushActionType.NOTIFY
    await client.set_push_rule(scope, kind, rule_id, [action], pattern="lunch")
    rule = await client.get_push_rule(scope, kind, rule_id)
    equal((rule.rule_id, rule.pattern, rule.enabled), (rule_id, "lunch", True))
    await client.remove_push_rule(scope, kind, rule_id)
    try:
        await client.get_push_rule(scope, kind, rule_id)
    except MNotFound:
        return
    raise AssertionError("the rule is still there")


async def step_to_device(world: World) -> None:
    kind = EventType.find("org.example.ping", EventType.Class.TO_DEVICE)
    device = world.boris.client.device_id
    await world.anna.client.send_to_one_device(
        kind,
        world.boris.user_id,
        device,
        {"n": 1},
    )
    event = await world.boris.seen(lambda e: e.type == kind)
    equal((event.sender, event.content["n"]), (world.anna.user_id, 1))


async def step_knock(world: World) -> None:
    room = await world.anna.client.create_room(
        name="Behind a door",
        initial_state=[
            {"type": "m.room.join_rules", "content": {"join_rule": "knock"}},
        ],
    )
    equal(await world.boris.client.knock_room(room, "may I?"), room)
    event = await world.anna.seen(
        lambda e: (
            e.type == EventType.ROOM_MEMBER
            and e.room_id == room
            and e.content.membership == Membership.KNOCK
        ),
    )
    equal(event.state_key, world.boris.user_id)


async def step_unknown_path(world: World) -> None:
    try:
        await world.anna.client.api.request(Method.GET, ApiPath.v3.nothing.at.all)
    except MatrixRequestError as error:
        equal((error.http_status, error.errcode), (404, "M_UNRECOGNIZED"))
        return
    raise AssertionError("a path that there is not has answered")


async def step_leave_and_forget(world: World) -> None:
    await world.boris.client.leave_room(world.room, "home")
    await world.boris.client.forget_room(world.room)
    equal(await world.boris.client.get_joined_rooms(), [])


async def step_log_out(world: World) -> None:
    world.anna.client.stop()
    await world.anna.client.logout(clear_access_token=False)
    try:
        await world.anna.client.whoami()
    except MUnknownToken:
        return
    raise AssertionError("the token is still good")


async def main() -> None:
    world = World()
    await take(globals(), world)
    for person in (world.anna, world.boris):
        person.client.stop()
        await person.client.api.session.close()


if __name__ == "__main__":
    asyncio.run(main())
