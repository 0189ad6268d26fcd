"""Forwarding a message into another room."""

from __future__ import annotations

from typing import Any

from attrs import frozen

from chatproto.canonical import JsonObject, object_of
from chatproto.decisions import (
    Caller,
    Decides,
    Decision,
    Handler,
    Needs,
    SeenEvent,
    View,
)
from chatproto.errors import MatrixError
from chatproto.events.relations import relation_of
from chatproto.ids import parse_event_id, parse_txn_id
from chatproto.operations import messages as ops
from chatproto.rooms.visibility import can_see
from chatproto.server.handlers.messages import send

# The newest edit may be one that whoever has left may not see.
MAX_EDITS = 100


@frozen
class _Original:
    """A message, and its content as it is read now."""

    event: SeenEvent
    content: JsonObject


async def prepare_forward(
    reading: Any,
    caller: Caller,
    request: ops.ForwardEvent,
) -> _Original:
    room_id = request.from_room_id
    event = await reading.visible.event(
        room_id, parse_event_id(request.event_id), caller.user
    )
    relation = relation_of(event.pdu.content)
    if relation is not None and relation.rel_type == "m.replace" and relation.event_id:
        event = await reading.visible.event(room_id, relation.event_id, caller.user)
    ranges = await reading.visible.require(room_id, caller.user)
    edits = await reading.store.relations(
        room_id, event.pdu.event_id, rel_type="m.replace", limit=MAX_EDITS
    )
    shown = [edit for edit in edits if can_see(ranges, edit.seq)]
    newest = shown[0].pdu.content.get("m.new_content") if shown else event.pdu.content
    return _Original(event, object_of(newest))


def needs_rooms(_caller: Caller, request: ops.ForwardEvent) -> Needs:
    return Needs(rooms=(request.room_id, request.from_room_id))


def forward_event(view: View, request: ops.ForwardEvent) -> Decision:
    """Copy the content; the name of a private chat never leaves it."""
    parse_txn_id(request.txn_id)
    original: SeenEvent = view.prepared.event
    pdu = original.pdu
    read: JsonObject = view.prepared.content
    if pdu.is_state or pdu.type != "m.room.message" or original.redacted_by:
        raise MatrixError("M_FORBIDDEN", "only messages can be forwarded")
    content = {
        key: value
        for key, value in read.items()
        if key not in ("m.relates_to", "m.mentions", "m.new_content")
    }
    first = pdu.content.get("org.chatproto.forwarded")
    if first is not None:
        content["org.chatproto.forwarded"] = first
    else:
        origin: JsonObject = {
            "sender": pdu.sender,
            "origin_server_ts": pdu.origin_server_ts,
        }
        source = view.rooms.get(request.from_room_id)
        if source is not None and source.state.join_rule == "public":
            origin |= {"room_id": pdu.room_id, "event_id": pdu.event_id}
        content["org.chatproto.forwarded"] = origin
    return send(view, request.room_id, pdu.type, content)


HANDLERS: tuple[Handler, ...] = (
    Decides(ops.FORWARD_EVENT, forward_event, needs_rooms, prepare_forward),
)
