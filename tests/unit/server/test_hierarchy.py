from __future__ import annotations

import pytest
from attrs import evolve

from chatproto.operations.rooms import Ban
from chatproto.operations.spaces import GetHierarchy, GetRoomSummary
from tests.unit.server.harness import json_of, refused

VIA = {"via": ["example.org"]}
PUBLIC = {"preset": "public_chat"}


async def space(person, *children, **fields):
    """A space with rooms in it, in order; children are IDs, or IDs with content."""
    room = await person.create(creation_content={"type": "m.space"}, **fields)
    for order, child in zip("abcdefgh", children, strict=False):
        in_order = {**VIA, "order": order}
        child_id, content = (child, in_order) if isinstance(child, str) else child
        await person.set_state(room, "m.space.child", content, child_id)
    return room


async def names(person, room, **fields):
    page = await person.call(GetHierarchy(room_id=room, **fields))
    return [room.name for room in page.rooms]


async def in_space(ann, **fields):
    """A public space of the caller's, and one room in it made with these fields."""
    room = await ann.create(name="room", **fields)
    return await space(ann, room, name="space", **PUBLIC), room


def restricted_to(*rooms):
    allow = [{"type": "m.room_membership", "room_id": room} for room in rooms]
    return {"join_rule": "restricted", "allow": allow}


async def test_rooms_are_listed_depth_first(ann):
    a, b, c = [await ann.create(name=name) for name in "abc"]
    inner = await space(ann, a, b, name="inner")
    outer = await space(ann, inner, c, name="outer")
    assert await names(ann, outer) == ["outer", "inner", "a", "b", "c"]


async def test_spaces_within_one_another_are_listed_once(ann):
    room = await ann.create(name="room")
    inner = await space(ann, room, name="inner")
    outer = await space(ann, inner, room, name="outer")
    await ann.set_state(inner, "m.space.child", VIA, outer)
    assert sorted(await names(ann, outer)) == ["inner", "outer", "room"]


async def test_children_go_by_order_then_age(ann, chat):
    a, b, c, d = [await ann.create(name=name) for name in "abcd"]
    room = await space(ann, name="space")
    orders = [(a, {}), (d, {"order": "\x7f"}), (c, {"order": "2"}), (b, {"order": "1"})]
    for child, order in orders:
        await ann.set_state(room, "m.space.child", {**VIA, **order}, child)
        chat.clock.advance_ms(1)
    assert await names(ann, room) == ["space", "b", "c", "a", "d"]


@pytest.mark.parametrize(
    "content",
    [
        pytest.param({}, id="taken out"),
        pytest.param({"via": []}, id="no server"),
    ],
)
async def test_child_without_servers_is_none(ann, content):
    room = await ann.create(name="room")
    assert await names(ann, await space(ann, (room, content), name="s")) == ["s"]


async def test_room_that_is_no_space_has_no_children(ann):
    child, room = await ann.create(name="child"), await ann.create(name="room")
    await ann.set_state(room, "m.space.child", VIA, child)
    page = await ann.call(GetHierarchy(room_id=room))
    assert [(room.name, room.children_state) for room in page.rooms] == [("room", ())]


async def test_children_are_stripped_events(ann):
    child = await ann.create()
    room = await space(ann, (child, VIA))
    page = json_of(await ann.call(GetHierarchy(room_id=room)))
    (event,) = page["rooms"][0]["children_state"]
    assert isinstance(event.pop("origin_server_ts"), int)
    assert event == {
        "type": "m.space.child",
        "state_key": child,
        "sender": ann.id,
        "content": VIA,
    }


async def test_only_suggested(ann):
    a, b = [await ann.create(name=name) for name in "ab"]
    room = await space(ann, a, (b, {**VIA, "suggested": True}), name="space")
    page = await ann.call(GetHierarchy(room_id=room, suggested_only=True))
    assert [room.name for room in page.rooms] == ["space", "b"]
    assert [c["state_key"] for c in page.rooms[0].children_state] == [b]


@pytest.mark.parametrize(
    ("depth", "listed"),
    [
        pytest.param(0, ["outer"], id="0"),
        pytest.param(1, ["outer", "inner"], id="1"),
        pytest.param(2, ["outer", "inner", "room"], id="2"),
        pytest.param(10**9, ["outer", "inner", "room"], id="any"),
    ],
)
async def test_depth_is_limited(ann, depth, listed):
    inner = await space(ann, await ann.create(name="room"), name="inner")
    outer = await space(ann, inner, name="outer")
    assert await names(ann, outer, max_depth=depth) == listed


async def paged(person, room, **fields):
    """What all pages list, and how many there are."""
    listed, pages, token = [], 0, None
    while pages == 0 or token is not None:
        page = await person.call(GetHierarchy(room_id=room, from_=token, **fields))
        listed += [room.name for room in page.rooms]
        token, pages = page.next_batch, pages + 1
    return listed, pages


@pytest.mark.parametrize(("limit", "pages"), [(1, 6), (2, 3), (5, 2), (6, 1)])
async def test_pages_join_to_the_whole(ann, limit, pages):
    rooms = [await ann.create(name=name) for name in "abcde"]
    room = await space(ann, *rooms, name="space")
    whole = await names(ann, room)
    assert await paged(ann, room, limit=limit) == (whole, pages)


async def test_page_goes_on_after_its_room_when_rooms_come_before(ann):
    rooms = [await ann.create(name=name) for name in "abc"]
    room = await space(ann, *rooms, name="space")
    page = await ann.call(GetHierarchy(room_id=room, limit=2))
    early = await ann.create(name="early")
    await ann.set_state(room, "m.space.child", {**VIA, "order": "0"}, early)
    assert await names(ann, room, from_=page.next_batch) == ["b", "c"]


async def test_page_goes_on_by_number_when_its_room_has_gone(ann):
    rooms = [await ann.create(name=name) for name in "abc"]
    room = await space(ann, *rooms, name="space")
    page = await ann.call(GetHierarchy(room_id=room, limit=2))
    await ann.set_state(room, "m.space.child", {}, rooms[0])
    assert await names(ann, room, from_=page.next_batch) == ["c"]


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param({"max_depth": 1}, id="depth"),
        pytest.param({"suggested_only": True}, id="suggested"),
        pytest.param({"from_": "nonsense"}, id="nonsense"),
        pytest.param({"from_": "h1"}, id="cut off"),
        pytest.param({"from_": "h١_50_0_!a:b"}, id="foreign digits"),
        pytest.param({"limit": 0}, id="no rooms"),
        pytest.param({"max_depth": -1, "from_": None}, id="negative depth"),
    ],
)
async def test_page_of_other_filters_is_refused(ann, changed):
    room = await space(ann, await ann.create())
    token = (await ann.call(GetHierarchy(room_id=room, limit=1))).next_batch
    request = GetHierarchy(room_id=room, from_=token)
    await ann.call(request)
    with refused("M_INVALID_PARAM", 400):
        await ann.call(evolve(request, **changed))


@pytest.mark.parametrize(
    ("rule", "sees"),
    [
        pytest.param({"join_rule": "public"}, True, id="public"),
        pytest.param({"join_rule": "knock"}, True, id="knock"),
        pytest.param({"join_rule": "knock_restricted"}, True, id="knock_restricted"),
        pytest.param({"join_rule": "invite"}, False, id="invite"),
        pytest.param({"join_rule": "restricted"}, False, id="restricted"),
    ],
)
async def test_outsider_sees_what_may_be_joined(ann, bob, rule, sees):
    outer, room = await in_space(ann)
    await ann.set_state(room, "m.room.join_rules", rule)
    assert await names(bob, outer) == (["space", "room"] if sees else ["space"])
    if not sees:
        with refused("M_FORBIDDEN", 403):
            await names(bob, room)


async def test_restricted_room_is_shown_to_those_it_lets_in(ann, bob, cat):
    outer, room = await in_space(ann)
    await ann.set_state(room, "m.room.join_rules", restricted_to(outer))
    await bob.join(outer)
    assert await names(bob, outer) == ["space", "room"]
    assert await names(cat, outer) == ["space"]
    await bob.join(room)


async def test_invited_user_sees_the_room(ann, bob):
    outer, room = await in_space(ann)
    await ann.invite(room, bob)
    assert await names(bob, outer) == ["space", "room"]


async def test_world_readable_room_is_shown(ann, bob):
    outer, room = await in_space(ann)
    readable = {"history_visibility": "world_readable"}
    await ann.set_state(room, "m.room.history_visibility", readable)
    assert await names(bob, outer) == ["space", "room"]


async def test_banned_user_sees_no_room(ann, bob):
    outer, room = await in_space(ann, **PUBLIC)
    await ann.call(Ban(room_id=room, user_id=bob.id))
    assert await names(bob, outer) == ["space"]


async def test_unknown_room_is_refused_like_a_closed_one(ann):
    with refused("M_FORBIDDEN", 403):
        await names(ann, "!none:example.org")


async def test_summary_tells_what_the_room_is(ann, bob):
    room = await ann.create(
        name="Club", topic="Words", room_alias_name="club", **PUBLIC
    )
    await ann.set_state(room, "m.room.avatar", {"url": "mxc://example.org/a"})
    encrypted = {"algorithm": "m.megolm.v1.aes-sha2"}
    await ann.set_state(room, "m.room.encryption", encrypted)
    summary = await bob.call(GetRoomSummary(room_id_or_alias="#club:example.org"))
    shown = {k: v for k, v in json_of(summary).items() if v is not None}
    assert shown == {
        "room_id": room,
        "num_joined_members": 1,
        "world_readable": False,
        "guest_can_join": False,
        "name": "Club",
        "topic": "Words",
        "avatar_url": "mxc://example.org/a",
        "canonical_alias": "#club:example.org",
        "join_rule": "public",
        "encryption": "m.megolm.v1.aes-sha2",
        "room_version": "11",
    }


async def test_summary_tells_the_own_membership(ann, bob, room):
    await bob.leave(room)
    request = GetRoomSummary(room_id_or_alias=room)
    assert (await ann.call(request)).membership == "join"
    with refused("M_NOT_FOUND", 404):
        await bob.call(request)
    await ann.invite(room, bob)
    assert (await bob.call(request)).membership == "invite"


async def test_summary_names_the_rooms_that_open_it(ann, bob, room):
    other = await ann.create()
    await ann.set_state(room, "m.room.join_rules", restricted_to(other))
    summary = await bob.call(GetRoomSummary(room_id_or_alias=room))
    assert summary.allowed_room_ids == (other,)
    assert summary.join_rule == "restricted"
