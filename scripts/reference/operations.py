"""What can be asked of a server."""

from __future__ import annotations

from inspect import cleandoc
from typing import Any

import attrs

from chatproto.operations.codec import hints, is_required, wire_name
from chatproto.operations.declare import Access, Operation
from chatproto.operations.table import OPERATIONS
from chatproto.server.rates import DEFAULT_RATES
from chatproto.wire.schema.openapi import COMMON_ERRORS, errcodes
from scripts.reference.errors import TOKEN_ERRORS
from scripts.reference.markdown import (
    anchor,
    classes_in,
    code,
    default_of,
    sentence,
    shown_type,
    table,
)

_ACCESS = {
    Access.PUBLIC: "anybody, without a token",
    Access.USER: "a user who has logged in",
    Access.ADMIN: "an administrator of the server",
}
_INTRO = """# Operations

Each can be called over HTTP, on the socket (`do` names it, `with` holds all its fields),
with `Session.call`, from modules and with `chatproto call`. A field is required unless it
says otherwise; one that is absent is left out, never null. What a field of a request is
`in` says where it travels over HTTP. Times are in milliseconds, sizes in bytes.

The rates are the server's defaults, for each user, or for each address where nobody has
logged in. Any call may also be refused with the [errcodes](errors.md) of any operation.
"""


def page() -> str:
    rows = [
        (f"[{op.name}](#{anchor(op.name)})", code(op.http), sentence(op.doc))
        for op in OPERATIONS
    ]
    parts = [_INTRO, table(("operation", "HTTP", "what it does"), rows)]
    parts += [_operation(op) for op in OPERATIONS]
    return "\n".join([*parts, _types()])


def _operation(op: Operation) -> str:
    facts = [
        ("HTTP", code(op.http)),
        ("also at", code(*op.aliases)),
        ("access", f"{op.access.value}: {_ACCESS[op.access]}"),
        ("rate class", f"{op.rate.value}: {_rate(op)}"),
        ("a repeat is harmless by", op.once_by and code(op.once_by)),
        ("on the socket", "no: it is served over HTTP alone" if op.by_hand else ""),
        ("refused with", code(*_own_errors(op))),
        ("since", op.since),
    ]
    return "\n".join(
        [
            f"## {op.name}\n",
            f"{cleandoc(op.doc)}\n",
            table(("", ""), [fact for fact in facts if fact[1]]),
            f"Request, `{op.request.__name__}`:\n",
            _request(op),
            _answer(op.response),
        ]
    )


def _own_errors(op: Operation) -> list[str]:
    everywhere = {*COMMON_ERRORS, *TOKEN_ERRORS}.difference(op.errors)
    return [errcode for errcode in errcodes(op) if errcode not in everywhere]


def _rate(op: Operation) -> str:
    bucket = DEFAULT_RATES[op.rate]
    return f"{bucket.per_second:g} a second, {bucket.burst} at once"


def _request(op: Operation) -> str:
    rows = [
        (code(wire_name(f)), _place(op, f.name), *_described(op.request, f))
        for f in attrs.fields(op.request)
    ]
    return table(("field", "in", "type", "required"), rows) if rows else "No fields.\n"


def _place(op: Operation, name: str) -> str:
    if name in op.path_fields:
        return "path"
    if name in op.query_fields:
        return "query"
    return "the body itself" if name == op.body else "body"


def _answer(kind: Any) -> str:
    if kind is bytes:
        return "Answer: the bytes of the file.\n"
    if not attrs.has(kind):
        return f"Answer: {'a list of objects' if kind is tuple else 'an object'}.\n"
    return f"Answer, `{kind.__name__}`:\n\n{_fields(kind)}"


def _fields(kind: type) -> str:
    rows = [(code(wire_name(f)), *_described(kind, f)) for f in attrs.fields(kind)]
    return table(("field", "type", "required"), rows) if rows else "No fields.\n"


def _described(kind: type, field: attrs.Attribute[Any]) -> tuple[str, str]:
    default = default_of(field)
    optional = f"no: {default}" if default else "no"
    needed = "yes" if is_required(field) else optional
    return shown_type(hints(kind)[field.name]), needed


def _types() -> str:
    """The classes that occur in fields, and in fields of those."""
    waiting: list[type] = []
    for op in OPERATIONS:
        waiting += _inside(op.request)
        waiting += _inside(op.response)
    found: dict[str, type] = {}
    while waiting:
        kind = waiting.pop()
        if kind.__name__ not in found:
            found[kind.__name__] = kind
            waiting += _inside(kind)
    parts = [f"## {name}\n\n{_fields(found[name])}" for name in sorted(found)]
    return "\n".join(parts)


def _inside(kind: Any) -> list[type]:
    if not attrs.has(kind):
        return []
    return [c for hint in hints(kind).values() for c in classes_in(hint)]
