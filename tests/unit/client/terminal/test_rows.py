from __future__ import annotations

import time

import pytest

from chatproto.client.terminal.rows import chat_rows
from chatproto.client.terminal.words import changed_content
from tests.unit.client.terminal.scene import ANN, ME, ROOM, event, state, text

DAY_MS = 86_400_000


def rows(known, cells=80, wanted=1_000, **more):
    room = known.rooms[ROOM]
    items = known.items(ROOM)
    return chat_rows(room, items, cells, wanted, clock=time.gmtime, **more)


def texts(known, **more):
    return [line.text.strip() for line in rows(known, **more).lines]


def test_days_are_parted():
    said = [
        event(4 + n, ANN, text(f"m{n}"), origin_server_ts=DAY_MS * n // 2)
        for n in range(4)
    ]
    assert texts(state(*said))[4:] == [
        "4 00:00 Ann: m0",
        "5 12:00 Ann: m1",
        "── Fri 02 Jan 1970 ──",
        "6 00:00 Ann: m2",
        "7 12:00 Ann: m3",
    ]
    assert texts(state(*said))[0] == "── Thu 01 Jan 1970 ──"


@pytest.mark.parametrize("ts", [2**63 - 1, -(2**63), -1])
def test_any_time_can_be_shown(ts):
    assert "Ann: x" in texts(state(event(4, ANN, text("x"), origin_server_ts=ts)))[-1]


def test_own_messages_show_who_has_read_them():
    known = state(*(event(4 + n, ME, text(f"m{n}")) for n in range(5)))
    receipt = {"room_id": ROOM, "user_id": ANN, "event_id": "$6", "seq": 6}
    known.apply({"receipt": {**receipt, "type": "m.read"}}, 0)
    ticks = [line.rpartition(" ")[2] for line in texts(known)[-5:]]
    assert ticks == ["✓✓", "✓✓", "✓✓", "✓", "✓"]


def test_waiting_and_refused_messages_are_told_apart():
    known = state()
    known.send(ROOM, "m.room.message", text("one"), "t1", 0)
    known.send(ROOM, "m.room.message", text("two"), "t2", 0)
    known.failed("t2", {"errcode": "M_TOO_LARGE", "error": "too large"})
    assert texts(known)[-2:] == [
        "00:00 @me:x: one …",
        "00:00 @me:x: two ✗ not sent: too large; /retry or /drop",
    ]


def test_redacted_message_is_shown_as_deleted():
    known = state(event(4, ANN, text("secret")))
    redaction = event(
        5,
        ANN,
        {"redacts": "$4"},
        "m.room.redaction",
        redacts="$4",
        room_id=ROOM,
    )
    known.apply({"event": redaction}, 0)
    assert texts(known)[-1] == "4 00:00 Ann: (deleted)"
    assert "secret" not in str(rows(known))


def test_answer_to_what_is_not_here_says_so():
    reply = {"m.in_reply_to": {"event_id": "$unknown"}}
    known = state(event(4, ANN, text("yes", **{"m.relates_to": reply})))
    assert texts(known)[-2:] == ["4 00:00 ↪ an earlier message", "Ann: yes"]


def test_quote_is_one_line():
    reply = {"m.in_reply_to": {"event_id": "$4"}}
    known = state(
        event(4, ANN, text("one\ntwo")),
        event(5, ANN, text("yes", **{"m.relates_to": reply})),
    )
    assert texts(known)[-2:] == ["5 00:00 ↪ Ann: one two", "Ann: yes"]


def test_lines_go_on_under_their_text():
    known = state(event(4, ANN, text("one two three more\nend")))
    assert [line.text for line in rows(known, cells=30).lines[-3:]] == [
        "   4 00:00 Ann: one two three",
        "           more",
        "           end",
    ]


def test_message_of_many_lines_is_shown_in_part():
    shown = texts(state(event(4, ANN, text("\n" * 60_000 + "end"))))
    assert len(shown) < 1_100
    assert shown[-1] == "…"


def test_no_more_is_drawn_than_wanted():
    known = state(*(event(4 + n, ANN, text(f"m{n}")) for n in range(500)))
    assert len(rows(known, wanted=20).lines) == 20
    found = rows(known, wanted=20, until="$100").lines
    assert 20 <= [line.key for line in found].index("$100") < 40


def test_change_keeps_what_the_message_is():
    content = {
        **text("hi", msgtype="m.emote", format="org.matrix.custom.html"),
        "formatted_body": "<b>hi</b>",
        "m.mentions": {"user_ids": [ANN]},
        "m.relates_to": {"m.in_reply_to": {"event_id": "$4"}},
    }
    changed = {
        "msgtype": "m.emote",
        "m.mentions": {"user_ids": [ANN]},
        "body": "hello",
    }
    known = state(event(5, ME, content))
    assert changed_content(known.items(ROOM)[-1], "hello") == changed
    waiting = state()
    waiting.send(ROOM, "m.room.message", content, "t1", 0)
    assert changed_content(waiting.items(ROOM)[-1], "hello") == {
        **changed,
        "m.relates_to": content["m.relates_to"],
    }
