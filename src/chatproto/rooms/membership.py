"""The machine of a user's membership in a room, as a table.

It says which steps exist, not who has the right to take them: that is what the
authorization rules are for (`auth_rules`). A step by oneself has another name than the
same step by somebody else.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from types import MappingProxyType
from typing import TypeAlias

from chatproto.errors import MatrixError


class Step(Enum):
    """What can be done to a membership."""

    JOIN = "join"
    KNOCK = "knock"
    LEAVE = "leave"  # also: refuse an invitation, take a knock back
    INVITE = "invite"  # by another, as all below
    KICK = "kick"  # also: withdraw an invitation, refuse a knock
    BAN = "ban"
    UNBAN = "unban"


Transitions: TypeAlias = Mapping[tuple[str, Step], str]

TRANSITIONS: Transitions = MappingProxyType(
    {
        ("leave", Step.JOIN): "join",
        ("leave", Step.KNOCK): "knock",
        ("leave", Step.INVITE): "invite",
        ("leave", Step.BAN): "ban",
        ("knock", Step.INVITE): "invite",
        ("knock", Step.LEAVE): "leave",
        ("knock", Step.KICK): "leave",
        ("knock", Step.BAN): "ban",
        ("knock", Step.KNOCK): "knock",
        ("knock", Step.JOIN): "join",
        ("invite", Step.JOIN): "join",
        ("invite", Step.INVITE): "invite",
        ("invite", Step.LEAVE): "leave",
        ("invite", Step.KICK): "leave",
        ("invite", Step.BAN): "ban",
        ("join", Step.JOIN): "join",
        ("join", Step.LEAVE): "leave",
        ("join", Step.KICK): "leave",
        ("join", Step.BAN): "ban",
        ("ban", Step.BAN): "ban",
        ("ban", Step.UNBAN): "leave",
    },
)


def next_membership(current: str, step: Step) -> str:
    """Where a step leads. Raises MatrixError M_FORBIDDEN if it does not exist."""
    following = TRANSITIONS.get((current, step))
    if following is None:
        raise MatrixError(
            "M_FORBIDDEN",
            f"a user whose membership is {current!r} cannot be subject to {step.value}",
        )
    return following
