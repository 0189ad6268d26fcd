"""A bot that runs polls, by means of the module in `examples/polls`.

CHATPROTO_URL=... CHATPROTO_USER=... CHATPROTO_PASSWORD=... python poll_bot.py
"""

from chatproto_polls import MODULE
from chatproto_polls.operations import CastVote, ClosePoll, StartPoll
from chatproto_polls.tally import counts

from chatproto.canonical import JsonObject
from chatproto.client.bot import Bot, Message
from chatproto.errors import LocalError, MatrixError
from chatproto.ids import EventId

bot = Bot.from_env(modules=[MODULE])


@bot.command("poll")
async def poll(message: Message, text: str) -> None:
    """Ask: !poll QUESTION | OPTION | OPTION ..."""
    question, *options = [part.strip() for part in text.split("|")]
    request = StartPoll(
        room_id=message.room.room_id,
        txn_id=message.event_id,  # the same command never starts two
        question=question,
        options=tuple(options),
    )
    try:
        await message.session.call(request)
    except MatrixError as error:
        await message.reply(error.error)
        return
    numbered = [f"{number}. {option}" for number, option in enumerate(options, 1)]
    await message.reply("\n".join([question, *numbered]))


@bot.command("close")
async def close(message: Message) -> None:
    """End the newest poll, and tell how it went."""
    poll_id, found = newest_poll(message)
    request = ClosePoll(
        room_id=message.room.room_id, poll=poll_id, txn_id=message.event_id
    )
    await message.session.call(request)
    tally = zip(found["options"], counts(found), strict=True)
    await message.reply(", ".join(f"{option}: {count}" for option, count in tally))


@bot.command("votefor")
async def vote_for(message: Message, number: str) -> None:
    """Let the bot vote as well: !votefor NUMBER"""
    poll_id, _ = newest_poll(message)
    request = CastVote(
        room_id=message.room.room_id,
        poll=poll_id,
        txn_id=message.event_id,
        option=int(number) - 1,
    )
    await message.session.call(request)
    await message.react("🗳")


def newest_poll(message: Message) -> tuple[EventId, JsonObject]:
    """The poll that was started last; the module's reducer has folded it."""
    polls = message.room.state.extensions["polls"]
    for poll_id, found in polls.items():
        if not found["closed"]:
            return EventId(poll_id), found
    raise LocalError("there is no poll to speak of")


if __name__ == "__main__":
    bot.run()
