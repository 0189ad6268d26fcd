from __future__ import annotations

import pytest
import trio

from chatproto.errors import MatrixError
from chatproto.operations.codec import unstructure
from chatproto.operations.rooms import (
    CreateAlias,
    DeleteAlias,
    GetVisibility,
    InitialState,
    ListAliases,
    ListPublicRooms,
    PublicRoomsFilter,
    ResolveAlias,
    SearchPublicRooms,
    SetVisibility,
)
from tests.unit.server.harness import ANYBODY, refused

ALIAS = "#a:example.org"


async def give(person, room, alias=ALIAS):
    await person.call(CreateAlias(room_alias=alias, room_id=room))


async def aliases(person, room):
    return (await person.call(ListAliases(room_id=room))).aliases


async def listed(person, **fields):
    return [r.name for r in (await person.call(ListPublicRooms(**fields))).chunk]


# aliases


async def test_room_has_many_aliases(ann, bob, room):
    await give(ann, room, "#b:example.org")
    await give(bob, room)
    assert await aliases(ann, room) == (ALIAS, "#b:example.org")
    found = await bob.call(ResolveAlias(room_alias=ALIAS))
    assert (found.room_id, found.servers) == (room, ("example.org",))


@pytest.mark.parametrize(
    ("alias", "errcode", "status"),
    [
        (ALIAS, "M_UNKNOWN", 409),
        ("#a:example.com", "M_INVALID_PARAM", 400),
        ("a", "M_INVALID_PARAM", 400),
        ("#:example.org", "M_INVALID_PARAM", 400),
        ("#" + "a" * 255 + ":example.org", "M_INVALID_PARAM", 400),
    ],
    ids=["taken", "elsewhere", "no alias", "empty", "long"],
)
async def test_alias_is_refused(ann, bob, room, alias, errcode, status):
    await give(bob, room)
    with refused(errcode, status):
        await give(ann, room, alias)


async def test_alias_goes_to_one_of_two_at_once(chat, ann, bob, room):
    other, codes = await bob.create(), []

    async def one(person, where):
        try:
            await give(person, where)
        except MatrixError as error:
            codes.append(error.errcode)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(one, ann, room)
        nursery.start_soon(one, bob, other)
    assert codes == ["M_UNKNOWN"]
    assert len(await chat.rows("aliases")) == 1


async def test_alias_is_taken_away(ann, bob, room):
    await give(bob, room)
    await bob.call(DeleteAlias(room_alias=ALIAS))
    for request in (ResolveAlias(room_alias=ALIAS), DeleteAlias(room_alias=ALIAS)):
        with refused("M_NOT_FOUND", status=404):
            await ann.call(request)
    await give(ann, room)


async def test_aliases_are_shown_to_strangers_of_a_readable_room(ann, bob, cat):
    content = {"history_visibility": "world_readable"}
    state = InitialState(type="m.room.history_visibility", content=content)
    room = await ann.create(initial_state=(state,), room_alias_name="a")
    assert await aliases(cat, room) == (ALIAS,)


# the directory


async def test_directory_describes_a_room(chat, ann, bob):
    avatar = InitialState(type="m.room.avatar", content={"url": "mxc://example.org/a"})
    room = await ann.create(
        visibility="public",
        name="Name",
        topic="Topic",
        room_alias_name="a",
        initial_state=(avatar,),
        creation_content={"type": "m.space"},
    )
    await bob.join(room)
    page = await chat.engine.call(ANYBODY, ListPublicRooms())
    assert unstructure(page) == {
        "chunk": [
            {
                "room_id": room,
                "name": "Name",
                "topic": "Topic",
                "canonical_alias": ALIAS,
                "avatar_url": "mxc://example.org/a",
                "num_joined_members": 2,
                "world_readable": False,
                "guest_can_join": False,
                "join_rule": "public",
                "room_type": "m.space",
            }
        ],
        "total_room_count_estimate": 1,
    }


@pytest.fixture
async def many(chat, ann, bob, cat):
    """Three listed rooms, the second the largest, and one that is not."""
    people = {"One": (), "Two": (bob, cat), "Three": (bob,)}
    for name, members in people.items():
        room = await ann.create(visibility="public", name=name, topic=f"about {name}")
        for member in members:
            await member.join(room)
    await ann.create(preset="public_chat", name="Hidden")


async def test_largest_room_comes_first(bob, many):
    assert await listed(bob) == ["Two", "Three", "One"]


async def test_directory_is_paged_both_ways(bob, many):
    first = await bob.call(ListPublicRooms(limit=2))
    assert (first.total_room_count_estimate, first.prev_batch) == (3, None)
    second = await bob.call(ListPublicRooms(limit=2, since=first.next_batch))
    assert [r.name for r in second.chunk] == ["One"]
    assert second.next_batch is None
    assert await listed(bob, limit=2, since=second.prev_batch) == ["Two", "Three"]


@pytest.mark.parametrize("since", ["x", "p", "p-1", "p1" + "0" * 20])
async def test_bad_token_of_the_directory_is_refused(bob, since):
    with refused("M_INVALID_PARAM"):
        await listed(bob, since=since)


@pytest.mark.parametrize(
    ("term", "names"),
    [
        ("two", ["Two"]),
        ("ABOUT", ["Two", "Three", "One"]),
        ("hidden", []),
        ("", ["Two", "Three", "One"]),
        ("%", []),
    ],
)
async def test_directory_is_searched(bob, many, term, names):
    request = SearchPublicRooms(filter=PublicRoomsFilter(generic_search_term=term))
    assert [r.name for r in (await bob.call(request)).chunk] == names


async def test_directory_is_searched_by_type(ann, bob, many):
    await ann.create(
        visibility="public", name="Space", creation_content={"type": "m.space"}
    )
    for types, names in ((("m.space",), ["Space"]), ((None,), ["Two", "Three", "One"])):
        request = SearchPublicRooms(filter=PublicRoomsFilter(room_types=types))
        assert [r.name for r in (await bob.call(request)).chunk] == names


async def test_room_is_put_in_and_taken_out(ann, bob, room):
    await ann.call(SetVisibility(room_id=room, visibility="public"))
    assert len((await bob.call(ListPublicRooms())).chunk) == 1
    await ann.call(SetVisibility(room_id=room, visibility="private"))
    assert len((await bob.call(ListPublicRooms())).chunk) == 0
    with refused("M_INVALID_PARAM"):
        await ann.call(SetVisibility(room_id=room, visibility="secret"))


@pytest.mark.parametrize("make", [GetVisibility, SetVisibility])
async def test_unknown_room_is_in_no_directory(ann, make):
    with refused("M_NOT_FOUND", status=404):
        await ann.call(make(room_id="!no:example.org"))


async def test_room_with_odd_state_is_still_listed(ann, bob):
    room = await ann.create(visibility="public")
    await ann.set_state(room, "m.room.topic", {"topic": "t", "m.topic": 5})
    await ann.redact(room, await ann.set_state(room, "m.room.name", {"name": "N"}))
    assert await listed(bob) == [None]
