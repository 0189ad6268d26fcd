from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatproto.errors import MatrixError
from chatproto.operations.rooms import ForgetRoom
from chatproto.operations.search import (
    GroupBy,
    RoomEventsCriteria,
    SearchCriteria,
    SearchEvents,
    WantedContext,
    WantedGroups,
)
from tests.unit.server.harness import json_of, open_chat, refused


async def search(person, term, next_batch=None, **criteria):
    """What somebody finds, as it travels."""
    request = SearchEvents(
        search_categories=SearchCriteria(
            room_events=RoomEventsCriteria(search_term=term, **criteria)
        ),
        next_batch=next_batch,
    )
    found = json_of(await person.call(request))
    return found["search_categories"]["room_events"]


async def ids(person, term, **criteria):
    found = await search(person, term, **criteria)
    return [each["result"]["event_id"] for each in found["results"]]


async def texts(person, term, **criteria):
    found = await search(person, term, **criteria)
    return [each["result"]["content"]["body"] for each in found["results"]]


async def edit(person, room, target, body):
    return await person.send(
        room,
        {
            "msgtype": "m.text",
            "body": f"* {body}",
            "m.new_content": {"msgtype": "m.text", "body": body},
            "m.relates_to": {"rel_type": "m.replace", "event_id": target},
        },
    )


# words


@pytest.mark.parametrize(
    ("text", "term"),
    [
        ("Martians and men", "martians"),
        ("Martians and men", "MEN mart"),
        ("Crème brûlée", "creme brulee"),
        ("Новогодняя ЁЛКА", "елка"),
        ("новогодняя елка", "Ёлка"),
        ("и\u0306ога", "йога"),
        ("οδοσ", "ΟΔΟΣ"),
        ("see a-b.c", "a-b.c"),
        ('say "hello" NEAR me', 'say "hello" NEAR me'),
        ("nul\0text", "text"),
    ],
)
async def test_text_is_found_by_its_words(ann, room, text, term):
    said = await ann.say(room, text)
    await ann.say(room, "something else")
    assert await ids(ann, term) == [said]


@pytest.mark.parametrize(
    "term", ["", " ", "---", "👍", "rtians", "martians cats", "mart and", '"', "*"]
)
async def test_other_words_find_nothing(ann, room, term):
    await ann.say(room, "martians and men")
    assert (await search(ann, term))["count"] == 0


HOSTILE = st.text() | st.lists(
    st.sampled_from(
        [
            '"',
            "NEAR",
            "(",
            ")",
            "*",
            "^",
            "OR",
            "AND",
            "NOT",
            "text:",
            "{",
            "}",
            "-",
            "a",
        ]
    )
).map(" ".join)


@given(term=HOSTILE, order_by=st.sampled_from(["rank", "recent"]))
async def test_any_text_may_be_searched(term, order_by):
    async with open_chat() as chat:
        ann = await chat.person("ann")
        room = await ann.create()
        await ann.say(room, "hello")
        found = await search(ann, term, order_by=order_by)
    assert found["count"] == len(found["results"])


async def test_highlights_are_words_as_written(ann, room):
    await ann.say(room, "ЁЛКА, Crème и ёлочка")
    assert (await search(ann, "creme елка"))["highlights"] == ["Crème", "ЁЛКА"]


# what is found


async def test_names_and_topics_are_found_by_key(ann, room):
    said = await ann.say(room, "mars")
    name = await ann.set_state(room, "m.room.name", {"name": "mars"})
    topic = await ann.set_state(room, "m.room.topic", {"topic": "mars"})
    assert set(await ids(ann, "mars")) == {said, name, topic}
    for key, event_id in (("body", said), ("name", name), ("topic", topic)):
        assert await ids(ann, "mars", keys=(f"content.{key}",)) == [event_id]


async def test_edited_message_is_found_by_new_text(ann, room):
    said = await ann.say(room, "old words")
    await edit(ann, room, said, "between")
    await edit(ann, room, said, "newest text")
    found = await search(ann, "newest")
    assert [each["result"]["event_id"] for each in found["results"]] == [said]
    newest = found["results"][0]["result"]["unsigned"]["m.relations"]["m.replace"]
    assert newest["content"]["m.new_content"]["body"] == "newest text"
    assert found["highlights"] == ["newest"]
    assert await ids(ann, "words") == await ids(ann, "between") == []


async def test_redacted_edit_gives_way_to_older_text(ann, room):
    said = await ann.say(room, "old words")
    edited = await edit(ann, room, said, "new words")
    await ann.redact(room, edited)
    assert await ids(ann, "old") == [said]
    assert await ids(ann, "new") == []


async def test_redacted_message_leaves_the_index(chat, ann, room):
    said = await ann.say(room, "secret")
    await edit(ann, room, said, "classified")
    await ann.redact(room, said)
    assert await ids(ann, "secret") == await ids(ann, "classified") == []
    left = chat.engine.store._all("select count(*) from search_texts")
    assert left == [(0,)]


async def test_encrypted_message_is_not_indexed(chat, ann, room):
    await ann.send(
        room,
        {"body": "hidden", "algorithm": "x", "ciphertext": "y"},
        "m.room.encrypted",
    )
    assert chat.engine.store._all("select * from search_texts") == []


# who finds it


async def test_stranger_finds_nothing(ann, cat, room):
    await ann.say(room, "secret")
    assert (await search(cat, "secret"))["count"] == 0


async def test_room_left_is_found_until_then(ann, bob, room):
    before = await ann.say(room, "secret one")
    await bob.leave(room)
    await ann.say(room, "secret two")
    assert await ids(bob, "secret") == [before]
    await bob.call(ForgetRoom(room_id=room))
    assert await ids(bob, "secret") == []


async def test_edit_after_leaving_is_not_found(ann, bob, room):
    said = await ann.say(room, "early words")
    await bob.leave(room)
    await edit(ann, room, said, "late words")
    assert await ids(bob, "early") == [said]
    assert await ids(bob, "late") == []
    assert await ids(ann, "late") == [said]


async def test_context_ends_where_sight_ends(ann, bob, room):
    said = await ann.say(room, "secret one")
    await bob.leave(room)
    await ann.say(room, "secret two")
    found = await search(bob, "secret", event_context=WantedContext())
    after = found["results"][0]["context"]["events_after"]
    assert [event["type"] for event in after] == ["m.room.member"]
    assert found["results"][0]["result"]["event_id"] == said


STEPS = st.lists(
    st.sampled_from(
        ["say", "edit", "redact", "leave", "join", "shared", "joined", "invited"]
    ),
    max_size=14,
)


@given(steps=STEPS)
async def test_found_is_only_what_may_be_read(steps):
    async with open_chat() as chat:
        ann, bob = await chat.people("ann", "bob")
        room = await chat.room_of(ann, preset="public_chat")
        await play(ann, bob, room, steps)
        found = await search(bob, "word", filter={"limit": 100}, order_by="recent")
        readable = await all_readable(bob, room)
    results = [each["result"] for each in found["results"]]
    assert [readable[each["event_id"]] for each in results] == results
    originals = [each for each in readable.values() if is_message(each)]
    assert found["count"] == len(results) == len(originals)


async def all_readable(person, room):
    try:
        page = await person.history(room)
    except MatrixError:  # not even the room may be read
        return {}
    return {event["event_id"]: event for event in page.chunk}


def is_message(event):
    content = event["content"]
    return "body" in content and "m.new_content" not in content


async def play(ann, bob, room, steps):
    said = []
    for number, step in enumerate(steps):
        if step == "say":
            said.append(await ann.say(room, f"word {number}"))
        elif step == "edit" and said:
            await edit(ann, room, said[-1], f"word {number}")
        elif step == "redact" and said:
            await ann.redact(room, said.pop())
        elif step == "leave":
            await bob.join(room)
            await bob.leave(room)
        elif step == "join":
            await bob.join(room)
        elif step in ("shared", "joined", "invited"):
            content = {"history_visibility": step}
            await ann.set_state(room, "m.room.history_visibility", content)


# order, filter, pages


async def test_recent_comes_first_by_recent(ann, room):
    said = [
        await ann.say(room, text) for text in ("mars", "mars mars mars", "the mars")
    ]
    assert await ids(ann, "mars", order_by="recent") == said[::-1]


async def test_best_comes_first_by_rank(ann, room):
    await ann.say(room, "a long text in which mars is named only once in passing")
    best = await ann.say(room, "mars mars")
    await ann.say(room, "another long text that speaks of mars only once in passing")
    found = await search(ann, "mars")
    assert found["results"][0]["result"]["event_id"] == best
    ranks = [each["rank"] for each in found["results"]]
    assert ranks == sorted(ranks, reverse=True)


@pytest.mark.parametrize("order_by", ["rank", "recent"])
@pytest.mark.parametrize("limit", [1, 2, 3, 10])
async def test_pages_hold_every_result_once(ann, bob, room, order_by, limit):
    said = [await ann.say(room, "mars " * (n % 3 + 1)) for n in range(7)]
    found, token = [], None
    while True:
        wanted = {"order_by": order_by, "filter": {"limit": limit}}
        page = await search(ann, "mars", token, **wanted)
        assert page["count"] == 7
        found += [each["result"]["event_id"] for each in page["results"]]
        token = page.get("next_batch")
        await bob.say(room, "mars, sent in between")
        if token is None:
            break
    assert sorted(found) == sorted(said)


async def test_group_has_pages_of_its_own(ann, bob, room):
    for number in range(6):
        await (ann, bob)[number % 2].say(room, f"mars {number}")
    by_sender = WantedGroups(group_by=(GroupBy(key="sender"),))
    for order_by in ("rank", "recent"):
        wanted = {"order_by": order_by, "groupings": by_sender, "filter": {"limit": 2}}
        page = await search(ann, "mars", **wanted)
        group = page["groups"]["sender"][ann.id]
        found = list(group["results"])
        while "next_batch" in group:
            page = await search(ann, "mars", group["next_batch"], **wanted)
            assert {each["result"]["sender"] for each in page["results"]} == {ann.id}
            group = page["groups"]["sender"][ann.id]
            found += group["results"]
        assert len(found) == len(set(found)) == 3


async def test_groups_name_rooms_and_senders(ann, bob, room):
    one, two = await ann.say(room, "mars"), await bob.say(room, "mars")
    keys = (GroupBy(key="room_id"), GroupBy(key="sender"))
    wanted = {"order_by": "recent", "groupings": WantedGroups(group_by=keys)}
    groups = (await search(ann, "mars", **wanted))["groups"]
    assert groups["room_id"] == {room: {"results": [two, one], "order": 1}}
    assert groups["sender"] == {
        bob.id: {"results": [two], "order": 1},
        ann.id: {"results": [one], "order": 2},
    }


@pytest.mark.parametrize(
    ("json", "kept"),
    [
        ({"rooms": ["!other:x"]}, []),
        ({"not_rooms": ["!other:x"]}, ["mars url", "mars"]),
        ({"senders": ["@ann:example.org"]}, ["mars"]),
        ({"not_senders": ["@ann:example.org"]}, ["mars url"]),
        ({"types": ["m.room.*"]}, ["mars url", "mars"]),
        ({"types": []}, []),
        ({"not_types": ["m.room.message"]}, []),
        ({"contains_url": True}, ["mars url"]),
        ({"contains_url": False}, ["mars"]),
        ({"related_by_rel_types": ["m.annotation"]}, ["mars"]),
        ({"related_by_rel_types": ["m.thread"]}, []),
        ({"related_by_senders": ["@ann:example.org"]}, []),
    ],
    ids=str,
)
async def test_filter_leaves_what_passes(ann, bob, room, json, kept):
    said = await ann.say(room, "mars")
    await bob.react(room, said)
    await bob.say(room, "mars url", url="mxc://x/y")
    assert await texts(ann, "mars", filter=json, order_by="recent") == kept


async def test_room_filter_takes_that_room(ann, bob, room):
    other = await ann.create()
    await ann.say(room, "mars here")
    await ann.say(other, "mars there")
    assert await texts(ann, "mars", filter={"rooms": [other]}) == ["mars there"]
    assert await texts(ann, "mars", filter={"not_rooms": [other]}) == ["mars here"]


# what comes along


async def test_context_has_what_is_around(ann, room):
    said = [await ann.say(room, f"text {n}") for n in range(9)]
    wanted = WantedContext(before_limit=2, after_limit=3, include_profile=True)
    found = await search(ann, "text 4", event_context=wanted)
    context = found["results"][0]["context"]
    assert [event["event_id"] for event in context["events_before"]] == [
        said[3],
        said[2],
    ]
    assert [event["event_id"] for event in context["events_after"]] == said[5:8]
    assert context["profile_info"][ann.id]["displayname"] == "ann"
    earlier = await ann.history(room, from_=context["start"], limit=1)
    later = await ann.history(room, from_=context["end"], dir="f", limit=1)
    assert [page.chunk[0]["event_id"] for page in (earlier, later)] == [
        said[1],
        said[8],
    ]


async def test_state_of_the_rooms_comes_along(ann, room):
    await ann.say(room, "mars")
    found = await search(ann, "mars", include_state=True)
    assert {event["type"] for event in found["state"][room]} >= {"m.room.create"}
    assert "state" not in await search(ann, "mars")


async def test_search_of_nothing_is_empty(ann):
    request = SearchEvents(search_categories=SearchCriteria())
    assert json_of(await ann.call(request)) == {"search_categories": {}}


@pytest.mark.parametrize(
    "criteria",
    [
        {"order_by": "random"},
        {"next_batch": "x"},
        {"next_batch": "0_1_1_sender_x"},
        {"next_batch": "0_1_1_event_aaaa"},
        {"groupings": WantedGroups(group_by=(GroupBy(key="type"),))},
    ],
    ids=str,
)
async def test_unknown_criteria_are_refused(ann, room, criteria):
    await ann.say(room, "mars")
    with refused("M_INVALID_PARAM"):
        await search(ann, "mars", **criteria)


@pytest.mark.parametrize("json", [{"limit": "x"}, {"limit": True}, {"rooms": "x"}])
async def test_malformed_filter_is_refused(ann, json):
    with refused("M_BAD_JSON"):
        await search(ann, "mars", filter=json)
