"""Vectors: what happens to a client, and what it must know then, as JSON.

They are for every client library of this protocol, in any language. A vector is an
object with `name`, `about`, `user_id` and `steps`; it may have `policy` with the types
that lift and count. Each step has one of these keys, and may have `now`, the time in
milliseconds (else the time of the step before; at first 0):

| step | does |
|---|---|
| `frame` | a frame of the socket comes in |
| `sync` | the answer to /sync comes in |
| `history` | a page of history comes in: `room_id`, `page`, `direction` |
| `resync`, `expire` | everything is forgotten; time passes |
| `send` | `room_id`, `type`, `content`, `txn_id` |
| `edit`, `redact` | `room_id`, `target`, `txn_id`, and `content` or `reason` |
| `sending`, `retry`, `cancel` | a transaction ID |
| `sent` | `txn_id`, `event_id`, `seq` |
| `failed` | `txn_id`, `error`, `retry` |
| `expect` | the picture must match |
| `changes` | the kinds of change of the step before, sorted, each once |

A picture matches if it has all that is expected: objects are compared by the keys that
are expected (null also stands for a key that is absent), everything else as a whole.
`ready` in an expected picture are the transaction IDs that may be sent now, and `items`
the rows of rooms with the outbox's.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from importlib.resources import files
from types import MappingProxyType
from typing import Any, TypeAlias, cast

from chatproto.canonical import JsonObject
from chatproto.ids import EventId, RoomId, TxnId, UserId
from chatproto.sync.changes import Change
from chatproto.sync.fields import child, texts
from chatproto.sync.policy import DEFAULT_POLICY, Policy
from chatproto.sync.store import ClientState

Step: TypeAlias = Callable[[ClientState, Any, int], tuple[Change, ...]]


def load() -> tuple[JsonObject, ...]:
    """The vectors that come with this package, by name."""
    found = [
        f for f in files("chatproto.sync.vectors").iterdir() if f.name.endswith(".json")
    ]
    vectors = [cast("JsonObject", json.loads(f.read_text("utf-8"))) for f in found]
    return tuple(sorted(vectors, key=lambda vector: str(vector["name"])))


def run(vector: JsonObject) -> list[str]:
    """Play a vector; gives what was otherwise than expected, in words."""
    state = ClientState(user_id=UserId(vector["user_id"]), policy=_policy(vector))
    wrong: list[str] = []
    changes: tuple[Change, ...] = ()
    now_ms = 0
    for number, step in enumerate(vector["steps"], start=1):
        now_ms = step.get("now", now_ms)
        for key in step:
            if key == "expect":
                found = differences(step[key], picture(state))
            elif key == "changes":
                kinds = sorted({change.kind for change in changes})
                found = differences(step[key], kinds, "changes")
            elif key in STEPS:
                changes, found = STEPS[key](state, step[key], now_ms), []
            else:
                continue
            wrong += [f"step {number}: {text}" for text in found]
    return wrong


def picture(state: ClientState) -> JsonObject:
    """The picture of a state, with what is ready to be sent and the rows of rooms."""
    rows = {r: [item.picture() for item in state.items(r)] for r in state.rooms}
    ready = [entry.txn_id for entry in state.outbox.ready()]
    return {**state.picture(), "ready": ready, "items": rows}


def differences(expected: Any, found: Any, path: str = "") -> list[str]:
    """Where something is not as expected."""
    if isinstance(expected, dict) and isinstance(found, dict):
        here = cast("JsonObject", found)
        return [
            text
            for key, value in cast("JsonObject", expected).items()
            for text in differences(value, here.get(key), f"{path}/{key}")
        ]
    if isinstance(expected, list) and isinstance(found, list):
        pair: tuple[list[Any], list[Any]] = expected, found
        if len(pair[0]) == len(pair[1]):
            return [
                text
                for place, (one, other) in enumerate(zip(*pair, strict=True))
                for text in differences(one, other, f"{path}/{place}")
            ]
    if expected == found and type(expected) is type(found):
        return []
    return [f"{path} is {json.dumps(found)}, not {json.dumps(expected)}"]


def _policy(vector: JsonObject) -> Policy:
    if "policy" not in vector:
        return DEFAULT_POLICY
    told = child(vector, "policy")
    return Policy(
        lifting=frozenset(texts(told, "lifting")),
        counting=frozenset(texts(told, "counting")),
    )


def _history(state: ClientState, told: JsonObject, _now_ms: int) -> tuple[Change, ...]:
    direction = told.get("direction", "b")
    return state.apply_history(RoomId(told["room_id"]), told["page"], direction)


def _send(state: ClientState, told: JsonObject, now_ms: int) -> tuple[Change, ...]:
    room_id, txn_id = RoomId(told["room_id"]), TxnId(told["txn_id"])
    return state.send(room_id, told["type"], told["content"], txn_id, now_ms)


def _edit(state: ClientState, told: JsonObject, now_ms: int) -> tuple[Change, ...]:
    room_id, txn_id = RoomId(told["room_id"]), TxnId(told["txn_id"])
    return state.edit(room_id, told["target"], told["content"], txn_id, now_ms)


def _redact(state: ClientState, told: JsonObject, now_ms: int) -> tuple[Change, ...]:
    room_id, txn_id = RoomId(told["room_id"]), TxnId(told["txn_id"])
    return state.redact(room_id, told["target"], txn_id, now_ms, told.get("reason"))


def _sent(state: ClientState, told: JsonObject, _now_ms: int) -> tuple[Change, ...]:
    event_id = EventId(told["event_id"])
    return state.sent(TxnId(told["txn_id"]), event_id, told.get("seq"))


def _failed(state: ClientState, told: JsonObject, _now_ms: int) -> tuple[Change, ...]:
    error, retry = told.get("error"), told.get("retry") is True
    return state.failed(TxnId(told["txn_id"]), error, retry=retry)


STEPS: Mapping[str, Step] = MappingProxyType(
    {
        "frame": lambda state, frame, now_ms: state.apply_frame(frame, now_ms),
        "sync": lambda state, body, now_ms: state.apply_sync(body, now_ms),
        "history": _history,
        "resync": lambda state, _, now_ms: state.resync(),
        "expire": lambda state, _, now_ms: state.expire(now_ms),
        "send": _send,
        "edit": _edit,
        "redact": _redact,
        "sending": lambda state, txn_id, now_ms: state.sending(txn_id),
        "retry": lambda state, txn_id, now_ms: state.retry(txn_id),
        "cancel": lambda state, txn_id, now_ms: state.cancel(txn_id),
        "sent": _sent,
        "failed": _failed,
    },
)
