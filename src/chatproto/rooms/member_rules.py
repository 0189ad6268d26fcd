"""Rule 4: who may change whose membership how (content/rooms/v11.md)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import islice, product
from types import MappingProxyType

from chatproto.canonical import JsonObject, list_of, object_of
from chatproto.errors import MatrixError
from chatproto.rooms.power_levels import creator_of
from chatproto.rooms.rule import Denied, Question
from chatproto.signing import verify_json

# An event has room for hundreds of signatures and of keys, and each pair costs 0.1 ms;
# real invitations have one signature and two keys.
MAX_SIGNATURE_CHECKS = 100


def rule_4_3_join(question: Question) -> bool:
    pdu = question.pdu
    if _is_creators_first_join(question):
        return True
    if pdu.sender != pdu.state_key:
        raise Denied("4.3b", "nobody joins for another")
    if question.sender_membership == "ban":
        raise Denied("4.3c", "the user is banned from the room")
    rule = question.state.join_rule
    if rule == "public" or question.sender_membership in ("invite", "join"):
        if rule in _JOIN_RULES:
            return True
        raise Denied("4.3g", f"no join rule is called {rule[:20]!r}")
    if rule in ("restricted", "knock_restricted"):
        return _restricted(question)
    raise Denied("4.3d" if rule in _JOIN_RULES else "4.3g", "the user is not invited")


_JOIN_RULES = ("public", "invite", "knock", "restricted", "knock_restricted")


def _is_creators_first_join(question: Question) -> bool:
    create = question.create
    only_create = question.pdu.prev_events == (create.event_id,)
    return only_create and question.target == creator_of(create, question.version)


def _restricted(question: Question) -> bool:
    authorizer = question.pdu.content.get("join_authorised_via_users_server")
    if not isinstance(authorizer, str):
        raise Denied("4.3e", "the user meets no condition of this room")
    if question.state.membership(authorizer) != "join":
        raise Denied("4.3e", "the authorizing user is not in the room")
    if question.levels.user(authorizer) < question.levels.invite:
        raise Denied("4.3e", "the authorizing user may not invite")
    return True


def rule_4_4_invite(question: Question) -> bool:
    if "third_party_invite" in question.pdu.content:
        return _third_party(question, question.pdu.content["third_party_invite"])
    if question.sender_membership != "join":
        raise Denied("4.4b", "only members invite")
    if question.target_membership in ("join", "ban"):
        raise Denied("4.4c", f"the user's membership is {question.target_membership}")
    if question.sender_level < question.levels.invite:
        raise Denied("4.4d", f"inviting needs power level {question.levels.invite}")
    return True


def _third_party(question: Question, invite: object) -> bool:
    if question.target_membership == "ban":
        raise Denied("4.4a", "the user is banned from the room")
    signed = object_of(object_of(invite).get("signed"))
    token = signed.get("token")
    if not isinstance(token, str) or "mxid" not in signed:
        raise Denied("4.4a", "a third-party invitation lacks what is signed")
    if signed["mxid"] != question.target:
        raise Denied("4.4a", "the third-party invitation is for somebody else")
    event = question.state.get("m.room.third_party_invite", token)
    if event is None or event.sender != question.pdu.sender:
        raise Denied("4.4a", "the sender has made no such third-party invitation")
    if not _is_signed(signed, list(_public_keys(event.content))):
        raise Denied("4.4a", "no key of the third-party invitation has signed")
    return True


def _public_keys(content: JsonObject) -> Iterable[str]:
    if isinstance(content.get("public_key"), str):
        yield content["public_key"]
    for entry in list_of(content.get("public_keys")):
        key = object_of(entry).get("public_key")
        if isinstance(key, str):
            yield key


def _is_signed(signed: JsonObject, keys: Sequence[str]) -> bool:
    tries = islice(product(_signatures(signed), keys), MAX_SIGNATURE_CHECKS)
    for (server, key_id), key in tries:
        try:
            verify_json(signed, server, key_id, key)
        except MatrixError:
            continue
        return True
    return False


def _signatures(signed: JsonObject) -> Iterable[tuple[str, str]]:
    for server, by_key in object_of(signed.get("signatures")).items():
        for key_id in object_of(by_key):
            yield server, key_id


def rule_4_5_leave(question: Question) -> bool:
    pdu, levels = question.pdu, question.levels
    if pdu.sender == pdu.state_key:
        if question.sender_membership in ("invite", "join", "knock"):
            return True
        raise Denied("4.5a", f"the user's membership is {question.sender_membership}")
    if question.sender_membership != "join":
        raise Denied("4.5b", "only members remove others")
    if question.target_membership == "ban" and question.sender_level < levels.ban:
        raise Denied("4.5c", f"lifting a ban needs power level {levels.ban}")
    if question.sender_level < levels.kick:
        raise Denied("4.5d", f"removing others needs power level {levels.kick}")
    if levels.user(question.target) >= question.sender_level:
        raise Denied("4.5d", "the user's power level is not below the sender's")
    return True


def rule_4_6_ban(question: Question) -> bool:
    levels = question.levels
    if question.sender_membership != "join":
        raise Denied("4.6a", "only members ban others")
    if question.sender_level < levels.ban:
        raise Denied("4.6b", f"banning needs power level {levels.ban}")
    if levels.user(question.target) >= question.sender_level:
        raise Denied("4.6b", "the user's power level is not below the sender's")
    return True


def rule_4_7_knock(question: Question) -> bool:
    pdu = question.pdu
    if question.state.join_rule not in ("knock", "knock_restricted"):
        raise Denied("4.7a", "the room does not take knocks")
    if pdu.sender != pdu.state_key:
        raise Denied("4.7b", "nobody knocks for another")
    if question.sender_membership in ("ban", "invite", "join"):
        raise Denied("4.7c", f"the user's membership is {question.sender_membership}")
    return True


MEMBER_RULES: Mapping[str, Callable[[Question], bool]] = MappingProxyType(
    {
        "join": rule_4_3_join,
        "invite": rule_4_4_invite,
        "leave": rule_4_5_leave,
        "ban": rule_4_6_ban,
        "knock": rule_4_7_knock,
    },
)
