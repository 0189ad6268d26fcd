from __future__ import annotations

import pytest
from attrs import NOTHING, fields, frozen

from chatproto.errors import MatrixError
from chatproto.events import DEFAULT_REGISTRY, EVENT_TYPES
from chatproto.events.account_data import Direct
from chatproto.events.declare import EventKind, EventType
from chatproto.events.receipt import Receipt, Receipts
from chatproto.events.registry import Registry, UnknownContent
from chatproto.events.relations import Forwarded
from chatproto.events.room_message import Message
from chatproto.events.room_state import PinnedEvents, PowerLevelsContent


def attrs_required(kind):
    return any(
        attribute.default is NOTHING and not hasattr(kind, "from_content")
        for attribute in fields(kind)
    )


TEXT = {"msgtype": "m.text", "body": "hello"}


@frozen(kw_only=True)
class Poll:
    """A question to a room."""

    question: str


POLL = EventType("org.example.poll", EventKind.MESSAGE, Poll, bumps=True, counts=True)


@pytest.mark.parametrize("declared", EVENT_TYPES, ids=lambda declared: declared.type)
def test_declared_type_is_documented(declared):
    assert declared.doc
    assert DEFAULT_REGISTRY.get(declared.type) is declared


@pytest.mark.parametrize(
    "declared",
    [declared for declared in EVENT_TYPES if not attrs_required(declared.content)],
    ids=lambda declared: declared.type,
)
def test_content_without_required_keys_may_be_empty(declared):
    assert type(DEFAULT_REGISTRY.parse(declared.type, {})) is declared.content


def test_doc_may_be_given():
    assert EventType("a", EventKind.STATE, Poll, doc="Another.").doc == "Another."
    assert POLL.doc == "A question to a room."


def test_message_is_typed():
    forwarded = {"sender": "@bob:hub.example", "origin_server_ts": 5}
    content = {
        **TEXT,
        "org.example.more": [1.5],
        "m.relates_to": {"rel_type": "m.thread"},
        "org.chatproto.forwarded": forwarded,
    }
    message = DEFAULT_REGISTRY.parse("m.room.message", content)
    assert isinstance(message, Message)
    assert (message.msgtype, message.body) == ("m.text", "hello")
    assert message.relates_to == {"rel_type": "m.thread"}
    assert message.forwarded == Forwarded(sender="@bob:hub.example", origin_server_ts=5)


def test_missing_levels_have_their_defaults():
    levels = DEFAULT_REGISTRY.parse("m.room.power_levels", {"ban": 60})
    assert isinstance(levels, PowerLevelsContent)
    assert (levels.ban, levels.kick, levels.invite) == (60, 50, 0)


def test_list_becomes_a_tuple():
    pinned = DEFAULT_REGISTRY.parse("m.room.pinned_events", {"pinned": ["$a", "$b"]})
    assert pinned == PinnedEvents(pinned=("$a", "$b"))


def test_keys_of_direct_chats_are_users():
    direct = DEFAULT_REGISTRY.parse("m.direct", {"@a:b": ["!x:b"]})
    assert direct == Direct(rooms={"@a:b": ("!x:b",)})


def test_receipts_are_public_private_and_threaded():
    content = {
        "$a": {"m.read": {"@ann:b": {"ts": 7, "thread_id": "main"}}},
        "$b": {"m.read.private": {"@bob:b": {}}},
    }
    assert DEFAULT_REGISTRY.parse("m.receipt", content) == Receipts(
        receipts=(
            Receipt(
                event_id="$a", type="m.read", user_id="@ann:b", ts=7, thread_id="main"
            ),
            Receipt(event_id="$b", type="m.read.private", user_id="@bob:b"),
        )
    )


def test_unknown_type_passes_untouched():
    content = {"a": [1.5]}
    parsed = DEFAULT_REGISTRY.parse("org.example.unknown", content)
    assert isinstance(parsed, UnknownContent)
    assert parsed.content is content


@pytest.mark.parametrize(
    ("event_type", "content", "names"),
    [
        ("m.room.message", {"body": "x"}, "msgtype"),
        ("m.room.message", {"msgtype": 5, "body": "x"}, "msgtype"),
        ("m.room.message", {**TEXT, "info": []}, "info"),
        ("m.room.message", {**TEXT, "formatted_body": 1}, "formatted_body"),
        (
            "m.room.message",
            {**TEXT, "org.chatproto.forwarded": {"sender": "@a:b"}},
            "origin_server_ts",
        ),
        ("m.room.name", {"name": None}, "name"),
        ("m.room.name", {"name": 5}, "name"),
        ("m.room.name", [], "object"),
        ("m.room.create", {"m.federate": 1}, "federate"),
        ("m.room.power_levels", {"ban": True}, "ban"),
        ("m.room.power_levels", {"ban": "50"}, "ban"),
        ("m.room.power_levels", {"users": [1]}, "users"),
        ("m.room.pinned_events", {"pinned": "abc"}, "pinned"),
        ("m.room.pinned_events", {"pinned": ["a", 1]}, "pinned"),
        ("m.room.join_rules", {"join_rule": "invite", "allow": [1]}, "allow"),
        ("m.reaction", {}, "relates_to"),
        ("m.direct", {"@ann:b": "!x"}, "@ann:b"),
        ("m.direct", {"@ann:b": [1]}, "@ann:b"),
        ("m.receipt", {"$a": {"m.read": []}}, "object"),
        ("m.receipt", {"$a": {"m.read": {"@ann:b": 1}}}, "object"),
    ],
)
def test_wrong_content_is_refused_by_name(event_type, content, names):
    with pytest.raises(MatrixError) as caught:
        DEFAULT_REGISTRY.parse(event_type, content)
    assert caught.value.errcode == "M_BAD_JSON"
    assert event_type in caught.value.error
    assert names in caught.value.error


def test_encrypted_text_may_be_an_object():
    content = {"algorithm": "m.olm.v1", "ciphertext": {"key": {"type": 0, "body": "x"}}}
    assert DEFAULT_REGISTRY.parse("m.room.encrypted", content).ciphertext


EDIT = {**TEXT, "m.relates_to": {"rel_type": "m.replace", "event_id": "$a"}}
REPLY = {**TEXT, "m.relates_to": {"m.in_reply_to": {"event_id": "$a"}}}


@pytest.mark.parametrize(
    ("event_type", "content", "bumps", "counts"),
    [
        ("m.room.message", TEXT, True, True),
        ("m.room.message", REPLY, True, True),
        ("m.room.message", {**TEXT, "msgtype": "m.notice"}, True, False),
        ("m.room.message", EDIT, False, False),
        ("m.room.message", {**TEXT, "m.relates_to": "junk"}, True, True),
        ("m.room.encrypted", {}, True, True),
        ("m.sticker", {}, True, True),
        ("m.reaction", {}, False, False),
        ("m.room.redaction", {}, False, False),
        ("m.room.name", {"name": "x"}, False, False),
        ("m.room.member", {"membership": "join"}, False, False),
        ("org.example.poll", {}, False, False),
    ],
    ids=[
        "text",
        "reply",
        "notice",
        "edit",
        "strange-relation",
        "encrypted",
        "sticker",
        "reaction",
        "redaction",
        "name",
        "member",
        "unknown",
    ],
)
def test_what_lifts_and_counts(event_type, content, bumps, counts):
    assert DEFAULT_REGISTRY.bumps(event_type, content) is bumps
    assert DEFAULT_REGISTRY.counts(event_type, content) is counts


def test_more_types_make_another_registry():
    more = DEFAULT_REGISTRY.with_types([POLL])
    assert more.get("org.example.poll") is POLL
    assert more.counts("org.example.poll", {})
    assert more.parse("org.example.poll", {"question": "Tea?"}) == Poll(question="Tea?")
    assert DEFAULT_REGISTRY.get("org.example.poll") is None
    assert set(more) == {*EVENT_TYPES, POLL}


def test_type_cannot_be_declared_twice():
    with pytest.raises(ValueError, match=r"org\.example\.poll"):
        Registry([POLL, POLL])
    with pytest.raises(ValueError, match=r"m\.room\.name"):
        DEFAULT_REGISTRY.with_types([EventType("m.room.name", EventKind.STATE, Poll)])
