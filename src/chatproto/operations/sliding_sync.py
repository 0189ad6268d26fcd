"""Simplified sliding sync (MSC4186): in the names that deployed clients use, and in
those in which it was accepted.
"""

from __future__ import annotations

from attrs import field, frozen

from chatproto.canonical import JsonObject
from chatproto.operations.declare import Call, Operation, Rate


@frozen(kw_only=True)
class ListFilters:
    """Which rooms are in a list; all that are given have to hold."""

    is_dm: bool | None = None
    is_encrypted: bool | None = None
    is_invite: bool | None = None
    spaces: tuple[str, ...] | None = None
    room_types: tuple[str | None, ...] | None = None
    not_room_types: tuple[str | None, ...] | None = None
    room_name_like: str | None = None
    tags: tuple[str, ...] | None = None
    not_tags: tuple[str, ...] | None = None


@frozen(kw_only=True)
class ListOfRooms:
    """Windows into the rooms that pass the filters; without ranges all of them.

    `required_state` are pairs of type and state key, with `*`, `$ME` and `$LAZY`.
    """

    ranges: tuple[tuple[int, ...], ...] | None = None
    timeline_limit: int = 0
    required_state: tuple[tuple[str, ...], ...] = ()
    filters: ListFilters = field(factory=ListFilters)


@frozen(kw_only=True)
class RoomSubscription:
    """A room that is wanted whether or not it is in a list's windows."""

    timeline_limit: int = 0
    required_state: tuple[tuple[str, ...], ...] = ()


@frozen(kw_only=True)
class ToDeviceWanted:
    """Messages to the device after `since`, the `next_batch` of an answer."""

    enabled: bool = False
    since: str | None = None
    limit: int = 100


@frozen(kw_only=True)
class KeysWanted:
    enabled: bool = False


@frozen(kw_only=True)
class RoomsWanted:
    """Data of the rooms of these lists and of these subscriptions; `*` means all."""

    enabled: bool = False
    lists: tuple[str, ...] = ("*",)
    rooms: tuple[str, ...] = ("*",)


@frozen(kw_only=True)
class Extensions:
    """What else is wanted beside rooms."""

    to_device: ToDeviceWanted = field(factory=ToDeviceWanted)
    e2ee: KeysWanted = field(factory=KeysWanted)
    account_data: RoomsWanted = field(factory=RoomsWanted)
    receipts: RoomsWanted = field(factory=RoomsWanted)
    typing: RoomsWanted = field(factory=RoomsWanted)


@frozen(kw_only=True)
class SlidingSync(Call[JsonObject]):
    """Get what is new in windows of the list of one's rooms (MSC4186).

    `pos` is that of the last answer on the connection `conn_id` of this device; without
    it the connection starts anew. Waits up to `timeout` milliseconds if there is
    nothing new. See docs/protocol/sliding-sync.md.
    """

    pos: str | None = None
    timeout: int = 0
    set_presence: str = "online"
    conn_id: str = ""
    lists: dict[str, ListOfRooms] = field(factory=dict)
    room_subscriptions: dict[str, RoomSubscription] = field(factory=dict)
    extensions: Extensions = field(factory=Extensions)


@frozen(kw_only=True)
class StateMatch:
    """Pieces of state; without a type of any type, without a key of any key."""

    type: str | None = None
    state_key: str | None = None


@frozen(kw_only=True)
class RequiredState:
    """What `include` matches and `exclude` does not, and the members who speak."""

    include: tuple[StateMatch, ...] = ()
    exclude: tuple[StateMatch, ...] = ()
    lazy_members: bool = False


@frozen(kw_only=True)
class ListFiltersV4:
    """Which rooms are in a list; all that are given have to hold."""

    is_dm: bool | None = None
    is_encrypted: bool | None = None
    is_invited: bool | None = None
    spaces: tuple[str, ...] | None = None
    room_types: tuple[str | None, ...] | None = None
    not_room_types: tuple[str | None, ...] | None = None
    tags: tuple[str, ...] | None = None
    not_tags: tuple[str, ...] | None = None


@frozen(kw_only=True)
class ListOfRoomsV4:
    """A window into the rooms that pass the filters; without a range all of them."""

    timeline_limit: int
    required_state: RequiredState
    range: tuple[int, ...] | None = None
    filters: ListFiltersV4 = field(factory=ListFiltersV4)


@frozen(kw_only=True)
class RoomSubscriptionV4:
    """A room that is wanted whether or not it is in a list's window."""

    timeline_limit: int
    required_state: RequiredState


@frozen(kw_only=True)
class SlidingSyncV4(Call[JsonObject]):
    """Get what is new in windows of the list of one's rooms, in MSC4186's last names.

    See docs/protocol/sliding-sync.md.
    """

    pos: str | None = None
    timeout: int = 0
    set_presence: str = "online"
    conn_id: str = ""
    lists: dict[str, ListOfRoomsV4] = field(factory=dict)
    room_subscriptions: dict[str, RoomSubscriptionV4] = field(factory=dict)
    extensions: Extensions = field(factory=Extensions)


SLIDING_SYNC = Operation(
    name="sliding_sync",
    http="POST /_matrix/client/unstable/org.matrix.simplified_msc3575/sync",
    request=SlidingSync,
    response=dict,
    query=("pos", "timeout", "set_presence"),
    rate=Rate.SYNC,
    errors=("M_UNKNOWN_POS", "M_INVALID_PARAM"),
)

SLIDING_SYNC_V4 = Operation(
    name="sliding_sync.v4",
    http="POST /_matrix/client/v4/sync",
    request=SlidingSyncV4,
    response=dict,
    rate=Rate.SYNC,
    errors=("M_UNKNOWN_POS", "M_INVALID_PARAM"),
)

OPERATIONS: tuple[Operation, ...] = (SLIDING_SYNC, SLIDING_SYNC_V4)
