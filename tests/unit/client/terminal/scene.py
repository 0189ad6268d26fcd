"""A room with a few members, and what is seen of it."""

from __future__ import annotations

import time

import pyte

from chatproto.client.terminal.screen import View, paint, render
from chatproto.sync.store import ClientState

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
    view = view or looking()
    pyte.Stream(screen).feed(paint(None, render(known, view, columns, rows)))
    return [line.rstrip() for line in screen.display], screen


def looking(**more):
    return View(**{"room_id": ROOM, "clock": time.gmtime, **more})


def text(body, **more):
    return {"msgtype": "m.text", "body": body, **more}
