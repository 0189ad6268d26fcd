"""Sending: messages, edits, redactions, state."""

from __future__ import annotations

from typing import Any

from chatproto.canonical import JsonObject, check_canonical, list_of
from chatproto.decisions import (
    Append,
    Appended,
    Caller,
    Decides,
    Decision,
    Find,
    Handler,
    Needs,
    ReplyFrom,
    SeenEvent,
    View,
)
from chatproto.errors import MatrixError
from chatproto.events.envelope import EventDraft
from chatproto.events.relations import mentions_of, relation_of
from chatproto.ids import (
    EventId,
    RoomId,
    UserId,
    parse_event_id,
    parse_event_type,
    parse_room_alias,
    parse_txn_id,
    server_name,
)
from chatproto.operations import messages as ops
from chatproto.rooms.power_levels import PowerLevels
from chatproto.rooms.timeline import Timeline
from chatproto.server.guests import may_be_guest

MAX_MENTIONS = 50
# What only the operations made for it may append: their rules are in those handlers.
_NOT_SENT = ("m.room.redaction", "m.room.create")
FORWARDED = "org.chatproto.forwarded"
_ALIASES = "m.room.canonical_alias"
_LET_IN_BY = "join_authorised_via_users_server"


def needs_room(_caller: Caller, request: ops.SendEvent) -> Needs:
    related = _related(request.content)
    events = () if related is None else ((request.room_id, related),)
    return Needs(rooms=(request.room_id,), events=events)


def _related(content: JsonObject) -> EventId | None:
    relation = relation_of(content) if "m.relates_to" in content else None
    if relation is None or relation.rel_type not in ("m.replace", "m.annotation"):
        return None
    return relation.event_id


async def own_annotation(
    reading: Any,
    caller: Caller,
    request: ops.SendEvent,
) -> EventId | None:
    """The same reaction by the same user, if there is one."""
    if request.event_type != "m.reaction":
        return None
    relation = relation_of(request.content)
    if relation is None or relation.event_id is None or relation.key is None:
        raise MatrixError("M_BAD_JSON", "a reaction needs m.relates_to with a key")
    found: EventId | None = await reading.store.annotation(
        request.room_id,
        relation.event_id,
        caller.user,
        relation.key,
    )
    return found


def one_reaction(caller: Caller, request: ops.SendEvent) -> str | None:
    """Whoever taps twice reacts once: their reactions to an event take turns."""
    if request.event_type != "m.reaction":
        return None
    relation = relation_of(request.content)
    return None if relation is None else f"{caller.user} on {relation.event_id}"


def send_event(view: View, request: ops.SendEvent) -> Decision:
    parse_txn_id(request.txn_id)
    if request.event_type in _NOT_SENT:
        raise MatrixError("M_FORBIDDEN", f"{request.event_type} is not sent like this")
    if FORWARDED in request.content:
        # Or anybody could say of anything that somebody else had written it.
        raise MatrixError("M_FORBIDDEN", f"{FORWARDED} is set by room.forward alone")
    if view.prepared is not None:
        raise MatrixError(
            "M_DUPLICATE_ANNOTATION", "you have reacted like this already"
        )
    return send(view, request.room_id, request.event_type, request.content)


def send(view: View, room_id: RoomId, kind: str, content: JsonObject) -> Decision:
    """Append a message event, if it is one that the caller may send there.

    Raises MatrixError.
    """
    caller = view.caller.user
    require_joined(view, room_id)
    check_canonical(content)
    view.registry.parse(parse_event_type(kind), content)
    if "m.relates_to" in content:
        _check_relation(view, kind, content)
    if "m.mentions" in content and len(mentions_of(content)[0]) > MAX_MENTIONS:
        raise MatrixError("M_TOO_LARGE", f"at most {MAX_MENTIONS} people are mentioned")
    return _append(room_id, EventDraft(kind, content, caller))


def _append(room_id: RoomId, draft: EventDraft) -> Decision:
    append = Append(room_id=room_id, drafts=(draft,))
    return Decision(append=(append,), reply=_SENT)


def _sent(appended: Appended) -> ops.Sent:
    event = appended[-1]
    return ops.Sent(event_id=event.pdu.event_id, seq=event.seq)


_SENT = ReplyFrom(_sent)


def require_joined(view: View, room_id: RoomId) -> None:
    """The same refusal for a room unknown as for one that is none of yours."""
    room = view.rooms.get(room_id)
    if room is None or room.state.membership(view.caller.user) != "join":
        raise MatrixError("M_FORBIDDEN", f"you are not in the room {room_id[:60]}")


def _check_relation(view: View, kind: str, content: JsonObject) -> None:
    relation = relation_of(content)
    if relation is None or relation.rel_type != "m.replace":
        return
    target = view.events.get(relation.event_id) if relation.event_id else None
    _check_edit(view.caller.user, kind, target)
    if kind == "m.room.encrypted":
        return  # what replaces the content is inside, where only members read it
    if not isinstance(content.get("m.new_content"), dict):
        raise MatrixError("M_BAD_JSON", "an edit carries m.new_content")


def _check_edit(caller: UserId, kind: str, target: SeenEvent | None) -> None:
    if target is None:
        raise MatrixError("M_NOT_FOUND", "the event to be edited is not in this room")
    if target.pdu.sender != caller:
        raise MatrixError("M_FORBIDDEN", "only one's own messages can be edited")
    if target.pdu.type != kind or target.pdu.is_state:
        raise MatrixError("M_FORBIDDEN", "an edit has the type of what it edits")
    if target.redacted_by is not None:
        raise MatrixError("M_FORBIDDEN", "a deleted message cannot be edited")
    relation = relation_of(target.pdu.content)
    if relation is not None and relation.rel_type == "m.replace":
        raise MatrixError("M_FORBIDDEN", "an edit is not edited; edit the original")


def needs_target(
    _caller: Caller,
    request: ops.EditMessage | ops.RedactEvent,
) -> Needs:
    target = parse_event_id(request.event_id)
    return Needs(rooms=(request.room_id,), events=((request.room_id, target),))


def edit_message(view: View, request: ops.EditMessage) -> Decision:
    parse_txn_id(request.txn_id)
    require_joined(view, request.room_id)
    target = view.events.get(request.event_id)
    kind = target.pdu.type if target else "m.room.message"
    _check_edit(view.caller.user, kind, target)
    new = {k: v for k, v in request.content.items() if k != "m.relates_to"}
    content = {
        **new,
        "body": f"* {new.get('body', '')}",
        "m.new_content": new,
        "m.relates_to": {"rel_type": "m.replace", "event_id": request.event_id},
    }
    return send(view, request.room_id, kind, content)


def redact_event(view: View, request: ops.RedactEvent) -> Decision:
    parse_txn_id(request.txn_id)
    require_joined(view, request.room_id)
    room = view.room(request.room_id)
    target = view.events.get(request.event_id)
    if target is None:
        raise MatrixError("M_NOT_FOUND", "the event to be redacted is not in this room")
    if target.pdu.type == "m.room.create":
        raise MatrixError("M_FORBIDDEN", "the first event of a room is not redacted")
    caller = view.caller.user
    levels = PowerLevels.of(room.state, room.version)
    if target.pdu.sender != caller and levels.user(caller) < levels.redact:
        raise MatrixError(
            "M_FORBIDDEN",
            f"redacting others' events needs power level {levels.redact}",
        )
    content: JsonObject = {"redacts": request.event_id}
    if request.reason is not None:
        content["reason"] = request.reason
    return _append(request.room_id, EventDraft("m.room.redaction", content, caller))


def needs_state_room(_caller: Caller, request: ops.SetState) -> Needs:
    if request.event_type != _ALIASES:
        return Needs(rooms=(request.room_id,))
    find = Find(table="aliases", where={"room_id": request.room_id})
    return Needs(rooms=(request.room_id,), rows={"aliases": find})


def set_state(view: View, request: ops.SetState) -> Decision:
    if request.event_type == "m.room.create":
        raise MatrixError("M_FORBIDDEN", "a room is created only once")
    caller = view.caller.user
    if request.event_type != "m.room.member":
        require_joined(view, request.room_id)
    elif server_name(request.state_key or ":") != view.server:
        raise MatrixError("M_FORBIDDEN", "people of other servers cannot be here yet")
    room = view.room(request.room_id)
    check_canonical(request.content)
    view.registry.parse(parse_event_type(request.event_type), request.content)
    content = request.content
    if request.event_type == "m.room.member":
        # Whether somebody may let others in is for the server to say, not for them.
        content = {k: v for k, v in content.items() if k != _LET_IN_BY}
    if request.event_type == _ALIASES:
        _check_aliases(view, room, content)
    current = room.state.get(request.event_type, request.state_key)
    draft = EventDraft(request.event_type, content, caller, request.state_key)
    same = current is not None and current.content == content
    if current is not None and same and current.sender == caller:
        return Decision(reply=ops.Sent(event_id=current.event_id))
    gone = [
        EventDraft("m.room.member", {"membership": "leave"}, guest, guest)
        for guest in view.prepared
        if room.state.membership(guest) == "join"
    ]
    append = Append(room_id=request.room_id, drafts=(*gone, draft))
    return Decision(append=(append,), reply=_SENT)


async def prepare_state(
    reading: Any, _caller: Caller, request: ops.SetState
) -> tuple[UserId, ...]:
    """The guests who have to leave (specification, "m.room.guest_access")."""
    access = request.content.get("guest_access")
    if request.event_type != "m.room.guest_access" or access == "can_join":
        return ()
    members = await reading.store.local_members(request.room_id)
    guests = []
    for user_id in filter(may_be_guest, members):
        find = Find(table="users", where={"user_id": user_id, "is_guest": 1})
        if await reading.find(find):
            guests.append(user_id)
    return tuple(guests)


def _check_aliases(view: View, room: Timeline, content: JsonObject) -> None:
    """What the room is to be called must lead to it, unless it was called so before."""
    before = _aliases_in(room.state.content(_ALIASES))
    known = before | {row["alias"] for row in view.rows["aliases"]}
    for alias in _aliases_in(content):
        if parse_room_alias(alias) not in known:
            raise MatrixError("M_BAD_ALIAS", f"{alias[:60]} does not lead to this room")


def _aliases_in(content: JsonObject) -> set[str]:
    named = [content.get("alias"), *list_of(content.get("alt_aliases"))]
    return {alias for alias in named if isinstance(alias, str) and alias}


HANDLERS: tuple[Handler, ...] = (
    Decides(
        ops.SEND_EVENT,
        send_event,
        needs_room,
        own_annotation,
        alone=one_reaction,
    ),
    Decides(ops.EDIT_MESSAGE, edit_message, needs_target),
    Decides(ops.REDACT_EVENT, redact_event, needs_target),
    Decides(ops.SET_STATE, set_state, needs_state_room, prepare_state),
)
