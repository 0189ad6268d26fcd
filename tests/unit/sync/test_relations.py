from __future__ import annotations

from typing import Any

import pytest

from chatproto.sync.relations import (
    Reaction,
    Redaction,
    Related,
    Relations,
    Thread,
    redaction_of,
    related_of,
    reply_target,
    thread_root,
)

TARGET = {"event_id": "$t", "sender": "@a:x", "type": "m.room.message"}


def related(name: str, seq: int, kind: str, **more: Any) -> Related:
    fields = {"sender": "@a:x", "type": "m.room.message", "target": "$t", **more}
    return Related(event_id=name, seq=seq, kind=kind, **fields)


def redaction(seq: int, *, counted: bool) -> Redaction:
    return Redaction(
        event_id=f"${seq}",
        seq=seq,
        sender="@a:x",
        target="$t",
        reason=None,
        counted=counted,
    )


def test_newest_edit_of_author_and_type_wins() -> None:
    relations = Relations()
    relations.add(related("$3", 3, "m.replace"))
    relations.add(related("$2", 2, "m.replace"))
    relations.add(related("$4", 4, "m.replace", sender="@b:x"))
    relations.add(related("$5", 5, "m.replace", type="m.sticker"))
    edit = relations.edit(TARGET)
    assert edit is not None
    assert edit.event_id == "$3"
    assert relations.edit({**TARGET, "state_key": ""}) is None


def test_reactions_are_ordered_by_first_use() -> None:
    relations = Relations()
    relations.add(related("$4", 4, "m.annotation", key="+", sender="@b:x"))
    relations.add(related("$2", 2, "m.annotation", key="+"))
    relations.add(related("$5", 5, "m.annotation", key="+"))
    relations.add(related("$1", 1, "m.annotation", key="-"))
    assert relations.reactions(TARGET) == (
        Reaction(key="-", senders=("@a:x",)),
        Reaction(key="+", senders=("@a:x", "@b:x")),
    )
    assert relations.reaction_id(TARGET, "@b:x", "+") == "$4"
    assert relations.reaction_id(TARGET, "@b:x", "-") is None


def test_thread_names_count_and_newest_answer() -> None:
    relations = Relations()
    relations.add(related("$7", 7, "m.thread"))
    relations.add(related("$5", 5, "m.thread"))
    relations.add(related("$9", 9, "m.thread", target="$u"))
    assert relations.thread(TARGET) == Thread(count=2, latest="$7")
    assert relations.thread_roots() == ("$u", "$t")


@pytest.mark.parametrize(
    ("told", "never"),
    [([], False), ([False], True), ([False, True], False), ([True, False], False)],
    ids=["not-redacted", "uncounted", "second-counted", "first-counted"],
)
def test_all_redactions_must_say_never_counted(told: list[bool], never: bool) -> None:
    relations = Relations()
    for seq, counted in enumerate(told):
        relations.redact(redaction(seq, counted=counted))
    assert relations.never_counted("$t") is never


def test_first_redaction_is_the_one_named() -> None:
    relations = Relations()
    relations.redact(redaction(5, counted=False))
    relations.redact(redaction(4, counted=True))
    found = relations.redaction("$t")
    assert found is not None
    assert found.seq == 4


def event(content: Any, **more: Any) -> dict[str, Any]:
    unsigned = {"org.chatproto.seq": 3}
    base = {"event_id": "$e", "sender": "@a:x", "type": "m.room.message"}
    return {**base, "content": content, "unsigned": unsigned, **more}


@pytest.mark.parametrize(
    "found",
    [
        event({}),
        event("text"),
        event({"m.relates_to": "$t"}),
        event({"m.relates_to": {"rel_type": "m.annotation"}}),
        event({"m.relates_to": {"rel_type": "m.replace", "event_id": "$t"}}),
        event({"m.relates_to": {"rel_type": "m.x", "event_id": "$t"}}, state_key=""),
        event({"m.relates_to": {"rel_type": "m.x", "event_id": "$t"}}, unsigned={}),
    ],
    ids=["none", "text", "bare", "no-target", "empty-edit", "state", "no-place"],
)
def test_malformed_relation_is_none(found: dict[str, Any]) -> None:
    assert related_of(found) is None


@pytest.mark.parametrize(
    "more",
    [{"content": {"redacts": "$t"}}, {"content": {}, "redacts": "$t"}],
    ids=["in-content", "at-top"],
)
def test_redaction_names_its_target(more: dict[str, Any]) -> None:
    found = redaction_of({**event({}), "type": "m.room.redaction", **more})
    assert found is not None
    assert found.target == "$t"
    assert found.counted


def test_message_with_redacts_is_no_redaction() -> None:
    assert redaction_of(event({"redacts": "$t"})) is None


def test_reply_in_thread_is_told_from_its_fallback() -> None:
    relates_to: dict[str, Any] = {
        "rel_type": "m.thread",
        "event_id": "$root",
        "m.in_reply_to": {"event_id": "$t"},
    }
    real = event({"m.relates_to": relates_to})
    fallback = event({"m.relates_to": {**relates_to, "is_falling_back": True}})
    assert (reply_target(real), thread_root(real)) == ("$t", "$root")
    assert (reply_target(fallback), thread_root(fallback)) == (None, "$root")
