from __future__ import annotations

import pytest

from chatproto.operations.codec import unstructure
from chatproto.operations.profiles import (
    GetAvatarUrl,
    GetDisplayName,
    GetProfile,
    SearchUsers,
    SetAvatarUrl,
    SetDisplayName,
)
from tests.unit.server.harness import ANYBODY, refused

URL = "mxc://example.org/picture"


async def rename(person, name):
    await person.call(SetDisplayName(user_id=person.id, displayname=name))


async def picture(person, url):
    await person.call(SetAvatarUrl(user_id=person.id, avatar_url=url))


async def found(person, term, **fields):
    answer = await person.call(SearchUsers(search_term=term, **fields))
    return [user.user_id[1:].partition(":")[0] for user in answer.results]


async def test_profile_is_told_to_anybody(chat, ann):
    await rename(ann, "Анна")
    await picture(ann, URL)
    call = chat.engine.call
    whole = await call(ANYBODY, GetProfile(user_id=ann.id))
    assert unstructure(whole) == {"displayname": "Анна", "avatar_url": URL}
    name = await call(ANYBODY, GetDisplayName(user_id=ann.id))
    assert unstructure(name) == {"displayname": "Анна"}
    shown = await call(ANYBODY, GetAvatarUrl(user_id=ann.id))
    assert unstructure(shown) == {"avatar_url": URL}


@pytest.mark.parametrize("make", [GetProfile, GetDisplayName, GetAvatarUrl])
async def test_nobody_has_no_profile(chat, make):
    with refused("M_NOT_FOUND", status=404):
        await chat.engine.call(ANYBODY, make(user_id="@no:example.org"))


async def test_new_name_reaches_every_room(chat, ann, bob, cat, room):
    other = await chat.room_of(cat, bob)
    left = await chat.room_of(ann, bob)
    await bob.leave(left)
    since = await ann.position()
    await rename(bob, "Robert")
    for owner, where in ((ann, room), (cat, other)):
        content = await owner.state(where, "m.room.member", bob.id)
        assert content == {"membership": "join", "displayname": "Robert"}
    before = await ann.state(left, "m.room.member", bob.id)
    assert before == {"membership": "leave"}
    events = (await ann.sync(since))["rooms"]["join"][room]["timeline"]["events"]
    assert [e["content"]["displayname"] for e in events] == ["Robert"]


async def test_new_picture_leaves_the_name(ann, bob, room):
    await rename(bob, "Robert")
    await picture(bob, URL)
    content = await ann.state(room, "m.room.member", bob.id)
    assert (content["displayname"], content["avatar_url"]) == ("Robert", URL)
    await picture(bob, None)
    assert "avatar_url" not in await ann.state(room, "m.room.member", bob.id)


async def test_same_name_again_adds_nothing(ann, bob, room):
    await rename(bob, "Robert")
    since = await ann.position()
    await rename(bob, "Robert")
    assert "rooms" not in await ann.sync(since)


async def test_new_name_moves_no_chat_and_is_not_unread(ann, bob, room):
    def place(body):
        section = body["rooms"]["join"][room]
        return section["org.chatproto.room"]["bump"], section["unread_notifications"]

    before = place(await ann.sync())
    await rename(bob, "Robert")
    assert place(await ann.sync()) == before


@pytest.mark.parametrize(
    ("request_", "errcode"),
    [
        (
            SetDisplayName(user_id="@ann:example.org", displayname="ы" * 129),
            "M_TOO_LARGE",
        ),
        (
            SetAvatarUrl(user_id="@ann:example.org", avatar_url="https://x/y.png"),
            "M_INVALID_PARAM",
        ),
    ],
    ids=["long name", "picture elsewhere"],
)
async def test_bad_profile_is_refused(ann, request_, errcode):
    with refused(errcode):
        await ann.call(request_)
    assert (await ann.call(GetProfile(user_id=ann.id))).displayname == "ann"


# searching


@pytest.fixture
async def crowd(chat, ann):
    names = {"boris": "Борис Белый", "vera": "Vera Baker", "bella": "Белла"}
    for localpart, name in names.items():
        await rename(await chat.person(localpart), name)


@pytest.mark.parametrize(
    ("term", "expected"),
    [
        ("бел", ["bella", "boris"]),
        ("БЕЛЫЙ", ["boris"]),
        ("ver", ["vera"]),
        ("baker", ["vera"]),
        ("bel", ["bella"]),
        ("@vera:example.org", ["vera"]),
        ("@ver", ["vera"]),
        ("ann", []),
        ("%", []),
        ("_", []),
        ("", []),
        ("nobody", []),
    ],
)
async def test_people_are_found(ann, crowd, term, expected):
    assert sorted(await found(ann, term)) == expected


async def test_search_tells_that_there_are_more(ann, crowd):
    some = await ann.call(SearchUsers(search_term="бел", limit=1))
    assert (len(some.results), some.limited) == (1, True)
    every = await ann.call(SearchUsers(search_term="бел", limit=2))
    assert (len(every.results), every.limited) == (2, False)


@pytest.mark.parametrize("term", ["x" * 70_000, "%" * 500 + "x", "@" + "y" * 60_000])
async def test_absurd_term_finds_nobody(ann, term):
    assert (await ann.call(SearchUsers(search_term=term))).results == ()
