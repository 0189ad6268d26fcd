"""What the operations decide: pure functions of what they see."""

from __future__ import annotations

from chatproto.errors import MatrixError
from chatproto.module import (
    Append,
    Caller,
    Decides,
    Decision,
    EventDraft,
    Needs,
    Pdu,
    ReplyFrom,
    RoomState,
    SeenEvent,
    View,
)
from chatproto_polls.events import CLOSED, POLL, VOTE
from chatproto_polls.operations import (
    CAST_VOTE,
    CLOSE_POLL,
    START_POLL,
    CastVote,
    ClosePoll,
    Started,
    StartPoll,
    Voted,
)

MIN_OPTIONS, MAX_OPTIONS = 2, 20


def needs_room(_caller: Caller, request: StartPoll) -> Needs:
    return Needs(rooms=(request.room_id,))


def start_poll(view: View, request: StartPoll) -> Decision:
    content = {"question": request.question, "options": list(request.options)}
    draft = EventDraft(POLL, content, view.caller.user)
    return Decision(
        append=(Append(room_id=request.room_id, drafts=(draft,)),),
        reply=ReplyFrom(lambda events: Started(poll=events[0].pdu.event_id)),
    )


def needs_poll(_caller: Caller, request: CastVote | ClosePoll) -> Needs:
    return Needs(rooms=(request.room_id,), events=((request.room_id, request.poll),))


def cast_vote(view: View, request: CastVote) -> Decision:
    poll = _poll(view, request)
    if not 0 <= request.option < len(poll.pdu.content["options"]):
        raise MatrixError("M_INVALID_PARAM", f"the poll has no option {request.option}")
    content = {"poll": request.poll, "option": request.option}
    return _append(view, request, EventDraft(VOTE, content, view.caller.user))


def close_poll(view: View, request: ClosePoll) -> Decision:
    if _poll(view, request).pdu.sender != view.caller.user:
        raise MatrixError("M_FORBIDDEN", "only who has started a poll closes it")
    draft = EventDraft(CLOSED, {"poll": request.poll}, view.caller.user)
    return _append(view, request, draft)


def _poll(view: View, request: CastVote | ClosePoll) -> SeenEvent:
    poll = view.events.get(request.poll)
    if poll is None or poll.pdu.type != POLL or poll.redacted_by is not None:
        raise MatrixError("M_NOT_FOUND", "there is no such poll in this room")
    return poll


def _append(view: View, request: CastVote | ClosePoll, draft: EventDraft) -> Decision:
    return Decision(
        append=(Append(room_id=request.room_id, drafts=(draft,)),),
        reply=ReplyFrom(lambda events: Voted(event_id=events[0].pdu.event_id)),
    )


def check_poll(pdu: Pdu, _state: RoomState) -> None:
    """Holds however a poll is sent: by our operation, or as a plain event."""
    options = pdu.content.get("options", ())
    if not MIN_OPTIONS <= len(options) <= MAX_OPTIONS:
        raise MatrixError(
            "M_BAD_JSON",
            f"a poll has {MIN_OPTIONS} to {MAX_OPTIONS} options, not {len(options)}",
        )


RULES = {POLL: check_poll}

HANDLERS = (
    Decides(START_POLL, start_poll, needs_room),
    Decides(CAST_VOTE, cast_vote, needs_poll),
    Decides(CLOSE_POLL, close_poll, needs_poll),
)
