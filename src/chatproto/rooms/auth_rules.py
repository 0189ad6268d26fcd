"""The authorization rules of room version 11, a small function each.

They run in the order of the specification (content/rooms/v11.md, "Authorization
rules"); the first that decides, decides. A rule returns True to allow, None to pass on
to the next, and raises Denied to refuse. Whether signatures hold (rule 4.2) is checked
where events of other servers come in; here their presence in the event is.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Sequence
from typing import TypeAlias

from chatproto.canonical import JsonObject, object_of
from chatproto.events.envelope import Pdu
from chatproto.ids import EventId, UserId, server_name
from chatproto.rooms.member_rules import MEMBER_RULES
from chatproto.rooms.power_level_rules import check_power_levels
from chatproto.rooms.rule import Denied as Denied
from chatproto.rooms.rule import Question
from chatproto.rooms.state import RoomState
from chatproto.rooms.version import ROOM_VERSIONS, RoomVersion

Rule: TypeAlias = Callable[[Question], bool | None]


def rule_1_create(question: Question) -> bool | None:
    pdu = question.pdu
    if pdu.type != "m.room.create":
        return None
    if pdu.prev_events:
        raise Denied("1.1", "a create event has nothing before it")
    if server_name(pdu.room_id) != server_name(pdu.sender):
        raise Denied("1.2", "a room is created by a user of the server in its ID")
    version = pdu.content.get("room_version", question.version.id)
    if not isinstance(version, str) or version not in ROOM_VERSIONS:
        raise Denied("1.3", f"room version {str(version)[:20]!r} is not known")
    if question.version.creator_in_content and "creator" not in pdu.content:
        raise Denied("1.4", "a create event of this version names its creator")
    if question.state.create is not None:
        raise Denied("1.1", "the room has been created already")
    return True


def rule_2_created(question: Question) -> bool | None:
    if question.state.create is None:
        raise Denied("2.4", "the room has no create event")
    return None


def rule_3_federate(question: Question) -> bool | None:
    create = question.create
    local = server_name(question.pdu.sender) == server_name(create.sender)
    if create.content.get("m.federate") is False and not local:
        raise Denied("3", "the room is not open to other servers")
    return None


def rule_4_member(question: Question) -> bool | None:
    pdu = question.pdu
    if pdu.type != "m.room.member":
        return None
    membership = pdu.content.get("membership")
    if pdu.state_key is None or not isinstance(membership, str):
        raise Denied("4.1", "a member event names a user and a membership")
    authorizer = pdu.content.get("join_authorised_via_users_server")
    if authorizer is not None:
        signers = object_of(pdu.json.get("signatures"))
        if server_name(str(authorizer)) not in signers:
            raise Denied("4.2", "the server of the authorizing user has not signed")
    rule = MEMBER_RULES.get(membership)
    if rule is None:
        raise Denied("4.8", f"no membership is called {membership[:20]!r}")
    return rule(question)


def rule_5_joined(question: Question) -> bool | None:
    if question.state.membership(question.pdu.sender) != "join":
        raise Denied("5", "the sender is not in the room")
    return None


def rule_6_third_party_invite(question: Question) -> bool | None:
    if question.pdu.type != "m.room.third_party_invite":
        return None
    if question.sender_level < question.levels.invite:
        raise Denied("6", f"inviting needs power level {question.levels.invite}")
    return True


def rule_7_level(question: Question) -> bool | None:
    pdu = question.pdu
    required = question.levels.required(pdu.type, is_state=pdu.is_state)
    if required > question.sender_level:
        raise Denied(
            "7",
            f"sending {pdu.type} needs power level {required}, "
            f"the sender has {question.sender_level}",
        )
    return None


def rule_8_own_state(question: Question) -> bool | None:
    key = question.pdu.state_key
    if key is not None and key.startswith("@") and key != question.pdu.sender:
        raise Denied("8", "state named by a user is set by that user only")
    return None


def rule_9_power_levels(question: Question) -> bool | None:
    if question.pdu.type != "m.room.power_levels":
        return None
    check_power_levels(question)
    return True


RULES: tuple[tuple[str, Rule], ...] = (
    ("1", rule_1_create),
    ("2", rule_2_created),
    ("3", rule_3_federate),
    ("4", rule_4_member),
    ("5", rule_5_joined),
    ("6", rule_6_third_party_invite),
    ("7", rule_7_level),
    ("8", rule_8_own_state),
    ("9", rule_9_power_levels),
)


def check(pdu: Pdu, state: RoomState, version: RoomVersion) -> None:
    """Whether an event may follow a state. Raises Denied, which names the rule."""
    question = Question(pdu, state, version)
    for _, rule in RULES:
        if rule(question):
            return


def check_auth_events(
    pdu: Pdu,
    auth_events: Sequence[Pdu],
    rejected: Container[EventId] = (),
) -> None:
    """Rule 2: whether an event names just the right auth events.

    `rejected` are those of them that were rejected themselves. Raises Denied.
    """
    if pdu.type == "m.room.create":
        return
    keys = [(auth.type, auth.state_key) for auth in auth_events]
    if len(set(keys)) != len(keys):
        raise Denied("2.1", "two auth events are of the same type and state key")
    allowed = set(auth_keys(pdu.type, pdu.sender, pdu.state_key, pdu.content))
    if not set(keys) <= allowed:
        raise Denied("2.2", "an auth event has nothing to do with the event")
    if any(auth.event_id in rejected for auth in auth_events):
        raise Denied("2.3", "an auth event was rejected itself")
    if ("m.room.create", "") not in keys:
        raise Denied("2.4", "the create event is not among the auth events")
    if any(auth.room_id != pdu.room_id for auth in auth_events):
        raise Denied("2.5", "an auth event is of another room")


def select_auth_events(
    event_type: str,
    sender: UserId,
    state_key: str | None,
    content: JsonObject,
    state: RoomState,
) -> list[EventId]:
    """The auth events of an event that is to follow a state."""
    found = (
        state.get(*key) for key in auth_keys(event_type, sender, state_key, content)
    )
    return list(dict.fromkeys(pdu.event_id for pdu in found if pdu is not None))


def auth_keys(
    event_type: str,
    sender: UserId,
    state_key: str | None,
    content: JsonObject,
) -> Iterable[tuple[str, str]]:
    """What an event is authorized by (specification, "Auth events selection")."""
    if event_type == "m.room.create":
        return
    yield "m.room.create", ""
    yield "m.room.power_levels", ""
    yield "m.room.member", sender
    if event_type != "m.room.member" or state_key is None:
        return
    yield "m.room.member", state_key
    membership = content.get("membership")
    if membership in ("join", "invite", "knock"):
        yield "m.room.join_rules", ""
    if membership == "invite":
        invite = object_of(content.get("third_party_invite"))
        token = object_of(invite.get("signed")).get("token")
        if isinstance(token, str):
            yield "m.room.third_party_invite", token
    authorizer = content.get("join_authorised_via_users_server")
    if membership == "join" and isinstance(authorizer, str):
        yield "m.room.member", authorizer
