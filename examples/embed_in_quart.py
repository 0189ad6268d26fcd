"""Chat inside a Quart-Trio application that has users of its own.

Run it, open http://127.0.0.1:8000/chat-token?user=alice for a token, and use that with
any client: `curl -H "Authorization: Bearer ..." .../_matrix/client/v3/sync`.
"""

import sys

import trio
from quart import request
from quart_trio import QuartTrio

from reference_server.embed import Chat

app = QuartTrio(__name__)
chat = Chat("chat-data", server_name="example.org")


@app.get("/")
async def index() -> str:
    return "an application, with chat inside"


@app.get("/chat-token")
async def chat_token() -> dict[str, str]:
    # Here your own login decides who somebody is; this page just believes them.
    user = request.args["user"]
    return {"token": await chat.token_for(user, display_name=user.title())}


async def main(port: int) -> None:
    async with chat.open(), trio.open_nursery() as nursery:
        bound = await nursery.start(chat.serve, app, "127.0.0.1", port)
        print(f"listening on http://127.0.0.1:{bound[0][1]}", flush=True)


if __name__ == "__main__":
    trio.run(main, int(sys.argv[1]) if len(sys.argv) > 1 else 8000)
