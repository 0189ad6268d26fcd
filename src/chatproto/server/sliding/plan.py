"""What of a room goes out, given what the client knows of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from attrs import frozen

from chatproto.canonical import JsonObject, dumps
from chatproto.ids import UserId
from chatproto.server.sliding.connection import KnownRoom
from chatproto.server.sliding.wanted import RoomWanted, WantedState

# Of more members than this the server forgets that it has sent them, and does again.
MAX_MEMBERS = 100


@frozen(kw_only=True)
class Plan:
    """How to bring a client from what it knows of a room to seq `through`.

    Events after `start` are news; with `expands` older ones may be wanted, too. State
    that changed after `start` is sent as far as it is wanted, and all that is wanted
    now and matched nothing of `had`.
    """

    initial: bool
    start: int
    through: int
    expands: bool
    wanted: RoomWanted
    had: WantedState
    known: KnownRoom | None = None

    @property
    def wants_more_state(self) -> bool:
        return self.initial or self.wanted.state != self.had

    @property
    def is_empty(self) -> bool:
        grown = self.through > self.start
        return not (self.initial or grown or self.expands or self.wants_more_state)

    def newly_wants(self, event_type: str, state_key: str) -> bool:
        """Whether a piece of state is wanted now that was not before."""
        wants = self.wanted.state.matches(event_type, state_key)
        return wants and not self.had.matches(event_type, state_key)

    def has_members(self, sent: Cut) -> frozenset[UserId]:
        """Whose member events the client has; after a gap it trusts none of them."""
        lazy = self.had.lazy_members and self.wanted.state.lazy_members
        if self.known is None or sent.has_gap or not lazy:
            return frozenset()
        return self.known.members

    def after(
        self,
        sent: Cut,
        fields: Mapping[str, int],
        members: frozenset[UserId],
    ) -> KnownRoom:
        """What the client knows once this has been carried out; `members` were sent."""
        had = self.has_members(sent)
        if len(had) + len(members) <= MAX_MEMBERS:
            members |= had
        known, limit = self.known, self.wanted.timeline_limit
        first = sent.first
        if known is not None and not sent.has_gap:
            limit = max(limit, known.wanted.timeline_limit)
            first = min(first, known.first)
        return KnownRoom(
            membership="join",
            first=first,
            through=self.through,
            wanted=RoomWanted(limit, self.wanted.state),
            fields=fields,
            members=members,
        )


@frozen(kw_only=True)
class Cut:
    """Which of a room's newest events are sent: so many, from the seq `first` on.

    `limited` says that there are more that the client may want.
    """

    count: int
    first: int
    limited: bool = False
    expanded: bool = False

    @property
    def has_gap(self) -> bool:
        """Whether events are missing between them and those that the client has."""
        return self.limited and not self.expanded


def plan(
    known: KnownRoom | None, wanted: RoomWanted, membership: str, through: int
) -> Plan:
    """How to go on with a room that the user is in, or has just left."""
    if known is not None and known.membership == "join":
        return Plan(
            initial=False,
            start=min(known.through, through),
            through=through,
            expands=wanted.timeline_limit > known.wanted.timeline_limit,
            wanted=wanted,
            had=known.wanted.state,
            known=known,
        )
    return Plan(
        initial=True,
        start=0,
        through=through,
        expands=False,
        wanted=wanted,
        had=WantedState(),
    )


def cut(todo: Plan, newest: Sequence[int]) -> Cut:
    """What is sent of the newest events, by their seqs, the newest first: of all if the
    plan expands, else of those that are news; one more than are wanted if there is.
    """
    limit = todo.wanted.timeline_limit
    shown = newest[:limit]
    limited, expanded = len(newest) > limit, False
    if todo.known is not None and todo.expands:
        if shown and shown[-1] < todo.known.first:
            # Only when it is limited does matrix-js-sdk look for what it has already.
            limited = expanded = True
        else:
            limited = limited and newest[limit] > todo.start
            shown = [seq for seq in shown if seq > todo.start]
    first = shown[-1] if shown else todo.through + 1
    return Cut(count=len(shown), first=first, limited=limited, expanded=expanded)


def digests(fields: JsonObject) -> dict[str, int]:
    """Short stand-ins for the values of fields, to tell later whether they changed."""
    return {key: hash(dumps(value)) for key, value in fields.items()}


def changed(fields: JsonObject, known: Mapping[str, int] | None) -> JsonObject:
    """The fields that a client does not know yet, or knows otherwise.

    To one that knows nothing, what is not set is not said.
    """
    if known is None:
        return {key: value for key, value in fields.items() if not _is_unset(value)}
    now = digests(fields)
    return {key: fields[key] for key, value in now.items() if known.get(key) != value}


def _is_unset(value: Any) -> bool:
    return value is None or value is False
