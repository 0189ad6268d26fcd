"""Questions of a bot, and what becomes of them.

| state | event | next |
|---|---|---|
| ASKED | an answer that fits | ANSWERED |
| ASKED | an answer that does not fit | ASKED, once more |
| ASKED | the user cancels, another question, the bot stops | CANCELLED |
| ASKED | no answer in time | EXPIRED |

A dialogue is a handler that asks one thing after another; where it is, is its state.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from enum import Enum
from typing import TYPE_CHECKING

import trio
from attrs import define, field

from chatproto.errors import ChatprotoError
from chatproto.ids import RoomId, UserId

if TYPE_CHECKING:
    from chatproto.client.message import Message


class State(Enum):
    """Where a question stands."""

    ASKED = "asked"
    ANSWERED = "answered"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


class NoAnswer(ChatprotoError):  # noqa: N818  # it is how a dialogue may end
    """A question was cancelled; the words are for the user."""


class NoAnswerInTime(NoAnswer, trio.TooSlowError):
    """Nobody answered a question in time."""


@define(eq=False)
class Question:
    """One question to one user in one room, put in the words of `prompt`."""

    prompt: str
    fits: Callable[[Message], bool]
    state: State = State.ASKED
    answer: Message | None = None
    _ended: trio.Event = field(factory=trio.Event)

    def answered(self, message: Message) -> None:
        """Take an answer, which ends the question if it fits."""
        if self.state is State.ASKED and self.fits(message):
            self.answer = message
            self._end(State.ANSWERED)

    def cancel(self) -> None:
        self._end(State.CANCELLED)

    async def wait(self, timeout_s: float) -> Message:
        """Raises NoAnswer."""
        with trio.move_on_after(timeout_s):
            await self._ended.wait()
        self._end(State.EXPIRED)
        if self.state is State.EXPIRED:
            raise NoAnswerInTime("I have had no answer in time; just start again.")
        if self.answer is None:
            raise NoAnswer("Never mind, then.")
        return self.answer

    def _end(self, state: State) -> None:
        if self.state is State.ASKED:
            self.state = state
            self._ended.set()


@define(eq=False)
class Dialogues:
    """The questions that are open: at most one for each user in each room."""

    _open: dict[tuple[RoomId, UserId], Question] = field(factory=dict)

    @contextmanager
    def asking(
        self,
        room_id: RoomId,
        user_id: UserId,
        prompt: str,
        fits: Callable[[Message], bool],
    ) -> Generator[Question]:
        """A question that is open for the block; one that was open is cancelled."""
        key = room_id, user_id
        self.cancel(*key)
        question = self._open[key] = Question(prompt, fits)
        try:
            yield question
        finally:
            question.cancel()
            if self._open.get(key) is question:
                del self._open[key]

    def question(self, room_id: RoomId, user_id: UserId) -> Question | None:
        """What a user is being asked in a room."""
        question = self._open.get((room_id, user_id))
        if question is None or question.state is not State.ASKED:
            return None
        return question

    def cancel(self, room_id: RoomId, user_id: UserId) -> bool:
        """Whether there was anything to cancel."""
        question = self.question(room_id, user_id)
        if question is not None:
            question.cancel()
        return question is not None

    def cancel_all(self) -> None:
        for question in self._open.values():
            question.cancel()
