from __future__ import annotations

import pytest
import trio
from attrs import frozen

from chatproto.client.dialogue import (
    Dialogues,
    NoAnswer,
    NoAnswerInTime,
    Question,
    State,
)


@frozen
class Said:
    text: str


def question() -> Question:
    return Question("How many?", lambda message: message.text.isdigit())


MOVES = {
    "fits": (lambda q: q.answered(Said("2")), State.ANSWERED),
    "does_not_fit": (lambda q: q.answered(Said("many")), State.ASKED),
    "cancelled": (lambda q: q.cancel(), State.CANCELLED),
}


@pytest.mark.parametrize(("move", "state"), MOVES.values(), ids=MOVES)
def test_question_moves_on(move, state):
    asked = question()
    move(asked)
    assert asked.state is state


@pytest.mark.parametrize("move", [move for move, _ in MOVES.values()], ids=MOVES)
def test_answered_question_stays_so(move):
    asked = question()
    asked.answered(Said("1"))
    move(asked)
    assert (asked.state, asked.answer) == (State.ANSWERED, Said("1"))


async def test_answer_is_waited_for(autojump_clock):
    asked = question()
    async with trio.open_nursery() as nursery:

        @nursery.start_soon
        async def answer():
            await trio.sleep(5)
            asked.answered(Said("many"))
            await trio.sleep(5)
            asked.answered(Said("2"))

        assert await asked.wait(60) == Said("2")
        assert trio.current_time() == 10


async def test_time_runs_out(autojump_clock):
    asked = question()
    with pytest.raises(NoAnswerInTime):
        await asked.wait(60)
    assert trio.current_time() == 60
    assert asked.state is State.EXPIRED


async def test_cancelled_question_has_no_answer():
    asked = question()
    asked.cancel()
    with pytest.raises(NoAnswer, match="Never mind"):
        await asked.wait(60)


def test_time_out_can_be_caught_as_trios():
    assert issubclass(NoAnswerInTime, trio.TooSlowError)


ANNA, BORIS = ("!r:x", "@anna:x"), ("!r:x", "@boris:x")


def test_everybody_is_asked_for_themselves():
    dialogues = Dialogues()
    with dialogues.asking(*ANNA, "How many?", bool) as anna:
        assert dialogues.question(*ANNA) is anna
        assert dialogues.question(*BORIS) is None
        with dialogues.asking(*BORIS, "Which?", bool) as boris:
            assert dialogues.question(*ANNA) is anna
            assert dialogues.question(*BORIS) is boris
    assert dialogues.question(*ANNA) is None


def test_new_question_replaces_the_old_one():
    dialogues = Dialogues()
    with dialogues.asking(*ANNA, "How many?", bool) as first:
        with dialogues.asking(*ANNA, "Which?", bool) as second:
            assert first.state is State.CANCELLED
            assert dialogues.question(*ANNA) is second
        assert dialogues.question(*ANNA) is None


def test_answered_question_is_not_open():
    dialogues = Dialogues()
    with dialogues.asking(*ANNA, "How many?", bool) as asked:
        asked.answered(Said("2"))
        assert dialogues.question(*ANNA) is None
        assert not dialogues.cancel(*ANNA)


def test_all_are_cancelled_at_once():
    dialogues = Dialogues()
    with (
        dialogues.asking(*ANNA, "", bool) as anna,
        dialogues.asking(*BORIS, "", bool) as boris,
    ):
        dialogues.cancel_all()
        assert (anna.state, boris.state) == (State.CANCELLED, State.CANCELLED)
