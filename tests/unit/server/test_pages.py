from __future__ import annotations

import pytest

from chatproto.operations.messages import GetContext, GetEvent, GetRelations, GetThreads
from tests.unit.server.harness import json_of


def edit(target, body="new"):
    return {
        "msgtype": "m.text",
        "body": f"* {body}",
        "m.new_content": {"msgtype": "m.text", "body": body},
        "m.relates_to": {"rel_type": "m.replace", "event_id": target},
    }


def answer(root, body="answer"):
    relation = {"rel_type": "m.thread", "event_id": root}
    return {"msgtype": "m.text", "body": body, "m.relates_to": relation}


async def unsigned(person, room, event_id):
    event = await person.call(GetEvent(room_id=room, event_id=event_id))
    return event["unsigned"]


async def relations(person, room, event_id):
    return (await unsigned(person, room, event_id)).get("m.relations", {})


async def timeline(person, room):
    body = await person.sync()
    events = body["rooms"]["join"][room]["timeline"]["events"]
    return {event["event_id"]: event for event in events}


# edits


async def test_newest_edit_comes_with_the_message(ann, bob, room):
    said = await ann.say(room)
    await ann.send(room, edit(said, "first"))
    second = await ann.send(room, edit(said, "second"))
    replaced = (await relations(bob, room, said))["m.replace"]
    assert replaced["event_id"] == second
    assert replaced["content"]["m.new_content"]["body"] == "second"
    assert (await timeline(bob, room))[said]["unsigned"]["m.relations"]["m.replace"]


async def test_redacted_edit_gives_way_to_the_one_before(ann, room):
    said = await ann.say(room)
    first = await ann.send(room, edit(said, "first"))
    second = await ann.send(room, edit(said, "second"))
    await ann.redact(room, second)
    assert (await relations(ann, room, said))["m.replace"]["event_id"] == first


async def test_redacted_message_has_no_edit(ann, room):
    said = await ann.say(room)
    await ann.send(room, edit(said))
    await ann.redact(room, said)
    assert await relations(ann, room, said) == {}


async def test_edit_carries_nothing_itself(ann, room):
    said = await ann.say(room)
    edited = await ann.send(room, edit(said))
    assert await relations(ann, room, edited) == {}


async def test_edit_after_leaving_is_not_seen(ann, bob, room):
    said = await ann.say(room)
    await bob.leave(room)
    await ann.send(room, edit(said))
    assert await relations(bob, room, said) == {}


async def test_reactions_are_not_gathered(ann, bob, room):
    said = await ann.say(room)
    await bob.react(room, said)
    assert await relations(ann, room, said) == {}


# threads


async def test_thread_tells_newest_answer_and_count(ann, bob, room):
    root = await ann.say(room)
    await ann.send(room, answer(root, "one"))
    two = await ann.send(room, answer(root, "two"))
    edited = await ann.send(room, edit(two, "2"))
    thread = (await relations(bob, room, root))["m.thread"]
    assert thread["count"] == 2
    assert thread["latest_event"]["event_id"] == two
    newest = thread["latest_event"]["unsigned"]["m.relations"]["m.replace"]
    assert newest["event_id"] == edited


@pytest.mark.parametrize(("who", "expected"), [("bob", False), ("ann", True)])
async def test_root_sender_takes_part(ann, bob, cat, room, who, expected):
    root = await ann.say(room)
    await ann.invite(room, cat)
    await cat.join(room)
    await cat.send(room, answer(root))
    person = {"ann": ann, "bob": bob}[who]
    thread = (await relations(person, room, root))["m.thread"]
    assert thread["current_user_participated"] is expected


async def test_answer_makes_one_take_part(ann, bob, room):
    root = await ann.say(room)
    await bob.send(room, answer(root))
    thread = (await relations(bob, room, root))["m.thread"]
    assert thread["current_user_participated"] is True


async def test_redacted_answer_counts_no_longer(ann, room):
    root = await ann.say(room)
    gone = await ann.send(room, answer(root))
    await ann.redact(room, gone)
    assert await relations(ann, room, root) == {}


async def test_list_of_threads_has_their_answers(ann, room):
    root = await ann.say(room)
    newest = await ann.send(room, answer(root))
    listed = json_of(await ann.call(GetThreads(room_id=room)))["chunk"]
    assert [event["event_id"] for event in listed] == [root]
    thread = listed[0]["unsigned"]["m.relations"]["m.thread"]
    assert thread["latest_event"]["event_id"] == newest


async def test_references_are_listed(ann, bob, room):
    asked = await ann.say(room)
    relation = {"rel_type": "m.reference", "event_id": asked}
    vote = {"msgtype": "m.text", "body": "yes", "m.relates_to": relation}
    votes = [await person.send(room, vote) for person in (ann, bob)]
    chunk = (await relations(ann, room, asked))["m.reference"]["chunk"]
    assert [event["event_id"] for event in chunk] == votes


# the call an event came from


async def test_own_device_finds_its_call(ann, room):
    said = await ann.send(room, {"msgtype": "m.text", "body": "hi"}, txn="m1.7")
    event = (await timeline(ann, room))[said]
    assert event["unsigned"]["transaction_id"] == "m1.7"
    assert (await unsigned(ann, room, said))["transaction_id"] == "m1.7"


async def test_redaction_is_found_by_its_call(ann, room):
    redaction = await ann.redact(room, await ann.say(room))
    assert "transaction_id" in (await timeline(ann, room))[redaction]["unsigned"]


async def test_other_device_hears_nothing_of_the_call(chat, ann, bob, room):
    said = await ann.say(room)
    other = await chat.person("ann")
    for person in (other, bob):
        assert "transaction_id" not in await unsigned(person, room, said)
        assert "transaction_id" not in (await timeline(person, room))[said]["unsigned"]


# state


async def test_state_event_tells_what_it_replaced(ann, bob, room):
    first = await ann.set_state(room, "m.room.topic", {"topic": "old"})
    second = await ann.set_state(room, "m.room.topic", {"topic": "new"})
    events = await timeline(bob, room)
    assert "prev_content" not in events[first]["unsigned"]
    told = events[second]["unsigned"]
    assert told["prev_content"] == {"topic": "old"}
    assert told["prev_sender"] == ann.id
    assert told["replaces_state"] == first


async def test_pieces_of_state_are_not_mixed_up(ann, bob, room):
    await ann.set_state(room, "org.example.note", {"a": 1}, "one")
    other = await ann.set_state(room, "org.example.note", {"b": 1}, "two")
    assert "prev_content" not in await unsigned(bob, room, other)


# membership


async def test_event_says_what_one_was_then(ann, bob, room):
    before = await ann.say(room, "before")
    after = await ann.say(room, "after")
    await bob.leave(room)
    await ann.invite(room, bob)
    await bob.join(room)
    page = await bob.history(room)
    was = {e["event_id"]: e["unsigned"]["membership"] for e in page.chunk}
    assert was[before] == was[after] == "join"
    own = [e for e in page.chunk if e.get("state_key") == bob.id]
    told = [e["unsigned"]["membership"] for e in own]
    assert told == [e["content"]["membership"] for e in own]


# context


async def test_context_says_what_relates(ann, bob, room):
    first = await ann.say(room, "first")
    second = await ann.say(room, "second")
    await ann.send(room, edit(first))
    found = await bob.call(GetContext(room_id=room, event_id=second))
    before = {event["event_id"]: event for event in found.events_before}
    assert "m.replace" in before[first]["unsigned"]["m.relations"]


async def test_context_with_lazy_members_has_the_senders_only(ann, bob, room):
    said = await ann.say(room)
    wanted = '{"lazy_load_members": true}'
    request = GetContext(room_id=room, event_id=said, limit=0, filter=wanted)
    found = await bob.call(request)
    assert [event["state_key"] for event in found.state] == [ann.id]


# relations of relations


async def test_relations_are_followed_when_asked(ann, bob, room):
    root = await ann.say(room)
    one = await ann.send(room, answer(root))
    reaction = await bob.react(room, one)
    near = await ann.call(GetRelations(room_id=room, event_id=root))
    far = await ann.call(GetRelations(room_id=room, event_id=root, recurse=True))
    assert [event["event_id"] for event in near.chunk] == [one]
    assert near.recursion_depth is None
    assert [event["event_id"] for event in far.chunk] == [reaction, one]
    assert far.recursion_depth == 3


async def test_relations_end_where_they_are_told_to(ann, room):
    root = await ann.say(room)
    for number in range(4):
        await ann.send(room, answer(root, str(number)))
    first = await ann.call(GetRelations(room_id=room, event_id=root, limit=2))
    rest = await ann.call(
        GetRelations(room_id=room, event_id=root, from_=first.next_batch)
    )
    until = await ann.call(
        GetRelations(room_id=room, event_id=root, to=first.next_batch)
    )
    bodies = [[e["content"]["body"] for e in p.chunk] for p in (first, rest, until)]
    assert bodies == [["3", "2"], ["1", "0"], ["3", "2"]]
