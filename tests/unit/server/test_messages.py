from __future__ import annotations

import pytest
import trio

from chatproto.errors import MatrixError
from chatproto.operations.messages import (
    EditMessage,
    ForwardEvent,
    GetEvent,
    GetRelations,
    GetState,
    RedactEvent,
    SendEvent,
)
from chatproto.operations.rooms import CreateAlias, DeleteAlias
from tests.unit.server.harness import json_of, refused

TEXT = {"msgtype": "m.text", "body": "text"}


def send(room, content, kind="m.room.message", txn="t"):
    return SendEvent(room_id=room, event_type=kind, txn_id=txn, content=content)


async def event(person, room, event_id):
    return await person.call(GetEvent(room_id=room, event_id=event_id))


def replacing(event_id, body="new", **more):
    return {
        "msgtype": "m.text",
        "body": f"* {body}",
        "m.new_content": {"msgtype": "m.text", "body": body},
        "m.relates_to": {"rel_type": "m.replace", "event_id": event_id},
        **more,
    }


# sending


async def test_sent_event_is_what_others_read(chat, ann, bob, room):
    content = {**TEXT, "org.example.extra": {"kept": [1, None, True]}}
    sent = json_of(await ann.call(send(room, content)))
    read = await event(bob, room, sent["event_id"])
    assert read == {
        "event_id": sent["event_id"],
        "room_id": room,
        "type": "m.room.message",
        "sender": ann.id,
        "content": content,
        "origin_server_ts": chat.clock.ms,
        "unsigned": {
            "age": 0,
            "membership": "join",
            "org.chatproto.seq": sent["org.chatproto.seq"],
            "org.chatproto.pos": read["unsigned"]["org.chatproto.pos"],
        },
    }


async def test_unknown_type_passes_untouched(ann, room):
    content = {"any": {"thing": ["goes"]}}
    sent = await ann.send(room, content, "org.example.thing")
    assert (await event(ann, room, sent))["content"] == content


@pytest.mark.parametrize(
    ("content", "kind", "errcode"),
    [
        pytest.param({}, "m.room.message", "M_BAD_JSON", id="no body"),
        pytest.param(
            {"msgtype": "m.text", "body": 1},
            "m.room.message",
            "M_BAD_JSON",
            id="number",
        ),
        pytest.param({"a": 0.5}, "x", "M_BAD_JSON", id="fraction"),
        pytest.param({"a": 2**53}, "x", "M_BAD_JSON", id="large number"),
        pytest.param({"a": "\ud800"}, "x", "M_BAD_JSON", id="half a character"),
        pytest.param({"a": "a" * 65_536}, "x", "M_TOO_LARGE", id="large"),
        pytest.param({}, "x" * 256, "M_INVALID_PARAM", id="long type"),
        pytest.param({}, "", "M_INVALID_PARAM", id="no type"),
        pytest.param(
            {**TEXT, "m.mentions": {"user_ids": [f"@u{n}:x" for n in range(51)]}},
            "m.room.message",
            "M_TOO_LARGE",
            id="many mentions",
        ),
        pytest.param(
            {"redacts": "$e"}, "m.room.redaction", "M_FORBIDDEN", id="redaction"
        ),
        pytest.param({}, "m.room.create", "M_FORBIDDEN", id="create"),
        pytest.param({}, "m.reaction", "M_BAD_JSON", id="reaction to nothing"),
    ],
)
async def test_unfit_event_is_refused(ann, room, content, kind, errcode):
    before = len((await ann.history(room)).chunk)
    with refused(errcode):
        await ann.call(send(room, content, kind))
    assert len((await ann.history(room)).chunk) == before


async def test_deep_content_is_refused(ann, room):
    content = {}
    for _ in range(200):
        content = {"a": content}
    with refused("M_BAD_JSON"):
        await ann.call(send(room, content, "org.example.x"))


@pytest.mark.parametrize("txn", ["", "t" * 256, "a\nb"])
async def test_bad_transaction_id_is_refused(ann, room, txn):
    with refused("M_INVALID_PARAM"):
        await ann.call(send(room, TEXT, txn=txn))


# editing


async def test_edit_says_what_is_new(ann, bob, room):
    target = await ann.say(room)
    request = EditMessage(room_id=room, event_id=target, txn_id="t", content=TEXT)
    sent = await ann.call(request)
    assert (await event(bob, room, sent.event_id))["content"] == {
        "msgtype": "m.text",
        "body": "* text",
        "m.new_content": TEXT,
        "m.relates_to": {"rel_type": "m.replace", "event_id": target},
    }


@pytest.mark.parametrize("how", ["room.edit", "room.send"])
@pytest.mark.parametrize(
    ("target", "errcode"),
    [
        pytest.param("others'", "M_FORBIDDEN", id="others'"),
        pytest.param("edit", "M_FORBIDDEN", id="an edit"),
        pytest.param("deleted", "M_FORBIDDEN", id="deleted"),
        pytest.param("elsewhere", "M_NOT_FOUND", id="of another room"),
        pytest.param("unknown", "M_NOT_FOUND", id="unknown"),
        pytest.param("state", "M_FORBIDDEN", id="state"),
    ],
)
async def test_only_ones_own_messages_are_edited(ann, bob, room, how, target, errcode):
    own = await ann.say(room)
    targets = {
        "others'": await bob.say(room),
        "edit": await ann.send(room, replacing(own)),
        "deleted": await ann.say(room),
        "elsewhere": await ann.say(await ann.create()),
        "unknown": "$unknown",
        "state": await ann.set_state(room, "m.room.topic", {"topic": "t"}),
    }
    await ann.redact(room, targets["deleted"])
    request = send(room, replacing(targets[target]))
    if how == "room.edit":
        request = EditMessage(
            room_id=room, event_id=targets[target], txn_id="t", content=TEXT
        )
    with refused(errcode):
        await ann.call(request)


async def test_edit_keeps_the_type(ann, room):
    target = await ann.send(room, {"a": 1}, "org.example.x")
    with refused("M_FORBIDDEN"):
        await ann.send(room, replacing(target))
    await ann.send(room, replacing(target), "org.example.x")


async def test_edit_carries_new_content(ann, room):
    content = replacing(await ann.say(room))
    del content["m.new_content"]
    with refused("M_BAD_JSON"):
        await ann.send(room, content)


async def test_encrypted_edit_hides_new_content(ann, room):
    encrypted = {"algorithm": "m.megolm.v1.aes-sha2", "ciphertext": "AwgAEn"}
    target = await ann.send(room, encrypted, "m.room.encrypted")
    edit = {**replacing(target), **encrypted}
    del edit["m.new_content"]
    sent = await ann.send(room, edit, "m.room.encrypted")
    bundled = (await event(ann, room, target))["unsigned"]["m.relations"]
    assert bundled["m.replace"]["event_id"] == sent


# redacting


async def test_redacted_message_has_no_text(ann, bob, room):
    target = await bob.say(room)
    sent = await ann.redact(room, target, reason="rude")
    read = await event(bob, room, target)
    assert read["content"] == {}
    because = read["unsigned"]["redacted_because"]
    assert (because["event_id"], because["sender"]) == (sent, ann.id)
    assert because["content"] == {"redacts": target, "reason": "rude"}
    redaction = await event(bob, room, sent)
    assert redaction["redacts"] == redaction["content"]["redacts"] == target


async def test_redacted_state_tells_why_everywhere(ann, bob, room):
    target = await ann.set_state(room, "m.room.topic", {"topic": "secret"})
    await ann.redact(room, target, reason="secret")
    read = await bob.call(
        GetState(room_id=room, event_type="m.room.topic", format="event")
    )
    assert read["content"] == {}
    assert read["unsigned"]["redacted_because"]["content"]["reason"] == "secret"
    body = await bob.sync(filter='{"room": {"timeline": {"limit": 0}}}')
    [shown] = [
        e
        for e in body["rooms"]["join"][room]["state"]["events"]
        if e["type"] == "m.room.topic"
    ]
    assert shown["unsigned"]["redacted_because"]["sender"] == ann.id


async def test_redacting_needs_the_right(ann, bob, room):
    target = await ann.say(room)
    with refused("M_FORBIDDEN"):
        await bob.redact(room, target)
    levels = await ann.state(room, "m.room.power_levels")
    users = {**levels["users"], bob.id: 50}
    await ann.set_state(room, "m.room.power_levels", {**levels, "users": users})
    await bob.redact(room, target)
    assert (await event(ann, room, target))["content"] == {}


@pytest.mark.parametrize(
    ("target", "errcode"),
    [("create", "M_FORBIDDEN"), ("unknown", "M_NOT_FOUND"), ("other", "M_NOT_FOUND")],
)
async def test_not_everything_is_redacted(ann, room, target, errcode):
    targets = {
        "create": (await ann.history(room, dir="f")).chunk[0]["event_id"],
        "unknown": "$unknown",
        "other": await ann.say(await ann.create()),
    }
    with refused(errcode):
        await ann.call(RedactEvent(room_id=room, event_id=targets[target], txn_id="t"))


# reacting


async def test_reaction_counts_once(ann, bob, room):
    target = await ann.say(room)
    await bob.react(room, target)
    with refused("M_DUPLICATE_ANNOTATION", status=400):
        await bob.react(room, target)
    await bob.react(room, target, "-")
    await ann.react(room, target)
    found = await ann.call(GetRelations(room_id=room, event_id=target))
    assert len(found.chunk) == 3


async def test_reaction_taken_back_can_be_given_again(bob, room):
    target = await bob.say(room)
    reaction = await bob.react(room, target)
    await bob.redact(room, reaction)
    await bob.react(room, target)


# forwarding


async def forward(person, source, target, event_id):
    request = ForwardEvent(
        room_id=target, from_room_id=source, event_id=event_id, txn_id=person.txn()
    )
    sent = await person.call(request)
    return (await event(person, target, sent.event_id))["content"]


@pytest.fixture
async def home(bob):
    """A room of Bob's own."""
    return await bob.create()


async def test_forwarded_message_names_its_author(chat, ann, bob, room, home):
    target = await ann.say(
        room,
        "text",
        **{
            "m.mentions": {"user_ids": [bob.id]},
            "m.relates_to": {"m.in_reply_to": {"event_id": "$e"}},
            "formatted_body": "<b>text</b>",
        },
    )
    said_at = chat.clock.ms
    chat.clock.advance_ms(1_000)
    origin = {"sender": ann.id, "origin_server_ts": said_at}
    assert await forward(bob, room, home, target) == {
        **TEXT,
        "formatted_body": "<b>text</b>",
        "org.chatproto.forwarded": origin,
    }


async def test_forward_from_a_public_room_names_it(ann, bob, home):
    room = await ann.create(preset="public_chat")
    await bob.join(room)
    target = await ann.say(room)
    origin = (await forward(bob, room, home, target))["org.chatproto.forwarded"]
    assert (origin["room_id"], origin["event_id"]) == (room, target)


async def test_forward_of_a_forward_names_the_first_author(ann, bob, room, home):
    first = await forward(bob, room, home, await ann.say(room))
    forwarded = (await bob.history(home)).chunk[0]["event_id"]
    assert await forward(bob, home, room, forwarded) == first


async def test_edited_message_is_forwarded_as_it_is_read(ann, bob, room, home):
    target = await ann.say(room, "old")
    await ann.send(room, replacing(target, "newer"))
    edit = await ann.send(room, replacing(target, "newest"))
    for each in (target, edit):
        content = await forward(bob, room, home, each)
        assert content["body"] == "newest"
        assert content["org.chatproto.forwarded"]["sender"] == ann.id


async def test_later_edit_is_not_forwarded_by_who_has_left(ann, bob, room, home):
    target = await ann.say(room, "old")
    await bob.leave(room)
    await ann.send(room, replacing(target, "new"))
    assert (await forward(bob, room, home, target))["body"] == "old"


@pytest.mark.parametrize("what", ["deleted", "reaction", "state", "unknown"])
async def test_only_messages_are_forwarded(ann, bob, room, home, what):
    message = await ann.say(room)
    targets = {
        "deleted": await ann.say(room),
        "reaction": await ann.react(room, message),
        "state": await ann.set_state(room, "m.room.topic", {"topic": "t"}),
        "unknown": "$unknown",
    }
    await ann.redact(room, targets["deleted"])
    with refused("M_NOT_FOUND" if what == "unknown" else "M_FORBIDDEN"):
        await forward(bob, room, home, targets[what])


# state


async def test_same_state_again_is_the_same_event(ann, room):
    first = await ann.set_state(room, "m.room.topic", {"topic": "t"})
    assert await ann.set_state(room, "m.room.topic", {"topic": "t"}) == first
    assert await ann.set_state(room, "m.room.topic", {"topic": "u"}) != first
    assert await ann.state(room, "m.room.topic") == {"topic": "u"}


async def test_state_has_a_key(ann, bob, room):
    await ann.set_state(room, "org.example.x", {"a": 1}, "one")
    await ann.set_state(room, "org.example.x", {"a": 2}, "two")
    assert await bob.state(room, "org.example.x", "one") == {"a": 1}
    with refused("M_NOT_FOUND"):
        await bob.state(room, "org.example.x")


@pytest.mark.parametrize(
    ("kind", "content", "key", "errcode"),
    [
        pytest.param("m.room.name", {"name": 1}, "", "M_BAD_JSON", id="content"),
        pytest.param("x", {}, "k" * 256, "M_TOO_LARGE", id="long key"),
        pytest.param("", {}, "", "M_INVALID_PARAM", id="no type"),
        pytest.param(
            "m.room.power_levels", {"ban": "50"}, "", "M_BAD_JSON", id="levels"
        ),
        pytest.param(
            "m.room.member",
            {"membership": "invite"},
            "@no:example.com",
            "M_FORBIDDEN",
            id="invited elsewhere",
        ),
        pytest.param(
            "m.room.canonical_alias",
            {"alias": "#no:example.org"},
            "",
            "M_BAD_ALIAS",
            id="unknown alias",
        ),
        pytest.param(
            "m.room.canonical_alias",
            {"alt_aliases": ["#other:example.org"]},
            "",
            "M_BAD_ALIAS",
            id="alias of another room",
        ),
        pytest.param(
            "m.room.canonical_alias", {"alias": "no"}, "", "M_INVALID_PARAM", id="alias"
        ),
    ],
)
async def test_unfit_state_is_refused(ann, room, kind, content, key, errcode):
    await ann.create(room_alias_name="other")
    with refused(errcode):
        await ann.set_state(room, kind, content, key)


async def test_main_alias_is_one_of_the_room(ann, room):
    alias = "#a:example.org"
    await ann.call(CreateAlias(room_alias=alias, room_id=room))
    content = {"alias": alias, "alt_aliases": [alias]}
    await ann.set_state(room, "m.room.canonical_alias", content)
    assert await ann.state(room, "m.room.canonical_alias") == content


async def test_stale_alias_may_stay(ann):

    room = await ann.create(room_alias_name="a")
    await ann.call(DeleteAlias(room_alias="#a:example.org"))
    content = {"alias": None, "alt_aliases": ["#a:example.org"]}
    await ann.set_state(room, "m.room.canonical_alias", content)


async def test_double_tap_reacts_once(ann, bob, room):
    said = (await ann.call(send(room, TEXT))).event_id
    relation = {"rel_type": "m.annotation", "event_id": said, "key": "+"}
    told = []

    async def tap(txn):
        request = send(room, {"m.relates_to": relation}, "m.reaction", txn)
        try:
            told.append((await bob.call(request)).event_id)
        except MatrixError as error:
            told.append(error.errcode)

    async with trio.open_nursery() as nursery:
        for number in range(3):
            nursery.start_soon(tap, f"tap{number}")
    assert sorted(told)[1:] == ["M_DUPLICATE_ANNOTATION"] * 2


async def test_origin_of_a_forward_is_the_servers_to_tell(ann, room):
    origin = {"sender": "@boss:example.org", "event_id": "$x", "room_id": "!y"}
    with refused("M_FORBIDDEN"):
        await ann.call(send(room, {**TEXT, "org.chatproto.forwarded": origin}))
