"""CHATPROTO_URL=... CHATPROTO_USER=... CHATPROTO_PASSWORD=... python echo_bot.py"""

from chatproto.client.bot import Bot, Message

bot = Bot.from_env()


@bot.command("ping")
async def ping(message: Message) -> None:
    """Answer pong."""
    await message.reply("pong")


@bot.command("echo")
async def echo(message: Message, text: str) -> None:
    """Say the same."""
    await message.reply(text)


if __name__ == "__main__":
    bot.run()
