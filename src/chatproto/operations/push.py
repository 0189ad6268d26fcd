"""Push rules and pushers."""

from __future__ import annotations

from typing import Any

from attrs import field, frozen

from chatproto.canonical import JsonObject
from chatproto.operations.codec import wire
from chatproto.operations.declare import Call, Empty, Operation, Rate
from chatproto.rooms.push_rules import PushRule


@frozen(kw_only=True)
class GlobalPushRules:
    """One's rules by kind, in the order in which they are tried."""

    override: tuple[PushRule, ...]
    content: tuple[PushRule, ...]
    room: tuple[PushRule, ...]
    sender: tuple[PushRule, ...]
    underride: tuple[PushRule, ...]


@frozen(kw_only=True)
class PushRules:
    """All of one's rules: there is one scope."""

    global_: GlobalPushRules = field(metadata=wire("global"))


@frozen(kw_only=True)
class GetPushRules(Call[PushRules]):
    """Read one's push rules, those that the server brings along included."""


@frozen(kw_only=True)
class GetGlobalPushRules(Call[GlobalPushRules]):
    """Read one's push rules by kind, which are the global ones: there are no others."""


@frozen(kw_only=True)
class GetPushRule(Call[PushRule]):
    """Read one push rule."""

    kind: str
    rule_id: str


@frozen(kw_only=True)
class SetPushRule(Call[Empty]):
    """Add or replace a push rule, before or after another of one's own."""

    kind: str
    rule_id: str
    actions: tuple[Any, ...]
    conditions: tuple[JsonObject, ...] | None = None
    pattern: str | None = None
    before: str | None = None
    after: str | None = None


@frozen(kw_only=True)
class DeletePushRule(Call[Empty]):
    """Take away one of one's own push rules."""

    kind: str
    rule_id: str


@frozen(kw_only=True)
class PushRuleEnabled:
    enabled: bool


@frozen(kw_only=True)
class GetPushRuleEnabled(Call[PushRuleEnabled]):
    """Read whether a push rule is in use."""

    kind: str
    rule_id: str


@frozen(kw_only=True)
class SetPushRuleEnabled(Call[Empty]):
    """Put a push rule to use, or out of use; those of the server included."""

    kind: str
    rule_id: str
    enabled: bool


@frozen(kw_only=True)
class PushRuleActions:
    actions: tuple[Any, ...]


@frozen(kw_only=True)
class GetPushRuleActions(Call[PushRuleActions]):
    """Read what a push rule does."""

    kind: str
    rule_id: str


@frozen(kw_only=True)
class SetPushRuleActions(Call[Empty]):
    """Change what a push rule does; those of the server included."""

    kind: str
    rule_id: str
    actions: tuple[Any, ...]


@frozen(kw_only=True)
class Pusher:
    """A gateway that is told of what notifies, and for which app on which device."""

    pushkey: str
    kind: str
    app_id: str
    app_display_name: str
    device_display_name: str
    lang: str
    data: JsonObject
    profile_tag: str | None = None


@frozen(kw_only=True)
class Pushers:
    pushers: tuple[Pusher, ...]


@frozen(kw_only=True)
class ListPushers(Call[Pushers]):
    """List one's pushers."""


@frozen(kw_only=True)
class SetPusher(Call[Empty]):
    """Add, change or, with no `kind`, take away a pusher: an app's address at a gateway.

    The only kind is `http`; `data.url` is the gateway's, and ends in
    /_matrix/push/v1/notify. With `append` others may have the same app and key.
    """

    pushkey: str
    app_id: str
    kind: str | None
    app_display_name: str | None = None
    device_display_name: str | None = None
    profile_tag: str | None = None
    lang: str | None = None
    data: JsonObject | None = None
    append: bool = False


_RULES = "/_matrix/client/v3/pushrules"
_RULE = f"{_RULES}/global/{{kind}}/{{rule_id}}"
_WRITING = ("M_NOT_FOUND", "M_INVALID_PARAM", "M_LIMIT_EXCEEDED")

GET_PUSH_RULES = Operation(
    name="push_rule.list",
    http=f"GET {_RULES}",
    aliases=(f"{_RULES}/",),
    request=GetPushRules,
    response=PushRules,
)
GET_GLOBAL_PUSH_RULES = Operation(
    name="push_rule.list_global",
    http=f"GET {_RULES}/global",
    aliases=(f"{_RULES}/global/",),
    request=GetGlobalPushRules,
    response=GlobalPushRules,
)
GET_PUSH_RULE = Operation(
    name="push_rule.get",
    http=f"GET {_RULE}",
    request=GetPushRule,
    response=PushRule,
    errors=("M_NOT_FOUND", "M_INVALID_PARAM"),
)
SET_PUSH_RULE = Operation(
    name="push_rule.set",
    http=f"PUT {_RULE}",
    request=SetPushRule,
    response=Empty,
    rate=Rate.WRITE,
    query=("before", "after"),
    errors=_WRITING,
)
DELETE_PUSH_RULE = Operation(
    name="push_rule.delete",
    http=f"DELETE {_RULE}",
    request=DeletePushRule,
    response=Empty,
    rate=Rate.WRITE,
    errors=_WRITING,
)
GET_PUSH_RULE_ENABLED = Operation(
    name="push_rule.get_enabled",
    http=f"GET {_RULE}/enabled",
    request=GetPushRuleEnabled,
    response=PushRuleEnabled,
    errors=("M_NOT_FOUND", "M_INVALID_PARAM"),
)
SET_PUSH_RULE_ENABLED = Operation(
    name="push_rule.set_enabled",
    http=f"PUT {_RULE}/enabled",
    request=SetPushRuleEnabled,
    response=Empty,
    rate=Rate.WRITE,
    errors=_WRITING,
)
GET_PUSH_RULE_ACTIONS = Operation(
    name="push_rule.get_actions",
    http=f"GET {_RULE}/actions",
    request=GetPushRuleActions,
    response=PushRuleActions,
    errors=("M_NOT_FOUND", "M_INVALID_PARAM"),
)
SET_PUSH_RULE_ACTIONS = Operation(
    name="push_rule.set_actions",
    http=f"PUT {_RULE}/actions",
    request=SetPushRuleActions,
    response=Empty,
    rate=Rate.WRITE,
    errors=_WRITING,
)

LIST_PUSHERS = Operation(
    name="pusher.list",
    http="GET /_matrix/client/v3/pushers",
    request=ListPushers,
    response=Pushers,
)
SET_PUSHER = Operation(
    name="pusher.set",
    http="POST /_matrix/client/v3/pushers/set",
    request=SetPusher,
    response=Empty,
    rate=Rate.WRITE,
    errors=("M_MISSING_PARAM", "M_INVALID_PARAM", "M_LIMIT_EXCEEDED"),
)

OPERATIONS = (
    GET_PUSH_RULES,
    GET_GLOBAL_PUSH_RULES,
    GET_PUSH_RULE,
    SET_PUSH_RULE,
    DELETE_PUSH_RULE,
    GET_PUSH_RULE_ENABLED,
    SET_PUSH_RULE_ENABLED,
    GET_PUSH_RULE_ACTIONS,
    SET_PUSH_RULE_ACTIONS,
    LIST_PUSHERS,
    SET_PUSHER,
)
