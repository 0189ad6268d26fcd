from __future__ import annotations

import re
import unicodedata

import pytest
from attrs import asdict
from hypothesis import given, settings
from hypothesis import strategies as st

from chatproto.client.terminal.editor import Editor
from chatproto.client.terminal.screen import View, paint, render
from chatproto.client.terminal.text import clean, clean_lines, width
from chatproto.sync.store import ClientState
from chatproto.sync.vectors import load
from tests.unit.client.terminal.scene import (
    ANN,
    ME,
    ROOM,
    event,
    looking,
    shown,
    state,
    text,
)


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
    meant = text("x", **{"m.mentions": {"user_ids": [ME]}})
    known.apply({"event": event(5, ANN, meant, room_id=ROOM)}, 0)
    lines, _ = shown(known)
    assert lines[1][:28].split() == ["Lunch", "@1", "2"]


def test_list_tells_of_drafts_and_invitations():
    known = state()
    invited = {"invite_state": {"events": []}, "org.chatproto.room": {"bump": 10}}
    body = {"next_batch": "s10", "rooms": {"invite": {"!i:x": invited}}}
    known.apply_sync(body, 0)
    lines, _ = shown(known, looking(room_id="!i:x", drafts={ROOM: "half"}))
    assert lines[1][:28].split() == ["!i:x", "invited"]
    assert lines[2][:28].split() == ["Lunch", "✎"]
    assert "Somebody asks you in" in "\n".join(lines)


def test_cursor_is_where_one_writes():
    view = looking(editor=Editor("привет 日本", 9))
    _, screen = shown(state(), view)
    assert (screen.cursor.y, screen.cursor.x) == (11, 2 + width("привет 日本"))


def test_long_line_is_moved_under_the_cursor():
    view = looking(editor=Editor.of("a" * 200 + "end"))
    lines, screen = shown(state(), view)
    assert lines[-1].endswith("end")
    assert screen.cursor.x < 80


def test_scrolling_stops_at_the_oldest():
    view = looking(scroll=10_000)
    many = state(*(event(4 + n, ANN, text(f"m{n}")) for n in range(30)))
    lines, _ = shown(many, view)
    assert "is in the room" in "\n".join(lines)
    assert render(many, view, 80, 12).scroll == 33 + 1 - 9  # with the day


@pytest.mark.parametrize(
    "size", [(10, 4), (59, 5), (60, 5), (200, 50), (1, 1)], ids=str
)
def test_any_size_is_filled(size):
    screen = render(state(event(4, ANN, text("日本語 " * 20))), looking(), *size)
    assert len(screen.lines) == max(4, size[1])


def test_chat_begins_at_its_column_whatever_is_left_of_it():
    family = "👨\u200d👩\u200d👧" * 5
    lines, _ = shown(state(event(4, ANN, text("hello")), name=family))
    bars = {line.index("│") for line in lines if "│" in line and family[0] not in line}
    assert bars == {28}


def test_drawing_changes_nothing():
    many = state(*(event(4 + n, ANN, text(f"m{n}")) for n in range(30)))
    view = looking(scroll=1_000, editor=Editor.of("x"), drafts={ROOM: "y"})
    before = asdict(view)
    assert render(many, view, 80, 12) == render(many, view, 80, 12)
    assert asdict(view) == before


@pytest.mark.parametrize("scroll", [1, 5, 20])
def test_chat_moved_back_stays_where_it_is(scroll):
    said = [event(4 + n, ANN, text(f"m{n} " * 30)) for n in range(60)]
    first = render(state(*said[:40]), looking(scroll=scroll), 80, 12)
    view = looking(scroll=first.scroll, anchor=first.anchor)
    later = render(state(*said), view, 80, 12)
    assert later.lines[1:-2] == first.lines[1:-2]
    assert later.scroll > first.scroll


def test_only_what_is_missing_here_is_asked_for():
    said = [event(40 + n, ANN, text(f"m{n}")) for n in range(30)]
    known = state()
    section = {"timeline": {"events": said, "limited": True, "prev_batch": "t39"}}
    known.apply_sync({"next_batch": "s99", "rooms": {"join": {ROOM: section}}}, 0)
    assert render(known, looking(), 80, 12).missing is None
    back = render(known, looking(scroll=15), 80, 12)
    assert back.missing == "t39"
    far = render(known, looking(scroll=25), 80, 12)
    assert "earlier messages" in "\n".join(far.lines)


HOSTILE = st.text(
    st.one_of(
        st.characters(), st.sampled_from("\x1b[]2J;\x07\x9b\x9d\u202e\u2066\r\n")
    ),
    max_size=30,
)


def written_by_others(said):
    """A room in which everything that others can choose is what they chose."""
    name, topic, body, person, key, status, error, writer = said
    member = {"membership": "join", "displayname": person}
    reply = {"m.in_reply_to": {"event_id": "$4"}}
    known = state(
        event(4, ANN, text(body)),
        event(5, ANN, {"topic": topic}, "m.room.topic", state_key=""),
        event(6, ANN, reaction("$4", key), "m.reaction"),
        event(7, ANN, member, "m.room.member", state_key=ANN),
        event(8, ANN, text(body, msgtype="m.image", **{"m.relates_to": reply})),
        event(9, ANN, {"body": 5}, "org.example." + "".join(key.splitlines())),
        name=name,
    )
    known.apply({"typing": {"room_id": ROOM, "user_ids": [f"@{writer}:x"]}}, 0)
    known.apply({"presence": {"user_id": ANN, "status_msg": status}}, 0)
    known.send(ROOM, "m.room.message", text("mine"), "t1", 0)
    known.failed("t1", {"error": error})
    return known


def reaction(target, key):
    relation = {"rel_type": "m.annotation", "event_id": target, "key": key}
    return {"m.relates_to": relation}


@settings(max_examples=150, deadline=None)
@given(st.lists(HOSTILE, min_size=8, max_size=8), st.integers(10, 90), st.booleans())
def test_nothing_of_others_reaches_the_terminal_raw(said, columns, is_noticed):
    said = ["n" + text for text in said]  # without a name, something else is shown
    said[2] = "\n".join(said[2].splitlines())
    harmless = [clean(text) for text in said]
    harmless[2] = "\n".join(clean_lines(said[2]))
    pictures = [
        paint(
            None,
            render(
                written_by_others(texts),
                looking(notice=texts[6] if is_noticed else ""),
                columns,
                30,
            ),
        )
        for texts in (said, harmless)
    ]
    # With no escape in what others wrote, all there are on the screen are our own.
    assert pictures[0].count("\x1b") == pictures[1].count("\x1b")
    rest = re.sub(r"\x1b\[[0-9;]*[mHGK]", "", pictures[0])
    assert not any(
        unicodedata.category(char) in ("Cc", "Cf", "Cs", "Zl", "Zp")
        for char in rest.replace("\u200d", "")
    )


@pytest.mark.parametrize("name", ["\u202e", "\x1b", " \u200b "], ids=ascii)
def test_name_of_nothing_is_replaced_by_the_id(name):
    member = {"membership": "join", "displayname": name}
    lines, _ = shown(
        state(
            event(4, ANN, member, "m.room.member", state_key=ANN),
            event(5, ANN, text("hello")),
            name=name,
        )
    )
    assert lines[0] == f" {ROOM}"
    assert f"{ANN}: hello" in "\n".join(lines)


def test_only_changed_lines_are_painted():
    known = state(event(4, ANN, text("hello")))
    view = looking()
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
