from __future__ import annotations

import pytest

from chatproto.canonical import dumps
from chatproto.operations.messages import (
    GetAllState,
    GetContext,
    GetEvent,
    GetMembers,
    GetRelations,
    GetRelationsOfKind,
    GetRelationsOfType,
    GetThreads,
)
from chatproto.operations.rooms import Ban, InitialState
from tests.unit.server.harness import refused


def bodies(events):
    return [e["content"]["body"] for e in events if "body" in e["content"]]


def ids(events):
    return [event["event_id"] for event in events]


def seqs(events):
    return [event["unsigned"]["org.chatproto.seq"] for event in events]


async def pages(person, room, **fields):
    """All pages from where they begin, one after the other."""
    token, found = fields.pop("from_", None), []
    while True:
        page = await person.history(room, from_=token, **fields)
        found.append(page)
        token = page.end
        if token is None:
            return found


@pytest.fixture
async def talk(ann, room):
    """Ten messages in the room of Ann and Bob; their IDs."""
    return [await ann.say(room, f"text {n}") for n in range(10)]


# paging


@pytest.mark.parametrize("direction", ["b", "f"])
@pytest.mark.parametrize("limit", [1, 2, 3, 7, 1000])
async def test_pages_hold_everything_once(ann, room, talk, direction, limit):
    found = await pages(ann, room, dir=direction, limit=limit)
    all_seqs = seqs([event for page in found for event in page.chunk])
    through = range(1, len(all_seqs) + 1)
    assert all_seqs == list(through if direction == "f" else reversed(through))
    assert all(len(page.chunk) == limit for page in found[:-1])
    assert [page.start for page in found[1:]] == [page.end for page in found[:-1]]


async def test_pages_lead_back_from_where_one_turns(ann, room, talk):
    back = await ann.history(room, dir="b", limit=4)
    forth = await ann.history(room, dir="f", from_=back.end)
    assert ids(forth.chunk) == list(reversed(ids(back.chunk)))


async def test_position_of_sync_is_a_place_in_history(ann, room, talk):
    since = await ann.position()
    await ann.say(room, "later")
    back = await ann.history(room, from_=since, limit=1)
    assert bodies(back.chunk) == ["text 9"]
    forth = await ann.history(room, from_=since, dir="f")
    assert bodies(forth.chunk) == ["later"]


@pytest.mark.parametrize("direction", ["b", "f"])
async def test_page_ends_where_it_is_told_to(ann, room, talk, direction):
    middle = (await ann.history(room, limit=4)).end
    page = await ann.history(room, dir=direction, to=middle)
    newer = ["text 6", "text 7", "text 8", "text 9"]
    if direction == "b":
        assert bodies(reversed(page.chunk)) == newer
    else:
        assert bodies(page.chunk) == [f"text {n}" for n in range(6)]
    assert page.end is None


@pytest.mark.parametrize(
    ("fields", "errcode"),
    [
        ({"dir": "x"}, "M_INVALID_PARAM"),
        ({"from_": "x"}, "M_INVALID_PARAM"),
        ({"to": "t1_2"}, "M_INVALID_PARAM"),
        ({"filter": "[]"}, "M_BAD_JSON"),
        ({"filter": "{"}, "M_NOT_JSON"),
        ({"filter": '{"types": 1}'}, "M_BAD_JSON"),
    ],
    ids=str,
)
async def test_bad_page_is_refused(ann, room, fields, errcode):
    with refused(errcode):
        await ann.history(room, **fields)


@pytest.mark.parametrize(("limit", "count"), [(0, 1), (-5, 1), (10**9, None)])
async def test_limit_has_bounds(ann, room, talk, limit, count):
    found = len((await ann.history(room, limit=limit)).chunk)
    assert found == (count or len((await ann.history(room)).chunk))


@pytest.mark.parametrize(
    ("wanted", "count"),
    [
        ({"types": ["m.room.message"]}, 10),
        ({"types": ["m.room.mem*"]}, 3),
        ({"not_types": ["m.room.*"]}, 1),
        ({"senders": ["@bob:example.org"], "types": ["*"]}, 2),
        ({"not_senders": ["@ann:example.org"]}, 2),
    ],
    ids=str,
)
async def test_filter_picks(ann, bob, room, talk, wanted, count):
    await bob.react(room, talk[0])
    page = await ann.history(room, filter=dumps(wanted).decode())
    assert len(page.chunk) == count


async def test_lazy_members_are_those_who_speak(ann, bob, room, talk):
    wanted = '{"lazy_load_members": true}'
    page = await bob.history(room, limit=3, filter=wanted)
    assert [(e["type"], e["state_key"]) for e in page.state] == [
        ("m.room.member", ann.id)
    ]
    assert (await bob.history(room, limit=3)).state == ()


# what is visible to whom


@pytest.mark.parametrize(
    ("rule", "joined", "left", "stranger"),
    [
        pytest.param("joined", ["in"], ["in"], None, id="joined"),
        pytest.param("invited", ["asked", "in"], ["asked", "in"], None, id="invited"),
        pytest.param(
            "shared",
            ["first", "asked", "in"],
            ["first", "asked", "in"],
            None,
            id="shared",
        ),
        pytest.param(
            "world_readable",
            ["first", "asked", "in"],
            ["first", "asked", "in", "out"],
            ["first", "asked", "in", "out"],
            id="world_readable",
        ),
    ],
)
async def test_visibility_of_history(ann, bob, cat, rule, joined, left, stranger):
    content = {"history_visibility": rule}
    state = InitialState(type="m.room.history_visibility", content=content)
    room = await ann.create(initial_state=(state,))
    said = {"first": await ann.say(room, "first")}
    await ann.invite(room, bob)
    said["asked"] = await ann.say(room, "asked")
    await bob.join(room)
    said["in"] = await ann.say(room, "in")
    assert await bob.bodies(room) == joined
    await bob.leave(room)
    said["out"] = await ann.say(room, "out")
    for person, seen in ((bob, left), (cat, stranger)):
        if seen is None:
            with refused("M_FORBIDDEN"):
                await person.bodies(room)
        else:
            assert await person.bodies(room) == seen
        await check_events(person, room, said, seen or [])


async def check_events(person, room, said, seen):
    """One event is shown just when the history shows it; and so is its context."""
    for body, event_id in said.items():
        for request in (GetEvent, GetContext, GetRelations):
            if body in seen:
                await person.call(request(room_id=room, event_id=event_id))
            else:
                with refused("M_NOT_FOUND"):
                    await person.call(request(room_id=room, event_id=event_id))


async def test_invited_do_not_read_shared_history(ann, bob):
    room = await ann.create(invite=(bob.id,))
    await ann.say(room)
    for request in (bob.history(room), bob.state(room, "m.room.create")):
        with refused("M_FORBIDDEN"):
            await request


async def test_banned_read_up_to_the_ban(ann, bob, room):
    await ann.say(room, "before")
    await ann.call(Ban(room_id=room, user_id=bob.id))
    await ann.say(room, "after")
    page = await bob.history(room, dir="f")
    assert bodies(page.chunk) == ["before"]
    assert page.chunk[-1]["content"]["membership"] == "ban"


async def test_gap_of_absence_stays_closed(ann, bob):
    content = {"history_visibility": "joined"}
    state = InitialState(type="m.room.history_visibility", content=content)
    room = await ann.create(initial_state=(state,), preset="public_chat")
    for body in ("one", "two", "three"):
        await bob.join(room)
        await ann.say(room, f"in {body}")
        await bob.leave(room)
        await ann.say(room, f"out {body}")
    seen = ["in one", "in two", "in three"]
    assert await bob.bodies(room) == seen
    back = await pages(bob, room, limit=2)
    assert bodies(e for page in back for e in page.chunk) == seen[::-1]


# context


async def test_context_surrounds(ann, room, talk):
    found = await ann.call(GetContext(room_id=room, event_id=talk[5], limit=4))
    assert found.event["event_id"] == talk[5]
    assert bodies(found.events_before) == ["text 4", "text 3"]
    assert bodies(found.events_after) == ["text 6", "text 7"]
    assert {e["type"] for e in found.state} >= {"m.room.create", "m.room.member"}


async def test_context_is_paged_without_a_hole(ann, room, talk):
    found = await ann.call(GetContext(room_id=room, event_id=talk[5], limit=4))
    back = await ann.history(room, from_=found.start, limit=2)
    forth = await ann.history(room, from_=found.end, limit=2, dir="f")
    assert bodies(back.chunk) == ["text 2", "text 1"]
    assert bodies(forth.chunk) == ["text 8", "text 9"]


@pytest.mark.parametrize("limit", [0, 1, -1])
async def test_small_context_is_the_event(ann, room, talk, limit):
    found = await ann.call(GetContext(room_id=room, event_id=talk[5], limit=limit))
    assert found.event["event_id"] == talk[5]
    back = await ann.history(room, from_=found.start, limit=1)
    assert bodies([*found.events_before, *back.chunk])[-1] == "text 4"


async def test_context_at_the_ends_of_a_room(ann, room, talk):
    first = (await ann.history(room, dir="f", limit=1)).chunk[0]["event_id"]
    for event_id in (first, talk[-1]):
        found = await ann.call(GetContext(room_id=room, event_id=event_id))
        assert (found.events_before == ()) == (event_id == first)
        assert (found.events_after == ()) == (event_id != first)


async def test_context_has_the_state_of_its_time(ann, room):
    await ann.set_state(room, "m.room.topic", {"topic": "old"})
    target = await ann.say(room)
    for n in range(5):
        await ann.say(room, f"{n}")
    await ann.set_state(room, "m.room.topic", {"topic": "new"})
    found = await ann.call(GetContext(room_id=room, event_id=target, limit=2))
    topics = [e["content"] for e in found.state if e["type"] == "m.room.topic"]
    assert topics == [{"topic": "old"}]


# relations


async def test_relations_are_told_by_kind_and_type(ann, bob, room):
    target = await ann.say(room)
    reaction = await bob.react(room, target)
    thread = {"rel_type": "m.thread", "event_id": target}
    answers = [
        await bob.say(room, f"{n}", **{"m.relates_to": thread}) for n in range(2)
    ]
    where = {"room_id": room, "event_id": target}
    everything = await ann.call(GetRelations(**where))
    assert ids(everything.chunk) == [*answers[::-1], reaction]
    of_thread = await ann.call(GetRelationsOfKind(**where, rel_type="m.thread"))
    assert ids(of_thread.chunk) == answers[::-1]
    none = await ann.call(
        GetRelationsOfType(**where, rel_type="m.thread", event_type="m.reaction")
    )
    assert none.chunk == ()


@pytest.mark.parametrize("direction", ["b", "f"])
@pytest.mark.parametrize("limit", [1, 2, 5])
async def test_relations_are_paged_without_a_hole(ann, room, direction, limit):
    target = await ann.say(room)
    sent = [await ann.react(room, target, f"{n}") for n in range(5)]
    found, token = [], None
    while True:
        request = GetRelations(
            room_id=room, event_id=target, dir=direction, limit=limit, from_=token
        )
        page = await ann.call(request)
        found += ids(page.chunk)
        token = page.next_batch
        if token is None:
            break
    assert found == (sent if direction == "f" else sent[::-1])


async def test_redacted_relations_are_gone(ann, room):
    target = await ann.say(room)
    await ann.redact(room, await ann.react(room, target))
    found = await ann.call(GetRelations(room_id=room, event_id=target))
    assert found.chunk == ()


async def test_relations_of_another_room_are_not_told(ann, bob, room):
    other = await ann.create()
    target = await ann.say(other)
    with refused("M_NOT_FOUND"):
        await ann.call(GetRelations(room_id=room, event_id=target))


@pytest.fixture
async def threads(ann, bob, room):
    """Three threads, the first answered last; the second has no word of Bob's."""
    roots = [await ann.say(room, f"root {n}") for n in range(3)]
    for who, root in ((bob, 0), (ann, 1), (bob, 2), (ann, 0)):
        relation = {"rel_type": "m.thread", "event_id": roots[root]}
        await who.say(room, "answer", **{"m.relates_to": relation})
    return roots


async def test_threads_are_told_by_their_last_answer(bob, room, threads):
    found = await bob.call(GetThreads(room_id=room))
    assert bodies(found.chunk) == ["root 0", "root 2", "root 1"]
    own = await bob.call(GetThreads(room_id=room, include="participated"))
    assert bodies(own.chunk) == ["root 0", "root 2"]
    with refused("M_INVALID_PARAM"):
        await bob.call(GetThreads(room_id=room, include="some"))
    with refused("M_INVALID_PARAM"):
        await bob.call(GetThreads(room_id=room, from_="x"))


async def test_threads_are_paged(bob, room, threads):
    found, token = [], None
    for _ in range(3):
        page = await bob.call(GetThreads(room_id=room, limit=1, from_=token))
        found += bodies(page.chunk)
        token = page.next_batch
    assert (found, token) == (["root 0", "root 2", "root 1"], None)


# state and members


async def test_who_left_sees_the_state_they_left(ann, bob, room):
    await ann.set_state(room, "m.room.topic", {"topic": "old"})
    await bob.leave(room)
    await ann.set_state(room, "m.room.topic", {"topic": "new"})
    await ann.set_state(room, "org.example.x", {})
    assert await bob.state(room, "m.room.topic") == {"topic": "old"}
    with refused("M_NOT_FOUND"):
        await bob.state(room, "org.example.x")
    kinds = {e["type"] for e in await bob.call(GetAllState(room_id=room))}
    assert "org.example.x" not in kinds


@pytest.mark.parametrize(
    ("fields", "names"),
    [
        ({}, {"ann", "bob", "cat", "dan"}),
        ({"membership": "join"}, {"ann", "bob"}),
        ({"membership": "leave"}, {"dan"}),
        ({"not_membership": "join"}, {"cat", "dan"}),
        ({"membership": "knock"}, set()),
    ],
    ids=str,
)
async def test_members_by_membership(chat, ann, bob, cat, fields, names):
    dan = await chat.person("dan")
    room = await chat.room_of(ann, bob, dan)
    await ann.invite(room, cat)
    await dan.leave(room)
    found = await ann.call(GetMembers(room_id=room, **fields))
    assert {e["state_key"][1:4] for e in found.chunk} == names


async def test_members_at_a_position(ann, bob, cat, room):
    since = await ann.position()
    await ann.invite(room, cat)
    found = await ann.call(GetMembers(room_id=room, at=since))
    assert {e["state_key"] for e in found.chunk} == {ann.id, bob.id}
    await bob.leave(room)
    await cat.join(room)
    seen = await bob.call(GetMembers(room_id=room, membership="join"))
    assert {e["state_key"] for e in seen.chunk} == {ann.id}
