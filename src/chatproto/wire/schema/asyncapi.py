"""The socket binding as an AsyncAPI 3.0 document, from the server's point of view."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import urlsplit

import attrs

from chatproto.canonical import JsonObject
from chatproto.operations.declare import Operation, OperationTable
from chatproto.wire import frames
from chatproto.wire.handshake import SUBPROTOCOL
from chatproto.wire.schema.items import ITEMS
from chatproto.wire.schema.openapi import ERROR, errcodes
from chatproto.wire.schema.types import Schemas, first_paragraph

SOCKET_PATH = "/_chatproto/v1/socket"
_CHANNEL = {"$ref": "#/channels/socket"}


def asyncapi(
    table: OperationTable, *, version: str, url: str = "http://127.0.0.1:8008"
) -> JsonObject:
    """The document of a server with these operations.

    `version` is the server's, `url` where it is reached over HTTP. Raises TypeError
    for a field whose type has no schema.
    """
    schemas = Schemas()
    schemas.found |= {"Error": ERROR, **ITEMS}
    messages = _frames(schemas)
    operations: dict[str, JsonObject] = {
        "connect": _action("receive", ("hello",), reply=("welcome", "goodbye")),
        "confirm": _action("receive", ("ack",)),
        "listen": _action("send", ("push", "position", "resync")),
        "part": _action("send", ("goodbye",)),
        "heartbeat": _action("send", ("ping",), reply=("pong",)),
        "probe": _action("receive", ("ping",), reply=("pong",)),
    }
    for operation in table:
        if not operation.by_hand:
            asked, answered = f"{operation.name}.call", f"{operation.name}.reply"
            messages[asked] = _call(operation, schemas)
            messages[answered] = _reply(operation, schemas)
            operations[operation.name] = {
                **_action("receive", (asked,), reply=(answered, "error")),
                "summary": first_paragraph(operation.doc),
                "description": operation.doc,
                "x-errcodes": list(errcodes(operation)),
            }
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "chatproto",
            "version": version,
            "description": "The socket binding: JSON text frames over a WebSocket "
            f"with the subprotocol {SUBPROTOCOL}.",
        },
        "defaultContentType": "application/json",
        "servers": {"chat": _server(url)},
        "channels": {
            "socket": {
                "address": SOCKET_PATH,
                "messages": {
                    name: {"$ref": f"#/components/messages/{name}"} for name in messages
                },
                "bindings": {"ws": _handshake()},
            }
        },
        "operations": operations,
        "components": {
            "messages": messages,
            "schemas": dict(sorted(schemas.found.items())),
        },
    }


def _server(url: str) -> JsonObject:
    parts = urlsplit(url)
    server = {"host": parts.netloc, "protocol": parts.scheme.replace("http", "ws")}
    path = parts.path.rstrip("/")
    return {**server, **({"pathname": path} if path else {})}


def _handshake() -> JsonObject:
    subprotocol = {"const": SUBPROTOCOL}
    headers = _object({"Sec-WebSocket-Protocol": subprotocol})
    return {"method": "GET", "headers": headers, "bindingVersion": "0.1.0"}


def _action(
    action: str, messages: Iterable[str], *, reply: Iterable[str] = ()
) -> JsonObject:
    described: JsonObject = {
        "action": action,
        "channel": _CHANNEL,
        "messages": _named(messages),
    }
    answers = _named(reply)
    if answers:
        described["reply"] = {"channel": _CHANNEL, "messages": answers}
    return described


def _named(messages: Iterable[str]) -> list[JsonObject]:
    return [{"$ref": f"#/channels/socket/messages/{name}"} for name in messages]


def _frames(schemas: Schemas) -> dict[str, JsonObject]:
    item = {"anyOf": [{"$ref": f"#/components/schemas/{name}"} for name in ITEMS]}
    position, number = {"type": "string"}, {"type": "integer"}
    push = _object({"at": position, "push": {"type": "array", "items": item}}, "push")
    error = _object({"re": number, "err": {"$ref": "#/components/schemas/Error"}})
    return {
        "hello": _frame("hello", schemas.of(frames.Hello)),
        "welcome": _frame("welcome", schemas.of(frames.Welcome)),
        "ack": _frame("ack", position),
        "ping": _frame("ping", number),
        "pong": _frame("pong", number),
        "push": _message(push, "News; whoever has taken them over is at `at`."),
        "position": _frame("at", position),
        "resync": _frame("resync", schemas.of(frames.Resync)),
        "goodbye": _frame("goodbye", schemas.of(frames.Goodbye)),
        "error": _message(error, "The call was refused."),
    }


def _call(operation: Operation, schemas: Schemas) -> JsonObject:
    names = [f.name for f in attrs.fields(operation.request)]
    fields = schemas.fields(operation.request, names)
    properties: dict[str, JsonObject] = {
        "id": {"type": "integer"},
        "do": {"const": operation.name},
        "with": fields,
    }
    needed = ("id", "do", "with") if "required" in fields else ("id", "do")
    return _message(_object(properties, *needed), first_paragraph(operation.doc))


def _reply(operation: Operation, schemas: Schemas) -> JsonObject:
    properties: dict[str, JsonObject] = {
        "re": {"type": "integer"},
        "ok": schemas.of(operation.response),
    }
    return _message(_object(properties), f"The answer to {operation.name}.")


def _frame(key: str, schema: JsonObject) -> JsonObject:
    return _message(_object({key: schema}), f"The frame `{key}`.")


def _message(payload: JsonObject, summary: str) -> JsonObject:
    return {"summary": summary, "payload": payload}


def _object(properties: dict[str, JsonObject], *required: str) -> JsonObject:
    return {
        "type": "object",
        "properties": properties,
        "required": list(required or properties),
    }
