"""Rooms that replace rooms (specification, "Room upgrades")."""

from __future__ import annotations

from collections.abc import Iterator

from chatproto.canonical import JsonObject
from chatproto.decisions import (
    Append,
    Caller,
    Decides,
    Decision,
    Find,
    Handler,
    Needs,
    Update,
    View,
    Write,
)
from chatproto.errors import MatrixError
from chatproto.events.envelope import EventDraft
from chatproto.ids import RoomId, UserId, room_id_from
from chatproto.operations import upgrades as ops
from chatproto.rooms.power_levels import PowerLevels
from chatproto.rooms.timeline import Timeline
from chatproto.rooms.version import RoomVersion, offered_version
from chatproto.server.handlers.rooms import Profiles, require_concerned

# The power levels come after these: until then the creator may set all of it.
_COPIED = (
    "m.room.canonical_alias",
    "m.room.join_rules",
    "m.room.history_visibility",
    "m.room.guest_access",
    "m.room.encryption",
    "m.room.server_acl",
    "m.room.name",
    "m.room.topic",
    "m.room.avatar",
)
_CREATION = ("type", "m.federate")
_CLOSED_LEVEL = 50


def needs_old_room(caller: Caller, request: ops.UpgradeRoom) -> Needs:
    rows = {
        "user": Find(table="users", where={"user_id": caller.user}),
        "room": Find(table="rooms", where={"room_id": request.room_id}),
    }
    return Needs(rooms=(request.room_id,), rows=rows)


def upgrade_room(view: View, request: ops.UpgradeRoom) -> Decision:
    version = offered_version(request.new_version)
    old = require_concerned(view, request.room_id)
    _require_right(old, view.caller.user)
    new = room_id_from(view.random(18), view.server)
    made = Append(room_id=new, drafts=_first_events(view, old, version), create=version)
    closed = Append(room_id=old.room_id, drafts=_last_events(view, old, new))
    return Decision(
        append=(made, closed),
        writes=_moved(view, old.room_id, new),
        reply=ops.Upgraded(replacement_room=new),
    )


def _require_right(old: Timeline, user_id: UserId) -> None:
    levels = PowerLevels.of(old.state, old.version)
    needed = levels.required("m.room.tombstone", is_state=True)
    if old.state.membership(user_id) != "join" or levels.user(user_id) < needed:
        message = f"upgrading this room needs power level {needed} in it"
        raise MatrixError("M_FORBIDDEN", message)


def _first_events(
    view: View, old: Timeline, version: RoomVersion
) -> tuple[EventDraft, ...]:
    creator = view.caller.user
    user = view.row("user")
    profile = Profiles({creator: user} if user else {}).member(creator)
    member = {**profile, "membership": "join"}
    return (
        EventDraft("m.room.create", _creation(old, version), creator, ""),
        EventDraft("m.room.member", member, creator, creator),
        *_copies(old, creator),
        EventDraft("m.room.power_levels", _levels(old, creator), creator, ""),
    )


def _creation(old: Timeline, version: RoomVersion) -> JsonObject:
    before = old.state.content("m.room.create")
    return {
        **{key: before[key] for key in _CREATION if key in before},
        "room_version": version.id,
        "predecessor": {"room_id": old.room_id, "event_id": old.head},
    }


def _copies(old: Timeline, creator: UserId) -> Iterator[EventDraft]:
    for kind in _COPIED:
        if content := old.state.content(kind):
            yield EventDraft(kind, content, creator, "")
    for pdu in old.state.events():
        if pdu.type == "m.space.child" and pdu.content:
            yield EventDraft(pdu.type, pdu.content, creator, pdu.state_key)
    for banned in old.state.members("ban"):
        content = old.state.content("m.room.member", banned)
        yield EventDraft("m.room.member", content, creator, banned)


def _levels(old: Timeline, creator: UserId) -> JsonObject:
    content = old.state.content("m.room.power_levels")
    return content or {"users": {creator: 100}}


def _last_events(view: View, old: Timeline, new: RoomId) -> tuple[EventDraft, ...]:
    caller = view.caller.user
    levels = PowerLevels.of(old.state, old.version)

    def may(kind: str) -> bool:
        return levels.user(caller) >= levels.required(kind, is_state=True)

    content = {"body": "This room has been replaced", "replacement_room": new}
    drafts = [EventDraft("m.room.tombstone", content, caller, "")]
    if old.state.content("m.room.canonical_alias") and may("m.room.canonical_alias"):
        drafts.append(EventDraft("m.room.canonical_alias", {}, caller, ""))
    closed = _closed(old, levels, caller)
    if closed is not None and may("m.room.power_levels"):
        drafts.append(EventDraft("m.room.power_levels", closed, caller, ""))
    return tuple(drafts)


def _closed(old: Timeline, levels: PowerLevels, caller: UserId) -> JsonObject | None:
    """The levels that keep ordinary members silent, if the caller may set such."""
    content = old.state.content("m.room.power_levels")
    if not content:
        return None
    floor = max(_CLOSED_LEVEL, levels.user("") + 1)
    if levels.user(caller) < floor:
        return None
    now = {
        "events_default": levels.required("", is_state=False),
        "invite": levels.invite,
    }
    raised = {key: floor for key, level in now.items() if level < floor}
    return {**content, **raised} if raised else None


def _moved(view: View, old: RoomId, new: RoomId) -> tuple[Write, ...]:
    aliases = Update(table="aliases", where={"room_id": old}, set={"room_id": new})
    row = view.row("room")
    if row is None or not row["is_public"]:
        return (aliases,)
    listed = [(old, 0), (new, 1)]
    moved = (
        Update(table="rooms", where={"room_id": room}, set={"is_public": is_public})
        for room, is_public in listed
    )
    return (aliases, *moved)


HANDLERS: tuple[Handler, ...] = (
    Decides(ops.UPGRADE_ROOM, upgrade_room, needs_old_room),
)
