from __future__ import annotations

import pytest

from chatproto.operations.messages import GetContext, GetEvent, GetRelations
from chatproto.operations.search import (
    RoomEventsCriteria,
    SearchCriteria,
    SearchEvents,
)


async def ignore(person, *others):
    content = {"ignored_users": {other.id: {} for other in others}}
    await person.set_data("m.ignored_user_list", content)


async def section(person, room, since=None):
    return (await person.sync(since))["rooms"]["join"][room]


def bodies(events):
    return [e["content"]["body"] for e in events if "body" in e["content"]]


@pytest.fixture
async def said(ann, bob, cat, chat):
    """A room of three in which Bob does not hear Ann."""
    room = await chat.room_of(ann, bob, cat)
    await ignore(bob, ann)
    first = await ann.say(room, "unheard")
    await cat.say(room, "heard")
    return room, first


async def test_messages_are_left_out(bob, cat, said):
    room, first = said
    assert bodies((await section(bob, room))["timeline"]["events"]) == ["heard"]
    assert await bob.bodies(room) == ["heard"]
    assert await cat.bodies(room) == ["unheard", "heard"]
    heard = (await bob.history(room)).chunk[0]["event_id"]
    context = await bob.call(GetContext(room_id=room, event_id=heard))
    assert bodies(context.events_before) == []
    assert (await bob.call(GetEvent(room_id=room, event_id=first)))["event_id"] == first


async def test_relations_are_left_out(ann, bob, cat, said):
    room, first = said
    await ann.react(room, first, "-")
    await cat.react(room, first, "+")
    page = await bob.call(GetRelations(room_id=room, event_id=first))
    assert [e["content"]["m.relates_to"]["key"] for e in page.chunk] == ["+"]


async def test_state_is_told_all_the_same(ann, bob, said):
    room, _ = said
    await ann.set_state(room, "m.room.topic", {"topic": "t"})
    events = (await section(bob, room))["timeline"]["events"]
    assert "m.room.topic" in [e["type"] for e in events]


async def test_nothing_of_theirs_counts(ann, bob, said):
    room, _ = said
    await ann.say(room, "bob", **{"m.mentions": {"user_ids": [bob.id]}})
    counts = (await section(bob, room))["unread_notifications"]
    assert counts == {"notification_count": 1, "highlight_count": 0}


async def test_counts_are_told_anew(ann, bob, room):
    await ann.say(room)
    since = await bob.position()
    await ignore(bob, ann)
    counts = (await section(bob, room, since))["unread_notifications"]
    assert counts["notification_count"] == 0
    since = await bob.position()
    await ignore(bob)
    counts = (await section(bob, room, since))["unread_notifications"]
    assert counts["notification_count"] == 1


async def test_invitations_are_not_shown(ann, bob):
    await ignore(bob, ann)
    room = await ann.create()
    await ann.invite(room, bob)
    assert "rooms" not in await bob.sync()
    await ignore(bob)
    assert room in (await bob.sync())["rooms"]["invite"]


async def test_messages_are_not_found(bob, said):
    criteria = RoomEventsCriteria(search_term="unheard")
    wanted = SearchEvents(search_categories=SearchCriteria(room_events=criteria))
    found = (await bob.call(wanted)).search_categories.room_events
    assert (found.count, found.results) == (0, ())
