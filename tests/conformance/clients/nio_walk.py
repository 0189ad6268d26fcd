"""A life with matrix-nio: Anna does most of it, Boris hears of it."""

from __future__ import annotations

import asyncio
import io
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import nio
from nio.api import RelationshipType
from PIL import Image

sys.path.insert(0, str(Path(__file__).parent))
from steps import PASSWORD, SERVER, SOON, equal, png, take


class Person:
    """A client, what came to it, and how to wait for more."""

    def __init__(self, user_id: str) -> None:
        config = nio.AsyncClientConfig(encryption_enabled=False, max_timeouts=2)
        self.client = nio.AsyncClient(SERVER, user_id, config=config)
        self.events: list[tuple[str, Any]] = []
        self.notices: list[tuple[str, Any]] = []
        self.presence: list[Any] = []
        self.account_data: list[Any] = []
        self.left: dict[str, nio.RoomInfo] = {}
        self.client.add_event_callback(self._on_event, nio.Event)
        self.client.add_ephemeral_callback(self._on_notice, None)
        self.client.add_presence_callback(self.presence.append, None)
        self.client.add_global_account_data_callback(self.account_data.append, None)

    async def _on_event(self, room: Any, event: Any) -> None:
        self.events.append((room.room_id, event))

    async def _on_notice(self, room: Any, event: Any) -> None:
        self.notices.append((room.room_id, event))

    @property
    def user_id(self) -> str:
        return self.client.user_id

    async def sync(self, wait_ms: int = 0) -> nio.SyncResponse:
        answer = right(await self.client.sync(timeout=wait_ms))
        self.left |= answer.rooms.leave
        return answer

    async def until(self, what: Callable[[], Any]) -> Any:
        """Sync until something is there, and give it."""
        async with asyncio.timeout(SOON):
            while not (found := what()):
                await self.sync(2000)
        return found

    async def event(self, event_id: str) -> Any:
        found: list[Any] = await self.until(
            lambda: [e for _, e in self.events if e.event_id == event_id],
        )
        return found[0]

    async def say(self, room_id: str, text: str, **content: Any) -> str:
        body = {"msgtype": "m.text", "body": text, **content}
        return await self.send(room_id, "m.room.message", body)

    async def send(self, room_id: str, kind: str, content: dict[str, Any]) -> str:
        return right(await self.client.room_send(room_id, kind, content)).event_id

    async def raw(self, method: str, path: str, body: Any = None) -> Any:
        """A call that nio has no method for, by nio's own HTTP."""
        answer = await self.client.send(
            method,
            "/_matrix/client/v3" + path,
            None if body is None else json.dumps(body),
            {"Authorization": f"Bearer {self.client.access_token}"},
        )
        equal(answer.status, 200)
        return await answer.json()


def right(response: Any) -> Any:
    assert not isinstance(response, nio.ErrorResponse), response
    return response


class World:
    """Who is there, and what they have made so far."""

    def __init__(self) -> None:
        self.anna = Person(os.environ["ANNA"])
        self.boris = Person(os.environ["BORIS"])
        self.room = ""
        self.first = ""
        self.thread = ""
        self.mxc = ""
        self.devices: list[str] = []

    @property
    def alias(self) -> str:
        return f"#nio:{self.anna.user_id.partition(':')[2]}"


async def step_log_in(world: World) -> None:
    flows = right(await world.anna.client.login_info()).flows
    assert "m.login.password" in flows, flows
    for person in (world.anna, world.boris):
        answer = right(await person.client.login(PASSWORD, device_name="nio"))
        equal(answer.user_id, os.environ["ANNA" if person is world.anna else "BORIS"])
        assert person.client.access_token
        assert person.client.device_id


async def step_wrong_password(world: World) -> None:
    stranger = nio.AsyncClient(SERVER, world.anna.user_id)
    answer = await stranger.login("wrong")
    await stranger.close()
    assert isinstance(answer, nio.LoginError), answer
    equal(answer.status_code, "M_FORBIDDEN")


async def step_whoami(world: World) -> None:
    answer = right(await world.anna.client.whoami())
    equal(answer.user_id, world.anna.user_id)
    equal(answer.device_id, world.anna.client.device_id)


async def step_first_sync(world: World) -> None:
    for person in (world.anna, world.boris):
        await person.sync()
        assert person.client.next_batch


async def step_filter(world: World) -> None:
    answer = right(
        await world.anna.client.upload_filter(room={"timeline": {"limit": 3}}),
    )
    assert answer.filter_id


async def step_profile(world: World) -> None:
    client = world.anna.client
    right(await client.set_displayname("Анна"))
    equal(right(await client.get_displayname()).displayname, "Анна")
    right(await client.set_avatar("mxc://localhost/anna"))
    equal(right(await client.get_avatar()).avatar_url, "mxc://localhost/anna")
    profile = right(await world.boris.client.get_profile(world.anna.user_id))
    equal((profile.displayname, profile.avatar_url), ("Анна", "mxc://localhost/anna"))


async def step_create(world: World) -> None:
    answer = await world.anna.client.room_create(
        name="Walk",
        topic="Where nio goes",
        preset=nio.RoomPreset.private_chat,
        initial_state=[
            {
                "type": "m.room.history_visibility",
                "content": {"history_visibility": "shared"},
            },
        ],
    )
    world.room = right(answer).room_id
    room = await world.anna.until(lambda: world.anna.client.rooms.get(world.room))
    equal((room.name, room.topic), ("Walk", "Where nio goes"))
    equal(room.power_levels.get_user_level(world.anna.user_id), 100)
    equal(room.join_rule, "invite")
    equal(room.member_count, 1)
    equal(right(await world.anna.client.joined_rooms()).rooms, [world.room])


async def step_invite(world: World) -> None:
    right(await world.anna.client.room_invite(world.room, world.boris.user_id))
    invites = world.boris.client.invited_rooms
    room = await world.boris.until(lambda: invites.get(world.room))
    equal((room.inviter, room.name), (world.anna.user_id, "Walk"))


async def step_join(world: World) -> None:
    equal(right(await world.boris.client.join(world.room)).room_id, world.room)
    room = await world.boris.until(lambda: world.boris.client.rooms.get(world.room))
    assert world.room not in world.boris.client.invited_rooms
    await world.boris.until(lambda: world.boris.user_id in room.users)
    members = right(await world.boris.client.joined_members(world.room)).members
    equal({m.user_id for m in members}, {world.anna.user_id, world.boris.user_id})
    equal(
        {m.display_name for m in members if m.user_id == world.anna.user_id}, {"Анна"}
    )
    anna = world.anna.client.rooms[world.room]
    await world.anna.until(lambda: world.boris.user_id in anna.users)
    equal(anna.joined_count, 2)


async def step_send(world: World) -> None:
    world.first = await world.anna.say(world.room, "first")
    event = await world.boris.event(world.first)
    assert isinstance(event, nio.RoomMessageText), event
    equal((event.sender, event.body), (world.anna.user_id, "first"))
    echo = await world.anna.event(world.first)
    equal(echo.body, "first")


async def step_send_again(world: World) -> None:
    content = {"msgtype": "m.text", "body": "once"}
    answers = [
        await world.anna.client.room_send(world.room, "m.room.message", content, "once")
        for _ in range(2)
    ]
    equal(right(answers[0]).event_id, right(answers[1]).event_id)


async def step_receive_live(world: World) -> None:
    await world.boris.sync()
    held = asyncio.create_task(world.boris.sync(20000))
    await asyncio.sleep(0.3)  # so that the request is being held
    event_id = await world.anna.say(world.room, "live")
    async with asyncio.timeout(5):
        answer = await held
    timeline = answer.rooms.join[world.room].timeline
    equal([e.event_id for e in timeline.events], [event_id])
    equal(timeline.limited, False)


async def step_edit(world: World) -> None:
    edit = await world.anna.say(
        world.room,
        "* second",
        **{
            "m.new_content": {"msgtype": "m.text", "body": "second"},
            "m.relates_to": {"rel_type": "m.replace", "event_id": world.first},
        },
    )
    equal((await world.boris.event(edit)).body, "* second")
    event = right(
        await world.boris.client.room_get_event(world.room, world.first),
    ).event
    bundled = event.source["unsigned"]["m.relations"]["m.replace"]
    equal(bundled["event_id"], edit)


async def step_edit_of_another_is_refused(world: World) -> None:
    answer = await world.boris.client.room_send(
        world.room,
        "m.room.message",
        {
            "msgtype": "m.text",
            "body": "* mine",
            "m.new_content": {"msgtype": "m.text", "body": "mine"},
            "m.relates_to": {"rel_type": "m.replace", "event_id": world.first},
        },
    )
    assert isinstance(answer, nio.RoomSendError), answer
    equal(answer.status_code, "M_FORBIDDEN")


async def step_react(world: World) -> None:
    relation = {"rel_type": "m.annotation", "event_id": world.first, "key": "👍"}
    content = {"m.relates_to": relation}
    reaction = await world.boris.send(world.room, "m.reaction", content)
    event = await world.anna.event(reaction)
    assert isinstance(event, nio.ReactionEvent), event
    equal((event.reacts_to, event.key), (world.first, "👍"))
    again = await world.boris.client.room_send(world.room, "m.reaction", content)
    assert isinstance(again, nio.RoomSendError), again
    equal(again.status_code, "M_DUPLICATE_ANNOTATION")
    found = world.anna.client.room_get_event_relations(
        world.room,
        world.first,
        RelationshipType.annotation,
    )
    equal([e.event_id async for e in found], [reaction])


async def step_reply(world: World) -> None:
    relation = {"m.in_reply_to": {"event_id": world.first}}
    reply = await world.boris.say(world.room, "yes", **{"m.relates_to": relation})
    event = await world.anna.event(reply)
    equal(event.source["content"]["m.relates_to"], relation)


async def step_thread(world: World) -> None:
    world.thread = await world.anna.say(world.room, "what about lunch?")
    relation = {
        "rel_type": "m.thread",
        "event_id": world.thread,
        "is_falling_back": True,
        "m.in_reply_to": {"event_id": world.thread},
    }
    replies = [
        await world.boris.say(world.room, text, **{"m.relates_to": relation})
        for text in ("noon", "or one")
    ]
    event = right(
        await world.anna.client.room_get_event(world.room, world.thread),
    ).event
    bundled = event.source["unsigned"]["m.relations"]["m.thread"]
    equal(bundled["count"], 2)
    equal(bundled["latest_event"]["event_id"], replies[-1])
    equal(bundled["current_user_participated"], True)
    roots = [e.event_id async for e in world.anna.client.room_get_threads(world.room)]
    equal(roots, [world.thread])
    found = world.anna.client.room_get_event_relations(
        world.room,
        world.thread,
        RelationshipType.thread,
    )
    equal([e.event_id async for e in found], replies[::-1])


async def step_redact(world: World) -> None:
    event_id = await world.anna.say(world.room, "a slip")
    redaction = right(
        await world.anna.client.room_redact(world.room, event_id, reason="typo"),
    ).event_id
    seen = await world.boris.event(redaction)
    assert isinstance(seen, nio.RedactionEvent), seen
    equal((seen.redacts, seen.reason), (event_id, "typo"))
    event = right(await world.boris.client.room_get_event(world.room, event_id)).event
    assert isinstance(event, nio.RedactedEvent), event
    equal((event.redacter, event.reason), (world.anna.user_id, "typo"))


async def step_counts(world: World) -> None:
    await world.boris.sync()
    await world.boris.client.update_receipt_marker(
        world.room,
        await world.anna.say(world.room, "read this far"),
        thread_id=None,
    )
    room = world.boris.client.rooms[world.room]
    await world.boris.until(lambda: room.unread_notifications == 0)
    await world.anna.say(world.room, "one")
    await world.anna.say(
        world.room,
        "two, Boris",
        **{"m.mentions": {"user_ids": [world.boris.user_id]}},
    )
    await world.boris.until(lambda: room.unread_notifications == 2)
    equal(room.unread_highlights, 1)


async def step_receipts(world: World) -> None:
    event_id = await world.anna.say(world.room, "three")
    await world.boris.event(event_id)
    right(
        await world.boris.client.update_receipt_marker(
            world.room,
            event_id,
            thread_id=None,
        ),
    )
    room = world.boris.client.rooms[world.room]
    await world.boris.until(lambda: room.unread_notifications == 0)
    equal(room.unread_highlights, 0)
    receipts = world.anna.client.rooms[world.room].read_receipts
    receipt = await world.anna.until(
        lambda: [
            r
            for r in receipts.values()
            if (r.user_id, r.event_id) == (world.boris.user_id, event_id)
        ],
    )
    equal(receipt[0].receipt_type, "m.read")


async def step_read_markers(world: World) -> None:
    event_id = await world.anna.say(world.room, "marked")
    right(
        await world.boris.client.room_read_markers(
            world.room,
            fully_read_event=event_id,
            read_event=event_id,
        ),
    )
    room = world.boris.client.rooms[world.room]
    await world.boris.until(lambda: room.fully_read_marker == event_id)


async def step_private_receipt(world: World) -> None:
    event_id = await world.anna.say(world.room, "seen in private")
    right(
        await world.boris.client.update_receipt_marker(
            world.room,
            event_id,
            nio.ReceiptType.read_private,
            thread_id=None,
        ),
    )
    room = world.boris.client.rooms[world.room]
    await world.boris.event(event_id)
    await world.boris.until(lambda: room.unread_notifications == 0)
    await world.anna.sync()
    receipts = world.anna.client.rooms[world.room].read_receipts
    assert event_id not in {r.event_id for r in receipts.values()}


async def step_typing(world: World) -> None:
    right(await world.boris.client.room_typing(world.room, typing_state=True))
    room = world.anna.client.rooms[world.room]
    await world.anna.until(lambda: room.typing_users == [world.boris.user_id])
    right(await world.boris.client.room_typing(world.room, typing_state=False))
    await world.anna.until(lambda: room.typing_users == [])


async def step_presence(world: World) -> None:
    right(await world.boris.client.set_presence("unavailable", "at lunch"))
    user = world.anna.client.rooms[world.room].users[world.boris.user_id]
    await world.anna.until(
        lambda: (user.presence, user.status_msg) == ("unavailable", "at lunch"),
    )
    seen = right(await world.anna.client.get_presence(world.boris.user_id))
    equal((seen.presence, seen.status_msg), ("unavailable", "at lunch"))


async def step_page_back(world: World) -> None:
    texts = [f"page {number}" for number in range(25)]
    for text in texts:
        await world.anna.say(world.room, text)
    fresh = nio.AsyncClient(SERVER, world.boris.user_id)
    fresh.restore_login(
        world.boris.user_id,
        world.boris.client.device_id,
        world.boris.client.access_token,
    )
    answer = right(
        await fresh.sync(sync_filter={"room": {"timeline": {"limit": 5}}}),
    )
    timeline = answer.rooms.join[world.room].timeline
    equal([e.body for e in timeline.events], texts[-5:])
    equal(timeline.limited, True)
    found, token = [], timeline.prev_batch
    while token:
        page = right(await fresh.room_messages(world.room, token, limit=7))
        assert len(page.chunk) <= 7
        found += page.chunk
        token = page.end
    await fresh.close()
    equal([e.body for e in found[:20]], texts[-6::-1])
    assert isinstance(found[-1], nio.RoomCreateEvent), found[-1]
    ids = [e.event_id for e in found]
    equal(len(ids), len(set(ids)))


async def step_context(world: World) -> None:
    answer = right(
        await world.boris.client.room_context(world.room, world.thread, limit=4),
    )
    equal(answer.event.event_id, world.thread)
    equal(len(answer.events_before) + len(answer.events_after), 4)
    equal([e.body for e in answer.events_after], ["noon", "or one"])
    assert answer.state


async def step_name_and_topic(world: World) -> None:
    right(
        await world.anna.client.room_put_state(
            world.room,
            "m.room.name",
            {"name": "A longer walk"},
        ),
    )
    right(await world.anna.client.update_room_topic(world.room, "Uphill"))
    room = world.boris.client.rooms[world.room]
    await world.boris.until(
        lambda: (room.name, room.topic) == ("A longer walk", "Uphill"),
    )
    state = right(
        await world.boris.client.room_get_state_event(world.room, "m.room.name"),
    )
    equal(state.content, {"name": "A longer walk"})
    everything = right(await world.boris.client.room_get_state(world.room)).events
    assert {"m.room.create", "m.room.topic"} <= {e["type"] for e in everything}


async def step_power_levels(world: World) -> None:
    no = await world.boris.client.room_put_state(
        world.room,
        "m.room.name",
        {"name": "Mine"},
    )
    assert isinstance(no, nio.RoomPutStateError), no
    equal(no.status_code, "M_FORBIDDEN")
    levels = right(
        await world.anna.client.room_get_state_event(world.room, "m.room.power_levels"),
    ).content
    levels["users"][world.boris.user_id] = 50
    right(
        await world.anna.client.room_put_state(
            world.room,
            "m.room.power_levels",
            levels,
        ),
    )
    room = world.boris.client.rooms[world.room]
    await world.boris.until(
        lambda: room.power_levels.get_user_level(world.boris.user_id) == 50,
    )
    assert room.power_levels.can_user_kick(world.boris.user_id)
    right(
        await world.boris.client.room_put_state(
            world.room,
            "m.room.name",
            {"name": "Ours"},
        ),
    )


async def step_kick(world: World) -> None:
    right(
        await world.anna.client.room_kick(world.room, world.boris.user_id, "a break"),
    )
    left = await world.boris.until(lambda: world.boris.left.pop(world.room, None))
    last = left.timeline.events[-1]
    equal((last.membership, last.sender), ("leave", world.anna.user_id))
    equal(last.content["reason"], "a break")
    answer = await world.boris.client.room_send(
        world.room,
        "m.room.message",
        {"msgtype": "m.text", "body": "from outside"},
    )
    assert isinstance(answer, nio.RoomSendError), answer
    equal(answer.status_code, "M_FORBIDDEN")
    room = world.anna.client.rooms[world.room]
    await world.anna.until(lambda: world.boris.user_id not in room.users)


async def step_ban_and_unban(world: World) -> None:
    client = world.anna.client
    right(await client.room_ban(world.room, world.boris.user_id, "enough"))
    no = await client.room_invite(world.room, world.boris.user_id)
    assert isinstance(no, nio.RoomInviteError), no
    right(await client.room_unban(world.room, world.boris.user_id))
    right(await client.room_invite(world.room, world.boris.user_id))
    world.boris.left.clear()
    right(await world.boris.client.join(world.room))
    event_id = await world.anna.say(world.room, "welcome back")
    await world.boris.event(event_id)


async def step_upload_and_download(world: World) -> None:
    picture = png(640, 480)
    answer, _ = await world.anna.client.upload(
        io.BytesIO(picture),
        "image/png",
        "red.png",
        filesize=len(picture),
    )
    world.mxc = right(answer).content_uri
    event_id = await world.anna.send(
        world.room,
        "m.room.message",
        {"msgtype": "m.image", "body": "red.png", "url": world.mxc},
    )
    event = await world.boris.event(event_id)
    assert isinstance(event, nio.RoomMessageImage), event
    file = right(await world.boris.client.download(event.url))
    equal(file.body, picture)
    equal((file.content_type, file.filename), ("image/png", "red.png"))
    limit = right(await world.anna.client.content_repository_config()).upload_size
    assert limit > len(picture)


async def step_thumbnail(world: World) -> None:
    server, _, media_id = world.mxc.removeprefix("mxc://").partition("/")
    file = right(await world.boris.client.thumbnail(server, media_id, 96, 96))
    assert file.content_type.startswith("image/"), file.content_type
    size = Image.open(io.BytesIO(file.body)).size
    assert 96 <= max(size) < 640, size


async def step_search(world: World) -> None:
    await world.anna.say(world.room, "the needle in the haystack")
    body = {"search_categories": {"room_events": {"search_term": "needle"}}}
    answer = await world.boris.raw("POST", "/search", body)
    found = answer["search_categories"]["room_events"]
    equal(found["count"], 1)
    equal(
        found["results"][0]["result"]["content"]["body"], "the needle in the haystack"
    )


async def step_aliases(world: World) -> None:
    client = world.anna.client
    right(await client.room_put_alias(world.alias, world.room))
    found = right(await world.boris.client.room_resolve_alias(world.alias))
    equal(found.room_id, world.room)
    right(await client.room_update_aliases(world.room, canonical_alias=world.alias))
    room = world.boris.client.rooms[world.room]
    await world.boris.until(lambda: room.canonical_alias == world.alias)


async def step_public_rooms(world: World) -> None:
    room = right(
        await world.anna.client.room_create(
            visibility=nio.RoomVisibility.public,
            name="Hikers",
            alias="hikers",
            preset=nio.RoomPreset.public_chat,
        ),
    ).room_id
    rooms = right(
        await world.boris.client.list_public_rooms(filter_generic_search_term="hik"),
    ).public_rooms
    equal([r.room_id for r in rooms], [room])
    equal(rooms[0].num_joined_members, 1)
    visibility = right(await world.boris.client.room_get_visibility(room)).visibility
    equal(visibility, "public")
    alias = world.alias.replace("nio", "hikers")
    equal(right(await world.boris.client.join(alias)).room_id, room)
    right(await world.boris.client.room_leave(room))
    right(await world.boris.client.room_forget(room))
    right(await world.anna.client.room_delete_alias(alias))


async def step_user_directory(world: World) -> None:
    body = {"search_term": "Анна"}
    answer = await world.boris.raw("POST", "/user_directory/search", body)
    found = [user["user_id"] for user in answer["results"]]
    equal(found, [world.anna.user_id])


async def step_space(world: World) -> None:
    space = right(await world.anna.client.room_create(space=True, name="Space")).room_id
    right(
        await world.anna.client.room_put_state(
            space,
            "m.space.child",
            {"via": ["localhost"]},
            world.room,
        ),
    )
    answer = right(await world.anna.client.space_get_hierarchy(space))
    equal([room["room_id"] for room in answer.rooms], [space, world.room])


async def step_knock(world: World) -> None:
    room = right(
        await world.anna.client.room_create(
            name="Behind a door",
            initial_state=[
                {"type": "m.room.join_rules", "content": {"join_rule": "knock"}},
            ],
        ),
    ).room_id
    right(await world.boris.client.room_knock(room, "may I?"))
    found = await world.anna.until(
        lambda: [
            e
            for _, e in world.anna.events
            if isinstance(e, nio.RoomMemberEvent) and e.membership == "knock"
        ],
    )
    equal(
        (found[0].state_key, found[0].content["reason"]),
        (world.boris.user_id, "may I?"),
    )


async def step_account_data(world: World) -> None:
    direct = {world.boris.user_id: [world.room]}
    path = f"/user/{quote(world.anna.user_id)}/account_data/m.direct"
    await world.anna.raw("PUT", path, direct)
    equal(right(await world.anna.client.list_direct_rooms()).rooms, direct)
    await world.anna.until(
        lambda: any(e.content == direct for e in _unknown(world.anna.account_data)),
    )


def _unknown(events: list[Any]) -> list[Any]:
    return [e for e in events if isinstance(e, nio.UnknownAccountDataEvent)]


async def step_tags(world: World) -> None:
    user, room = quote(world.anna.user_id), quote(world.room)
    path = f"/user/{user}/rooms/{room}/tags/m.favourite"
    await world.anna.raw("PUT", path, {"order": 0.5})
    tags = world.anna.client.rooms[world.room]
    await world.anna.until(lambda: tags.tags == {"m.favourite": {"order": 0.5}})


async def step_push_rules(world: World) -> None:
    client = world.anna.client
    right(
        await client.set_pushrule(
            "global",
            nio.PushRuleKind.content,
            "lunch",
            actions=[nio.PushNotify(), nio.PushSetTweak("highlight")],
            pattern="lunch",
        ),
    )

    def rules() -> list[Any]:
        found = [
            e for e in world.anna.account_data if isinstance(e, nio.PushRulesEvent)
        ]
        return (
            [r for r in found[-1].global_rules.content if r.id == "lunch"]
            if found
            else []
        )

    rule = (await world.anna.until(rules))[0]
    equal((rule.pattern, rule.enabled, rule.default), ("lunch", True, False))
    right(
        await client.enable_pushrule(
            "global", nio.PushRuleKind.content, "lunch", enable=False
        ),
    )
    await world.anna.until(lambda: not rules()[0].enabled)
    right(
        await client.set_pushrule_actions(
            "global",
            nio.PushRuleKind.content,
            "lunch",
            [nio.PushNotify()],
        ),
    )
    await world.anna.until(lambda: len(rules()[0].actions) == 1)
    right(await client.delete_pushrule("global", nio.PushRuleKind.content, "lunch"))
    await world.anna.until(lambda: not rules())


async def step_muted_room_counts_nothing(world: World) -> None:
    right(
        await world.boris.client.set_pushrule(
            "global", nio.PushRuleKind.room, world.room, actions=[]
        ),
    )
    event_id = await world.anna.say(world.room, "nobody is told")
    await world.boris.event(event_id)
    equal(world.boris.client.rooms[world.room].unread_notifications, 0)


async def step_to_device(world: World) -> None:
    got: list[Any] = []
    world.boris.client.add_to_device_callback(got.append, None)
    message = nio.ToDeviceMessage(
        "org.example.ping",
        world.boris.user_id,
        world.boris.client.device_id,
        {"n": 1},
    )
    right(await world.anna.client.to_device(message))
    await world.boris.until(lambda: got)
    equal((got[0].sender, got[0].source["content"]), (world.anna.user_id, {"n": 1}))
    await world.boris.sync()
    equal(len(got), 1)


async def step_devices(world: World) -> None:
    other = nio.AsyncClient(SERVER, world.anna.user_id)
    right(await other.login(PASSWORD, device_name="second"))
    client = world.anna.client
    right(await client.update_device(other.device_id, {"display_name": "renamed"}))
    devices = right(await client.devices()).devices
    names = {d.id: d.display_name for d in devices}
    equal(names, {client.device_id: "nio", other.device_id: "renamed"})
    first = await client.delete_devices([other.device_id])
    assert isinstance(first, nio.DeleteDevicesAuthResponse), first
    auth = {
        "type": "m.login.password",
        "session": first.session,
        "identifier": {"type": "m.id.user", "user": world.anna.user_id},
        "password": PASSWORD,
    }
    right(await client.delete_devices([other.device_id], auth))
    no = await other.whoami()
    await other.close()
    assert isinstance(no, nio.WhoamiError), no
    equal(no.status_code, "M_UNKNOWN_TOKEN")


async def step_upgrade(world: World) -> None:
    old = right(await world.anna.client.room_create(name="Old")).room_id
    await world.anna.until(lambda: old in world.anna.client.rooms)
    path = f"/rooms/{quote(old)}/upgrade"
    new = (await world.anna.raw("POST", path, {"new_version": "11"}))[
        "replacement_room"
    ]
    room = await world.anna.until(lambda: world.anna.client.rooms.get(new))
    equal(room.name, "Old")
    found = [
        e
        for r, e in world.anna.events
        if r == old and isinstance(e, nio.RoomUpgradeEvent)
    ]
    equal([e.replacement_room for e in found], [new])


async def step_report(world: World) -> None:
    path = f"/rooms/{quote(world.room)}/report/{quote(world.first)}"
    equal(await world.boris.raw("POST", path, {"reason": "spam", "score": -100}), {})


async def step_leave(world: World) -> None:
    right(await world.boris.client.room_leave(world.room))
    left = await world.boris.until(lambda: world.boris.left.pop(world.room, None))
    equal(left.timeline.events[-1].sender, world.boris.user_id)
    equal(right(await world.boris.client.joined_rooms()).rooms, [])


async def step_log_out(world: World) -> None:
    token = world.anna.client.access_token
    right(await world.anna.client.logout())
    world.anna.client.access_token = token
    no = await world.anna.client.whoami()
    assert isinstance(no, nio.WhoamiError), no
    equal(no.status_code, "M_UNKNOWN_TOKEN")


async def main() -> None:
    world = World()
    await take(globals(), world)
    for person in (world.anna, world.boris):
        await person.client.close()


if __name__ == "__main__":
    asyncio.run(main())
