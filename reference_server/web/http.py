"""The HTTP binding: one loop over the table, nothing by hand but files."""

from __future__ import annotations

from typing import Any

import structlog
from quart import Response, request
from quart_trio import QuartTrio

from chatproto.canonical import dumps
from chatproto.decisions import Caller
from chatproto.errors import MatrixError
from chatproto.operations.declare import Access, Operation
from chatproto.operations.messages import SendEvent, SetState
from chatproto.server.engine import Engine
from chatproto.server.socket import encode_reply
from chatproto.wire.http import Router, decode_request

_METHODS = ["GET", "POST", "PUT", "DELETE", "PATCH"]
_log = structlog.get_logger("chatproto.http")


def make_quart(engine: Engine, *, token_in_query: bool = False) -> QuartTrio:
    """An application that answers the operations of an engine."""
    app = QuartTrio("reference_server", static_folder=None)
    router = Router(engine.operations)

    async def answer(path: str = "") -> Response:
        return await _answer(engine, router, token_in_query=token_in_query)

    app.add_url_rule("/", "root", answer, methods=_METHODS)
    app.add_url_rule("/<path:path>", "any", answer, methods=_METHODS)
    return app


async def _answer(engine: Engine, router: Router, *, token_in_query: bool) -> Response:
    try:
        operation, fields = router.match(request.method, _raw_path())
        body: Any = await request.get_data()
        caller = await _caller(engine, operation, token_in_query=token_in_query)
        call = decode_request(operation, fields, _query(), body)
        reply = await engine.call(caller, call)
    except MatrixError as error:
        return error_response(error)
    except Exception as error:  # noqa: BLE001  # answered with 500, and logged
        _log.exception("a call failed", path=_raw_path())
        return error_response(internal_error(error))
    return json_response(encode_reply(reply))


def internal_error(error: BaseException) -> MatrixError:
    """What a client is told of a mistake of ours: nothing but that there was one."""
    del error
    return MatrixError(
        "M_UNKNOWN", "the server made a mistake; it is logged", status=500
    )


def json_response(body: bytes, status: int = 200) -> Response:
    return Response(body, status, content_type="application/json")


def error_response(error: MatrixError) -> Response:
    response = json_response(dumps(error.to_json()), error.status)
    if error.retry_after_ms is not None:
        response.headers["Retry-After"] = str(error.retry_after_ms // 1000 + 1)
    return response


async def _caller(
    engine: Engine,
    operation: Operation,
    *,
    token_in_query: bool,
) -> Caller:
    token = bearer_token(request.headers.get("Authorization"))
    if token is None and token_in_query:
        token = request.args.get("access_token")
    address = request.remote_addr or ""
    if token is None:
        if operation.access is not Access.PUBLIC:
            raise MatrixError("M_MISSING_TOKEN", "this call needs an access token")
        return Caller(address=address)
    try:
        return await engine.authenticate(token, address, _asserted(operation))
    except MatrixError as error:
        # Whose session has ended must be able to log in, or to refresh it.
        if operation.access is Access.PUBLIC and error.errcode == "M_UNKNOWN_TOKEN":
            return Caller(address=address)
        raise


def _asserted(operation: Operation) -> dict[str, str]:
    """What an application service says of whom it acts for, and since when."""
    if operation.access is Access.PUBLIC:
        return {}  # matrix-bot-sdk registers as the user who is to be registered
    query = request.args.to_dict()
    if operation.request not in (SendEvent, SetState):
        query.pop("ts", None)
    return query


def bearer_token(header: str | None) -> str | None:
    scheme, _, token = (header or "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" and token.strip() else None


def _raw_path() -> str:
    """The path as it was sent: slashes inside an ID are still escaped in it."""
    raw: Any = request.scope.get("raw_path")
    text = raw.decode("ascii", "replace") if isinstance(raw, bytes) else request.path
    return text.partition("?")[0]


def _query() -> list[tuple[str, str]]:
    return list(request.args.items(multi=True))
