"""Write docs/reference from the declarations; with --check only tell what is stale."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import attrs

from chatproto.errors import ERRCODES
from chatproto.events import EVENT_TYPES
from chatproto.operations.codec import hints, is_required, wire_name
from chatproto.operations.declare import Access, Operation
from chatproto.operations.table import OPERATIONS
from chatproto.server.rates import DEFAULT_RATES
from chatproto.wire.schema.openapi import errcodes
from chatproto.wire.ws import TRANSITIONS
from reference_server.config import ENV_PREFIX, options

FOLDER = Path("docs/reference")
NOTE = "<!-- written by scripts/reference.py from the declarations: do not edit -->\n"
_ACCESS = {
    Access.PUBLIC: "nobody needs to have logged in",
    Access.USER: "a user who has logged in",
    Access.ADMIN: "an administrator of the server",
}


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(map(_cell, line))} |\n" for line in lines)


def _cell(value: object) -> str:
    return str(value).replace("|", "\\|").replace("\n", " ")


def shown_type(kind: Any) -> str:
    text = getattr(kind, "__name__", None) if isinstance(kind, type) else str(kind)
    text = (text or str(kind)).replace("typing.", "").replace("chatproto.ids.", "")
    for module in ("operations", "events"):
        while f"chatproto.{module}." in text:
            start = text.index(f"chatproto.{module}.")
            end = text.index(".", start + len(f"chatproto.{module}."))
            text = text[:start] + text[end + 1 :]
    return text.replace("dict[str, Any]", "object").replace(" | None", "")


def fields_of(kind: type) -> str:
    rows = [
        (
            f"`{wire_name(f)}`",
            f"`{shown_type(hints(kind)[f.name])}`",
            "yes" if is_required(f) else _default(f),
        )
        for f in attrs.fields(kind)
    ]
    return table(("field", "type", "required"), rows) if rows else "No fields.\n"


def _default(field: attrs.Attribute[Any]) -> str:
    plain = isinstance(field.default, str | int) and field.default != ""
    return f"no; `{field.default}`" if plain else "no"


def operations() -> str:
    parts = [
        "# Operations\n",
        "Each can be called over HTTP, on the socket (`do`), with `Session.call`, from "
        "modules and with `chatproto call`.\n",
        table(
            ("operation", "HTTP", "what it does"),
            [
                (f"[{op.name}](#{_anchor(op.name)})", f"`{op.http}`", _first(op.doc))
                for op in OPERATIONS
            ],
        ),
    ]
    return "\n".join(parts + [operation(op) for op in OPERATIONS])


def operation(op: Operation) -> str:
    facts = [
        ("HTTP", f"`{op.http}`"),
        ("also at", ", ".join(f"`{a}`" for a in op.aliases)),
        ("who may call", _ACCESS[op.access]),
        ("paid from", f"{op.rate.value} ({_rate(op)})"),
        ("a repeat is harmless by", op.once_by and f"`{op.once_by}`"),
        ("refused with", ", ".join(f"`{code}`" for code in errcodes(op))),
        ("since", op.since),
    ]
    rows = [fact for fact in facts if fact[1]]
    answer = op.response
    answered = fields_of(answer) if attrs.has(answer) else _plain_answer(answer)
    return "\n".join(
        [
            f"## {op.name}\n",
            f"{op.doc}\n",
            table(("", ""), rows),
            f"`{op.request.__name__}`:\n",
            fields_of(op.request),
            f"Answer, `{shown_type(answer)}`:\n",
            answered,
        ],
    )


def _plain_answer(answer: Any) -> str:
    if answer is bytes:
        return "The bytes of the file.\n"
    return "A list of objects.\n" if answer is tuple else "An object.\n"


def _rate(op: Operation) -> str:
    bucket = DEFAULT_RATES[op.rate]
    return f"{bucket.per_second:g} a second, {bucket.burst} at once"


def _first(text: str) -> str:
    return " ".join(text.split("\n\n", 1)[0].split())


def _anchor(name: str) -> str:
    return name.replace(".", "").lower()


def events() -> str:
    parts = [
        "# Event types\n",
        "An event of another type is carried as it is. What lifts a chat and what counts "
        "as unread, [positions and sync](../protocol/sync.md) explains.\n",
    ]
    for kind in dict.fromkeys(t.kind for t in EVENT_TYPES):
        parts.append(f"## {kind.value.replace('_', ' ').capitalize()}\n")
        for declared in (t for t in EVENT_TYPES if t.kind is kind):
            rows = [
                (
                    f"`{f.metadata.get('key', f.name)}`",
                    f"`{shown_type(hints(declared.content)[f.name])}`",
                )
                for f in attrs.fields(declared.content)
            ]
            marks = [
                w
                for w, on in (("lifts", declared.bumps), ("counts", declared.counts))
                if on
            ]
            parts += [
                f"### {declared.type}\n",
                " ".join(declared.doc.split())
                + (f" It {' and '.join(marks)}.\n" if marks else "\n"),
                table(("content", "type"), rows)
                if rows
                else "No content of its own.\n",
            ]
    return "\n".join(parts)


def settings() -> str:
    rows = [
        (
            f"`--{o.name.replace('_', '-')}`",
            f"`{ENV_PREFIX}{o.name.upper()}`",
            f"`{o.name}`",
            _setting_default(o),
            o.metadata["help"],
        )
        for o in options()
    ]
    head = (
        "option",
        "environment",
        "in `[chatproto]` of the TOML file",
        "default",
        "what it sets",
    )
    return (
        "# Settings\n\nOf `chatproto-server`; the command line wins over the environment, "
        "that over the file (`--config`, or `CHATPROTO_CONFIG`). Lists are repeated options, "
        "comma-separated in the environment.\n\n" + table(head, rows)
    )


def _setting_default(option: attrs.Attribute[Any]) -> str:
    if isinstance(option.default, bool):
        return "off"
    return (
        f"`{option.default}`"
        if isinstance(option.default, str | int) and option.default != ""
        else "none"
    )


def errors() -> str:
    rows = []
    for code, status in ERRCODES.items():
        users = [op.name for op in OPERATIONS if code in op.errors]
        rows.append((f"`{code}`", status, ", ".join(f"`{name}`" for name in users)))
    return (
        "# Errcodes\n\nThe JSON of every refusal has `errcode` and `error`, words for people; "
        "`retry_after_ms` where it helps to wait.\n\n"
        + table(("errcode", "usual HTTP status", "declared by"), rows)
    )


def connection() -> str:
    rows = [
        (state.value, role.value, f"`{kind.__name__}`", following.value)
        for (state, role, kind), following in TRANSITIONS.items()
    ]
    edges: dict[tuple[str, str], list[str]] = {}
    for (state, role, kind), following in TRANSITIONS.items():
        said = f"{kind.__name__} ({role.value})"
        edges.setdefault((state.name, following.name), []).append(said)
    drawn = "".join(
        f"    {start} --> {end}: {', '.join(said)}\n"
        for (start, end), said in edges.items()
    )
    return (
        "# The states of a connection\n\nOne table holds for both ends; what is not in it is "
        "refused: what one's own side tries with LocalError, what arrives with RemoteError.\n\n"
        f"```mermaid\nstateDiagram-v2\n    [*] --> IDLE\n{drawn}```\n\n"
        + table(("state", "who sends", "frame", "next"), rows)
    )


PAGES = {
    "operations.md": operations,
    "events.md": events,
    "settings.md": settings,
    "errors.md": errors,
    "connection.md": connection,
}


def pages() -> dict[Path, str]:
    """The text of every page."""
    return {FOLDER / name: NOTE + "\n" + write() for name, write in PAGES.items()}


def main() -> int:
    if "--check" in sys.argv:
        stale = [
            p for p, text in pages().items() if not p.is_file() or p.read_text() != text
        ]
        for path in stale:
            print(f"{path} is stale: run `make docs`", file=sys.stderr)
        return 1 if stale else 0
    FOLDER.mkdir(parents=True, exist_ok=True)
    for path, text in pages().items():
        path.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
