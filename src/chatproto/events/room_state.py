"""The state of a room."""

from __future__ import annotations

from attrs import field, frozen

from chatproto.canonical import JsonObject
from chatproto.events.content import key
from chatproto.events.declare import EventKind, EventType


@frozen(kw_only=True)
class Create:
    """The first event of a room: its version, and whether other servers may join."""

    room_version: str = "1"
    federate: bool = field(default=True, metadata=key("m.federate"))
    type: str | None = None
    predecessor: JsonObject | None = None


@frozen(kw_only=True)
class Member:
    """Where a user stands in a room: join, invite, knock, leave or ban."""

    membership: str
    displayname: str | None = None
    avatar_url: str | None = None
    reason: str | None = None
    is_direct: bool | None = None
    join_authorised_via_users_server: str | None = None
    third_party_invite: JsonObject | None = None


@frozen(kw_only=True)
class PowerLevelsContent:
    """Who may do what: levels of users, and those that actions need."""

    users: JsonObject = field(factory=JsonObject)
    users_default: int = 0
    events: JsonObject = field(factory=JsonObject)
    events_default: int = 0
    state_default: int = 50
    ban: int = 50
    kick: int = 50
    redact: int = 50
    invite: int = 0
    notifications: JsonObject = field(factory=JsonObject)


@frozen(kw_only=True)
class JoinRules:
    """Who may join: public, invite, knock, restricted or knock_restricted."""

    join_rule: str
    allow: tuple[JsonObject, ...] | None = None


@frozen(kw_only=True)
class Name:
    """The room's name."""

    name: str


@frozen(kw_only=True)
class Topic:
    """What the room is about."""

    topic: str


@frozen(kw_only=True)
class Avatar:
    """The room's picture."""

    url: str | None = None
    info: JsonObject | None = None


@frozen(kw_only=True)
class CanonicalAlias:
    """The room's main alias, and others it goes by."""

    alias: str | None = None
    alt_aliases: tuple[str, ...] = ()


@frozen(kw_only=True)
class HistoryVisibility:
    """Who may read what was before: world_readable, shared, invited or joined."""

    history_visibility: str


@frozen(kw_only=True)
class GuestAccess:
    """Whether guests may join: can_join or forbidden."""

    guest_access: str


@frozen(kw_only=True)
class Encryption:
    """How the room's messages are encrypted; it cannot be switched off."""

    algorithm: str
    rotation_period_ms: int | None = None
    rotation_period_msgs: int | None = None


@frozen(kw_only=True)
class Tombstone:
    """The room has ended, perhaps to go on in another."""

    body: str = ""
    replacement_room: str | None = None


@frozen(kw_only=True)
class PinnedEvents:
    """The events pinned in the room."""

    pinned: tuple[str, ...]


@frozen(kw_only=True)
class ServerAcl:
    """Which servers may take part."""

    allow: tuple[str, ...] = ()
    deny: tuple[str, ...] = ()
    allow_ip_literals: bool = True


@frozen(kw_only=True)
class ThirdPartyInvite:
    """An invitation to somebody known by an address elsewhere."""

    display_name: str = ""
    key_validity_url: str = ""
    public_key: str = ""
    public_keys: tuple[JsonObject, ...] | None = None


@frozen(kw_only=True)
class SpaceChild:
    """A room of this space; without `via` it no longer is."""

    via: tuple[str, ...] | None = None
    order: str | None = None
    suggested: bool = False


@frozen(kw_only=True)
class SpaceParent:
    """A space that this room belongs to."""

    via: tuple[str, ...] | None = None
    canonical: bool = False


def _state(event_type: str, content: type) -> EventType:
    return EventType(event_type, EventKind.STATE, content)


EVENTS = (
    _state("m.room.create", Create),
    _state("m.room.member", Member),
    _state("m.room.power_levels", PowerLevelsContent),
    _state("m.room.join_rules", JoinRules),
    _state("m.room.name", Name),
    _state("m.room.topic", Topic),
    _state("m.room.avatar", Avatar),
    _state("m.room.canonical_alias", CanonicalAlias),
    _state("m.room.history_visibility", HistoryVisibility),
    _state("m.room.guest_access", GuestAccess),
    _state("m.room.encryption", Encryption),
    _state("m.room.tombstone", Tombstone),
    _state("m.room.pinned_events", PinnedEvents),
    _state("m.room.server_acl", ServerAcl),
    _state("m.room.third_party_invite", ThirdPartyInvite),
    _state("m.space.child", SpaceChild),
    _state("m.space.parent", SpaceParent),
)
