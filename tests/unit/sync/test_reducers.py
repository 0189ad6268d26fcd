from __future__ import annotations

from typing import Any

from chatproto.sync.reducers import Reducer
from chatproto.sync.store import ClientState

ROOM = "!r:x"


def vote(seq: int, choice: str) -> dict[str, Any]:
    return message(seq, "org.example.vote", {"choice": choice})


def message(seq: int, kind: str, content: Any, **more: Any) -> dict[str, Any]:
    return {
        "event_id": f"${seq}",
        "room_id": ROOM,
        "type": kind,
        "sender": "@a:x",
        "content": content,
        "unsigned": {"org.chatproto.seq": seq, "org.chatproto.pos": seq},
        **more,
    }


VOTES = Reducer(
    name="org.example.polls",
    event_types=["org.example.vote", "org.example.rule"],
    initial={},
    fold=lambda votes, event: {
        **votes,
        event["sender"]: event["content"].get("choice"),
        "events": [*votes.get("events", []), event["event_id"]],
    },
)


def client(*events: dict[str, Any]) -> ClientState:
    state = ClientState(user_id="@me:x", reducers=(VOTES,))
    timeline = {"events": list(events), "limited": True, "prev_batch": "t3"}
    told = {"initial": True, "through": 5, "read_seq": 5}
    section = {"timeline": timeline, "org.chatproto.room": told}
    state.apply_sync({"rooms": {"join": {ROOM: section}}}, 0)
    return state


def votes(state: ClientState) -> Any:
    return state.rooms[ROOM].extensions[VOTES.name]


def test_room_without_events_has_the_initial_value() -> None:
    assert votes(client()) == {}


def test_live_event_is_folded_and_told() -> None:
    state = client(vote(4, "tea"))
    assert votes(state)["@a:x"] == "tea"
    changes = state.apply({"event": vote(6, "coffee")}, 0)
    assert {"extension"} <= {change.kind for change in changes}
    assert votes(state) == {"@a:x": "coffee", "events": ["$4", "$6"]}


def test_event_of_another_type_is_not_told() -> None:
    state = client(vote(4, "tea"))
    changes = state.apply({"event": message(6, "m.room.message", {})}, 0)
    assert "extension" not in {change.kind for change in changes}


def test_paged_events_are_folded_in_the_rooms_order() -> None:
    state = client(vote(4, "tea"))
    assert votes(state)["events"] == ["$4"]
    page = {"chunk": [vote(3, "milk"), vote(2, "beer")], "start": "t3", "end": "t1"}
    state.apply_history(ROOM, page)
    assert votes(state) == {"@a:x": "tea", "events": ["$2", "$3", "$4"]}


def test_redacted_event_is_folded_without_content() -> None:
    state = client(vote(4, "tea"))
    assert votes(state)["@a:x"] == "tea"
    redaction = message(6, "m.room.redaction", {"redacts": "$4"})
    changes = state.apply({"event": redaction}, 0)
    assert votes(state)["@a:x"] is None
    assert {"extension"} <= {change.kind for change in changes}


def test_state_outside_the_timeline_is_folded_once() -> None:
    state = client(vote(4, "tea"))
    rule = message(2, "org.example.rule", {}, state_key="")
    section = {"state_after": {"events": [rule]}}
    state.apply_sync({"rooms": {"join": {ROOM: section}}}, 0)
    assert votes(state)["events"] == ["$2", "$4"]
    page = {"chunk": [rule], "start": "t3", "end": "t1"}
    state.apply_history(ROOM, page)
    assert votes(state)["events"] == ["$2", "$4"]
