from __future__ import annotations

import pytest

from chatproto.operations.profiles import SetDisplayName
from chatproto.operations.rooms import (
    Ban,
    GetVisibility,
    ListAliases,
    ResolveAlias,
)
from chatproto.operations.upgrades import UpgradeRoom
from tests.unit.server.harness import refused

ALIAS = "#club:example.org"


async def upgraded(person, room):
    answer = await person.call(UpgradeRoom(room_id=room, new_version="11"))
    return answer.replacement_room


async def set_levels(person, room, **changes):
    levels = await person.state(room, "m.room.power_levels")
    await person.set_state(room, "m.room.power_levels", {**levels, **changes})


async def test_rooms_name_one_another(ann, room):
    await ann.say(room)
    last = (await ann.history(room)).chunk[0]["event_id"]
    new = await upgraded(ann, room)
    tombstone = await ann.state(room, "m.room.tombstone")
    create = await ann.state(new, "m.room.create")
    assert tombstone["replacement_room"] == new
    assert create == {
        "room_version": "11",
        "predecessor": {"room_id": room, "event_id": last},
    }


async def test_upgraded_space_is_a_space_with_its_rooms(ann):
    creation = {"type": "m.space", "m.federate": False, "org.example.x": 1}
    room = await ann.create(creation_content=creation)
    child = {"via": ["example.org"]}
    await ann.set_state(room, "m.space.child", child, "!a:example.org")
    await ann.set_state(room, "m.space.child", {}, "!gone:example.org")
    new = await upgraded(ann, room)
    create = await ann.state(new, "m.room.create")
    assert create["type"] == "m.space"
    assert create["m.federate"] is False
    assert "org.example.x" not in create
    assert await ann.state(new, "m.space.child", "!a:example.org") == child
    with refused("M_NOT_FOUND"):
        await ann.state(new, "m.space.child", "!gone:example.org")


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        pytest.param("m.room.name", {"name": "Club"}, id="name"),
        pytest.param("m.room.topic", {"topic": "Words"}, id="topic"),
        pytest.param("m.room.avatar", {"url": "mxc://example.org/a"}, id="avatar"),
        pytest.param("m.room.join_rules", {"join_rule": "knock"}, id="join rules"),
        pytest.param(
            "m.room.history_visibility",
            {"history_visibility": "joined"},
            id="history visibility",
        ),
        pytest.param(
            "m.room.guest_access", {"guest_access": "forbidden"}, id="guest access"
        ),
        pytest.param(
            "m.room.encryption",
            {"algorithm": "m.megolm.v1.aes-sha2"},
            id="encryption",
        ),
        pytest.param("m.room.server_acl", {"allow": ["*"]}, id="server acl"),
    ],
)
async def test_state_is_copied(ann, room, kind, content):
    await ann.set_state(room, kind, content)
    new = await upgraded(ann, room)
    assert await ann.state(new, kind) == content


async def test_power_levels_are_copied_before_the_old_are_raised(ann, bob, room):
    await set_levels(ann, room, users={ann.id: 100, bob.id: 50})
    before = await ann.state(room, "m.room.power_levels")
    new = await upgraded(ann, room)
    assert await ann.state(new, "m.room.power_levels") == before
    after = await ann.state(room, "m.room.power_levels")
    assert after == {**before, "events_default": 50, "invite": 50}


async def test_moderator_upgrades_with_only_the_level_for_it(ann, bob, room):
    levels = await ann.state(room, "m.room.power_levels")
    events = {**levels["events"], "m.room.tombstone": 50}
    users = {ann.id: 100, bob.id: 50}
    await set_levels(ann, room, users=users, events=events)
    new = await upgraded(bob, room)
    assert (await bob.state(new, "m.room.power_levels"))["users"] == users
    assert (await bob.state(room, "m.room.power_levels"))["events_default"] == 0


async def test_old_room_falls_silent_for_members(ann, bob, room):
    await upgraded(ann, room)
    with refused("M_FORBIDDEN"):
        await bob.say(room)
    await ann.say(room, "one last word")


async def test_banned_users_stay_banned(ann, bob, room):
    await ann.call(Ban(room_id=room, user_id=bob.id, reason="noise"))
    await ann.set_state(room, "m.room.join_rules", {"join_rule": "public"})
    new = await upgraded(ann, room)
    member = await ann.state(new, "m.room.member", bob.id)
    assert (member["membership"], member["reason"]) == ("ban", "noise")
    with refused("M_FORBIDDEN"):
        await bob.join(new)


async def test_aliases_and_listing_move(ann, bob):
    room = await ann.create(visibility="public", room_alias_name="club")
    new = await upgraded(ann, room)
    assert (await bob.call(ResolveAlias(room_alias=ALIAS))).room_id == new
    assert (await ann.call(ListAliases(room_id=room))).aliases == ()
    assert await ann.state(new, "m.room.canonical_alias") == {"alias": ALIAS}
    assert await ann.state(room, "m.room.canonical_alias") == {}
    assert (await bob.call(GetVisibility(room_id=room))).visibility == "private"
    assert (await bob.call(GetVisibility(room_id=new))).visibility == "public"


async def test_unlisted_room_stays_unlisted(ann, room):
    new = await upgraded(ann, room)
    assert (await ann.call(GetVisibility(room_id=new))).visibility == "private"


async def test_creator_is_in_the_new_room_by_name(ann, room):
    await ann.call(SetDisplayName(user_id=ann.id, displayname="Ann"))
    new = await upgraded(ann, room)
    member = await ann.state(new, "m.room.member", ann.id)
    assert member == {"membership": "join", "displayname": "Ann"}


async def test_member_without_the_level_is_refused(bob, room):
    with refused("M_FORBIDDEN"):
        await upgraded(bob, room)


@pytest.mark.parametrize("version", ["10", "9999", ""])
async def test_version_not_offered_is_refused(ann, room, version):
    with refused("M_UNSUPPORTED_ROOM_VERSION", 400):
        await ann.call(UpgradeRoom(room_id=room, new_version=version))
    with refused("M_NOT_FOUND"):
        await ann.state(room, "m.room.tombstone")
