from chatproto.client.bot import Bot, Message

bot = Bot.from_env()


@bot.command("ping")
async def ping(message: Message) -> None:
    """Answer pong."""
    await message.reply("pong")


bot.run()
