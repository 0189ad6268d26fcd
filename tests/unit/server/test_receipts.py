from __future__ import annotations

import pytest

from chatproto.operations.receipts import SendReceipt, SetReadMarkers
from tests.unit.server.harness import refused


async def section(person, room, since=None):
    """What sync tells of a room."""
    body = await person.sync(since)
    return body.get("rooms", {}).get("join", {}).get(room, {})


async def receipts(person, room, since=None):
    """The receipts that one hears of: who has read what, and how."""
    found = (await section(person, room, since)).get("ephemeral", {"events": []})
    contents = [e["content"] for e in found["events"] if e["type"] == "m.receipt"]
    return {
        (user, kind): event_id
        for content in contents
        for event_id, kinds in content.items()
        for kind, users in kinds.items()
        for user in users
    }


async def counts(person, room):
    """Unread and highlighted."""
    found = (await section(person, room))["unread_notifications"]
    return found["notification_count"], found["highlight_count"]


@pytest.fixture
async def talk(ann, room):
    return [await ann.say(room, f"{n}") for n in range(5)]


# receipts


async def test_public_receipt_is_seen_by_all(chat, ann, bob, room, talk):
    since = await ann.position()
    await bob.read(room, talk[2])
    expected = {(bob.id, "m.read"): talk[2]}
    assert await receipts(ann, room, since) == expected
    assert await receipts(ann, room) == await receipts(bob, room) == expected
    found = (await section(ann, room))["ephemeral"]["events"][0]["content"]
    data = found[talk[2]]["m.read"][bob.id]
    assert data["ts"] == chat.clock.ms
    assert isinstance(data["org.chatproto.seq"], int)


async def test_private_receipt_is_seen_by_oneself(ann, bob, room, talk):
    since = await bob.position()
    await bob.read(room, talk[2], "m.read.private")
    assert await receipts(ann, room) == {}
    assert await receipts(bob, room, since) == {(bob.id, "m.read.private"): talk[2]}


@pytest.mark.parametrize("kind", ["m.read", "m.read.private"])
async def test_receipt_never_moves_back(bob, room, talk, kind):
    await bob.read(room, talk[3], kind)
    since = await bob.position()
    await bob.read(room, talk[1], kind)
    await bob.read(room, talk[3], kind)
    assert await receipts(bob, room, since) == {}
    assert await receipts(bob, room) == {(bob.id, kind): talk[3]}
    assert await counts(bob, room) == (1, 0)


async def test_receipts_of_both_kinds_are_kept_apart(ann, bob, room, talk):
    await bob.read(room, talk[3], "m.read.private")
    await bob.read(room, talk[1])
    assert await receipts(bob, room) == {
        (bob.id, "m.read.private"): talk[3],
        (bob.id, "m.read"): talk[1],
    }
    assert await counts(bob, room) == (1, 0)


async def test_receipt_of_a_thread_leaves_the_room_unread(ann, bob, room, talk):
    relation = {"rel_type": "m.thread", "event_id": talk[0]}
    answer = await ann.say(room, "answer", **{"m.relates_to": relation})
    await bob.read(room, answer, thread=talk[0])
    assert await counts(bob, room) == (6, 0)
    found = (await section(ann, room))["ephemeral"]["events"][0]["content"]
    assert found[answer]["m.read"][bob.id]["thread_id"] == talk[0]
    await bob.read(room, talk[4], thread="main")
    assert await counts(bob, room) == (1, 0)
    await bob.read(room, answer)
    assert await counts(bob, room) == (0, 0)


@pytest.mark.parametrize(
    ("fields", "errcode"),
    [
        ({"receipt_type": "m.seen"}, "M_INVALID_PARAM"),
        ({"event_id": "$unknown"}, "M_NOT_FOUND"),
        ({"event_id": "unknown"}, "M_INVALID_PARAM"),
        ({"thread_id": ""}, "M_INVALID_PARAM"),
        ({"thread_id": "$unknown"}, "M_INVALID_PARAM"),
        ({"thread_id": "main", "receipt_type": "m.fully_read"}, "M_INVALID_PARAM"),
    ],
    ids=str,
)
async def test_bad_receipt_is_refused(bob, room, talk, fields, errcode):
    good = {"room_id": room, "receipt_type": "m.read", "event_id": talk[0]}
    with refused(errcode):
        await bob.call(SendReceipt(**{**good, **fields}))
    assert await counts(bob, room) == (5, 0)


async def test_event_is_not_read_in_another_thread(ann, bob, room, talk):
    relation = {"rel_type": "m.thread", "event_id": talk[0]}
    answer = await ann.say(room, "answer", **{"m.relates_to": relation})
    with refused("M_INVALID_PARAM"):
        await bob.read(room, answer, thread=talk[1])
    await bob.read(room, await ann.react(room, answer), thread=talk[0])


async def test_event_of_another_room_is_not_read(ann, bob, room):
    target = await ann.say(await ann.create())
    with refused("M_NOT_FOUND"):
        await bob.read(room, target)


# the fully-read marker


@pytest.mark.parametrize("how", ["receipt", "markers"])
async def test_fully_read_is_ones_own_mark(ann, bob, room, talk, how):
    since = await bob.position()
    if how == "receipt":
        await bob.read(room, talk[2], "m.fully_read")
    else:
        await bob.call(SetReadMarkers(room_id=room, fully_read=talk[2]))
    told = (await section(bob, room, since))["account_data"]["events"]
    assert told == [{"type": "m.fully_read", "content": {"event_id": talk[2]}}]
    assert await receipts(ann, room) == {}
    assert "account_data" not in await section(ann, room)
    assert await counts(bob, room) == (5, 0)


async def test_markers_are_set_in_one_call(ann, bob, room, talk):
    request = SetReadMarkers(
        room_id=room, fully_read=talk[1], read=talk[2], read_private=talk[3]
    )
    await bob.call(request)
    assert await receipts(bob, room) == {
        (bob.id, "m.read"): talk[2],
        (bob.id, "m.read.private"): talk[3],
    }
    assert await receipts(ann, room) == {(bob.id, "m.read"): talk[2]}
    assert await counts(bob, room) == (1, 0)


async def test_markers_are_set_whole_or_not(bob, room, talk):
    with refused("M_NOT_FOUND"):
        await bob.call(
            SetReadMarkers(room_id=room, read=talk[2], fully_read="$unknown")
        )
    assert await receipts(bob, room) == {}
    await bob.call(SetReadMarkers(room_id=room))


# unread


@pytest.mark.parametrize(
    ("content", "kind", "expected"),
    [
        ({"body": "b", "msgtype": "m.text"}, "m.room.message", (1, 0)),
        ({"body": "b", "msgtype": "m.notice"}, "m.room.message", (0, 0)),
        ({"algorithm": "a", "ciphertext": "c"}, "m.room.encrypted", (1, 0)),
        ({"a": 1}, "org.example.x", (0, 0)),
        (
            {"body": "b", "msgtype": "m.text", "m.mentions": {"user_ids": ["@bob:x"]}},
            "m.room.message",
            (1, 0),
        ),
        (
            {
                "body": "b",
                "msgtype": "m.text",
                "m.mentions": {"user_ids": ["@bob:example.org"]},
            },
            "m.room.message",
            (1, 1),
        ),
        (
            {"body": "b", "msgtype": "m.text", "m.mentions": {"room": True}},
            "m.room.message",
            (1, 1),
        ),
    ],
    ids=["text", "notice", "encrypted", "unknown", "mentions another", "me", "room"],
)
async def test_what_counts(ann, bob, room, content, kind, expected):
    await ann.send(room, content, kind)
    assert await counts(bob, room) == expected
    assert await counts(ann, room) == (0, 0)


async def test_room_is_mentioned_only_by_who_may(ann, bob, room):
    await bob.say(room, **{"m.mentions": {"room": True}})
    assert await counts(ann, room) == (1, 0)


async def test_edits_reactions_and_state_do_not_count(ann, bob, room):
    target = await ann.say(room)
    await ann.react(room, target)
    await ann.set_state(room, "m.room.topic", {"topic": "t"})
    relation = {"rel_type": "m.replace", "event_id": target}
    new = {"msgtype": "m.text", "body": "new"}
    await ann.say(room, **{"m.relates_to": relation, "m.new_content": new})
    assert await counts(bob, room) == (1, 0)


async def test_own_message_reads_all_before(ann, bob, room, talk):
    await bob.say(room)
    assert await counts(bob, room) == (0, 0)
    await ann.say(room)
    assert await counts(bob, room) == (1, 0)


async def test_deleted_message_is_no_longer_unread(ann, bob, room, talk):
    await ann.redact(room, talk[3])
    assert await counts(bob, room) == (4, 0)


async def test_nothing_from_before_one_came_is_unread(ann, cat, room, talk):
    await ann.invite(room, cat)
    await cat.join(room)
    assert await counts(cat, room) == (0, 0)
    await ann.say(room)
    assert await counts(cat, room) == (1, 0)


async def test_muted_chat_counts_nothing(ann, bob, room, talk):
    await bob.set_data("org.chatproto.muted", {"muted": True}, room)
    assert await counts(bob, room) == (0, 0)
    await bob.set_data("org.chatproto.muted", {"muted": False}, room)
    assert await counts(bob, room) == (5, 0)


async def test_counts_come_with_what_changed_them(ann, bob, room):
    since = await bob.position()
    await ann.say(room)
    told = await section(bob, room, since)
    assert told["unread_notifications"]["notification_count"] == 1
    assert len(told["timeline"]["events"]) == 1


# the order of the list


async def bumps(person):
    joined = (await person.sync())["rooms"]["join"]
    return {room: found["org.chatproto.room"]["bump"] for room, found in joined.items()}


async def test_only_others_messages_move_a_chat(chat, ann, bob, room):
    other = await chat.room_of(ann, bob)
    before = await bumps(ann)
    assert before[other] > before[room]
    last = await bob.say(room)
    moved = await bumps(ann)
    assert moved[room] > moved[other] == before[other]
    await ann.say(other)
    await ann.read(room, last)
    await bob.redact(room, last)
    await bob.react(other, await ann.say(other))
    assert await bumps(ann) == moved
