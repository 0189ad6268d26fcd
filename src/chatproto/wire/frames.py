"""The frames of the socket binding, and their JSON (docs/protocol/socket.md)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, TypeAlias

from attrs import field, fields, frozen

from chatproto.canonical import JsonObject, dumps, loads
from chatproto.errors import MatrixError, RemoteError


@frozen(kw_only=True)
class Hello:
    """The first frame of a client: who it is, and from where it resumes."""

    token: str | None = field(default=None, repr=False)
    ticket: str | None = field(default=None, repr=False)
    since: str | None = None
    wants: tuple[str, ...] | None = None
    limit: int | None = None
    client: str | None = None


@frozen(kw_only=True)
class Welcome:
    """The server's answer to hello: what holds on this connection."""

    user_id: str
    device_id: str | None = None
    session: str
    heartbeat_ms: int
    max_frame: int
    window: int
    server_time: int
    server: str
    features: tuple[str, ...] = ()
    resumed: bool = False


@frozen
class CallFrame:
    """A call of an operation by name, with all its fields."""

    id: int
    do: str
    args: JsonObject


@frozen
class Reply:
    """The answer to a call: `ok`, or the error `err` as JSON."""

    re: int
    ok: Any = None
    err: JsonObject | None = None


@frozen
class Push:
    """News; `at` is the position of whoever has taken them over."""

    at: str | None
    items: tuple[JsonObject, ...] = ()


@frozen
class Ack:
    at: str


@frozen
class Ping:
    n: int = 0


@frozen
class Pong:
    n: int = 0


@frozen
class Resync:
    """The position cannot be resumed; a snapshot follows."""

    reason: str


@frozen
class Goodbye:
    """The server will close; `then` is resume, login or back-off."""

    reason: str
    then: str
    after_ms: int | None = None


Frame: TypeAlias = (
    Hello | Welcome | CallFrame | Reply | Push | Ack | Ping | Pong | Resync | Goodbye
)


def push_bytes(at: str | None, items: Sequence[bytes]) -> bytes:
    """A push frame from items that are JSON already."""
    if not items:
        return b'{"at":"%s"}' % (at or "").encode()
    joined = b",".join(items)
    if at is None:
        return b'{"push":[%s]}' % joined
    return b'{"at":"%s","push":[%s]}' % (at.encode(), joined)


def reply_bytes(number: int, json: bytes) -> bytes:
    """A reply from an answer that is JSON already."""
    return b'{"re":%d,"ok":%s}' % (number, json)


def error_bytes(number: int, json: JsonObject) -> bytes:
    return b'{"re":%d,"err":%s}' % (number, dumps(json))


def encode(frame: Frame) -> bytes:
    """The JSON text of a frame."""
    match frame:
        case Hello() | Welcome():
            name = "hello" if isinstance(frame, Hello) else "welcome"
            return dumps({name: _present(frame)})
        case CallFrame():
            return dumps({"id": frame.id, "do": frame.do, "with": frame.args})
        case Reply():
            if frame.err is not None:
                return error_bytes(frame.re, frame.err)
            return reply_bytes(frame.re, dumps(frame.ok))
        case Push():
            return push_bytes(frame.at, [dumps(item) for item in frame.items])
        case Ack():
            return dumps({"ack": frame.at})
        case Ping():
            return b'{"ping":%d}' % frame.n
        case Pong():
            return b'{"pong":%d}' % frame.n
        case Resync():
            return dumps({"resync": {"reason": frame.reason}})
        case Goodbye():
            return dumps({"goodbye": _present(frame)})


def decode(data: bytes) -> Frame:
    """Read a frame. Raises RemoteError for what is none."""
    try:
        json = loads(data)
    except MatrixError as error:
        raise RemoteError(f"a frame is not readable: {error.error}") from None
    if not isinstance(json, dict):
        raise RemoteError("a frame is not an object")
    if "do" in json:
        return _call(json)
    for name, read in _READERS.items():
        if name in json:
            return read(json)
    raise RemoteError(f"a frame of no known kind: {', '.join(sorted(json))[:80]}")


def _call(json: JsonObject) -> CallFrame:
    args = json.get("with", {})
    if not isinstance(args, dict):
        raise RemoteError("`with` of a call is not an object")
    return CallFrame(_typed(json, "id", int), _typed(json, "do", str), args)


def _hello(json: JsonObject) -> Hello:
    fields = _typed(json, "hello", dict)
    return Hello(
        token=_optional(fields, "token", str),
        ticket=_optional(fields, "ticket", str),
        since=_optional(fields, "since", str),
        wants=_texts(fields, "wants"),
        limit=_optional(fields, "limit", int),
        client=_optional(fields, "client", str),
    )


def _welcome(json: JsonObject) -> Welcome:
    fields = _typed(json, "welcome", dict)
    return Welcome(
        user_id=_typed(fields, "user_id", str),
        device_id=_optional(fields, "device_id", str),
        session=_typed(fields, "session", str),
        heartbeat_ms=_typed(fields, "heartbeat_ms", int),
        max_frame=_typed(fields, "max_frame", int),
        window=_typed(fields, "window", int),
        server_time=_typed(fields, "server_time", int),
        server=_typed(fields, "server", str),
        features=_texts(fields, "features") or (),
        resumed=fields.get("resumed") is True,
    )


def _reply(json: JsonObject) -> Reply:
    number = _typed(json, "re", int)
    if "err" in json:
        return Reply(number, err=_typed(json, "err", dict))
    return Reply(number, ok=json.get("ok"))


def _push(json: JsonObject) -> Push:
    items = json.get("push", [])
    if not isinstance(items, list) or not all(isinstance(i, dict) for i in items):
        raise RemoteError("`push` is not a list of objects")
    return Push(_optional(json, "at", str), tuple(items))


def _goodbye(json: JsonObject) -> Goodbye:
    fields = _typed(json, "goodbye", dict)
    return Goodbye(
        str(fields.get("reason", "")),
        str(fields.get("then", "resume")),
        _optional(fields, "after_ms", int),
    )


def _resync(json: JsonObject) -> Resync:
    return Resync(str(_typed(json, "resync", dict).get("reason", "")))


_READERS: Mapping[str, Callable[[JsonObject], Frame]] = MappingProxyType(
    {
        "re": _reply,
        "push": _push,
        "at": _push,
        "ack": lambda json: Ack(_typed(json, "ack", str)),
        "ping": lambda json: Ping(_typed(json, "ping", int)),
        "pong": lambda json: Pong(_typed(json, "pong", int)),
        "hello": _hello,
        "welcome": _welcome,
        "resync": _resync,
        "goodbye": _goodbye,
    },
)


def _typed(json: JsonObject, key: str, kind: type) -> Any:
    value = json.get(key)
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise RemoteError(f"`{key}` of a frame is not a {kind.__name__}")
    return value


def _optional(json: JsonObject, key: str, kind: type) -> Any:
    return None if json.get(key) is None else _typed(json, key, kind)


def _texts(json: JsonObject, key: str) -> tuple[str, ...] | None:
    value = json.get(key)
    if value is None:
        return None
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        return tuple(value)
    raise RemoteError(f"`{key}` of a frame is not a list of strings")


def _present(frame: Hello | Welcome | Goodbye) -> JsonObject:
    pairs = {field.name: getattr(frame, field.name) for field in fields(type(frame))}
    return {key: value for key, value in pairs.items() if value is not None}
