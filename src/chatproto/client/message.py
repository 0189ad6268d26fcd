"""A message as a bot's handler gets it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import frozen

from chatproto.canonical import JsonObject
from chatproto.client.rooms import Room
from chatproto.client.router import Filter, everything
from chatproto.client.session import Session
from chatproto.ids import EventId, RoomId, UserId

if TYPE_CHECKING:
    from chatproto.client.bot import Bot

PREFIXES = ("!", "/")


@frozen(kw_only=True)
class Message:
    """A message in a room that the bot is in; `event` is its JSON."""

    bot: Bot
    session: Session
    event: JsonObject

    @property
    def room(self) -> Room:
        return Room(self.session, RoomId(self.event["room_id"]))

    @property
    def sender(self) -> UserId:
        return UserId(self.event["sender"])

    @property
    def event_id(self) -> EventId:
        return EventId(self.event["event_id"])

    @property
    def text(self) -> str:
        return str(self.event["content"].get("body", ""))

    async def reply(self, text: str) -> EventId:
        """Answer as a reply. A notice, so that bots do not answer each other."""
        return await self.room.send_text(
            text,
            reply_to=self.event_id,
            msgtype="m.notice",
        )

    async def react(self, key: str) -> EventId:
        return await self.room.react(self.event_id, key)

    async def ask(
        self,
        question: str,
        *,
        wanted: Filter = everything,
        timeout_s: float = 300,
    ) -> Message:
        """Ask, and wait for the next message of the same user in the room.

        One that does not pass the filter gets the question again. Commands are no
        answers, and `!cancel` ends the dialogue. Raises NoAnswer if the user cancels
        or the bot stops; NoAnswerInTime, a trio.TooSlowError, if none comes in
        `timeout_s` seconds. A handler need not catch them: the user is told.
        """
        return await self.bot.ask(self, question, wanted, timeout_s)


def is_said(event: JsonObject) -> bool:
    """Whether somebody has said something new, and is no bot."""
    content = event["content"]
    if event["type"] != "m.room.message" or not content.get("msgtype"):
        return False
    is_edit = content.get("m.relates_to", {}).get("rel_type") == "m.replace"
    return content["msgtype"] != "m.notice" and not is_edit


def command_in(text: str) -> tuple[str, str]:
    """The name of a command, empty if the text is none, and what stands behind it."""
    if not text.startswith(PREFIXES) or text[1:2].isspace():
        return "", text
    name, *rest = text[1:].split(maxsplit=1) or [""]
    return name, rest[0] if rest else ""
