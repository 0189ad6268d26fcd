from __future__ import annotations

import pytest
import trio

from chatproto.errors import MatrixError
from chatproto.operations.accounts import Deactivate
from chatproto.operations.rooms import (
    CreateRoom,
    GetVisibility,
    InitialState,
    ListPublicRooms,
    OpenDirectChat,
    ResolveAlias,
)
from tests.unit.server.harness import refused


def initial(kind, content, key=""):
    return InitialState(type=kind, content=content, state_key=key)


async def kinds(person, room):
    page = await person.history(room, dir="f")
    return [event["type"].removeprefix("m.room.") for event in page.chunk]


async def level(person, room, other):
    levels = await person.state(room, "m.room.power_levels")
    return levels["users"].get(other.id, levels["users_default"])


@pytest.mark.parametrize(
    ("fields", "join_rule", "guests", "invited_level"),
    [
        pytest.param({}, "invite", "can_join", 0, id="none"),
        pytest.param({"visibility": "public"}, "public", "forbidden", 0, id="public"),
        pytest.param(
            {"preset": "private_chat"}, "invite", "can_join", 0, id="private_chat"
        ),
        pytest.param(
            {"preset": "trusted_private_chat"}, "invite", "can_join", 100, id="trusted"
        ),
        pytest.param(
            {"preset": "public_chat"}, "public", "forbidden", 0, id="public_chat"
        ),
        pytest.param(
            {"preset": "private_chat", "visibility": "public"},
            "invite",
            "can_join",
            0,
            id="preset before visibility",
        ),
    ],
)
async def test_preset(ann, bob, fields, join_rule, guests, invited_level):
    room = await ann.create(invite=(bob.id,), **fields)
    rules = await ann.state(room, "m.room.join_rules")
    visibility = await ann.state(room, "m.room.history_visibility")
    access = await ann.state(room, "m.room.guest_access")
    assert rules["join_rule"] == join_rule
    assert visibility["history_visibility"] == "shared"
    assert access["guest_access"] == guests
    assert await level(ann, room, bob) == invited_level
    assert await level(ann, room, ann) == 100


async def test_events_come_in_the_order_of_the_specification(ann, bob):
    room = await ann.create(
        name="Name",
        topic="Topic",
        room_alias_name="alias",
        initial_state=(
            initial("org.example.x", {}),
            initial("m.room.name", {"name": ""}),
        ),
        invite=(bob.id,),
    )
    assert await kinds(ann, room) == [
        "create",
        "member",
        "power_levels",
        "canonical_alias",
        "join_rules",
        "history_visibility",
        "guest_access",
        "org.example.x",
        "name",
        "name",
        "topic",
        "member",
    ]
    assert await ann.state(room, "m.room.name") == {"name": "Name"}


async def test_initial_state_goes_before_preset(ann):
    rule = initial("m.room.history_visibility", {"history_visibility": "joined"})
    room = await ann.create(preset="public_chat", initial_state=(rule,))
    assert await ann.state(room, "m.room.history_visibility") == rule.content
    assert (await kinds(ann, room)).count("history_visibility") == 1


async def test_creation_content_is_kept_but_for_the_servers_own(ann):
    content = {"type": "m.space", "creator": "@eve:x", "room_version": "1", "x": [1]}
    room = await ann.create(creation_content=content)
    created = await ann.state(room, "m.room.create")
    assert created == {"type": "m.space", "room_version": "11", "x": [1]}


async def test_power_levels_are_overridden_key_by_key(ann):
    room = await ann.create(power_level_content_override={"invite": 60})
    levels = await ann.state(room, "m.room.power_levels")
    assert (levels["invite"], levels["kick"]) == (60, 50)
    assert levels["users"] == {ann.id: 100}


async def test_invited_see_who_asks(ann, bob):
    await ann.set_data("m.ignored", {})
    room = await ann.create(invite=(bob.id, bob.id, ann.id), is_direct=True, name="N")
    body = await bob.sync()
    events = body["rooms"]["invite"][room]["invite_state"]["events"]
    shown = {(e["type"], e["state_key"]): e["content"] for e in events}
    own = shown["m.room.member", bob.id]
    assert (own["membership"], own["is_direct"]) == ("invite", True)
    assert own["displayname"] == "bob"
    assert shown["m.room.name", ""] == {"name": "N"}
    assert shown["m.room.member", ann.id]["displayname"] == "ann"


async def test_alias_names_the_room(chat, ann):
    room = await ann.create(room_alias_name="alias")
    found = await ann.call(ResolveAlias(room_alias="#alias:example.org"))
    assert (found.room_id, found.servers) == (room, ("example.org",))
    main = await ann.state(room, "m.room.canonical_alias")
    assert main == {"alias": "#alias:example.org"}


@pytest.mark.parametrize("visibility", ["public", "private"])
async def test_visibility_is_that_of_the_directory(ann, visibility):
    room = await ann.create(visibility=visibility)
    assert (await ann.call(GetVisibility(room_id=room))).visibility == visibility
    listed = [r.room_id for r in (await ann.call(ListPublicRooms())).chunk]
    assert listed == ([room] if visibility == "public" else [])


REFUSED = {
    "preset": (CreateRoom(preset="secret"), "M_INVALID_PARAM"),
    "visibility": (CreateRoom(visibility="secret"), "M_INVALID_PARAM"),
    "old version": (CreateRoom(room_version="1"), "M_UNSUPPORTED_ROOM_VERSION"),
    "version not offered": (
        CreateRoom(room_version="10"),
        "M_UNSUPPORTED_ROOM_VERSION",
    ),
    "alias taken": (CreateRoom(room_alias_name="taken"), "M_ROOM_IN_USE"),
    "alias with a server": (CreateRoom(room_alias_name="a:b"), "M_INVALID_PARAM"),
    "alias empty": (CreateRoom(room_alias_name=""), "M_INVALID_PARAM"),
    "invited unknown": (CreateRoom(invite=("@no:example.org",)), "M_NOT_FOUND"),
    "invited elsewhere": (CreateRoom(invite=("@no:example.com",)), "M_FORBIDDEN"),
    "invited nobody": (CreateRoom(invite=("bob",)), "M_INVALID_PARAM"),
    "invited many": (
        CreateRoom(invite=tuple(f"@u{n}:example.org" for n in range(101))),
        "M_TOO_LARGE",
    ),
    "bad state": (
        CreateRoom(initial_state=(initial("m.room.topic", {"topic": 1}),)),
        "M_BAD_JSON",
    ),
    "state without a type": (
        CreateRoom(initial_state=(initial("", {}),)),
        "M_INVALID_PARAM",
    ),
    "state with a fraction": (
        CreateRoom(initial_state=(initial("x", {"a": 0.5}),)),
        "M_BAD_JSON",
    ),
    "large state": (
        CreateRoom(initial_state=(initial("x", {"a": "a" * 65_536}),)),
        "M_TOO_LARGE",
    ),
    "large name": (CreateRoom(name="a" * 65_536), "M_TOO_LARGE"),
    "bad levels": (
        CreateRoom(power_level_content_override={"ban": "50"}),
        "M_INVALID_ROOM_STATE",
    ),
    "creator without power": (
        CreateRoom(name="N", power_level_content_override={"users": {}}),
        "M_INVALID_ROOM_STATE",
    ),
    "second create": (
        CreateRoom(initial_state=(initial("m.room.create", {}),)),
        "M_INVALID_ROOM_STATE",
    ),
    "others joined by force": (
        CreateRoom(
            initial_state=(
                initial("m.room.member", {"membership": "join"}, "@bob:example.org"),
            )
        ),
        "M_INVALID_ROOM_STATE",
    ),
    "invited elsewhere by state": (
        CreateRoom(
            initial_state=(
                initial("m.room.member", {"membership": "invite"}, "@no:example.com"),
            )
        ),
        "M_FORBIDDEN",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
async def test_refusal_is_whole(chat, ann, bob, name):
    await bob.create(room_alias_name="taken")
    request, errcode = REFUSED[name]
    before = chat.engine.store._db.serialize()
    with refused(errcode):
        await ann.call(request)
    assert chat.engine.store._db.serialize() == before
    assert await ann.create()


async def test_closed_account_is_not_invited(chat, ann, bob):
    proof = {"type": "m.login.password", "password": "bobpass"}
    await bob.call(Deactivate(auth=proof))
    with refused("M_NOT_FOUND"):
        await ann.create(invite=(bob.id,))


async def test_one_alias_names_one_room(chat, ann, bob):
    made = []

    async def create(person):
        try:
            made.append(await person.create(room_alias_name="alias"))
        except MatrixError as error:
            made.append(error.errcode)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(create, ann)
        nursery.start_soon(create, bob)
    assert made.count("M_ROOM_IN_USE") == 1
    assert len(await chat.rows("rooms")) == 1


async def direct(person, other):
    return (await person.call(OpenDirectChat(user_id=other.id))).room_id


async def test_direct_chat_is_made_once(ann, bob):
    room = await direct(ann, bob)
    assert await direct(ann, bob) == room
    assert await direct(bob, ann) == room
    await bob.join(room)
    assert await direct(ann, bob) == room


async def test_direct_chat_is_marked_for_both(ann, bob):
    room = await direct(ann, bob)
    for person, other in ((ann, bob), (bob, ann)):
        events = (await person.sync())["account_data"]["events"]
        assert {"type": "m.direct", "content": {other.id: [room]}} in events
    own = await ann.state(room, "m.room.member", bob.id)
    assert own["is_direct"] is True
    assert await level(ann, room, bob) == 100


async def test_direct_chat_that_was_left_is_made_anew(ann, bob):
    room = await direct(ann, bob)
    await bob.join(room)
    await bob.leave(room)
    assert await direct(ann, bob) != room


async def test_direct_chats_at_once_are_one(chat, ann, bob):
    made = []

    async def opened(person, other):
        made.append(await direct(person, other))

    async with trio.open_nursery() as nursery:
        for _ in range(2):
            nursery.start_soon(opened, ann, bob)
            nursery.start_soon(opened, bob, ann)
    assert len(set(made)) == len(await chat.rows("rooms")) == 1


@pytest.mark.parametrize(
    ("other", "errcode"),
    [
        pytest.param("@ann:example.org", "M_INVALID_PARAM", id="oneself"),
        pytest.param("@no:example.org", "M_NOT_FOUND", id="unknown"),
        pytest.param("@no:example.com", "M_FORBIDDEN", id="elsewhere"),
        pytest.param("bob", "M_INVALID_PARAM", id="no user ID"),
    ],
)
async def test_direct_chat_is_refused(chat, ann, other, errcode):
    with refused(errcode):
        await ann.call(OpenDirectChat(user_id=other))
    assert not await chat.rows("rooms")
