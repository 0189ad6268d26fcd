from __future__ import annotations

import pyte
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatproto.client.terminal.editor import Editor
from chatproto.client.terminal.screen import View, paint, render
from chatproto.client.terminal.text import width
from chatproto.sync.store import ClientState
from chatproto.sync.vectors import load

ME, ANN = "@me:x", "@ann:x"
ROOM = "!r:x"


def event(seq, sender, content, event_type="m.room.message", **more):
    return {
        "event_id": f"${seq}",
        "sender": sender,
        "type": event_type,
        "content": content,
        "origin_server_ts": 0,
        "unsigned": {"org.chatproto.seq": seq, "org.chatproto.pos": seq},
        **more,
    }


def state(*events, name="Lunch"):
    known = ClientState(user_id=ME)
    own = event(1, ME, {"membership": "join"}, "m.room.member", state_key=ME)
    named = event(2, ANN, {"name": name}, "m.room.name", state_key="")
    other = event(
        3,
        ANN,
        {"membership": "join", "displayname": "Ann"},
        "m.room.member",
        state_key=ANN,
    )
    section = {
        "timeline": {"events": [own, named, other, *events], "prev_batch": "t0"},
        "org.chatproto.room": {"initial": True, "bump": 9, "through": 3 + len(events)},
        "unread_notifications": {"notification_count": 0},
    }
    known.apply_sync({"next_batch": "s9", "rooms": {"join": {ROOM: section}}}, 0)
    return known


def shown(known, view=None, columns=80, rows=12):
    """What is on a real terminal's screen."""
    screen = pyte.Screen(columns, rows)
    view = view or View(room_id=ROOM)
    pyte.Stream(screen).feed(paint(None, render(known, view, columns, rows)))
    return [line.rstrip() for line in screen.display], screen


def text(body, **more):
    return {"msgtype": "m.text", "body": body, **more}


def test_messages_are_shown_with_what_others_did():
    lines, _ = shown(
        state(
            event(4, ANN, text("hello")),
            event(
                5,
                ME,
                text("hi", **{"m.relates_to": {"m.in_reply_to": {"event_id": "$4"}}}),
            ),
            event(
                6,
                ME,
                text(
                    "* hey",
                    **{
                        "m.new_content": text("hey"),
                        "m.relates_to": {"rel_type": "m.replace", "event_id": "$5"},
                    },
                ),
            ),
            event(
                7,
                ANN,
                {
                    "m.relates_to": {
                        "rel_type": "m.annotation",
                        "event_id": "$5",
                        "key": "👍",
                    }
                },
                "m.reaction",
            ),
            event(8, ANN, {"msgtype": "m.emote", "body": "waves"}),
            event(
                9, ANN, {"msgtype": "m.image", "body": "cat.png", "url": "mxc://x/1"}
            ),
        ),
        rows=16,
    )
    chat = [line[29:].strip() for line in lines]
    assert "4 00:00 Ann: hello" in chat
    assert "5 00:00 ↪ Ann: hello" in chat
    assert any(line.startswith("@me:x: hey (edited) ✓") for line in chat)
    assert any(line.startswith("👍") and line.endswith("1") for line in chat)
    assert "8 00:00 * Ann waves" in chat
    assert "9 00:00 Ann: [picture] cat.png" in chat
    assert lines[0] == " Lunch"


def test_list_tells_what_is_unread():
    known = state()
    known.apply({"event": event(4, ANN, text("x"), room_id=ROOM)}, 0)
    lines, _ = shown(known)
    assert lines[1][:28].split() == ["Lunch", "1"]


def test_cursor_is_where_one_writes():
    view = View(room_id=ROOM, editor=Editor("привет 日本", 9))
    _, screen = shown(state(), view)
    assert (screen.cursor.y, screen.cursor.x) == (11, 2 + width("привет 日本"))


def test_long_line_is_moved_under_the_cursor():
    view = View(room_id=ROOM, editor=Editor.of("a" * 200 + "end"))
    lines, screen = shown(state(), view)
    assert lines[-1].endswith("end")
    assert screen.cursor.x < 80


def test_scrolling_stops_at_the_oldest():
    view = View(room_id=ROOM, scroll=10_000)
    many = state(*(event(4 + n, ANN, text(f"m{n}")) for n in range(30)))
    lines, _ = shown(many, view)
    assert "is in the room" in "\n".join(lines)
    assert render(many, view, 80, 12).scroll == 33 + 1 - 9  # with the day


@pytest.mark.parametrize(
    "size", [(10, 4), (59, 5), (60, 5), (200, 50), (1, 1)], ids=str
)
def test_any_size_is_filled(size):
    screen = render(
        state(event(4, ANN, text("日本語 " * 20))), View(room_id=ROOM), *size
    )
    assert len(screen.lines) == max(4, size[1])


@settings(max_examples=60, deadline=None)
@given(st.text(), st.text(), st.text(), st.integers(10, 90))
def test_nothing_of_others_reaches_the_terminal_raw(body, name, topic, columns):
    known = state(
        event(4, ANN, text(body)),
        event(5, ANN, {"topic": topic}, "m.room.topic", state_key=""),
        event(
            6,
            ANN,
            {
                "m.relates_to": {
                    "rel_type": "m.annotation",
                    "event_id": "$4",
                    "key": name,
                }
            },
            "m.reaction",
        ),
        name=name,
    )
    painted = paint(None, render(known, View(room_id=ROOM), columns, 12))
    known_styles = ("\x1b[0m", "\x1b[1m", "\x1b[2m", "\x1b[7m", "\x1b[K")
    for style in known_styles:
        painted = painted.replace(style, "")
    rest = "".join(part.partition("H")[2] for part in painted.split("\x1b[")[1:])
    assert "\x1b" not in rest
    assert not any(ord(char) < 32 or 127 <= ord(char) < 160 for char in rest)


def test_only_changed_lines_are_painted():
    known = state(event(4, ANN, text("hello")))
    view = View(room_id=ROOM)
    before = render(known, view, 80, 12)
    view.editor = Editor.of("x")
    after = render(known, view, 80, 12)
    assert paint(before, after).count("\x1b[K") == 1
    assert paint(after, after).count("\x1b[K") == 0


@pytest.mark.parametrize("vector", load(), ids=lambda vector: vector["name"])
def test_vectors_can_be_drawn(vector):
    known = ClientState(user_id=vector.get("user_id", ME))
    for step in vector["steps"]:
        if "frame" in step:
            known.apply_frame(step["frame"], 0)
    for room_id in [None, *known.rooms]:
        render(known, View(room_id=room_id), 80, 24)
