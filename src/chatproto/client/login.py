"""How a session gets its tokens, and uses them for what goes over HTTP."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from chatproto.client.tokens import Credentials, Tokens, TokenStore, has_expired
from chatproto.client.transport import Transport
from chatproto.errors import LocalError, MatrixError
from chatproto.ids import DeviceId
from chatproto.operations.accounts import LOGIN, REFRESH, Login, Refresh, Refreshed

T = TypeVar("T")


async def log_in(
    network: Transport,
    *,
    token: str | None,
    user: str | None,
    password: str | None,
    store: TokenStore | None,
    device_id: DeviceId | None,
    now_ms: Callable[[], int],
) -> Credentials:
    """Credentials from what there is: a token, stored tokens, or a password.

    Raises MatrixError if the server refuses, LocalError if there is nothing.
    """

    async def exchange(refresh_token: str) -> Refreshed:
        request = Refresh(refresh_token=refresh_token)
        refreshed: Refreshed = await network.call(REFRESH, request, None)
        return refreshed

    tokens = None if token is None else Tokens(access=token)
    if tokens is None and store is not None:
        tokens = store.load()
    if tokens is None:
        if user is None:
            raise LocalError("a session needs a token, or a user and a password")
        login = Login(
            user=user,
            password=password or "",
            device_id=device_id,
            refresh_token=store is not None,
        )
        tokens = Tokens.of(await network.call(LOGIN, login, None), now_ms())
        if store is not None:
            store.save(tokens)
    return Credentials(tokens, exchange, store=store, now_ms=now_ms)


async def with_token(credentials: Credentials, ask: Callable[[str], Awaitable[T]]) -> T:
    """Do something with the access token; once more if it has run out.

    Raises MatrixError if it has, and cannot be replaced.
    """
    used = credentials.tokens.access
    try:
        return await ask(used)
    except MatrixError as error:
        if not has_expired(error) or not credentials.can_renew:
            raise
        await credentials.renew(used)
    return await ask(credentials.tokens.access)
