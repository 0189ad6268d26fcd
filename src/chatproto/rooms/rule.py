"""What an authorization rule is asked, and how it refuses."""

from __future__ import annotations

from functools import cached_property

from attrs import define

from chatproto.errors import MatrixError
from chatproto.events.envelope import Pdu
from chatproto.rooms.power_levels import PowerLevels
from chatproto.rooms.state import RoomState
from chatproto.rooms.version import RoomVersion


class Denied(MatrixError):  # noqa: N818 as the specification speaks of it
    """The room's rules forbid an event; `rule` is the number in the specification."""

    def __init__(self, rule: str, why: str) -> None:
        super().__init__("M_FORBIDDEN", why)
        self.rule = rule


@define(eq=False, slots=False)
class Question:
    """May this event follow this state?"""

    pdu: Pdu
    state: RoomState
    version: RoomVersion

    @cached_property
    def levels(self) -> PowerLevels:
        return PowerLevels.of(self.state, self.version)

    @cached_property
    def sender_level(self) -> int:
        return self.levels.user(self.pdu.sender)

    @property
    def create(self) -> Pdu:
        create = self.state.create
        assert create is not None, "rule 2 comes first"
        return create

    @property
    def target(self) -> str:
        """The user whom a member event is about."""
        return self.pdu.state_key or ""

    @property
    def target_membership(self) -> str:
        return self.state.membership(self.target)

    @property
    def sender_membership(self) -> str:
        return self.state.membership(self.pdu.sender)
