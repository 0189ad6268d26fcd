"""The first events of a room, by preset."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeAlias

from chatproto.canonical import JsonObject
from chatproto.errors import MatrixError
from chatproto.events.envelope import EventDraft
from chatproto.ids import RoomAlias, UserId
from chatproto.operations.rooms import CreateRoom
from chatproto.rooms.version import RoomVersion

_MakeState: TypeAlias = Callable[[str, JsonObject], EventDraft]

# preset: join rule, history visibility, guest access
_PRESETS = {
    "private_chat": ("invite", "shared", "can_join"),
    "trusted_private_chat": ("invite", "shared", "can_join"),
    "public_chat": ("public", "shared", "forbidden"),
}


def first_events(
    request: CreateRoom,
    creator: UserId,
    version: RoomVersion,
    *,
    profile: JsonObject,
    invited: Iterable[tuple[UserId, JsonObject]],
    alias: RoomAlias | None,
) -> tuple[EventDraft, ...]:
    """The drafts in the order of the specification (createRoom)."""
    preset = preset_of(request)
    people = list(invited)

    def state(kind: str, content: JsonObject, key: str = "") -> EventDraft:
        return EventDraft(kind, content, creator, key)

    content = {**request.creation_content, "room_version": version.id}
    content.pop("creator", None)  # the sender is
    drafts = [
        state("m.room.create", content),
        state("m.room.member", {**profile, "membership": "join"}, creator),
        state("m.room.power_levels", power_levels(request, creator, preset, people)),
    ]
    if alias is not None:
        drafts.append(state("m.room.canonical_alias", {"alias": alias}))
    drafts += _preset_events(state, request, preset)
    drafts += [state(s.type, s.content, s.state_key) for s in request.initial_state]
    if request.name is not None:
        drafts.append(state("m.room.name", {"name": request.name}))
    if request.topic is not None:
        drafts.append(state("m.room.topic", {"topic": request.topic}))
    for user_id, their_profile in people:
        content = {**their_profile, "membership": "invite"}
        if request.is_direct:
            content["is_direct"] = True
        drafts.append(state("m.room.member", content, user_id))
    return tuple(drafts)


def preset_of(request: CreateRoom) -> str:
    """Raises MatrixError M_INVALID_PARAM for a preset or visibility unheard of."""
    if request.visibility not in ("public", "private"):
        raise MatrixError("M_INVALID_PARAM", "visibility is public or private")
    if request.preset is None:
        return "public_chat" if request.visibility == "public" else "private_chat"
    if request.preset not in _PRESETS:
        known = ", ".join(_PRESETS)
        raise MatrixError("M_INVALID_PARAM", f"preset is one of {known}")
    return request.preset


def power_levels(
    request: CreateRoom,
    creator: UserId,
    preset: str,
    invited: Iterable[tuple[UserId, JsonObject]],
) -> JsonObject:
    users = {creator: 100}
    if preset == "trusted_private_chat":
        users |= {user_id: 100 for user_id, _ in invited}
    return {
        "users": users,
        "users_default": 0,
        "events": {
            "m.room.name": 50,
            "m.room.avatar": 50,
            "m.room.canonical_alias": 50,
            "m.room.power_levels": 100,
            "m.room.history_visibility": 100,
            "m.room.encryption": 100,
            "m.room.server_acl": 100,
            "m.room.tombstone": 100,
        },
        "events_default": 0,
        "state_default": 50,
        "ban": 50,
        "kick": 50,
        "redact": 50,
        "invite": 0,
        "notifications": {"room": 50},
        **request.power_level_content_override,
    }


def _preset_events(
    state: _MakeState, request: CreateRoom, preset: str
) -> list[EventDraft]:
    rule, visibility, guests = _PRESETS[preset]
    contents = {
        "m.room.join_rules": {"join_rule": rule},
        "m.room.history_visibility": {"history_visibility": visibility},
        "m.room.guest_access": {"guest_access": guests},
    }
    given = {(s.type, s.state_key) for s in request.initial_state}
    return [
        state(kind, content)
        for kind, content in contents.items()
        if (kind, "") not in given
    ]
