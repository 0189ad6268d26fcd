"""The table of endpoints in docs/reference, against the specification and the walks.

With UPDATE_COVERAGE=1 in the environment, what differs is written instead of told.
"""

from __future__ import annotations

import json
import os
from typing import Any

import attrs

from scripts.reference import matrix_api
from scripts.reference.matrix_api import Endpoint
from tests.conformance import matrix_spec, recordings

# What the files do not say of endpoints that came late.
_SINCE = {
    "/_matrix/client/v1/auth_metadata": "1.15",
    "/_matrix/client/v1/mutual_rooms": "1.19",
}


def specified() -> list[Endpoint]:
    """The endpoints of the specification, with what we had noted about each."""
    noted = {endpoint.key: endpoint for endpoint in matrix_api.endpoints()}
    found = []
    for key, path in matrix_spec.names().items():
        described = matrix_spec.endpoints()[key][1]
        since = str(described.get("x-addedInMatrixVersion", _SINCE.get(path, "")))
        endpoint = Endpoint(key[0], path, since, "", ())
        if key in noted:
            endpoint = attrs.evolve(noted[key], path=path, since=since)
        found.append(endpoint)
    return sorted(found, key=lambda endpoint: (endpoint.path, endpoint.verb))


def agreed(expected: list[Endpoint]) -> None:
    if os.environ.get("UPDATE_COVERAGE"):
        rows = [_row(endpoint) for endpoint in expected]
        lines = ",\n".join(json.dumps(row, ensure_ascii=False) for row in rows)
        matrix_api.FILE.write_text(f"[\n{lines}\n]\n")
    assert matrix_api.endpoints() == expected, "run with UPDATE_COVERAGE=1, see what"


def _row(endpoint: Endpoint) -> dict[str, Any]:
    row = {
        "endpoint": f"{endpoint.verb} {endpoint.path}",
        "since": endpoint.since,
        "left_out": endpoint.left_out,
        "covered_by": list(endpoint.covered_by),
    }
    return {name: value for name, value in row.items() if value}


def check(client: str, exchanges: list[dict]) -> None:
    """What a client said agrees with the specification, and with the table."""
    verdict = recordings.judged(exchanges)
    assert not verdict.problems, "\n".join(verdict.problems)
    agreed([_with(endpoint, client, verdict.covered) for endpoint in specified()])


def _with(endpoint: Endpoint, client: str, covered: frozenset[Any]) -> Endpoint:
    others = {name for name in endpoint.covered_by if name != client}
    walked = others | {client} if endpoint.key in covered else others
    return attrs.evolve(endpoint, covered_by=tuple(sorted(walked)))
