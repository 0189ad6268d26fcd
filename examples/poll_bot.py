"""A bot that runs polls, by means of the module in `examples/polls`.

CHATPROTO_URL=... CHATPROTO_USER=... CHATPROTO_PASSWORD=... python poll_bot.py

Everybody votes with their own client (`chatproto call org.example.polls.vote ...`); what
the votes add up to, the module's reducer folds here as it does everywhere.
"""

from chatproto_polls import MODULE
from chatproto_polls.operations import CastVote, ClosePoll, StartPoll
from chatproto_polls.tally import counts

from chatproto.canonical import JsonObject
from chatproto.client.bot import Bot, Message
from chatproto.errors import MatrixError
from chatproto.ids import EventId, TxnId

bot = Bot.from_env(modules=[MODULE])


@bot.command("poll")
async def poll(message: Message, text: str = "") -> None:
    """Ask: !poll QUESTION | OPTION | OPTION ... I ask for what is missing."""
    question, *options = parts(text)
    if not question:
        question = (await message.ask("What is the question?")).text
    if not options:
        wanted = "Which options? Put | between them."
        answer = await message.ask(wanted, wanted=lambda m: len(parts(m.text)) > 1)
        options = parts(answer.text)
    request = StartPoll(
        room_id=message.room.room_id,
        txn_id=TxnId(message.event_id),  # the same command never starts two
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


@bot.command("result")
async def result(message: Message) -> None:
    """Tell how the newest poll stands."""
    found = await newest_poll(message)
    await message.reply(standing(found[1]) if found else "There is no open poll.")


@bot.command("close")
async def close(message: Message) -> None:
    """End the newest poll, and tell how it went."""
    found = await newest_poll(message)
    if found is None:
        await message.reply("There is no open poll.")
        return
    request = ClosePoll(
        room_id=message.room.room_id, poll=found[0], txn_id=TxnId(message.event_id)
    )
    await message.session.call(request)
    await message.reply(standing(found[1]))


@bot.command("votefor")
async def vote_for(message: Message, number: int) -> None:
    """Let the bot vote as well: !votefor NUMBER"""
    found = await newest_poll(message)
    if found is None:
        await message.reply("There is no open poll.")
        return
    request = CastVote(
        room_id=message.room.room_id,
        poll=found[0],
        txn_id=TxnId(message.event_id),
        option=number - 1,
    )
    await message.session.call(request)
    await message.react("🗳")


async def newest_poll(message: Message) -> tuple[EventId, JsonObject] | None:
    """The bot's open poll that was started last, of before its own start too."""
    room = message.room
    while True:
        for poll_id, found in room.state.extensions["polls"].items():
            started = room.state.timeline.event(poll_id)
            if started["sender"] == room.session.user_id and not found["closed"]:
                return EventId(poll_id), found
        if not await room.load_history():
            return None


def parts(text: str) -> list[str]:
    return [part.strip() for part in text.split("|")]


def standing(found: JsonObject) -> str:
    votes = zip(found["options"], counts(found), strict=True)
    return ", ".join(f"{option}: {count}" for option, count in votes)


if __name__ == "__main__":
    bot.run()
