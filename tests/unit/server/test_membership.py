from __future__ import annotations

import pytest

from chatproto.operations.messages import GetEvent, GetJoinedMembers, GetMembers
from chatproto.operations.profiles import SetAvatarUrl, SetDisplayName
from chatproto.operations.rooms import (
    Ban,
    DeleteRoom,
    ForgetRoom,
    GetVisibility,
    InitialState,
    Invite,
    JoinByIdOrAlias,
    JoinRoom,
    Kick,
    KnockRoom,
    LeaveRoom,
    ListJoinedRooms,
    OpenDirectChat,
    ResolveAlias,
    Unban,
)
from tests.unit.server.harness import refused


def with_rule(rule, **more):
    content = {"join_rule": rule, **more}
    return (InitialState(type="m.room.join_rules", content=content),)


async def membership(owner, room, person):
    """What the room says of somebody, and why."""
    members = (await owner.call(GetMembers(room_id=room))).chunk
    found = [e["content"] for e in members if e["state_key"] == person.id]
    content = found[0] if found else {}
    return content.get("membership"), content.get("reason")


async def joined(person):
    return (await person.call(ListJoinedRooms())).joined_rooms


async def length(person, room):
    return len((await person.history(room)).chunk)


@pytest.fixture
async def knocking(ann):
    """A room of Ann's, into which people knock."""
    return await ann.create(initial_state=with_rule("knock"), room_alias_name="door")


# joining


async def test_joining_shows_ones_profile(ann, bob):
    url = "mxc://example.org/bob"
    await bob.call(SetDisplayName(user_id=bob.id, displayname="Bobby"))
    await bob.call(SetAvatarUrl(user_id=bob.id, avatar_url=url))
    room = await ann.create(preset="public_chat")
    await bob.call(JoinRoom(room_id=room, reason="hello"))
    assert await ann.state(room, "m.room.member", bob.id) == {
        "membership": "join",
        "displayname": "Bobby",
        "avatar_url": url,
        "reason": "hello",
    }
    members = (await ann.call(GetJoinedMembers(room_id=room))).joined
    assert members[bob.id].display_name == "Bobby"
    assert await joined(bob) == (room,)


async def test_joining_again_adds_nothing(ann, bob, room):
    before = await length(ann, room)
    found = await bob.call(JoinRoom(room_id=room))
    assert found.room_id == room
    assert await length(ann, room) == before


async def test_room_is_joined_by_its_alias(ann, bob):
    room = await ann.create(preset="public_chat", room_alias_name="a")
    found = await bob.call(JoinByIdOrAlias(id_or_alias="#a:example.org"))
    assert found.room_id == room


@pytest.mark.parametrize("make", [JoinByIdOrAlias, KnockRoom])
@pytest.mark.parametrize(
    ("name", "errcode"),
    [
        ("#no:example.org", "M_NOT_FOUND"),
        ("!no:example.org", "M_NOT_FOUND"),
        ("no", "M_INVALID_PARAM"),
        ("#no", "M_INVALID_PARAM"),
    ],
)
async def test_unknown_room_is_not_entered(bob, make, name, errcode):
    with refused(errcode):
        await bob.call(make(id_or_alias=name))


@pytest.mark.parametrize(
    ("rule", "errcode"),
    [("public", None), ("invite", "M_FORBIDDEN"), ("knock", "M_FORBIDDEN")],
)
async def test_join_rule_decides(ann, bob, rule, errcode):
    room = await ann.create(initial_state=with_rule(rule))
    if errcode is None:
        await bob.join(room)
    else:
        with refused(errcode):
            await bob.join(room)
        await ann.invite(room, bob)
        await bob.join(room)
    assert await membership(ann, room, bob) == ("join", None)


@pytest.fixture
async def restricted(ann, bob):
    """A room of Ann's for those of another room, in which Bob is."""
    other = await ann.create(preset="public_chat")
    await bob.join(other)
    allow = [{"type": "m.room_membership", "room_id": other}]
    return await ann.create(initial_state=with_rule("restricted", allow=allow))


async def test_restricted_room_lets_those_of_the_other_in(ann, bob, restricted):
    await bob.join(restricted)
    own = await ann.state(restricted, "m.room.member", bob.id)
    assert own["join_authorised_via_users_server"] == ann.id


async def test_restricted_room_refuses_others(ann, cat, restricted):
    with refused("M_FORBIDDEN"):
        await cat.join(restricted)
    await ann.invite(restricted, cat)
    await cat.join(restricted)
    own = await ann.state(restricted, "m.room.member", cat.id)
    assert "join_authorised_via_users_server" not in own


async def test_nobody_lets_oneself_into_a_restricted_room(ann, cat, restricted):
    content = {"membership": "join", "join_authorised_via_users_server": ann.id}
    with refused("M_FORBIDDEN"):
        await cat.set_state(restricted, "m.room.member", content, cat.id)


async def test_restricted_room_needs_somebody_who_may_invite(ann, bob, cat, restricted):
    levels = await ann.state(restricted, "m.room.power_levels")
    await ann.set_state(restricted, "m.room.power_levels", {**levels, "invite": 50})
    await ann.invite(restricted, cat)
    await cat.join(restricted)
    await ann.leave(restricted)
    with refused("M_FORBIDDEN"):
        await bob.join(restricted)


# inviting


async def test_invitation_names_reason_and_profile(ann, bob):
    room = await ann.create()
    await ann.call(Invite(room_id=room, user_id=bob.id, reason="come"))
    content = await ann.state(room, "m.room.member", bob.id)
    assert content == {"membership": "invite", "displayname": "bob", "reason": "come"}


async def test_inviting_again_adds_nothing(ann, bob):
    room = await ann.create(invite=(bob.id,))
    before = await length(ann, room)
    await ann.invite(room, bob)
    assert await length(ann, room) == before


@pytest.mark.parametrize(
    ("user_id", "errcode"),
    [
        ("@bob:example.org", "M_FORBIDDEN"),
        ("@ann:example.org", "M_FORBIDDEN"),
        ("@no:example.org", "M_NOT_FOUND"),
        ("@no:example.com", "M_FORBIDDEN"),
        ("no", "M_INVALID_PARAM"),
    ],
    ids=["member", "oneself", "unknown", "elsewhere", "no user ID"],
)
async def test_invitation_is_refused(ann, room, user_id, errcode):
    before = await length(ann, room)
    with refused(errcode):
        await ann.call(Invite(room_id=room, user_id=user_id))
    assert await length(ann, room) == before


async def test_invitation_can_be_declined(ann, bob):
    room = await ann.create(invite=(bob.id,))
    await bob.call(LeaveRoom(room_id=room, reason="no time"))
    assert await membership(ann, room, bob) == ("leave", "no time")
    with refused("M_FORBIDDEN"):
        await bob.join(room)


async def test_invitation_can_be_withdrawn(ann, bob):
    room = await ann.create(invite=(bob.id,))
    await ann.call(Kick(room_id=room, user_id=bob.id))
    with refused("M_FORBIDDEN"):
        await bob.join(room)


# leaving, and being made to


async def test_who_leaves_is_gone(ann, bob, room):
    await bob.call(LeaveRoom(room_id=room, reason="bye"))
    assert await membership(ann, room, bob) == ("leave", "bye")
    assert await joined(bob) == ()
    with refused("M_FORBIDDEN"):
        await bob.say(room)
    with refused("M_FORBIDDEN"):
        await bob.join(room)


async def test_leaving_again_adds_nothing(ann, bob, room):
    await bob.leave(room)
    before = await length(ann, room)
    await bob.leave(room)
    assert await length(ann, room) == before


async def test_kicked_may_be_invited_again(ann, bob, room):
    await ann.call(Kick(room_id=room, user_id=bob.id, reason="rude"))
    assert await membership(ann, room, bob) == ("leave", "rude")
    assert await joined(bob) == ()
    await ann.invite(room, bob)
    await bob.join(room)


@pytest.mark.parametrize("state", ["stranger", "left", "banned"])
async def test_who_is_not_there_is_not_kicked(ann, bob, cat, room, state):
    target = cat if state == "stranger" else bob
    if state == "left":
        await bob.leave(room)
    if state == "banned":
        await ann.call(Ban(room_id=room, user_id=bob.id))
    before = await length(ann, room)
    with refused("M_FORBIDDEN"):
        await ann.call(Kick(room_id=room, user_id=target.id))
    assert await length(ann, room) == before


async def test_banned_stay_out_until_unbanned(ann, bob, room):
    await ann.call(Ban(room_id=room, user_id=bob.id, reason="spam"))
    assert await membership(ann, room, bob) == ("ban", "spam")
    with refused("M_FORBIDDEN"):
        await bob.join(room)
    with refused("M_FORBIDDEN"):
        await ann.invite(room, bob)
    await ann.call(Unban(room_id=room, user_id=bob.id))
    assert await membership(ann, room, bob) == ("leave", None)
    await ann.invite(room, bob)
    await bob.join(room)


async def test_stranger_can_be_banned_beforehand(ann, cat):
    room = await ann.create(preset="public_chat")
    await ann.call(Ban(room_id=room, user_id=cat.id))
    with refused("M_FORBIDDEN"):
        await cat.join(room)


async def test_who_is_not_banned_is_not_unbanned(ann, bob, room):
    with refused("M_FORBIDDEN"):
        await ann.call(Unban(room_id=room, user_id=bob.id))
    assert await membership(ann, room, bob) == ("join", None)


# knocking


async def test_knock_is_seen_and_answered(ann, bob, knocking):
    request = KnockRoom(id_or_alias="#door:example.org", reason="let me in")
    assert (await bob.call(request)).room_id == knocking
    assert await membership(ann, knocking, bob) == ("knock", "let me in")
    await ann.invite(knocking, bob)
    await bob.join(knocking)


async def test_knock_can_be_taken_back(ann, bob, knocking):
    await bob.call(KnockRoom(id_or_alias=knocking))
    await bob.leave(knocking)
    assert await membership(ann, knocking, bob) == ("leave", None)


async def test_knock_can_be_refused(ann, bob, knocking):
    await bob.call(KnockRoom(id_or_alias=knocking))
    await ann.call(Kick(room_id=knocking, user_id=bob.id, reason="no"))
    assert await membership(ann, knocking, bob) == ("leave", "no")


@pytest.mark.parametrize("rule", ["invite", "public"])
async def test_knock_needs_a_room_that_takes_it(ann, bob, rule):
    room = await ann.create(initial_state=with_rule(rule))
    with refused("M_FORBIDDEN"):
        await bob.call(KnockRoom(id_or_alias=room))


# forgetting


async def test_room_is_left_before_it_is_forgotten(bob, room):
    with refused("M_UNKNOWN", status=400):
        await bob.call(ForgetRoom(room_id=room))


async def test_forgotten_room_has_no_history(ann, bob, room):
    event = await ann.say(room)
    await bob.leave(room)
    assert await bob.bodies(room) == ["hello"]
    await bob.call(ForgetRoom(room_id=room))
    with refused("M_FORBIDDEN"):
        await bob.history(room)
    with refused("M_FORBIDDEN"):
        await bob.state(room, "m.room.create")
    with refused("M_NOT_FOUND"):
        await event_of(bob, room, event)
    assert await ann.bodies(room) == ["hello"]


async def event_of(person, room, event_id):

    return await person.call(GetEvent(room_id=room, event_id=event_id))


async def test_forgotten_room_comes_back_with_an_invitation(ann, bob, room):
    await ann.say(room)
    await bob.leave(room)
    await bob.call(ForgetRoom(room_id=room))
    await ann.invite(room, bob)
    assert room in (await bob.sync())["rooms"]["invite"]
    await bob.join(room)
    assert await bob.bodies(room) == ["hello"]


# deleting


async def test_chat_deleted_for_oneself_is_gone_for_oneself(ann, bob, room):
    since = await bob.position()
    await bob.call(DeleteRoom(room_id=room))
    assert await membership(ann, room, bob) == ("leave", None)
    assert room not in (await bob.sync()).get("rooms", {}).get("join", {})
    assert room in (await bob.sync(since))["rooms"]["leave"]
    with refused("M_FORBIDDEN"):
        await bob.history(room)
    assert await ann.say(room)


@pytest.mark.parametrize("how", ["left", "invited", "knocking", "banned"])
async def test_chat_is_deleted_for_oneself_from_anywhere(ann, bob, knocking, how):
    if how == "knocking":
        await bob.call(KnockRoom(id_or_alias=knocking))
    else:
        await ann.invite(knocking, bob)
    if how == "left":
        await bob.join(knocking)
        await bob.leave(knocking)
    if how == "banned":
        await ann.call(Ban(room_id=knocking, user_id=bob.id))
    await bob.call(DeleteRoom(room_id=knocking))
    found = (await membership(ann, knocking, bob))[0]
    assert found == ("ban" if how == "banned" else "leave")
    assert "rooms" not in await bob.sync(filter='{"room": {"include_leave": true}}')


@pytest.fixture
async def public(ann, bob, cat):
    """A public room of Ann's with Bob in it, and Cat invited."""
    room = await ann.create(
        preset="public_chat", visibility="public", room_alias_name="a"
    )
    await bob.join(room)
    await ann.invite(room, cat)
    return room


async def test_chat_deleted_for_all_is_gone_for_all(ann, bob, cat, public):
    positions = {person: await person.position() for person in (ann, bob, cat)}
    await ann.call(DeleteRoom(room_id=public, scope="all"))
    for person, since in positions.items():
        assert await joined(person) == ()
        assert "rooms" not in await person.sync()
        body = await person.sync(since)
        assert list(body["rooms"]) == ["leave"]
        with refused("M_FORBIDDEN"):
            await person.history(public)


async def test_chat_deleted_for_all_is_found_no_more(ann, bob, public):
    await ann.call(DeleteRoom(room_id=public, scope="all"))
    with refused("M_NOT_FOUND"):
        await bob.call(ResolveAlias(room_alias="#a:example.org"))
    shown = await bob.call(GetVisibility(room_id=public))
    assert shown.visibility == "private"
    for person in (ann, bob):
        with refused("M_FORBIDDEN"):
            await person.join(public)


async def test_direct_chat_is_deleted_for_both_by_either(ann, bob):
    room = (await ann.call(OpenDirectChat(user_id=bob.id))).room_id
    await bob.join(room)
    await bob.call(DeleteRoom(room_id=room, scope="all"))
    assert await joined(ann) == await joined(bob) == ()
    again = (await ann.call(OpenDirectChat(user_id=bob.id))).room_id
    assert again != room


async def test_deleting_for_all_is_refused_whole(ann, bob, public):
    before = await length(ann, public)
    with refused("M_FORBIDDEN"):
        await bob.call(DeleteRoom(room_id=public, scope="all"))
    with refused("M_INVALID_PARAM"):
        await ann.call(DeleteRoom(room_id=public, scope="some"))
    assert await length(ann, public) == before
