"""The events of a poll."""

from __future__ import annotations

from attrs import frozen

from chatproto.module import EventKind, EventType


@frozen(kw_only=True)
class Poll:
    """A question with two to twenty options."""

    question: str
    options: tuple[str, ...]


@frozen(kw_only=True)
class Vote:
    """A vote for an option, counted from 0; a later vote replaces an earlier one."""

    poll: str
    option: int


@frozen(kw_only=True)
class Closed:
    """The end of a poll; later votes do not count."""

    poll: str


POLL = "org.example.polls.poll"
VOTE = "org.example.polls.vote"
CLOSED = "org.example.polls.closed"

EVENTS = (
    EventType(POLL, EventKind.MESSAGE, Poll, bumps=True, counts=True),
    EventType(VOTE, EventKind.MESSAGE, Vote),
    EventType(CLOSED, EventKind.MESSAGE, Closed),
)
