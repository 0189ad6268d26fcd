"""Who may call what: every operation, by everyone who could ask.

Whoever is not named as allowed is refused, with M_FORBIDDEN unless said otherwise; and
nobody without an access token does anything that is not public. Those who are not in the
room have the power level 50 in it all the same: it must not help them.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
import trio
from attrs import define, evolve, field, frozen

from chatproto.decisions import Caller
from chatproto.errors import MatrixError
from chatproto.operations.account_data import (
    DeleteTag,
    GetAccountData,
    GetRoomAccountData,
    GetTags,
    SendToDevice,
    SetAccountData,
    SetRoomAccountData,
    SetTag,
)
from chatproto.operations.accounts import (
    ChangePassword,
    CheckRegistrationToken,
    CheckUsername,
    Deactivate,
    DeleteDevice,
    DeleteDevices,
    GetDevice,
    GetLoginFlows,
    ListDevices,
    Login,
    Logout,
    LogoutAll,
    MakeLoginToken,
    MakeTicket,
    Refresh,
    Register,
    RenameDevice,
    WhoAmI,
)
from chatproto.operations.appservices import PingAppservice
from chatproto.operations.declare import Access
from chatproto.operations.discovery import GetCapabilities, GetVersions, GetWellKnown
from chatproto.operations.key_backup import (
    CreateBackup,
    DeleteBackup,
    DeleteKey,
    DeleteKeys,
    DeleteRoomKeys,
    GetBackup,
    GetBackupVersion,
    GetKey,
    GetKeys,
    GetRoomKeys,
    PutKey,
    PutKeys,
    PutRoomKeys,
    UpdateBackup,
)
from chatproto.operations.keys import (
    ClaimKeys,
    GetKeyChanges,
    QueryKeys,
    UploadKeys,
    UploadSignatures,
    UploadSigningKeys,
)
from chatproto.operations.media import AnnounceUpload, GetMediaConfig
from chatproto.operations.messages import (
    EditMessage,
    ForwardEvent,
    GetAllState,
    GetContext,
    GetEvent,
    GetHistory,
    GetJoinedMembers,
    GetMembers,
    GetRelations,
    GetRelationsOfKind,
    GetRelationsOfType,
    GetState,
    GetThreads,
    RedactEvent,
    SendEvent,
    SetState,
)
from chatproto.operations.profiles import (
    GetAvatarUrl,
    GetDisplayName,
    GetPresence,
    GetProfile,
    SearchUsers,
    SetAvatarUrl,
    SetDisplayName,
    SetPresence,
)
from chatproto.operations.push import (
    DeletePushRule,
    GetGlobalPushRules,
    GetPushRule,
    GetPushRuleActions,
    GetPushRuleEnabled,
    GetPushRules,
    ListPushers,
    SetPusher,
    SetPushRule,
    SetPushRuleActions,
    SetPushRuleEnabled,
)
from chatproto.operations.receipts import SendReceipt, SetReadMarkers, SetTyping
from chatproto.operations.reports import (
    ListReports,
    ReportEvent,
    ReportRoom,
    ReportUser,
    SettleReport,
)
from chatproto.operations.rooms import (
    Ban,
    CreateAlias,
    CreateRoom,
    DeleteAlias,
    DeleteRoom,
    ForgetRoom,
    GetVisibility,
    InitialState,
    Invite,
    JoinByIdOrAlias,
    JoinRoom,
    Kick,
    KnockRoom,
    LeaveRoom,
    ListAliases,
    ListJoinedRooms,
    ListPublicRooms,
    OpenDirectChat,
    ResolveAlias,
    SearchPublicRooms,
    SetVisibility,
    Unban,
)
from chatproto.operations.search import (
    GetEventAtTime,
    SearchCriteria,
    SearchEvents,
)
from chatproto.operations.sliding_sync import SlidingSync, SlidingSyncV4
from chatproto.operations.spaces import GetHierarchy, GetRoomSummary
from chatproto.operations.sync import GetFilter, StoreFilter, Sync
from chatproto.operations.table import OPERATIONS
from chatproto.operations.thirdparty import (
    AddThirdPartyId,
    BindThirdPartyId,
    DeleteThirdPartyId,
    FindGhosts,
    FindLocations,
    FindPortals,
    FindUsers,
    GetProtocol,
    ListProtocols,
    ListThirdPartyIds,
    UnbindThirdPartyId,
)
from chatproto.operations.upgrades import UpgradeRoom
from chatproto.operations.voip import GetTurnServer
from chatproto.server.guests import require_open_to
from chatproto.storage.memory import MemoryStore
from tests.unit.server.harness import (
    ANYBODY,
    Chat,
    CopiedStore,
    Person,
    open_chat,
    refused,
)

OUTSIDE = ("outsider", "invited", "knocking", "left", "banned", "administrator")
INSIDE = ("member", "moderator", "owner")
MIGHTY = ("moderator", "owner")
USERS = (*OUTSIDE, *INSIDE)
EVERYONE = ("anonymous", *USERS)
EXTRAS = ("victim", "equal", "peer", "gone", "friend")
NOT_BANNED = tuple(role for role in USERS if role != "banned")
WAS_THERE = ("left", "banned", *INSIDE)


@define(eq=False)
class World:
    """A room with people in every relation to it; one of them, `me`, calls."""

    role: str
    me: Person
    callers: dict[str, Caller]
    room: str
    said: dict[str, str]  # a message of each who was in the room, and the last of all
    levels: dict[str, Any]
    home: str = ""  # a room of the caller's own
    at_home: str = ""  # a message there

    def id(self, role):
        return self.callers[role].user_id

    def device_of(self, role):
        return self.callers[role].device_id

    @property
    def mine(self):
        """A message of the caller's, or of somebody else if there is none."""
        return self.said.get(self.role, self.said["member"])

    @property
    def device(self):
        return self.me.caller.device_id or "D"

    @property
    def auth(self):
        name = self.me.id[1:].partition(":")[0]
        return {"type": "m.login.password", "password": f"{name}pass"}


@pytest.fixture(scope="module")
def image():
    """The stored world, and what is to be known of it."""

    async def make():
        store = MemoryStore()
        async with open_chat(store) as chat:
            known = await people(chat)
            facts = await made_room(known)
            callers = {name: person.caller for name, person in known.items()}
            return CopiedStore.image_of(store), {"callers": callers, **facts}

    return trio.run(make)


async def people(chat: Chat) -> dict[str, Person]:
    names = [name for name in (*USERS, *EXTRAS) if name != "administrator"]
    known = {name: await chat.person(name) for name in names}
    known["administrator"] = await chat.administrator()
    victim = known["victim"]
    await victim.call(stored_filter(victim.id))
    for person in known.values():
        await person.set_data("org.example.data", {"key": "value"})
    return known


def stored_filter(user_id):
    return StoreFilter(user_id=user_id, filter={"room": {}})


async def made_room(known: dict[str, Person]) -> dict[str, Any]:
    owner = known["owner"]
    half = ("outsider", "invited", "knocking", "left", "banned", "moderator", "equal")
    users = {known[name].id: 50 for name in half}
    levels = {"users": {**users, owner.id: 100, known["peer"].id: 100}}
    rules = InitialState(type="m.room.join_rules", content={"join_rule": "knock"})
    room = await owner.create(
        initial_state=(rules,),
        room_alias_name="taken",
        power_level_content_override=levels,
    )
    there = ("moderator", "member", "left", "banned", "victim", "equal", "peer", "gone")
    for name in there:
        await owner.invite(room, known[name])
        await known[name].join(room)
    said = {name: await known[name].say(room) for name in ("owner", *there)}
    await known["left"].leave(room)
    for name in ("banned", "gone"):
        await owner.call(Ban(room_id=room, user_id=known[name].id))
    await owner.invite(room, known["invited"])
    await known["knocking"].call(KnockRoom(id_or_alias=room))
    said["last"] = await owner.say(room)
    return {"room": room, "said": said, "levels": levels}


@asynccontextmanager
async def opened(image, role):
    """The world as one of its people sees it."""
    stored, facts = image
    store = CopiedStore(stored)
    async with open_chat(store, seed=1, base_url="https://example.org") as chat:
        caller = facts["callers"].get(role, ANYBODY)
        world = World(role, Person(chat.engine, caller), **facts)
        if role != "anonymous":
            world.home = await world.me.create()
            world.at_home = await world.me.say(world.home)
        yield world


@frozen
class Row:
    """What an operation answers; who is in none of the lists is refused."""

    request: Callable[[World], Any]
    allowed: tuple[str, ...]
    others: str = "M_FORBIDDEN"
    instead: dict[str, str] = field(factory=dict)
    what: str = ""

    def answer(self, role):
        if role in self.allowed:
            return None
        if role in self.instead:
            return self.instead[role]
        return "M_MISSING_TOKEN" if role == "anonymous" else self.others


def row(request, allowed, others="M_FORBIDDEN", *, what="", **instead):
    by_role = {role: code for code, roles in instead.items() for role in roles}
    return Row(request, tuple(allowed), others, by_role, what)


NOBODY = ()
TEXT = {"msgtype": "m.text", "body": "text"}


def send(world, room, content, kind="m.room.message"):
    return SendEvent(room_id=room, event_type=kind, txn_id="t", content=content)


def own(make):
    """One's own things are one's own; those of others are nobody's business."""
    return [
        row(lambda w: make(w, w.me.id), USERS, what="own"),
        row(lambda w: make(w, w.id("victim")), NOBODY, what="others'"),
    ]


def there(make, others="M_FORBIDDEN", allowed=INSIDE):
    """Of the room, and of one that there is not: no difference for an outsider."""
    return [
        row(lambda w: make(w, w.room), allowed, others),
        row(lambda w: make(w, "!none:example.org"), NOBODY, others, what="no room"),
    ]


ABOUT_SERVER = {
    "server.versions": [row(lambda w: GetVersions(), EVERYONE)],
    "server.well_known": [row(lambda w: GetWellKnown(), EVERYONE)],
    "server.capabilities": [row(lambda w: GetCapabilities(), USERS)],
    "media.config": [row(lambda w: GetMediaConfig(), USERS)],
    "media.announce": [row(lambda w: AnnounceUpload(), USERS)],
}

ELSEWHERE = {
    "thirdparty.protocols": [row(lambda w: ListProtocols(), USERS)],
    "thirdparty.protocol": [
        row(lambda w: GetProtocol(protocol="irc"), NOBODY, "M_NOT_FOUND")
    ],
    "thirdparty.locations": [row(lambda w: FindLocations(alias="#a:b"), USERS)],
    "thirdparty.portals": [
        row(lambda w: FindPortals(protocol="irc"), NOBODY, "M_NOT_FOUND")
    ],
    "thirdparty.ghosts": [row(lambda w: FindGhosts(userid="@a:b"), USERS)],
    "thirdparty.users": [
        row(lambda w: FindUsers(protocol="irc"), NOBODY, "M_NOT_FOUND")
    ],
    "threepid.list": [row(lambda w: ListThirdPartyIds(), USERS)],
    "threepid.add": [
        row(
            lambda w: AddThirdPartyId(client_secret="s", sid="1"),
            NOBODY,
            "M_THREEPID_DENIED",
        )
    ],
    "threepid.bind": [
        row(
            lambda w: BindThirdPartyId(
                client_secret="s", sid="1", id_server="b", id_access_token="t"
            ),
            NOBODY,
            "M_THREEPID_DENIED",
        )
    ],
    "threepid.delete": [
        row(lambda w: DeleteThirdPartyId(medium="email", address="a@b"), USERS)
    ],
    "threepid.unbind": [
        row(lambda w: UnbindThirdPartyId(medium="email", address="a@b"), USERS)
    ],
    "voip.turn_server": [row(lambda w: GetTurnServer(), USERS)],
}

ACCOUNTS = {
    "account.login_flows": [row(lambda w: GetLoginFlows(), EVERYONE)],
    "account.login": [
        row(lambda w: Login(user="victim", password="victimpass"), EVERYONE),
        row(
            lambda w: Login(user="victim", password="guess"),
            NOBODY,
            M_FORBIDDEN=["anonymous"],
            what="wrong password",
        ),
    ],
    "account.register": [
        row(
            lambda w: Register(
                username="new", password="password", auth={"type": "m.login.dummy"}
            ),
            EVERYONE,
        )
    ],
    "account.check_registration_token": [
        row(lambda w: CheckRegistrationToken(token="guess"), EVERYONE)
    ],
    "account.login_token": [
        row(lambda w: MakeLoginToken(auth=w.auth), USERS),
        row(lambda w: MakeLoginToken(), NOBODY, "M_UNAUTHORIZED", what="no proof"),
    ],
    "account.check_username": [row(lambda w: CheckUsername(username="new"), EVERYONE)],
    "account.refresh": [
        row(
            lambda w: Refresh(refresh_token="guess"),
            NOBODY,
            "M_UNKNOWN_TOKEN",
            M_UNKNOWN_TOKEN=["anonymous"],
        )
    ],
    "account.logout": [row(lambda w: Logout(), USERS)],
    "account.logout_all": [row(lambda w: LogoutAll(), USERS)],
    "account.whoami": [row(lambda w: WhoAmI(), USERS)],
    "account.change_password": [
        row(
            lambda w: ChangePassword(new_password="password", auth=w.auth),
            USERS,
        ),
        row(
            lambda w: ChangePassword(new_password="password"),
            NOBODY,
            "M_UNAUTHORIZED",
            what="no proof",
        ),
    ],
    "account.deactivate": [
        row(lambda w: Deactivate(auth=w.auth), USERS),
        row(lambda w: Deactivate(), NOBODY, "M_UNAUTHORIZED", what="no proof"),
    ],
    "account.ticket": [row(lambda w: MakeTicket(), USERS)],
    "device.list": [row(lambda w: ListDevices(), USERS)],
    "device.get": [
        row(lambda w: GetDevice(device_id=w.device), USERS),
        row(
            lambda w: GetDevice(device_id=w.device_of("victim")),
            NOBODY,
            "M_NOT_FOUND",
            what="others'",
        ),
    ],
    "device.rename": [
        row(
            lambda w: RenameDevice(device_id=w.device, display_name="d"),
            USERS,
        ),
        row(
            lambda w: RenameDevice(device_id=w.device_of("victim"), display_name="d"),
            NOBODY,
            "M_NOT_FOUND",
            what="others'",
        ),
    ],
    "device.delete": [
        row(lambda w: DeleteDevice(device_id="D", auth=w.auth), USERS),
        row(
            lambda w: DeleteDevice(device_id="D"),
            NOBODY,
            "M_UNAUTHORIZED",
            what="no proof",
        ),
    ],
    "device.delete_many": [
        row(lambda w: DeleteDevices(devices=("D",), auth=w.auth), USERS),
        row(
            lambda w: DeleteDevices(devices=("D",)),
            NOBODY,
            "M_UNAUTHORIZED",
            what="no proof",
        ),
    ],
    "account_data.set": own(
        lambda w, u: SetAccountData(user_id=u, type="org.example.x", content={})
    ),
    "account_data.get": own(
        lambda w, u: GetAccountData(user_id=u, type="org.example.data")
    ),
    "to_device.send": [
        row(
            lambda w: SendToDevice(
                event_type="t", txn_id="t", messages={w.id("victim"): {"*": {}}}
            ),
            USERS,
        )
    ],
    "sync": [row(lambda w: Sync(), USERS)],
    "sliding_sync": [row(lambda w: SlidingSync(), USERS)],
    "sliding_sync.v4": [row(lambda w: SlidingSyncV4(), USERS)],
    "filter.store": own(lambda w, u: stored_filter(u)),
    "filter.get": [
        row(lambda w: GetFilter(user_id=w.me.id, filter_id="0"), NOBODY, "M_NOT_FOUND"),
        row(
            lambda w: GetFilter(user_id=w.id("victim"), filter_id="0"),
            NOBODY,
            what="others'",
        ),
    ],
}

PROFILES = {
    "profile.get": [row(lambda w: GetProfile(user_id=w.id("victim")), EVERYONE)],
    "profile.get_display_name": [
        row(lambda w: GetDisplayName(user_id=w.id("victim")), EVERYONE)
    ],
    "profile.get_avatar_url": [
        row(lambda w: GetAvatarUrl(user_id=w.id("victim")), EVERYONE)
    ],
    "profile.set_display_name": own(
        lambda w, u: SetDisplayName(user_id=u, displayname="N")
    ),
    "profile.set_avatar_url": own(
        lambda w, u: SetAvatarUrl(user_id=u, avatar_url="mxc://example.org/a")
    ),
    # Presence is for those who share a room.
    "presence.get": [
        row(lambda w: GetPresence(user_id=w.me.id), USERS, what="own"),
        row(lambda w: GetPresence(user_id=w.id("victim")), INSIDE, what="others'"),
    ],
    "presence.set": own(lambda w, u: SetPresence(user_id=u, presence="online")),
    "users.search": [row(lambda w: SearchUsers(search_term="victim"), USERS)],
}

COMING_AND_GOING = {
    "room.create": [row(lambda w: CreateRoom(invite=(w.id("friend"),)), USERS)],
    "room.direct": [row(lambda w: OpenDirectChat(user_id=w.id("friend")), USERS)],
    "room.join": [row(lambda w: JoinRoom(room_id=w.room), ("invited", *INSIDE))],
    "room.join_by_alias": [
        row(
            lambda w: JoinByIdOrAlias(id_or_alias="#taken:example.org"),
            ("invited", *INSIDE),
        )
    ],
    "room.knock": [
        row(
            lambda w: KnockRoom(id_or_alias=w.room),
            ("outsider", "knocking", "left", "administrator"),
        )
    ],
    "room.leave": there(
        lambda w, r: LeaveRoom(room_id=r),
        allowed=("invited", "knocking", "left", *INSIDE),
    ),
    "room.forget": [
        row(
            lambda w: ForgetRoom(room_id=w.room),
            ("left", "banned"),
            M_UNKNOWN=("invited", "knocking", *INSIDE),
        )
    ],
    "room.invite": there(
        lambda w, r: Invite(room_id=r, user_id=w.id("friend")),
    ),
    "room.kick": [
        *there(lambda w, r: Kick(room_id=r, user_id=w.id("victim")), allowed=MIGHTY),
        row(
            lambda w: Kick(room_id=w.room, user_id=w.id("equal")),
            ("owner",),
            what="a moderator",
        ),
        row(lambda w: Kick(room_id=w.room, user_id=w.id("peer")), NOBODY, what="owner"),
    ],
    "room.ban": [
        *there(lambda w, r: Ban(room_id=r, user_id=w.id("victim")), allowed=MIGHTY),
        row(
            lambda w: Ban(room_id=w.room, user_id=w.id("equal")),
            ("owner",),
            what="a moderator",
        ),
        row(lambda w: Ban(room_id=w.room, user_id=w.id("peer")), NOBODY, what="owner"),
    ],
    "room.unban": [
        *there(lambda w, r: Unban(room_id=r, user_id=w.id("gone")), allowed=MIGHTY),
        row(
            lambda w: Unban(room_id=w.room, user_id=w.id("banned")),
            ("owner",),
            what="a moderator",
        ),
    ],
    "room.delete": [
        *there(
            lambda w, r: DeleteRoom(room_id=r),
            allowed=("invited", "knocking", "left", "banned", *INSIDE),
        ),
        row(
            lambda w: DeleteRoom(room_id=w.room, scope="all"),
            ("owner",),
            what="for all",
        ),
    ],
    "room.upgrade": there(
        lambda w, r: UpgradeRoom(room_id=r, new_version="11"), allowed=("owner",)
    ),
    "room.summary": there(
        lambda w, r: GetRoomSummary(room_id_or_alias=r),
        "M_NOT_FOUND",
        NOT_BANNED,
    ),
    "space.hierarchy": there(lambda w, r: GetHierarchy(room_id=r), allowed=NOT_BANNED),
    "room.list_joined": [row(lambda w: ListJoinedRooms(), USERS)],
}

DIRECTORY = {
    "alias.resolve": [
        row(lambda w: ResolveAlias(room_alias="#taken:example.org"), EVERYONE)
    ],
    "alias.create": there(
        lambda w, r: CreateAlias(room_alias="#new:example.org", room_id=r)
    ),
    "alias.delete": [
        row(
            lambda w: DeleteAlias(room_alias="#taken:example.org"),
            ("administrator", *MIGHTY),
        )
    ],
    "alias.list": there(lambda w, r: ListAliases(room_id=r)),
    "directory.list": [row(lambda w: ListPublicRooms(), EVERYONE)],
    "directory.search": [row(lambda w: SearchPublicRooms(), USERS)],
    "directory.get_visibility": [
        row(lambda w: GetVisibility(room_id=w.room), EVERYONE)
    ],
    "directory.set_visibility": [
        row(
            lambda w: SetVisibility(room_id=w.room),
            ("administrator", *MIGHTY),
        )
    ],
}

MESSAGES = {
    "room.send": there(lambda w, r: send(w, r, TEXT)),
    "room.edit": [
        row(
            lambda w: EditMessage(
                room_id=w.room, event_id=w.mine, txn_id="t", content=TEXT
            ),
            INSIDE,
            what="own",
        ),
        row(
            lambda w: EditMessage(
                room_id=w.room, event_id=w.said["victim"], txn_id="t", content=TEXT
            ),
            NOBODY,
            what="others'",
        ),
    ],
    "room.redact": [
        row(
            lambda w: RedactEvent(room_id=w.room, event_id=w.mine, txn_id="t"),
            INSIDE,
            what="own",
        ),
        row(
            lambda w: RedactEvent(
                room_id=w.room, event_id=w.said["victim"], txn_id="t"
            ),
            MIGHTY,
            what="others'",
        ),
    ],
    "room.forward": [
        row(
            lambda w: ForwardEvent(
                room_id=w.home,
                from_room_id=w.room,
                event_id=w.said["member"],
                txn_id="t",
            ),
            WAS_THERE,
            "M_NOT_FOUND",
            what="out",
        ),
        row(
            lambda w: ForwardEvent(
                room_id=w.home, from_room_id=w.room, event_id=w.said["last"], txn_id="t"
            ),
            INSIDE,
            "M_NOT_FOUND",
            what="later message out",
        ),
        row(
            lambda w: ForwardEvent(
                room_id=w.room, from_room_id=w.home, event_id=w.at_home, txn_id="t"
            ),
            INSIDE,
            what="in",
        ),
    ],
    "state.set": [
        row(lambda w: set_state(w, "m.room.topic", {"topic": "t"}), MIGHTY),
        row(
            lambda w: set_state(
                w, "m.room.member", {"membership": "join"}, key=w.me.id
            ),
            ("invited", *INSIDE),
            what="own membership",
        ),
        row(
            lambda w: set_state(
                w, "m.room.member", {"membership": "ban"}, key=w.id("victim")
            ),
            MIGHTY,
            what="others' membership",
        ),
        row(
            lambda w: set_state(w, "org.example.x", {}, key=w.id("victim")),
            NOBODY,
            what="state named by another",
        ),
        row(
            lambda w: set_state(
                w, "m.room.power_levels", {**w.levels, "events": {"m.room.topic": 100}}
            ),
            ("owner",),
            what="power levels",
        ),
        row(lambda w: set_state(w, "m.room.create", {}), NOBODY, what="create"),
    ],
    "receipt.send": there(
        lambda w, r: SendReceipt(
            room_id=r, receipt_type="m.read", event_id=w.said["last"]
        )
    ),
    "receipt.set_markers": there(
        lambda w, r: SetReadMarkers(room_id=r, fully_read=w.said["last"])
    ),
    "typing.set": [
        *there(lambda w, r: SetTyping(room_id=r, user_id=w.me.id, typing=True)),
        row(
            lambda w: SetTyping(room_id=w.room, user_id=w.id("victim"), typing=True),
            NOBODY,
            what="for another",
        ),
    ],
}


def set_state(world, kind, content, key=""):
    return SetState(room_id=world.room, event_type=kind, content=content, state_key=key)


def relations(kind, **more):
    return [
        row(
            lambda w: kind(room_id=w.room, event_id=w.said["member"], **more),
            WAS_THERE,
            "M_NOT_FOUND",
        ),
        row(
            lambda w: kind(room_id=w.room, event_id=w.said["last"], **more),
            INSIDE,
            "M_NOT_FOUND",
            what="a later one",
        ),
    ]


READING = {
    "state.get": there(
        lambda w, r: GetState(room_id=r, event_type="m.room.join_rules"),
        allowed=WAS_THERE,
    ),
    "state.list": there(lambda w, r: GetAllState(room_id=r), allowed=WAS_THERE),
    "room.history": there(lambda w, r: GetHistory(room_id=r), allowed=WAS_THERE),
    "room.event": relations(GetEvent),
    "room.context": relations(GetContext),
    "relations.list": relations(GetRelations),
    "relations.list_kind": relations(GetRelationsOfKind, rel_type="m.annotation"),
    "relations.list_type": relations(
        GetRelationsOfType, rel_type="m.annotation", event_type="m.reaction"
    ),
    "room.threads": there(lambda w, r: GetThreads(room_id=r), allowed=WAS_THERE),
    "room.members": there(lambda w, r: GetMembers(room_id=r), allowed=WAS_THERE),
    "room.joined_members": there(lambda w, r: GetJoinedMembers(room_id=r)),
}

# Only those whom a room concerns keep something about it.
CONCERNED = ("invited", "knocking", "left", "banned", *INSIDE)


def own_of_room(make, *, is_read=False):
    return [
        row(
            lambda w: make(w.me.id, w.room),
            USERS if is_read else CONCERNED,
            what="own",
        ),
        row(lambda w: make(w.id("victim"), w.room), NOBODY, what="others'"),
    ]


OF_ROOMS = {
    "account_data.set_room": own_of_room(
        lambda u, r: SetRoomAccountData(
            user_id=u, room_id=r, type="org.example.x", content={}
        )
    ),
    "account_data.get_room": [
        row(
            lambda w: GetRoomAccountData(
                user_id=w.me.id, room_id=w.room, type="org.example.x"
            ),
            NOBODY,
            "M_NOT_FOUND",
            what="own, unset",
        ),
        row(
            lambda w: GetRoomAccountData(
                user_id=w.id("victim"), room_id=w.room, type="org.example.x"
            ),
            NOBODY,
            what="others'",
        ),
    ],
    "tag.list": own_of_room(lambda u, r: GetTags(user_id=u, room_id=r), is_read=True),
    "tag.set": own_of_room(
        lambda u, r: SetTag(user_id=u, room_id=r, tag="m.favourite")
    ),
    "tag.delete": own_of_room(
        lambda u, r: DeleteTag(user_id=u, room_id=r, tag="m.favourite")
    ),
}

KEYS = {
    "keys.upload": [
        row(lambda w: UploadKeys(), USERS),
        row(
            lambda w: UploadKeys(
                device_keys={"user_id": w.id("victim"), "device_id": "V", "keys": {}}
            ),
            NOBODY,
            "M_INVALID_PARAM",
            what="others'",
        ),
    ],
    "keys.query": [row(lambda w: QueryKeys(device_keys={w.id("victim"): ()}), USERS)],
    "keys.claim": [row(lambda w: ClaimKeys(one_time_keys={}), USERS)],
    "keys.changes": [row(lambda w: GetKeyChanges(from_="s0_0_x", to="s9_0_x"), USERS)],
    "keys.upload_signing": [
        row(lambda w: UploadSigningKeys(), NOBODY, "M_MISSING_PARAM")
    ],
    "keys.upload_signatures": [row(lambda w: UploadSignatures(signatures={}), USERS)],
}

METHOD = {"algorithm": "m.megolm_backup.v1.curve25519-aes-sha2", "auth_data": {}}
SESSION = {"room_id": "!r:example.org", "session_id": "s", "version": "1"}
IN_ROOM = {"room_id": "!r:example.org", "version": "1"}
KEY = {
    "first_message_index": 0,
    "forwarded_count": 0,
    "is_verified": True,
    "session_data": {},
}


def nothing_there(request):
    """Backups are asked for by version, and everybody sees only their own."""
    return [row(lambda w: request, NOBODY, "M_NOT_FOUND", what="none")]


KEY_BACKUPS = {
    "key_backup.create": [row(lambda w: CreateBackup(**METHOD), USERS)],
    "key_backup.get": nothing_there(GetBackup()),
    "key_backup.get_version": nothing_there(GetBackupVersion(version="1")),
    "key_backup.update": nothing_there(UpdateBackup(version="1", **METHOD)),
    "key_backup.delete": nothing_there(DeleteBackup(version="1")),
    "key_backup.put_keys": nothing_there(PutKeys(version="1", rooms={})),
    "key_backup.put_room_keys": nothing_there(PutRoomKeys(**IN_ROOM, sessions={})),
    "key_backup.put_key": nothing_there(PutKey(**SESSION, **KEY)),
    "key_backup.get_keys": nothing_there(GetKeys(version="1")),
    "key_backup.get_room_keys": nothing_there(GetRoomKeys(**IN_ROOM)),
    "key_backup.get_key": nothing_there(GetKey(**SESSION)),
    "key_backup.delete_keys": nothing_there(DeleteKeys(version="1")),
    "key_backup.delete_room_keys": nothing_there(DeleteRoomKeys(**IN_ROOM)),
    "key_backup.delete_key": nothing_there(DeleteKey(**SESSION)),
}

MASTER = {"kind": "override", "rule_id": ".m.rule.master"}
ALARM = {"kind": "content", "rule_id": "alarm"}

PUSH_RULES = {
    "push_rule.list": [row(lambda w: GetPushRules(), USERS)],
    "push_rule.list_global": [row(lambda w: GetGlobalPushRules(), USERS)],
    "pusher.list": [row(lambda w: ListPushers(), USERS)],
    "pusher.set": [row(lambda w: SetPusher(app_id="a", pushkey="k", kind=None), USERS)],
    "push_rule.get": [row(lambda w: GetPushRule(**MASTER), USERS)],
    "push_rule.set": [
        row(lambda w: SetPushRule(**ALARM, pattern="alarm", actions=()), USERS)
    ],
    "push_rule.delete": [
        row(lambda w: DeletePushRule(**ALARM), NOBODY, "M_NOT_FOUND", what="none"),
        row(lambda w: DeletePushRule(**MASTER), NOBODY, "M_INVALID_PARAM", what="all"),
    ],
    "push_rule.get_enabled": [row(lambda w: GetPushRuleEnabled(**MASTER), USERS)],
    "push_rule.set_enabled": [
        row(lambda w: SetPushRuleEnabled(**MASTER, enabled=True), USERS)
    ],
    "push_rule.get_actions": [row(lambda w: GetPushRuleActions(**MASTER), USERS)],
    "push_rule.set_actions": [
        row(lambda w: SetPushRuleActions(**MASTER, actions=()), USERS)
    ],
}

APPSERVICES = {
    "appservice.ping": [row(lambda w: PingAppservice(appservice_id="irc"), NOBODY)],
}

REPORTS = {
    "report.event": [
        row(
            lambda w: ReportEvent(room_id=w.room, event_id=w.said["member"]),
            INSIDE,
            "M_NOT_FOUND",
        ),
        row(
            lambda w: ReportEvent(room_id=w.room, event_id="$none"),
            NOBODY,
            "M_NOT_FOUND",
            what="none",
        ),
    ],
    "report.room": [
        row(lambda w: ReportRoom(room_id=w.room, reason="spam"), USERS),
        row(
            lambda w: ReportRoom(room_id="!none:example.org", reason="spam"),
            USERS,
            what="no room",
        ),
    ],
    "report.user": [
        row(lambda w: ReportUser(user_id=w.id("victim"), reason=""), USERS)
    ],
    "report.list": [row(lambda w: ListReports(), ("administrator",))],
    "report.settle": [
        row(
            lambda w: SettleReport(report_id="1"),
            NOBODY,
            M_NOT_FOUND=["administrator"],
            what="none",
        )
    ],
}

SEARCH = {
    "search": [
        row(lambda w: SearchEvents(search_categories=SearchCriteria()), USERS),
    ],
    "room.event_at_time": there(
        lambda w, r: GetEventAtTime(room_id=r, ts=0, dir="f"), allowed=WAS_THERE
    ),
}

TABLE = {
    **REPORTS,
    **SEARCH,
    **APPSERVICES,
    **KEYS,
    **KEY_BACKUPS,
    **PUSH_RULES,
    **ABOUT_SERVER,
    **ELSEWHERE,
    **ACCOUNTS,
    **PROFILES,
    **COMING_AND_GOING,
    **DIRECTORY,
    **MESSAGES,
    **READING,
    **OF_ROOMS,
}


def cases():
    for name, rows in TABLE.items():
        for each in rows:
            for role in EVERYONE:
                label = "-".join(part for part in (name, each.what, role) if part)
                yield pytest.param(name, each, role, id=label)


def test_every_operation_is_in_the_table():
    by_hand = {op.name for op in OPERATIONS if op.by_hand}
    assert set(TABLE) | by_hand == {op.name for op in OPERATIONS}


@pytest.mark.parametrize(("name", "expected", "role"), list(cases()))
async def test_access(image, name, expected, role):
    async with opened(image, role) as world:
        request = expected.request(world)
        assert world.me.engine.operations.of(request).name == name
        errcode = expected.answer(role)
        if errcode is None:
            await world.me.call(request)
        else:
            store = world.me.engine.store
            before = store.changes
            with refused(errcode):
                await world.me.call(request)
            assert store.changes == before


# What an account may do and a guest may not comes to nothing before a room is asked.
FOR_GUESTS = {
    *("room.send", "state.set", "state.get", "state.list", "room.history"),
    *("room.event", "room.context", "room.members", "room.join", "room.join_by_alias"),
    *("room.leave", "room.list_joined", "to_device.send", "profile.set_display_name"),
    *("device.list", "device.get", "device.rename", "account.whoami", "account.logout"),
    *("account.ticket", "keys.upload", "keys.query", "keys.claim", "sync"),
    *("filter.store", "filter.get", "sliding_sync", "server.capabilities"),
    *("media.config", "media.download", "media.download_named", "media.thumbnail"),
}
PUBLIC = {op.name for op in OPERATIONS if op.access is Access.PUBLIC}
OF_USERS = {op.name for op in OPERATIONS if op.access is Access.USER}


@pytest.mark.parametrize("name", sorted((TABLE.keys() & OF_USERS) - FOR_GUESTS))
async def test_guest_is_refused(image, name):
    async with opened(image, "member") as world:
        world.me.caller = evolve(world.me.caller, is_guest=True)
        request = TABLE[name][0].request(world)
        with refused("M_GUEST_ACCESS_FORBIDDEN"):
            await world.me.call(request)


def test_guests_are_open_to_what_is_named():
    guest = Caller(user_id="@1:example.org", is_guest=True)
    taken = set()
    for operation in OPERATIONS:
        try:
            require_open_to(guest, operation)
        except MatrixError:
            continue
        taken.add(operation.name)
    assert taken == FOR_GUESTS | PUBLIC
