"""What can be asked: start a poll, vote, close, show the result."""

from __future__ import annotations

from attrs import frozen

from chatproto.ids import EventId, RoomId, TxnId
from chatproto.module import Call, Operation, Rate

_POLLS = "/_chatproto/v1/org.example.polls/rooms/{room_id}"


@frozen(kw_only=True)
class Started:
    poll: EventId


@frozen(kw_only=True)
class StartPoll(Call[Started]):
    """Ask a question in a chat, with options to choose from."""

    room_id: RoomId
    txn_id: TxnId
    question: str
    options: tuple[str, ...]


@frozen(kw_only=True)
class Voted:
    event_id: EventId


@frozen(kw_only=True)
class CastVote(Call[Voted]):
    """Vote for an option of a poll, counted from 0."""

    room_id: RoomId
    poll: EventId
    txn_id: TxnId
    option: int


@frozen(kw_only=True)
class ClosePoll(Call[Voted]):
    """End a poll; only who has started it may."""

    room_id: RoomId
    poll: EventId
    txn_id: TxnId


START_POLL = Operation(
    name="org.example.polls.start",
    http=f"PUT {_POLLS}/polls/{{txn_id}}",
    request=StartPoll,
    response=Started,
    rate=Rate.MESSAGE,
    once_by="txn_id",
    errors=("M_FORBIDDEN", "M_BAD_JSON"),
)
CAST_VOTE = Operation(
    name="org.example.polls.vote",
    http=f"PUT {_POLLS}/polls/{{poll}}/votes/{{txn_id}}",
    request=CastVote,
    response=Voted,
    rate=Rate.MESSAGE,
    once_by="txn_id",
    errors=("M_FORBIDDEN", "M_NOT_FOUND", "M_INVALID_PARAM"),
)
CLOSE_POLL = Operation(
    name="org.example.polls.close",
    http=f"PUT {_POLLS}/polls/{{poll}}/closed/{{txn_id}}",
    request=ClosePoll,
    response=Voted,
    rate=Rate.MESSAGE,
    once_by="txn_id",
    errors=("M_FORBIDDEN", "M_NOT_FOUND"),
)

OPERATIONS = (START_POLL, CAST_VOTE, CLOSE_POLL)
