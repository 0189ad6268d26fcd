'''What tests of programs on chatproto need: no server, no sockets, no waiting.

A bot is tested in a chat with it. Everything is real but the network and the disk: the
engine, the sessions of the bot and of the people, and the wire between them.

    from chatproto.client.bot import Bot, Message
    from chatproto.testing import bot_chat

    bot = Bot()


    @bot.command("order")
    async def order(message: Message, dish: str) -> None:
        """Order lunch."""
        count = await message.ask(f"How many of {dish}?", wanted=is_number)
        await message.react("👍")
        await message.reply(f"{count.text} of {dish}, to come.")


    def is_number(message: Message) -> bool:
        return message.text.isdigit()


    async def test_order_is_taken(autojump_clock):
        async with bot_chat(bot, users=("anna", "boris")) as chat:
            assert await chat.says("anna", "!order soup") == ["How many of soup?"]
            assert await chat.says("boris", "I want some too") == []
            assert await chat.says("anna", "many") == ["How many of soup?"]
            assert await chat.says("anna", "2") == ["2 of soup, to come."]
            ordered = chat.rows()[0]
            assert [r.key for r in ordered.reactions] == ["👍"]

`open_engine` is the server alone, and `MemoryTransport` a way to it that a test may cut
or let go wrong, for sessions (`connect(..., transport=...)`). `ConnectionPair` joins two
connection machines without any of that. `FrozenClock` moves only when told, `TrioClock`
as trio's does, and `SeededRandom` is the same in every run.
'''

from __future__ import annotations

from chatproto.testing.chat import BOT, BotChat, bot_chat
from chatproto.testing.clock import FrozenClock, SeededRandom, TrioClock
from chatproto.testing.engine import PlainHasher, add_users, log_in, open_engine
from chatproto.testing.line import Faults
from chatproto.testing.network import MemoryTransport
from chatproto.testing.pair import ConnectionPair

__all__ = [
    "BOT",
    "BotChat",
    "ConnectionPair",
    "Faults",
    "FrozenClock",
    "MemoryTransport",
    "PlainHasher",
    "SeededRandom",
    "TrioClock",
    "add_users",
    "bot_chat",
    "log_in",
    "open_engine",
]
