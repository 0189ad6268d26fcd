from __future__ import annotations

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from chatproto.canonical import dumps
from chatproto.operations.rooms import Ban, InitialState, Kick, KnockRoom, Unban
from chatproto.operations.sync import GetFilter, StoreFilter
from tests.unit.server.harness import refused


def bodies(events):
    return [e["content"]["body"] for e in events if "body" in e["content"]]


def keys(events):
    return {(e["type"], e["state_key"]) for e in events}


def wanting(**room):
    """A filter of rooms, as it travels."""
    return dumps({"room": room}).decode()


async def section(person, room, since=None, name="join", **fields):
    body = await person.sync(since, **fields)
    return body.get("rooms", {}).get(name, {}).get(room)


async def folded(person, room, since, limit=2):
    """All events that one gets after a position: the timeline, and pages before it."""
    wanted = wanting(timeline={"limit": limit})
    timeline = (await section(person, room, since, filter=wanted))["timeline"]
    events, token = timeline["events"], timeline["prev_batch"]
    while timeline["limited"] and token is not None:
        page = await person.history(room, from_=token, to=since, limit=limit)
        events = [*reversed(page.chunk), *events]
        token = page.end
    return [event["unsigned"]["org.chatproto.seq"] for event in events]


# the first


async def test_first_sync_tells_everything(ann, bob, room):
    await ann.say(room)
    await bob.set_data("org.example.x", {"a": 1})
    body = await bob.sync()
    assert set(body["rooms"]) == {"join"}
    found = body["rooms"]["join"][room]
    events = [*found["state"]["events"], *found["timeline"]["events"]]
    seqs = [event["unsigned"]["org.chatproto.seq"] for event in events]
    assert sorted(seqs) == list(range(1, len(seqs) + 1))
    assert all("room_id" not in event for event in events)
    assert found["summary"] == {
        "m.heroes": [ann.id],
        "m.joined_member_count": 2,
        "m.invited_member_count": 0,
    }
    assert found["unread_notifications"]["notification_count"] == 1
    assert found["org.chatproto.room"]["initial"] is True
    assert body["account_data"]["events"][0]["content"] == {"a": 1}
    assert body["device_one_time_keys_count"] == {"signed_curve25519": 0}


async def test_nobody_hears_of_rooms_of_others(cat, room):
    assert "rooms" not in await cat.sync()


@pytest.mark.parametrize("limit", [0, 1, 3])
async def test_state_and_timeline_make_the_room(ann, bob, room, limit):
    await ann.set_state(room, "m.room.topic", {"topic": "old"})
    await ann.set_state(room, "m.room.topic", {"topic": "new"})
    await ann.say(room)
    found = await section(bob, room, filter=wanting(timeline={"limit": limit}))
    assert len(found["timeline"]["events"]) == limit
    assert found["timeline"]["limited"]
    topic = None
    for event in [*found["state"]["events"], *found["timeline"]["events"]]:
        if event["type"] == "m.room.topic":
            topic = event["content"]["topic"]
    assert topic == "new"


@pytest.mark.parametrize("name", ["use_state_after", "use_state_after_msc"])
async def test_state_after_is_that_at_the_end(ann, bob, room, name):
    await ann.set_state(room, "m.room.topic", {"topic": "old"})
    since = await bob.position()
    await ann.set_state(room, "m.room.topic", {"topic": "new"})
    for found in (
        await section(bob, room, **{name: True}),
        await section(bob, room, since, **{name: True}),
    ):
        assert "state" not in found
        events = found["state_after"]["events"]
        assert [e["content"] for e in events if e["type"] == "m.room.topic"] == [
            {"topic": "new"}
        ]
        unstable = found.get("org.matrix.msc4222.state_after")
        assert unstable == (found["state_after"] if name.endswith("msc") else None)


# those after


async def test_next_sync_tells_what_is_new(ann, bob, room):
    since = await bob.position()
    sent = await ann.say(room)
    found = await section(bob, room, since)
    assert [e["event_id"] for e in found["timeline"]["events"]] == [sent]
    assert found["timeline"]["limited"] is False
    assert found["state"]["events"] == []
    assert found["org.chatproto.room"]["initial"] is False


async def test_quiet_room_is_not_told(chat, ann, bob, room):
    other = await chat.room_of(ann, bob)
    since = await bob.position()
    await ann.say(other)
    assert set((await bob.sync(since))["rooms"]["join"]) == {other}


async def test_same_position_tells_the_same_again(ann, bob, room):
    since = await bob.position()
    await ann.say(room)
    first = await section(bob, room, since)
    assert await section(bob, room, since) == first


async def test_full_state_is_told_on_request(ann, bob, room):
    since = await bob.position()
    found = await section(bob, room, since, full_state=True)
    assert ("m.room.create", "") in keys(found["state"]["events"])
    assert found["timeline"]["events"] == []


@pytest.mark.parametrize("count", [1, 2, 3, 7])
@pytest.mark.parametrize("limit", [1, 2, 5])
async def test_gap_is_paged_without_a_hole(ann, bob, room, count, limit):
    since = await bob.position()
    first = len((await ann.history(room)).chunk) + 1
    for n in range(count):
        await ann.say(room, f"{n}")
    expected = list(range(first, first + count))
    assert await folded(bob, room, since, limit) == expected


@pytest.mark.parametrize("limit", [1, 4])
async def test_first_sync_is_paged_to_the_beginning(ann, bob, room, limit):
    for n in range(5):
        await ann.say(room, f"{n}")
    found = await folded(bob, room, None, limit)
    assert found == list(range(1, len(found) + 1))
    assert len(found) == len((await ann.history(room)).chunk)


async def test_room_that_was_left_is_paged_without_a_hole(ann, bob, room):
    since = await bob.position()
    first = len((await ann.history(room)).chunk) + 1
    for n in range(5):
        await ann.say(room, f"{n}")
    await bob.leave(room)
    await ann.say(room, "after")
    wanted = wanting(timeline={"limit": 2})
    found = await section(bob, room, since, name="leave", filter=wanted)
    token = found["timeline"]["prev_batch"]
    page = await bob.history(room, from_=token, to=since)
    events = [*reversed(page.chunk), *found["timeline"]["events"]]
    seqs = [event["unsigned"]["org.chatproto.seq"] for event in events]
    assert seqs == list(range(first, first + 6))


async def test_gap_brings_the_state_that_changed_in_it(ann, bob, cat, room):
    await ann.set_state(room, "m.room.name", {"name": "same"})
    since = await bob.position()
    await ann.set_state(room, "m.room.topic", {"topic": "in the gap"})
    await ann.invite(room, cat)
    for n in range(3):
        await ann.say(room, f"{n}")
    found = await section(bob, room, since, filter=wanting(timeline={"limit": 2}))
    assert found["timeline"]["limited"] is True
    assert keys(found["state"]["events"]) == {
        ("m.room.topic", ""),
        ("m.room.member", cat.id),
    }
    assert found["summary"]["m.invited_member_count"] == 1


# coming and going


async def test_room_just_joined_is_told_whole(ann, bob, cat, room):
    await ann.say(room, "before")
    since = await cat.position()
    await ann.invite(room, cat)
    await cat.join(room)
    found = await section(cat, room, since)
    events = [*found["state"]["events"], *found["timeline"]["events"]]
    assert ("m.room.create", "") in {(e["type"], e.get("state_key")) for e in events}
    assert bodies(events) == ["before"]
    assert found["org.chatproto.room"]["initial"] is True
    later = (await cat.sync(since))["next_batch"]
    assert await section(cat, room, later) is None


async def test_room_joined_again_is_told_whole(ann, bob, room):
    await bob.leave(room)
    since = await bob.position()
    await ann.say(room, "missed")
    await ann.invite(room, bob)
    await bob.join(room)
    found = await section(bob, room, since)
    assert found["org.chatproto.room"]["initial"] is True
    assert "missed" in bodies(found["timeline"]["events"])


@pytest.mark.parametrize("how", ["leave", "kick", "ban"])
async def test_room_that_was_left_is_told_to_the_end(ann, bob, room, how):
    since = await bob.position()
    await ann.say(room, "before")
    if how == "leave":
        await bob.leave(room)
    else:
        kind = {"kick": Kick, "ban": Ban}[how]
        await ann.call(kind(room_id=room, user_id=bob.id))
    await ann.say(room, "after")
    body = await bob.sync(since)
    assert list(body["rooms"]) == ["leave"]
    events = body["rooms"]["leave"][room]["timeline"]["events"]
    assert bodies(events) == ["before"]
    last = "ban" if how == "ban" else "leave"
    assert events[-1]["content"]["membership"] == last
    assert "rooms" not in await bob.sync(body["next_batch"])


@pytest.mark.parametrize("wanted", [True, False])
async def test_old_rooms_are_told_on_request(ann, bob, room, wanted):
    await ann.say(room, "before")
    await bob.leave(room)
    await ann.set_state(room, "m.room.topic", {"topic": "after"})
    found = await section(bob, room, name="leave", filter=wanting(include_leave=wanted))
    if not wanted:
        assert found is None
    else:
        events = [*found["state"]["events"], *found["timeline"]["events"]]
        assert bodies(events) == ["before"]
        assert "m.room.topic" not in {e["type"] for e in events}


async def test_invited_see_stripped_state(ann, bob):
    secret = InitialState(type="org.example.secret", content={"a": 1})
    room = await ann.create(name="Name", topic="Topic", initial_state=(secret,))
    since = await bob.position()
    await ann.invite(room, bob)
    for start in (since, None):
        body = await bob.sync(start)
        assert list(body["rooms"]) == ["invite"]
        events = body["rooms"]["invite"][room]["invite_state"]["events"]
        assert keys(events) == {
            ("m.room.create", ""),
            ("m.room.name", ""),
            ("m.room.topic", ""),
            ("m.room.join_rules", ""),
            ("m.room.member", ann.id),
            ("m.room.member", bob.id),
        }
        fields = {"type", "state_key", "sender", "content", "origin_server_ts"}
        assert all(set(event) <= fields for event in events)
    assert "rooms" not in await bob.sync(body["next_batch"])


async def test_invitation_hides_what_was_redacted(ann, bob):
    room = await ann.create()
    await ann.redact(room, await ann.set_state(room, "m.room.name", {"name": "rude"}))
    await ann.invite(room, bob)
    found = await section(bob, room, name="invite")
    names = [e for e in found["invite_state"]["events"] if e["type"] == "m.room.name"]
    assert names[0]["content"] == {}


async def test_declined_invitation_tells_nothing_of_the_room(ann, bob):
    room = await ann.create()
    await ann.say(room, "secret")
    await ann.invite(room, bob)
    since = await bob.position()
    await bob.leave(room)
    found = await section(bob, room, since, name="leave")
    assert found["state"]["events"] == []
    shown = [e["content"] for e in found["timeline"]["events"]]
    assert all("membership" in content for content in shown)


async def test_knock_is_told_to_who_knocks(ann, bob):
    rule = InitialState(type="m.room.join_rules", content={"join_rule": "knock"})
    room = await ann.create(initial_state=(rule,), name="Name")
    since = await bob.position()
    await bob.call(KnockRoom(id_or_alias=room))
    found = await section(bob, room, since, name="knock")
    assert ("m.room.name", "") in keys(found["knock_state"]["events"])


# filters


@pytest.mark.parametrize(
    ("wanted", "rooms"),
    [
        ({"rooms": ["first"]}, {"first"}),
        ({"rooms": []}, set()),
        ({"not_rooms": ["first"]}, {"second"}),
        ({"rooms": ["first"], "not_rooms": ["first"]}, set()),
    ],
    ids=str,
)
async def test_rooms_are_picked(chat, ann, bob, wanted, rooms):
    ids = {"first": await chat.room_of(ann), "second": await chat.room_of(ann)}
    named = {key: [ids[name] for name in names] for key, names in wanted.items()}
    body = await ann.sync(filter=wanting(**named))
    found = set(body.get("rooms", {}).get("join", {}))
    assert found == {ids[name] for name in rooms}


async def test_events_are_picked_by_type_and_sender(ann, bob, room):
    await ann.say(room, "of ann")
    await bob.say(room, "of bob")
    await bob.read(room, await ann.say(room))
    wanted = wanting(
        timeline={"types": ["m.room.message"], "not_senders": [ann.id]},
        state={"types": ["m.room.create"]},
        ephemeral={"types": []},
    )
    found = await section(ann, room, filter=wanted)
    assert bodies(found["timeline"]["events"]) == ["of bob"]
    assert keys(found["state"]["events"]) <= {("m.room.create", "")}
    assert "ephemeral" not in found


async def test_account_data_and_presence_are_picked(ann, bob, room):
    await ann.set_data("org.example.x", {})
    await ann.set_data("org.example.y", {})
    wanted = {"account_data": {"not_types": ["*.x"]}, "presence": {"types": []}}
    body = await ann.sync(filter=dumps(wanted).decode())
    kinds = [event["type"] for event in body["account_data"]["events"]]
    assert kinds == ["org.example.y", "m.push_rules"]
    assert "presence" not in body


async def test_lazy_members_are_those_who_speak(chat, ann, bob, cat, room):
    others = await chat.people(*(f"u{n}" for n in range(8)))
    for person in (cat, *others):
        await ann.invite(room, person)
        await person.join(room)
    await bob.say(room)
    wanted = wanting(state={"lazy_load_members": True}, timeline={"limit": 1})
    found = await section(cat, room, filter=wanted)
    members = {key for kind, key in keys(found["state"]["events"]) if "member" in kind}
    assert {bob.id, cat.id, *found["summary"]["m.heroes"]} == members
    assert found["summary"]["m.joined_member_count"] == 11
    since = await cat.position()
    await others[7].say(room)
    found = await section(cat, room, since, filter=wanted)
    assert found["timeline"]["limited"] is False
    assert keys(found["state"]["events"]) == {("m.room.member", others[7].id)}


async def test_lazy_members_who_changed_in_a_gap(ann, bob, cat, room):
    await ann.invite(room, cat)
    await cat.join(room)
    since = await bob.position()
    await cat.leave(room)
    for number in range(3):
        await ann.say(room, str(number))
    wanted = wanting(state={"lazy_load_members": True}, timeline={"limit": 1})
    found = await section(bob, room, since, filter=wanted)
    assert found["timeline"]["limited"] is True
    members = {key for _, key in keys(found["state"]["events"])}
    assert members == {ann.id, cat.id}


async def test_filter_is_stored_and_named(ann, bob, room):
    wanted = {"room": {"timeline": {"limit": 1}}}
    store = StoreFilter(user_id=ann.id, filter=wanted)
    stored = (await ann.call(store)).filter_id
    assert (await ann.call(store)).filter_id == stored
    assert await ann.call(GetFilter(user_id=ann.id, filter_id=stored)) == wanted
    found = await section(ann, room, filter=stored)
    assert len(found["timeline"]["events"]) == 1
    other = StoreFilter(user_id=ann.id, filter={})
    assert (await ann.call(other)).filter_id != stored


@pytest.mark.parametrize(
    ("fields", "errcode"),
    [
        ({"filter": "77"}, "M_INVALID_PARAM"),
        ({"filter": "{"}, "M_NOT_JSON"),
        ({"filter": '{"room": 1}'}, "M_BAD_JSON"),
        ({"filter": '{"room": {"timeline": {"limit": "1"}}}'}, "M_BAD_JSON"),
        ({"filter": '{"room": {"timeline": {"limit": -1}}}'}, "M_BAD_JSON"),
        ({"filter": '{"presence": {"types": [1]}}'}, "M_BAD_JSON"),
        ({"since": "x"}, "M_INVALID_PARAM"),
        ({"since": "s1_2"}, "M_INVALID_PARAM"),
        ({"since": ""}, "M_INVALID_PARAM"),
    ],
    ids=str,
)
async def test_bad_sync_is_refused(ann, fields, errcode):
    with refused(errcode):
        await ann.sync(**fields)


async def test_bad_filter_is_not_stored(chat, ann):
    with refused("M_BAD_JSON"):
        await ann.call(StoreFilter(user_id=ann.id, filter={"room": []}))
    assert not await chat.rows("filters")


async def test_position_of_another_server_tells_everything(ann, bob, room):
    found = await section(bob, room, "s999999_0_other")
    assert found["org.chatproto.room"]["initial"] is True


# waiting


async def settled(person):
    """A position after which nothing is new, not even that one is online."""
    since = await person.position()
    while True:
        start = trio.current_time()
        since = (await person.sync(since, timeout=1))["next_batch"]
        if trio.current_time() > start:
            return since


async def test_waiting_ends_with_news(ann, bob, room, autojump_clock):
    since = await bob.position()
    found = []

    async def wait():
        start, position = trio.current_time(), since
        while not found:
            body = await bob.sync(position, timeout=30_000)
            position = body["next_batch"]
            found.extend(body.get("rooms", {}).get("join", {}))
        assert trio.current_time() - start < 1

    async with trio.open_nursery() as nursery:
        nursery.start_soon(wait)
        await wait_all_tasks_blocked()
        await ann.say(room)
    assert found == [room]


@pytest.mark.parametrize(("told_ms", "waits_s"), [(10_000, 10), (10**9, 60), (-1, 0)])
async def test_waiting_ends_in_time(bob, room, told_ms, waits_s, autojump_clock):
    since = await settled(bob)
    start = trio.current_time()
    body = await bob.sync(since, timeout=told_ms)
    assert trio.current_time() - start == pytest.approx(waits_s)
    assert "rooms" not in body


async def test_first_sync_does_not_wait(bob, autojump_clock):
    await bob.sync(timeout=10_000)
    assert trio.current_time() == 0


async def test_server_that_ends_answers_those_who_wait(chat, bob, room, autojump_clock):
    since = await settled(bob)
    start = trio.current_time()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(lambda: bob.sync(since, timeout=30_000))
        await wait_all_tasks_blocked()
        chat.engine.answer_waiting()
    assert trio.current_time() - start < 1


# what is wanted of a timeline


async def test_timeline_of_some_rooms_only(ann, bob, room):
    await ann.say(room)
    found = await section(bob, room, filter=wanting(timeline={"not_rooms": [room]}))
    assert found["timeline"]["events"] == []


async def test_timeline_of_what_has_answers(ann, bob, room):
    root = await ann.say(room)
    await ann.say(room, "alone")
    relation = {"rel_type": "m.thread", "event_id": root}
    await ann.say(room, "answer", **{"m.relates_to": relation})
    wanted = wanting(timeline={"related_by_rel_types": ["m.thread"]})
    found = await section(bob, room, filter=wanted)
    assert [event["event_id"] for event in found["timeline"]["events"]] == [root]


async def test_only_wanted_fields_of_events(ann, bob, room):
    await ann.say(room)
    wanted = dumps({"event_fields": ["content.body"]}).decode()
    found = await section(bob, room, filter=wanted)
    assert found["timeline"]["events"][-1] == {"content": {"body": "hello"}}


async def test_ban_after_a_kick_is_told(ann, bob, room):
    await ann.call(Kick(room_id=room, user_id=bob.id))
    for call, membership in ((Ban, "ban"), (Unban, "leave")):
        since = await bob.position()
        await ann.say(room, "among ourselves")
        await ann.call(call(room_id=room, user_id=bob.id))
        (event,) = (await section(bob, room, since, "leave"))["timeline"]["events"]
        assert event["state_key"] == bob.id
        assert event["content"]["membership"] == membership
