"""What votes add up to, folded by every client from the events of the room.

The value is JSON: {poll: {"question", "options", "votes": {user: option}, "closed"}}.
"""

from __future__ import annotations

from chatproto.module import JsonObject, Reducer
from chatproto_polls.events import CLOSED, POLL, VOTE


def fold(polls: JsonObject, event: JsonObject) -> JsonObject:
    """The polls of a room after one event more; the same event again changes nothing."""
    kind, content = event["type"], event["content"]
    if kind == POLL:
        started = {
            "question": content.get("question", ""),
            "options": content.get("options", []),
            "votes": {},
            "closed": False,
        }
        return {event["event_id"]: started, **polls}
    poll: JsonObject | None = polls.get(content.get("poll"))
    if poll is None or poll["closed"]:
        return polls
    if kind == CLOSED:
        changed = {**poll, "closed": True}
    else:
        votes = {**poll["votes"], event["sender"]: content.get("option")}
        changed = {**poll, "votes": votes}
    return {**polls, content["poll"]: changed}


def counts(poll: JsonObject) -> list[int]:
    """How many have voted for each option."""
    votes = list(poll["votes"].values())
    return [votes.count(option) for option in range(len(poll["options"]))]


REDUCERS = (
    Reducer(name="polls", event_types=(POLL, VOTE, CLOSED), initial={}, fold=fold),
)
