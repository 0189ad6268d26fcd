"""Which endpoints of the Matrix Client-Server API are there, and what walks them."""

from __future__ import annotations

import json
import re
from pathlib import Path

from attrs import frozen

from chatproto.operations.declare import Operation
from chatproto.operations.table import OPERATIONS
from chatproto.server.handlers.discovery import VERSIONS
from scripts.reference.markdown import anchor, code, table

FILE = Path(__file__).parent / "matrix_endpoints.json"
_BRACES = re.compile(r"\{[^}]*\}")
_INTRO = f"""# The Matrix Client-Server API

Every endpoint of the [specification](https://spec.matrix.org), by path. `/versions` lists
{VERSIONS[0]} to {VERSIONS[-1]}. Clients as they come from their registries live with a
started server in `tests/conformance`; every answer that they got is held against the
specification's schemas. What no client walks is tested like every
[operation](operations.md), by calls of our own.
"""


@frozen
class Endpoint:
    """A line of the table: what is known of an endpoint besides our operations."""

    verb: str
    path: str
    since: str
    left_out: str
    covered_by: tuple[str, ...]

    @property
    def key(self) -> tuple[str, str]:
        return self.verb, route(self.path)


def endpoints() -> list[Endpoint]:
    rows = json.loads(FILE.read_text())
    return [
        Endpoint(
            *row["endpoint"].split(" ", 1),
            since=row.get("since", ""),
            left_out=row.get("left_out", ""),
            covered_by=tuple(row.get("covered_by", ())),
        )
        for row in rows
    ]


def implemented() -> dict[tuple[str, str], list[Operation]]:
    """Our operations by endpoint; one that sets one key of many counts for all, and
    older paths count where the table does not say why they are left out.
    """
    known = {endpoint.key for endpoint in endpoints()}
    older = {endpoint.key for endpoint in endpoints() if not endpoint.left_out}
    found: dict[tuple[str, str], list[Operation]] = {}
    for operation in OPERATIONS:
        path = route(operation.path)
        general = path.rpartition("/")[0] + "/{}"
        for key in ((operation.verb, path), (operation.verb, general)):
            if key in known:
                found.setdefault(key, []).append(operation)
                break
        for alias in operation.aliases:
            key = (operation.verb, route(alias))
            if key in older and key not in found:
                found[key] = [operation]
    return found


def route(path: str) -> str:
    """A path without the names of its fields."""
    return _BRACES.sub("{}", path).rstrip("/")


def page() -> str:
    ours = implemented()
    rows = [_row(endpoint, ours.get(endpoint.key, [])) for endpoint in endpoints()]
    there = sum(endpoint.key in ours for endpoint in endpoints())
    count = f"{there} of {len(rows)} are there.\n"
    head = ("endpoint", "since", "state", "walked by")
    return "\n".join([_INTRO, count, table(head, rows)])


def _row(endpoint: Endpoint, operations: list[Operation]) -> tuple[str, ...]:
    names = [f"[{op.name}](operations.md#{anchor(op.name)})" for op in operations]
    state = ", ".join(names) or f"no: {endpoint.left_out or _when(endpoint)}"
    since = endpoint.since and f"v{endpoint.since}"
    name = code(f"{endpoint.verb} {endpoint.path}")
    return name, since, state, ", ".join(endpoint.covered_by)


def _when(endpoint: Endpoint) -> str:
    is_newer = _number(endpoint.since) > _number(VERSIONS[-1])
    return "newer than what `/versions` lists" if is_newer else "not yet"


def _number(version: str) -> int:
    return int(version.partition(".")[2] or 0)
